"""The symbolic machine: what a pickle would do, without doing it.

It follows the stack, the memo and the marks as CPython's C unpickler does (`Modules/_pickle.c`), on
descriptions of values. It stops where that unpickler would certainly fail, and goes on wherever it
might.

Invariants:

* nothing grows but the stack, the memo and the few items that containers keep, and their sum is
  bounded: a value that is duplicated or fetched a billion times is one object;
* opcodes are accounted for in batches, so that an endless stream ends within the budget.
"""

from __future__ import annotations

from functools import cache
from itertools import islice
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.pickle.acting import ACTING
from modelscan.formats.pickle.building import BUILDING
from modelscan.formats.pickle.ledger import Ledger
from modelscan.formats.pickle.literals import BrokenError
from modelscan.formats.pickle.numpy_arrays import WRAPPER, Array, described_array
from modelscan.formats.pickle.opcodes import CODES, NAMES
from modelscan.formats.pickle.state import Handler, State
from modelscan.formats.pickle.values import Call, Global
from modelscan.formats.pickle.window import Argument, Window, decode

_BATCH: Final = 4096
_BUILD: Final = CODES["BUILD"]


class Machine:
    """Follows one pickle.

    Args:
        window: the bytes.
        ledger: is told of every import and call.
        budget: pays for opcodes and values.
        depth: pickles around this one, inside arrays of objects.
    """

    def __init__(self, window: Window, ledger: Ledger, budget: Budget, depth: int = 0) -> None:
        self._window = window
        self._ledger = ledger
        self._budget = budget
        self._depth = depth
        self.protocol = 0
        """The highest protocol that the pickle has declared or needed so far."""

    def run(self, offset: int) -> int:
        """Follow the pickle that begins at `offset`; returns the offset after its STOP.

        Raises:
            ReadError: the stream breaks, or reaches a state in which the unpickler fails.
            BudgetError: too many opcodes or values.
        """
        state = State(self._ledger, offset)
        while not state.stopped:
            self._run_on(state)
        return state.resume

    def _run_on(self, state: State) -> None:
        """Run up to STOP, or up to an array after which reading goes on elsewhere."""
        handlers = _handlers()
        stream = decode(self._window, state.resume)
        code, at = _BUILD, state.resume
        try:
            while True:
                for code, argument, at in islice(stream, _BATCH):
                    if code == _BUILD:
                        leave: bool | None = self._build(state, at)
                    else:
                        leave = handlers[code](state, argument, at)
                    if leave:
                        return
                self._account(state)
        except IndexError:
            raise BrokenError(f"nothing on the stack for {NAMES[code]}", offset=at) from None
        finally:
            self.protocol = max(self.protocol, state.protocol)

    def _account(self, state: State) -> None:
        self._budget.step(_BATCH)
        if state.alive > self._budget.limits.values:
            raise BudgetError(f"more than {self._budget.limits.values:,} values at once")

    def _build(self, state: State, at: int) -> bool:
        """BUILD: set the state of an instance; a module, class or function must not be one."""
        value = state.stack.pop()
        target = state.stack[-1]
        if isinstance(target, Global):
            self._ledger.oddity("overwritten-state", target.callable, at)
        elif isinstance(target, Call):
            target.state = value
            if isinstance(target.function, Global) and target.function.callable in WRAPPER:
                state.resume = self._skip_array(described_array(value, at), at + 1)
                return True
        return False

    def _skip_array(self, array: Array, offset: int) -> int:
        """Step over the array that joblib stores right behind its wrapper; returns its end."""
        if array.nested:
            self._budget.depth(self._depth + 1)
            inner = Machine(self._window, self._ledger, self._budget, self._depth + 1)
            return inner.run(offset)
        if array.aligned:
            offset += 1 + int.from_bytes(self._window.take(offset, 1), "little")
        if offset + array.length > self._window.size:
            raise ReadError("an array reaches past the end", offset=offset)
        return offset + array.length


@cache
def _handlers() -> tuple[Handler, ...]:
    """The handler of each opcode by its byte; the decoder lets no other byte through."""
    by_code = {CODES[name]: handler for name, handler in {**BUILDING, **ACTING}.items()}
    return tuple(by_code.get(code, _refused) for code in range(256))


def _refused(_state: State, _argument: Argument, at: int) -> None:
    raise BrokenError("no opcode", offset=at)
