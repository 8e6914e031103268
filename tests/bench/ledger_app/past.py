"""A past for the ledger: `python -m ledger_app.past --people N --journals N --whale N`, with the rights of its owner.

Each journal is a solving request that tokens and dollars paid, a posting each; the whale's have one. They are written
as they would have been, rules on, but by SQL: ten million through the consumer would take an hour.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import django

SQL = (Path(__file__).parent / "past.sql").read_text()
AT_ONCE = 100_000
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
        for done in range(0, asked.journals, AT_ONCE):
            cursor.execute("CALL bench_past(%s, %s)", [min(AT_ONCE, asked.journals - done), False])
        for done in range(0, asked.whale, AT_ONCE):
            cursor.execute("CALL bench_past(%s, %s)", [min(AT_ONCE, asked.whale - done), True])
        cursor.execute("VACUUM (ANALYZE)")


def _begin(cursor, people: int) -> None:  # type: ignore[no-untyped-def]
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
