"""The ledger: journals, postings by month, balances, closed periods, and the rules that the database holds them to."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

import shared_models.clock
import shared_models.ids

SQL = Path(__file__).with_suffix(".sql").read_text()
UNDO = """
DROP VIEW entry;
DROP TABLE posting, period_close;
DROP FUNCTION ledger_close_period(timestamptz, uuid), ledger_keep_partitions(timestamptz), posting_rules(text),
    first_id_of(timestamptz);
DROP FUNCTION only_grows(), posting_fits(), journal_fits(), usage_fits(), journal_in_open_period() CASCADE;
"""


class Migration(migrations.Migration):
    replaces = [("billing", "0034_ledger_columns")]
    dependencies = [("billing", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="Journal",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_models.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("source", models.CharField(max_length=40)),
                ("idempotency_key", models.CharField(max_length=200)),
                ("request_hash", models.CharField(max_length=64)),
                ("kind", models.CharField(max_length=30)),
                ("effective_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField(default=shared_models.clock.utc_now)),
                ("details", models.JSONField(default=dict)),
                (
                    "reverses",
                    models.OneToOneField(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversed_by",
                        to="billing.journal",
                    ),
                ),
                (
                    "operation",
                    models.OneToOneField(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="journal",
                        to="billing.operation",
                    ),
                ),
            ],
            options={
                "db_table": "journal",
                "constraints": [
                    models.UniqueConstraint(fields=("source", "idempotency_key"), name="posted_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "training",
                                    "solving",
                                    "solving_with_api",
                                    "solving_with_api_market",
                                    "buy_data_source",
                                    "machine_copy",
                                    "machine_copy_update",
                                    "pay_a_bill",
                                    "credit_from_user",
                                    "coupon_activated",
                                    "coupon_expired",
                                    "tokens_bought",
                                    "income_kept",
                                    "payout_requested",
                                    "payout_paid",
                                    "payout_failed",
                                    "payment_unmatched",
                                    "payment_refunded",
                                    "contract_signed",
                                    "contract_finished",
                                    "contract_cancelled",
                                    "tax_charged",
                                    "reversal",
                                ],
                            )
                        ),
                        name="journal_kind_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LotUse",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("amount", models.DecimalField(decimal_places=8, max_digits=20)),
                (
                    "journal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lot_uses", to="billing.journal"
                    ),
                ),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="uses", to="billing.couponlot"
                    ),
                ),
            ],
            options={
                "db_table": "lot_use",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount", 0), _negated=True), name="lot_use_of_something"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Usage",
            fields=[
                ("event_id", models.UUIDField(primary_key=True, serialize=False)),
                ("type", models.CharField(max_length=200)),
                ("work_id", models.UUIDField(null=True)),
                ("occurred_at", models.DateTimeField()),
                (
                    "journal",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="usages",
                        to="billing.journal",
                    ),
                ),
            ],
            options={
                "db_table": "usage",
                "indexes": [
                    models.Index(
                        condition=models.Q(("work_id__isnull", False)), fields=["work_id"], name="usage_of_work"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Balance",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="balance",
                        serialize=False,
                        to="billing.account",
                    ),
                ),
                ("posted", models.DecimalField(decimal_places=8, default=0, max_digits=20)),
                ("held", models.DecimalField(decimal_places=8, default=0, max_digits=20)),
                ("floor", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
            ],
            options={
                "db_table": "balance",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("held__gte", 0)), name="held_not_negative"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("floor", None),
                            (
                                "posted__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("floor"), "+", models.F("held")
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="balance_not_below_floor",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HoldResolution",
            fields=[
                (
                    "hold",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="resolution",
                        serialize=False,
                        to="billing.hold",
                    ),
                ),
                ("outcome", models.CharField(max_length=10)),
                ("resolved_at", models.DateTimeField()),
                (
                    "journal",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.journal"
                    ),
                ),
            ],
            options={
                "db_table": "hold_resolution",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("outcome__in", ["captured", "released", "expired"])), name="outcome_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("journal__isnull", False), ("outcome", "captured")),
                            models.Q(models.Q(("outcome", "captured"), _negated=True), ("journal", None)),
                            _connector="OR",
                        ),
                        name="captured_means_charged",
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            SQL,
            UNDO,
            state_operations=[
                migrations.CreateModel(
                    name="Entry",
                    fields=[
                        ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                        (
                            "currency",
                            models.CharField(
                                choices=[("USD", "USD"), ("EAML", "EAML"), ("COUPON", "COUPON")], max_length=6
                            ),
                        ),
                        ("amount", models.DecimalField(decimal_places=8, max_digits=20)),
                        ("balance", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
                    ],
                    options={
                        "verbose_name_plural": "entries",
                        "db_table": "entry",
                        "managed": False,
                    },
                ),
                migrations.CreateModel(
                    name="Posting",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        (
                            "journal",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="postings",
                                to="billing.journal",
                            ),
                        ),
                        ("seq", models.SmallIntegerField()),
                        (
                            "debit_account",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="debits",
                                to="billing.account",
                            ),
                        ),
                        (
                            "credit_account",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="credits",
                                to="billing.account",
                            ),
                        ),
                        (
                            "currency",
                            models.CharField(
                                choices=[("USD", "USD"), ("EAML", "EAML"), ("COUPON", "COUPON")], max_length=6
                            ),
                        ),
                        ("amount", models.DecimalField(decimal_places=8, max_digits=20)),
                        ("debit_after", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
                        ("credit_after", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
                    ],
                    options={
                        "db_table": "posting",
                        "constraints": [
                            models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="amount_positive"),
                            models.CheckConstraint(
                                condition=models.Q(("debit_account", models.F("credit_account")), _negated=True),
                                name="between_two_accounts",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="PeriodClose",
                    fields=[
                        ("until", models.DateTimeField(primary_key=True, serialize=False)),
                        ("closed_at", models.DateTimeField()),
                        ("closed_by", models.UUIDField(null=True)),
                    ],
                    options={
                        "db_table": "period_close",
                    },
                ),
            ],
        ),
    ]
