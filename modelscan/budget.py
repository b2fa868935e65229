"""One budget for one top-level file and everything nested inside it.

Hostile input decides how much there is to read; the budget decides how much of it we read. Reaching
a limit raises `BudgetError`, which the pipeline turns into needed coverage: never a silent stop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable

import msgspec

from modelscan.errors import BudgetError

_MIB = 1 << 20


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one file may cost. The defaults fit the largest real checkpoints with room left."""

    depth: int = 8
    """Archives within archives; real ones nest three deep (`.nemo`, `.ckpt`, `data.pkl`)."""
    members: int = 200_000
    """Members over all archives of one file; the largest torch checkpoints have about 100,000."""
    inflated_bytes: int = 64 << 30
    """Bytes that decompression may produce over all archives of one file."""
    ratio: int = 1_000
    """Inflated over compressed bytes, judged only past `ratio_floor`; sparse weights reach 300."""
    ratio_floor: int = 64 * _MIB
    """Inflated bytes below which no ratio is suspicious."""
    ratio_total: int = 2_000
    """All that is inflated of one file over its size, however many streams lie in it side by side
    or inside each other; what is read twice counts twice."""
    total_floor: int = 256 * _MIB
    """The same as `ratio_floor`, for `ratio_total`."""
    header_bytes: int = 256 * _MIB
    """A structured header or document that has to be parsed whole (safetensors allows 100 MB)."""
    steps: int = 400_000_000
    """Opcodes, tokens or records stepped over, counted by each reader in its own unit."""
    facts: int = 20_000
    """Facts kept from one file; a hostile pickle can name a million globals."""
    values: int = 2_000_000
    """Symbolic values alive in a reader at once: what bounds memory."""
    seconds: float = 600.0
    """Wall time for reading the structure of one file; hashing is not counted."""


class Budget:
    """What is left of `Limits` while one file is read.

    Not shared between files: one hostile file cannot starve the others, and no lock is needed.
    """

    __slots__ = (
        "_clock", "_deadline", "_facts", "_inflated", "_members", "_most", "_said",
        "_steps", "limits",
    )  # fmt: skip

    def __init__(
        self, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits = limits or Limits()
        self._clock = clock
        self._deadline = clock() + self.limits.seconds
        self._members = 0
        self._inflated = 0
        self._most = self.limits.inflated_bytes
        self._steps = 0
        self._facts = 0
        self._said: set[Hashable] = set()

    def of(self, size: int) -> None:
        """Say how large the file is that is being read: what may be inflated goes by it."""
        limits = self.limits
        most = max(limits.total_floor, limits.ratio_total * size)
        self._most = min(most, limits.inflated_bytes)

    def member(self, count: int = 1) -> None:
        """Account for archive members about to be listed."""
        self._members += count
        if self._members > self.limits.members:
            raise BudgetError(f"more than {self.limits.members:,} archive members")
        self._check_time()

    def inflate(self, produced: int, *, total: int = 0, compressed: int = 0) -> None:
        """Account for `produced` more inflated bytes.

        Args:
            produced: bytes that decompression has just produced.
            total: bytes that the same stream has produced so far, for its ratio.
            compressed: bytes that the same stream has consumed so far.
        """
        self._inflated += produced
        limits = self.limits
        if self._inflated > self._most:
            raise BudgetError(f"more than {self._most:,} bytes once decompressed")
        if total > limits.ratio_floor and total > limits.ratio * max(compressed, 1):
            raise BudgetError(f"decompresses to more than {limits.ratio:,} times its size")
        self._check_time()

    def step(self, count: int = 1) -> None:
        """Account for `count` opcodes, tokens or records; call it in batches, not for each one."""
        self._steps += count
        if self._steps > self.limits.steps:
            raise BudgetError(f"more than {self.limits.steps:,} steps")
        self._check_time()

    def fact(self) -> None:
        """Account for one fact about to be kept."""
        self._facts += 1
        if self._facts > self.limits.facts:
            raise BudgetError(f"more than {self.limits.facts:,} facts")

    def repeats(self, what: Hashable) -> bool:
        """True when this was said of the file before, in another part of it."""
        if what in self._said:
            return True
        if len(self._said) < self.limits.facts:
            self._said.add(what)
        return False

    def header(self, length: int) -> None:
        """Refuse a header or document that is too long to be parsed whole."""
        if length > self.limits.header_bytes:
            raise BudgetError(f"a header of {length:,} bytes")

    def depth(self, depth: int) -> None:
        """Refuse an artifact that is nested too deeply."""
        if depth > self.limits.depth:
            raise BudgetError(f"nested more than {self.limits.depth} deep")

    def _check_time(self) -> None:
        if self._clock() > self._deadline:
            raise BudgetError(f"more than {self.limits.seconds:g} seconds")
