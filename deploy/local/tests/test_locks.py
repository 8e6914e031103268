"""The locks hold what the parts ask for, pinned and hashed, and name no host."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

TREE = Path(__file__).parents[3]
LOCKS = sorted((TREE / "requirements").glob("*.txt"))
PARTS = [
    *TREE.glob("libs/*/pyproject.toml"),
    *TREE.glob("services/*/pyproject.toml"),
    TREE / "deploy/local/pyproject.toml",
]


def name_of(requirement: str) -> str:
    return re.split(r"[\s\[<>=;!~]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def pinned(lock: Path) -> dict[str, list[str]]:
    """Name to hashes of everything that a lock pins."""
    entries = re.split(r"\n(?=[a-zA-Z0-9])", lock.read_text())
    return {name_of(entry): re.findall(r"--hash=\S+", entry) for entry in entries if "==" in entry}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_everything_in_a_lock_is_hashed_and_nothing_names_a_host(lock: Path) -> None:
    assert [name for name, hashes in pinned(lock).items() if not hashes] == []
    assert "://" not in lock.read_text()


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.parent.name)
def test_what_a_part_depends_on_is_locked(part: Path) -> None:
    wanted = {name_of(need) for need in tomllib.loads(part.read_text())["project"].get("dependencies", [])}
    missing = {name for name in wanted if not name.startswith("titan-")} - set(pinned(TREE / "requirements/run.txt"))
    assert missing == set(), "run `make lock`"
