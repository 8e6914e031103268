"""What billing says no to."""

from __future__ import annotations

from service_base.errors import BadInput, Conflict, FundsShort, NotFound, Unavailable


class QuantityUnfit(BadInput):
    """A count of lines, columns or a level that nothing can be charged for."""

    slug = "quantity-unfit"
    title = "The quantity cannot be priced"


class LevelNotPriced(BadInput):
    """The price list has no factor for the level."""

    slug = "level-not-priced"
    title = "This level has no price"


class AmountUnfit(BadInput):
    """An amount that is no money, not positive, or too large."""

    slug = "amount-unfit"
    title = "The amount does not fit"


class KeyConflict(Conflict):
    """The same key came with other content: nothing was posted for it."""

    slug = "key-conflict"
    title = "This key belongs to something else"


class CouponUnknown(NotFound):
    """There is no coupon with that code."""

    slug = "coupon-unknown"
    title = "There is no such coupon"


class CouponRefused(Conflict):
    """The coupon exists but gives this person nothing now."""

    slug = "coupon-refused"
    title = "This coupon cannot be activated"


class NothingOwed(Conflict):
    """A bill of nothing, or of less than was offered."""

    slug = "nothing-owed"
    title = "That much is not owed"


class WalletShort(FundsShort):
    """The wallet has less free money than this needs; `missing` in the facts says how much less."""


class PricesMissing(Unavailable):
    """No price list was published yet; the worker publishes the first at its start."""


class PeriodUnfit(BadInput):
    """The books cannot be closed up to that moment."""
