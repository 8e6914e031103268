"""How much memory work takes, and whether a server has it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

MIB = 1024**2
# A server greets every few seconds; one that was not heard of for this long is not there any more.
SILENT = timedelta(seconds=30)

# What a child takes before it has read a line: the interpreter and the libraries.
_PROCESS = 700 * MIB
# As learning has it: encoded columns for an input of a narrow table; a wide one shares some hundred bins among all.
_ENCODED_PER_INPUT = 36
_SHARED, _ENCODED_PER_INPUT_BESIDE = 640, 12
# How many encoded cells are held at most; beyond, a sample is learnt from.
_MOST_CELLS = 200_000_000
_NUMBER = 4
_STEPS, _BATCH = 25, 256
_MEMBERS = {1: 1, 2: 2, 3: 4, 4: 6, 5: 12}
# What is encoded is held once more while it is being made, and the members' answers beside it.
_COPIES = 3


def training_ram(*, columns: int, lines: int, level: int) -> int:
    """About how many bytes of memory a training takes at its most."""
    cells = min(_MOST_CELLS, lines * _width(columns))
    return _PROCESS + _COPIES * _NUMBER * cells + 2 * _chunk(columns, level)


def training_gpu_ram(*, columns: int, level: int) -> int:
    """About how many bytes of a GPU it takes: lines come to it chunk by chunk, whatever the table's size."""
    return _PROCESS + _COPIES * _chunk(columns, level)


def solving_ram() -> int:
    """Batches are solved in a stream."""
    return _PROCESS


def _chunk(columns: int, level: int) -> int:
    """The bytes of the encoded lines that all members learn from between two looks."""
    return _STEPS * _BATCH * _MEMBERS.get(level, 1) * _width(columns) * _NUMBER


def _width(columns: int) -> int:
    return min(columns * _ENCODED_PER_INPUT, _SHARED + columns * _ENCODED_PER_INPUT_BESIDE)


def gpu_for(gpu_ram: Sequence[int], needed: int) -> int | None:
    """The smallest GPU that is large enough, by its place; `gpu_ram` is in MiB. None when there is none."""
    fitting = [(ram, place) for place, ram in enumerate(gpu_ram) if ram * MIB >= needed]
    return min(fitting)[1] if fitting else None


def fits(*, ram: int, gpu_ram: Sequence[int], needs_ram: int, needs_gpu: int) -> bool:
    """Whether a server can take the work. `ram` 0 is not known, which keeps nothing from it."""
    return (not ram or needs_ram <= ram) and (not gpu_ram or gpu_for(gpu_ram, needs_gpu) is not None)
