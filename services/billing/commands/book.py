"""The book: the money of some people, locked, decided on in memory, and written as one page of the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import Max

from billing import publishes
from billing.commands.page import Page, as_json, as_row, new
from billing.commands.parties import lock_parties, open_all
from billing.commands.prices import in_force
from billing.models import (
    CouponLot,
    Hold,
    HoldPart,
    HoldResolution,
    Journal,
    LotUse,
    Operation,
    Party,
    PeriodClose,
    PriceList,
)
from billing.queries import many
from billing.rules.accounts import AccountName, Move, accounts_of_person, receivable, spent_from, wallet
from billing.rules.errors import KeyConflict
from billing.rules.funding import FreeLot, Funds, Part
from event_bus.outbox import append_all
from shared_models.clock import rfc3339, utc_now
from shared_models.events.contract import Event
from shared_models.ids import dated_id, derived_id
from shared_models.money import Currency

ZERO = Decimal(0)
# Of seven accounts a person most are empty: their number, in the last row, shows that they are there.
_BALANCES = """
    WITH found AS MATERIALIZED (SELECT account_id, posted, held FROM balance WHERE account_id = ANY(%s::uuid[]))
    SELECT account_id, posted, held FROM found WHERE posted <> 0 OR held <> 0
    UNION ALL SELECT NULL, (SELECT count(*) FROM found), 0
"""
_LOTS = "SELECT * FROM coupon_lot WHERE owner_id = ANY(%s::uuid[]) AND remaining > 0"
_POSTED = "SELECT * FROM journal WHERE source = %s AND idempotency_key IN (SELECT json_array_elements_text(%s::json))"
_CHANGE_PARTIES = """
    UPDATE party SET version = new.version, last_billing_time = new.last_billing_time, credit_limit = new.credit_limit
    FROM json_populate_recordset(NULL::party, %s::json) AS new WHERE party.owner_id = new.owner_id
"""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a journal exists. Source and key are unique for ever; `digest` is what was said under them."""

    source: str
    key: str
    digest: str
    at: datetime


@dataclass(slots=True)
class Slot:
    """A balance as it stands on this page."""

    posted: Decimal
    held: Decimal

    @property
    def free(self) -> Decimal:
        """What is posted and not reserved."""
        return self.posted - self.held


