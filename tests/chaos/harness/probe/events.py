"""What the service says; each test has a topic of its own, so that a shared broker's past does not matter."""

import os

from shared_models.events.contract import Event

CONTEXT = os.environ.get("TITAN_CHAOS_CONTEXT", "chaos")


class Counted(Event):
    """The counter `name` reached `number`; `padding` makes the body as large as a test wants it."""

    TYPE = f"titan.{CONTEXT}.counter.counted.v1"
    KEY = "name"

    name: str
    number: int
    padding: str = ""
    poison: bool = False
