"""The event map of this process: what the service says, and who is called when others speak."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from django.conf import settings

from event_bus import tracing
from shared_models.events.contract import Envelope, Event, topic_of

E = TypeVar("E", bound=Event)
One = Callable[[E, Envelope], None]
Many = Callable[[Sequence[tuple[E, Envelope]]], None]
Handler = Callable[[Sequence[tuple[Any, Envelope]]], None]

_published: dict[str, type[Event]] = {}
_handlers: dict[str, list[Handler]] = {}


class NotPublished(LookupError):
    """A service tried to say something that its publishes.py does not list."""


def publishes(*contracts: type[Event]) -> tuple[type[Event], ...]:
    """Declare, in a service's publishes.py, every event the service may append."""
    _published.update({contract.TYPE: contract for contract in contracts})
    return contracts


def on(contract: type[E]) -> Callable[[One[E]], One[E]]:
    """Call the decorated function for each event of `contract`, once, inside the inbox's transaction."""

    def register(handler: One[E]) -> One[E]:
        @wraps(handler)
        def each(deliveries: Sequence[tuple[E, Envelope]]) -> None:
            for event, envelope in deliveries:
                with tracing.span(contract.TYPE, envelope.traceparent):
                    handler(event, envelope)

        _handlers.setdefault(contract.TYPE, []).append(each)
        return handler

    return register


def on_batch(contract: type[E]) -> Callable[[Many[E]], Many[E]]:
    """Call the decorated function with many events of `contract` at once, inside the inbox's transaction.

    Events of one key come in their order; it may be called several times a batch, and with a single event.
    """

    def register(handler: Many[E]) -> Many[E]:
        _handlers.setdefault(contract.TYPE, []).append(handler)
        return handler

    return register


def load() -> None:
    """Import the service's publishes.py and every installed app's handlers.py, which register themselves."""
    for module in (f"{settings.TITAN_CONTEXT}.publishes", *settings.TITAN_HANDLERS):
        if find_spec(module) is not None:
            import_module(module)


def must_be_published(contract: type[Event]) -> None:
    """Raise NotPublished unless publishes.py lists the contract, so that the event map cannot lie."""
    if contract.TYPE not in _published:
        raise NotPublished(f"{contract.TYPE} is not in {settings.TITAN_CONTEXT}/publishes.py")


def handlers_for(type_: str) -> list[Handler]:
    """The handlers of an event type, in the order they were registered; empty when nobody listens."""
    return _handlers.get(type_, [])


def published_types() -> list[str]:
    """Types this service says."""
    return sorted(_published)


def handled_types() -> list[str]:
    """Types this service listens to."""
    return sorted(_handlers)


def handled_topics() -> list[str]:
    """Topics this service must read."""
    return sorted({topic_of(type_) for type_ in _handlers})
