"""A repository of manifests as The Update Framework wants it, made and signed in process.

The metadata is written by the framework's own library, so that it is the real thing; what a client
must refuse is made by publishing with other keys, dates or versions.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# The libraries do not mark what they export, so that their types are not to be had.
tuf: Any = importlib.import_module("tuf.api.metadata")
_signers: Any = importlib.import_module("securesystemslib.signer")

ROLES = ("root", "targets", "snapshot", "timestamp")


def new_key() -> Any:
    """A key pair that signs metadata."""
    return _signers.CryptoSigner.generate_ecdsa()


class Repository:
    """A repository in a folder, with `metadata` and `targets`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.keys: dict[str, Any] = {role: new_key() for role in ROLES}
        self.version = 0
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

    def publish(self, files: Mapping[str, bytes], *, days: float = 7, version: int = 0) -> None:
        """Publish these manifests, in place of all that were published before.

        Args:
            files: by name.
            days: until snapshot and timestamp expire; negative for what expired already.
            version: of all metadata; the next one by default.
        """
        self.version = version or self.version + 1
        until = self.now + timedelta(days=days)
        targets = tuf.Targets(version=self.version, expires=self.now + timedelta(days=90))
        for name, data in files.items():
            place = self.folder / "targets" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256(data).hexdigest()
            (place.parent / f"{digest}.{place.name}").write_bytes(data)
            targets.targets[name] = tuf.TargetFile.from_data(name, data, ["sha256"])
        snapshot = tuf.Snapshot(version=self.version, expires=until)
        snapshot.meta["targets.json"].version = self.version
        timestamp = tuf.Timestamp(version=self.version, expires=until)
        timestamp.snapshot_meta.version = self.version
        for role, described in (
            ("targets", targets),
            ("snapshot", snapshot),
            ("timestamp", timestamp),
        ):
            self.write(role, described)

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
