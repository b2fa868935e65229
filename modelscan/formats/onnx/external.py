"""External data: the files beside an ONNX model in which its tensors lie.

A loader joins `location` to the folder of the model and reads `length` bytes at `offset`. Names
that lead elsewhere made loaders read any file (CVE-2022-25882, CVE-2024-5187, CVE-2024-27318,
CVE-2026-27489, CVE-2026-34447); properties that do not exist were set on the loader's own object
(CVE-2026-34446). Whether the file is there, and long enough, is not known here.

Source: "External Data" in the ONNX documentation; `onnx.external_data_helper`; ONNX Runtime's
`external_data_info`, which adds packed weights and places in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from modelscan.formats import outside
from modelscan.formats.onnx.tensors import Tensor
from modelscan.vocabulary.fact import Fact, GraphDefect, GraphFile
from modelscan.vocabulary.location import Location

_KEYS: Final = frozenset({"location", "offset", "length", "checksum", "basepath"})
_PACKED: Final = "prepacked"
"""What the names of ONNX Runtime's own properties begin with."""
_MEMORY: Final = "_MEM_ADDR_"
"""In the place of a name: ONNX Runtime takes the offset for an address in its own memory."""
_MAX_NUMBER: Final = (1 << 63) - 1
_MAX_DIGITS: Final = 20
_SAME: Final = 20
"""Defects of one kind that are stated one by one."""
_MAX_FILES: Final = 2_000
"""Files beside a model that are stated, and as many others. Exporters that write one a tensor reach
a thousand."""


class ExternalData:
    """Collects what the tensors of a model refer to."""

    def __init__(self) -> None:
        self._files: dict[tuple[Any, str], list[Any]] = {}
        self._defects: dict[Any, list[tuple[str, str]]] = {}
        self.more = False
        """True when there are more files than are kept."""

    def add(self, tensor: Tensor) -> None:
        """Note the references of a tensor, and what is wrong with them."""
        if not tensor.entries and not tensor.external:
            return
        values: dict[str, str] = {}
        for key, value in tensor.entries:
            if key in values:
                self.defect("duplicate-key", tensor.name, f"{key}: {values[key]} and {value}")
            if key in _KEYS:
                if key in ("location", "basepath") and (value or key == "location"):
                    self._file(tensor, value, 0)  # every one of them: loaders differ over the last
            elif not key.startswith(_PACKED):
                self.defect("unknown-key", tensor.name, f"{key}: {value}")
            values[key] = value
        extent = self._range(tensor, values)
        self._file(tensor, values.get("location", ""), extent, count=1)

    def defect(self, kind: Any, name: str, detail: str) -> None:
        """Note a defect; see `GraphDefect` for the kinds."""
        found = self._defects.setdefault(kind, [])
        if len(found) < _SAME:
            found.append((name, detail))

    def facts(self, where: Location) -> Iterator[Fact]:
        """The files, each once, and the defects."""
        for (kind, path), (name, tensors, extent) in self._files.items():
            yield GraphFile(
                location=where,
                status="declared",
                framework="onnx",
                kind=kind,
                path=path,
                name=name,
                tensors=tensors,
                extent=extent,
            )
        for kind, found in self._defects.items():
            for name, detail in found:
                yield GraphDefect(
                    location=where, framework="onnx", kind=kind, name=name, detail=detail[:300]
                )

    def _file(self, tensor: Tensor, path: str, extent: int, count: int = 0) -> None:
        kind: Any = outside.problem(path) or ("inside" if path else "empty")
        if _MEMORY in path:
            kind = "memory"
        key = (kind, path)
        if key not in self._files:
            most = _MAX_FILES if kind == "inside" else 2 * _MAX_FILES
            if len(self._files) >= most:
                self.more = True
                return
        entry = self._files.setdefault(key, [tensor.name, 0, 0])
        entry[1] += count
        entry[2] = max(entry[2], extent)

    def _range(self, tensor: Tensor, values: dict[str, str]) -> int:
        """Where the data of a tensor ends in its file; 0 when that cannot be said."""
        numbers = {key: _number(values[key]) for key in ("offset", "length") if key in values}
        for key, number in numbers.items():
            if number is None:
                self.defect("bad-range", tensor.name, f"{key} {values[key][:80]}")
        offset, length = numbers.get("offset", 0), numbers.get("length")
        needed = tensor.needed
        if length is not None and needed is not None and length != needed:
            detail = f"{length:,} bytes for {tensor.type_name} {tensor.dims}, needs {needed:,}"
            self.defect("size-mismatch", tensor.name, detail)
        if offset is None:
            return 0
        end = offset + (needed or 0 if length is None else length)
        if end > _MAX_NUMBER:
            self.defect("bad-range", tensor.name, f"{end:,} is past the end of any file")
            return 0
        return end


def _number(text: str) -> int | None:
    """A count of bytes; absent for what is none."""
    plain = text.strip()
    if len(plain) > _MAX_DIGITS or not (plain.isascii() and plain.isdigit()):
        return None
    return int(plain)
