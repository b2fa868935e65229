"""Models in an Ollama store: manifests over blobs that are named after their digests.

Layout: `manifests/<host>/<namespace>/<name>/<tag>` is a Docker manifest; `blobs/sha256-<hex>` are
its parts. Invariants: a manifest leads to blobs of its own store and nowhere else, because only
the digits of a digest become part of a path; the name of a blob is a claim, held against its bytes
after they were hashed; nothing here uses the network.

Source: Ollama, `types/model/name.go` (names, defaults), `server/manifest.go` and `server/images.go`
(media types), the variable `OLLAMA_MODELS`.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from modelscan.errors import ReadError, SourceError
from modelscan.fetcher import oci_manifest
from modelscan.fetcher.beside import beside
from modelscan.fetcher.held import HeldFile
from modelscan.fetcher.local import LocalFile
from modelscan.fetcher.oci_manifest import Package
from modelscan.fetcher.options import FetchOptions
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot, Source, SourceFile

_HOST: Final = "registry.ollama.ai"
_SPACE: Final = "library"
_TAG: Final = "latest"
_WORD: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
_HOST_WORD: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}")
_MOST_MODELS: Final = 2_000


class Name(NamedTuple):
    """The four parts of a model's name."""

    host: str
    space: str
    name: str
    tag: str

    @classmethod
    def parse(cls, text: str) -> Name:
        """`[host/][namespace/]name[:tag]`, as `ollama run` takes it.

        Raises:
            SourceError: it is no such name.
        """
        path, colon, tag = text.rpartition(":")
        if not colon or "/" in tag:
            path, tag = text, _TAG
        *before, name = path.split("/")
        padded = [_HOST, _SPACE][: max(0, 2 - len(before))] + before
        if len(padded) == 2:  # noqa: PLR2004  # host and namespace
            found = cls(padded[0], padded[1], name, tag)
            if _HOST_WORD.fullmatch(found.host) and all(map(_WORD.fullmatch, found[1:])):
                return found
        raise SourceError(
            "not a name of an Ollama model", "write it as ollama:name:tag or ollama:owner/name:tag"
        )

    def __str__(self) -> str:
        if self.host != _HOST:
            return f"{self.host}/{self.space}/{self.name}:{self.tag}"
        space = "" if self.space == _SPACE else f"{self.space}/"
        return f"{space}{self.name}:{self.tag}"


class OllamaStore:
    """`ollama:name:tag`, the folder of a store, or one of its manifests."""

    def accepts(self, ref: ModelRef) -> bool:
        """See `ModelSource.accepts`."""
        if ref.kind == "ollama":
            return True
        path = Path(os.path.realpath(ref.text))
        return ref.kind == "path" and (_is_store(path) or _named(path) is not None)

    def snapshot(
        self,
        ref: ModelRef,
        options: FetchOptions,  # noqa: ARG002  # a store is local: nothing is fetched
    ) -> Snapshot:
        """See `ModelSource.snapshot`. A store with several models is all of them."""
        if ref.kind == "ollama":
            name = Name.parse(ref.text.partition(":")[2])
            for store in _stores():
                if _is_file(store / "manifests" / Path(*name)):
                    return _one(store, name)
            raise SourceError(
                f"not found in the Ollama store: {name}",
                "ollama pull it first, set OLLAMA_MODELS to the store, or scan it where it is "
                f"published: oci:{name.host}/{name.space}/{name.name}:{name.tag}",
            )
        path = Path(os.path.realpath(ref.text))
        place = _named(path)
        if place is not None:
            return _one(*place)
        names = sorted(_models(path))
        if not names:
            raise SourceError("this Ollama store holds no model", "ollama pull one first")
        return _all(path, names)


def _stores() -> Iterator[Path]:
    """Where stores are: the one that the variable names, else the user's and the service's."""
    named = os.environ.get("OLLAMA_MODELS", "").strip()
    if named:
        yield Path(named)
        return
    yield Path("~/.ollama/models").expanduser()
    yield Path("/usr/share/ollama/.ollama/models")


