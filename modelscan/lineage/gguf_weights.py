"""The tensors of a GGUF file, and what its metadata says of the model's shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from modelscan.budget import Budget
from modelscan.formats.gguf.elements import ELEMENTS
from modelscan.formats.gguf.file import Contents, contents
from modelscan.lineage.names import Shape
from modelscan.lineage.prints import Skipped
from modelscan.lineage.stored import PLAIN, Stored
from modelscan.vocabulary.artifact import Artifact

_COMPUTED: Final = frozenset(
    {"q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k"}
)
"""Quantised types whose values `quants` computes; it is not asked, since it imports numpy."""
_TEMPLATE: Final = "tokenizer.chat_template"
_MAX_TEMPLATE: Final = 4 << 20


def header(artifact: Artifact, budget: Budget) -> Contents:
    """The header of a file.

    Raises:
        ReadError: it cannot be followed to its end.
    """
    return contents(artifact, budget)


def tensors(artifact: Artifact, found: Contents) -> Iterator[Stored | Skipped]:
    """All tensors of the file, in the order of its table."""
    for entry in found.tensors:
        element = ELEMENTS[entry.kind]
        dtype = element.name.lower()
        begin = found.data + entry.begin
        size = element.bytes_for(entry.shape[0] if entry.shape else 1, _elements(entry.shape)) or 0
        if dtype not in PLAIN and dtype not in _COMPUTED:
            yield Skipped(entry.name, f"values of type {element.name} are not computed")
        elif begin + size > artifact.size:
            yield Skipped(entry.name, "its bytes are not all in the file")
        elif found.order == "big" and dtype in _COMPUTED:
            yield Skipped(entry.name, "quantised with the high byte first")
        else:
            yield Stored(
                entry.name,
                dtype,
                tuple(reversed(entry.shape)),
                artifact,
                begin,
                element.block,
                element.size,
                big_endian=found.order == "big",
            )


def shape(found: Contents) -> Shape:
    """What the metadata says of heads; numbers that differ from layer to layer are not taken."""
    architecture = found.texts.get("general.architecture", "")
    heads = found.numbers.get(f"{architecture}.attention.head_count", 0)
    return Shape(
        architecture=architecture,
        heads=heads,
        kv_heads=found.numbers.get(f"{architecture}.attention.head_count_kv", heads),
        head_size=found.numbers.get(f"{architecture}.attention.key_length", 0),
    )


def templates(artifact: Artifact, found: Contents) -> Mapping[str, bytes]:
    """The chat templates by name: `default`, or what a key's last part says."""
    texts: dict[str, bytes] = {}
    for document in found.templates:
        if document.name.startswith(_TEMPLATE) and document.length <= _MAX_TEMPLATE:
            name = document.name.removeprefix(_TEMPLATE).removesuffix(".jinja").strip(".")
            texts[name or "default"] = artifact.read_at(document.offset, document.length)
    return texts


def _elements(extents: tuple[int, ...]) -> int:
    product = 1
    for extent in extents:
        product *= extent
    return product
