"""Everything that changes scheduler: one keyword-only function is one transaction."""

from scheduler.commands.calendars import MOST_BYTES, Imported, crawl, import_calendar, import_file, save_source
from scheduler.commands.firing import fire_due, run_now
from scheduler.commands.jobs import (
    create_job,
    delete_job,
    ensure_standard_jobs,
    pause_job,
    resume_job,
    update_job,
)
from scheduler.commands.platform_log import forget_old, store_platform_log
from scheduler.commands.runs import do_own_job

__all__ = [
    "MOST_BYTES",
    "Imported",
    "crawl",
    "create_job",
    "delete_job",
    "do_own_job",
    "ensure_standard_jobs",
    "fire_due",
    "forget_old",
    "import_calendar",
    "import_file",
    "pause_job",
    "resume_job",
    "run_now",
    "save_source",
    "store_platform_log",
    "update_job",
]
