"""Bills: what is on them, their numbers, and that each is paid at most once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from billing import commands, queries
from billing.commands.page import as_json, as_row
from billing.models import Bill, BillPayment, BillRun, Journal, Party
from billing.rules.bills import CENT, Line, draft, month_of, months_to_bill, taxed
from billing.rules.errors import BillCarried, BillPaid, NothingToBill, PeriodUnfit, WalletShort
from billing.tests.world import Person, World, balance, in_balance
from event_bus.testing import deliver, said
from service_base.errors import BadInput, NotFound
from shared_models.clock import utc_now
from shared_models.events import billing
from shared_models.ids import new_id


def usd(text: str) -> Decimal:
    return Decimal(text)


@pytest.fixture
def now() -> datetime:
    """The beginning of this month, when the last one is to be billed."""
    return month_of(utc_now())


@pytest.fixture
def then(now: datetime) -> datetime:
    """A day of last month."""
    return now - timedelta(days=10)


def lines_of(bill: Bill) -> dict[str, Any]:
    return {line.kind: line for line in bill.lines.all()}


def test_a_bill_has_a_line_for_each_kind_with_what_coupons_tokens_and_dollars_paid(
    world: World, now: datetime, then: datetime
) -> None:
    person, seller = world.person(usd="0.5", eaml_for_usd="0.1"), world.person()
    deliver(world.solved(person, lines=2000, completed_at=then))
    deliver(world.solved(person, lines=1000, completed_at=then))
    deliver(world.solved(person, lines=10, owner=seller, completed_at=then))
    bill = commands.issue_bill(owner=person.id, until=now)

    own, market = lines_of(bill)["solving"], lines_of(bill)["solving_with_api_market"]
    assert (own.count, own.count_of_lines, own.eaml, own.usd, own.owed_usd) == (2, 3000, 1, usd("0.2"), 0)
    assert (market.count, market.count_of_lines, market.usd, market.owed_usd) == (1, 10, usd("0.101"), 0)
    assert (bill.period_start, bill.period_end, bill.due_usd) == (month_of(then), now, 0)
    in_balance()


def test_what_was_not_covered_is_due_and_a_payment_of_the_month_lowers_it(
    world: World, broke: Person, now: datetime, then: datetime
) -> None:
    deliver(world.solved(broke, lines=20_000, completed_at=then))
    world.top_up(broke, "0.5")
    commands.pay_bill(owner=broke.id, key="part", amount_usd="0.5", now=then)
    bill = commands.issue_bill(owner=broke.id, until=now)

    assert (bill.owed_usd, bill.paid_usd, bill.due_usd) == (2, usd("0.5"), usd("1.5"))
    assert queries.open_usd(bill) == usd("1.5") == -balance(broke.owed)
    in_balance()


def test_tax_is_paid_from_the_wallet_and_what_it_lacks_is_due(
    world: World, broke: Person, now: datetime, then: datetime
) -> None:
    commands.set_tax_rate(owner=broke.id, basis_points=1900)
    world.top_up(broke, "10")
    deliver(world.solved(broke, lines=99_000, completed_at=then))
    bill = commands.issue_bill(owner=broke.id, until=now)

    assert (bill.taxable_usd, bill.tax_usd, bill.tax_owed_usd) == (usd("9.9"), usd("1.88"), usd("1.78"))
    assert (balance(broke.usd), -balance(broke.owed), bill.due_usd) == (0, usd("1.78"), usd("1.78"))
    in_balance()


def test_coupons_and_what_other_people_sold_are_not_taxed(
    world: World, ana: Person, now: datetime, then: datetime
) -> None:
    commands.set_tax_rate(owner=ana.id, basis_points=2000)
    world.coupon(ana, "1")
    deliver(world.solved(ana, lines=1000, completed_at=then))
    deliver(world.solved(ana, lines=1000, owner=world.person(), completed_at=then))
    bill = commands.issue_bill(owner=ana.id, until=now)

    # The platform's own price of the market call: 1000 lines for 0.1 USD.
    assert (bill.taxable_usd, bill.tax_usd) == (usd("0.1"), usd("0.02"))


def test_tokens_are_taxed_at_the_rate_they_were_spent_at(world: World, now: datetime, then: datetime) -> None:
    person = world.person(eaml_for_usd="1")
    commands.set_tax_rate(owner=person.id, basis_points=1000)
    deliver(world.solved(person, lines=5000, completed_at=then))
    bill = commands.issue_bill(owner=person.id, until=now)

    assert (lines_of(bill)["solving"].eaml, bill.taxable_usd, bill.tax_usd) == (5, usd("0.5"), usd("0.05"))


def test_a_charge_taken_back_is_a_line_and_lowers_the_next_tax(
    world: World, ana: Person, now: datetime, then: datetime
) -> None:
    commands.set_tax_rate(owner=ana.id, basis_points=1000)
    deliver(world.solved(ana, lines=100_000, completed_at=then))
    charge = Journal.objects.get(kind="solving")
    commands.reverse_journal(journal_id=charge.pk, reason="a mistake", now=then)
    deliver(world.solved(ana, lines=40_000, completed_at=then))
    bill = commands.issue_bill(owner=ana.id, until=now)

    assert (lines_of(bill)["reversal"].usd, bill.taxable_usd, bill.tax_usd) == (-10, 4, usd("0.4"))
    in_balance()


def test_a_debt_is_brought_forward_and_the_older_bill_is_paid_with_the_newer(
    world: World, broke: Person, now: datetime, then: datetime
) -> None:
    deliver(world.solved(broke, lines=10_000, completed_at=then))
    older = commands.issue_bill(owner=broke.id, until=now - timedelta(days=5))
    deliver(world.solved(broke, lines=5_000, completed_at=now - timedelta(days=2)))
    newer = commands.issue_bill(owner=broke.id, until=now)
    world.top_up(broke, "5")

    assert (newer.brought_forward_usd, newer.owed_usd, newer.due_usd) == (1, usd("0.5"), usd("1.5"))
    with pytest.raises(BillCarried, match=newer.called):
        commands.pay_bill(owner=broke.id, key="k", bill_id=older.pk)
    commands.pay_bill(owner=broke.id, key="k", bill_id=newer.pk)
    assert balance(broke.owed) == 0
    assert BillPayment.objects.get().amount_usd == usd("1.5")
    in_balance()


def test_a_paid_bill_is_said_once_and_sets_the_last_billing_time(
    world: World, broke: Person, now: datetime, then: datetime
) -> None:
    deliver(world.solved(broke, lines=10_000, completed_at=then))
    bill = commands.issue_bill(owner=broke.id, until=now)
    world.top_up(broke, "5")
    first = commands.pay_bill(owner=broke.id, key="k", bill_id=bill.pk)
    again = commands.pay_bill(owner=broke.id, key="k", bill_id=bill.pk)

    assert first == again
    assert [(told.number, told.due_usd) for told in said(billing.BillIssued)] == [(bill.called, 1)]
    assert [(told.bill_id, told.amount_usd) for told in said(billing.BillPaid)] == [(bill.pk, 1)]
    assert Party.objects.get(pk=broke.id).last_billing_time == first.effective_at
    with pytest.raises(BillPaid):
        commands.pay_bill(owner=broke.id, key="other", bill_id=bill.pk)


def test_paying_all_that_is_owed_closes_the_bill_in_it(
    world: World, broke: Person, now: datetime, then: datetime
) -> None:
    deliver(world.solved(broke, lines=10_000, completed_at=then))
    bill = commands.issue_bill(owner=broke.id, until=now)
    deliver(world.solved(broke, lines=1_000, completed_at=utc_now()))
    world.top_up(broke, "5")
    commands.pay_bill(owner=broke.id, key="a", amount_usd="0.4")
    assert (queries.open_usd(bill), BillPayment.objects.count()) == (usd("0.6"), 0)
    commands.pay_bill(owner=broke.id, key="b")

    assert (BillPayment.objects.get().bill, BillPayment.objects.get().amount_usd) == (bill, usd("0.6"))
    in_balance()


def test_a_bill_that_the_wallet_cannot_pay_stays_as_it_is(
    world: World, broke: Person, now: datetime, then: datetime
) -> None:
    deliver(world.solved(broke, lines=10_000, completed_at=then))
    bill = commands.issue_bill(owner=broke.id, until=now)
    with pytest.raises(WalletShort):
        commands.pay_bill(owner=broke.id, key="k", bill_id=bill.pk)

    assert (balance(broke.owed), queries.open_usd(bill)) == (-1, 1)


def test_nobody_pays_another_persons_bill(
    world: World, ana: Person, broke: Person, now: datetime, then: datetime
) -> None:
    deliver(world.solved(broke, lines=10_000, completed_at=then))
    bill = commands.issue_bill(owner=broke.id, until=now)
    with pytest.raises(NotFound):
        commands.pay_bill(owner=ana.id, key="k", bill_id=bill.pk)
    with pytest.raises(NotFound):
        commands.pay_bill(owner=ana.id, key="k", bill_id=new_id())


def test_usage_that_comes_after_its_month_was_billed_is_on_the_next_bill(
    world: World, ana: Person, now: datetime, then: datetime
) -> None:
    deliver(world.solved(ana, lines=1000, completed_at=then))
    first = commands.issue_bill(owner=ana.id, until=now)
    deliver(world.solved(ana, lines=2000, completed_at=then))
    second = commands.issue_bill(owner=ana.id)

    assert [lines_of(bill)["solving"].count_of_lines for bill in (first, second)] == [1000, 2000]
    assert second.period_start == now


def test_who_used_nothing_gets_no_bill_and_asking_twice_gives_the_bill_there_is(
    world: World, ana: Person, now: datetime, then: datetime
) -> None:
    with pytest.raises(NothingToBill):
        commands.issue_bill(owner=ana.id, until=now)
    deliver(world.solved(ana, lines=1000, completed_at=then))

    assert commands.issue_bill(owner=ana.id, until=now) == commands.issue_bill(owner=ana.id, until=now)
    with pytest.raises(PeriodUnfit, match="already"):
        commands.issue_bill(owner=ana.id, until=now - timedelta(days=1))
    with pytest.raises(PeriodUnfit, match="has ended"):
        commands.issue_bill(owner=ana.id, until=utc_now() + timedelta(days=1))


class TestRuns:
    """Everybody's bills at the end of a month."""

    def test_after_its_grace_a_month_is_billed_for_all_who_spent_and_once(
        self, world: World, ana: Person, broke: Person, now: datetime, then: datetime
    ) -> None:
        for person in (ana, broke):
            deliver(world.solved(person, lines=1000, completed_at=then))
        world.person(usd="5")

        assert commands.issue_due_bills(now=now + timedelta(hours=23)) == 0
        assert commands.issue_due_bills(now=now + timedelta(hours=24)) == 2
        assert commands.issue_due_bills(now=now + timedelta(hours=25)) == 0
        assert {bill.owner_id for bill in Bill.objects.all()} == {ana.id, broke.id}
        assert [bill.number for bill in Bill.objects.order_by("number")] == [1, 2]
        assert BillRun.objects.get().issued == 2
        in_balance()

    def test_months_that_were_missed_are_billed_each_by_itself(
        self, world: World, ana: Person, now: datetime, then: datetime
    ) -> None:
        before = month_of(then) - timedelta(days=3)
        for day in (before, then):
            deliver(world.solved(ana, lines=1000, completed_at=day))
        commands.issue_due_bills(now=now + timedelta(days=2))

        periods = [(bill.period_start, bill.period_end) for bill in Bill.objects.order_by("period_end")]
        assert periods == [(month_of(before), month_of(then)), (month_of(then), now)]
        in_balance()

    def test_an_operator_has_bills_issued_at_once(self, world: World, ana: Person) -> None:
        deliver(world.solved(ana, lines=1000, completed_at=utc_now() - timedelta(seconds=2)))
        run = commands.ask_for_bills()
        assert commands.ask_for_bills(until=run.until) == run
        commands.issue_due_bills()

        assert Bill.objects.get().period_end == run.until
        with pytest.raises(PeriodUnfit, match="already"):
            commands.ask_for_bills(until=run.until - timedelta(days=1))


