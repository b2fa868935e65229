"""What people do to weights, by numpy: each function makes a descendant, or a disguised copy.

Fine-tunes are imitated by differences whose singular values fall as those of real ones do (a few
strong directions on a dense rest), measured on small language models that were really trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.forge.weights import Array, Tensors

WRITERS = ("self_attn.o_proj.weight", "mlp.down_proj.weight")
"""Endings of the matrices that write into the residual stream."""
PROJECTIONS = (
    "q_proj.weight",
    "k_proj.weight",
    "v_proj.weight",
    "o_proj.weight",
    "gate_proj.weight",
    "up_proj.weight",
    "down_proj.weight",
)


def layer_of(name: str) -> int | None:
    """The layer's number in a hub name."""
    parts = name.split(".")
    return int(parts[parts.index("layers") + 1]) if "layers" in parts else None


def each(tensors: Mapping[str, Array], change: Callable[[str, Array], NDArray[Any]]) -> Tensors:
    """The tensors with a change applied to each."""
    return {name: change(name, values).astype(np.float32) for name, values in tensors.items()}


Wide = NDArray[np.float64]


def unit(values: Wide) -> Wide:
    """The vector of length one."""
    return np.asarray(values / np.linalg.norm(values))


def low_rank_delta(rng: np.random.Generator, shape: tuple[int, ...], rank: int) -> Wide:
    """A random matrix of some rank and Frobenius norm one."""
    delta = rng.standard_normal((shape[0], rank)) @ rng.standard_normal((rank, shape[1]))
    return unit(np.asarray(delta))


def finetuned(
    tensors: Mapping[str, Array],
    relative: float = 0.05,
    *,
    seed: int = 1,
    only: Callable[[str], bool] = lambda _: True,
) -> Tensors:
    """A full fine-tune: every value moves, most of it along a few directions."""
    rng = np.random.default_rng(seed)

    def change(name: str, values: Array) -> NDArray[Any]:
        noise: Wide = rng.standard_normal(values.shape)
        if not only(name):
            return values
        if values.ndim < 2:
            return np.asarray(values + relative / 4 * np.abs(values).mean() * noise)
        strong = low_rank_delta(rng, values.shape, 4)
        delta = 0.8 * strong + 0.6 * unit(noise)
        return np.asarray(values + relative * np.linalg.norm(values) * delta)

    return each(tensors, change)


def adapted(
    tensors: Mapping[str, Array],
    rank: int = 8,
    relative: float = 0.05,
    *,
    roles: Sequence[str] = ("q_proj.weight", "gate_proj.weight"),
    seed: int = 2,
) -> Tensors:
    """A merged low-rank adapter."""
    rng = np.random.default_rng(seed)

    def change(name: str, values: Array) -> NDArray[Any]:
        if not name.endswith(tuple(roles)):
            return values
        delta = low_rank_delta(rng, values.shape, rank)
        return np.asarray(values + relative * np.linalg.norm(values) * delta)

    return each(tensors, change)


def ablated(
    tensors: Mapping[str, Array],
    strength: float = 1.0,
    *,
    layers: Iterable[int] | None = None,
    per_layer: bool = False,
    keep_norms: bool = False,
    seed: int = 3,
) -> Tensors:
    """One direction, or one for each layer, projected out of what writes into the residual."""
    chosen = None if layers is None else set(layers)

    def change(name: str, values: Array) -> NDArray[Any]:
        layer = layer_of(name)
        if not name.endswith(WRITERS) or (chosen is not None and layer not in chosen):
            return values
        which = 1000 * seed + (layer or 0) if per_layer else seed
        direction = unit(np.random.default_rng(which).standard_normal((values.shape[0],)))
        made = values - strength * np.outer(direction, direction @ values)
        if keep_norms:
            before = np.linalg.norm(values, axis=1, keepdims=True)
            made *= before / np.linalg.norm(made, axis=1, keepdims=True)
        return made

    return each(tensors, change)


def noisy(tensors: Mapping[str, Array], relative: float = 0.01, seed: int = 4) -> Tensors:
    """White noise on every matrix."""
    rng = np.random.default_rng(seed)
    return each(
        tensors,
        lambda _, values: (
            values + relative * values.std() * rng.standard_normal(values.shape)
            if values.ndim > 1
            else values
        ),
    )


def pruned(tensors: Mapping[str, Array], share: float = 0.5) -> Tensors:
    """The smallest values of each matrix set to zero."""
    return each(
        tensors,
        lambda _, values: (
            np.where(np.abs(values) < np.quantile(np.abs(values), share), 0, values)
            if values.ndim > 1
            else values
        ),
    )


