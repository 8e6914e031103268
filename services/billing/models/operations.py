"""Operations, and the usage events that caused them."""

from __future__ import annotations

from django.db import models

from billing.models.holds import Quote
from billing.models.ledger import Journal
from billing.rules.kinds import OPERATION_KINDS, OperationKind
from shared_models.fields import id_field, one_of


def _is(kind: OperationKind) -> property:
    return property(lambda operation: operation.kind == kind)


class Operation(models.Model):
    """Something that money moved for: who used what of whom, and how much. Exactly one journal belongs to it."""

    id = id_field()
    kind = models.CharField(max_length=30)
    machine_id = models.UUIDField(null=True)
    machine_name = models.CharField(max_length=500, blank=True)
    machine_owner_id = models.UUIDField(null=True)
    operation_user_id = models.UUIDField()
    work_id = models.UUIDField(null=True)
    # Nobody looks for a quote's operations, and most operations have none.
    quote = models.ForeignKey(Quote, on_delete=models.PROTECT, null=True, db_index=False, related_name="operations")
    count_of_lines = models.BigIntegerField(default=0)
    count_of_training_epoch = models.BigIntegerField(null=True)
    columns = models.BigIntegerField(null=True)
    level = models.IntegerField(null=True)
    date_time = models.DateTimeField()

    class Meta:
        db_table = "operation"
        constraints = [one_of("operation_kind_known", "kind", OPERATION_KINDS)]
        # A person's operations, of all her machines or of one.
        indexes = [models.Index(fields=["operation_user_id", "machine_id"], name="operation_of_user")]

    def __str__(self) -> str:
        return f"{self.get_type} {self.id}"

    @property
    def get_type(self) -> str:
        """The kind as people read it."""
        return OperationKind(self.kind).label

    @property
    def state(self) -> str:
        """`posted`, or `reversed` once a journal took it back."""
        return "reversed" if getattr(self.journal, "reversed_by", None) else "posted"

    # The kind as the nine booleans it used to be: derived, so that they cannot contradict each other.
    is_training_operation = _is(OperationKind.TRAINING)
    is_solving_operation = _is(OperationKind.SOLVING)
    is_solving_with_api_operation = _is(OperationKind.SOLVING_WITH_API)
    is_solving_with_api_market_operation = _is(OperationKind.SOLVING_WITH_API_MARKET)
    is_buy_data_source_operation = _is(OperationKind.BUY_DATA_SOURCE)
    is_machine_copy_operation = _is(OperationKind.MACHINE_COPY)
    is_machine_copy_update_operation = _is(OperationKind.MACHINE_COPY_UPDATE)
    is_pay_a_bill_operation = _is(OperationKind.PAY_A_BILL)
    is_credit_from_user_operation = _is(OperationKind.CREDIT_FROM_USER)

    def flags(self) -> dict[str, bool]:
        """The nine booleans by name."""
        return {name: getattr(self, name) for name in KIND_FLAGS}


KIND_FLAGS = [f"is_{kind.value}_operation" for kind in OperationKind]


class Usage(models.Model):
    """A usage event that was received, and the one journal it led to; a producer's duplicate leads to the same one."""

    event_id = models.UUIDField(primary_key=True)
    type = models.CharField(max_length=200)
    # A statement trigger sees that it exists.
    journal = models.ForeignKey(Journal, on_delete=models.PROTECT, db_constraint=False, related_name="usages")
    work_id = models.UUIDField(null=True)
    occurred_at = models.DateTimeField()

    class Meta:
        db_table = "usage"
        indexes = [models.Index(fields=["work_id"], name="usage_of_work", condition=models.Q(work_id__isnull=False))]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
