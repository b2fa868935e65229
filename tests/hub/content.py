"""What a fake repository holds: bytes, or very many of them that are never made."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

LARGE = re.compile(
    r"\.(safetensors|bin|gguf|pt|pth|ckpt|h5|onnx|pkl|zip|msgpack|npz|keras|pickle|joblib|model)$"
)
"""Names of files that go to large-file storage."""


class Content(NamedTuple):
    """A file: some bytes, and zeros up to its size."""

    head: bytes
    size: int

    @classmethod
    def of(cls, data: bytes | Content) -> Content:
        return data if isinstance(data, Content) else cls(data, len(data))

    def read(self, start: int, stop: int) -> bytes:
        data = self.head[start:stop]
        return data + bytes(stop - start - len(data))

    @property
    def sha256(self) -> str:
        """The real digest, or for a file that is never made one that is its own."""
        if self.size == len(self.head):
            return hashlib.sha256(self.head).hexdigest()
        return hashlib.sha256(b"%d" % self.size + self.head).hexdigest()

    @property
    def pointer(self) -> bytes:
        """What git stores in place of a large file."""
        version = "version https://git-lfs.github.com/spec/v1"
        return f"{version}\noid sha256:{self.sha256}\nsize {self.size}\n".encode()

    def listed(self, path: str) -> dict[str, object]:
        """As a tree lists it."""
        large = LARGE.search(path) is not None or self.size > 10 << 20
        stored = self.pointer if large else self.head
        entry: dict[str, object] = {
            "type": "file", "path": path, "size": self.size, "oid": git_blob(stored),
        }  # fmt: skip
        if large:
            pointer = len(self.pointer)
            entry["lfs"] = {"oid": self.sha256, "size": self.size, "pointerSize": pointer}
        return entry


def git_blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
