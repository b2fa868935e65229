"""The configuration against the weights and the tokenizer: do they speak of the same model?

Invariants: names of settings and tensors vary, so a disagreement is stated only where none of the
stated numbers fits any of those found; where a file of the weights is not here or was not read,
nothing is said about what all of them hold together.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from modelscan.formats import adapter_config
from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import (
    ConfigCheck,
    ConfigShape,
    Fact,
    TensorHeader,
    TensorLayout,
    Tokenizer,
    WeightIndex,
)

_CONFIG: Final = "config.json"
_SHOWN: Final = 5


class ShapeRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State every number that nothing in the weights agrees with."""
        if not view.folder:
            return
        layouts = [one for one in facts.of(TensorLayout) if one.location.member is None]
        for config in facts.of(ConfigShape):
            folder, name = posixpath.split(config.location.file)
            beside = [one for one in layouts if posixpath.dirname(one.location.file) == folder]
            if name == adapter_config.NAME:
                yield from _adapter(config, [one for one in beside if one.ranks])
            elif name == _CONFIG:
                whole = [one for one in beside if not one.ranks]
                yield from _model(config, whole, complete=_complete(view, facts, folder))
                yield from _tokens(config, facts, folder)


def _complete(view: RepositoryView, facts: Facts, folder: str) -> bool:
    """True when every safetensors file of the folder, and every shard of an index, was read."""
    read = {header.location.file for header in facts.of(TensorHeader)}
    weights = {
        name
        for name in view.names
        if name.endswith(".safetensors") and posixpath.dirname(name) == folder
    }
    weights |= {
        posixpath.join(folder, shard)
        for index in facts.of(WeightIndex)
        if posixpath.dirname(index.location.file) == folder
        for shard in index.shards
    }
    return bool(weights) and weights <= read


def _model(
    config: ConfigShape, layouts: list[TensorLayout], *, complete: bool
) -> Iterator[ConfigCheck]:
    rows = {number for one in layouts for number in one.rows}
    widths = {number for one in layouts for number in one.widths}
    packed = any(one.packed for one in layouts)
    if rows and config.vocabulary and not packed and rows.isdisjoint(config.vocabulary):
        yield _check(config, "vocabulary", config.vocabulary, sorted(rows))
    if widths and config.widths and not packed and widths.isdisjoint(config.widths):
        yield _check(config, "width", config.widths, sorted(widths))
    if complete and config.layers:
        counts = _counted(layouts)
        allowed = {number + extra for number in config.layers for extra in (0, config.extra)}
        if counts and allowed.isdisjoint(counts):
            yield _check(config, "layers", config.layers, sorted(counts))
    rows = {number for one in layouts for number in one.keys}
    fit = rows.intersection(config.keys) or any(
        number % heads == 0 for number in rows for heads in config.key_heads
    )
    if rows and (config.keys or config.key_heads) and not packed and not fit:
        stated = [*config.keys, *(f"a multiple of {heads}" for heads in config.key_heads)]
        yield _check(config, "heads", stated, sorted(rows))
    if packed and not config.quantised:
        yield _check(config, "quantisation", ["none"], ["quantised tensors"])


def _counted(layouts: list[TensorLayout]) -> set[int]:
    """How many layers each stack of layers has."""
    every = {layer for one in layouts for layer in one.layers}
    return set(Counter(layer.rpartition(".")[0] for layer in every).values())


def _adapter(config: ConfigShape, layouts: list[TensorLayout]) -> Iterator[ConfigCheck]:
    ranks = {rank for one in layouts for rank in one.ranks}
    if config.rank and ranks and ranks != {config.rank}:
        yield _check(config, "rank", [config.rank], sorted(ranks))
    targets = {target for one in layouts for target in one.targets}
    stated = {name.rpartition(".")[2] for name in config.targets}
    if stated and targets - stated:
        yield _check(config, "targets", sorted(stated), sorted(targets - stated))
    replaced = [
        name
        for one in layouts
        for name in one.replaced
        if not any(f".{module}." in f".{name}" for module in config.replaces)
    ]
    if replaced:
        yield _check(config, "replaced-tensor", config.replaces or ["none"], replaced)


def _tokens(config: ConfigShape, facts: Facts, folder: str) -> Iterator[ConfigCheck]:
    """Tokens whose numbers the embedding has no row for."""
    for tokenizer in facts.of(Tokenizer):
        where = tokenizer.location
        beside = where.member is None and posixpath.dirname(where.file) == folder
        if beside and config.vocabulary and tokenizer.largest >= max(config.vocabulary):
            yield _check(
                config,
                "token-beyond-vocabulary",
                config.vocabulary,
                [f"{tokenizer.largest} in {where.file}"],
            )


def _check(config: ConfigShape, kind: Any, stated: Any, found: Any) -> ConfigCheck:
    return ConfigCheck(
        location=config.location, kind=kind, stated=_listed(stated), found=_listed(found)
    )


def _listed(values: Any) -> str:
    shown = [str(value)[:200] for value in values]
    rest = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + rest
