"""Statements at one speed however long."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).with_suffix(".sql").read_text()
UNDO = """
DROP VIEW turnover;
DROP FUNCTION lines_after(uuid, bigint);
DROP VIEW entry_line;
"""


def money(**options: object) -> models.DecimalField:
    """A column for an amount."""
    return models.DecimalField(max_digits=20, decimal_places=8, **options)


def moved() -> list[tuple[str, models.Field]]:
    """What an account moved on a day, of one kind, for one machine and other party."""
    return [
        ("day", models.DateField()),
        ("kind", models.CharField(max_length=30)),
        ("machine_id", models.UUIDField()),
        ("other_id", models.UUIDField()),
        ("machine_name", models.CharField(blank=True, max_length=500)),
        ("came_in", money()),
        ("went_out", money()),
        ("count", models.BigIntegerField()),
    ]


class Migration(migrations.Migration):
    replaces = [("billing", "0034_ledger_columns")]
    dependencies = [("billing", "0009_verifying")]
    operations = [
        migrations.CreateModel(
            name="StatementMark",
            fields=[
                ("account_id", models.UUIDField(primary_key=True, serialize=False)),
                ("until_posting", models.BigIntegerField()),
            ],
            options={
                "db_table": "statement_mark",
            },
        ),
        migrations.CreateModel(
            name="StatementProgress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.BigIntegerField(default=0)),
            ],
            options={
                "db_table": "statement_progress",
            },
        ),
        migrations.CreateModel(
            name="StatementLine",
            fields=[
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
            name="StatementSum",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account_id", models.UUIDField()),
                *moved(),
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
        migrations.RunSQL(SQL, UNDO),
        migrations.CreateModel(
            name="Turnover",
            fields=[
                ("account_id", models.UUIDField(primary_key=True, serialize=False)),
                *moved(),
            ],
            options={
                "db_table": "turnover",
                "managed": False,
            },
        ),
    ]
