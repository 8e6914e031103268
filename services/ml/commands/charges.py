"""What billing charged, shown beside works, purchases and machines: a batch of charges is three statements at most."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from pydantic_core import to_json

from ml import queries
from shared_models.events import billing
from shared_models.money import plain

ZERO = Decimal(0)
_SHOW = """
    UPDATE {table} SET charged = told.charged FROM json_to_recordset(%s::json) AS told(id uuid, charged jsonb)
    WHERE {table}.id = told.id
"""
# In the order of ids: two batches that met on two machines in different orders would wait for each other.
_ADD_COSTS = """
    UPDATE machine SET machine_billing_cost_training_usd = machine_billing_cost_training_usd + told.training,
        machine_billing_cost_solving_usd = machine_billing_cost_solving_usd + told.solving
    FROM (SELECT * FROM json_to_recordset(%s::json)
          AS charge(machine_id uuid, payer_id uuid, training numeric, solving numeric) ORDER BY machine_id) AS told
    WHERE machine.id = told.machine_id AND machine.machine_owner_user = told.payer_id
"""


@transaction.atomic
def note_charges(*charges: billing.PostedOperation) -> None:
    """Show beside each work or purchase what it was charged, and add it to what her machine cost its owner.

    All of `charges` are noted or none.
    """
    works = {one.work_id: one.parts for one in charges if one.work_id is not None}
    if works:
        told = to_json([{"id": id_, "charged": works[id_]} for id_ in sorted(works)]).decode()
        _run(_SHOW.format(table="work"), told)
        _run(_SHOW.format(table="purchase"), told)
    costs = _costs(charges)
    if costs:
        _run(_ADD_COSTS, to_json(costs).decode())


def _costs(charges: Sequence[billing.PostedOperation]) -> list[dict[str, Any]]:
    """What each machine cost each payer, in dollars."""
    rate = queries.usd_per_eaml()
    costs: dict[tuple[UUID, UUID], dict[str, Any]] = {}
    for one in charges:
        if one.machine_id is not None:
            machine, payer = one.machine_id, one.payer_id
            if (machine, payer) not in costs:
                costs[machine, payer] = {"machine_id": machine, "payer_id": payer, "training": ZERO, "solving": ZERO}
            kind = "training" if one.kind == "training" else "solving"
            costs[machine, payer][kind] += queries.worth_in_usd(one.parts, rate)
    return list(costs.values())


def amounts_of(parts: Sequence[billing.Part]) -> list[dict[str, str]]:
    """Amounts with their currencies, as works and purchases keep them."""
    return [{"currency": part.currency, "amount": plain(part.amount)} for part in parts]


def _run(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
