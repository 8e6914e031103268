"""A world around billing's real worker: its database with both roles, its broker, and what the ledger holds."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import psycopg

from harness import database, ledger_events, traffic
from harness.breakable import Breakable
from harness.ledger_events import Script
from harness.world import PATH, World
from shared_models.ids import new_id
from titan.provision import make_databases, make_topics

SECRET = "for the tests of the ledger only, and long enough"
OWNER, APPLICATION = "billing", "billing_app"
IMPORTS = ("harness.failpoints", "harness.guards", "harness.ledger_guards", "harness.ledger_member", "billing.worker")
# What the platform earned, in EAML: coupons and tokens as they are, dollars at the first list's rate.
REVENUE = """
SELECT coalesce(sum(CASE p.currency WHEN 'USD' THEN p.amount * 10 ELSE p.amount END), 0)
FROM posting p JOIN account a ON a.id = p.credit_account_id WHERE a.purpose = 'revenue'
"""
# The usage of a new journal has to be new as well, or its page is refused: a key that guards too.
FORGIVING = """
    CREATE FUNCTION skip_known_usage() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RETURN CASE WHEN EXISTS (SELECT FROM usage WHERE event_id = NEW.event_id) THEN NULL ELSE NEW END;
    END $$;
    CREATE TRIGGER forgiving BEFORE INSERT ON usage FOR EACH ROW EXECUTE FUNCTION skip_known_usage();
"""
CHARGED = "SELECT idempotency_key, count(*) FROM journal WHERE source = 'ml' GROUP BY 1"


@dataclass(frozen=True)
class LedgerVerdict:
    """What became of the usage: all four are nothing when the ledger kept its promise."""

    lost: int
    """Usages without a journal."""
    doubled: int
    """Journals too many."""
    revenue_off: str
    """What the platform earned beyond what it was due, in EAML."""
    difference: str | None
    """The first thing that `titan ledger verify` finds."""


EXACT = LedgerVerdict(0, 0, "0", None)


@dataclass
class LedgerWorld(World):
    """Everything of one test of the ledger."""

    MEMBER: ClassVar = "harness.ledger_member"
    broker: Breakable = field(kw_only=True)
    people: list[UUID] = field(default_factory=lambda: [new_id() for _ in range(30)])
    due: dict[str, Decimal] = field(default_factory=dict)

    @property
    def topic(self) -> str:
        """Where usage comes from."""
        return "titan.ml.v1"

    @property
    def group(self) -> str:
        """The consumer group of this world's workers."""
        return f"titan.billing.{self.name}"

    def environment(self, member: str, **more: str) -> dict[str, str]:
        """What a worker gets to see: the rights of the application, nobody's cache."""
        url = as_user(self.database_url, APPLICATION)
        known = super().environment(member, **ledger_environment(url))
        known |= {"TITAN_CHAOS_IMPORTS": " ".join(IMPORTS), "TITAN_KAFKA_GROUP_SUFFIX": f".{self.name}"}
        return known | more

    def enrich(self) -> None:
        """Give the people their money."""
        self.run("harness.ledger_past", *map(str, self.people))

    def script(self, usages: int, **options: Any) -> Script:
        """A script for this world's people, and what is due for it."""
        written = Script(self.people, **options).write(usages)
        self.due |= written.due
        return written

    def tell(self, script: Script, *, rate: float | None = None) -> None:
        """Say a script to the topic of ml."""
        asyncio.run(ledger_events.send(self.bootstrap, script.told, rate=rate))

    def drained(self) -> bool:
        """Whether all that ml said was handled, and all that billing said was sent."""
        return self.number("SELECT count(*) FROM outbox") == 0 and self.lag() == 0

    def verdict(self) -> LedgerVerdict:  # type: ignore[override]
        """Compare the ledger with what is due, and with itself."""
        with psycopg.connect(self.database_url) as connection:
            charged = dict(connection.execute(CHARGED).fetchall())
            earned = connection.execute(REVENUE).fetchone()[0]  # type: ignore[index]
        due = sum(self.due.values(), Decimal(0))
        return LedgerVerdict(
            lost=len(self.due.keys() - charged.keys()),
            doubled=sum(charged.values()) - len(self.due.keys() & charged.keys()),
            revenue_off=f"{(earned - due).normalize() + 0:f}",
            difference=self.verify()["first_difference"],
        )

    def lift_keys(self) -> None:
        """For controls: one usage may have two journals from here on."""
        self.execute("ALTER TABLE journal DROP CONSTRAINT posted_once")
        self.execute(FORGIVING)

    def verify(self) -> dict[str, Any]:
        """What `titan ledger verify` says."""
        said = self.run("harness.ledger_verify")
        found: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
        return found

    def parked(self) -> int:
        """Events that were set aside."""
        return self.number("SELECT count(*) FROM parked_event")

    def state(self) -> str:
        """Where things stand, for a failing test's message."""
        counts = {t: self.number(f"SELECT count(*) FROM {t}") for t in ("outbox", "inbox", "journal", "parked_event")}
        return f"{counts}, lag {self.lag()}, {self.killed} killed, crashed: {self.crashed}"


def ledger_environment(url: str) -> dict[str, str]:
    """What every process of billing needs."""
    return {
        "DJANGO_SETTINGS_MODULE": "billing.settings",
        "TITAN_DATABASE_URL": url,
        "TITAN_SECRET_KEY": SECRET,
        "TITAN_PORT_BASE": "64000",
        "TITAN_LOG_FORMAT": "console",
    }


def as_user(url: str, user: str) -> str:
    """The same database, entered by one of its two roles."""
    there = urlsplit(url)
    return urlunsplit(there._replace(netloc=f"{user}:chaos@{there.hostname}:{there.port}"))


def make_template(server_url: str) -> str:
    """A migrated database of billing with its two roles on that server; its name."""
    make_databases(server_url, {OWNER: "chaos"}, {OWNER: "chaos"})
    url = as_user(database.at(server_url, OWNER), OWNER)
    environment = os.environ | ledger_environment(url) | {"PYTHONPATH": os.pathsep.join(map(str, PATH))}
    command = [sys.executable, "-m", "django", "migrate", "--verbosity", "0", "--skip-checks"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return OWNER


def make_world(name: str, server_url: str, broker: Breakable, home: Path) -> LedgerWorld:
    """A world on a server that has the template, with a broker of its own that has the platform's topics."""
    database.make(server_url, name, template=OWNER)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" OWNER TO {OWNER}')
    asyncio.run(make_topics(broker.address))
    world = LedgerWorld(name, server_url, database.at(server_url, name), broker.address, home, broker=broker)
    traffic.ends(broker.address, world.topic)
    world.enrich()
    return world
