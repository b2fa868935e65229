"""What is kept of a model's weights: enough to measure descent later, without the weights.

Values only, no computation, and no import of numpy: a fingerprint can be loaded, held and compared
by its digests in a scan that never touches an array. Bulk numbers are kept as little-endian bytes,
so that two prints are equal exactly when their bytes are.

Invariants: `tensors` is sorted by canonical name; an empty byte string means "not measured", never
"zero"; whatever of the model could not be taken in is named in `skipped`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCHEMA: Final = "modelassay-fingerprint/1"
PUBLIC_SEED: Final = "public"
"""The name of the seed that everybody may know; a private one is named by a digest of it."""
ROW_BLOCK: Final = 1024
"""Rows that share a digest in `TensorPrint.rows`."""
SAMPLE_WIDTHS: Final = {"bf16": 2, "f16": 2, "f32": 4, "f64": 8}
"""Bytes of a sample."""
MOST_DIMENSIONS: Final = 8
LONGEST: Final = 1 << 48
"""Elements along a dimension below which a tensor is taken for one."""
INVARIANTS: Final = ("qk", "ov", "gu", "ud")
"""Kinds of vocabulary-anchored invariants of a layer, in the order in which they are kept."""

_STACKED: Final = 3  # dimensions: experts, outputs, inputs
WIDE: Final = 1 << 16
"""Columns from which on a matrix is measured folded."""
_NARROW: Final = 1 << 13
"""Columns that it is folded down to, so that a block of 32 rows stays in the processor's cache."""
_HALVED: Final = 512
"""Twice the elements of the largest block of a quantised type."""
_PLAIN: Final = {"f32": "f", "f16": "e", "f64": "d"}


def folds(columns: int) -> int:
    """How many rows a row of a wide matrix is taken for: a power of two, 1 for ordinary ones.

    What a sketch holds while it is made grows with the columns. Halving rows keeps the order of the
    values, so that a difference stays the difference, with another rank. Whole blocks of all
    quantised types stay whole.
    """
    if columns <= WIDE:
        return 1
    times = 1
    while columns > _NARROW and columns % _HALVED == 0:
        columns //= 2
        times *= 2
    return times


