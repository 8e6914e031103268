"""Correcting how a table was read: shown, tried out without keeping anything, kept, and refused with the reason."""

from datetime import date

import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile

from ml.models import Machine
from ml.tests.workbooks import related, sheet, workbook

pytestmark = pytest.mark.django_db(transaction=True)

LATIN = ("ort;größe;am;gut\n" + "Köln;1,5;03/04/2024;ja\nBonn;2,5;05/06/2024;nein\n" * 40).encode("cp1252")


@pytest.fixture
async def hers(ada, browser):
    return await sync_to_async(browser)(ada)


async def uploaded(client, name, content):
    answer = await client.post("/machines/new", {"file": SimpleUploadedFile(name, content)})
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return await Machine.objects.aget()


async def tried(client, machine, **changed):
    form = {"encoding": "cp1252", "separator": ";", "decimal": ",", "quote": '"', "has_header": "on", "date_order": ""}
    answer = await client.post(f"/machines/{machine.pk}/dialect/preview", form | changed)
    assert answer.status_code == 200
    return answer.content.decode()


async def test_the_page_shows_how_the_table_was_read_and_how_dates_are_taken(hers):
    machine = await uploaded(hers, "orte.csv", LATIN)
    page = (await hers.get(f"/machines/{machine.pk}/setup")).content.decode()
    assert "<option selected>cp1252</option>" in page
    assert "am day first" in page
    assert '03/04/2024 <span class="quiet">2024-04-03</span>' in page


async def test_trying_another_encoding_redraws_the_first_rows_and_keeps_nothing(hers):
    machine = await uploaded(hers, "orte.csv", LATIN)
    assert "Kцln" in await tried(hers, machine, encoding="cp1251")
    assert "Köln" in await tried(hers, machine)
    await machine.arefresh_from_db()
    assert (await machine.data_lines.aget()).dialect["encoding"] == "cp1252"


async def test_trying_another_order_of_dates_shows_the_days_it_would_mean(hers):
    machine = await uploaded(hers, "orte.csv", LATIN)
    assert '03/04/2024 <span class="quiet">2024-03-04</span>' in await tried(hers, machine, date_order="MDY")


async def test_a_trial_that_cannot_be_says_why(hers):
    machine = await uploaded(hers, "orte.csv", LATIN)
    assert "one column only" in await tried(hers, machine, separator="|")
    assert "is no encoding of texts" in await tried(hers, machine, encoding="rot13")


async def test_the_order_of_dates_is_kept_with_the_columns_as_they_were(hers):
    machine = await uploaded(hers, "orte.csv", LATIN)
    form = {"encoding": "cp1252", "separator": ";", "decimal": ",", "quote": '"', "has_header": "on"}
    answer = await hers.post(f"/machines/{machine.pk}/dialect", form | {"date_order": "MDY"})
    assert answer.status_code == 302
    line = await machine.data_lines.aget()
    assert (line.dialect["date_order"], line.dialect["date_orders"]) == ("MDY", {"am": "MDY"})
    await machine.arefresh_from_db()
    assert machine.mdc_columns_name_output == ["gut"]
    assert "am" not in machine.machine_columns_warnings


async def test_another_sheet_of_a_workbook_can_be_read(hers):
    rows = [["x", "day", "y"], *[[i, date(2024, 1, 1 + i % 28), "no" if i % 3 else "yes"] for i in range(80)]]
    two = '<sheet name="Notes" r:id="b"/><sheet name="Data" r:id="a"/>'
    notes = '<row><c t="str"><v>read</v></c><c t="str"><v>me</v></c></row><row><c><v>1</v></c><c><v>2</v></c></row>'
    parts = {
        "xl/workbook.xml": f'<workbook xmlns:r="r"><sheets>{two}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": related({"a": "worksheets/sheet1.xml", "b": "notes.xml"}),
        "xl/notes.xml": sheet(notes),
    }
    machine = await uploaded(hers, "book.xlsx", workbook(rows, others=parts))
    assert machine.column_names == ["read", "me"]
    page = (await hers.get(f"/machines/{machine.pk}/setup")).content.decode()
    assert "<option selected>Notes</option><option>Data</option>" in page
    answer = await hers.post(f"/machines/{machine.pk}/dialect", {"sheet": "Data", "has_header": "on"})
    assert answer.status_code == 302
    await machine.arefresh_from_db()
    assert (machine.column_names, machine.mdc_columns_data_type["day"]) == (["x", "day", "y"], "DATE")
    assert (await machine.data_lines.aget()).file_format == "xlsx"
