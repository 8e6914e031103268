"""A new user with a table of her own: from the file to answers in a program, in minutes, without reading anything."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field

import browsing
import pytest
import world

from titan.demo import data

expect = pytest.importorskip("playwright.sync_api", reason="deploy/setup.sh test e2e installs it").expect
MINUTES = 5
TARGET = "Ärger"


@dataclass
class Path:
    """What a new user met on her way, and how long it took."""

    guest: world.Visitor
    began: float
    found: dict[str, str] = field(default_factory=dict)
    machine_id: str = ""
    seconds: float = 0.0


def own_table(folder):
    """As a spreadsheet of hers would save it: semicolons, decimal commas, umlauts of an old encoding, one bad line."""
    head, *rows = list(csv.reader(io.StringIO(data.insurance_table().decode())))[: world.LINES + 1]
    place = head.index(world.TARGET)
    lines = [[TARGET if name == world.TARGET else name for name in head]]
    lines += [[("ja" if float(v) > 2 else "nein") if i == place else v.replace(".", ",") for i, v in enumerate(row)]
              for row in rows]  # fmt: skip
    file = folder / "besuche.csv"
    text = "\n".join(";".join(line) for line in lines) + "\nnur;zwei\n"
    file.write_bytes(text.encode("cp1252"))
    return file


@pytest.fixture(scope="module")
def path(browser, stack, tmp_path_factory):
    """The whole way, once: sign up, upload, correct, cancel a training, train, and look at the machine."""
    guest = world.visitor(browser, stack, f"nina-{os.getpid()}@example.org")
    way = Path(guest, time.monotonic())
    world.register(guest, "Nina", "New")
    page = guest.page
    page.get_by_role("link", name="Upload a table").first.click()
    page.get_by_label("File", exact=True).set_input_files(own_table(tmp_path_factory.mktemp("own")))
    page.get_by_role("button", name="Upload and read").click()
    page.wait_for_url("**/setup")
    way.machine_id = page.url.split("/")[-2]
    _correct(way)
    page.get_by_role("link", name="Top up first").first.click()
    world.top_up(guest, "20")
    _begin(way, level=2)
    page.get_by_role("button", name="Cancel").click()
    way.found["cancelled"] = page.locator("main").inner_text()
    _begin(way, level=1)
    expect(page.locator("#live .chart svg")).to_be_visible(timeout=120_000)
    page.get_by_role("link", name="See the machine").click(timeout=120_000)
    page.wait_for_url("**/machines/*")
    way.seconds = time.monotonic() - way.began
    yield way
    guest.context.close()


def _correct(way):
    page = way.guest.page
    for part in ("encoding", "separator", "decimal"):
        way.found[part] = page.locator(f"#{part}").input_value()
    way.found["set aside"] = page.locator("summary").first.inner_text()
    page.get_by_label("What it shall predict").select_option(TARGET)
    page.get_by_role("button", name="Predict this").click()
    expect(page.get_by_role("status")).to_contain_text("read anew")
    page.get_by_label(f"Part of {world.NEEDLESS}", exact=True).select_option("ignore")
    with page.expect_navigation():
        page.get_by_role("button", name="Apply corrections").click()
    expect(page.get_by_label(f"Part of {world.NEEDLESS}", exact=True)).to_have_value("ignore")
    way.found["quotes"] = page.get_by_role("region", name="Price and time by level").inner_text()


def _begin(way, *, level):
    page = way.guest.open("ml", f"/machines/{way.machine_id}/setup")
    page.get_by_role("button", name=f"Train at level {level}").click()
    page.wait_for_url("**/works/*")


@pytest.fixture
def machine(path):
    """Her machine's page."""
    del path.guest.watched.errors[:]
    yield path.guest.open("ml", f"/machines/{path.machine_id}")
    assert path.guest.watched.all_errors() == []


def test_how_her_file_is_written_was_found_out(path):
    assert [path.found[part] for part in ("encoding", "separator", "decimal")] == ["cp1252", ";", ","]
    assert path.found["set aside"] == "1 line set aside"


