"""What an owner sells of her machine beside its answers: its lines, copies of it, and news for those copies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from ml.commands.machines import changed, locked_machine
from ml.models import Machine
from ml.rules.purchases import NotForSale, price_in
from shared_models.clock import utc_now

FLAGS = ("machine_data_source_is_public", "machine_data_source_sample_only_public", "machine_is_duplicatable")
PRICES = ("machine_data_source_price_usd", "machine_copy_cost_usd", "machine_copy_update_cost_usd")


@transaction.atomic
def set_terms(*, machine_id: UUID, terms: Mapping[str, Any]) -> Machine:
    """Change the terms that are given; purchases that were asked for before keep their price.

    Raises BadInput for a price that is none, NotForSale for a copy of somebody's machine: its lines stay hers to sell.
    """
    machine = locked_machine(machine_id)
    for name in PRICES:
        if terms.get(name) is not None:
            setattr(machine, name, price_in(terms[name], field=name))
    for name in FLAGS:
        if terms.get(name) is not None:
            setattr(machine, name, bool(terms[name]))
    if machine.machine_original_id and machine.sells_lines_or_copies:
        raise NotForSale("This machine is a copy: its lines and copies of them are sold by the original's owner alone.")
    note_market(machine)
    return changed(machine)


def note_market(machine: Machine) -> None:
    """Since when the machine is on the market, if it is; the caller saves it."""
    machine.published_at = (machine.published_at or utc_now()) if machine.is_on_the_market else None
