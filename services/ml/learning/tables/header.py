"""Whether the first row of a table names its columns, told by the rows below it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

_NUMBER = re.compile(r"[+-]?[\d.,]*\d[\d.,]*([eE][+-]?\d+)?")
_WHOLE = re.compile(r"\d{1,9}")
# What stands in a row where a value is missing.
_NO_NAMES = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "?", "-"})
# A first row that chance alone would bring less often than once in so many tables is one of names.
_BY_CHANCE = 10


def find_header(rows: Sequence[Sequence[str]]) -> tuple[bool, float]:
    """Whether the first row has names, and how sure that is, 0 to 1."""
    if not rows:
        return True, 0.3
    first, body = [cell.strip() for cell in rows[0]], rows[1:]
    if any(_NUMBER.fullmatch(cell) for cell in first):
        return names_with_numbers(first, body)
    if any(not cell for cell in first) and body:
        return True, 0.6
    if body and any(_is_numeric(body, place) for place in range(len(first))):
        return True, 1.0
    repeated = sum(any(cell == own for own in _column(body, place)) for place, cell in enumerate(first))
    return (True, 0.8) if repeated < len(first) / 2 else (False, 0.6)


def names_with_numbers(first: Sequence[str], body: Sequence[Sequence[str]]) -> tuple[bool, float]:
    """The same for a first row with numbers in it, as years and the columns of an array without names have."""
    texts = [
        place for place, cell in enumerate(first) if cell.casefold() not in _NO_NAMES and not _NUMBER.fullmatch(cell)
    ]
    if len(set(first)) < len(first) or not any(char.isalpha() for char in "".join(first)):
        return False, 0.9
    if any(first[place] in _column(body, place) for place in texts):
        return False, 0.8
    if any(_is_numeric(body, place) for place in texts):
        return True, 0.9
    if _are_new_words(body, texts) or _count_on(first, body):
        return True, 0.8
    return False, 0.7


def _are_new_words(body: Sequence[Sequence[str]], texts: Sequence[int]) -> bool:
    """Whether the texts, which no row below has, stand above labels that hardly ever are a row's own."""
    for place in texts:
        counts = Counter(cell for cell in _column(body, place) if cell)
        if counts and counts.total() >= _BY_CHANCE * max(1, sum(count == 1 for count in counts.values())):
            return True
    return False


def _count_on(first: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether the numbers are 0, 1, 2 or 2019, 2020 and so on, where the rows below them hardly ever are."""
    places = [place for place, cell in enumerate(first) if _NUMBER.fullmatch(cell)]

    def counts_on(row: Sequence[str]) -> bool:
        cells = [row[place].strip() if place < len(row) else "" for place in places]
        return all(map(_WHOLE.fullmatch, cells)) and all(int(b) == int(a) + 1 for a, b in pairwise(cells))

    return len(places) > 1 and counts_on(first) and len(body) >= _BY_CHANCE * max(5, 5 * sum(map(counts_on, body)))


def _is_numeric(body: Sequence[Sequence[str]], place: int) -> bool:
    return sum(bool(_NUMBER.fullmatch(cell)) for cell in _column(body, place)) > 0.8 * len(body)


def _column(body: Sequence[Sequence[str]], place: int) -> Iterator[str]:
    return (row[place].strip() for row in body if place < len(row))
