"""Names and shapes of tensors that say how large a model is: embeddings, layers, low-rank parts.

Source: the names that transformers and PEFT give to the parameters of their models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
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
_FIRST_PART: Final = "_A"
"""Of the two factors of a low-rank update, the one with as many rows as the rank."""
_PACKED: Final = (".qweight", ".qzeros", ".weight_packed", ".SCB", ".absmax", ".weight_scale_inv")
_ADAPTED: Final = ("lora_", ".ia3_", "vera_lambda_", "hada_", "lokr_", "oft_", "prompt_embeddings")
_KEYS: Final = (".k_proj.weight", ".key_proj.weight")
_TELLING: Final = (*_EMBEDDINGS, *_PACKED, *_KEYS)
_MOST: Final = 4_096
_FEW: Final = 20
_NAMES: Final = 512


def layout(header: Mapping[str, Any], where: Location) -> Iterator[TensorLayout]:
    """What a sound table of tensors says about the size of the model; nothing when nothing.

    Args:
        header: tensors by name, each with its `shape`.
        where: the file.
    """
    embeddings: list[list[int]] = []
    ranks: set[int] = set()
    keys: set[int] = set()
    targets: set[str] = set()
    others: list[str] = []
    packed = False
    for name, info in header.items():
        if "lora_" in name:
            low = _LOW_RANK.fullmatch(name[-_NAMES:]) if _FIRST_PART in name else None
            shape = _shape(info) if low is not None else []
            if low is not None and len(shape) > 1:
                ranks.add(shape[0])
                targets.add(low[1])
            continue
        others.append(name)
        if not name.endswith(_TELLING):
            continue
        if name.endswith(_PACKED):
            packed = True
        elif name.endswith(_KEYS):
            keys.update(_shape(info)[:1])
        elif len(shape := _shape(info)) == 2:  # noqa: PLR2004  # a table
            embeddings.append(shape)
    adapter = len(others) < len(header)
    layers = set() if adapter else _layers(header)
    replaced: list[str] = []
    if adapter:
        replaced = [name for name in others if not any(mark in name for mark in _ADAPTED)]
    if embeddings or layers or ranks or packed or replaced or keys:
        yield TensorLayout(
            location=where,
            rows=tuple(sorted(shape[0] for shape in embeddings)),
            widths=tuple(sorted(shape[1] for shape in embeddings)),
            layers=tuple(sorted(layers)),
            packed=packed,
            ranks=tuple(sorted(ranks)[:_FEW]),
            targets=tuple(sorted(targets)[:_FEW]),
            keys=tuple(sorted(keys)[:_FEW]),
            replaced=tuple(name[:_NAMES] for name in sorted(replaced)[:_FEW]),
        )


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


def _shape(info: Any) -> list[int]:
    shape = info.get("shape") if isinstance(info, dict) else None
    return shape if isinstance(shape, list) and all(type(one) is int for one in shape) else []
