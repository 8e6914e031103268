"""Bots that ask a machine: what is sent, what an answer means, and that no answer is never made up."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from event_bus.testing import deliver
from service_base.errors import BadInput, NotFound
from shared_models.clock import utc_now
from shared_models.events import ml
from trading import commands
from trading.engine.driver import drive as drive_lease
from trading.engine.machine import Refused, signal_in
from trading.models import BotRunLog, Fill, KnownMachine
from trading.rules.features import COLUMNS

pytestmark = pytest.mark.django_db(databases=["default", "timeseries"])
KEY = "tk_0123456789abcdef_secret"


class Ml:
    """Stands where the ml service answers, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.rows = 0
        self.before: Callable[[int], httpx.Response | None] = lambda n: None

    def post(self, url: str, *, json: dict[str, Any], headers: dict[str, str], **_: Any) -> httpx.Response:
        request = httpx.Request("POST", url, json=json, headers=headers)
        self.asked.append(request)
        early = self.before(len(self.asked))
        if early is not None:
            return early
        self.rows += len(json["rows"])
        items = [
            {"values": {"direction": "up"}, "probabilities": {"direction": probability(row)}} for row in json["rows"]
        ]
        return httpx.Response(200, json={"results": items})


def probability(row: dict[str, float]) -> dict[str, float]:
    up = row["rsi_14"] / 100
    return {"up": up, "down": 1 - up}


@pytest.fixture
def ml_service(monkeypatch) -> Ml:
    service = Ml()
    monkeypatch.setattr("trading.engine.machine.httpx.post", service.post)
    monkeypatch.setattr("trading.engine.backtest.ROWS_AT_ONCE", 50)
    return service


@pytest.fixture
def machine(ada) -> KnownMachine:
    deliver(
        ml.TrainingCompleted(
            work_id=uuid4(),
            machine_id=uuid4(),
            machine_name="Signal",
            machine_owner_id=ada.pk,
            payer_id=ada.pk,
            columns=3,
            learning_lines=100,
            evaluation_lines=20,
            level=1,
            epochs=1,
            seconds=1.0,
            input_columns=["rsi_14", "return_1"],
            output_columns=["direction"],
            scores={"accuracy": 0.5},
            completed_at=utc_now(),
        )
    )
    return KnownMachine.objects.get()


@pytest.fixture
def asking(ada, bot, machine):
    """Makes a bot that asks the machine."""

    def make(**fields: Any) -> Any:
        key = commands.add_key(user_id=ada.pk, exchange="TITAN", name=uuid4().hex, credentials={"api_key": KEY})
        parameters = {"machine_id": str(machine.pk), "output": "p_up", "enter_above": 0.55, "exit_below": 0.5}
        return bot(strategy="ml_signal", parameters=parameters, exchange_key_id=key.pk, **fields)

    return make


def start(ada: Any, bot: Any, mode: str) -> Any:
    return commands.start_run(user_id=ada.pk, bot_id=bot.pk, mode=mode, candles_per_second=1000)


def test_backtest_and_paper_ask_differently_and_trade_alike(ada, asking, ml_service, drive):
    one = asking()
    first = start(ada, one, "backtest")
    drive()
    batches = len(ml_service.asked)
    second = start(ada, one, "paper")
    drive()

    def history(run: Any) -> list[tuple[object, ...]]:
        return list(Fill.objects.filter(run=run).order_by("filled_at").values_list("filled_at", "side", "price", "fee"))

    assert history(first) == history(second) != []
    assert (batches, ml_service.rows) == (2, 2 * 90)


def test_only_the_machines_columns_are_sent_with_the_owners_key(ada, asking, ml_service, drive):
    start(ada, asking(), "backtest")
    drive()
    request = ml_service.asked[0]
    assert set(json.loads(request.content)["rows"][0]) == {"rsi_14", "return_1"}
    assert request.headers["authorization"] == f"Bearer {KEY}"


