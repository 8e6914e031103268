"""Cursor pages of orders and fills, whose ids say nothing about their time: newest candle first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Q, QuerySet

from service_base.errors import BadInput
from trading.models import Fill, Order

R = TypeVar("R", Order, Fill)
MOST = 500


def page(rows: QuerySet[R], show: Callable[[R], dict[str, Any]], *, cursor: str | None, limit: int) -> dict[str, Any]:
    """One page and the cursor of the next. Raises BadInput for a cursor that is not ours."""
    size = max(1, min(limit, MOST))
    ordered = rows.order_by("-candle_index", "-pk")
    if cursor:
        index, _, key = cursor.partition(":")
        if not index.isdigit() or len(key) != 36:
            raise BadInput("This cursor was not given by this list; leave it out to start anew.", field="cursor")
        ordered = ordered.filter(Q(candle_index__lt=int(index)) | Q(candle_index=int(index), pk__lt=key))
    found = list(ordered[: size + 1])
    following = f"{found[size - 1].candle_index}:{found[size - 1].pk}" if len(found) > size else None
    return {"items": [show(row) for row in found[:size]], "next_cursor": following}
