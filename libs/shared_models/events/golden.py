"""The golden examples: bytes of every shape an event type ever had, which must decode for ever."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "golden"
# Which bytes were released: an example may come, none may change.
RELEASED = FOLDER / "released.sha256"
_NAME = re.compile(r"(?P<type>titan\.[a-z_.]+\.v\d+)(?:\.(?P<shape>\d+))?")


def examples() -> dict[str, list[Path]]:
    """The examples of each type, its first shape first: `<type>.json`, then `<type>.2.json` once a field came."""
    found: dict[str, list[tuple[int, Path]]] = {}
    for path in FOLDER.glob("titan.*.json"):
        name = _NAME.fullmatch(path.stem)
        if name is None:
            raise ValueError(f"{path.name}: an example is called <type>.json, or <type>.<number of its shape>.json")
        found.setdefault(name["type"], []).append((int(name["shape"] or 1), path))
    return {type_: [path for _, path in sorted(shapes)] for type_, shapes in sorted(found.items())}


def released() -> dict[str, str]:
    """The digest of each released example by its file's name; the file is one that `sha256sum --check` reads."""
    if not RELEASED.exists():
        return {}
    lines = (line.split(maxsplit=1) for line in RELEASED.read_text().splitlines())
    return {name: digest for digest, name in lines}


def digests() -> dict[str, str]:
    """The digests of the examples as they are now."""
    return {path.name: sha256(path.read_bytes()).hexdigest() for shapes in examples().values() for path in shapes}


def rewritten() -> list[str]:
    """Released examples that are gone or no longer what they were."""
    now = digests()
    return sorted(name for name, digest in released().items() if now.get(name) != digest)


def release() -> str:
    """The text of the list of released examples with those that came."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted((digests() | released()).items()))