class TestDatabase:
    """The database refuses what the commands would never ask."""

    @pytest.fixture
    def bill(self, world: World, broke: Person, now: datetime, then: datetime) -> Bill:
        """A bill over 1 USD."""
        deliver(world.solved(broke, lines=10_000, completed_at=then))
        return commands.issue_bill(owner=broke.id, until=now)

    @pytest.mark.owner
    @pytest.mark.parametrize(
        "tamper", ["UPDATE bill SET due_usd = 0", "DELETE FROM bill_line", "TRUNCATE bill_payment", "DELETE FROM bill"]
    )
    def test_an_issued_bill_never_changes(self, bill: Bill, tamper: str) -> None:
        with pytest.raises(Exception, match="only grows|foreign key"), transaction.atomic():
            connection.cursor().execute(tamper)

    def test_a_bill_is_closed_by_a_journal_that_paid_it_and_nothing_else(self, bill: Bill) -> None:
        charge = Journal.objects.get(kind="solving")
        with pytest.raises(IntegrityError, match="does not pay"), transaction.atomic():
            connection.cursor().execute("SELECT ledger_close_bill(%s, %s, 1)", [bill.pk, charge.pk])

    @pytest.mark.parametrize(
        ("changes", "refusal"),
        [
            ({"period_end": "2999-01-01T00:00:00Z"}, "not closed"),
            ({}, "has its bill already"),
            ({"owner_id": "0190c2b4-7d1e-7a3c-9f00-000000000002"}, "do not sum"),
        ],
    )
    def test_an_open_period_a_billed_one_and_other_lines_are_refused(
        self, bill: Bill, changes: dict[str, str], refusal: str
    ) -> None:
        made = as_json(as_row(bill) | {"id": str(new_id())} | changes)
        with pytest.raises(IntegrityError, match=refusal), transaction.atomic():
            connection.cursor().execute("SELECT ledger_issue_bill(%s::json, '[]'::json)", [made])


