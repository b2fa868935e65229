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
from modelscan.verifier.compiling import SUFFIX
from modelscan.verifier.fetched_set import METADATA, STATE, TARGETS, FetchedSet, open_set

if TYPE_CHECKING:
    from tuf.ngclient.fetcher import FetcherInterface
    from tuf.ngclient.updater import Updater

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_MOST_TARGETS = 10_000
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


def _fetch(base: str, fetcher: FetcherInterface | None, root: bytes, fresh: Path) -> None:
    from tuf.api.exceptions import DownloadError, RepositoryError  # lazy: a second to import
    from tuf.ngclient.config import UpdaterConfig
    from tuf.ngclient.updater import Updater

    try:
        client = Updater(
            metadata_dir=str(fresh / METADATA),
            metadata_base_url=f"{base}/{METADATA}/",
            target_dir=str(fresh / TARGETS),
            target_base_url=f"{base}/{TARGETS}/",
            fetcher=fetcher,
            config=UpdaterConfig(app_user_agent=f"{NAME}/{VERSION}"),
            bootstrap=root,
        )
        client.refresh()
        _download(client, fresh)
    except RepositoryError as error:
        raise SourceError(
            f"refused what the repository serves: {type(error).__name__}: {error}",
            "the set that was here before is kept",
        ) from None
    except (DownloadError, OSError, ValueError) as error:
        raise SourceError(f"could not fetch from the repository: {error}") from None


def _download(client: Updater, fresh: Path) -> None:
    """Every manifest that the repository lists; what it lists no more is removed."""
    from tuf.api.metadata import Metadata  # lazy: as above

    listed: Metadata[Any] = Metadata.from_file(str(fresh / METADATA / "targets.json"))
    names = [name for name in listed.signed.targets if name.endswith(SUFFIX)]
    if len(names) > _MOST_TARGETS:
        raise SourceError(f"the repository lists {len(names):,} manifests")
    kept = set()
    for name in names:
        found = client.get_targetinfo(name)
        if found is None:
            raise SourceError(f"the repository lists {name} and does not know it")
        path = client.find_cached_target(found) or client.download_target(found)
        kept.add(Path(path).name)
    for file in (fresh / TARGETS).iterdir():
        if file.name not in kept:
            file.unlink()


def _reach(repository: str) -> tuple[str, FetcherInterface | None]:
    """The base address, and what fetches from it; `None` for the client's own way.

    Raises:
        UsageError: it is no folder, and no address that is safe from listeners.
    """
    parts = urlsplit(repository)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL_HOSTS):
        return repository.rstrip("/"), None
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