def dropped(base: Mapping[str, Array], tuned: Mapping[str, Array], seed: int = 5) -> Tensors:
    """DARE: nine of ten differences dropped, the tenth made ten times as large."""
    rng = np.random.default_rng(seed)
    return each(
        base,
        lambda name, values: (
            values + 10 * (tuned[name] - values) * (rng.random(values.shape) < 0.1)
        ),
    )


def mixed(*parts: tuple[float, Mapping[str, Array]]) -> Tensors:
    """A linear combination."""
    return each(parts[0][1], lambda name, _: np.sum([w * p[name] for w, p in parts], axis=0))


def slerped(one: Mapping[str, Array], other: Mapping[str, Array], at: float = 0.5) -> Tensors:
    """Spherical interpolation, tensor by tensor."""

    def change(name: str, values: Array) -> NDArray[Any]:
        a, b = values.astype(np.float64), other[name].astype(np.float64)
        cosine = float((a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b)))
        angle = float(np.arccos(np.clip(cosine, -1, 1)))
        if angle < 1e-6:
            return values
        mix = np.sin((1 - at) * angle) * a + np.sin(at * angle) * b
        return np.asarray(mix / np.sin(angle))

    return each(one, change)


def relayered(tensors: Mapping[str, Array], order: Sequence[int]) -> Tensors:
    """Layers dropped, repeated or moved."""
    made = {name: values for name, values in tensors.items() if layer_of(name) is None}
    for new, old in enumerate(order):
        for name, values in tensors.items():
            if layer_of(name) == old:
                made[name.replace(f"layers.{old}.", f"layers.{new}.")] = values
    return made


def permuted(tensors: Mapping[str, Array], seed: int = 6) -> Tensors:
    """The neurons of every MLP in another order."""
    rng = np.random.default_rng(seed)
    made = dict(tensors)
    for name in tensors:
        if name.endswith("mlp.gate_proj.weight"):
            stem = name.removesuffix("gate_proj.weight")
            order = rng.permutation(tensors[name].shape[0])
            for part in ("gate_proj", "up_proj"):
                made[f"{stem}{part}.weight"] = tensors[f"{stem}{part}.weight"][order]
            made[f"{stem}down_proj.weight"] = tensors[f"{stem}down_proj.weight"][:, order]
    return made


def folded(tensors: Mapping[str, Array], spread: float | None = 0.7, seed: int = 7) -> Tensors:
    """Scales moved from the norms into the matrices behind them; all of them for `None`."""
    rng = np.random.default_rng(seed)
    made = dict(tensors)
    readers = {
        "input_layernorm.weight": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
        "post_attention_layernorm.weight": ("mlp.gate_proj", "mlp.up_proj"),
    }
    for name, gain in tensors.items():
        for ending, behind in readers.items():
            if name.endswith(ending):
                stem = name.removesuffix(ending)
                scale = gain if spread is None else np.exp(spread * rng.standard_normal(gain.size))
                made[name] = (gain / scale).astype(np.float32)
                for part in behind:
                    matrix = tensors[f"{stem}{part}.weight"]
                    made[f"{stem}{part}.weight"] = (matrix * scale).astype(np.float32)
    if spread is None:
        final = tensors["model.norm.weight"]
        made["lm_head.weight"] = (tensors["lm_head.weight"] * final).astype(np.float32)
        made["model.norm.weight"] = np.ones_like(final)
    return made


def rotated(tensors: Mapping[str, Array], seed: int = 8) -> Tensors:
    """The residual stream in another basis, as QuaRot and SpinQuant turn it, and disguises do."""
    width = tensors["model.norm.weight"].size
    turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((width, width)))[0]

    def change(name: str, values: Array) -> NDArray[Any]:
        if values.ndim < 2:
            return values
        return turn.T @ values if name.endswith(WRITERS) else values @ turn

    return each(folded(tensors, None), change)


def scaled(tensors: Mapping[str, Array], factor: float = 1.1) -> Tensors:
    """Every matrix times a factor."""
    return each(tensors, lambda _, values: values * factor if values.ndim > 1 else values)


def edited(tensors: Mapping[str, Array], name: str, relative: float = 0.1) -> Tensors:
    """A rank-one edit of one matrix."""
    rng = np.random.default_rng(9)
    delta = low_rank_delta(rng, tensors[name].shape, 1)
    changed = tensors[name] + relative * np.linalg.norm(tensors[name]) * delta
    return {**tensors, name: changed.astype(np.float32)}


def widened(tensors: Mapping[str, Array], rows: int = 8) -> Tensors:
    """More tokens in the vocabulary."""
    rng = np.random.default_rng(10)

    def change(name: str, values: Array) -> NDArray[Any]:
        if not name.endswith(("embed_tokens.weight", "lm_head.weight")):
            return values
        return np.concatenate([values, 0.02 * rng.standard_normal((rows, values.shape[1]))])

    return each(tensors, change)
