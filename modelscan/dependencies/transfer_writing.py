"""Writes a bundle: see `transfer`.

Invariants: the bundle appears whole or not at all; what is written of the model is hashed once
more, and has the digests that were scanned; the same model, report and time give the same bytes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from modelscan import _resources
from modelscan._about import NAME, VERSION
from modelscan.dependencies import staging, transfer
from modelscan.dependencies.transfer_archive import END, header, padding
from modelscan.errors import SourceError, UsageError
from modelscan.report.jsontext import encode as encode_report
from modelscan.vocabulary.artifact import CHUNK
from modelscan.vocabulary.result import Report

TAR: Final = ".tar"
"""How the name of a bundle ends that is one file."""

Sign = Callable[[bytes], bytes]
"""Signs an in-toto statement; returns a bundle."""


class Wish(NamedTuple):
    """What a bundle is to be."""

    place: Path
    """A file `….tar`, or a folder."""
    sign: Sign | None = None
    """`None` leaves the receipt unsigned."""
    trust: Sequence[Path] = ()
    """Keys and roots that the other side verifies with."""
    manifests: Sequence[Path] = ()
    """Lists of releases, beside those that come with the program."""


class _Content(NamedTuple):
    """One part of a bundle."""

    size: int
    sha256: str
    source: Path | bytes

    def pieces(self) -> Iterator[bytes]:
        """Its bytes.

        Raises:
            SourceError: they are not what they were.
        """
        if isinstance(self.source, bytes):
            yield self.source
            return
        digest = hashlib.sha256()
        with self.source.open("rb") as file:
            while piece := file.read(CHUNK):
                digest.update(piece)
                yield piece
        if digest.hexdigest() != self.sha256:
            raise SourceError(f"{self.source.name} changed meanwhile", "try again")


def check(wish: Wish) -> None:
    """Refuse what cannot work, before anything is fetched.

    Raises:
        UsageError: the place is taken, or a file is not there.
    """
    if wish.place.suffix == TAR:
        if os.path.lexists(wish.place):
            raise UsageError(f"{wish.place} is there already", "name a new file")
    else:
        staging.place(wish.place, force=False)
    for file in (*wish.trust, *wish.manifests):
        _small(file)


def write(wish: Wish, model: Path, report: Report, lock: bytes) -> None:
    """Write a bundle.

    Args:
        wish: what it is to be.
        model: the folder that was scanned.
        report: what was found, about this one model.
        lock: a lock with this one model.

    Raises:
        SourceError: it cannot be written.
    """
    (found,) = report.models
    parts = {
        transfer.MODEL + file.path: _Content(
            file.size, file.digests["sha256"], model / file.path
        )
        for file in found.files
    }  # fmt: skip
    parts[transfer.REPORT] = _made(encode_report(report))
    parts[transfer.LOCK] = _made(lock)
    root = _resources.folder("manifests")
    for path in sorted(root.rglob("*.json")):
        parts[transfer.MANIFESTS + path.relative_to(root).as_posix()] = _made(_small(path))
    for path in wish.manifests:
        parts[f"{transfer.MANIFESTS}own/{path.name}"] = _made(_small(path))
    for path in wish.trust:
        parts[transfer.TRUST + path.name] = _made(_small(path))
    receipt = transfer.encode(
        transfer.make(
            ((name, part.size, part.sha256) for name, part in parts.items()),
            created=report.created,
            tool=f"{NAME} {VERSION}",
            ref=found.ref,
            digest=found.digest or "",
            policy=report.policy.name,
        )
    )
    transfer.parse(receipt)  # never write what could not be taken in
    contents = {transfer.RECEIPT: _made(receipt)}
    if wish.sign is not None:
        contents[transfer.SIGNATURE] = _made(wish.sign(receipt))
    for part in sorted(parts.values(), key=lambda part: part.sha256):
        contents.setdefault(transfer.BLOBS + part.sha256, part)
    target = Path(os.path.realpath(wish.place.parent)) / wish.place.name
    with staging.staging(target) as stage:
        stage.room_for(sum(part.size for part in contents.values()))
        if target.suffix == TAR:
            stage.model.rmdir()
            stage.model = stage.model.with_name(target.name)
            _tar(stage.model, contents)
        else:
            for name, part in contents.items():
                stage.write(name, part.pieces())
        stage.publish()


def _tar(path: Path, contents: dict[str, _Content]) -> None:
    with path.open("xb") as file:
        for name, part in contents.items():
            file.write(header(name, part.size))
            for piece in part.pieces():
                file.write(piece)
            file.write(padding(part.size))
        file.write(END)
        file.flush()
        os.fsync(file.fileno())


def _made(data: bytes) -> _Content:
    return _Content(len(data), hashlib.sha256(data).hexdigest(), data)


def _small(path: Path) -> bytes:
    """The bytes of a file that a person named.

    Raises:
        UsageError: it is not there, or too long.
    """
    try:
        if not path.is_file():
            raise UsageError(f"{path} is no file", "check the path")
        with path.open("rb") as file:
            data = file.read(transfer.LONGEST + 1)
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise UsageError(f"{path} cannot be read: {why}", "check the path") from None
    if len(data) > transfer.LONGEST:
        raise UsageError(f"{path} is longer than {transfer.LONGEST >> 20} MiB", "name another one")
    return data
