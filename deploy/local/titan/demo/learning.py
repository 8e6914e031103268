"""Step 3: machines trained with live progress, rows solved over HTTP, one put on the market and bought from."""

from __future__ import annotations

import csv
import io
from typing import Any
from uuid import uuid4

from titan.demo.client import DemoFailed, Person, wait_for
from titan.demo.screen import Screen

TRAINING_SECONDS = 300.0
DONE = ("succeeded", "failed", "cancelled", "dead")
MARKET_PRICE_USD = "0.02"
LINES_PRICE_USD = "2"
BOUGHT_ROWS = 50


def machine(
    person: Person, screen: Screen, *, name: str, table: bytes, output: str, ignore: tuple[str, ...] = (), level: int
) -> dict[str, Any]:
    """The person's trained machine of that name; uploaded and trained at the first run, found at later ones."""
    found = next((m for m in person.items("ml", "machines") if m["machine_name"] == name), None)
    if found is None:
        found = _upload(person, name, table, output, ignore, level)
        screen.say(f"uploaded {len(table) / 1e6:.1f} MB: {_lines(person, found['id'])}")
    if not found["trained"]:
        _train(person, screen, found, level)
    return _summary(person, found["id"])


def solve(person: Person, machine_id: str, rows: list[dict[str, Any]], *, key: str | None = None) -> dict[str, Any]:
    """What the machine answers for rows."""
    answer: dict[str, Any] = person.post(
        "ml", f"machines/{machine_id}/solve", {"rows": rows}, key=key or f"demo-{uuid4()}"
    )
    return answer


def sample(table: bytes, count: int, *, without: str) -> list[dict[str, str]]:
    """The last rows of a CSV without the column to be predicted."""
    rows = list(csv.DictReader(io.StringIO(table.decode())))[-count:]
    return [{name: value for name, value in row.items() if name != without} for row in rows]


def publish(person: Person, machine_id: str) -> None:
    """Offer the machine on the market."""
    person.post("ml", f"machines/{machine_id}/publish", {"machine_api_solving_price_usd": MARKET_PRICE_USD})


def sell_lines(person: Person, machine_id: str) -> None:
    """Offer the machine's lines on the market, with a sample to be seen before."""
    terms = {
        "machine_data_source_is_public": True,
        "machine_data_source_sample_only_public": True,
        "machine_data_source_price_usd": LINES_PRICE_USD,
    }
    person.patch("ml", f"machines/{machine_id}/terms", terms)


def buy_lines(person: Person, machine_id: str) -> tuple[dict[str, Any], int]:
    """The person's purchase of the machine's lines, and how many she downloaded; an earlier run's when there is one."""
    mine = person.items("ml", "purchases")
    found = next((p for p in mine if p["machine_id"] == machine_id and p["state"] == "succeeded"), None)
    if found is None:
        order = {"kind": "buy_data_source", "price_usd": LINES_PRICE_USD}
        asked = person.post("ml", f"market/{machine_id}/purchases", order, key=f"demo-buy-{machine_id}-{uuid4()}")

        def look() -> dict[str, Any] | None:
            now: dict[str, Any] = person.get("ml", f"purchases/{asked['id']}")
            return now if now["state"] in DONE and (now["charged"] or now["state"] != "succeeded") else None

        found = wait_for("the purchase of lines", look)
    if found["state"] != "succeeded":
        raise DemoFailed(f"the purchase of lines {found['state']}: {found['reason']}")
    lines = person.download("ml", f"purchases/{found['id']}/lines.csv")
    return found, len(list(csv.reader(io.StringIO(lines.decode())))) - 1


def _upload(
    person: Person, name: str, table: bytes, output: str, ignore: tuple[str, ...], level: int
) -> dict[str, Any]:
    fields = {
        "machine_name": name,
        "machine_level": str(level),
        "outputs": output,
        "ignore": ",".join(ignore),
        "file_name": f"{name.lower().replace(' ', '-')}.csv",
    }
    made: dict[str, Any] = person.post(
        "ml", "machines", None, key=f"demo-upload-{name}-{uuid4()}", data=fields,
        files={"file": (fields["file_name"], table, "text/csv")},
    )  # fmt: skip
    return made


def _lines(person: Person, machine_id: str) -> str:
    whole = person.get("ml", f"machines/{machine_id}")
    learning, held_out = whole["learning_lines"], whole["evaluation_lines"]
    return f"{learning} lines to learn from, {held_out} kept back to judge by"


def _train(person: Person, screen: Screen, machine: dict[str, Any], level: int) -> None:
    # On a stack that has just begun, billing's prices may still be on their way to ml.
    quote = wait_for("a quote", lambda: person.get_unless_503("ml", f"machines/{machine['id']}/quote"))
    offer = next(offer for offer in quote["levels"] if offer["level"] == level)
    screen.say(f"level {level}: quoted {offer['price_eaml']} EAML, about {offer['estimated_seconds']:.0f} s")
    work = person.post("ml", f"machines/{machine['id']}/works", {"kind": "training", "level": level})
    with screen.progress(f"training {machine['machine_name']}") as shown:

        def look() -> dict[str, Any] | None:
            now: dict[str, Any] = person.get("ml", f"works/{work['id']}")
            shown.update(now["progress"]["percent"] or 0, _stage_of(now))
            return now if now["state"] in DONE else None

        ended = wait_for(f"training of {machine['machine_name']}", look, seconds=TRAINING_SECONDS, every=0.25)
    if ended["state"] != "succeeded":
        raise DemoFailed(f"the training of {machine['machine_name']} {ended['state']}: {ended['reason']}")
    screen.say(f"trained in {ended['real_seconds']:.0f} s")


def _stage_of(work: dict[str, Any]) -> str:
    points = work["progress"]["loss_points"]
    loss = f", loss {points[-1]['validation_loss']:.4f}" if points and points[-1]["validation_loss"] else ""
    return f"{work['state'] if work['state'] != 'running' else work['progress']['stage']}{loss}"


def _summary(person: Person, machine_id: str) -> dict[str, Any]:
    whole = person.get("ml", f"machines/{machine_id}")
    return {
        "id": machine_id,
        "name": whole["machine_name"],
        "level": whole["machine_level"],
        "learning_lines": whole["learning_lines"],
        "evaluation_lines": whole["evaluation_lines"],
        "scores": whole["scores"],
        "url": f"{person.stack.url('ml')}/machines/{machine_id}",
    }