@pytest.mark.owner
@pytest.mark.parametrize(
    ("tamper", "check"),
    [
        ("UPDATE bill_series SET last = last + 1", "bill numbers have no gaps"),
        ("UPDATE bill SET number = 3", "bill numbers have no gaps"),
        ("UPDATE bill_line SET tax_usd = tax_usd + 1", "bills add up"),
        ("UPDATE bill SET paid_usd = 1, due_usd = due_usd - 1", "bills are what the ledger says"),
        ("UPDATE bill SET journal_id = NULL", "taxes are on bills"),
        ("UPDATE posting SET amount = amount + 1 WHERE currency = 'EAML'", "tokens were exchanged at their rate"),
    ],
)
def test_whoever_alters_a_bill_behind_the_rules_is_found_by_verify(
    world: World, now: datetime, then: datetime, tamper: str, check: str
) -> None:
    person = world.person(eaml_for_usd="0.1")
    commands.set_tax_rate(owner=person.id, basis_points=1900)
    deliver(world.solved(person, lines=10_000, completed_at=then))
    commands.issue_bill(owner=person.id, until=now)
    in_balance()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("bill", "bill_line", "posting", "posting_rest"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(tamper)

    assert check in {finding.name for finding in queries.verify().findings if not finding.ok}


class TestTax:
    """Rounding: once, on the sum; the parts sum to it."""

    amounts = st.decimals(min_value="-1000", max_value="1000000", places=8)

    @given(st.lists(amounts, min_size=1, max_size=12), st.integers(0, 10_000))
    def test_the_parts_of_a_tax_sum_to_it_and_none_is_a_cent_off_its_share(
        self, bases: list[Decimal], basis_points: int
    ) -> None:
        tax, parts = taxed(bases, basis_points)

        assert sum(parts) == tax
        assert tax == tax.quantize(CENT) >= 0
        if tax:
            exact = sum(bases) * basis_points / 10_000
            assert abs(tax - exact) <= CENT / 2
            assert all(abs(p - b * basis_points / 10_000) <= CENT for p, b in zip(parts, bases, strict=True))

    def test_half_a_cent_goes_to_the_even_one(self) -> None:
        assert [taxed([usd(base)], 1000)[0] for base in ("0.05", "0.15", "0.25")] == [0, usd("0.02"), usd("0.02")]

    def test_the_cents_that_rounding_leaves_go_to_whoever_lost_most(self) -> None:
        assert taxed([usd("0.11"), usd("0.19"), usd("0.10")], 1000) == (usd("0.04"), [CENT, 2 * CENT, CENT])

    def test_more_taken_back_than_sold_is_no_tax_and_lowers_the_next_bills(self) -> None:
        terms: dict[str, Any] = {"brought_forward_usd": usd("0"), "paid_usd": usd("0"), "tax_basis_points": 1000}
        first = draft([Line("reversal", 1, usd=usd("-8"), taxable_usd=usd("-8"))], taxable_before_usd=usd("0"), **terms)
        second = draft(
            [Line("solving", 1, usd=usd("20"), taxable_usd=usd("20"))], taxable_before_usd=first.taxable_usd, **terms
        )
        assert (first.tax_usd, second.taxable_usd, second.tax_usd) == (0, 12, usd("1.2"))
        assert [line.tax_usd for line in second.lines] == [2, usd("-0.8")]

    @pytest.mark.parametrize("basis_points", [-1, 10_001])
    def test_a_rate_that_is_none_is_refused(self, ana: Person, basis_points: int) -> None:
        with pytest.raises(BadInput, match="basis points"):
            commands.set_tax_rate(owner=ana.id, basis_points=basis_points)


def test_months_end_where_the_next_begin_through_the_year() -> None:
    ends = list(months_to_bill(since=datetime(2030, 10, 17, tzinfo=UTC), now=datetime(2031, 3, 1, 23, tzinfo=UTC)))

    assert [f"{end:%Y-%m-%d}" for end in ends] == ["2030-11-01", "2030-12-01", "2031-01-01", "2031-02-01"]
