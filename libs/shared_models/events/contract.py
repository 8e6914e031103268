"""What every event has: a type with its major version, a key that orders it, and an envelope around it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, NamedTuple, Protocol, TypeVar
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetPydanticSchema,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import core_schema

from shared_models.clock import rfc3339
from shared_models.money import exact, plain

# Amounts travel as text: a JSON number would become a float somewhere on the way.
Amount = Annotated[
    Decimal,
    BeforeValidator(exact),
    PlainSerializer(plain, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}),
]
# The same as the text it is, for what is passed on and not reckoned with: at most 12 digits and 8 places, checked by
# compiled code at a tenth of what a Decimal costs. A page of the ledger tells seven of them a person.
AmountText = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,12}(\.[0-9]{1,8})?$")]
_RFC3339 = WithJsonSchema({"type": "string", "format": "date-time", "pattern": "Z$"})
Moment = Annotated[AwareDatetime, PlainSerializer(rfc3339, return_type=str, when_used="json"), _RFC3339]
# One that is in UTC already, and is refused if it is not: then compiled code writes it as `rfc3339` does.
UtcMoment = Annotated[
    datetime, GetPydanticSchema(lambda kind, handler: core_schema.datetime_schema(tz_constraint=0)), _RFC3339
]

_contracts: dict[str, type[Event]] = {}


class UnknownType(LookupError):
    """An event type that this version of the contracts does not know."""


class Event(BaseModel):
    """Base of all contracts: frozen; unknown fields are ignored, so that producers may add optional ones.

    A subclass sets TYPE (`titan.<context>.<subject>.<what happened>.v<major>`) and KEY, the name of the field whose
    value is the Kafka key: events with the same key arrive in the order they were appended.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]
    KEY: ClassVar[str]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Enter the contract into the catalogue; two contracts with one type are a mistake."""
        if cls.TYPE in _contracts:
            raise TypeError(f"{cls.TYPE} is declared twice")
        if cls.KEY not in cls.model_fields:
            raise TypeError(f"{cls.__name__}.KEY names no field: {cls.KEY}")
        _contracts[cls.TYPE] = cls

    @property
    def key(self) -> str:
        """The aggregate this event belongs to, as text."""
        return str(getattr(self, self.KEY))


class Envelope(NamedTuple):
    """What travels around an event: CloudEvents' attributes and where Kafka keeps it.

    `id` is the same at every delivery of the same event; `time` is when the fact happened at its producer.
    """

    id: UUID
    type: str
    source: str
    subject: str
    time: datetime
    traceparent: str | None = None


def every_contract() -> dict[str, type[Event]]:
    """All known contracts by type."""
    return dict(sorted(_contracts.items()))


def decode(type_: str, body: bytes | str) -> Event:
    """The event in `body`. Raises UnknownType, or pydantic's ValidationError naming the field."""
    contract = _contracts.get(type_)
    if contract is None:
        raise UnknownType(type_)
    return contract.model_validate_json(body)


class Versioned(Protocol):
    """What is told of somebody as a whole, with a version that grows."""

    @property
    def owner_id(self) -> UUID:
        """Whom it tells of."""

    @property
    def version(self) -> int:
        """The greatest is the newest."""


V = TypeVar("V", bound=Versioned)


def newest(told: Iterable[V]) -> list[V]:
    """The newest of each owner."""
    found: dict[UUID, V] = {}
    for one in told:
        if found.setdefault(one.owner_id, one).version < one.version:
            found[one.owner_id] = one
    return list(found.values())


def topic_of(contract: type[Event] | str) -> str:
    """The Kafka topic of a contract: one a context, `titan.billing.v1`."""
    type_ = contract if isinstance(contract, str) else contract.TYPE
    return f"titan.{type_.split('.')[1]}.v1"
