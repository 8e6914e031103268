"""Every event type is written down once for ever: old bytes must decode with new code."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared_models.clock import in_utc, rfc3339
from shared_models.events import Event, UnknownType, decode, every_contract, golden, topic_of
from shared_models.events.billing import BalancesChanged, PricesPublished
from shared_models.events.contract import AmountText, UtcMoment
from shared_models.money import LARGEST, plain

TYPES = sorted(every_contract())
EXAMPLES = golden.examples()
SHAPES = [(type_, path) for type_, paths in EXAMPLES.items() for path in paths]


def body_of(type_):
    """The newest example of a type."""
    return json.loads(EXAMPLES[type_][-1].read_text())


@pytest.mark.parametrize("type_", TYPES)
def test_the_newest_golden_example_of_a_type_has_every_field_and_encodes_to_itself(type_):
    assert json.loads(decode(type_, json.dumps(body_of(type_))).model_dump_json()) == body_of(type_)


@pytest.mark.parametrize(("type_", "path"), SHAPES, ids=lambda value: getattr(value, "stem", None))
def test_no_field_of_any_golden_example_is_lost_by_decoding(type_, path):
    body = json.loads(path.read_text())
    assert json.loads(decode(type_, path.read_bytes()).model_dump_json()).items() >= body.items()


def test_each_contract_has_an_example_and_each_example_its_contract():
    assert sorted(EXAMPLES) == TYPES


def test_a_released_example_is_what_it_was():
    assert golden.rewritten() == []


def test_an_example_is_released_with_the_contract():
    assert golden.released() == golden.digests(), "make contracts"


def test_a_rewritten_example_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(golden, "FOLDER", tmp_path)
    monkeypatch.setattr(golden, "RELEASED", tmp_path / "released.sha256")
    kept, rewritten = tmp_path / "titan.probe.x.v1.json", tmp_path / "titan.probe.x.v1.2.json"
    kept.write_text("{}")
    rewritten.write_text("{}")
    golden.RELEASED.write_text(golden.release())
    rewritten.write_text('{"a": 1}')
    assert golden.rewritten() == [rewritten.name]
    assert golden.examples() == {"titan.probe.x.v1": [kept, rewritten]}
    golden.RELEASED.write_text(golden.release())
    assert golden.rewritten() == [rewritten.name], "releasing again must not forgive it"


@pytest.mark.parametrize("type_", TYPES)
def test_a_field_that_came_later_does_not_disturb_an_older_reader(type_):
    body = body_of(type_)
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
    with pytest.raises(ValidationError, match="page_id"):
        decode(BalancesChanged.TYPE, "{}")


def test_an_amount_travels_as_text_and_never_as_a_float():
    body = body_of(PricesPublished.TYPE)
    assert isinstance(body["usd_per_eaml"], str)
    with pytest.raises(ValidationError):
        decode(PricesPublished.TYPE, json.dumps(body | {"usd_per_eaml": 1.1}))


@pytest.mark.parametrize(
    "amount", [1, 1.1, None, "", "NaN", "1e5", "+1", " 1", "1\n", "1.", "٣", "1" * 13, "0.000000001"]
)
def test_an_amount_that_is_passed_on_as_text_is_an_amount(amount):
    body = body_of(BalancesChanged.TYPE)
    balance = body["balances"][0]
    decode(BalancesChanged.TYPE, json.dumps(body | {"balances": [balance | {"user_balance": "-" + "9" * 12 + ".5"}]}))
    with pytest.raises(ValidationError, match="user_balance"):
        decode(BalancesChanged.TYPE, json.dumps(body | {"balances": [balance | {"user_balance": amount}]}))


@given(st.decimals(-LARGEST, LARGEST, places=8))
def test_every_amount_of_money_can_be_told_as_text(amount):
    assert Decimal(TypeAdapter(AmountText).validate_python(plain(amount))) == amount


def test_two_contracts_cannot_share_a_type():
    with pytest.raises(TypeError, match="twice"):
        type("Twin", (Event,), {"TYPE": BalancesChanged.TYPE, "KEY": "x", "__annotations__": {"x": int}})


def test_instants_are_written_in_utc_with_a_z():
    noon = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    assert rfc3339(noon) == "2026-07-01T10:00:00Z"
    with pytest.raises(ValueError, match="timezone"):
        rfc3339(datetime(2026, 7, 1, 12))
    assert rfc3339(datetime(2026, 7, 1, 12, 0, 0, 5, tzinfo=UTC)).endswith(".000005Z")


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_that_is_in_utc_is_written_like_every_other(moment):
    text = TypeAdapter(UtcMoment).dump_json(moment).decode()
    assert text == f'"{rfc3339(moment)}"'
    assert TypeAdapter(UtcMoment).validate_json(text) == moment


@pytest.mark.parametrize("elsewhere", ["2026-07-01T12:00:00+02:00", "2026-07-01T12:00:00"])
def test_a_moment_that_is_not_in_utc_is_refused_where_it_must_be(elsewhere):
    with pytest.raises(ValidationError):
        TypeAdapter(UtcMoment).validate_json(f'"{elsewhere}"')
    noon = datetime.fromisoformat(elsewhere)
    if noon.tzinfo is None:
        with pytest.raises(ValueError, match="timezone"):
            in_utc(noon)
    else:
        assert TypeAdapter(UtcMoment).validate_python(in_utc(noon)) == noon
