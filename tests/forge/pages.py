"""Reads HTML pages the way a browser would, for tests of what stands in them."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from modelscan.report.html.writer import Html
from modelscan.report.writer import Output
from modelscan.vocabulary.result import ModelReport, Report
from tests.forge import reports

VOID = {"meta", "link", "input", "br"}


class Parsed(HTMLParser):
    """What a browser would make of a page; it fails where tags do not match."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.inside: dict[str, list[str]] = {"style": [], "script": []}
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        where = self._open[-1] if self._open else ""
        self.inside.get(where, self.words).append(data)

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        names = {name.rstrip("_"): value for name, value in wanted.items()}
        return [
            attributes
            for name, attributes in self.tags
            if name == tag and names.items() <= attributes.items()
        ]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def source(report: Report) -> str:
    return Html().write(report, Output()).decode()


def shown(*models: ModelReport, **changes: Any) -> Parsed:
    return Parsed(source(reports.report(*models, **changes)))
