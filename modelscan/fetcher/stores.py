"""Models in object stores and other places that fsspec reaches: `s3://`, `gs://`, `az://` and more.

Invariants: nothing is written to a store; sizes and names are claims of the store; a file that
changed between listing and reading is noticed by its size and version; what a driver raises becomes
an error of ours that names its kind alone, since its text may hold an address with a signature. The
driver finds its own credentials, as every other program's use of it does: naming such an address is
asking for that.

fsspec is the extra `stores`; the driver of a store is a package of its own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from modelscan.errors import ReadError, SourceError
from modelscan.fetcher.local import LocalFile
from modelscan.fetcher.names import name_facts
from modelscan.fetcher.oci_names import inside
from modelscan.fetcher.options import FetchOptions
from modelscan.fetcher.ranged import RangedFile
from modelscan.fetcher.whole import IN_MEMORY, WholeFile, wanted_whole
from modelscan.vocabulary.artifact import CHUNK
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, SourceDefect, SourceRevision
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Access, OpenArtifact, Snapshot, Source, SourceFile

_MOST_FILES: Final = 50_000
_VERSIONS: Final = ("ETag", "etag", "generation", "LastModified", "last_modified", "mtime")
"""What drivers call the version of an object."""
_DRIVERS: Final = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs",
                   "abfs": "adlfs", "abfss": "adlfs"}  # fmt: skip
_LOCAL: Final = frozenset({"file", "local"})


class ObjectStore:
    """A file or a folder of a store."""

    def accepts(self, ref: ModelRef) -> bool:
        """See `ModelSource.accepts`."""
        return ref.kind == "store"

    def snapshot(self, ref: ModelRef, options: FetchOptions) -> Snapshot:
        """See `ModelSource.snapshot`.

        Raises:
            SourceError: offline, no driver for the store, or nothing is there for us.
        """
        parts = _parts(ref.text)
        if parts is None or parts.scheme in _LOCAL or "::" in ref.text or "@" in parts.netloc:
            raise SourceError(
                "not an address of an object store", "write a local path as it is, and no password"
            )
        shown = ref.text.partition("?")[0].rstrip("/")
        options.demand_network(shown)
        if options.listed:
            options.listed(0)
        system, path = _system(ref.text.rstrip("/"), parts.scheme)
        found = _Found(system, options)
        try:
            about = system.info(path)
            folder = about.get("type") == "directory"
            if folder:
                found.folder(path)
            else:
                found.add(path, path.rpartition("/")[2], about)
        except Exception as error:  # noqa: BLE001  # each driver has errors of its own
            raise _explained(error, shown) from None
        if not found.files and not found.coverage:
            raise SourceError(f"not found or private: {shown}", "check the address")
        return Snapshot(
            ref=shown,
            source=Source(
                kind="directory" if folder else "url", endpoint=f"{parts.scheme}://{parts.netloc}"
            ),
            files=tuple(sorted(found.files, key=lambda file: file.name)),
            facts=(
                SourceRevision(status="declared", asked="", resolved="", pinned=False),
                *found.facts,
            ),
            coverage=tuple(found.coverage),
            claimed=shown,
        )


def _parts(text: str) -> SplitResult | None:
    try:
        return urlsplit(text)
    except ValueError:
        return None


def _system(url: str, scheme: str) -> tuple[Any, str]:
    """The driver and the path in it.

    Raises:
        SourceError: there is no such driver.
    """
    try:
        import fsspec  # type: ignore[import-untyped]  # lazy: local scans need none of it
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]
    except ImportError:
        raise SourceError(
            f"{scheme}: addresses need the extra of object stores",
            "pip install 'modelassay[stores]'",
        ) from None
    if scheme not in fsspec.available_protocols():
        raise SourceError(f"no store is known as {scheme}:", "check the address")
    try:
        system, path = url_to_fs(url, use_listings_cache=False)
    except ImportError:
        driver = _DRIVERS.get(scheme, f"the fsspec driver for {scheme}")
        raise SourceError(
            f"{scheme}: addresses need {driver}",
            f"pip install 'modelassay[stores]' {_DRIVERS.get(scheme, '')}".strip(),
        ) from None
    except Exception as error:  # noqa: BLE001  # each driver has errors of its own
        raise _explained(error, url.partition("?")[0]) from None
    return system, str(path)


class _Found:
    """The files of a store, and what is wrong with their names."""

    def __init__(self, system: Any, options: FetchOptions) -> None:
        self.files: list[SourceFile] = []
        self.facts: list[Fact] = []
        self.coverage: list[Coverage] = []
        self._system = system
        self._options = options

    def folder(self, path: str) -> None:
        """Everything below a folder."""
        root = path.rstrip("/") + "/"
        listed = self._system.find(path, detail=True)
        if len(listed) > _MOST_FILES:
            raise SourceError(f"more than {_MOST_FILES:,} files", "name a folder of one model")
        for key in sorted(listed):
            name = str(key).removeprefix(root)
            if name and not name.endswith("/"):  # some stores have objects that stand for folders
                self.add(str(key), name, listed[key])

    def add(self, key: str, name: str, about: Mapping[str, Any]) -> None:
        """One file."""
        size = about.get("size")
        safe = inside(name)
        self.facts += name_facts(name)
        if safe != name:
            self.facts.append(
                SourceDefect(status="declared", kind="name-escapes", value=name[:512])
            )
        if safe != name or not isinstance(size, int):
            reason = "a path that leads out of the folder" if safe != name else "of unknown length"
            self.coverage.append(
                Coverage(file=safe or "?", status="skipped", needed=True, reason=reason)
            )
            return
        item = _Object(self._system, key, size, about)
        arrived = self._options.arrived
        if self._options.full and size > IN_MEMORY:
            self.files.append(_Spooled(name, item, self._options))
        elif self._options.full or wanted_whole(name, size):
            self.files.append(WholeFile(name, size, item, arrived))
        else:
            self.files.append(RangedFile(name, size, item))


class _Object:
    """One object of a store. See `Parts`."""

    def __init__(self, system: Any, key: str, size: int, about: Mapping[str, Any]) -> None:
        self.size = size
        self._system = system
        self._key = key
        self._version = _version(about)

    def part(self, offset: int, length: int) -> bytes:
        """The bytes from `offset` on.

        Raises:
            ReadError: they cannot be had.
        """
        end = min(offset + length, self.size)
        if end <= offset:
            return b""
        try:
            data = bytes(self._system.cat_file(self._key, start=offset, end=end))
        except Exception as error:  # noqa: BLE001  # each driver has errors of its own
            raise ReadError(f"the store fails: {type(error).__name__}") from None
        if len(data) != end - offset:
            raise ReadError("the store sends another part than the one asked for")
        return data

    @property
    def changed(self) -> bool:
        """True when the store has another version of it now, or does not say which it has."""
        try:
            return self._version_now() != self._version
        except ReadError:
            return True

    def _version_now(self) -> tuple[str, ...]:
        try:
            return _version(self._system.info(self._key))
        except Exception as error:  # noqa: BLE001  # each driver has errors of its own
            raise ReadError(f"the store fails: {type(error).__name__}") from None


class _Spooled:
    """A large file that comes in whole, to a temporary file that is gone when it is closed."""

    access: Access = "whole"

    def __init__(self, name: str, item: _Object, options: FetchOptions) -> None:
        self.name = name
        self.size = item.size
        self._item = item
        self._options = options

    def open(self) -> AbstractContextManager[OpenArtifact]:
        """See `SourceFile.open`."""
        return self._opened()

    @contextmanager
    def _opened(self) -> Iterator[OpenArtifact]:
        folder = Path(tempfile.gettempdir())
        if shutil.disk_usage(folder).free < self.size:
            raise ReadError(f"{self.size:,} bytes do not fit into the folder for temporary files")
        descriptor, path = tempfile.mkstemp()
        try:
            with os.fdopen(descriptor, "wb") as file:
                for offset in range(0, self.size, 8 * CHUNK):
                    data = self._item.part(offset, 8 * CHUNK)
                    file.write(data)
                    if self._options.arrived:
                        self._options.arrived(len(data))
            if self._item.changed:
                raise ReadError("changed while it was being fetched")
            with LocalFile(self.name, path, self.size).open() as artifact:
                yield artifact
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise ReadError(f"cannot be kept: {reason}") from None
        finally:
            Path(path).unlink(missing_ok=True)


def _version(about: Mapping[str, Any]) -> tuple[str, ...]:
    return (str(about.get("size")), *(str(about.get(key)) for key in _VERSIONS))


def _explained(error: Exception, shown: str) -> SourceError:
    if isinstance(error, SourceError):
        return error
    if isinstance(error, FileNotFoundError):
        return SourceError(f"not found or private: {shown}", "check the address")
    if isinstance(error, PermissionError):
        return SourceError(f"gated: {shown}", "check the credentials of the store's driver")
    return SourceError(
        f"{shown}: the store fails: {type(error).__name__}", "check the network and the address"
    )
