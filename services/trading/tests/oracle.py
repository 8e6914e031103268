"""Forty lines of decimals that say what the two-averages rule must do; the engine is compared with this."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from hashlib import sha256

from trading.rules.candles import Candle

EIGHT = Decimal("0.00000001")


def sma_cross(
    candles: Sequence[Candle],
    *,
    fast: int,
    slow: int,
    quantity: Decimal,
    fee_rate: Decimal,
    cash: Decimal,
    at_close: bool,
) -> tuple[str, Decimal, int]:
    """Digest of the fills, final equity and the number of fills."""
    closes = [candle.close for candle in candles]
    held, digest, count = Decimal(0), sha256(), 0

    def fill(index: int, price: Decimal, is_buy: bool) -> None:
        nonlocal held, cash, count
        fee = (price * quantity * fee_rate).quantize(EIGHT, ROUND_HALF_EVEN)
        cash += -price * quantity - fee if is_buy else price * quantity - fee
        held = quantity if is_buy else Decimal(0)
        count += 1
        cells = (Decimal(index), "buy" if is_buy else "sell", price, quantity, fee)
        digest.update((",".join(text(cell) for cell in cells) + "\n").encode())

    for index in range(slow, len(candles)):
        above = sum(closes[index - fast + 1 : index + 1]) * slow > sum(closes[index - slow + 1 : index + 1]) * fast
        if above != bool(held):
            if at_close:
                fill(index, closes[index], above)
            elif index + 1 < len(candles):
                fill(index + 1, candles[index + 1].open, above)
    return digest.hexdigest(), cash + held * closes[-1], count


def text(cell: Decimal | str) -> str:
    if isinstance(cell, str):
        return cell
    written = f"{cell:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written
