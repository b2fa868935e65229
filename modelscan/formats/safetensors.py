"""safetensors, read as strictly as the reference implementation, and a little further.

The file is an unsigned 64-bit little-endian length, that many bytes of JSON, and the tensors'
bytes, which the header's offsets must cover without gap or overlap (Hugging Face, safetensors
"Format"; Trail of Bits' audit of 2023 for what loose parsers let through). The payload is data: it
is hashed, and never interpreted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import msgspec

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats import json_text
from modelscan.formats.reader import Glimpse
from modelscan.formats.safetensors_sound import BITS, BYTES, KEYS, LENGTH, METADATA, sound
from modelscan.formats.tensor_layout import layout
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, TensorDefect, TensorHeader, TensorLayout
from modelscan.vocabulary.location import Location

_MAX_HEADER = 100_000_000  # the reference implementation's own limit

_DTYPE = re.compile(r"(?:BOOL|(?:BF|F|I|U|UI|C|MX|NV|TF)\d{1,3})(?:[_A-Z0-9]{0,16})")
"""What the dtype of a later version may be called."""
_MAX_ELEMENTS = 1 << 63
_USUAL = frozenset({"format"})
"""Metadata that every library writes."""
_WIDE = 1 << 20
"""Bytes of a header from which on it is asked what it would cost."""
_KEPT = 64 << 10
"""Bytes of a header for which is kept what it states."""
_NOWHERE = Location("")
_SAME_DEFECT = 20
"""Defects of one kind that are stated one by one; the rest of a broken file says nothing new."""

_Entry = tuple[int, int, str]  # begin, end, tensor


class Listed(msgspec.Struct, frozen=True):
    """A tensor as a sound header lists it."""

    name: str
    dtype: str
    """As written, `BF16`."""
    shape: tuple[int, ...]
    offset: int
    """Of the first byte, from the start of the file."""
    length: int


class Unlisted(msgspec.Struct, frozen=True):
    """A tensor of which the file does not hold what the header promises."""

    name: str
    reason: str


class SafetensorsReader:
    """Checks the header to the last byte and states it."""

    format = "safetensors"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By extension, or by a header that starts where it must and fits the file."""
        if glimpse.extension == ".safetensors":
            return True
        head = glimpse.head
        length = int.from_bytes(head[:LENGTH], "little")
        return (
            head[LENGTH : LENGTH + 2] == b'{"'
            and len('{"') <= length <= min(glimpse.size - LENGTH, _MAX_HEADER)
            and (glimpse.size < LENGTH + length or _closes(head, length))
        )

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the header, and every promise of the format that it breaks.

        Raises:
            ReadError: there is no header to speak of: too short, too long, not the JSON it must be.
        """
        length, payload = _lengths(artifact, budget)
        if length > _WIDE:
            from modelscan.formats import safetensors_wide as wide  # lazy: hardly one is so large

            if wide.costs_too_much(artifact, length):
                yield from wide.facts(artifact, length, payload, budget)
                return
        raw = artifact.read_at(0, LENGTH + length)
        where = place(artifact)
        stated = _stated_last(raw, payload) if length <= _KEPT else _stated_by(raw, payload)
        if stated is not None:
            for fact in stated:
                yield msgspec.structs.replace(fact, location=where)
            return
        defects = Defects()
        header = _parse(raw, defects)
        metadata = header.pop(METADATA, {})
        if not _is_metadata(metadata):
            defects.add("bad-metadata", METADATA, "not a flat table of strings")
            metadata = metadata if isinstance(metadata, dict) else {}
        entries, dtypes, parameters = _tensors(header, payload, defects)
        _check_cover(entries, payload, defects)
        yield TensorHeader(
            location=where,
            format=self.format,
            tensors=len(header),
            parameters=parameters,
            payload=payload,
            dtypes=tuple(sorted(dtypes)),
            digest="sha256:" + hashlib.sha256(raw).hexdigest(),
            metadata=tuple(sorted(metadata)),
            names=names_digest(header),
        )
        yield from layout(header, lambda name: _stated(header, name, "shape"), where)
        for kind, tensor, detail in defects.found:
            budget.fact()
            yield TensorDefect(location=where, kind=kind, tensor=tensor, detail=detail)
        flat = _flat(header, entries) if not BYTES.isdisjoint(dtypes) else []
        if flat or metadata.keys() - _USUAL:
            from modelscan.formats.safetensors_payload import (  # lazy: hardly a model needs it
                Bytes,
                hidden,
            )

            places = (Bytes(name, len(raw) + begin, end - begin) for begin, end, name in flat)
            yield from hidden(artifact, metadata, places, budget)


def _stated_by(raw: bytes, payload: int) -> tuple[TensorHeader | TensorLayout, ...] | None:
    """What a sound header states, of no file yet; `None` for one that takes a closer look."""
    found = sound(raw, payload)
    if found is None:
        return None
    tensors = found.tensors
    header = TensorHeader(
        location=_NOWHERE,
        format=SafetensorsReader.format,
        tensors=len(tensors),
        parameters=found.parameters,
        payload=payload,
        dtypes=tuple(sorted(found.dtypes)),
        digest="sha256:" + hashlib.sha256(raw).hexdigest(),
        metadata=found.metadata,
        names=names_digest(tensors),
    )
    return header, *layout(tensors, lambda name: tensors[name].shape, _NOWHERE)


_stated_last = lru_cache(maxsize=32)(_stated_by)
"""The same: the checkpoints of one run have one header, and so have many fine-tunes of one base."""


def _stated(header: dict[str, Any], name: str, key: str) -> Any:
    info = header[name]
    return info.get(key) if isinstance(info, dict) else None


def _flat(header: dict[str, Any], entries: list[_Entry]) -> list[_Entry]:
    """The tensors that are nothing but bytes."""
    return [entry for entry in entries if header[entry[2]]["dtype"] in BYTES]


def listed(artifact: Artifact, budget: Budget) -> Iterator[Listed | Unlisted]:
    """The tensors of a file, in the order of the header; for those who read their values.

    What is `Listed` lies in the file; whether its length fits dtype and shape is left to the
    caller. Every other name of the header is `Unlisted`: none is passed over in silence.

    Raises:
        ReadError: there is no header to speak of.
    """
    raw, payload = _header(artifact, budget)
    header = _parse(raw, Defects())
    header.pop(METADATA, None)
    entries, dtypes, _ = _tensors(header, payload, Defects())
    places = {name: (begin, end) for begin, end, name in entries}
    for name, info in header.items():
        if name in places:
            begin, end = places[name]
            yield Listed(name, info["dtype"], tuple(info["shape"]), len(raw) + begin, end - begin)
        elif isinstance(info, dict) and info.get("dtype") in tuple(dtypes):
            yield Unlisted(name, "its bytes are not in the file: it is cut off, or the header lies")
        else:
            yield Unlisted(name, "not an entry of dtype, shape and data_offsets")


def metadata(artifact: Artifact, budget: Budget) -> dict[str, str]:
    """The texts that a sound header carries besides the tensors.

    Raises:
        ReadError: there is no header to speak of, or something else in their place.
    """
    raw, _ = _header(artifact, budget)
    defects = Defects()
    found = _parse(raw, defects).get(METADATA, {})
    if defects.found or not _is_metadata(found):
        raise ReadError("names that stand twice, or metadata that is no table of texts")
    return dict(found)


def names_digest(names: Iterable[str]) -> str:
    """A digest over a set of tensor names, whatever their order."""
    text = "\0".join(sorted(names))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Defects:
    """Collects defects, a bounded number of each kind."""

    def __init__(self) -> None:
        self.found: list[tuple[Any, str, str]] = []
        self._count: dict[str, int] = {}

    def add(self, kind: str, tensor: str, detail: str) -> None:
        """Note one."""
        count = self._count[kind] = self._count.get(kind, 0) + 1
        if count <= _SAME_DEFECT:
            self.found.append((kind, tensor, detail))


def _closes(head: bytes, length: int) -> bool:
    """True when the header's last byte, if it is in sight, can end a JSON object."""
    end = LENGTH + length
    return end > len(head) or head[end - 1 : end] in (b"}", b" ", b"\n", b"\t", b"\r")


