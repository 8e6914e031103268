"""What people read: `python -m ledger_app.reads balances|statements --people N --rounds N`.

Prints, as JSON, the milliseconds of each reading and, of them, those of CPU time, PostgreSQL's with it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from uuid import UUID

import django
from asgiref.sync import async_to_sync

PAGE = 50
DEPTHS = 40
Took = tuple[float, float]


def main() -> None:
    """Read, and print how long each reading took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["balances", "statements"])
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--rounds", type=int, default=1000)
    asked = parser.parse_args()
    django.setup()
    from ledger_app.usage_events import people

    someone = people(asked.people)
    found = _balances(someone, asked.rounds) if asked.what == "balances" else _statements(someone[0], asked.rounds)
    json.dump(found, sys.stdout)


def _balances(someone: list[UUID], rounds: int) -> dict[str, list[Took]]:
    """A person's wallet as `GET /api/v1/balances` reads and writes it, somebody else each time."""
    from billing import queries, schemas

    chance = Random(5)
    read = async_to_sync(queries.read_wallet)
    for owner in someone[:50]:
        read(owner)  # statements known, connection open
    asked = [chance.choice(someone) for _ in range(rounds)]
    return {"all": [_timed(lambda o=owner: json.dumps(schemas.show_wallet(read(o)), default=str)) for owner in asked]}


def _statements(whale: UUID, rounds: int) -> dict[str, list[Took]]:
    """Pages of the person with most entries, as `GET /api/v1/ledger/entries` answers them: newest, oldest, between."""
    from billing import queries, schemas
    from billing.models import Entry
    from service_base import pagination

    wanted = queries.StatementFilter(account="usd")
    ids = Entry.objects.filter(account_id=queries.statement.ACCOUNTS["usd"](whale).id)
    oldest = ids.order_by("id").values_list("id", flat=True)[0]
    newest = ids.order_by("-id").values_list("id", flat=True)[0]

    def page(cursor: str | None) -> object:
        rows, following = queries.page_of_entries(whale, wanted, cursor=cursor, limit=PAGE)
        return json.dumps({"items": [schemas.show_entry(row) for row in rows], "next_cursor": following}, default=str)

    page(None)
    found: dict[str, list[Took]] = {}
    for step in range(DEPTHS + 1):
        place = pagination.cursor_of(newest - (newest - oldest) * step // DEPTHS)
        found[f"{100 * step // DEPTHS}%"] = [_timed(lambda c=place: page(c)) for _ in range(max(1, rounds // DEPTHS))]
    return found


def _timed(work: Callable[[], object]) -> Took:
    began, spent = time.perf_counter(), _spent()
    work()
    return (time.perf_counter() - began) * 1000, (_spent() - spent) * 1000


def _spent() -> float:
    """Seconds of CPU time of this process and of the one that answers it."""
    from django.db import connection

    session = connection.connection
    answering = Path(f"/proc/{session.info.backend_pid}/schedstat") if session else None
    return time.process_time() + (int(answering.read_text().split()[0]) / 1e9 if answering else 0.0)


if __name__ == "__main__":
    main()
