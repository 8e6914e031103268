"""Price lists, quotes, estimates and holds as HTTP shapes."""

from __future__ import annotations

from typing import Any, Literal

from ninja import Schema

from billing.models import Hold, PriceList, Quote
from billing.queries import Estimate
from billing.schemas.fields import AMOUNT
from shared_models.clock import rfc3339
from shared_models.money import Currency, plain


class PricesIn(Schema):
    """The next version of the price list."""

    training_cell_eaml: str = AMOUNT
    solving_line_eaml: str = AMOUNT
    level_factors: dict[str, str]
    usd_per_eaml: str = AMOUNT
    marketplace_fee_basis_points: int


class QuoteIn(Schema):
    """Work to price: for training, learning and evaluation lines together."""

    kind: Literal["training", "solving"]
    lines: int
    columns: int = 0
    level: int = 1


def show_quote(quote: Quote) -> dict[str, Any]:
    """What a piece of work was quoted."""
    return {
        "id": str(quote.pk),
        "work_id": str(quote.work_id),
        "kind": quote.kind,
        "machine_id": str(quote.machine_id),
        "machine_name": quote.machine_name,
        "price_version": quote.price_list_id,
        "count_of_lines": quote.count_of_lines,
        "columns": quote.columns,
        "level": quote.level,
        "price_eaml": plain(quote.price_eaml),
        "price_usd": plain(quote.price_usd),
        "usd_per_eaml": plain(quote.price_list.usd_per_eaml),
        "given_at": rfc3339(quote.given_at),
    }


def show_estimate(found: Estimate) -> dict[str, Any]:
    """What work would cost now; it reserves nothing and binds nobody."""
    return {
        "price_version": found.price_list.version,
        "price_eaml": plain(found.price_eaml),
        "usd_per_eaml": plain(found.price_list.usd_per_eaml),
        "price_usd": plain(found.price_list.prices.in_usd(found.price_eaml)),
        "parts": [
            {"currency": currency.value, "amount": plain(amount)}
            for currency in (Currency.COUPON, Currency.EAML, Currency.USD)
            if (amount := found.part(currency))
        ],
        "missing_usd": plain(found.funding.missing_usd),
        "binding": False,
    }


def show_hold(hold: Hold) -> dict[str, Any]:
    """Funds reserved for a piece of work, and how that ended."""
    return {
        "id": str(hold.pk),
        "work_id": str(hold.work_id),
        "quote_id": str(hold.quote_id),
        "state": hold.state,
        "parts": [{"currency": part.currency, "amount": plain(part.amount)} for part in hold.parts.all()],
        "created_at": rfc3339(hold.created_at),
        "expires_at": rfc3339(hold.expires_at),
    }


def show_prices(row: PriceList) -> dict[str, Any]:
    """A version of the price list."""
    return {
        "version": row.version,
        "training_cell_eaml": plain(row.training_cell_eaml),
        "solving_line_eaml": plain(row.solving_line_eaml),
        "level_factors": row.level_factors,
        "usd_per_eaml": plain(row.usd_per_eaml),
        "marketplace_fee_basis_points": row.marketplace_fee_basis_points,
        "effective_at": rfc3339(row.effective_at),
    }
