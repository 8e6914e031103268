"""The book: the money of some people, locked, decided on in memory, and written as one page of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db.models import Max

from billing import publishes
from billing.commands.page import Page
from billing.commands.parties import lock_parties, open_all
from billing.commands.prices import in_force
from billing.models import (
    CouponLot,
    DeclinedWork,
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
from billing.models.rows import JournalRow, OperationRow, PostingRow, UsageRow
from billing.queries import many
from billing.rules.accounts import (
    SET_ASIDE,
    AccountName,
    Move,
    PersonsAccounts,
    accounts_of_person,
    receivable,
    spent_from,
)
from billing.rules.errors import KeyConflict
from billing.rules.funding import FreeLot, Funds, Part
from billing.rules.kinds import OperationKind
from event_bus.outbox import append_all
from shared_models.clock import rfc3339, utc_now
from shared_models.events.contract import Event
from shared_models.ids import dated_id, derived_id, new_id
from shared_models.money import Currency

ZERO = Decimal(0)
LONGEST_KEY = 200
# One that was posted before, or that this page makes.
AnyJournal = Journal | JournalRow
SomeJournal = TypeVar("SomeJournal", bound=AnyJournal)
SomeAccounts = Callable[[PersonsAccounts], tuple[AccountName, ...]]
# Most of a person's accounts are empty: their number, in the last row, shows that they are there.
_BALANCES = """
    WITH found AS MATERIALIZED (SELECT account_id, posted, held FROM balance WHERE account_id = ANY(%s::uuid[]))
    SELECT account_id::text, posted, held FROM found WHERE posted <> 0 OR held <> 0
    UNION ALL SELECT NULL, (SELECT count(*) FROM found), 0
"""
_LOTS = "SELECT * FROM coupon_lot WHERE owner_id = ANY(%s::uuid[]) AND remaining > 0"
_POSTED = "SELECT * FROM journal WHERE source = %s AND idempotency_key = ANY(%s::text[])"
_CHANGE_PARTIES = """
    UPDATE party SET version = new.version, last_billing_time = new.last_billing_time, credit_limit = new.credit_limit
    FROM unnest(%s::uuid[], %s::bigint[], %s::timestamptz[], %s::numeric[])
        AS new(owner_id, version, last_billing_time, credit_limit)
    WHERE party.owner_id = new.owner_id
"""


class Cause(NamedTuple):
    """Why a journal exists. Source and key are unique for ever; `digest` is what was said under them."""

    source: str
    key: str
    digest: str
    at: datetime


def own_key(owner: UUID, key: str, *, of: str = "") -> str:
    """A person's key as a journal keeps it: hers alone; by its digest where it is too long to be kept as it is."""
    before = f"{of}:{owner}" if of else str(owner)
    whole = f"{before}:{key}"
    return whole if len(whole) <= LONGEST_KEY else f"{before}:{sha256(key.encode()).hexdigest()}"


