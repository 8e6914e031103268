"""Dollar-cost averaging: the same amount at a steady rhythm."""

from decimal import Decimal
from typing import Any

from pydantic import Field

from trading.rules.market import Side
from trading.rules.orders import Intent
from trading.rules.strategies.base import Context, Parameters, Strategy


class DcaParameters(Parameters):
    amount: Decimal = Field(
        default=Decimal(100),
        gt=0,
        title="Amount",
        description="Spent on each purchase, in the quote currency.",
    )
    every: int = Field(default=7, ge=1, le=100_000, title="Every", description="Candles between two purchases.")
    max_cost: Decimal | None = Field(
        default=None,
        gt=0,
        title="Most to invest",
        description="No purchase that would put more than this into the position; empty for no limit.",
    )


class Dca(Strategy[DcaParameters]):
    """Buys on the first candle and on every n-th after it; selling is left to stop-loss and take-profit."""

    name = "dca"
    title = "Dollar-cost averaging"
    summary = "Buys the same amount at a steady rhythm, whatever the price."
    parameters_type = DcaParameters

    def __init__(self, parameters: DcaParameters) -> None:
        super().__init__(parameters)
        self._seen = 0

    def on_candle(self, context: Context) -> Intent | None:
        is_due = self._seen % self.parameters.every == 0
        self._seen += 1
        if not is_due:
            return None
        invested = context.average_price * context.quantity
        if self.parameters.max_cost is not None and invested + self.parameters.amount > self.parameters.max_cost:
            return None
        return Intent(Side.BUY, f"purchase every {self.parameters.every} candles", notional=self.parameters.amount)

    def memory(self) -> dict[str, Any]:
        return {"seen": self._seen}

    def recall(self, memory: dict[str, Any]) -> None:
        self._seen = int(memory["seen"])
