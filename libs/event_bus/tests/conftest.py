"""The bus's test world: an event maker, and the same broker suite over memory and Kafka."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from asgiref.sync import SyncToAsync
from django.db import connections, transaction

from event_bus.outbox import append
from event_bus.tests.memory import MemoryBroker
from event_bus.tests.probe import handlers
from shared_models.clock import utc_now
from shared_models.events import ml
from shared_models.ids import new_id


@pytest.fixture(scope="session", autouse=True)
def no_session_left(django_db_setup):
    """The thread of async queries keeps its connection, and the database could not be dropped."""
    yield
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()


@pytest.fixture(autouse=True)
def no_trouble():
    handlers.trouble.clear()
    handlers.batches.clear()
    yield
    handlers.trouble.clear()


@pytest.fixture
def started() -> Callable[..., ml.WorkStarted]:
    """Makes events; `key` orders them."""

    def make(*, key: UUID | None = None, number: int = 1, server: str = "fine") -> ml.WorkStarted:
        return ml.WorkStarted(
            work_id=key or new_id(), machine_id=new_id(), kind="training", server_name=server, attempt=number,
            started_at=utc_now(),
        )  # fmt: skip

    return make


@pytest.fixture
def failed() -> Callable[..., ml.WorkFailed]:
    """Makes events of the type whose handler takes many at once."""

    def make(*, key: UUID | None = None, number: int = 1) -> ml.WorkFailed:
        return ml.WorkFailed(
            work_id=key or new_id(), machine_id=new_id(), kind="training", payer_id=new_id(), cancelled=False,
            reason=str(number), ended_at=utc_now(),
        )  # fmt: skip

    return make


@pytest.fixture
def say() -> Callable[[ml.WorkStarted], UUID]:
    """Commits an event to the outbox."""

    def commit(event: ml.WorkStarted) -> UUID:
        with transaction.atomic():
            return append(event)

    return commit


@pytest.fixture(params=["memory", "kafka"])
def broker(request: pytest.FixtureRequest):
    """Every promise about brokers is tested on both."""
    if request.param == "memory":
        return MemoryBroker()
    from event_bus.kafka import KafkaBroker

    return KafkaBroker(request.getfixturevalue("kafka_bootstrap"), client_id="titan-test")
