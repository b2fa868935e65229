"""Format `html`: one file that opens in any browser, and asks nothing of the network.

The page itself is built by `document`; this module is all that another format pays for.
"""

from __future__ import annotations

from modelscan.report.writer import Output
from modelscan.vocabulary.result import Report


class Html:
    """A page for people."""

    name = "html"

    def write(self, report: Report, output: Output) -> bytes:  # noqa: ARG002  # the Writer protocol
        """See `Writer.write`."""
        from modelscan.report.html.document import page  # lazy: ten modules that only pages need

        # in pieces: one wide character makes a text four times as long, and there are megabytes
        return b"".join(piece.encode() for piece in page(report))
