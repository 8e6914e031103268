"""Consulting contracts: the amount goes into escrow at the signature and leaves it once, whoever ends the contract."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import structlog
from django.db import transaction

from billing import publishes
from billing.commands.book import Book, Cause
from billing.commands.consulting import (
    lock_request,
    must_be_client,
    must_be_consultant,
    must_be_party,
    note_step,
)
from billing.models import ConsultingRequest, Journal
from billing.rules.accounts import Move, Purpose, escrow, of_platform, seller_payable, wallet
from billing.rules.consulting import (
    LONGEST_NOTE,
    WHOLE,
    Ending,
    Status,
    ending,
    must_follow,
    share_of,
    written,
)
from billing.rules.errors import ContractDisputed, ContractState, WalletShort
from billing.rules.kinds import CONTRACT_CANCELLED, CONTRACT_FINISHED, CONTRACT_SIGNED
from billing.rules.usage import digest_of
from service_base.errors import NotAllowed
from shared_models.clock import utc_now
from shared_models.money import Currency, plain

SOURCE = "contract"
FEE = of_platform(Purpose.MARKETPLACE_FEE, Currency.USD)

log = structlog.get_logger("titan.billing")


@transaction.atomic
def sign_contract(*, request_id: UUID, consultant: UUID, now: datetime | None = None) -> ConsultingRequest:
    """The chosen consultant agrees: the amount leaves the client's wallet and is in escrow until the contract ends.

    Signed again it is the same contract. The platform's fee is fixed here: later price lists do not touch it. Raises
    NotFound, NotAllowed, ContractState, and WalletShort while the client has not got the money.
    """
    found = lock_request(request_id)
    must_be_consultant(found, consultant)
    if found.contract:
        return found
    must_follow(found.status, Status.CONTRACT)
    at, amount = now or utc_now(), _amount(found)
    book = Book(found.user_id)
    source = wallet(found.user_id, Currency.USD)
    if book.free(source) < amount:
        raise WalletShort(
            f"The client's wallet does not hold {plain(amount)} USD at the moment: ask her to top up, then sign again.",
            currency="USD",
        )
    digest = digest_of(client=found.user_id, consultant=consultant, amount=amount)
    journal = book.post(
        Cause(SOURCE, f"signed:{found.pk}", digest, at),
        kind=CONTRACT_SIGNED,
        moves=[Move(source, escrow(found.user_id), amount)],
        details={"contract": str(found.pk)},
    ).as_model()
    found.status, found.contract_start_date_time, found.signed_journal = Status.CONTRACT.value, at, journal
    found.fee_basis_points = book.prices_at(at).marketplace_fee_basis_points
    book.say(publishes.contract_signed(found, journal), journal.pk)
    book.close()
    found.save()
    note_step(found, "signed", by=consultant, at=at)
    log.info("contract.signed", contract_id=str(found.pk), amount=plain(amount))
    return found


@transaction.atomic
def deliver_work(
    *, request_id: UUID, consultant: UUID, note: str = "", now: datetime | None = None
) -> ConsultingRequest:
    """The consultant says that the work is there; the client finishes the contract or disputes it. No money moves."""
    found = lock_request(request_id)
    must_be_consultant(found, consultant)
    _must_run(found)
    said = written(note, field="note", longest=LONGEST_NOTE, needed=False)
    at = now or utc_now()
    found.delivered_at = found.delivered_at or at
    found.save(update_fields=["delivered_at"])
    note_step(found, "delivered", by=consultant, at=at, note=said)
    return found


@transaction.atomic
def finish_contract(*, request_id: UUID, user: UUID, now: datetime | None = None) -> ConsultingRequest:
    """The client is content: the consultant has earned the amount less the platform's fee.

    Finished again it is the same. Raises NotFound, NotAllowed, ContractState, ContractDisputed.
    """
    found = lock_request(request_id)
    must_be_client(found, user)
    if found.contract_finished:
        return found
    return _end(found, Status.FINISHED, share=WHOLE, by=user, at=now or utc_now())


@transaction.atomic
def fail_contract(*, request_id: UUID, user: UUID, now: datetime | None = None) -> ConsultingRequest:
    """The deadline has passed and nothing was delivered: the client takes her money back.

    Raises NotFound, NotAllowed, ContractDisputed, and ContractState before the deadline or after a delivery.
    """
    found = lock_request(request_id)
    must_be_client(found, user)
    if found.contract_failed:
        return found
    at = now or utc_now()
    if found.contract and not found.is_late_at(at):
        raise ContractState(
            "A contract fails once its deadline has passed without a delivery; until then, dispute it if you disagree."
        )
    return _end(found, Status.FAILED, share=0, by=user, at=at)


@transaction.atomic
def cancel_request(*, request_id: UUID, actor: UUID, now: datetime | None = None) -> ConsultingRequest:
    """Call it off: the client before the signature, the consultant after it, when all of the escrow is returned.

    Cancelled again it is the same. Raises NotFound, NotAllowed, ContractState, ContractDisputed.
    """
    found = lock_request(request_id)
    must_be_party(found, actor)
    if found.contract_cancel:
        return found
    at = now or utc_now()
    if found.signed_journal_id is not None:
        if actor != found.consultant_user_id:
            raise NotAllowed("A signed contract is called off by the consultant; you can dispute it.")
        return _end(found, Status.CANCELLED, share=0, by=actor, at=at)
    must_be_client(found, actor)
    must_follow(found.status, Status.CANCELLED)
    found.status, found.contract_end_date_time = Status.CANCELLED.value, at
    found.save()
    note_step(found, Status.CANCELLED.value, by=actor, at=at)
    return found


@transaction.atomic
def dispute_contract(*, request_id: UUID, actor: UUID, reason: str, now: datetime | None = None) -> ConsultingRequest:
    """Client or consultant disagrees: the escrow is held, and nobody but an operator ends the contract.

    Disputed again nothing changes. Raises NotFound, BadInput, ContractState.
    """
    said = written(reason, field="reason", longest=LONGEST_NOTE)
    found = lock_request(request_id)
    must_be_party(found, actor)
    if found.is_disputed:
        return found
    _must_run(found)
    found.disputed_at, found.disputed_by = now or utc_now(), actor
    book = Book()
    book.say(publishes.contract_disputed(found), found.pk)
    book.close()
    found.save(update_fields=["disputed_at", "disputed_by"])
    note_step(found, "disputed", by=actor, at=found.disputed_at, note=said)
    log.info("contract.disputed", contract_id=str(found.pk))
    return found


@transaction.atomic
def settle_dispute(
    *, request_id: UUID, operator: UUID, consultant_basis_points: object, reason: str, now: datetime | None = None
) -> ConsultingRequest:
    """An operator decides: so many basis points of the escrow are the consultant's (less the fee), the rest returns.

    Finished when the consultant gets something, failed when she gets nothing. Raises NotFound, BadInput, ContractState
    when there is no dispute.
    """
    share = share_of(consultant_basis_points)
    said = written(reason, field="reason", longest=LONGEST_NOTE)
    found = lock_request(request_id)
    if not found.is_disputed:
        raise ContractState(f"This request is {found.called}; only a disputed contract is settled.")
    if operator in (found.user_id, found.consultant_user_id):
        raise NotAllowed("You are a party of this contract: another operator has to settle it.")
    found.settled_by = operator
    outcome = Status.FINISHED if share else Status.FAILED
    return _end(found, outcome, share=share, by=operator, at=now or utc_now(), note=said)


def _end(
    found: ConsultingRequest, outcome: Status, *, share: int, by: UUID, at: datetime, note: str = ""
) -> ConsultingRequest:
    """Empty the contract's escrow once. Whoever is second, under another name of the end, finds it ended."""
    must_follow(found.status, outcome)
    if found.is_disputed and found.settled_by is None:
        raise ContractDisputed("An operator has to settle the dispute first; the amount stays in escrow until then.")
    assert found.fee_basis_points is not None
    parts = ending(_amount(found), consultant_basis_points=share, fee_basis_points=found.fee_basis_points)
    journal = _post_end(found, outcome, parts, share=share, at=at)
    note_step(found, "settled" if found.settled_by else outcome.value, by=by, at=at, note=note)
    log.info("contract.ended", contract_id=str(found.pk), outcome=outcome.value, journal_id=str(journal.pk))
    return found


