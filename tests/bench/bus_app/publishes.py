"""What the bench's service says: what identity says."""

from event_bus import publishes
from shared_models.events import identity

PUBLISHES = publishes(identity.UserChanged)
