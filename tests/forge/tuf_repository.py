"""A repository of manifests as The Update Framework wants it, made and signed in process.

The metadata is written by the framework's own library, so that it is the real thing; what a client
must refuse is made by publishing with other keys, dates or versions.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

# The libraries do not mark what they export, so that their types are not to be had.
tuf: Any = importlib.import_module("tuf.api.metadata")
_signers: Any = importlib.import_module("securesystemslib.signer")

ROLES = ("root", "targets", "snapshot", "timestamp")


def new_key() -> Any:
    """A key pair that signs metadata."""
    return _signers.CryptoSigner.generate_ecdsa()


class Delegated(NamedTuple):
    """A list by somebody else than the repository's owner."""

    name: str
    files: Mapping[str, bytes]
    key: Any
    paths: Sequence[str] = ("*",)
    """Patterns of the names that it is believed for."""
    parent: str = "targets"
    terminating: bool = False
    prefixes: Sequence[str] = ()
    """Beginnings of the names' digests, in place of patterns."""
    days: float = 90
    """Until it expires; negative for what expired already."""
    signed_with: Any = None
    """Another key that signs it, which nobody named."""


class Repository:
    """A repository in a folder, with `metadata` and `targets`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.keys: dict[str, Any] = {role: new_key() for role in ROLES}
        self.version = 0
        self.ever: set[str] = set()
        """Lists by others that there ever were."""
        (folder / "metadata").mkdir(parents=True)
        (folder / "targets").mkdir()
        self.root = self._root(1, self.keys)

    def _root(self, version: int, keys: Mapping[str, Any], *also: Any) -> bytes:
        """Write a root for these keys, signed by them and by others."""
        described = tuf.Root(
            version=version, expires=self.now + timedelta(days=365), consistent_snapshot=True
        )
        for role in ROLES:
            described.add_key(keys[role].public_key, role)
        signed: Any = tuf.Metadata(described)
        for key in (keys["root"], *also):
            signed.sign(key, append=True)
        path = self.folder / "metadata" / f"{version}.root.json"
        signed.to_file(str(path))
        return path.read_bytes()

    def rotate(self) -> None:
        """Exchange all keys, as the old root key allows."""
        old = self.keys["root"]
        self.keys = {role: new_key() for role in ROLES}
        self._root(2, self.keys, old)

    def publish(
        self,
        files: Mapping[str, bytes],
        *,
        days: float = 7,
        version: int = 0,
        delegated: Sequence[Delegated] = (),
        succinct: bool = False,
        forget: Sequence[str] = (),
        length: int = 0,
    ) -> None:
        """Publish these manifests, in place of all that were published before.

        Args:
            files: by name.
            days: until snapshot and timestamp expire; negative for what expired already.
            version: of all metadata; the next one by default.
            delegated: lists by others.
            succinct: these lists are bins of names, of which only the number is stated.
            forget: lists that the snapshot does not have.
            length: what is stated of each file in place of its own.
        """
        self.version = version or self.version + 1
        until = self.now + timedelta(days=days)
        targets = self._list(files)
        for stated in targets.targets.values() if length else ():
            stated.length = length
        snapshot = tuf.Snapshot(version=self.version, expires=until)
        snapshot.meta["targets.json"].version = self.version
        lists = {"targets": targets}
        for one in delegated:
            lists[one.name] = self._list(one.files, one.days)
            self.ever.add(one.name)
        for name in self.ever.difference(forget):  # a snapshot never drops a list
            snapshot.meta[f"{name}.json"] = tuf.MetaFile(self.version)
        for one in () if succinct else delegated:
            self._delegate(lists[one.parent], one)
        if succinct:
            public = delegated[0].key.public_key
            bins = tuf.SuccinctRoles([public.keyid], 1, len(delegated).bit_length() - 1, "bin")
            targets.delegations = tuf.Delegations({public.keyid: public}, succinct_roles=bins)
        for one in delegated:
            self.keys[one.name] = one.signed_with or one.key
            self.write(one.name, lists[one.name])
        timestamp = tuf.Timestamp(version=self.version, expires=until)
        timestamp.snapshot_meta.version = self.version
        for role, described in (
            ("targets", targets),
            ("snapshot", snapshot),
            ("timestamp", timestamp),
        ):
            self.write(role, described)

    def _list(self, files: Mapping[str, bytes], days: float = 90) -> Any:
        """A list of these files, which are put in their places."""
        made = tuf.Targets(version=self.version, expires=self.now + timedelta(days=days))
        for name, data in files.items():
            place = self.folder / "targets" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256(data).hexdigest()
            (place.parent / f"{digest}.{place.name}").write_bytes(data)
            made.targets[name] = tuf.TargetFile.from_data(name, data, ["sha256"])
        return made

    @staticmethod
    def _delegate(parent: Any, one: Delegated) -> None:
        if parent.delegations is None:
            parent.delegations = tuf.Delegations({}, roles={})
        public = one.key.public_key
        role = tuf.DelegatedRole(
            one.name,
            [public.keyid],
            1,
            one.terminating,
            paths=None if one.prefixes else list(one.paths),
            path_hash_prefixes=list(one.prefixes) or None,
        )
        parent.delegations.keys[public.keyid] = public
        parent.delegations.roles[one.name] = role

    def write(self, role: str, described: Any) -> None:
        """Sign and write one role's metadata."""
        signed: Any = tuf.Metadata(described)
        signed.sign(self.keys[role])
        name = f"{role}.json" if role == "timestamp" else f"{described.version}.{role}.json"
        signed.to_file(str(self.folder / "metadata" / name))


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder on a port of its own; gives its address."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    handler = functools.partial(Handler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
