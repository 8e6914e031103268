"""The graph builder, as a browser without JavaScript sees it, and the part of it that htmx asks for."""

import re

import pytest
from asgiref.sync import sync_to_async

from ml import drawings
from ml.models import Graph
from ml.tests.world import csv_of

pytestmark = pytest.mark.django_db(transaction=True)
QUERY = "graph_type=8&x=city&y=income&hue=bought"


@pytest.fixture(scope="module", autouse=True)
def studio():
    """The warm child goes when the module's tests are done."""
    yield
    drawings._studio.rest()


@pytest.fixture
async def hers(ada, browser):
    return await sync_to_async(browser)(ada)


async def page_of(client, machine, query="", status=200, **headers):
    answer = await client.get(f"/machines/{machine.pk}/graph?{query}", headers=headers)
    assert answer.status_code == status, answer.content.decode()[:500]
    return answer


async def test_an_empty_address_begins_with_a_graph_that_fits(hers, machine):
    text = (await page_of(hers, machine)).content.decode()
    assert "Scatterplot with multiple semantics: age over income, by bought. 300 lines" in text
    assert text.count("<img") == 2  # the mark of the header and the graph


async def test_the_address_is_the_graph(hers, machine):
    text = (await page_of(hers, machine, QUERY)).content.decode()
    assert re.search(r'<option value="8" selected>', text)
    assert f'src="/machines/{machine.pk}/graph/picture.svg?{QUERY.replace("&", "&amp;")}"' in text
    assert 'media="(prefers-color-scheme: dark)"' in text


async def test_below_the_picture_is_the_same_as_a_table(hers, machine):
    text = (await page_of(hers, machine, QUERY)).content.decode()
    for expected in ("The boxes", "lower quartile", "Graz", "outliers"):
        assert expected in text


async def test_the_picture_has_a_sentence_and_its_size(hers, machine):
    text = (await page_of(hers, machine, QUERY)).content.decode()
    found = re.search(r'alt="(Grouped boxplots: [^"]+)" width="(\d+)" height="(\d+)"', text)
    assert found
    assert "the median of income is highest for" in found[1]


@pytest.mark.parametrize("picture", ["svg", "png", "pdf"])
async def test_a_picture_is_downloaded(hers, machine, picture):
    answer = await hers.get(f"/machines/{machine.pk}/graph/picture.{picture}?{QUERY}&download=1")
    assert answer.status_code == 200
    assert answer["content-disposition"] == f'attachment; filename="graph.{picture}"'


async def test_a_picture_of_another_kind_is_not_there(hers, machine):
    assert (await hers.get(f"/machines/{machine.pk}/graph/picture.gif?{QUERY}")).status_code == 404


async def test_figures_are_downloaded(hers, machine):
    answer = await hers.get(f"/machines/{machine.pk}/graph/figures.csv?{QUERY}")
    assert answer.content.decode().startswith("The boxes\ncity,bought,lines,mean")


async def test_a_wrong_column_is_refused_with_what_would_fit_and_stays_chosen(hers, machine):
    text = (await page_of(hers, machine, "graph_type=8&x=city&y=bought", 422)).content.decode()
    assert 'role="alert"' in text
    assert "Would fit: age, income." in text
    assert '<option value="bought" selected>bought</option>' in text


async def test_types_that_do_not_fit_cannot_be_chosen_and_say_why(hers, machine):
    text = (await page_of(hers, machine, QUERY)).content.decode()
    assert re.search(r'<option value="10" disabled>10 Plotting a three-way ANOVA \(does not fit\)', text)
    assert "too few that fit" in text


async def test_columns_that_do_not_fit_are_listed_with_the_reason(hers, machine):
    text = (await page_of(hers, machine, QUERY)).content.decode()
    assert "<option disabled>city: it holds labels</option>" in text


async def test_another_type_takes_the_columns_along_and_leads_to_its_own_address(hers, machine):
    answer = await page_of(hers, machine, f"was=8&graph_type=12&{QUERY.partition('&')[2]}", 302)
    assert answer["location"].startswith(f"/machines/{machine.pk}/graph?graph_type=12&x=")
    assert "hue=bought" in answer["location"]


async def test_htmx_is_given_the_builder_alone_and_the_graphs_address(hers, machine):
    answer = await page_of(hers, machine, f"was=8&{QUERY}", **{"HX-Request": "true"})
    text = answer.content.decode()
    assert text.lstrip().startswith('<div id="builder">')
    assert answer["HX-Push-Url"] == f"/machines/{machine.pk}/graph?{QUERY}"
    assert "HX-Request" in answer["Vary"]


async def test_frames_are_gone_through_by_links_of_the_form(hers, machine):
    text = (await page_of(hers, machine, f"{QUERY}&animation_frame=city&frame=Lyon")).content.decode()
    assert "<option selected>Lyon</option>" in text
    assert 'id="earlier" name="frame" value="Graz"' in text
    assert 'id="later" name="frame" value="Porto"' in text


async def test_a_graph_is_kept_listed_and_forgotten(hers, machine):
    form = dict(part.split("=") for part in QUERY.split("&")) | {"graph_name": "Earnings"}
    answer = await hers.post(f"/machines/{machine.pk}/graph/keep", form)
    assert answer["location"] == f"/machines/{machine.pk}/graph?{QUERY}"
    text = (await page_of(hers, machine, QUERY)).content.decode()
    assert "Kept graphs" in text
    assert "Earnings</a>" in text
    graph = await Graph.objects.aget()
    await hers.post(f"/machines/{machine.pk}/graph/forget", {"graph": str(graph.pk)})
    assert not await Graph.objects.aexists()


@pytest.mark.parametrize("graph", ["", "nonsense", "00000000-0000-7000-8000-000000000000"])
async def test_forgetting_what_is_not_there_is_a_404(hers, machine, graph):
    assert (await hers.post(f"/machines/{machine.pk}/graph/forget", {"graph": graph})).status_code == 404


async def test_a_stranger_finds_no_builder_and_no_picture(browser, eve, machine):
    stranger = await sync_to_async(browser)(eve)
    for path in ("graph", "graph/picture.svg", "graph/figures.csv"):
        assert (await stranger.get(f"/machines/{machine.pk}/{path}?{QUERY}")).status_code == 404


async def test_a_table_of_many_columns_is_typed_and_not_listed(hers, machine_of, ada):
    names = [f"column {place}" for place in range(90)]
    rows = [[str((place * number) % 17) for place in range(90)] for number in range(80)]
    machine = await sync_to_async(machine_of)(ada, csv_of(rows, names))
    text = (await page_of(hers, machine)).content.decode()
    assert 'list="columns-there"' in text
    assert text.count("<option") < 400


async def test_the_machines_page_leads_to_its_graphs(hers, machine):
    text = (await hers.get(f"/machines/{machine.pk}")).content.decode()
    assert f'href="/machines/{machine.pk}/graph"' in text


async def test_names_with_signs_of_html_stay_text(hers, machine_of, ada):
    rows = [[str(7 * number % 50), "<b>&amp;" if number % 2 else "plain"] for number in range(80)]
    machine = await sync_to_async(machine_of)(ada, csv_of(rows, ["<script>n", "kind"]))
    text = (await page_of(hers, machine, "graph_type=8&x=kind&y=%3Cscript%3En")).content.decode()
    assert "<script>n" not in text
    assert "<b>&amp;amp;" not in text.replace("&lt;b&gt;&amp;amp;", "")
