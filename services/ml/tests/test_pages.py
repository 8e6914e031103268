"""ml's pages, as a browser without JavaScript sees them."""

import re

import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile

from event_bus.testing import said
from ml import commands
from ml.models import Machine, Work
from ml.tests.world import CITIES, TABLE
from shared_models.events import ml

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def hers(ada, browser):
    return await sync_to_async(browser)(ada)


async def text(client, path):
    answer = await client.get(path)
    assert answer.status_code == 200, answer.content.decode()[:500]
    return answer.content.decode()


async def test_the_list_without_machines_says_what_to_do(hers):
    page = await text(hers, "/")
    assert "No machines yet" in page
    assert "/machines/new" in page


async def test_an_upload_leads_to_its_columns_with_price_and_time(hers):
    file = SimpleUploadedFile("buyers.csv", TABLE)
    answer = await hers.post("/machines/new", {"file": file, "machine_name": "Buyers"})
    assert answer.status_code == 302
    page = await text(hers, answer["location"])
    assert "Train at level 1" in page
    assert "sure" in page
    assert "1,20 EAML" in page.replace("\u202f", "")


async def test_a_wrong_file_keeps_the_form_and_says_why(hers):
    answer = await hers.post("/machines/new", {"file": SimpleUploadedFile("x.csv", b"\x00" * 5000)})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not await Machine.objects.aexists()


async def test_a_corrected_column_is_shown_corrected(hers, machine):
    columns = list(machine.mdc_columns_data_type)
    form = {f"type-{i}": machine.mdc_columns_data_type[name] for i, name in enumerate(columns)}
    form |= {f"role-{i}": "output" if name == "bought" else "input" for i, name in enumerate(columns)}
    form |= {"type-0": "LABEL", "role-2": "ignore"}
    answer = await hers.post(f"/machines/{machine.pk}/columns", form)
    assert answer.status_code == 302
    await machine.arefresh_from_db()
    assert (machine.mdc_columns_data_type["age"], machine.ignored_columns) == ("LABEL", ["city"])


async def test_another_column_to_predict_is_one_choice(hers, machine):
    await hers.post(f"/machines/{machine.pk}/columns", {"predict": "income"})
    await machine.arefresh_from_db()
    assert machine.mdc_columns_name_output == ["income"]
    assert "bought" in machine.mdc_columns_name_input


async def test_a_correction_that_does_not_fit_is_shown_at_the_top(hers, machine):
    answer = await hers.post(f"/machines/{machine.pk}/columns", {"role-0": "input"})
    assert answer.status_code == 422
    assert "Name at least one output" in answer.content.decode()


async def test_starting_a_training_leads_to_its_live_page(hers, machine):
    answer = await hers.post(f"/machines/{machine.pk}/train", {"level": "1"})
    work = await Work.objects.aget()
    assert answer["location"] == f"/works/{work.pk}"
    page = await text(hers, answer["location"])
    assert "waiting for funds" in page
    assert 'hx-trigger="every 1s"' in page
    assert "Cancel" in page


async def test_the_live_part_stops_asking_when_the_work_has_ended(hers, training):
    await hers.post(f"/works/{training.pk}/cancel")
    page = await text(hers, f"/works/{training.pk}/live")
    assert "hx-trigger" not in page
    assert "cancelled" in page


async def test_a_trained_machine_shows_its_score_beside_the_baselines_with_a_verdict(hers, trained):
    page = await text(hers, f"/machines/{trained.pk}")
    for expected in (
        "Always the same answer",
        "Linear model",
        "LightGBM",
        "a constant",
        "What matters",
        "how sure, how right",
        "chance alone shows about",
        "curl",
    ):
        assert expected in page


async def test_a_model_of_before_chance_was_told_is_shown_without(hers, trained):
    model = trained.training_nn_model
    del model.card["metrics"]["outputs"]["bought"]["calibration"]["by_chance"]
    await sync_to_async(model.save)()
    page = await text(hers, f"/machines/{trained.pk}")
    assert ("how sure, how right" in page, "chance alone" in page) == (True, False)


async def test_the_solve_form_is_made_of_the_columns_and_can_be_filled_with_a_real_row(hers, trained):
    page = await text(hers, f"/machines/{trained.pk}/solve?fill=1")
    assert re.search(r'name="f0" value="\d+"', page)
    assert "Fill with a real row" in page


async def test_a_column_of_few_labels_offers_them_all(hers, trained):
    page = await text(hers, f"/machines/{trained.pk}/solve?fill=1")
    for city in CITIES:
        assert re.search(rf"<option( selected)?>{city}</option>", page)
    assert page.count(" selected>") == 1


async def test_a_buyer_is_offered_the_usual_labels_alone(trained, person, browser):
    await sync_to_async(commands.publish_machine)(machine_id=trained.pk, price_usd="0.25")
    client = await sync_to_async(browser)(await sync_to_async(person)("eve", usd="1"))
    assert "<option>Graz</option>" not in await text(client, f"/machines/{trained.pk}/solve")


async def test_a_row_solved_on_the_page_is_charged_once_however_often_it_is_sent(hers, trained):
    form = {"f0": "45", "f1": "70000", "f2": "Lyon", "key": "abc"}
    for _ in range(2):
        answer = await hers.post(f"/machines/{trained.pk}/solve", form)
        assert "bought:" in answer.content.decode()
    assert len({event.usage_id for event in await sync_to_async(said)(ml.SolvingCompleted)}) == 1


async def test_a_buyer_finds_a_listing_and_cannot_open_the_machine(trained, person, browser):
    await sync_to_async(commands.publish_machine)(machine_id=trained.pk, price_usd="0.25")
    client = await sync_to_async(browser)(await sync_to_async(person)("eve", usd="1"))
    assert trained.machine_name in await text(client, "/market")
    assert "Columns it needs" in await text(client, f"/market/{trained.pk}")
    assert "Solve with" in await text(client, f"/machines/{trained.pk}/solve")
    assert (await client.get(f"/machines/{trained.pk}")).status_code == 404
    assert "real row" not in await text(client, f"/machines/{trained.pk}/solve")


@pytest.mark.parametrize("path", ["", "/setup", "/solve", "/delete"])
async def test_somebody_elses_pages_do_not_exist(machine, eve, browser, path):
    client = await sync_to_async(browser)(eve)
    assert (await client.get(f"/machines/{machine.pk}{path}")).status_code == 404


async def test_no_page_has_inline_scripts_or_styles(hers, trained):
    for path in ("/", "/market", "/machines/new", f"/machines/{trained.pk}", f"/machines/{trained.pk}/setup"):
        page = await text(hers, path)
        assert "style=" not in page
        assert not re.search(r"<script(?![^>]*src=)", page)
        assert " hx-on" not in page


async def test_publishing_and_deleting_work_from_the_page(hers, trained):
    await hers.post(f"/machines/{trained.pk}/publish", {"machine_api_solving_price_usd": "0,02"})
    await trained.arefresh_from_db()
    assert trained.machine_api_solving_is_public
    assert "gone for good" in await text(hers, f"/machines/{trained.pk}/delete")
    assert (await hers.post(f"/machines/{trained.pk}/delete"))["location"] == "/"
    assert (await hers.get(f"/machines/{trained.pk}")).status_code == 404
