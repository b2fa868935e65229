"""The table of report formats."""

from __future__ import annotations

from modelscan.report.cyclonedx.writer import CycloneDx
from modelscan.report.github import GitHub
from modelscan.report.gitlab import GitLab
from modelscan.report.html.writer import Html
from modelscan.report.junit import JUnit
from modelscan.report.markdown import Markdown
from modelscan.report.native import Native
from modelscan.report.openvex import OpenVex
from modelscan.report.sarif.writer import Sarif
from modelscan.report.spdx.writer import Spdx
from modelscan.report.terminal import Terminal
from modelscan.report.writer import Writer
from modelscan.vocabulary.result import Report

_OPENVEX = OpenVex()

WRITERS: tuple[Writer, ...] = (
    Terminal(),
    Native(),
    CycloneDx(),
    CycloneDx("1.7", "cyclonedx-1.7"),
    Spdx(),
    Sarif(),
    Markdown(),
    Html(),
    JUnit(),
    GitLab(),
    GitHub(),
    _OPENVEX,
)
"""Every format, the default one first."""

BY_NAME: dict[str, Writer] = {writer.name: writer for writer in WRITERS}
"""The same, by the name that a person types after `-f`."""


def silence(writer: Writer, report: Report) -> str:
    """Why a format has nothing to say about a report, so that nothing is to be written.

    Empty for all others, whose writers always return a document.
    """
    return _OPENVEX.silence(report) if writer is _OPENVEX else ""
