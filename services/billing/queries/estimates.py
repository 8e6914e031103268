"""What work would cost now and who would pay it, before anybody asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from billing.models import PriceList
from billing.models.funds import funds_of
from billing.rules.errors import PricesMissing
from billing.rules.funding import Cover, cover, total
from billing.rules.kinds import OperationKind
from billing.rules.usage import price_of
from shared_models.clock import utc_now
from shared_models.money import Currency


@dataclass(frozen=True, slots=True)
class Estimate:
    """A price by the present list and how the person's funds would pay it; nothing is reserved."""

    price_list: PriceList
    price_eaml: Decimal
    funding: Cover

    @property
    def would_be_declined(self) -> bool:
        """Whether funds are short."""
        return self.funding.missing_usd > 0

    def part(self, currency: Currency) -> Decimal:
        """What this currency would pay."""
        return total(self.funding.parts, currency)


def current_prices() -> PriceList:
    """The newest price list. Raises PricesMissing before the first was published."""
    newest = PriceList.objects.first()
    if newest is None:
        raise PricesMissing("No price list was published yet; billing's worker publishes the first at its start.")
    return newest


def estimate(owner: UUID, *, kind: str, columns: int, lines: int, level: int) -> Estimate:
    """The price and the funding as they would be this moment. Raises QuantityUnfit, LevelNotPriced."""
    price_list = current_prices()
    price = price_of(OperationKind(kind), price_list.prices, columns=columns, lines=lines, level=level)
    return Estimate(price_list, price, cover(price, funds_of(owner, at=utc_now()), price_list.prices.in_usd))
