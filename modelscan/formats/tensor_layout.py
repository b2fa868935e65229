"""Names and shapes of tensors that say how large a model is: embeddings, layers, low-rank parts.

Source: the names that transformers and PEFT give to the parameters of their models.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
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
_TELLING_PARTS: Final = (
    ("m", "embed"), ("t", "wte."), ("d", "shared."), ("q", ".q"), ("k", "_packed"), ("S", ".SCB"),
    ("x", ".absmax"), ("v", "_inv"), ("k", "k_proj."), ("k", "key_proj."),
)  # fmt: skip
"""One of these is in each of them; the letter, which is looked for much faster, mostly is in no
name."""
_BETWEEN: Final = "\0"
"""What separates names, where all of them are searched at once."""
_STEMS: Final = 8
"""Kinds of layers that are looked for at once: real models have few, such as `encoder.layer.`."""
_TOGETHER: Final = 20_000
"""Names that are searched at once, which takes memory: more of them are looked at one by one."""
_MOST: Final = 4_096
_KEPT: Final = 64 << 10
"""Characters of names for which is kept what layers they are of."""
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
    # Most files hold neither adapters nor embeddings: a search through all names tells.
    text = _BETWEEN.join(names)
    adapter = _LOW_RANK_MARK in text
    layers = () if adapter else (_last if len(text) <= _KEPT else _sorted)(tuple(names))
    if not adapter and not _tells(text):
        if layers:
            yield TensorLayout(location=where, layers=layers)
        return
    found = _Found()
    found.look(names, shape_of)
    if found.any() or layers:
        yield TensorLayout(
            location=where,
            rows=tuple(sorted(shape[0] for shape in found.embeddings)),
            widths=tuple(sorted(shape[1] for shape in found.embeddings)),
            layers=layers,
            packed=found.packed,
            ranks=tuple(sorted(found.ranks)[:_FEW]),
            targets=tuple(sorted(found.targets)[:_FEW]),
            keys=tuple(sorted(found.keys)[:_FEW]),
            replaced=tuple(name[:_NAMES] for name in sorted(found.replaced)[:_FEW]),
        )


def _tells(text: str) -> bool:
    """False when none of the names in a text is one of `_TELLING`."""
    for letter, part in _TELLING_PARTS:  # noqa: SIM110  # a generator costs more than it does
        if letter in text and text.rfind(part) >= 0:  # quicker than `in`
            return True
    return False


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


def _sorted(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(_layers(names)))


_last = lru_cache(maxsize=32)(_sorted)
"""The same: the files of a folder are mostly of few architectures."""


def _layers(names: Collection[str]) -> set[str]:
    """The layers that tensors are in: few kinds of them, with many numbers and more tensors."""
    layers: set[str] = set()
    rest = list(names)
    for _ in range(_STEMS if len(rest) <= _TOGETHER else 0):
        stem = next((found[2] for name in rest if (found := _LAYER.match(name[:_NAMES]))), None)
        if stem is None:
            return layers
        text = _BETWEEN + _BETWEEN.join(rest)
        numbers = _numbered(stem).findall(text)
        if len(numbers) != text.count(_BETWEEN + stem) or text.count(_BETWEEN) != len(rest):
            break  # names as nobody gives them
        layers.update([stem + number for number in set(numbers)])
        if len(layers) > _MOST:
            break
        if len(numbers) == len(rest):
            return layers
        rest = [name for name in rest if not name.startswith(stem)]
    for name in rest:
        found = _LAYER.match(name[:_NAMES])
        if found is not None and len(layers) < _MOST:
            layers.add(found[1])
    return layers


@lru_cache(maxsize=64)
def _numbered(stem: str) -> re.Pattern[str]:
    """The number that follows a stem, at the beginning of a name."""
    return re.compile(rf"{_BETWEEN}{re.escape(stem)}(\d{{1,20}})\.")


def _shape(shape: Any) -> list[int]:
    return shape if isinstance(shape, list) and all(type(one) is int for one in shape) else []
