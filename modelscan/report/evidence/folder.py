"""The folder itself: its documents, their index, and how it comes to lie on the disk.

Invariants: the same report gives the same documents, byte for byte, of which one at a time is held
in memory; the index names every other document with its digest; the folder appears whole, with its
signature, or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from modelscan.errors import UsageError
from modelscan.report.evidence import documents
from modelscan.report.evidence.summary import CLAIM, summary
from modelscan.report.files import write_file
from modelscan.report.jsontext import encode
from modelscan.report.machine import Json
from modelscan.report.writer import Output
from modelscan.report.writers import BY_NAME
from modelscan.vocabulary.result import Report

SIGNATURE = "model.sig"
"""Where OpenSSF Model Signing expects the signature of a folder."""


class Document(NamedTuple):
    """One file of the folder."""

    path: str
    what: str
    """What it holds, for the index."""
    data: bytes


def evidence(report: Report) -> Iterator[Document]:
    """Every file of the folder but the signature, the index last."""
    contents: list[tuple[str, str]] = []
    files: list[Json] = []
    for one in _documents(report):
        contents.append((one.path, one.what))
        files.append(_entry(one))
        yield one
    page = summary(report, contents)
    front = Document("README.md", "the summary for people", page.encode())
    yield front
    index = {
        "schema": documents.SCHEMA,
        "created": report.created,
        "tool": msgspec.to_builtins(report.tool),
        "note": CLAIM,
        "files": [_entry(front), *files],
    }
    yield Document("index.json", "the index", encode(index, sort=False))


def _entry(one: Document) -> Json:
    digest = hashlib.sha256(one.data).hexdigest()
    return {"path": one.path, "what": one.what, "size": len(one.data), "sha256": digest}


def write(
    folder: Path, made: Iterable[Document], sign: Callable[[Path], bytes] | None = None
) -> None:
    """Write the documents to a new folder.

    Args:
        folder: must not exist, or be empty.
        made: the documents.
        sign: makes the signature of a folder.

    Raises:
        UsageError: the folder is not empty, or cannot be written.
    """
    target = Path(os.path.abspath(folder))  # noqa: PTH100  # `resolve` would follow a link that is replaced
    partial = target.parent / f".modelassay-{os.urandom(8).hex()}.partial"
    inside = partial / target.name
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UsageError(f"{folder} is not an empty folder", "name a new one")
        inside.mkdir(parents=True)
        for path, _, data in made:
            write_file(inside / path, data)
        if sign is not None:
            write_file(inside / SIGNATURE, sign(inside))
        if target.exists():
            target.rmdir()
        inside.rename(target)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise UsageError(f"the folder {folder} cannot be written: {why}", "name another") from error
    finally:
        with contextlib.suppress(OSError):  # it may not have come to be
            shutil.rmtree(partial)


def _documents(report: Report) -> Iterator[Document]:
    for path, form, what in (
        ("report.json", "json", "the native report, from which all else is made"),
        ("report.html", "html", "the same, as a page"),
        ("bom.cdx.json", "cyclonedx", "bill of materials, CycloneDX 1.6"),
        ("bom.spdx.json", "spdx", "bill of materials, SPDX 3.0.1"),
    ):
        yield Document(path, what, BY_NAME[form].write(report, Output()))
    for path, make, what in (
        ("decision.json", documents.decision, "decision, policy, answers, approvals"),
        ("waivers.json", documents.waivers, "findings that were waived, and why"),
        ("coverage.json", documents.coverage, "what was looked at, and what was not"),
        ("residual-risk.json", documents.residual_risk, "open findings, assumptions, what is left"),
    ):
        yield Document(path, what, encode(make(report), sort=False))
