"""The base's names for tensors of a candidate that are called something else.

A copy keeps its values when its tensors are renamed, and so do their digests and sketches, which
are drawn by dimension and not by name. Only tensors are looked at whose place the base does not
have, and only among those of the base whose place the candidate does not have.

Invariants: no two tensors get the same name; tensors of one single value are told by nothing and
keep theirs; a resemblance counts only if it is the best of both sides and far above chance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from modelscan.lineage.layers import local_name
from modelscan.lineage.numerics import NDArray, np
from modelscan.lineage.prints import Fingerprint, TensorPrint
from modelscan.lineage.tensor_change import is_constant, is_matrix

ALIKE: Final = 0.5
"""Cosine of two sketches from which on they are of the same matrix: unrelated ones of the smallest
sketch, the best of hundreds, reach .35, and one in forty after long training falls below."""
_MOST: Final = 1 << 22
"""Pairs of one shape that are compared."""


def renamed(candidate: Fingerprint, base: Fingerprint, k: int) -> tuple[Fingerprint, int]:
    """The candidate under the base's names, and how many tensors those were found for.

    Args:
        candidate: of the model in question.
        base: of the model that it may descend from.
        k: side of the sketches to compare; 0 for none.
    """
    mine, theirs = _unplaced(candidate, base), _unplaced(base, candidate)
    if not mine or not theirs:
        return candidate, 0
    found = _equal(mine, theirs)
    taken = set(found.values())
    if k:
        rest = [tensor for tensor in mine if tensor.name not in found]
        others = [tensor for tensor in theirs if tensor.name not in taken]
        found.update(_alike(rest, others, k))
    if not found:
        return candidate, 0
    tensors = [
        _under(tensor, base.tensors[found[name]]) if name in found else tensor
        for name, tensor in candidate.tensors.items()
    ]
    again = {tensor.name: tensor for tensor in sorted(tensors, key=lambda each: each.name)}
    layers = max((each.layer + 1 for each in tensors if each.layer is not None), default=0)
    return msgspec.structs.replace(candidate, tensors=again, layers=layers), len(found)


def _unplaced(model: Fingerprint, other: Fingerprint) -> list[TensorPrint]:
    """Tensors that mean something, and whose place the other model has in no layer."""
    places = {local_name(tensor) for tensor in other.tensors.values()}
    tied = set(other.tied)
    return [
        tensor
        for tensor in model.tensors.values()
        if local_name(tensor) not in places and tensor.name not in tied and not is_constant(tensor)
    ]


def _equal(mine: Sequence[TensorPrint], theirs: Iterable[TensorPrint]) -> dict[str, str]:
    """Pairs of equal values, or of values that one of the two has rounded, by name."""
    known: defaultdict[tuple[tuple[int, ...], bytes], list[str]] = defaultdict(list)
    for tensor in reversed(list(theirs)):
        for digest in {tensor.digest, tensor.bf16, tensor.f16} - {b""}:
            known[tensor.shape, digest].append(tensor.name)
    found: dict[str, str] = {}
    taken: set[str] = set()
    for tensor in mine:
        for digest in (tensor.digest, tensor.bf16, tensor.f16):
            names = known.get((tensor.shape, digest), []) if digest else []
            while names and names[-1] in taken:
                names.pop()
            if names:
                found[tensor.name] = names[-1]
                taken.add(names[-1])
                break
    return found


def _alike(mine: Iterable[TensorPrint], theirs: Iterable[TensorPrint], k: int) -> dict[str, str]:
    """Pairs of matrices that resemble each other more than any other, by name."""
    left, right = _by_shape(mine, k), _by_shape(theirs, k)
    found: dict[str, str] = {}
    for shape in left.keys() & right.keys():
        rows, columns = left[shape], right[shape]
        if len(rows) * len(columns) > _MOST:
            continue
        cosines = np.stack(list(rows.values())) @ np.stack(list(columns.values())).T
        best, back = cosines.argmax(axis=1), cosines.argmax(axis=0)
        names = list(columns)
        for row, name in enumerate(rows):
            column = int(best[row])
            if cosines[row, column] >= ALIKE and back[column] == row:
                found[name] = names[column]
    return found


def _by_shape(
    tensors: Iterable[TensorPrint], k: int
) -> Mapping[tuple[int, ...], dict[str, NDArray[np.float64]]]:
    """Unit vectors of the sketches."""
    found: defaultdict[tuple[int, ...], dict[str, NDArray[np.float64]]] = defaultdict(dict)
    for tensor in tensors:
        if is_matrix(tensor, k):
            values = tensor.matrix(k).astype(np.float64).ravel()
            norm = float(np.linalg.norm(values))
            if 0 < norm < np.inf:
                found[tensor.shape][tensor.name] = values / norm
    return found


def _under(tensor: TensorPrint, known: TensorPrint) -> TensorPrint:
    return msgspec.structs.replace(tensor, name=known.name, role=known.role, layer=known.layer)
