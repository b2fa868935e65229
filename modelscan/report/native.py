"""Format `json`: the report as it is, one entry for one field of `vocabulary.result`.

Its shape is `docs/schema/report-1.json`, which is generated from the same types.
"""

from __future__ import annotations

from modelscan.report.jsontext import encode
from modelscan.report.writer import Output
from modelscan.vocabulary.result import Report


class Native:
    """The versioned native report."""

    name = "json"

    def write(self, report: Report, output: Output) -> bytes:  # noqa: ARG002  # the Writer protocol
        """See `Writer.write`."""
        return encode(report)
