"""What the symbolic machine is in the middle of: its stack, marks and memo."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from itertools import chain
from typing import Final
from typing import Literal as OneOf

from modelscan.formats.pickle.ledger import Ledger
from modelscan.formats.pickle.literals import BrokenError
from modelscan.formats.pickle.memo import EscalateError, Memo
from modelscan.formats.pickle.numpy_arrays import Array, UnknownArrayError
from modelscan.formats.pickle.numpy_types import TYPE
from modelscan.formats.pickle.special import CALLING, FILE_WRAPPERS, HOLDERS, INDEXES, WRAPPER
from modelscan.formats.pickle.values import (
    CONTAINERS,
    PLAIN,
    SKIPPED,
    Call,
    Container,
    Global,
    Skipped,
    Storage,
    Tensor,
    Unknown,
    Value,
    sets_hook,
)
from modelscan.formats.pickle.window import Argument

_TYPES: Final = frozenset({TYPE})
_BOTTOM: Final = 64
"""Values below the stack that a stretch left behind: more are never taken without a mark."""
_SHORT: Final = 3
"""Items of the longest tuple that is made without a mark; that of another may lie in a stretch."""


class State:
    """One pickle halfway through.

    In the quicker ways (`lean`), containers are not followed: as long as every name that was
    imported is trusted, nothing in them can matter. Whatever could, raises `EscalateError`.

    Attributes:
        way: how it is followed, see `machine`.
        lean: containers are not followed.
        stack: the values above the last mark.
        marks: the stacks below each mark, outermost first. The unpickler cannot reach below a mark
            before it is popped (its "fence"), so neither can we.
        memo: values by their index.
        kept: values made so far, and items kept: what bounds memory, until they are counted anew.
        duplicated: opcodes that doubled a value.
        declared: the protocol that the last PROTO named; it decides how names are looked up.
        protocol: the highest protocol declared, or needed by an opcode that was met.
        acted: a hot opcode was met since this was last reset.
        frame: where the frame that is being read ends; 0 when there is none.
        arrays: the loader is joblib's, for which some instances are followed by an array.
        array: an array of raw bytes that follows right here.
        doubt: such an array followed somewhere, of unknown length.
        resume: where to read on.
        stopped: STOP was met.
    """

    __slots__ = (
        "_hidden_array", "_hidden_special", "_open", "acted", "array", "arrays", "declared",
        "doubt", "duplicated", "frame", "hidden", "hides_holder", "hides_memory", "kept", "lean",
        "ledger", "marks", "memo", "protocol", "resume", "stack", "stopped", "way",
    )  # fmt: skip

    def __init__(self, ledger: Ledger, offset: int, way: Way, *, arrays: bool = True) -> None:
        self.ledger = ledger
        self.way = way
        self.lean = way != "thorough"
        self.stack: list[Value] = []
        self.marks: list[list[Value]] = []
        self.memo = Memo()
        self.kept = 0
        self.duplicated = 0
        self.declared = 0
        self.protocol = 0
        self.acted = False
        self.frame = 0
        self.arrays = arrays
        self.array: Array | None = None
        self.doubt: UnknownArrayError | None = None
        self.resume = offset
        self.stopped = False
        self._open = False
        self.hidden: set[Global] = set()
        """The imported names that a skipped value may be."""
        self._hidden_special = False
        self._hidden_array = False
        self.hides_holder = False
        """A skipped value may be, or hold, a partial function."""
        self.hides_memory = False
        """A skipped value may be a tensor or a storage."""

    def copy(self) -> State:
        """The same place in the pickle, to go on from in another way."""
        other = copy(self)
        other.stack, other.marks = self.stack.copy(), [below.copy() for below in self.marks]
        other.memo, other.hidden = self.memo.copy(), self.hidden.copy()
        return other

    @property
    def hides_name(self) -> bool:
        """A skipped value may be an imported name."""
        return bool(self.hidden) or self._hides_anything

    @property
    def hides_special(self) -> bool:
        """A skipped value may be something of which calls must be looked at."""
        return self._hidden_special or self._hides_anything

    @property
    def hides_consumer(self) -> bool:
        """A skipped value may be a function that runs methods of what it is given."""
        return self._hides_anything or any(
            name.consumes or name.module.startswith(INDEXES[0]) for name in self.hidden
        )

    @property
    def hides_array(self) -> bool:
        """A skipped value may be what an array follows, what names a file, or a type of numpy's."""
        return self._hidden_array or self._hides_anything

    @property
    def _hides_anything(self) -> bool:
        return self.memo.blind and self.ledger.imports > 0

    @property
    def held(self) -> int:
        """Values on the stack and in the memo, without what is in them."""
        below = sum(map(len, self.marks)) + len(self.marks)
        return len(self.stack) + below + self.memo.alive + self.ledger.imports

    def count(self) -> int:
        """Values that are held, counted one by one."""
        waiting = [*self.stack, *self.memo.values()]
        for below in self.marks:
            waiting.extend(below)
        total, seen = len(waiting), set[int]()
        while waiting:
            value = waiting.pop()
            if not isinstance(value, tuple | Container | Call) or id(value) in seen:
                continue
            seen.add(id(value))
            inside = _inside(value)
            total += 1 + len(inside)
            waiting.extend(inside)
        return total

    def pop_mark(self, at: int) -> list[Value]:
        """The values above the last mark, which goes away with them.

        Raises:
            BrokenError: there is no mark.
        """
        if not self.marks:
            if not self._open:
                raise BrokenError("there is no mark", offset=at)
            items, self.stack = self.stack, [SKIPPED] * _BOTTOM
            return items if len(items) % 2 == 0 else [SKIPPED, *items]
        items, self.stack = self.stack, self.marks.pop()
        return items

    def push_container(self, kind: str, items: Sequence[Value]) -> None:
        """Put a new container on the stack."""
        if self.lean and kind != "dict":
            if kind == "tuple" and len(items) > _SHORT and SKIPPED in items:
                self.hide(items)
                self.stack.append(SKIPPED)
                return
            short = kind == "tuple" and len(items) <= _BOTTOM
            self.stack.append(tuple(items) if short else PLAIN[kind])
            self.kept += len(items) if short else 0
            return
        container = CONTAINERS[kind]()
        container.grow(self.ledger.room)
        self.kept += 1 + container.put(items)
        self.stack.append(container)

    def skip(self, keys: range, fetched: Iterable[int], at: int) -> None:
        """A stretch of inert opcodes is not followed.

        What it leaves behind is plain data, or one of the values that it could reach.

        Args:
            keys: the memo entries that it sets.
            fetched: the memo entries that it fetches.
            at: where it ends.

        Raises:
            BrokenError: it fetches an entry that was never set.
            EscalateError: it may add to a state that matters already.
        """
        held = (self.memo.get(index, at) for index in fetched if index not in keys)
        # texts need no look, and may be millions
        self.hide(chain(self.stack, *self.marks, (v for v in held if v.__class__ is not bytes)))
        self.memo.skip(keys)
        self._leave_behind()

    def skip_blindly(self) -> None:
        """A stretch is not followed, nor is it known what it does to the memo.

        Raises:
            EscalateError: as for `skip`.
        """
        self.hide(chain(self.stack, *self.marks, self.memo.values()))
        self.memo.forget()
        self._leave_behind()

    def hide(self, values: Iterable[Value]) -> None:
        """Note what matters among values that a later one may be, or hold, without being seen.

        A stretch may leave behind what it can reach, and what it leaves behind may be given more.

        Raises:
            EscalateError: it may be a state that matters already.
        """
        reached = opened(values)
        _check(reached)
        self.hidden.update(value for value in reached if isinstance(value, Global))
        self._hidden_special |= any(
            (isinstance(value, Call | Unknown) and not isinstance(value, Skipped))
            or (isinstance(value, Global) and not value.simple)
            for value in reached
        )
        self._hidden_array |= any(map(is_wrapper, reached)) or any(map(names_file, reached))
        self._hidden_array |= any(_made_by(value, _TYPES) for value in reached)
        self.hides_holder |= any(_made_by(value, HOLDERS) for value in reached)
        self.hides_memory |= any(isinstance(value, Storage | Tensor) for value in reached)

    def _leave_behind(self) -> None:
        self.stack, self.marks = [SKIPPED] * _BOTTOM, []
        self._open = True

    def misframed(self, at: int) -> None:
        """A frame does not end where it should (see `skip.Run.misframed`)."""
        self.ledger.oddity("frame-mismatch", "", at)

    def broken(self, what: str, at: int) -> Exception:
        """What to raise when the stack is empty."""
        return EscalateError() if self._open else BrokenError(what, offset=at)


