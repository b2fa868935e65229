"""Builds HDF5 files piece by piece: honest ones, and ones that no library would write.

Source: HDF5 File Format Specification, version 3.0. Checksums are left zero: nothing here checks
them, and a file that is right in all else is still read by nobody but us.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

NOWHERE = (1 << 64) - 1
SIGNATURE = b"\x89HDF\r\n\x1a\n"
_ROOM = 96


def number(value: int, size: int = 8) -> bytes:
    """A number, little-endian."""
    return value.to_bytes(size, "little")


def message(kind: int, body: bytes, flags: int = 0) -> tuple[int, bytes, int]:
    """One message of an object header."""
    return kind, body, flags


Message = tuple[int, bytes, int]


def dataspace(*dims: int, version: int = 1, null: bool = False) -> bytes:
    """A shape."""
    if version == 1:
        return bytes([1, len(dims), 0]) + bytes(5) + b"".join(map(number, dims))
    return bytes([2, len(dims), 0, 2 if null else 1]) + b"".join(map(number, dims))


def datatype(kind: int, size: int, bits: int = 0) -> bytes:
    """A type: 0 is a whole number, 1 a real one, 3 text, 5 opaque, 9 of variable length."""
    return bytes([0x10 | kind]) + number(bits, 3) + number(size, 4)


F32 = datatype(1, 4)
U8 = datatype(0, 1)
TEXT = datatype(9, 16, 1) + datatype(3, 1)


def contiguous(address: int, size: int) -> bytes:
    """Data in one piece."""
    return b"\3\1" + number(address) + number(size)


def compact(data: bytes) -> bytes:
    """Data in the header itself."""
    return b"\3\0" + number(len(data), 2) + data


CHUNKED = b"\3\2\3" + number(NOWHERE) + number(1, 4) * 3


def attribute(
    name: str, kind: bytes, space: bytes, data: bytes, *, version: int = 1, flags: int = 0
) -> Message:
    """A named value."""
    label = name.encode() + b"\0"
    lengths = b"".join(number(len(part), 2) for part in (label, kind, space))
    parts = [label, kind, space]
    if version == 1:
        parts = [part + bytes(-len(part) % 8) for part in parts]
    encoding = b"\0" if version == 3 else b""
    body = bytes([version, flags]) + lengths + encoding + b"".join(parts) + data
    return message(0x0C, body)


def link(name: str, address: int) -> bytes:
    """A hard link."""
    return b"\1\0" + bytes([len(name)]) + name.encode() + number(address)


def soft_link(name: str, target: str) -> bytes:
    """A soft link, with its creation order and encoding stated."""
    head = b"\1\x1c\1" + bytes(8) + b"\0" + bytes([len(name)])
    return head + name.encode() + number(len(target), 2) + target.encode()


def external_link(name: str, file: str, target: str = "/") -> bytes:
    """A link into another file."""
    value = b"\0" + file.encode() + b"\0" + target.encode() + b"\0"
    return b"\1\x08\x40" + bytes([len(name)]) + name.encode() + number(len(value), 2) + value


class File:
    """A file that grows from its end; the superblock comes last, and stands first.

    Args:
        version: of the superblock.
        before: bytes of a user block, 512 or twice that and so on.
    """

    def __init__(self, version: int = 0, before: bytes = b"") -> None:
        self.version = version
        self.before = before
        self.data = bytearray(_ROOM)

    def put(self, piece: bytes) -> int:
        """Add bytes; returns their address."""
        self.data += bytes(-len(self.data) % 8)
        self.data += piece
        return len(self.data) - len(piece)

    def header(self, *messages: Message, modern: bool = False, split: bool = False) -> int:
        """An object header; `split` puts all messages into a continuation."""
        if modern:
            body = b"".join(
                bytes([kind]) + number(len(data), 2) + bytes([flags]) + data
                for kind, data, flags in messages
            )
            if split:
                rest = self.put(b"OCHK" + body + bytes(4))
                where = number(rest) + number(len(body) + 8)
                body = b"\x10" + number(16, 2) + b"\0" + where
            return self.put(b"OHDR\2\2" + number(len(body), 4) + body + bytes(4))
        body = b"".join(
            number(kind, 2) + number(len(data) + -len(data) % 8, 2) + bytes([flags]) + bytes(3)
            + data + bytes(-len(data) % 8)
            for kind, data, flags in messages
        )  # fmt: skip
        if split:
            rest = self.put(body)
            body = number(0x10, 2) + number(16, 2) + bytes(4) + number(rest) + number(len(body))
        count = number(len(messages), 2)
        return self.put(b"\1\0" + count + number(1, 4) + number(len(body), 4) + bytes(4) + body)

    def dataset(
        self,
        *dims: int,
        kind: bytes = F32,
        layout: bytes | None = None,
        extra: Sequence[Message] = (),
        modern: bool = False,
    ) -> int:
        """A dataset; without a layout, with all its data stored."""
        if layout is None:
            size = int.from_bytes(kind[4:8], "little")
            for extent in dims:
                size *= extent
            layout = contiguous(self.put(bytes(size)), size)
        space = message(1, dataspace(*dims))
        return self.header(space, message(3, kind), message(8, layout), *extra, modern=modern)

    def heap(self, *texts: str) -> tuple[int, list[int]]:
        """A local heap; returns its address and the offset of each text."""
        data, offsets = bytearray(8), []
        for text in texts:
            offsets.append(len(data))
            data += text.encode() + b"\0"
            data += bytes(-len(data) % 8)
        where = self.put(bytes(data))
        head = b"HEAP" + bytes(4) + number(len(data)) + number(NOWHERE) + number(where)
        return self.put(head), offsets

    def global_heap(self, *objects: bytes) -> int:
        """A global heap; objects are numbered from 1."""
        body = b"".join(
            number(index, 2) + number(1, 2) + bytes(4) + number(len(data)) + data
            + bytes(-len(data) % 8)
            for index, data in enumerate(objects, 1)
        )  # fmt: skip
        body += bytes(16)
        return self.put(b"GCOL\1\0\0\0" + number(16 + len(body)) + body)

    def text_attribute(self, name: str, *values: bytes, version: int = 1) -> Message:
        """An attribute with text of variable length."""
        heap = self.global_heap(*values)
        data = b"".join(
            number(len(value), 4) + number(heap) + number(index, 4)
            for index, value in enumerate(values, 1)
        )
        space = dataspace(len(values)) if len(values) > 1 else dataspace()
        return attribute(name, TEXT, space, data, version=version)

    def old_group(
        self, members: Mapping[str, int], soft: Mapping[str, str] | None = None
    ) -> Message:
        """The message of a group in the old layout: a tree, a node and a heap."""
        soft = soft or {}
        heap, offsets = self.heap(*members, *soft, *soft.values())
        entries = b"".join(
            number(offset) + number(address) + bytes(24)
            for offset, address in zip(offsets, members.values(), strict=False)
        )
        first = len(members)
        for at in range(len(soft)):
            target = offsets[first + len(soft) + at]
            scratch = number(target, 4) + bytes(12)
            name = number(offsets[first + at])
            entries += name + number(NOWHERE) + number(2, 4) + bytes(4) + scratch
        count = len(members) + len(soft)
        node = self.put(b"SNOD\1\0" + number(count, 2) + entries)
        leaf = b"TREE\0\0" + number(1, 2) + number(NOWHERE) * 2
        inner = self.put(leaf + number(0) + number(node) + number(8))
        root = b"TREE\0\1" + number(1, 2) + number(NOWHERE) * 2
        tree = self.put(root + number(0) + number(inner) + number(8))
        return message(0x11, number(tree) + number(heap))

    def new_group(self, *links: bytes) -> list[Message]:
        """The messages of a group in the new layout."""
        return [message(6, body) for body in links]

    def dense(self, objects: Sequence[bytes], *, kind: int, deep: bool = False) -> bytes:
        """A fractal heap with these objects, and a tree over it: the two addresses.

        Args:
            objects: links or attributes.
            kind: of the tree: 5 for links, 8 for attributes.
            deep: put an indirect block and an inner node in between.
        """
        start, width = 4096, 4
        block = bytearray(b"FHDB\0" + number(0) + number(0, 4) + bytes(4))
        records = []
        for data in objects:
            identity = b"\0" + number(len(block), 4) + number(len(data), 2)
            block += data
            if kind == 5:
                records.append(bytes(4) + identity)
            else:
                records.append(identity + bytes(1) + bytes(1) + number(0, 4) + bytes(4))
        direct = self.put(bytes(block).ljust(start, b"\0"))
        root, rows = direct, 0
        if deep:
            children = number(direct) + number(NOWHERE) * (width - 1)
            root, rows = self.put(b"FHIB\0" + number(0) + number(0, 4) + children), 1
        head = b"FRHP\0" + number(8 if kind == 8 else 7, 2) + bytes(2) + b"\2" + number(4096, 4)
        head += number(0) + number(NOWHERE) + number(0) + number(NOWHERE) + number(0) * 8
        head += number(width, 2) + number(start) + number(65536) + number(32, 2) + number(1, 2)
        heap = self.put(head + number(root) + number(rows, 2) + bytes(4))
        return number(heap) + number(self._tree(records, kind, deep=deep))

    def _tree(self, records: Sequence[bytes], kind: int, *, deep: bool) -> int:
        size = 512
        leaf = b"BTLF\0" + bytes([kind])
        node = self.put((leaf + b"".join(records[deep:])).ljust(size, b"\0"))
        count, depth = len(records), 0
        if deep:
            empty = self.put(leaf.ljust(size, b"\0"))
            children = number(node) + number(len(records) - 1, 1) + number(empty) + number(0, 1)
            inner = b"BTIN\0" + bytes([kind]) + records[0] + children
            node, count, depth = self.put(inner.ljust(size, b"\0")), 1, 1
        length = number(len(records[0]) if records else 11, 2)
        head = b"BTHD\0" + bytes([kind]) + number(size, 4) + length + number(depth, 2) + bytes(2)
        total = number(len(records))
        return self.put(head + number(node) + number(count, 2) + total + bytes(4))

    def close(self, root: int, *, end: int | None = None) -> bytes:
        """The whole file, with this root group."""
        size = len(self.before) + len(self.data) if end is None else end
        base = number(len(self.before))
        if self.version < 2:
            head = (
                SIGNATURE
                + bytes([self.version, 0, 0, 0, 0, 8, 8, 0])
                + struct.pack("<HHI", 4, 16, 0)
            )
            head += struct.pack("<HH", 32, 0) if self.version == 1 else b""
            head += base + number(NOWHERE) + number(size) + number(NOWHERE)
            head += number(0) + number(root)
        else:
            head = SIGNATURE + bytes([self.version, 8, 8, 0]) + base + number(NOWHERE)
            head += number(size) + number(root)
        self.data[: len(head)] = head
        return self.before + bytes(self.data)


def weights(**tensors: int) -> bytes:
    """An honest file: groups in the old layout, one dataset in each."""
    file = File()
    members = {
        name: file.header(file.old_group({"kernel": file.dataset(extent, 2)}))
        for name, extent in tensors.items()
    }
    return file.close(file.header(file.old_group(members)))


def with_attribute(name: str, value: bytes) -> bytes:
    """A file whose root has one attribute."""
    file = File()
    return file.close(file.header(file.text_attribute(name, value), file.old_group({})))
