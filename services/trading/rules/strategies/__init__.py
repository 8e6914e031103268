"""Strategies a bot can run, by name."""

from trading.rules.strategies.base import Context, InvalidParameters, Strategy, build
from trading.rules.strategies.registry import STRATEGIES, strategy_named

__all__ = ["STRATEGIES", "Context", "InvalidParameters", "Strategy", "build", "strategy_named"]
