"""What each level buys."""

from __future__ import annotations

from dataclasses import dataclass

from ml.learning.errors import LevelNotThere


@dataclass(frozen=True, slots=True)
class Search:
    """How far a level looks around.

    `rungs` are (configurations of networks that get so far, steps they get), on one fold; the best `kept` ones learn
    all folds for `steps` steps. Of trees `trees` kinds are tried and `trees_kept` kept.
    """

    rungs: tuple[tuple[int, int], ...]
    kept: int
    steps: int
    trees: int
    trees_kept: int


@dataclass(frozen=True, slots=True)
class Level:
    """`members` networks, each on all but one of `folds` parts of the learning lines, for `steps` steps.

    With a `search` these are the first learner of several, so that a level has all that the one below it has.
    """

    number: int
    members: int
    folds: int
    steps: int
    search: Search | None = None


LEVELS = {
    1: Level(1, members=1, folds=5, steps=400),
    2: Level(2, members=2, folds=5, steps=1000),
    3: Level(3, 4, 5, 2000, Search(((4, 400),), kept=2, steps=2000, trees=0, trees_kept=0)),
    4: Level(4, 5, 5, 2000, Search(((6, 800),), kept=2, steps=3000, trees=3, trees_kept=1)),
    5: Level(5, 8, 8, 2000, Search(((12, 500), (5, 1200)), kept=3, steps=3000, trees=6, trees_kept=3)),
}


def level_of(number: int) -> Level:
    """Raises LevelNotThere."""
    if number not in LEVELS:
        raise LevelNotThere(number)
    return LEVELS[number]