def _header(artifact: Artifact, budget: Budget) -> tuple[bytes, int]:
    """Length prefix and JSON as stored, and the number of payload bytes behind them."""
    length, payload = _lengths(artifact, budget)
    return artifact.read_at(0, LENGTH + length), payload


def _lengths(artifact: Artifact, budget: Budget) -> tuple[int, int]:
    """Of the JSON, and of the payload behind it."""
    size = artifact.size
    prefix = artifact.read_at(0, LENGTH)
    if len(prefix) < LENGTH:
        raise ReadError(f"{size} bytes are too few for a safetensors header", offset=0)
    length = int.from_bytes(prefix, "little")
    if length > _MAX_HEADER:
        raise ReadError(f"a header of {length:,} bytes is more than the format allows", offset=0)
    if length > size - LENGTH:
        raise ReadError(f"the header claims {length:,} bytes of a {size:,} byte file", offset=0)
    budget.header(length)
    return length, size - LENGTH - length


def _parse(raw: bytes, defects: Defects) -> dict[str, Any]:
    """The header's JSON object. Names that stand twice are defects: parsers differ over them."""
    if raw[LENGTH : LENGTH + 1] != b"{":
        raise ReadError("the header does not start with an opening brace", offset=LENGTH)
    try:
        document = json_text.parse(raw[LENGTH:])
    except (ValueError, RecursionError) as error:
        raise ReadError(f"the header is not JSON: {error}", offset=LENGTH) from None
    if document.constants:
        raise ReadError(f"the header is not JSON: {document.constants[0]}", offset=LENGTH)
    for name in document.repeated:
        defects.add("duplicate-key", name, "a name stands twice in the header")
    header: dict[str, Any] = document.root
    return header


