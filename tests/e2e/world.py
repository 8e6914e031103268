"""What the browser tests need to exist: people, a trained machine, prices, a bot and its runs, made once a session."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import browsing

from titan.configuration import Configuration
from titan.demo import data
from titan.demo.client import Person

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

T = TypeVar("T")
PASSWORD = "a sentence is fine here"
LINES = 600
TARGET, NEEDLESS = "mdvis", "idp"


@dataclass
class Visitor:
    """Somebody at a browser, and the same person as a program."""

    person: Person
    email: str
    context: BrowserContext
    watched: browsing.Watched

    @property
    def page(self) -> Page:
        return self.watched.page

    def url(self, service: str, path: str = "/") -> str:
        """A page's full address."""
        return self.person.stack.url(service) + path

    def open(self, service: str, path: str = "/") -> Page:
        """Go there; the page must be there."""
        answer = self.page.goto(self.url(service, path))
        assert answer is not None
        assert answer.status == 200, f"{path} answered {answer.status}"
        return self.page


@dataclass
class Training:
    """What the training page showed, from start to end, without being loaded again."""

    machine_id: str
    work_id: str
    role_kept: str
    price: str
    stayed: bool
    percents: list[float] = field(default_factory=list)


def addresses_of(stack: Configuration) -> set[str]:
    """The five addresses that pages may talk to."""
    return {stack.url(name) for name in ("identity", "ml", "billing", "trading", "scheduler")}


def visitor(browser: Browser, stack: Configuration, email: str, **options: object) -> Visitor:
    """A new browser context for a person who is not signed in yet."""
    context = browser.new_context(viewport=browsing.DESKTOP, **options)  # type: ignore[arg-type]
    context.set_default_timeout(browsing.PATIENCE)
    return Visitor(Person(stack, email), email, context, browsing.new_page(context, addresses_of(stack)))