class Book:
    """Everything that decisions about `owners` need, under their locks; `close` writes what was decided.

    Decisions of one page see each other in order. Nothing is written before `close`, and then everything at once: rows,
    balances and events exist together or not at all. Open it inside the transaction that closes it. `payees` are paid
    on this page and decided on nowhere on it.
    """

    def __init__(self, *owners: UUID, payees: Iterable[UUID] = ()) -> None:
        self.parties: dict[UUID, Party] = lock_parties(*owners, payees=payees)
        self._page = Page()
        self._slots = _slots_of(self.parties)
        self._lots = _lots_of(self.parties)
        self._lists: list[PriceList] = []
        self._closed_until = PeriodClose.objects.aggregate(Max("until"))["until__max"]
        self._touched: dict[UUID, None] = {}
        self._said: list[tuple[Event, UUID | None]] = []

    def funds(self, owner: UUID, *, at: datetime) -> Funds:
        """Her free money, with the coupon lots valid `at` that moment in the order they are spent."""
        lots = [
            FreeLot(lot.pk, lot.remaining - lot.held)
            for lot in self._lots.get(owner, ())
            if lot.remaining > lot.held and (lot.expires_at is None or lot.expires_at > at)
        ]
        usd, eaml = wallet(owner, Currency.USD), wallet(owner, Currency.EAML)
        return Funds(lots, eaml=self._slot(eaml).free, usd=self._slot(usd).free)

    def free(self, account: AccountName) -> Decimal:
        """What is posted and not reserved on a person's account."""
        return self._slot(account).free

    def owed(self, owner: UUID) -> Decimal:
        """The dollars she owes."""
        return -self._slot(receivable(owner)).posted

    def prices_at(self, at: datetime) -> PriceList:
        """The price list that was in force at that moment. Raises PricesMissing."""
        self._lists = self._lists or list(PriceList.objects.all())
        return in_force(self._lists, at)

    def posted_before(self, *causes: Cause) -> dict[str, Journal]:
        """The journals of those causes (of one source) that were posted before, by key."""
        source, keys = causes[0].source, [cause.key for cause in causes]
        found = Journal.objects.raw(_POSTED, [source, many.texts(keys)])
        return {journal.idempotency_key: journal for journal in found}

    def post(
        self,
        cause: Cause,
        *,
        kind: str,
        moves: Iterable[Move],
        lot_parts: Iterable[Part] = (),
        operation: Operation | None = None,
        details: dict[str, Any] | None = None,
        reverses: UUID | None = None,
    ) -> Journal:
        """One journal with its postings, and what it takes out of coupon lots. Its id follows from its cause.

        What happened in a period that is closed takes effect at the beginning of the open one, and says when it was.
        """
        late = self._closed_until is not None and cause.at < self._closed_until
        journal = new(
            Journal,
            {"operation": operation} if operation else None,
            id=dated_id(cause.at, "journal", cause.source, cause.key),
            source=cause.source,
            idempotency_key=cause.key,
            request_hash=cause.digest,
            kind=kind,
            effective_at=self._closed_until if late else cause.at,
            recorded_at=utc_now(),
            reverses_id=reverses,
            operation_id=None,
            details=(details or {}) | ({"happened_at": rfc3339(cause.at)} if late else {}),
        )
        if operation is not None:
            self._page.add("operations", operation)
        self._page.add("journals", journal)
        real = [move for move in moves if move.amount > 0]
        self._page.add_moves(journal.pk, real)
        for move in real:
            self._move(move.debit, -move.amount)
            self._move(move.credit, move.amount)
        self._use_lots(journal, lot_parts)
        return journal

    def hold(self, hold: Hold, parts: Sequence[Part]) -> Sequence[HoldPart]:
        """Set the parts aside for a piece of work: they are still the person's, but no longer free."""
        self._page.add("quotes", hold.quote)
        self._page.add("holds", hold)
        rows = [
            HoldPart(
                hold=hold,
                account_id=spent_from(hold.payer_id, Currency(part.currency)).id,
                lot_id=part.lot,
                currency=part.currency,
                amount=part.amount,
            )
            for part in parts
        ]
        for row in rows:
            self._page.add("hold_parts", row)
        self._change_held(hold.payer_id, rows, sign=1)
        return rows

    def give_back(self, owner: UUID, parts: Iterable[HoldPart]) -> None:
        """The parts of a hold that ends on this page are free from here on; `end_hold` writes that it ended."""
        self._change_held(owner, parts, sign=-1)

    def end_hold(self, hold: Hold, *, outcome: str, at: datetime, journal: Journal | None = None) -> None:
        """The hold's one resolution."""
        self._page.add("resolutions", HoldResolution(hold=hold, outcome=outcome, journal=journal, resolved_at=at))

    def grant(self, lot: CouponLot) -> None:
        """A new lot of coupon credit."""
        self._page.add("lots", lot)
        self._lots.setdefault(lot.owner_id, []).append(lot)
        self._lots[lot.owner_id].sort(key=_order_of_spending)

    def note(self, kind: str, row: Any) -> None:
        """A row that goes with the page: `usages` or `declined`."""
        self._page.add(kind, row)

    def touch(self, owner: UUID) -> None:
        """Her balances are to be published although no posting changed them."""
        self._touched[owner] = None

    def say(self, event: Event, *because: object) -> None:
        """An event to publish with the page; the same `because` gives it the same id for ever."""
        self._said.append((event, derived_id(event.TYPE, *because) if because else None))

    def close(self) -> None:
        """Say what happened, one balance event a person, however much changed; then write the page.

        The page comes last, and in it the balances: payees, whom nobody has locked, are waited for only from there on.
        """
        for owner in self._touched:
            party = self.parties[owner]
            party.version += 1
            self._said.append((publishes.balance_changed(party, self._stands), None))
        changed = [self.parties[owner] for owner in self._touched]
        if changed:
            many.run(_CHANGE_PARTIES, as_json([as_row(party) for party in changed]))
        append_all(self._said)
        if self._page:
            self._page.write()
        self._touched.clear()
        self._said.clear()

    def _slot(self, account: AccountName) -> Slot:
        """The account's balance; of most accounts nothing was read, since nothing is on them."""
        slot = self._slots.get(account.id)
        if slot is None:
            if account.owner not in self.parties:
                raise KeyError(f"{account} belongs to nobody whose book this is")
            slot = self._slots[account.id] = Slot(ZERO, ZERO)
        return slot

    def _stands(self, account: AccountName) -> publishes.Held:
        slot = self._slots.get(account.id)
        return (slot.posted, slot.held) if slot else (ZERO, ZERO)

    def _move(self, account: AccountName, amount: Decimal) -> None:
        if account.owner in self.parties:
            self._slot(account).posted += amount
            self._touched[account.owner] = None

    def _use_lots(self, journal: Journal, parts: Iterable[Part]) -> None:
        for part in parts:
            if part.lot is not None:
                self._page.add("lot_uses", LotUse(lot_id=part.lot, journal=journal, amount=part.amount))
                self._lot(part.lot).remaining -= part.amount

    def _change_held(self, owner: UUID, parts: Iterable[HoldPart], *, sign: int) -> None:
        for part in parts:
            self._slots.setdefault(part.account_id, Slot(ZERO, ZERO)).held += sign * part.amount
            if part.lot_id is not None:
                self._lot(part.lot_id).held += sign * part.amount
            self._touched[owner] = None

    def _lot(self, lot_id: UUID) -> CouponLot:
        known = (lot for lots in self._lots.values() for lot in lots if lot.pk == lot_id)
        found = next(known, None)
        if found is None:  # nothing was left of it, and a reversal gives some back
            found = CouponLot.objects.get(pk=lot_id)
            self._lots.setdefault(found.owner_id, []).append(found)
        return found


