"""Work on machines, and the servers that do it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models

from ml.models.machines import Machine
from ml.rules.work import ENDED, HELD_BY_A_SERVER, MOST_ATTEMPTS, OPEN, WorkKind, WorkState
from service_base.downloads import CSV
from shared_models.fields import Timestamped, id_field, one_of

STATES = [state.value for state in WorkState]
KINDS = [kind.value for kind in WorkKind]
# The kinds of file that answers come in, and what HTTP calls them.
ANSWER_TYPES = {
    "csv": CSV,
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
ANSWERS = list(ANSWER_TYPES)
_Q = models.Q


class Server(models.Model):
    """A process that does work: a trainer, known by its name, heard of at its heartbeat."""

    id = id_field()
    server_name = models.CharField(max_length=50, unique=True)
    server_date_time = models.DateTimeField(auto_now_add=True)
    server_info_ready = models.BooleanField(default=False)
    # MiB of each GPU that it works with; none on a server that computes with its processor.
    server_gpu_ram = models.JSONField(default=list, blank=True)
    server_ram_bytes = models.BigIntegerField(default=0)
    server_cpu_count = models.IntegerField(default=1)
    heartbeat_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "server"

    def __str__(self) -> str:
        return self.server_name


class Work(Timestamped):
    """A training or a batch solving, from its request to its end.

    `lease_token` grows with each lease: a server writes only while it holds the newest, so a slower twin never does.
    """

    id = id_field()
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="works")
    kind = models.CharField(max_length=10, choices=[(k, k) for k in KINDS])
    state = models.CharField(max_length=20, choices=[(s, s) for s in STATES], default=WorkState.AWAITING_FUNDS.value)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="works_requested")
    payer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="works_paid")
    priority = models.IntegerField(default=0)
    level = models.IntegerField(default=1)
    columns = models.IntegerField(default=0)
    learning_lines = models.BigIntegerField(default=0)
    evaluation_lines = models.BigIntegerField(default=0)
    solving_lines = models.BigIntegerField(default=0)
    time_limit_seconds = models.IntegerField(null=True, blank=True)
    needed_ram_bytes = models.BigIntegerField(default=0)
    needed_gpu_bytes = models.BigIntegerField(default=0)
    data_lines = models.JSONField(default=list, blank=True)

    hold_id = models.UUIDField(null=True, blank=True)
    hold_expires_at = models.DateTimeField(null=True, blank=True)
    held = models.JSONField(default=list, blank=True)
    charged = models.JSONField(default=list, blank=True)
    price_version = models.IntegerField(null=True, blank=True)
    quoted_eaml = models.DecimalField(max_digits=20, decimal_places=8, default=0)

    attempts = models.IntegerField(default=0)
    server = models.ForeignKey(Server, on_delete=models.SET_NULL, null=True, blank=True, related_name="works")
    lease_token = models.BigIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)

    progress_stage = models.CharField(max_length=20, blank=True)
    progress_percent = models.FloatField(default=0)
    progress_rate = models.FloatField(null=True, blank=True)
    progress_seconds_left = models.FloatField(null=True, blank=True)
    loss_points = models.JSONField(default=list, blank=True)
    estimated_seconds = models.FloatField(default=0)
    # Of attempts that came to nothing; `real_seconds` has them too.
    spent_seconds = models.FloatField(default=0)
    real_seconds = models.FloatField(null=True, blank=True)
    reason = models.TextField(blank=True)
    text_warning = models.JSONField(default=list, blank=True)
    # The kind of file that the answers are wanted in.
    answers_format = models.CharField(max_length=10, choices=[(k, k) for k in ANSWERS], default="csv")
    result_path = models.CharField(max_length=300, blank=True)
    result_sha256 = models.CharField(max_length=64, blank=True)
    result_lines = models.BigIntegerField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "work"
        indexes = [
            models.Index(
                fields=["-priority", "created_at"], name="work_queue", condition=_Q(state=WorkState.QUEUED.value)
            ),
            models.Index(
                fields=["lease_expires_at"], name="work_leases", condition=_Q(state__in=sorted(HELD_BY_A_SERVER))
            ),
            models.Index(fields=["machine", "-created_at"], name="work_by_machine"),
        ]
        constraints = [
            one_of("work_state_known", "state", STATES),
            one_of("work_kind_known", "kind", KINDS),
            one_of("answers_format_known", "answers_format", ANSWERS),
            models.CheckConstraint(name="attempts_bounded", condition=_Q(attempts__range=(0, MOST_ATTEMPTS))),
            models.CheckConstraint(name="percent_bounded", condition=_Q(progress_percent__range=(0, 100))),
            models.CheckConstraint(
                name="held_work_has_a_lease",
                condition=~_Q(state__in=sorted(HELD_BY_A_SERVER))
                | _Q(lease_token__gt=0, lease_expires_at__isnull=False),
            ),
            models.CheckConstraint(
                name="ended_work_says_when",
                condition=_Q(state__in=sorted(ENDED), finished_at__isnull=False)
                | _Q(state__in=sorted(OPEN), finished_at=None),
            ),
            models.UniqueConstraint(
                fields=["machine"],
                name="one_training_at_a_time",
                condition=_Q(kind=WorkKind.TRAINING.value, state__in=sorted(OPEN)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.machine_id}: {self.state}"

    @property
    def checkpoints(self) -> str:
        """The folder in the object store where its attempts keep what is done, each in one of its own."""
        return f"checkpoints/{self.machine_id}/{self.pk}"

    @property
    def result_name(self) -> str:
        """What the file of answers is called when it is downloaded."""
        return f"solved-{self.pk}.{self.answers_format}"

    @property
    def result_type(self) -> str:
        """The media type of the file of answers."""
        return ANSWER_TYPES[self.answers_format]

    @property
    def is_open(self) -> bool:
        """Whether it has not ended yet."""
        return self.state in OPEN

    @property
    def is_work_training(self) -> bool:
        """The seed's name for the kind."""
        return self.kind == WorkKind.TRAINING

    @property
    def is_work_solving(self) -> bool:
        """The seed's name for the kind."""
        return self.kind == WorkKind.SOLVING

    @property
    def is_work_status_wait_for_server_start(self) -> bool:
        """The seed's name for work that no server has begun."""
        return self.state in (WorkState.AWAITING_FUNDS, WorkState.QUEUED, WorkState.LEASED)

    @property
    def is_work_status_server_processing(self) -> bool:
        """The seed's name for work in hand."""
        return self.state == WorkState.RUNNING

    @property
    def is_work_status_server_finished(self) -> bool:
        """The seed's name for work that ended well."""
        return self.state == WorkState.SUCCEEDED

    @property
    def is_work_status_server_error(self) -> bool:
        """The seed's name for work that ended without a result."""
        return self.state in (WorkState.FAILED, WorkState.CANCELLED, WorkState.DEAD)

    @property
    def line_count(self) -> int:
        """How many lines it is about."""
        return self.learning_lines + self.evaluation_lines + self.solving_lines

    def seconds_left_at(self, now: datetime) -> float | None:
        """What the server last said; until it knows, what the estimate leaves."""
        if not self.is_open or self.started_at is None:
            return None
        if self.progress_seconds_left is not None and self.heartbeat_at is not None:
            return max(0.0, self.progress_seconds_left - (now - self.heartbeat_at).total_seconds())
        left = self.estimated_seconds - (now - self.started_at).total_seconds()
        return left if left > 0 else None

    def lease_has_expired_at(self, now: datetime) -> bool:
        """Whether its server has not been heard of for too long."""
        return self.state in HELD_BY_A_SERVER and self.lease_expires_at is not None and self.lease_expires_at <= now

    @property
    def paid_parts(self) -> list[tuple[Decimal, str]]:
        """What was charged, or until then what is held: amounts with their currencies."""
        return [(Decimal(part["amount"]), part["currency"]) for part in self.charged or self.held]

    def losses(self) -> list[list[Any]]:
        """The loss curve as two lines: learning and evaluation."""
        return [[point[1] for point in self.loss_points], [point[2] for point in self.loss_points]]
