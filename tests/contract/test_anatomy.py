"""The tree keeps its shape: the same files in each service, small files, small functions, plain names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("identity", "ml", "billing", "trading", "scheduler")
EVERY_SERVICE_HAS = (
    *("settings", "asgi", "worker", "api", "schemas", "commands", "queries", "rules"),
    *("models", "admin", "publishes", "handlers", "pages"),
)
VAGUE = re.compile(r"(^|_)(utils?|helpers?|managers?|misc|common|base2|stuff)$")
INLINE = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son[a-z]+=|hx-on|javascript:|hx-vals=['\"]js:")
REGISTRY_HOST = re.compile(r"https?://[^\s\"')]*(pypi\.|pythonhosted|npmjs|/simple\b|\.whl\b|\.tgz\b|\.jar\b|\.deb\b)")


def python_files() -> Iterator[Path]:
    for top in ("libs", "services", "deploy", "tests"):
        yield from (
            p for p in (ROOT / top).rglob("*.py") if "migrations" not in p.parts and "node_modules" not in p.parts
        )


def _holds_a_class(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    # A state machine told inside its test is a class, not a long function.
    return any(isinstance(node, ast.ClassDef) for node in function.body)


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_same_files_as_every_other(service):
    here = ROOT / "services" / service
    missing = [n for n in EVERY_SERVICE_HAS if not ((here / f"{n}.py").exists() or (here / n / "__init__.py").exists())]
    missing += [
        n for n in ("README.md", "pyproject.toml", "migrations", "templates", "tests") if not (here / n).exists()
    ]
    assert missing == []


def test_no_file_outgrows_what_fits_in_a_head():
    assert {relative(p): n for p in python_files() if (n := len(p.read_text().splitlines())) > 400} == {}


def lines_of_code(path: Path) -> int:
    """Lines that are neither blank nor comment nor docstring."""
    text = path.read_text()
    told: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            told.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    lines = enumerate(text.splitlines(), start=1)
    return sum(1 for n, line in lines if line.strip() and not line.lstrip().startswith("#") and n not in told)


def test_the_bus_can_be_read_in_an_evening():
    assert sum(lines_of_code(path) for path in (ROOT / "libs" / "event_bus").glob("*.py")) <= 1500


def test_no_function_is_longer_than_forty_lines():
    long = {}
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _holds_a_class(node):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > 40:
                    long[f"{relative(path)}:{node.name}"] = length
    assert long == {}


def test_every_module_says_in_a_sentence_what_it_is_for():
    silent = []
    for path in python_files():
        tree = ast.parse(path.read_text())
        if tree.body and not ast.get_docstring(tree):
            silent.append(relative(path))
    assert silent == []


def test_no_module_has_a_name_that_could_hold_anything():
    assert [relative(p) for p in python_files() if VAGUE.search(p.stem)] == []


def test_templates_hold_no_inline_script_or_style():
    templates = [*(ROOT / "services").rglob("templates/**/*.html"), *(ROOT / "libs").rglob("templates/**/*.html")]
    assert [relative(p) for p in templates if INLINE.search(p.read_text())] == []
    assert templates


def test_no_foreign_key_leads_into_another_service():
    wrong = []
    for service in SERVICES:
        others = "|".join(other for other in SERVICES if other != service)
        crossing = re.compile(rf"(ForeignKey|OneToOneField|ManyToManyField)\(\s*[\"']({others})\.")
        paths = (ROOT / "services" / service).rglob("*.py")
        wrong += [relative(path) for path in paths if crossing.search(path.read_text())]
    assert wrong == []


def test_no_error_is_swallowed_silently():
    wrong = []
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler) and len(node.body) == 1 and isinstance(node.body[0], ast.Pass):
                wrong.append(f"{relative(path)}:{node.lineno}")
    assert wrong == []


def test_no_file_names_a_package_registrys_host():
    endings = {".py", ".toml", ".txt", ".in", ".sh", ".md", ".yml", ".yaml", ".json", ""}
    skipped = {".git", ".venv", ".titan", "node_modules", "__pycache__"}
    files = (p for p in ROOT.rglob("*") if p.is_file() and p.suffix in endings and not skipped & set(p.parts))
    assert [relative(p) for p in files if REGISTRY_HOST.search(p.read_text(errors="ignore"))] == []
