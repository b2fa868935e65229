"""Models of very many tensors: those that differ in their numbers alone are taken together.

What is kept of a model, and what a comparison holds, grows with the number of its tensors; a
hundred thousand of them would take gigabytes, and a fingerprint of a megabyte has no room for their
digests. So beyond `MOST`, tensors of equal shape whose names differ in numbers alone are read as
one, `CHUNK` at a time: `layers.*.mlp.up.weight[0-255]`. The largest such classes go first, so that
what somebody adds to a model in great number does not hide the model.

Invariants: joining depends on names and shapes alone, so that equal models are joined alike; name
and shape of a joined tensor tell apart any two lists of names and shapes; values keep their order;
what cannot be joined and is beyond `LEFT` is said to be left out.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from modelscan.lineage.prints import Skipped
from modelscan.lineage.stored import Stored
from modelscan.lineage.weights import Part, WeightTensor

MOST: Final = 4_000
"""Tensors of a model that are measured one by one; ordinary models have less than 3,000."""
CHUNK: Final = 256
"""Tensors that are joined to one."""
LEFT: Final = 16_000
"""Tensors that are measured at all, after joining."""
_NARROW: Final = 64
"""Columns below which a matrix has no sketch to compare."""
_NUMBER: Final = re.compile(r"\d{1,18}")
_ALL_ELSE: Final = "other tensors"
_TOO_MANY: Final = f"it has more than {LEFT:,} tensors that cannot be taken together"

_Key = tuple[str, tuple[int, ...]]
"""A name without its numbers, and a shape."""


class Joined(NamedTuple):
    """The tensors of a model."""

    tensors: Mapping[str, WeightTensor]
    """By name, sorted."""
    skipped: tuple[Skipped, ...] = ()


def joined(tensors: Mapping[str, WeightTensor]) -> Joined:
    """The same tensors, joined until there are no more than about `MOST`.

    Args:
        tensors: by canonical name, sorted.
    """
    joining = _Joining(tensors)
    joining.by_class(lambda tensor: _NUMBER.sub("*", tensor.name))
    joining.by_class(lambda tensor: "" if tensor.role else _ALL_ELSE, whole=True)
    joining.all_else()
    if not joining.made:
        return Joined(tensors)
    found = {name: tensor for name, tensor in tensors.items() if name not in joining.gone}
    for tensor in joining.made:
        name = tensor.name
        while name in found:  # somebody's tensor is called so
            name += "'"
        found[name] = msgspec.structs.replace(tensor, name=name)
    names = sorted(found)
    skipped = tuple(Skipped(found[name].stored, _TOO_MANY) for name in names[LEFT:])
    return Joined({name: found[name] for name in names[:LEFT]}, skipped)


class _Joining:
    """Joins until there are few enough."""

    def __init__(self, tensors: Mapping[str, WeightTensor]) -> None:
        self.made: list[WeightTensor] = []
        self.gone: set[str] = set()
        self._tensors = tensors
        self._excess = len(tensors) - MOST

    def by_class(self, pattern: Callable[[WeightTensor], str], *, whole: bool = False) -> None:
        """Join tensors of one shape and pattern, those of which there are most first.

        Args:
            pattern: what tensors that belong together have in common; empty for those that do not.
            whole: do nothing if that would not be enough.
        """
        classes: defaultdict[_Key, list[WeightTensor]] = defaultdict(list)
        for tensor in self._left():
            if text := pattern(tensor):
                classes[text, tensor.shape].append(tensor)
        gain = sum(len(members) - -(-len(members) // CHUNK) for members in classes.values())
        if whole and gain < self._excess:
            return
        least = 1
        for (text, _), members in sorted(
            classes.items(), key=lambda each: (-len(each[1]), each[0])
        ):
            # classes of equal size are the roles of a layer: none of them is left out
            if len(members) == 1 or (self._excess <= 0 and len(members) < least):
                break
            least = len(members)
            members.sort(key=_numbers)
            self._add(members, [_together(chunk, text) for chunk in _chunks(members)])

    def all_else(self) -> None:
        """Join what does nothing known, whatever its shapes."""
        rest = [tensor for tensor in self._left() if not tensor.role]
        self._add(rest, [_flat(chunk) for chunk in _chunks(rest)])

    def _left(self) -> Iterable[WeightTensor]:
        if self._excess <= 0:
            return ()
        return (
            tensor
            for name, tensor in self._tensors.items()
            if name not in self.gone and _joinable(tensor)
        )

    def _add(self, members: Sequence[WeightTensor], fresh: Sequence[WeightTensor]) -> None:
        self.made += fresh
        self.gone.update(tensor.name for tensor in members)
        self._excess -= len(members) - len(fresh)


def _joinable(tensor: WeightTensor) -> bool:
    """Stored as it is, row after row."""
    part = tensor.parts[0]
    if len(tensor.parts) > 1 or part.turned or part.spans or part.source.quantised:
        return False
    changed = tensor.head or tensor.shift or tensor.role.startswith("experts.")
    return not changed and tensor.elements > 0


def _chunks(members: Sequence[WeightTensor]) -> Iterator[Sequence[WeightTensor]]:
    for start in range(0, len(members), CHUNK):
        yield members[start : start + CHUNK]


def _numbers(tensor: WeightTensor) -> tuple[list[int], str]:
    return [int(number) for number in _NUMBER.findall(tensor.name)], tensor.name


def _together(members: Sequence[WeightTensor], pattern: str) -> WeightTensor:
    """Tensors of one shape below each other, narrow ones each as one row."""
    first = members[0]
    shape = first.shape
    rows, rest = (shape[0] if shape else 1), shape[1:]
    if math.prod(rest) < _NARROW:  # each becomes a row: that has sides enough for a sketch
        rows, rest = 1, shape
    sources = [_shaped(member.parts[0].source, (rows, *rest)) for member in members]
    parts = tuple(Part(source) for source in _adjacent(sources))
    return WeightTensor(
        name=f"{pattern}[{_range(members)}]",
        role=first.role,
        shape=(rows * len(members), *rest),
        members=len(members),
        parts=parts,
    )


def _flat(members: Sequence[WeightTensor]) -> WeightTensor:
    """The values of tensors of any shapes, one after the other."""
    sources = [_shaped(member.parts[0].source, (member.elements,)) for member in members]
    return WeightTensor(
        name=f"{_ALL_ELSE}[{_bound(members)}]",
        role="",
        shape=(sum(source.elements for source in sources),),
        members=len(members),
        parts=tuple(Part(source) for source in _adjacent(sources)),
    )


def _shaped(source: Stored, shape: tuple[int, ...]) -> Stored:
    return source._replace(shape=shape)


def _range(members: Sequence[WeightTensor]) -> str:
    """The numbers of the members: from first to last when none is left out."""
    numbers = [_NUMBER.findall(member.name) for member in members]
    alone = all(len(found) == 1 for found in numbers)
    if alone and all(str(int(found[0])) == found[0] for found in numbers):
        first, last = int(numbers[0][0]), int(numbers[-1][0])
        if last - first == len(members) - 1:
            return f"{first}-{last}"
    return f"{'.'.join(numbers[0])}-{'.'.join(numbers[-1])}:{_bound(members)}"


def _bound(members: Sequence[WeightTensor]) -> str:
    """A digest of all names and shapes, which a joined name binds to."""
    digest = hashlib.sha256()
    for member in members:
        digest.update(repr((member.name, member.shape)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]


def _adjacent(sources: Iterable[Stored]) -> list[Stored]:
    """The same rows with fewer reads: what follows each other in the file is one."""
    found: list[Stored] = []
    for source in sources:
        last = found[-1] if found else None
        if (
            last is not None
            and source.artifact is last.artifact
            and (source.dtype, source.big_endian) == (last.dtype, last.big_endian)
            and source.offset == last.offset + last.elements * last.width
        ):
            rows = last.shape[0] + source.shape[0]
            found[-1] = last._replace(shape=(rows, *last.shape[1:]))
        else:
            found.append(source)
    return found
