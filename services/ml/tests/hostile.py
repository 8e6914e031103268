"""Files made to break the reading of tables: cells, texts, JSON, workbooks and Parquet files, whole and spoilt."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from ml.tests.workbooks import sheet, workbook

# What has broken readers of tables before.
CELLS = (
    *("", " ", "NA", "null", "NaN", "inf", "-inf", "1e400", "-0", "1_000", "0x10", "１２", "1,5", "1.234,5", "1" * 400),
    *("=1+1", "@SUM(A1)", "+49 30", "-", '"', "''", '""', "a\nb", "a\r\nb", "a;b", "\t", "\\", "\ufeff", "\u202eabc"),
    *("2024-02-30", "30/02/24", "12/13/2024", "0000-00-00", "99999-01-01", "25:61", "1/1/1", "2024-01-01T00:00:00Z"),
    *("{", "[1", '{"a":1}', "[" * 2000, '{"a":' * 2000, '{"a":{"a":{}}}', "[[]]", '{"":1}', '{"a.b":[{}]}', "\u0000"),
    *("true", "Ja", "💥" * 50, "e\u0301", "a" * 5000, "١٢٣", "½", "1 000", "$5", "5%", "None", "nan ", "\ud7ff"),
)
NAMES = ("a", "b", "b ", "a.b", "target", "", "=x", "id", "machine", "x" * 299, "日本", "a\tb", "A", "__x__", "lines")
cells = st.one_of(st.sampled_from(CELLS), st.integers(-5, 5).map(str), st.text(max_size=8), st.floats().map(repr))
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(CELLS)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)),
    max_leaves=6,
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "latin-1", "shift_jis", "gb18030")


@dataclass(frozen=True)
class Hostile:
    """A file, and what is said along with it."""

    name: str
    content: bytes
    said: dict[str, str] = field(default_factory=dict)


def rarely(odd: st.SearchStrategy[Any], usual: Any) -> st.SearchStrategy[Any]:
    """Mostly the usual: what is refused at the door tests nothing behind it."""
    return st.one_of(*[st.just(usual)] * 5, odd)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """A header and some lines of it, repeated, so that there is enough to learn from as often as not."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=5, unique_by=str.strip))
    names += draw(rarely(st.just(names[:1]), []))
    row = st.lists(cells, min_size=len(names), max_size=len(names) + draw(st.sampled_from([0, 0, 0, 2])))
    return [names, *draw(st.lists(row, min_size=2, max_size=8)) * draw(st.sampled_from([1, 40, 40]))]


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """A text table whose quoting, separators and encoding are right or not."""
    separator, quote = draw(st.sampled_from(',;\t|,; "')), draw(st.sampled_from(['"', '"', "", "'"]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n"]))
    lines = [separator.join(f"{quote}{cell}{quote}" for cell in row) for row in draw(tables())]
    return end.join(lines).encode(draw(st.sampled_from(["utf-8", *ENCODINGS])), "replace")


@st.composite
def json_texts(draw: st.DrawFn) -> bytes:
    """JSON lines or a list of them; mostly objects."""
    rows = draw(st.lists(st.dictionaries(st.sampled_from(NAMES), values, min_size=1), min_size=1, max_size=6))
    rows += draw(st.lists(values, max_size=1))
    written = [json.dumps(row, ensure_ascii=draw(st.booleans())) for row in rows] * draw(st.sampled_from([1, 40, 40]))
    text = "\n".join(written) if draw(st.booleans()) else f"[{','.join(written)}]"
    return text.encode("utf-8", "surrogatepass")


@st.composite
def workbooks(draw: st.DrawFn) -> bytes:
    """A workbook of typed cells, some of its parts replaced."""
    kinds = st.one_of(st.none(), st.booleans(), st.integers(-9, 99_999), st.floats(allow_nan=True), cells)
    rows = draw(st.lists(st.lists(kinds, max_size=4), min_size=1, max_size=6)) * draw(st.sampled_from([1, 40]))
    readable = [
        [_without_control(cell) for cell in row]
        for row in [draw(st.lists(cells, min_size=2, max_size=4, unique=True)), *rows]
    ]
    cell = '<row r="{0}"><c r="{1}" t="{2}" s="{0}"><v>{3}</v></c><c><v>1</v></c></row>'
    bodies = st.builds(
        cell.format,
        st.sampled_from(["1", "0", "-5", "x", "9" * 30]),
        st.sampled_from(["A1", "XFD1", "ZZZ1", "1", "", "a1"]),
        st.sampled_from(["s", "n", "b", "d", "e", "?", "inlineStr"]),
        st.sampled_from(["0", "-1", "9" * 30, "1e308", "x", ""]),
    )
    others: dict[str, str] = draw(
        st.dictionaries(
            st.sampled_from(["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"]),
            st.one_of(
                st.lists(bodies, max_size=4).map(lambda found: sheet("".join(found))), st.just("<a/>"), st.just("")
            ),
            max_size=1,
        )
    )
    return workbook(readable, shared=draw(st.booleans()), others=others)


def _without_control(cell: object) -> object:
    return "".join(sign for sign in cell if sign.isprintable()) if isinstance(cell, str) else cell


@st.composite
def parquets(draw: st.DrawFn) -> bytes:
    """A Parquet file of odd types."""
    lines = draw(st.sampled_from([1, 7, 120]))
    kinds = {
        "number": pa.array([float("nan"), 1e308, None, -0.0] * lines),
        "whole": pa.array([2**62, -1, None, 0] * lines),
        "nested": pa.array([{"a": [1, None]}, None, {"a": []}, {"a": [2]}] * lines),
        "list": pa.array([["x"], [], None, ["y", "z"]] * lines),
        "bytes": pa.array([b"\xff\x00", b"", None, b"a"] * lines),
        "moment": pa.array([0, -(2**62), None, 2**62] * lines, pa.timestamp("ns")),
        "day": pa.array([0, 10, None, 2**30] * lines, pa.date32()),
        "nothing": pa.nulls(4 * lines),
        "label": pa.array(["a", "b", "a", None] * lines).dictionary_encode(),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=5, unique=True))
    file = io.BytesIO()
    pq.write_table(pa.table({name: kinds[name] for name in chosen}), file)
    return file.getvalue()


@st.composite
def hostile_files(draw: st.DrawFn) -> Hostile:
    """Any of them, some spoilt: bytes changed, cut off, or set before it."""
    content = draw(st.one_of(texts(), texts(), json_texts(), workbooks(), parquets(), st.binary(max_size=200)))
    if content and draw(rarely(st.just(True), False)):
        place = draw(st.integers(0, len(content) - 1))
        spoilt = [content[:place], content[:place] + draw(st.binary(min_size=1, max_size=4)) + content[place + 1 :]]
        content = draw(st.sampled_from([*spoilt, b"\xef\xbb\xbf" + content, content + content, content[place:]]))
    dialects = st.fixed_dictionaries(
        {},
        optional={
            "encoding": st.sampled_from([*ENCODINGS, "rot13", "idna", "x\x00", "", "utf-7"]),
            "separator": st.sampled_from([";", "", "::", "\n", "x", '"', "\x00"]),
            "has_header": st.sampled_from([True, False, "no"]),
            "date_order": st.sampled_from(["MDY", "YDM", 3]),
            "sheet": st.sampled_from(["Data", "none", 3]),
            "parts": st.just([1]),
        },
    )
    said = {"dialect": draw(rarely(st.one_of(dialects.map(json.dumps), st.just("[")), "{}"))}
    said["outputs"] = draw(rarely(st.sampled_from(["a", "b", "target", "nobody", '["a"', "[3]", "a.b"]), ""))
    types = st.sampled_from(['{"a": "JSON"}', '{"a": "FLOAT"}', '{"b": "DATE"}', '{"a": "X"}', "3"])
    said["types"] = draw(rarely(types, ""))
    return Hostile(draw(st.sampled_from(["t.csv", "", "../../x", "a\x00b", "x" * 900])), content, said)
