"""Excel workbooks as Excel writes them, made by hand so that each of their parts can be spoilt."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from xml.sax.saxutils import escape

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATED = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
_SHEET = '<sheet name="Data" sheetId="1" r:id="rId1"/>'
_TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
# Styles: 0 plain, 1 date (built in), 2 date and time, 3 time, 4 a number whose format has letters in quotes.
STYLES = f"""<styleSheet {_MAIN}><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy\\ hh:mm"/>
<numFmt numFmtId="165" formatCode="0.00&quot;days&quot;"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>
<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="20"/><xf numFmtId="165"/></cellXfs>
</styleSheet>"""


def workbook(
    rows: Sequence[Sequence[object]], *, shared: bool = True, others: dict[str, str] | None = None, first: int = 1
) -> bytes:
    """A workbook of one sheet; `others` replaces or adds parts by their path, `first` is the first row's number."""
    texts: list[str] = []
    body = "".join(_row(row, number, texts if shared else None) for number, row in enumerate(rows, start=first))
    items = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
    parts = {
        "xl/workbook.xml": f"<workbook {_MAIN} {_RELATED}><sheets>{_SHEET}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": related({"rId1": "worksheets/sheet1.xml"}),
        "xl/worksheets/sheet1.xml": sheet(body),
        "xl/sharedStrings.xml": f"<sst {_MAIN}>{items}</sst>",
        "xl/styles.xml": STYLES,
    }
    return packed(parts | (others or {}))


def sheet(body: str) -> str:
    """A sheet's part around its rows."""
    return f"<worksheet {_MAIN}><sheetData>{body}</sheetData></worksheet>"


def related(targets: dict[str, str]) -> str:
    """The part that says which sheet is where."""
    inner = "".join(
        f'<Relationship Id="{key}" Type="{_TYPE}/worksheet" Target="{target}"/>' for key, target in targets.items()
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{inner}</Relationships>'
    )


def packed(parts: dict[str, str]) -> bytes:
    """The parts as a zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in parts.items():
            archive.writestr(path, content)
    return file.getvalue()


def letters(place: int) -> str:
    """0 is A, 26 is AA."""
    return (letters(place // 26 - 1) if place >= 26 else "") + chr(65 + place % 26)


def _row(row: Sequence[object], number: int, texts: list[str] | None) -> str:
    cells = (_cell(cell, place, number, texts) for place, cell in enumerate(row))
    return f'<row r="{number}">{"".join(cells)}</row>'


def _cell(cell: object, place: int, row: int, texts: list[str] | None) -> str:
    at = f'r="{letters(place)}{row}"'
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return f'<c {at} t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, (int, float)):
        return f"<c {at}><v>{cell!r}</v></c>"
    if isinstance(cell, date):
        whole = cell if isinstance(cell, datetime) else datetime(cell.year, cell.month, cell.day)
        days = (whole - datetime(1899, 12, 30)).total_seconds() / 86_400
        return f'<c {at} s="{2 if isinstance(cell, datetime) else 1}"><v>{days!r}</v></c>'
    if texts is None:
        return f'<c {at} t="inlineStr"><is><t>{escape(str(cell))}</t></is></c>'
    texts.append(str(cell))
    return f'<c {at} t="s"><v>{len(texts) - 1}</v></c>'
