"""Models kept warm in the web process: the least recently used go when their bytes grow too many."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING
from uuid import UUID

from ml.models import NNModel
from ml.store import place
from service_base.errors import Unavailable

if TYPE_CHECKING:
    from ml.learning.solver import Solver

MOST_BYTES = 256 * 1024**2

_warm: OrderedDict[UUID, Solver] = OrderedDict()
_lock = Lock()


def solver_of(model: NNModel) -> Solver:
    """The model ready to solve, from memory if it is warm. Raises Unavailable when its files are not as stored."""
    with _lock:
        found = _warm.get(model.pk)
        if found is not None:
            _warm.move_to_end(model.pk)
            return found
    loaded = _load(model)
    with _lock:
        _warm[model.pk] = loaded
        while len(_warm) > 1 and sum(solver.size_bytes for solver in _warm.values()) > MOST_BYTES:
            _warm.popitem(last=False)
    return loaded


def _load(model: NNModel) -> Solver:
    # Only now: a web process that solves nothing stays small.
    from ml.learning.errors import ModelDamaged
    from ml.learning.solver import Solver

    try:
        return Solver.load(place(model.folder))
    except ModelDamaged as error:
        raise Unavailable(str(error)) from error