def test_the_same_candles_of_the_same_run_have_the_same_idempotency_key(ada, asking, ml_service, drive):
    run = start(ada, asking(), "backtest")
    ml_service.before = lambda n: httpx.Response(503, headers={"Retry-After": "0"}) if n == 1 else None
    drive()
    keys = [request.headers["idempotency-key"] for request in ml_service.asked]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 2
    run.refresh_from_db()
    assert run.status == "completed"


def test_a_backtest_that_cannot_be_paid_fails_and_says_why(ada, asking, ml_service, drive):
    ml_service.before = lambda n: httpx.Response(402, json={"detail": "0.20 EAML are missing"})
    run = start(ada, asking(), "backtest")
    drive()
    run.refresh_from_db()
    assert (run.status, run.trades_executed) == ("failed", 0)
    assert "0.20 EAML are missing" in run.error_message


def test_a_paper_run_that_cannot_be_paid_pauses_before_its_candle_and_goes_on_when_resumed(
    ada, asking, ml_service, drive
):
    ml_service.before = lambda n: httpx.Response(402, json={"detail": "no funds"}) if n == 5 else None
    run = start(ada, asking(), "paper")
    (lease,) = commands.claim(owner="one", limit=1)
    cancel = threading.Event()

    def told(run_id: Any) -> None:
        run.refresh_from_db()
        if run.is_paused:
            cancel.set()

    drive_lease(lease, cancel=cancel, notify=told)
    commands.release(lease=lease)
    run.refresh_from_db()
    stood_at = run.candles_done
    assert "no funds" in run.idle_reason
    commands.resume_run(run_id=run.pk, user_id=ada.pk)
    drive()
    run.refresh_from_db()
    assert (run.status, run.candles_done, stood_at) == ("completed", 150, 64)
    assert BotRunLog.objects.filter(run_id=run.pk, event="signal.refused").count() == 1
    refused, again = (request.headers["idempotency-key"] for request in ml_service.asked[4:6])
    assert refused != again


def test_the_key_is_in_no_log_line_and_no_run(ada, asking, ml_service, drive):
    run = start(ada, asking(), "backtest")
    drive()
    run.refresh_from_db()
    everything = json.dumps([run.run_parameters, run.report, list(BotRunLog.objects.values_list("fields", flat=True))])
    assert KEY not in everything


def test_a_bot_may_ask_its_users_machines_only(person, ada, bot, machine):
    KnownMachine.objects.update(owner_id=person().pk)
    with pytest.raises(NotFound, match="no trained machine"):
        bot(strategy="ml_signal", parameters={"machine_id": str(machine.pk)})


def test_a_machine_whose_inputs_are_not_computed_is_refused(asking, machine):
    KnownMachine.objects.update(input_columns=["moon_phase"])
    with pytest.raises(BadInput, match="moon_phase"):
        asking()


def test_a_key_of_another_exchange_does_not_ask_machines(ada, bot, machine):
    credentials = {"api_key": "a" * 20, "secret": "b"}
    key = commands.add_key(user_id=ada.pk, exchange="Kraken", name="k", credentials=credentials)
    with pytest.raises(BadInput, match="keys of TITAN"):
        bot(strategy="ml_signal", parameters={"machine_id": str(machine.pk)}, exchange_key_id=key.pk)


@pytest.mark.parametrize(
    ("item", "output", "signal"),
    [
        ({"values": {"y": 0.25}}, "prediction", 0.25),
        ({"values": {"y": "up"}, "probabilities": {"y": {"up": 0.7}}}, "p_up", 0.7),
    ],
)
def test_the_signal_is_the_number_that_was_asked_for(item, output, signal):
    assert signal_in(item, output) == signal


@pytest.mark.parametrize(("item", "output"), [({"values": {"y": "up"}}, "prediction"), ({"values": {"y": 1}}, "p_up")])
def test_an_answer_without_the_number_is_refused(item, output):
    with pytest.raises(Refused):
        signal_in(item, output)


def test_every_feature_is_named_once():
    assert len(set(COLUMNS)) == len(COLUMNS)
