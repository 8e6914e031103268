"""Writing trading: keyword-only, one function one transaction."""

from trading.commands.bots import change_bot, create_bot, delete_bot
from trading.commands.candles import refresh_candles
from trading.commands.keys import add_key, delete_key, rotate_keys, test_key
from trading.commands.leases import Lease, LeaseLost, claim, release, renew
from trading.commands.logs import Line, add_log
from trading.commands.market import Ingested, change_symbol, create_symbol, ingest
from trading.commands.projections import forget_machine, remember_economic_event, remember_training, rename_machine
from trading.commands.runs import pause_run, resume_run, start_run, stop_run
from trading.commands.steps import Progress, begin, end, idle, record, seen

__all__ = [
    "Ingested",
    "Lease",
    "LeaseLost",
    "Line",
    "Progress",
    "add_key",
    "add_log",
    "begin",
    "change_bot",
    "change_symbol",
    "claim",
    "create_bot",
    "create_symbol",
    "delete_bot",
    "delete_key",
    "end",
    "forget_machine",
    "idle",
    "ingest",
    "pause_run",
    "record",
    "refresh_candles",
    "release",
    "remember_economic_event",
    "remember_training",
    "rename_machine",
    "renew",
    "resume_run",
    "rotate_keys",
    "seen",
    "start_run",
    "stop_run",
    "test_key",
]
