"""Stretches of lines that were sent one after the other, read as one table."""

from __future__ import annotations

from pathlib import Path

from ml.tables import MachineTable, Stretch


def stretch(folder: Path, sequence: int, text: str) -> Stretch:
    path = folder / f"{sequence}.csv"
    path.write_text(text)
    return Stretch(str(path), path.name, sequence)


def test_each_stretch_says_its_own_decimal_sign_while_it_is_read(tmp_path: Path) -> None:
    texts = ("a;b\n0,5;x\n", "a;b\n0.5;x\n", "a;b\n1.500;x\n")
    table = MachineTable([stretch(tmp_path, place, text) for place, text in enumerate(texts, start=1)])
    assert [table.sure_decimal for _ in table.batches()] == [",", ".", ""]
