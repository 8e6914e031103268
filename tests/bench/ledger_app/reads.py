"""What people read: `python -m ledger_app.reads balances|statements --people N --rounds N`.

Prints, as JSON, the milliseconds of each reading and, of them, those of CPU time, PostgreSQL's with it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from uuid import UUID

import django

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
    # Balances are read as in a web process: on its event loop, over connections of that loop.
    os.environ["TITAN_WEB_THREADS"] = "1"
    django.setup()
    from ledger_app.usage_events import people

    someone = people(asked.people)
    found = _balances(someone, asked.rounds) if asked.what == "balances" else _statements(someone[0], asked.rounds)
    json.dump(found, sys.stdout)


def _balances(someone: list[UUID], rounds: int) -> dict[str, list[Took]]:
    """A person's wallet as `GET /api/v1/balances` reads and writes it, somebody else each time."""
    import uvloop

    return {"all": uvloop.run(_read_balances(someone, rounds))}


async def _read_balances(someone: list[UUID], rounds: int) -> list[Took]:
    from billing import queries, schemas
    from service_base.reading import row

    chance = Random(5)
    for owner in someone[:50]:
        await queries.read_wallet(owner)  # the connection is open, its caches are warm
    answering = await row("SELECT pg_backend_pid() AS pid")
    assert answering is not None
    found = []
    for _ in range(rounds):
        owner = chance.choice(someone)
        began, spent = time.perf_counter(), _spent(answering.pid)
        json.dumps(schemas.show_wallet(await queries.read_wallet(owner)), default=str)
        found.append(((time.perf_counter() - began) * 1000, (_spent(answering.pid) - spent) * 1000))
    return found


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
    from django.db import connection

    session = connection.connection
    answering = session.info.backend_pid if session else None
    began, spent = time.perf_counter(), _spent(answering)
    work()
    return (time.perf_counter() - began) * 1000, (_spent(answering) - spent) * 1000


def _spent(answering: int | None) -> float:
    """Seconds of CPU time of this process and of the one that answers it."""
    theirs = Path(f"/proc/{answering}/schedstat") if answering else None
    return time.process_time() + (int(theirs.read_text().split()[0]) / 1e9 if theirs else 0.0)


if __name__ == "__main__":
    main()
