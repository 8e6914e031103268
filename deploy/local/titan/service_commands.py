"""Commands that services bring along: loaded when called, with the running stack's variables around them."""

from __future__ import annotations

import os
from importlib.metadata import EntryPoint

import typer

from titan import configuration as configurations
from titan import process
from titan import state as states
from titan.errors import TitanError


def load(point: EntryPoint) -> typer.Typer:
    """Import a service's commands. Raises TitanError naming a package that is missing.

    Where a stack runs in this data directory its addresses and passwords are put into the environment first, as
    long as nobody set them; commands that need no stack find none and do without.
    """
    _enter(point.value.split(".")[0])
    try:
        loaded = point.load()
    except ImportError as error:
        raise TitanError(f"`titan {point.name}` cannot be loaded ({error}): run `make setup`.") from error
    if not isinstance(loaded, typer.Typer):
        raise TitanError(f"The entry point {point.value} of `titan {point.name}` is no Typer application.")
    return loaded


def _enter(service: str) -> None:
    home = configurations.data_dir()
    seen = states.read(home) if states.is_running(home) else None
    for name, value in (seen.environment.get(service, {}) if seen else {}).items():
        if name != process.MARK:  # the command is no part of the stack: `titan down` must not end it
            os.environ.setdefault(name, value)
