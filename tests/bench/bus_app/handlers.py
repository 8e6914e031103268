"""The bench's own set-based projection of people."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from event_bus import on_batch
from shared_models.events import Envelope, identity

_COLUMNS = [name for name in identity.UserChanged.model_fields if name != "user_id"]
_UPSERT = f"""
    INSERT INTO principal (id, password, {", ".join(_COLUMNS)})
    SELECT user_id, '', {", ".join(_COLUMNS)} FROM json_to_recordset(%s::json) AS person(
        user_id uuid, version bigint, email text, first_name text, last_name text, is_active boolean, is_staff boolean,
        is_superuser boolean, time_format text, date_format text, date_separator text, datetime_separator text,
        decimal_separator text)
    ON CONFLICT (id) DO UPDATE SET {", ".join(f"{name} = EXCLUDED.{name}" for name in _COLUMNS)}
    WHERE principal.version < EXCLUDED.version
"""


@on_batch(identity.UserChanged)
def remember_people(changes: Sequence[tuple[identity.UserChanged, Envelope]]) -> None:
    """Keep each person as she is now."""
    newest: dict[object, identity.UserChanged] = {}
    for event, _ in changes:
        known = newest.get(event.user_id)
        if known is None or known.version < event.version:
            newest[event.user_id] = event
    rows = [event.model_dump_json() for _, event in sorted(newest.items(), key=lambda one: str(one[0]))]
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, [f"[{','.join(rows)}]"])
