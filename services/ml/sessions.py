"""Models kept warm in the web process: the least recently used go when their bytes grow too many."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING
from uuid import UUID

from ml.models import Machine, NNModel
from ml.store import place
from service_base.errors import Unavailable

if TYPE_CHECKING:
    from ml.learning.solver import Solver

MOST_BYTES = 256 * 1024**2

# By machine: the model it had when it was last asked, and that model ready to solve.
_warm: OrderedDict[UUID, tuple[UUID, Solver]] = OrderedDict()
_lock = Lock()


def solver_of(machine: Machine) -> Solver:
    """The machine's newest model ready to solve, from memory if it is warm.

    Raises Unavailable when its files are not as stored.
    """
    model = machine.training_nn_model
    assert model is not None
    if (found := warm_solver_of(machine)) is not None:
        return found
    loaded = _load(model)
    with _lock:
        _keep(machine.pk, model.pk, loaded)
    return loaded


def warm_solver_of(machine: Machine) -> Solver | None:
    """The same if it is in memory."""
    with _lock:
        found = _warm.get(machine.pk)
        if found is None or found[0] != machine.training_nn_model_id:
            return None
        _warm.move_to_end(machine.pk)
        return found[1]


def _keep(machine_id: UUID, model_id: UUID, solver: Solver) -> None:
    """In place of the machine's model before; what was not asked for longest makes room, the newest stays."""
    _warm[machine_id] = (model_id, solver)
    _warm.move_to_end(machine_id)
    held = sum(solver.size_bytes for _, solver in _warm.values())
    while held > MOST_BYTES and len(_warm) > 1:
        _, (_, gone) = _warm.popitem(last=False)
        held -= gone.size_bytes


def _load(model: NNModel) -> Solver:
    # Only now: a web process that solves nothing stays small.
    from ml.learning.errors import ModelDamaged
    from ml.learning.solver import Solver

    try:
        return Solver.load(place(model.folder))
    except ModelDamaged as error:
        raise Unavailable(str(error)) from error
