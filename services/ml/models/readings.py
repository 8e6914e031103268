"""Large uploads while they are read."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from ml.models.machines import Machine
from ml.models.work import Work
from ml.rules.readings import ENDED, MOST_ATTEMPTS, OPEN, ReadingPurpose, ReadingState
from shared_models.fields import Timestamped, id_field, one_of

PURPOSES = [purpose.value for purpose in ReadingPurpose]
STATES = [state.value for state in ReadingState]
_Q = models.Q


class TableReading(Timestamped):
    """A file that came in whole and is read by the worker; what becomes of it is there with its end, or not at all.

    `machine` is whose lines it is about, or what it became; `work` is the solving of its lines. `asked` is what came
    with it. `lease_token` grows with each attempt: a slower worker stores nothing.
    """

    id = id_field()
    purpose = models.CharField(max_length=10, choices=[(p, p) for p in PURPOSES])
    state = models.CharField(max_length=10, choices=[(s, s) for s in STATES], default=ReadingState.QUEUED.value)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="readings")
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, null=True, blank=True, related_name="readings")
    work = models.ForeignKey(Work, on_delete=models.SET_NULL, null=True, blank=True, related_name="readings")
    asked = models.JSONField(default=dict, blank=True)
    file_name = models.CharField(max_length=300)
    path = models.CharField(max_length=300, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size_bytes = models.BigIntegerField()

    attempts = models.IntegerField(default=0)
    lease_token = models.BigIntegerField(default=0)
    # While it runs, until when its worker has it; while it is queued, before when nobody looks at it again.
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    progress_percent = models.FloatField(default=0)
    lines_read = models.BigIntegerField(default=0)
    # Why it waits, or why it failed, and the field at fault.
    reason = models.TextField(blank=True)
    reason_field = models.CharField(max_length=300, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "table_reading"
        indexes = [
            models.Index(fields=["requested_by", "-created_at"], name="reading_by_person"),
            models.Index(fields=["created_at"], name="reading_to_do", condition=_Q(state__in=sorted(OPEN))),
        ]
        constraints = [
            one_of("reading_purpose_known", "purpose", PURPOSES),
            one_of("reading_state_known", "state", STATES),
            models.CheckConstraint(name="readings_bounded", condition=_Q(attempts__range=(0, MOST_ATTEMPTS))),
            models.CheckConstraint(name="reading_percent_bounded", condition=_Q(progress_percent__range=(0, 100))),
            models.CheckConstraint(
                name="ended_reading_says_when",
                condition=_Q(state__in=sorted(ENDED), finished_at__isnull=False)
                | _Q(state__in=sorted(OPEN), finished_at=None),
            ),
            models.UniqueConstraint(
                fields=["machine"],
                name="one_correction_at_a_time",
                condition=_Q(purpose=ReadingPurpose.CORRECTION.value, state__in=sorted(OPEN)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.purpose}): {self.state}"

    @property
    def is_open(self) -> bool:
        """Whether it has not ended yet."""
        return self.state in OPEN
