"""Machines, the lines they learn from, and the models they became."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from ml.models.machine_parts import (
    ColumnConfiguration,
    ColumnStatistics,
    MarketTerms,
    NetworkSettings,
    RerunFlags,
    TrainingFigures,
)
from shared_models.fields import Timestamped, id_field, one_of
from shared_models.money import plain

LOSSES = ["", "mse", "mae", "binary_crossentropy", "categorical_crossentropy"]
OPTIMIZERS = ["adam", "adamw", "sgd", "rmsprop"]
FORMATS = ["csv", "xlsx", "parquet", "jsonl"]
PURPOSES = ["learning", "solving"]


class Machine(
    MarketTerms, ColumnConfiguration, ColumnStatistics, NetworkSettings, TrainingFigures, RerunFlags, Timestamped
):
    """A table with parts given to its columns, and, once trained, what was learnt from it.

    `version` grows with each change that others hear of. A deleted machine keeps its row, because ledger entries and
    work name it, but nobody finds it any more.
    """

    id = id_field()
    version = models.BigIntegerField(default=1)
    machine_name = models.CharField(max_length=500)
    machine_description = models.TextField(blank=True)
    machine_level = models.IntegerField(default=1)
    machine_owner_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="machines", db_column="machine_owner_user"
    )
    # A team is identity's; a team that is gone simply opens nothing any more.
    machine_owner_team = models.UUIDField(null=True, blank=True, db_index=True)
    machine_original = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True)
    machine_is_data_lines_training_count_limit_enabled = models.BooleanField(default=False)
    machine_data_lines_training_count_limit = models.IntegerField(null=True, blank=True)
    machine_split_seed = models.IntegerField(default=0)
    enc_dec_configuration = models.OneToOneField(
        "EncDecConfiguration", on_delete=models.SET_NULL, null=True, blank=True, related_name="machine"
    )
    training_nn_model = models.OneToOneField(
        "NNModel", on_delete=models.SET_NULL, null=True, blank=True, related_name="machine"
    )
    # PostgreSQL's JSON objects forget the order of their keys; this is the table's.
    column_names = models.JSONField(default=list, blank=True)
    learning_lines = models.BigIntegerField(default=0)
    evaluation_lines = models.BigIntegerField(default=0)
    log_work_message = models.JSONField(default=dict, blank=True)
    log_work_status = models.JSONField(default=dict, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "machine"
        indexes = [
            models.Index(fields=["machine_owner_user", "-created_at"], name="machine_by_owner"),
            models.Index(
                fields=["-published_at"],
                name="machine_on_the_market",
                condition=models.Q(published_at__isnull=False, deleted_at=None),
            ),
        ]
        constraints = [
            one_of("loss_known", "parameter_nn_loss", LOSSES),
            one_of("optimizer_known", "parameter_nn_optimizer", OPTIMIZERS),
            models.CheckConstraint(name="level_known", condition=models.Q(machine_level__range=(1, 5))),
            models.CheckConstraint(name="price_not_negative", condition=models.Q(machine_api_solving_price_usd__gte=0)),
            models.CheckConstraint(
                name="sale_prices_not_negative",
                condition=models.Q(
                    machine_data_source_price_usd__gte=0,
                    machine_copy_cost_usd__gte=0,
                    machine_copy_update_cost_usd__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="a_copys_lines_are_not_sold",
                condition=models.Q(machine_original=None)
                | models.Q(machine_data_source_is_public=False, machine_is_duplicatable=False),
            ),
            models.CheckConstraint(
                name="only_trained_is_public",
                condition=models.Q(machine_api_solving_is_public=False)
                | models.Q(training_nn_model__isnull=False)
                | models.Q(deleted_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.machine_name

    @property
    def owner_id(self) -> Any:
        """The person who pays for training and own solving and earns from the market."""
        return self.machine_owner_user_id

    @property
    def is_trained(self) -> bool:
        """Whether it can solve."""
        return self.training_nn_model_id is not None

    @property
    def sells_lines_or_copies(self) -> bool:
        """Whether others may buy its lines or a copy of it."""
        return self.machine_data_source_is_public or self.machine_is_duplicatable

    @property
    def is_on_the_market(self) -> bool:
        """Whether others find it: to solve with, to buy its lines, or to copy it."""
        return self.machine_api_solving_is_public or self.sells_lines_or_copies

    @property
    def plain_prices(self) -> dict[str, str]:
        """What its lines, a copy and news for one cost, as a person would type it."""
        names = ("machine_data_source_price_usd", "machine_copy_cost_usd", "machine_copy_update_cost_usd")
        return {name: plain(getattr(self, name)) for name in names}

    @property
    def ignored_columns(self) -> list[str]:
        """Columns of the table that are neither input nor output."""
        used = {*self.mdc_columns_name_input, *self.mdc_columns_name_output}
        return [name for name in self.column_names if name not in used]

    @property
    def line_limit(self) -> int | None:
        """At most so many lines are learnt from."""
        enabled = self.machine_is_data_lines_training_count_limit_enabled
        return self.machine_data_lines_training_count_limit if enabled else None


class DataLine(models.Model):
    """A stretch of a machine's lines as one immutable file in the object store; a machine's table is all of them.

    Line numbers count within the file, so a line keeps its id, and with it its side of the split, for ever (ADR 0040).
    """

    id = id_field()
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="data_lines")
    sequence = models.IntegerField()
    purpose = models.CharField(max_length=10, choices=[(p, p) for p in PURPOSES], default="learning")
    file_name = models.CharField(max_length=300)
    file_format = models.CharField(max_length=10, choices=[(f, f) for f in FORMATS])
    path = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    dialect = models.JSONField(default=dict, blank=True)
    column_names = models.JSONField(default=list)
    line_count = models.BigIntegerField(default=0)
    bad_line_count = models.BigIntegerField(default=0)
    bad_lines = models.JSONField(default=list, blank=True)
    first_rows = models.JSONField(default=list, blank=True)
    is_solved = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "data_line"
        constraints = [
            models.UniqueConstraint(fields=["machine", "sequence"], name="lines_in_order"),
            one_of("purpose_known", "purpose", PURPOSES),
            one_of("format_known", "file_format", FORMATS),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.line_count} lines)"


class DataLinesOperation(models.Model):
    """The inbox for appended lines: at most one row a machine and kind says that somebody has to look at them."""

    id = models.BigAutoField(primary_key=True)
    machine_id = models.UUIDField()
    date_time = models.DateTimeField()
    is_added_for_learning = models.BooleanField(default=False)
    is_added_for_solving = models.BooleanField(default=False)

    class Meta:
        db_table = "data_lines_operation"
        constraints = [
            models.UniqueConstraint(
                fields=["machine_id", "is_added_for_learning", "is_added_for_solving"], name="one_note_a_kind"
            ),
            models.CheckConstraint(
                name="exactly_one_kind",
                condition=models.Q(is_added_for_learning=True, is_added_for_solving=False)
                | models.Q(is_added_for_learning=False, is_added_for_solving=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.machine_id} {'learning' if self.is_added_for_learning else 'solving'}"


class EncDecConfiguration(models.Model):
    """How a machine's rows are turned into numbers and its answers back: the encoder of its model, versioned."""

    id = id_field()
    enc_dec_config_json = models.JSONField()
    format_version = models.IntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "enc_dec_configuration"

    def __str__(self) -> str:
        return f"encoder {self.pk}"


class NNModel(models.Model):
    """A trained model: a folder of plain files (ONNX, safetensors, JSON) whose manifest has this SHA-256."""

    id = id_field()
    folder = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    card = models.JSONField()
    work_id = models.UUIDField(unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "nn_model"

    def __str__(self) -> str:
        return self.folder


class MachineTableLockWrite(models.Model):
    """A lock on a machine's lines for work that outlives a transaction: owned, fenced by its token, expiring."""

    table_name = models.CharField(max_length=100, primary_key=True)
    owner = models.CharField(max_length=100)
    token = models.BigIntegerField(default=1)
    locked_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "machine_table_lock_write"

    def __str__(self) -> str:
        return f"{self.table_name}: {self.owner}"
