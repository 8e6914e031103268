"""Files that people hand each other: known by what they hold, not by what they are called, and few kinds are taken."""

from __future__ import annotations

import codecs
import struct
import unicodedata
import zipfile
from enum import StrEnum
from typing import BinaryIO, NamedTuple

import filetype

from billing.rules.errors import FileRefused

MEBIBYTE = 1024**2
LARGEST_FILE = 25 * MEBIBYTE
MOST_FILES = 20
_HEAD = 8192
_CHUNK = 1 << 18
# The list of a ZIP's entries is read whole, so a document with an absurd one is not opened at all.
_LONGEST_LIST = MEBIBYTE
_END_OF_LIST = b"PK\x05\x06"


class SizeClass(StrEnum):
    """How large a file is, roughly."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class FileKind(NamedTuple):
    """A kind of file that is taken."""

    name: str
    media_type: str
    endings: tuple[str, ...]


_OOXML, _ODF = "application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument."
_TEXT_ENDINGS = (
    *("txt", "csv", "tsv", "json", "jsonl", "md", "log", "xml", "yaml", "yml", "toml", "ini"),
    *("sql", "py", "ipynb", "r"),
)
_TEXT = FileKind("text", "text/plain; charset=utf-8", _TEXT_ENDINGS)
_WIDE_TEXT = FileKind("text", "text/plain; charset=utf-16", _TEXT_ENDINGS)
_PARQUET = FileKind("Parquet table", "application/vnd.apache.parquet", ("parquet",))
_BY_SIGNATURE = {
    "pdf": FileKind("PDF document", "application/pdf", ("pdf",)),
    "png": FileKind("PNG picture", "image/png", ("png",)),
    "jpg": FileKind("JPEG picture", "image/jpeg", ("jpg", "jpeg")),
    "gif": FileKind("GIF picture", "image/gif", ("gif",)),
    "webp": FileKind("WebP picture", "image/webp", ("webp",)),
}
_OFFICE = {
    "word": FileKind("Word document", f"{_OOXML}wordprocessingml.document", ("docx",)),
    "xl": FileKind("Excel workbook", f"{_OOXML}spreadsheetml.sheet", ("xlsx",)),
    "ppt": FileKind("PowerPoint slides", f"{_OOXML}presentationml.presentation", ("pptx",)),
}
_OPEN_DOCUMENTS = {
    f"{_ODF}text": FileKind("OpenDocument text", f"{_ODF}text", ("odt",)),
    f"{_ODF}spreadsheet": FileKind("OpenDocument spreadsheet", f"{_ODF}spreadsheet", ("ods",)),
    f"{_ODF}presentation": FileKind("OpenDocument slides", f"{_ODF}presentation", ("odp",)),
}
_RUNS_IN_A_BROWSER = ("<!doctype", "<html", "<svg", "<script", "<?php", "<body", "<iframe")
TAKEN = (
    "PDF, PNG, JPEG, GIF, WebP, Word, Excel, PowerPoint and OpenDocument files without macros, Parquet, and text "
    f"({', '.join(_TEXT_ENDINGS)})"
)


def size_class(size: int) -> SizeClass:
    """Up to 1 MiB, up to 10 MiB, or up to the 25 MiB that are taken."""
    if size <= MEBIBYTE:
        return SizeClass.SMALL
    return SizeClass.MEDIUM if size <= 10 * MEBIBYTE else SizeClass.LARGE


def kind_of(file: BinaryIO, *, name: str) -> FileKind:
    """What the file is by its bytes. Raises FileRefused, naming what it seems to be, for everything that is not taken.

    Its name must end as its kind does, so that nothing is opened as something else after a download.
    """
    file.seek(0)
    head = file.read(_HEAD)
    if not head:
        raise FileRefused("The file is empty.", field="file")
    guess = filetype.guess(head)
    kind = _of_signature(file, head, guess.extension if guess else "")
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending not in kind.endings:
        fitting = " or ".join(f".{known}" for known in kind.endings)
        raise FileRefused(f"The file holds {kind.name}, so its name has to end in {fitting}.", field="file")
    return kind


def clean_name(name: str) -> str:
    """A file's name without folders, control characters and what turns the direction of writing; its ending stays."""
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(sign for sign in last if unicodedata.category(sign)[0] != "C").strip(" .")
    stem, dot, ending = seen.rpartition(".")
    return f"{stem[: 199 - len(ending)]}{dot}{ending}" if dot else seen[:200]


