"""The platform's log forgets the same lines on each kind of database, and takes what it is told twice once."""

from datetime import datetime, timedelta

import pytest

from scheduler import commands
from scheduler.models import PlatformLog
from service_base.platform_log import LogLine
from shared_models.clock import utc_now
from shared_models.ids import new_id
from shared_models.operations import Tier
from shared_models.retention import declared, forget_expired

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "timeseries"])


def line(at: datetime) -> LogLine:
    return LogLine(id=new_id(), timestamp=at, level="ERROR", service="ml", logger="titan", message="x")


def moments() -> list[datetime]:
    return list(PlatformLog.objects.order_by("timestamp").values_list("timestamp", flat=True))


def keep(tier, ask):
    """Does what keeps the log short there: TimescaleDB's policy, or the worker's loop."""
    if tier is Tier.COMMUNITY:
        assert forget_expired() == {}, "what a policy keeps is left to it"
        (job,) = ask(
            "SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention'"
            " AND hypertable_name = 'platform_log'"
        )
        # No background workers run in WebAssembly: what they would call is called here.
        ask("CALL run_job(%s)", job[0])
        return None
    return forget_expired()["platform_log"]


def test_lines_whose_day_is_past_thirty_days_go_and_all_others_stay(tier, ask):
    noon = utc_now().replace(hour=12, minute=0, second=0, microsecond=0)
    stored = [noon - timedelta(days=days, hours=hour) for days in range(25, 40) for hour in (0, 6)]
    commands.store_platform_log(lines=[line(at) for at in stored])
    boundary = (utc_now() - timedelta(days=30)).replace(hour=0, minute=0, second=0, microsecond=0)
    forgotten = keep(tier, ask)
    assert moments() == sorted(at for at in stored if at >= boundary)
    assert forgotten in (None, sum(at < boundary for at in stored))
    keep(tier, ask)
    assert moments() == sorted(at for at in stored if at >= boundary)


def test_more_lines_than_one_batch_are_forgotten_in_one_go(tier, ask, monkeypatch):
    monkeypatch.setattr("shared_models.retention.BATCH", 10)
    old = utc_now() - timedelta(days=40)
    commands.store_platform_log(lines=[line(old + timedelta(seconds=n)) for n in range(35)])
    keep(tier, ask)
    assert moments() == []


def test_how_long_lines_are_kept_is_said_in_the_migration_alone(tier):
    assert [(one.table, one.retain) for one in declared()] == [("platform_log", "30 days")]


def test_a_line_that_comes_again_is_kept_once_also_when_its_chunk_is_compressed(tier, ask):
    lines = [line(utc_now() - timedelta(days=20, minutes=n)) for n in range(50)]
    commands.store_platform_log(lines=lines)
    if tier is Tier.COMMUNITY:
        ask("SELECT compress_chunk(chunk) FROM show_chunks('platform_log') AS chunk")
    commands.store_platform_log(lines=lines)
    assert moments() == sorted(one.timestamp for one in lines)


def test_lines_outlive_their_table_s_way_to_an_ordinary_one_and_back(tier, migrating):
    commands.store_platform_log(lines=[line(utc_now() - timedelta(hours=n)) for n in range(50)])
    kept = list(PlatformLog.objects.order_by("pk").values_list())
    migrating("scheduler", "0001")
    assert list(PlatformLog.objects.order_by("pk").values_list()) == kept
    migrating()
    assert list(PlatformLog.objects.order_by("pk").values_list()) == kept
