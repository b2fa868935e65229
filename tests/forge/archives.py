"""Zip and tar archives built by hand, header by header, with inert contents.

`Zip` writes each view of a member on its own, so that a test can make any two of them disagree.
"""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from typing import Any

INERT_PICKLE = b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01K\x01s."
"""`{"a": 1}`."""


class Zip:
    """Builds a zip; every field of every record can be overridden.

    Fields are `name`, `flags`, `method`, `crc`, `packed`, `size`, `extra`, and for the directory
    also `offset`, `mode`, `system`.
    """

    def __init__(self, prefix: bytes = b"") -> None:
        self.body = bytearray(prefix)
        self.directory = bytearray()
        self.count = 0

    def member(
        self,
        name: str,
        data: bytes,
        *,
        deflate: bool = False,
        descriptor: str = "",
        local: dict[str, Any] | None = None,
        central: dict[str, Any] | None = None,
        listed: bool = True,
        **both: Any,
    ) -> Zip:
        """Append a member: `local` and `central` override one view, other keywords both."""
        packed = _deflate(data) if deflate else data
        fields: dict[str, Any] = {
            "name": name.encode(), "flags": 8 if descriptor else 0, "method": 8 if deflate else 0,
            "crc": zlib.crc32(data), "packed": len(packed), "size": len(data), "extra": b"",
            "offset": len(self.body), "mode": 0, "system": 3,
        } | both  # fmt: skip
        first = fields | ({"crc": 0, "packed": 0, "size": 0} if descriptor else {}) | (local or {})
        second = fields | (central or {})
        self.body += local_header(first) + packed
        if descriptor:
            layout = "<I2Q" if "wide" in descriptor else "<3I"
            mark = b"" if "bare" in descriptor else b"PK\x07\x08"
            self.body += mark + struct.pack(layout, fields["crc"], fields["packed"], fields["size"])
        if listed:
            self.list(second)
        return self

    def list(self, fields: dict[str, Any]) -> Zip:
        """Append an entry to the directory only."""
        self.directory += central_header(fields)
        self.count += 1
        return self

    def raw(self, data: bytes) -> Zip:
        """Append bytes that are no member."""
        self.body += data
        return self

    def build(
        self, *, comment: bytes = b"", after: bytes = b"", wide: bool = False, base: int = 0
    ) -> bytes:
        """The archive; `base` is subtracted from the offset in the end record."""
        start, size = len(self.body), len(self.directory)
        ends = b""
        if wide:
            ends = struct.pack(
                "<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, self.count, self.count, size, start
            ) + struct.pack("<4sIQI", b"PK\x06\x07", 0, start + size, 1)
        count = 0xFFFF if wide else self.count
        ends += struct.pack(
            "<4s4H2IH", b"PK\x05\x06", 0, 0, count, count,
            0xFFFFFFFF if wide else size, 0xFFFFFFFF if wide else start - base, len(comment),
        )  # fmt: skip
        return bytes(self.body + self.directory) + ends + comment + after


def local_header(fields: dict[str, Any]) -> bytes:
    name, extra = bytes(fields["name"]), bytes(fields["extra"])
    numbers = [fields[key] for key in ("flags", "method")]
    sizes = [fields[key] for key in ("crc", "packed", "size")]
    head = struct.pack(
        "<4s5H3I2H", b"PK\x03\x04", 20, *numbers, 0, 33, *sizes, len(name), len(extra)
    )
    return head + name + extra


def central_header(fields: dict[str, Any]) -> bytes:
    name, extra = bytes(fields["name"]), bytes(fields["extra"])
    numbers = [fields[key] for key in ("flags", "method")]
    sizes = [fields[key] for key in ("crc", "packed", "size")]
    lengths = (len(name), len(extra), 0, 0, 0)
    made, mode, offset = fields["system"] << 8 | 20, fields["mode"] << 16, fields["offset"]
    head = struct.pack(
        "<4s6H3I5H2I", b"PK\x01\x02", made, 20, *numbers, 0, 33, *sizes, *lengths, mode, offset
    )
    return head + name + extra


def torch_zip(members: dict[str, bytes] | None = None, root: str = "archive") -> bytes:
    """What `torch.save` writes: stored, 64-byte aligned by an `FB` field, descriptors, zip64."""
    records = {
        "data.pkl": INERT_PICKLE, ".format_version": b"1", ".storage_alignment": b"64",
        "byteorder": b"little", "data/0": bytes(range(256)) * 8, "data/1": b"\0" * 100,
        "version": b"3\n", ".data/serialization_id": b"0" * 40,
    }  # fmt: skip
    archive = Zip()
    for name, data in (records | (members or {})).items():
        path = f"{root}/{name}"
        padding = -(len(archive.body) + 30 + len(path) + 4) % 64
        extra = struct.pack("<2sH", b"FB", padding) + b"Z" * padding
        archive.member(path, data, descriptor="marked", flags=0x808, local={"extra": extra})
    return archive.build(wide=True)


def python_zip(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip as Python writes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


class _Unseekable(io.RawIOBase):
    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += data
        return len(data)


def streamed_zip(members: dict[str, bytes]) -> bytes:
    """A zip written to a pipe: sizes follow the data."""
    sink = _Unseekable()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return bytes(sink.data)


def python_tar(members: dict[str, bytes], dialect: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar as Python writes it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=dialect) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def tar_member(name: str, data: bytes = b"", **fields: Any) -> bytes:
    """One tar member with its header, whose fields `TarInfo` would not refuse."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.GNU_FORMAT) + data + b"\0" * (-len(data) % 512)


TAR_END = b"\0" * 1024


def unicode_path(name: bytes, other: bytes) -> bytes:
    """Info-ZIP's extra field that gives the member `name` another name."""
    return struct.pack("<2HBI", 0x7075, 5 + len(other), 1, zlib.crc32(name)) + other


def pax(*records: tuple[str, str]) -> bytes:
    """The data of an extended header; each record counts its own length."""
    data = b""
    for key, value in records:
        rest = f" {key}={value}\n".encode()
        length = len(rest) + 1
        while len(str(length)) + len(rest) != length:
            length += 1
        data += str(length).encode() + rest
    return data


def sealed(block: bytes | bytearray) -> bytes:
    """A tar header whose checksum fits again."""
    block = bytearray(block)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def slack_zip(shown: bytes, behind: bytes) -> bytes:
    """A deflated member whose stream ends before the member does."""
    packed = _deflate(shown) + behind
    fields = {
        "name": b"a.txt", "flags": 0, "method": 8, "crc": zlib.crc32(shown), "extra": b"",
        "packed": len(packed), "size": len(shown), "offset": 0, "mode": 0, "system": 3,
    }  # fmt: skip
    archive = Zip(local_header(fields) + packed)
    return archive.list(fields).build()


def overlapping_zip(kernel: bytes, count: int) -> bytes:
    """Many names for one deflated member, as in the first half of Fifield's paper."""
    packed = _deflate(kernel)
    fields = {
        "name": b"k", "flags": 0, "method": 8, "crc": zlib.crc32(kernel), "extra": b"",
        "packed": len(packed), "size": len(kernel), "offset": 0, "mode": 0, "system": 3,
    }  # fmt: skip
    archive = Zip(local_header(fields) + packed)
    for number in range(count):
        archive.list(fields | {"name": b"f%05d" % number})
    return archive.build()


def _deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compressor.compress(data) + compressor.flush()
