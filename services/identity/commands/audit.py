"""The audit trail: appended with what it records, chained so that no row can change unseen."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from identity.models import AuditEntry
from identity.rules import link_hash
from shared_models.clock import rfc3339, utc_now

# One writer at a time: each entry needs the hash of the one before it.
_CHAIN_LOCK = 7_002_001
_START = "0" * 64


@transaction.atomic
def record(
    *,
    action: str,
    actor_id: UUID | None,
    target: object = "",
    ip: str | None = None,
    outcome: str = "ok",
    **details: Any,
) -> AuditEntry:
    """Append an entry in the caller's transaction: it exists if and only if what it records does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CHAIN_LOCK])
    last = AuditEntry.objects.order_by("-id").values_list("entry_hash", flat=True).first()
    entry = AuditEntry(
        at=utc_now(),
        actor_id=actor_id,
        action=action,
        target=str(target)[:200],
        ip=ip,
        outcome=outcome,
        details=details,
        previous_hash=last or _START,
    )
    entry.entry_hash = link_hash(entry.previous_hash, _text_of(entry))
    entry.save(force_insert=True)
    return entry


def verify_chain() -> tuple[int, str | None]:
    """How many entries there are, and the first thing that is wrong with the chain (None: nothing)."""
    expected, count = _START, 0
    for entry in AuditEntry.objects.order_by("id").iterator():
        count += 1
        if entry.previous_hash != expected:
            return count, f"entry {entry.pk} does not follow the one before it: a row is missing or was changed"
        if link_hash(entry.previous_hash, _text_of(entry)) != entry.entry_hash:
            return count, f"entry {entry.pk} was changed after it was written"
        expected = entry.entry_hash
    return count, None


def _text_of(entry: AuditEntry) -> str:
    facts = [rfc3339(entry.at), str(entry.actor_id), entry.action, entry.target, entry.ip, entry.outcome, entry.details]
    return json.dumps(facts, sort_keys=True, separators=(",", ":"))
