"""The contracts published as files are what the code says, hang together, and fit the bytes that travel."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from service_base import contracts
from service_base.addresses import SERVICES
from shared_models.events import every_contract, golden
from shared_models.events.schemas import DIALECT, URN, schema_of

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / contracts.FOLDER
AGAIN = "run `make contracts` and commit what it writes"
# The names that AsyncAPI 3.0 allows for messages and schemas.
NAME = re.compile(r"^[\w\d.\-_]+$")
SHAPES = [(type_, path) for type_, paths in golden.examples().items() for path in paths]


def published(name: str) -> Any:
    return json.loads((PUBLISHED / name).read_text())


@cache
def wanted() -> dict[str, str]:
    return contracts.files()


@pytest.mark.timeout(240)
def test_the_published_files_are_what_the_code_says():
    found = {str(path.relative_to(PUBLISHED)): path.read_text() for path in PUBLISHED.rglob("*") if path.is_file()}
    assert sorted(found) == sorted(wanted()), AGAIN
    assert [name for name in found if found[name] != wanted()[name]] == [], AGAIN


def test_nothing_speaks_against_publishing():
    assert contracts.refusals(PUBLISHED) == []


def test_a_contract_that_lost_a_field_is_refused_with_the_way_out(tmp_path):
    type_ = "titan.billing.coupon.activated.v1"
    older = schema_of(every_contract()[type_])
    older["properties"]["currency"] = {"type": "string"}
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / f"{type_}.json").write_text(json.dumps(older))
    assert contracts.refusals(tmp_path) == [
        f"{type_}: currency is gone from the body; make a new major version (docs/guides/change-an-event.md)"
    ]


def test_a_contract_that_is_gone_is_refused(tmp_path):
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "titan.moon.landed.v1.json").write_text("{}")
    assert contracts.refusals(tmp_path) == ["titan.moon.landed.v1 is gone: old bytes of it must decode for ever"]


@pytest.mark.parametrize(("type_", "path"), SHAPES, ids=lambda value: getattr(value, "stem", None))
def test_a_golden_example_fits_the_published_schema_of_its_type(type_, path):
    Draft202012Validator(published(f"schemas/{type_}.json")).validate(json.loads(path.read_text()))


@pytest.mark.parametrize("type_", sorted(every_contract()))
def test_a_published_schema_is_one_and_has_the_name_that_events_carry(type_):
    schema = published(f"schemas/{type_}.json")
    Draft202012Validator.check_schema(schema)
    assert (schema["$schema"], schema["$id"]) == (DIALECT, f"{URN}{type_}")
    assert schema["x-titan-key"] in schema["properties"]


def references(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        yield from (value for name, value in found.items() if name == "$ref")
        for value in found.values():
            yield from references(value)
    elif isinstance(found, list):
        for value in found:
            yield from references(value)


def at(document: dict[str, Any], reference: str) -> Any:
    """What a reference of the document leads to."""
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_each_reference_of_an_asyncapi_document_leads_to_something(service):
    document = published(f"asyncapi/{service}.json")
    found = set(references(document))
    assert found
    assert [reference for reference in found if not at(document, reference)] == []


@pytest.mark.parametrize("service", SERVICES)
def test_an_operation_sends_or_receives_messages_of_its_channel(service):
    document = published(f"asyncapi/{service}.json")
    assert document["operations"]
    for name, operation in document["operations"].items():
        assert operation["action"] == name.split(".")[0]
        channel = at(document, operation["channel"]["$ref"])
        for message in operation["messages"]:
            assert message["$ref"].startswith(f"{operation['channel']['$ref']}/messages/")
            assert at(document, message["$ref"]) in channel["messages"].values()


@pytest.mark.parametrize("service", SERVICES)
def test_an_asyncapi_document_has_what_version_three_demands(service):
    document = published(f"asyncapi/{service}.json")
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= document["info"].keys()
    allowed = {"asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components"}
    assert document.keys() <= allowed
    assert [name for part in document["components"].values() for name in part if not NAME.match(name)] == []
    for channel in document["channels"].values():
        assert channel.keys() <= {"address", "messages", "title", "summary", "description", "bindings"}
    for operation in document["operations"].values():
        assert operation.keys() <= {"action", "channel", "messages", "title", "summary", "description", "bindings"}


@pytest.mark.parametrize("service", SERVICES)
def test_the_example_of_a_message_fits_its_payload(service):
    document = published(f"asyncapi/{service}.json")
    for message in document["components"]["messages"].values():
        [example] = message["examples"]
        # The document itself is the schema's home, so that its references are found.
        Draft202012Validator(document | message["payload"]).validate(example["payload"])
