"""What is for sale, what was bought and what was sold, for whoever may see it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from ml.models import Machine, Purchase
from ml.rules.purchases import PurchaseKind, PurchaseState
from service_base.callers import Caller
from service_base.errors import NotFound
from shared_models.money import plain

SAMPLE_LINES = 10
NO_PURCHASE = "There is no such purchase, or it is not yours."


@dataclass(frozen=True, slots=True)
class ForSale:
    """Something that can be bought of a machine's owner now."""

    kind: PurchaseKind
    price_usd: Decimal
    lines: int

    @property
    def price_text(self) -> str:
        """The price as a form carries it back."""
        return plain(self.price_usd)


def for_sale(machine: Machine) -> list[ForSale]:
    """What the machine's owner sells beside its answers."""
    lines = machine.learning_lines + machine.evaluation_lines
    found = []
    if machine.machine_data_source_is_public:
        found.append(ForSale(PurchaseKind.BUY_DATA_SOURCE, machine.machine_data_source_price_usd, lines))
    if machine.machine_is_duplicatable:
        found.append(ForSale(PurchaseKind.MACHINE_COPY, machine.machine_copy_cost_usd, lines))
    return found


def sample_of(machine: Machine) -> list[dict[str, Any]]:
    """The lines that a stranger may see before buying: the first few, and only where the owner shows a sample."""
    if not (machine.machine_data_source_is_public and machine.machine_data_source_sample_only_public):
        return []
    first = machine.data_lines.filter(purpose="learning").order_by("sequence").first()
    rows = first.first_rows[:SAMPLE_LINES] if first else []
    return [dict(zip(first.column_names, row, strict=False)) for row in rows] if first else []


def purchases_of(caller: Caller) -> QuerySet[Purchase]:
    """What the caller bought or is buying."""
    return Purchase.objects.filter(buyer=caller.user).select_related("machine", "copy", "seller")


def sales_of(machine: Machine, count: int = 20) -> list[Purchase]:
    """The machine's last sales, newest first; purchases that came to nothing are no sales."""
    sold = machine.sales.filter(state=PurchaseState.SUCCEEDED).select_related("buyer")
    return list(sold.order_by("-finished_at")[:count])


def purchase_for(caller: Caller, purchase_id: UUID) -> Purchase:
    """A purchase of the caller's. Raises NotFound for any other."""
    found = purchases_of(caller).filter(pk=purchase_id).first()
    if found is None:
        raise NotFound(NO_PURCHASE)
    return found


def bought_lines(caller: Caller, purchase_id: UUID) -> Purchase:
    """A purchase whose lines can be downloaded. Raises NotFound."""
    found = purchase_for(caller, purchase_id)
    if not found.result_path:
        raise NotFound("This purchase has no lines to download.")
    return found
