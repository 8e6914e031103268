"""Admin pages of trading: operators read everything but secrets, and stop, pause or fail what runs."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from service_base.admin import ReadOnlyAdmin
from service_base.errors import Refusal
from trading import commands
from trading.models import (
    Bot,
    BotRun,
    CalendarEvent,
    Exchange,
    Fill,
    KnownMachine,
    Order,
    Position,
    Symbol,
    UserAPIKey,
)
from trading.queries import newest_lines

LINES = 200


@admin.register(Exchange)
class ExchangeAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Exchanges."""

    list_display = ("name", "kind", "ccxt_id")


@admin.register(Symbol)
class SymbolAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Symbols; those without owner are everybody's."""

    list_display = ("ticker", "exchange", "asset_type", "owner", "is_active")
    list_filter = ("asset_type", "exchange")
    search_fields = ("ticker", "name")


@admin.register(UserAPIKey)
class UserAPIKeyAdmin(ReadOnlyAdmin):
    """Keys without anything that opens something."""

    list_display = ("name", "exchange", "user", "api_key_public_part", "master_key_id", "last_tested_at")
    exclude = ("encrypted_credentials", "nonce", "wrapped_key")


@admin.register(Bot)
class BotAdmin(ReadOnlyAdmin):
    """Bots, paused, resumed and stopped in bulk."""

    list_display = ("name", "user", "strategy", "pair", "timeframe", "status")
    list_filter = ("status", "strategy", "mode")
    actions = ("activate", "pause", "deactivate")

    @admin.action(description="Resume the open runs")
    def activate(self, request: HttpRequest, chosen: QuerySet[Bot]) -> None:
        """Let paused runs go on."""
        _each_open_run(request, chosen, commands.resume_run)

    @admin.action(description="Pause the open runs")
    def pause(self, request: HttpRequest, chosen: QuerySet[Bot]) -> None:
        """Let no candle pass."""
        _each_open_run(request, chosen, commands.pause_run)

    @admin.action(description="Stop the open runs")
    def deactivate(self, request: HttpRequest, chosen: QuerySet[Bot]) -> None:
        """End the runs."""
        _each_open_run(request, chosen, commands.stop_run)


@admin.register(BotRun)
class BotRunAdmin(ReadOnlyAdmin):
    """Runs with their log."""

    list_display = ("id", "bot", "mode", "status", "start_time", "trades_executed", "profit_loss", "lease_owner")
    list_filter = ("status", "mode")
    readonly_fields = ("log",)
    exclude = ("snapshot",)
    actions = ("stop",)

    @admin.action(description="Stop")
    def stop(self, request: HttpRequest, chosen: QuerySet[BotRun]) -> None:
        """End the chosen runs."""
        for run in chosen:
            _ask(request, commands.stop_run, run)

    @admin.display(description="Log")
    def log(self, run: BotRun) -> SafeString:
        """The newest lines."""
        rows = ((line.offset, line.level, line.event, line.fields) for line in newest_lines(run, limit=LINES))
        return format_html("<pre>{}</pre>", format_html_join("\n", "{} {} {} {}", rows))


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Orders."""

    list_display = ("id", "run", "side", "purpose", "quantity", "status", "reason")
    list_filter = ("status", "reason")


@admin.register(Fill)
class FillAdmin(ReadOnlyAdmin):
    """Fills."""

    list_display = ("filled_at", "run", "side", "price", "quantity", "fee", "profit")


@admin.register(Position)
class PositionAdmin(ReadOnlyAdmin):
    """Positions."""

    list_display = ("run", "quantity", "average_price", "realised")


@admin.register(CalendarEvent)
class CalendarEventAdmin(ReadOnlyAdmin):
    """The calendar as scheduler told it."""

    list_display = ("starts_at", "event_name", "currency", "importance")
    list_filter = ("importance", "currency")


@admin.register(KnownMachine)
class KnownMachineAdmin(ReadOnlyAdmin):
    """Machines as ml told of them."""

    list_display = ("name", "owner_id", "trained_at", "is_deleted")


def _each_open_run(request: HttpRequest, bots: QuerySet[Bot], command: object) -> None:
    for bot in bots:
        run = bot.get_current_run()
        if run is not None:
            _ask(request, command, run)


def _ask(request: HttpRequest, command: object, run: BotRun) -> None:
    assert callable(command)
    try:
        command(run_id=run.pk)
    except Refusal as refusal:
        messages.warning(request, f"{run}: {refusal.detail}")
