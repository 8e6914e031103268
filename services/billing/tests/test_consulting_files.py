"""Files of consulting: known by their bytes, kept once, and only for the parties."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile

from billing import commands, store
from billing.models import ConsultingFile, ConsultingRequest
from billing.rules.errors import FileRefused
from billing.rules.files import LARGEST_FILE, MEBIBYTE, clean_name, kind_of, size_class
from billing.tests.test_contracts import asked, signed
from billing.tests.world import Person, World
from service_base.env import env
from service_base.object_store import TooLarge

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + bytes(30)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"


def packed(*names: str, **contents: str) -> bytes:
    """A ZIP with those entries."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, contents.get(name, ""))
    return made.getvalue()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: Any) -> Path:
    """An object store of the test's own."""
    monkeypatch.setattr(env(), "data_dir", tmp_path)
    return tmp_path


def sent(content: bytes) -> store.Received:
    return store.receive(iter([content]))


def added(request: ConsultingRequest, actor: Person, content: bytes = b"a,b\n1,2\n", name: str = "t.csv") -> Any:
    return commands.add_file(request_id=request.pk, actor=actor.id, received=sent(content), name=name)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("report.pdf", PDF, "PDF document"),
        ("Plot.PNG", PNG, "PNG picture"),
        ("table.csv", b"BMI,age\n21,40\n", "text"),  # BM is also how a bitmap begins
        ("table.csv", "größe;maß\n1;2\n".encode(), "text"),
        ("table.csv", "a;b\n1;2\n".encode("utf-16"), "text"),
        ("a.docx", packed("[Content_Types].xml", "word/document.xml"), "Word document"),
        ("a.xlsx", packed("[Content_Types].xml", "xl/workbook.xml"), "Excel workbook"),
        ("a.ods", packed("mimetype", mimetype="application/vnd.oasis.opendocument.spreadsheet"),
         "OpenDocument spreadsheet"),
        ("lines.parquet", b"PAR1" + bytes(50) + b"PAR1", "Parquet table"),
    ],
)  # fmt: skip
def test_a_file_is_known_by_its_bytes(name: str, content: bytes, kind: str) -> None:
    assert kind_of(io.BytesIO(content), name=name).name == kind


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("setup.csv", b"MZ" + bytes(200), "exe"),
        ("run.txt", b"\x7fELF" + bytes(200), "elf"),
        ("a.txt", b"#!/bin/sh\nrm -rf /\n", "Scripts"),
        ("a.txt", b"  <!DOCTYPE html><script>alert(1)</script>", "Web pages"),
        ("a.xml", b"<svg onload='x()'/>", "Web pages"),
        ("a.zip", packed("a.csv"), "Archives"),
        ("a.xlsx", packed("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin"), "macros"),
        ("a.xlsx", b"PK\x03\x04" + bytes(100), "cannot be read"),
        ("a.xlsx", packed("[Content_Types].xml", "xl/workbook.xml")[:-10], "cannot be read"),
        ("a.docx", packed("[Content_Types].xml", "xl/workbook.xml"), "has to end in .xlsx"),
        ("invoice.exe", PDF, "has to end in .pdf"),
        ("pdf", PDF, "has to end in .pdf"),
        ("a.txt", b"text with \x00 in it", "not taken"),
        ("a.csv", b"\xff\xfe\xfd\xfc\xfb", "not taken"),
        ("a.gz", b"\x1f\x8b\x08" + bytes(50), "gz"),
        ("a.csv", b"", "empty"),
    ],
)
def test_what_is_not_taken_is_named(name: str, content: bytes, says: str) -> None:
    with pytest.raises(FileRefused, match=says) as refusal:
        kind_of(io.BytesIO(content), name=name)

    assert refusal.value.field == "file"


def test_a_document_whose_list_of_entries_is_absurd_is_not_opened() -> None:
    with pytest.raises(FileRefused, match="cannot be read"):
        kind_of(io.BytesIO(packed(*(f"xl/{number:080}" for number in range(9000)))), name="a.xlsx")


