"""Taking one guard away, for a control: the same faults must then be found out by the same checks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any
from uuid import UUID


def without_inbox() -> None:
    """Every event counts as new, though it is written down as before."""
    from event_bus import inbox

    enter = inbox.claim

    def claim(consumer: str, envelopes: Sequence[Any]) -> set[UUID]:
        enter(consumer, envelopes)
        return {envelope.id for envelope in envelopes}

    inbox.claim = claim


def without_leader_lock() -> None:
    """Every relay believes that it leads."""
    from event_bus.leadership import Leadership

    Leadership._take = lambda self: True  # type: ignore[method-assign]


def without_key_blocking() -> None:
    """Nothing waits behind a parked event of its key."""
    from event_bus import parking

    parking.blocked_places = lambda consumer, records: set()


def without_horizon() -> None:
    """A relay that reads on behind its last batch takes whatever is newer, also what came after a late commit."""
    from event_bus.relay import ENDLESS, Relay

    Relay._until = property(lambda self: ENDLESS, lambda self, value: None)  # type: ignore[assignment]


def without_acknowledgement() -> None:
    """What was handed to the client counts as sent, whatever becomes of it."""
    from aiokafka.errors import KafkaError

    from event_bus.kafka_producer import KafkaProducer

    async def send(self: Any, messages: Sequence[Any]) -> None:
        with contextlib.suppress(KafkaError):
            await self._hand_over(messages)

    KafkaProducer.send = send  # type: ignore[method-assign]


def without_pacing() -> None:
    """The Kafka client asks for metadata as often as it likes."""
    from event_bus import kafka

    kafka.pace = lambda client: None


def without_breaker() -> None:
    """Nothing stops the consumer, however much it has to park."""
    from event_bus.breaker import Breaker

    Breaker.judge = lambda self, failures: None  # type: ignore[method-assign]


GUARDS: dict[str, Callable[[], None]] = {
    "inbox": without_inbox,
    "leader-lock": without_leader_lock,
    "horizon": without_horizon,
    "key-blocking": without_key_blocking,
    "acknowledgement": without_acknowledgement,
    "pacing": without_pacing,
    "breaker": without_breaker,
}


def remove(names: Sequence[str]) -> None:
    """Take the named guards away; call after Django is set up, before the loops start."""
    for name in names:
        GUARDS[name]()


def tune(settings: Sequence[str]) -> None:
    """Set constants of the product for a test that cannot wait for them: `event_bus.relay.BATCH=50`."""
    for setting in settings:
        name, value = setting.split("=")
        module, _, constant = name.rpartition(".")
        known = getattr(import_module(module), constant)
        setattr(import_module(module), constant, type(known)(value))
