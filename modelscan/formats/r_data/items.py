"""The items of an R stream, one after the other, without building any of them.

Invariants: the tree is walked with a stack of our own, so that depth costs nothing; every item is
paid for; references are counted, never followed.

A promise is an expression that R evaluates when the value is first looked at, so that merely
loading a file and printing it runs the expression (CVE-2024-27322). Honest files have promises,
too, in the environments of functions; those have been evaluated, or belong to a frame.

Source: R Internals, section 1.8, and R's `serialize.c`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.r_data.stream import Stream

_SYMBOL, _LIST, _CLOSURE, _ENVIRONMENT, _PROMISE, _CALL = 1, 2, 3, 4, 5, 6
_SPECIAL, _BUILTIN, _STRING, _LOGICAL, _INTEGER, _REAL, _COMPLEX = 7, 8, 9, 10, 13, 14, 15
_STRINGS, _DOTS, _VECTOR, _EXPRESSION, _BYTECODE, _POINTER = 16, 17, 19, 20, 21, 22
_WEAK, _RAW, _S4 = 23, 24, 25
_ALTREP, _ATTR_LIST, _ATTR_CALL, _UNBOUND, _REFERENCE = 238, 239, 240, 252, 255
_REPEAT_DEFINE, _REPEAT = 244, 243
_PERSISTENT, _PACKAGE, _NAMESPACE = 247, 248, 249
_ALONE: Final = frozenset({241, 242, 250, 251, 252, 253, 254})
"""Constants: nothing follows their flags."""
_WIDTHS: Final = {_LOGICAL: 4, _INTEGER: 4, _REAL: 8, _COMPLEX: 16, _RAW: 1}
_PAIRS: Final = frozenset({_LIST, _CALL, _CLOSURE, _PROMISE, _DOTS})
_FRAMED: Final = -1
"""Where promises in an environment are counted."""
_ITEM, _BYTECODE_BODY, _PROMISE_VALUE = "item", "bytecode", "value"
_REPEAT_ITEM, _CONSTANT = "repeated", "constant"
_REPEATABLE: Final = frozenset({_CALL, _LIST, _REPEAT_DEFINE, _REPEAT, _ATTR_CALL, _ATTR_LIST})
_BATCH: Final = 1000
_MAX_NESTED: Final = 100_000
"""Items that wait for those inside of another one; R itself ends at some thousands."""
_RUNNING: Final = frozenset(
    {"system", "system2", "shell", "shell.exec", "pipe", "eval", "evalq", "parse", "source",
     "download.file", "url", "socketConnection", "file", "writeLines", "unlink", "file.remove",
     "readRDS", "load", "dyn.load", "library.dynam", "install.packages", "Sys.setenv", "readLines",
     "readline", "do.call", "loadNamespace", "assign", "unserialize", "curl", "browseURL"}
)  # fmt: skip
"""Functions of R that start programs, reach files or the network, or evaluate text."""


class Walked(NamedTuple):
    """What a stream holds."""

    promises: int
    """Promises that have not been evaluated, outside of any environment."""
    framed: int
    """The same, where an environment was stored before: the arguments of a function, maybe."""
    calls: tuple[str, ...]
    """Names in it that start programs, reach files or the network, or evaluate text."""


class Walker:
    """Walks one stream from its first item to the end of it."""

    def __init__(self, stream: Stream, budget: Budget) -> None:
        self._stream = stream
        self._budget = budget
        self._symbols: set[str] = set()
        self._counts = dict.fromkeys((_PROMISE, _FRAMED), 0)
        self._framed = False
        self._pending: list[tuple[str, int]] = []

    def state(self) -> Walked:
        """What has been found so far."""
        counts = self._counts
        return Walked(
            counts[_PROMISE],
            counts[_FRAMED],
            tuple(sorted(self._symbols)),
        )

    def run(self) -> None:
        """Walk one item and all in it.

        Raises:
            ReadError: the stream breaks the format.
            BudgetError: more items than the budget allows.
        """
        self._pending.append((_ITEM, 1))
        steps = 0
        while self._pending:
            what, count = self._pending.pop()
            if count > 1:
                self._pending.append((what, count - 1))
            steps += 1
            if steps % _BATCH == 0:
                self._budget.step(_BATCH)
            if what == _BYTECODE_BODY:
                self._bytecode()
            elif what == _REPEAT_ITEM:
                self._repeated()
            elif what == _CONSTANT:
                self._constant()
            else:
                self._item(self._stream.integer(), promised=what == _PROMISE_VALUE)

    def _item(self, flags: int, *, promised: bool = False) -> None:
        """One item; what it consists of is put on the stack, the first part on top."""
        kind = flags & 0xFF
        attributes, tagged = bool(flags & 0x200), bool(flags & 0x400)
        stream = self._stream
        if promised and kind == _UNBOUND:
            self._counts[_FRAMED if self._framed else _PROMISE] += 1
        if kind in _ALONE:
            return
        if kind == _REFERENCE:
            if flags >> 8 == 0:
                stream.integer()
        elif kind in _PAIRS or kind in {_ATTR_LIST, _ATTR_CALL}:
            self._pair(kind, attributes=attributes, tagged=tagged)
        elif kind == _SYMBOL:
            self._symbol()
        elif kind == _BYTECODE:
            self._expect(_ITEM, int(attributes))
            stream.integer()  # how many parts stand in more than one place
            self._expect(_BYTECODE_BODY, 1)
        elif not self._unique(kind):
            self._vector(kind, attributes=attributes)

    def _expect(self, what: str, count: int) -> None:
        if count > 0:
            if len(self._pending) > _MAX_NESTED:
                raise BudgetError(f"nested more than {_MAX_NESTED:,} deep", offset=self._stream.at)
            self._pending.append((what, count))

    def _unique(self, kind: int) -> bool:
        """Items that have a layout of their own; false for the others."""
        stream = self._stream
        if kind == _ENVIRONMENT:
            self._framed = True
            stream.integer()
            self._expect(_ITEM, 4)  # enclosure, frame, hash table, attributes
        elif kind in {_PERSISTENT, _PACKAGE, _NAMESPACE}:
            stream.integer()
            self._expect(_ITEM, stream.length())
        elif kind in {_SPECIAL, _BUILTIN}:
            stream.text(stream.integer())
        elif kind == _ALTREP:
            self._expect(_ITEM, 3)  # class, state, attributes
        else:
            return False
        return True

    def _pair(self, kind: int, *, attributes: bool, tagged: bool) -> None:
        parts = attributes + tagged
        if kind == _PROMISE:  # environment, value, expression
            self._expect(_ITEM, 1)
            self._expect(_PROMISE_VALUE, 1)
            self._expect(_ITEM, parts)
            return
        self._expect(_ITEM, parts + 2)

    def _vector(self, kind: int, *, attributes: bool) -> None:
        stream = self._stream
        self._expect(_ITEM, int(attributes and kind != _STRING))
        if kind == _STRING:
            stream.text(stream.integer())
        elif kind in _WIDTHS:
            stream.skip_items(stream.length(), _WIDTHS[kind])
        elif kind in {_STRINGS, _VECTOR, _EXPRESSION}:
            self._expect(_ITEM, stream.length())
        elif kind == _POINTER:
            self._expect(_ITEM, 2)
        elif kind not in {_WEAK, _S4}:
            raise ReadError(f"an item of type {kind}", offset=stream.at)

    def _symbol(self) -> None:
        flags = self._stream.integer()
        if flags & 0xFF != _STRING:
            raise ReadError("a symbol without a name", offset=self._stream.at)
        name = self._stream.text(self._stream.integer())
        if name in _RUNNING:
            self._symbols.add(name)

    def _bytecode(self) -> None:
        """The instructions, a vector of numbers, and a list of constants."""
        self._item(self._stream.integer())
        self._expect(_CONSTANT, self._stream.length())

    def _constant(self) -> None:
        kind = self._stream.integer()
        if kind == _BYTECODE:
            self._expect(_BYTECODE_BODY, 1)
        elif kind in _REPEATABLE:
            self._repeat(kind)
        else:
            self._expect(_ITEM, 1)

    def _repeated(self) -> None:
        self._repeat(self._stream.integer())

    def _repeat(self, kind: int) -> None:
        """A call or list among the constants, which may stand in more than one place."""
        stream = self._stream
        if kind == _REPEAT:
            stream.integer()
            return
        if kind == _REPEAT_DEFINE:
            stream.integer()
            kind = stream.integer()
        if kind in {_CALL, _LIST, _ATTR_CALL, _ATTR_LIST}:
            self._expect(_REPEAT_ITEM, 2)
            self._expect(_ITEM, 1 + (kind in {_ATTR_CALL, _ATTR_LIST}))
            return
        self._expect(_ITEM, 1)
