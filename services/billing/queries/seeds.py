"""A person's money under the first design's names: credits and debits of her dollars and tokens, and the flat row."""

from __future__ import annotations

from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery, Sum

from billing.models import Billing, Credit, CreditIXIOO, Debit, DebitIXIOO, Operation
from billing.rules.accounts import wallet
from shared_models.money import Currency

Leg = type[Credit] | type[Debit] | type[CreditIXIOO] | type[DebitIXIOO]
# By the names that operations and addresses give them.
SEEDS: dict[str, Leg] = {"credit": Credit, "debit": Debit, "credit_ixioo": CreditIXIOO, "debit_ixioo": DebitIXIOO}


def seeds_of(owner: UUID, name: str) -> QuerySet[Credit | Debit | CreditIXIOO | DebitIXIOO]:
    """What came into the person's dollars or tokens, or went out of them."""
    currency = Currency.EAML if name.endswith("ixioo") else Currency.USD
    return SEEDS[name].objects.filter(account_id=wallet(owner, currency).id)


def billing_rows_of(owner: UUID) -> QuerySet[Billing]:
    """The flat rows of what the person paid for and earned by."""
    return Billing.objects.filter(user_id=owner)


def with_legs(operations: QuerySet[Operation], owner: UUID) -> QuerySet[Operation]:
    """The operations with `credit`, `debit`, `credit_ixioo` and `debit_ixioo`: what moved in the person's wallet."""
    return operations.annotate(**{name: _leg(name, owner) for name in SEEDS})


def _leg(name: str, owner: UUID) -> Subquery:
    moved = seeds_of(owner, name).filter(operation_id=OuterRef("pk"))
    return Subquery(moved.order_by().values("operation_id").annotate(sum=Sum("amount")).values("sum"))
