"""Stripe: payments on its own page, refunds, transfers to sellers, and its signed messages. No card data reaches us."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import stripe

from billing.providers.protocol import ProviderAway, ProviderRefused, Report, ReportKind, ReportUnproven, Started
from service_base.errors import BadInput

T = TypeVar("T")
# Somebody waits for each of these answers.
TIMEOUT_SECONDS = 10
# A message signed longer ago is refused: whoever recorded one cannot send it again tomorrow.
TOLERANCE_SECONDS = 300
# Stripe counts these in whole units, all others that we may hear of in hundredths.
_WITHOUT_CENTS = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf")
)


class StripeProvider:
    """Every request carries our key, so that Stripe does it once however often we ask."""

    name = "stripe"

    def __init__(self, secret_key: str, webhook_secret: str, *, api_base: str = "") -> None:
        self._client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base} if api_base else None,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
            max_network_retries=1,
        )
        self._webhook_secret = webhook_secret

    def start(self, *, key: str, amount_usd: Decimal, return_to: str) -> Started:
        """A Checkout session over the amount; what it leads to knows our key."""
        price = {"currency": "usd", "unit_amount": _cents(amount_usd), "product_data": {"name": "TITAN top-up"}}
        params: Any = {
            "mode": "payment",
            "client_reference_id": key,
            "line_items": [{"quantity": 1, "price_data": price}],
            "success_url": return_to,
            "cancel_url": return_to,
            "metadata": {"titan_key": key},
            "payment_intent_data": {"metadata": {"titan_key": key}},
        }
        made = _ask(lambda: self._client.v1.checkout.sessions.create(params, {"idempotency_key": f"start-{key}"}))
        return Started(made.id, made.url or return_to)

    def refund(self, *, key: str, charge: str, amount_usd: Decimal, refunded_before: Decimal) -> Report | None:
        """Ask for it; `charge.refunded` reports it."""
        params: Any = {"payment_intent": charge, "amount": _cents(amount_usd)}
        _ask(lambda: self._client.v1.refunds.create(params, {"idempotency_key": f"refund-{key}"}))
        return None

    def must_reach(self, destination: str) -> None:
        """A connected account."""
        if not (destination.startswith("acct_") and destination.isascii() and destination[5:].isalnum()):
            raise BadInput("Give the id of your connected Stripe account; it begins with acct_.", field="destination")

    def pay_out(self, *, key: str, amount_usd: Decimal, destination: str) -> str:
        """A transfer to the seller's connected account, from where her own payout schedule takes it to her bank."""
        params: Any = {
            "amount": _cents(amount_usd),
            "currency": "usd",
            "destination": destination,
            "metadata": {"titan_payout": key},
        }
        return _ask(lambda: self._client.v1.transfers.create(params, {"idempotency_key": f"payout-{key}"})).id

    def read(self, body: bytes, signature: str) -> Report | None:
        """The report in a webhook's body. Raises ReportUnproven; what is none of ours is None."""
        if not self._webhook_secret:
            raise ReportUnproven("Without the secret of its messages none of Stripe's can be believed.")
        try:
            text = body.decode()
            stripe.WebhookSignature.verify_header(text, signature, self._webhook_secret, TOLERANCE_SECONDS)
            return _report(json.loads(text))
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            raise ReportUnproven("This message does not carry Stripe's signature; nothing was kept.") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BadInput("This is signed, but it is no event that can be read.") from None


def _report(event: Mapping[str, Any]) -> Report | None:
    thing = event["data"]["object"]
    read = _READERS.get(event["type"])
    return read(event, thing) if read else None


def _session(event: Mapping[str, Any], session: Mapping[str, Any]) -> Report | None:
    if event["type"] == "checkout.session.completed" and session["payment_status"] != "paid":
        return None  # the money comes later, and is reported then
    ended = {"checkout.session.expired": "It was not paid in time.", "checkout.session.async_payment_failed": "Failed."}
    reason = ended.get(event["type"], "")
    currency = session["currency"]
    return Report(
        kind=ReportKind.FAILED if reason else ReportKind.PAID,
        event_id=event["id"],
        reference=session["id"],
        at=_moment(event),
        amount=_amount(session["amount_total"], currency),
        currency=currency.upper(),
        charge=session.get("payment_intent") or "",
        reason=reason,
    )


def _refund(event: Mapping[str, Any], charge: Mapping[str, Any]) -> Report | None:
    intent, currency = charge.get("payment_intent") or charge["id"], charge["currency"]
    total = _amount(charge["amount_refunded"], currency)
    return Report(ReportKind.REFUNDED, event["id"], intent, _moment(event), total, currency.upper(), charge=intent)


def _transfer(event: Mapping[str, Any], transfer: Mapping[str, Any]) -> Report | None:
    key = transfer["metadata"].get("titan_payout")
    if key is None:
        return None
    came_back = event["type"] == "transfer.reversed"
    currency = transfer["currency"]
    return Report(
        kind=ReportKind.PAYOUT_FAILED if came_back else ReportKind.PAYOUT_PAID,
        event_id=event["id"],
        reference=key,
        at=_moment(event),
        amount=_amount(transfer["amount_reversed" if came_back else "amount"], currency),
        currency=currency.upper(),
        reason="The transfer was reversed." if came_back else "",
    )


_READERS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Report | None]] = {
    "checkout.session.completed": _session,
    "checkout.session.async_payment_succeeded": _session,
    "checkout.session.async_payment_failed": _session,
    "checkout.session.expired": _session,
    "charge.refunded": _refund,
    "transfer.created": _transfer,
    "transfer.reversed": _transfer,
}


def _ask(request: Callable[[], T]) -> T:
    """What Stripe answers. Raises ProviderRefused where asking again is useless, else ProviderAway."""
    try:
        return request()
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        raise ProviderRefused(f"Stripe refused: {(error.user_message or 'no reason given')[:300]}") from None
    except stripe.StripeError as error:
        raise ProviderAway(f"Stripe does not answer as it should ({type(error).__name__}); try again later.") from None


def _cents(amount: Decimal) -> int:
    return int((amount * 100).to_integral_exact())


def _amount(units: int, currency: str) -> Decimal:
    if isinstance(units, bool) or not isinstance(units, int) or units < 0:
        raise ValueError("no amount")
    return Decimal(units) if currency in _WITHOUT_CENTS else Decimal(units).scaleb(-2)


def _moment(event: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(event["created"]), UTC)
