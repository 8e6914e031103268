"""The published language: one module of event contracts a context, importable without Django or a broker."""

from shared_models.events import billing, identity, ml, scheduler, trading
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
    "scheduler",
    "topic_of",
    "trading",
]
