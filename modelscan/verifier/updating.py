"""`manifest update`: fetch a set of manifests by The Update Framework, with its own client.

The client refuses what is older than what is here, expired, altered, mixed, or signed by others.
Here: the repository may be a folder (an offline mirror) or served over TLS, plain HTTP from this
machine alone; a set takes the old one's place whole, after every byte of it was verified, and a
failed update leaves the old one as it was.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from modelscan._about import NAME, VERSION
from modelscan.errors import SourceError, UsageError
from modelscan.verifier import delegation
from modelscan.verifier.compiling import SUFFIX
from modelscan.verifier.fetched_set import (
    METADATA,
    STATE,
    TARGETS,
    FetchedSet,
    list_name,
    open_set,
)

if TYPE_CHECKING:
    from tuf.ngclient.fetcher import FetcherInterface
    from tuf.ngclient.updater import Updater

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_MOST_TARGETS = 10_000
_LARGEST_TARGET = 64 << 20
_LARGEST_LIST = 5_000_000
"""Bytes of a list, as many as the client takes by default."""
_FOLDER = "folder://here"
"""What the addresses of a repository in a folder begin with."""


def update(repository: str, root: bytes, store: Path) -> FetchedSet:
    """Fetch the newest set and put it in the place of the one that is here.

    Args:
        repository: base URL or folder, with `metadata` and `targets` below it.
        root: where trust begins; it came by another way than the repository.
        store: the folder that holds the set, from `fetched_set.store_for`.

    Returns:
        The new set, verified.

    Raises:
        UsageError: the address cannot be used.
        SourceError: it cannot be fetched, or what was fetched is refused.
    """
    base, fetcher = _reach(repository)
    store.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".update-", dir=store.parent) as scratch:
        fresh = Path(scratch) / "set"
        if store.is_dir():
            shutil.copytree(store, fresh, symlinks=True)
        for name in (METADATA, TARGETS):
            (fresh / name).mkdir(parents=True, exist_ok=True)
        _fetch(base, fetcher, root, fresh)
        (fresh / STATE).write_text(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S%z}\n", encoding="ascii")
        found = open_set(root, fresh)
        old = Path(scratch) / "old"
        if store.is_dir():
            store.replace(old)
        fresh.replace(store)
    return found


def _fetch(base: str, fetcher: FetcherInterface, root: bytes, fresh: Path) -> None:
    from tuf.api.exceptions import DownloadError, RepositoryError  # lazy: a second to import
    from tuf.ngclient.updater import Updater

    try:
        client = Updater(
            metadata_dir=str(fresh / METADATA),
            metadata_base_url=f"{base}/{METADATA}/",
            target_dir=str(fresh / TARGETS),
            target_base_url=f"{base}/{TARGETS}/",
            fetcher=fetcher,
            bootstrap=root,
        )
        client.refresh()
        _download(client, base, fetcher, fresh)
    except RepositoryError as error:
        raise SourceError(
            f"refused what the repository serves: {type(error).__name__}: {error}",
            "the set that was here before is kept",
        ) from None
    except UsageError as error:
        raise SourceError(f"refused what the repository serves: {error.message}") from None
    except (DownloadError, OSError, ValueError) as error:
        raise SourceError(f"could not fetch from the repository: {error}") from None


def _download(client: Updater, base: str, fetcher: FetcherInterface, fresh: Path) -> None:
    """Every manifest that the repository lists; what it lists no more is removed.

    Raises:
        SourceError: there are too many.
        UsageError: a list that was delegated to is not what it should be.
    """
    roles = _roles(base, fetcher, fresh / METADATA)
    listed = {name: roles.find(name) for name in roles.names() if name.endswith(SUFFIX)}
    if len(listed) > _MOST_TARGETS:
        raise SourceError(f"the repository lists {len(listed):,} manifests")
    kept = set()
    for name, found in listed.items():
        if found is not None and found.length > _LARGEST_TARGET:
            raise SourceError(f"{name}: {found.length:,} bytes are too many for a manifest")
        if found is not None:
            path = client.find_cached_target(found) or client.download_target(found)
            kept.add(Path(path).name)
    for file in (fresh / TARGETS).iterdir():
        if file.name not in kept:
            file.unlink()


def _roles(base: str, fetcher: FetcherInterface, folder: Path) -> delegation.Roles:
    """The lists of the repository and of all to whom it delegates, fetched and verified.

    The client has verified snapshot and first list just now; the snapshot says which version of
    each other list belongs to them.
    """
    from tuf.api.exceptions import ExpiredMetadataError  # lazy: as above
    from tuf.api.metadata import Metadata

    consistent = Metadata.from_file(str(folder / "root.json")).signed.consistent_snapshot
    snapshot: Metadata[Any] = Metadata.from_file(str(folder / "snapshot.json"))
    top: Metadata[Any] = Metadata.from_file(str(folder / list_name(delegation.TOP)))

    def read(role: str, stated: delegation.MetaFile) -> bytes:
        name = list_name(role)
        version = f"{stated.version}." if consistent else ""
        data = fetcher.download_bytes(f"{base}/{METADATA}/{version}{name}", _LARGEST_LIST)
        if Metadata.from_bytes(data).signed.is_expired():
            raise ExpiredMetadataError(f"the delegated list {role!r} is expired")
        (folder / name).write_bytes(data)
        return data

    return delegation.load(top.signed, snapshot.signed.meta, read)


def _reach(repository: str) -> tuple[str, FetcherInterface]:
    """The base address, and what fetches from it.

    Raises:
        UsageError: it is no folder, and no address that is safe from listeners.
    """
    parts = urlsplit(repository)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL_HOSTS):
        from tuf.ngclient.urllib3_fetcher import Urllib3Fetcher  # lazy: as above

        return repository.rstrip("/"), Urllib3Fetcher(app_user_agent=f"{NAME}/{VERSION}")
    if parts.scheme == "http":
        raise UsageError(f"{repository} is plain HTTP", "use https")
    folder = Path(repository)
    if not folder.is_dir():
        raise UsageError(f"{repository}: no such folder", "name an https address or a folder")
    return _FOLDER, _folder_fetcher(folder)


def _folder_fetcher(folder: Path) -> FetcherInterface:
    from tuf.api.exceptions import DownloadHTTPError  # lazy: as above
    from tuf.ngclient.fetcher import FetcherInterface

    class _Folder(FetcherInterface):
        """Reads a repository's files from a folder."""

        def _fetch(self, url: str) -> Iterator[bytes]:
            path = folder / unquote(url.removeprefix(_FOLDER)).lstrip("/")
            if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
                raise DownloadHTTPError(f"{path.name}: not there", 404)
            yield path.read_bytes()

    return _Folder()
