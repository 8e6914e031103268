"""From a received record to the handlers that want it: unpacked, grouped for batch handlers, and called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from time import perf_counter
from typing import NamedTuple

from pydantic import ValidationError

from event_bus import metrics, tracing
from event_bus.broker import Record
from event_bus.envelope import BadEnvelope, from_headers
from event_bus.outbox import MAX_PAYLOAD_BYTES
from event_bus.parking import Permanent
from event_bus.registry import handled_types, handlers_for
from shared_models.events.contract import Envelope, Event, decode, every_contract

# What no second try can help.
PERMANENT = (Permanent, ValidationError, BadEnvelope)


class Delivery(NamedTuple):
    """An event that somebody here listens to."""

    record: Record
    envelope: Envelope
    event: Event


def unpack(record: Record) -> Delivery | None:
    """The event in `record`, or None when nobody here listens to its type. Raises a PERMANENT error."""
    envelope = from_headers(record.headers)
    if not handlers_for(envelope.type):
        _refuse_newer_version(envelope.type)
        metrics.skipped.labels(envelope.type).inc()
        return None
    if len(record.value) > MAX_PAYLOAD_BYTES:
        raise Permanent(f"the body has {len(record.value)} bytes; at most {MAX_PAYLOAD_BYTES} are handled")
    return Delivery(record, envelope, decode(envelope.type, record.value))


def call_handlers(deliveries: Sequence[Delivery]) -> None:
    """Call every handler with its events, those of one key in their order."""
    for group in in_groups(deliveries):
        type_ = group[0].envelope.type
        events = [(delivery.event, delivery.envelope) for delivery in group]
        for handler in handlers_for(type_):
            started = perf_counter()
            with tracing.together(type_, handler, events):
                handler(events)
            metrics.handler_seconds.labels(type_).observe(perf_counter() - started)


def count_handled(deliveries: Sequence[Delivery]) -> None:
    """Count events whose effects are committed."""
    for type_, number in Counter(delivery.envelope.type for delivery in deliveries).items():
        metrics.handled.labels(type_).inc(number)


def in_groups(deliveries: Sequence[Delivery]) -> list[list[Delivery]]:
    """`deliveries` as few groups of one type each, such that an event never comes before an earlier one of its key."""
    if len({delivery.envelope.type for delivery in deliveries}) == 1:
        return [list(deliveries)]
    groups: list[list[Delivery]] = []
    last_of_key: dict[tuple[str, bytes], int] = {}
    last_of_type: dict[str, int] = {}
    for delivery in deliveries:
        type_, key = delivery.envelope.type, (delivery.record.topic, delivery.record.key)
        group = last_of_type.get(type_, -1)
        if group < last_of_key.get(key, 0):
            group = last_of_type[type_] = len(groups)
            groups.append([])
        groups[group].append(delivery)
        last_of_key[key] = group
    return groups


def _refuse_newer_version(type_: str) -> None:
    if _is_newer_than_this_code(type_):
        raise Permanent(f"{type_} is newer than this code: deploy code that knows it, then replay")


@lru_cache(maxsize=1024)
def _is_newer_than_this_code(type_: str) -> bool:
    """A version nobody here has heard of; one that is known but has no handler is left alone on purpose."""
    subject = type_.rpartition(".v")[0]
    return type_ not in every_contract() and any(known.rpartition(".v")[0] == subject for known in handled_types())