def register(guest: Visitor, first: str, last: str) -> None:
    """Sign up through the form; afterwards the same person also acts over the API."""
    page = guest.page
    page.goto(guest.url("identity", "/register"))
    page.get_by_label("First name").fill(first)
    page.get_by_label("Last name").fill(last)
    page.get_by_label("E-mail").fill(guest.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Register").click()
    page.wait_for_url(guest.url("ml"))
    as_program(guest)


def as_program(guest: Visitor, password: str = PASSWORD) -> None:
    """Give the person's API side a token."""
    body = {"email": guest.email, "password": password}
    guest.person.token = guest.person.post("identity", "auth/login", body)["access_token"]


def top_up(guest: Visitor, dollars: str) -> None:
    """Test money through the wallet's form and the test provider's page."""
    page = guest.open("billing")
    page.get_by_label("Amount in USD").fill(dollars)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Confirm the test payment").click()
    page.wait_for_url(guest.url("billing"))


def table_file(folder: Path) -> Path:
    """A real table: the first lines of the health insurance experiment that the demo trains on."""
    rows = list(csv.reader(io.StringIO(data.insurance_table().decode())))[: LINES + 1]
    file = folder / "visits.csv"
    with file.open("w", newline="") as out:
        csv.writer(out).writerows(rows)
    return file


def train(guest: Visitor, file: Path) -> Training:
    """Upload, correct a column, start at level 1 and watch until it is trained."""
    page = guest.open("ml", "/machines/new")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_label("Name").fill("Doctor visits")
    page.get_by_role("button", name="Upload and read").click()
    page.wait_for_url("**/setup")
    page.get_by_label(f"Part of {TARGET}").select_option("output")
    page.get_by_label(f"Part of {NEEDLESS}").select_option("ignore")
    page.get_by_role("button", name="Apply corrections").click()
    page.wait_for_load_state()
    kept = page.get_by_label(f"Part of {NEEDLESS}").input_value()
    offer = page.get_by_role("row").filter(has=page.get_by_role("button", name="Train at level 1"))
    price = offer.locator("[data-label=Price]").inner_text()
    offer.get_by_role("button").click()
    page.wait_for_url("**/works/*")
    seen = Training("", page.url.rsplit("/", 1)[1], kept, price, stayed=False)
    page.evaluate("window.sameDocument = true")
    _watch(page, seen)
    page.get_by_role("link", name="See the machine").click()
    page.wait_for_url("**/machines/*")
    seen.machine_id = page.url.rsplit("/", 1)[1]
    return seen


def _watch(page: Page, seen: Training) -> None:
    done = page.get_by_role("link", name="See the machine")
    deadline = time.monotonic() + 150
    while not done.is_visible():
        assert time.monotonic() < deadline, page.locator("main").inner_text()
        value = page.locator("#live progress").get_attribute("value")
        if value is not None and seen.percents[-1:] != [float(value)]:
            seen.percents.append(float(value))
        page.wait_for_timeout(100)
    seen.stayed = bool(page.evaluate("window.sameDocument === true"))


def market(guest: Visitor, folder: Path) -> str:
    """A symbol made in the form, with IBM's daily candles loaded from a file; its id."""
    page = guest.open("trading", "/symbols")
    page.get_by_label("Ticker").fill("IBM")
    page.get_by_label("Exchange").select_option("NASDAQ")
    page.get_by_label("Name").fill("International Business Machines")
    page.get_by_role("button", name="Make symbol").click()
    page.wait_for_url("**/symbols/*")
    file = folder / "stocks.csv"
    file.write_bytes(data.prices_file())
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_label("Ticker in the file").fill("IBM")
    page.get_by_role("button", name="Load").click()
    page.get_by_text("candles read").wait_for()
    return page.url.rsplit("/", 1)[1]


def bot(guest: Visitor, symbol_id: str) -> str:
    """A bot made in the form: the momentum of short averages, so that it trades often; its id."""
    page = guest.open("trading", "/bots/new")
    page.get_by_label("Name").fill("Short averages")
    page.get_by_label("Market").select_option(symbol_id)
    with page.expect_response("**/parameters?**"):
        page.get_by_label("What it does").select_option("momentum")
    # Not wait_for_function, which evaluates text in the page once it has to wait, and the page's policy forbids that.
    page.wait_for_selector(".htmx-request, .htmx-swapping, .htmx-settling", state="detached")
    page.get_by_label("Fast average").fill("3")
    page.get_by_label("Slow average").fill("6")
    page.get_by_role("button", name="Make bot").click()
    page.wait_for_url(lambda url: "/bots/" in url and not url.endswith("/new"))
    return page.url.rsplit("/", 1)[1]


def start(guest: Visitor, bot_id: str, kind: str, *, since: str, until: str, pace: str = "10") -> str:
    """Start a run from the bot's page; its id. Leaves the browser on the run's page."""
    page = guest.open("trading", f"/bots/{bot_id}")
    page.get_by_label("How").select_option(kind)
    page.get_by_label("From").fill(since)
    page.get_by_label("Until").fill(until)
    page.get_by_label("Candles a second").fill(pace)
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/runs/*")
    return page.url.rsplit("/", 1)[1]


def request(client: Visitor, consultant: Visitor, dollars: str = "3") -> tuple[str, str]:
    """A consulting request and the consultant's offer for it: their ids."""
    asking = {"category": "machine_performance", "description": "The score is worse than the constant's. Why?"}
    found = client.person.post("billing", "consulting", asking)["id"]
    body = {"amount_usd": dollars, "delay_days": 5, "message": "I know this table."}
    return found, consultant.person.post("billing", f"consulting/{found}/offers", body)["id"]


def disputed(client: Visitor, consultant: Visitor) -> str:
    """A contract that its consultant disputes."""
    found, offer = request(client, consultant)
    client.person.post("billing", f"consulting/{found}/offers/{offer}/choose")
    consultant.person.post("billing", f"contracts/{found}/sign")
    consultant.person.post("billing", f"contracts/{found}/dispute", {"reason": "She does not answer."})
    return found


def until(look: Callable[[], T | None], what: str, seconds: float = 60) -> T:
    """The first answer that is not None."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.1)
    return found


def sell_lines(seller: Visitor, table: Path, *, dollars: str) -> str:
    """A machine of the seller's whose lines are on the market, with a sample."""
    file = {"file": (table.name, table.read_bytes(), "text/csv")}
    fields = {"machine_name": "Visits for sale", "outputs": TARGET}
    machine: dict[str, str] = seller.person.post("ml", "machines", None, key="e2e-sale", data=fields, files=file)
    page = seller.open("ml", f"/machines/{machine['id']}")
    page.get_by_label("Sell its lines as a file").check()
    page.get_by_label("Show the first ten lines").check()
    page.get_by_label("Dollars for all lines").fill(dollars)
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="See the listing").wait_for()
    return machine["id"]


def buy_lines(buyer: Visitor, machine_id: str) -> str:
    """The purchase of those lines, made on the listing and delivered while its page is open."""
    page = buyer.open("ml", f"/market/{machine_id}")
    page.get_by_role("button", name="Buy the lines").click()
    page.get_by_role("link", name="Download the lines").wait_for()
    return page.url.rsplit("/", 1)[-1]
