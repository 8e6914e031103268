"""Money: a Decimal of 20 digits and 8 places together with its currency, never a float, never a bare number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation, localcontext
from enum import StrEnum

DIGITS = 20
PLACES = 8
SMALLEST = Decimal(1).scaleb(-PLACES)
# Wider than any product of two amounts; entering a context anew for each amount took half of rounding it.
_WIDE = Context(prec=60)
LARGEST = Decimal(10) ** (DIGITS - PLACES) - SMALLEST


class Currency(StrEnum):
    """What TITAN accounts in: US dollars, the platform's token, and coupon credit."""

    USD = "USD"
    EAML = "EAML"
    COUPON = "COUPON"


class MoneyError(ValueError):
    """An amount that cannot be money: not a number, too long, too precise, or in another currency."""


def exact(amount: object) -> Decimal:
    """`amount` as a Decimal with 8 places, refusing what would need rounding.

    Accepts Decimal, int and str. Raises MoneyError for floats, NaN, infinities, more than 8 places or 12 whole digits.
    """
    number = amount if type(amount) is Decimal else _number(amount)
    if not number.is_finite():
        raise MoneyError(f"{amount!r} is not a finite number")
    if abs(number) > LARGEST:
        raise MoneyError(f"{amount} is larger than {LARGEST}")
    placed = _quantize(number)
    if placed != number:
        raise MoneyError(f"{amount} has more than {PLACES} decimal places")
    return placed


def _number(amount: object) -> Decimal:
    if isinstance(amount, bool) or not isinstance(amount, Decimal | int | str):
        raise MoneyError(f"{amount!r} is not an amount: give a decimal number as text")
    try:
        return Decimal(amount)
    except InvalidOperation:
        raise MoneyError(f"{amount!r} is not a number") from None


def rounded(amount: Decimal) -> Decimal:
    """`amount` to 8 places, half to even: the one rounding rule, used where a price times a quantity is computed."""
    return _quantize(amount)


def times(amount: Decimal, *factors: Decimal) -> Decimal:
    """The product with all its digits; `rounded` makes an amount of it."""
    for factor in factors:
        amount = _WIDE.multiply(amount, factor)
    return amount


def plain(amount: Decimal) -> str:
    """`amount` as people's programs read it: no exponent, no superfluous zeros."""
    if not amount:
        return "0"  # most balances are, and with their places they are told with an exponent
    text = str(amount)  # at a third of the cost of formatting it, which only an exponent needs
    if "E" in text:
        text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency; adding two currencies is an error, not a conversion."""

    amount: Decimal
    currency: Currency

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", exact(self.amount))
        object.__setattr__(self, "currency", Currency(self.currency))

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same(other)

    def __bool__(self) -> bool:
        return self.amount != 0

    def __str__(self) -> str:
        return f"{plain(self.amount)} {self.currency}"

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise MoneyError(f"{self} and {other} are in different currencies")
        return other.amount


def usd(amount: Decimal | int | str) -> Money:
    """US dollars."""
    return Money(exact(amount), Currency.USD)


def eaml(amount: Decimal | int | str) -> Money:
    """EAML tokens."""
    return Money(exact(amount), Currency.EAML)


def coupon(amount: Decimal | int | str) -> Money:
    """Coupon credit."""
    return Money(exact(amount), Currency.COUPON)


def split(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """`total` divided by `weights` so that the parts sum to it exactly: largest remainder, earlier first on a tie."""
    whole = sum(weights, Decimal(0))
    if whole <= 0 or any(weight < 0 for weight in weights):
        raise MoneyError("the weights of a split must be positive and not all zero")
    with localcontext() as context:
        context.prec = 60
        shares = [total * weight / whole for weight in weights]
        parts = [share.quantize(SMALLEST, rounding=ROUND_DOWN) for share in shares]
        left = int((total - sum(parts)) / SMALLEST)
    order = sorted(range(len(parts)), key=lambda i: (-abs(shares[i] - parts[i]), i))
    step = SMALLEST if left >= 0 else -SMALLEST
    for i in order[: abs(left)]:
        parts[i] += step
    return parts


def _quantize(number: Decimal) -> Decimal:
    return number.quantize(SMALLEST, ROUND_HALF_EVEN, _WIDE) + 0  # turns -0 into 0
