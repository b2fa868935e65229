"""What the symbolic machine is in the middle of: its stack, marks and memo."""

from __future__ import annotations

from collections.abc import Callable

from modelscan.formats.pickle.ledger import Ledger
from modelscan.formats.pickle.literals import BrokenError
from modelscan.formats.pickle.values import Container, Value
from modelscan.formats.pickle.window import Argument


class State:
    """One pickle halfway through.

    Attributes:
        stack: the values above the last mark.
        marks: the stacks below each mark, outermost first. The unpickler cannot reach below a mark
            before it is popped (its "fence"), so neither can we.
        memo: values by their index.
        kept: items that containers have kept so far: what bounds their memory.
        declared: the protocol that the last PROTO named; it decides how names are looked up.
        protocol: the highest protocol declared, or needed by an opcode that was met.
        resume: where to read on.
        stopped: STOP was met.
    """

    __slots__ = (
        "declared", "kept", "ledger", "marks", "memo", "protocol", "resume", "stack", "stopped"
    )  # fmt: skip

    def __init__(self, ledger: Ledger, offset: int) -> None:
        self.ledger = ledger
        self.stack: list[Value] = []
        self.marks: list[list[Value]] = []
        self.memo: dict[int, Value] = {}
        self.kept = 0
        self.declared = 0
        self.protocol = 0
        self.resume = offset
        self.stopped = False

    @property
    def alive(self) -> int:
        """Values that are held, at most: containers may since have been dropped."""
        below = sum(map(len, self.marks)) + len(self.marks)
        return len(self.stack) + below + len(self.memo) + self.kept + self.ledger.imports

    def pop_mark(self, at: int) -> list[Value]:
        """The values above the last mark, which goes away with them.

        Raises:
            BrokenError: there is no mark.
        """
        if not self.marks:
            raise BrokenError("there is no mark", offset=at)
        items, self.stack = self.stack, self.marks.pop()
        return items

    def push_container(self, kind: str, items: list[Value]) -> None:
        """Put a new container on the stack."""
        container = Container(kind, items)
        self.kept += 1 + len(container.items) + len(container.linked or ())
        self.stack.append(container)


Handler = Callable[[State, Argument, int], bool | None]
"""What an opcode does: its argument and offset come after the state. True ends the run: the machine
reads on at `State.resume`. An empty stack shows as `IndexError`, which the machine translates."""
HandlerTable = dict[str, Handler]
"""Handlers by the opcode's name."""
