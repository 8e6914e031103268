"""What every event has: a type with its major version, a key that orders it, and an envelope around it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Protocol, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

from shared_models.clock import rfc3339
from shared_models.money import exact, plain

# Amounts travel as text: a JSON number would become a float somewhere on the way.
Amount = Annotated[
    Decimal,
    BeforeValidator(exact),
    PlainSerializer(plain, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}),
]
Moment = Annotated[
    AwareDatetime,
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": "Z$"}),
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


@dataclass(frozen=True, slots=True)
class Envelope:
    """What travels around an event: CloudEvents' attributes and where Kafka keeps it.

    `id` is the same at every delivery of the same event; `time` is when the fact happened at its producer.
    """

    id: UUID
    type: str
    source: str
    subject: str
    time: datetime
    traceparent: str | None = None
    extra: dict[str, str] = field(default_factory=dict)


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
    """An event that tells a state as a whole, with a version that grows."""

    @property
    def key(self) -> str:
        """Whose state it is."""

    @property
    def version(self) -> int:
        """The greatest is the newest."""


V = TypeVar("V", bound=Versioned)


def newest(events: Iterable[V]) -> list[V]:
    """Of events of one contract the newest of each key, in the order of keys."""
    found: dict[str, V] = {}
    for event in events:
        if found.setdefault(event.key, event).version < event.version:
            found[event.key] = event
    return [found[key] for key in sorted(found)]


def topic_of(contract: type[Event] | str) -> str:
    """The Kafka topic of a contract: one a context, `titan.billing.v1`."""
    type_ = contract if isinstance(contract, str) else contract.TYPE
    return f"titan.{type_.split('.')[1]}.v1"
