"""The AsyncAPI 3.0 document of a service, made from the same registry that drives the code."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from event_bus import registry
from shared_models.events.contract import every_contract, topic_of


def document() -> dict[str, Any]:
    """What this service sends and receives, with the JSON Schema of each event."""
    said, heard = registry.published_types(), registry.handled_types()
    return {
        "asyncapi": "3.0.0",
        "info": {"title": f"TITAN {settings.TITAN_CONTEXT}", "version": "1.0.0"},
        "defaultContentType": "application/json",
        "channels": {topic: _channel(topic, said + heard) for topic in sorted({topic_of(t) for t in said + heard})},
        "operations": {
            **{f"send.{type_}": _operation("send", type_) for type_ in said},
            **{f"receive.{type_}": _operation("receive", type_) for type_ in heard},
        },
        "components": {"messages": {type_: _message(type_) for type_ in sorted({*said, *heard})}},
    }


def _channel(topic: str, types: list[str]) -> dict[str, Any]:
    messages = sorted({type_ for type_ in types if topic_of(type_) == topic})
    return {
        "address": topic,
        "messages": {type_: {"$ref": f"#/components/messages/{type_}"} for type_ in messages},
        "bindings": {"kafka": {"partitions": 6}},
    }


def _operation(action: str, type_: str) -> dict[str, Any]:
    topic = topic_of(type_)
    found: dict[str, Any] = {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic}"},
        "messages": [{"$ref": f"#/channels/{topic}/messages/{type_}"}],
    }
    if action == "receive":
        found["bindings"] = {"kafka": {"groupId": {"type": "string", "enum": [settings.TITAN_CONSUMER_GROUP]}}}
    return found


def _message(type_: str) -> dict[str, Any]:
    contract = every_contract()[type_]
    return {
        "name": type_,
        "summary": (contract.__doc__ or "").split("\n")[0],
        "headers": {"type": "object", "required": ["ce_id", "ce_type", "ce_source", "ce_time", "ce_specversion"]},
        "payload": contract.model_json_schema(ref_template="#/components/schemas/{model}"),
    }
