"""What a job may be: its names, its limits, and which topics belong to the platform."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from service_base.errors import BadInput, Conflict, NotAllowed

CRAWL = "calendar.crawl"
RETENTION = "scheduler.retention"
# Topics that make the platform itself do something: only operators may have them announced.
RESERVED = frozenset({CRAWL, RETENTION})

NAME_LENGTH = 100
_TOPIC = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*")
PAYLOAD_BYTES = 16_384
MOST_JOBS_A_PERSON = 100
CLOSEST = timedelta(seconds=60)
LONGEST_SECONDS = 366 * 86_400


class StandardJob(Conflict):
    """A job that the platform needs; it can be paused and changed, not deleted."""

    slug = "standard-job"
    title = "The platform needs this job"


@dataclass(frozen=True, slots=True)
class Standard:
    """A job that every installation has."""

    name: str
    topic: str
    trigger: dict[str, Any]
    coalesce: str = "latest"
    payload: dict[str, Any] = field(default_factory=dict)


STANDARD_JOBS = (
    Standard("Monthly calendar crawl", CRAWL, {"day": "last", "hour": 23}),
    Standard("Forget old log lines and runs", RETENTION, {"hour": 3, "minute": 20}),
)


def checked_name(name: str) -> str:
    """`name` tidied up. Raises BadInput."""
    tidy = " ".join(name.split())
    if not 1 <= len(tidy) <= NAME_LENGTH:
        raise BadInput(f"A job's name has 1 to {NAME_LENGTH} characters.", field="name")
    return tidy


def checked_topic(topic: str, *, is_operator: bool) -> str:
    """`topic` if the person may have it announced. Raises BadInput, NotAllowed."""
    if len(topic) > NAME_LENGTH or not _TOPIC.fullmatch(topic):
        raise BadInput("A topic is words joined by dots, such as machine.retrain.", field="topic")
    if topic in RESERVED and not is_operator:
        raise NotAllowed(f"The topic {topic} belongs to the platform; choose another.", field="topic")
    return topic


def must_not_flood(instants: Sequence[datetime], *, is_operator: bool) -> None:
    """Raise BadInput when a person's job would fire more often than once a minute; operators may."""
    if not is_operator and any(later - earlier < CLOSEST for earlier, later in pairwise(instants)):
        raise BadInput("A job fires at most once a minute.", field="trigger")


def checked_payload(payload: dict[str, Any]) -> dict[str, Any]:
    """`payload` if it is small enough to travel with each firing. Raises BadInput."""
    if len(json.dumps(payload)) > PAYLOAD_BYTES:
        raise BadInput(f"A payload has at most {PAYLOAD_BYTES} bytes.", field="payload")
    return payload


def checked_seconds(value: int, *, name: str) -> int:
    """`value` if it is a sensible length of time. Raises BadInput."""
    if not 0 <= value <= LONGEST_SECONDS:
        raise BadInput(f"{name} lies between 0 and {LONGEST_SECONDS}.", field=name)
    return value
