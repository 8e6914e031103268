"""What solving has to know, in one question: the machine with its model, the prices, and what its payer can spend."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from ml.models import Machine, NNModel
from ml.queries.access import checked
from ml.queries.money import PLATFORM
from ml.rules.access import Right
from ml.rules.prices import Available, NoPrices, Prices
from service_base.callers import Caller

# A machine has some hundred columns of figures: only these are asked for, the others are read when they are needed.
# SQL's `machine_to_solve` names the same.
_ASKED = {
    "id",
    "machine_name",
    "machine_owner_user_id",
    "machine_owner_team",
    "machine_api_solving_is_public",
    "machine_api_solving_price_usd",
    "machine_data_source_is_public",
    "machine_is_duplicatable",
    "mdc_columns_total_count",
    "training_nn_model_id",
}
# In the order of the model's fields, which is the one that rows are made instances in.
_COLUMN = {field.attname: str(field.column) for field in Machine._meta.concrete_fields if field.attname in _ASKED}
_OF_MACHINE = tuple(_COLUMN)
_OF_PRICES = (
    "version",
    "training_cell_eaml",
    "solving_line_eaml",
    "level_factors",
    "usd_per_eaml",
    "marketplace_fee_basis_points",
)
_OF_FUNDS = ("usd_available", "eaml_available", "coupon_available", "credit_available")


def _columns(table: str, names: Iterable[str]) -> str:
    return ", ".join(f"{table}.{name}" for name in names)


_ASK = f"""
SELECT {_columns("m", _COLUMN.values())}, n.folder, {_columns("p", _OF_PRICES)}, {_columns("o", _OF_FUNDS)},
       {_columns("c", _OF_FUNDS)}, machine_to_solve(m), p.xmin::text
  FROM machine m
  LEFT JOIN nn_model n ON n.id = m.{_COLUMN["training_nn_model_id"]}
  LEFT JOIN price_list p ON p.list_name = %s
  LEFT JOIN funds o ON o.owner_id = m.{_COLUMN["machine_owner_user_id"]}
  LEFT JOIN funds c ON c.owner_id = %s
 WHERE m.id = %s AND m.deleted_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class ToSolve:
    """A machine that the caller may solve with, and what its owner and the caller can spend."""

    machine: Machine
    prices: Prices | None
    of_owner: Available
    of_caller: Available
    # The machine as it was read, and the version of the price list.
    machine_seen: str
    prices_seen: str | None

    @property
    def known_prices(self) -> Prices:
        """The price list in force. Raises NoPrices before the first has arrived."""
        if self.prices is None:
            raise NoPrices()
        return self.prices


def to_solve(caller: Caller, machine_id: UUID) -> ToSolve:
    """The machine with just what solving needs. Raises NotFound."""
    with connection.cursor() as cursor:
        cursor.execute(_ASK, [PLATFORM, caller.id, machine_id])
        found = cursor.fetchone()
    machine = checked(caller, _machine(found) if found else None, Right.SOLVE)
    parts = iter(found[len(_OF_MACHINE) + 1 :])
    prices, owner, own = ([next(parts) for _ in names] for names in (_OF_PRICES, _OF_FUNDS, _OF_FUNDS))
    return ToSolve(machine, _prices(prices), _available(owner), _available(own), *found[-2:])


def _machine(found: tuple[Any, ...]) -> Machine:
    machine = Machine.from_db("default", list(_OF_MACHINE), found[: len(_OF_MACHINE)])
    if machine.training_nn_model_id is not None:
        names, values = ["id", "folder"], [machine.training_nn_model_id, found[len(_OF_MACHINE)]]
        machine.training_nn_model = NNModel.from_db("default", names, values)
    return machine


def _prices(values: list[Any]) -> Prices | None:
    if values[0] is None:
        return None
    given = dict(zip(_OF_PRICES, values, strict=True))
    factors = json.loads(given["level_factors"])
    return Prices(**given | {"level_factors": {level: Decimal(factor) for level, factor in factors.items()}})


def _available(values: list[Any]) -> Available:
    return Available() if values[0] is None else Available(*values)
