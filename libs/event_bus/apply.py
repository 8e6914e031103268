"""Turning received records into effects: the batch in one transaction or, when that fails, ever smaller parts of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from operator import add
from time import perf_counter
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, transaction

from event_bus import dispatch, fences, inbox, metrics, parking
from event_bus.breaker import Breaker, BreakerOpen
from event_bus.broker import Record
from event_bus.dispatch import PERMANENT, Delivery
from event_bus.parking import SetAside
from shared_models.clock import utc_now

log = structlog.get_logger("titan.consumer")

TRIES = 3
# What goes away by itself: the connection, a deadlock, a full disk, a server that restarts. Never a reason to park.
TRANSIENT = (OperationalError, InterfaceError)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch."""

    handled: int = 0
    duplicates: int = 0
    parked: int = 0
    skipped: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        """Both together."""
        return Outcome(*map(add, astuple(self), astuple(other)))


@dataclass(slots=True)
class _Sorted:
    """A batch taken apart: what is to be handled, what cannot be, and what waits behind that."""

    free: list[Delivery] = field(default_factory=list)
    aside: list[SetAside] = field(default_factory=list)
    failures: list[bool] = field(default_factory=list)
    skipped: int = 0


class Applier:
    """Applies batches for one consumer on one cluster; `breaker` sees every event that had to be parked."""

    def __init__(self, consumer: str, cluster: str = "", breaker: Breaker | None = None) -> None:
        self._consumer = consumer
        self._cluster = cluster
        self._breaker = breaker or Breaker()

    def apply(self, records: Sequence[Record]) -> Outcome:
        """Commit the effects of `records`, each event's exactly once; poison is parked and holds back its key only.

        Raises a TRANSIENT error when the database cannot work now: then what did not commit is to be applied again.
        Raises BreakerOpen when too much would be parked: then nothing of the failing part is committed.
        """
        started = perf_counter()
        try:
            return self._apply(records)
        finally:
            metrics.batch_seconds.observe(perf_counter() - started)

    def _apply(self, records: Sequence[Record]) -> Outcome:
        try:
            return self._commit(records)
        except (BreakerOpen, *TRANSIENT):
            raise
        except Exception as error:  # one bad event must not stop the rest: halve the batch until it stands alone
            if len(records) == 1:
                return self._retry_alone(records[0], error)
            log.info("consumer.batch_split", records=len(records), error=reason_of(error))
            middle = len(records) // 2
            return self._apply(records[:middle]) + self._apply(records[middle:])

    def _commit(self, records: Sequence[Record]) -> Outcome:
        """Inbox rows, effects, parked events and fences of `records`: all of them, or none."""
        with transaction.atomic():
            batch = self._sort(records)
            new = inbox.claim(self._consumer, [delivery.envelope for delivery in batch.free])
            fresh = _first_of_each(batch.free, new)
            dispatch.call_handlers(fresh)
            self._breaker.judge(batch.failures)
            if batch.aside:
                parking.park(self._consumer, batch.aside)
            fences.advance(self._consumer, self._cluster, records)
        return self._report(batch, fresh)

    def _sort(self, records: Sequence[Record]) -> _Sorted:
        batch = _Sorted()
        blocked = parking.blocked_places(self._consumer, records)
        for record in records:
            try:
                delivery = dispatch.unpack(record)
            except PERMANENT as error:
                batch.aside.append(SetAside(record, reason_of(error)))
                batch.failures.append(parking.place_of(record) not in blocked)
                blocked.add(parking.place_of(record))
                continue
            if delivery is None:
                batch.skipped += 1
            elif blocked and parking.place_of(record) in blocked:
                batch.aside.append(SetAside(record, parking.BEHIND))
            else:
                batch.free.append(delivery)
                batch.failures.append(False)
        return batch

    def _retry_alone(self, record: Record, error: Exception) -> Outcome:
        attempts = 1
        while attempts < TRIES and not isinstance(error, PERMANENT):
            attempts += 1
            try:
                return self._commit([record])
            except (BreakerOpen, *TRANSIENT):
                raise
            except Exception as again:  # unknown: worth another try, then an operator's eye
                error = again
        with transaction.atomic():
            self._breaker.judge([True])
            parking.park(self._consumer, [SetAside(record, reason_of(error), attempts)])
            fences.advance(self._consumer, self._cluster, [record])
        log.error("consumer.parked", topic=record.topic, offset=record.offset, error=reason_of(error))
        return Outcome(parked=1)

    def _report(self, batch: _Sorted, fresh: Sequence[Delivery]) -> Outcome:
        dispatch.count_handled(fresh)
        duplicates = len(batch.free) - len(fresh)
        metrics.duplicates.labels(self._consumer).inc(duplicates)
        if fresh:
            metrics.lag_seconds.set((utc_now() - fresh[-1].envelope.time).total_seconds())
        for aside in batch.aside:
            if aside.error != parking.BEHIND:
                log.error("consumer.parked", topic=aside.record.topic, offset=aside.record.offset, error=aside.error)
        return Outcome(len(fresh), duplicates, len(batch.aside), batch.skipped)


def apply_batch(consumer: str, records: Sequence[Record]) -> Outcome:
    """As `Applier.apply`, for a batch that stands alone."""
    return Applier(consumer).apply(records)


def apply_one(consumer: str, record: Record) -> bool:
    """Apply one record inside the caller's transaction; False when its effects existed already."""
    delivery = dispatch.unpack(record)
    if delivery is None or not inbox.claim(consumer, [delivery.envelope]):
        return False
    dispatch.call_handlers([delivery])
    dispatch.count_handled([delivery])
    return True


def reason_of(error: BaseException) -> str:
    """The error as one readable line."""
    return f"{type(error).__name__}: {error}"


def _first_of_each(deliveries: Sequence[Delivery], new: set[UUID]) -> list[Delivery]:
    """Those whose ids are `new`, each once: the same event may be twice in a batch."""
    if len(new) == len(deliveries):
        return list(deliveries)
    first = {delivery.envelope.id: delivery for delivery in reversed(deliveries)}
    return [one for one in deliveries if one.envelope.id in new and first[one.envelope.id] is one]