def _post_end(found: ConsultingRequest, outcome: Status, parts: Ending, *, share: int, at: datetime) -> Journal:
    client, consultant = found.user_id, found.consultant_user_id
    assert consultant is not None
    source, book = escrow(client), Book(client, consultant)
    # One key for every way to end: the ledger itself takes one.
    journal = book.post(
        Cause(SOURCE, f"ended:{found.pk}", digest_of(outcome=outcome.value, share=share), at),
        kind=CONTRACT_FINISHED if share else CONTRACT_CANCELLED,
        moves=[
            Move(source, seller_payable(consultant), parts.paid),
            Move(source, FEE, parts.fee),
            Move(source, wallet(client, Currency.USD), parts.returned),
        ],
        details={
            "contract": str(found.pk),
            "outcome": outcome.value,
            "amount_usd": plain(_amount(found)),
            "fee_usd": plain(parts.fee),
            "settled": found.settled_by is not None,
        },
    ).as_model()
    found.status, found.contract_end_date_time, found.ended_journal = outcome.value, at, journal
    found.paid_usd, found.fee_usd, found.returned_usd = parts.paid, parts.fee, parts.returned
    book.say(publishes.contract_ended(found, journal), journal.pk)
    book.close()
    found.save()
    return journal


def _must_run(found: ConsultingRequest) -> None:
    if not found.contract:
        raise ContractState(f"This request is {found.called}; that is for a contract that is running.")
    if found.is_disputed:
        raise ContractDisputed("An operator has to settle the dispute first.")


def _amount(found: ConsultingRequest) -> Decimal:
    return Decimal(found.amount_usd or 0)
