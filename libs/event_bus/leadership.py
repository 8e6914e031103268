"""Leadership of a relay over its share of the outbox, held by session locks that die with their session."""

from __future__ import annotations

from zlib import crc32

from django.conf import settings
from django.db import connection

# The outbox always has this many slots; a relay leads all slots of its share, so that relays which were told different
# numbers of shares can never both lead the same key.
SLOTS = 8
# A leader that was stopped by the system keeps its session open; the server ends it after this long.
IDLE_SESSION_SECONDS = 90


class Leadership:
    """Whether the calling thread's session leads the share `shard` of `shards` (a divisor of SLOTS)."""

    def __init__(self, shard: int, shards: int) -> None:
        if SLOTS % shards or not 0 <= shard < shards:
            raise ValueError(f"shard {shard} of {shards}: there can be 1, 2, 4 or {SLOTS} relay shards")
        self._slots = list(range(shard, SLOTS, shards))
        self._lock_class = crc32(f"titan.relay.{settings.TITAN_CONTEXT}".encode()) - 2**31
        self._session: object = None

    def is_held(self) -> bool:
        """True while this session holds every lock of the share; takes them when they are free."""
        session = connection.connection
        if session is None or session is not self._session:
            connection.ensure_connection()
            self._session = connection.connection if self._take() else None
        return self._session is not None

    def _take(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_session_timeout = '{IDLE_SESSION_SECONDS}s'")
            cursor.execute(
                "SELECT slot FROM unnest(%s::int[]) AS slot WHERE pg_try_advisory_lock(%s, slot)",
                [self._slots, self._lock_class],
            )
            taken = [slot for (slot,) in cursor.fetchall()]
            if len(taken) == len(self._slots):
                return True
            # Half a share is no share: give it back, so that whoever holds the other half can have it.
            cursor.execute(
                "SELECT pg_advisory_unlock(%s, slot) FROM unnest(%s::int[]) AS slot", [self._lock_class, taken]
            )
            return False
