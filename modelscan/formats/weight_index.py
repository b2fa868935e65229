"""Indexes of sharded weights, `model.safetensors.index.json`: which file each tensor lies in.

Invariants: only the names are taken, as written; whether the files are there, and are what the
index says, is a relator's business, and `repository.shadows` compares the bytes of tensors that
stand in two of them. That the document is JSON is checked by the reader of JSON.

Source: transformers, "Sharded checkpoints": `weight_map` from tensor to file, `metadata.total_size`
in bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.reader import Glimpse
from modelscan.formats.safetensors import names_digest
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, WeightIndex

NAME = re.compile(
    r"(?P<stem>.+)(?P<extension>\.[a-z0-9]+)\.index(?:\.(?P<variant>[\w-]+))?\.json", re.IGNORECASE
)
"""`<stem>.<extension>.index.json`, with a variant such as `fp16` in diffusers' repositories."""
_MAX_BYTES = 16 << 20
"""The largest real index, of a model with 100,000 tensors, has 10 MB."""
_MAX_TENSORS = 160_000
_LONGEST_NUMBER = 40
_MAX_SHARDS = 10_000


class _Metadata(msgspec.Struct):
    total_size: msgspec.Raw = msgspec.Raw(b"null")


class _Document(msgspec.Struct):
    weight_map: dict[str, str]
    metadata: msgspec.Raw = msgspec.Raw(b"null")


class WeightIndexReader:
    """An index by its name, as loaders find it."""

    format = "json"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name; everything in it is decided by its name."""
        return glimpse.extension == ".json" and NAME.fullmatch(glimpse.name) is not None

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the shards.

        Raises:
            ReadError: there is no table from tensors to files.
            BudgetError: it lists more than any model has.
        """
        if artifact.size > _MAX_BYTES:
            raise BudgetError(f"an index of {artifact.size:,} bytes")
        budget.header(artifact.size)
        data = artifact.read_at(0, artifact.size)
        if data.count(b'"') > 4 * _MAX_TENSORS:  # two around each name, two around its shard
            raise BudgetError(f"an index of more than {_MAX_TENSORS:,} tensors")
        try:
            found = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_Document)
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            raise ReadError(f"not an index of weights: {error}") from None
        budget.step(len(found.weight_map))
        shards: dict[str, list[str]] = {}
        for tensor, shard in found.weight_map.items():
            shards.setdefault(shard, []).append(tensor)
        if len(shards) > _MAX_SHARDS:
            raise BudgetError(f"an index of {len(shards):,} shards")
        budget.fact()
        yield WeightIndex(
            location=place(artifact),
            status="declared",
            tensors=len(found.weight_map),
            shards=tuple(sorted(shards)),
            counts=tuple(len(shards[name]) for name in sorted(shards)),
            total_size=_total(found.metadata),
            names=tuple(names_digest(shards[name]) for name in sorted(shards)),
        )


def _total(metadata: msgspec.Raw) -> int | None:
    """The stated size; some writers state it as a whole number with a decimal point."""
    try:
        stated = msgspec.json.decode(metadata, type=_Metadata).total_size
        size = msgspec.json.decode(stated) if len(stated) <= _LONGEST_NUMBER else None
    except msgspec.DecodeError:  # no table
        return None
    if isinstance(size, float) and size.is_integer():
        size = int(size)
    return size if type(size) is int else None
