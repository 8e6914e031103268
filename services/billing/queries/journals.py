"""The story of a charge: quote, hold, capture, journal, event, work, told to whoever it concerns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from billing.models import Hold, Journal, Operation, Posting, PriceList, Quote, Usage
from billing.rules.accounts import Purpose
from billing.rules.funding import Part
from billing.rules.kinds import (
    CONTRACT_CANCELLED,
    CONTRACT_FINISHED,
    CONTRACT_SIGNED,
    COUPON_ACTIVATED,
    COUPON_EXPIRED,
    INCOME_KEPT,
    PAYMENT_REFUNDED,
    PAYOUT_FAILED,
    PAYOUT_PAID,
    PAYOUT_REQUESTED,
    PURCHASES,
    REVERSAL,
    TAX_CHARGED,
    TOKENS_BOUGHT,
    USAGE_KINDS,
    OperationKind,
)
from billing.rules.pricing import Prices
from billing.rules.wording import Say, counted, paid_as, priced_as
from shared_models.money import Currency, plain


@dataclass(frozen=True, slots=True)
class Story:
    """A journal as one person may see it: `postings` are those that touch her accounts, signed for her.

    Quote, hold and usage are the payer's business; a seller sees what she earned and nothing of how it was paid.
    """

    journal: Journal
    sentence: str
    postings: Sequence[Posting]
    quote: Quote | None
    hold: Hold | None
    usages: Sequence[Usage]
    is_payer: bool

    @property
    def label(self) -> str:
        """What it was, from the viewer's side."""
        return self.journal.label if self.is_payer else "Market sale"


def journals_seen_by(owner: UUID) -> QuerySet[Journal]:
    """The journals that touch an account of hers, and the usage of hers that cost nothing."""
    mine = Q(postings__debit_account__owner_id=owner) | Q(postings__credit_account__owner_id=owner)
    return Journal.objects.filter(mine | Q(operation__operation_user_id=owner)).distinct()


def story_of(journal: Journal, viewer: UUID, *, say: Say = plain) -> Story:
    """The journal with everything that explains it to `viewer`; `say` writes the numbers of its sentence."""
    operation = journal.operation
    is_payer = operation is None or operation.operation_user_id == viewer
    mine = Q(debit_account__owner_id=viewer) | Q(credit_account__owner_id=viewer)
    postings = list(
        Posting.objects.filter(mine, journal=journal).select_related("debit_account", "credit_account").order_by("seq")
    )
    quote = operation.quote if operation and is_payer else None
    return Story(
        journal=journal,
        sentence=_sentence(journal, postings, viewer, say, is_payer=is_payer),
        postings=postings,
        quote=quote,
        hold=Hold.objects.filter(quote=quote).select_related("resolution").first() if quote else None,
        usages=list(Usage.objects.filter(journal=journal)) if is_payer else [],
        is_payer=is_payer,
    )


def quoted(quote: Quote, *, say: Say = plain) -> str:
    """How a quote came about, in one sentence."""
    if quote.is_of_purchase:
        return f"At most {say(quote.price_usd)} USD, the price that the machine's owner set."
    return f"{_priced(quote, quote.price_list.prices, say)}: {say(quote.price_eaml)} EAML at most."


def _sentence(journal: Journal, postings: Sequence[Posting], viewer: UUID, say: Say, *, is_payer: bool) -> str:
    if journal.kind in PURCHASES:
        return _purchase(journal, say) if is_payer else _sold(journal, say)
    if journal.kind in USAGE_KINDS:
        return _usage(journal, postings, viewer, say) if is_payer else _sale(journal, say)
    amounts = " and ".join(f"{say(posting.amount)} {posting.currency}" for posting in postings)
    details = journal.details
    wording = {
        OperationKind.CREDIT_FROM_USER.value: f"Top-up of {amounts} through the {details.get('provider')} provider.",
        OperationKind.PAY_A_BILL.value: f"{amounts} paid from the wallet for what was owed.",
        COUPON_ACTIVATED: f"Coupon {details.get('code')} activated: {amounts} of credit.",
        COUPON_EXPIRED: f"What was left of coupon {details.get('code')}, {amounts}, expired.",
        TOKENS_BOUGHT: f"Dollars exchanged for tokens: {amounts}{_rate(journal, say)}.",
        INCOME_KEPT: f"{amounts} of market income kept in the wallet.",
        PAYOUT_REQUESTED: f"{amounts} of market income set aside for a payout.",
        PAYOUT_PAID: f"The payout of {amounts} has left.",
        PAYOUT_FAILED: f"The payout failed and {amounts} are income again. {details.get('reason', '')}".strip(),
        PAYMENT_REFUNDED: f"{amounts} of a top-up given back through the {details.get('provider')} provider.",
        CONTRACT_SIGNED: f"{amounts} of the wallet set aside in escrow for a consulting contract.",
        CONTRACT_FINISHED: _contract(journal, postings, viewer, say),
        CONTRACT_CANCELLED: f"{amounts} came back from escrow: the consulting contract is {details.get('outcome')}.",
        TAX_CHARGED: f"Tax of a bill, {_percent(details)} on {details.get('taxable_usd')} USD: {amounts}.",
        REVERSAL: f"{amounts} moved back: {details.get('reason')}",
    }
    return wording[journal.kind]


