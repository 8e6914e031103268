"""What was bought is handed over: whole, once, by one worker."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import connection

from event_bus.testing import said
from ml import commands
from ml.commands.purchases import lines_sold_of
from ml.deliveries import deliver_purchases
from ml.models import Machine, PublishedUsage, Purchase
from ml.rules.purchases import (
    ENDED,
    MOST_ATTEMPTS,
    AlreadyBought,
    PurchaseState,
)
from ml.rules.work import LeaseLost
from ml.store import place, root
from ml.tests.world import HEADER, TERMS, append, buyers, csv_of, held
from service_base.errors import Refusal
from shared_models.clock import utc_now
from shared_models.events import ml

pytestmark = pytest.mark.django_db(transaction=True)


def table(purchase):
    """The bought lines as the buyer reads them."""
    return list(csv.reader(io.StringIO(place(purchase.result_path).read_text())))


def test_a_request_says_what_is_wanted_at_which_price_and_delivers_nothing_yet(buy, sold, ada, bo):
    asked = buy("buy_data_source")
    assert deliver_purchases() == 0
    (event,) = said(ml.PurchaseRequested)
    assert (event.purchase_id, event.kind, event.price_usd, event.lines) == (
        asked.pk,
        "buy_data_source",
        Decimal(5),
        300,
    )
    assert (event.seller_id, event.buyer_id, asked.state) == (ada.pk, bo.pk, PurchaseState.AWAITING_FUNDS)


def test_bought_lines_are_a_file_of_the_buyers_own_with_every_line(bought, ada):
    purchase = bought("buy_data_source")
    assert (purchase.state, purchase.lines, purchase.progress_percent) == (PurchaseState.SUCCEEDED, 300, 100)
    assert table(purchase) == [HEADER, *buyers()]
    (event,) = said(ml.PurchaseCompleted)
    assert (event.purchase_id, event.price_usd, event.lines, event.copy_id) == (purchase.pk, Decimal(5), 300, None)
    commands.delete_machine(machine_id=purchase.machine_id)
    commands.clean_store(now=utc_now().timestamp() + 100_000)
    assert len(table(purchase)) == 301


def test_a_purchase_is_listed_as_usage_that_billing_is_compared_with(bought):
    purchase = bought()
    (listed,) = PublishedUsage.objects.all()
    assert (listed.payer_id, listed.lines) == (purchase.buyer_id, 300)


def test_a_formula_in_bought_lines_is_disarmed_and_numbers_stay(machine_of, ada, bo):
    rows = [["-5,25", "=1+1", "@x", "-3"], ["+1e3", "plain", "\tcmd", "-"]]
    odd = machine_of(ada, csv_of([*rows, *([["1", "b", "c", "4"]] * 60)], ["a", "=b", "c", "d"], ";"), outputs=["a"])
    commands.set_terms(machine_id=odd.pk, terms=TERMS)
    asked = commands.request_purchase(machine_id=odd.pk, buyer=bo, kind="buy_data_source", price_usd="5")
    held(asked)
    deliver_purchases()
    purchase = Purchase.objects.get(pk=asked.pk)
    assert purchase.reason == ""
    assert table(purchase)[:3] == [
        ["a", "'=b", "c", "d"],
        ["-5,25", "'=1+1", "'@x", "-3"],
        ["+1e3", "plain", "'\tcmd", "-"],
    ]


def test_a_copy_is_the_buyers_machine_on_the_same_lines_without_the_model(trained, bo, buy, ada):
    commands.set_terms(machine_id=trained.pk, terms=TERMS)
    held(commands.request_purchase(machine_id=trained.pk, buyer=bo, kind="machine_copy", price_usd="12.5"))
    deliver_purchases()
    copy = Purchase.objects.get().copy
    original = Machine.objects.get(pk=trained.pk)
    assert (copy.machine_name, copy.owner_id, copy.machine_original_id) == (
        f"Copy of {original.machine_name}",
        bo.pk,
        original.pk,
    )
    assert not copy.is_trained
    assert copy.training_evaluation_accuracy is None
    assert copy.machine_owner_team is None
    assert not copy.is_on_the_market
    same = ("column_names", "learning_lines", "evaluation_lines", "mdc_columns_data_type", "mdc_columns_name_output")
    assert [getattr(copy, name) for name in same] == [getattr(original, name) for name in same]
    assert [line.path for line in copy.data_lines.all()] == [line.path for line in original.data_lines.all()]
    assert [event.machine_id for event in said(ml.MachineChanged)].count(copy.pk) == 1


def test_a_copy_can_be_corrected_and_learns_alone_although_its_original_is_gone(bought, sold):
    copy = bought().copy
    commands.delete_machine(machine_id=sold.pk)
    commands.clean_store(now=utc_now().timestamp() + 100_000)
    commands.correct_machine(machine_id=copy.pk, ignore=["city"])
    copy.refresh_from_db()
    assert copy.ignored_columns == ["city"]


def test_news_bring_the_copy_what_its_original_gained_after_its_own_lines(bought, buy, sold, bo, upload):
    copy = bought().copy
    append(upload, copy, buyers(20, seed=2))
    append(upload, sold, buyers(50, seed=3))
    held(buy("machine_copy_update", copy_id=copy.pk))
    deliver_purchases()
    copy.refresh_from_db()
    assert [line.line_count for line in copy.data_lines.order_by("sequence")] == [300, 20, 50]
    at_once = (copy.learning_lines, copy.evaluation_lines)
    assert sum(at_once) == 370
    commands.look_at_appended_lines()
    copy.refresh_from_db()
    assert (copy.learning_lines, copy.evaluation_lines) == at_once
    with pytest.raises(AlreadyBought):
        buy("machine_copy_update", copy_id=copy.pk)


def test_news_wait_for_the_end_of_the_copys_training(bought, buy, sold, bo, upload):
    copy = bought().copy
    append(upload, sold, buyers(50, seed=3))
    asked = held(buy("machine_copy_update", copy_id=copy.pk))
    work = commands.request_training(machine_id=copy.pk, by=bo, level=1, estimated_seconds=1.0, quoted_eaml=Decimal(1))
    deliver_purchases()
    asked.refresh_from_db()
    assert (asked.state, asked.attempts) == (PurchaseState.QUEUED, 0)
    commands.cancel_work(work_id=work.pk)
    Purchase.objects.update(lease_expires_at=utc_now())
    deliver_purchases()
    asked.refresh_from_db()
    assert asked.state == PurchaseState.SUCCEEDED


@pytest.mark.parametrize("harm", ["gone", "damaged"])
def test_lines_that_are_not_whole_any_more_are_not_sold(buy, sold, harm):
    asked = held(buy("buy_data_source"))
    file = place(lines_sold_of(sold)[0].path)
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes().replace(b"Graz", b"Linz", 1))
    deliver_purchases()
    asked.refresh_from_db()
    assert asked.state == PurchaseState.FAILED
    assert "buyers.csv" in asked.reason
    assert list((root() / "bought" / str(sold.pk)).glob("*")) == []
    assert said(ml.PurchaseCompleted) == []


def test_a_machine_deleted_before_the_delivery_is_not_delivered(buy, sold):
    asked = held(buy())
    commands.delete_machine(machine_id=sold.pk)
    deliver_purchases()
    asked.refresh_from_db()
    assert asked.state == PurchaseState.FAILED
    assert "deleted" in asked.reason


def test_a_slower_worker_hands_over_nothing(buy):
    asked = held(buy())
    slow = commands.lease_purchase()
    parcel = commands.parcel_of(slow)
    fast = commands.lease_purchase(now=utc_now() + timedelta(minutes=2))
    assert fast.lease_token == slow.lease_token + 1
    commands.deliver_copy(purchase_id=asked.pk, token=fast.lease_token, parcel=parcel)
    with pytest.raises(LeaseLost):
        commands.deliver_copy(purchase_id=asked.pk, token=slow.lease_token, parcel=parcel)
    assert Machine.objects.filter(machine_original__isnull=False).count() == 1
    assert len(said(ml.PurchaseCompleted)) == 1


def test_a_delivery_that_always_breaks_down_is_given_up_and_not_charged(buy, monkeypatch):
    asked = held(buy())
    monkeypatch.setattr("ml.deliveries._Delivery._job", lambda self, parcel: {"nonsense": True})
    for _ in range(MOST_ATTEMPTS):
        Purchase.objects.filter(pk=asked.pk).update(lease_expires_at=utc_now() - timedelta(seconds=1))
        deliver_purchases()
    asked.refresh_from_db()
    assert (asked.state, asked.attempts) == (PurchaseState.FAILED, MOST_ATTEMPTS)
    assert "Given up" in asked.reason
    assert len(said(ml.PurchaseFailed)) == 1


def test_a_worker_that_died_again_and_again_ends_the_purchase(buy):
    held(buy())
    for minutes in range(MOST_ATTEMPTS):
        assert commands.lease_purchase(now=utc_now() + timedelta(minutes=minutes)) is not None
    assert commands.lease_purchase(now=utc_now() + timedelta(minutes=9)) is None
    assert Purchase.objects.get().state == PurchaseState.FAILED


def test_lines_that_change_while_they_are_made_ready_are_made_ready_anew(buy, sold, upload):
    asked = held(buy())
    leased = commands.lease_purchase()
    parcel = commands.parcel_of(leased)
    append(upload, sold, buyers(50, seed=3))
    with pytest.raises(commands.Changing):
        commands.deliver_copy(purchase_id=asked.pk, token=leased.lease_token, parcel=parcel)
    assert said(ml.PurchaseCompleted) == []


def at_once(*works):
    """Run `works` on a connection each, started together; what each returned, or the refusal it met."""
    start = Barrier(len(works))

    def run(work):
        try:
            start.wait(timeout=20)
            return work()
        except Refusal as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


def test_the_same_purchase_asked_for_at_once_from_several_connections_is_one(buy):
    found = at_once(*[buy] * 4)
    assert sorted(isinstance(one, AlreadyBought) for one in found) == [False, True, True, True]
    assert Purchase.objects.count() == len(said(ml.PurchaseRequested)) == 1


def test_a_delivery_and_a_cancellation_at_once_have_one_winner(buy):
    asked = held(buy())
    leased = commands.lease_purchase()
    parcel = commands.parcel_of(leased)
    at_once(
        lambda: commands.deliver_copy(purchase_id=asked.pk, token=leased.lease_token, parcel=parcel),
        lambda: commands.cancel_purchase(purchase_id=asked.pk),
    )
    asked.refresh_from_db()
    assert asked.state in ENDED
    assert len(said(ml.PurchaseCompleted)) + len(said(ml.PurchaseFailed)) == 1
    assert Machine.objects.filter(machine_original__isnull=False).exists() == (asked.state == PurchaseState.SUCCEEDED)


def test_two_workers_at_once_never_lease_the_same_purchase(buy):
    held(buy())
    assert sorted(found is None for found in at_once(*[commands.lease_purchase] * 3)) == [False, True, True]
