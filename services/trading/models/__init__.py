"""Trading's tables: the market, the people's keys and bots, what their runs did, and what other services told."""

from trading.models.bots import Bot, BotRun, RunStatus, UserAPIKey
from trading.models.history import BotRunLog, EquityPoint, Fill, Order, Position
from trading.models.market import CandleFrontier, Exchange, Price, Symbol
from trading.models.projections import CalendarEvent, KnownMachine

__all__ = [
    "Bot",
    "BotRun",
    "BotRunLog",
    "CalendarEvent",
    "CandleFrontier",
    "EquityPoint",
    "Exchange",
    "Fill",
    "KnownMachine",
    "Order",
    "Position",
    "Price",
    "RunStatus",
    "Symbol",
    "UserAPIKey",
]
