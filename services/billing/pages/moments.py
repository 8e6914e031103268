"""Balances at a moment: what had taken effect by one time, as it was known at another."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpResponse

from billing import queries
from billing.pages.statement import ACCOUNTS
from service_base.errors import Refusal
from service_base.moments import moment_in
from service_base.pages import PageRequest, show, signed_in

SHOWN = 50
CURRENCY = {"eaml": "EAML", "coupon": "COUPON"}


@signed_in
async def balances(request: PageRequest) -> HttpResponse:
    """What was on each account then, beside what is there now."""
    asked = {name: request.GET.get(name, "") for name in ("effective_at", "recorded_at", "account")}
    account = asked["account"] or "usd"
    try:
        moments = {name: moment_in(asked, name) for name in ("effective_at", "recorded_at")}
        queries.account_called(account)
    except Refusal as refusal:
        context: dict[str, Any] = {"asked": asked, "refusal": refusal}
        return await show(request, "billing/balances.html", context, status=refusal.status)

    def read() -> dict[str, Any]:
        then = queries.balances_at(request.caller.id, **moments)
        now = queries.balances_at(request.caller.id)
        rows = [
            {
                "name": name,
                "label": label,
                "currency": CURRENCY.get(name, "USD"),
                "then": then.posted[name],
                "now": now.posted[name],
                "since": now.posted[name] - then.posted[name],
                "places": _places(then.posted[name], now.posted[name]),
            }
            for name, label in ACCOUNTS
        ]
        entries, following = queries.entries_at(
            request.caller.id, account, **moments, cursor=request.GET.get("cursor"), limit=SHOWN
        )
        shown = next(row for row in rows if row["name"] == account)
        places = _places(*(entry.amount for entry in entries), then.posted[account])
        listed = {"entries": entries, "next_cursor": following, "shown": shown, "places": places}
        return {"asked": asked, "then": then, "rows": rows, **listed}

    return await show(request, "billing/balances.html", await sync_to_async(read)())


def _places(*amounts: Decimal) -> int:
    """The decimals that show all of them in full, two at least."""
    return max(2, *(-int(amount.normalize().as_tuple().exponent) for amount in amounts))
