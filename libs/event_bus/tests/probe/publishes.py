"""What the probe says."""

from event_bus import publishes
from shared_models.events import ml

PUBLISHES = publishes(ml.WorkStarted, ml.WorkFailed)
