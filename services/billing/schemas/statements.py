"""Sums of a statement, costs, income and the first design's rows as HTTP shapes."""

from __future__ import annotations

from datetime import date
from typing import Any

from billing.models import Billing, Credit, CreditIXIOO, Debit, DebitIXIOO
from billing.queries import Cost, Earned, Moved
from billing.schemas.fields import amount_or_none, id_or_none
from shared_models.clock import rfc3339
from shared_models.money import plain


def show_moved(moved: Moved, by: str) -> dict[str, Any]:
    """One row of a grouped statement; its key goes by the name of what it is grouped by."""
    key = moved.key.isoformat() if isinstance(moved.key, date) else moved.key
    machine = {"machine_id": str(key) if key else None, "machine_name": moved.name}
    named = machine if by == "machine" else {by: key}
    return {
        **named,
        "entries": moved.count,
        "came_in": plain(moved.came_in),
        "went_out": plain(moved.went_out),
        "net": plain(moved.net),
    }


def show_cost(cost: Cost) -> dict[str, Any]:
    """What a machine cost on a day."""
    return {
        "day": cost.day.isoformat(),
        "machine_id": str(cost.machine_id),
        "machine_name": cost.machine_name,
        "amount": plain(cost.amount),
    }


def show_earned(earned: Earned) -> dict[str, Any]:
    """What a machine earned of a buyer on a day."""
    return {
        "day": earned.day.isoformat(),
        "machine_id": id_or_none(earned.machine_id),
        "machine_name": earned.machine_name,
        "buyer": earned.buyer or None,
        "kind": earned.kind or None,
        "entries": earned.count,
        "amount_usd": plain(earned.amount),
    }


def show_leg(leg: Credit | Debit | CreditIXIOO | DebitIXIOO) -> dict[str, Any]:
    """One movement under the first design's names."""
    return {
        "uuid": str(leg.uuid),
        "user": str(leg.user_id),
        "date_time": rfc3339(leg.date_time),
        "amount": plain(leg.amount),
        "journal_id": str(leg.journal_id),
        "operation_id": id_or_none(leg.operation_id),
    }


def show_billing_row(row: Billing) -> dict[str, Any]:
    """The flat row; figures that do not belong to its operation are null."""
    facts = ("uuid", "operation", "user_id", "machine_id", "date_time")
    columns = [field.name for field in Billing._meta.concrete_fields if field.name not in facts]
    counts = {name: getattr(row, name) for name in columns if name.startswith("CountOf")}
    amounts = {name: amount_or_none(getattr(row, name)) for name in columns if name not in counts}
    return {
        "uuid": str(row.uuid),
        "operation_id": str(row.operation_id),
        "user": str(row.user_id),
        "machine": id_or_none(row.machine_id),
        "date_time": rfc3339(row.date_time),
        **counts,
        **amounts,
        "operation_cost": plain(row.operation_cost),
    }