def operation_of(cause: Cause, *, kind: OperationKind, owner: UUID) -> OperationRow:
    """What a person's own money moved for, where no machine has a part in it. Its id follows from its cause."""
    return OperationRow.of(
        Operation(
            id=dated_id(cause.at, "operation", cause.source, cause.key),
            kind=kind.value,
            operation_user_id=owner,
            date_time=cause.at,
        )
    )


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
        self._slots = _slots_of(self.parties, PersonsAccounts.charged)
        self._set_aside_is_read = False
        self._lots = _lots_of(self.parties)
        self._lists: list[PriceList] = []
        self._closed_until = PeriodClose.objects.aggregate(Max("until"))["until__max"]
        self._touched: dict[UUID, None] = {}
        self._posted: list[publishes.Entry] = []
        self._said: list[tuple[Event, UUID | None]] = []

    def funds(self, owner: UUID, *, at: datetime) -> Funds:
        """Her free money, with the coupon lots valid `at` that moment in the order they are spent."""
        lots = [
            FreeLot(lot.pk, lot.remaining - lot.held)
            for lot in self._lots.get(owner, ())
            if lot.remaining > lot.held and (lot.expires_at is None or lot.expires_at > at)
        ]
        accounts = accounts_of_person(owner)
        return Funds(lots, eaml=self.free(accounts.eaml), usd=self.free(accounts.usd))

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
        found = Journal.objects.raw(_POSTED, [source, many.array(keys)])
        return {journal.idempotency_key: journal for journal in found}

    def post(
        self,
        cause: Cause,
        *,
        kind: str,
        moves: Iterable[Move],
        lot_parts: Iterable[Part] = (),
        operation: OperationRow | None = None,
        details: dict[str, Any] | None = None,
        reverses: UUID | None = None,
    ) -> JournalRow:
        """One journal with its postings, and what it takes out of coupon lots. Its id follows from its cause.

        What happened in a period that is closed takes effect at the beginning of the open one, and says when it was.
        """
        late = self._closed_until is not None and cause.at < self._closed_until
        details = details or {}
        journal = JournalRow(
            id=dated_id(cause.at, "journal", cause.source, cause.key),
            source=cause.source,
            idempotency_key=cause.key,
            request_hash=cause.digest,
            kind=str(kind),
            effective_at=self._closed_until if late else cause.at,
            reverses_id=reverses,
            operation_id=operation and operation.id,
            details={**details, "happened_at": rfc3339(cause.at)} if late else details,
        )
        if operation is not None:
            self._page.add(operation)
        self._page.add(journal)
        self._move(journal.id, moves)
        self._use_lots(journal.id, lot_parts)
        return journal

    def hold(self, hold: Hold, parts: Sequence[Part]) -> Sequence[HoldPart]:
        """Set the parts aside for a piece of work: they are still the person's, but no longer free."""
        self._page.add_other("quotes", hold.quote)
        self._page.add_other("holds", hold)
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
            self._page.add_other("hold_parts", row)
        self._change_held(hold.payer_id, rows, sign=1)
        return rows

    def give_back(self, owner: UUID, parts: Iterable[HoldPart]) -> None:
        """The parts of a hold that ends on this page are free from here on; `end_hold` writes that it ended."""
        self._change_held(owner, parts, sign=-1)

    def end_hold(self, hold: Hold, *, outcome: str, at: datetime, journal_id: UUID | None = None) -> None:
        """The hold's one resolution."""
        resolution = HoldResolution(hold=hold, outcome=outcome, journal_id=journal_id, resolved_at=at)
        self._page.add_other("resolutions", resolution)

    def grant(self, lot: CouponLot) -> None:
        """A new lot of coupon credit."""
        self._page.add_other("lots", lot)
        self._lots.setdefault(lot.owner_id, []).append(lot)
        self._lots[lot.owner_id].sort(key=_order_of_spending)

    def told(self, usage: UsageRow, *, before: bool) -> None:
        """The event that told of a charged usage; whether its journal was there `before` this event."""
        if before:
            self._page.add_other("told_again", usage._asdict())
        else:
            self._page.add(usage)

    def decline(self, declined: DeclinedWork) -> None:
        """A piece of work that must not start."""
        self._page.add_other("declined", declined)

    def touch(self, owner: UUID) -> None:
        """Her balances are to be published although no posting changed them."""
        self._touched[owner] = None

    def tell(self, posted: publishes.Entry) -> None:
        """An operation to publish with the page, in one event with all others of it."""
        self._posted.append(posted)

    def say(self, event: Event, *because: object) -> None:
        """An event to publish with the page; the same `because` gives it the same id for ever."""
        self._said.append((event, derived_id(event.TYPE, *because) if because else None))

    def close(self) -> None:
        """Say what happened, one balance a person, however much changed; then write the page.

        The page comes last, and in it the balances: payees, whom nobody has locked, are waited for only from there on.
        """
        changed = [self.parties[owner] for owner in self._touched]
        for party in changed:
            party.version += 1
        if changed:
            _write_parties(changed)
        append_all(self._said + self._of_the_page(changed))
        if self._page:
            self._page.write()
        self._touched.clear()
        self._posted.clear()
        self._said.clear()

    def _of_the_page(self, changed: Sequence[Party]) -> list[tuple[Event, UUID | None]]:
        """What was posted and whose balances changed. A journal is on one page only: its first one names the page."""
        page = derived_id("billing page", self._posted[0]["journal_id"]) if self._posted else new_id()
        posted = publishes.operations_posted(page, self._posted)
        entries = [publishes.balance(party, self._stands(party.owner_id)) for party in changed]
        balances = publishes.balances_changed(page, entries)
        told: list[tuple[Event, UUID | None]] = [
            (event, derived_id(event.TYPE, page, part)) for part, event in enumerate(posted)
        ]
        return told + [(event, None) for event in balances]

    def _slot(self, account: AccountName) -> Slot:
        """The account's balance; of most accounts nothing was read, since nothing is on them."""
        slot = self._slots.get(account.key)
        if slot is None:
            if account.owner not in self.parties:
                raise KeyError(f"{account} belongs to nobody whose book this is")
            if account.purpose in SET_ASIDE:
                self._read_set_aside()
            slot = self._slots.setdefault(account.key, Slot(ZERO, ZERO))
        return slot

    def _read_set_aside(self) -> None:
        """The balances that most pages need nothing of, of everybody on this one at once."""
        if not self._set_aside_is_read:
            self._slots |= _slots_of(self.parties, PersonsAccounts.set_aside)
            self._set_aside_is_read = True

    def _stands(self, owner: UUID) -> list[publishes.Held]:
        slots = [self._slots.get(account.key) for account in accounts_of_person(owner).charged()]
        return [(slot.posted, slot.held) if slot else (ZERO, ZERO) for slot in slots]

    def _move(self, journal_id: UUID, moves: Iterable[Move]) -> None:
        real = (move for move in moves if move.amount > 0)
        for seq, (debit, credit, amount) in enumerate(real, start=1):
            self._page.add(PostingRow(journal_id, seq, debit.key, credit.key, str(debit.currency), amount))
            self._change(debit, -amount)
            self._change(credit, amount)

    def _change(self, account: AccountName, amount: Decimal) -> None:
        if account.owner in self.parties:
            self._slot(account).posted += amount
            self._touched[account.owner] = None

    def _use_lots(self, journal_id: UUID, parts: Iterable[Part]) -> None:
        for part in parts:
            if part.lot is not None:
                self._page.add_other("lot_uses", LotUse(lot_id=part.lot, journal_id=journal_id, amount=part.amount))
                self._lot(part.lot).remaining -= part.amount

    def _change_held(self, owner: UUID, parts: Iterable[HoldPart], *, sign: int) -> None:
        for part in parts:
            self._slots.setdefault(str(part.account_id), Slot(ZERO, ZERO)).held += sign * part.amount
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


