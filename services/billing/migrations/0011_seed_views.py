"""The first design's names for money, as views over the ledger."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).with_suffix(".sql").read_text()
UNDO = """
DROP VIEW billing, debit_ixioo, credit_ixioo, debit, credit, wallet_entry;
"""


class Migration(migrations.Migration):
    replaces = [("billing", "0034_ledger_columns")]
    dependencies = [("billing", "0010_statements")]
    operations = [
        migrations.CreateModel(
            name="Credit",
            fields=[
                ("uuid", models.UUIDField(primary_key=True, serialize=False)),
                ("entry_id", models.BigIntegerField()),
                ("account_id", models.UUIDField()),
                ("user_id", models.UUIDField()),
                ("date_time", models.DateTimeField()),
                ("amount", models.DecimalField(decimal_places=8, max_digits=20)),
                (
                    "journal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="billing.journal"
                    ),
                ),
                (
                    "operation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="billing.operation",
                    ),
                ),
            ],
            options={
                "db_table": "credit",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Debit",
            fields=[
                ("uuid", models.UUIDField(primary_key=True, serialize=False)),
                ("entry_id", models.BigIntegerField()),
                ("account_id", models.UUIDField()),
                ("user_id", models.UUIDField()),
                ("date_time", models.DateTimeField()),
                ("amount", models.DecimalField(decimal_places=8, max_digits=20)),
                (
                    "journal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="billing.journal"
                    ),
                ),
                (
                    "operation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="billing.operation",
                    ),
                ),
            ],
            options={
                "db_table": "debit",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="CreditIXIOO",
            fields=[
                ("uuid", models.UUIDField(primary_key=True, serialize=False)),
                ("entry_id", models.BigIntegerField()),
                ("account_id", models.UUIDField()),
                ("user_id", models.UUIDField()),
                ("date_time", models.DateTimeField()),
                ("amount", models.DecimalField(decimal_places=8, max_digits=20)),
                (
                    "journal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="billing.journal"
                    ),
                ),
                (
                    "operation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="billing.operation",
                    ),
                ),
            ],
            options={
                "db_table": "credit_ixioo",
                "managed": False,
                "verbose_name": "credit IXIOO",
            },
        ),
        migrations.CreateModel(
            name="DebitIXIOO",
            fields=[
                ("uuid", models.UUIDField(primary_key=True, serialize=False)),
                ("entry_id", models.BigIntegerField()),
                ("account_id", models.UUIDField()),
                ("user_id", models.UUIDField()),
                ("date_time", models.DateTimeField()),
                ("amount", models.DecimalField(decimal_places=8, max_digits=20)),
                (
                    "journal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="billing.journal"
                    ),
                ),
                (
                    "operation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="billing.operation",
                    ),
                ),
            ],
            options={
                "db_table": "debit_ixioo",
                "managed": False,
                "verbose_name": "debit IXIOO",
            },
        ),
        migrations.CreateModel(
            name="Billing",
            fields=[
                ("uuid", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "operation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="billing.operation"
                    ),
                ),
                ("user_id", models.UUIDField()),
                ("machine_id", models.UUIDField(null=True)),
                ("date_time", models.DateTimeField()),
                ("CountOfLinesTraining", models.BigIntegerField(null=True)),
                ("CountOfTrainingEpoch", models.BigIntegerField(null=True)),
                ("CountOfLinesSolvedOwner", models.BigIntegerField(null=True)),
                ("CountOfLinesSolvedAPI", models.BigIntegerField(null=True)),
                ("TrainingCostMachineUSD", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
                ("SolvingCostMachineUSD", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
                ("SolvingCostMachineAPI_Total_USD", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
                ("SolvingAPIIncomeUSD", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
                ("MachineBuyDataSourceIncomeUSD", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
                ("MachineCopyCostIncomeUSD", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
                ("MachineCopyUpdateIncomeUSD", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
                ("CreditFromIxioo", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
                ("CreditFromUser", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
            ],
            options={
                "db_table": "billing",
                "managed": False,
                "verbose_name": "billing row",
            },
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
