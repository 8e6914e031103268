"""Leases: which engine works on which run, fenced by a token that grows with every change of hands."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from trading.models.bots import OPEN

# A dead engine's runs are free after this; beats come often enough that a slow database costs no lease.
LEASE_SECONDS = 6
BEAT_SECONDS = 1.5

CLAIM = """
UPDATE bot_run SET lease_owner = %s, lease_token = lease_token + 1, lease_until = now() + make_interval(secs => %s)
WHERE id IN (
    SELECT id FROM bot_run
    WHERE status = ANY(%s) AND (lease_until IS NULL OR lease_until < now())
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
)
RETURNING id, lease_token
"""
RENEW = """
UPDATE bot_run SET lease_until = now() + make_interval(secs => %s)
WHERE (id, lease_token) IN (SELECT * FROM unnest(%s::uuid[], %s::bigint[])) AND lease_owner = %s
RETURNING id
"""
RELEASE = "UPDATE bot_run SET lease_until = NULL WHERE id = %s AND lease_token = %s"


class LeaseLost(Exception):
    """Another engine holds the run by now; whatever this one had in mind must not be written."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a run, as long as no newer token exists."""

    run_id: UUID
    token: int


@transaction.atomic
def claim(*, owner: str, limit: int) -> list[Lease]:
    """Take up to `limit` open runs that nobody holds. Two engines never get the same one."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [owner, LEASE_SECONDS, [status.value for status in OPEN], limit])
        return [Lease(run_id, token) for run_id, token in cursor.fetchall()]


@transaction.atomic
def renew(*, owner: str, leases: list[Lease]) -> set[UUID]:
    """Hold on to `leases`; gives the runs that are still ours."""
    with connection.cursor() as cursor:
        ids, tokens = [lease.run_id for lease in leases], [lease.token for lease in leases]
        cursor.execute(RENEW, [LEASE_SECONDS, ids, tokens, owner])
        return {row[0] for row in cursor.fetchall()}


@transaction.atomic
def release(*, lease: Lease) -> None:
    """Let go of a run at once, so that another engine need not wait for the lease to run out."""
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, [lease.run_id, lease.token])
