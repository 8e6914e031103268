"""Why an entry was denied, in words a person can act on."""

from trading.rules.book import Book
from trading.rules.limits import Limits
from trading.rules.market import Instrument, plain
from trading.rules.orders import Reason
from trading.rules.pauses import Window


def why_denied(reason: Reason, *, book: Book, limits: Limits, instrument: Instrument, window: Window | None) -> str:
    """The sentence behind a reason code."""
    match reason:
        case Reason.CALENDAR_PAUSE if window is not None:
            return f"paused around {', '.join(window.names)}"
        case Reason.CALENDAR_UNVERIFIED:
            return "the calendar says nothing about this time, which is not the same as no event"
        case Reason.MAX_DAILY_TRADES:
            return f"{book.day_entries} entries today, the limit is {limits.max_daily_trades}"
        case Reason.DAILY_LOSS_LIMIT:
            return f"today's loss reached {limits.daily_loss_percentage} %"
        case Reason.BELOW_ONE_LOT:
            return f"the size comes to less than one lot of {plain(instrument.lot)}"
        case _:
            return f"worth less than the exchange's minimum of {plain(instrument.minimum_notional)}"
