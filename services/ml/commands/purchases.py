"""Purchases as buyers and billing see them: asked for, held or refused, cancelled, charged."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from ml import publishes
from ml.commands.machines import locked_machine
from ml.commands.work import why_declined
from ml.models import DataLine, Machine, Purchase
from ml.rules.purchases import (
    AlreadyBought,
    NotForSale,
    OwnMachine,
    PriceChanged,
    PurchaseKind,
    PurchaseState,
    must_become,
    price_in,
)
from service_base.errors import BadInput, NotFound
from shared_models.clock import utc_now
from shared_models.ids import new_id
from shared_models.money import plain

NO_PURCHASE = "There is no such purchase, or it is not yours."


@transaction.atomic
def request_purchase(
    *,
    machine_id: UUID,
    buyer: Any,
    kind: str,
    price_usd: str | Decimal,
    copy_id: UUID | None = None,
    purchase_id: UUID | None = None,
) -> Purchase:
    """Ask for what the machine's owner sells, at the price the buyer saw; delivered once billing holds it.

    Under the same `purchase_id` it is the purchase that exists. Raises NotForSale, OwnMachine, PriceChanged,
    AlreadyBought, and BadInput for a copy that has nothing to learn anew.
    """
    known = Purchase.objects.filter(pk=purchase_id, buyer=buyer).first() if purchase_id else None
    if known is not None:
        return known
    machine = locked_machine(machine_id)
    wanted = PurchaseKind(kind)
    if machine.owner_id == buyer.pk:
        raise OwnMachine("This machine is yours: what you could buy is yours already.")
    _must_cost(_price_of(machine, wanted), price_usd)
    copy, lines = _wanted_lines(machine, wanted, buyer, copy_id)
    purchase = Purchase(
        id=purchase_id or new_id(),
        kind=wanted,
        machine=machine,
        machine_name=machine.machine_name,
        copy=copy,
        seller_id=machine.owner_id,
        buyer=buyer,
        price_usd=price_in(price_usd, field="price_usd"),
        columns=machine.mdc_columns_total_count,
        lines=lines,
    )
    _insert_alone(purchase)
    publishes.purchase_requested(purchase)
    return purchase


def _price_of(machine: Machine, kind: PurchaseKind) -> Decimal:
    if kind is PurchaseKind.BUY_DATA_SOURCE:
        if not machine.machine_data_source_is_public:
            raise NotForSale("The owner does not sell this machine's lines.")
        return Decimal(machine.machine_data_source_price_usd)
    if not machine.machine_is_duplicatable:
        raise NotForSale("The owner does not sell copies of this machine.")
    is_copy = kind is PurchaseKind.MACHINE_COPY
    return Decimal(machine.machine_copy_cost_usd if is_copy else machine.machine_copy_update_cost_usd)


def _must_cost(price: Decimal, seen: str | Decimal) -> None:
    if price_in(seen, field="price_usd") != price:
        raise PriceChanged(f"It costs {plain(price)} USD by now; look at it again and decide.", field="price_usd")


def _wanted_lines(machine: Machine, kind: PurchaseKind, buyer: Any, copy_id: UUID | None) -> tuple[Machine | None, int]:
    """The copy that is refreshed, and how many lines change hands."""
    if kind is PurchaseKind.MACHINE_COPY_UPDATE:
        copy = _own_copy(machine, buyer, copy_id)
        return copy, sum(line.line_count for line in news_for(copy, machine))
    if copy_id is not None:
        raise BadInput("Only news go to a copy that exists; leave `copy_id` out.", field="copy_id")
    lines = lines_sold_of(machine)
    if kind is PurchaseKind.BUY_DATA_SOURCE and _has_all(machine, buyer, lines):
        raise AlreadyBought("You bought these lines, and none came since: download them from your purchases.")
    return None, sum(line.line_count for line in lines)


def _own_copy(machine: Machine, buyer: Any, copy_id: UUID | None) -> Machine:
    if copy_id is None:
        raise BadInput("Say which of your copies the news are for.", field="copy_id")
    copies = Machine.objects.filter(machine_owner_user=buyer, machine_original=machine, deleted_at=None)
    copy = copies.filter(pk=copy_id).first()
    if copy is None:
        raise NotFound("You have no such copy of this machine.")
    if copy.column_names != machine.column_names:
        raise NotForSale("The columns of the original and of your copy differ by now: buy a copy anew instead.")
    if not news_for(copy, machine):
        raise AlreadyBought("Your copy has all lines of the original already.")
    return copy


def lines_sold_of(machine: Machine) -> list[DataLine]:
    """The stretches that buyers get: what the machine learns from, not what was sent to be solved."""
    return list(machine.data_lines.filter(purpose="learning").order_by("sequence"))


def news_for(copy: Machine, machine: Machine) -> list[DataLine]:
    """The original's stretches that its copy does not have yet: a stretch is its file, which both of them share."""
    has = set(copy.data_lines.values_list("path", flat=True))
    return [line for line in lines_sold_of(machine) if line.path not in has]


