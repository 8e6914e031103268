"""CSV as people write it: every dialect is found, every bad line is named, nothing readable is lost."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.learning import errors
from ml.learning.tables import CsvTable, Dialect, detect_dialect, open_table
from ml.learning.tables.arrow_cells import ArrowCells
from ml.learning.tables.dialect import SURE


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(data)
    return path


def rows_of(table: CsvTable) -> list[dict[str, object]]:
    return [row for batch in table.batches(3) for row in batch.rows(table.names)]


FIELDS = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n"), max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.lists(FIELDS, min_size=3, max_size=3), min_size=1, max_size=8),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]),
)
def test_what_was_written_is_read_whatever_the_separator_and_encoding(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], separator: str, encoding: str
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows([["a", "b", "c"], *rows])
    path = written(tmp_path_factory.mktemp("csv"), text.getvalue().encode(encoding))
    table = CsvTable(path, Dialect(encoding, separator))
    while rows and not any(rows[-1]):
        rows.pop()
    assert [list(row.values()) for row in rows_of(table)] == rows


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_the_encoding_is_found(encoding: str) -> None:
    text = "name,city\n" + "Zoë,Zürich\n" * 40
    assert text.encode(encoding).decode(detect_dialect(text.encode(encoding)).encoding) == text


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_with_confidence(separator: str) -> None:
    lines = [
        separator.join(("size", "a note", "price")),
        *(separator.join((str(i), "x y", "7")) for i in range(9)),
    ]
    found = detect_dialect("\n".join(lines).encode())
    assert (found.separator, found.confidence["separator"] > 0.8) == (separator, True)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;"])
def test_a_line_that_tells_excel_the_separator_is_no_header(tmp_path: Path, encoding: str, line: str) -> None:
    table = open_table(written(tmp_path, f"{line}\r\na,b;c\r\n1,2;3\r\n4,5;6\r\n".encode(encoding)))
    (batch,) = table.batches()
    assert (table.names, list(batch.lines), batch.columns[1]) == (["a,b", "c"], [3, 4], ["3", "6"])


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("width", [2, 3, 8])
def test_decimal_commas_in_every_column_are_no_separators(separator: str, width: int) -> None:
    lines = [separator.join("abcdefgh"[:width]), *[separator.join(["0,5"] * width)] * 40]
    assert detect_dialect("\n".join(lines).encode()).separator == separator


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_decimal_commas_without_a_header_are_no_separators(separator: str) -> None:
    rows = [[f"{row},{row % 7}5", f"{row % 3},1", f"-{row},{row % 10}", "x"] for row in range(20)]
    found = detect_dialect("".join(f"{separator.join(row)}\n" for row in rows).encode())
    assert (found.separator, found.decimal, found.has_header) == (separator, ",", False)


def test_a_list_inside_a_field_does_not_make_commas_decimal() -> None:
    rows = ["1,red;blue,2.5", "2,green;red,3.5", "3,red;grey,4.5"] * 5
    assert detect_dialect("\n".join(rows).encode()).separator == ","


def test_a_header_that_lacks_a_name_does_not_give_way_to_decimal_commas() -> None:
    assert detect_dialect(b"x;y;z\n" + b"0,5;1,5;2,5;\n" * 40).separator == ";"


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("a;b\n1,5;x\n2,25;y\n", ","),
        ("a;b\n1.500;x\n2,5;y\n", ","),
        ("a;b\n1.5;x\n2.25;y\n", "."),
        ('a,b\n"1,5",x\n"2,25",y\n', ","),
    ],
)
def test_the_decimal_sign_is_found(text: str, decimal: str) -> None:
    assert detect_dialect(text.encode()).decimal == decimal


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("numbers", "decimal", "is_sure"),
    [
        (("12,345", "1,500", "950"), ".", True),
        (("1,500", "2,250", "9.5"), ".", True),
        (("1,500", "2,250"), ".", False),
        (("1,500", "0,250"), ",", None),
        (("1,500", "1234,250"), ",", None),
        (("1,500", "1,5"), ",", None),
        (("1,500", "1.234.567"), ",", None),
    ],
)
def test_numbers_with_thousands_are_no_decimal_commas(
    separator: str, numbers: tuple[str, ...], decimal: str, is_sure: bool | None
) -> None:
    lines = ["a", *(f'"{number}"' for number in numbers)]
    found = detect_dialect("".join(f"{line}{separator}x\n" for line in lines).encode())
    assert found.decimal == decimal
    assert is_sure is None or (found.confidence["decimal"] >= SURE) is is_sure


@pytest.mark.parametrize(
    ("number", "decimal", "is_sure"),
    [("1.234", ".", False), ("0.234", ".", True), ("1.234.567", ",", False), ("7", ".", False)],
)
def test_points_before_three_digits_may_part_thousands(number: str, decimal: str, is_sure: bool) -> None:
    found = detect_dialect(f"a;b\n{number};x\n".encode())
    assert (found.decimal, found.confidence["decimal"] >= SURE) == (decimal, is_sure)


def test_a_table_without_a_header_gets_names(tmp_path: Path) -> None:
    table = open_table(written(tmp_path, b"1,2,x\n3,4,y\n"))
    assert (table.names, sum(len(batch.lines) for batch in table.batches())) == (
        ["column_1", "column_2", "column_3"],
        2,
    )


LABELLED = "".join(f"{i % 7}.5,{i % 3},{'xy'[i % 2]}\n" for i in range(60))
NAMED = "".join(f"place {i},{i % 5}.5,{i % 7}.25\n" for i in range(60))


@pytest.mark.parametrize(
    ("text", "has_header"),
    [
        ("0,1,target\n" + LABELLED, True),
        ("2019,size,2020\n" + "1,2.5,3\n4,5.5,6\n", True),
        ("country,2019,2020\n" + NAMED, True),
        ("0,1,x\n" + LABELLED, False),
        ("0,0,target\n" + LABELLED, False),
        ("5,NA,x\n" + LABELLED, False),
        ("place a,7,2\n" + NAMED, False),
        ("0,1,2\n" + "0.5,7,3\n" * 60, False),
    ],
)
def test_names_may_be_numbers_where_the_first_row_is_none_of_those_below(text: str, has_header: bool) -> None:
    assert detect_dialect(text.encode()).has_header == has_header


def test_a_person_can_correct_the_dialect(tmp_path: Path) -> None:
    table = open_table(written(tmp_path, b"1,2\n3,4\n"), Dialect(has_header=True))
    assert (table.names, next(table.batches()).columns) == (["1", "2"], [["3"], ["4"]])


def test_ragged_lines_are_kept_aside_with_their_number(tmp_path: Path) -> None:
    table = CsvTable(written(tmp_path, b'a,b\n1,2\n3\n"x\ny",4\n5,6,7\n8,9\n'))
    (batch,) = table.batches()
    assert (batch.lines, [(bad.line, bad.reason) for bad in batch.bad]) == (
        [2, 4, 7],
        [(3, "has 1 fields where the header has 2"), (6, "has 3 fields where the header has 2")],
    )


def test_bytes_of_another_encoding_spoil_their_line_only(tmp_path: Path) -> None:
    # The sample looks like UTF-8, and so is all of it but one line far down.
    data = b"a,b\n" + "ü,1\n".encode() * 300_000 + b"\xfc,2\n" + "ü,3\n".encode()
    batches = list(CsvTable(written(tmp_path, data)).batches(200_000))
    assert [(bad.line, bad.reason) for batch in batches for bad in batch.bad] == [
        (300_002, "holds bytes that are not utf-8")
    ]


def test_a_quote_that_is_never_closed_costs_its_own_part_only(tmp_path: Path) -> None:
    data = b"a,b\n1,2\n" + b'"3,4\n' + b"5,6\n" * 400_000
    batches = list(CsvTable(written(tmp_path, data)).batches(1000))
    assert batches[0].lines[0] == 2
    assert "field larger" in next(bad for batch in batches for bad in batch.bad).reason


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", errors.EmptyTable),
        (b"\n\n  \n", errors.EmptyTable),
        (b"a,b\n", errors.EmptyTable),
        (b"\xef\xbb\xbf", errors.EmptyTable),
        (b"a\n1\n2\n", errors.OneColumn),
        (b"a,b,a\n1,2,3\n", errors.DuplicateHeaders),
        (b"PK\x03\x04" + bytes(200), errors.BinaryFile),
        (bytes(range(256)) * 20, errors.BinaryFile),
        (b"PAR1" + bytes(50), errors.BinaryFile),
    ],
)
def test_what_is_no_table_is_refused_with_the_way_out(tmp_path: Path, data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error, match=r":|;"):
        list(open_table(written(tmp_path, data)).batches())


def test_a_wrong_encoding_is_named(tmp_path: Path) -> None:
    with pytest.raises(errors.WrongEncoding, match="utf-16"):
        list(open_table(written(tmp_path, b"a,b\n1,2\n\xd8"), Dialect("utf-16")).batches())


def test_nul_bytes_inside_a_text_do_not_end_it(tmp_path: Path) -> None:
    data = b"name,size\n" + b"plain text here,1\n" * 50 + b"with\x00nul,2\n"
    assert rows_of(CsvTable(written(tmp_path, data)))[-1] == {"name": "with\x00nul", "size": "2"}


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(errors.TableError, match="no file"):
        open_table(tmp_path / "absent.csv")


def one_by_one(path: Path, dialect: Dialect, width: int) -> tuple[list[int], list[list[str]], list[tuple[int, str]]]:
    """Lines, rows and bad lines as a reader finds them that looks at one row after the other."""
    found: list[tuple[int, list[str] | str]] = []
    with path.open(encoding=dialect.encoding, newline="") as file:
        reader = csv.reader(file, delimiter=dialect.separator)
        while True:
            line = reader.line_num + 1
            try:
                if row := next(reader):
                    found.append((line, row))
            except StopIteration:
                break
            except csv.Error as error:
                found.append((line, f"cannot be cut into fields: {error}"))
    while not any(found[-1][1]):
        found.pop()  # rows of nothing behind all others
    bad = [
        (line, row if isinstance(row, str) else f"has {len(row)} fields where the header has {width}")
        for line, row in found
        if isinstance(row, str) or len(row) != width
    ]
    whole = [(line, row) for line, row in found[1:] if not isinstance(row, str) and len(row) == width]
    return [line for line, _ in whole], [row for _, row in whole], bad


PIECES = st.sampled_from(
    [
        "1,2",
        "a,b",
        ",",
        " ,",
        "null,NA",
        "\x00,\u00e4",
        "5,'6'",
        '"x\ny",2',
        '"x\r\n\r\ny",2',
        "3",
        "",
        '"open',
        '"",',
        'b"c,4',
        "\r",
        "4,5,6",
    ]
)


@settings(max_examples=200, deadline=None)
@given(
    pieces=st.lists(PIECES, max_size=30),
    ends=st.sampled_from(["\n", "\r\n", "\r"]),
    block=st.integers(1, 40),
    at_once=st.booleans(),
)
def test_lines_are_numbered_and_cut_as_one_after_the_other_whatever_is_cut_at_once(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str], ends: str, block: int, at_once: bool
) -> None:
    text = ends.join(["first,second", "1,2", *pieces])
    path = written(tmp_path_factory.mktemp("csv"), text.encode())
    table = CsvTable(path, Dialect())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("ml.learning.tables.csv_file.BLOCK", block)
        patched.setattr("ml.learning.tables.csv_file.AT_ONCE_FROM", 0 if at_once else 1 << 40)
        batches = list(table.batches(7))
    rows = [list(row) for batch in batches for row in zip(*batch.columns, strict=True)]
    lines = [line for batch in batches for line in batch.lines]
    bad = [(bad.line, bad.reason) for batch in batches for bad in batch.bad]
    assert (lines, rows, bad) == one_by_one(path, table.dialect, 2)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_row_of_missing_values_is_a_row_where_another_follows_and_a_blank_line_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    monkeypatch.setattr("ml.learning.tables.csv_file.AT_ONCE_FROM", 0 if at_once else 1 << 40)
    monkeypatch.setattr("ml.learning.tables.csv_file.BLOCK", 4)
    batches = list(CsvTable(written(tmp_path, b",\na,b\n,\n1,2\n\n,\n3,4\n,\n,,\n,"), Dialect()).batches())
    assert [line for batch in batches for line in batch.lines] == [3, 4, 6, 7]
    assert not any(batch.bad for batch in batches)


def test_quotes_in_one_block_leave_the_others_to_arrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.learning.tables.csv_file.AT_ONCE_FROM", 0)
    monkeypatch.setattr("ml.learning.tables.csv_file.BLOCK", 40)
    path = written(tmp_path, b'"first","second"\n' + b"1,2\n" * 100)
    batches = list(CsvTable(path, Dialect()).batches(16))
    assert [len(batch.lines) for batch in batches] == [16] * 6 + [4]
    assert [isinstance(batch.columns[0], ArrowCells) for batch in batches] == [False] + [True] * 6


def test_a_line_without_end_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.learning.tables.csv_file.LONGEST_LINE", 1000)
    table = CsvTable(written(tmp_path, b"a,b\n1,2\n" + b"x" * 3000 + b"\n"))
    with pytest.raises(errors.TableError, match="one line for each row"):
        list(table.batches())


def test_how_much_is_read_is_told(tmp_path: Path) -> None:
    table = CsvTable(written(tmp_path, b"a,b\n" + b"1,2\n" * 3_000_000))
    shares = [table.share for _ in table.batches()]
    assert 0 < shares[0] < 0.2
    assert shares[-1] == 1.0
