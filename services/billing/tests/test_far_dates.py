"""Dates at the ends of the calendar, keys as long as they may be, and texts that cannot be kept are refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from billing.models import Journal
from billing.tests.test_api import get, post
from billing.tests.world import Person, World
from event_bus.testing import deliver

pytestmark = pytest.mark.django_db(transaction=True)

ASKED = [
    ("ledger/entries?since=0001-01-01T00:00:00Z", "since"),
    ("ledger/entries?until=0001-01-01T00:00:00Z", "until"),
    ("ledger/entries?since=9999-12-31T23:59:59.999999-01:00", "since"),
    ("costs?until=0001-01-05", "until"),
    ("income?until=0001-01-05", "until"),
    ("balances?effective_at=0001-01-01T00:00:00%2B05:00", "effective_at"),
    ("balances?recorded_at=9999-12-31T23:59:59-05:00", "recorded_at"),
    ("ledger/as-of?effective_at=0001-01-01T00:00:00%2B05:00", "effective_at"),
]


@pytest.mark.parametrize(("path", "field"), ASKED)
def test_the_api_names_the_date_that_is_too_far_off(api: Any, ana: Person, path: str, field: str) -> None:
    answer = get(api(ana), path)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"].endswith(field)
    assert "1970" in error["message"]


PAGES = [
    "statement?until=9999-12-31",
    "statement?since=0001-01-01",
    "statement.csv?until=9999-12-31",
    "costs?until=0001-01-05",
    "payouts?until=0001-01-05",
    "balances?effective_at=0001-01-01T00:00%2B05:00",
    "balances?recorded_at=9999-12-31T23:59-05:00",
]


@pytest.mark.parametrize("path", PAGES)
def test_so_do_the_pages(browser: Any, ana: Person, path: str) -> None:
    answer = browser(ana).get(f"/{path}")
    assert answer.status_code == 422
    assert "1970" in answer.content.decode()


def test_a_coupon_and_a_bill_need_moments_with_a_zone(api: Any, ana: Person) -> None:
    staff = api(ana, staff=True)
    coupon = {"code": "ABC", "amount": "1", "budget": "2", "valid_until": "2040-01-01T00:00:00"}
    assert post(staff, "coupons", coupon).status_code == 422
    assert post(staff, "coupons", coupon | {"valid_until": "2040-01-01T00:00:00Z"}).status_code == 201
    assert post(staff, "bills/issue", {"until": "2026-01-01T00:00:00"}).status_code == 422
    assert post(staff, "bills/issue", {"until": "0001-01-01T00:00:00+05:00"}).status_code == 422


@pytest.mark.parametrize("length", [1, 163, 164, 200])
def test_a_key_may_be_as_long_as_is_said(api: Any, world: World, ana: Person, length: int) -> None:
    seller = world.person()
    deliver(world.solved(ana, lines=1000, owner=seller))
    before = Journal.objects.count()
    for who, path, sign in ((ana, "exchanges", "k"), (seller, "income/keep", "k"), (seller, "payouts", "p")):
        for _ in range(2):  # the same key moves money once
            assert post(api(who), path, {"amount_usd": "1"}, key=sign * length).status_code in (200, 201, 202)
    assert Journal.objects.count() == before + 3


def test_two_long_keys_that_begin_alike_are_two(api: Any, ana: Person) -> None:
    for end in "ab":
        assert post(api(ana), "exchanges", {"amount_usd": "1"}, key="k" * 199 + end).status_code in (200, 201)
    assert Journal.objects.filter(kind="tokens_bought").count() == 2


@pytest.mark.parametrize("sent", [{"key": "a\x00"}, {"key": "a", "destination": "x\x00"}])
def test_a_text_that_cannot_be_kept_is_no_fault_of_the_page(
    browser: Any, world: World, ana: Person, sent: dict[str, str]
) -> None:
    seller = world.person()
    deliver(world.solved(ana, lines=1000, owner=seller))
    answer = browser(seller).post("/payouts/request", {"amount_usd": "1", **sent})
    assert answer.status_code == 422
    assert "cannot be kept" in answer.content.decode()


def test_a_long_key_of_a_form_moves_money_once(browser: Any, ana: Person) -> None:
    for _ in range(2):
        assert browser(ana).post("/exchange", {"amount_usd": "1", "key": "a" * 300}).status_code == 302
    assert Journal.objects.filter(kind="tokens_bought").count() == 1
