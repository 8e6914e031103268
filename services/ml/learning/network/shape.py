"""What may be asked of a network, checked before any work starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ml.learning.errors import UnfitShape

Loss = Literal["mse", "mae", "binary_crossentropy", "categorical_crossentropy"]
HeadLoss = Literal["crossentropy", "brier", "mse", "mae"]
Optimizer = Literal["adam", "adamw", "sgd", "rmsprop"]

LOSSES: tuple[Loss, ...] = ("mse", "mae", "binary_crossentropy", "categorical_crossentropy")
OPTIMIZERS: tuple[Optimizer, ...] = ("adam", "adamw", "sgd", "rmsprop")
ACTIVATIONS = ("auto", "selu", "mish", "relu")
_FIELDS = ("hidden", "activation", "dropout", "network_only")


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """`parameter_nn_shape` of a machine: hidden layer widths, activation and dropout; what is left out is usual.

    `network_only` keeps trees and kernel machines out of the blend at the levels that would try them.
    """

    hidden: tuple[int, ...] = (128, 128)
    activation: str = "auto"
    dropout: float = 0.15
    network_only: bool = False

    @classmethod
    def from_json(cls, found: Mapping[str, Any] | None) -> NetworkShape:
        """Raises UnfitShape with the field at fault."""
        if not found:
            return cls()
        if unknown := set(found) - set(_FIELDS):
            raise UnfitShape(
                f"A network shape has no {sorted(unknown)[0]!r}; it has {', '.join(_FIELDS)}.", field="shape"
            )
        hidden = found.get("hidden", (128, 128))
        if not isinstance(hidden, (list, tuple)) or not 1 <= len(hidden) <= 4:
            raise UnfitShape("`hidden` must be a list of 1 to 4 layer widths.", field="hidden")
        if not all(isinstance(width, int) and 8 <= width <= 1024 for width in hidden):
            raise UnfitShape("Each width in `hidden` must be a whole number from 8 to 1024.", field="hidden")
        activation = found.get("activation", "auto")
        if activation not in ACTIVATIONS:
            raise UnfitShape(f"`activation` must be one of {', '.join(ACTIVATIONS)}.", field="activation")
        dropout = found.get("dropout", 0.15)
        if not isinstance(dropout, (int, float)) or not 0 <= dropout <= 0.8:
            raise UnfitShape("`dropout` must be a number from 0 to 0.8.", field="dropout")
        network_only = found.get("network_only", False)
        if not isinstance(network_only, bool):
            raise UnfitShape("`network_only` must be true or false.", field="network_only")
        return cls(tuple(hidden), activation, float(dropout), network_only)

    def to_json(self) -> dict[str, object]:
        return {
            "hidden": list(self.hidden),
            "activation": self.activation,
            "dropout": self.dropout,
            "network_only": self.network_only,
        }


@dataclass(frozen=True, slots=True)
class Head:
    """The output of a network: how many answers it has and what its error is."""

    width: int
    loss: HeadLoss

    @property
    def is_label(self) -> bool:
        return self.loss in ("crossentropy", "brier")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides how members are trained; `chunk` steps run as one compiled scan.

    With `waves` each number is also given as so many cosines, whose pitch and phase are learnt.
    """

    hidden: tuple[int, ...]
    activation: str
    dropout: float
    optimizer: Optimizer
    learning_rate: float
    weight_decay: float
    batch: int
    steps: int
    look_every: int
    chunk: int = 25
    waves: int = 0


_RATES: dict[str, float] = {"adam": 1.0, "adamw": 1.0, "sgd": 5.0, "rmsprop": 0.5}


def lines_of_a_step(learning_lines: int) -> int:
    return next((size for size in (256, 128, 64) if size * 8 <= learning_lines), 32)


def recipe_for(shape: NetworkShape, head: Head, *, optimizer: Optimizer, steps: int, learning_lines: int) -> Recipe:
    """The recipe of `shape`: labels learn with SELU, numbers with Mish and a higher rate."""
    activation = shape.activation if shape.activation != "auto" else ("selu" if head.is_label else "mish")
    return Recipe(
        shape.hidden,
        activation,
        shape.dropout,
        optimizer,
        (0.04 if head.is_label else 0.1) * _RATES[optimizer],
        0.0 if optimizer == "adam" else 0.02,
        lines_of_a_step(learning_lines),
        steps,
        look_every=max(25, steps // 20 // 25 * 25),
    )
