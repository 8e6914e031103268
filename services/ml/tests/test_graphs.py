"""Graphs over the API: what fits, drawing, refusing, keeping; and the process that draws."""

import json
import os
import signal
from time import time
from uuid import uuid4

import pytest

from ml import commands, drawings
from ml.models import Graph
from ml.rules.graphs import Specification
from ml.store import place
from ml.tests.world import buyers, csv_of

pytestmark = pytest.mark.django_db(transaction=True)

BOXES = {"graph_type": 8, "x": "city", "y": "income", "hue": "bought"}
EVERY_TYPE = {
    1: {"x": "age", "y": "income", "hue": "bought", "style": "city"},
    2: {"x": "day", "y": "income", "hue": "city"},
    3: {"x": "age", "y": "income"},
    4: {"x": "income", "hue": "city"},
    5: {"x": "day", "y": "income"},
    6: {"x": "age", "y": "income", "hue": "income", "size": "age"},
    7: {"x": "age", "y": "income", "hue": "bought"},
    8: {"x": "city", "y": "income", "hue": "bought"},
    9: {"x": "city", "y": "income", "hue": "bought"},
    10: {"x": "city", "y": "income", "hue": "bought", "col": "plan"},
    11: {"x": "city", "y": "income"},
    12: {"x": "income", "y": "city"},
    13: {"x": "income", "y": "city", "statistic": "sum"},
}


@pytest.fixture(scope="module", autouse=True)
def studio():
    """The warm child goes when the module's tests are done."""
    yield
    drawings._studio.rest()


@pytest.fixture
def hers(api, ada):
    return api(ada)


@pytest.fixture
def rich(machine_of, ada):
    """A machine with every kind of column: also days, and plans of three kinds."""
    rows = [
        [*row, f"2024-{1 + number % 12:02d}-{1 + number % 28:02d}", "abc"[number % 3]]
        for number, row in enumerate(buyers(240))
    ]
    return machine_of(ada, csv_of(rows, ["age", "income", "city", "bought", "day", "plan"]), outputs=["bought"])


def path(machine, what="graph", **given):
    query = "&".join(f"{name}={value}" for name, value in given.items())
    return f"machines/{machine.pk}/{what}?{query}"


async def send(client, where, body, method="post"):
    send_it = getattr(client, method)
    return await send_it(f"/api/v1/{where}", json.dumps(body), content_type="application/json")


async def get(client, where):
    answer = await client.get(f"/api/v1/{where}")
    return answer.status_code, answer.json() if "json" in answer["content-type"] else answer


async def test_the_thirteen_types_are_named_with_what_they_take(hers):
    _, found = await get(hers, "graph-types")
    assert [kind["graph_type"] for kind in found["items"]] == list(range(1, 14))
    assert found["palettes"]["Light24"][0] == "#FD3216"


@pytest.mark.parametrize("number", EVERY_TYPE)
async def test_every_type_is_drawn_of_an_uploaded_table(hers, rich, number):
    status, found = await get(hers, path(rich, graph_type=number, **EVERY_TYPE[number]))
    assert status == 200, found
    assert found["lines"] == 240
    assert found["figures"][0]["rows"]


async def test_the_figures_are_those_of_the_table(hers, machine):
    _, found = await get(hers, path(machine, graph_type=13, y="city", x="income", statistic="sum"))
    sums = {row[0]: row[2] for row in found["figures"][0]["rows"]}
    wanted = {}
    for _, income, city, _ in buyers():
        wanted[city] = wanted.get(city, 0) + float(income)
    assert sums == pytest.approx(wanted)


