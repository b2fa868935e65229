"""What a writer is: it turns a finished report into bytes, and judges nothing.

- A writer adds no fact and hides no finding without saying how many it left out.
- Text from a scanned model is inert in what it returns (see `text` and `jsontext`).
- The same report and the same `Output` give the same bytes.
"""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

import msgspec

from modelscan.vocabulary.result import Report


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """Where a report will be read. Formats for machines ignore it."""

    width: int = 80
    """Columns of the console; text is laid out for 60 to 120 of them."""
    colour: bool = False
    """True only when the reader is a terminal that shows colour, or colour was asked for."""
    encoding: str = "utf-8"
    """Encoding of the console. What it cannot show is replaced by visible escapes."""
    detail: Literal["quiet", "normal", "verbose"] = "normal"
    """`quiet`: the answers alone. `verbose`: notes of severity `info` in full."""


class Writer(Protocol):
    """A report format."""

    @property
    def name(self) -> str:
        """What a person types after `-f`."""
        ...

    def write(self, report: Report, output: Output) -> bytes:
        """The report in this format, ending in a line break.

        Bytes, because a document for machines is UTF-8 whatever the console's encoding is.
        """
        ...


@runtime_checkable
class Quiet(Protocol):
    """A format that has nothing to say about some reports; then its writer returns no bytes."""

    def silence(self, report: Report) -> str:
        """Why there is nothing to say; empty when there is something."""
        ...
