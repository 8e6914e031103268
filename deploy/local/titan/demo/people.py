"""Step 2: two people and an operator; a team, a wallet, a coupon."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from titan.configuration import Configuration
from titan.demo.client import DemoFailed, Person, detail_of, wait_for
from titan.secret import load_or_make

COUPON = "WELCOME"
COUPON_AMOUNT = "25"
TOP_UP_USD = "250"
BUYER_TOP_UP_USD = "40"


@dataclass(frozen=True, slots=True)
class People:
    """Who takes part: Ada builds and trades, Bo buys answers of her machine, the operator looks after all."""

    ada: Person
    bo: Person
    operator: Person


def everybody(stack: Configuration) -> People:
    """The three, signed in; registered at the first run."""
    book = _AddressBook(stack.data_dir / "demo-people.json")
    operator = Person(stack, "the operator")
    _sign_in(operator, "operator@titan.localhost", load_or_make(stack.secrets_file).admin_password)
    ada = _registered(stack, book, "Ada", "Quant")
    bo = _registered(stack, book, "Bo", "Buyer")
    return People(ada, bo, operator)


def team_of(ada: Person, bo: Person) -> str:
    """The name of a team in which Ada is owner and Bo came by invitation as viewer."""
    for team in ada.items("identity", "teams"):
        return str(team["name"])
    team = ada.post("identity", "teams", {"name": "Desk One"})
    invited = ada.post("identity", f"teams/{team['id']}/invitations", {"role": "viewer"})
    bo.post("identity", f"invitations/{invited['token']}/accept")
    return str(team["name"])


def top_up(person: Person, amount_usd: str) -> str:
    """Test money through the local payment provider; the payment's id."""
    payment = person.post("billing", "topups", {"amount_usd": amount_usd}, key=f"demo-{uuid4()}")
    person.post("billing", f"topups/{payment['id']}/confirm", key=f"demo-{uuid4()}")
    return str(payment["id"])


def coupon_for(person: Person, operator: Person) -> bool:
    """Let `person` activate the demo's coupon; False when she did so in an earlier run."""
    operator.try_post(
        "billing", "coupons", {"code": COUPON, "amount": COUPON_AMOUNT, "budget": "1000"}
    )  # refused when it exists, which is as good
    answer = person.try_post("billing", "coupons/activate", {"code": COUPON})
    if answer.is_success:
        return True
    if any(lot["code"] == COUPON for lot in person.get("billing", "coupons")["items"]):
        return False
    raise DemoFailed(f"the coupon could not be activated: {detail_of(answer)}")


def _registered(stack: Configuration, book: _AddressBook, first: str, last: str) -> Person:
    person = Person(stack, first)
    email, password = book.entry(first)
    answer = person.try_post(
        "identity",
        "auth/register",
        {"email": email, "password": password, "first_name": first, "last_name": last},
    )
    if not answer.is_success and answer.status_code != 409:
        raise DemoFailed(f"{first} could not register: {detail_of(answer)}")
    _sign_in(person, email, password)
    return person


def _sign_in(person: Person, email: str, password: str) -> None:
    def attempt() -> bool | None:
        answer = person.try_post("identity", "auth/login", {"email": email, "password": password})
        if answer.is_success:
            person.token = answer.json()["access_token"]
            person.id = person.get("identity", "me")["id"]
            return True
        # The operator's account is made by a worker that may have started a moment ago.
        return None if answer.status_code in (401, 503) else _give_up(person, detail_of(answer))

    wait_for(f"{person.name} signs in", attempt, every=0.5)


def _give_up(person: Person, why: str) -> bool:
    raise DemoFailed(f"{person.name} cannot sign in: {why}")


class _AddressBook:
    """The demo's own e-mail addresses and passwords, kept so that a second run meets the same people."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: dict[str, list[str]] = json.loads(path.read_text()) if path.exists() else {}

    def entry(self, name: str) -> tuple[str, str]:
        """The person's address and password."""
        if name not in self.entries:
            self.entries[name] = [f"{name.lower()}@demo.localhost", secrets.token_urlsafe(12)]
            scratch = self.path.with_suffix(".new")
            with open(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(self.entries, file)
            scratch.rename(self.path)
        email, password = self.entries[name]
        return email, password
