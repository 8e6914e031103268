"""Django's description of the service base."""

from pathlib import Path

from django.apps import AppConfig
from django.conf import settings


class ServiceBaseConfig(AppConfig):
    """Templates, template tags and static files that all pages share."""

    name = "service_base"
    label = "service_base"

    def ready(self) -> None:
        """Django wants the folder that large bodies are spooled to; it makes none."""
        if folder := settings.FILE_UPLOAD_TEMP_DIR:
            Path(folder).mkdir(parents=True, exist_ok=True)
