"""Purchases of lines, copies and news; prices of them that are not negative; everything published is on the market."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import shared_models.clock
import shared_models.ids


class Migration(migrations.Migration):
    dependencies = [("ml", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="Purchase",
            fields=[
                ("created_at", models.DateTimeField(default=shared_models.clock.utc_now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "id",
                    models.UUIDField(
                        default=shared_models.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("buy_data_source", "buy_data_source"),
                            ("machine_copy", "machine_copy"),
                            ("machine_copy_update", "machine_copy_update"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("awaiting_funds", "awaiting_funds"),
                            ("queued", "queued"),
                            ("running", "running"),
                            ("succeeded", "succeeded"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                        ],
                        default="awaiting_funds",
                        max_length=20,
                    ),
                ),
                ("machine_name", models.CharField(max_length=500)),
                ("price_usd", models.DecimalField(decimal_places=8, max_digits=20)),
                ("columns", models.IntegerField()),
                ("lines", models.BigIntegerField()),
                ("hold_id", models.UUIDField(blank=True, null=True)),
                ("held", models.JSONField(blank=True, default=list)),
                ("charged", models.JSONField(blank=True, default=list)),
                ("attempts", models.IntegerField(default=0)),
                ("lease_token", models.BigIntegerField(default=0)),
                ("lease_expires_at", models.DateTimeField(blank=True, null=True)),
                ("progress_percent", models.FloatField(default=0)),
                ("progress_stage", models.CharField(blank=True, max_length=40)),
                ("reason", models.TextField(blank=True)),
                ("result_path", models.CharField(blank=True, max_length=300)),
                ("result_sha256", models.CharField(blank=True, max_length=64)),
                ("result_size", models.BigIntegerField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "db_table": "purchase",
            },
        ),
        migrations.RemoveIndex(
            model_name="machine",
            name="machine_on_the_market",
        ),
        migrations.AddIndex(
            model_name="machine",
            index=models.Index(
                condition=models.Q(("deleted_at", None), ("published_at__isnull", False)),
                fields=["-published_at"],
                name="machine_on_the_market",
            ),
        ),
        migrations.AddConstraint(
            model_name="machine",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("machine_copy_cost_usd__gte", 0),
                    ("machine_copy_update_cost_usd__gte", 0),
                    ("machine_data_source_price_usd__gte", 0),
                ),
                name="sale_prices_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="machine",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("machine_original", None),
                    models.Q(("machine_data_source_is_public", False), ("machine_is_duplicatable", False)),
                    _connector="OR",
                ),
                name="a_copys_lines_are_not_sold",
            ),
        ),
        migrations.AddField(
            model_name="purchase",
            name="buyer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="purchases", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="purchase",
            name="copy",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="bought_by",
                to="ml.machine",
            ),
        ),
        migrations.AddField(
            model_name="purchase",
            name="machine",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="sales", to="ml.machine"),
        ),
        migrations.AddField(
            model_name="purchase",
            name="seller",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="sales", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="purchase",
            index=models.Index(fields=["buyer", "-created_at"], name="purchase_by_buyer"),
        ),
        migrations.AddIndex(
            model_name="purchase",
            index=models.Index(fields=["machine", "-created_at"], name="purchase_by_machine"),
        ),
        migrations.AddIndex(
            model_name="purchase",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "running"])),
                fields=["created_at"],
                name="purchase_to_deliver",
            ),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["buy_data_source", "machine_copy", "machine_copy_update"])),
                name="purchase_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["awaiting_funds", "queued", "running", "succeeded", "failed", "cancelled"])
                ),
                name="purchase_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.CheckConstraint(
                condition=models.Q(("price_usd__gte", 0)), name="purchase_price_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.CheckConstraint(
                condition=models.Q(("buyer", models.F("seller")), _negated=True), name="nobody_buys_from_herself"
            ),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.CheckConstraint(
                condition=models.Q(("attempts__range", (0, 3))), name="deliveries_bounded"
            ),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at__isnull", False), ("state__in", ["cancelled", "failed", "succeeded"])),
                    models.Q(("finished_at", None), ("state__in", ["awaiting_funds", "queued", "running"])),
                    _connector="OR",
                ),
                name="ended_purchase_says_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["awaiting_funds", "queued", "running"])),
                fields=("buyer", "machine", "kind"),
                name="one_purchase_at_a_time",
            ),
        ),
    ]
