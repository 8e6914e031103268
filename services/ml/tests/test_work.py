"""Work: its states by rule and by command, its leases, and what billing's answers do to it."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from event_bus.testing import deliver, said
from ml import commands, queries
from ml.models import Work
from ml.rules.work import (
    ENDED,
    HELD_BY_A_SERVER,
    LEASE,
    LeaseLost,
    WorkState,
    WrongState,
    after_lost_attempt,
    can_become,
)
from service_base.errors import Conflict
from shared_models.clock import utc_now
from shared_models.events import billing, ml

pytestmark = pytest.mark.django_db


def again(work):
    return Work.objects.get(pk=work.pk)


def declined(work, reason="funds short"):
    return billing.HoldDeclined(
        work_id=work.pk, payer_id=work.payer_id, reason=reason, missing=Decimal("1.5"), currency="USD"
    )


def expired(work):
    return billing.HoldExpired(hold_id=uuid4(), work_id=work.pk, payer_id=work.payer_id)


@pytest.mark.parametrize("state", sorted(ENDED))
def test_nothing_follows_an_end(state):
    assert not any(can_become(state, following) for following in WorkState)


def test_only_running_work_succeeds():
    assert [state for state in WorkState if can_become(state, WorkState.SUCCEEDED)] == [WorkState.RUNNING]


@pytest.mark.parametrize(("attempts", "following"), [(1, "queued"), (2, "queued"), (3, "dead")])
def test_a_lost_attempt_is_repeated_up_to_three_times(attempts, following):
    assert after_lost_attempt(attempts) == following


def test_asking_for_a_training_says_what_it_would_use(training, machine):
    [event] = said(ml.WorkRequested)
    assert (event.work_id, event.columns, event.learning_lines + event.evaluation_lines) == (training.pk, 4, 300)
    assert event.payer_id == machine.machine_owner_user_id


def test_a_second_training_of_a_machine_is_refused(training, ada):
    with pytest.raises(Conflict, match="being trained already"):
        commands.request_training(
            machine_id=training.machine_id, by=ada, level=1, estimated_seconds=1, quoted_eaml=Decimal(1)
        )


def test_work_waits_until_its_funds_are_held(training, authorize, server):
    assert commands.lease_work(server=server) is None
    assert authorize(training).state == WorkState.QUEUED
    assert commands.lease_work(server=server).pk == training.pk


def test_a_declined_hold_fails_the_work_with_what_is_missing(training):
    deliver(declined(training))
    work = again(training)
    assert work.state == WorkState.FAILED
    assert "1.5 USD are missing" in work.reason


def test_an_expired_hold_cancels_the_work(training, authorize):
    authorize(training)
    deliver(expired(training))
    assert again(training).state == WorkState.CANCELLED
    assert said(ml.WorkFailed)[-1].cancelled


def test_an_authorization_after_a_cancellation_does_not_revive_the_work(training, authorize):
    commands.cancel_work(work_id=training.pk)
    assert authorize(training).state == WorkState.CANCELLED


def test_a_repeated_authorization_does_not_disturb_running_work(training, authorize, server):
    authorize(training)
    commands.lease_work(server=server)
    assert authorize(training).state == WorkState.LEASED


def test_a_decline_after_an_authorization_changes_nothing(training, authorize):
    authorize(training)
    deliver(declined(training))
    assert again(training).state == WorkState.QUEUED


def charged(work, kind="training", amount="3", currency="EAML", **changes):
    facts = {
        "operation_id": uuid4(),
        "journal_id": uuid4(),
        "kind": kind,
        "cause": "x",
        "payer_id": work.payer_id,
        "payee_id": None,
        "machine_id": work.machine_id,
        "work_id": None,
        "count_of_lines": 300,
        "parts": [billing.Paid(currency=currency, amount=amount)],
        "posted_at": utc_now(),
    }
    return billing.PostedOperation(**(facts | changes))


def page_of(*operations):
    return billing.OperationsPosted(page_id=uuid4(), operations=operations)


def test_a_charge_is_shown_beside_its_work_and_machine(training):
    deliver(page_of(charged(training, work_id=training.pk)))
    assert again(training).charged == [{"currency": "EAML", "amount": "3"}]
    training.machine.refresh_from_db()
    assert training.machine.machine_billing_cost_training_usd == Decimal("1.5")


def test_charges_that_come_together_are_added_up_and_only_those_of_the_owner(training):
    somebody = uuid4()
    deliver(
        page_of(
            charged(training, work_id=training.pk),
            charged(training, "solving_with_api", "0.2"),
            charged(training, "solving_with_api_market", "7", payer_id=somebody),
        ),
        page_of(charged(training, "solving", "0.01", "USD")),
    )
    training.machine.refresh_from_db()
    assert training.machine.machine_billing_cost_training_usd == Decimal("1.5")
    assert training.machine.machine_billing_cost_solving_usd == Decimal("0.11")


def test_cancelling_ends_the_work_at_its_next_heartbeat(training, authorize, server):
    authorize(training)
    work = commands.lease_work(server=server)
    commands.cancel_work(work_id=work.pk)
    with pytest.raises(LeaseLost):
        commands.report_progress(work_id=work.pk, token=work.lease_token, progress=[])


def test_ended_work_cannot_be_cancelled(training):
    commands.cancel_work(work_id=training.pk)
    with pytest.raises(WrongState):
        commands.cancel_work(work_id=training.pk)


def test_progress_keeps_the_newest_figures_and_every_loss(training, authorize, server):
    authorize(training)
    work = commands.lease_work(server=server)
    commands.begin_work(work_id=work.pk, token=work.lease_token)
    looks = [
        {"stage": "training", "percent": 10.0 * i, "step": 25 * i, "train_loss": 1 / i, "validation_loss": 1.1 / i}
        for i in (1, 2)
    ]
    commands.report_progress(work_id=work.pk, token=work.lease_token, progress=looks)
    found = again(work)
    assert (found.progress_percent, found.progress_stage) == (20.0, "training")
    assert [point[0] for point in found.loss_points] == [25, 50]


def test_a_server_that_is_silent_too_long_loses_its_work_to_another(training, authorize, server):
    authorize(training)
    first = commands.lease_work(server=server)
    later = first.lease_expires_at + timedelta(seconds=1)
    assert commands.give_up_expired_leases(now=first.lease_expires_at - timedelta(seconds=1)) == 0
    assert commands.give_up_expired_leases(now=later) == 1
    second = commands.lease_work(server=server, now=later)
    assert (second.attempts, second.lease_token) == (2, first.lease_token + 1)


def test_a_slower_twin_stores_nothing(training, authorize, server, stored):
    authorize(training)
    slow = commands.lease_work(server=server)
    commands.begin_work(work_id=slow.pk, token=slow.lease_token)
    commands.give_up_expired_leases(now=slow.lease_expires_at + LEASE)
    fast = commands.lease_work(server=server)
    commands.begin_work(work_id=fast.pk, token=fast.lease_token)
    kept = commands.finish_training(work_id=fast.pk, token=fast.lease_token, model=stored(fast))
    with pytest.raises(LeaseLost):
        commands.finish_training(work_id=slow.pk, token=slow.lease_token, model=stored(slow))
    assert kept.training_nn_model.folder.endswith(f"-{fast.lease_token}")
    assert len(said(ml.TrainingCompleted)) == 1


def test_work_is_dead_after_three_lost_attempts_and_nothing_is_charged(training, authorize, server):
    authorize(training)
    for _ in range(3):
        work = commands.lease_work(server=server)
        commands.give_up_expired_leases(now=work.lease_expires_at + LEASE)
    assert again(training).state == WorkState.DEAD
    assert [event.cancelled for event in said(ml.WorkFailed)] == [False]


def test_a_stopped_server_costs_no_attempt(training, authorize, server):
    authorize(training)
    work = commands.lease_work(server=server)
    commands.give_back_work(work_id=work.pk, token=work.lease_token)
    assert (again(work).state, again(work).attempts) == (WorkState.QUEUED, 0)


def test_a_refused_table_is_not_tried_again(training, authorize, server):
    authorize(training)
    work = commands.lease_work(server=server)
    commands.fail_work(work_id=work.pk, token=work.lease_token, reason="too few lines")
    assert again(work).state == WorkState.FAILED
    assert said(ml.WorkFailed)[-1].reason == "too few lines"


@pytest.mark.django_db(transaction=True)
def test_two_servers_never_get_the_same_work(training, authorize, server):
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connections

    authorize(training)

    def lease(_):
        try:
            return commands.lease_work(server=server)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lease, range(4)))
    assert len([work for work in found if work is not None]) == 1


def test_the_database_itself_refuses_a_state_nobody_knows(training):
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        Work.objects.filter(pk=training.pk).update(state="half done")


def test_work_goes_only_where_the_rules_allow(machine, ada, server, authorize):
    """Random stories of people, billing and servers: the row, the events and the attempts always agree."""

    class Story(RuleBasedStateMachine):
        @initialize()
        def ask(self):
            Work.objects.all().delete()
            offer = queries.offer(machine, 1)
            self.failed_before = len(said(ml.WorkFailed))
            self.work = commands.request_training(
                machine_id=machine.pk, by=ada, level=1, estimated_seconds=1, quoted_eaml=offer.price_eaml
            )
            self.tokens = []
            self.seen = [WorkState.AWAITING_FUNDS]

        @rule()
        def billing_holds(self):
            authorize(self.work)

        @rule()
        def billing_declines(self):
            deliver(declined(self.work))

        @rule()
        def the_hold_expires(self):
            deliver(expired(self.work))

        @rule()
        def a_server_asks(self):
            work = commands.lease_work(server=server)
            if work is not None:
                self.tokens.append(work.lease_token)

        @rule(newest=st.booleans(), act=st.sampled_from(["begin", "beat", "lose", "fail", "back"]))
        def a_server_writes(self, newest, act):
            if not self.tokens:
                return
            lease = {"work_id": self.work.pk, "token": self.tokens[-1 if newest else 0]}
            acts = {
                "begin": lambda: commands.begin_work(**lease),
                "beat": lambda: commands.report_progress(**lease, progress=[]),
                "lose": lambda: commands.lose_attempt(**lease, reason="it broke"),
                "fail": lambda: commands.fail_work(**lease, reason="refused"),
                "back": lambda: commands.give_back_work(**lease),
            }
            before = again(self.work)
            try:
                acts[act]()
            except (LeaseLost, WrongState):
                assert again(self.work).state == before.state
            else:
                assert before.lease_token == lease["token"]

        @rule()
        def the_lease_runs_out(self):
            commands.give_up_expired_leases(now=utc_now() + 2 * LEASE)

        @rule()
        def she_cancels(self):
            try:
                commands.cancel_work(work_id=self.work.pk)
            except WrongState:
                assert again(self.work).state in ENDED

        @invariant()
        def row_and_events_agree(self):
            if not hasattr(self, "work"):
                return
            work = again(self.work)
            if self.seen[-1] != work.state:
                assert can_become(self.seen[-1], work.state)
                self.seen.append(WorkState(work.state))
            ended = len(said(ml.WorkFailed)) - self.failed_before
            assert ended == (1 if work.state in ENDED else 0)
            assert (work.lease_expires_at is not None) == (work.state in HELD_BY_A_SERVER)
            assert work.attempts <= 3

    few = settings(max_examples=25, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Story, settings=few)
