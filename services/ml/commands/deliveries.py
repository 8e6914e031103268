"""Handing over what was bought: leased by a worker, fenced by its newest token, complete or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from ml import publishes
from ml.commands.clock import database_now
from ml.commands.copies import make_copy, share_line
from ml.commands.lines import note_appended
from ml.commands.purchases import end_purchase, lines_sold_of, locked_purchase, news_for
from ml.models import DataLine, Machine, Purchase
from ml.rules.purchases import LATER, LEASE, MOST_ATTEMPTS, PurchaseKind, PurchaseState, must_become
from ml.rules.work import OPEN as OPEN_WORK
from ml.rules.work import LeaseLost, WorkKind
from service_base.errors import Conflict

_GONE = "The machine was deleted before it could be delivered; nothing was charged."


class Changing(Conflict):
    """What was bought is being changed right now; the delivery is tried again in a moment."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be handed over: the stretches as they were, and where the first of them comes in a copy."""

    lines: Sequence[DataLine]
    first_sequence: int

    @property
    def content(self) -> list[Any]:
        """What must not have changed when it is handed over."""
        return [[line.pk, line.sha256, line.dialect] for line in self.lines]


def lease_purchase(*, now: datetime | None = None) -> Purchase | None:
    """The next purchase to be delivered, under a new token; None when there is none.

    One whose worker was not heard of is taken up again, and fails after its last attempt.
    """
    while True:
        with transaction.atomic():
            purchase = _next(at := now or database_now())
            if purchase is None:
                return None
            if purchase.attempts < MOST_ATTEMPTS:
                purchase.state = must_become(purchase.state, PurchaseState.RUNNING)
                purchase.attempts, purchase.lease_token = purchase.attempts + 1, purchase.lease_token + 1
                purchase.lease_expires_at = at + LEASE
                purchase.progress_percent, purchase.progress_stage = 0, ""
                purchase.save()
                return purchase
            end_purchase(purchase, PurchaseState.FAILED, at=at, reason=_given_up(purchase))


def _given_up(purchase: Purchase) -> str:
    return f"Given up after {purchase.attempts} attempts; nothing was charged."


def _next(at: datetime) -> Purchase | None:
    due = Q(state=PurchaseState.QUEUED, lease_expires_at=None) | Q(
        state__in=[PurchaseState.QUEUED, PurchaseState.RUNNING], lease_expires_at__lte=at
    )
    return Purchase.objects.select_for_update(skip_locked=True).filter(due).order_by("created_at").first()


@transaction.atomic
def report_delivery(*, purchase_id: UUID, token: int, stage: str, percent: float, now: datetime | None = None) -> None:
    """A heartbeat of the worker that delivers. Raises LeaseLost."""
    purchase = _held(purchase_id, token)
    purchase.lease_expires_at = (now or database_now()) + LEASE
    purchase.progress_stage, purchase.progress_percent = stage[:40], min(100.0, max(0.0, percent))
    purchase.save()


@transaction.atomic
def postpone_delivery(*, purchase_id: UUID, token: int, now: datetime | None = None) -> None:
    """Nothing is wrong, it is only too early: the attempt does not count. Raises LeaseLost."""
    purchase = _held(purchase_id, token)
    purchase.state = must_become(purchase.state, PurchaseState.QUEUED)
    purchase.attempts -= 1
    purchase.lease_expires_at = (now or database_now()) + LATER
    purchase.save()


@transaction.atomic
def retry_delivery(*, purchase_id: UUID, token: int, now: datetime | None = None) -> None:
    """The attempt broke down: it is made again, and fails after the last. Raises LeaseLost."""
    purchase = _held(purchase_id, token)
    at = now or database_now()
    if purchase.attempts >= MOST_ATTEMPTS:
        end_purchase(purchase, PurchaseState.FAILED, at=at, reason=_given_up(purchase))
        return
    purchase.state = must_become(purchase.state, PurchaseState.QUEUED)
    purchase.lease_expires_at = at + LATER
    purchase.save()


@transaction.atomic
def fail_delivery(*, purchase_id: UUID, token: int, reason: str, now: datetime | None = None) -> None:
    """It cannot be delivered; nothing is charged. Raises LeaseLost."""
    end_purchase(_held(purchase_id, token), PurchaseState.FAILED, at=now or database_now(), reason=reason)


def parcel_of(purchase: Purchase) -> Parcel:
    """What the purchase hands over, as it is now. Raises NotDeliverable when the machine is gone, Changing."""
    machine = Machine.objects.get(pk=purchase.machine_id)
    _must_be_there(machine)
    if purchase.kind != PurchaseKind.MACHINE_COPY_UPDATE:
        return Parcel(lines_sold_of(machine), 1)
    return _news(purchase, machine, Machine.objects.filter(bought_by=purchase, deleted_at=None).first())


