"""What the API takes and says about terms on the market and purchases."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from ml.models import Purchase
from shared_models.clock import rfc3339
from shared_models.money import plain


class TermsIn(Schema):
    """What is sold beside answers, dollars as text; what is left out stays."""

    machine_data_source_is_public: bool | None = None
    machine_data_source_sample_only_public: bool | None = Field(
        default=None, description="Show the first lines to whoever thinks of buying them; otherwise no line is shown."
    )
    machine_data_source_price_usd: str | int | None = None
    machine_is_duplicatable: bool | None = None
    machine_copy_cost_usd: str | int | None = None
    machine_copy_update_cost_usd: str | int | None = None


class PurchaseIn(Schema):
    """What to buy, at the price that was shown: when it is another by now, nothing is bought."""

    kind: Literal["buy_data_source", "machine_copy", "machine_copy_update"]
    price_usd: str | int = Field(description="Dollars, as text.")
    copy_id: UUID | None = Field(default=None, description="For an update: which of your copies gets the news.")


def show_purchase(purchase: Purchase) -> dict[str, Any]:
    """A purchase with its progress, what is held and what was charged."""
    finished = purchase.finished_at
    return {
        "id": str(purchase.pk),
        "kind": purchase.kind,
        "state": purchase.state,
        "machine_id": str(purchase.machine_id),
        "machine_name": purchase.machine_name,
        "copy_id": str(purchase.copy_id) if purchase.copy_id else None,
        "seller_id": str(purchase.seller_id),
        "buyer_id": str(purchase.buyer_id),
        "price_usd": plain(purchase.price_usd),
        "columns": purchase.columns,
        "lines": purchase.lines,
        "held": purchase.held,
        "charged": purchase.charged,
        "attempts": purchase.attempts,
        "progress": {"stage": purchase.progress_stage, "percent": purchase.progress_percent},
        "reason": purchase.reason,
        "result_sha256": purchase.result_sha256 or None,
        "result_size": purchase.result_size,
        "created_at": rfc3339(purchase.created_at),
        "finished_at": rfc3339(finished) if finished else None,
    }
