"""TA-Lib without pandas, which its package imports where it can, only to take its Series: 90 MB a process."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType


def _alone() -> ModuleType:
    """The package `talib`, imported as on a machine without pandas; whoever imports pandas later gets it."""
    if "pandas" in sys.modules:
        return import_module("talib")
    sys.modules["pandas"] = None  # type: ignore[assignment]  # the language's own way to say "not installed"
    try:
        return import_module("talib")
    finally:
        del sys.modules["pandas"]


talib = _alone()
