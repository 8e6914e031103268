"""What must hold at the end, each asked of the running system."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from titan.configuration import SERVICES
from titan.demo.client import Person, wait_for
from titan.demo.people import People

BALANCES = ("user_balance", "user_ixioo_balance", "coupon_balance")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold, and what was found."""

    name: str
    ok: bool
    detail: str

    def as_json(self) -> dict[str, Any]:
        """The check for programs."""
        return asdict(self)


def events_of(operator: Person) -> dict[str, Any]:
    """What all services published, handled and parked, once nothing is under way any more."""

    def settled() -> dict[str, Any] | None:
        counts = {service: operator.get(service, "events/counts") for service in SERVICES}
        if any(found["waiting"] for found in counts.values()):
            return None
        return counts if _arrived(counts) else None

    return wait_for("all events have arrived", settled, seconds=30, every=0.3)


def totals(counts: dict[str, Any]) -> dict[str, int]:
    """Published, consumed and parked over all services."""
    return {
        "published": sum(sum(found["published"].values()) for found in counts.values()),
        "consumed": sum(sum(found["handled"].values()) for found in counts.values()),
        "parked": sum(found["parked"] for found in counts.values()),
    }


def balances_agree(people: People) -> Check:
    """Identity's balances are billing's, for both people."""

    def look() -> bool | None:
        return True if not any(_disagreement(person) for person in (people.ada, people.bo)) else None

    try:
        wait_for("identity's balances", look, seconds=30)
    except Exception as error:  # whatever kept them apart is what the report must say
        wrong = [f"{p.name}: {d}" for p in (people.ada, people.bo) if (d := _disagreement(p))]
        return Check("balances in identity equal billing's", False, "; ".join(wrong) or str(error))
    return Check("balances in identity equal billing's", True, f"{', '.join(BALANCES)} of both people")


def stream_is_whole(lines: list[dict[str, Any]]) -> Check:
    """Each line once, in order, across the dropped connection."""
    offsets = [line["offset"] for line in lines]
    whole = offsets == list(range(offsets[0], offsets[0] + len(offsets))) if offsets else False
    detail = f"{len(offsets)} lines, offsets {offsets[0]} to {offsets[-1]}" if offsets else "no line came"
    return Check("log lines streamed once and in order", whole, detail)


def _arrived(counts: dict[str, Any]) -> bool:
    """Whether every published event of a type somebody handles has been handled by all who handle it."""
    published: dict[str, int] = {}
    for found in counts.values():
        for type_, count in found["published"].items():
            published[type_] = published.get(type_, 0) + count
    for found in counts.values():
        if found["parked"]:
            return True  # it will not arrive; the report says so
        if any(count < published.get(type_, 0) for type_, count in found["handled"].items()):
            return False
    return True


def _disagreement(person: Person) -> str:
    mine, ledger = person.get("identity", "me"), person.get("billing", "balances")
    return ", ".join(f"{n} {mine[n]} against {ledger[n]}" for n in BALANCES if mine[n] != ledger[n])
