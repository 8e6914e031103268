"""The lock on a machine's lines: for reading that takes longer than a transaction may."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from ml.commands.clock import database_now
from ml.models import MachineTableLockWrite
from service_base.errors import Conflict
from shared_models.ids import new_id

HELD_FOR = timedelta(minutes=30)
_TAKE = """
INSERT INTO machine_table_lock_write (table_name, owner, token, locked_at, expires_at) VALUES (%s, %s, 1, %s, %s)
ON CONFLICT (table_name) DO UPDATE
   SET owner = excluded.owner, token = machine_table_lock_write.token + 1,
       locked_at = excluded.locked_at, expires_at = excluded.expires_at
 WHERE machine_table_lock_write.expires_at <= excluded.locked_at
RETURNING token
"""


class TableBusy(Conflict):
    """Somebody else is changing the machine's lines."""

    slug = "table-busy"
    title = "The machine's lines are being changed"


class LockLost(Conflict):
    """The lock expired and somebody else took it; what was to be written is not."""

    slug = "lock-lost"
    title = "The lock on the machine's lines was lost"


@transaction.atomic
def take_lock(*, machine_id: UUID, owner: str, now: datetime | None = None) -> int:
    """The fencing token of a lock that is now `owner`'s. Raises TableBusy while another's is unexpired."""
    at = now or database_now()
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [_name(machine_id), owner, at, at + HELD_FOR])
        row = cursor.fetchone()
    if row is None:
        raise TableBusy("This machine's lines are being read or changed; try again in a moment.")
    return int(row[0])


def must_hold(*, machine_id: UUID, token: int) -> None:
    """Called in the transaction that writes. Raises LockLost when a newer token was given out."""
    held = MachineTableLockWrite.objects.select_for_update().filter(table_name=_name(machine_id), token=token)
    if not held.exists():
        raise LockLost("Reading took so long that somebody else changed the machine meanwhile; try again.")


@transaction.atomic
def release_lock(*, machine_id: UUID, token: int) -> None:
    """Let the next one in; a lock that was lost already is left alone."""
    MachineTableLockWrite.objects.filter(table_name=_name(machine_id), token=token).update(expires_at=database_now())


@contextmanager
def locked(machine_id: UUID) -> Iterator[int]:
    """Hold the lock while the block runs; gives its token for `must_hold`."""
    token = take_lock(machine_id=machine_id, owner=str(new_id()))
    try:
        yield token
    finally:
        release_lock(machine_id=machine_id, token=token)


def _name(machine_id: UUID) -> str:
    return f"machine:{machine_id}"
