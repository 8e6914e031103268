"""Paying what is owed: a bill, everything, or a part; once under a key, and a bill once whoever asks."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction

from billing import publishes, queries
from billing.commands.book import Book, Cause, operation_of, own_key, same_as
from billing.commands.funds import must_be_free
from billing.models import Bill, Journal
from billing.rules.accounts import Move, receivable, wallet
from billing.rules.errors import BillCarried, BillPaid, NothingOwed
from billing.rules.funding import Part
from billing.rules.kinds import OperationKind
from billing.rules.pricing import money_in
from billing.rules.usage import digest_of
from service_base.errors import NotFound
from shared_models.clock import utc_now
from shared_models.money import Currency, plain

SOURCE = "pay-a-bill"


@transaction.atomic
def pay_bill(
    *,
    owner: UUID,
    key: str,
    bill_id: UUID | None = None,
    amount_usd: object | None = None,
    now: datetime | None = None,
) -> Journal:
    """Pay from the wallet what is open of a bill, or what the person owes (all of it, or `amount_usd`).

    Whatever is paid goes to the newest bill first, which is closed by the journal that pays the last of it, at most
    once; sets her last billing time. The same `key` pays once. Raises NothingOwed for more than is owed, BillPaid,
    BillCarried, WalletShort, AmountUnfit, NotFound.
    """
    at = now or utc_now()
    book = Book(owner)
    asked = {"amount": str(amount_usd)} | ({"bill": bill_id} if bill_id else {})
    cause = Cause(SOURCE, own_key(owner, key), digest_of(**asked), at)
    before = book.posted_before(cause).get(cause.key)
    if before is not None:
        return same_as(before, cause)
    newest = queries.newest_bill(owner)
    is_open = min(queries.open_usd(newest), book.owed(owner)) if newest else Decimal(0)
    amount = _of_bill(newest, is_open, owner, bill_id) if bill_id else _owed(book.owed(owner), amount_usd)
    must_be_free(book, owner, amount)
    journal = _post(book, owner, cause, amount)
    book.close()
    if newest is not None and 0 < is_open <= amount:
        _close_bill(book, newest, journal, is_open)
    return journal


def _post(book: Book, owner: UUID, cause: Cause, amount: Decimal) -> Journal:
    operation = operation_of(cause, kind=OperationKind.PAY_A_BILL, owner=owner)
    move = Move(wallet(owner, Currency.USD), receivable(owner), amount)
    journal = book.post(cause, kind=OperationKind.PAY_A_BILL, moves=[move], operation=operation)
    book.parties[owner].last_billing_time = cause.at
    paid = [Part(Currency.USD, amount)]
    book.tell(publishes.posted(operation, journal, paid, cause=cause.key))
    return journal.as_model()


def _close_bill(book: Book, bill: Bill, journal: Journal, amount: Decimal) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_close_bill(%s, %s, %s)", [bill.pk, journal.pk, amount])
    book.say(publishes.bill_paid(bill, journal, amount), bill.pk)
    book.close()


def _of_bill(newest: Bill | None, is_open: Decimal, owner: UUID, bill_id: UUID) -> Decimal:
    wanted = queries.bills_of(owner).filter(pk=bill_id).first()
    if wanted is None or newest is None:
        raise NotFound("There is no such bill, or it is not yours.")
    if hasattr(wanted, "payment"):
        raise BillPaid(f"Bill {wanted.called} was paid before; nothing was paid now.")
    if wanted.pk != newest.pk:
        raise BillCarried(
            f"What was open of bill {wanted.called} is on bill {newest.called} now; pay that one.",
            newest=str(newest.pk),
        )
    if is_open <= 0:
        raise BillPaid(f"Nothing of bill {wanted.called} is due.")
    return is_open


def _owed(owed: Decimal, amount_usd: object | None) -> Decimal:
    if owed <= 0:
        raise NothingOwed("You owe nothing; there is no bill to pay.")
    amount = owed if amount_usd is None else money_in(amount_usd, field="amount_usd")
    if amount > owed:
        raise NothingOwed(f"You owe {plain(owed)} USD; pay that or less.", field="amount_usd")
    return amount
