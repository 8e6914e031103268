"""docs/guides/add-a-model.md works as written: followed in a copy of the tree, tables land in the right databases."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "add-a-model.md"
BLOCK = re.compile(r"^```(\w+)(?: (file|append)=(\S+))?\n(.*?)^```$", re.M | re.S)


@pytest.fixture
def copy(tmp_path) -> Path:
    """The tree without what it made."""
    ignored = shutil.ignore_patterns("__pycache__", ".venv", ".titan", ".git", "tests")
    for part in ("libs", "services", "deploy"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=ignored)
    return tmp_path


@pytest.fixture
def databases(postgres_url):
    """A database for trading and one for its time series."""
    with psycopg.connect(postgres_url, autocommit=True) as server:
        for name in ("guide", "guide_timeseries"):
            server.execute(f"DROP DATABASE IF EXISTS {name}")
            server.execute(f"CREATE DATABASE {name}")
    yield {name: urlsplit(postgres_url)._replace(path=f"/{name}").geturl() for name in ("guide", "guide_timeseries")}
    with psycopg.connect(postgres_url, autocommit=True) as server:
        for name in ("guide", "guide_timeseries"):
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {row[0] for row in rows}


def follow(copy: Path, database: str) -> None:
    """Do what each block of the guide says, in order."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(str(copy / part) for part in ("libs", "services", "deploy/local")),
        "DJANGO_SETTINGS_MODULE": "trading.settings",
        "TITAN_DATABASE_URL": database,
        "TITAN_SECRET_KEY": "k" * 50,
        "TITAN_MASTER_KEYS": "test:" + "A" * 43 + "=",
        "TITAN_DATA_DIR": str(copy),
    }
    for language, how, path, text in BLOCK.findall(GUIDE.read_text()):
        if language == "sh":
            for line in text.splitlines():
                run(line.removeprefix("titan manage trading ").split(), copy, environment)
        elif how == "append":
            with (copy / path).open("a") as file:
                file.write(text)
        else:
            write(copy / path, text)


def write(path: Path, text: str) -> None:
    """A new file; a migration takes the place after the newest one."""
    if "{previous}" in text:
        newest = sorted(p.stem for p in path.parent.glob("[0-9]*.py"))[-1]
        path = path.with_name(f"{int(newest[:4]) + 1:04}_{path.name[5:]}")
        text = text.replace("{previous}", newest)
    path.write_text(text)


def run(arguments: list[str], copy: Path, environment: dict[str, str]) -> None:
    """One of Django's commands on the copy, as `titan manage` runs it."""
    command = [sys.executable, "-m", "django", *arguments]
    ran = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{arguments}: {ran.stdout}\n{ran.stderr}"


@pytest.mark.timeout(240)
def test_the_guide_puts_each_table_into_its_own_database_only(copy, databases):
    follow(copy, databases["guide"])
    regular, series = tables(databases["guide"]), tables(databases["guide_timeseries"])
    assert "watch" in regular
    assert "watch" not in series
    assert "funding_rate" in series
    assert "funding_rate" not in regular