def _is_metadata(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _tensors(
    header: dict[str, Any], payload: int, defects: Defects
) -> tuple[list[_Entry], set[str], int]:
    """Byte ranges, dtypes in use, and the number of elements; every broken entry is a defect."""
    entries: list[_Entry] = []
    dtypes: set[str] = set()
    parameters = 0
    known, keys = BITS, len(KEYS)
    for name, info in header.items():
        try:
            dtype, shape, (begin, end) = info["dtype"], info["shape"], info["data_offsets"]
            elements = elements_of(shape)
            bits = known.get(dtype)
        except (TypeError, KeyError, ValueError):
            elements = -1
        if elements < 0 or type(begin) is not int or type(end) is not int or type(dtype) is not str:
            defects.add("size-mismatch", name, "not an entry of dtype, shape and data_offsets")
            continue
        if len(info) != keys:
            extra = ", ".join(sorted(set(info) - KEYS))
            defects.add("not-canonical", name, f"keys that the format does not have: {extra}")
        dtypes.add(dtype)
        parameters += elements
        if not 0 <= begin <= end <= payload:
            defects.add(
                "out-of-bounds", name, f"bytes {begin} to {end} of a {payload} byte payload"
            )
            continue
        entries.append((begin, end, name))
        if bits is None:
            kind = "unknown-dtype" if _DTYPE.fullmatch(dtype) else "impossible-dtype"
            defects.add(kind, name, dtype)
        elif elements * bits != (end - begin) * 8:
            detail = f"{dtype} {shape} needs {elements * bits // 8} bytes, has {end - begin}"
            defects.add("size-mismatch", name, detail)
    return entries, dtypes, parameters


def elements_of(shape: Any) -> int:
    """How many elements a shape has; -1 for what is no shape, or none that a file could hold."""
    if type(shape) is not list:
        return -1
    elements = 1
    for extent in shape:
        if type(extent) is not int or extent < 0:
            return -1
        elements *= extent
        if not elements <= _MAX_ELEMENTS >= extent:
            return -1
    return elements


def _check_cover(entries: list[_Entry], payload: int, defects: Defects) -> None:
    """The tensors must follow each other from the first payload byte to the last."""
    entries.sort()
    reached = 0
    for begin, end, name in entries:
        if begin == reached:  # and not before its own end: as in every file that is well made
            reached = end
            continue
        if begin < reached:
            defects.add("overlap", name, f"starts at {begin}, inside the tensor before it")
        else:
            defects.add("hole", name, f"{begin - reached} bytes before it belong to no tensor")
        reached = max(reached, end)
    if reached < payload:
        defects.add("trailing-data", "", f"{payload - reached} bytes behind the last tensor")
