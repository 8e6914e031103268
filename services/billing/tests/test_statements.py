"""Statements: parts that join, filters that keep the balances, sums, and long accounts that read like short ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from billing import commands, queries
from billing.commands import statements as long_accounts
from billing.models import Journal, StatementLine, StatementMark, StatementSum
from billing.queries import StatementFilter
from billing.queries.lines import Wanted, newest, oldest, spans_of
from billing.tests.moving import BEER, WINE, use
from billing.tests.world import Person, World, balance, in_balance, seal_everything
from service_base.errors import BadInput
from shared_models.ids import new_id
from shared_models.money import Currency

ALWAYS = (date(2000, 1, 1), date(2100, 1, 1))


def parts(person: Person, most: int, **asked: Any) -> list[queries.Statement]:
    """Every part of a statement, from the newest to the oldest."""
    wanted = StatementFilter(account="usd", **asked)
    found = [queries.statement_of(person.id, wanted, most=most)]
    while (older := found[-1].older) is not None:
        found.append(queries.statement_of(person.id, wanted, before=older, most=most))
    return found


@pytest.mark.parametrize("most", [1, 7, 500])
def test_the_parts_of_a_statement_join(busy: Person, most: int) -> None:
    found = parts(busy, most)[::-1]

    entries = [entry for part in found for entry in part.entries]
    assert len(entries) == len({entry.pk for entry in entries}) == 32
    assert [part.closing for part in found[:-1]] == [part.opening for part in found[1:]]
    assert (found[0].opening, found[-1].closing) == (0, balance(busy.usd))
    for part in found:
        running = part.opening
        for entry in part.entries:
            running += entry.amount
            assert entry.balance == running


def test_a_statement_reads_the_same_forwards(busy: Person) -> None:
    wanted = StatementFilter(account="usd")
    backwards = [entry.pk for part in parts(busy, 7)[::-1] for entry in part.entries]
    part, forwards = queries.statement_of(busy.id, wanted, after=0, most=7), []
    while True:
        forwards += [entry.pk for entry in part.entries]
        if part.newer is None:
            break
        part = queries.statement_of(busy.id, wanted, after=part.newer, most=7)

    assert forwards == backwards


@pytest.mark.parametrize("asked", [{"kind": "solving"}, {"machine_id": WINE}, {"kind": "solving", "machine_id": BEER}])
def test_a_filter_leaves_the_balances_as_they_were(busy: Person, asked: dict[str, Any]) -> None:
    whole = {entry.pk: entry.balance for part in parts(busy, 500) for entry in part.entries}
    found = [entry for part in parts(busy, 4, **asked)[::-1] for entry in part.entries]

    assert 10 <= len(found) <= 30
    assert [entry.pk for entry in found] == sorted(entry.pk for entry in found)
    assert {entry.pk: entry.balance for entry in found}.items() <= whole.items()
    for entry in found:
        assert entry.journal.kind == asked.get("kind", entry.journal.kind)
        assert entry.journal.operation.machine_id == asked.get("machine_id", entry.journal.operation.machine_id)


def test_a_period_begins_with_what_was_there_before_it(busy: Person) -> None:
    times = [entry.journal.recorded_at for part in parts(busy, 500) for entry in part.entries]
    [whole] = parts(busy, 500)
    [middle] = parts(busy, 500, since=times[10], until=times[20])

    assert [entry.pk for entry in middle.entries] == [entry.pk for entry in whole.entries[10:20]]
    assert middle.opening == whole.entries[9].balance
    assert middle.closing == whole.entries[19].balance


def test_the_currency_chooses_the_accounts(busy: Person) -> None:
    entries, _ = queries.page_of_entries(busy.id, StatementFilter(currency="EAML"), cursor=None, limit=500)

    assert {entry.currency for entry in entries} == {"EAML"}


def test_another_persons_entries_are_not_hers(world: World, busy: Person, broke: Person) -> None:
    [part] = parts(broke, 500)

    assert (part.entries, part.opening, part.closing) == ([], 0, 0)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"account": "gold"}, "account"),
        ({"currency": "EUR"}, "currency"),
        ({"kind": "theft"}, "kind"),
        ({"since": datetime(2031, 1, 2, tzinfo=UTC), "until": datetime(2031, 1, 1, tzinfo=UTC)}, "until"),
        ({"since": datetime(2031, 1, 2)}, "since"),
    ],
)
def test_a_filter_that_does_not_fit_names_its_field(asked: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as refusal:
        StatementFilter(**asked).checked()

    assert refusal.value.field == field


@pytest.mark.parametrize("way", [newest, oldest])
@pytest.mark.parametrize("asked", [{}, {"kind": "solving"}, {"machine_id": WINE}])
def test_no_part_of_a_statement_sorts_or_reads_what_it_does_not_show(
    busy: Person, way: Callable[..., Any], asked: dict[str, Any]
) -> None:
    with connection.cursor() as cursor:
        # A table this small is read from end to end; what counts is that it need not be.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
    wanted = Wanted(spans_of([busy.usd]), **asked)
    plan = _plan(lambda: way(wanted, 51))

    # Found by the pair of account and number: going through everybody's postings would filter by the account.
    assert "ROW(debit_account_id, id)" in plan
    assert "Filter: ((debit_account_id" not in plan
    assert "Seq Scan" not in plan.replace("Seq Scan on posting_rest", "")
    # The only sorting is that of the page itself, above the limit.
    assert plan.index("Limit") < plan.index("Merge Append")


def _plan(read: Callable[[], Any]) -> str:
    """How the first question that `read` asks would be answered."""
    asked: list[tuple[str, Any]] = []

    def listen(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listen):
        read()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {asked[0][0]}", asked[0][1])
        return "\n".join(line for (line,) in cursor.fetchall())


def test_the_sums_are_those_of_the_entries(busy: Person) -> None:
    [whole] = parts(busy, 500)
    found = queries.turnover_of([busy.usd])
    for by in ("day", "machine", "kind"):
        sums = queries.grouped(found, by)
        assert sum(one.count for one in sums) == 32
        assert sum(one.net for one in sums) == balance(busy.usd)
    machines = {one.key: one for one in queries.grouped(found, "machine")}

    assert machines[WINE].count == 10
    spent = sum(-entry.amount for entry in whole.entries if entry.label == "Solving")
    assert machines[WINE].went_out + machines[BEER].went_out == spent
    assert machines[None].count == 2


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is long is much less than usual, and summed up in small steps."""
    monkeypatch.setattr(long_accounts, "LONG", 5)
    monkeypatch.setattr(long_accounts, "_ENTRIES_AT_ONCE", 4)
    monkeypatch.setattr(long_accounts, "_JOURNALS_AT_ONCE", 10)