def same_as(journal: Journal, cause: Cause) -> Journal:
    """The journal, if it was made of what the cause says now. Raises KeyConflict."""
    if journal.request_hash != cause.digest:
        raise KeyConflict(f"{cause.source} {cause.key} was posted with other content; nothing was posted for this one.")
    return journal


def _slots_of(owners: Iterable[UUID]) -> dict[UUID, Slot]:
    people = list(owners)
    *moved, (_, there, _) = many.rows(_BALANCES, f"{{{','.join(map(_accounts_of, people))}}}")
    if there < sum(len(accounts_of_person(owner)) for owner in people):
        open_all(people)  # somebody from before there were accounts of that purpose
    return {pk: Slot(posted, held) for pk, posted, held in moved}


@lru_cache(maxsize=1 << 14)
def _accounts_of(owner: UUID) -> str:
    """The ids of a person's accounts, as PostgreSQL reads them in an array."""
    return ",".join(str(name.id) for name in accounts_of_person(owner))


def _lots_of(owners: Iterable[UUID]) -> dict[UUID, list[CouponLot]]:
    found: dict[UUID, list[CouponLot]] = {}
    for lot in CouponLot.objects.raw(_LOTS, [many.ids(owners)]):
        found.setdefault(lot.owner_id, []).append(lot)
    for lots in found.values():
        lots.sort(key=_order_of_spending)
    return found


def _order_of_spending(lot: CouponLot) -> tuple[Any, ...]:
    """Priority, expiry, id; a lot without an end is spent after those that would lapse."""
    return lot.priority, lot.expires_at is None, lot.expires_at or utc_now(), lot.pk
