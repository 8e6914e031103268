"""Which strategies exist; a name that is not here is not offered anywhere."""

from typing import Any

from trading.rules.strategies.base import Strategy
from trading.rules.strategies.dca import Dca
from trading.rules.strategies.ml_signal import MlSignal
from trading.rules.strategies.momentum import Momentum

STRATEGIES: dict[str, type[Strategy[Any]]] = {kind.name: kind for kind in (Momentum, Dca, MlSignal)}


class UnknownStrategy(LookupError):
    """A strategy this version does not have."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"there is no strategy {name!r}; choose one of {', '.join(STRATEGIES)}")


def strategy_named(name: str) -> type[Strategy[Any]]:
    try:
        return STRATEGIES[name]
    except KeyError:
        raise UnknownStrategy(name) from None
