"""Keeping what billing said; an older version never overwrites a newer one."""

from __future__ import annotations

from django.db import transaction

from ml.models import Funds, PriceList
from shared_models.events import billing
from shared_models.money import plain


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
def keep_funds(event: billing.BalanceChanged) -> None:
    """Remember what the person can spend now."""
    state = {
        "version": event.version,
        "usd_available": event.usd_available,
        "eaml_available": event.eaml_available,
        "coupon_available": event.coupon_available,
        "credit_available": event.credit_available,
    }
    row, new = Funds.objects.select_for_update().get_or_create(owner_id=event.owner_id, defaults=state)
    if not new and row.version < event.version:
        Funds.objects.filter(pk=row.pk).update(**state)
