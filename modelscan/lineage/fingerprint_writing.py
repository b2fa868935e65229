"""Writes fingerprints; `fingerprint_layout` says what they look like.

Equal fingerprints give equal bytes. No numpy is needed.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from modelscan.errors import SourceError
from modelscan.lineage import fingerprint_layout as layout
from modelscan.lineage.container import Column, container
from modelscan.lineage.fingerprint_layout import (
    ANCHORS,
    COLUMNS,
    DIGEST,
    DOCUMENT,
    SUMS,
    WIDTHS,
    Document,
    Gap,
    Group,
)
from modelscan.lineage.prints import INVARIANTS, SCHEMA, Fingerprint, TensorPrint


def encode(fingerprint: Fingerprint) -> bytes:
    """The bytes of a fingerprint; equal ones for equal fingerprints.

    Raises:
        SourceError: it would be larger than one that is read again.
    """
    count, size = len(fingerprint.tensors), sum(map(_size, fingerprint.tensors.values()))
    if count > layout.MAX_TENSORS or size > layout.LARGEST:
        raise SourceError(
            f"{count:,} tensors are too many for a fingerprint ({size:,} bytes)",
            "compare with the weights themselves: `lineage --base MODEL`",
        )
    groups, prints = _grouped(fingerprint.tensors.values())
    document = Document(
        schema="modelassay-fingerprint/1",
        mode=fingerprint.mode,
        seed=fingerprint.seed,
        k=fingerprint.k,
        architecture=fingerprint.architecture,
        layers=fingerprint.layers,
        groups=tuple(groups),
        tied=fingerprint.tied,
        root=fingerprint.root,
        invariants=tuple(
            (layer, tuple(kind for kind in INVARIANTS if kind in kinds))
            for layer, kinds in sorted(fingerprint.invariants.items())
        ),
        tokenizer=dict(sorted(fingerprint.tokenizer.items())),
        templates=dict(sorted(fingerprint.templates.items())),
        headers=fingerprint.headers,
        source=fingerprint.source,
        skipped=tuple(Gap(gap.name, gap.reason, gap.needed) for gap in fingerprint.skipped),
    )
    invariants = [
        kinds[kind]
        for _, kinds in sorted(fingerprint.invariants.items())
        for kind in INVARIANTS
        if kind in kinds
    ]
    k = fingerprint.k
    sketches = [made.sketch for made in prints if made.sketch]
    columns: list[Column] = [
        _column("sums", (len(prints), SUMS), [_sums(made) for made in prints]),
        _column("sketch", (len(sketches), k, k), sketches),
        _flat("low", [made.low for made in prints]),
        _flat("high", [made.high for made in prints]),
        _column("invariants", (len(invariants), ANCHORS, ANCHORS), invariants),
        _digests("digest", [made.digest for made in prints]),
        _digests("bf16", [made.bf16 for made in prints]),
        _digests("f16", [made.f16 for made in prints]),
        _digests("rows", [digest for made in prints for digest in made.rows]),
        _flat("samples", [made.samples for made in prints]),
    ]
    present = [column for column in columns if any(column.pieces)]
    present.sort(key=lambda column: -WIDTHS[column.dtype])
    return container({"format": SCHEMA, DOCUMENT: msgspec.json.encode(document).decode()}, present)


def _size(made: TensorPrint) -> int:
    """Bytes of what is kept of one tensor, about."""
    parts = (made.sketch, made.samples, made.low, made.high, made.digest, made.bf16, made.f16)
    return sum(map(len, parts)) + layout.DIGEST * len(made.rows)


def _column(name: str, shape: tuple[int, ...], pieces: Sequence[bytes]) -> Column:
    return Column(name, COLUMNS[name], shape, pieces)


def _flat(name: str, pieces: Sequence[bytes]) -> Column:
    length = sum(map(len, pieces)) // WIDTHS[COLUMNS[name]]
    return _column(name, (length,), pieces)


def _digests(name: str, digests: Sequence[bytes]) -> Column:
    present = [digest or bytes(DIGEST) for digest in digests] if any(digests) else []
    return _column(name, (len(present), DIGEST), present)


def _sums(made: TensorPrint) -> bytes:
    return _pack(
        "d", (made.sum_squares, made.mean, float(made.zeros), float(made.nonfinite), made.noise)
    )


def _grouped(prints: Iterable[TensorPrint]) -> tuple[list[Group], list[TensorPrint]]:
    """Groups, and the tensors in the order of the groups."""
    groups: dict[Group, list[TensorPrint]] = {}
    for made in prints:
        single = made.layer is None
        group = Group(
            name=made.name if single else layout.pattern(made.name, made.layer),
            stored=_stored(made),
            role=made.role,
            layers=None if single else (),
            shape=made.shape,
            dtype=made.dtype,
            members=made.members,
            sample_dtype=made.sample_dtype,  # type: ignore[arg-type]  # checked when it is read
            samples=made.sampled,
            bounds=bool(made.low),
            sketch=bool(made.sketch),
            rows=len(made.rows),
        )
        groups.setdefault(group, []).append(made)
    found, order = [], []
    for group, members in sorted(groups.items(), key=lambda item: _key(item[0])):
        members.sort(key=lambda made: made.layer or 0)
        order += members
        if group.layers is None:
            found.append(group)
        else:
            layers = tuple(made.layer or 0 for made in members)
            found.append(msgspec.structs.replace(group, layers=layers))
    return found, order


def _stored(made: TensorPrint) -> str:
    """The stored name's pattern; nothing where it is the canonical name."""
    return "" if made.stored == made.name else layout.pattern(made.stored, made.layer)


def _key(group: Group) -> tuple[Any, ...]:
    layers = group.layers is None
    return group.name, group.stored, layers, group.dtype, group.shape, group.samples, group.sketch


def _pack(code: str, values: Sequence[float]) -> bytes:
    numbers = array(code, values)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def digest(data: bytes) -> str:
    """The digest by which a manifest names a fingerprint."""
    return "sha256:" + hashlib.sha256(data).hexdigest()
