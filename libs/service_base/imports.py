"""Importing a library without what it would take along only to accept more kinds of input."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType


def import_without(absent: str, name: str) -> ModuleType:
    """The module `name`, imported as on a machine that lacks the package `absent`; whoever imports that later gets it.

    Where `absent` is loaded already, nothing is hidden: it costs nothing any more.
    """
    if absent in sys.modules:
        return import_module(name)
    sys.modules[absent] = None  # type: ignore[assignment]  # the language's own way to say "not installed"
    try:
        return import_module(name)
    finally:
        del sys.modules[absent]
