"""MessagePack, as Flax and other JAX libraries store weights: a walk over its values.

Invariants: nothing is built; extension types other than Flax's own arrays, and bytes that may be a
pickle, are what is stated or handed on.

Sources: MessagePack specification, 2013; `flax.serialization` (extension types 1 to 3);
msgpack-numpy, whose arrays of objects are pickles.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.archive import Window
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, SliceArtifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ActiveContent, Fact

_EXTENSIONS: Final = frozenset({".msgpack", ".flax", ".mpk"})
_TABLES: Final = (*(bytes((0x80 + count,)) for count in range(1, 16)), b"\xde", b"\xdf")
"""First bytes of a table, but for an empty one: pickles begin like that."""
_CHECKPOINT: Final = re.compile(r"checkpoint(?:_\d+)?")
_OWN_TYPES: Final = frozenset({-1, 1, 2, 3})
"""Time stamps, and Flax's arrays, complex numbers and scalars."""
_FIXED: Final = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8,
                 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}  # fmt: skip
_SIZED: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_EXTENDED: Final = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_EXTENDED_FIXED: Final = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_NESTED: Final = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}
"""Bytes of the count, and values for each."""
_BATCH: Final = 10_000
_PROTO: Final = 0x80
_STOP: Final = b"."
_SHORTEST: Final = 4
_MAX_TYPES: Final = 20


class MsgpackReader:
    """A MessagePack file, by its extension."""

    format = "msgpack"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By extension, as the format has no first bytes of its own; a table by Flax's old name."""
        if glimpse.extension in _EXTENSIONS:
            return True
        return glimpse.head[:1] in _TABLES and _CHECKPOINT.fullmatch(glimpse.name) is not None

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State extension types that Flax does not have, and hand on what may be a pickle.

        Raises:
            ReadError: it is not MessagePack.
            BudgetError: more values than the budget allows.
        """
        types: Counter[int] = Counter()
        walk = _Walk(artifact, budget)
        for kind, at, length in walk.values():
            if kind is not None and kind not in _OWN_TYPES:
                types[kind] += 1
                if types[kind] == 1 and len(types) <= _MAX_TYPES:
                    budget.fact()
                    yield ActiveContent(
                        location=place(artifact, at),
                        format=self.format,
                        kind="extension-type",
                        name=str(kind),
                        detail=f"{length:,} bytes",
                    )
            if length >= _SHORTEST and walk.may_be_pickle(at, length):
                budget.member()
                yield SliceArtifact(artifact, at, length, f"@{at}")


class _Walk:
    """Steps from value to value. Nesting needs no stack: only what remains is counted."""

    def __init__(self, artifact: Artifact, budget: Budget) -> None:
        self._artifact = artifact
        self._budget = budget
        self._window = Window(artifact)

    def values(self) -> Iterator[tuple[int | None, int, int]]:
        """Extension type, place and length of every text, bytes and extension."""
        at, steps = 0, 0
        wanted = 1
        while wanted or at < self._artifact.size:
            wanted = max(0, wanted - 1)
            steps += 1
            if steps % _BATCH == 0:
                self._budget.step(_BATCH)
            code = self._number(at, 1)
            at += 1
            if code in _FIXED:
                at += _FIXED[code]
            elif code in _NESTED:
                width, each = _NESTED[code]
                wanted += self._number(at, width) * each
                at += width
            elif 0x80 <= code <= 0x9F:  # noqa: PLR2004  # short tables and lists
                wanted += (code & 0x0F) * (1 if code & 0x10 else 2)
            elif code == 0xC1:  # noqa: PLR2004  # never used
                raise ReadError("not MessagePack", offset=at - 1)
            elif 0xA0 <= code <= 0xDB and code not in _FIXED:  # noqa: PLR2004  # what has a length
                kind, at, length = self._sized(code, at)
                yield kind, at, length
                at += length
            if at > self._artifact.size or wanted > self._artifact.size - at:
                raise ReadError("values past the end of the file", offset=at)

    def _sized(self, code: int, at: int) -> tuple[int | None, int, int]:
        """Extension type, place and length of a value that has a length."""
        if code in _EXTENDED_FIXED:
            return self._type(at), at + 1, _EXTENDED_FIXED[code]
        if code in _EXTENDED:
            width = _EXTENDED[code]
            return self._type(at + width), at + width + 1, self._number(at, width)
        if code in _SIZED:
            width = _SIZED[code]
            return None, at + width, self._number(at, width)
        return None, at, code & 0x1F

    def may_be_pickle(self, at: int, length: int) -> bool:
        """True for bytes that begin or end as pickles do."""
        head = self._window.at(at, 2)
        if len(head) > 1 and head[0] == _PROTO and head[1] <= 5:  # noqa: PLR2004  # protocols
            return True
        return self._artifact.read_at(at + length - 1, 1) == _STOP

    def _number(self, at: int, width: int) -> int:
        data = self._window.at(at, width)
        if len(data) < width:
            raise ReadError("the data breaks off", offset=at)
        return int.from_bytes(data, "big")

    def _type(self, at: int) -> int:
        value = self._number(at, 1)
        return value - 256 if value > 127 else value  # noqa: PLR2004  # a signed byte
