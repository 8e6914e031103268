"""What scheduler does when others, or its own jobs, speak."""

from event_bus import on
from scheduler import commands
from shared_models.events import Envelope, scheduler


@on(scheduler.JobDue)
def do_own_job(event: scheduler.JobDue, envelope: Envelope) -> None:
    """Crawl the calendar or forget old rows when that is what came due."""
    commands.do_own_job(topic=event.topic, run_id=envelope.id, at=event.fired_at)
