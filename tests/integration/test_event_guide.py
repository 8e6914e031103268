"""docs/guides/change-an-event.md works as written: followed in a copy of the tree, down to the old version's end."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "change-an-event.md"
BLOCK = re.compile(r"^```(\w+)(?: (file|append)=(\S+))?\n(.*?)^```$", re.M | re.S)
TYPE = "titan.billing.coupon.activated"
CHECKS = (
    "tests/contract/test_event_map.py",
    "tests/contract/test_contract_files.py",
    "libs/shared_models/tests/test_contracts.py",
)


@pytest.fixture
def copy(tmp_path) -> Path:
    """The tree without what it made."""
    ignored = shutil.ignore_patterns("__pycache__", ".venv", ".titan", ".git", ".hypothesis", "node_modules")
    for part in ("libs", "services", "deploy", "docs", "tests"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def follow(copy: Path) -> None:
    """Do what each block of the guide says, in order; `make contracts` and `tests/run.sh` are run as they run."""
    for language, how, path, text in BLOCK.findall(GUIDE.read_text()):
        if language == "sh":
            for line in text.splitlines():
                shell(line, copy)
        elif language == "diff":
            edit(copy / path, text)
        else:
            with (copy / path).open("a" if how == "append" else "w") as file:
                file.write(text)


def edit(path: Path, change: str) -> None:
    """Replace the lines that go and stay by those that stay and come; they must be there exactly once."""
    lines = change.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    text = path.read_text()
    assert text.count(before) == 1, f"{path} has {text.count(before)} times:\n{before}"
    path.write_text(text.replace(before, after))


def shell(line: str, copy: Path) -> None:
    """One line of the guide; of a service's tests only those that the guide adds."""
    if line == "make contracts":
        python(copy, "-m", "service_base.contracts")
    else:
        service = line.removeprefix("tests/run.sh services/")
        tests = f"services/{service}/tests/test_coupon_versions.py"
        python(copy, "-m", "pytest", tests, DJANGO_SETTINGS_MODULE=f"{service}.settings")


def python(copy: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python on the copy; without this run's servers, since a part of it may be using their databases."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("TITAN_", "DJANGO_"))}
    path = os.pathsep.join(str(copy / part) for part in ("libs", "services", "deploy/local"))
    environment = outside | {"PYTHONPATH": path} | variables
    command = [sys.executable, *arguments]
    ran = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{arguments}: {ran.stdout}\n{ran.stderr}"
    return ran


def row_of(copy: Path, version: str) -> str:
    """The table's line of one version."""
    table = (copy / "docs/events/README.md").read_text().splitlines()
    return next(line for line in table if line.startswith(f"| [{TYPE}.{version}]"))


@pytest.mark.timeout(900)
def test_the_guide_leads_from_a_field_to_a_second_version_and_the_firsts_end(copy):
    follow(copy)
    assert "| nobody any more | public |" in row_of(copy, "v1")
    assert "| billing | identity |" in row_of(copy, "v2")
    old = json.loads((copy / f"docs/events/schemas/{TYPE}.v1.json").read_text())
    assert "valid_until" in old["properties"]
    python(copy, "-m", "pytest", *CHECKS)


@pytest.mark.timeout(240)
def test_without_a_second_version_the_same_change_is_refused(copy):
    contract = copy / "libs/shared_models/events/billing.py"
    edit(contract, "     owner_id: UUID\n-    code: str\n+    coupon: str\n     amount: Amount\n")
    with pytest.raises(AssertionError, match=re.escape(f"{TYPE}.v1: code is gone from the body")):
        python(copy, "-m", "service_base.contracts")
