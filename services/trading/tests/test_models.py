"""The rules that the database itself keeps, and the seed's methods."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, connections, transaction

from event_bus.testing import deliver
from shared_models.clock import utc_now
from shared_models.events import ml, scheduler
from shared_models.ids import new_id
from trading import commands, vault
from trading.models import Bot, CalendarEvent, Exchange, KnownMachine, Symbol, UserAPIKey
from trading.queries import pauses_for
from trading.rules.pauses import Around, Importance, PausePolicy

pytestmark = pytest.mark.django_db(databases=["default", "timeseries"])
CREDENTIALS = {"api_key": "tk_0123456789abcdef", "secret": ""}


def key_of(user, name="k"):
    return commands.add_key(user_id=user.pk, exchange="TITAN", name=name, credentials=CREDENTIALS)


def economic(version: int, **changes):
    moment = utc_now()
    fields = {
        "economic_event_id": "01890000-0000-7000-8000-00000000000a",
        "version": version,
        "date": moment.date(),
        "time": None,
        "starts_at": None,
        "event_name": "Rate",
        "country": "US",
        "currency": "USD",
        "importance": "high",
        "actual": "",
        "forecast": "",
        "previous": "",
        "revised": "",
        "source": "test",
        "external_id": "1",
    }
    return scheduler.EconomicEventChanged(**(fields | changes))


def test_time_series_tables_are_in_their_own_database_only():
    wanted = {"price", "equity_point", "bot_run_log"}
    assert wanted & set(connection.introspection.table_names()) == set()
    assert wanted <= set(connections["timeseries"].introspection.table_names())


def test_exchanges_exist_from_the_start():
    assert Exchange.objects.filter(kind="titan").count() == 1


def test_a_bot_cannot_hold_another_persons_key_whatever_writes_the_row(ada, person, bot):
    mine, theirs = bot(), key_of(person())
    with pytest.raises(IntegrityError, match="bot_uses_its_users_key"), transaction.atomic():
        Bot.objects.filter(pk=mine.pk).update(exchange_key=theirs)
        connection.check_constraints()


def test_history_outlives_a_deleted_key(ada, bot):
    key = key_of(ada)
    mine = bot(exchange_key_id=key.pk)
    run = commands.start_run(user_id=ada.pk, bot_id=mine.pk, mode="backtest")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM user_api_key WHERE id = %s", [key.pk])
    mine.refresh_from_db()
    assert (mine.exchange_key_id, mine.user_id, run.bot_id) == (None, ada.pk, mine.pk)


def test_a_key_opens_for_its_row_only_and_survives_a_new_master_key(ada, person, monkeypatch):
    from trading.envelope import CannotOpen, MasterKeys

    mine, theirs = key_of(ada), key_of(person())
    assert vault.take(UserAPIKey.objects.get(pk=mine.pk)) == {"api_key": CREDENTIALS["api_key"]}
    theirs.encrypted_credentials, theirs.nonce, theirs.wrapped_key = (
        mine.encrypted_credentials,
        mine.nonce,
        mine.wrapped_key,
    )
    with pytest.raises(CannotOpen):
        vault.take(theirs)
    old = vault.keys()
    renewed = MasterKeys({"next": b"n" * 32, **old.keys}, active="next")
    monkeypatch.setattr(vault, "keys", lambda: renewed)
    assert commands.rotate_keys() == 2
    row = UserAPIKey.objects.get(pk=mine.pk)
    assert (row.master_key_id, vault.take(row)["api_key"]) == ("next", CREDENTIALS["api_key"])


def test_two_keys_of_one_name_at_one_exchange_are_refused(ada):
    key_of(ada)
    with pytest.raises(commands.keys.KeyNameTaken):
        key_of(ada)


def test_one_ticker_may_belong_to_two_people_but_not_twice_to_one(ada, person, market):
    market([])
    market([], owner=person())
    with pytest.raises(commands.market.SymbolExists):
        market([])
    assert Symbol.objects.count() == 2


def test_a_bots_record_counts_its_runs(ada, bot, drive):
    mine = bot()
    assert (mine.get_current_run(), mine.get_total_runs(), mine.get_success_rate()) == (None, 0, None)
    run = commands.start_run(user_id=ada.pk, bot_id=mine.pk, mode="backtest")
    assert mine.get_current_run() == run
    assert mine.has_active_runs()
    drive()
    commands.start_run(user_id=ada.pk, bot_id=mine.pk, mode="backtest").stop_run()
    drive()
    assert (mine.get_total_runs(), mine.get_successful_runs(), mine.get_success_rate()) == (2, 1, 50.0)


def test_a_run_keeps_the_settings_it_was_started_with(ada, bot, drive):
    mine = bot()
    run = commands.start_run(user_id=ada.pk, bot_id=mine.pk, mode="backtest")
    drive()
    commands.change_bot(user_id=ada.pk, bot_id=mine.pk, fee_rate=Decimal("0.5"))
    run.refresh_from_db()
    assert run.run_parameters["fee_rate"] == "0.001"


def test_a_deleted_bot_keeps_its_history_and_frees_its_name(ada, bot, drive):
    mine = bot(name="same")
    run = commands.start_run(user_id=ada.pk, bot_id=mine.pk, mode="backtest")
    drive()
    commands.delete_bot(user_id=ada.pk, bot_id=mine.pk)
    bot(name="same", symbol=mine.symbol)
    run.refresh_from_db()
    assert run.trades_executed > 0


def test_the_newest_version_of_an_economic_event_wins_in_any_order():
    deliver(economic(2, event_name="Rate, moved"))
    deliver(economic(1))
    assert CalendarEvent.objects.get().event_name == "Rate, moved"


def test_an_event_without_a_time_takes_its_whole_day_and_bounds_what_the_calendar_knows():
    deliver(economic(1))
    row = CalendarEvent.objects.get()
    assert (row.ends_at - row.starts_at).days == 1
    found = pauses_for(PausePolicy({Importance.HIGH: Around(0, 0)}))
    start = int(row.starts_at.timestamp())
    assert found.at(start + 3600)
    assert [found.is_known(start - 1), found.is_known(start)] == [False, True]


def test_a_machine_follows_its_name_and_is_not_offered_once_deleted(ada):
    machine_id = new_id()
    trained = {
        "work_id": new_id(),
        "machine_id": machine_id,
        "machine_name": "A",
        "machine_owner_id": ada.pk,
        "payer_id": ada.pk,
        "columns": 1,
        "learning_lines": 1,
        "evaluation_lines": 1,
        "level": 1,
        "epochs": 1,
        "seconds": 1.0,
        "input_columns": [],
        "output_columns": [],
        "scores": {},
        "completed_at": utc_now(),
    }
    changed = {
        "machine_id": machine_id,
        "version": 1,
        "machine_name": "B",
        "machine_owner_id": ada.pk,
        "machine_level": 1,
        "trained": True,
        "api_solving_is_public": False,
        "api_solving_price_usd": "0",
    }
    deliver(ml.TrainingCompleted(**trained))
    deliver(ml.MachineChanged(**changed))
    assert KnownMachine.objects.get().name == "B"
    deliver(ml.MachineChanged(**(changed | {"deleted": True})))
    assert KnownMachine.objects.get().is_deleted
