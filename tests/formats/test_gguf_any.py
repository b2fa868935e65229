"""What holds for any GGUF file, and what the default policy makes of some."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan import api
from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.gguf.reader import GgufReader
from modelscan.vocabulary.artifact import BytesArtifact, SliceArtifact
from modelscan.vocabulary.fact import Fact
from tests.forge import gguf as forge
from tests.forge.gguf import GGUF, Forge, Raw, Tensor


def _read(data: bytes) -> None:
    with suppress(ReadError):
        for item in GgufReader().read(BytesArtifact("model.gguf", data), Budget()):
            assert isinstance(item, Fact | SliceArtifact)


@given(st.binary(max_size=300), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes, begins: bool) -> None:
    _read((b"GGUF\3\0\0\0" if begins else b"") + data)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_any_damage_ends_in_facts_or_a_read_error(data: st.DataObject) -> None:
    broken = bytearray(forge.small(("tokenizer.chat_template", "{{ x }}")))
    for _ in range(data.draw(st.integers(1, 8))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    _read(bytes(broken))


_NUMBERS = st.integers(0, 300) | st.integers(0, (1 << 64) - 1)
_TABLE = st.lists(
    st.builds(
        Tensor,
        st.sampled_from(["a", "b", "c\0", "d" * 70]),
        st.lists(_NUMBERS, max_size=6),
        st.integers(0, 45) | _NUMBERS.map(lambda number: number & 0xFFFFFFFF),
        _NUMBERS,
        st.integers(0, 200),
    ),
    max_size=6,
)
_VALUES = st.integers(0, 70) | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=3)
_SOME_KEYS = st.sampled_from(
    ["general.alignment", "split.no", "split.count", "tokenizer.chat_template", "general.name",
     "general.datasets", "general.dataset.count", "tokenizer.ggml.tokens"]
)  # fmt: skip


@given(st.lists(st.tuples(_SOME_KEYS, _VALUES), max_size=6), _TABLE, st.sampled_from([1, 2, 3]))
@settings(max_examples=300, deadline=None)
def test_any_table_is_read(pairs: list[Any], table: list[Tensor], version: int) -> None:
    narrow = version == 1 and any(extent >> 32 for tensor in table for extent in tensor.shape)
    _read(Forge(2 if narrow else version).file(pairs, table))


def _decision(path: Path) -> str:
    return api.scan(path).decision.status


@pytest.mark.parametrize("version", [1, 2, 3])
def test_honest_files_pass(tmp_path: Path, version: int) -> None:
    path = tmp_path / "model.gguf"
    template = ("tokenizer.chat_template", "{% for m in messages %}{{ m.content }}{% endfor %}")
    path.write_bytes(forge.small(template, forge=Forge(version)))
    assert _decision(path) == "pass"


@pytest.mark.parametrize(
    "data",
    [
        forge.small(("tokenizer.chat_template", "{{ ''.__class__.__mro__ }}")),
        forge.small(("tokenizer.chat_template.rag", "{{ ''.__class__.__mro__ }}")),
        forge.small(("general.name", "twice")),
        forge.small() + b"something",
        GGUF.file((), (Tensor("a", [8], offset=1 << 40),)),
        GGUF.file([("k", Raw(forge.ARRAY, GGUF.array(forge.STRING, 1 << 62, b"")))]),
        forge.llamafile(b"\x7fELF"),
    ],
)
def test_hostile_files_fail(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    assert _decision(path) == "fail"
