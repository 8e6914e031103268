"""What each level buys."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ml.learning.errors import LevelNotThere


@dataclass(frozen=True, slots=True)
class Search:
    """How far a level looks around.

    `most_work` is what all networks together may take: encoded columns x lines of a step x steps of a member.

    `rungs` are (configurations of networks that get so far, steps they get) on the first folds; the best `kept` learn
    all folds for `steps` steps. Of trees `trees` kinds are tried and `trees_kept` kept, each of `tree_rounds` at most.
    With `kernel` there is a kernel machine too; with `twice` the usual networks are trained from two starts.
    """

    rungs: tuple[tuple[int, int], ...]
    kept: int
    steps: int
    trees: int
    trees_kept: int
    tree_rounds: int = 2000
    kernel: bool = False
    twice: bool = False
    most_work: float | None = None


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


# What level 3 may take for less than three quarters of a minute on one core.
_LEVEL_3 = 2.0e9
# Shorter networks would add nothing.
_LEAST_STEPS = 500
# Growing a kind of trees on one fold takes about as long as so many steps of a member.
TREE_STEPS = 600

LEVELS = {
    1: Level(1, members=1, folds=5, steps=400),
    2: Level(2, members=2, folds=5, steps=1000),
    3: Level(3, 4, 5, 2000, Search(((4, 400),), 1, 2000, trees=1, trees_kept=1, tree_rounds=250, kernel=True,
                                   most_work=_LEVEL_3)),
    4: Level(4, 5, 5, 2000, Search(((6, 800),), 2, 3000, trees=3, trees_kept=2, kernel=True, twice=True)),
    5: Level(5, 8, 8, 2000, Search(((12, 500), (5, 1200)), 3, 3000, trees=6, trees_kept=3, kernel=True, twice=True)),
}  # fmt: skip


def within_work(level: Level, *, columns: int, batch: int) -> Level:
    """The level for so many encoded columns and lines of a step: the networks of its search shorter, or none of them,
    where they would take too long."""
    search = level.search
    if search is None or search.most_work is None:
        return level
    tried = sum(count * steps for count, steps in search.rungs) + TREE_STEPS * search.trees_kept * level.members
    left = search.most_work / (columns * batch) - level.members * level.steps - tried
    steps = min(search.steps, int(left / (level.members * search.kept)) // 100 * 100)
    if steps < _LEAST_STEPS:
        return replace(level, search=replace(search, rungs=(), kept=0))
    return replace(level, search=replace(search, steps=steps))


def level_of(number: int) -> Level:
    """Raises LevelNotThere."""
    if number not in LEVELS:
        raise LevelNotThere(number)
    return LEVELS[number]
