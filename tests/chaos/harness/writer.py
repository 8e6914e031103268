"""One writer of the service under test: `python -m harness.writer --events N …` counts N times and ends.

Each transaction takes its counters' row locks, then appends. `--lock-late` is the control: it appends first.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness import standing


@dataclass(frozen=True)
class Plan:
    """What one writer does."""

    events: int
    keys: int
    first: int
    batch: int
    seed: int
    rollback: float
    pause: float
    hold: float
    hold_until: Path | None
    lock_late: bool


class RollBack(Exception):
    """A transaction that takes its sequence numbers and leaves gaps."""


def main() -> None:
    """Write until the plan is done."""
    standing.answer_when_asked()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--keys", type=int, required=True)
    parser.add_argument("--first", type=int, default=0, help="the first of the keys")
    parser.add_argument("--batch", type=int, default=20, help="events a transaction, each of another key")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rollback", type=float, default=0, help="share of transactions that roll back")
    parser.add_argument("--pause", type=float, default=0, help="seconds between a transaction's append and its commit")
    parser.add_argument("--hold", type=float, default=0, help="seconds that the first transaction stays open")
    parser.add_argument("--hold-until", type=Path, help="the first transaction stays open until this file is there")
    parser.add_argument("--lock-late", action="store_true")
    os.environ["DJANGO_SETTINGS_MODULE"] = "harness.probe.settings"
    import django

    django.setup()
    from django.db import connection

    # A transaction that stays open is what some tests want; the bound of the members is not for writers.
    connection.settings_dict["OPTIONS"] = {"options": "-c idle_in_transaction_session_timeout=0"}
    write(Plan(**vars(parser.parse_args())))


def write(plan: Plan) -> None:
    """Commit `plan.events` events in all."""
    chance = random.Random(plan.seed)
    done, first = 0, True
    while done < plan.events:
        wanted = min(plan.batch, plan.events - done)
        names = sorted(f"k{number}" for number in chance.sample(range(plan.first, plan.keys), wanted))
        try:
            hold = _first_hold(plan) if first else partial(time.sleep, plan.pause * chance.random())
            _transaction(plan, names, chance, hold)
        except RollBack:
            continue
        done, first = done + wanted, False


def _first_hold(plan: Plan) -> Callable[[], None]:
    def wait() -> None:
        while plan.hold_until and not plan.hold_until.exists():
            time.sleep(0.01)
        time.sleep(plan.hold)

    return wait


def _transaction(plan: Plan, names: list[str], chance: random.Random, hold: Callable[[], None]) -> None:
    from django.db import transaction

    with transaction.atomic():
        if plan.lock_late:
            _append_then_lock(names, hold)
        else:
            _lock_then_append(names)
            hold()
        if chance.random() < plan.rollback:
            raise RollBack


def _lock_then_append(names: list[str]) -> None:
    from event_bus.outbox import append_all
    from harness.probe.events import Counted

    append_all([(Counted(name=name, number=number), None) for name, number in _count(names)])


def _append_then_lock(names: list[str], hold: Callable[[], None]) -> None:
    from django.db import connection

    from event_bus.outbox import append_all
    from harness.probe.events import Counted

    ids = append_all([(Counted(name=name, number=0), None) for name in names])
    hold()
    with connection.cursor() as cursor:
        for id_, (name, number) in zip(ids, _count(names), strict=True):
            body = Counted(name=name, number=number).model_dump_json()
            cursor.execute("UPDATE outbox SET payload = %s WHERE event_id = %s", [body, id_])


def _count(names: list[str]) -> list[tuple[str, int]]:
    """Count each by one; the rows are locked in the order of their names, so that writers never deadlock."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "WITH locked AS (SELECT name FROM counter WHERE name = ANY(%s) ORDER BY name FOR UPDATE)"
            " UPDATE counter SET number = number + 1 FROM locked WHERE counter.name = locked.name"
            " RETURNING counter.name, number",
            [names],
        )
        found: list[tuple[str, int]] = cursor.fetchall()
    return found


if __name__ == "__main__":
    main()
