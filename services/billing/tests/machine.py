"""The state machine: people, works, sales, purchases, contracts, payouts, refunds, reversals, bills, closed periods.

It does the same to the real ledger and to the oracle, and compares after every step. A unit is 0.1 USD.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from billing import commands
from billing.models import Hold, HoldResolution, Payment, Payout, PeriodClose, Usage
from billing.rules.errors import EarnedShort, NothingOwed, NothingToBill, PaymentEnded, PeriodUnfit, WalletShort
from billing.tests.looking import UNIT, differences, prepare_checks, shown
from billing.tests.oracle import Lot, Paid, Pocket, Reserved
from billing.tests.world import World, in_balance
from event_bus.testing import deliver
from shared_models.clock import utc_now
from shared_models.events import ml
from shared_models.ids import new_id
from shared_models.money import plain

# Far enough back that no sequence reaches the present: only a period that has ended can be closed.
BEGINNING = timedelta(days=400)
people = st.integers(0, 1)
units = st.integers(1, 40)
# Amounts of which a tenth, and half of that, are whole units.
tens, twenties = st.integers(1, 8).map(lambda n: 10 * n), st.integers(1, 4).map(lambda n: 20 * n)


class Ledger(RuleBasedStateMachine):
    """Two people and everything that can happen between them and the platform."""

    works = Bundle("works")
    told = Bundle("told")
    purchases = Bundle("purchases")
    payments = Bundle("payments")
    payouts = Bundle("payouts")
    contracts = Bundle("contracts")

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        prepare_checks()
        commands.publish_first_prices()
        self.now = (utc_now() - BEGINNING).replace(microsecond=0)
        self.people = [World(self.now).person() for _ in range(2)]
        self.pockets = [Pocket(), Pocket()]
        self.holds: dict[Any, Reserved] = {}
        self.reversed: set[Any] = set()

    def teardown(self) -> None:
        """Verify as an operator does, then forget everything."""
        try:
            in_balance()
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    @property
    def world(self) -> World:
        """The world at this moment."""
        return World(self.now)

    # Money comes and goes.

    @rule(target=payments, who=people, amount=units)
    def top_up(self, who: int, amount: int) -> Any:
        """Dollars come in."""
        journal = self.world.top_up(self.people[who], plain(amount * UNIT))
        self.pockets[who].usd += amount
        return who, Payment.objects.get(journal=journal).pk

    @rule(payment=payments, amount=units)
    def refund(self, payment: tuple[int, Any], amount: int) -> None:
        """The provider gives some of a payment back, if that much is left of it."""
        who, payment_id = payment
        row = Payment.objects.get(pk=payment_id)
        left = int((row.amount - row.refunded) / UNIT)
        amount = min(amount, left)
        try:
            commands.refund_top_up(payment_id=payment_id, amount_usd=plain(amount * UNIT) if amount else None)
            assert left > 0
            self.pockets[who].refund(amount)
        except PaymentEnded:
            assert left == 0

    @rule(who=people, amount=units, days=st.integers(1, 3))
    def coupon(self, who: int, amount: int, days: int) -> None:
        """A coupon is activated."""
        lot = self.world.coupon(self.people[who], str(amount), credit_days=days)
        self.pockets[who].lots.append(Lot(lot.pk, amount, lot.expires_at))

    @rule(who=people, amount=units)
    def buy_tokens(self, who: int, amount: int) -> None:
        """Dollars become tokens, if they are free."""
        pocket, enough = self.pockets[who], self.pockets[who].usd_free >= amount
        try:
            owner, usd = self.people[who].id, plain(amount * UNIT)
            commands.buy_tokens(owner=owner, key=str(new_id()), amount_usd=usd, now=self.now)
            assert enough
            pocket.usd -= amount
            pocket.eaml += amount
        except WalletShort:
            assert not enough

    @rule(who=people, amount=units)
    def keep_income(self, who: int, amount: int) -> None:
        """Market income goes into the wallet, if there is so much."""
        pocket, enough = self.pockets[who], self.pockets[who].earned >= amount
        try:
            owner, usd = self.people[who].id, plain(amount * UNIT)
            commands.keep_income(owner=owner, key=str(new_id()), amount_usd=usd, now=self.now)
            assert enough
            pocket.earned -= amount
            pocket.usd += amount
        except EarnedShort:
            assert not enough

    @rule(target=payouts, who=people, amount=units)
    def request_payout(self, who: int, amount: int) -> Any:
        """Market income goes to her bank, if there is so much."""
        pocket, enough = self.pockets[who], self.pockets[who].earned >= amount
        try:
            owner, usd = self.people[who].id, plain(amount * UNIT)
            payout = commands.request_payout(owner=owner, key=str(new_id()), amount_usd=usd, now=self.now)
            assert enough
            pocket.earned -= amount
            pocket.transit += amount
            return who, amount, payout.pk
        except EarnedShort:
            assert not enough
            return multiple()

    @rule(payout=payouts, paid=st.booleans())
    def settle_payout(self, payout: tuple[int, int, Any], paid: bool) -> None:
        """The bank answers, perhaps again and otherwise: what was paid can come back, what failed stays failed."""
        who, amount, payout_id = payout
        before = Payout.objects.get(pk=payout_id).status
        commands.settle_payout(payout_id=payout_id, paid=paid, at=self.now)
        pocket, is_open = self.pockets[who], before not in ("paid", "failed")
        if is_open:
            pocket.transit -= amount
        if not paid and before != "failed":
            pocket.earned += amount

    # Work and usage.

    @rule(target=works, who=people, price=units, twice=st.booleans())
    def request(self, who: int, price: int, twice: bool) -> tuple[int, int, ml.WorkRequested]:
        """Work asks for funds, perhaps twice."""
        wanted = self.world.wants_training(self.people[who], lines=1000 * price)
        for _ in range(1 + twice):
            deliver(wanted)
        pocket = self.pockets[who]
        if pocket.owed == 0 and pocket.free(self.now) >= price:
            self.holds[wanted.work_id] = pocket.reserve(price, self.now)
        return who, price, wanted

    @rule(target=told, work=consumes(works), used=units)
    def complete(self, work: tuple[int, int, ml.WorkRequested], used: int) -> Any:
        """Work ends, with or without a hold that is still there."""
        who, _, wanted = work
        event, event_id = self.world.trained(wanted, lines=1000 * used, completed_at=self.now), new_id()
        deliver(event, event_id=event_id)
        pocket, taken = self.pockets[who], Paid()
        hold = self.holds.pop(wanted.work_id, None)
        if hold is not None:
            taken = pocket.take(hold, used)
        beyond = used - sum(part for _, part in taken.lots) - taken.eaml - taken.usd
        return event, event_id, who, taken.and_also(pocket.pay(beyond, self.now)), 0

    @rule(work=works)
    def fail(self, work: tuple[int, int, ml.WorkRequested]) -> None:
        """Work is cancelled; it may complete all the same later."""
        who, _, wanted = work
        deliver(self.world.failed(wanted, cancelled=True))
        hold = self.holds.pop(wanted.work_id, None)
        if hold is not None:
            self.pockets[who].give_back(hold)

    @rule(target=told, who=people, lines=units, hours=st.sampled_from([0, 0, 0, 30]))
    def solve(self, who: int, lines: int, hours: int) -> Any:
        """Her own machine solves; it may be told only now that it did some time ago, in a period that is closed."""
        then = self.now - timedelta(hours=hours)
        event, event_id = self.world.solved(self.people[who], lines=1000 * lines, completed_at=then), new_id()
        deliver(event, event_id=event_id)
        return event, event_id, who, self.pockets[who].pay(lines, then), 0

    @rule(target=told, who=people, lines=st.integers(1, 5))
    def sell(self, who: int, lines: int) -> Any:
        """The other one's machine solves on the market: ten units a thousand lines, a tenth of it the fee."""
        owner = self.people[1 - who]
        event = self.world.solved(self.people[who], lines=1000 * lines, owner=owner, market_price_usd="0.001")
        event_id = new_id()
        deliver(event, event_id=event_id)
        paid = self.pockets[who].pay(lines, self.now).and_also(self.pockets[who].pay_usd(10 * lines))
        self.pockets[1 - who].earned += 9 * lines
        return event, event_id, who, paid, 9 * lines

    @rule(charge=told, same_id=st.booleans())
    def tell_again(self, charge: Any, same_id: bool) -> None:
        """A usage is delivered once more: by the broker under its id, or by its producer under another."""
        event, event_id, *_ = charge
        deliver(event, event_id=event_id if same_id else new_id())

    @rule(charge=told)
    def reverse(self, charge: Any) -> None:
        """An operator takes a charge back, perhaps again: everybody gets what she gave, once."""
        _, event_id, who, paid, earned = charge
        journal_id = Usage.objects.get(pk=event_id).journal_id
        commands.reverse_journal(journal_id=journal_id, reason="wrong", now=self.now)
        if journal_id not in self.reversed:
            self.reversed.add(journal_id)
            self.pockets[1 - who].give_up(earned)
            self.pockets[who].get_back(paid)

    # The market and consulting.

    @rule(target=purchases, who=people, price=tens)
    def wants_to_buy(self, who: int, price: int) -> Any:
        """A copy of the other one's machine: its price is held."""
        wanted = self.world.wants_to_buy(self.people[who], self.people[1 - who], price=plain(price * UNIT))
        deliver(wanted)
        pocket = self.pockets[who]
        if pocket.owed == 0 and pocket.usd_free >= price:
            pocket.usd_held += price
            self.holds[wanted.purchase_id] = Reserved([], 0, price)
        return who, price, wanted

    @rule(target=told, purchase=consumes(purchases))
    def deliver_purchase(self, purchase: tuple[int, int, ml.PurchaseRequested]) -> Any:
        """The buyer has it, and the seller her price less the fee."""
        who, price, wanted = purchase
        event, event_id = self.world.delivered(wanted, completed_at=self.now), new_id()
        deliver(event, event_id=event_id)
        hold = self.holds.pop(wanted.purchase_id, None)
        if hold is not None:
            self.pockets[who].give_back(hold)
        self.pockets[1 - who].earned += price * 9 // 10
        return event, event_id, who, self.pockets[who].pay_usd(price), price * 9 // 10

    @rule(purchase=purchases)
    def fail_purchase(self, purchase: tuple[int, int, ml.PurchaseRequested]) -> None:
        """Nothing came of it."""
        who, _, wanted = purchase
        deliver(self.world.not_delivered(wanted))
        hold = self.holds.pop(wanted.purchase_id, None)
        if hold is not None:
            self.pockets[who].give_back(hold)

    @rule(target=contracts, who=people, amount=twenties)
    def sign(self, who: int, amount: int) -> Any:
        """A contract with the other one: its amount is in escrow, if there is so much."""
        client, consultant, pocket = self.people[who].id, self.people[1 - who].id, self.pockets[who]
        request = commands.open_request(
            user=client, category="other", description="Clean our table.", key=str(new_id()), now=self.now
        )
        offer = commands.make_offer(
            request_id=request.pk, consultant=consultant, amount_usd=plain(amount * UNIT), delay_days=5
        )
        commands.choose_offer(request_id=request.pk, offer_id=offer.pk, user=client, now=self.now)
        try:
            commands.sign_contract(request_id=request.pk, consultant=consultant, now=self.now)
            assert pocket.usd_free >= amount
            pocket.usd -= amount
            pocket.escrow += amount
            return who, amount, request.pk
        except WalletShort:
            assert pocket.usd_free < amount
            return multiple()

    @rule(contract=consumes(contracts), end=st.sampled_from(["finish", "cancel", "half", "none"]))
    def end_contract(self, contract: tuple[int, int, Any], end: str) -> None:
        """It is finished, called off, or disputed and settled by an operator."""
        who, amount, request_id = contract
        client, consultant = self.people[who].id, self.people[1 - who].id
        shares = {"finish": amount, "cancel": 0, "half": amount // 2, "none": 0}
        if end == "finish":
            commands.finish_contract(request_id=request_id, user=client, now=self.now)
        elif end == "cancel":
            commands.cancel_request(request_id=request_id, actor=consultant, now=self.now)
        else:
            commands.dispute_contract(request_id=request_id, actor=client, reason="No.", now=self.now)
            commands.settle_dispute(
                request_id=request_id, operator=new_id(), consultant_basis_points=5000 if end == "half" else 0,
                reason="So.", now=self.now,
            )  # fmt: skip
        self.pockets[who].escrow -= amount
        self.pockets[who].usd += amount - shares[end]
        self.pockets[1 - who].earned += shares[end] * 9 // 10

    # Bills and time.

    @rule(who=people)
    def pay_bill(self, who: int) -> None:
        """What is owed is paid, if there is enough."""
        pocket = self.pockets[who]
        try:
            commands.pay_bill(owner=self.people[who].id, key=str(new_id()), now=self.now)
            assert 0 < pocket.owed <= pocket.usd_free
            pocket.usd -= pocket.owed
            pocket.owed = 0
        except NothingOwed:
            assert pocket.owed == 0
        except WalletShort:
            assert pocket.owed > pocket.usd_free

    @rule(who=people)
    def issue_bill(self, who: int) -> None:
        """A bill of all until now, which closes the books up to here and moves no money."""
        try:
            commands.issue_bill(owner=self.people[who].id, until=self.now)
        except (NothingToBill, PeriodUnfit):
            return

    @rule(hours=st.sampled_from([0, 20]))
    def close_period(self, hours: int) -> None:
        """The books are closed, and never opened again."""
        until = self.now - timedelta(hours=hours)
        newest = PeriodClose.objects.order_by("until").last()
        try:
            commands.close_period(until=until)
            assert newest is None or newest.until < until
        except PeriodUnfit:
            assert newest is not None
            assert newest.until >= until

    @rule(hours=st.sampled_from([1, 13, 25]))
    def wait(self, hours: int) -> None:
        """Time passes, and what has an end meets it: holds first, then coupons."""
        self.now += timedelta(hours=hours)
        open_before = dict(self.holds)
        commands.expire_holds(now=self.now)
        for work_id in open_before:
            if HoldResolution.objects.filter(hold__work_id=work_id).exists():
                self._owner_of(work_id).give_back(self.holds.pop(work_id))
        commands.expire_coupons(now=self.now)
        for pocket in self.pockets:
            pocket.lapse(self.now)

    @invariant()
    def the_oracle_agrees(self) -> None:
        """Every balance and what is held of it is what the oracle says."""
        found, expected = shown(self.people), [pocket.balances() for pocket in self.pockets]
        assert found == expected, f"the ledger has {found}, the oracle {expected}"

    @invariant()
    def the_ledger_holds(self) -> None:
        """All checks of `titan ledger verify` pass."""
        wrong = differences()
        assert not wrong, wrong

    def _owner_of(self, work_id: Any) -> Pocket:
        payer = Hold.objects.get(work_id=work_id).payer_id
        return self.pockets[[person.id for person in self.people].index(payer)]
