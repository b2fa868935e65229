"""Numbers and texts of an R stream, in its three spellings: XDR, native binary, and ASCII.

Source: R Internals, section 1.8, "Serialization Formats".
"""

from __future__ import annotations

from typing import Final, Literal

from modelscan.errors import ReadError
from modelscan.vocabulary.artifact import Artifact

_BLOCK: Final = 64 << 10
_LONGEST_WORD: Final = 64


class Stream:
    """Reads forwards.

    Args:
        artifact: the stream, uncompressed.
        at: where the first number stands.
        spelling: how numbers are written.
    """

    def __init__(
        self, artifact: Artifact, at: int, spelling: Literal["xdr", "native", "ascii"]
    ) -> None:
        self.at = at
        self._artifact = artifact
        self._spelling = spelling
        self._start = 0
        self._block = b""

    def integer(self) -> int:
        """A 32-bit number, signed; `NA` is the least of them.

        Raises:
            ReadError: the stream ends, or it is no number.
        """
        if self._spelling == "ascii":
            word = self._word()
            try:
                return -(1 << 31) if word == b"NA" else int(word)
            except ValueError:
                raise ReadError("a number that is none", offset=self.at) from None
        order: Literal["big", "little"] = "big" if self._spelling == "xdr" else "little"
        return int.from_bytes(self._take(4), order, signed=True)

    def length(self) -> int:
        """A length: 32 bits, or -1 and two halves of a longer one.

        Raises:
            ReadError: it is negative or impossible.
        """
        length = self.integer()
        if length == -1:
            upper, lower = self.integer(), self.integer()
            length = (upper << 32) + (lower & 0xFFFFFFFF)
        if length < 0 or length > self._artifact.size:
            raise ReadError(f"a length of {length:,}", offset=self.at)
        return length

    def text(self, length: int) -> str:
        """Text of so many bytes, abbreviated; -1 is `NA`."""
        if length <= 0:
            return ""
        if self._spelling == "ascii":
            return self._word().decode("latin-1")
        kept = self._take(min(length, _BLOCK))
        self.skip(length - len(kept))
        return kept.decode("utf-8", "replace")

    def skip_items(self, count: int, width: int) -> None:
        """Step over elements of a vector: `width` bytes each, or one word each."""
        if self._spelling != "ascii":
            self.skip(count * width)
            return
        for _ in range(count):
            self._word()

    def skip(self, length: int) -> None:
        """Step over bytes.

        Raises:
            ReadError: the stream ends before.
        """
        if self.at + length > self._artifact.size:
            raise ReadError("the stream breaks off", offset=self.at)
        self.at += length

    def _take(self, length: int) -> bytes:
        lead = self.at - self._start
        if lead < 0 or lead + length > len(self._block):
            self._block = self._artifact.read_at(self.at, max(length, _BLOCK))
            self._start, lead = self.at, 0
        found = self._block[lead : lead + length]
        if len(found) < length:
            raise ReadError("the stream breaks off", offset=self.at)
        self.at += length
        return found

    def _word(self) -> bytes:
        """What stands up to white space; a backslash escapes a blank inside a text."""
        while (first := self._take(1)) in b" \t\r\n":
            pass
        word = bytearray(first)
        while True:
            if self.at >= self._artifact.size:
                return bytes(word)
            following = self._take(1)
            if following in b" \t\r\n":
                return bytes(word)
            if len(word) < _LONGEST_WORD * 64:
                word += following
