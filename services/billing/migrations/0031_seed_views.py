"""Statements at one speed however long, and the first design's names for money as views over the ledger."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

HERE = Path(__file__).parent


def money(**options: object) -> models.DecimalField:
    """A column for an amount."""
    return models.DecimalField(max_digits=20, decimal_places=8, **options)


def moved(key: models.Field) -> list[tuple[str, models.Field]]:
    """The columns of a sum."""
    return [
        ("account_id", key),
        ("day", models.DateField()),
        ("kind", models.CharField(max_length=30)),
        ("machine_id", models.UUIDField()),
        ("other_id", models.UUIDField()),
        ("machine_name", models.CharField(blank=True, max_length=500)),
        ("came_in", money()),
        ("went_out", money()),
        ("count", models.BigIntegerField()),
    ]


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


def run(name: str) -> migrations.RunSQL:
    """The SQL file of that name, and the one that takes it back."""
    return migrations.RunSQL((HERE / f"{name}.sql").read_text(), (HERE / f"{name}_undo.sql").read_text())


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


class Migration(migrations.Migration):
    """Tables first, then what reads them."""

    dependencies = [("billing", "0030_counts")]
    operations = [
        migrations.CreateModel(
            "StatementMark",
            [
                ("account_id", models.UUIDField(primary_key=True, serialize=False)),
                ("until_posting", models.BigIntegerField()),
            ],
            options={"db_table": "statement_mark"},
        ),
        migrations.CreateModel(
            "StatementProgress",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.BigIntegerField(default=0)),
            ],
            options={"db_table": "statement_progress"},
        ),
        migrations.CreateModel(
            "StatementLine",
            [
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("account_id", models.UUIDField()),
                ("kind", models.CharField(max_length=30)),
                ("machine_id", models.UUIDField(null=True)),
            ],
            options={
                "db_table": "statement_line",
                "indexes": [
                    models.Index(fields=["account_id", "kind", "id"], name="line_by_kind"),
                    models.Index(fields=["account_id", "machine_id", "id"], name="line_by_machine"),
                ],
            },
        ),
        migrations.CreateModel(
            "StatementSum",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                *moved(models.UUIDField()),
            ],
            options={
                "db_table": "statement_sum",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account_id", "day", "kind", "machine_id", "other_id"), name="summed_up_once"
                    )
                ],
            },
        ),
        run("0031_statements"),
        migrations.CreateModel(
            "Turnover",
            moved(models.UUIDField(primary_key=True, serialize=False)),
            options={"db_table": "turnover", "managed": False},
        ),
        run("0031_seed_views"),
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
