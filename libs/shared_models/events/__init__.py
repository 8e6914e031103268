"""The published language: one module of event contracts a context, importable without Django or a broker."""

from shared_models.events import billing, identity, ml, retired, scheduler, trading
from shared_models.events.contract import Envelope, Event, UnknownType, decode, every_contract, topic_of

__all__ = [
    "Envelope",
    "Event",
    "UnknownType",
    "billing",
    "decode",
    "every_contract",
    "identity",
    "ml",
    "retired",
    "scheduler",
    "topic_of",
    "trading",
]