@pytest.mark.parametrize(("picture", "begins"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
async def test_a_graph_comes_as_a_picture(hers, machine, picture, begins):
    status, answer = await get(hers, path(machine, f"graph.{picture}", **BOXES))
    assert status == 200
    assert answer.content.startswith(begins)


async def test_a_graph_comes_as_vega_lite_with_statistics_instead_of_the_table(hers, machine):
    _, found = await get(hers, path(machine, "graph.vl.json", **BOXES))
    assert found["$schema"].endswith("v6.json")
    assert len(json.dumps(found)) < 20_000


async def test_the_dark_picture_differs(hers, machine):
    _, light = await get(hers, path(machine, "graph.svg", **BOXES))
    _, dark = await get(hers, path(machine, "graph.svg", theme="dark", **BOXES))
    assert b"#10161c" in dark.content
    assert b"#10161c" not in light.content


async def test_figures_come_for_spreadsheets_without_formulas(machine_of, ada, hers):
    rows = [["=1+1" if number % 2 else "-2", str(number)] for number in range(80)]
    machine = await _in_thread(machine_of, ada, csv_of(rows, ["formula", "size"]))
    _, answer = await get(hers, path(machine, "graph.csv", graph_type=13, y="formula"))
    lines = answer.content.decode().splitlines()
    assert lines[0] == "The bars"
    assert sorted(line.split(",")[0] for line in lines[2:]) == ["'=1+1", "-2"]


async def _in_thread(do, *given):
    from asgiref.sync import sync_to_async

    return await sync_to_async(do)(*given)


async def test_what_was_found_inside_a_json_column_is_drawn(hers, machine_of, ada):
    rows = [
        [f'"{{""size"": {number % 30}.5, ""kind"": ""{"ab"[number % 2]}""}}"', str(number % 7)] for number in range(90)
    ]
    machine = await _in_thread(machine_of, ada, csv_of(rows, ["inside", "n"]))
    size, kind = (next(name for name in machine.column_names if part in name) for part in ("size", "kind"))
    status, found = await get(hers, path(machine, graph_type=8, x=kind, y=size))
    assert status == 200, found
    assert [row[0] for row in found["figures"][0]["rows"]] == ["a", "b"]


async def test_dates_are_drawn_in_the_order_that_was_said(hers, machine_of, ada):
    rows = [[f"0{1 + number % 9}/0{1 + number % 8}/2024", str(number % 11)] for number in range(90)]
    machine = await _in_thread(machine_of, ada, csv_of(rows, ["day", "n"]))
    await _in_thread(lambda: commands.correct_machine(machine_id=machine.pk, dialect={"date_order": "MDY"}))
    _, found = await get(hers, path(machine, graph_type=2, x="day", y="n"))
    assert {row[0][5:7] for row in found["figures"][0]["rows"]} == {f"0{month}" for month in range(1, 10)}


async def test_wrong_columns_are_refused_each_at_its_field_with_what_would_fit(hers, machine):
    status, found = await get(hers, path(machine, graph_type=3, x="city", y="bought"))
    assert status == 422
    assert found["type"].endswith("/unfit-graph")
    assert [error["field"] for error in found["errors"]] == ["x", "y"]
    assert "Would fit: age, income." in found["errors"][0]["message"]


async def test_what_only_the_values_tell_is_refused_too(hers, machine_of, ada):
    rows = [[str(-number), "ab"[number % 2]] for number in range(80)]
    machine = await _in_thread(machine_of, ada, csv_of(rows, ["loss", "kind"]))
    status, found = await get(hers, path(machine, graph_type=4, x="loss"))
    assert (status, found["errors"][0]["field"]) == (422, "x")
    assert "above zero" in found["detail"]


async def test_each_type_says_whether_it_fits_and_why_not(hers, machine):
    _, found = await get(hers, f"machines/{machine.pk}/graph-types")
    by_number = {kind["graph_type"]: kind for kind in found["items"]}
    assert by_number[8]["fits"]
    assert by_number[8]["columns"]["y"] == ["age", "income"]
    assert not by_number[10]["fits"]
    assert "too few" in by_number[10]["why_not"]


@pytest.mark.parametrize("what", ["graph", "graph.svg", "graph.csv", "graph.vl.json", "graph-types", "graphs"])
async def test_somebody_elses_graphs_do_not_exist(api, eve, machine, what):
    assert (await get(await _in_thread(api, eve), path(machine, what, **BOXES)))[0] == 404


async def test_a_graph_is_kept_changed_and_forgotten(hers, machine):
    kept = await send(hers, f"machines/{machine.pk}/graphs", {**BOXES, "graph_name": "Who earns"})
    assert kept.status_code == 201, kept.content
    graph = kept.json()
    assert (graph["graph_type_name"], graph["palette"], graph["hue"]) == ("Grouped boxplots", "Light24", "bought")
    changed = await send(hers, f"graphs/{graph['id']}", {"hue": "", "palette": "Set2"}, "patch")
    assert (changed.json()["hue"], changed.json()["palette"], changed.json()["x"]) == ("", "Set2", "city")
    _, listed = await get(hers, f"machines/{machine.pk}/graphs")
    assert [item["graph_name"] for item in listed["items"]] == ["Who earns"]
    assert (await get(hers, f"graphs/{graph['id']}/figures"))[1]["figures"]
    assert (await get(hers, f"graphs/{graph['id']}/picture.svg"))[0] == 200
    assert (await hers.delete(f"/api/v1/graphs/{graph['id']}")).status_code == 204
    assert not await Graph.objects.aexists()


async def test_what_does_not_fit_is_not_kept(hers, machine):
    answer = await send(hers, f"machines/{machine.pk}/graphs", {"graph_type": 8, "x": "age", "y": "city"})
    assert answer.status_code == 422
    assert not await Graph.objects.aexists()


async def test_a_viewer_looks_and_does_not_keep(api, eve, machine):
    team = uuid4()
    await _in_thread(lambda: commands.change_machine(machine_id=machine.pk, team=team))
    viewer = await _in_thread(api, eve, {team: "viewer"})
    assert (await get(viewer, path(machine, **BOXES)))[0] == 200
    assert (await send(viewer, f"machines/{machine.pk}/graphs", BOXES)).status_code == 404


async def test_a_kept_graph_of_a_column_that_became_something_else_is_refused_when_drawn(hers, machine):
    kept = (await send(hers, f"machines/{machine.pk}/graphs", BOXES)).json()
    await _in_thread(lambda: commands.correct_machine(machine_id=machine.pk, types={"income": "LABEL"}))
    status, found = await get(hers, f"graphs/{kept['id']}/figures")
    assert (status, found["errors"][0]["field"]) == (422, "y")


async def test_appended_lines_are_drawn(hers, machine, upload):
    before = (await get(hers, path(machine, **BOXES)))[1]["lines"]
    more = await _in_thread(upload, csv_of(buyers(40, seed=2)))
    await _in_thread(lambda: commands.append_lines(machine_id=machine.pk, received=more, purpose="learning"))
    assert (await get(hers, path(machine, **BOXES)))[1]["lines"] == before + 40


def test_what_was_drawn_is_found_again_without_drawing(machine, monkeypatch):
    spec = Specification(8, {"x": "city", "y": "income"})
    first = drawings.drawn_graph(machine, spec)
    monkeypatch.setattr(drawings._studio, "ask", None)
    assert drawings.drawn_graph(machine, spec) == first


def test_the_child_stays_for_the_next_graph(machine):
    drawings.drawn_graph(machine, Specification(11, {"x": "city", "y": "income"}))
    child = drawings._studio._child.process.pid
    drawings.drawn_graph(machine, Specification(11, {"x": "city", "y": "age"}))
    assert drawings._studio._child.process.pid == child


def test_after_a_killed_child_the_next_graph_is_drawn_by_another(machine):
    drawings.drawn_graph(machine, Specification(12, {"x": "income", "y": "city"}))
    dead = drawings._studio._child.process
    os.kill(dead.pid, signal.SIGKILL)
    dead.wait()
    assert drawings.drawn_graph(machine, Specification(12, {"x": "age", "y": "city"})).picture


def test_a_graph_that_is_not_ready_is_drawn_on_while_one_waits(machine, monkeypatch):
    drawings.drawn_graph(machine, Specification(13, {"y": "bought"}))
    child, spec = drawings._studio._child.process.pid, Specification(13, {"y": "city"})
    os.kill(child, signal.SIGSTOP)
    with monkeypatch.context() as patched:
        patched.setattr(drawings, "LONGEST", 0.0)
        with pytest.raises(drawings.StillDrawing, match="look again"):
            drawings.drawn_graph(machine, spec)
    os.kill(child, signal.SIGCONT)
    assert drawings.drawn_graph(machine, spec).picture
    assert drawings._studio._child.process.pid == child


def test_a_child_that_never_ends_is_ended(machine, monkeypatch):
    for name in ("LONGEST", "LAST"):
        monkeypatch.setattr(drawings, name, 0.0)
    with pytest.raises(drawings.Unavailable, match="more than 0 seconds"):
        drawings.drawn_graph(machine, Specification(13, {"y": "city", "x": "age"}))
    assert drawings._studio._child is None


def test_an_idle_child_goes(machine, monkeypatch):
    monkeypatch.setattr(drawings, "IDLE", 0.05)
    drawings.drawn_graph(machine, Specification(13, {"y": "bought"}))
    idle = drawings._studio._idle
    idle.join()
    assert drawings._studio._child is None


def test_columns_once_read_are_kept_as_arrays_and_old_ones_go(machine, monkeypatch):
    monkeypatch.setattr(drawings, "KEPT_COLUMNS", 2)
    drawings.drawn_graph(machine, Specification(3, {"x": "age", "y": "income"}))
    drawings.drawn_graph(machine, Specification(8, {"x": "city", "y": "income"}))
    assert len(list(place(f"columns/{machine.pk}").iterdir())) == 2


def test_graphs_that_nobody_looked_at_for_an_hour_are_cleared_away(machine):
    drawings.drawn_graph(machine, Specification(8, {"x": "city", "y": "age"}))
    homes = [place(f"{kind}/{machine.pk}") for kind in ("graphs", "columns")]
    commands.clean_store()
    assert all(list(home.iterdir()) for home in homes)
    commands.clean_store(now=time() + 3700)
    assert not any(list(home.iterdir()) for home in homes)


def test_a_machine_takes_only_so_many_graphs(machine, ada, monkeypatch):
    from ml.commands import graphs
    from service_base.errors import Conflict

    monkeypatch.setattr(graphs, "MOST_GRAPHS", 1)
    spec = Specification(13, {"y": "city"})
    commands.keep_graph(machine_id=machine.pk, made_by=ada, specification=spec)
    with pytest.raises(Conflict, match="delete one"):
        commands.keep_graph(machine_id=machine.pk, made_by=ada, specification=spec)
