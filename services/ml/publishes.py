"""What ml says."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from event_bus import publishes
from event_bus.outbox import append, common_of, row_of
from ml.models import Machine, PublishedUsage, Purchase, UsageCount, Work
from shared_models.clock import utc_now
from shared_models.events import ml
from shared_models.ids import derived_id
from shared_models.usage import as_hex

PUBLISHES = publishes(
    ml.WorkRequested,
    ml.WorkStarted,
    ml.WorkFailed,
    ml.TrainingCompleted,
    ml.SolvingCompleted,
    ml.UsageCounted,
    ml.MachineChanged,
    ml.PurchaseRequested,
    ml.PurchaseCompleted,
    ml.PurchaseFailed,
)


def work_requested(work: Work) -> None:
    """Somebody asks for work; billing answers with a hold or a refusal."""
    append(
        ml.WorkRequested(
            work_id=work.pk,
            kind=work.kind,
            machine_id=work.machine_id,
            machine_name=work.machine.machine_name,
            machine_owner_id=work.machine.owner_id,
            payer_id=work.payer_id,
            columns=work.columns,
            learning_lines=work.learning_lines,
            evaluation_lines=work.evaluation_lines,
            solving_lines=work.solving_lines,
            level=work.level,
            requested_at=work.created_at,
        )
    )


def work_started(work: Work, at: datetime) -> None:
    """A server began; its row is locked by the caller."""
    server = work.server
    append(
        ml.WorkStarted(
            work_id=work.pk,
            machine_id=work.machine_id,
            kind=work.kind,
            server_name=server.server_name if server else "",
            attempt=work.attempts,
            started_at=at,
        )
    )


def work_failed(work: Work, *, cancelled: bool) -> None:
    """The work ended without a result: what was held for it is free again."""
    assert work.finished_at is not None
    append(
        ml.WorkFailed(
            work_id=work.pk,
            machine_id=work.machine_id,
            kind=work.kind,
            payer_id=work.payer_id,
            cancelled=cancelled,
            reason=work.reason,
            ended_at=work.finished_at,
        )
    )


def training_completed(work: Work, machine: Machine, *, scores: dict[str, float]) -> None:
    """The usage that billing captures."""
    assert work.finished_at is not None
    event_id = append(
        ml.TrainingCompleted(
            work_id=work.pk,
            machine_id=machine.pk,
            machine_name=machine.machine_name,
            machine_owner_id=machine.owner_id,
            payer_id=work.payer_id,
            columns=work.columns,
            learning_lines=work.learning_lines,
            evaluation_lines=work.evaluation_lines,
            level=work.level,
            epochs=machine.training_epoch_count or 0,
            seconds=work.real_seconds or 0.0,
            input_columns=machine.mdc_columns_name_input,
            output_columns=machine.mdc_columns_name_output,
            scores=scores,
            completed_at=work.finished_at,
        )
    )
    lines = work.learning_lines + work.evaluation_lines
    _list_usage(event_id, payer_id=work.payer_id, lines=lines, at=work.finished_at)


def solving_completed(
    machine: Machine,
    *,
    usage_id: UUID,
    payer_id: UUID,
    channel: str,
    lines: int,
    at: datetime,
    work_id: UUID | None = None,
) -> None:
    """A file was solved; the event's id is the usage's, so that the same usage can never be said twice."""
    event = _solving(machine, usage_id, payer_id, channel, lines, at, work_id=work_id)
    append(event, event_id=usage_id, occurred_at=at)
    _list_usage(usage_id, payer_id=payer_id, lines=lines, at=at)


class Metering:
    """The usage of one decision for so many lines, time after time: all but its id, time and trace is made once."""

    def __init__(
        self,
        machine: Machine,
        *,
        caller_id: UUID,
        payer_id: UUID,
        channel: str,
        lines: int,
        market_price_usd: Decimal | None,
    ) -> None:
        at = utc_now()
        event = _solving(machine, machine.pk, payer_id, channel, lines, at, market_price_usd=market_price_usd)
        # Checked here as each event is: that ml says it, that its fields are right, that it is not too large.
        row = row_of(event, machine.pk, at)
        self._whose = [*map(str, (payer_id, machine.pk, caller_id)), channel, str(lines)]
        self._place = [row["topic"], row["key"], row["type"]]
        self._event = event.model_dump_json(exclude={"usage_id", "completed_at"}).removesuffix("}")

    def usage(self, usage_id: UUID, at: datetime) -> list[str]:
        """Rows were solved: what SQL's `meter_solving` is given, in its order."""
        id_text, common = str(usage_id), common_of(at)
        when = common["occurred_at"]
        event = f'{self._event},"usage_id":"{id_text}","completed_at":"{when}"}}'
        return [id_text, when, *self._whose, *self._place, to_json(common["headers"]).decode(), event]


