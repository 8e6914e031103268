"""The page of a large upload that is read as work: live, cancelled, failed with its reason, and then what it became."""

import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile

from ml.jobs.protocol import ask
from ml.models import Machine, TableReading
from ml.readings import read_uploads
from ml.store import LARGEST_UPLOAD
from ml.tests.world import TABLE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def all_are_large(monkeypatch):
    """Each upload counts as a large one."""
    for module in ("ml.uploads", "ml.api.machines", "ml.pages.setup"):
        monkeypatch.setattr(f"{module}.READ_AT_ONCE", 1)


@pytest.fixture
def reading_takes_long(monkeypatch):
    """Files are small again, but a request waits for none."""
    for module in ("ml.uploads", "ml.pages.setup"):
        monkeypatch.setattr(f"{module}.READ_AT_ONCE", 1 << 30)
    monkeypatch.setattr("ml.uploads.AT_ONCE_SECONDS", -1.0)

    def slow(module, job, hear):
        hear([])
        return ask(module, job, hear)

    monkeypatch.setattr("ml.commands.reading.ask", slow)


@pytest.fixture
async def page(ada, browser):
    return await sync_to_async(browser)(ada)


async def test_the_page_shows_the_reading_live_and_goes_on_to_the_machine(page):
    answer = await page.post("/machines/new", {"file": SimpleUploadedFile("buyers.csv", TABLE)})
    assert answer.status_code == 302
    shown = (await page.get(answer["Location"])).content.decode()
    assert "buyers.csv" in shown
    assert "next to be read" in shown
    assert "buyers.csv" in (await page.get("/")).content.decode()
    await sync_to_async(read_uploads)()
    machine = await Machine.objects.aget()
    live = await page.get(answer["Location"] + "/live")
    assert live["HX-Redirect"] == f"/machines/{machine.pk}/setup"
    assert (await page.get(answer["Location"]))["Location"] == f"/machines/{machine.pk}/setup"


async def test_the_page_says_why_a_reading_failed(page):
    answer = await page.post("/machines/new", {"file": SimpleUploadedFile("b.csv", b"a,b\n" + b"1,2\n" * 9)})
    await TableReading.objects.aupdate(asked={"outputs": ["height"]})
    await sync_to_async(read_uploads)()
    shown = (await page.get(answer["Location"])).content.decode()
    assert "height" in shown
    assert "Upload again" in shown


async def test_a_reading_is_cancelled_on_its_page(page):
    answer = await page.post("/machines/new", {"file": SimpleUploadedFile("b.csv", TABLE)})
    await page.post(answer["Location"] + "/cancel")
    assert (await TableReading.objects.aget()).state == "cancelled"


async def test_adding_and_solving_a_large_file_leads_to_its_reading(machine, page):
    for name in ("append", "solve-file"):
        answer = await page.post(f"/machines/{machine.pk}/{name}", {"file": SimpleUploadedFile("b.csv", TABLE)})
        assert answer["Location"].startswith("/readings/") or name == "solve-file"


async def test_a_page_does_not_wait_either(machine, page, reading_takes_long):
    for path in ("/machines/new", f"/machines/{machine.pk}/append"):
        answer = await page.post(path, {"file": SimpleUploadedFile("b.csv", TABLE)})
        assert answer["Location"].startswith("/readings/")
    answer = await page.post(
        f"/machines/{machine.pk}/dialect", {"date_order": "", "separator": ";", "encoding": "utf-8"}
    )
    assert answer["Location"].startswith("/readings/")


async def test_a_file_beyond_the_limit_is_said_so_before_it_is_sent(machine, page):
    for path in ("/machines/new", f"/machines/{machine.pk}"):
        shown = (await page.get(path)).content.decode()
        assert shown.count('type="file"') == shown.count(f'data-largest="{LARGEST_UPLOAD}"') > 0
