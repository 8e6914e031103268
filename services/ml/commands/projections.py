"""Keeping what billing said; an older version never overwrites a newer one."""

from __future__ import annotations

from django.db import connection, transaction
from pydantic_core import to_json

from ml.models import PriceList
from shared_models.events import billing
from shared_models.events.contract import newest
from shared_models.money import plain

# In the order of ids: two batches that met on two people in different orders would wait for each other.
_KEEP_FUNDS = """
    INSERT INTO funds (owner_id, version, usd_available, eaml_available, coupon_available, credit_available)
    SELECT owner_id, version, usd_available, eaml_available, coupon_available, credit_available
    FROM json_populate_recordset(NULL::funds, %s::json) ORDER BY owner_id
    ON CONFLICT (owner_id) DO UPDATE SET version = EXCLUDED.version, usd_available = EXCLUDED.usd_available,
        eaml_available = EXCLUDED.eaml_available, coupon_available = EXCLUDED.coupon_available,
        credit_available = EXCLUDED.credit_available
    WHERE funds.version < EXCLUDED.version
"""


@transaction.atomic
def keep_prices(event: billing.PricesPublished) -> None:
    """Quote by this price list from now on."""
    state = {
        "version": event.version,
        "training_cell_eaml": event.training_cell_eaml,
        "solving_line_eaml": event.solving_line_eaml,
        "level_factors": {level: plain(factor) for level, factor in event.level_factors.items()},
        "usd_per_eaml": event.usd_per_eaml,
        "marketplace_fee_basis_points": event.marketplace_fee_basis_points,
        "effective_at": event.effective_at,
    }
    row, new = PriceList.objects.select_for_update().get_or_create(list_name=event.list_name, defaults=state)
    if not new and row.version < event.version:
        PriceList.objects.filter(pk=row.pk).update(**state)


@transaction.atomic
def keep_funds(*balances: billing.Balance) -> None:
    """Remember what each person can spend now: of `balances` the newest of hers, unless a newer one is known."""
    with connection.cursor() as cursor:
        cursor.execute(_KEEP_FUNDS, [to_json(newest(balances)).decode()])
