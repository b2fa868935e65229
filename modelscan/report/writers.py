"""The table of report formats."""

from __future__ import annotations

from modelscan.report.cyclonedx.writer import CycloneDx
from modelscan.report.native import Native
from modelscan.report.terminal import Terminal
from modelscan.report.writer import Writer

WRITERS: tuple[Writer, ...] = (Terminal(), Native(), CycloneDx())
"""Every format, the default one first."""

BY_NAME: dict[str, Writer] = {writer.name: writer for writer in WRITERS}
"""The same, by the name that a person types after `-f`."""
