"""What is asked for and reserved: accounts, coupons, prices, quotes, holds, operations, parties."""

import django.db.models.deletion
from django.db import migrations, models

import shared_models.clock
import shared_models.ids


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("owner_id", models.UUIDField(db_index=True)),
                ("purpose", models.CharField(max_length=20)),
                (
                    "currency",
                    models.CharField(choices=[("USD", "USD"), ("EAML", "EAML"), ("COUPON", "COUPON")], max_length=6),
                ),
                ("floor", models.DecimalField(decimal_places=8, max_digits=20, null=True)),
                ("created_at", models.DateTimeField(default=shared_models.clock.utc_now)),
            ],
            options={
                "db_table": "account",
                "constraints": [
                    models.UniqueConstraint(fields=("owner_id", "purpose", "currency"), name="one_account_a_purpose"),
                    models.CheckConstraint(
                        condition=models.Q(("currency__in", ["USD", "EAML", "COUPON"])), name="account_currency_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "purpose__in",
                                [
                                    "wallet",
                                    "coupon",
                                    "receivable",
                                    "payment_clearing",
                                    "revenue",
                                    "marketplace_fee",
                                    "promo_expense",
                                    "breakage",
                                    "exchange",
                                    "seller_payable",
                                    "payout_in_transit",
                                    "escrow",
                                    "tax",
                                    "suspense",
                                ],
                            )
                        ),
                        name="account_purpose_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Coupon",
            fields=[
                ("code", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("amount", models.DecimalField(decimal_places=8, max_digits=20)),
                ("budget", models.DecimalField(decimal_places=8, max_digits=20)),
                ("granted", models.DecimalField(decimal_places=8, default=0, max_digits=20)),
                ("priority", models.SmallIntegerField(default=100)),
                ("valid_from", models.DateTimeField(default=shared_models.clock.utc_now)),
                ("valid_until", models.DateTimeField(null=True)),
                ("credit_days", models.IntegerField(null=True)),
                ("created_by", models.UUIDField(null=True)),
                ("created_at", models.DateTimeField(default=shared_models.clock.utc_now)),
            ],
            options={
                "db_table": "coupon",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="coupon_worth_something"),
                    models.CheckConstraint(
                        condition=models.Q(("granted__lte", models.F("budget"))), name="within_budget"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CouponLot",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_models.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("owner_id", models.UUIDField(db_index=True)),
                ("granted", models.DecimalField(decimal_places=8, max_digits=20)),
                ("remaining", models.DecimalField(decimal_places=8, max_digits=20)),
                ("held", models.DecimalField(decimal_places=8, default=0, max_digits=20)),
                ("priority", models.SmallIntegerField()),
                ("activated_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lots",
                        to="billing.account",
                    ),
                ),
                (
                    "coupon",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lots", to="billing.coupon"
                    ),
                ),
            ],
            options={
                "db_table": "coupon_lot",
                "constraints": [
                    models.UniqueConstraint(fields=("coupon", "owner_id"), name="one_activation_a_person"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("held__gte", 0),
                            ("remaining__gte", models.F("held")),
                            ("granted__gte", models.F("remaining")),
                        ),
                        name="lot_not_overspent",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DeclinedWork",
            fields=[
                ("work_id", models.UUIDField(primary_key=True, serialize=False)),
                ("payer_id", models.UUIDField(db_index=True)),
                ("reason", models.CharField(max_length=30)),
                ("missing", models.DecimalField(decimal_places=8, default=0, max_digits=20)),
                (
                    "currency",
                    models.CharField(
                        choices=[("USD", "USD"), ("EAML", "EAML"), ("COUPON", "COUPON")], default="USD", max_length=6
                    ),
                ),
                ("machine_name", models.CharField(blank=True, max_length=500)),
                ("declined_at", models.DateTimeField()),
            ],
            options={
                "db_table": "declined_work",
            },
        ),
        migrations.CreateModel(
            name="PriceList",
            fields=[
                ("version", models.IntegerField(primary_key=True, serialize=False)),
                ("training_cell_eaml", models.DecimalField(decimal_places=8, max_digits=20)),
                ("solving_line_eaml", models.DecimalField(decimal_places=8, max_digits=20)),
                ("level_factors", models.JSONField()),
                ("usd_per_eaml", models.DecimalField(decimal_places=8, max_digits=20)),
                ("marketplace_fee_basis_points", models.IntegerField()),
                ("effective_at", models.DateTimeField(default=shared_models.clock.utc_now)),
                ("published_by", models.UUIDField(null=True)),
            ],
            options={
                "db_table": "price_list",
                "ordering": ["-version"],
            },
        ),
        migrations.CreateModel(
            name="Quote",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_models.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("payer_id", models.UUIDField(db_index=True)),
                ("work_id", models.UUIDField(unique=True)),
                ("kind", models.CharField(max_length=30)),
                ("machine_id", models.UUIDField()),
                ("machine_name", models.CharField(max_length=500)),
                ("machine_owner_id", models.UUIDField()),
                ("count_of_lines", models.BigIntegerField()),
                ("columns", models.BigIntegerField()),
                ("level", models.IntegerField()),
                ("price_eaml", models.DecimalField(decimal_places=8, max_digits=20)),
                ("given_at", models.DateTimeField()),
                (
                    "price_list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.pricelist"
                    ),
                ),
                ("price_usd", models.DecimalField(db_default=0, decimal_places=8, default=0, max_digits=20)),
            ],
            options={
                "db_table": "quote",
                "constraints": [
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
                                ],
                            )
                        ),
                        name="quote_kind_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_models.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("work_id", models.UUIDField(unique=True)),
                ("payer_id", models.UUIDField(db_index=True)),
                ("cause", models.UUIDField()),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "quote",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="hold", to="billing.quote"
                    ),
                ),
            ],
            options={
                "db_table": "hold",
            },
        ),
        migrations.CreateModel(
            name="HoldPart",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "currency",
                    models.CharField(choices=[("USD", "USD"), ("EAML", "EAML"), ("COUPON", "COUPON")], max_length=6),
                ),
                ("amount", models.DecimalField(decimal_places=8, max_digits=20)),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.account",
                    ),
                ),
                (
                    "hold",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="parts", to="billing.hold"
                    ),
                ),
                (
                    "lot",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="hold_parts",
                        to="billing.couponlot",
                    ),
                ),
            ],
            options={
                "db_table": "hold_part",
                "ordering": ["id"],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="hold_part_positive")
                ],
            },
        ),
        migrations.CreateModel(
            name="Operation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_models.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.CharField(max_length=30)),
                ("machine_id", models.UUIDField(null=True)),
                ("machine_name", models.CharField(blank=True, max_length=500)),
                ("machine_owner_id", models.UUIDField(null=True)),
                ("operation_user_id", models.UUIDField()),
                ("work_id", models.UUIDField(null=True)),
                ("count_of_lines", models.BigIntegerField(default=0)),
                ("count_of_training_epoch", models.BigIntegerField(null=True)),
                ("columns", models.BigIntegerField(null=True)),
                ("level", models.IntegerField(null=True)),
                ("date_time", models.DateTimeField()),
                (
                    "quote",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="operations",
                        to="billing.quote",
                    ),
                ),
            ],
            options={
                "db_table": "operation",
                "indexes": [models.Index(fields=["operation_user_id", "machine_id"], name="operation_of_user")],
                "constraints": [
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
                                ],
                            )
                        ),
                        name="operation_kind_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Party",
            fields=[
                ("owner_id", models.UUIDField(primary_key=True, serialize=False)),
                ("version", models.BigIntegerField(default=0)),
                ("credit_limit", models.DecimalField(decimal_places=8, default=0, max_digits=20)),
                ("last_billing_time", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(default=shared_models.clock.utc_now)),
                ("tax_basis_points", models.IntegerField(null=True)),
            ],
            options={
                "verbose_name_plural": "parties",
                "db_table": "party",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("credit_limit__gte", 0)), name="credit_limit_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("tax_basis_points__gte", 0), ("tax_basis_points__lte", 10000)),
                        name="tax_rate_fits",
                    ),
                ],
            },
        ),
    ]