def broken(compression: int, at: int, with_: bytes) -> bytes:
    """An OpenDocument whose first entry is packed, and broken from the byte `at` of its content on."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
    content, start = bytearray(made.getvalue()), 30 + len("mimetype") + at
    content[start : start + len(with_)] = with_
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        packed("\N{LATIN SMALL LETTER E WITH ACUTE}.txt").replace(
            "\N{LATIN SMALL LETTER E WITH ACUTE}".encode(), b"\xff\xff"
        ),
        broken(zipfile.ZIP_DEFLATED, 0, b"\xff" * 4),
        broken(zipfile.ZIP_LZMA, 4, b"\xff" * 8),
        broken(zipfile.ZIP_STORED, 4, b"\xff" * 8),
    ],
    ids=["names", "deflated", "lzma", "stored"],
)
def test_a_broken_archive_is_refused_whatever_is_broken_in_it(content: bytes) -> None:
    with pytest.raises(FileRefused):
        kind_of(io.BytesIO(content), name="a.odt")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\ana\\t.csv", "t.csv"),
        ("gpj.\u202etxt.csv", "gpj.txt.csv"),
        ("a\r\nSet-Cookie: x.csv", "aSet-Cookie: x.csv"),
        ("x" * 300 + ".csv", "x" * 196 + ".csv"),
    ],
)
def test_a_name_has_no_folders_and_no_tricks(given: str, kept: str) -> None:
    assert clean_name(given) == kept


def test_sizes_fall_into_three_classes() -> None:
    assert [size_class(size).value for size in (MEBIBYTE, MEBIBYTE + 1, 10 * MEBIBYTE, 10 * MEBIBYTE + 1)] == [
        "small",
        "medium",
        "medium",
        "large",
    ]


def test_a_file_beyond_the_limit_leaves_nothing_behind(home: Path) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield bytes(MEBIBYTE)

    with pytest.raises(TooLarge):
        store.receive(endless())
    assert not list((home / "billing" / "incoming").iterdir())


def test_a_file_of_exactly_the_limit_is_taken() -> None:
    assert store.receive(iter([bytes(LARGEST_FILE)])).size == LARGEST_FILE


def test_a_kept_file_has_its_hash_and_its_bytes(home: Path, ana: Person) -> None:
    request = asked(ana)
    kept = added(request, ana)

    assert store.place(kept.path).read_bytes() == b"a,b\n1,2\n"
    assert (kept.size_class, kept.sha256) == ("small", sent(b"a,b\n1,2\n").sha256)
    assert [step.what for step in request.steps.order_by("id")] == ["opened", "file"]


def test_the_same_file_is_kept_once(home: Path, ana: Person) -> None:
    request = asked(ana)
    assert added(request, ana) == added(request, ana)
    assert len(list((home / "billing" / "consulting" / str(request.pk)).iterdir())) == 1


def test_what_is_refused_leaves_nothing_behind(home: Path, ana: Person, broke: Person) -> None:
    request = asked(ana)
    with pytest.raises(FileRefused):
        added(request, ana, b"MZ" + bytes(99), "t.csv")

    assert not ConsultingFile.objects.exists()
    assert not [path for path in home.rglob("*") if path.is_file()]


def upload(client: Any, request: Any, content: bytes, name: str, key: str = "") -> Any:
    file = SimpleUploadedFile(name, content)
    headers = {"idempotency-key": key} if key else {}
    return client.post(f"/api/v1/consulting/{request.pk}/files", {"file": file}, headers=headers)


def bytes_of(answer: Any) -> bytes:
    async def read() -> bytes:
        return b"".join([chunk async for chunk in answer.streaming_content])

    return async_to_sync(read)()


def test_the_parties_alone_get_a_file(api: Any, world: World, ana: Person, broke: Person) -> None:
    expert = world.person()
    request = signed(world, ana, expert)
    made = upload(api(expert), request, PDF, "report.pdf", key="one")
    again = upload(api(expert), request, PDF, "report.pdf", key="one")
    assert (made.status_code, made.json()) == (201, again.json())

    path = f"/api/v1/consulting/files/{made.json()['id']}"
    for party in (ana, expert):
        answer = api(party).get(path)
        assert bytes_of(answer) == PDF
        assert answer["Content-Disposition"] == 'attachment; filename="report.pdf"'
        assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("application/pdf", "nosniff")
    for stranger in (api(broke), api(Person(), staff=True)):
        assert stranger.get(path).status_code == 404
        assert stranger.get(f"/api/v1/consulting/{request.pk}/files").status_code == 404
        assert upload(stranger, request, PDF, "mine.pdf").status_code == 404


def test_an_operator_sees_the_files_of_a_dispute_while_it_lasts(api: Any, world: World, ana: Person) -> None:
    expert, operator = world.person(), Person()
    request = signed(world, ana, expert)
    path = f"/api/v1/consulting/files/{added(request, expert).pk}"
    commands.dispute_contract(request_id=request.pk, actor=ana.id, reason="Look.")
    assert api(operator, staff=True).get(path).status_code == 200

    commands.settle_dispute(
        request_id=request.pk, operator=operator.id, consultant_basis_points=0, reason="Empty table."
    )
    assert api(operator, staff=True).get(path).status_code == 404


def test_a_refused_file_is_a_problem_document_that_names_the_kind(api: Any, ana: Person) -> None:
    answer = upload(api(ana), asked(ana), b"\x7fELF" + bytes(99), "t.csv")

    assert (answer.status_code, answer["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"][0]["field"] == "file"
    assert "elf" in answer.json()["detail"]


def test_a_request_without_a_file_names_the_field(api: Any, ana: Person) -> None:
    answer = api(ana).post(f"/api/v1/consulting/{asked(ana).pk}/files", {"other": "x"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "file")
