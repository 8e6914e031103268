"""What ml says in a test of the ledger: works and requests of some people, told twice, told late, told out of order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaProducer

from event_bus.envelope import to_headers
from shared_models.clock import rfc3339, utc_now
from shared_models.events import ml
from shared_models.events.contract import Event, topic_of
from shared_models.ids import new_id

# By the first price list: a line that is solved, and ten columns of a line that is learned from.
EAML_A_LINE = Decimal("0.001")
COLUMNS = 10
AT_ONCE = 100

Told = tuple[UUID, Event]


@dataclass
class Script:
    """What is told, in order, and what has to come of it: the price in EAML of each usage, by its key in the ledger."""

    people: Sequence[UUID]
    seed: int = 1
    at: Callable[[], datetime] = utc_now
    told: list[Told] = field(default_factory=list)
    due: dict[str, Decimal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def write(self, usages: int, *, twice: float = 0.07) -> Script:
        """About so many usages: requests, sales and works, some of which fail; `twice` is told again, half under a new
        id, at once or later."""
        later: list[Told] = []
        for _ in range(usages):
            for one in self._something():
                self.told.append((new_id(), one))
                if self._chance.random() < twice:
                    again = (self.told[-1][0] if self._chance.random() < 0.5 else new_id(), one)
                    (self.told if self._chance.random() < 0.5 else later).append(again)
        self.told += later
        return self

    def _something(self) -> list[Event]:
        kind = self._chance.random()
        payer = self._chance.choice(self.people)
        if kind < 0.7:
            return [self.solved(payer, lines=100 * self._chance.randint(1, 20))]
        if kind < 0.8:
            return [self.solved(payer, lines=100, owner=self._chance.choice([p for p in self.people if p != payer]))]
        return self._work(payer)

    def solved(self, payer: UUID, *, lines: int, owner: UUID | None = None, **facts: Any) -> ml.SolvingCompleted:
        """A request of `payer`, on a machine of her own or of `owner`."""
        event = ml.SolvingCompleted(
            **{
                "usage_id": new_id(),
                "machine_id": new_id(),
                "machine_name": "wine",
                "machine_owner_id": owner or payer,
                "payer_id": payer,
                "channel": "market" if owner else "api",
                "lines": lines,
                "columns": COLUMNS,
                "market_price_usd": "0.0003" if owner else None,
                "completed_at": self.at(),
                **facts,
            }
        )
        self.due[f"solving:{event.usage_id}"] = lines * EAML_A_LINE
        return event

    def _work(self, payer: UUID) -> list[Event]:
        """A training: most complete, a sixth fails, a sixth is left open; some are told in the wrong order."""
        lines, facts = 100 * self._chance.randint(1, 50), self._facts(payer)
        requested = ml.WorkRequested(
            **facts, kind="training", columns=COLUMNS, learning_lines=lines, evaluation_lines=0, solving_lines=0,
            level=1, requested_at=self.at(),
        )  # fmt: skip
        end = self._chance.random()
        if end < 1 / 6:
            return [requested]
        if end < 1 / 3:
            told: list[Event] = [requested, self._failed(requested)]
        else:
            used = self._chance.randint(1, lines)
            told = [requested, self._trained(facts, used)]
        return told[::-1] if self._chance.random() < 0.2 else told

    def _facts(self, payer: UUID) -> dict[str, Any]:
        work = {"work_id": new_id(), "machine_id": new_id(), "machine_name": "wine"}
        return work | {"machine_owner_id": payer, "payer_id": payer}

    def _failed(self, requested: ml.WorkRequested) -> ml.WorkFailed:
        return ml.WorkFailed(
            work_id=requested.work_id, machine_id=requested.machine_id, kind="training", payer_id=requested.payer_id,
            cancelled=False, reason="stopped", ended_at=self.at(),
        )  # fmt: skip

    def _trained(self, facts: dict[str, Any], used: int) -> ml.TrainingCompleted:
        self.due[f"training:{facts['work_id']}"] = used * EAML_A_LINE
        return ml.TrainingCompleted(
            **facts, columns=COLUMNS, learning_lines=used, evaluation_lines=0, level=1, epochs=3, seconds=1.0,
            input_columns=["a"], output_columns=["b"], scores={"r2": 0.5}, completed_at=self.at(),
        )  # fmt: skip


async def send(bootstrap: str, told: Sequence[Told], *, rate: float | None = None) -> None:
    """Say all of it to the topic of ml, in order; at most `rate` a second."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as client:
        for start in range(0, len(told), AT_ONCE):
            acks = []
            for id_, event in told[start : start + AT_ONCE]:
                key, value, headers = _record(id_, event)
                acks.append(await client.send(topic_of(type(event)), key=key, value=value, headers=headers))
            await asyncio.gather(*acks)
            if rate:
                await asyncio.sleep(AT_ONCE / rate)


def _record(id_: UUID, event: Event) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    headers = to_headers(
        event_id=str(id_), type_=event.TYPE, key=event.key, source="/titan/ml", time=rfc3339(utc_now()),
        traceparent=None,
    )  # fmt: skip
    return event.key.encode(), event.model_dump_json().encode(), headers
