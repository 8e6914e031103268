"""Excel workbooks as tables: typed cells, the right sheet and header, and no way to fill the memory."""

from __future__ import annotations

import struct
from datetime import date, datetime, time
from pathlib import Path

import pytest

from ml.learning import errors
from ml.learning.tables import Dialect, open_table
from ml.tests.workbooks import packed, related, sheet, workbook

ROWS = [["when", "name", "size"], [date(2024, 3, 1), "Nîmes", 1.5], [date(2024, 3, 2), "Lyon", 2]]


def written(folder: Path, content: bytes) -> Path:
    path = folder / "t.xlsx"
    path.write_bytes(content)
    return path


def rows_of(path: Path, dialect: Dialect | None = None) -> list[dict[str, object]]:
    table = open_table(path, dialect)
    return [row for batch in table.batches() for row in batch.rows(table.names)]


@pytest.mark.parametrize("shared", [True, False], ids=["shared texts", "texts in their cells"])
def test_cells_keep_their_types(tmp_path: Path, shared: bool) -> None:
    assert rows_of(written(tmp_path, workbook(ROWS, shared=shared))) == [
        {"when": date(2024, 3, 1), "name": "Nîmes", "size": 1.5},
        {"when": date(2024, 3, 2), "name": "Lyon", "size": 2.0},
    ]


def test_times_and_truth_read_and_a_format_with_letters_in_quotes_is_no_date(tmp_path: Path) -> None:
    body = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>at</t></is></c><c r="B1" t="inlineStr"><is><t>ok</t></is></c>'
        '<c r="C1" t="inlineStr"><is><t>took</t></is></c><c r="D1" t="inlineStr"><is><t>seen</t></is></c></row>'
        '<row r="2"><c r="A2" s="3"><v>0.75</v></c><c r="B2" t="b"><v>1</v></c><c r="C2" s="4"><v>12</v></c>'
        '<c r="D2" s="2"><v>45352.5</v></c></row>'
        '<row r="3"><c r="A3" t="e"><v>#N/A</v></c></row><row r="4"><c r="C4" s="4"><v>7</v></c></row>'
    )
    found = rows_of(written(tmp_path, workbook([], others={"xl/worksheets/sheet1.xml": sheet(body)})))
    assert list(found[0].values()) == [time(18), True, 12.0, datetime(2024, 3, 1, 12)]
    assert [row["took"] for row in found] == [12.0, None, 7.0]


def test_titles_above_the_header_and_notes_beside_the_table_are_set_aside(tmp_path: Path) -> None:
    rows = [["Sales of 2024"], *ROWS, *ROWS[1:] * 60, [None, None, None, None, None, "a note far off"]]
    table = open_table(written(tmp_path, workbook(rows)))
    batches = list(table.batches())
    assert list(table.names) == ["when", "name", "size"]
    assert [(bad.line, bad.reason) for batch in batches for bad in batch.bad] == [
        (1, "stands above the table"),
        (125, "has a value in column F, beside the table"),
    ]


def test_a_table_that_does_not_start_in_the_corner_is_found(tmp_path: Path) -> None:
    rows = [[None, None, *row] for row in ROWS]
    table = open_table(written(tmp_path, workbook(rows, first=7)))
    assert (list(table.names), next(table.batches()).lines) == (["when", "name", "size"], [8, 9])


def test_an_empty_sheet_is_passed_over_and_a_named_one_is_read(tmp_path: Path) -> None:
    sheets = '<sheet name="Cover" r:id="a"/><sheet name="Old" state="hidden" r:id="c"/><sheet name="Two" r:id="b"/>'
    sheets += '<sheet name="Data" r:id="c"/>'
    other = sheet('<row><c t="str"><v>x</v></c><c t="str"><v>y</v></c></row><row><c><v>1</v></c><c><v>2</v></c></row>')
    content = workbook(
        ROWS,
        others={
            "xl/workbook.xml": f'<workbook xmlns:r="r"><sheets>{sheets}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": related({"a": "/xl/empty.xml", "b": "two.xml", "c": "worksheets/sheet1.xml"}),
            "xl/empty.xml": sheet(""),
            "xl/two.xml": other,
        },
    )
    path = written(tmp_path, content)
    assert (open_table(path).dialect.sheet, rows_of(path)) == ("Two", [{"x": 1.0, "y": 2.0}])
    assert list(open_table(path, Dialect(sheet="Data")).names) == ["when", "name", "size"]
    with pytest.raises(errors.TableError, match="no sheet 'Three'; it has 'Cover', 'Two', 'Data'"):
        open_table(path, Dialect(sheet="Three"))


