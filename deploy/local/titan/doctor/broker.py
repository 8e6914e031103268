"""Kafka: whether a broker answers and how fast, and whether every topic is there, whole and led."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence

from event_bus.topics import PartitionState, describe_topics
from service_base.reachability import broker_answers
from titan.doctor.finding import Finding, judged
from titan.provision import PARTITIONS, TOPICS

ANSWER_SECONDS = 5.0
SLOW_SECONDS = 1.0


def examine(bootstrap: str) -> Iterator[Finding]:
    """What the brokers say. Raises ConnectionError where none speaks."""
    began = time.monotonic()
    if not asyncio.run(broker_answers(bootstrap, seconds=ANSWER_SECONDS)):
        raise ConnectionError("no Kafka broker answers there")
    seconds = time.monotonic() - began
    yield judged(
        "broker's answer",
        seconds <= SLOW_SECONDS,
        f"after {seconds * 1000:.0f} ms",
        "The broker or the way to it is overloaded: look at its disk and CPU; sends are given up after 10 s.",
    )
    yield from judge_topics(asyncio.run(describe_topics(bootstrap, TOPICS)))


def judge_topics(found: Mapping[str, Sequence[PartitionState]]) -> Iterator[Finding]:
    """One finding where all topics are well, one for each that is not."""
    troubles = [trouble for topic in TOPICS if (trouble := _trouble(topic, found.get(topic, ())))]
    yield from troubles or [Finding("topics", True, f"{len(TOPICS)} with {PARTITIONS} partitions each, all led")]


def _trouble(topic: str, partitions: Sequence[PartitionState]) -> Finding | None:
    if not partitions:
        return Finding(f"topic {topic}", False, "is missing", "`titan down`, then `titan up`, which makes it.")
    if leaderless := [p.number for p in partitions if p.leader < 0]:
        return Finding(
            f"topic {topic}",
            False,
            f"nobody leads partition {_numbers(leaderless)}: its events wait in the outbox",
            "Bring the brokers that hold it back; nothing is lost meanwhile.",
        )
    if lagging := [p.number for p in partitions if p.in_sync < p.replicas]:
        return Finding(
            f"topic {topic}",
            False,
            f"partition {_numbers(lagging)} has fewer copies than it should",
            "A broker is down or slow: bring it back before another one goes.",
        )
    if len(partitions) != PARTITIONS:
        return Finding(
            f"topic {topic}",
            False,
            f"has {len(partitions)} partitions instead of {PARTITIONS}",
            "Somebody else made it: let everybody read it to its end, delete it, then `titan down` and `titan up`.",
        )
    return None


def _numbers(partitions: Sequence[int]) -> str:
    return ", ".join(map(str, sorted(partitions)))