def _read(person: Person) -> list[Any]:
    """Everything that statements tell of a person."""
    told: list[Any] = []
    for asked in ({}, {"kind": "solving"}, {"machine_id": WINE}, {"kind": "credit_from_user"}, {"kind": "training"}):
        told.append([[entry.pk for entry in part.entries] for part in parts(person, 4, **asked)])
    found = queries.turnover_of([person.usd, person.earned])
    told += [queries.grouped(found, by) for by in queries.GROUPS]
    told.append(queries.costs_of(person.id, Currency.USD, since=ALWAYS[0], until=ALWAYS[1]))
    told.append(queries.machines_of(person.id))
    return told


@pytest.mark.django_db(transaction=True)
def test_a_long_account_reads_as_it_did_before_it_was_summed_up(world: World, busy: Person, small: None) -> None:
    before = _read(busy)
    seal_everything()
    # The dollars; the tokens and the debt moved once or never, so they are read as they are.
    assert commands.sum_up_statements() == 32
    assert StatementMark.objects.count() == 1
    assert _read(busy) == before
    assert commands.sum_up_statements() == 0

    use(world, busy)
    [newest_part, *_] = parts(busy, 4, kind="solving")
    assert newest_part.entries[-1].balance == balance(busy.usd)
    assert newest_part.entries[-1].pk not in set(StatementLine.objects.values_list("pk", flat=True))
    machines = {one.key: one for one in queries.grouped(queries.turnover_of([busy.usd]), "machine")}
    assert machines[WINE].count == 11
    in_balance()