class NotDeliverable(Conflict):
    """What was bought is not there any more."""


def _must_be_there(machine: Machine) -> None:
    if machine.deleted_at is not None:
        raise NotDeliverable(_GONE)


def _news(purchase: Purchase, machine: Machine, copy: Machine | None) -> Parcel:
    if copy is None:
        raise NotDeliverable("The copy was deleted before the news came; nothing was charged.")
    if copy.works.filter(kind=WorkKind.TRAINING, state__in=sorted(OPEN_WORK)).exists():
        raise Changing("The copy is being trained.")
    lines = news_for(copy, machine)
    if not lines or copy.column_names != machine.column_names:
        raise NotDeliverable("The original has no lines that would fit the copy any more; nothing was charged.")
    last = copy.data_lines.order_by("-sequence").first()
    return Parcel(lines, last.sequence + 1 if last else 1)


@transaction.atomic
def deliver_lines(
    *, purchase_id: UUID, token: int, parcel: Parcel, path: str, sha256: str, size: int, lines: int
) -> Purchase:
    """The buyer has the lines as a file, and billing charges: both or neither. Raises LeaseLost, Changing."""

    def hand_over(purchase: Purchase, machine: Machine) -> None:
        purchase.result_path, purchase.result_sha256, purchase.result_size = path, sha256, size
        purchase.lines = lines

    return _deliver(purchase_id, token, parcel, hand_over)


@transaction.atomic
def deliver_copy(*, purchase_id: UUID, token: int, parcel: Parcel) -> Purchase:
    """The buyer has a machine of her own on the same lines, not trained: all of it or nothing.

    Columns, their statistics and the network's settings come along, the model does not. A stretch of lines never
    changes (ADR 0040), so both machines name the same file. Raises LeaseLost, Changing.
    """

    def hand_over(purchase: Purchase, machine: Machine) -> None:
        original_id = machine.machine_original_id or machine.pk
        copy = make_copy(machine, parcel.lines, owner_id=purchase.buyer_id, original_id=original_id)
        purchase.copy, purchase.lines = copy, sum(line.line_count for line in parcel.lines)

    return _deliver(purchase_id, token, parcel, hand_over)


@transaction.atomic
def deliver_news(*, purchase_id: UUID, token: int, parcel: Parcel, evaluation_lines: int) -> Purchase:
    """The copy has the stretches that its original gained, after its own: all of them or none.

    Raises LeaseLost, Changing, NotDeliverable.
    """

    def hand_over(purchase: Purchase, machine: Machine) -> None:
        copy = Machine.objects.select_for_update(of=("self",)).get(bought_by=purchase)
        if _news(purchase, machine, copy).first_sequence != parcel.first_sequence:
            raise Changing("The copy got lines of its own meanwhile.")
        for place, line in enumerate(parcel.lines):
            share_line(line, copy, parcel.first_sequence + place)
        purchase.lines = sum(line.line_count for line in parcel.lines)
        copy.evaluation_lines += evaluation_lines
        copy.learning_lines += purchase.lines - evaluation_lines
        copy.machine_is_re_run_mdc = copy.machine_is_re_run_model = True
        copy.save()
        note_appended(copy.pk, "learning")

    return _deliver(purchase_id, token, parcel, hand_over)


def _deliver(purchase_id: UUID, token: int, parcel: Parcel, hand_over: Callable[[Purchase, Machine], None]) -> Purchase:
    purchase = _held(purchase_id, token)
    machine = Machine.objects.select_for_update().get(pk=purchase.machine_id)
    _must_be_there(machine)
    if parcel_of(purchase).content != parcel.content:
        raise Changing("The lines changed while they were read.")
    at = database_now()
    hand_over(purchase, machine)
    purchase.state = must_become(purchase.state, PurchaseState.SUCCEEDED)
    purchase.progress_percent, purchase.progress_stage = 100.0, "delivered"
    purchase.finished_at, purchase.lease_expires_at = at, None
    purchase.save()
    publishes.purchase_completed(purchase)
    return purchase


def _held(purchase_id: UUID, token: int) -> Purchase:
    """The locked purchase, if the lease with `token` still has it."""
    purchase = locked_purchase(purchase_id)
    if purchase is None or purchase.lease_token != token or purchase.state != PurchaseState.RUNNING:
        raise LeaseLost("Another worker delivers this by now, or it has ended; what was made ready is dropped.")
    return purchase
