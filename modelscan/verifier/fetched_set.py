"""A set of manifests that was fetched by TUF, as it lies on this machine.

What `updating` fetched is verified again each time it is used, from the user's root metadata down
to every file: a folder in somebody's home is no place to trust (The Update Framework 1.0, section
5; sigstore's client trusts such a copy as it lies there, measured). Only the expiry is not a reason
to refuse: a set that nobody could update still says what it says, and how old it is.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from modelscan._about import NAME
from modelscan.errors import UsageError
from modelscan.verifier import delegation
from modelscan.verifier.compiling import SUFFIX, compile_releases
from modelscan.verifier.index import ReleaseIndex
from modelscan.verifier.own_manifests import Member
from modelscan.verifier.release import Manifest, parse_manifest

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata

METADATA = "metadata"
TARGETS = "targets"
STATE = "updated"
"""Names inside a store: what TUF's client keeps, the manifests, and when they were fetched last."""
ADVISORIES = "advisories/"
"""How the names of targets begin that are no manifests, but advisories in the OSV format."""
_LARGEST = 64 << 20
_MOST_ROOTS = 256
_AGAIN = "run `modelassay manifest update`"


class FetchedSet(NamedTuple):
    """A set whose every byte was verified."""

    manifests: tuple[Manifest, ...]
    version: int
    """Of the repository's timestamp: it grows with every change."""
    age: int
    """Days since it was fetched, or since it should have been: the greater one."""
    digest: str
    """SHA-256 of the root that trust began with."""
    advisories: tuple[tuple[str, bytes], ...] = ()
    """Name and bytes of each target in the folder `advisories/`, for whoever reads them."""

    @property
    def description(self) -> str:
        """What reports call it."""
        days = "today" if not self.age else f"{self.age} {'day' if self.age == 1 else 'days'} ago"
        return f"the fetched set {self.version} of {days}"


def store_for(root: bytes) -> Path:
    """The folder for the set that a root begins: another root never finds it."""
    import platformdirs  # lazy: only for who configured a repository

    name = hashlib.sha256(root).hexdigest()[:32]
    return Path(platformdirs.user_data_dir(NAME, appauthor=False)) / "manifests" / name


def read_root(path: Path) -> bytes:
    """The root metadata that the user has.

    Raises:
        UsageError: it cannot be read, or is none.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "it is the repository's root.json") from None
    try:
        _root(data)
    except Exception as error:  # noqa: BLE001 - errors of several libraries, all of them refusals
        raise UsageError(f"{path} is no root metadata of TUF: {error}") from None
    return data


def open_set(root: bytes, store: Path) -> FetchedSet:
    """Verify a stored set, and read it.

    Args:
        root: where trust begins.
        store: the folder.

    Raises:
        UsageError: there is none, or something in it does not verify.
    """
    if not (store / STATE).is_file():
        raise UsageError("the set of manifests was never fetched", _AGAIN)
    try:
        return _open(root, store)
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - errors of several libraries, all of them refusals
        why = str(error) or type(error).__name__
        raise UsageError(f"the fetched set of manifests does not verify: {why}", _AGAIN) from None


def member(found: FetchedSet, max_age: int | None) -> Member:
    """A set as an index, with what its age takes away."""
    void = outdated(found, max_age)
    return Member(ReleaseIndex(compile_releases(found.manifests)), found.description, void)


def outdated(found: FetchedSet, max_age: int | None) -> str:
    """That a set is too old, in words; empty when it is not."""
    if max_age is None or found.age <= max_age:
        return ""
    return f"{found.description} is older than the {max_age} days that are allowed"


def _open(root: bytes, store: Path) -> FetchedSet:
    from tuf.api.metadata import Metadata  # lazy: as above

    folder = store / METADATA
    # (1) The newest root that the user's own one leads to.
    trusted = _newest_root(root, folder)
    # (2) Each role's metadata is signed by its keys, and names the next one's version.
    timestamp: Metadata[Any] = Metadata.from_bytes(_read(folder / "timestamp.json"))
    snapshot: Metadata[Any] = Metadata.from_bytes(_read(folder / "snapshot.json"))
    targets: Metadata[Any] = Metadata.from_bytes(_read(folder / "targets.json"))
    for name, metadata in (("timestamp", timestamp), ("snapshot", snapshot), ("targets", targets)):
        trusted.verify_delegate(name, metadata.signed_bytes, metadata.signatures)
    if snapshot.signed.version != timestamp.signed.snapshot_meta.version:
        raise UsageError("the fetched set mixes versions of its snapshot", _AGAIN)
    if targets.signed.version != snapshot.signed.meta["targets.json"].version:
        raise UsageError("the fetched set mixes versions of its list", _AGAIN)
    # (3) Publishers to whom the list delegates have signed theirs.
    roles = delegation.load(
        targets.signed, snapshot.signed.meta, lambda role, _: _read(folder / list_name(role))
    )
    # (4) Every manifest and every advisory is the one that is listed.
    manifests: list[Manifest] = []
    advisories: list[tuple[str, bytes]] = []
    for name in roles.names():
        listed = roles.find(name)
        if name.endswith(SUFFIX) and listed is not None:
            data = _read(store / TARGETS / quote(name, ""))
            listed.verify_length_and_hashes(data)
            if name.startswith(ADVISORIES):
                advisories.append((name, data))
            else:
                manifests.append(parse_manifest(data, name))
    return FetchedSet(
        tuple(manifests),
        timestamp.signed.version,
        _age(store, timestamp.signed.expires),
        hashlib.sha256(root).hexdigest(),
        tuple(advisories),
    )


def list_name(role: str) -> str:
    """The file of a role's metadata in a store."""
    return quote(role, "") + ".json"


def _root(data: bytes) -> Any:
    from tuf.api.metadata import Metadata  # lazy: as above

    found: Metadata[Any] = Metadata.from_bytes(data)
    found.signed.verify_delegate("root", found.signed_bytes, found.signatures)
    return found.signed


def _newest_root(data: bytes, folder: Path) -> Any:
    from tuf.api.metadata import Metadata  # lazy: as above

    trusted = _root(data)
    for version in range(trusted.version + 1, trusted.version + _MOST_ROOTS):
        path = folder / "root_history" / f"{version}.root.json"
        if not path.is_file():
            break
        following: Metadata[Any] = Metadata.from_bytes(_read(path))
        trusted.verify_delegate("root", following.signed_bytes, following.signatures)
        following.signed.verify_delegate("root", following.signed_bytes, following.signatures)
        if following.signed.version != version:
            raise UsageError("the fetched set has a root of another version", _AGAIN)
        trusted = following.signed
    return trusted


def _age(store: Path, expires: datetime) -> int:
    """Days since the last fetch by our own note, or since the signed expiry, whichever is more."""
    now = datetime.now(UTC)
    noted = datetime.strptime(_read(store / STATE).decode().strip(), "%Y-%m-%dT%H:%M:%S%z")
    return max((now - noted).days, (now - expires.astimezone(UTC)).days, 0)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise UsageError(f"{path.name}: too large")
    return data
