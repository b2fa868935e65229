"""Names and shapes of tensors that say how large a model is: embeddings, layers, low-rank parts.

Source: the names that transformers and PEFT give to the parameters of their models.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Final

from modelscan.vocabulary.fact import TensorLayout
from modelscan.vocabulary.location import Location

_EMBEDDINGS: Final = (
    "embed_tokens.weight", "wte.weight", "word_embeddings.weight", "tok_embeddings.weight",
    "shared.weight", "embed_in.weight",
)  # fmt: skip
_LAYER: Final = re.compile(r"((.*?\b(?:layers?|h|blocks?)\.)\d+)\.")
"""The layer, and what comes before its number."""
_LOW_RANK: Final = re.compile(
    r"(?:.*\.)?([\w-]+)\.lora_(?:A|embedding_A)\b(?:\.[\w-]+)?\.?(?:weight)?$"
)
_LOW_RANK_MARK: Final = "lora_"
_FIRST_PART: Final = "_A"
"""Of the two factors of a low-rank update, the one with as many rows as the rank."""
_PACKED: Final = (".qweight", ".qzeros", ".weight_packed", ".SCB", ".absmax", ".weight_scale_inv")
_ADAPTED: Final = ("lora_", ".ia3_", "vera_lambda_", "hada_", "lokr_", "oft_", "prompt_embeddings")
_KEYS: Final = (".k_proj.weight", ".key_proj.weight")
_TELLING: Final = (*_EMBEDDINGS, *_PACKED, *_KEYS)
_BETWEEN: Final = "\0"
"""What separates names, where all of them are searched at once."""
_ENDINGS: Final = tuple(ending + _BETWEEN for ending in _TELLING)
_MOST: Final = 4_096
_FEW: Final = 20
_NAMES: Final = 512


def layout(
    names: Collection[str], shape_of: Callable[[str], Any], where: Location
) -> Iterator[TensorLayout]:
    """What a sound table of tensors says about the size of the model; nothing when nothing.

    Args:
        names: of the tensors.
        shape_of: what the table states as the shape of one, whatever that is.
        where: the file.
    """
    # Most files hold neither adapters nor embeddings: one search through all names tells.
    text = _BETWEEN.join(names) + _BETWEEN
    found = _Found()
    adapter = _LOW_RANK_MARK in text
    if adapter or max([text.rfind(ending) for ending in _ENDINGS]) >= 0:  # quicker than `in`
        found.look(names, shape_of)
    layers = set() if adapter else _layers(names)
    if found.any() or layers:
        yield TensorLayout(
            location=where,
            rows=tuple(sorted(shape[0] for shape in found.embeddings)),
            widths=tuple(sorted(shape[1] for shape in found.embeddings)),
            layers=tuple(sorted(layers)),
            packed=found.packed,
            ranks=tuple(sorted(found.ranks)[:_FEW]),
            targets=tuple(sorted(found.targets)[:_FEW]),
            keys=tuple(sorted(found.keys)[:_FEW]),
            replaced=tuple(name[:_NAMES] for name in sorted(found.replaced)[:_FEW]),
        )


class _Found:
    """What the names of a file have been found to say."""

    def __init__(self) -> None:
        self.embeddings: list[list[int]] = []
        self.ranks: set[int] = set()
        self.keys: set[int] = set()
        self.targets: set[str] = set()
        self.replaced: list[str] = []
        self.packed = False

    def any(self) -> bool:
        """True when they say something."""
        return bool(self.embeddings or self.ranks or self.packed or self.replaced or self.keys)

    def look(self, names: Collection[str], shape_of: Callable[[str], Any]) -> None:
        """Look at each name."""
        others: list[str] = []
        for name in names:
            if _LOW_RANK_MARK in name:
                low = _LOW_RANK.fullmatch(name[-_NAMES:]) if _FIRST_PART in name else None
                shape = _shape(shape_of(name)) if low is not None else []
                if low is not None and len(shape) > 1:
                    self.ranks.add(shape[0])
                    self.targets.add(low[1])
                continue
            others.append(name)
            if not name.endswith(_TELLING):
                continue
            if name.endswith(_PACKED):
                self.packed = True
            elif name.endswith(_KEYS):
                self.keys.update(_shape(shape_of(name))[:1])
            elif len(shape := _shape(shape_of(name))) == 2:  # noqa: PLR2004  # a table
                self.embeddings.append(shape)
        if len(others) < len(names):  # an adapter
            self.replaced = [one for one in others if not any(mark in one for mark in _ADAPTED)]


def _layers(names: Iterable[str]) -> set[str]:
    """The layers that tensors are in. The tensors of one follow each other, as a rule."""
    layers: set[str] = set()
    inside = stem = "\0"  # no name begins like that
    for name in names:
        if name.startswith(inside) or len(layers) >= _MOST:
            continue
        if name.startswith(stem):  # the next layer of a kind that has been seen: a number follows
            end = name.find(".", len(stem), _NAMES)
            if name[len(stem) : end].isdecimal() and end > 0:
                layers.add(name[:end])
                inside = name[: end + 1]
                continue
        found = _LAYER.match(name[:_NAMES])
        if found is not None:
            layers.add(found[1])
            inside, stem = found[0], found[2]
    return layers


def _shape(shape: Any) -> list[int]:
    return shape if isinstance(shape, list) and all(type(one) is int for one in shape) else []
