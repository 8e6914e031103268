"""What the AsyncAPI document says of an event is what travels: its headers, its key, its body."""

import json

import pytest
from jsonschema import Draft202012Validator, ValidationError

from event_bus import registry
from event_bus.testing import record_of
from service_base.asyncapi import document
from shared_models.events import decode, golden, identity

TYPE = identity.TeamChanged.TYPE


@pytest.fixture
def message():
    registry.load()
    return document()["components"]["messages"][TYPE]


@pytest.fixture
def record():
    return record_of(decode(TYPE, golden.examples()[TYPE][-1].read_bytes()))


def as_text(headers):
    return {name: value.decode() for name, value in headers}


def test_the_headers_of_an_event_are_those_of_the_document(message, record):
    found = as_text(record.headers)
    Draft202012Validator(message["headers"]).validate(found)
    assert found.keys() <= message["headers"]["properties"].keys()


def test_another_schema_in_the_headers_would_be_found(message, record):
    wrong = as_text(record.headers) | {"ce_dataschema": "urn:titan:schema:titan.moon.landed.v1"}
    with pytest.raises(ValidationError, match="landed"):
        Draft202012Validator(message["headers"]).validate(wrong)


def test_the_key_and_the_body_are_those_of_the_document(message, record):
    Draft202012Validator(document() | message["payload"]).validate(json.loads(record.value))
    assert message["bindings"]["kafka"]["key"]["description"] == "team_id"
    assert record.key.decode() == json.loads(record.value)["team_id"]
