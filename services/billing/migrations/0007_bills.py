"""Bills, their numbers and payments."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

import shared_models.clock
import shared_models.ids

SQL = Path(__file__).with_suffix(".sql").read_text()
UNDO = """
DROP FUNCTION ledger_close_bill(uuid, uuid, numeric), ledger_issue_bill(json, json);
"""


def money(**options: object) -> models.DecimalField:
    """A column for an amount."""
    return models.DecimalField(max_digits=20, decimal_places=8, **options)


class Migration(migrations.Migration):
    replaces = [("billing", "0034_ledger_columns")]
    dependencies = [("billing", "0006_payments")]
    operations = [
        migrations.CreateModel(
            name="BillSeries",
            fields=[
                ("year", models.IntegerField(primary_key=True, serialize=False)),
                ("last", models.IntegerField()),
            ],
            options={
                "db_table": "bill_series",
                "verbose_name_plural": "bill series",
            },
        ),
        migrations.CreateModel(
            name="BillRun",
            fields=[
                ("until", models.DateTimeField(primary_key=True, serialize=False)),
                ("asked_by", models.UUIDField(null=True)),
                ("asked_at", models.DateTimeField(default=shared_models.clock.utc_now)),
                ("finished_at", models.DateTimeField(null=True)),
                ("issued", models.IntegerField(default=0)),
            ],
            options={
                "db_table": "bill_run",
            },
        ),
        migrations.CreateModel(
            name="Bill",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_models.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("owner_id", models.UUIDField(db_index=True)),
                ("year", models.IntegerField()),
                ("number", models.IntegerField()),
                ("issuer", models.CharField(max_length=500)),
                ("billed_to", models.CharField(max_length=500)),
                ("period_start", models.DateTimeField()),
                ("period_end", models.DateTimeField()),
                ("issued_at", models.DateTimeField()),
                ("pay_by", models.DateTimeField()),
                ("brought_forward_usd", money()),
                ("owed_usd", money()),
                ("paid_usd", money()),
                ("tax_basis_points", models.IntegerField()),
                ("taxable_usd", money()),
                ("tax_usd", money()),
                ("tax_owed_usd", money()),
                ("due_usd", money()),
                (
                    "journal",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bill",
                        to="billing.journal",
                    ),
                ),
            ],
            options={
                "db_table": "bill",
                "constraints": [
                    models.UniqueConstraint(fields=("year", "number"), name="bill_number_once"),
                    models.UniqueConstraint(fields=("owner_id", "period_end"), name="one_bill_a_period"),
                    models.CheckConstraint(
                        condition=models.Q(("period_start__lt", models.F("period_end"))), name="bill_period_forward"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("tax_owed_usd__gte", 0), ("tax_owed_usd__lte", models.F("tax_usd")), ("tax_usd__gte", 0)
                        ),
                        name="bill_tax_of_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "due_usd",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("brought_forward_usd"), "+", models.F("owed_usd")
                                        ),
                                        "-",
                                        models.F("paid_usd"),
                                    ),
                                    "+",
                                    models.F("tax_owed_usd"),
                                ),
                            )
                        ),
                        name="bill_adds_up",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BillLine",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=30)),
                ("count", models.BigIntegerField()),
                ("count_of_lines", models.BigIntegerField()),
                ("coupon", money()),
                ("eaml", money()),
                ("usd", money()),
                ("owed_usd", money()),
                ("taxable_usd", money()),
                ("tax_usd", money()),
                (
                    "bill",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="billing.bill"
                    ),
                ),
            ],
            options={
                "db_table": "bill_line",
                "constraints": [models.UniqueConstraint(fields=("bill", "kind"), name="one_line_a_kind")],
            },
        ),
        migrations.CreateModel(
            name="BillPayment",
            fields=[
                (
                    "bill",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="payment",
                        serialize=False,
                        to="billing.bill",
                    ),
                ),
                ("amount_usd", money()),
                ("paid_at", models.DateTimeField()),
                (
                    "journal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.journal"
                    ),
                ),
            ],
            options={
                "db_table": "bill_payment",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount_usd__gt", 0)), name="bill_payment_positive")
                ],
            },
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
