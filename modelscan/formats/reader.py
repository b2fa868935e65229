"""What a reader is: it recognises bytes, and turns them into facts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from modelscan.budget import Budget
from modelscan.vocabulary.artifact import Artifact, base_name
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact

HEAD = 4096
"""Bytes shown from the start of an artifact."""
TAIL = 22 + 65_535
"""Bytes shown from its end: a zip's end-of-directory record with the longest comment."""

APPLE_DOUBLE = b"\0\x05\x16\x07\0\x02\0\0"
"""How a Mac begins what it notes beside a file, `._model.safetensors`, on disks and in archives
that have no place for it (RFC 1740, AppleDouble). Its name is the file's; nothing loads it."""
_END_RECORD = b"PK\x05\x06"


class Glimpse:
    """What a reader sees of an artifact when it is asked whether it recognises it."""

    __slots__ = (
        "_end_record", "_tail", "artifact", "extension", "head", "name", "size"
    )  # fmt: skip

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        """All of it, for the few readers whose answer depends on what lies in its middle."""
        self.name = name = base_name(artifact)
        """The last part of the name, of the member when there is one."""
        self.size = artifact.size
        self.head = head = artifact.read_at(0, HEAD)
        """The first bytes."""
        dot = name.rfind(".")
        promises = dot > 0 and head[:8] != APPLE_DOUBLE
        self.extension = name[dot:].lower() if promises else ""
        """With its dot, in lower case; empty when there is none, and when it promises nothing."""
        self._tail: bytes | None = None
        self._end_record: int | None = None

    @property
    def tail(self) -> bytes:
        """The last bytes; read only when a reader asks for them."""
        if self._tail is None:
            self._tail = self.artifact.read_at(max(0, self.size - TAIL), TAIL)
        return self._tail

    @property
    def ending(self) -> bytes:
        """The last bytes, of a short artifact those that have been read already."""
        return self.head if self.size <= HEAD else self.tail

    @property
    def end_record(self) -> int:
        """Where the last four bytes that begin a zip's end record are in `ending`, or -1.

        Every file pays for this, and two readers ask.
        """
        if self._end_record is None:
            self._end_record = self.ending.rfind(_END_RECORD)
        return self._end_record


class Reader(Protocol):
    """A format. Readers state facts and never judge; they never load, import or run anything."""

    @property
    def format(self) -> str:
        """The format's name in reports, such as `safetensors`."""
        ...

    def recognises(self, glimpse: Glimpse) -> bool:
        """True when these bytes are, or by their name must be, in this format.

        Content decides. A name alone suffices only where every loader goes by the name, so that
        content which is not in the format becomes coverage instead of silence.
        """
        ...

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State what is in the bytes.

        A yielded artifact (an archive member, a nested pickle) goes to every reader in its turn. A
        yielded `Coverage` about the artifact itself replaces the entry that says it was read.

        Raises:
            ReadError: the bytes break the format; what was yielded before stays valid.
            BudgetError: reading on would cost too much.
        """
        ...