def _solving(
    machine: Machine, usage_id: UUID, payer_id: UUID, channel: str, lines: int, at: datetime, **shape: Any
) -> ml.SolvingCompleted:
    shape["channel"] = channel
    return ml.SolvingCompleted(
        usage_id=usage_id,
        machine_id=machine.pk,
        machine_name=machine.machine_name,
        machine_owner_id=machine.owner_id,
        payer_id=payer_id,
        lines=lines,
        columns=machine.mdc_columns_total_count,
        completed_at=at,
        **shape,
    )


def usage_counted(count: UsageCount, event_ids: list[UUID], *, complete_at: datetime | None) -> None:
    """An hour's usage as counted so far; the count's row is locked and its version raised by the caller."""
    append(
        ml.UsageCounted(
            hour=count.hour,
            version=count.version,
            events=count.events,
            lines=count.lines,
            digest=as_hex(int(count.digest)),
            first_at=count.first_at,
            event_ids=event_ids,
            complete_at=complete_at,
        )
    )


def machine_changed(machine: Machine) -> None:
    """The machine as it is now; its row is locked and its version raised by the caller."""
    append(
        ml.MachineChanged(
            machine_id=machine.pk,
            version=machine.version,
            machine_name=machine.machine_name,
            machine_owner_id=machine.owner_id,
            machine_owner_team_id=machine.machine_owner_team,
            machine_level=machine.machine_level,
            trained=machine.is_trained,
            api_solving_is_public=machine.machine_api_solving_is_public,
            api_solving_price_usd=machine.machine_api_solving_price_usd,
            deleted=machine.deleted_at is not None,
        )
    )


def purchase_requested(purchase: Purchase) -> None:
    """Somebody wants to buy; billing answers with a hold or a refusal."""
    append(ml.PurchaseRequested(**_purchased(purchase), requested_at=purchase.created_at))


def purchase_completed(purchase: Purchase) -> None:
    """The sale that billing charges; its id follows from the purchase, so that it can never be said twice."""
    assert purchase.finished_at is not None
    event = ml.PurchaseCompleted(**_purchased(purchase), copy_id=purchase.copy_id, completed_at=purchase.finished_at)
    event_id = derived_id("ml.purchase", purchase.pk)
    append(event, event_id=event_id, occurred_at=purchase.finished_at)
    _list_usage(event_id, payer_id=purchase.buyer_id, lines=purchase.lines, at=purchase.finished_at)


def purchase_failed(purchase: Purchase, *, cancelled: bool) -> None:
    """Nothing was delivered: the price that was held is free again."""
    assert purchase.finished_at is not None
    append(
        ml.PurchaseFailed(
            purchase_id=purchase.pk,
            machine_id=purchase.machine_id,
            buyer_id=purchase.buyer_id,
            cancelled=cancelled,
            reason=purchase.reason,
            ended_at=purchase.finished_at,
        )
    )


def _purchased(purchase: Purchase) -> dict[str, Any]:
    return {
        "purchase_id": purchase.pk,
        "kind": purchase.kind,
        "machine_id": purchase.machine_id,
        "machine_name": purchase.machine_name,
        "seller_id": purchase.seller_id,
        "buyer_id": purchase.buyer_id,
        "price_usd": purchase.price_usd,
        "columns": purchase.columns,
        "lines": purchase.lines,
    }


def _list_usage(event_id: UUID, *, payer_id: UUID, lines: int, at: datetime) -> None:
    """Every usage event is listed with it: what was said can be counted although the outbox forgets what it sent.

    What is said again under its id, such as a form that was sent twice, is one usage.
    """
    row = PublishedUsage(event_id=event_id, payer_id=payer_id, lines=lines, at=at)
    PublishedUsage.objects.bulk_create([row], ignore_conflicts=True)
