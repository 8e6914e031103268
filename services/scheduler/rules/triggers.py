"""When a job fires: cron, interval or one date, in an IANA zone, right on both days when the clocks change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from scheduler.rules import cron, zones
from scheduler.rules.cron import BadTrigger

CRON_FIELDS = frozenset(cron.SIGNIFICANCE)
INTERVAL_FIELDS = ("weeks", "days", "hours", "minutes", "seconds")
LIMIT_FIELDS = ("start_date", "end_date")
_SECOND = timedelta(seconds=1)
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_LONGEST = timedelta(days=3653)


class Trigger(Protocol):
    """Says when. Instants are UTC, strictly increasing, without end unless the trigger has one."""

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The instants later than `moment`."""


@dataclass(frozen=True, slots=True)
class CronTrigger:
    """Wall-clock times in `where`.

    A time that the clocks skip fires once, at the next time that exists; one that they show twice fires at the first.
    Where the hour is starred the job follows real time instead, as Debian's cron does.
    """

    cron: cron.Cron
    where: ZoneInfo

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The instants later than `moment`."""
        # One minute back, because a matching minute may still have seconds to come.
        start = moment.astimezone(UTC).replace(second=0, microsecond=0) - _SECOND
        last = moment
        for minute in CronSim(self.cron.expression, start.astimezone(self.where)):
            for second in self.cron.seconds:
                found = minute.astimezone(UTC) + timedelta(seconds=second)
                # While the clocks go back, wall-clock order runs against the order of instants.
                if found > last:
                    last = found
                    yield found


@dataclass(frozen=True, slots=True)
class IntervalTrigger:
    """Every `every`, counted from `anchor`; elapsed time, so that no change of clocks touches it."""

    every: timedelta
    anchor: datetime

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The instants later than `moment`."""
        steps = max(0, (moment - self.anchor) // self.every + 1)
        while True:
            yield self.anchor + steps * self.every
            steps += 1


@dataclass(frozen=True, slots=True)
class DateTrigger:
    """Once."""

    moment: datetime

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The instant, unless it has passed."""
        if self.moment > moment:
            yield self.moment


@dataclass(frozen=True, slots=True)
class Bounded:
    """Another trigger between two instants, both included."""

    trigger: Trigger
    start: datetime | None
    end: datetime | None

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The instants later than `moment` that lie within the bounds."""
        if self.start is not None:
            moment = max(moment, self.start - timedelta(microseconds=1))
        for found in self.trigger.after(moment):
            if self.end is not None and found > self.end:
                return
            yield found


def following(trigger: Trigger, moment: datetime) -> datetime | None:
    """The first instant after `moment`; None when there is none any more."""
    return next(iter(trigger.after(moment)), None)


def preview(trigger: Trigger, moment: datetime, count: int) -> list[datetime]:
    """The next `count` instants after `moment`."""
    return list(islice(trigger.after(moment), count))


def normalised(spec: str | dict[str, Any], *, zone: str, now: datetime) -> dict[str, Any]:
    """`spec` in the one form that is stored, with its kind named and an interval's start fixed.

    Takes plain cron as text, or an object with APScheduler's names: cron fields, interval fields, or `run_date`.
    Raises BadTrigger for one that cannot be read or never fires again, UnknownZone.
    """
    given = {"expression": spec} if isinstance(spec, str) else {k: v for k, v in spec.items() if v is not None}
    kind = str(given.pop("type", None) or _kind_of(given))
    stored = _STORED.get(kind, _unknown_kind)(given, zone, now) | {"type": kind}
    for name in LIMIT_FIELDS:
        if name in given and kind != "date":
            stored[name] = _moment(given[name], zone, name).isoformat()
    if following(read(stored, zone=zone), now) is None:
        raise BadTrigger("This trigger never fires again: its time has passed or no such day exists.", field="trigger")
    return stored


def read(stored: dict[str, Any], *, zone: str) -> Trigger:
    """The trigger of a stored form in the zone. Raises BadTrigger, UnknownZone."""
    if stored["type"] == "date":
        return DateTrigger(datetime.fromisoformat(stored["run_date"]))
    start, end = (datetime.fromisoformat(stored[name]) if name in stored else None for name in LIMIT_FIELDS)
    if stored["type"] == "interval":
        assert start is not None
        return Bounded(IntervalTrigger(_length(stored), start), None, end)
    return Bounded(CronTrigger(_cron(stored), zones.zone(zone)), start, end)


def in_words(stored: dict[str, Any]) -> str:
    """The trigger as a person reads it in a table."""
    if stored["type"] == "date":
        return f"once at {stored['run_date']}"
    if stored["type"] == "interval":
        return "every " + " ".join(_counted(stored[name], name) for name in INTERVAL_FIELDS if stored.get(name))
    found = _cron(stored)
    words = CronSim(found.expression, _ANY_TIME).explain()
    seconds = ", ".join(str(second) for second in found.seconds)
    return words[0].lower() + words[1:] + (f", at second {seconds}" if found.seconds != (0,) else "")


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit if number != 1 else unit[:-1]}"


