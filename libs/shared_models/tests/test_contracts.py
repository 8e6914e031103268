"""Every event type is written down once for ever: old bytes must decode with new code."""

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from shared_models.clock import rfc3339
from shared_models.events import Event, UnknownType, decode, every_contract, topic_of
from shared_models.events.billing import BalanceChanged

GOLDEN = Path(__file__).parent.parent / "golden"
TYPES = sorted(every_contract())


@pytest.mark.parametrize("type_", TYPES)
def test_each_type_has_a_golden_example_that_decodes_and_encodes_to_itself(type_):
    text = (GOLDEN / f"{type_}.json").read_text()
    assert json.loads(decode(type_, text).model_dump_json()) == json.loads(text)


def test_no_golden_example_is_without_its_contract():
    assert sorted(path.stem for path in GOLDEN.glob("*.json")) == TYPES


@pytest.mark.parametrize("type_", TYPES)
def test_a_field_that_came_later_does_not_disturb_an_older_reader(type_):
    body = json.loads((GOLDEN / f"{type_}.json").read_text())
    assert decode(type_, json.dumps(body | {"a_field_of_tomorrow": 1})) == decode(type_, json.dumps(body))


@pytest.mark.parametrize("type_", TYPES)
def test_a_type_names_its_context_subject_and_major_version(type_):
    platform, context, *_, version = type_.split(".")
    assert platform == "titan"
    assert version.startswith("v")
    assert topic_of(type_) == f"titan.{context}.v1"


def test_an_unknown_type_is_named():
    with pytest.raises(UnknownType, match="titan.moon.landed.v1"):
        decode("titan.moon.landed.v1", "{}")


def test_a_body_that_does_not_fit_names_the_field():
    with pytest.raises(ValidationError, match="owner_id"):
        decode(BalanceChanged.TYPE, "{}")


def test_an_amount_travels_as_text_and_never_as_a_float():
    body = json.loads((GOLDEN / f"{BalanceChanged.TYPE}.json").read_text())
    assert isinstance(body["user_balance"], str)
    with pytest.raises(ValidationError):
        decode(BalanceChanged.TYPE, json.dumps(body | {"user_balance": 1.1}))


def test_two_contracts_cannot_share_a_type():
    with pytest.raises(TypeError, match="twice"):
        type("Twin", (Event,), {"TYPE": BalanceChanged.TYPE, "KEY": "x", "__annotations__": {"x": int}})


def test_instants_are_written_in_utc_with_a_z():
    noon = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    assert rfc3339(noon) == "2026-07-01T10:00:00Z"
    with pytest.raises(ValueError, match="timezone"):
        rfc3339(datetime(2026, 7, 1, 12))
    assert rfc3339(datetime(2026, 7, 1, 12, 0, 0, 5, tzinfo=UTC)).endswith(".000005Z")
