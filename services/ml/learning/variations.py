"""The configurations of networks that levels 3 to 5 try: how each differs from the usual recipe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml.learning.encoding.encoder import Encoder
from ml.learning.network.shape import Recipe

# Far enough apart that people's seeds, which count from nought, meet no other start's.
_NEXT_START = 1_000_003

View = Literal["all", "plain", "no averages"]


@dataclass(frozen=True, slots=True)
class Variation:
    """With `waves` each number is given as so many cosines as well.

    `view` is what of the encoding it sees: all; numbers without their bins; labels without learnt averages. Another
    `start` are other first weights and lines in another order, and nothing else.
    """

    name: str
    rate: float = 1.0
    dropout: float | None = None
    decay: float | None = None
    view: View = "all"
    waves: int = 0
    start: int = 0

    @property
    def once_more(self) -> Variation:
        """The same from another start: two of them together err less than either."""
        return replace(self, name=f"{self.name}, once more", start=self.start + 1)

    def seed(self, seed: int) -> int:
        return seed + _NEXT_START * self.start

    def recipe(self, usual: Recipe, steps: int) -> Recipe:
        return replace(
            usual,
            learning_rate=usual.learning_rate * self.rate,
            dropout=usual.dropout if self.dropout is None else self.dropout,
            weight_decay=usual.weight_decay if self.decay is None else self.decay,
            steps=steps,
            waves=self.waves,
            look_every=max(25, steps // 20 // 25 * 25),
        )

    def mask(self, encoder: Encoder) -> NDArray[np.float32]:
        """1 for each encoded column it sees."""
        if self.view == "plain":
            seen = np.zeros(encoder.width, np.float32)
            seen[encoder.plain] = 1.0
            return seen
        seen = np.ones(encoder.width, np.float32)
        if self.view == "no averages":
            seen[encoder.averages] = 0.0
        return seen


USUAL = Variation("usual")
# The order matters: a level tries the first few. It was found greedily by what the best of a list adds to the usual
# networks out of fold, and checked on tables left out of finding it.
VARIATIONS = (
    Variation("strong decay", decay=0.1),
    Variation("more rate, less decay", rate=1.6, decay=0.005, dropout=0.1),
    Variation("numbers unbinned, strong decay", view="plain", decay=0.15),
    Variation("no dropout, strong decay", dropout=0.0, decay=0.1),
    Variation("much dropout, strong decay", dropout=0.45, decay=0.1),
    Variation("half the rate, strong decay", rate=0.5, decay=0.1),
    Variation("labels without averages", view="no averages"),
    Variation("waves, less dropout, strong decay", view="plain", waves=8, dropout=0.05, decay=0.1),
    Variation("half the rate, more dropout", rate=0.5, dropout=0.3),
    Variation("waves", view="plain", waves=8),
    Variation("no dropout, more rate", rate=1.6, dropout=0.0),
    Variation("very strong decay", decay=0.4, rate=0.7),
)