class TensorPrint(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of one canonical tensor of n rows (the first dimension) and m columns."""

    name: str
    """Canonical name: `layers.3.attention.q.weight`; the stored name when no map knows it."""
    stored: str
    """Name in the file; of a tensor that is put together from several, the first one's."""
    role: str
    """What it does: `attention.q`, `mlp.down`, `embedding` …; empty when no map knows it."""
    layer: int | None = None
    """Index of the layer, from 0."""
    shape: tuple[int, ...]
    """Canonical shape, as in the hub's layout: outputs x inputs for a matrix."""
    dtype: str
    """Stored element type, lower case: `bf16`, `f16`, `f32`, `q4_k` …"""
    members: int = 1
    """Tensors that were read as this one, in a model of very many."""
    digest: bytes = b""
    """Canonical value digest, SHA-256, independent of the stored type."""
    bf16: bytes = b""
    """Value digest after rounding to bfloat16; empty where that loses nothing."""
    f16: bytes = b""
    """Value digest after rounding to half precision; empty where that loses nothing."""
    rows: tuple[bytes, ...] = ()
    """Value digests of `ROW_BLOCK` rows each, of embedding and output matrices: vocabulary edits
    are localised by them."""
    sketch: bytes = b""
    """k x k float32, row-major: Aᵀ·W·B with random signs. Empty for vectors and tiny matrices."""
    samples: bytes = b""
    """Values at `samples.positions(...)`, in `sample_dtype`."""
    sample_dtype: str = "f32"
    """`bf16`, `f16`, `f32` or `f64`: the stored type, and `f32` for everything quantised."""
    low: bytes = b""
    """Of a quantised tensor, float32 per sample: the smallest original value that its quantiser
    could have stored so; minus infinity where the code was clipped."""
    high: bytes = b""
    """The largest such value; infinity where the code was clipped."""
    sum_squares: float = 0.0
    mean: float = 0.0
    zeros: int = 0
    """Elements that are exactly zero."""
    nonfinite: int = 0
    """Elements that are no finite number."""
    noise: float = 0.0
    """Expected sum of squared errors that storing in `dtype` made: Σ step²/12 over all elements."""

    @property
    def sampled(self) -> int:
        """Number of samples."""
        return len(self.samples) // SAMPLE_WIDTHS[self.sample_dtype]

    @property
    def size(self) -> int:
        """Number of elements."""
        product = 1
        for extent in self.shape:
            product *= extent
        return product

    @property
    def sides(self) -> tuple[int, int]:
        """Rows and columns of the matrix that was sketched.

        The experts of a layer count as one matrix: one below the other where they read the
        residual stream, side by side where they write it, so that the stream has a side of its own.
        """
        first = self.shape[0] if self.shape else 1
        if self.role.startswith("experts.") and len(self.shape) == _STACKED:
            _, rows, columns = self.shape
            if self.role == "experts.down":
                return rows, first * columns
            return first * rows, columns
        columns = self.size // first if first else 0
        times = folds(columns)
        return first * times, columns // times

    def matrix(self, k: int | None = None) -> NDArray[np.float32]:
        """The sketch as an array of k x k; a smaller `k` cuts it, which is the smaller sketch.

        Raises:
            ValueError: there is no sketch, or one smaller than asked for.
        """
        from modelscan.lineage.numerics import np  # lazy: a default scan measures nothing

        own = round((len(self.sketch) // 4) ** 0.5)
        wanted = own if k is None else k
        if not 0 < wanted <= own:
            raise ValueError(f"{self.name} has a sketch of {own}, not {wanted}")
        whole = np.frombuffer(self.sketch, "<f4").reshape(own, own)
        return whole[:wanted, :wanted].astype(np.float32)

    def values(self) -> list[float]:
        """The samples as numbers, in pure Python."""
        if self.sample_dtype == "bf16":
            halves = struct.unpack(f"<{len(self.samples) // 2}H", self.samples)
            wide = struct.pack(f"<{len(halves)}I", *(half << 16 for half in halves))
            return list(struct.unpack(f"<{len(halves)}f", wide))
        code = _PLAIN[self.sample_dtype]
        return list(
            struct.unpack(f"<{len(self.samples) // struct.calcsize(code)}{code}", self.samples)
        )

    def first(self, count: int) -> TensorPrint:
        """The same with no more than so many samples: those at the first places."""
        width = SAMPLE_WIDTHS[self.sample_dtype]
        if count * width >= len(self.samples):
            return self
        return msgspec.structs.replace(
            self,
            samples=self.samples[: count * width],
            low=self.low[: 4 * count],
            high=self.high[: 4 * count],
        )

    def bounds(self) -> list[tuple[float, float]]:
        """For each sample of a quantised tensor the interval that the original lay in."""
        count = len(self.low) // 4
        low = struct.unpack(f"<{count}f", self.low)
        return list(zip(low, struct.unpack(f"<{count}f", self.high), strict=True))


class Skipped(msgspec.Struct, frozen=True):
    """A stored tensor that is not part of the fingerprint."""

    name: str
    """As stored."""
    reason: str
    needed: bool = True
    """False for buffers that a loader derives itself, such as position numbers."""


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a model."""

    schema: str = SCHEMA
    mode: Literal["full", "samples"] = "full"
    """`samples`: neither digests nor sketches, for a look from afar."""
    seed: str = PUBLIC_SEED
    """Name of the seed of signs and positions; prints of different seeds have comparable digests
    and nothing else."""
    k: int
    """Side of the sketches."""
    architecture: str = ""
    """Declared: `model_type`, or GGUF's `general.architecture`."""
    layers: int = 0
    """Number of layers, counted from the tensors."""
    tensors: Mapping[str, TensorPrint]
    """By canonical name, sorted."""
    tied: tuple[str, ...] = ()
    """Canonical tensors that are the same as another one and are not stored twice."""
    root: str = ""
    """`sha256:` digest over the sorted names and value digests; empty in mode `samples`."""
    invariants: Mapping[int, Mapping[str, bytes]] = {}
    """By layer and kind (`INVARIANTS`): t x t float16, row-major, centred, of unit norm."""
    tokenizer: Mapping[str, str] = {}
    """Digests by part: `vocab`, `merges`, `normalizer`, `added_tokens` …"""
    templates: Mapping[str, str] = {}
    """Digests of chat templates by name, white space at line ends normalised."""
    headers: tuple[str, ...] = ()
    """Digests of the headers of its safetensors files, as `tensor.header` states them, sorted:
    what `manifest fingerprint` adds, since equal weights may lie in other files."""
    source: str = ""
    """What the maker of the fingerprint says it was taken from: a claim."""
    skipped: tuple[Skipped, ...] = ()

    @property
    def count(self) -> int:
        """Tensors of the model, each of those that were read as one."""
        return sum(tensor.members for tensor in self.tensors.values())
