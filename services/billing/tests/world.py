"""People, machines and work as a test needs them, made through events and commands, never by writing rows."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing import commands, queries
from billing.models import Balance, CouponLot, Hold, Journal, JournalSeal, Posting, Usage
from billing.rules.accounts import (
    AccountName,
    coupon_account,
    escrow,
    payout_in_transit,
    receivable,
    seller_payable,
    wallet,
)
from event_bus.testing import deliver, said
from shared_models.events import billing, ml
from shared_models.ids import new_id
from shared_models.money import Currency


@dataclass(frozen=True)
class Person:
    """Somebody with accounts."""

    id: UUID = field(default_factory=new_id)

    @property
    def usd(self) -> AccountName:
        """Her dollars."""
        return wallet(self.id, Currency.USD)

    @property
    def eaml(self) -> AccountName:
        """Her tokens."""
        return wallet(self.id, Currency.EAML)

    @property
    def coupons(self) -> AccountName:
        """Her coupon credit."""
        return coupon_account(self.id)

    @property
    def earned(self) -> AccountName:
        """What she earned on the market."""
        return seller_payable(self.id)

    @property
    def transit(self) -> AccountName:
        """What is on its way to her bank."""
        return payout_in_transit(self.id)

    @property
    def escrow(self) -> AccountName:
        """What her contracts have set aside."""
        return escrow(self.id)

    @property
    def owed(self) -> AccountName:
        """What she owes, below zero."""
        return receivable(self.id)


@dataclass(frozen=True)
class World:
    """Makes things happen at `now`, unless told otherwise."""

    now: datetime

    def person(self, *, usd: str = "0", eaml_for_usd: str = "0", coupon: str = "0") -> Person:
        """Somebody with that many dollars, tokens bought for that many more, and an activated coupon."""
        person = Person()
        commands.open_accounts(owner=person.id)
        if Decimal(usd) + Decimal(eaml_for_usd):
            self.top_up(person, str(Decimal(usd) + Decimal(eaml_for_usd)))
        if Decimal(eaml_for_usd):
            commands.buy_tokens(owner=person.id, key="start", amount_usd=eaml_for_usd, now=self.now)
        if Decimal(coupon):
            self.coupon(person, coupon)
        return person

    def top_up(self, person: Person, usd: str) -> Journal:
        """Money through the test provider."""
        payment = commands.start_top_up(owner=person.id, amount_usd=usd, key=str(new_id()))
        confirmed = commands.confirm_test_payment(owner=person.id, payment_id=payment.pk, now=self.now)
        assert confirmed.journal is not None
        return confirmed.journal

    def coupon(self, person: Person, amount: str, **terms: Any) -> CouponLot:
        """An activated coupon worth `amount`."""
        code = f"C{new_id().hex[:20]}"
        commands.create_coupon(code=code, amount=amount, budget=amount, valid_from=self.now, **terms)
        return commands.activate_coupon(owner=person.id, code=code, now=self.now)

    def wants_training(
        self, payer: Person, *, lines: int = 1000, columns: int = 10, **changes: Any
    ) -> ml.WorkRequested:
        """A request for training; 10 columns and 1000 lines at level 1 cost 1 EAML by the first price list."""
        facts: dict[str, Any] = {
            "work_id": new_id(),
            "kind": "training",
            "machine_id": new_id(),
            "machine_name": "wine",
            "machine_owner_id": payer.id,
            "payer_id": payer.id,
            "columns": columns,
            "learning_lines": lines - lines // 5,
            "evaluation_lines": lines // 5,
            "solving_lines": 0,
            "level": 1,
            "requested_at": self.now,
        }
        return ml.WorkRequested(**(facts | changes))

    def trained(self, request: ml.WorkRequested, *, lines: int | None = None, **changes: Any) -> ml.TrainingCompleted:
        """The training that was requested ended; with `lines`, on that many."""
        facts = request.model_dump(include={"work_id", "machine_id", "machine_name", "machine_owner_id", "payer_id"})
        known = request.learning_lines + request.evaluation_lines
        facts |= {
            "columns": request.columns,
            "learning_lines": known if lines is None else lines,
            "evaluation_lines": 0,
            "level": request.level,
            "epochs": 40,
            "seconds": 12.5,
            "input_columns": ["a"],
            "output_columns": ["b"],
            "scores": {"r2": 0.5},
            "completed_at": self.now + timedelta(minutes=5),
        }
        return ml.TrainingCompleted(**(facts | changes))

    def failed(self, request: ml.WorkRequested, *, cancelled: bool = False) -> ml.WorkFailed:
        """The requested work ended without a result."""
        return ml.WorkFailed(
            work_id=request.work_id,
            machine_id=request.machine_id,
            kind=request.kind,
            payer_id=request.payer_id,
            cancelled=cancelled,
            reason="stopped",
            ended_at=self.now + timedelta(minutes=1),
        )

    def solved(self, payer: Person, *, lines: int, owner: Person | None = None, **changes: Any) -> ml.SolvingCompleted:
        """A solving of the payer's own machine, or, with an owner, a market call; 1000 lines cost 1 EAML."""
        facts: dict[str, Any] = {
            "usage_id": new_id(),
            "machine_id": new_id(),
            "machine_name": "wine",
            "machine_owner_id": (owner or payer).id,
            "payer_id": payer.id,
            "channel": "market" if owner else "own",
            "lines": lines,
            "columns": 10,
            "market_price_usd": "0.01" if owner else None,
            "completed_at": self.now,
        }
        return ml.SolvingCompleted(**(facts | changes))

    def wants_to_buy(self, buyer: Person, seller: Person, *, price: str = "5", **changes: Any) -> ml.PurchaseRequested:
        """A request to buy a copy of the seller's machine."""
        facts: dict[str, Any] = {
            "purchase_id": new_id(),
            "kind": "machine_copy",
            "machine_id": new_id(),
            "machine_name": "wine",
            "seller_id": seller.id,
            "buyer_id": buyer.id,
            "price_usd": price,
            "columns": 10,
            "lines": 1000,
            "requested_at": self.now,
        }
        return ml.PurchaseRequested(**(facts | changes))

    def delivered(self, request: ml.PurchaseRequested, **changes: Any) -> ml.PurchaseCompleted:
        """What was requested is in the buyer's hands."""
        facts = request.model_dump(exclude={"requested_at"})
        facts |= {"copy_id": new_id(), "completed_at": self.now + timedelta(minutes=1)}
        return ml.PurchaseCompleted(**(facts | changes))

    def not_delivered(self, request: ml.PurchaseRequested, *, cancelled: bool = False) -> ml.PurchaseFailed:
        """The purchase came to nothing."""
        return ml.PurchaseFailed(
            purchase_id=request.purchase_id,
            machine_id=request.machine_id,
            buyer_id=request.buyer_id,
            cancelled=cancelled,
            reason="stopped",
            ended_at=self.now + timedelta(minutes=1),
        )

    def hold(self, payer: Person, **request: Any) -> tuple[ml.WorkRequested, Hold]:
        """A requested training and the hold it got."""
        wanted = self.wants_training(payer, **request)
        deliver(wanted)
        return wanted, Hold.objects.get(work_id=wanted.work_id)


