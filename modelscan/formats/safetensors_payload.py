"""What may be carried in a sound safetensors file without being weights.

Metadata is text: a document among it that names classes is read as such a document, since programs
instantiate what they find there (`_target_`; Unit 42, 2026, on FlexTok). Text that is a pickle in
base64 or calls the interpreter, and tensors of bytes that begin like a program, an archive or a
pickle, are payloads that a second stage picks up: no library writes them.

Invariants: of the tensors only the first bytes are read, and only of those of bytes; text that is
written in base64, or packed and then written so, is unpacked layer by layer; what is found goes on
as an artifact of its own.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any, Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats.objects.json_reader import may_name
from modelscan.formats.pickle.probe import comes_to_something, looks_like_pickle
from modelscan.vocabulary.artifact import (
    Artifact,
    BytesArtifact,
    SliceArtifact,
    child_name,
    place,
)
from modelscan.vocabulary.fact import TensorDefect

_HEAD: Final = 4096
_MAX_LOOKED_AT: Final = 16_384
"""Tensors of bytes whose beginning is read; those of the largest quantised models are as many."""
_MAX_STATED: Final = 20
_MAX_DOCUMENTS: Final = 64
_MAGICS: Final = (
    (b"\x7fELF", "native code"),
    (b"PK\x03\x04", "a zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"\x1f\x8b\x08\x00", "a gzip stream"),
    (b"#!/", "a script"),
)
_PICKLE: Final = "a pickle"
_PE_POINTER: Final = 0x3C
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_URL_SAFE: Final = str.maketrans("-_", "+/")
_LAYERS: Final = 3
"""Of base64 around base64."""
_PACKED: Final = (
    b"\x1f\x8b\x08", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda", b"BZh",
    b"\xfd7zXZ\0", b"PK\x03\x04",
)  # fmt: skip
"""How compressed bytes begin, of which other readers say what is in them."""
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2}){12,}")
_HEX_BEGINS: Final = ("8002", "8003", "8004", "8005")
"""How pickles of protocol 2 to 5 begin."""
_OLD_IMPORT: Final = re.compile(r"^\(?[ci][\w.]+\n\w+\n")
_YAML: Final = re.compile(r"(?m)^\s*[\"']?_target_[\"']?\s*:|!!python/")
_CODE: Final = re.compile(
    r"__import__\s*\(|\bos\.(?:system|popen)\s*\(|\bsubprocess\.\w+\s*\("
    r"|\b(?:exec|eval)\s*\(\s*(?:base64|bytes|compile|codecs|zlib|marshal|__)"
    r"|^\s*#!\s*/|\|\s*(?:ba|z)?sh\b|\bcurl\s+[^|]{1,200}\|"
    r"|__class__\s*\.\s*__(?:mro|base)|__globals__|__subclasses__"
)
_KEPT: Final = 200


class Bytes(NamedTuple):
    """A tensor of bytes, and where it lies in the file."""

    name: str
    offset: int
    length: int


def hidden(
    artifact: Artifact, metadata: dict[str, Any], tensors: Iterable[Bytes], budget: Budget
) -> Iterator[TensorDefect | Artifact]:
    """State what is no weights, and hand it on.

    Raises:
        BudgetError: there are more tensors of bytes than any file has.
    """
    stated = 0
    for key, kind, detail, found in chain(_texts(artifact, metadata), _tensors(artifact, tensors)):
        if kind and stated < _MAX_STATED:
            stated += 1
            budget.fact()
            yield TensorDefect(location=place(artifact), kind=kind, tensor=key, detail=detail)
        if found is not None:
            yield found


_Found = tuple[str, Any, str, Artifact | None]
"""Key, kind of defect or nothing, detail, and what goes on."""


def _texts(artifact: Artifact, metadata: dict[str, Any]) -> Iterator[_Found]:
    """The table as a document, and each of its values as what it may be."""
    documents = [("__metadata__.json", json.dumps(metadata).encode())]
    for key, text in metadata.items():
        if not isinstance(text, str):
            continue
        if _CODE.search(text):
            yield key, "code-in-metadata", text[:_KEPT], None
        name = f"__metadata__.{key[:_KEPT]}"
        for raw in _written_out(text.strip()):
            packed = raw.startswith(_PACKED)  # what is in it will be seen
            what = "" if packed else _begins_like(raw[:_HEAD], len(raw))
            if what:
                yield key, "hidden-file", f"{what} as text", None
            if what or packed:
                documents.append((f"{name}.{'pkl' if what == _PICKLE else 'bin'}", raw))
        documents += _document(key, name, text)
    kept = [one for one in documents if not one[0].endswith(".json") or may_name(one[1])]
    for name, raw in kept[:_MAX_DOCUMENTS]:
        member = child_name(artifact, name)
        yield "", "", "", BytesArtifact(artifact.name, raw, member=member, depth=artifact.depth + 1)


def _document(key: str, name: str, text: str) -> list[tuple[str, bytes]]:
    """The text as a document of its own, with a name that says of which kind; or nothing."""
    plain = text.strip().encode("utf-8", "surrogatepass")
    if plain.startswith((b"{", b"[")) and plain[:2] not in (b"{%", b"{{", b"{#"):
        return [(f"{name}.json", plain)]
    if _YAML.search(text):
        return [(f"{name}.yaml", plain)]
    if "template" in key and ("{%" in text or "{{" in text):
        return [(f"{name}.jinja", plain)]
    return []


def _written_out(text: str) -> Iterator[bytes]:
    """The bytes that a text may stand for."""
    layer = text
    for _ in range(_LAYERS):
        if _BASE64.fullmatch(layer) is None:
            break
        with suppress(binascii.Error):
            raw = binascii.a2b_base64(layer.translate(_URL_SAFE) + "=" * (-len(layer) % 4))
            yield raw
            layer = raw.decode("ascii", "replace").strip()
    if text.startswith(_HEX_BEGINS) and _HEX.fullmatch(text):
        yield bytes.fromhex(text)
    elif _OLD_IMPORT.search(text) or text.startswith("\x80"):
        with suppress(UnicodeEncodeError):
            yield text.encode("latin-1")


def _tensors(artifact: Artifact, tensors: Iterable[Bytes]) -> Iterator[_Found]:
    for count, tensor in enumerate(tensors):
        if count >= _MAX_LOOKED_AT:
            raise BudgetError(f"more than {_MAX_LOOKED_AT:,} tensors of bytes")
        head = artifact.read_at(tensor.offset, min(tensor.length, _HEAD))
        what = _begins_like(head, tensor.length)
        if what:
            inner = SliceArtifact(artifact, tensor.offset, tensor.length, tensor.name)
            detail = f"begins like {what}, {tensor.length:,} bytes"
            yield tensor.name, "hidden-file", detail, inner


def _begins_like(head: bytes, size: int) -> str:
    """What a file that begins so is; empty for one of no kind that matters here."""
    for magic, what in _MAGICS:
        if head.startswith(magic):
            return what
    if head.startswith(b"MZ"):
        at = int.from_bytes(head[_PE_POINTER : _PE_POINTER + 4], "little")
        return "native code" if head[at : at + 4] == b"PE\0\0" else ""
    return _PICKLE if looks_like_pickle(head, size) and comes_to_something(head) else ""
