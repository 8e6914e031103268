"""Ada asks for help with her machine, Bo gives it, and is paid out of escrow."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from titan.demo.client import Person, wait_for

AMOUNT_USD = "20"
ASKED = "Which further columns should I collect so that the forecast gets better?"
ANSWER = b"column,why\nincome,the strongest single effect in the literature\nage squared,visits rise late in life\n"


def contract(client: Person, consultant: Person, machine_id: str) -> dict[str, Any]:
    """A consulting contract from the request to the payment, as it ended."""
    found = request(client, machine_id)
    path = f"consulting/{found}"
    offering = {"amount_usd": AMOUNT_USD, "delay_days": 7, "message": "I have read the study behind this table."}
    offer = consultant.post("billing", f"{path}/offers", offering, key=f"demo-{uuid4()}")
    client.post("billing", f"{path}/offers/{offer['id']}/choose")
    consultant.post("billing", f"contracts/{found}/sign", key=f"demo-{uuid4()}")
    consultant.post("billing", f"{path}/files", files={"file": ("columns.csv", ANSWER)})
    consultant.post("billing", f"contracts/{found}/deliver", {"note": "See the file."})
    ended: dict[str, Any] = client.post("billing", f"contracts/{found}/finish", key=f"demo-{uuid4()}")
    return ended


def request(client: Person, machine_id: str) -> str:
    """The id of a new request about the machine, once billing has heard of it."""
    asking = {"category": "data_engineering", "description": ASKED, "machine_id": machine_id}

    def ask() -> str | None:
        answer = client.try_post("billing", "consulting", asking)
        return str(answer.json()["id"]) if answer.is_success else None

    return wait_for("a request for help with the machine", ask)
