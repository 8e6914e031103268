"""What the API says about the reading of a large upload."""

from __future__ import annotations

from typing import Any

from ml.models import TableReading
from shared_models.clock import rfc3339


def show_reading(reading: TableReading) -> dict[str, Any]:
    """A reading with its progress, what it became, or why it failed and which field is at fault."""
    finished = reading.finished_at
    return {
        "id": str(reading.pk),
        "purpose": reading.purpose,
        "state": reading.state,
        "machine_id": str(reading.machine_id) if reading.machine_id else None,
        "work_id": str(reading.work_id) if reading.work_id else None,
        "file_name": reading.file_name,
        "size_bytes": reading.size_bytes,
        "sha256": reading.sha256 or None,
        "progress": {"percent": reading.progress_percent, "lines": reading.lines_read},
        "attempts": reading.attempts,
        "reason": reading.reason,
        "field": reading.reason_field or None,
        "created_at": rfc3339(reading.created_at),
        "finished_at": rfc3339(finished) if finished else None,
    }
