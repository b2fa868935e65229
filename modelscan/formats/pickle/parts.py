"""The table of a distributed checkpoint, `.metadata`: in which file each part is, and where.

`torch.distributed.checkpoint` unpickles the table. For each tensor and object it then cuts `length`
bytes at `offset` out of the file `relative_path` and hands them to `torch.load`, for objects with
`weights_only=False`. Whatever these bytes look like where they stand, they are unpickled.

Invariants:

* a record is told by the attributes that the loader asks for, not by its class: an instance of any
  class will do;
* a record whose place is computed is stated at once; whether the other places are those of parts
  is for `repository.torch_parts`, which sees all files.

Source: torch 2.13, `torch/distributed/checkpoint/filesystem.py` (`_StorageInfo`, `read_data`) and
`default_planner.py` (`load_bytes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from modelscan.errors import BudgetError
from modelscan.formats.outside import problem
from modelscan.formats.pickle.ledger import Ledger
from modelscan.formats.pickle.shown import abbreviated
from modelscan.formats.pickle.special import LENGTH, OFFSET, PATH
from modelscan.formats.pickle.values import (
    Call,
    Container,
    Global,
    Unknown,
    Value,
    tuple_items,
)
from modelscan.vocabulary.artifact import place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, TorchParts

_TRANSFORMS: Final = b"transform_descriptors"
_ATTRIBUTES: Final = b"__dict__"
"""As an attribute of its own, it takes the place of all others."""
_OF_A_TENSOR: Final = b"fqn"
"""What the keys of the table have, beside an offset that is the shape of a tensor."""
_SHAPE: Final = "torch.Size"
_MOST: Final = 4096
"""Values that are looked at in one state: those of torch have a few dozen."""
_SLOTS: Final = 2
"""Items of a state that also fills slots: one dictionary for each."""


def note_state(ledger: Ledger, given: Value, at: int) -> None:
    """Look for records in the state that an instance is given."""
    items = tuple_items(given) if _is_tuple(given) else (given, None)
    # The dictionaries of a pair are copied, and one that a call has made holds what nobody has
    # followed. Others may be kept as they are and filled later, as `functools.partial` does.
    pair = len(items) == _SLOTS
    if any(isinstance(item, Call) if pair else _is(item, "dict") for item in items):
        _misplace(ledger, "a computed state", at)
    note(ledger, [given], at)


def note(ledger: Ledger, values: Sequence[Value], at: int) -> None:
    """Look for records in what a call, or an instance, is given."""
    waiting = [(value, True) for value in values]
    seen = set[int]()
    while waiting:
        value, outer = waiting.pop()
        if not isinstance(value, tuple | Container) or id(value) in seen:
            continue
        seen.add(id(value))
        if len(seen) > _MOST:
            _misplace(ledger, "a state of many parts", at)
            break
        if isinstance(value, Container) and _is(value, "dict"):
            _dictionary(ledger, value, at, outer=outer)
            waiting.extend((item, False) for item in value[1::2])
        else:
            waiting.extend((item, outer) for item in value)
    ledger.budget.step(len(seen))


def note_nested(ledger: Ledger, function: Global, at: int) -> None:
    """A pickle inside the table makes objects that may be records."""
    _misplace(ledger, f"what {function.callable} makes", at)


def asked(ledger: Ledger) -> Iterator[Fact | Coverage]:
    """The parts that the table asks for."""
    if ledger.parts:
        ledger.budget.fact()
        files, offsets, lengths = zip(*ledger.parts, strict=True)
        where = place(ledger.artifact)
        yield TorchParts(
            location=where, side="asked", files=files, offsets=offsets, lengths=lengths
        )
    if ledger.transformed:
        yield Coverage(
            file=ledger.artifact.name,
            member=ledger.artifact.member,
            status="unsupported",
            needed=True,
            reason=f"{ledger.transformed:,} parts are changed by an extension before they are read",
        )


def _dictionary(ledger: Ledger, fields: Container, at: int, *, outer: bool) -> None:
    """What may become the attributes of an instance: a record, nothing of interest, or a trick.

    Args:
        ledger: is told.
        fields: names and values.
        at: where they are given to something.
        outer: they are given as they are, not as the value of another name.
    """
    known = fields.mapping()
    path, offset, length = (known.get(name) for name in (PATH, OFFSET, LENGTH))
    if isinstance(path, bytes) and isinstance(offset, int) and isinstance(length, int):
        changed = known.get(_TRANSFORMS) is not None
        _record(ledger, path.decode("utf-8", "replace"), None if changed else (offset, length), at)
    elif PATH in known or _ATTRIBUTES in known or (outer and _changes_place(known)):
        _misplace(ledger, abbreviated([path, offset, length]), at)
    elif outer and any(isinstance(key, Call | Unknown) for key, _ in fields.pairs()):
        _misplace(ledger, "an attribute with a computed name", at)


def _is_tuple(value: Value) -> bool:
    return isinstance(value, tuple) or _is(value, "tuple")


def _is(value: Value, kind: str) -> bool:
    return isinstance(value, Container) and value.kind == kind


def _changes_place(known: dict[bytes, Value]) -> bool:
    """True for a part of a record: one that was given before keeps the rest."""
    if LENGTH in known:
        return True
    offset = known.get(OFFSET)
    shape = isinstance(offset, Call) and getattr(offset.function, "callable", "") == _SHAPE
    return OFFSET in known and not (_OF_A_TENSOR in known and (offset is None or shape))


def _record(ledger: Ledger, path: str, span: tuple[int, int] | None, at: int) -> None:
    """Keep a place; where an extension makes something else of it, only that there is one.

    Raises:
        BudgetError: there are too many.
    """
    if problem(path):
        ledger.oddity("outside-file", abbreviated([path.encode()]), at)
    elif span is None:
        ledger.transformed += 1
    elif ledger.parts is not None:
        if len(ledger.parts) >= ledger.budget.limits.values:
            raise BudgetError(f"more than {len(ledger.parts):,} parts", offset=at)
        ledger.parts.append((path, *span))


def _misplace(ledger: Ledger, what: str, at: int) -> None:
    ledger.oddity("misplaced-part", f"the place of a part is not plainly written: {what}", at)
