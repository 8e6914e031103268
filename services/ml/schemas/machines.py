"""What the API takes and says about machines, their lines and work on them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from django.db.models import DateTimeField, DecimalField, ForeignKey
from ninja import Schema
from pydantic import BaseModel, Field

from ml.models import DataLine, Machine, Work
from ml.queries import Offer, OutputScore, Use, sample_of, scores_of
from shared_models.clock import rfc3339, utc_now
from shared_models.money import plain

_ORIGINAL_FLAGS = (
    "is_work_training",
    "is_work_solving",
    "is_work_status_wait_for_server_start",
    "is_work_status_server_processing",
    "is_work_status_server_finished",
    "is_work_status_server_error",
)
_HIDDEN = {"deleted_at", "training_nn_model", "enc_dec_configuration", "published_at"}


class MachineChange(Schema):
    """What to change on a machine; what is left out stays. `machine_owner_team` null takes it out of its team."""

    machine_name: str | None = Field(default=None, max_length=500)
    machine_description: str | None = Field(default=None, max_length=20_000)
    machine_level: int | None = None
    machine_owner_team: UUID | None = None
    machine_data_lines_training_count_limit: int | None = Field(default=None, ge=0)
    parameter_nn_loss: str | None = None
    parameter_nn_optimizer: str | None = None
    parameter_nn_shape: dict[str, Any] | None = None

    @property
    def to_change(self) -> dict[str, Any]:
        """What `change_machine` takes of it: all but the limit, with which the table is read anew."""
        given = self.dict(exclude_unset=True)
        return {
            "name": self.machine_name,
            "description": self.machine_description,
            "team": self.machine_owner_team,
            "leave_team": "machine_owner_team" in given and self.machine_owner_team is None,
            "level": self.machine_level,
            "network": {name: value for name, value in given.items() if name.startswith("parameter_nn_")},
        }


class CopyIn(Schema):
    """What is other on the copy; what is left out is as on the machine."""

    machine_name: str = Field(default="", max_length=500)
    machine_level: int | None = None


class ColumnsIn(Schema):
    """A correction: the table is read anew with it. What is left out stays."""

    outputs: list[str] | None = None
    ignore: list[str] | None = None
    types: dict[str, str] | None = None
    dialect: dict[str, Any] | None = None


class RowsIn(Schema):
    """Lines to be appended."""

    rows: list[dict[str, Any]]
    purpose: Literal["learning", "solving"] = "learning"


class WorkIn(Schema):
    """Work to be started: a training, or the solving of the lines appended for it."""

    kind: Literal["training", "solving"] = "training"
    level: int | None = None
    time_limit: int | None = Field(default=None, description="Seconds after which the best so far is kept.")
    answers: Literal["csv", "parquet", "arrow"] = Field(default="csv", description="The file that answers come in.")


class PublishIn(Schema):
    """Terms on the market."""

    machine_api_solving_price_usd: Decimal = Field(description="Dollars a line, as text.")


class SolveIn(BaseModel):
    """Rows to be solved: an object each, from column to value; null where a value is not known."""

    rows: list[dict[str, Any]]


class PredictIn(Schema):
    """The original call: the machine by name (or id)."""

    machine_name: str
    data: list[dict[str, Any]] | dict[str, Any]


class SaveLinesIn(Schema):
    """The original call: lines to learn from; the machine is made when there is none of that name."""

    machine_name: str
    user_experiences: list[dict[str, Any]]
    input_columns: list[str] | None = None
    output_columns: list[str] | None = None
    machine_level: int = 1
    is_rescaling_numeric_output: bool = Field(default=False, description="Outputs are learnt as they are given.")


def show_machine(machine: Machine, rights: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Everything about a machine, under the original names."""
    found: dict[str, Any] = {}
    for field in machine._meta.concrete_fields:
        if field.name in _HIDDEN:
            continue
        value = getattr(machine, field.attname)
        if isinstance(field, DateTimeField):
            value = _moment(value)
        elif isinstance(field, DecimalField):
            value = plain(value)
        elif isinstance(field, ForeignKey) or isinstance(value, UUID):
            value = str(value) if value else None
        found[field.name] = value
    return found | {
        "trained": machine.is_trained,
        "ignored_columns": machine.ignored_columns,
        "enc_dec_configuration": str(machine.enc_dec_configuration_id) if machine.enc_dec_configuration_id else None,
        "training_nn_model": _model(machine),
        "scores": [show_score(score) for score in scores_of(machine)],
        "rights": sorted(rights),
    }


