"""docs/reliability.md tells of tests that exist, and of every fault."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"


def names_in(folder: Path) -> set[str]:
    return {
        node.name
        for path in folder.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def part(heading: str) -> str:
    found = re.search(rf"^### {heading}\..*?(?=^##|\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found, heading
    return found.group()


def test_every_test_the_page_names_exists():
    assert set(re.findall(r"`(test_\w+)", PAGE.read_text())) - names_in(ROOT / "tests" / "chaos") == set()


@pytest.mark.parametrize("fault", "abcdefghij")
def test_every_fault_has_a_test_that_passed(fault):
    assert "`test_" in part(fault)
    assert "FAILED" not in part(fault)


def test_every_file_that_guards_is_there():
    here = ROOT / "libs" / "event_bus"
    named = re.findall(r"`(?:event_bus/)?(\w+\.py)`", PAGE.read_text().split("## The faults")[0])
    assert named
    assert [name for name in named if not (here / name).exists()] == []
