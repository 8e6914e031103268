"""What runs did: orders, fills, positions, and, as time series, equity and log lines."""

from __future__ import annotations

from django.db import models

from shared_models.fields import id_field, money_field, one_of
from shared_models.timeseries import TimescaleModel
from trading.models.bots import BotRun
from trading.rules.market import Side
from trading.rules.orders import OrderState, Purpose, Reason

SIDES = [side.value for side in Side]
STATES = [state.value for state in OrderState]
PURPOSES = [purpose.value for purpose in Purpose]
LEVELS = ["info", "warning", "error"]


class Order(models.Model):
    """An order; its id is the client order id that follows from run, candle and purpose."""

    id = models.UUIDField(primary_key=True, editable=False)
    run = models.ForeignKey(BotRun, on_delete=models.CASCADE, related_name="orders")
    decided_at = models.DateTimeField()
    candle_index = models.IntegerField()
    side = models.CharField(max_length=4, choices=[(side, side) for side in SIDES])
    purpose = models.CharField(max_length=20, choices=[(purpose, purpose) for purpose in PURPOSES])
    quantity = models.DecimalField(max_digits=28, decimal_places=8)
    filled_quantity = models.DecimalField(max_digits=28, decimal_places=8, default=0)
    status = models.CharField(max_length=20, choices=[(state, state) for state in STATES])
    reason = models.CharField(max_length=30, blank=True, choices=[(reason.value, reason.value) for reason in Reason])
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "trade_order"
        constraints = [
            one_of("order_status_known", "status", STATES),
            one_of("order_side_known", "side", SIDES),
            models.CheckConstraint(
                name="order_not_overfilled", condition=models.Q(filled_quantity__lte=models.F("quantity"))
            ),
        ]
        indexes = [models.Index(fields=["run", "decided_at"], name="order_by_run")]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} ({self.status})"


class Fill(models.Model):
    """What an order got. `profit` is that of the sold part by average cost, all fees inside; zero for purchases."""

    id = id_field()
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="fills")
    run = models.ForeignKey(BotRun, on_delete=models.CASCADE, related_name="fills")
    candle_index = models.IntegerField()
    filled_at = models.DateTimeField()
    side = models.CharField(max_length=4, choices=[(side, side) for side in SIDES])
    price = money_field()
    quantity = models.DecimalField(max_digits=28, decimal_places=8)
    fee = money_field()
    profit = money_field(default=0)

    class Meta:
        db_table = "fill"
        constraints = [
            models.UniqueConstraint(fields=["order", "candle_index"], name="fill_once"),
            models.CheckConstraint(name="fill_positive", condition=models.Q(price__gt=0, quantity__gt=0)),
        ]
        indexes = [models.Index(fields=["run", "filled_at"], name="fill_by_run")]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} at {self.price}"


class Position(models.Model):
    """What a run holds."""

    run = models.OneToOneField(BotRun, on_delete=models.CASCADE, primary_key=True, related_name="position")
    quantity = models.DecimalField(max_digits=28, decimal_places=8, default=0)
    average_price = money_field(default=0)
    cash = money_field(default=0)
    realised = money_field(default=0)
    fees = money_field(default=0)

    class Meta:
        db_table = "position"

    def __str__(self) -> str:
        return f"{self.quantity} at {self.average_price}"


class EquityPoint(TimescaleModel):
    """The account of a run at a candle's close."""

    pk = models.CompositePrimaryKey("run_id", "time")
    run_id = models.UUIDField()
    time = models.DateTimeField()
    equity = money_field()
    cash = money_field()
    quantity = models.DecimalField(max_digits=28, decimal_places=8)

    class Meta:
        db_table = "equity_point"

    def __str__(self) -> str:
        return f"{self.time:%Y-%m-%dT%H:%MZ} {self.equity}"


class BotRunLog(TimescaleModel):
    """A line of a run's log. Offsets of a run have no holes; a line counts once the run's own offset passed it."""

    pk = models.CompositePrimaryKey("run_id", "offset", "timestamp")
    run_id = models.UUIDField()
    offset = models.BigIntegerField()
    timestamp = models.DateTimeField()
    level = models.CharField(max_length=10, choices=[(level, level) for level in LEVELS])
    event = models.CharField(max_length=60)
    fields = models.JSONField(default=dict)
    candle_at = models.DateTimeField(null=True)
    order_id = models.UUIDField(null=True)

    class Meta:
        db_table = "bot_run_log"

    def __str__(self) -> str:
        return f"{self.offset} {self.level} {self.event}"
