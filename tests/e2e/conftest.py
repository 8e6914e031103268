"""One stack and one headless Chromium a session; without a Chromium every test here is skipped by name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import browsing
import world

from titan.configuration import Configuration
from titan.demo import data
from titan.demo.client import Person
from titan.secret import load_or_make
from titan.testing import free_port_base, scratch_directory

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HERE = Path(__file__).parent
OPERATOR = "operator@titan.localhost"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Allow the first test the start of the stack, and skip all where there is nothing to drive."""
    missing = _missing()
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(600))
            if missing:
                item.add_marker(pytest.mark.skip(reason=missing))


def _missing() -> str:
    if find_spec("playwright") is None:
        return "the browser tests need what `deploy/setup.sh test e2e` installs"
    if browsing.where() is None:
        return f"no Chromium here (looked for {', '.join(browsing.NAMES)}): on Debian `apt install chromium`"
    return ""


@pytest.fixture(scope="session")
def stack() -> Iterator[Configuration]:
    """A running stack of this session's own; TITAN_E2E_RUNNING=1 uses the one that TITAN_DATA_DIR names instead."""
    if os.environ.get("TITAN_E2E_RUNNING"):
        yield Configuration(Path(os.environ["TITAN_DATA_DIR"]), port_base=int(os.environ["TITAN_PORT_BASE"]))
        return
    with scratch_directory() as home:
        yield from _running(Configuration(home, port_base=free_port_base()))


