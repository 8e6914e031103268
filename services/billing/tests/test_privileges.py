"""The application's own role attacks the ledger: whatever it tries beside the functions is refused."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from billing.models import Balance, Journal
from billing.tests.world import Person, World
from event_bus.testing import deliver
from shared_models.ids import new_id


def tables(*, of_ledger: bool) -> list[str]:
    """The tables of the ledger with their partitions, or all others."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            " AND (relispartition OR relname = ANY(ledger_tables())) = %s ORDER BY 1",
            [of_ledger],
        )
        return [name for (name,) in cursor.fetchall()]


def attempt(sql: str) -> str:
    """What the database says to it; empty when it did it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
            return ""
    except DatabaseError as refused:
        return str(refused)


@pytest.fixture
def charged(world: World, ana: Person) -> Person:
    """Somebody with money, a charge and an open hold: every table of the ledger has rows."""
    deliver(world.solved(ana, lines=1000))
    world.hold(ana)
    return ana


@pytest.mark.parametrize(
    "attack",
    [
        "INSERT INTO {t} DEFAULT VALUES",
        "INSERT INTO {t} SELECT * FROM {t}",
        "UPDATE {t} SET {c} = {c}",
        "DELETE FROM {t}",
        "TRUNCATE {t}",
        "TRUNCATE {t} CASCADE",
        "DROP TABLE {t}",
        "ALTER TABLE {t} DISABLE TRIGGER ALL",
        "CREATE TRIGGER mine BEFORE INSERT ON {t} EXECUTE FUNCTION only_grows()",
        "LOCK TABLE {t} IN ACCESS EXCLUSIVE MODE",
        "COPY {t} FROM STDIN",
        "SELECT 1 FROM {t} FOR UPDATE",
    ],
)
def test_no_table_of_the_ledger_can_be_written_in_any_way(charged: Person, attack: str) -> None:
    found = tables(of_ledger=True)
    assert {"posting", "journal", "balance", "hold_resolution", "price_list"} <= set(found)
    for table in found:
        with connection.cursor() as cursor:
            column = connection.introspection.get_table_description(cursor, table)[0].name
        said = attempt(attack.format(t=table, c=column))
        assert "permission denied" in said or "must be owner" in said, f"{table}: {said or 'done'}"


@pytest.mark.parametrize(
    "attack",
    [
        "SET session_replication_role = replica",
        "SET LOCAL session_replication_role = replica",
        "ALTER DATABASE postgres SET session_replication_role = replica",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TABLE public.account_of_mine (id int)",
        "ALTER FUNCTION ledger_write(json, text[], text[], text[], text[]) SECURITY INVOKER",
        "CREATE OR REPLACE FUNCTION ledger_write(json, text[], text[], text[], text[]) RETURNS void LANGUAGE sql"
        " AS 'SELECT'",
        "SELECT ledger_grant()",
        "SELECT ledger_move('{}'::text[], null, null)",
        "SELECT ledger_move_lots('{}'::json)",
        "CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION only_grows()",
        "ALTER TABLE balance OWNER TO CURRENT_USER",
    ],
)
def test_the_rules_themselves_are_out_of_reach(charged: Person, attack: str) -> None:
    assert attempt(attack), "the application's role could do it"


def test_no_view_lets_writes_through_to_the_ledger(charged: Person) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, has_table_privilege(oid, 'SELECT'), has_table_privilege(oid, 'INSERT, UPDATE, DELETE')"
            " FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')"
        )
        rights = {view: (may_read, may_write) for view, may_read, may_write in cursor.fetchall()}
    assert {"entry", "credit", "debit"} <= set(rights)
    assert set(rights.values()) == {(True, False)}


def test_it_cannot_give_itself_rights(charged: Person) -> None:
    attempt("GRANT ALL ON posting TO CURRENT_USER")  # PostgreSQL only warns that nothing was granted
    assert "permission denied" in attempt("DELETE FROM posting")


def test_tables_of_ones_own_do_not_stand_in_for_the_ledgers(charged: Person) -> None:
    """A function that trusted the caller's search path would write into the attacker's tables, where no rule is."""
    mine = "id uuid, account_id uuid, owner_id uuid, purpose text, currency text, floor numeric, created_at timestamptz"
    for table in ("account", "balance"):
        assert attempt(f"CREATE TEMPORARY TABLE {table} ({mine}, posted numeric, held numeric)") == ""
    row = f'[{{"id": "{new_id()}", "owner_id": "{charged.id}", "purpose": "wallet", "currency": "COUPON"}}]'
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = pg_temp, public")
        cursor.execute("SELECT ledger_open(%s::json)", [row])
        cursor.execute("SELECT count(*) FROM pg_temp.account")
        assert cursor.fetchone()[0] == 0
        cursor.execute("SELECT count(*) FROM public.account WHERE purpose = 'wallet' AND currency = 'COUPON'")
        assert cursor.fetchone()[0] == 1


def test_a_page_that_overdraws_is_refused_by_the_rows(charged: Person) -> None:
    balance = Balance.objects.get(pk=charged.usd.id)
    journal = Journal.objects.first()
    assert journal is not None
    said = ", ".join(
        "ARRAY[" + ", ".join(f"'{{{value}}}'" for value in row) + "]"
        for row in (
            (charged.id, "x", "y", "z", "training", "2031-01-01T00:00:00Z", "null", "null", '"{}"'),
            (charged.id, 1, charged.usd.id, charged.owed.id, "USD", balance.posted + 1),
        )
    )
    assert "balance_not_below_floor" in attempt(f"SELECT ledger_write(null, null, {said}, null)")


def test_what_is_not_of_the_ledger_can_be_written(charged: Person) -> None:
    """The control: the role is not simply powerless."""
    others = tables(of_ledger=False)
    assert {"outbox", "inbox", "party", "coupon", "payment", "consulting_offer"} <= set(others)
    for table in ("outbox", "inbox", "party", "coupon", "payment", "consulting_offer"):
        assert attempt(f"DELETE FROM {table} WHERE false") == ""
