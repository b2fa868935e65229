"""From weights to a fingerprint, in one pass over the values.

What is random in it (signs, sample positions, anchors) is drawn as `signs` defines, the order of
blocks and sums depends on shapes alone: equal weights give equal fingerprints, byte for byte.

Invariants: every tensor is in the fingerprint or in its `skipped`; one that cannot be read costs
itself, not the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Final

from modelscan.errors import ReadError
from modelscan.lineage import blocks_python
from modelscan.lineage.fingerprint_layout import BUDGET
from modelscan.lineage.prints import ROW_BLOCK, Fingerprint, Skipped, TensorPrint
from modelscan.lineage.root import model_root
from modelscan.lineage.signs import MAX_K, PUBLIC, Seed, positions
from modelscan.lineage.weights import Weights, WeightTensor, raw_at

if TYPE_CHECKING:
    from modelscan.lineage.invariants import Watcher

CASTS: Final = frozenset({"bf16", "f16"})
"""Types that weights are cast to."""
SIZES: Final = (32, 16, 8)
"""Sides of sketches, the one that is chosen first if there is room."""
_DESCRIPTION: Final = 8000
"""Bytes of names and header of an ordinary model."""
_SUMS: Final = 5 * 8
_ANCHORED: Final = 2048
"""Bytes of the invariants of a layer."""
_BY_ROWS: Final = frozenset({"embedding", "output"})
"""Roles whose rows have digests of their own."""
_NO_STEP: Final = ("f8_e4m3", "f8_e5m2")

Progress = Callable[[int], None]
"""Is told how many more bytes of weights have been taken in."""


def choose_k(weights: Weights) -> int:
    """The largest sketch with which the fingerprint stays within `BUDGET`."""
    tensors = weights.tensors.values()
    fixed = _DESCRIPTION + _ANCHORED * weights.layers + sum(map(_besides, tensors))
    for k in SIZES[:-1]:
        matrices = sum(_has_sketch(tensor, k) for tensor in tensors)
        if fixed + 4 * k * k * matrices <= BUDGET:
            return k
    return SIZES[-1]


def _besides(tensor: WeightTensor) -> int:
    """Bytes that a tensor takes in a fingerprint besides its sketch."""
    digests = 3 if tensor.dtype in {"f32", "f64"} else 2
    if _by_rows(tensor):
        digests += -(-tensor.rows // ROW_BLOCK)
    width = 2 if tensor.dtype in {"bf16", "f16"} else 4
    return _SUMS + 32 * digests + width * len(positions(tensor.shape))


def fingerprint(
    weights: Weights,
    *,
    k: int | None = None,
    seed: Seed = PUBLIC,
    casts: Collection[str] = CASTS,
    source: str = "",
    progress: Progress | None = None,
) -> Fingerprint:
    """Read all weights once and keep what descent is measured by.

    Args:
        weights: from `opening.open_weights`, still open.
        k: side of the sketches, at most 32; chosen by size when not given. Give that of the
            fingerprint to compare with.
        seed: of signs and positions.
        casts: keep the digests that prove casts of these weights to some of these types, which no
            tensor of one of them needs for itself; a candidate that is only compared with a base
            can do without what the base is not stored in.
        source: what the fingerprint says it was taken from.
        progress: is told of every tensor.
    """
    from modelscan.lineage.invariants import Anchored  # lazy: numpy is not for a default scan
    from modelscan.lineage.tokenizer import describe  # lazy: it is read with the weights alone

    side = choose_k(weights) if k is None else min(k, MAX_K)
    prints: dict[str, TensorPrint] = {}
    skipped = list(weights.skipped)
    anchored = Anchored(weights, seed)
    for name, tensor in weights.tensors.items():
        try:
            prints[name] = print_of(
                tensor,
                side,
                seed,
                rounded=not {tensor.dtype}.issuperset(casts),
                watcher=anchored.watcher(tensor),
            )
        except ReadError as error:
            skipped.append(Skipped(tensor.stored, error.message))
        if progress:
            progress(tensor.stored_bytes)
    tied = _tied(weights, prints)
    described = describe(weights.beside, weights.family)
    digests = {name: made.digest for name, made in prints.items()}
    return Fingerprint(
        seed=seed.name,
        k=side,
        architecture=weights.architecture,
        layers=weights.layers,
        tensors=prints,
        tied=tuple(sorted(tied)),
        root=model_root(digests, tied),
        invariants=anchored.result(),
        tokenizer=described.tokenizer,
        templates=described.templates,
        source=source,
        skipped=tuple(skipped),
    )


def samples_only(weights: Weights, *, seed: Seed = PUBLIC, source: str = "") -> Fingerprint:
    """A fingerprint of samples alone: a few small reads for each tensor, and no numpy.

    For a look from afar, or in a default scan. Of quantised tensors the blocks around the samples
    are computed; those whose scales lie elsewhere are left out and said.
    """
    prints: dict[str, TensorPrint] = {}
    skipped = list(weights.skipped)
    for name, tensor in weights.tensors.items():
        plain = tensor.dtype in {"bf16", "f16", "f32", "f64"}
        if not plain and not blocks_python.is_readable(tensor):
            skipped.append(Skipped(tensor.stored, f"{tensor.dtype} is not sampled", needed=False))
            continue
        try:
            at = positions(tensor.shape, seed)
            samples = raw_at(tensor, at) if plain else blocks_python.samples(tensor, at)
        except ReadError as error:
            skipped.append(Skipped(tensor.stored, error.message))
            continue
        prints[name] = TensorPrint(
            name=name,
            stored=tensor.stored,
            role=tensor.role,
            layer=tensor.layer,
            shape=tensor.shape,
            dtype=tensor.dtype,
            members=tensor.members,
            samples=samples,
            sample_dtype=tensor.dtype if plain else "f32",
        )
    return Fingerprint(
        mode="samples",
        seed=seed.name,
        k=0,
        architecture=weights.architecture,
        layers=weights.layers,
        tensors=prints,
        tied=tuple(sorted(weights.tied)),
        source=source,
        skipped=tuple(skipped),
    )


def _by_rows(tensor: WeightTensor) -> bool:
    return tensor.role in _BY_ROWS and len(tensor.shape) > 1 and tensor.fold == 1


def _has_sketch(tensor: WeightTensor, k: int) -> bool:
    from modelscan.lineage.sketch import sketched  # lazy: as above

    return tensor.floating and sketched(tensor.group, tensor.columns, k)


def print_of(
    tensor: WeightTensor,
    k: int,
    seed: Seed = PUBLIC,
    *,
    rounded: bool = True,
    watcher: Watcher | None = None,
) -> TensorPrint:
    """The print of one tensor; see `fingerprint` for the arguments.

    Args:
        tensor: the tensor.
        k: side of the sketch.
        seed: of signs and positions.
        rounded: also the digests after a cast.
        watcher: takes the same blocks for the invariants.

    Raises:
        ReadError: it cannot be read.
    """
    from modelscan.lineage.blocks import Reader  # lazy: as above
    from modelscan.lineage.digest import RowDigests, ValueDigest
    from modelscan.lineage.plain import widened
    from modelscan.lineage.sketch import Measure

    stored = tensor.dtype
    computed = tensor.quantised or "+" in stored or stored in _NO_STEP
    kind = "f32" if computed else stored
    digest = ValueDigest(tensor.shape, kind, rounded=rounded and not tensor.packed)
    by_rows = _by_rows(tensor) and not tensor.quantised
    rows = RowDigests(tensor.rows, tensor.columns, kind) if by_rows else None
    side = k if _has_sketch(tensor, k) else 0
    measure = Measure(tensor.rows, tensor.columns, stored, side, seed, tensor.group)
    reader = Reader(tensor)
    taken = 0
    for block in reader.blocks():
        wide = widened(block, stored)
        exact = wide if computed else block
        digest.update(exact, wide)
        if rows is not None:
            rows.update(exact, wide)
        if tensor.floating:
            measure.update(wide)
        if watcher is not None:
            watcher.update(wide)
        taken += block.size
    if taken != tensor.elements:
        raise ReadError(f"{taken:,} of {tensor.elements:,} elements of {tensor.stored}")
    if watcher is not None:
        watcher.done()
    bf16, f16 = digest.rounded()
    samples, sample_dtype, low, high = _samples(tensor, seed)
    return TensorPrint(
        name=tensor.name,
        stored=tensor.stored,
        role=tensor.role,
        layer=tensor.layer,
        shape=tensor.shape,
        dtype=stored,
        members=tensor.members,
        digest=digest.digest(),
        bf16=bf16,
        f16=f16,
        rows=rows.digests() if rows is not None else (),
        sketch=measure.sketch(),
        samples=samples,
        sample_dtype=sample_dtype,
        low=low,
        high=high,
        sum_squares=measure.sum_squares,
        mean=measure.mean,
        zeros=measure.zeros,
        nonfinite=measure.nonfinite,
        noise=measure.noise + reader.energy,
    )


def _samples(tensor: WeightTensor, seed: Seed) -> tuple[bytes, str, bytes, bytes]:
    """Samples, their type, and for quantised ones what they may have been."""
    at = positions(tensor.shape, seed)
    if tensor.dtype in {"bf16", "f16", "f32", "f64"}:
        return raw_at(tensor, at), tensor.dtype, b"", b""
    if not tensor.floating:
        return b"", "f32", b"", b""
    values = tensor.values_at(at).astype("<f4").tobytes()
    bounds = tensor.bounds_at(at)
    if bounds is None:
        return values, "f32", b"", b""
    low, high = (bound.astype("<f4").tobytes() for bound in bounds)
    return values, "f32", low, high


def _tied(weights: Weights, prints: Mapping[str, TensorPrint]) -> dict[str, str]:
    """Tensors that are another one: not stored, or stored a second time with the same values."""
    tied = dict(weights.tied)
    output, embedding = prints.get("output.weight"), prints.get("embedding.weight")
    if output is not None and embedding is not None and output.digest == embedding.digest:
        tied["output.weight"] = "embedding.weight"
    return tied