def _usage(journal: Journal, postings: Sequence[Posting], viewer: UUID, say: Say) -> str:
    operation, details = journal.operation, journal.details
    assert operation is not None
    prices = PriceList.objects.get(pk=details["price_version"]).prices
    priced = _priced(operation, prices, say)
    parts = [
        Part(Currency(posting.currency), posting.amount)
        for posting in postings
        if posting.debit_account.owner_id == viewer and posting.debit_account.purpose != Purpose.RECEIVABLE
    ]
    paid = paid_as(parts, _amount(journal, "owed_usd"), say=say)
    bought = f" and {say(_amount(journal, 'market_gross_usd'))} USD to its owner" if _is_sale(journal) else ""
    in_dollars = any(part.currency == Currency.USD for part in parts)
    rate = f" Dollars pay tokens{_rate(journal, say)}." if in_dollars else ""
    return f"{priced}: {say(_amount(journal, 'price_eaml'))} EAML{bought}. Paid with {paid}.{rate}"


def _priced(asked: Operation | Quote, prices: Prices, say: Say) -> str:
    training = asked.kind == OperationKind.TRAINING
    return priced_as(
        asked.kind,
        lines=asked.count_of_lines,
        columns=asked.columns,
        level=asked.level,
        unit=prices.training_cell_eaml if training else prices.solving_line_eaml,
        factor=prices.level_factors.get(str(asked.level), Decimal(1)),
        version=prices.version,
        say=say,
    )


def _sale(journal: Journal, say: Say) -> str:
    operation = journal.operation
    assert operation is not None
    gross, fee = _amount(journal, "market_gross_usd"), _amount(journal, "market_fee_usd")
    lines = f"{counted(operation.count_of_lines)} × {say(_amount(journal, 'market_price_usd'))} USD"
    return f"Sold {lines}: {say(gross)} USD, of which {say(fee)} USD is TITAN's fee."


_BOUGHT = {
    OperationKind.BUY_DATA_SOURCE.value: "the lines of {name}",
    OperationKind.MACHINE_COPY.value: "a copy of {name}",
    OperationKind.MACHINE_COPY_UPDATE.value: "news for a copy of {name}",
}


def _what(journal: Journal) -> str:
    operation = journal.operation
    assert operation is not None
    return f"{_BOUGHT[journal.kind].format(name=operation.machine_name)}, {counted(operation.count_of_lines)}"


def _purchase(journal: Journal, say: Say) -> str:
    owed = _amount(journal, "owed_usd")
    gross = _amount(journal, "market_gross_usd")
    paid = paid_as([Part(Currency.USD, gross - owed)], owed, say=say)
    return f"Bought {_what(journal)}, for {say(gross)} USD. Paid with {paid}."


def _sold(journal: Journal, say: Say) -> str:
    gross, fee = _amount(journal, "market_gross_usd"), _amount(journal, "market_fee_usd")
    return f"Sold {_what(journal)}: {say(gross)} USD, of which {say(fee)} USD is TITAN's fee."


def _contract(journal: Journal, postings: Sequence[Posting], viewer: UUID, say: Say) -> str:
    """The end of a contract that pays: the consultant sees her part, the client all of it."""
    if journal.kind != CONTRACT_FINISHED:
        return ""
    fee = f"of which {say(_amount(journal, 'fee_usd'))} USD is TITAN's fee"
    how = "Settled by an operator" if journal.details.get("settled") else "Consulting contract finished"
    paid = sum((p.amount for p in postings if p.credit_account.purpose == Purpose.SELLER_PAYABLE), Decimal(0))
    back = sum((p.amount for p in postings if p.credit_account.purpose == Purpose.WALLET), Decimal(0))
    gross = paid + _amount(journal, "fee_usd")
    if any(
        p.credit_account.owner_id == viewer and p.credit_account.purpose == Purpose.SELLER_PAYABLE for p in postings
    ):
        return f"{how}: you earned {say(paid)} USD, {say(gross)} USD less TITAN's fee."
    returned = f", and {say(back)} USD came back to the wallet" if back else ""
    return f"{how}: {say(gross)} USD left escrow for the consultant, {fee}{returned}."


def _percent(details: dict[str, Any]) -> str:
    return f"{Decimal(details.get('basis_points', 0)) / 100:f} %"


def _rate(journal: Journal, say: Say) -> str:
    return f" at {say(_amount(journal, 'usd_per_eaml'))} USD an EAML" if "usd_per_eaml" in journal.details else ""


def _is_sale(journal: Journal) -> bool:
    return "market_gross_usd" in journal.details


def _amount(journal: Journal, name: str) -> Decimal:
    return Decimal(journal.details[name])
