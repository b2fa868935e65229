"""Names and magic bytes: what a file says it is, and what it looks like where no reader goes.

Formats that a usual loader would execute or parse, and that no reader handles yet, are named here
so that they become needed coverage instead of silence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from modelscan.formats.engines import ENGINES
from modelscan.formats.reader import APPLE_DOUBLE, Glimpse


class Unread(NamedTuple):
    """A format that is recognised but not read."""

    format: str
    needed: bool
    """True when a loader would execute or parse it: not reading it leaves the scan incomplete."""


_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"ggjt", "ggml"),
    (0, b"Rar!\x1a\x07", "rar"),
    (0, b"MSCF\0\0\0\0", "cab"),
    (0, b"xar!\0", "xar"),
    (0, b"LZIP\x01", "lzip"),
    (0, b"\x89LZO\0\r\n\x1a\n", "lzop"),
    (0, b"hsqs", "squashfs"),
    (0, b"!<arch>\n", "ar archive"),  # Debian packages, and libraries to be linked
    (0, b"!<thin>\n", "ar archive"),
    (0, b"\xed\xab\xee\xdb", "rpm package"),
    (0, b"MSWIM\0\0\0", "wim image"),
    (0, b"vhdxfile", "disk image"),
    (0, b"conectix", "disk image"),
    (0, b"QFI\xfb\0\0\0", "disk image"),
    *((0, b"KDMV" + bytes((version, 0, 0, 0)), "disk image") for version in (1, 2, 3)),
    (0, b"-rom1fs-", "disk image"),
    (1024, b"\xe2\xe1\xf5\xe0", "disk image"),  # erofs
    (1080, b"\x53\xef\x01\0", "disk image"),  # ext2 to ext4, unmounted
    (0, b"ITSF\x03\0\0\0", "chm"),
    (0, b"LRZI\0", "lrzip"),
    (0, b"7kSt\xa0", "zpaq"),
    (0, b"ArC\x01", "freearc"),
    (20, b"\xdc\xa7\xc4\xfd", "zoo"),
    (0, b"ALZ\x01", "alz"),
    (0, b"EGGA\0\1", "egg"),
    (0, b"\xff\x06\0\0sNaPpY", "snappy"),
    (7, b"**ACE**", "ace"),
    (0, b"\x37\x7f\x06\x82", "sqlite log"),  # what it holds takes the place of pages
    (0, b"\x37\x7f\x06\x83", "sqlite log"),
    (0, b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", "sqlite log"),
    (0, b"\xcd\x9a\x57\x13", "gdbm database"),  # shelves may be kept in these
    (0, b"\xce\x9a\x57\x13", "gdbm database"),
    (0, b"\xcf\x9a\x57\x13", "gdbm database"),
    (0, b"\xd0\x9a\x57\x13", "gdbm database"),
    (0, b"\xd1\x9a\x57\x13", "gdbm database"),
    (0, b"\x00\x06\x15\x61", "berkeley database"),
    (0, b"\x61\x15\x06\x00", "berkeley database"),
    (12, b"\x61\x15\x06\x00", "berkeley database"),
    (12, b"\x62\x31\x05\x00", "berkeley database"),
    (0, b"\x7fELF", "native code"),
    (0, b"\xcf\xfa\xed\xfe", "native code"),
    (0, b"\xce\xfa\xed\xfe", "native code"),
    (0, b"\xfe\xed\xfa\xcf", "native code"),
    (0, b"\xfe\xed\xfa\xce", "native code"),
    (0, b"\x89HDF\r\n\x1a\n", "hdf5"),
    (0, b"PAR1", "arrow"),
    (0, b"ARROW1", "arrow"),
    (0, b"RDX", "rds"),
    *((at, magic, engine.format) for engine in ENGINES for at, magic in engine.magics),
)

_OFFSETS = sorted({offset for offset, _, _ in _MAGIC})
_BY_OFFSET = tuple(
    (offset, tuple(magic for at, magic, _ in _MAGIC if at == offset)) for offset in _OFFSETS
)
_FIRST_BYTES = tuple(
    (slice(offset, offset + 1), frozenset(magic[:1] for magic in magics))
    for offset, magics in _BY_OFFSET
)
"""The same in parts, to be tried before the table: hardly a file has any of them."""

_BY_EXTENSION: dict[str, Unread] = {
    ".bat": Unread("script", needed=True),
    ".caffemodel": Unread("caffe", needed=True),
    ".distcp": Unread("distributed checkpoint", needed=True),
    ".dll": Unread("native code", needed=True),
    ".dylib": Unread("native code", needed=True),
    ".exe": Unread("native code", needed=True),
    ".ipynb": Unread("notebook", needed=True),
    ".msi": Unread("msi package", needed=True),
    ".keras": Unread("keras", needed=True),
    ".ps1": Unread("script", needed=True),
    ".py": Unread("python source", needed=True),
    ".pyc": Unread("python bytecode", needed=True),
    ".pyd": Unread("native code", needed=True),
    ".rda": Unread("rds", needed=True),
    ".rdata": Unread("rds", needed=True),
    ".rds": Unread("rds", needed=True),
    ".sh": Unread("script", needed=True),
    ".skops": Unread("skops", needed=True),
    ".so": Unread("native code", needed=True),
    ".toml": Unread("toml", needed=False),
    ".yaml": Unread("yaml", needed=False),
    ".yml": Unread("yaml", needed=False),
    **{
        extension: Unread(engine.format, needed=True)
        for engine in ENGINES
        for extension in engine.extensions
    },
}

_WINDOWS_EXECUTABLE = b"MZ"
_PE_POINTER = 0x3C
_BRACE_AT = 8
"""Where the header of safetensors begins, behind its length."""
_SEVERAL_MACHINES = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
_OLDEST_JAVA = 45
_UNIX_COMPRESS = b"\x1f\x9d"
_UNIX_BITS = frozenset(bytes((flag | bits,)) for flag in (0, 0x80) for bits in range(9, 17))
_CPIO = re.compile(rb"07070[12][0-9A-Fa-f]{104}|070707[0-7]{70}")
_OLD_CPIO: dict[bytes, Literal["little", "big"]] = {b"\xc7\x71": "little", b"\x71\xc7": "big"}
_OLD_CPIO_HEADER, _KINDS = 26, frozenset({0o100000, 0o040000})
_LHA = re.compile(rb"..-l[hz][0-9ds]-.{13}[\0-\3]", re.DOTALL)
_LHA_METHOD = b"-l"
_SHORT_FIRST_BYTES = frozenset({b"M", b"\xca", b"\x1f", b"0", b"\xc7", b"\x71", b"\x60"})
"""What all but one of the formats begin with that are told by a structure behind a short magic."""
_ARJ, _ARJ_HEADER, _ARJ_KIND = b"\x60\xea", range(30, 2600), b"\2"
_BURIED = (b"7z\xbc\xaf\x27\x1c\0", b"Rar!\x1a\x07\0", b"Rar!\x1a\x07\1")
"""Archives behind a little of something else: their programs look for these in the first bytes."""
_DISCS, _EMPTY = frozenset({".img", ".iso", ".udf"}), 512
"""What discs are called, and how much of nothing they begin with: other files are not asked."""
_ISO, _ISO_AT = b"\x01CD001\x01", 32768
_DMG, _DMG_TRAILER = b"koly\0\0\0\x04\0\0\x02\0", 512

TEXT = Unread("text", needed=False)
UNKNOWN = Unread("unknown", needed=False)
BESIDE = Unread("a Mac's notes on a file", needed=False)

_TEXT_EXTENSIONS = frozenset({".md", ".txt", ".rst", ".csv", ".tsv", ".html", ".css", ".svg", ""})

_TAR = frozenset({"tar", "compressed"})
_ZIP = frozenset({"zip", "pytorch", "keras", "skops"})
_DECLARED: dict[str, tuple[str, frozenset[str]]] = {
    ".safetensors": ("safetensors", frozenset({"safetensors"})),
    ".gguf": ("gguf", frozenset({"gguf"})),
    ".onnx": ("onnx", frozenset({"onnx"})),
    ".tflite": ("tflite", frozenset({"tflite"})),
    ".json": ("json", frozenset({"json", "tfjs"})),
    ".npy": ("numpy", frozenset({"numpy"})),
    ".npz": ("zip", _ZIP),
    ".zip": ("zip", _ZIP),
    ".whl": ("zip", _ZIP),
    ".jar": ("zip", _ZIP),
    ".docx": ("zip", _ZIP),
    ".xlsx": ("zip", _ZIP),
    ".tar": ("tar", _TAR),
    ".tgz": ("tar", _TAR),
    ".nemo": ("nemo", _TAR | {"nemo"}),
    ".gz": ("compressed", frozenset({"compressed"})),
    ".bz2": ("compressed", frozenset({"compressed"})),
    ".xz": ("compressed", frozenset({"compressed"})),
    ".zst": ("compressed", frozenset({"compressed"})),
    ".7z": ("7z", frozenset({"7z"})),
    ".h5": ("hdf5", frozenset({"hdf5"})),
    ".keras": ("keras", frozenset({"keras", "zip", "hdf5"})),
    ".md": ("text", frozenset({"text", "licence text", "model card"})),
    ".txt": (
        "text",
        frozenset({"text", "boosted trees", "licence text", "package list", "vocabulary"}),
    ),
    ".csv": ("text", frozenset({"text"})),
    ".tsv": ("text", frozenset({"text"})),
    ".rst": ("text", frozenset({"text", "licence text"})),
    ".log": ("text", frozenset({"text"})),
    ".yaml": ("yaml", frozenset({"yaml"})),
    ".yml": ("yaml", frozenset({"yaml"})),
    ".py": ("python source", frozenset({"python source"})),
    ".png": ("image", frozenset({"image"})),
    ".jpg": ("image", frozenset({"image"})),
    ".jpeg": ("image", frozenset({"image"})),
    ".gif": ("image", frozenset({"image"})),
    ".webp": ("image", frozenset({"image"})),
    ".pdf": ("document", frozenset({"document"})),
}
"""What an extension stands for, and the formats that fulfil it. Extensions that stand for several
formats (`.bin`, `.pt`, `.model`) promise nothing and are not listed."""

EXECUTABLE = frozenset(
    {"pickle", "pytorch", "native code", "python bytecode", "llamafile", "java serialization",
     "torch7"}
)  # fmt: skip
"""Formats whose loading can run code."""

PLACEHOLDER = "git-lfs pointer"
"""The format of a file that only stands for another one, which is not here."""

AROUND_ZIP = "data around a zip"
"""The format of a file that no reader knows, with an archive in it."""

PROMISES_NOTHING = frozenset({TEXT.format, UNKNOWN.format, PLACEHOLDER, AROUND_ZIP})
"""Formats that contradict no extension."""

ABOUT_MODELS = frozenset(
    {"container recipe", "licence text", "model card", "modelfile", "package list", "vocabulary",
     "yaml"}
)  # fmt: skip
"""Formats that describe a model: a folder with nothing else holds none."""


_FAMILIES = {
    "safetensors": "safetensors", "gguf": "gguf", "numpy": "numpy", "hdf5": "hdf5", "tar": "tar",
    "zip": "zip", "pytorch": "zip", "compressed": "compressed", "7z": "7z", "pickle": "pickle",
}  # fmt: skip
"""Formats that are told by their structure, and what each of them is a kind of."""


def polyglot(glimpse: Glimpse, formats: Sequence[str]) -> tuple[str, ...]:
    """The formats that these bytes are at once, when they are more than one by their structure.

    Args:
        glimpse: the bytes.
        formats: of the readers that recognised them, some of them by the name alone.
    """
    families = {_FAMILIES[found] for found in formats if found in _FAMILIES}
    if len(families) > 1:
        from modelscan.formats.pickle.probe import looks_like_pickle  # lazy: hardly a file is two

        if glimpse.head[_BRACE_AT : _BRACE_AT + 1] != b"{":
            families.discard("safetensors")
        if not looks_like_pickle(glimpse.head, glimpse.size):
            families.discard("pickle")
    return tuple(sorted(families)) if len(families) > 1 and "llamafile" not in formats else ()


def _has_magic(head: bytes) -> bool:
    """True when `_MAGIC` has a row for these bytes. Asked of every file."""
    for at, firsts in _FIRST_BYTES:
        if head[at] in firsts:
            return any(head.startswith(magics, offset) for offset, magics in _BY_OFFSET)
    return False


def _old_archive(head: bytes) -> str:
    """The name of an archive format whose magic is short, once its header confirms it; or none."""
    if head.startswith(b"07070"):
        return "cpio archive" if _CPIO.match(head) else ""
    order = _OLD_CPIO.get(head[:2])
    if order is not None and len(head) > _OLD_CPIO_HEADER:
        kind = int.from_bytes(head[6:8], order) & 0o170000
        end = _OLD_CPIO_HEADER + int.from_bytes(head[20:22], order)
        if kind in _KINDS and head[end - 1 : end] == b"\0":  # of the name
            return "cpio archive"
    if head.startswith(_ARJ) and int.from_bytes(head[2:4], "little") in _ARJ_HEADER:
        return "arj archive" if head[10:11] == _ARJ_KIND else ""
    return "lha archive" if _LHA.match(head) else ""


def _disk_image(glimpse: Glimpse) -> Unread | None:
    """Images that say so far behind their beginning, or at their end: of discs, and a Mac's."""
    likely = glimpse.extension in _DISCS or not glimpse.head[:_EMPTY].strip(b"\0")
    if likely and glimpse.size > _ISO_AT and glimpse.artifact.read_at(_ISO_AT, len(_ISO)) == _ISO:
        return Unread("disc image", needed=True)
    if glimpse.ending[-_DMG_TRAILER:].startswith(_DMG):
        return Unread("disk image", needed=True)
    return None


