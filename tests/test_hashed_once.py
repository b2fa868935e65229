"""Every byte is hashed once, and what is hashed is what is on the disk.

Small files are held in memory: they are read once, too. Of a large one, readers read again what is
structure (a header, a directory, the members of an archive), from the same open file.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path

import pytest

from modelscan import api, passing
from modelscan.fetcher import local
from modelscan.verifier.hashing import Digester
from modelscan.verifier.hashing import digest_bytes as digest_of
from tests.forge import corpus, gguf, hdf5, numpy_arrays, onnx, safetensors

PAYLOAD = 24 << 20
AGAIN = 512 << 10
"""Bytes of a large file that are read twice: its two ends, and the table of its tensors."""


class _Counts:
    """Bytes that were read, and bytes that were hashed, by file."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.read = Counter[str]()
        self.hashed = Counter[int]()
        self.small = 0
        outer, real = self, os.pread

        class Counting(Digester):
            def update(self, chunk: bytes) -> None:
                outer.hashed[id(self)] += len(chunk)
                super().update(chunk)

        def small(data: bytes, wanted: tuple[str, ...] = ()) -> dict[str, str]:
            self.small += len(data)
            return digest_of(data, wanted)

        def read(descriptor: int, length: int, offset: int) -> bytes:
            data = real(descriptor, length, offset)
            self.read[Path(f"/proc/self/fd/{descriptor}").readlink().name] += len(data)
            return data

        patch.setattr(passing, "Digester", Counting)
        patch.setattr(passing, "digest_bytes", small)
        patch.setattr(local, "_pread", read)

    def all_hashed(self) -> int:
        return self.small + self.hashed.total()


needs_names = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="asks Linux for names")


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@needs_names
def test_of_every_format_every_byte_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = corpus.write(tmp_path / "model")
    expected = _digests(folder)
    counts = _Counts(monkeypatch)
    (model,) = api.scan(folder).models
    assert {file.path: file.digests["sha256"] for file in model.files} == expected
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert counts.all_hashed() == sum(sizes.values())
    small = {name: size for name, size in sizes.items() if 0 < size <= passing.SMALL}
    assert {name: counts.read[name] for name in small} == small


def _weights() -> dict[str, bytes]:
    """A large file of each format that is mostly numbers."""
    floats = PAYLOAD // 4
    weight = onnx.tensor("w", [floats])
    return {
        "a.safetensors": safetensors.assemble(safetensors.header({"w": ("F32", [floats])})),
        "a.gguf": gguf.GGUF.file(gguf.PAIRS, [gguf.Tensor("w", [floats])]),
        "a.npy": numpy_arrays.npy("<f4", (floats,), bytes(PAYLOAD)),
        "a.h5": hdf5.weights(w=floats),
        "a.onnx": onnx.model(onnx.graph(onnx.node("Relu"), initializers=[weight])),
    }


@needs_names
def test_numbers_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, data in _weights().items():
        path = tmp_path / name
        path.write_bytes(data)
        counts = _Counts(monkeypatch)
        api.scan(path)
        assert counts.all_hashed() == len(data)
        assert 0 < counts.read[name] - len(data) <= AGAIN, name
