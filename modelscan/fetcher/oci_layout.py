"""OCI image layouts on disk: `oci-layout`, `index.json` and `blobs/<algorithm>/<digits>`.

Invariants: only the digits of a digest become part of a path; manifests are hashed before they are
parsed, and one that is not what it is named after is an error; nothing here uses the network.

Source: OCI image specification 1.1, "Image Layout Specification".
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Final

from modelscan.errors import ReadError, SourceError
from modelscan.fetcher import oci_manifest
from modelscan.fetcher.beside import beside
from modelscan.fetcher.held import HeldFile
from modelscan.fetcher.local import LocalFile
from modelscan.fetcher.options import FetchOptions
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, SourceDefect
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot, Source, SourceFile

_MARK: Final = "oci-layout"
_INDEX: Final = "index.json"
_DEEPEST: Final = 4
"""Indexes within indexes."""
_MOST_MANIFESTS: Final = 256


class OciLayout:
    """The folder of an image layout. Other files in it are read as in any folder."""

    def accepts(self, ref: ModelRef) -> bool:
        """See `ModelSource.accepts`."""
        if ref.kind != "path":
            return False
        path = Path(os.path.realpath(ref.text))
        return all((path / name).is_file() for name in (_MARK, _INDEX)) and (
            (path / "blobs").is_dir()
        )

    def snapshot(
        self,
        ref: ModelRef,
        options: FetchOptions,  # noqa: ARG002  # a layout is local: nothing is fetched
    ) -> Snapshot:
        """See `ModelSource.snapshot`. A layout of several images is all of them."""
        folder = Path(os.path.realpath(ref.text))
        layout = _Layout(folder)
        index = oci_manifest.parse(_small(folder / _INDEX))
        layout.follow(index, "", 0)
        files, facts, coverage = layout.listing()
        rest = beside(folder, layout.used, {file.name for file in files})
        return Snapshot(
            ref=Path(ref.text).name or folder.name,
            source=Source(kind="oci"),
            files=sorted([*files, *rest.files], key=lambda file: file.name),
            facts=(*facts, *rest.facts),
            coverage=(*coverage, *rest.coverage),
            path=str(folder),
        )


class _Layout:
    """Follows the manifests of a layout."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._manifests: list[SourceFile] = []
        self._packages: list[oci_manifest.Package] = []
        self._facts: list[Fact] = []
        self._coverage: list[Coverage] = []
        self._seen: set[str] = set()
        self.used: set[str] = set()
        """Paths of the blobs that manifests lead to."""

    def follow(self, root: dict[str, Any], prefix: str, depth: int) -> None:
        """Take in everything that an index or a manifest leads to.

        Raises:
            SourceError: it leads too deep or to too much, or what it leads to is no manifest.
        """
        if not oci_manifest.is_index(root):
            self._packages.append(oci_manifest.read(root, prefix))
            return
        if depth > _DEEPEST:
            raise SourceError("indexes within indexes", "name the folder of one image")
        for child in oci_manifest.children(root):
            if child.digest in self._seen:
                continue
            self._seen.add(child.digest)
            if len(self._seen) > _MOST_MANIFESTS:
                raise SourceError(f"a layout of more than {_MOST_MANIFESTS} manifests")
            self._child(child.digest, prefix + child.prefix, depth)

    def _child(self, digest: str, prefix: str, depth: int) -> None:
        path = self._blob(digest)
        name = prefix + oci_manifest.MANIFEST
        try:
            data = _small(path)
        except SourceError as error:
            self._facts.append(SourceDefect(kind="part-missing", value=digest))
            self._coverage.append(
                Coverage(file=name, status="unreadable", needed=True, reason=error.message)
            )
            return
        check_digest(data, digest)
        self.used.add(path.relative_to(self._folder).as_posix())
        self._manifests.append(HeldFile(name, data))
        self.follow(oci_manifest.parse(data), prefix, depth + 1)

    def _blob(self, digest: str) -> Path:
        algorithm, _, digits = digest.partition(":")
        return self._folder / "blobs" / algorithm / digits

    def listing(self) -> tuple[list[SourceFile], tuple[Fact, ...], tuple[Coverage, ...]]:
        """Every part that is there, and what is said of it."""
        package = oci_manifest.unique(self._packages)
        files = self._manifests
        facts, coverage = [*package.facts, *self._facts], [*package.coverage, *self._coverage]
        for part in package.parts:
            path = self._blob(part.digest)
            self.used.add(path.relative_to(self._folder).as_posix())
            if path.is_file() and not path.is_symlink():
                files.append(LocalFile(part.name, path, path.stat().st_size))
                continue
            fact, gap = oci_manifest.missing(part, "the manifest lists it, and it is not here")
            facts.append(fact)
            coverage.append(gap)
        return files, tuple(facts), tuple(coverage)


def check_digest(data: bytes, digest: str) -> None:
    """Refuse a manifest that is not what it was asked for by.

    Raises:
        SourceError: the bytes have another digest.
    """
    algorithm, _, digits = digest.partition(":")
    found = hashlib.new(algorithm, data, usedforsecurity=True).hexdigest()
    if found != digits:
        raise SourceError(
            f"a manifest is not the one that its digest stands for: {digest[:19]}… was asked for, "
            f"and {algorithm}:{found[:12]}… came",
            "the registry or store is damaged or hostile: fetch the model from elsewhere",
        )


def _small(path: Path) -> bytes:
    """The bytes of a manifest.

    Raises:
        SourceError: it cannot be read.
    """
    try:
        with LocalFile(path.name, path, 0).open() as file:
            return file.read_at(0, oci_manifest.LARGEST + 1)
    except ReadError as error:
        raise SourceError(f"{path.name[:80]}: {error.message}") from None
