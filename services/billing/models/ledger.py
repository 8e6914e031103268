"""The ledger: accounts, journals and postings that only grow, and the balances they add up to."""

from __future__ import annotations

from django.db import models

from billing.rules.accounts import Purpose
from billing.rules.kinds import JOURNAL_KINDS, SALES, label_of
from shared_models.clock import utc_now
from shared_models.fields import currency_field, id_field, money_field, one_of
from shared_models.money import Currency

PURPOSES = [purpose.value for purpose in Purpose]
CURRENCIES = [currency.value for currency in Currency]


class Party(models.Model):
    """A person with accounts. Whatever moves her money locks this row first; `version` counts what was published."""

    owner_id = models.UUIDField(primary_key=True)
    version = models.BigIntegerField(default=0)
    credit_limit = money_field(default=0)
    last_billing_time = models.DateTimeField(null=True)
    # The tax on what the platform sells to this person; without one, that of the settings.
    tax_basis_points = models.IntegerField(null=True)
    created_at = models.DateTimeField(default=utc_now)

    class Meta:
        db_table = "party"
        verbose_name_plural = "parties"
        constraints = [
            models.CheckConstraint(name="credit_limit_not_negative", condition=models.Q(credit_limit__gte=0)),
            models.CheckConstraint(
                name="tax_rate_fits", condition=models.Q(tax_basis_points__gte=0, tax_basis_points__lte=10_000)
            ),
        ]

    def __str__(self) -> str:
        return str(self.owner_id)


class Account(models.Model):
    """Who has money of which currency for what; never changed. `floor` is how low its free balance may go."""

    id = models.UUIDField(primary_key=True, editable=False)
    owner_id = models.UUIDField(db_index=True)
    purpose = models.CharField(max_length=20)
    currency = currency_field()
    floor = money_field(null=True)
    created_at = models.DateTimeField(default=utc_now)

    class Meta:
        db_table = "account"
        constraints = [
            models.UniqueConstraint(fields=["owner_id", "purpose", "currency"], name="one_account_a_purpose"),
            one_of("account_purpose_known", "purpose", PURPOSES),
            one_of("account_currency_known", "currency", CURRENCIES),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.currency} of {self.owner_id}"

    @property
    def called(self) -> str:
        """The purpose as people read it."""
        return str(self.purpose).replace("_", " ")


class Balance(models.Model):
    """What a person's account holds: the only mutable row money is in. The platform's accounts have none (ADR 0020)."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True, related_name="balance")
    posted = money_field(default=0)
    held = money_field(default=0)
    floor = money_field(null=True)

    class Meta:
        db_table = "balance"
        constraints = [
            models.CheckConstraint(name="held_not_negative", condition=models.Q(held__gte=0)),
            models.CheckConstraint(
                name="balance_not_below_floor",
                condition=models.Q(floor=None) | models.Q(posted__gte=models.F("floor") + models.F("held")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.posted} ({self.held} held)"


class Journal(models.Model):
    """One movement: a set of postings with one cause. The key is unique for ever, so a cause moves money once."""

    id = id_field()
    source = models.CharField(max_length=40)
    idempotency_key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    kind = models.CharField(max_length=30)
    effective_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=utc_now)
    # As with postings: a statement trigger sees that these two exist.
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, db_constraint=False, related_name="reversed_by"
    )
    operation = models.OneToOneField(
        "billing.Operation", on_delete=models.PROTECT, null=True, db_constraint=False, related_name="journal"
    )
    details = models.JSONField(default=dict)

    class Meta:
        db_table = "journal"
        constraints = [
            models.UniqueConstraint(fields=["source", "idempotency_key"], name="posted_once"),
            one_of("journal_kind_known", "kind", JOURNAL_KINDS),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def label(self) -> str:
        """The kind as people read it."""
        return label_of(self.kind)


class Posting(models.Model):
    """An amount from one account to another of the same currency: in balance by its shape.

    `debit_after` and `credit_after` are the balances after it, for accounts that have a balance row.
    """

    id = models.BigAutoField(primary_key=True)
    # No constraint in the database on these three: the statement trigger checks that they exist and fit at a fraction
    # of the cost of a foreign key (and of the lock it takes on the row).
    journal = models.ForeignKey(Journal, on_delete=models.PROTECT, db_constraint=False, related_name="postings")
    seq = models.SmallIntegerField()
    debit_account = models.ForeignKey(Account, on_delete=models.PROTECT, db_constraint=False, related_name="debits")
    credit_account = models.ForeignKey(Account, on_delete=models.PROTECT, db_constraint=False, related_name="credits")
    currency = currency_field()
    amount = money_field()
    debit_after = money_field(null=True)
    credit_after = money_field(null=True)

    class Meta:
        db_table = "posting"
        constraints = [
            models.CheckConstraint(name="amount_positive", condition=models.Q(amount__gt=0)),
            models.CheckConstraint(
                name="between_two_accounts", condition=~models.Q(debit_account=models.F("credit_account"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class PeriodClose(models.Model):
    """Up to when the books are closed; what comes late is posted into the open period."""

    until = models.DateTimeField(primary_key=True)
    closed_at = models.DateTimeField()
    closed_by = models.UUIDField(null=True)

    class Meta:
        db_table = "period_close"

    def __str__(self) -> str:
        return f"closed until {self.until}"


class JournalSeal(models.Model):
    """A journal's place in the chain: a hash over the seal before it, the journal and its postings."""

    position = models.BigIntegerField(primary_key=True)
    journal = models.OneToOneField(Journal, on_delete=models.PROTECT, db_constraint=False, related_name="seal")
    seal = models.BinaryField()

    class Meta:
        db_table = "journal_seal"

    def __str__(self) -> str:
        return f"{self.position}: {bytes(self.seal).hex()}"


class Entry(models.Model):
    """One side of a posting, as an account's statement shows it: a view, signed, with the balance after it."""

    id = models.BigIntegerField(primary_key=True)
    journal = models.ForeignKey(Journal, on_delete=models.DO_NOTHING, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.DO_NOTHING, related_name="entries")
    counter_account = models.ForeignKey(Account, on_delete=models.DO_NOTHING, related_name="+")
    currency = currency_field()
    amount = money_field()
    balance = money_field(null=True)
    # An account's entries follow each other by it: the database finds them by this number, not by the id made of it.
    posting_id = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "entry"
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    @property
    def label(self) -> str:
        """What it was, from this account's side."""
        return "Market sale" if self._is_of_market and self.amount > 0 else self.journal.label

    @property
    def part(self) -> str:
        """Which of several parts of one charge it is, such as the marketplace's fee; nothing where there is one."""
        if not self._is_of_market or self.amount > 0:
            return ""
        parts = {Purpose.SELLER_PAYABLE: "to its owner", Purpose.MARKETPLACE_FEE: "fee", Purpose.REVENUE: "platform"}
        return parts[Purpose(self.counter_account.purpose)]

    @property
    def _is_of_market(self) -> bool:
        return self.journal.kind in SALES
