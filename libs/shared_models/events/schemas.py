"""JSON Schemas of the contracts, and the changes that must not happen to one: what old bytes or readers would feel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from shared_models.events.contract import Event, topic_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"
URN = "urn:titan:schema:"
# Words about a field may change at any time; everything else is what readers were promised.
_WORDS = frozenset({"title", "description"})


class Untitled(GenerateJsonSchema):
    """Schemas without a title for each field, which would only repeat its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False


def urn_of(type_: str) -> str:
    """The name of an event type's schema, as events carry it in `ce_dataschema`."""
    return f"{URN}{type_}"


def schema_of(contract: type[Event]) -> dict[str, Any]:
    """What the body of such an event looks like on the wire. Further fields may come: readers ignore them."""
    return {
        "$schema": DIALECT,
        "$id": urn_of(contract.TYPE),
        "x-titan-topic": topic_of(contract),
        "x-titan-key": contract.KEY,
        **contract.model_json_schema(mode="serialization", schema_generator=Untitled),
    }


def breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Why `new` cannot replace `old` within a major version, a sentence each; empty when it can.

    Only one change is allowed: a further field that has a default. A field that goes, is renamed, retyped, widened,
    narrowed, or becomes optional or required is felt by old bytes or by readers that were not deployed yet.
    """
    return list(_differences(_resolved(old, old), _resolved(new, new), "the body"))


def _resolved(schema: Any, root: dict[str, Any]) -> Any:
    """The schema with every reference replaced by what it refers to, so that a rename of a part is no change."""
    if isinstance(schema, list):
        return [_resolved(part, root) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        schema = {**root["$defs"][schema["$ref"].rsplit("/", 1)[1]], **{k: v for k, v in schema.items() if k != "$ref"}}
    # Below `properties` the keys are names of fields, one of which may be "title".
    return {
        key: {name: _resolved(part, root) for name, part in value.items()}
        if key == "properties"
        else _resolved(value, root)
        for key, value in schema.items()
        if key != "$defs" and (key not in _WORDS)
    }


def _differences(old: Any, new: Any, place: str) -> Iterator[str]:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        if old != new:
            yield f"{place} changed from {old} to {new}"
        return
    yield from _fields(old, new, place)
    for key in sorted((old.keys() | new.keys()) - {"properties", "required"}):
        was, now = old.get(key), new.get(key)
        if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
            for before, after in zip(was, now, strict=True):
                yield from _differences(before, after, place)
        elif isinstance(was, dict) and isinstance(now, dict):
            yield from _differences(was, now, place)
        elif was != now:
            yield f"{place}: {key} changed from {was} to {now}"


def _fields(old: dict[str, Any], new: dict[str, Any], place: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    must_before, must_after = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(before.keys() - after.keys()):
        yield f"{name} is gone from {place}"
    for name in sorted(must_after - before.keys()):
        yield f"{name} is new in {place} and has no default, so old bytes lack it"
    for name in sorted(before.keys() & after.keys()):
        if (name in must_before) != (name in must_after):
            yield f"{name} of {place} became {'required' if name in must_after else 'optional'}"
        yield from _differences(before[name], after[name], name)
