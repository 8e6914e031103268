"""What is read without a thread is what the ORM reads."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync

from billing import queries
from billing.models import Payment
from billing.tests.world import Person, World
from service_base.pagination import as_page, read_page
from shared_models.ids import new_id

pytestmark = pytest.mark.django_db


def test_the_wallet_is_the_same_both_ways(world: World, ana: Person, broke: Person) -> None:
    world.hold(ana)
    for owner in (ana.id, broke.id, new_id()):
        assert async_to_sync(queries.read_wallet)(owner) == queries.wallet_of(owner)


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_a_list_is_the_same_both_ways_page_by_page(world: World, ana: Person, broke: Person, limit: int) -> None:
    world.top_up(broke, "1")
    for amount in ("1", "2", "3", "4"):
        world.top_up(ana, amount)
    cursor: str | None = None
    for _ in range(6):
        read = async_to_sync(read_page)(Payment, "owner_id = %s", [ana.id], _show, cursor=cursor, limit=limit)
        assert read == as_page(Payment.objects.filter(owner_id=ana.id), _show, cursor=cursor, limit=limit)
        cursor = read["next_cursor"]


def _show(payment: Payment) -> dict[str, Any]:
    return {name: getattr(payment, name) for name in (field.attname for field in Payment._meta.concrete_fields)}