def balance(account: AccountName) -> Decimal:
    """What is posted on the account."""
    return Balance.objects.get(pk=account.id).posted


def available(account: AccountName) -> Decimal:
    """What is posted and not held."""
    row = Balance.objects.get(pk=account.id)
    return row.posted - row.held


def in_balance() -> None:
    """Fail with the first difference unless the whole ledger holds."""
    verdict = queries.verify()
    assert verdict.ok, verdict.first_difference


def seal_everything() -> int:
    """Seal every journal; how many were sealed.

    The chain follows the oldest transaction of the whole server, on which other services' tests run too.
    """
    made, deadline = commands.seal_journals(), time.monotonic() + 200
    while JournalSeal.objects.count() < Journal.objects.count():
        assert time.monotonic() < deadline, "journals that no transaction holds back were not sealed"
        time.sleep(0.05)
        made += commands.seal_journals()
    return made


def charge_of(event_id: UUID) -> Journal:
    """The journal that a usage event led to."""
    return Usage.objects.select_related("journal").get(pk=event_id).journal


def postings(journal: Journal) -> list[tuple[UUID, UUID, Decimal]]:
    """The journal's postings as (debit, credit, amount)."""
    rows = Posting.objects.filter(journal=journal).order_by("seq")
    return list(rows.values_list("debit_account_id", "credit_account_id", "amount"))


def downloaded(answer: Any) -> str:
    """The text of a file that is sent while it is read."""
    with warnings.catch_warnings():
        # Django's test client has no event loop; it reads all of it first and says so.
        warnings.simplefilter("ignore")
        return b"".join(answer).decode()


def operations_told() -> list[billing.PostedOperation]:
    """What was said of operations, in the order it was said."""
    return [one for page in said(billing.OperationsPosted) for one in page.operations]


def balances_told(person: Person | None = None) -> list[billing.Balance]:
    """What was said of people's balances, or of hers, in the order it was said."""
    told = [one for page in said(billing.BalancesChanged) for one in page.balances]
    return [one for one in told if person is None or one.owner_id == person.id]
