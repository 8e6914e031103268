"""Within a major version a contract may only gain fields that have a default; everything else is found and named."""

from typing import Any, ClassVar, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel

from shared_models.events.contract import Amount, Event, Moment, _contracts
from shared_models.events.schemas import breaks, schema_of

TYPE = "titan.probe.parcel.sent.v1"


class Stop(BaseModel):
    """Where it passes."""

    place: str
    fee: Amount


class Sent(Event):
    """A parcel left."""

    TYPE: ClassVar = TYPE
    KEY: ClassVar = "parcel_id"

    parcel_id: UUID
    weight: Amount
    sent_at: Moment
    kind: Literal["letter", "box"]
    title: str
    stops: list[Stop]
    note: str | None = None


_contracts.pop(TYPE)
OLD = schema_of(Sent)


def changed(**fields: Any) -> dict[str, Any]:
    """The contract's schema after a change of fields: an annotation, one with its default, or None for none."""
    required = {name: a for name, a in fields.items() if not isinstance(a, tuple)}
    optional = {name: a for name, a in fields.items() if isinstance(a, tuple)}
    kept = Sent.__annotations__ | required | {name: a for name, (a, _) in optional.items()}
    values = {"TYPE": TYPE, "KEY": "parcel_id", "note": None} | {
        name: default for name, (_, default) in optional.items()
    }
    made = type(
        "Sent",
        (Event,),
        {"__annotations__": {name: a for name, a in kept.items() if a is not None}, "__module__": __name__}
        | {name: value for name, value in values.items() if name not in required},
    )
    _contracts.pop(TYPE)
    return schema_of(made)


def test_a_contract_may_stay_as_it_is():
    assert breaks(OLD, changed()) == []


def test_a_field_with_a_default_may_come():
    assert breaks(OLD, changed(colour=(str | None, None))) == []


def test_words_may_change():
    assert breaks(OLD, OLD | {"description": "A parcel left the house."}) == []


def test_a_field_that_goes_is_named():
    assert breaks(OLD, changed(weight=None)) == ["weight is gone from the body"]


def test_a_field_whose_name_is_also_a_word_of_the_schemas_is_named_when_it_goes():
    assert breaks(OLD, changed(title=None)) == ["title is gone from the body"]


def test_a_renamed_field_is_one_that_goes_and_one_that_old_bytes_lack():
    assert breaks(OLD, changed(weight=None, mass=Amount)) == [
        "weight is gone from the body",
        "mass is new in the body and has no default, so old bytes lack it",
    ]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"weight": float}, "weight: "),
        ({"kind": Literal["letter", "box", "crate"]}, "kind"),
        ({"kind": Literal["letter"]}, "kind"),
        ({"stops": list[str]}, "stops"),
        ({"note": (str, "")}, "note"),
        ({"note": str | None}, "note of the body became required"),
        ({"title": (str, "none")}, "title of the body became optional"),
        ({"sent_at": str}, "sent_at"),
    ],
)
def test_a_changed_field_is_named(fields, reason):
    found = breaks(OLD, changed(**fields))
    assert found
    assert reason in found[0]


def test_a_part_that_loses_a_field_is_named():
    class Stop(BaseModel):
        place: str

    assert breaks(OLD, changed(stops=list[Stop])) == ["fee is gone from stops"]


def test_a_part_may_be_called_something_else():
    class Halt(BaseModel):
        place: str
        fee: Amount

    assert breaks(OLD, changed(stops=list[Halt])) == []


def test_another_key_would_reorder_events():
    assert breaks(OLD, OLD | {"x-titan-key": "title"}) == ["the body: x-titan-key changed from parcel_id to title"]
