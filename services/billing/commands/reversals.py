"""Reversals: an operator takes a journal back, once, by a journal that mirrors it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction

from billing.commands.book import Book, Cause, same_as
from billing.models import Journal, LotUse, Posting
from billing.rules.accounts import AccountName, Move, Purpose, receivable, wallet
from billing.rules.errors import NotReversible
from billing.rules.funding import Part
from billing.rules.kinds import INCOME_KEPT, REVERSAL, TAX_CHARGED, TOKENS_BOUGHT, USAGE_KINDS, OperationKind
from billing.rules.usage import digest_of
from service_base.errors import BadInput, NotFound
from shared_models.clock import utc_now
from shared_models.money import Currency, plain

# The rest has its own way back: a top-up is refunded by its provider, a payout fails, a contract is cancelled.
REVERSIBLE = {
    *USAGE_KINDS,
    OperationKind.BUY_DATA_SOURCE.value,
    OperationKind.MACHINE_COPY.value,
    OperationKind.MACHINE_COPY_UPDATE.value,
    OperationKind.PAY_A_BILL.value,
    TOKENS_BOUGHT,
    INCOME_KEPT,
    TAX_CHARGED,
}
_LOCKS = 7003


@transaction.atomic
def reverse_journal(*, journal_id: UUID, reason: str, by: UUID | None = None, now: datetime | None = None) -> Journal:
    """Undo a movement by its mirror image: everybody gets back what she gave, coupon credit into the lot it came from.

    Who spent meanwhile what she has to give back owes it; who owed what she now gets back owes less. Asked again, it is
    the reversal that exists. Raises NotFound, NotReversible.
    """
    if not 1 <= len(reason.strip()) <= 500:
        raise BadInput("Say in 1 to 500 characters why it is taken back.", field="reason")
    _one_at_a_time(journal_id)
    journal = Journal.objects.filter(pk=journal_id).first()
    if journal is None:
        raise NotFound("There is no such movement.")
    rows = list(Posting.objects.filter(journal=journal).select_related("debit_account", "credit_account"))
    mirrored = [_mirror(row) for row in sorted(rows, key=lambda row: row.seq)]
    book = Book(*(name.owner for move in mirrored for name in (move.debit, move.credit)))
    cause = Cause("reversal", str(journal.pk), digest_of(journal=journal.pk), now or utc_now())
    before = book.posted_before(cause).get(cause.key)
    if before is not None:
        return same_as(before, cause)
    if journal.kind not in REVERSIBLE or not mirrored:
        raise NotReversible(f"A movement of the kind {journal.label!r} is not reversed, or it moved nothing.")
    posted = book.post(
        cause,
        kind=REVERSAL,
        moves=_settled(book, mirrored),
        lot_parts=_lots_back(journal),
        reverses=journal.pk,
        details={"reason": reason.strip(), "by": str(by) if by else None, "of": journal.kind},
    )
    book.close()
    return posted.as_model()


def _one_at_a_time(journal_id: UUID) -> None:
    # A journal between accounts of the platform alone has no party whose lock would do.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCKS, f"reverse {journal_id}"])


def _mirror(posting: Posting) -> Move:
    return Move(_name(posting.credit_account), _name(posting.debit_account), posting.amount)


def _name(account: object) -> AccountName:
    return AccountName(account.owner_id, Purpose(account.purpose), Currency(account.currency))  # type: ignore[attr-defined]


def _lots_back(journal: Journal) -> Sequence[Part]:
    uses = LotUse.objects.filter(journal=journal)
    return [Part(Currency.COUPON, -use.amount, use.lot_id) for use in uses]


def _settled(book: Book, moves: Iterable[Move]) -> list[Move]:
    """The moves with what people cannot give turned into debt, and what they are given set against theirs."""
    taken: dict[UUID, Decimal] = defaultdict(Decimal)
    paid_off: dict[UUID, Decimal] = defaultdict(Decimal)
    found: list[Move] = []
    for move in moves:
        for debit, amount in _sources(book, move, taken):
            for credit, part in _sinks(book, move.credit, amount, paid_off):
                found.append(Move(debit, credit, part))
    return found


def _sources(book: Book, move: Move, taken: dict[UUID, Decimal]) -> list[tuple[AccountName, Decimal]]:
    """Where the amount comes from: the account that got it, as far as it is still free there; then debt."""
    if move.debit.floor is None:
        return [(move.debit, move.amount)]
    free = max(book.free(move.debit) - taken[move.debit.id], Decimal(0))
    there = min(free, move.amount)
    taken[move.debit.id] += there
    short = move.amount - there
    if short > 0 and move.debit.currency != Currency.USD:
        raise NotReversible(f"{plain(short)} {move.debit.currency} of it were spent, and only dollars can be owed.")
    return [(move.debit, there), (receivable(move.debit.owner), short)]


def _sinks(
    book: Book, credit: AccountName, amount: Decimal, paid_off: dict[UUID, Decimal]
) -> list[tuple[AccountName, Decimal]]:
    """Where the amount goes: what was owed and has been paid since comes back as money."""
    if credit.purpose != Purpose.RECEIVABLE:
        return [(credit, amount)]
    owed = max(book.owed(credit.owner) - paid_off[credit.owner], Decimal(0))
    less = min(owed, amount)
    paid_off[credit.owner] += less
    return [(credit, less), (wallet(credit.owner, Currency.USD), amount - less)]
