"""Consulting: requests, offers, files, steps, and the machines they are about."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

import shared_models.ids

SQL = Path(__file__).with_suffix(".sql").read_text()
UNDO = """
DROP FUNCTION consulting_request_moves_on() CASCADE;
"""


class Migration(migrations.Migration):
    replaces = [("billing", "0034_ledger_columns")]
    dependencies = [("billing", "0007_bills")]
    operations = [
        migrations.CreateModel(
            name="KnownMachine",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("version", models.BigIntegerField(default=0)),
                ("machine_name", models.CharField(max_length=500)),
                ("machine_owner_id", models.UUIDField(db_index=True)),
                ("machine_owner_team_id", models.UUIDField(db_index=True, null=True)),
                ("deleted", models.BooleanField(default=False)),
            ],
            options={
                "db_table": "known_machine",
            },
        ),
        migrations.CreateModel(
            name="ConsultingRequest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_models.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("request_key", models.CharField(max_length=64, null=True, unique=True)),
                ("user_id", models.UUIDField(db_index=True)),
                ("team_id", models.UUIDField(db_index=True, null=True)),
                ("category", models.CharField(max_length=20)),
                ("description", models.TextField()),
                ("machine_id", models.UUIDField(null=True)),
                ("machine_name", models.CharField(blank=True, max_length=500)),
                ("budget_estimation", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
                ("status", models.CharField(db_index=True, default="open", max_length=16)),
                ("consultant_user_id", models.UUIDField(db_index=True, null=True)),
                ("amount_usd", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
                ("delay_days", models.IntegerField(null=True)),
                ("fee_basis_points", models.IntegerField(null=True)),
                ("date_time_creation", models.DateTimeField()),
                ("waiting_consultant_approval_date_time", models.DateTimeField(null=True)),
                ("contract_start_date_time", models.DateTimeField(null=True)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("contract_end_date_time", models.DateTimeField(null=True)),
                ("disputed_at", models.DateTimeField(null=True)),
                ("disputed_by", models.UUIDField(null=True)),
                ("settled_by", models.UUIDField(null=True)),
                ("paid_usd", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
                ("fee_usd", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
                ("returned_usd", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
                (
                    "ended_journal",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contract_ended",
                        to="billing.journal",
                    ),
                ),
                (
                    "signed_journal",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contract_signed",
                        to="billing.journal",
                    ),
                ),
            ],
            options={
                "db_table": "consulting_request",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["open", "waiting_approval", "contract", "finished", "failed", "cancelled"])
                        ),
                        name="consulting_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("category__in", ["data_engineering", "machine_performance", "api_integration", "other"])
                        ),
                        name="consulting_category_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("consultant_user_id", None),
                            models.Q(("consultant_user_id", models.F("user_id")), _negated=True),
                            _connector="OR",
                        ),
                        name="nobody_consults_herself",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "open"), _negated=True),
                            models.Q(
                                ("amount_usd", None),
                                ("consultant_user_id", None),
                                ("delay_days", None),
                                ("signed_journal", None),
                            ),
                            _connector="OR",
                        ),
                        name="open_has_no_terms",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["open", "cancelled"]),
                            models.Q(
                                ("amount_usd__isnull", False),
                                ("consultant_user_id__isnull", False),
                                ("delay_days__isnull", False),
                                ("amount_usd__gt", 0),
                                ("delay_days__gt", 0),
                            ),
                            _connector="OR",
                        ),
                        name="terms_are_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("status__in", ["open", "waiting_approval"]),
                                ("ended_journal", None),
                                ("signed_journal", None),
                            ),
                            models.Q(
                                ("ended_journal", None), ("status", "contract"), ("signed_journal__isnull", False)
                            ),
                            models.Q(
                                ("ended_journal__isnull", False),
                                ("status__in", ["finished", "failed"]),
                                ("signed_journal__isnull", False),
                            ),
                            models.Q(
                                ("status", "cancelled"),
                                models.Q(
                                    models.Q(("ended_journal", None), ("signed_journal", None)),
                                    models.Q(("signed_journal__isnull", False), ("ended_journal__isnull", False)),
                                    _connector="OR",
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="contract_is_posted",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ended_journal", None), ("fee_usd", None), ("paid_usd", None), ("returned_usd", None)
                            ),
                            models.Q(
                                ("ended_journal__isnull", False),
                                ("amount_usd__isnull", False),
                                ("fee_usd__isnull", False),
                                ("paid_usd__isnull", False),
                                ("returned_usd__isnull", False),
                                (
                                    "amount_usd",
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("paid_usd"), "+", models.F("fee_usd")
                                        ),
                                        "+",
                                        models.F("returned_usd"),
                                    ),
                                ),
                                ("fee_usd__gte", 0),
                                ("paid_usd__gte", 0),
                                ("returned_usd__gte", 0),
                            ),
                            _connector="OR",
                        ),
                        name="parts_sum_to_the_amount",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("disputed_at", None), ("settled_by", None)),
                            models.Q(("disputed_at__isnull", False), ("ended_journal", None), ("settled_by", None)),
                            models.Q(
                                ("disputed_at__isnull", False),
                                ("ended_journal__isnull", False),
                                ("settled_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="a_dispute_ends_by_settlement",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ConsultingOffer",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_models.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("consultant_user_id", models.UUIDField(db_index=True)),
                ("amount_usd", models.DecimalField(decimal_places=8, max_digits=20)),
                ("delay_days", models.IntegerField()),
                ("message", models.CharField(blank=True, max_length=2000)),
                ("state", models.CharField(default="made", max_length=10)),
                ("made_at", models.DateTimeField()),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="offers",
                        to="billing.consultingrequest",
                    ),
                ),
            ],
            options={
                "db_table": "consulting_offer",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["made", "chosen", "withdrawn"])), name="offer_state_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_usd__gt", 0), ("delay_days__gt", 0)), name="offer_positive"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "withdrawn"), _negated=True),
                        fields=("request", "consultant_user_id"),
                        name="one_standing_offer_a_consultant",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ConsultingFile",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_models.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("uploaded_by", models.UUIDField()),
                ("uploaded_at", models.DateTimeField()),
                ("file_name", models.CharField(max_length=200)),
                ("kind", models.CharField(max_length=40)),
                ("media_type", models.CharField(max_length=100)),
                ("size_bytes", models.BigIntegerField()),
                ("size_class", models.CharField(max_length=10)),
                ("sha256", models.CharField(max_length=64)),
                ("path", models.CharField(max_length=200)),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="billing.consultingrequest",
                    ),
                ),
            ],
            options={
                "db_table": "consulting_file",
                "constraints": [models.UniqueConstraint(fields=("request", "sha256", "file_name"), name="a_file_once")],
            },
        ),
        migrations.CreateModel(
            name="ConsultingStep",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("what", models.CharField(max_length=20)),
                ("by", models.UUIDField()),
                ("at", models.DateTimeField()),
                ("note", models.CharField(blank=True, max_length=2000)),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="billing.consultingrequest",
                    ),
                ),
            ],
            options={
                "db_table": "consulting_step",
            },
        ),
        migrations.RunSQL(SQL, UNDO),
    ]
