"""What may be carried in a sound safetensors file without being weights.

Metadata is text: a document among it that names classes is read as such a document, since programs
instantiate what they find there (`_target_`; Unit 42, 2026, on FlexTok). Text that is a pickle in
base64 or calls the interpreter, and tensors of bytes that begin like a program, an archive or a
pickle, are payloads that a second stage picks up: no library writes them.

Invariants: of the tensors only the first bytes are read, and only of those of bytes; text that is
written in base64 or base85, or packed and then written so, is unpacked layer by layer; documents in
the texts of documents are taken out; what is found goes on as an artifact of its own.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any, Final, NamedTuple

import msgspec

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
CODE: Final = re.compile(
    r"__import__\s*\(|\bos\.(?:system|popen)\s*\(|\bsubprocess\.\w+\s*\("
    r"|\b(?:exec|eval)\s*\(\s*(?:base64|bytes|compile|codecs|zlib|marshal|__)"
    r"|^\s*#!\s*/|\|\s*(?:ba|z)?sh\b|\bcurl\s+[^|]{1,200}\|"
    r"|__class__\s*\.\s*__(?:mro|base)|__globals__|__subclasses__"
)
"""Text that is no description of anything: it calls the interpreter, or a shell."""
_BASE85: Final = re.compile(r"(?:<~)?[!-z{|}~]{24,}(?:~>)?")
_NAMING: Final = re.compile(r"_target_|class_(?:name|path)|py/|__reduce|!!python")
_NESTED: Final = 3
"""Documents within the texts of documents."""
_MOST_NESTED: Final = 64
_LONGEST_NESTED: Final = 1 << 20
_SHORTEST: Final = 8
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
        BudgetError: there are more tensors of bytes, or documents, than any file has.
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
        if CODE.search(text):
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
        documents += _nested(name, text)
    kept = [one for one in documents if not one[0].endswith(".json") or may_name(one[1])]
    for count, (name, raw) in enumerate(kept):
        if count >= _MAX_DOCUMENTS:
            raise BudgetError(f"more than {_MAX_DOCUMENTS} documents among the metadata")
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


def _nested(name: str, text: str) -> Iterator[tuple[str, bytes]]:
    """Documents that are texts in a document, with their quotation marks escaped.

    What they are called in the end says where they stand.
    """
    pending = [(name, text.strip(), _NESTED)]
    count = 0
    while pending:
        at_, written, left = pending.pop()
        if not written.startswith(("{", "[")) or "\\" not in written or not _naming(written):
            continue
        for inner in _texts_of(written):
            found = _document("", f"{at_}.{count}", inner)
            yield from found
            count += len(found)
            if count >= _MOST_NESTED:
                return
            if left:
                pending.append((f"{at_}.{count}", inner.strip(), left - 1))


def _naming(written: str) -> bool:
    """True where a name may be asked for, however often it is escaped."""
    plain = written.replace("\\", "") if len(written) <= _LONGEST_NESTED else ""
    return "u00" in plain or _NAMING.search(plain) is not None


def _texts_of(written: str) -> Iterator[str]:
    """The long texts anywhere in a document; none of one that is no JSON."""
    try:
        pending = [msgspec.json.decode(written)]
    except (ValueError, RecursionError):
        return
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            if len(value) > _SHORTEST:
                yield value
        elif isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


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
    if _BASE85.fullmatch(text) and _BASE64.fullmatch(text) is None:
        for decode in (base64.b85decode, base64.a85decode):
            with suppress(ValueError):
                yield decode(text.removeprefix("<~").removesuffix("~>"))
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
