"""What pages and the market say about machines: verdicts, use, places in the queue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Sum

from ml.models import Machine, SolvedLines, Work
from ml.rules.verdicts import Lead, verdict
from ml.rules.work import WorkState
from service_base.principals.models import KnownTeam
from shared_models.clock import utc_now

MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Use:
    """How a machine was used in the last 30 days."""

    lines: int = 0
    requests: int = 0
    callers: int = 0


@dataclass(frozen=True, slots=True)
class OutputScore:
    """An output's score beside what needs no machine; `leads` are over each baseline."""

    output: str
    name: str
    value: float
    low: float | None
    high: float | None
    constant: float
    linear: float
    boosted: float | None
    higher_is_better: bool
    beats_constant: bool
    beats_linear: bool
    beats_boosted: bool | None
    leads: dict[str, Lead]

    @property
    def verdict(self) -> str:
        """What the figures mean, in words."""
        return verdict(**self.leads)


def scores_of(machine: Machine) -> list[OutputScore]:
    """The scores of a trained machine, an output each."""
    model = machine.training_nn_model
    return [] if model is None else scores_of_card(model.card)


def scores_of_card(card: dict[str, Any]) -> list[OutputScore]:
    """The scores that a model card tells, an output each."""
    return [_score(output, detail) for output, detail in card["metrics"]["outputs"].items()]


def _score(output: str, detail: dict[str, Any]) -> OutputScore:
    score, baselines = detail["score"], detail["baselines"]
    low, high = score.get("interval") or (None, None)
    return OutputScore(
        output,
        score["name"],
        score["value"],
        low,
        high,
        baselines["constant"]["score"]["value"],
        baselines["linear"]["score"]["value"],
        # Machines trained before it was grown beside them have none.
        baselines["boosted"]["score"]["value"] if "boosted" in baselines else None,
        score["higher_is_better"],
        detail["beats_constant"],
        detail["beats_linear"],
        detail.get("beats_boosted"),
        {name: _lead(score, baseline) for name, baseline in baselines.items()},
    )


def _lead(score: dict[str, Any], baseline: dict[str, Any]) -> Lead:
    """Cards of before do not tell how far ahead the machine was on the same lines, only what its own score may be."""
    sign = 1 if score["higher_is_better"] else -1
    beside = baseline["score"]["value"]
    seen = sign * (score["value"] - beside)
    bounds = baseline.get("lead")
    if bounds is None:
        bounds = sorted(sign * (bound - beside) for bound in score.get("interval") or [score["value"]] * 2)
    return Lead(seen, *bounds)


def use_of(machine_ids: Iterable[UUID]) -> dict[UUID, Use]:
    """How each machine was used lately; machines nobody used are left out."""
    recent = SolvedLines.objects.filter(machine_id__in=list(machine_ids), day__gte=(utc_now() - MONTH).date())
    sums = recent.values("machine_id").annotate(
        all_lines=Sum("lines"), all_requests=Sum("requests"), callers=Count("caller_id", distinct=True)
    )
    return {row["machine_id"]: Use(row["all_lines"], row["all_requests"], row["callers"]) for row in sums}


def place_in_queue(work: Work) -> int | None:
    """How many works are before it; None when it does not wait for a server."""
    if work.state != WorkState.QUEUED:
        return None
    queued = Work.objects.filter(state=WorkState.QUEUED)
    before = queued.filter(priority__gt=work.priority) | queued.filter(
        priority=work.priority, created_at__lt=work.created_at
    )
    return before.count()


def latest_works(machine: Machine, count: int = 10) -> list[Work]:
    """The machine's last works, newest first."""
    return list(machine.works.select_related("machine", "server").order_by("-created_at")[:count])


def team_name(team_id: UUID | None) -> str:
    """What the team is called."""
    team = KnownTeam.objects.filter(pk=team_id, deleted=False).first() if team_id else None
    return team.name if team else ""


def teams_named(team_ids: Iterable[UUID]) -> list[KnownTeam]:
    """The teams with their names."""
    return list(KnownTeam.objects.filter(pk__in=list(team_ids), deleted=False).order_by("name"))
