"""The inside of an Excel workbook: sheets, shared texts and date formats, each part read as a stream within bounds."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import join, normpath
from typing import BinaryIO
from xml.parsers import expat

from ml.learning.errors import BinaryFile, TableError

# A part beyond this, or one that was packed harder than any real sheet is, is made to fill the disk.
LARGEST_PART = 4 << 30
LARGEST_TEXTS = 256 << 20
LARGEST_SMALL_PART = 32 << 20
HARDEST_PACKED = 400
PACKED_FREELY = 64 << 20
LARGEST_DIRECTORY = 4 << 20
CHUNK = 1 << 16
_TAIL = 22 + 65_535 + 20
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
# Numbers of formats that show a moment; others are told by their code.
_DATES = frozenset({14, 15, 16, 17, 22, *range(27, 37), *range(50, 59)})
_TIMES = frozenset({18, 19, 20, 21, 45, 46, 47})
_NOT_CODE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)
Attributes = Mapping[str, str]


@dataclass
class Workbook:
    """Which sheets there are, and what their cells refer to."""

    sheets: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    starts_in_1904: bool = False


def open_workbook(path: Path, name: str) -> zipfile.ZipFile:
    """The archive, once it is known to be a workbook that can be unpacked safely. Raises BinaryFile, TableError."""
    try:
        if _directory_size(path) > LARGEST_DIRECTORY:
            raise TableError(f"{name} is packed like no workbook: save it as CSV and try again.")
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, struct.error, NotImplementedError) as error:
        raise BinaryFile(name, "a zip archive or an Excel workbook that is cut short or damaged") from error
    if "xl/workbook.xml" not in archive.namelist():
        kind = "a binary Excel workbook (.xlsb)" if "xl/workbook.bin" in archive.namelist() else "a zip archive"
        archive.close()
        raise BinaryFile(name, kind)
    return archive


def read_workbook(archive: zipfile.ZipFile, name: str) -> Workbook:
    """Everything but the cells."""
    found = Workbook()
    targets = _targets(archive, name)
    sheets: list[tuple[str, str]] = []

    def start(tag: str, own: Attributes) -> None:
        if tag == "sheet" and own.get("state", "visible") == "visible":
            key = next((value for attribute, value in own.items() if attribute.endswith(":id")), "")
            sheets.append((own.get("name", ""), targets.get(key, "")))
        elif tag == "workbookPr":
            found.starts_in_1904 = own.get("date1904", "0") in ("1", "true")

    _walk_part(archive, "xl/workbook.xml", name, start)
    known = set(archive.namelist())
    found.sheets = {title: target for title, target in sheets if target in known}
    found.formats = _formats(archive, name)
    found.texts = _shared_texts(archive, name)
    return found


def walk(
    stream: BinaryIO,
    name: str,
    on_start: Callable[[str, Attributes], None],
    on_end: Callable[[str], None] = lambda tag: None,
    on_text: Callable[[str], None] = lambda text: None,
) -> Iterator[None]:
    """Tell of each tag (without its prefix) and text; yields after each chunk, so that the caller can take away.

    Raises TableError for a document type, which a workbook has no use for but an attack has, and for no XML.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda tag, own: on_start(tag.rpartition(":")[2], own)
    parser.EndElementHandler = lambda tag: on_end(tag.rpartition(":")[2])
    parser.CharacterDataHandler = on_text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        while chunk := stream.read(CHUNK):
            parser.Parse(chunk)
            yield
        parser.Parse(b"", True)
    except _Doctype as error:
        raise TableError(f"{name} declares entities, which no workbook needs: save it anew and try again.") from error
    except (expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
        raise BinaryFile(name, "an Excel workbook that is cut short or damaged") from error
    yield


def open_part(archive: zipfile.ZipFile, part: str, name: str, *, most: int) -> BinaryIO:
    """A part of the archive as a stream; what it unpacks to is bounded before anything is unpacked."""
    entry = archive.getinfo(part)
    is_packed_hard = entry.file_size > HARDEST_PACKED * max(entry.compress_size, 1)
    if entry.file_size > most or (is_packed_hard and entry.file_size > PACKED_FREELY):
        raise TableError(
            f"{name} would unpack to {entry.file_size >> 20} MiB ({part}), more than a workbook holds: "
            "save the sheet as CSV and try again."
        )
    try:
        # zipfile gives no more than the size that was declared, which is the one just looked at.
        return archive.open(entry)  # type: ignore[return-value]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        raise BinaryFile(name, "an Excel workbook that is locked or damaged") from error


def unescaped(text: str) -> str:
    """Signs that XML cannot hold are written _x000D_ in a workbook."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


class _Doctype(Exception):
    """There is a document type."""


def _refuse_doctype(*_: object) -> None:
    raise _Doctype


def _walk_part(
    archive: zipfile.ZipFile,
    part: str,
    name: str,
    on_start: Callable[[str, Attributes], None],
    on_end: Callable[[str], None] = lambda tag: None,
    on_text: Callable[[str], None] = lambda text: None,
    *,
    most: int = LARGEST_SMALL_PART,
) -> None:
    if part not in archive.namelist():
        return
    with open_part(archive, part, name, most=most) as stream:
        for _ in walk(stream, name, on_start, on_end, on_text):
            pass


def _targets(archive: zipfile.ZipFile, name: str) -> dict[str, str]:
    targets: dict[str, str] = {}

    def start(tag: str, own: Attributes) -> None:
        if tag == "Relationship":
            target = own.get("Target", "")
            targets[own.get("Id", "")] = target[1:] if target.startswith("/") else normpath(join("xl", target))

    _walk_part(archive, "xl/_rels/workbook.xml.rels", name, start)
    return targets


def _shared_texts(archive: zipfile.ZipFile, name: str) -> list[str]:
    texts: list[str] = []
    pieces: list[str] = []
    state = {"inside": False, "held": 0}

    def start(tag: str, own: Attributes) -> None:
        if tag == "si":
            pieces.clear()
        state["inside"] = tag == "t" or (state["inside"] and tag != "rPh")

    def text(piece: str) -> None:
        if state["inside"]:
            pieces.append(piece)
            state["held"] += len(piece)

    def end(tag: str) -> None:
        state["inside"] = False
        if tag == "si":
            texts.append(unescaped("".join(pieces)))
            state["held"] += 60
            if state["held"] > LARGEST_TEXTS:
                raise TableError(f"{name} holds more text than fits the memory: save the sheet as CSV and try again.")

    _walk_part(archive, "xl/sharedStrings.xml", name, start, end, text, most=LARGEST_PART)
    return texts


def _formats(archive: zipfile.ZipFile, name: str) -> list[str]:
    """For each cell style: "date", "time", "datetime" or nothing."""
    codes: dict[str, str] = {}
    styles: list[str] = []
    state = {"inside": False}

    def start(tag: str, own: Attributes) -> None:
        if tag == "numFmt":
            codes[own.get("numFmtId", "")] = own.get("formatCode", "")
        elif tag == "cellXfs":
            state["inside"] = True
        elif tag == "xf" and state["inside"]:
            styles.append(_shown_as(own.get("numFmtId", "0"), codes))

    def end(tag: str) -> None:
        if tag == "cellXfs":
            state["inside"] = False

    _walk_part(archive, "xl/styles.xml", name, start, end)
    return styles


def _shown_as(number: str, codes: Mapping[str, str]) -> str:
    if number in codes:
        plain = _NOT_CODE.sub("", codes[number].split(";")[0]).lower()
        if plain in ("general", "") or "e+" in plain:
            return ""
        has_date, has_time = any(sign in plain for sign in "yd"), any(sign in plain for sign in "hs")
        has_date = has_date or ("m" in plain and not has_time)
        return "datetime" if has_date and has_time else "date" if has_date else "time" if has_time else ""
    known = int(number) if number.isdigit() else 0
    return "datetime" if known == 22 else "date" if known in _DATES else "time" if known in _TIMES else ""


def _directory_size(path: Path) -> int:
    """Bytes of the archive's directory, which is read whole: looked at before it is."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        tail = file.read()
        place = tail.rfind(b"PK\x05\x06")
        if place < 0:
            raise ValueError("no end of the directory")
        found = int(struct.unpack_from("<L", tail, place + 12)[0])
        if place >= 20 and tail[place - 20 : place - 16] == b"PK\x06\x07":
            file.seek(int(struct.unpack_from("<Q", tail, place - 12)[0]))
            found = int(struct.unpack_from("<Q", file.read(56), 40)[0])
        return found
