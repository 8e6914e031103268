"""People's keys, their bots and the runs of those."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.module_loading import import_string

from shared_models.clock import utc_now
from shared_models.fields import SchemaJSONField, Timestamped, id_field, money_field, one_of
from trading.models.market import TIMEFRAMES, Exchange, Symbol
from trading.rules.runspec import Mode, PausesByImportance

STRATEGIES = ["grid", "dca", "scalping", "momentum", "mean_reversion", "arbitrage", "ml_signal", "custom"]
BOT_STATUSES = ["inactive", "active", "paused", "error"]
MODES = [mode.value for mode in Mode]


class RunStatus(models.TextChoices):
    """Where a run stands."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = [RunStatus.STARTING, RunStatus.RUNNING, RunStatus.STOPPING]


def percentage(**options: Any) -> models.DecimalField[Any, Any]:
    """A column for a percentage above 0 and up to 100."""
    checks = [MinValueValidator(Decimal("0.01")), MaxValueValidator(Decimal(100))]
    return models.DecimalField(max_digits=5, decimal_places=2, validators=checks, **options)


def rate(**options: Any) -> models.DecimalField[Any, Any]:
    """A column for a share of the price: 0.0002 is 0.02 %."""
    checks = [MinValueValidator(Decimal(0)), MaxValueValidator(Decimal("0.5"))]
    return models.DecimalField(max_digits=10, decimal_places=8, validators=checks, default=0, **options)


class UserAPIKey(Timestamped):
    """A person's key of an exchange, sealed: it opens for this row only, by trading.envelope."""

    id = id_field()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    exchange = models.ForeignKey(Exchange, on_delete=models.PROTECT)
    name = models.CharField(max_length=100)
    api_key_public_part = models.CharField(max_length=255, blank=True)
    encrypted_credentials = models.BinaryField()
    nonce = models.BinaryField()
    wrapped_key = models.BinaryField()
    master_key_id = models.CharField(max_length=40)
    is_active = models.BooleanField(default=True)
    last_tested_at = models.DateTimeField(null=True)
    test_result = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "user_api_key"
        constraints = [
            models.UniqueConstraint(fields=["user", "exchange", "name"], name="key_name_once"),
            # What a bot's composite foreign key points to, so that it can only hold its own user's key.
            models.UniqueConstraint(fields=["id", "user"], name="key_of_user"),
        ]

    def __str__(self) -> str:
        return f"{self.name} at {self.exchange}"

    @property
    def identity(self) -> str:
        """What the ciphertext is bound to."""
        return f"user_api_key:{self.pk}:{self.user_id}"


