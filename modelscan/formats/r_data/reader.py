"""R's files: `.rds` with one value, `.RData` with several.

Invariants: the compression around them is undone elsewhere; nothing is evaluated. Functions in a
file are only run when somebody calls them, and are not stated.

Sources: R Internals, section 1.8; CVE-2024-27322 (a promise that runs when the value is used).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.r_data.items import Walked, Walker
from modelscan.formats.r_data.stream import Stream
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ActiveContent, Fact

_START: Final = re.compile(
    rb"(?:RD[AXB][23]\n)?(?:X\n\x00\x00\x00[\x02\x03]|B\n[\x02\x03]\x00\x00\x00|A\n[23]\n\d+\n)"
)
_SPELLINGS: Final[dict[bytes, Literal["xdr", "native", "ascii"]]] = {
    b"X\n": "xdr",
    b"B\n": "native",
    b"A\n": "ascii",
}
_MARK: Final = 5
_WITH_ENCODING: Final = 3
"""The first version that states the encoding of the writer."""


class RDataReader:
    """A stream of serialised R objects."""

    format = "rds"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By the first bytes."""
        return _START.match(glimpse.head) is not None

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State promises that were not evaluated.

        Raises:
            ReadError: the stream breaks the format.
            BudgetError: more items than the budget allows.
        """
        stream = _open(artifact)
        walker = Walker(stream, budget)
        try:
            walker.run()
        finally:
            # what was found before an error counts, and the error itself follows
            facts = list(_facts(artifact, walker.state(), budget))
            yield from facts


def _open(artifact: Artifact) -> Stream:
    """The stream behind its header.

    Raises:
        ReadError: the header breaks off.
    """
    at = _MARK if artifact.read_at(0, 2) == b"RD" else 0
    spelling = _SPELLINGS.get(artifact.read_at(at, 2))
    if spelling is None:
        raise ReadError("no R stream", offset=at)
    stream = Stream(artifact, at + 2, spelling)
    version = stream.integer()
    stream.integer()
    stream.integer()
    if version == _WITH_ENCODING:
        stream.text(stream.integer())
    return stream


def _facts(artifact: Artifact, walked: Walked, budget: Budget) -> Iterator[Fact]:
    if walked.promises or (walked.framed and walked.calls):
        budget.fact()
        yield ActiveContent(
            location=place(artifact),
            format="rds",
            kind="promise",
            name=", ".join(walked.calls),
            detail=f"{walked.promises + walked.framed:,} expressions that were not evaluated",
        )
