"""Asking for another person's lines, a copy of her machine, or news for it: what is refused, and what it costs."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from event_bus.testing import deliver, said
from ml import commands
from ml.deliveries import deliver_purchases
from ml.models import Machine, Purchase
from ml.rules.purchases import (
    AlreadyBought,
    NotForSale,
    OwnMachine,
    PriceChanged,
    PurchaseEnded,
    PurchaseState,
)
from ml.tests.world import PRICE, append, buyers, held
from service_base.errors import BadInput, NotFound, Refusal
from shared_models.events import billing, ml

pytestmark = pytest.mark.django_db(transaction=True)


SALES = ("machine_data_source_is_public", "machine_is_duplicatable")


def test_a_seller_does_not_buy_from_herself(sold, ada):
    with pytest.raises(OwnMachine):
        commands.request_purchase(machine_id=sold.pk, buyer=ada, kind="machine_copy", price_usd="12.5")
    assert said(ml.PurchaseRequested) == []


def test_a_price_that_changed_is_not_charged(buy, sold):
    commands.set_terms(machine_id=sold.pk, terms={"machine_copy_cost_usd": "99"})
    with pytest.raises(PriceChanged, match="99 USD by now"):
        buy()
    assert said(ml.PurchaseRequested) == []


def test_a_price_that_changes_after_the_request_does_not_change_the_purchase(buy, sold):
    asked = buy()
    commands.set_terms(machine_id=sold.pk, terms={"machine_copy_cost_usd": "99", "machine_is_duplicatable": False})
    held(asked)
    deliver_purchases()
    (event,) = said(ml.PurchaseCompleted)
    assert event.price_usd == Decimal("12.5")


@pytest.mark.parametrize("price", ["", "NaN", "Infinity", "-1", "1e40", "9" * 40, "0.000000001", "five", True, 1.5])
def test_what_is_no_price_is_refused_by_its_field(buy, sold, price):
    with pytest.raises(Refusal) as refused:
        buy(price_usd=price)
    assert refused.value.field == "price_usd"
    with pytest.raises(BadInput) as unfit:
        commands.set_terms(machine_id=sold.pk, terms={"machine_copy_cost_usd": price})
    assert unfit.value.field == "machine_copy_cost_usd"
    assert not Purchase.objects.exists()


def test_what_is_not_for_sale_is_not_sold(machine, bo):
    for kind in PRICE:
        with pytest.raises(NotForSale):
            commands.request_purchase(machine_id=machine.pk, buyer=bo, kind=kind, price_usd="0")


def test_a_copy_is_not_sold_on(bought):
    copy = bought().copy
    for flag in ("machine_is_duplicatable", "machine_data_source_is_public"):
        with pytest.raises(NotForSale):
            commands.set_terms(machine_id=copy.pk, terms={flag: True})
        with pytest.raises(IntegrityError), transaction.atomic():
            Machine.objects.filter(pk=copy.pk).update(**{flag: True})


def test_lines_are_bought_again_only_when_there_are_new_ones(bought, buy, sold, upload):
    bought("buy_data_source")
    with pytest.raises(AlreadyBought):
        buy("buy_data_source")
    append(upload, sold, buyers(50, seed=3))
    assert buy("buy_data_source").lines == 350


def test_news_need_a_copy_of_ones_own(bought, buy, sold, upload, machine_of, ada):
    with pytest.raises(BadInput) as unfit:
        buy("machine_copy_update")
    assert unfit.value.field == "copy_id"
    with pytest.raises(NotFound):
        buy("machine_copy_update", copy_id=machine_of(ada).pk)


def test_a_copy_whose_originals_columns_changed_gets_no_news(bought, buy, sold, upload):
    copy = bought().copy
    append(upload, sold, buyers(50, seed=3))
    Machine.objects.filter(pk=sold.pk).update(column_names=["a", "b"])
    with pytest.raises(NotForSale, match="columns"):
        buy("machine_copy_update", copy_id=copy.pk)


@pytest.mark.parametrize("reason", ["funds_short", "bill_due", "own_machine"])
def test_a_declined_purchase_fails_with_the_reason(buy, reason):
    asked = buy()
    declined = {"reason": reason, "missing": Decimal(2), "currency": "USD"}
    deliver(billing.HoldDeclined(work_id=asked.pk, payer_id=asked.buyer_id, **declined))
    asked.refresh_from_db()
    assert asked.state == PurchaseState.FAILED
    assert f"{reason.replace('_', ' ')} (2 USD are missing)" in asked.reason
    assert deliver_purchases() == 0


def test_a_cancelled_purchase_is_neither_delivered_nor_charged(buy):
    asked = held(buy("buy_data_source"))
    commands.cancel_purchase(purchase_id=asked.pk)
    assert deliver_purchases() == 0
    assert [(event.purchase_id, event.cancelled) for event in said(ml.PurchaseFailed)] == [(asked.pk, True)]
    assert said(ml.PurchaseCompleted) == []
    with pytest.raises(PurchaseEnded):
        commands.cancel_purchase(purchase_id=asked.pk)


def test_a_delivered_purchase_cannot_be_cancelled(bought):
    with pytest.raises(PurchaseEnded):
        commands.cancel_purchase(purchase_id=bought().pk)


def test_a_hold_that_expired_ends_the_purchase(buy):
    asked = held(buy())
    deliver(billing.HoldExpired(hold_id=uuid4(), work_id=asked.pk, payer_id=asked.buyer_id))
    assert Purchase.objects.get().state == PurchaseState.CANCELLED
    assert deliver_purchases() == 0