def _of_signature(file: BinaryIO, head: bytes, seems: str) -> FileKind:
    if seems in _BY_SIGNATURE:
        return _BY_SIGNATURE[seems]
    if head.startswith(b"PK"):
        return _of_zip(file)
    if head.startswith(b"PAR1") and _ends_with(file, b"PAR1"):
        return _PARQUET
    # After the strong signatures and before the weak ones: a table whose header begins with BM is no bitmap.
    if (text := _of_text(file, head)) is not None:
        return text
    raise FileRefused(
        f"A file of this kind{f' ({seems})' if seems else ''} is not taken. Taken are {TAKEN}.", field="file"
    )


def _of_zip(file: BinaryIO) -> FileKind:
    _must_list_shortly(file)
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            media_type = _stated_in(archive) if "mimetype" in names else ""
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        raise FileRefused("The file begins like a ZIP archive but cannot be read as one.", field="file") from None
    if any(name.lower().endswith("vbaproject.bin") or name.startswith("Basic/") for name in names):
        raise FileRefused("Documents with macros are not taken; save it without them.", field="file")
    if media_type in _OPEN_DOCUMENTS:
        return _OPEN_DOCUMENTS[media_type]
    if "[Content_Types].xml" in names:
        for folder, kind in _OFFICE.items():
            if any(name.startswith(f"{folder}/") for name in names):
                return kind
    raise FileRefused(f"Archives (zip) are not taken; add their files one by one. Taken are {TAKEN}.", field="file")


def _stated_in(archive: zipfile.ZipFile) -> str:
    """What an OpenDocument says it is: stored as it lies, as its standard has it, so that nothing is unpacked here."""
    entry = archive.getinfo("mimetype")
    is_plain = entry.compress_type == zipfile.ZIP_STORED and entry.file_size < 200
    return archive.read(entry).decode("ascii", "replace") if is_plain else ""


def _must_list_shortly(file: BinaryIO) -> None:
    file.seek(0, 2)
    file.seek(-min(file.tell(), (1 << 16) + 22), 2)
    tail = file.read()
    at = tail.rfind(_END_OF_LIST)
    length = struct.unpack_from("<L", tail, at + 12)[0] if 0 <= at <= len(tail) - 22 else None
    if length is None or length > _LONGEST_LIST:
        raise FileRefused("The file begins like a ZIP archive but cannot be read as one.", field="file")


def _ends_with(file: BinaryIO, end: bytes) -> bool:
    file.seek(-len(end), 2)
    return file.read() == end


def _of_text(file: BinaryIO, head: bytes) -> FileKind | None:
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    decoder = codecs.getincrementaldecoder("utf-16" if wide else "utf-8-sig")()
    file.seek(0)
    start = ""
    try:
        while chunk := file.read(_CHUNK):
            text = decoder.decode(chunk)
            start = start or text[:1000].lstrip()
            if any(sign < " " and sign not in "\t\n\r\f" for sign in set(text)):
                return None
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    if start.startswith("#!"):
        raise FileRefused("Scripts that say how to run them (#!) are not taken.", field="file")
    if start.lower().startswith(_RUNS_IN_A_BROWSER):
        raise FileRefused("Web pages and SVG pictures are not taken; print them to PDF.", field="file")
    return _WIDE_TEXT if wide else _TEXT