def same_as(journal: SomeJournal, cause: Cause) -> SomeJournal:
    """The journal, if it was made of what the cause says now. Raises KeyConflict."""
    if journal.request_hash != cause.digest:
        raise KeyConflict(f"{cause.source} {cause.key} was posted with other content; nothing was posted for this one.")
    return journal


def _slots_of(owners: Collection[UUID], some: SomeAccounts) -> dict[str, Slot]:
    wanted = ",".join(_keys(owner, some) for owner in owners)
    *moved, (_, there, _) = many.rows(_BALANCES, f"{{{wanted}}}")
    if wanted and there <= wanted.count(","):
        open_all(list(owners))  # somebody from before there were accounts of that purpose
    return {pk: Slot(posted, held) for pk, posted, held in moved}


@lru_cache(maxsize=1 << 14)
def _keys(owner: UUID, some: SomeAccounts) -> str:
    """The ids of a person's accounts, as PostgreSQL reads them in an array."""
    return ",".join(name.key for name in some(accounts_of_person(owner)))


def _write_parties(parties: Sequence[Party]) -> None:
    names = ("owner_id", "version", "last_billing_time", "credit_limit")
    many.run(_CHANGE_PARTIES, *(many.array([getattr(party, name) for party in parties]) for name in names))


def _lots_of(owners: Iterable[UUID]) -> dict[UUID, list[CouponLot]]:
    found: dict[UUID, list[CouponLot]] = {}
    for lot in CouponLot.objects.raw(_LOTS, [many.array(owners)]):
        found.setdefault(lot.owner_id, []).append(lot)
    for lots in found.values():
        lots.sort(key=_order_of_spending)
    return found


def _order_of_spending(lot: CouponLot) -> tuple[Any, ...]:
    """Priority, expiry, id; a lot without an end is spent after those that would lapse."""
    return lot.priority, lot.expires_at is None, lot.expires_at or utc_now(), lot.pk
