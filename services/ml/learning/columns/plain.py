"""Cells that need no look one by one: all of them plain numbers, typed numbers, or texts that are nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml.learning.columns.values import LARGEST, MISSING_WORDS, NO_NUMBERS, TRUTHS
from ml.learning.tables.batch import Cell

_NUMBERS = frozenset({float, int, type(None)})
# Words that need a closer look than texts that are nothing else.
_SPECIAL = MISSING_WORDS | NO_NUMBERS | TRUTHS.keys()


def plain_numbers(cells: Sequence[Cell], decimal: str) -> NDArray[np.float64] | None:
    """The numbers of texts that all are plain numbers or empty; None where any cell needs a closer look."""
    if set(map(type, cells)) != {str}:
        return None
    texts: list[str] = [cell for cell in cells if cell]  # type: ignore[misc]
    if decimal == ",":
        if "." in "".join(texts):
            return None  # it may part thousands, or not
        texts = [text.replace(",", ".") for text in texts]
    try:
        numbers = np.fromiter(map(float, texts), dtype=np.float64, count=len(texts))
    except ValueError:
        return None
    # float() also takes nan, infinity and 1_000, which mean something else in a table.
    is_plain = bool((np.abs(numbers) < LARGEST).all()) and "_" not in "".join(texts)
    return numbers if is_plain else None


def typed_numbers(counts: Counter[Cell]) -> NDArray[np.float64] | None:
    """Cells that are nothing but numbers or missing, which NaN stands for; None where any needs a closer look."""
    if not set(map(type, counts)) <= _NUMBERS:
        return None
    try:
        numbers = np.array(list(counts), dtype=np.float64)
    except OverflowError:
        return None
    # A comparison with NaN is never true.
    return None if (np.abs(numbers) >= LARGEST).any() else numbers


def labels_of(counts: Counter[Cell], is_whole: NDArray[np.bool_]) -> Counter[str]:
    """How often each label of numbers came: different ones have different labels."""
    whole = zip(counts.items(), is_whole.tolist(), strict=True)
    return Counter(
        {
            str(int(cell)) if own else str(cell): count  # type: ignore[call-overload]
            for (cell, count), own in whole
            if cell is not None and cell == cell
        }
    )


def plain_texts(counts: Counter[Cell]) -> list[str] | None:
    """The labels of texts that all start with a letter, and so are no number, date, time or JSON; else None."""
    if set(map(type, counts)) != {str}:
        return None
    labels: list[str] = list(map(str.strip, counts))  # type: ignore[arg-type]
    firsts = "".join([label[:1] for label in labels])
    if len(firsts) < len(labels) or not firsts.isalpha() or not _SPECIAL.isdisjoint(map(str.casefold, labels)):
        return None
    return labels
