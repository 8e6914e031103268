"""What the READMEs say of the events is what the code does, and every event that is heard is said by somebody."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("identity", "ml", "billing", "trading", "scheduler")
TYPE = re.compile(r"`(titan\.[a-z_.]+\.v\d+)`")


@cache
def code_of(service: str) -> dict[str, list[str]]:
    """What the service's own code registers, asked in a process of its own."""
    variables = {
        "TITAN_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "TITAN_SECRET_KEY": "k" * 50,
        "TITAN_MASTER_KEYS": "test:" + "A" * 43 + "=",
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("libs", "services", "deploy/local")),
    }
    asked = [sys.executable, "-W", "ignore", "-m", "event_bus", f"--settings={service}.settings", "map"]
    ran = subprocess.run(asked, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def readme_of(service: str, heading: str) -> list[str]:
    """The event types below a heading of the service's README."""
    text = (ROOT / "services" / service / "README.md").read_text()
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert section, f"services/{service}/README.md has no section {heading}"
    return sorted(set(TYPE.findall(section.group(1))))


@pytest.mark.parametrize("service", SERVICES)
def test_the_readme_lists_what_the_service_publishes(service):
    assert readme_of(service, "Publishes") == code_of(service)["publishes"]


@pytest.mark.parametrize("service", SERVICES)
def test_the_readme_lists_what_the_service_listens_to(service):
    assert readme_of(service, "Listens to") == code_of(service)["listens_to"]


def test_every_event_that_is_heard_is_said_by_exactly_one_service():
    said = [type_ for service in SERVICES for type_ in code_of(service)["publishes"]]
    heard = {type_ for service in SERVICES for type_ in code_of(service)["listens_to"]}
    assert sorted(heard - set(said)) == []
    assert sorted(said) == sorted(set(said))


@pytest.mark.parametrize("service", SERVICES)
def test_an_event_without_a_reader_here_is_marked_public(service):
    heard = {type_ for other in SERVICES for type_ in code_of(other)["listens_to"]}
    text = (ROOT / "services" / service / "README.md").read_text()
    unread = [type_ for type_ in code_of(service)["publishes"] if type_ not in heard]
    unmarked = [type_ for type_ in unread if not re.search(rf"`{re.escape(type_)}`[^\n]*\bpublic\b", text)]
    assert unmarked == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_says_only_things_of_its_own_context(service):
    assert [type_ for type_ in code_of(service)["publishes"] if type_.split(".")[1] != service] == []
