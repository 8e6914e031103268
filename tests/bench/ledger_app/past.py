"""A past for the ledger: `python -m ledger_app.past --people N --journals N --whale N`, with the rights of its owner.

Each journal is a solving request that tokens and dollars paid, a posting each; the whale's have one. They are written
as they would have been, rules on, but by SQL: ten million through the consumer would take hours. Where they are many,
indexes that only find rows are made anew behind them, as a restored dump's are; those that refuse rows stay.
"""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django

SQL = (Path(__file__).parent / "past.sql").read_text()
AT_ONCE = 100_000
MANY = 500_000
LEDGER = ["operation", "journal", "posting", "usage"]
FINDING = """
    SELECT c.relname, replace(pg_get_indexdef(c.oid), ' ON ONLY ', ' ON ')
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    WHERE t.relname = ANY(%s) AND NOT i.indisunique
"""
OPEN_AT_ONCE = 500


def main() -> None:
    """Open the accounts that are missing, then write the journals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--journals", type=int, default=0)
    parser.add_argument("--whale", type=int, default=0, help="journals of the first person alone")
    asked = parser.parse_args()
    django.setup()
    from django.db import connection

    with connection.cursor() as cursor:
        _begin(cursor, asked.people)
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        with _without_indexes(cursor) if asked.journals + asked.whale > MANY else contextlib.nullcontext():
            for many, whale in ((asked.journals, False), (asked.whale, True)):
                for done in range(0, many, AT_ONCE):
                    cursor.execute("CALL bench_past(%s, %s)", [min(AT_ONCE, many - done), whale])
        cursor.execute("VACUUM (ANALYZE)")


@contextlib.contextmanager
def _without_indexes(cursor: Any) -> Iterator[None]:
    """Indexes that only find rows are dropped, and made anew behind the block."""
    cursor.execute(FINDING, [LEDGER])
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f'DROP INDEX "{name}"')
    yield
    for _, made_by in indexes:
        cursor.execute(made_by)


def _begin(cursor: Any, people: int) -> None:
    from billing import commands
    from billing.commands.parties import open_all
    from billing.models import Party
    from ledger_app import usage_events

    if Party.objects.exists():
        return
    commands.publish_first_prices()
    cursor.execute("SELECT ledger_keep_partitions(now() - interval '1 month')")
    commands.keep_partitions()
    someone = usage_events.people(people)
    for start in range(0, people, OPEN_AT_ONCE):
        open_all(someone[start : start + OPEN_AT_ONCE])
    cursor.execute(SQL)
    cursor.execute("CALL bench_riches(%s)", [json.dumps([str(id_) for id_ in someone])])


if __name__ == "__main__":
    main()