def _has_all(machine: Machine, buyer: Any, lines: list[DataLine]) -> bool:
    bought = Purchase.objects.filter(
        buyer=buyer, machine=machine, kind=PurchaseKind.BUY_DATA_SOURCE, state=PurchaseState.SUCCEEDED
    )
    return bought.filter(finished_at__gte=max(line.created_at for line in lines)).exists()


def _insert_alone(purchase: Purchase) -> None:
    try:
        with transaction.atomic():
            purchase.save(force_insert=True)
    except IntegrityError:
        raise AlreadyBought("This purchase is under way already; wait for its end or cancel it.") from None


@transaction.atomic
def authorize_purchase(*, purchase_id: UUID, hold_id: UUID, held: list[dict[str, str]]) -> None:
    """The price is held: it can be delivered. Who is no purchase, or ended meanwhile, stays as it is."""
    purchase = locked_purchase(purchase_id)
    if purchase is None or purchase.state != PurchaseState.AWAITING_FUNDS:
        return
    purchase.state = must_become(purchase.state, PurchaseState.QUEUED)
    purchase.hold_id, purchase.held = hold_id, held
    purchase.save()


@transaction.atomic
def decline_purchase(*, purchase_id: UUID, reason: str, missing: Decimal, currency: str, at: datetime) -> None:
    """Funds are short: the purchase fails and says how much is missing."""
    purchase = locked_purchase(purchase_id)
    if purchase is None or purchase.state != PurchaseState.AWAITING_FUNDS:
        return
    end_purchase(purchase, PurchaseState.FAILED, at=at, reason=why_declined(reason, missing, currency))


@transaction.atomic
def expire_purchase(*, purchase_id: UUID, at: datetime) -> None:
    """The hold ran out before the delivery: nothing is charged and nothing delivered."""
    purchase = locked_purchase(purchase_id)
    if purchase is None or not purchase.is_open:
        return
    reason = "It could not be delivered in time, and the held price was released."
    end_purchase(purchase, PurchaseState.CANCELLED, at=at, reason=reason)


@transaction.atomic
def cancel_purchase(*, purchase_id: UUID, at: datetime | None = None) -> Purchase:
    """The purchase ends now, undelivered and uncharged. Raises PurchaseEnded."""
    purchase = locked_purchase(purchase_id)
    if purchase is None:
        raise NotFound(NO_PURCHASE)
    end_purchase(purchase, PurchaseState.CANCELLED, at=at or utc_now(), reason="Cancelled; nothing was charged.")
    return purchase


def end_purchase(purchase: Purchase, state: PurchaseState, *, at: datetime, reason: str) -> None:
    """End a locked purchase without a delivery and tell billing, so that the price is free again."""
    purchase.state = must_become(purchase.state, state)
    purchase.reason, purchase.finished_at, purchase.lease_expires_at = reason, at, None
    purchase.save()
    publishes.purchase_failed(purchase, cancelled=state is PurchaseState.CANCELLED)


def locked_purchase(purchase_id: UUID) -> Purchase | None:
    """The purchase with its row locked."""
    return Purchase.objects.select_for_update().filter(pk=purchase_id).first()
