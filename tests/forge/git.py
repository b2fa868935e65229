"""Builds git objects and packs, honest and broken ones, without git."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

KINDS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"


class Commit(NamedTuple):
    id: str
    objects: dict[str, tuple[str, bytes]]
    """Kind and bytes of the commit, its trees and its blobs, by id."""


def object_id(kind: str, data: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()


def pointer(data: bytes) -> bytes:
    """What stands in git for a large file."""
    return POINTER.format(hashlib.sha256(data).hexdigest(), len(data)).encode()


def entry(mode: str, name: str, oid: str) -> bytes:
    return f"{mode} {name}".encode() + b"\0" + bytes.fromhex(oid)


def commit(
    files: Mapping[str, bytes], message: str = "a model\n", links: Collection[str] = ()
) -> Commit:
    """A commit with these files as git keeps them; some may be links to what they hold."""
    objects: dict[str, tuple[str, bytes]] = {}
    tree = _tree(objects, files, links)
    people = "A <a@example.org> 1700000000 +0000"
    text = f"tree {tree}\nauthor {people}\ncommitter {people}\n\n{message}".encode()
    return Commit(_keep(objects, "commit", text), objects)


def _tree(
    objects: dict[str, tuple[str, bytes]],
    files: Mapping[str, bytes],
    links: Collection[str],
    above: str = "",
) -> str:
    folders: dict[str, dict[str, bytes]] = {}
    lines = {}
    for path, data in files.items():
        folder, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(folder, {})[rest] = data
        else:
            mode = "120000" if above + path in links else "100644"
            lines[path] = entry(mode, path, _keep(objects, "blob", data))
    for name, inside in folders.items():
        lines[name + "/"] = entry("40000", name, _tree(objects, inside, links, f"{above}{name}/"))
    return _keep(objects, "tree", b"".join(lines[name] for name in sorted(lines)))


def _keep(objects: dict[str, tuple[str, bytes]], kind: str, data: bytes) -> str:
    oid = object_id(kind, data)
    objects[oid] = (kind, data)
    return oid


def header(kind: int, size: int) -> bytes:
    """Kind and length as a pack writes them."""
    first = (kind << 4) | (size & 15)
    size >>= 4
    out = bytearray()
    while size:
        out.append(first | 0x80)
        first, size = size & 0x7F, size >> 7
    return bytes([*out, first])


def whole(kind: str, data: bytes) -> bytes:
    """An object as a pack writes it."""
    return header(KINDS[kind], len(data)) + zlib.compress(data)


def number(value: int) -> bytes:
    """A length inside a delta."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def delta(base: bytes, *instructions: tuple[int, int] | bytes) -> bytes:
    """A change: (offset, length) copies from the base, bytes are new."""
    out, size = b"", 0
    for one in instructions:
        if isinstance(one, bytes):
            out += bytes([len(one)]) + one
            size += len(one)
            continue
        offset, length = one
        out += (
            bytes([0x80 | 0x0F | 0x70])
            + offset.to_bytes(4, "little")
            + length.to_bytes(3, "little")
        )
        size += length or 0x10000
    return number(len(base)) + number(size) + out


def by_id(base: str, change: bytes) -> bytes:
    """A change to an object that is named by its id."""
    return header(7, len(change)) + bytes.fromhex(base) + zlib.compress(change)


def by_offset(back: int, change: bytes) -> bytes:
    """A change to the object that begins so many bytes before this one."""
    digits = [back & 0x7F]
    while back > 0x7F:
        back = (back >> 7) - 1
        digits.insert(0, back & 0x7F | 0x80)
    return header(6, len(change)) + bytes(digits) + zlib.compress(change)


def pack(items: Iterable[bytes], count: int | None = None, version: int = 2) -> bytes:
    """A pack of entries, with its checksum."""
    written = list(items)
    count = len(written) if count is None else count
    data = b"PACK" + version.to_bytes(4, "big") + count.to_bytes(4, "big") + b"".join(written)
    return data + hashlib.sha1(data, usedforsecurity=False).digest()


def pack_of(objects: Iterable[tuple[str, bytes]]) -> bytes:
    """A pack of whole objects."""
    return pack(whole(kind, data) for kind, data in objects)
