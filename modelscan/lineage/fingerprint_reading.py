"""Reads fingerprints; `fingerprint_layout` says what they look like.

Strictly: a file with a field, a column or a byte too many or too few, of an impossible size, with a
number that is not finite, or whose root is not that of its digests, is refused. No numpy is needed.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Mapping, Sequence

import msgspec

from modelscan.budget import Budget, Limits
from modelscan.errors import ReadError
from modelscan.formats import safetensors
from modelscan.lineage import fingerprint_layout as layout
from modelscan.lineage.fingerprint_layout import (
    ANCHORS,
    COLUMNS,
    DIGEST,
    DOCUMENT,
    LARGEST,
    MAX_TENSORS,
    SUMS,
    WIDTHS,
    Document,
    Group,
)
from modelscan.lineage.prints import (
    INVARIANTS,
    ROW_BLOCK,
    SAMPLE_WIDTHS,
    Fingerprint,
    Skipped,
    TensorPrint,
)
from modelscan.lineage.root import model_root
from modelscan.vocabulary.artifact import Artifact, BytesArtifact


def decode(data: bytes, name: str = "fingerprint") -> Fingerprint:
    """Read a fingerprint.

    Raises:
        ReadError: it is none, or not whole, or contradicts itself.
    """
    return read(BytesArtifact(name, data))


def read(artifact: Artifact) -> Fingerprint:
    """Read a fingerprint from a file.

    Raises:
        ReadError: it is none, or not whole, or contradicts itself.
    """
    if artifact.size > LARGEST:
        raise ReadError(f"{artifact.size:,} bytes are too many for a fingerprint")
    held = BytesArtifact(artifact.name, artifact.read_at(0, artifact.size))
    limits = Limits(header_bytes=LARGEST)
    text = safetensors.metadata(held, Budget(limits)).get(DOCUMENT)
    if text is None:
        raise ReadError("not a fingerprint: no description in its header")
    try:
        document = msgspec.json.decode(text, type=Document)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise ReadError(f"not a fingerprint: {error}") from None
    return _Reading(held, document, Budget(limits)).result()


class _Reading:
    """Takes the columns apart."""

    def __init__(self, artifact: Artifact, document: Document, budget: Budget) -> None:
        self._document = document
        self._count = sum(_members(group) for group in document.groups)
        if self._count > MAX_TENSORS:
            raise ReadError(f"{self._count:,} tensors")
        self._columns = self._read(artifact, budget)
        self._at = dict.fromkeys(COLUMNS, 0)

    @staticmethod
    def _read(artifact: Artifact, budget: Budget) -> dict[str, bytes]:
        """The bytes of each column, which together are all of the file."""
        found: dict[str, bytes] = {}
        reached = None
        for entry in safetensors.listed(artifact, budget):
            if isinstance(entry, safetensors.Unlisted):
                raise ReadError(f"column {entry.name[:40]}: {entry.reason}")
            width = WIDTHS.get(entry.dtype, 0)
            if COLUMNS.get(entry.name) != entry.dtype:
                raise ReadError(f"a column that fingerprints do not have: {entry.name[:40]}")
            if math.prod(entry.shape) * width != entry.length or not entry.length:
                raise ReadError(f"column {entry.name}: its bytes do not fit its shape")
            if reached is not None and entry.offset != reached:
                raise ReadError(f"column {entry.name}: not where the one before it ends")
            reached = entry.offset + entry.length
            found[entry.name] = artifact.read_at(entry.offset, entry.length)
        if reached is not None and reached != artifact.size:
            raise ReadError("bytes behind the last column")
        return found

    def result(self) -> Fingerprint:
        document = self._document
        prints: dict[str, TensorPrint] = {}
        for group in document.groups:
            for layer in (None,) if group.layers is None else group.layers:
                made = self._print(group, layer)
                if made.name in prints:
                    raise ReadError(f"{made.name} stands twice in the fingerprint")
                prints[made.name] = made
        invariants = self._invariants()
        self._check_used()
        tensors = dict(sorted(prints.items()))
        if document.mode == "full":
            digests = {name: made.digest for name, made in tensors.items()}
            if not all(digests.values()) or model_root(digests, document.tied) != document.root:
                raise ReadError("the root is not that of the digests")
        return Fingerprint(
            schema=document.schema,
            mode=document.mode,
            seed=document.seed,
            k=document.k,
            architecture=document.architecture,
            layers=document.layers,
            tensors=tensors,
            tied=document.tied,
            root=document.root,
            invariants=invariants,
            tokenizer=document.tokenizer,
            templates=document.templates,
            headers=document.headers,
            source=document.source,
            skipped=tuple(Skipped(gap.name, gap.reason, gap.needed) for gap in document.skipped),
        )

    def _print(self, group: Group, layer: int | None) -> TensorPrint:
        k = self._document.k
        size = math.prod(group.shape)
        if group.rows and group.rows != -(-group.shape[0] // ROW_BLOCK):
            raise ReadError(f"{group.name}: digests of rows that it does not have")
        if group.samples > size:
            raise ReadError(f"{group.name}: more samples than values")
        sums = _unpack("d", self._take("sums", SUMS * 8))
        if len(sums) == SUMS:
            squares, mean, zeros, nonfinite, noise = sums
        else:
            squares = mean = zeros = nonfinite = noise = 0.0
        if not (_is_part(zeros, size) and _is_part(nonfinite, size) and squares >= 0 <= noise):
            raise ReadError(f"{group.name}: sums that no tensor has")
        sketch = self._take("sketch", 4 * k * k) if group.sketch else b""
        if group.sketch and not (k and sketch):
            raise ReadError(f"{group.name}: no sketch where there should be one")
        _unpack("f", sketch)
        bounds = 4 * group.samples if group.bounds else 0
        return TensorPrint(
            name=layout.filled(group.name, layer),
            stored=layout.filled(group.stored or group.name, layer),
            role=group.role,
            layer=layer,
            shape=group.shape,
            dtype=group.dtype,
            members=group.members,
            digest=self._digest("digest"),
            bf16=self._digest("bf16"),
            f16=self._digest("f16"),
            rows=tuple(self._take("rows", DIGEST) for _ in range(group.rows)),
            sketch=sketch,
            samples=self._take("samples", group.samples * SAMPLE_WIDTHS[group.sample_dtype]),
            sample_dtype=group.sample_dtype,
            low=self._take("low", bounds),
            high=self._take("high", bounds),
            sum_squares=squares,
            mean=mean,
            zeros=int(zeros),
            nonfinite=int(nonfinite),
            noise=noise,
        )

    def _invariants(self) -> dict[int, Mapping[str, bytes]]:
        found: dict[int, Mapping[str, bytes]] = {}
        for layer, kinds in self._document.invariants:
            if layer in found or list(kinds) != [kind for kind in INVARIANTS if kind in kinds]:
                raise ReadError("invariants that contradict each other")
            length = 2 * ANCHORS * ANCHORS
            found[layer] = {kind: self._take("invariants", length) for kind in kinds}
            if not all(found[layer].values()):
                raise ReadError("column invariants is too short")
        return found

    def _digest(self, name: str) -> bytes:
        """The next digest; empty for zeros, and where there is no such column."""
        digest = self._take(name, DIGEST)
        return digest if any(digest) else b""

    def _take(self, name: str, length: int) -> bytes:
        """The next bytes of a column; none when there is no such column at all."""
        column = self._columns.get(name)
        if column is None or not length:
            return b""
        at = self._at[name]
        if at + length > len(column):
            raise ReadError(f"column {name} is too short")
        self._at[name] = at + length
        return column[at : at + length]

    def _check_used(self) -> None:
        for name, column in self._columns.items():
            if self._at[name] != len(column):
                raise ReadError(f"column {name} is too long")


def _members(group: Group) -> int:
    return 1 if group.layers is None else len(group.layers)


def _is_part(count: float, size: int) -> bool:
    return 0 <= count <= size and count == int(count)


def _unpack(code: str, data: bytes) -> Sequence[float]:
    """Numbers of a column.

    Raises:
        ReadError: one of them is not finite.
    """
    numbers = array(code, data)
    if sys.byteorder == "big":
        numbers.byteswap()
    if not all(map(math.isfinite, numbers)):
        raise ReadError("a number that is not finite")
    return numbers
