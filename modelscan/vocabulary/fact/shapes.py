"""Facts about the size of a model: what its configuration states, and what its tensors have."""

from __future__ import annotations

from typing import Literal

from modelscan.vocabulary.fact.base import Fact


class TensorLayout(Fact, frozen=True, kw_only=True, tag="tensor.layout"):
    """The tensors of a file whose names and shapes say how large the model is."""

    rows: tuple[int, ...] = ()
    """Rows of each table of embeddings, sorted."""
    widths: tuple[int, ...] = ()
    """Columns of each table of embeddings, sorted."""
    layers: tuple[str, ...] = ()
    """Every numbered layer, as `model.layers.7`, sorted."""
    packed: bool = False
    """True when there are tensors that only quantised models have."""
    ranks: tuple[int, ...] = ()
    """Ranks of low-rank matrices, sorted."""
    targets: tuple[str, ...] = ()
    """Last names of the modules that low-rank matrices are for, sorted."""
    keys: tuple[int, ...] = ()
    """Rows of the matrices that make the keys of attention, sorted."""
    replaced: tuple[str, ...] = ()
    """Whole tensors in an adapter, which take the place of the base's; at most twenty."""


class ConfigShape(Fact, frozen=True, kw_only=True, tag="config.shape"):
    """What a configuration states about the size of the model."""

    vocabulary: tuple[int, ...] = ()
    """Sizes of vocabularies, of the model and its parts."""
    widths: tuple[int, ...] = ()
    """Sizes of hidden states and embeddings."""
    layers: tuple[int, ...] = ()
    """Numbers of layers."""
    extra: int = 0
    """Layers that predict further tokens, which are not counted among the others."""
    quantised: str = ""
    """The method of quantisation."""
    keys: tuple[int, ...] = ()
    """Rows of the matrices that make the keys of attention: heads for keys, times their size."""
    key_heads: tuple[int, ...] = ()
    """Heads for keys, where the size of one is not stated: rows are a multiple of them."""
    rank: int = 0
    """For an adapter: its rank."""
    targets: tuple[str, ...] = ()
    """For an adapter: the modules that it is for, where they are listed by name."""
    replaces: tuple[str, ...] = ()
    """For an adapter: modules that it brings whole."""


class ConfigCheck(Fact, frozen=True, kw_only=True, tag="config.check"):
    """A configuration held against the weights or the tokenizer. Stated for disagreements only."""

    kind: Literal[
        "vocabulary", "width", "layers", "heads", "quantisation", "rank", "targets",
        "replaced-tensor", "token-beyond-vocabulary",
    ]  # fmt: skip
    """What disagrees."""
    stated: str
    """What the configuration says."""
    found: str
    """What is there."""


class ConfigGeneration(Fact, frozen=True, kw_only=True, tag="config.generation"):
    """A setting of text generation that changes which words the model can write."""

    kind: Literal["biases-words", "bans-words", "suppresses-end", "no-end", "forces-words"]
    """What it does; `no-end` means that no token ends the text."""
    key: str
    """The setting."""
    value: str
    """Its value, abbreviated."""