def by_magic(head: bytes) -> Unread | None:
    """What first bytes alone say of a format that has no reader."""
    if _has_magic(head):
        for offset, magic, name in _MAGIC:
            if head.startswith(magic, offset):
                return Unread(name, needed=True)
    if head[:1] not in _SHORT_FIRST_BYTES and head[2:4] != _LHA_METHOD:
        return None
    if head.startswith(_WINDOWS_EXECUTABLE) and _is_portable_executable(head):
        return Unread("native code", needed=True)
    if head.startswith(_SEVERAL_MACHINES):
        # the same first bytes: a version follows in Java, a small number of machines otherwise
        if int.from_bytes(head[4:8], "big") & 0xFFFF >= _OLDEST_JAVA:
            return Unread("java bytecode", needed=False)
        return Unread("native code", needed=True)
    old = _old_archive(head)
    if old:
        return Unread(old, needed=True)
    if head.startswith(_UNIX_COMPRESS) and head[2:3] in _UNIX_BITS:
        return Unread("unix compress", needed=True)
    return None


def covered(other: Unread, formats: Sequence[str]) -> bool:
    """True when a reader among `formats` speaks for what the first bytes are."""
    return other.format in formats or (other.format == "native code" and "llamafile" in formats)


def unread(glimpse: Glimpse) -> Unread:
    """What an artifact that no reader recognised looks like."""
    head = glimpse.head
    if head.startswith(APPLE_DOUBLE):
        return BESIDE
    found = by_magic(head) or _disk_image(glimpse)
    if found is not None:
        return found
    if (b"\xbc" in head or b"\x1a" in head) and any(magic in head for magic in _BURIED):
        return Unread("data before an archive", needed=True)
    by_extension = _BY_EXTENSION.get(glimpse.extension)
    if by_extension is not None:
        return by_extension
    if glimpse.extension in _TEXT_EXTENSIONS and b"\0" not in head:
        return TEXT
    return UNKNOWN


def declared(extension: str) -> tuple[str, frozenset[str]] | None:
    """The format that an extension stands for, and the formats that fulfil it."""
    return _DECLARED.get(extension)


def _is_portable_executable(head: bytes) -> bool:
    """True when the DOS header points to a PE header: "MZ" alone is too short to mean anything."""
    at = int.from_bytes(head[_PE_POINTER : _PE_POINTER + 4], "little")
    return head[at : at + 4] == b"PE\0\0"
