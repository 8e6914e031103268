"""What each level buys."""

from __future__ import annotations

from dataclasses import dataclass

from ml.learning.errors import LevelNotThere


@dataclass(frozen=True, slots=True)
class Level:
    """`members` networks, each on all but one of `folds` parts of the learning lines, for `steps` steps."""

    number: int
    members: int
    folds: int
    steps: int


LEVELS = {
    1: Level(1, members=1, folds=5, steps=400),
    2: Level(2, members=2, folds=5, steps=1000),
    3: Level(3, members=4, folds=5, steps=2000),
}


def level_of(number: int) -> Level:
    """Raises LevelNotThere."""
    if number not in LEVELS:
        raise LevelNotThere(number)
    return LEVELS[number]