def test_another_sign_is_tried_before_it_is_kept(path):
    page = path.guest.open("ml", f"/machines/{path.machine_id}/setup")
    page.get_by_label("Encoding").select_option("cp1251")
    expect(page.get_by_text("This is how it would read")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Дrger")).to_be_visible()
    page.get_by_label("Separator").select_option("|")
    expect(page.get_by_role("alert")).to_contain_text("has one column only")
    page.reload()
    expect(page.get_by_label("Separator")).to_have_value(";")


def test_each_level_had_a_price_and_a_time_before_the_choice(path):
    for level in range(1, 6):
        assert re.search(rf"\n{level}\s[^\n]*\d EAML\s[^\n]*USD\s[^\n]*\d (s|min|h)", "\n" + path.found["quotes"]), (
            level
        )


def test_a_cancelled_training_costs_nothing(path):
    assert "nothing is charged" in path.found["cancelled"]
    charged = world.until(lambda: _charged_works(path.guest), "the charge of the other training")
    assert charged == ["succeeded"]


def _charged_works(guest):
    return [work["state"] for work in guest.person.items("ml", "works") if work["charged"]] or None


def test_it_took_less_than_five_minutes(path):
    assert path.seconds < 60 * MINUTES


def test_her_machine_stands_beside_three_that_cost_nothing(machine):
    row = machine.get_by_role("region", name="Scores beside the baselines").get_by_role("row").nth(1)
    for label in ("This machine", "Always the same answer", "Linear model", "LightGBM"):
        expect(row.locator(f"[data-label='{label}']")).to_have_text(re.compile(r"\d"))
    expect(row.locator("[data-label='Verdict']")).to_contain_text("learly")


@pytest.mark.parametrize("size", ["DESKTOP", "PHONE"])
def test_she_sees_how_sure_and_how_right_it_is(machine, size):
    machine.set_viewport_size(getattr(browsing, size))
    drawing = machine.get_by_role("img", name=re.compile("How sure it was"))
    expect(drawing).to_be_visible()
    assert drawing.locator("circle").count() > 1
    expect(machine.get_by_role("region", name=f"Answers against true labels of {TARGET}")).to_be_visible()
    expect(machine.get_by_role("img", name=re.compile("Loss"))).to_be_visible()
    assert browsing.too_wide(machine) == []
    machine.set_viewport_size(browsing.DESKTOP)


def test_a_row_is_solved_in_the_form(path):
    page = path.guest.open("ml", f"/machines/{path.machine_id}/solve")
    page.get_by_role("link", name="Fill with a real row").click()
    page.get_by_role("button", name="Solve").click()
    expect(page.get_by_role("status")).to_contain_text(re.compile(rf"{TARGET}: (ja|nein)"))


@pytest.fixture(scope="module")
def key(path):
    """An API key of hers, made where the machine's page sends her."""
    page = path.guest.open("ml", f"/machines/{path.machine_id}")
    page.get_by_role("link", name="account", exact=True).click()
    page.get_by_label("New key").fill("for a program")
    page.get_by_role("checkbox", name="ml:solve").check()
    page.get_by_role("button", name="Make key").click()
    return page.locator("pre").inner_text().strip()


def run(command, key, **more):
    """What a terminal would print."""
    environment = {**os.environ, "TITAN_KEY": key, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("again", [False, True])
def test_the_python_snippet_runs_as_it_stands(machine, key, again):
    code = machine.get_by_label("With Python").inner_text()
    assert re.fullmatch(rf"{{'{TARGET}': '(ja|nein)'}}\n", run([sys.executable, "-c", code], key))


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
@pytest.mark.parametrize("again", [False, True])
def test_the_curl_snippet_runs_as_it_stands(machine, key, again):
    command = machine.get_by_label("With curl", exact=True).inner_text()
    assert json.loads(run(["sh", "-c", command], key))["lines"] == 1


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
def test_the_csv_snippet_runs_as_it_stands(machine, key):
    answered = run(["sh", "-c", machine.get_by_label("With curl and CSV").inner_text()], key)
    [row] = csv.DictReader(io.StringIO(answered))
    assert next(iter(row.values())) in ("ja", "nein")


def test_a_graph_of_her_table_is_a_click_away(machine):
    machine.get_by_role("link", name="Graphs").click()
    expect(machine.locator("figure.graph img")).to_be_visible()


def test_her_machine_is_put_on_the_market_and_found_there(path, machine):
    machine.get_by_label("Dollars a line").fill("0,01")
    machine.get_by_role("button", name="Put on the market").click()
    machine.get_by_role("link", name="See the listing").first.click()
    expect(machine.get_by_role("link", name="Try it with a row")).to_be_visible()
    path.guest.open("ml", "/market")
    expect(path.guest.page.get_by_role("link", name="besuche").first).to_be_visible()


def test_all_her_work_is_listed(path):
    page = path.guest.open("ml", "/works")
    expect(page.get_by_role("region", name="Work").get_by_text("cancelled", exact=True)).to_be_visible()


def test_another_level_is_trained_on_a_copy(path):
    page = path.guest.open("ml", f"/machines/{path.machine_id}/setup")
    expect(page.get_by_role("button", name=re.compile("Train at level"))).to_have_count(1)
    page.get_by_role("button", name="Copy it to train at another level").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Copy of besuche: table and columns")
    expect(page.get_by_role("button", name=re.compile("Train at level"))).to_have_count(5)
