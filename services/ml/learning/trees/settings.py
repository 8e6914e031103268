"""What may be tried of trees, and which columns they are given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec

from service_base.imports import import_without

# Each round grows a tree for each label: beyond this many, trees cost more than they are worth.
MOST_CLASSES = 60
# Nodes grown on one fold: what is stored and served stays small.
MOST_NODES = 120_000
# Fewer rounds would have to learn in leaps: rather so many of smaller trees.
ROUNDS_BEFORE_LEAVES = 100
LEAST_LEAVES = 6
# Rounds times rate that learn a table about as well as trees can.
ENOUGH = 20.0


@dataclass(frozen=True, slots=True)
class TreeSettings:
    """How one kind of trees is grown; `rounds` is the most there may be, watching ends it earlier.

    Trees can read their own lines' outputs out of averages of few lines, and the more labels there are, the better:
    what `averages` add has to be worth more than that.
    """

    name: str
    leaves: int
    rate: float
    columns: float
    least_lines: int
    penalty: float = 1.0
    lines: float = 0.8
    thresholds_by_chance: bool = False
    rounds: int = 2000
    averages: bool = True

    @property
    def without_averages(self) -> TreeSettings:
        return replace(self, name=f"{self.name}, without averages", averages=False)


TRIED = (
    TreeSettings("usual", leaves=31, rate=0.05, columns=0.7, least_lines=20),
    TreeSettings("deep", leaves=127, rate=0.04, columns=0.5, least_lines=10, penalty=5.0),
    TreeSettings("shallow", leaves=8, rate=0.08, columns=0.5, least_lines=20),
    TreeSettings("by chance", leaves=63, rate=0.06, columns=0.8, least_lines=5, thresholds_by_chance=True),
    TreeSettings("very deep", leaves=255, rate=0.04, columns=0.35, least_lines=8, penalty=10.0),
    TreeSettings("shallow, few columns", leaves=6, rate=0.08, columns=0.2, least_lines=10, lines=0.6),
)


def are_there(classes: int) -> bool:
    """Whether trees can be grown here: LightGBM is optional, and so is the library it needs of the system."""
    return classes <= MOST_CLASSES and find_spec("lightgbm") is not None and _loads()


@cache
def _loads() -> bool:
    try:
        # It imports pandas, where that is, to take its tables: a second of each training, for nothing used here.
        import_without("pandas", "lightgbm")
    except OSError:  # no libgomp
        return False
    return True


def fitted_to(settings: TreeSettings, *, lines: int, classes: int) -> TreeSettings:
    """With few lines a leaf may be smaller, or there would be hardly any splits. With many classes, each of which
    grows trees of its own, there are fewer rounds of a higher rate, and fewer leaves where rounds would be too few."""
    trees = classes if classes > 2 else 1
    leaves = min(settings.leaves, max(LEAST_LEAVES, MOST_NODES // (2 * trees * ROUNDS_BEFORE_LEAVES)))
    rounds = max(30, min(settings.rounds, MOST_NODES // (2 * leaves * trees)))
    return replace(
        settings,
        leaves=leaves,
        least_lines=max(3, min(settings.least_lines, lines // 50)),
        rounds=rounds,
        rate=max(settings.rate, min(0.25, ENOUGH / rounds)),
    )
