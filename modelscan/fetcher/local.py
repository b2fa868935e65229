"""Local files and folders.

Invariants: a link is followed only to a plain file inside the model's root; devices, FIFOs and
sockets are never opened; a file is opened once, and hashing and reading share that one descriptor.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager
from operator import attrgetter
from pathlib import Path
from typing import Literal

from modelscan.errors import ReadError, SourceError
from modelscan.fetcher.names import collisions, name_facts
from modelscan.fetcher.options import FetchOptions
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, SharedFile, SourceDefect, SpecialFile
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Access, OpenArtifact, Snapshot, Source, SourceFile

_GIT_OWN = frozenset({"objects", "refs", "logs", "index", "lfs", "packed-refs", "ORIG_HEAD"})
"""What git keeps for itself below `.git`. Hooks and configuration are read like any other file."""

_GRAPH = ".onnx"
"""Models that name files beside them, which must be files of their own."""

_LIKE_A_REPOSITORY = re.compile(r"[\w-][\w.-]{0,95}/[\w-][\w.-]{0,95}(?:@[\w./-]+)?")
"""What people type who mean `hf:org/name`."""

# O_NONBLOCK: a FIFO put in a file's place after listing must not make us wait for ever.
# O_NOFOLLOW: a link put there must not lead us out.
_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_BINARY", 0)
)


class LocalPath:
    """A path that a person names: a folder is one model, a file is a model of one file."""

    def accepts(self, ref: ModelRef) -> bool:
        """See `ModelSource.accepts`."""
        return ref.kind == "path"

    def snapshot(
        self,
        ref: ModelRef,
        options: FetchOptions,  # noqa: ARG002  # a local model is not fetched
    ) -> Snapshot:
        """See `ModelSource.snapshot`. A link that is itself the target was named, so it is read."""
        path = Path(os.path.realpath(ref.text))
        name = Path(ref.text).name or path.name or "."
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            hint = "check the path"
            if _LIKE_A_REPOSITORY.fullmatch(ref.text):
                hint += f"; for a model on the hub, write hf:{ref.text}"
            raise SourceError("not found", hint) from None
        except OSError as error:
            raise SourceError(_reason(error)) from None
        if stat.S_ISREG(mode):
            file = LocalFile(name, path, path.stat().st_size)
            source = Source(kind="file")
            facts = tuple(name_facts(name, name))
            return Snapshot(ref=name, source=source, files=(file,), facts=facts, path=str(path))
        if not stat.S_ISDIR(mode):
            raise SourceError("neither a file nor a folder", "name a plain file")
        return list_folder(path, root=path, ref=name, source=Source(kind="directory"))


class LocalFile:
    """One plain file, not yet opened.

    Args:
        name: in the model.
        path: where it is; no link.
        size: in bytes, when that is known already: most files are opened without being asked.
    """

    __slots__ = ("_first", "_path", "_size", "name")

    access: Access = "local"

    def __init__(self, name: str, path: str | Path, size: int | None = None) -> None:
        self.name = name
        self._path = path
        self._size = size
        self._first: _State | None = None

    @property
    def size(self) -> int:
        """See `SourceFile.size`. Of a file that has vanished, 0: opening it says so."""
        if self._size is None:
            try:
                self._size = os.lstat(self._path).st_size
            except OSError:
                self._size = 0
        return self._size

    def open(self) -> AbstractContextManager[OpenArtifact]:
        """See `SourceFile.open`. Opened again, for its weights, it must still be the same file."""
        try:
            descriptor = os.open(self._path, _OPEN_FLAGS)
        except OSError as error:
            raise ReadError(_reason(error)) from None
        opened = _OpenFile(self.name, descriptor)
        self._first = self._first or opened.state
        if opened.state != self._first:
            os.close(descriptor)
            raise ReadError("changed since it was read first")
        return opened

    def whole(self, most: int) -> bytes | None:
        """The bytes of a small file: opened, read, looked at again and closed, in one go.

        Args:
            most: how large it may be, in bytes; of a larger one, `None`.

        Raises:
            ReadError: it cannot be read, or changed meanwhile.
        """
        try:
            descriptor = os.open(self._path, _OPEN_FLAGS)
            try:
                opened = os.fstat(descriptor)
                size = opened.st_size
                if not stat.S_ISREG(opened.st_mode):
                    raise ReadError("no longer a plain file")
                if size > most:
                    return None
                data = _pread(descriptor, size, 0)
                read = os.fstat(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise ReadError(_reason(error)) from None
        state = size, opened.st_mtime_ns
        if len(data) != size or read.st_size != size or read.st_mtime_ns != state[1]:
            raise ReadError("changed while it was being read")
        if self._first != state:
            if self._first is not None:
                raise ReadError("changed since it was read first")
            self._first = state
        return data


_State = tuple[int, int]
"""Size and time of the last change."""


def _state(found: os.stat_result) -> _State:
    return found.st_size, found.st_mtime_ns


class _OpenFile:
    """Random access through one descriptor."""

    __slots__ = ("_descriptor", "depth", "member", "name", "size", "state")

    def __init__(self, name: str, descriptor: int) -> None:
        self._descriptor = descriptor
        opened = os.fstat(descriptor)
        if not stat.S_ISREG(opened.st_mode):
            os.close(descriptor)
            raise ReadError("no longer a plain file")
        self.state = _state(opened)
        self.name = name
        self.member: str | None = None
        self.size = opened.st_size
        self.depth = 0

    def __enter__(self) -> OpenArtifact:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def read_at(self, offset: int, length: int) -> bytes:
        """See `Artifact.read_at`."""
        try:
            data = _pread(self._descriptor, min(length, max(0, self.size - offset)), offset)
            while data and len(data) < min(length, self.size - offset):
                more = _pread(self._descriptor, length - len(data), offset + len(data))
                if not more:
                    break
                data += more
        except OSError as error:
            raise ReadError(_reason(error), offset=offset) from None
        return data

    def changed(self) -> bool:
        """See `OpenArtifact.changed`."""
        return _state(os.fstat(self._descriptor)) != self.state


if hasattr(os, "pread"):
    _pread = os.pread
else:  # pragma: no cover  # Windows; each open file is read by one thread

    def _pread(descriptor: int, length: int, offset: int) -> bytes:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, length)


def list_folder(
    folder: Path, *, root: Path, ref: str, source: Source, claimed: str = ""
) -> Snapshot:
    """The snapshot of a folder.

    Args:
        folder: the model, an absolute path without links.
        root: links may lead to plain files below it; the folder itself, or the cache around it.
        ref: how reports name the model.
        source: where it was taken from.
        claimed: the identity that the source claims for it.

    Raises:
        SourceError: the folder itself cannot be listed.
    """
    listing = _Listing(folder, root)
    try:
        listing.walk()
    except OSError as error:
        raise SourceError(_reason(error), "check the path and its permissions") from None
    listing.files.sort(key=attrgetter("name"))
    listing.facts.extend(listing.shared_files())
    listing.facts.extend(
        SourceDefect(
            location=Location(name),
            kind="name-repeated",
            value=name,
            detail=f"collides with {other}",
        )
        for name, other in collisions(file.name for file in listing.files)
    )
    return Snapshot(
        ref=ref,
        source=source,
        files=listing.files,
        facts=tuple(listing.facts),
        coverage=tuple(listing.coverage),
        claimed=claimed,
        path=str(folder),
    )


class _Listing:
    """Walks a folder with a stack of its own, so that depth costs no recursion."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.files: list[SourceFile] = []
        self.facts: list[Fact] = []
        self.coverage: list[Coverage] = []
        self._folder = folder
        self._root = os.path.join(os.path.realpath(root), "")  # noqa: PTH118  # keeps its slash

    def shared_files(self) -> Iterator[SharedFile]:
        """Files with a second name, where that is worth a word; see `SharedFile`."""
        if any(file.name.endswith(_GRAPH) for file in self.files):
            shared = [file.name for file in self.files if self._is_shared(file.name)]
            if len(shared) < len(self.files):
                for name in shared:
                    yield SharedFile(location=Location(name))

    def _is_shared(self, name: str) -> bool:
        """True for a plain file that has another name, in the model or elsewhere."""
        try:
            found = (self._folder / name).lstat()
        except OSError:
            return False
        return stat.S_ISREG(found.st_mode) and found.st_nlink > 1

    def walk(self) -> None:
        pending = [(str(self._folder), "")]
        while pending:
            path, prefix = pending.pop()
            try:
                entries = os.scandir(path)
            except OSError as error:
                if not prefix:
                    raise
                self._gap(prefix.rstrip("/"), "unreadable", _reason(error))
                continue
            in_git = prefix == ".git/" or prefix.endswith("/.git/")
            with entries:
                for entry in entries:
                    name = prefix + entry.name
                    self.facts.extend(name_facts(name, entry.name))
                    if in_git and entry.name in _GIT_OWN:
                        self._gap(name, "skipped", "git's own data", needed=False)
                        continue
                    try:
                        if entry.is_file(follow_symlinks=False):  # as the folder itself mostly says
                            self.files.append(LocalFile(name, entry.path))
                        elif entry.is_dir(follow_symlinks=False):
                            pending.append((entry.path, name + "/"))
                        elif entry.is_symlink():
                            self._link(entry.path, name)
                        else:
                            found = entry.stat(follow_symlinks=False)
                            self._special(name, _special_kind(found.st_mode))
                    except OSError as error:
                        self._gap(name, "unreadable", _reason(error))

    def _link(self, path: str, name: str) -> None:
        """A link counts as the file it leads to, when that is a plain file below the root."""
        resolved = os.path.realpath(path)
        try:
            target = os.readlink(path)  # noqa: PTH115  # strings are cheaper than paths here
            found = os.stat(resolved)  # noqa: PTH116  # the same
        except OSError:
            self._special(name, "link-broken", _link_target(path))
            return
        if not resolved.startswith(self._root):
            self._special(name, "link-outside", target)
        elif stat.S_ISREG(found.st_mode):
            self.files.append(LocalFile(name, resolved, found.st_size))
        elif stat.S_ISDIR(found.st_mode):
            self._gap(
                name, "skipped", "a link to a folder that is read in its own place", needed=False
            )
        else:
            self._special(name, _special_kind(found.st_mode), target)

    def _special(
        self,
        name: str,
        kind: Literal["link-outside", "link-broken", "fifo", "device", "socket"],
        target: str = "",
    ) -> None:
        self.facts.append(SpecialFile(location=Location(name), kind=kind, target=target))
        self._gap(name, "skipped", f"{kind.replace('-', ' ')}, not followed or opened")

    def _gap(
        self,
        name: str,
        status: Literal["skipped", "unreadable"],
        reason: str,
        *,
        needed: bool = True,
    ) -> None:
        self.coverage.append(Coverage(file=name, status=status, needed=needed, reason=reason))


def _special_kind(mode: int) -> Literal["fifo", "device", "socket"]:
    if stat.S_ISFIFO(mode):
        return "fifo"
    return "socket" if stat.S_ISSOCK(mode) else "device"


def _link_target(path: str) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115  # strings are cheaper than paths here
    except OSError:
        return ""


def _reason(error: OSError) -> str:
    """What the operating system said, without the path: a report never leaks absolute ones."""
    return (error.strerror or type(error).__name__).lower()
