"""Names and magic bytes: what a file says it is, and what it looks like where no reader goes.

Formats that a usual loader would execute or parse, and that no reader handles yet, are named here
so that they become needed coverage instead of silence.
"""

from __future__ import annotations

from typing import NamedTuple

from modelscan.formats.reader import Glimpse


class Unread(NamedTuple):
    """A format that is recognised but not read."""

    format: str
    needed: bool
    """True when a loader would execute or parse it: not reading it leaves the scan incomplete."""


_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"ggjt", "ggml"),
    (0, b"\x89HDF\r\n\x1a\n", "hdf5"),
    (4, b"TFL3", "tflite"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"Rar!\x1a\x07", "rar"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"\x04\x22\x4d\x18", "lz4"),
    (0, b"\x7fELF", "native code"),
    (0, b"\xcf\xfa\xed\xfe", "native code"),
    (0, b"\xca\xfe\xba\xbe", "native code"),
    (0, b"RDX", "rds"),
    (0, b"PAR1", "parquet"),
    (0, b"ARROW1", "arrow"),
)

_BY_EXTENSION: dict[str, Unread] = {
    ".bat": Unread("script", needed=True),
    ".caffemodel": Unread("caffe", needed=True),
    ".dll": Unread("native code", needed=True),
    ".dylib": Unread("native code", needed=True),
    ".exe": Unread("native code", needed=True),
    ".h5": Unread("hdf5", needed=True),
    ".hdf5": Unread("hdf5", needed=True),
    ".ipynb": Unread("notebook", needed=True),
    ".keras": Unread("keras", needed=True),
    ".mlmodel": Unread("coreml", needed=True),
    ".msgpack": Unread("flax msgpack", needed=True),
    ".onnx": Unread("onnx", needed=True),
    ".ot": Unread("torch archive", needed=True),
    ".pb": Unread("tensorflow graph", needed=True),
    ".pbtxt": Unread("tensorflow graph", needed=True),
    ".pmml": Unread("pmml", needed=True),
    ".ps1": Unread("script", needed=True),
    ".py": Unread("python source", needed=True),
    ".pyc": Unread("python bytecode", needed=True),
    ".pyd": Unread("native code", needed=True),
    ".rds": Unread("rds", needed=True),
    ".sh": Unread("script", needed=True),
    ".skops": Unread("skops", needed=True),
    ".so": Unread("native code", needed=True),
    ".tflite": Unread("tflite", needed=True),
    ".toml": Unread("toml", needed=False),
    ".xml": Unread("xml", needed=False),
    ".yaml": Unread("yaml", needed=False),
    ".yml": Unread("yaml", needed=False),
}

_WINDOWS_EXECUTABLE = b"MZ"
_PE_POINTER = 0x3C

TEXT = Unread("text", needed=False)
UNKNOWN = Unread("unknown", needed=False)

_TEXT_EXTENSIONS = frozenset({".md", ".txt", ".rst", ".csv", ".tsv", ".html", ".css", ".svg", ""})

_DECLARED: dict[str, tuple[str, frozenset[str]]] = {
    ".safetensors": ("safetensors", frozenset({"safetensors"})),
    ".gguf": ("gguf", frozenset({"gguf"})),
    ".onnx": ("onnx", frozenset({"onnx"})),
    ".json": ("json", frozenset({"json"})),
    ".npy": ("numpy", frozenset({"numpy"})),
    ".npz": ("zip", frozenset({"zip"})),
    ".h5": ("hdf5", frozenset({"hdf5"})),
    ".keras": ("keras", frozenset({"keras", "zip", "hdf5"})),
    ".md": ("text", frozenset({"text", "model card"})),
    ".txt": ("text", frozenset({"text"})),
    ".csv": ("text", frozenset({"text"})),
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

EXECUTABLE = frozenset({"pickle", "pytorch", "native code", "python bytecode", "llamafile"})
"""Formats whose loading can run code."""

PLACEHOLDER = "git-lfs pointer"
"""The format of a file that only stands for another one, which is not here."""

ABOUT_MODELS = frozenset({"model card"})
"""Formats that describe a model: a folder with nothing else holds none."""


def unread(glimpse: Glimpse) -> Unread:
    """What an artifact that no reader recognised looks like."""
    head = glimpse.head
    for offset, magic, name in _MAGIC:
        if head.startswith(magic, offset):
            return Unread(name, needed=True)
    if head.startswith(_WINDOWS_EXECUTABLE) and _is_portable_executable(head):
        return Unread("native code", needed=True)
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
