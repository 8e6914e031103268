"""The event map, put together from what the workers report: services, and what flows between them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from service_base.bus_reports import SILENT_AFTER, BusReport
from shared_models.clock import rfc3339
from shared_models.events.contract import topic_of


@dataclass(frozen=True, slots=True)
class Place:
    """A service on the map. Where none of its workers reports, its figures are the last ones known."""

    service: str
    state: str  # reports, silent, or unknown when nothing was ever heard
    heard_at: datetime | None
    instances: int
    sent: float
    handled: float
    lag: int
    lag_seconds: float
    outbox_waiting: int
    outbox_oldest_seconds: float
    parked: int
    breaker_opened_at: datetime | None

    @property
    def is_well(self) -> bool:
        """Whether there is nothing here to look into."""
        return self.state == "reports" and not self.parked and self.breaker_opened_at is None


@dataclass(frozen=True, slots=True)
class Reader:
    """A service that listens to a type; its lag is that of the whole topic, since types share it."""

    service: str
    handled: float
    lag: int


@dataclass(frozen=True, slots=True)
class Flow:
    """An event type: who says it how often, who handles it."""

    type: str
    topic: str
    producers: tuple[str, ...]
    sent: float
    readers: tuple[Reader, ...]

    @property
    def said_by(self) -> str:
        """Who says it, for people."""
        return ", ".join(self.producers) or "nobody here"

    @property
    def short(self) -> str:
        """The type without the part that all types of its context have."""
        return self.type.split(".", 2)[2]


@dataclass(frozen=True, slots=True)
class EventMap:
    """All services and all flows at one moment."""

    at: datetime
    places: tuple[Place, ...]
    flows: tuple[Flow, ...]

    def between(self) -> dict[tuple[str, str], float]:
        """Events a second from one service to another, over all types."""
        found: dict[tuple[str, str], float] = {}
        for flow in self.flows:
            for producer in flow.producers:
                for reader in flow.readers:
                    pair = (producer, reader.service)
                    found[pair] = found.get(pair, 0.0) + reader.handled
        return found

    def as_json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "at": rfc3339(self.at),
            "services": [_place_as_json(place) for place in self.places],
            "events": [asdict(flow) for flow in self.flows],
        }


def event_map(reports: Sequence[BusReport], *, services: Sequence[str], now: datetime) -> EventMap:
    """The map that `reports` draw; every one of `services` has a place on it, also one that says nothing."""
    known = {service: [report for report in reports if report.service == service] for service in services}
    told = {
        service: _speaking(found, now) or [_resting(report) for report in found[:1]] for service, found in known.items()
    }
    return EventMap(
        at=now,
        places=tuple(_place(service, told[service], known[service], now) for service in services),
        flows=_flows(told),
    )


def _speaking(reports: Sequence[BusReport], now: datetime) -> list[BusReport]:
    return [report for report in reports if now - report.at <= SILENT_AFTER and not report.has_ended]


def _resting(report: BusReport) -> BusReport:
    """The last report of a service that is silent: what waits there still waits, but nothing flows."""
    return report.model_copy(update={"sent": {}, "handled": {}})


def _place(service: str, told: Sequence[BusReport], known: Sequence[BusReport], now: datetime) -> Place:
    speaking = _speaking(told, now)
    opened = [report.at for report in known if report.breaker_open]
    return Place(
        service=service,
        state="reports" if speaking else "silent" if known else "unknown",
        heard_at=max((report.at for report in told), default=None),
        instances=len(speaking),
        sent=_sum(report.sent for report in told),
        handled=_sum(report.handled for report in told),
        lag=sum(sum(report.lag.values()) for report in told),
        lag_seconds=max((report.lag_seconds for report in told), default=0.0),
        # One of several workers leads the relay; the others know of no outbox.
        outbox_waiting=max((report.outbox_waiting for report in told), default=0),
        outbox_oldest_seconds=max((report.outbox_oldest_seconds for report in told), default=0.0),
        # All workers of a service count the same table.
        parked=max((report.parked for report in told), default=0),
        breaker_opened_at=max(opened, default=None),
    )


def _sum(rates: Any) -> float:
    return round(sum(sum(rate.values()) for rate in rates), 2)


def _flows(told: dict[str, list[BusReport]]) -> tuple[Flow, ...]:
    types = sorted({type_ for reports in told.values() for r in reports for type_ in (*r.publishes, *r.listens_to)})
    return tuple(_flow(type_, told) for type_ in types)


def _flow(type_: str, told: dict[str, list[BusReport]]) -> Flow:
    topic = topic_of(type_)
    producers = [service for service, reports in told.items() if any(type_ in r.publishes for r in reports)]
    readers = [
        Reader(
            service,
            round(sum(report.handled.get(type_, 0.0) for report in reports), 2),
            sum(report.lag.get(topic, 0) for report in reports),
        )
        for service, reports in told.items()
        if any(type_ in report.listens_to for report in reports)
    ]
    sent = sum(report.sent.get(type_, 0.0) for reports in told.values() for report in reports)
    return Flow(type_, topic, tuple(producers), round(sent, 2), tuple(readers))


def _place_as_json(place: Place) -> dict[str, Any]:
    moments = {
        name: rfc3339(moment) if moment else None
        for name, moment in (("heard_at", place.heard_at), ("breaker_opened_at", place.breaker_opened_at))
    }
    return asdict(place) | moments
