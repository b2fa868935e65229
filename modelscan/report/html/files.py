"""The files of a model: what the bytes are, how far they were read, their digests.

The first rows are in view, the others behind a summary; what is left out of the page is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from modelscan.report.html.findings import badge, first_places
from modelscan.report.html.markup import code, copyable, text
from modelscan.report.text import counted, size
from modelscan.vocabulary.result import FileEntry, ModelReport
from modelscan.vocabulary.rule import Severity

MOST_FILES = 10_000
"""Files of one model on a page; the native report holds all of them."""
IN_VIEW = 100

_HEAD = (
    '<thead><tr><th scope="col">File</th><th scope="col">Format</th><th scope="col">Size</th>'
    '<th scope="col">Looked at</th><th scope="col">Findings</th><th scope="col">Digests</th>'
    "</tr></thead>"
)

_First = dict[str, tuple[int, Severity, str]]


def files(model: ModelReport, anchor: str) -> Iterator[str]:
    """The table of one model's files, piece by piece."""
    if not model.files:
        yield '<p class="empty">No file was read.</p>'
        return
    first = first_places(model, anchor)
    status = {entry.file: entry.status for entry in model.coverage if entry.member is None}
    shown = model.files[:MOST_FILES]
    rows = (_row(file, status.get(file.path, ""), first) for file in shown)
    yield _digest(model)
    yield from _table("Files", islice(rows, IN_VIEW))
    rest = len(shown) - IN_VIEW
    if rest > 0:
        yield f'<details class="rest"><summary>{counted(rest, "more file")}</summary>'
        yield from _table("More files", rows)
        yield "</details>"
    hidden = len(model.files) - MOST_FILES
    if hidden > 0:
        yield (
            f'<p class="hidden-count">and {hidden:,} more; '
            "the report in the format json has all of them</p>"
        )


def _digest(model: ModelReport) -> str:
    """The identity of all the bytes together, for a lock or a waiver."""
    if model.digest is None:
        return '<p class="identity">No digest of the model: not all of its bytes were read.</p>'
    return f'<p class="identity">Digest of the model {copyable(model.digest, "model digest")}</p>'


def _table(caption: str, rows: Iterable[str]) -> Iterator[str]:
    yield f'<table class="files"><caption>{caption}</caption>{_HEAD}<tbody>'
    yield from rows
    yield "</tbody></table>"


def _row(file: FileEntry, looked_at: str, first: _First) -> str:
    path = text(file.path)
    found = "–"  # noqa: RUF001  # a dash is meant
    if file.path in first:
        count, worst, place = first[file.path]
        found = f'<a href="#{place}">{badge(worst)} {count:,}</a>'
    digests = "".join(
        f"<div><span>{text(name, 40)}</span>{copyable(value, name)}</div>"
        for name, value in sorted(file.digests.items(), key=_sha256_first)
    )
    return (
        f'<tr class="file" data-file="{path}"><th scope="row">{code(file.path)}</th>'
        f"<td>{text(file.format)}</td><td>{size(file.size)}</td>"
        f"<td>{looked_at or 'hashed'}</td><td>{found}</td>"
        f"<td>{digests or 'not hashed'}</td></tr>"
    )


def _sha256_first(digest: tuple[str, str]) -> tuple[bool, str]:
    return digest[0] != "sha256", digest[0]