def opened(values: Iterable[Value]) -> list[Value]:
    """Values, with what is in containers among them."""
    waiting = list(values)
    seen = set[int]()
    found: list[Value] = []
    while waiting:
        value = waiting.pop()
        found.append(value)
        if isinstance(value, tuple | Container) and id(value) not in seen:
            seen.add(id(value))
            waiting.extend(value)
    return found


def _check(reached: Sequence[Value]) -> None:
    if any(map(sets_hook, reached)):
        raise EscalateError
    reacting = [name for value in reached if (name := _reacting(value))]
    if not reacting:
        return
    if not all(map(CALLING.match, reacting)) or any(
        isinstance(value, Global) or _made_by(value, HOLDERS) for value in reached
    ):
        raise EscalateError


def _reacting(value: Value) -> str:
    """The class of an instance that may do harm when it is given items; nothing for others."""
    function = value.function if isinstance(value, Call) else None
    return function.callable if isinstance(function, Global) and function.reacts else ""


def is_wrapper(value: Value) -> bool:
    """True for an instance that joblib's array of raw bytes follows."""
    return _made_by(value, WRAPPER)


def names_file(value: Value) -> bool:
    """True for an instance whose state names a file that joblib opens."""
    return _made_by(value, FILE_WRAPPERS)


def _made_by(value: Value, names: frozenset[str]) -> bool:
    return (
        isinstance(value, Call)
        and isinstance(value.function, Global)
        and value.function.callable in names
    )


def _inside(value: tuple[Value, ...] | Container | Call) -> Sequence[Value]:
    if isinstance(value, Call):
        return [*value.arguments, value.state, value.links]
    return value


Way = OneOf["glance", "lean", "thorough"]
WAYS: Final[tuple[Way, ...]] = ("glance", "lean", "thorough")
"""The ways to follow a pickle, the quickest first."""
Handler = Callable[[State, Argument, int], bool | None]
"""What an opcode does: its argument and offset come after the state. True ends the run: the machine
reads on at `State.resume`. An empty stack shows as `IndexError`, which the machine translates."""
HandlerTable = dict[str, Handler]
"""Handlers by the opcode's name."""