class Bot(Timestamped):
    """A strategy with its market, its limits and its money."""

    id = id_field()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="bots")
    name = models.CharField(max_length=100)
    # The database itself keeps this to the user's own keys and forgets it when the key goes: see the migration.
    exchange_key = models.ForeignKey(UserAPIKey, on_delete=models.SET_NULL, null=True, blank=True, related_name="bots")
    strategy = models.CharField(max_length=20, choices=[(name, name) for name in STRATEGIES])
    symbol = models.ForeignKey(Symbol, on_delete=models.PROTECT, related_name="bots")
    pair = models.CharField(max_length=20)
    timeframe = models.CharField(max_length=3, choices=TIMEFRAMES, default="1h")
    parameters = models.JSONField(default=dict, blank=True)
    mode = models.CharField(max_length=10, choices=[(mode, mode) for mode in MODES], default="paper")
    status = models.CharField(max_length=10, choices=[(status, status) for status in BOT_STATUSES], default="inactive")
    max_daily_trades = models.PositiveIntegerField(default=10, validators=[MinValueValidator(1)])
    risk_percentage = percentage(default=Decimal("1.00"))
    stop_loss_percentage = percentage(null=True, blank=True)
    take_profit_percentage = models.DecimalField(
        max_digits=7, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(Decimal("0.01"))]
    )
    max_drawdown_percentage = percentage(null=True, blank=True)
    daily_loss_percentage = percentage(null=True, blank=True)
    starting_cash = money_field(default=Decimal(10_000), validators=[MinValueValidator(Decimal("0.01"))])
    fee_rate = rate()
    spread = rate()
    slippage = rate()
    pauses = SchemaJSONField(default=dict, blank=True, shape=PausesByImportance)
    pause_currencies = SchemaJSONField(default=list, blank=True, shape=list[str])
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = "bot"
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="bot_name_once", condition=models.Q(deleted_at=None)),
            one_of("bot_strategy_known", "strategy", STRATEGIES),
            one_of("bot_status_known", "status", BOT_STATUSES),
            one_of("bot_mode_known", "mode", MODES),
            models.CheckConstraint(name="bot_trades_positive", condition=models.Q(max_daily_trades__gte=1)),
            models.CheckConstraint(
                name="bot_risk_sane", condition=models.Q(risk_percentage__gte=Decimal("0.01"), risk_percentage__lte=100)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        """Whether it trades right now."""
        return self.status == "active"

    def get_current_run(self) -> BotRun | None:
        """The run that is open, if any."""
        return self.runs.filter(status__in=OPEN).first()

    def get_total_runs(self) -> int:
        """How many runs it ever had."""
        return self.runs.count()

    def get_successful_runs(self) -> int:
        """How many of them were completed."""
        return self.runs.filter(status=RunStatus.COMPLETED).count()

    def get_success_rate(self) -> float | None:
        """Completed among ended runs, in percent; None before the first ended."""
        ended = self.runs.exclude(status__in=OPEN).count()
        return 100 * self.get_successful_runs() / ended if ended else None

    def has_active_runs(self) -> bool:
        """Whether a run is open."""
        return self.runs.filter(status__in=OPEN).exists()


class BotRun(models.Model):
    """One run of a bot. An engine works on it only while it holds the lease with the newest `lease_token`."""

    id = id_field()
    bot = models.ForeignKey(Bot, on_delete=models.PROTECT, related_name="runs")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="runs")
    mode = models.CharField(max_length=10, choices=[(mode, mode) for mode in MODES])
    status = models.CharField(max_length=10, choices=RunStatus.choices, default=RunStatus.STARTING)
    created_at = models.DateTimeField(default=utc_now, editable=False)
    start_time = models.DateTimeField(default=utc_now)
    end_time = models.DateTimeField(null=True)
    trades_executed = models.IntegerField(default=0)
    profit_loss = money_field(default=0)
    error_message = models.TextField(blank=True)
    run_parameters = models.JSONField(default=dict)
    notes = models.TextField(blank=True)
    report = models.JSONField(null=True)
    # What an engine needs to continue, and what it is asked to do.
    snapshot = models.JSONField(null=True)
    log_offset = models.BigIntegerField(default=0)
    candles_done = models.IntegerField(default=0)
    candles_total = models.IntegerField(null=True)
    last_candle_at = models.DateTimeField(null=True)
    equity = money_field(null=True)
    idle_reason = models.CharField(max_length=300, blank=True)
    is_paused = models.BooleanField(default=False)
    lease_owner = models.CharField(max_length=100, blank=True)
    lease_token = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "bot_run"
        constraints = [
            models.UniqueConstraint(
                fields=["bot"], name="one_open_run_a_bot", condition=models.Q(status__in=[s.value for s in OPEN])
            ),
            one_of("run_status_known", "status", RunStatus.values),
            one_of("run_mode_known", "mode", MODES),
            models.CheckConstraint(
                name="ended_runs_have_an_end",
                condition=models.Q(status__in=[s.value for s in OPEN]) | models.Q(end_time__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["bot", "-start_time"], name="run_by_bot"),
            models.Index(fields=["status", "lease_until"], name="run_to_lease"),
        ]

    def __str__(self) -> str:
        return f"{self.mode} of {self.bot}"

    @property
    def is_running(self) -> bool:
        """Whether it is open."""
        return self.status in OPEN

    @property
    def duration(self) -> timedelta:
        """From start to end, or to now."""
        return (self.end_time or utc_now()) - self.start_time

    @property
    def progress(self) -> float | None:
        """Share of the candles done; None where nobody knows how many will come."""
        if self.candles_total is None:
            return None
        return min(1.0, self.candles_done / self.candles_total) if self.candles_total else 1.0

    def stop_run(self) -> BotRun:
        """Ask the engine to end the run."""
        return import_string("trading.commands.stop_run")(run_id=self.pk)  # type: ignore[no-any-return]

    def add_log(self, level: str, event: str, **fields: str) -> int:
        """Append a line to the run's log; gives its offset."""
        return import_string("trading.commands.add_log")(run_id=self.pk, level=level, event=event, fields=fields)  # type: ignore[no-any-return]
