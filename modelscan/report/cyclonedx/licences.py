"""Declared licences as CycloneDX writes them: an SPDX identifier if there is one, else a name."""

from __future__ import annotations

from collections.abc import Iterable

from modelscan.report.licences import identified
from modelscan.report.machine import Json, text


def licences(declared: Iterable[str]) -> list[Json]:
    """The `licenses` of a component, sorted, each marked as declared: nobody has concluded it."""
    entries = []
    for identifier, written in identified(declared):
        choice: Json = {"id": identifier} if identifier else {"name": text(written)}
        entries.append({"license": {**choice, "acknowledgement": "declared"}})
    return entries
