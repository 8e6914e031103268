"""The compiled part: a chunk of training steps for all members at once, and their answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from ml.learning.network.shape import Head, Recipe

Params = dict[str, jax.Array]


class Chunk(NamedTuple):
    """What the steps of one chunk take from outside, stacked along the first axis."""

    x: Any  # (steps, members, batch, columns)
    y: Any  # (steps, members, batch)
    time: Any  # (steps,) share of the training that is done
    offsets: Any  # (steps, layers) where in the pool of chance each layer's dropout starts


# Where an array must begin for JAX to read it on a CPU as it lies, without a copy.
_ALIGNED = 64


def lent_zeros(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """To be filled again for each chunk: a new array of that size costs more than its filling."""
    size = math.prod(shape) * 4
    memory = np.zeros(size + _ALIGNED, np.uint8)
    start = -memory.ctypes.data % _ALIGNED
    return memory[start : start + size].view(np.float32).reshape(shape)


def transformation(recipe: Recipe) -> optax.GradientTransformation:
    """The gradient's way to a direction; rate, schedule and decay are applied in `_apply`."""
    if recipe.optimizer == "sgd":
        return optax.trace(decay=0.9, nesterov=True)
    if recipe.optimizer == "rmsprop":
        return optax.scale_by_rms(decay=0.95)
    return optax.scale_by_adam(b1=0.9, b2=0.95)


def answers(params: Params, x: jax.Array, recipe: Recipe, drops: list[jax.Array] | None = None) -> jax.Array:
    """(members, rows, answers) of each member on its own rows."""
    h = _first(params, x)
    layers = len(recipe.hidden)
    dropout = params["dropout"][:, None, None]
    for i in range(layers):
        h = _ACTIVATIONS[recipe.activation](_linear(params, i, h) if i else h)
        if drops is not None:
            h = h * (drops[i] >= dropout) / (1.0 - dropout)
    return _linear(params, layers, h)


def _first(params: Params, x: jax.Array) -> jax.Array:
    """The first layer: of the centred and scaled columns, and of recipes with waves of cosines of the numbers.

    Center and scale act on the weights, to the same sums: on the rows, the gradient of the scale would be one more
    product as long as the layer itself.
    """
    columns = x.shape[-1]
    own = params["w0"][:, :columns] * (params["scale"] * params["mask"])[..., None]
    product = jnp.einsum("kbi,kio->kbo", x, own) - jnp.einsum("i,kio->ko", params["center"], own)[:, None, :]
    if "pitch" in params:
        waves = jnp.cos(x[..., params["numbers"], None] * params["pitch"][:, None] + params["phase"][:, None])
        product += jnp.einsum("kbi,kio->kbo", waves.reshape(*x.shape[:2], -1), params["w0"][:, columns:])
    return product * params["fan0"] + params["b0"][:, None, :]


def _linear(params: Params, i: int, h: jax.Array) -> jax.Array:
    # NTK form: weights of size one, divided by the root of how many come in, so that one rate fits every width.
    product = jnp.einsum("kbi,kio->kbo", h, params[f"w{i}"])
    return product * params[f"fan{i}"] + params[f"b{i}"][:, None, :]


def _mish(h: jax.Array) -> jax.Array:
    return h * jnp.tanh(jax.nn.softplus(h))


_ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {"selu": jax.nn.selu, "relu": jax.nn.relu, "mish": _mish}


def loss_of(answers: jax.Array, y: jax.Array, head: Head) -> jax.Array:
    """(members,) mean error over the rows."""
    if head.is_label:
        hot = jax.nn.one_hot(y.astype(jnp.int32), head.width)
        if head.loss == "brier":
            return ((jax.nn.softmax(answers) - hot) ** 2).sum(axis=-1).mean(axis=-1)
        return -(jax.nn.log_softmax(answers) * hot).sum(axis=-1).mean(axis=-1)
    error = answers[..., 0] - y
    return (jnp.abs(error) if head.loss == "mae" else error**2).mean(axis=-1)


@partial(jax.jit, static_argnames=("head", "recipe"), donate_argnames=("params", "state"))
def run_chunk(
    params: Params, state: Any, pool: jax.Array, chunk: Chunk, *, head: Head, recipe: Recipe
) -> tuple[Params, Any, jax.Array]:
    """All steps of a chunk; returns the new members and each one's mean error over the chunk."""
    optimizer = transformation(recipe)

    def step(carry: tuple[Params, Any], now: Chunk) -> tuple[tuple[Params, Any], jax.Array]:
        params, state = carry
        drops = _drops(pool, now.offsets, now.x.shape[:2], recipe)

        def loss(trained: Params) -> tuple[jax.Array, jax.Array]:
            errors = loss_of(answers({**params, **trained}, now.x, recipe, drops), now.y, head)
            return errors.sum(), errors

        trained = {name: value for name, value in params.items() if rate_of(name)}
        gradients, errors = jax.grad(loss, has_aux=True)(trained)
        directions, state = optimizer.update(gradients, state)
        return ({**params, **_apply(params, trained, directions, now.time)}, state), errors

    (params, state), errors = jax.lax.scan(step, (params, state), chunk)
    return params, state, errors.mean(axis=0)


@partial(jax.jit, static_argnames=("recipe",))
def run_answers(params: Params, x: jax.Array, *, recipe: Recipe) -> jax.Array:
    return answers(params, x, recipe)


def first_state(recipe: Recipe, trained: Params) -> Any:
    """What the optimizer remembers before the first step: zeros, whichever it is, without a program for each shape."""
    shapes = jax.eval_shape(transformation(recipe).init, trained)
    return jax.tree.map(lambda leaf: jax.device_put(np.zeros(leaf.shape, leaf.dtype)), shapes)


def _drops(pool: jax.Array, offsets: jax.Array, rows: tuple[int, ...], recipe: Recipe) -> list[jax.Array]:
    """Dropout cut from a pool of chance drawn once: drawing anew costs a quarter of a step on a CPU."""
    found = []
    for i, width in enumerate(recipe.hidden):
        size = rows[0] * rows[1] * width
        found.append(jax.lax.dynamic_slice(pool, (offsets[i],), (size,)).reshape(*rows, width))
    return found


def _apply(params: Params, trained: Params, directions: Params, time: jax.Array) -> Params:
    # coslog4: four cosine waves, each twice as long as the one before; decay stays flat, then fades.
    rates = params["rate"] * 0.5 * (1 - jnp.cos(2 * jnp.pi * jnp.log2(1 + 15 * time)))
    decays = params["decay"] * jnp.where(time < 0.5, 1.0, 0.5 * (1 + jnp.cos(jnp.pi * (2 * time - 1))))
    moved = {}
    for name, value in trained.items():
        own = (-1, *(1,) * (value.ndim - 1))
        decay = decays.reshape(own) if name.startswith("w") else 0.0
        moved[name] = value - rates.reshape(own) * rate_of(name) * (directions[name] + decay * value)
    return moved


def rate_of(name: str) -> float:
    """How fast a part learns; 0 for what is not learnt."""
    if name in _RATES:
        return _RATES[name]
    return {"w": 1.0, "b": 0.1}.get(name[0], 0.0)


_RATES = {"scale": 6.0, "pitch": 0.1, "phase": 0.1}
