"""Functions that an ONNX model brings along: what they take the place of, and what they unfold to.

Runtimes replace a call by the body of its function. A function that calls itself never ends, and
functions that call each other twice at every step double the graph each time.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

Key = tuple[str, str]
"""Domain and name."""

UNFOLDED: Final = 10_000_000
"""Calls that no model makes once everything is replaced; the largest real graphs have some
hundred thousand nodes."""


class Unfolding:
    """Which functions call which, and how often."""

    def __init__(self) -> None:
        self.calls: dict[Key, Counter[Key]] = {}
        """By function; the graph itself goes by two empty names."""

    def call(self, caller: Key, callee: Key) -> bool:
        """Note a node whose operator may be a function; true when it was not known yet."""
        calls = self.calls.get(caller)
        if calls is None:
            calls = self.calls[caller] = Counter()
        calls[callee] += 1
        return calls[callee] == 1

    def sizes(self, functions: frozenset[Key]) -> dict[Key, int | None]:
        """Calls inside each function once all are replaced; absent for one that calls itself.

        Walks without recursion, so that a chain of any length is no danger.
        """
        sizes: dict[Key, int | None] = {}
        for start in functions:
            pending = [start]
            on_path: set[Key] = set()
            while pending:
                key = pending[-1]
                if key in sizes:
                    pending.pop()
                    continue
                inner = {k: n for k, n in self.calls.get(key, Counter()).items() if k in functions}
                waiting = [callee for callee in inner if callee not in sizes]
                if key in on_path or not waiting:
                    on_path.discard(key)
                    sizes[key] = _size(inner, sizes)
                    pending.pop()
                    continue
                on_path.add(key)
                if on_path.intersection(waiting):
                    sizes[key] = None
                    continue
                pending += waiting
        return sizes


def _size(inner: dict[Key, int], sizes: dict[Key, int | None]) -> int | None:
    total = 0
    for callee, count in inner.items():
        size = sizes.get(callee)
        if size is None:
            return None
        total = min(total + count * (1 + size), UNFOLDED + 1)
    return total
