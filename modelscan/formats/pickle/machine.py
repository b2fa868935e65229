"""The symbolic machine: what a pickle would do, without doing it.

It follows the stack, the memo and the marks as CPython's C unpickler does (`Modules/_pickle.c`), on
descriptions of values. It stops where that unpickler would certainly fail, and goes on wherever it
might.

There are three ways, each quicker than the next. As soon as one cannot tell, the next begins at the
beginning:

* *thorough* follows everything;
* *lean* does not follow what is in containers, and steps over stretches that only build plain data:
  while every name that was imported is trusted, nothing in them can matter;
* *glance* does not even look which entries of the memo such a stretch sets and fetches.

Invariants:

* nothing grows but the stack, the memo and the few items that containers keep, and their sum is
  bounded: a value that is duplicated or fetched a billion times is one object;
* opcodes are accounted for in batches, so that an endless stream ends within the budget;
* what a quicker way states, the thorough one would state, too.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.pickle.acting import ACTING
from modelscan.formats.pickle.building import BUILDING
from modelscan.formats.pickle.follow import follow
from modelscan.formats.pickle.indices import Indices
from modelscan.formats.pickle.ledger import Ledger
from modelscan.formats.pickle.literals import BrokenError
from modelscan.formats.pickle.memo import EscalateError
from modelscan.formats.pickle.numpy_arrays import Array
from modelscan.formats.pickle.opcodes import CODES, PROTO
from modelscan.formats.pickle.skip import WORTH_IT, Run, skip_inert
from modelscan.formats.pickle.state import WAYS, Handler, State, Way
from modelscan.formats.pickle.survey import fetched, inert_stretch
from modelscan.formats.pickle.window import Argument, Window

_BATCH: Final = 16 << 10
"""Bytes that are followed before the budget is asked."""
_WORTH_IT: Final = 64 << 10
"""Bytes from which on a stretch that is not followed repays the look at it."""
_LARGE: Final = 1 << 20
"""Bytes of a pickle from which on it pays to find out which memo entries it ever fetches."""
_CROWDED: Final = 1 << 17
"""Memo entries from which on that pays in the quick way."""


class Machine:
    """Follows one pickle.

    Args:
        window: the bytes.
        ledger: is told of every import and call.
        budget: pays for opcodes and values.
        depth: pickles around this one, inside arrays of objects.
        lean: try the quicker ways first.
        arrays: the loader is joblib's, and knows of arrays between opcodes.

    Attributes:
        state: what the last way to follow it has ended with.
        protocol: the highest protocol that the pickle has declared or needed so far.
        doubtful: a loader that knows nothing of arrays may read on where one begins.
        mixed: where it then takes one pickle for a part of another, whose memo it is not.
    """

    def __init__(
        self,
        window: Window,
        ledger: Ledger,
        budget: Budget,
        depth: int = 0,
        *,
        lean: bool = True,
        arrays: bool = True,
    ) -> None:
        self._window = window
        self._ledger = ledger
        self._budget = budget
        self._depth = depth
        self._ways: tuple[Way, ...] = WAYS if lean else WAYS[-1:]
        self._due = 0
        self._crowded = 0
        self._arrays = arrays
        self._exact: State | None = None  # as it was before anything was skipped
        self._dead = False  # a loader that knows nothing of arrays has failed before this one
        self.state: State | None = None
        self.protocol = 0
        self.doubtful = False
        self.mixed = window.size

    def run(self, offset: int, inert: Run | None = None) -> int:
        """Follow the pickle that begins at `offset`; returns the offset after its STOP.

        Args:
            offset: where it begins.
            inert: how far nothing is hot, when that is known.

        Raises:
            ReadError: the stream breaks, or reaches a state in which the unpickler fails.
            BudgetError: too many opcodes or values.
        """
        declared = self._window.take(offset, 2)
        for way in self._ways:
            state = self.state = self._begin(offset, way)
            if way == "glance" and inert is not None and inert.before - offset > _WORTH_IT:
                state.skip_blindly()
                state.resume, state.frame = inert.before, inert.frame
                state.declared = declared[1] if declared[0] == PROTO else 0
            if way == "thorough" and self._window.size - offset > _LARGE:
                state.memo.wanted = self._fetched(offset)
            try:
                return self._run(state)
            except EscalateError:
                continue
        raise ReadError("the pickle cannot be followed", offset=offset)

    def _begin(self, offset: int, way: Way) -> State:
        """Where a way begins: up to the first stretch that was skipped, the quicker two agree."""
        if way != "lean" or self._exact is None:
            return State(self._ledger, offset, way, arrays=self._arrays)
        state, self._exact = self._exact, None
        state.way = way
        return state

    def _run(self, state: State) -> int:
        self._due = self._budget.limits.values
        self._crowded = _CROWDED
        handlers = _handlers()
        try:
            while not state.stopped:
                offset = state.resume
                follow(state, self._window, _BATCH, handlers)
                if state.array is not None:
                    array, state.array, state.frame = state.array, None, 0
                    state.resume = self._skip_array(array, state.resume)
                elif not state.stopped:
                    self._account(state, state.resume - offset)
        except BudgetError:
            raise
        except ReadError as error:
            raise state.doubt or error from None
        finally:
            self.protocol = max(self.protocol, state.protocol)
        if state.doubt is not None:
            raise state.doubt
        return state.resume

    def _account(self, state: State, length: int) -> None:
        """Pay for a batch; then make room, and step over what need not be followed."""
        self._budget.step(length // 2 + 1)
        memo = state.memo
        due = state.held + state.kept > self._due
        if memo.ordered and (due or len(memo.recent) > self._crowded):
            self._make_room(state)
        if due:
            state.kept = state.count()
            limit = self._budget.limits.values
            if state.held + state.kept > limit:
                raise BudgetError(f"more than {limit:,} values at once")
            self._due = state.held + state.kept + limit // 2
        if not state.acted and state.lean:
            self._skip(state)
        state.acted = False

    def _make_room(self, state: State) -> None:
        """Let go of the memo entries that are never fetched."""
        memo = state.memo
        if memo.wanted is None and state.lean:
            memo.wanted = self._fetched(state.resume)
        if memo.wanted is None:
            self._crowded *= 2
        else:
            memo.retire()

    def _fetched(self, offset: int) -> Indices | None:
        return fetched(self._window, offset, self._budget, arrays=self._arrays)

    def _skip(self, state: State) -> None:
        """Step over a stretch of inert opcodes, if there is one here."""
        memo = state.memo
        if state.way == "glance":
            try:
                run = skip_inert(self._window, state.resume, self._budget, state.frame, fast=True)
            except BudgetError:
                raise
            except ReadError:
                return  # whoever follows it opcode by opcode finds out where it breaks
            if run.before - state.resume > _WORTH_IT:
                if not memo.blind:
                    self._exact = state.copy()
                state.skip_blindly()
                self._skipped(state, run.before, run.frame, run.misframed)
            return
        if not memo.ordered:
            return
        stretch = inert_stretch(self._window, state.resume, self._budget, state.frame)
        if stretch is None or (stretch.memoized and not memo.exact):
            return
        keys = stretch.keys(memo.next)
        if keys is not None:
            state.skip(keys, stretch.gets, stretch.end)
            self._skipped(state, stretch.end, stretch.frame, stretch.misframed)

    @staticmethod
    def _skipped(state: State, end: int, frame: int, misframed: int | None) -> None:
        """Go on after a stretch."""
        state.resume, state.frame = end, frame
        if misframed is not None:
            state.misframed(misframed)

    def _skip_array(self, array: Array, offset: int) -> int:
        """Step over the array that joblib stores right behind its wrapper; returns its end."""
        self.doubtful |= not self._dead and self._may_go_on(array, offset)
        self._dead |= not self.doubtful
        if array.nested:
            self.mixed = min(self.mixed, offset)
            # joblib unpickles these with an unpickler that knows nothing of arrays
            self._budget.depth(self._depth + 1)
            inner = Machine(self._window, self._ledger, self._budget, self._depth + 1, arrays=False)
            return inner.run(offset)
        if array.aligned:
            offset += 1 + int.from_bytes(self._window.take(offset, 1), "little")
        if offset + array.length > self._window.size:
            raise ReadError("an array reaches past the end", offset=offset)
        return offset + array.length

    def _may_go_on(self, array: Array, offset: int) -> bool:
        """True when what are numbers to joblib may be opcodes to another loader.

        With the padding that joblib writes today they are not: its length is no opcode.
        """
        if array.nested:
            return True
        try:
            skip_inert(self._window, offset, self._budget, fast=array.length > WORTH_IT)
        except BudgetError:
            raise
        except ReadError as error:
            return (error.offset or offset) > offset + array.length
        return True


@cache
def _handlers() -> tuple[Handler, ...]:
    """The handler of each opcode by its byte; the decoder lets no other byte through."""
    by_code = {CODES[name]: handler for name, handler in {**BUILDING, **ACTING}.items()}
    return tuple(by_code.get(code, _refused) for code in range(256))


def _refused(_state: State, _argument: Argument, at: int) -> None:
    raise BrokenError("no opcode", offset=at)
