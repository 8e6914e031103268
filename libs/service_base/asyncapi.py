"""The AsyncAPI 3.0 document of a service, made from the same registry that drives the code.

`python -m service_base.asyncapi --settings=<service>.settings` prints it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from django.conf import settings
from pydantic.json_schema import models_json_schema

from event_bus import registry
from shared_models.events.contract import Event, every_contract, topic_of
from shared_models.events.golden import examples
from shared_models.events.schemas import Untitled, urn_of

PARTITIONS = 6
KAFKA = "0.5.0"  # the version of AsyncAPI's Kafka bindings
_HEADERS = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": {"type": "string", "format": "uuid", "description": "the same at every delivery of the same event"},
    "ce_source": {"type": "string", "description": "which service said it"},
    "ce_time": {"type": "string", "format": "date-time", "description": "when it happened"},
    "ce_subject": {"type": "string", "description": "the Kafka key"},
    "content-type": {"type": "string", "const": "application/json"},
    "traceparent": {"type": "string", "description": "the W3C trace that it happened in"},
}


def document() -> dict[str, Any]:
    """What this service sends and receives, with the JSON Schema and an example of each event."""
    said, heard = registry.published_types(), registry.handled_types()
    types = sorted({*said, *heard})
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"TITAN {settings.TITAN_CONTEXT}",
            "version": "1.0.0",
            "description": "CloudEvents 1.0 in Kafka's binary mode; the key orders events of one aggregate.",
        },
        "defaultContentType": "application/json",
        "channels": {topic: _channel(topic, types) for topic in sorted({topic_of(type_) for type_ in types})},
        "operations": {
            **{f"send.{type_}": _operation("send", type_) for type_ in said},
            **{f"receive.{type_}": _operation("receive", type_) for type_ in heard},
        },
        "components": _components([every_contract()[type_] for type_ in types]),
    }


def _channel(topic: str, types: list[str]) -> dict[str, Any]:
    messages = [type_ for type_ in types if topic_of(type_) == topic]
    return {
        "address": topic,
        "messages": {type_: {"$ref": f"#/components/messages/{type_}"} for type_ in messages},
        "bindings": {"kafka": {"topic": topic, "partitions": PARTITIONS, "bindingVersion": KAFKA}},
    }


def _operation(action: str, type_: str) -> dict[str, Any]:
    topic = topic_of(type_)
    found: dict[str, Any] = {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic}"},
        "messages": [{"$ref": f"#/channels/{topic}/messages/{type_}"}],
    }
    if action == "receive":
        group = {"type": "string", "enum": [settings.TITAN_CONSUMER_GROUP]}
        found["bindings"] = {"kafka": {"groupId": group, "bindingVersion": KAFKA}}
    return found


def _components(contracts: list[type[Event]]) -> dict[str, Any]:
    """Messages that refer to schemas by name: a part that two events share is written once."""
    bodies, schemas = models_json_schema(
        [(contract, "serialization") for contract in contracts],
        ref_template="#/components/schemas/{model}",
        schema_generator=Untitled,
    )
    messages = {contract.TYPE: _message(contract, bodies[contract, "serialization"]) for contract in contracts}
    return {"messages": messages, "schemas": schemas.get("$defs", {})}


def _message(contract: type[Event], body: dict[str, Any]) -> dict[str, Any]:
    own = {
        "ce_type": {"type": "string", "const": contract.TYPE},
        "ce_dataschema": {"type": "string", "const": urn_of(contract.TYPE)},
    }
    return {
        "name": contract.TYPE,
        "summary": (contract.__doc__ or "").strip().split("\n")[0],
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": ["ce_id", "ce_source", "ce_specversion", "ce_time", "ce_type"],
            "properties": _HEADERS | own,
        },
        "payload": body,
        "bindings": {"kafka": {"key": {"type": "string", "description": contract.KEY}, "bindingVersion": KAFKA}},
        "examples": [{"payload": json.loads(path.read_text())} for path in examples()[contract.TYPE][-1:]],
    }


def main() -> None:
    """Print the document of the service whose settings are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True)
    os.environ["DJANGO_SETTINGS_MODULE"] = parser.parse_args().settings
    import django

    django.setup()
    sys.stdout.write(json.dumps(document(), indent=2) + "\n")


if __name__ == "__main__":
    main()
