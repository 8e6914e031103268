"""What the service says."""

from event_bus import publishes
from harness.probe.events import Counted

PUBLISHES = publishes(Counted)