@pytest.mark.django_db(transaction=True)
def test_it_is_summed_up_on_and_on_without_counting_anything_twice(world: World, busy: Person, small: None) -> None:
    seal_everything()
    commands.sum_up_statements()
    for _ in range(7):
        use(world, busy)
    before = _read(busy)
    seal_everything()

    assert commands.sum_up_statements() == 7
    assert _read(busy) == before
    in_balance()


@pytest.mark.django_db(transaction=True)
def test_a_sum_that_was_falsified_is_found(world: World, busy: Person, small: None) -> None:
    seal_everything()
    commands.sum_up_statements()
    first = StatementSum.objects.order_by("id").first()
    assert first is not None
    StatementSum.objects.filter(pk=first.pk).update(went_out=first.went_out + 1)

    verdict = queries.verify()
    assert verdict.first_difference is not None
    assert verdict.first_difference.startswith("statements are summed up right")


def test_what_was_taken_back_is_subtracted_from_what_a_machine_cost(world: World, ana: Person) -> None:
    use(world, ana, lines=10_000)
    use(world, ana, lines=20_000)
    journal = Journal.objects.filter(kind="solving").order_by("recorded_at").first()
    assert journal is not None
    commands.reverse_journal(journal_id=journal.pk, reason="twice", by=new_id())

    [cost] = queries.costs_of(ana.id, Currency.USD, since=ALWAYS[0], until=ALWAYS[1])
    assert (cost.machine_id, cost.machine_name, cost.amount) == (WINE, "wine", Decimal(2))


def test_costs_in_different_currencies_stay_apart(world: World) -> None:
    person = world.person(usd="10", eaml_for_usd="1", coupon="5")
    use(world, person, lines=5_000)
    use(world, person, lines=50_000)
    days = {"since": ALWAYS[0], "until": ALWAYS[1]}

    found = {c: sum(one.amount for one in queries.costs_of(person.id, c, **days)) for c in Currency}
    assert found == {Currency.COUPON: 5, Currency.EAML: 10, Currency.USD: 4}
    assert queries.spent_currencies(person.id, **days)[0][1] >= 1


def test_what_is_owed_is_part_of_the_cost(world: World, broke: Person) -> None:
    use(world, broke, lines=1000)

    [cost] = queries.costs_of(broke.id, Currency.USD, since=ALWAYS[0], until=ALWAYS[1])
    assert cost.amount == Decimal("0.1")


def test_income_is_by_machine_day_and_buyer_and_no_buyer_is_named(world: World, ana: Person) -> None:
    seller, other = world.person(), world.person(usd="10")
    for buyer, lines in ((ana, 100), (ana, 50), (other, 10)):
        use(world, buyer, lines=lines, owner=seller)
    days = {"since": ALWAYS[0], "until": ALWAYS[1]}

    by_buyer = queries.earned_by(seller.id, **days, by="buyer")
    assert [one.count for one in by_buyer] == [2, 1]
    assert by_buyer[0].buyer == queries.turnover.buyer_name(seller.id, ana.id) != by_buyer[1].buyer
    assert str(ana.id)[:8] not in by_buyer[0].buyer
    assert queries.turnover.buyer_name(other.id, ana.id) != by_buyer[0].buyer
    [machine] = queries.earned_by(seller.id, **days, by="machine")
    [day] = queries.earned_by(seller.id, **days, by="day")
    assert machine.amount == day.amount == sum(one.amount for one in by_buyer) == balance(seller.earned)


def test_income_that_was_kept_is_income_still(world: World, ana: Person) -> None:
    seller = world.person()
    use(world, ana, lines=100, owner=seller)
    earned = balance(seller.earned)
    commands.keep_income(owner=seller.id, key="k", amount_usd=str(earned))

    [machine] = queries.earned_by(seller.id, since=ALWAYS[0], until=ALWAYS[1], by="machine")
    assert machine.amount == earned


def test_days_are_those_of_utc(world: World, ana: Person) -> None:
    use(world, ana)
    [day] = queries.grouped(queries.turnover_of([ana.usd], kind="solving"), "day")

    assert day.key in (datetime.now(UTC).date(), datetime.now(UTC).date() - timedelta(days=1))
