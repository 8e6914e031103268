"""What is agreed with one person: how much she may owe, and the tax she is charged."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from billing.commands.book import Book
from billing.commands.parties import lock_parties
from billing.models import Party
from billing.rules.bills import BASIS_POINTS
from billing.rules.pricing import money_in
from service_base.errors import BadInput


@transaction.atomic
def set_credit_limit(*, owner: UUID, limit_usd: object) -> Party:
    """How much the person may owe before new work is declined. Raises AmountUnfit for a negative limit."""
    limit = money_in(limit_usd, field="limit_usd", zero_fits=True)
    book = Book(owner)
    book.parties[owner].credit_limit = limit
    book.touch(owner)
    book.close()
    return book.parties[owner]


@transaction.atomic
def set_tax_rate(*, owner: UUID, basis_points: int | None) -> Party:
    """The tax on the person's bills from the next one on; None takes the rate of the settings. Raises BadInput."""
    if basis_points is not None and not 0 <= basis_points <= BASIS_POINTS:
        raise BadInput(f"Give 0 to {BASIS_POINTS} basis points, or nothing for the usual rate.", field="basis_points")
    party = lock_parties(owner)[owner]
    party.tax_basis_points = basis_points
    party.save(update_fields=["tax_basis_points"])
    return party
