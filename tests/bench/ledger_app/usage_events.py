"""Usage events to measure with: people who solve with their own machines and now and then with somebody else's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle
from uuid import UUID, uuid5

from event_bus.broker import Message
from event_bus.envelope import to_headers
from shared_models.clock import rfc3339, utc_now
from shared_models.events import ml
from shared_models.events.contract import topic_of
from shared_models.ids import new_id

NAMESPACE = UUID("b4c3a1f2-6d59-5a7e-8f10-2c9d3e4f5a6b")
LINES = 1_000


def people(number: int) -> list[UUID]:
    """The same people in every process."""
    return [uuid5(NAMESPACE, str(n)) for n in range(number)]


def solved(payer: UUID, owner: UUID | None) -> ml.SolvingCompleted:
    """A request that was solved, by a machine of the payer's own or of `owner`'s on the market."""
    return ml.SolvingCompleted(
        usage_id=new_id(),
        machine_id=uuid5(NAMESPACE, f"machine of {owner or payer}"),
        machine_name="wine",
        machine_owner_id=owner or payer,
        payer_id=payer,
        channel="market" if owner else "api",
        lines=LINES,
        columns=12,
        market_price_usd="0.0001" if owner else None,  # type: ignore[arg-type]
        completed_at=utc_now(),
    )


def stream(someone: Sequence[UUID], one_in: int) -> Iterator[ml.SolvingCompleted]:
    """Usage without end, everybody in turn, one in so many on the market; none with 0."""
    for number, payer in enumerate(cycle(someone)):
        is_sold = one_in and number % one_in == 0
        yield solved(payer, someone[(number * 7 + 1) % len(someone)] if is_sold else None)


def message(event: ml.SolvingCompleted) -> tuple[UUID, Message]:
    """The event's id, and its bytes as ml's relay would send them."""
    id_ = new_id()
    headers = to_headers(
        event_id=str(id_),
        type_=event.TYPE,
        key=event.key,
        source="/titan/ml",
        time=rfc3339(utc_now()),
        traceparent=None,
    )
    return id_, Message(topic_of(type(event)), event.key.encode(), event.model_dump_json().encode(), headers)
