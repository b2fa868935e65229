"""Opens the weights of a model, wherever its files are.

The files come from a snapshot: local, from a hub's cache, or by ranges from afar. They stay open as
long as the weights are used, and nothing but the bytes that are asked for is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import msgspec

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError, SourceError
from modelscan.formats import zip_records
from modelscan.lineage import gguf_weights, numpy_weights, safetensors_weights, torch_weights
from modelscan.lineage.families import Family, families
from modelscan.lineage.names import Dialect, Shape, canonical, dialect_of
from modelscan.lineage.prints import Skipped
from modelscan.lineage.stored import Stored
from modelscan.lineage.weights import Weights
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.snapshot import OpenArtifact, SourceFile

_MAX_CONFIG: Final = 4 << 20
_MAX_TENSORS: Final = 200_000
"""Tensors over all files; the largest mixtures of experts have about 100,000."""
_NESTED: Final = ("text_config", "llm_config", "language_config", "decoder")
"""Where configurations of models for more than text keep that of the text model."""
_HEADS: Final = ("num_attention_heads", "n_head", "n_heads", "num_heads")
_KV_HEADS: Final = ("num_key_value_heads", "num_kv_heads", "n_kv_heads", "n_head_kv")


@contextmanager
def open_weights(
    files: Sequence[SourceFile], family: Family | None = None, limits: Limits | None = None
) -> Iterator[Weights]:
    """The weights of a model, for as long as the context lasts.

    Args:
        files: all files of the model, as a snapshot lists them.
        family: which set of weights; the first of `families(files)` when not given.
        limits: what reading the headers may cost, for each file.

    Raises:
        SourceError: the model has no weights that can be read, or a file changed since it was
            first opened: what was hashed then is not what would be compared.
    """
    chosen = family or next(iter(families(files)), None)
    if chosen is None:
        raise SourceError(
            "no weights found: no safetensors, GGUF, torch or NumPy file",
            "name a folder or file that holds them",
        )
    with ExitStack() as stack:
        held: list[OpenArtifact] = []
        yield _opened(stack, held, files, chosen, limits)
        for artifact in held:
            if artifact.changed():
                raise SourceError(
                    f"{artifact.name} changed while its weights were read",
                    "try again when nothing writes to it",
                )


def _opened(
    stack: ExitStack,
    held: list[OpenArtifact],
    files: Sequence[SourceFile],
    family: Family,
    limits: Limits | None,
) -> Weights:
    by_name = {file.name: file for file in files}
    stored: list[Stored] = []
    skipped = [Skipped(name, "is missing") for name in family.missing]
    shape: Shape | None = None
    for name in family.files:
        try:
            artifact = stack.enter_context(by_name[name].open())
            held.append(artifact)
            budget = Budget(limits)
            if family.kind == "gguf":
                header = gguf_weights.header(artifact, budget)
                shape = shape or gguf_weights.shape(header)
                found = gguf_weights.tensors(artifact, header)
            else:
                found = _tensors(family.kind, artifact, budget)
            for item in found:
                if len(stored) + len(skipped) >= _MAX_TENSORS:
                    raise BudgetError(f"more than {_MAX_TENSORS:,} tensors")
                if isinstance(item, Stored):
                    stored.append(item)
                else:
                    skipped.append(item)
        except ReadError as error:
            skipped.append(Skipped(name, error.message))
    dialect: Dialect = "gguf"
    if shape is None:
        dialect = dialect_of(tensor.name for tensor in stored)
        shape = _shape(by_name, family, dialect)
    weights = canonical(stored, shape, dialect, skipped)
    if not weights.tensors:  # nothing compared with anything would be equal to it
        reason = weights.skipped[0].reason if weights.skipped else "no tensors in it"
        raise SourceError(f"{family.files[0]}: no weights could be read: {reason}")
    return msgspec.structs.replace(weights, family=family, beside=tuple(files))


def _tensors(kind: str, artifact: Artifact, budget: Budget) -> Iterator[Stored | Skipped]:
    if kind == "safetensors":
        return safetensors_weights.tensors(artifact, budget)
    zipped = artifact.read_at(0, len(zip_records.LOCAL_MARK)) == zip_records.LOCAL_MARK
    if kind == "torch":
        reader = torch_weights.zipped if zipped else torch_weights.legacy
        return reader(artifact, budget)
    if zipped:
        return numpy_weights.archive(artifact, budget)
    return iter([numpy_weights.array(artifact)])


def _shape(files: Mapping[str, SourceFile], family: Family, dialect: Dialect) -> Shape:
    """What the configuration beside the weights says."""
    folder = family.name.rpartition("/")[0]
    for name in ("params.json", "config.json") if dialect == "meta" else ("config.json",):
        file = files.get(f"{folder}/{name}" if folder else name)
        document = read_json(file) if file else None
        if isinstance(document, dict):
            return shape_of(document)
    return Shape()


def read_json(file: SourceFile, limit: int = _MAX_CONFIG) -> Any:
    """A small JSON document; `None` when it cannot be read or is none."""
    if file.size > limit:
        return None
    try:
        with file.open() as artifact:
            return msgspec.json.decode(artifact.read_at(0, limit))
    except (ReadError, ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None


def shape_of(document: Mapping[str, Any]) -> Shape:
    """What a `config.json`, or Meta's `params.json`, says of heads."""
    inner: Mapping[str, Any] = document
    for key in _NESTED:
        nested = document.get(key)
        if isinstance(nested, dict) and _first(nested, _HEADS):
            inner = nested
            break
    architecture = inner.get("model_type") or document.get("model_type")
    heads = _first(inner, _HEADS)
    kv_heads = _first(inner, _KV_HEADS)
    if not kv_heads and inner.get("multi_query") is True:
        kv_heads = 1
    return Shape(
        architecture=architecture[:100] if isinstance(architecture, str) else "",
        heads=heads,
        kv_heads=kv_heads or heads,
        head_size=_first(inner, ("head_dim",)),
    )


def _first(document: Mapping[str, Any], keys: Sequence[str]) -> int:
    for key in keys:
        value = document.get(key)
        if type(value) is int and 0 < value < 1 << 20:
            return value
    return 0
