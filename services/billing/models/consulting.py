"""Consulting: requests that become contracts, the offers made for them, what happened to them, and their files."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from billing.models.ledger import Journal
from billing.rules.consulting import ENDED, Category, OfferState, Status, due_at
from shared_models.fields import id_field, money_field, one_of

_SIGNED = Q(signed_journal__isnull=False)
_UNSIGNED = Q(signed_journal=None, ended_journal=None)
# NULL passes a CHECK, so what must be there is said before what it must be.
_PARTS_KNOWN = Q(paid_usd__isnull=False, fee_usd__isnull=False, returned_usd__isnull=False, amount_usd__isnull=False)
_PARTS_SUM = Q(
    paid_usd__gte=0, fee_usd__gte=0, returned_usd__gte=0, amount_usd=F("paid_usd") + F("fee_usd") + F("returned_usd")
)


class KnownMachine(models.Model):
    """A machine as ml last told of it: whose it is and what it is called."""

    id = models.UUIDField(primary_key=True)
    version = models.BigIntegerField(default=0)
    machine_name = models.CharField(max_length=500)
    machine_owner_id = models.UUIDField(db_index=True)
    machine_owner_team_id = models.UUIDField(null=True, db_index=True)
    deleted = models.BooleanField(default=False)

    class Meta:
        db_table = "known_machine"

    def __str__(self) -> str:
        return self.machine_name


class ConsultingRequest(models.Model):
    """A person's wish for help, and the contract it may become.

    The terms (`amount_usd`, `delay_days`, consultant) are those of the offer she chose; the fee is the price list's of
    the moment the contract was signed. The database holds which state follows which, and that a signed contract keeps
    its terms (trigger `consulting_request_moves_on`).
    """

    id = id_field()
    request_key = models.CharField(max_length=64, unique=True, null=True)
    user_id = models.UUIDField(db_index=True)
    team_id = models.UUIDField(null=True, db_index=True)
    category = models.CharField(max_length=20)
    description = models.TextField()
    machine_id = models.UUIDField(null=True)
    machine_name = models.CharField(max_length=500, blank=True)
    budget_estimation = money_field(null=True)
    status = models.CharField(max_length=16, default=Status.OPEN.value, db_index=True)
    consultant_user_id = models.UUIDField(null=True, db_index=True)
    amount_usd = money_field(null=True)
    delay_days = models.IntegerField(null=True)
    fee_basis_points = models.IntegerField(null=True)
    date_time_creation = models.DateTimeField()
    waiting_consultant_approval_date_time = models.DateTimeField(null=True)
    contract_start_date_time = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    contract_end_date_time = models.DateTimeField(null=True)
    disputed_at = models.DateTimeField(null=True)
    disputed_by = models.UUIDField(null=True)
    settled_by = models.UUIDField(null=True)
    paid_usd = money_field(null=True)
    fee_usd = money_field(null=True)
    returned_usd = money_field(null=True)
    signed_journal = models.OneToOneField(Journal, on_delete=models.PROTECT, null=True, related_name="contract_signed")
    ended_journal = models.OneToOneField(Journal, on_delete=models.PROTECT, null=True, related_name="contract_ended")

    class Meta:
        db_table = "consulting_request"
        constraints = [
            one_of("consulting_status_known", "status", [status.value for status in Status]),
            one_of("consulting_category_known", "category", [category.value for category in Category]),
            models.CheckConstraint(
                name="nobody_consults_herself",
                condition=Q(consultant_user_id=None) | ~Q(consultant_user_id=F("user_id")),
            ),
            models.CheckConstraint(
                name="open_has_no_terms",
                condition=~Q(status=Status.OPEN.value)
                | Q(consultant_user_id=None, amount_usd=None, delay_days=None, signed_journal=None),
            ),
            models.CheckConstraint(
                name="terms_are_whole",
                condition=Q(status__in=[Status.OPEN.value, Status.CANCELLED.value])
                | Q(consultant_user_id__isnull=False, amount_usd__isnull=False, delay_days__isnull=False)
                & Q(amount_usd__gt=0, delay_days__gt=0),
            ),
            models.CheckConstraint(
                name="contract_is_posted",
                condition=Q(status__in=[Status.OPEN.value, Status.WAITING_APPROVAL.value]) & _UNSIGNED
                | Q(status=Status.CONTRACT.value, ended_journal=None) & _SIGNED
                | Q(status__in=[Status.FINISHED.value, Status.FAILED.value], ended_journal__isnull=False) & _SIGNED
                | Q(status=Status.CANCELLED.value) & (_UNSIGNED | _SIGNED & Q(ended_journal__isnull=False)),
            ),
            models.CheckConstraint(
                name="parts_sum_to_the_amount",
                condition=Q(ended_journal=None, paid_usd=None, fee_usd=None, returned_usd=None)
                | Q(ended_journal__isnull=False) & _PARTS_KNOWN & _PARTS_SUM,
            ),
            models.CheckConstraint(
                name="a_dispute_ends_by_settlement",
                condition=Q(disputed_at=None, settled_by=None)
                | Q(disputed_at__isnull=False, ended_journal=None, settled_by=None)
                | Q(disputed_at__isnull=False, ended_journal__isnull=False, settled_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{Category(self.category).label}, {Status(self.status).label}"

    @property
    def request_open(self) -> bool:
        """Whether consultants may offer."""
        return self.status == Status.OPEN

    @property
    def waiting_consultant_approval(self) -> bool:
        """Whether the chosen consultant has yet to sign."""
        return self.status == Status.WAITING_APPROVAL

    @property
    def contract(self) -> bool:
        """Whether a contract is running, its amount in escrow."""
        return self.status == Status.CONTRACT

    @property
    def contract_finished(self) -> bool:
        """Whether the work was done and paid."""
        return self.status == Status.FINISHED

    @property
    def contract_failed(self) -> bool:
        """Whether the work was not done."""
        return self.status == Status.FAILED

    @property
    def contract_cancel(self) -> bool:
        """Whether it was called off."""
        return self.status == Status.CANCELLED

    @property
    def is_disputed(self) -> bool:
        """Whether an operator has to decide."""
        return self.contract and self.disputed_at is not None

    @property
    def has_ended(self) -> bool:
        """Whether nothing can change any more."""
        return self.status in ENDED

    @property
    def due_at(self) -> datetime | None:
        """Until when the work is to be delivered; None while nothing is signed."""
        if self.contract_start_date_time is None or self.delay_days is None:
            return None
        return due_at(self.contract_start_date_time, self.delay_days)

    def is_late_at(self, now: datetime) -> bool:
        """Whether the deadline has passed and nothing was delivered."""
        return self.contract and self.delivered_at is None and self.due_at is not None and self.due_at < now

    @property
    def category_called(self) -> str:
        """The category as people read it."""
        return Category(self.category).label

    @property
    def called(self) -> str:
        """The state as people read it."""
        return "disputed" if self.is_disputed else Status(self.status).label


class ConsultingOffer(models.Model):
    """What a consultant would do it for. Its terms never change: new terms are a new offer, and this one withdrawn."""

    id = id_field()
    request = models.ForeignKey(ConsultingRequest, on_delete=models.PROTECT, related_name="offers")
    consultant_user_id = models.UUIDField(db_index=True)
    amount_usd = money_field()
    delay_days = models.IntegerField()
    message = models.CharField(max_length=2000, blank=True)
    state = models.CharField(max_length=10, default=OfferState.MADE.value)
    made_at = models.DateTimeField()

    class Meta:
        db_table = "consulting_offer"
        constraints = [
            one_of("offer_state_known", "state", [state.value for state in OfferState]),
            models.CheckConstraint(name="offer_positive", condition=Q(amount_usd__gt=0, delay_days__gt=0)),
            models.UniqueConstraint(
                name="one_standing_offer_a_consultant",
                fields=["request", "consultant_user_id"],
                condition=~Q(state=OfferState.WITHDRAWN.value),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_usd} USD in {self.delay_days} days, {self.state}"


class ConsultingStep(models.Model):
    """Something that happened to a request, in the order in which it happened."""

    id = models.BigAutoField(primary_key=True)
    request = models.ForeignKey(ConsultingRequest, on_delete=models.PROTECT, related_name="steps")
    what = models.CharField(max_length=20)
    by = models.UUIDField()
    at = models.DateTimeField()
    note = models.CharField(max_length=2000, blank=True)

    class Meta:
        db_table = "consulting_step"

    def __str__(self) -> str:
        return f"{self.what} {self.at}"


class ConsultingFile(models.Model):
    """A file that belongs to a request; its bytes are in the object store under `path`."""

    id = id_field()
    request = models.ForeignKey(ConsultingRequest, on_delete=models.PROTECT, related_name="files")
    uploaded_by = models.UUIDField()
    uploaded_at = models.DateTimeField()
    file_name = models.CharField(max_length=200)
    kind = models.CharField(max_length=40)
    media_type = models.CharField(max_length=100)
    size_bytes = models.BigIntegerField()
    size_class = models.CharField(max_length=10)
    sha256 = models.CharField(max_length=64)
    path = models.CharField(max_length=200)

    class Meta:
        db_table = "consulting_file"
        constraints = [models.UniqueConstraint(name="a_file_once", fields=["request", "sha256", "file_name"])]

    def __str__(self) -> str:
        return self.file_name
