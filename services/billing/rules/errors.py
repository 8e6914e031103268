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


class ProviderUnknown(NotFound):
    """No payment provider of that name is set up here."""


class CurrencyUnfit(BadInput):
    """Money in a currency that the ledger has no account for."""

    slug = "currency-unfit"
    title = "The currency does not fit"


class PaymentEnded(Conflict):
    """The payment is not in a state in which that can be done."""

    slug = "payment-ended"
    title = "The payment does not allow this"


class RefundTooEarly(Conflict):
    """A refund was reported before its payment; nothing was posted, and the provider will report it again."""

    slug = "refund-too-early"
    title = "There is nothing to give back yet"


class EarnedShort(FundsShort):
    """Less was earned than should be kept or paid out; `missing` in the facts says how much less."""


class PayoutEnded(Conflict):
    """The payout has ended, or its provider says itself how it ends."""

    slug = "payout-ended"
    title = "The payout cannot be settled like this"


class NotReversible(Conflict):
    """The journal cannot be taken back: it has a way of its own to end, or what it gave is gone."""

    slug = "not-reversible"
    title = "This movement cannot be reversed"


class ContractState(Conflict):
    """The consulting request is in a state in which that cannot be done; it says in which."""

    slug = "contract-state"
    title = "The contract does not allow this now"


class ContractDisputed(Conflict):
    """The contract is held by a dispute until an operator settles it."""

    slug = "contract-disputed"
    title = "The contract is disputed"


class OwnConsultant(Conflict):
    """A person cannot be her own consultant."""

    slug = "own-consultant"
    title = "This request is your own"


class OfferGone(Conflict):
    """The offer was withdrawn, or another one took its place."""

    slug = "offer-gone"
    title = "This offer no longer stands"


class FileRefused(BadInput):
    """A file of a kind that is not taken, or that is not what its name says."""

    slug = "file-refused"
    title = "This file is not taken"


class NothingToBill(Conflict):
    """The person used nothing since her last bill."""

    slug = "nothing-to-bill"
    title = "There is nothing to bill"


class BillPaid(Conflict):
    """The bill was paid before, or nothing of it is due."""

    slug = "bill-paid"
    title = "This bill is paid"


class BillCarried(Conflict):
    """A newer bill carries what was open of this one, and is paid instead; `newest` in the facts says which."""

    slug = "bill-carried"
    title = "A newer bill carries this one"
