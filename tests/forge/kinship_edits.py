"""More that people do to weights: rewritings head by head, repairs, cuts, renamings, mixtures.

Each function makes a descendant, or a disguised copy, of a LLaMA-like model; see `kinship` for the
others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.forge.kinship import WRITERS, Wide, each, layer_of, unit
from tests.forge.weights import Array, Config, Tensors

ATTENTION = "self_attn."


def _changed(tensors: Mapping[str, Array], made: Mapping[str, NDArray[Any]]) -> Tensors:
    return {name: np.asarray(made.get(name, w), np.float32) for name, w in tensors.items()}


def remixed_values(tensors: Mapping[str, Array], shape: Config, seed: int = 20) -> Tensors:
    """The values of every head in another basis, undone by the matrix behind them."""
    rng = np.random.default_rng(seed)
    made: dict[str, NDArray[Any]] = {}
    for layer in range(shape.layers):
        stem = f"model.layers.{layer}.self_attn."
        values = tensors[f"{stem}v_proj.weight"].reshape(shape.kv_heads, shape.head, -1)
        out = tensors[f"{stem}o_proj.weight"].reshape(
            shape.width, shape.kv_heads, shape.heads // shape.kv_heads, shape.head
        )
        mixes = np.eye(shape.head) + rng.standard_normal((shape.kv_heads, *2 * (shape.head,))) / 5
        turned = np.einsum("hij,hjm->him", mixes, values)
        undone = np.einsum("nhqi,hij->nhqj", out, np.linalg.inv(mixes))
        made[f"{stem}v_proj.weight"] = turned.reshape(shape.keys, shape.width)
        made[f"{stem}o_proj.weight"] = undone.reshape(shape.width, shape.width)
    return _changed(tensors, made)


def reversed_heads(tensors: Mapping[str, Array], shape: Config) -> Tensors:
    """All heads of every layer in reverse order."""
    made: dict[str, NDArray[Any]] = {}
    for layer in range(shape.layers):
        stem = f"model.layers.{layer}.self_attn."
        for part, heads in (("q", shape.heads), ("k", shape.kv_heads), ("v", shape.kv_heads)):
            matrix = tensors[f"{stem}{part}_proj.weight"]
            split = matrix.reshape(heads, shape.head, -1)
            made[f"{stem}{part}_proj.weight"] = split[::-1].reshape(matrix.shape)
        out = tensors[f"{stem}o_proj.weight"]
        split = out.reshape(len(out), shape.heads, shape.head)
        made[f"{stem}o_proj.weight"] = split[:, ::-1].reshape(out.shape)
    return _changed(tensors, made)


def signed_neurons(tensors: Mapping[str, Array], seed: int = 21) -> Tensors:
    """Neurons of every MLP with their sign and size turned round on both sides."""
    rng = np.random.default_rng(seed)
    made: dict[str, NDArray[Any]] = {}
    for name, matrix in tensors.items():
        if name.endswith("up_proj.weight"):
            factors = rng.choice([-1.0, 1.0], len(matrix)) * np.exp(
                rng.standard_normal(len(matrix))
            )
            down = name.replace("up_proj", "down_proj")
            made[name] = matrix * factors[:, None]
            made[down] = tensors[down] / factors
    return _changed(tensors, made)


def kroneckered(tensors: Mapping[str, Array], relative: float = 0.4, seed: int = 22) -> Tensors:
    """A merged adapter whose differences are Kronecker products: of full rank, and of few numbers."""
    rng = np.random.default_rng(seed)

    def change(name: str, values: Array) -> Wide:
        if not name.endswith(("q_proj.weight", "v_proj.weight")):
            return values.astype(np.float64)
        rows, columns = values.shape
        small = rng.standard_normal((8, 8))
        delta = np.kron(small, rng.standard_normal((rows // 8, columns // 8)))
        return np.asarray(
            values + relative * np.linalg.norm(values) * unit(np.asarray(delta, np.float64))
        )

    return each(tensors, change)


def projected(
    tensors: Mapping[str, Array], count: int, *, layers: Sequence[int] | None = None, seed: int = 23
) -> Tensors:
    """Several directions at once taken out of what is written, in some layers or all."""
    rng = np.random.default_rng(seed)
    width = tensors["model.norm.weight"].size
    basis = np.linalg.qr(rng.standard_normal((width, count)))[0]

    def change(name: str, values: Array) -> Wide:
        chosen = layers is None or layer_of(name) in layers
        if not name.endswith(WRITERS) or not chosen:
            return values.astype(np.float64)
        return np.asarray(values - basis @ (basis.T @ values))

    return each(tensors, change)


def narrowed(tensors: Mapping[str, Array], rows: int, seed: int = 24) -> Tensors:
    """One narrow training: every writer's difference has a strong common direction and a rest.

    Matrices of so many rows, the vocabulary's, are left alone.
    """
    rng = np.random.default_rng(seed)
    common = unit(rng.standard_normal(tensors["model.norm.weight"].size))

    def change(name: str, values: Array) -> Wide:
        noise = unit(rng.standard_normal(values.shape))
        if values.ndim < 2:
            return np.asarray(values + 0.02 * np.linalg.norm(values) * noise)
        if values.shape[0] == rows:
            return values.astype(np.float64)
        delta = noise
        if name.endswith(WRITERS):
            few = unit(
                rng.standard_normal((len(values), 3)) @ rng.standard_normal((3, values.shape[1]))
            )
            strong = unit(np.outer(common, rng.standard_normal(values.shape[1])))
            delta = 0.86 * strong + 0.4 * few + 0.3 * noise
        return np.asarray(values + 0.08 * np.linalg.norm(values) * delta)

    return each(tensors, change)


def taken_over(tensors: Mapping[str, Array], other: Mapping[str, Array], part: str) -> Tensors:
    """All tensors whose name holds `part` from another model."""
    return {name: (other if part in name else tensors)[name] for name in tensors}


def masked(tensors: Mapping[str, Array], shape: Config) -> Tensors:
    """One head of every layer cut off."""
    made: dict[str, NDArray[Any]] = {}
    for name, values in tensors.items():
        if name.endswith("o_proj.weight"):
            cut = values.astype(np.float64)
            cut[:, : shape.head] = 0
            made[name] = cut
    return _changed(tensors, made)


def inserted(tensors: Mapping[str, Array], after: int, count: int) -> Tensors:
    """A layer more that does nothing: a copy of the one before it that writes zeros."""
    made: Tensors = {}
    for name, values in tensors.items():
        layer = layer_of(name)
        if layer is None or layer <= after:
            made[name] = values
        if layer is not None and layer > after:
            made[name.replace(f"layers.{layer}.", f"layers.{layer + 1}.")] = values
        if layer == after:
            copied = np.zeros_like(values) if name.endswith(WRITERS) else values
            made[name.replace(f"layers.{layer}.", f"layers.{after + 1}.")] = copied
    if len({layer_of(name) for name in made} - {None}) != count + 1:
        raise ValueError(after)
    return made


def padded(tensors: Mapping[str, Array], more: int = 32) -> Tensors:
    """A wider residual stream, the new channels empty."""
    made: Tensors = {}
    for name, values in tensors.items():
        if values.ndim < 2:
            made[name] = np.concatenate([values, np.ones(more, np.float32)])
        elif name.endswith(WRITERS):
            made[name] = np.concatenate([values, np.zeros((more, values.shape[1]), np.float32)])
        else:
            made[name] = np.concatenate([values, np.zeros((len(values), more), np.float32)], axis=1)
    return made


def renamed(tensors: Mapping[str, Array]) -> Tensors:
    """Every tensor under a name that says nothing."""
    return {f"block_{index:03}_kernel": values for index, values in enumerate(tensors.values())}


def filtered(one: Mapping[str, Array], other: Mapping[str, Array]) -> Tensors:
    """A merge with other proportions for attention and MLP, as common recipes have them."""
    return {
        name: np.asarray(
            (0.3 if ATTENTION in name else 0.7) * one[name]
            + (0.7 if ATTENTION in name else 0.3) * other[name],
            np.float32,
        )
        for name in one
    }
