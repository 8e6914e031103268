"""Admin pages of ml, to be read: changes go through commands, so that other services hear of them."""

from __future__ import annotations

from django.contrib import admin

from ml.models import (
    DataLine,
    DataLinesOperation,
    EncDecConfiguration,
    Funds,
    Graph,
    Machine,
    MachineTableLockWrite,
    NNModel,
    PriceList,
    PublishedUsage,
    Purchase,
    Server,
    SolvedLines,
    TableReading,
    UsageCount,
    Work,
)
from service_base.admin import ReadOnlyAdmin


@admin.register(Machine)
class MachineAdmin(ReadOnlyAdmin):
    """Machines."""

    list_display = ("machine_name", "machine_owner_user", "machine_level", "learning_lines", "created_at", "deleted_at")
    search_fields = ("machine_name",)


@admin.register(DataLine)
class DataLineAdmin(ReadOnlyAdmin):
    """Stretches of lines."""

    list_display = ("file_name", "machine", "sequence", "purpose", "line_count", "bad_line_count")


@admin.register(DataLinesOperation)
class DataLinesOperationAdmin(ReadOnlyAdmin):
    """Appended lines that somebody has to look at."""

    list_display = ("machine_id", "date_time", "is_added_for_learning", "is_added_for_solving")


@admin.register(NNModel)
class NNModelAdmin(ReadOnlyAdmin):
    """Trained models."""

    list_display = ("folder", "sha256", "size_bytes", "created_at")


@admin.register(EncDecConfiguration)
class EncDecConfigurationAdmin(ReadOnlyAdmin):
    """Encoders."""

    list_display = ("id", "format_version", "created_at")


@admin.register(Work)
class WorkAdmin(ReadOnlyAdmin):
    """Work; dead work is found by its state."""

    list_display = ("id", "kind", "state", "machine", "attempts", "server", "created_at", "finished_at")
    list_filter = ("state", "kind")


@admin.register(Purchase)
class PurchaseAdmin(ReadOnlyAdmin):
    """Lines, copies and news that people bought of each other."""

    list_display = ("id", "kind", "state", "machine_name", "buyer", "price_usd", "created_at", "finished_at")
    list_filter = ("state", "kind")


@admin.register(Server)
class ServerAdmin(ReadOnlyAdmin):
    """Trainers."""

    list_display = ("server_name", "server_info_ready", "server_cpu_count", "server_ram_bytes", "heartbeat_at")


@admin.register(MachineTableLockWrite)
class MachineTableLockWriteAdmin(ReadOnlyAdmin):
    """Locks on machines' lines."""

    list_display = ("table_name", "owner", "token", "locked_at", "expires_at")


@admin.register(Graph)
class GraphAdmin(ReadOnlyAdmin):
    """Graphs that people kept."""

    list_display = ("graph_name", "graph_type", "machine", "made_by", "created_at")
    list_filter = ("graph_type",)


@admin.register(PriceList)
class PriceListAdmin(ReadOnlyAdmin):
    """Billing's prices as they are known here."""

    list_display = ("list_name", "version", "effective_at")


@admin.register(Funds)
class FundsAdmin(ReadOnlyAdmin):
    """What people can spend, as billing last said."""

    list_display = ("owner_id", "version", "usd_available", "eaml_available", "coupon_available")


@admin.register(SolvedLines)
class SolvedLinesAdmin(ReadOnlyAdmin):
    """Lines solved by day."""

    list_display = ("machine_id", "caller_id", "channel", "day", "lines", "requests")


@admin.register(PublishedUsage)
class PublishedUsageAdmin(ReadOnlyAdmin):
    """Usage events that were said."""

    list_display = ("event_id", "at", "payer_id", "lines", "version")


@admin.register(UsageCount)
class UsageCountAdmin(ReadOnlyAdmin):
    """Usage by hour as it was counted and told."""

    list_display = ("hour", "version", "events", "lines", "first_at")


@admin.register(TableReading)
class TableReadingAdmin(ReadOnlyAdmin):
    """Large uploads while they are read."""

    list_display = ("file_name", "purpose", "state", "requested_by", "size_bytes", "attempts", "created_at")
