"""The first design's names for money, as views over the ledger."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).with_suffix(".sql").read_text()
UNDO = "DROP VIEW billing, debit_ixioo, credit_ixioo, debit, credit, wallet_entry;"
COUNTS = ("CountOfLinesTraining", "CountOfTrainingEpoch", "CountOfLinesSolvedOwner", "CountOfLinesSolvedAPI")
AMOUNTS = (
    "TrainingCostMachineUSD",
    "SolvingCostMachineUSD",
    "SolvingCostMachineAPI_Total_USD",
    "SolvingAPIIncomeUSD",
    "MachineBuyDataSourceIncomeUSD",
    "MachineCopyCostIncomeUSD",
    "MachineCopyUpdateIncomeUSD",
    "CreditFromIxioo",
    "CreditFromUser",
)


def money(**options: object) -> models.DecimalField:
    """A column for an amount."""
    return models.DecimalField(max_digits=20, decimal_places=8, **options)


def seen(to: str, **options: object) -> models.ForeignKey:
    """A row that a view's row refers to."""
    return models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to=to, **options)


def leg(name: str, table: str, **options: object) -> migrations.CreateModel:
    """One of the four views over the entries of wallets."""
    fields = [
        ("uuid", models.UUIDField(primary_key=True, serialize=False)),
        ("entry_id", models.BigIntegerField()),
        ("account_id", models.UUIDField()),
        ("user_id", models.UUIDField()),
        ("date_time", models.DateTimeField()),
        ("amount", money()),
        ("journal", seen("billing.journal")),
        ("operation", seen("billing.operation", null=True)),
    ]
    return migrations.CreateModel(name, fields, options={"db_table": table, "managed": False, **options})


class Migration(migrations.Migration):
    replaces = [("billing", "0034_ledger_columns")]
    dependencies = [("billing", "0010_statements")]
    operations = [
        migrations.RunSQL(SQL, UNDO),
        leg("Credit", "credit"),
        leg("Debit", "debit"),
        leg("CreditIXIOO", "credit_ixioo", verbose_name="credit IXIOO"),
        leg("DebitIXIOO", "debit_ixioo", verbose_name="debit IXIOO"),
        migrations.CreateModel(
            "Billing",
            [
                ("uuid", models.UUIDField(primary_key=True, serialize=False)),
                ("operation", seen("billing.operation")),
                ("user_id", models.UUIDField()),
                ("machine_id", models.UUIDField(null=True)),
                ("date_time", models.DateTimeField()),
                *((name, models.BigIntegerField(null=True)) for name in COUNTS),
                *((name, money(null=True)) for name in AMOUNTS),
            ],
            options={"db_table": "billing", "managed": False, "verbose_name": "billing row"},
        ),
    ]