def _running(configuration: Configuration) -> Iterator[Configuration]:
    home = configuration.data_dir
    outside = {n: v for n, v in os.environ.items() if not n.startswith(("TITAN_", "DJANGO_"))}
    environment = outside | {"TITAN_DATA_DIR": str(home), "TITAN_PORT_BASE": str(configuration.port_base)}

    def titan(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "titan.cli", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)

    ran = titan("up", "--detach")
    try:
        assert ran.returncode == 0, f"{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}"
        yield configuration
    finally:
        titan("down")
        if kept := os.environ.get("TITAN_E2E_LOGS"):
            shutil.copytree(configuration.log_dir, kept, dirs_exist_ok=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser, shared; every person has a context, and so cookies, of her own."""
    with browsing.chromium() as running:
        yield running


@pytest.fixture(scope="session")
def ada(browser: Browser, stack: Configuration) -> world.Visitor:
    """Ada, signed up through the form, with money in her wallet."""
    guest = world.visitor(browser, stack, f"ada-{os.getpid()}@example.org")
    world.register(guest, "Ada", "Quant")
    world.top_up(guest, "50")
    return guest


@pytest.fixture(scope="session")
def bo(browser: Browser, stack: Configuration) -> world.Visitor:
    """Bo, a stranger to Ada."""
    guest = world.visitor(browser, stack, f"bo-{os.getpid()}@example.org")
    world.register(guest, "Bo", "Buyer")
    return guest


@pytest.fixture(scope="session")
def operator(browser: Browser, stack: Configuration) -> world.Visitor:
    """The operator of the installation."""
    password = load_or_make(stack.secrets_file).admin_password
    guest = world.visitor(browser, stack, OPERATOR)
    world.until(lambda: _signed_in(guest, password), "the operator's account")
    browsing.sign_in(guest.page, stack.url("identity"), OPERATOR, password)
    return guest


def _signed_in(guest: world.Visitor, password: str) -> bool | None:
    answer = guest.person.try_post("identity", "auth/login", {"email": guest.email, "password": password})
    return world.as_program(guest, password) or True if answer.is_success else None


@pytest.fixture(scope="session")
def training(ada: world.Visitor, tmp_path_factory: pytest.TempPathFactory) -> world.Training:
    """A machine of Ada's, trained at level 1 through the pages."""
    return world.train(ada, world.table_file(tmp_path_factory.mktemp("table")))


@pytest.fixture(scope="session")
def purchase(ada: world.Visitor, bo: world.Visitor, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Lines of a machine of Bo's that Ada bought on the market."""
    machine_id = world.sell_lines(bo, world.table_file(tmp_path_factory.mktemp("sale")), dollars="2.5")
    return world.buy_lines(ada, machine_id)


@pytest.fixture(scope="session")
def symbol(ada: world.Visitor, tmp_path_factory: pytest.TempPathFactory) -> str:
    """IBM with its prices."""
    return world.market(ada, tmp_path_factory.mktemp("prices"))


@pytest.fixture(scope="session")
def bot(ada: world.Visitor, symbol: str) -> str:
    """A bot of Ada's."""
    return world.bot(ada, symbol)


@pytest.fixture(scope="session")
def backtest(ada: world.Visitor, bot: str) -> str:
    """A backtest of the bot over two years, ended."""
    run = world.start(ada, bot, "backtest", since="2005-01-01", until="2007-01-01")
    world.until(lambda: _ended(ada.person, run), "the backtest")
    return run


def _ended(person: Person, run_id: str) -> bool | None:
    return person.get("trading", f"runs/{run_id}")["status"] in ("completed", "failed", "cancelled") or None


@pytest.fixture(scope="session")
def calendar(operator: world.Visitor, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The changes of the Federal Funds rate, imported by the operator through the page."""
    file = tmp_path_factory.mktemp("calendar") / "fomc.csv"
    file.write_bytes(data.calendar_file())
    page = operator.open("scheduler")
    page.get_by_label("CSV or iCalendar file").set_input_files(file)
    page.get_by_label("Source").fill("federal-funds")
    page.get_by_role("button", name="Import").click()
    page.get_by_text("Federal Funds Target Rate").first.wait_for()


@pytest.fixture(scope="session")
def contract(ada: world.Visitor, bo: world.Visitor) -> str:
    """A contract of Ada's with Bo that Bo disputes, and a request of hers that Bo offered for."""
    world.request(ada, bo)
    return world.disputed(ada, bo)


@pytest.fixture(scope="session")
def bill(ada: world.Visitor, operator: world.Visitor, training: world.Training) -> str:
    """Ada's bill for her training, with a tax of hers, issued by the operator; its id."""
    owner = ada.person.get("billing", "balances")["owner_id"]
    page = operator.open("billing", "/bills/all")
    page.get_by_label("Id of the person").fill(owner)
    page.get_by_label("Basis points (empty: the usual rate)").fill("1900")
    page.get_by_role("button", name="Set").click()
    page.get_by_role("status").wait_for()
    # What happened this very second is billed in the next.
    world.until(lambda: _issued(ada, operator, owner), "the bill")
    return str(ada.person.get("billing", "bills")["items"][0]["id"])


def _issued(ada: world.Visitor, operator: world.Visitor, owner: str) -> bool | None:
    page = operator.open("billing", "/bills/all")
    page.get_by_label("Id of one person (optional)").fill(owner)
    page.get_by_role("button", name="Issue bills").click()
    page.wait_for_load_state()
    return bool(ada.person.get("billing", "bills")["items"]) or None


@pytest.fixture(scope="session")
def everything(
    ada: world.Visitor,
    training: world.Training,
    backtest: str,
    calendar: None,
    team: str,
    bill: str,
    contract: str,
    purchase: str,
) -> world.Visitor:
    """Ada with a thing of every kind, one machine on the market and one job."""
    ada.person.post("ml", f"machines/{training.machine_id}/publish", {"machine_api_solving_price_usd": "0.02"})
    body = {"name": "retrain", "topic": "machine.retrain", "trigger": "0 23 L * *"}
    ada.person.post("scheduler", "jobs", body, key="e2e-job")
    return ada


@pytest.fixture(scope="session")
def team(ada: world.Visitor) -> str:
    """A team of Ada's, made on her account's page."""
    page = ada.open("identity")
    page.get_by_label("New team").fill("Desk One")
    page.get_by_role("button", name="Make team").click()
    page.get_by_role("link", name="Desk One").wait_for()
    return "Desk One"
