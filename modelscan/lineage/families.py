"""Which files of a model hold its weights, and which of them belong together.

A repository often holds the same weights several times: safetensors beside a torch checkpoint, one
GGUF file for each quantisation. A family is one set of files that makes up a whole model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from modelscan.vocabulary.snapshot import SourceFile

Kind = Literal["safetensors", "gguf", "torch", "numpy"]

_KINDS: Final[dict[str, Kind]] = {
    ".safetensors": "safetensors", ".gguf": "gguf", ".bin": "torch", ".pt": "torch",
    ".pth": "torch", ".ckpt": "torch", ".npz": "numpy", ".npy": "numpy",
}  # fmt: skip
_ORDER: Final[tuple[Kind, ...]] = ("safetensors", "gguf", "torch", "numpy")
_SHARD: Final = re.compile(r"(?P<stem>.+?)-(?P<number>\d{3,6})-of-(?P<count>\d{3,6})")
_PARALLEL: Final = re.compile(r"(?P<stem>consolidated)\.\d{1,3}")
"""Meta's own files: each holds a part of every matrix."""
_NOT_WEIGHTS: Final = re.compile(
    r"(?:training_args|optimizer|scheduler|rng_state\w*|scaler|trainer_state)\.\w+", re.IGNORECASE
)
_VARIANT: Final = re.compile(r"\.(?:fp16|bf16|fp32|non_ema|int8|fp8)$", re.IGNORECASE)


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """Files that make up one set of weights."""

    kind: Kind
    name: str
    """Path without the number of the shard and without extension."""
    files: tuple[str, ...]
    """Paths, sorted."""
    missing: tuple[str, ...] = ()
    """Shards that the numbering asks for and that are not there."""
    size: int = 0
    """Bytes of all files."""


def families(files: Iterable[SourceFile]) -> list[Family]:
    """All families, the one that a loader would most likely take first."""
    groups: dict[tuple[Kind, str], list[tuple[SourceFile, int, int]]] = {}
    for file in files:
        folder, _, base = file.name.rpartition("/")
        stem, dot, extension = base.rpartition(".")
        kind = _KINDS.get(f".{extension.lower()}") if dot else None
        if kind is None or _NOT_WEIGHTS.fullmatch(base):
            continue
        shard = _SHARD.fullmatch(stem)
        number, count = (int(shard["number"]), int(shard["count"])) if shard else (0, 0)
        split = shard or _PARALLEL.fullmatch(stem)
        name = split["stem"] if split else stem
        path = f"{folder}/{name}" if folder else name
        groups.setdefault((kind, path), []).append((file, number, count))
    found = [_family(kind, name, members) for (kind, name), members in groups.items()]
    return sorted(found, key=_preference)


def _family(kind: Kind, name: str, members: Sequence[tuple[SourceFile, int, int]]) -> Family:
    counts = {count for _, _, count in members}
    there = {number for _, number, _ in members}
    missing: tuple[str, ...] = ()
    if counts != {0}:
        # numbers run from 1, of a few writers from 0
        wanted = range(max(counts)) if 0 in there else range(1, max(counts) + 1)
        absent = [number for number in wanted if number not in there]
        missing = tuple(f"{name}: shard {number} of {max(counts)}" for number in absent[:100])
    return Family(
        kind=kind,
        name=name,
        files=tuple(sorted(file.name for file, _, _ in members)),
        missing=missing,
        size=sum(file.size for file, _, _ in members),
    )


def _preference(family: Family) -> tuple[int, int, bool, bool, int, str]:
    base = family.name.rpartition("/")[2]
    return (
        family.name.count("/"),
        _ORDER.index(family.kind),
        base.startswith(("consolidated", "adapter_model")),  # the second copy, or no whole model
        _VARIANT.search(base) is not None,
        -family.size,
        family.name,
    )