def show_machine_briefly(machine: Machine) -> dict[str, Any]:
    """A machine in a list."""
    return {
        "id": str(machine.pk),
        "machine_name": machine.machine_name,
        "machine_level": machine.machine_level,
        "machine_owner_user": str(machine.owner_id),
        "machine_owner_team": str(machine.machine_owner_team) if machine.machine_owner_team else None,
        "mdc_columns_name_input": machine.mdc_columns_name_input,
        "mdc_columns_name_output": machine.mdc_columns_name_output,
        "learning_lines": machine.learning_lines,
        "evaluation_lines": machine.evaluation_lines,
        "trained": machine.is_trained,
        "machine_api_solving_is_public": machine.machine_api_solving_is_public,
        "machine_api_solving_price_usd": plain(machine.machine_api_solving_price_usd),
        "created_at": rfc3339(machine.created_at),
    }


def show_columns(machine: Machine, lines: list[DataLine]) -> dict[str, Any]:
    """The columns with type, role, reason and what to know, and how the text was cut."""
    roles = dict.fromkeys(machine.mdc_columns_name_input, "input") | dict.fromkeys(
        machine.mdc_columns_name_output, "output"
    )
    first = lines[0] if lines else None
    samples = dict(zip(first.column_names, first.first_rows[0], strict=False)) if first and first.first_rows else {}
    return {
        "dialect": first.dialect if first else {},
        "columns": [
            {
                "name": name,
                "type": machine.mdc_columns_data_type[name],
                "role": roles.get(name, "ignore"),
                "reason": machine.dfr_columns_description_user_df.get(name, ""),
                "chosen": name in machine.dfr_columns_type_user_df,
                "missing_percentage": machine.mdc_columns_missing_percentage.get(name),
                "unique_values_count": machine.mdc_columns_unique_values_count.get(name),
                "sample": samples.get(name),
                "warning": machine.machine_columns_warnings.get(name),
                "error": machine.machine_columns_errors.get(name),
            }
            for name in machine.column_names
        ],
    }


def show_lines(line: DataLine) -> dict[str, Any]:
    """A stretch of lines, with those that were set aside."""
    return {
        "id": str(line.pk),
        "sequence": line.sequence,
        "purpose": line.purpose,
        "file_name": line.file_name,
        "file_format": line.file_format,
        "sha256": line.sha256,
        "size_bytes": line.size_bytes,
        "dialect": line.dialect,
        "line_count": line.line_count,
        "bad_line_count": line.bad_line_count,
        "bad_lines": line.bad_lines,
        "column_names": line.column_names,
        "first_rows": line.first_rows,
        "is_solved": line.is_solved,
        "created_at": rfc3339(line.created_at),
    }


def show_offer(offer: Offer) -> dict[str, Any]:
    """What a level costs and takes."""
    return {
        "level": offer.level,
        "price_eaml": plain(offer.price_eaml),
        "price_usd": plain(offer.price_usd),
        "estimated_seconds": offer.seconds,
        "affordable": offer.is_affordable,
    }


