"""Market income: kept in the wallet, or paid out through the provider; what is in transit always comes back to zero."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import structlog
from django.db import transaction

from billing import providers
from billing.commands.book import Book, Cause, own_key, same_as
from billing.commands.parties import lock_parties
from billing.models import Journal, Payout
from billing.rules.accounts import Move, Purpose, of_platform, payout_in_transit, seller_payable, wallet
from billing.rules.errors import EarnedShort, PayoutEnded, ProviderUnknown
from billing.rules.kinds import INCOME_KEPT, PAYOUT_FAILED, PAYOUT_PAID, PAYOUT_REQUESTED
from billing.rules.pricing import money_in
from billing.rules.usage import digest_of
from service_base.errors import NotFound
from shared_models.clock import utc_now
from shared_models.money import Currency, plain

SOURCE = "payout"
SENT_AT_ONCE = 100
CLEARING = of_platform(Purpose.PAYMENT_CLEARING, Currency.USD)

log = structlog.get_logger("titan.billing")


@transaction.atomic
def keep_income(*, owner: UUID, key: str, amount_usd: object, now: datetime | None = None) -> Journal:
    """Move what the person earned on the market into her wallet, where she can spend it.

    The same `key` moves it once. Raises AmountUnfit, EarnedShort.
    """
    book = Book(owner)
    cause = Cause("income", own_key(owner, key, of="keep"), digest_of(amount=str(amount_usd)), now or utc_now())
    before = book.posted_before(cause).get(cause.key)
    if before is not None:
        return same_as(before, cause)
    amount = money_in(amount_usd, field="amount_usd")
    _must_be_earned(book, owner, amount)
    move = Move(seller_payable(owner), wallet(owner, Currency.USD), amount)
    journal = book.post(cause, kind=INCOME_KEPT, moves=[move])
    book.close()
    return journal.as_model()


@transaction.atomic
def request_payout(
    *, owner: UUID, key: str, amount_usd: object, destination: str = "", now: datetime | None = None
) -> Payout:
    """Set market income aside for the provider to send; from here on it is in transit and can be used for nothing else.

    The same `key` requests one payout. Raises AmountUnfit (also for parts of a cent), EarnedShort, and BadInput for a
    destination that the provider cannot reach.
    """
    book, provider = Book(owner), providers.chosen()
    digest = digest_of(amount=str(amount_usd), destination=destination)
    cause = Cause(SOURCE, own_key(owner, key, of="request"), digest, now or utc_now())
    before = book.posted_before(cause).get(cause.key)
    if before is not None:
        return Payout.objects.get(journal=same_as(before, cause))
    amount = money_in(amount_usd, field="amount_usd", places=2)
    provider.must_reach(destination)
    _must_be_earned(book, owner, amount)
    move = Move(seller_payable(owner), payout_in_transit(owner), amount)
    journal = book.post(cause, kind=PAYOUT_REQUESTED, moves=[move], details={"provider": provider.name})
    book.close()
    return Payout.objects.create(
        owner_id=owner,
        provider=provider.name,
        destination=destination[:100],
        amount=amount,
        requested_at=cause.at,
        journal_id=journal.id,
    )


def send_payouts(*, now: datetime | None = None) -> int:
    """Hand requested payouts to their provider; how many it took.

    Nothing is locked meanwhile. The provider does each once under its id, so a crash between its answer and our note of
    it sends nothing twice. One that it refuses has failed; one that it does not answer for is tried again next time.
    """
    taken = 0
    for payout in Payout.objects.filter(status="requested").order_by("id")[:SENT_AT_ONCE]:
        try:
            reference = providers.named(payout.provider).pay_out(
                key=str(payout.pk), amount_usd=payout.amount, destination=payout.destination
            )
        except providers.ProviderRefused as refusal:
            settle_payout(payout_id=payout.pk, paid=False, reason=refusal.detail, at=now or utc_now())
            continue
        except ProviderUnknown as unknown:
            log.warning("payout.provider_unknown", payout_id=str(payout.pk), error=unknown.detail)
            continue
        except providers.ProviderAway as away:
            log.warning("payout.provider_away", payout_id=str(payout.pk), error=away.detail)
            break
        # Only where nothing was reported about it meanwhile.
        sent = {"status": "in_transit", "reference": reference, "sent_at": now or utc_now()}
        taken += Payout.objects.filter(pk=payout.pk, status="requested").update(**sent)
    return taken


@transaction.atomic
def settle_payout(*, payout_id: UUID, paid: bool, reason: str = "", at: datetime | None = None) -> Payout:
    """How a payout ended: what was in transit has left, or is its seller's again. Told again it changes nothing.

    One that was paid can still come back from the bank; one that has failed stays failed, whatever is told after it.
    Raises NotFound.
    """
    moment = at or utc_now()
    owner = Payout.objects.filter(pk=payout_id).values_list("owner_id", flat=True).first()
    if owner is None:
        raise NotFound("There is no such payout.")
    book = Book(owner)
    payout = Payout.objects.get(pk=payout_id)
    if payout.status == "failed" or (paid and payout.status == "paid"):
        return payout
    outcome, moves = _moves_at_end(payout, paid=paid)
    cause = Cause(SOURCE, f"{outcome}:{payout.pk}", digest_of(payout=payout.pk), moment)
    book.post(cause, kind=PAYOUT_PAID if paid else PAYOUT_FAILED, moves=moves, details={"reason": reason[:500]})
    book.close()
    payout.status, payout.reason, payout.settled_at = outcome, reason[:500], moment
    payout.save(update_fields=["status", "reason", "settled_at"])
    log.info("payout.settled", payout_id=str(payout.pk), outcome=outcome)
    return payout


@transaction.atomic
def settle_test_payout(*, payout_id: UUID, paid: bool, now: datetime | None = None) -> Payout:
    """An operator says for the test provider how a payout ended. Raises NotFound, PayoutEnded."""
    owner = Payout.objects.filter(pk=payout_id).values_list("owner_id", flat=True).first()
    if owner is None:
        raise NotFound("There is no such payout.")
    lock_parties(owner)
    payout = Payout.objects.get(pk=payout_id)
    if not payout.is_test_money or not payout.is_open:
        raise PayoutEnded("Only an open payout of the test provider is settled by hand; the others report themselves.")
    reason = "" if paid else "The test provider was told to fail."
    return settle_payout(payout_id=payout.pk, paid=paid, reason=reason, at=now)


def _moves_at_end(payout: Payout, *, paid: bool) -> tuple[str, list[Move]]:
    transit, payable = payout_in_transit(payout.owner_id), seller_payable(payout.owner_id)
    if paid:
        return "paid", [Move(transit, CLEARING, payout.amount)]
    back = [Move(transit, payable, payout.amount)]
    if payout.status == "paid":
        back.insert(0, Move(CLEARING, transit, payout.amount))
    return "failed", back


def _must_be_earned(book: Book, owner: UUID, amount: Decimal) -> None:
    free = book.free(seller_payable(owner))
    if free < amount:
        missing = plain(amount - free)
        raise EarnedShort(
            f"You earned {plain(free)} USD that is still here, {missing} USD less than that.",
            field="amount_usd",
            missing=missing,
            currency="USD",
        )
