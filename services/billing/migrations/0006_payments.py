"""What came in and went out through providers."""

import django.db.models.deletion
from django.db import migrations, models

import shared_models.clock
import shared_models.ids


class Migration(migrations.Migration):
    replaces = [("billing", "0034_ledger_columns")]
    dependencies = [("billing", "0005_privileges")]
    operations = [
        migrations.CreateModel(
            name="Payment",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_models.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("owner_id", models.UUIDField(db_index=True)),
                ("provider", models.CharField(max_length=20)),
                ("reference", models.CharField(max_length=100, unique=True)),
                ("amount", models.DecimalField(decimal_places=8, max_digits=20)),
                (
                    "currency",
                    models.CharField(
                        choices=[("USD", "USD"), ("EAML", "EAML"), ("COUPON", "COUPON")], default="USD", max_length=6
                    ),
                ),
                ("status", models.CharField(default="pending", max_length=10)),
                ("created_at", models.DateTimeField(default=shared_models.clock.utc_now)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "journal",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payment",
                        to="billing.journal",
                    ),
                ),
                ("charge_reference", models.CharField(max_length=100, null=True, unique=True)),
                ("pay_at", models.URLField(blank=True, max_length=2000)),
                ("refunded", models.DecimalField(decimal_places=8, default=0, max_digits=20)),
                ("request_key", models.CharField(max_length=64, null=True, unique=True)),
            ],
            options={
                "db_table": "payment",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="payment_positive"),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["pending", "succeeded", "failed", "refunded"])),
                        name="payment_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("refunded__gte", 0), ("refunded__lte", models.F("amount"))),
                        name="refunded_at_most_paid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("journal__isnull", False), ("status__in", ["succeeded", "refunded"])),
                            models.Q(("journal", None), ("status__in", ["pending", "failed"])),
                            _connector="OR",
                        ),
                        name="succeeded_means_posted",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Payout",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_models.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("owner_id", models.UUIDField(db_index=True)),
                ("provider", models.CharField(max_length=20)),
                ("reference", models.CharField(max_length=100, null=True, unique=True)),
                ("destination", models.CharField(blank=True, max_length=100)),
                ("amount", models.DecimalField(decimal_places=8, max_digits=20)),
                (
                    "currency",
                    models.CharField(
                        choices=[("USD", "USD"), ("EAML", "EAML"), ("COUPON", "COUPON")], default="USD", max_length=6
                    ),
                ),
                ("status", models.CharField(db_index=True, default="requested", max_length=10)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("requested_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "journal",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="payout", to="billing.journal"
                    ),
                ),
            ],
            options={
                "db_table": "payout",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["requested", "in_transit", "paid", "failed"])),
                        name="payout_state_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="payout_positive"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProviderReport",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("provider", models.CharField(max_length=20)),
                ("event_id", models.CharField(max_length=100)),
                ("kind", models.CharField(max_length=20)),
                ("reference", models.CharField(max_length=100)),
                ("happened_at", models.DateTimeField()),
                ("received_at", models.DateTimeField(default=shared_models.clock.utc_now)),
            ],
            options={
                "db_table": "provider_report",
                "constraints": [models.UniqueConstraint(fields=("provider", "event_id"), name="reported_once")],
            },
        ),
        migrations.CreateModel(
            name="UnmatchedPayment",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_models.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("provider", models.CharField(max_length=20)),
                ("reference", models.CharField(max_length=100)),
                ("charge_reference", models.CharField(max_length=100, null=True, unique=True)),
                ("amount", models.DecimalField(decimal_places=8, max_digits=20)),
                ("refunded", models.DecimalField(decimal_places=8, default=0, max_digits=20)),
                ("currency", models.CharField(max_length=3)),
                ("reason", models.CharField(max_length=200)),
                ("received_at", models.DateTimeField()),
                (
                    "assigned_by",
                    models.OneToOneField(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.journal"
                    ),
                ),
                (
                    "journal",
                    models.OneToOneField(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.journal"
                    ),
                ),
            ],
            options={
                "db_table": "unmatched_payment",
                "constraints": [models.UniqueConstraint(fields=("provider", "reference"), name="set_aside_once")],
            },
        ),
    ]
