"""A stand-in for Stripe on this machine: the part of its API that billing asks, its idempotency, its messages."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl

import stripe

SECRET = "whsec_of_the_stand_in"
MAKES = {"sessions": ("checkout.session", "cs"), "refunds": ("refund", "re"), "transfers": ("transfer", "tr")}
REFUSED = {"error": {"type": "invalid_request_error", "message": "No such destination: 'acct_gone'"}}
CONTRADICTED = {"error": {"type": "idempotency_error", "message": "Keys can only be used with the same parameters."}}


@dataclass
class StandIn:
    """What it was asked, and what it answered under each Idempotency-Key."""

    url: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    answers: dict[str, tuple[dict[str, str], dict[str, Any]]] = field(default_factory=dict)
    is_down: bool = False
    events: int = 0

    def answer(self, path: str, key: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """What Stripe would answer."""
        self.asked.append((path, form))
        if self.is_down:
            return 500, {"error": {"type": "api_error", "message": "down"}}
        if key in self.answers:
            before, said = self.answers[key]
            return (200, said) if before == form else (400, CONTRADICTED)
        if form.get("destination") == "acct_gone":
            return 400, REFUSED
        kind, prefix = MAKES[path.rsplit("/", 1)[1]]
        made = {"id": f"{prefix}_{len(self.answers) + 1}", "object": kind, "livemode": False}
        if kind == "checkout.session":
            made |= {"url": f"https://pay.example/{made['id']}"}
        self.answers[key] = (form, made)
        return 200, made

    def event(self, type_: str, thing: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """An event of Stripe about `thing`."""
        self.events += 1
        return {
            "id": f"evt_{self.events}",
            "object": "event",
            "type": type_,
            "created": 1_930_000_000,
            "data": {"object": thing},
        } | changes

    def paid(self, session: str, cents: int, **changes: Any) -> dict[str, Any]:
        """A Checkout session was paid."""
        thing = {"id": session, "payment_status": "paid", "amount_total": cents, "currency": "usd"}
        return self.event("checkout.session.completed", thing | {"payment_intent": f"pi_{session}"} | changes)

    def refunded(self, session: str, cents: int) -> dict[str, Any]:
        """So much of it went back in all."""
        thing = {"id": "ch_1", "payment_intent": f"pi_{session}", "amount_refunded": cents, "currency": "usd"}
        return self.event("charge.refunded", thing)

    def transfer(self, payout: str, cents: int, *, came_back: bool = False) -> dict[str, Any]:
        """A transfer was made, or reversed."""
        thing = {"amount": cents, "amount_reversed": cents, "currency": "usd", "metadata": {"titan_payout": payout}}
        return self.event("transfer.reversed" if came_back else "transfer.created", thing)


def signed(event: Any, secret: str = SECRET, at: int | None = None) -> tuple[str, str]:
    """The body of a message and the header that proves it."""
    body = event if isinstance(event, str) else json.dumps(event)
    return body, stripe.WebhookSignature.generate_signature_header(body, secret, at)


@contextmanager
def stand_in() -> Generator[StandIn]:
    """The stand-in, answering on a port of its own."""
    found = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            form = dict(parse_qsl(self.rfile.read(length).decode()))
            status, said = found.answer(self.path, self.headers.get("Idempotency-Key", ""), form)
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_address[1]}"
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield found
        finally:
            server.shutdown()