def test_a_person_can_say_that_there_is_no_header(tmp_path: Path) -> None:
    path = written(tmp_path, workbook([["a", "b"], ["c", "d"]]))
    table = open_table(path, said={"has_header": False})
    assert (list(table.names), len(next(table.batches()).lines)) == (["column_1", "column_2"], 2)


def test_an_empty_row_among_others_is_a_row(tmp_path: Path) -> None:
    rows = [["a title"], ["name", "size"], [], ["a", 1], [], ["b", 2], *[[]] * 1000, ["a note"]]
    batches = list(open_table(written(tmp_path, workbook(rows))).batches(2))
    assert [line for batch in batches for line in batch.lines] == [4, 5, 6, 1007]


def test_years_and_numbers_may_be_names(tmp_path: Path) -> None:
    rows = [[0, 2019, "place"], *([i, i / 4, "ab"[i % 2]] for i in range(30))]
    table = open_table(written(tmp_path, workbook(rows)))
    assert (list(table.names), next(table.batches()).lines[0]) == (["0", "2019", "place"], 2)


def test_a_first_row_of_numbers_and_labels_seen_below_has_no_names(tmp_path: Path) -> None:
    rows = [[i, i / 4, "ab"[i % 2]] for i in range(30)]
    assert list(open_table(written(tmp_path, workbook(rows))).names) == ["column_1", "column_2", "column_3"]


def test_each_row_has_a_line_of_its_own_whatever_the_file_says(tmp_path: Path) -> None:
    row = '<row r="{0}"><c r="A{0}" t="str"><v>{1}</v></c><c r="B{0}" t="str"><v>{1}</v></c></row>'
    body = row.format(1, "h").replace(">h</v></c></row>", ">i</v></c></row>") + row.format(1, "x") + row.format(1, "y")
    table = open_table(written(tmp_path, workbook([], others={"xl/worksheets/sheet1.xml": sheet(body)})))
    assert next(table.batches()).lines == [2, 3]


BOMB = workbook(ROWS, others={"xl/sharedStrings.xml": "<sst>" + " " * (80 << 20) + "</sst>"})
LAUGHS = '<!DOCTYPE sst [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><sst><si><t>&b;</t></si></sst>'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (BOMB, "would unpack to 80 MiB"),
        (workbook(ROWS, others={"xl/sharedStrings.xml": LAUGHS}), "declares entities"),
        (workbook(ROWS, others={"xl/worksheets/sheet1.xml": sheet('<row><c r="XFE1"><v>1</v></c></row>')}), "16384"),
        (workbook(ROWS, others={"xl/worksheets/sheet1.xml": "<worksheet><sheetData><row>"}), "cut short or damaged"),
        (workbook([]), "holds no lines"),
        (workbook(ROWS[:1]), "holds no lines"),
        (workbook([["a"], ["b"]]), "one column only"),
        (workbook([["a", "a"], [1, 2]]), "twice"),
        (packed({"readme.txt": "hello"}), "looks like a zip archive"),
        (packed({"xl/workbook.bin": "x"}), "binary Excel workbook"),
        (workbook(ROWS)[:300], "looks like a zip archive or an Excel workbook"),
    ],
    ids=["bomb", "laughs", "far", "cut sheet", "empty", "header only", "one", "twice", "zip", "xlsb", "cut"],
)
def test_a_workbook_that_is_no_table_is_refused_with_the_way_out(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(errors.TableError, match=says):
        list(open_table(written(tmp_path, content)).batches())


def test_a_directory_too_large_to_be_read_is_refused_before_it_is(tmp_path: Path) -> None:
    content = bytearray(workbook(ROWS))
    struct.pack_into("<L", content, content.rfind(b"PK\x05\x06") + 12, 1 << 30)
    with pytest.raises(errors.TableError, match="packed like no workbook"):
        open_table(written(tmp_path, bytes(content)))