def _is_store(path: Path) -> bool:
    return all((path / part).is_dir() for part in ("manifests", "blobs")) and path.name != ".git"


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def _named(path: Path) -> tuple[Path, Name] | None:
    """The store and the name that the path of a manifest stands for."""
    if len(path.parts) < 6 or path.parents[3].name != "manifests":  # noqa: PLR2004  # root, manifests and the four parts
        return None
    store = path.parents[4]
    if not (_is_store(store) and _is_file(path)):
        return None
    host, space, name, tag = path.parts[-4:]
    return store, Name(host, space, name, tag)


def _models(store: Path) -> Iterator[Name]:
    """Every model of a store, bounded; links are not followed.

    Raises:
        SourceError: there are too many.
    """
    root = store / "manifests"
    count = 0
    for folder, folders, files in os.walk(root):
        depth = len(Path(folder).relative_to(root).parts)
        if depth < 3:  # noqa: PLR2004  # host, namespace, name
            continue
        folders.clear()
        for file in files:
            if not _is_file(Path(folder, file)) or file.startswith("."):
                continue
            count += 1
            if count > _MOST_MODELS:
                raise SourceError(f"a store of more than {_MOST_MODELS:,} models", "name one")
            host, space, name = Path(folder).parts[-3:]
            yield Name(host, space, name, file)


def _one(store: Path, name: Name) -> Snapshot:
    """One model of a store."""
    held, package = _package(store, name, "")
    files, facts, coverage = _files(store, package)
    return Snapshot(
        ref=f"ollama:{name}",
        source=Source(kind="ollama", asked_revision=name.tag),
        files=sorted([held, *files], key=lambda file: file.name),
        facts=tuple(facts),
        coverage=tuple(coverage),
        claimed=f"ollama:{name}",
        path=str(store),
    )


def _all(store: Path, names: list[Name]) -> Snapshot:
    """A store: several models have a folder each, and a blob that they share is there once.

    A manifest that cannot be read is a gap: the others are looked at all the same. What no manifest
    leads to is read as in any folder.
    """
    files: list[SourceFile] = []
    packages, coverage, used = [], [], set()
    for name in names:
        folder = f"{str(name).replace(':', '/')}/" if len(names) > 1 else ""
        used.add("/".join(("manifests", *name)))
        try:
            held, package = _package(store, name, folder)
        except SourceError as error:
            coverage.append(_gap(folder + oci_manifest.MANIFEST, error.message))
        else:
            files.append(held)
            packages.append(package)
    whole = oci_manifest.unique(packages)
    found, facts, gaps = _files(store, whole)
    files += found
    used |= {f"blobs/{part.digest.replace(':', '-')}" for part in whole.parts}
    rest = beside(store, used, {file.name for file in files})
    only = f"ollama:{names[0]}" if len(names) == 1 else ""
    return Snapshot(
        ref=only or store.name,
        source=Source(kind="ollama"),
        files=sorted([*files, *rest.files], key=lambda file: file.name),
        facts=(*facts, *rest.facts),
        coverage=(*coverage, *gaps, *rest.coverage),
        claimed=only,
        path=str(store),
    )


def _package(store: Path, name: Name, prefix: str) -> tuple[HeldFile, Package]:
    """A model's manifest.

    Raises:
        SourceError: it cannot be read, or is none.
    """
    path = store / "manifests" / Path(*name)
    try:
        with LocalFile(oci_manifest.MANIFEST, path, 0).open() as file:
            data = file.read_at(0, oci_manifest.LARGEST + 1)
    except ReadError as error:
        raise SourceError(f"the manifest of {name}: {error.message}") from None
    package = oci_manifest.read(oci_manifest.parse(data), prefix)
    return HeldFile(prefix + oci_manifest.MANIFEST, data), package


def _files(store: Path, package: Package) -> tuple[list[SourceFile], list[Fact], list[Coverage]]:
    """The blobs of a package, and what is said of them."""
    files: list[SourceFile] = []
    facts, coverage = list(package.facts), list(package.coverage)
    for part in package.parts:
        path = store / "blobs" / part.digest.replace(":", "-")
        if not _is_file(path):
            fact, gap = oci_manifest.missing(part, "the manifest lists it, and the store has not")
            facts.append(fact)
            coverage.append(gap)
            continue
        files.append(LocalFile(part.name, path, path.lstat().st_size))
    return files, facts, coverage


def _gap(file: str, reason: str) -> Coverage:
    return Coverage(file=file, status="unreadable", needed=True, reason=reason)
