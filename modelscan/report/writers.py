"""The table of report formats.

A writer is made when it is first asked for: importing all of them would cost every scan 10 ms, and
hardly a run needs two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from modelscan.report.writer import Quiet, Writer
from modelscan.vocabulary.result import Report

DEFAULT = "terminal"
"""The format of a run that asks for none."""


def _terminal() -> Writer:
    from modelscan.report.terminal import Terminal  # lazy: see above, as for all of these

    return Terminal()


def _native() -> Writer:
    from modelscan.report.native import Native

    return Native()


def _cyclonedx() -> Writer:
    from modelscan.report.cyclonedx.writer import CycloneDx

    return CycloneDx()


def _cyclonedx_1_7() -> Writer:
    from modelscan.report.cyclonedx.writer import CycloneDx

    return CycloneDx("1.7", "cyclonedx-1.7")


def _spdx() -> Writer:
    from modelscan.report.spdx.writer import Spdx

    return Spdx()


def _sarif() -> Writer:
    from modelscan.report.sarif.writer import Sarif

    return Sarif()


def _markdown() -> Writer:
    from modelscan.report.markdown import Markdown

    return Markdown()


def _html() -> Writer:
    from modelscan.report.html.writer import Html

    return Html()


def _junit() -> Writer:
    from modelscan.report.junit import JUnit

    return JUnit()


def _gitlab() -> Writer:
    from modelscan.report.gitlab import GitLab

    return GitLab()


def _github() -> Writer:
    from modelscan.report.github import GitHub

    return GitHub()


def _openvex() -> Writer:
    from modelscan.report.openvex import OpenVex

    return OpenVex()


_MAKERS: dict[str, Callable[[], Writer]] = {
    DEFAULT: _terminal,
    "json": _native,
    "cyclonedx": _cyclonedx,
    "cyclonedx-1.7": _cyclonedx_1_7,
    "spdx": _spdx,
    "sarif": _sarif,
    "markdown": _markdown,
    "html": _html,
    "junit": _junit,
    "gitlab": _gitlab,
    "github": _github,
    "openvex": _openvex,
}


class _Formats(Mapping[str, Writer]):
    def __init__(self) -> None:
        self._made: dict[str, Writer] = {}

    def __getitem__(self, name: str) -> Writer:
        if name not in self._made:
            self._made[name] = _MAKERS[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_MAKERS)

    def __len__(self) -> int:
        return len(_MAKERS)


BY_NAME: Mapping[str, Writer] = _Formats()
"""Every format by the name that a person types after `-f`, the default one first."""


def silence(writer: Writer, report: Report) -> str:
    """Why a format has nothing to say about a report, so that nothing is to be written.

    Empty for all others, whose writers always return a document.
    """
    return writer.silence(report) if isinstance(writer, Quiet) else ""
