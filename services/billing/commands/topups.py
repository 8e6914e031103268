"""Top-ups: a payment at the provider becomes money in the wallet, once for each of the provider's references."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import structlog
from django.db import transaction

from billing import providers, publishes
from billing.commands.book import Book, Cause, operation_of, same_as
from billing.commands.parties import lock_parties
from billing.models import Journal, Payment
from billing.rules.accounts import AccountName, Move, Purpose, of_platform, wallet
from billing.rules.errors import KeyConflict
from billing.rules.funding import Part
from billing.rules.kinds import OperationKind
from billing.rules.pricing import money_in
from billing.rules.usage import digest_of
from service_base.addresses import url_of
from service_base.errors import NotFound
from shared_models.clock import utc_now
from shared_models.ids import derived_id
from shared_models.money import Currency, plain

LARGEST_TOP_UP = Decimal(1_000_000)

log = structlog.get_logger("titan.billing")


@transaction.atomic
def start_top_up(*, owner: UUID, amount_usd: object, key: str) -> Payment:
    """Ask the provider for a payment; nothing is in the wallet until the provider reports that it was paid.

    The same `key` of the same person returns the payment that exists, and the provider is asked once. Raises
    AmountUnfit (not money, not positive, parts of a cent, too much), KeyConflict for the same key with another amount,
    ProviderAway, ProviderRefused.
    """
    amount = money_in(amount_usd, field="amount_usd", largest=LARGEST_TOP_UP, places=2)
    provider, request_key = providers.chosen(), derived_id("top-up", owner, key).hex
    payment, is_new = Payment.objects.get_or_create(
        request_key=request_key,
        defaults={"owner_id": owner, "provider": provider.name, "amount": amount, "reference": request_key},
    )
    if payment.amount != amount:
        raise KeyConflict("A payment over another amount was started under this key.", field="amount_usd")
    if is_new:
        # Under our key, so that asking again after a failure on our side leads to the same payment there.
        started = provider.start(key=request_key, amount_usd=amount, return_to=f"{url_of('billing')}/")
        payment.reference, payment.pay_at = started.reference, started.pay_at
        payment.save(update_fields=["reference", "pay_at"])
    return payment


@transaction.atomic
def confirm_test_payment(*, owner: UUID, payment_id: UUID, now: datetime | None = None) -> Payment:
    """Let the test provider say that the payment succeeded, and put the money into the wallet.

    Confirmed again it changes nothing. Raises NotFound for another person's payment.
    """
    payment = Payment.objects.filter(pk=payment_id, owner_id=owner, provider=providers.TEST).first()
    if payment is None:
        raise NotFound("There is no such payment, or it is not yours.")
    return settle_top_up(payment_id=payment.pk, charge=payment.reference, at=now or utc_now())


@transaction.atomic
def settle_top_up(*, payment_id: UUID, charge: str, at: datetime) -> Payment:
    """Put a payment that its provider reports as paid into the wallet; `charge` is what a refund will name.

    A payment is settled once, however often it is reported, and also when it was reported as failed before: the money
    came.
    """
    owner = Payment.objects.values_list("owner_id", flat=True).get(pk=payment_id)
    lock_parties(owner)
    payment = Payment.objects.get(pk=payment_id)
    if payment.journal_id is None:
        payment.journal = top_up(
            owner=owner, amount=payment.amount, provider=payment.provider, reference=payment.reference, at=at
        )
        payment.status, payment.settled_at, payment.charge_reference = "succeeded", at, charge or None
        payment.save(update_fields=["journal", "status", "settled_at", "charge_reference"])
    return payment


@transaction.atomic
def fail_top_up(*, payment_id: UUID, at: datetime) -> Payment:
    """The provider says that this payment will not come. One that was paid stays paid, whatever is told after it."""
    owner = Payment.objects.values_list("owner_id", flat=True).get(pk=payment_id)
    lock_parties(owner)
    Payment.objects.filter(pk=payment_id, status="pending").update(status="failed", settled_at=at)
    return Payment.objects.get(pk=payment_id)


@transaction.atomic
def top_up(
    *,
    owner: UUID,
    amount: Decimal,
    provider: str,
    reference: str,
    at: datetime,
    source: AccountName | None = None,
) -> Journal:
    """Put a payment that the provider reports as paid into the wallet: from clearing, or from `source`.

    The provider's reference is the key: told twice, it is credited once. Raises KeyConflict for the same reference
    with another amount or person.
    """
    book = Book(owner)
    cause = Cause(f"payment:{provider}", reference, digest_of(owner=owner, amount=amount), at)
    before = book.posted_before(cause).get(cause.key)
    if before is not None:
        return same_as(before, cause)
    operation = operation_of(cause, kind=OperationKind.CREDIT_FROM_USER, owner=owner)
    clearing = of_platform(Purpose.PAYMENT_CLEARING, Currency.USD)
    journal = book.post(
        cause,
        kind=OperationKind.CREDIT_FROM_USER,
        moves=[Move(source or clearing, wallet(owner, Currency.USD), amount)],
        operation=operation,
        details={"provider": provider},
    )
    paid = [Part(Currency.USD, amount)]
    book.tell(publishes.posted(operation, journal, paid, cause=f"{provider}:{reference}"))
    book.close()
    log.info("wallet.topped_up", amount_usd=plain(amount), provider=provider, reference=reference)
    return journal.as_model()