def _kind_of(given: dict[str, Any]) -> str:
    if "run_date" in given:
        return "date"
    return "interval" if given.keys() & set(INTERVAL_FIELDS) else "cron"


def _stored_cron(given: dict[str, Any], zone: str, now: datetime) -> dict[str, Any]:
    names = given.keys() - set(LIMIT_FIELDS)
    if not names or not (names <= CRON_FIELDS or names == {"expression"}):
        known = ", ".join(cron.SIGNIFICANCE)
        raise BadTrigger(f"A cron trigger has an expression, or some of: {known}.", field="trigger")
    stored = {name: given[name] for name in names}
    found = _cron(stored)
    try:
        CronSim(found.expression, now.astimezone(zones.zone(zone)))
    except CronSimError as error:
        raise BadTrigger(f"{found.expression!r} is no cron expression: {error}.", field="trigger") from None
    return stored


def _stored_interval(given: dict[str, Any], zone: str, now: datetime) -> dict[str, Any]:
    stray = given.keys() - {*INTERVAL_FIELDS, *LIMIT_FIELDS}
    if stray:
        raise BadTrigger(f"An interval has no {min(stray)}.", field="trigger")
    stored = {name: _whole(given[name], name) for name in INTERVAL_FIELDS if name in given}
    if not _SECOND <= _length(stored) <= _LONGEST:
        raise BadTrigger("An interval lasts from one second to ten years.", field="seconds")
    # Counted from a fixed instant: a restart or a late firing must not shift the rhythm.
    return stored | {"start_date": now.replace(microsecond=0).isoformat()}


def _stored_date(given: dict[str, Any], zone: str, now: datetime) -> dict[str, Any]:
    if set(given) != {"run_date"}:
        raise BadTrigger("A date trigger has a run_date and nothing else.", field="run_date")
    return {"run_date": _moment(given["run_date"], zone, "run_date").isoformat()}


def _unknown_kind(given: dict[str, Any], zone: str, now: datetime) -> dict[str, Any]:
    raise BadTrigger("A trigger's type is cron, interval or date.", field="type")


_STORED = {"cron": _stored_cron, "interval": _stored_interval, "date": _stored_date}


def _cron(stored: dict[str, Any]) -> cron.Cron:
    if "expression" in stored:
        return cron.from_text(str(stored["expression"]))
    return cron.from_fields({name: stored[name] for name in CRON_FIELDS & stored.keys()})


def _length(stored: dict[str, Any]) -> timedelta:
    return timedelta(**{name: stored[name] for name in INTERVAL_FIELDS if name in stored})


def _whole(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10_000_000:
        raise BadTrigger(f"{name} must be a whole number from 0 to 10 000 000.", field=name)
    return value


def _moment(value: object, zone: str, name: str) -> datetime:
    """An instant as text; without an offset it is wall-clock time in the job's zone."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise BadTrigger(f"{name}={value!r} is no date and time; write 2026-01-31T23:00:00.", field=name) from None
    return (found if found.tzinfo else found.replace(tzinfo=zones.zone(zone))).astimezone(UTC)
