"""Turning received records into effects: the whole batch in one transaction, or, when that fails, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import structlog
from django.db import InterfaceError, OperationalError, transaction
from pydantic import ValidationError

from event_bus import inbox, metrics, parking, tracing
from event_bus.broker import Record
from event_bus.envelope import BadEnvelope, from_headers
from event_bus.parking import Permanent
from event_bus.registry import handlers_for
from shared_models.events.contract import Envelope, decode

log = structlog.get_logger("titan.consumer")

TRIES = 3
# What goes away by itself: the connection, a deadlock, a server that restarts. Never a reason to park.
TRANSIENT = (OperationalError, InterfaceError)
PERMANENT = (Permanent, ValidationError, BadEnvelope)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch."""

    handled: int = 0
    duplicates: int = 0
    parked: int = 0
    skipped: int = 0


def apply_batch(consumer: str, records: Sequence[Record]) -> Outcome:
    """Commit the effects of `records`, each event's exactly once; poison is parked and holds back its key only.

    Raises a TRANSIENT error when the database cannot work now: then nothing of the batch is lost and it is to be
    applied again.
    """
    started = perf_counter()
    try:
        return _together(consumer, records)
    except TRANSIENT:
        raise
    except Exception as error:  # one bad event must not stop the rest: find it by going one by one
        log.info("consumer.batch_split", records=len(records), error=reason_of(error))
        return _one_by_one(consumer, records)
    finally:
        metrics.batch_seconds.observe(perf_counter() - started)


def apply_one(consumer: str, record: Record) -> bool:
    """Apply one record inside the caller's transaction; False when its effects existed already."""
    envelope = from_headers(record.headers)
    if not inbox.claim(consumer, [envelope]):
        metrics.duplicates.labels(consumer).inc()
        return False
    _call(envelope, record)
    return True


def reason_of(error: BaseException) -> str:
    """The error as one readable line."""
    return f"{type(error).__name__}: {error}"


def _together(consumer: str, records: Sequence[Record]) -> Outcome:
    known = [(from_headers(record.headers), record) for record in records]
    wanted = [(envelope, record) for envelope, record in known if handlers_for(envelope.type)]
    with transaction.atomic():
        blocked = parking.blocked_keys(consumer, [record for _, record in wanted])
        free = [(envelope, record) for envelope, record in wanted if _place(record) not in blocked]
        new = inbox.claim(consumer, [envelope for envelope, _ in free])
        for envelope, record in free:
            if envelope.id in new:
                new.discard(envelope.id)  # the same event twice in one batch
                _call(envelope, record)
        held = [record for _, record in wanted if _place(record) in blocked]
        for record in held:
            parking.park(consumer, record, error=parking.BEHIND)
    _count_skipped(known)
    handled = len({envelope.id for envelope, _ in free})
    return Outcome(handled=handled, parked=len(held), skipped=len(known) - len(wanted))


def _one_by_one(consumer: str, records: Sequence[Record]) -> Outcome:
    handled = parked = 0
    for record in records:
        if _settle(consumer, record):
            handled += 1
        else:
            parked += 1
    return Outcome(handled=handled, parked=parked)


def _settle(consumer: str, record: Record) -> bool:
    """Apply or park one record in its own transaction; True when it was applied."""
    for attempt in range(1, TRIES + 1):
        try:
            with transaction.atomic():
                if _is_for_us(record) and _place(record) in parking.blocked_keys(consumer, [record]):
                    parking.park(consumer, record, error=parking.BEHIND)
                    return False
                if _is_for_us(record):
                    apply_one(consumer, record)
                return True
        except TRANSIENT:
            raise
        except PERMANENT as error:
            return _park(consumer, record, error, attempt)
        except Exception as error:  # unknown: worth another try, then an operator's eye
            if attempt == TRIES:
                return _park(consumer, record, error, attempt)
    return False


def _park(consumer: str, record: Record, error: Exception, attempts: int) -> bool:
    with transaction.atomic():
        parking.park(consumer, record, error=reason_of(error), attempts=attempts)
    log.error("consumer.parked", topic=record.topic, offset=record.offset, error=reason_of(error))
    return False


def _is_for_us(record: Record) -> bool:
    return bool(handlers_for(from_headers(record.headers).type))


def _call(envelope: Envelope, record: Record) -> None:
    event = decode(envelope.type, record.value)
    token = tracing.enter(envelope.traceparent)
    try:
        for handler in handlers_for(envelope.type):
            handler(event, envelope)
    finally:
        tracing.leave(token)
    metrics.handled.labels(envelope.type).inc()


def _place(record: Record) -> tuple[str, str]:
    return record.topic, record.key.decode("utf-8", "replace")


def _count_skipped(known: Sequence[tuple[Envelope, Record]]) -> None:
    for envelope, _ in known:
        if not handlers_for(envelope.type):
            metrics.skipped.labels(envelope.type).inc()
