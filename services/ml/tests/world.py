"""The table, the prices and the model that ml's tests are about."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from shared_models.clock import utc_now
from shared_models.events import billing

HEADER = ["age", "income", "city", "bought"]
CITIES = ["Lyon", "Graz", "Porto"]
COLUMNS = 4


def buyers(lines: int = 300, *, seed: int = 1) -> list[list[str]]:
    """Rows that can be learnt: whoever earns well, or is old and lives in Graz, buys."""
    chance = random.Random(seed)
    rows = []
    for _ in range(lines):
        age, income, city = chance.randint(18, 80), chance.randint(10, 90) * 1000, chance.choice(CITIES)
        buys = income + chance.gauss(0, 6000) > 50_000 or (age > 60 and city == "Graz")
        rows.append([str(age), str(income), city, "yes" if buys else "no"])
    return rows


def csv_of(rows: list[list[str]], header: list[str] | None = None, separator: str = ",") -> bytes:
    """The rows as a CSV file."""
    lines = [separator.join(row) for row in [header or HEADER, *rows]]
    return ("\n".join(lines) + "\n").encode()


TABLE = csv_of(buyers())
ROW = {"age": 45, "income": 70000, "city": "Lyon"}
LEVEL_FACTORS = {"1": Decimal("1"), "2": Decimal("2"), "3": Decimal("4"), "4": Decimal("9"), "5": Decimal("20")}


def price_list(version: int = 1, **changes: Any) -> billing.PricesPublished:
    """Billing's prices."""
    said = {
        "version": version,
        "training_cell_eaml": Decimal("0.001"),
        "solving_line_eaml": Decimal("0.01"),
        "level_factors": LEVEL_FACTORS,
        "usd_per_eaml": Decimal("0.5"),
        "marketplace_fee_basis_points": 1000,
        "effective_at": utc_now(),
    }
    return billing.PricesPublished(**(said | changes))


def balance(owner_id: UUID, version: int = 1, **available: str) -> billing.BalancesChanged:
    """Billing's word on what a person can spend, on a page of its own: `usd`, `eaml`, `coupon`, `credit`."""
    return page_of(entry(owner_id, version, **available))


def entry(owner_id: UUID, version: int = 1, **available: str) -> billing.Balance:
    """The same, beside others on a page."""
    said = {f"{name}_available": available.get(name, "0") for name in ("usd", "eaml", "coupon", "credit")}
    balances = {"user_balance": said["usd_available"], "user_ixioo_balance": said["eaml_available"]}
    return billing.Balance(
        owner_id=owner_id, version=version, coupon_balance=said["coupon_available"], **balances, **said
    )


def page_of(*balances: billing.Balance) -> billing.BalancesChanged:
    """One page of the ledger that changed them."""
    return billing.BalancesChanged(page_id=uuid4(), balances=list(balances))


# What a seller asks, and what each kind of purchase then costs.
TERMS = {
    "machine_data_source_is_public": True,
    "machine_data_source_price_usd": "5",
    "machine_is_duplicatable": True,
    "machine_copy_cost_usd": "12.5",
    "machine_copy_update_cost_usd": "0.00000001",
}
PRICE = {"buy_data_source": "5", "machine_copy": "12.5", "machine_copy_update": "0.00000001"}


def held(purchase: Any) -> Any:
    """Billing holds the price."""
    from event_bus.testing import deliver
    from ml.models import Purchase

    part = billing.Part(currency="USD", amount=purchase.price_usd)
    deliver(
        billing.HoldAuthorized(
            hold_id=uuid4(),
            work_id=purchase.pk,
            payer_id=purchase.buyer_id,
            quote_id=uuid4(),
            price_version=1,
            parts=[part],
            expires_at=utc_now() + timedelta(hours=1),
        )
    )
    return Purchase.objects.get(pk=purchase.pk)


def append(upload: Any, machine: Any, rows: list[list[str]]) -> Any:
    """More lines to learn from."""
    from ml import commands

    return commands.append_lines(machine_id=machine.pk, received=upload(csv_of(rows), "more.csv"), purpose="learning")
