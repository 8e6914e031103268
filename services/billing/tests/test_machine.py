"""Any sequence of holds, captures, failures, expiries, top-ups, coupons, sales and bills leaves a ledger that holds."""

from __future__ import annotations

import os
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from billing import commands
from billing.models import Balance
from billing.rules.errors import NothingOwed, WalletShort
from billing.tests.conftest import SOME_NOON
from billing.tests.oracle import Lot, Pocket, Reserved
from billing.tests.world import Person, World, in_balance
from event_bus.testing import deliver
from shared_models.events import ml
from shared_models.ids import new_id
from shared_models.money import plain

# `make test` tries a dozen short sequences; TITAN_LONG_TESTS=2000 tries that many long ones, for a night.
LONG = int(os.environ.get("TITAN_LONG_TESTS", "0"))
PROFILE: dict[str, Any] = {"max_examples": LONG or 12, "stateful_step_count": 60 if LONG else 25}
UNIT = Decimal("0.1")
people = st.integers(0, 1)
units = st.integers(1, 40)


class Ledger(RuleBasedStateMachine):
    """Does the same to the real ledger and to the oracle, and compares after every step."""

    works = Bundle("works")
    told = Bundle("told")

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        commands.publish_first_prices()
        self.now = SOME_NOON
        self.people = [World(self.now).person() for _ in range(2)]
        self.pockets = [Pocket(), Pocket()]
        self.holds: dict[Any, Reserved] = {}
        self.ended: set[Any] = set()

    def teardown(self) -> None:
        """Forget everything."""
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    @property
    def world(self) -> World:
        """The world at this moment."""
        return World(self.now)

    @rule(who=people, amount=units)
    def top_up(self, who: int, amount: int) -> None:
        """Dollars come in."""
        self.world.top_up(self.people[who], plain(amount * UNIT))
        self.pockets[who].usd += amount

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
        pocket = self.pockets[who]
        hold = self.holds.pop(wanted.work_id, None)
        beyond = used if hold is None else pocket.take(hold, used)
        pocket.pay(beyond, self.now)
        return event, event_id

    @rule(work=works)
    def fail(self, work: tuple[int, int, ml.WorkRequested]) -> None:
        """Work is cancelled; it may complete all the same later."""
        who, _, wanted = work
        deliver(self.world.failed(wanted, cancelled=True))
        hold = self.holds.pop(wanted.work_id, None)
        if hold is not None:
            self.pockets[who].give_back(hold)

    @rule(target=told, who=people, lines=units)
    def solve(self, who: int, lines: int) -> Any:
        """Her own machine solves."""
        event, event_id = self.world.solved(self.people[who], lines=1000 * lines), new_id()
        deliver(event, event_id=event_id)
        self.pockets[who].pay(lines, self.now)
        return event, event_id

    @rule(target=told, who=people, lines=st.integers(1, 5))
    def sell(self, who: int, lines: int) -> Any:
        """The other one's machine solves on the market: ten units a thousand lines, a tenth of it the fee."""
        owner = self.people[1 - who]
        event = self.world.solved(self.people[who], lines=1000 * lines, owner=owner, market_price_usd="0.001")
        event_id = new_id()
        deliver(event, event_id=event_id)
        self.pockets[who].pay(lines, self.now)
        self.pockets[who].pay_usd(10 * lines)
        self.pockets[1 - who].earned += 9 * lines
        return event, event_id

    @rule(event=told, same_id=st.booleans())
    def tell_again(self, event: Any, same_id: bool) -> None:
        """A usage is delivered once more: by the broker under its id, or by its producer under another."""
        usage, event_id = event
        deliver(usage, event_id=event_id if same_id else new_id())

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

    @rule(hours=st.sampled_from([1, 13, 25]))
    def wait(self, hours: int) -> None:
        """Time passes, and what has an end meets it: holds first, then coupons."""
        self.now += timedelta(hours=hours)
        open_before = dict(self.holds)
        commands.expire_holds(now=self.now)
        for work_id in open_before:
            if _is_over(work_id):
                self._owner_of(work_id).give_back(self.holds.pop(work_id))
        commands.expire_coupons(now=self.now)
        for pocket in self.pockets:
            pocket.lapse(self.now)

    @invariant()
    def the_oracle_agrees(self) -> None:
        """Every balance and what is held of it is what the oracle says."""
        for person, pocket in zip(self.people, self.pockets, strict=True):
            assert _shown(person) == {
                "usd": (pocket.usd, pocket.usd_held),
                "eaml": (pocket.eaml, pocket.eaml_held),
                "coupons": (sum(lot.left for lot in pocket.lots), sum(lot.held for lot in pocket.lots)),
                "owed": (-pocket.owed, 0),
                "earned": (pocket.earned, 0),
            }

    @invariant()
    def the_ledger_holds(self) -> None:
        """All checks of `titan ledger verify` pass."""
        in_balance()

    def _owner_of(self, work_id: Any) -> Pocket:
        from billing.models import Hold

        payer = Hold.objects.get(work_id=work_id).payer_id
        return self.pockets[[person.id for person in self.people].index(payer)]


def _is_over(work_id: Any) -> bool:
    from billing.models import HoldResolution

    return HoldResolution.objects.filter(hold__work_id=work_id).exists()


def _shown(person: Person) -> dict[str, tuple[Decimal, Decimal]]:
    shown = {}
    for name in ("usd", "eaml", "coupons", "owed", "earned"):
        unit = UNIT if name in ("usd", "owed", "earned") else Decimal(1)
        row = Balance.objects.get(pk=getattr(person, name).id)
        shown[name] = (row.posted / unit, row.held / unit)
    return shown


@pytest.mark.timeout(0 if LONG else 300)
def test_any_sequence_leaves_a_ledger_that_holds(db: None) -> None:
    run_state_machine_as_test(
        Ledger,
        settings=settings(deadline=None, suppress_health_check=list(HealthCheck), database=None, **PROFILE),
    )
