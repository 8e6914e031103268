"""How a fact of one service reaches the others: outbox, relay, Kafka, inbox, handlers, parking.

This package's door is `publishes`, `on`, `on_batch` and `outbox.append`; a service needs nothing else of it.
"""

from event_bus.registry import on, on_batch, publishes

__all__ = ["on", "on_batch", "publishes"]