def show_work(work: Work, *, before: int | None = None, waits_because: str = "") -> dict[str, Any]:
    """A work with its progress, what is held and what was charged."""
    return {
        "id": str(work.pk),
        "kind": work.kind,
        "state": work.state,
        "machine_id": str(work.machine_id),
        "machine_name": work.machine.machine_name,
        "payer_id": str(work.payer_id),
        "level": work.level,
        "lines": work.line_count,
        "attempts": work.attempts,
        "server_name": work.server.server_name if work.server else None,
        "before_in_queue": before,
        "waits_because": waits_because or None,
        "progress": _progress(work),
        "quoted_eaml": plain(work.quoted_eaml),
        "held": work.held,
        "charged": work.charged,
        "hold_expires_at": _moment(work.hold_expires_at),
        "estimated_seconds": work.estimated_seconds,
        "real_seconds": work.real_seconds,
        "reason": work.reason,
        "text_warning": work.text_warning,
        "result_lines": work.result_lines,
        "answers_format": work.answers_format if work.is_work_solving else None,
        "result_sha256": work.result_sha256 or None,
        "created_at": rfc3339(work.created_at),
        "started_at": _moment(work.started_at),
        "finished_at": _moment(work.finished_at),
        **{name: getattr(work, name) for name in _ORIGINAL_FLAGS},
    }


def _progress(work: Work) -> dict[str, Any]:
    return {
        "stage": work.progress_stage,
        "percent": work.progress_percent,
        "rate": work.progress_rate,
        "seconds_left": work.seconds_left_at(utc_now()),
        "loss_points": [
            {"step": step, "train_loss": train, "validation_loss": validation}
            for step, train, validation in work.loss_points
        ],
    }


def show_score(score: OutputScore) -> dict[str, Any]:
    """An output's score beside the baselines."""
    return {
        "output": score.output,
        "name": score.name,
        "value": score.value,
        "interval": [score.low, score.high] if score.low is not None else None,
        "higher_is_better": score.higher_is_better,
        "constant": score.constant,
        "linear": score.linear,
        "boosted": score.boosted,
        "beats_constant": score.beats_constant,
        "beats_linear": score.beats_linear,
        "beats_boosted": score.beats_boosted,
        "leads": {name: lead._asdict() for name, lead in score.leads.items()},
        "verdict": score.verdict,
    }


def show_listing(machine: Machine, scores: list[OutputScore], use: Use) -> dict[str, Any]:
    """A machine on the market: what a buyer must know, nothing of the table behind it."""
    return {
        "id": str(machine.pk),
        "machine_name": machine.machine_name,
        "machine_description": machine.machine_description,
        "machine_level": machine.machine_level,
        "machine_owner_user": str(machine.owner_id),
        "owner": machine.machine_owner_user.get_full_name(),
        "inputs": {name: machine.mdc_columns_data_type[name] for name in machine.mdc_columns_name_input},
        "outputs": {name: machine.mdc_columns_data_type[name] for name in machine.mdc_columns_name_output},
        "learning_lines": machine.learning_lines,
        "scores": [show_score(score) for score in scores],
        "machine_api_solving_is_public": machine.machine_api_solving_is_public,
        "machine_api_solving_price_usd": plain(machine.machine_api_solving_price_usd),
        **show_terms(machine),
        "sample": sample_of(machine),
        "lines_solved_in_30_days": use.lines,
        "callers_in_30_days": use.callers,
        "trained_at": _moment(machine.training_date_time),
        "published_at": _moment(machine.published_at),
    }


def show_terms(machine: Machine) -> dict[str, Any]:
    """What else of the machine is sold, and for how much."""
    return {
        "lines": machine.learning_lines + machine.evaluation_lines,
        "machine_data_source_is_public": machine.machine_data_source_is_public,
        "machine_data_source_sample_only_public": machine.machine_data_source_sample_only_public,
        "machine_data_source_price_usd": plain(machine.machine_data_source_price_usd),
        "machine_is_duplicatable": machine.machine_is_duplicatable,
        "machine_copy_cost_usd": plain(machine.machine_copy_cost_usd),
        "machine_copy_update_cost_usd": plain(machine.machine_copy_update_cost_usd),
    }


def _model(machine: Machine) -> dict[str, Any] | None:
    model = machine.training_nn_model
    if model is None:
        return None
    return {
        "id": str(model.pk),
        "sha256": model.sha256,
        "size_bytes": model.size_bytes,
        "made_at": rfc3339(model.created_at),
    }


def _moment(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None
