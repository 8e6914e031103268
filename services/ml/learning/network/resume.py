"""The state of members between two chunks, to be kept and to go on from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from numpy.typing import NDArray

from ml.learning.checkpoints import Kept, Part

if TYPE_CHECKING:
    from ml.learning.network.train import Members

Arrays = dict[str, NDArray[Any]]


def keep(
    part: Part, best: Members, *, step: int, steps: int, params: Mapping[str, Any], state: Any, is_done: bool
) -> None:
    """Write all that the next chunk depends on; of members that are done only what is left of them."""
    notes = {
        "step": step,
        "steps": steps,
        "is_done": is_done,
        "stopped": best.stopped,
        "best_steps": best.best_steps,
        "best_losses": best.best_losses,
        "looks": [astuple(look) for look in best.looks],
    }
    half_way = {} if is_done else _named("params", params) | _named("state", _leaves(state))
    part.write(notes, _named("best", best.params) | half_way, is_whole=is_done and best.stopped is None)


def fits(kept: Kept, best: Members, params: Mapping[str, Any], state: Any) -> bool:
    """Whether it is of members such as these; anything else is passed over."""
    wanted = _named("best", best.params)
    if not kept.notes["is_done"]:
        wanted |= _named("params", params) | _named("state", _leaves(state))
    return {n: (v.shape, v.dtype) for n, v in wanted.items()} == {
        n: (v.shape, v.dtype) for n, v in kept.tensors.items()
    }


def of(kept: Kept, kind: str) -> Arrays:
    """The arrays of one kind by their names."""
    start = f"{kind}."
    return {name.removeprefix(start): value for name, value in kept.tensors.items() if name.startswith(start)}


def state_like(state: Any, kept: Kept) -> Any:
    """The optimizer's state as it was kept."""
    found = of(kept, "state")
    return jax.tree.unflatten(jax.tree.structure(state), [jax.numpy.asarray(found[name]) for name in _leaves(state)])


def _leaves(state: Any) -> dict[str, Any]:
    return {str(i): leaf for i, leaf in enumerate(jax.tree.leaves(state))}


def _named(kind: str, values: Mapping[str, Any]) -> Arrays:
    return {f"{kind}.{name}": np.asarray(value) for name, value in values.items()}
