"""Reads a zip with our reader and keeps what it says."""

from __future__ import annotations

from typing import Any

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.reader import Glimpse
from modelscan.formats.zip import ZipReader
from modelscan.vocabulary.artifact import Artifact, BytesArtifact, stream
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ArchiveDefect


class Read:
    """What the reader says of an archive, and the error that it ends with."""

    def __init__(self, data: bytes, budget: Budget | None = None, name: str = "model.zip") -> None:
        self.artifact = BytesArtifact(name, data)
        self.recognised = ZipReader().recognises(Glimpse(self.artifact))
        self.members: list[tuple[str, bytes]] = []
        self.defects: list[ArchiveDefect] = []
        self.coverage: list[Coverage] = []
        self.error: ReadError | None = None
        try:
            for item in ZipReader().read(self.artifact, budget or Budget()):
                if isinstance(item, ArchiveDefect):
                    self.defects.append(item)
                elif isinstance(item, Coverage):
                    self.coverage.append(item)
                else:
                    self.members.append(_contents(item))
        except ReadError as error:
            self.error = error

    @property
    def kinds(self) -> set[str]:
        return {found.kind for found in self.defects}

    @property
    def quiet(self) -> bool:
        return not (self.defects or self.coverage or self.error)


def _contents(item: Any) -> tuple[str, bytes]:
    member: Artifact = item
    return str(member.member), b"".join(stream(member))
