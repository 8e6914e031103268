"""The contracts as files below docs/events, for readers outside this tree: `make contracts` writes them anew.

A JSON Schema for each event type, an AsyncAPI document for each service, and one table of all events. Refuses what
would break a reader: a breaking change is a new major version (docs/guides/change-an-event.md).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from service_base.addresses import SERVICES
from shared_models.events import golden
from shared_models.events.contract import every_contract
from shared_models.events.schemas import breaks, schema_of

FOLDER = Path("docs/events")
GUIDE = "docs/guides/change-an-event.md"
# What a service's settings ask for before they say what it hears and says; nothing of it is used.
_SETTINGS = {
    "TITAN_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "TITAN_SECRET_KEY": "k" * 50,
    "TITAN_MASTER_KEYS": "nothing:" + "A" * 43 + "=",
}


def asyncapi_of(service: str) -> dict[str, Any]:
    """The service's AsyncAPI document, asked in a process of its own, since Django holds one service a process."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("TITAN_", "DJANGO_"))}
    path = os.pathsep.join(part for part in sys.path if part)
    asked = [sys.executable, "-W", "ignore", "-m", "service_base.asyncapi", f"--settings={service}.settings"]
    environment = outside | _SETTINGS | {"PYTHONPATH": path}
    ran = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"{service} has no AsyncAPI document: {ran.stderr}")
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def files() -> dict[str, str]:
    """Every file below docs/events as it should be, by its path there."""
    with ThreadPoolExecutor(os.cpu_count()) as several:
        documents = dict(zip(SERVICES, several.map(asyncapi_of, SERVICES), strict=True))
    schemas = {type_: schema_of(contract) for type_, contract in every_contract().items()}
    return {
        **{f"schemas/{type_}.json": _as_text(schema) for type_, schema in schemas.items()},
        **{f"asyncapi/{service}.json": _as_text(found) for service, found in documents.items()},
        "README.md": _table(documents),
    }


def refusals(folder: Path) -> list[str]:
    """What speaks against writing: schemas that would break readers, released examples that changed."""
    found = [f"{name}: a released example never changes; add one beside it" for name in golden.rewritten()]
    known = every_contract()
    for path in sorted((folder / "schemas").glob("*.json")):
        contract = known.get(path.stem)
        if contract is None:
            found.append(f"{path.stem} is gone: old bytes of it must decode for ever")
        else:
            reasons = breaks(json.loads(path.read_text()), schema_of(contract))
            found += [f"{path.stem}: {reason}; make a new major version ({GUIDE})" for reason in reasons]
    return found


def main() -> int:
    """Write the files and the list of released examples, or say on standard error why not and end with 1."""
    refused = refusals(FOLDER)
    if refused:
        sys.stderr.write("".join(f"contracts: {reason}\n" for reason in refused))
        return 1
    for name, text in files().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    golden.RELEASED.write_text(golden.release())
    return 0


def _as_text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _table(documents: dict[str, dict[str, Any]]) -> str:
    lines = [
        "# Events",
        "",
        "Made by `make contracts` from the code; do not edit. Who says what, who listens, what orders it. An event",
        "carries the name of its schema in `ce_dataschema`; any service shows it at `/api/v1/events/schemas/<type>`,",
        "and the AsyncAPI document of what it says and hears itself at `/api/v1/asyncapi.json`.",
        "How to change an event: [change-an-event](../guides/change-an-event.md).",
        "",
        "| event | key | said by | heard by | what it says |",
        "|---|---|---|---|---|",
    ]
    for type_, contract in every_contract().items():
        said = _who(documents, f"send.{type_}") or "nobody any more"
        heard = _who(documents, f"receive.{type_}") or "public"
        what = (contract.__doc__ or "").strip().split("\n")[0]
        lines.append(f"| [{type_}](schemas/{type_}.json) | `{contract.KEY}` | {said} | {heard} | {what} |")
    return "\n".join(lines) + "\n"


def _who(documents: dict[str, dict[str, Any]], operation: str) -> str:
    return ", ".join(service for service, found in documents.items() if operation in found["operations"])


if __name__ == "__main__":
    sys.exit(main())
