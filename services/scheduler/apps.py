"""Django's description of scheduler."""

from django.apps import AppConfig


class SchedulerConfig(AppConfig):
    """Calendar, jobs, platform log."""

    name = "scheduler"
