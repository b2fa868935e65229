from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.arrow import ArrowReader
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import ActiveContent
from tests.forge import reading

PICKLED = b"\x14ARROW:extension:name\x17arrow.py_extension_type"
PLAIN = b"\x14ARROW:extension:name\x0ageoarrow.point"


def _parquet(schema: bytes, *, packed: bool = True) -> bytes:
    value = base64.b64encode(schema) if packed else schema
    footer = b"\x15\x02\x18\x0cARROW:schema\x18\xf4\x05" + value
    return b"PAR1" + bytes(64) + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def _file(schema: bytes) -> bytes:
    footer = b"schema" + schema
    return b"ARROW1\0\0" + bytes(64) + footer + len(footer).to_bytes(4, "little") + b"ARROW1"


def _stream(schema: bytes) -> bytes:
    return b"\xff\xff\xff\xff" + (64).to_bytes(4, "little") + schema + bytes(64)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (_parquet(PICKLED), "a.parquet"),
        (_parquet(PICKLED, packed=False), "a.parquet"),
        (_file(PICKLED), "a.feather"),
        (_stream(PICKLED), "a.arrows"),
        (b"FEA1" + PICKLED + b"FEA1", "a"),
    ],
)
def test_a_type_that_is_stored_as_a_pickle_fails(data: bytes, name: str) -> None:
    assert reading.fails(data, name) == ["arrow-pickled-type"]


@pytest.mark.parametrize(
    ("data", "name"),
    [(_parquet(PLAIN), "a.parquet"), (_file(PLAIN), "a.arrow"), (_stream(PLAIN), "a.arrows")],
)
def test_other_types_are_quiet(data: bytes, name: str) -> None:
    assert reading.quiet(data, name)


def test_streams_under_any_name_and_of_older_versions() -> None:
    message = (256).to_bytes(4, "little") + (16).to_bytes(4, "little") + PICKLED + bytes(256)
    marked = b"\xff\xff\xff\xff" + message
    assert reading.fails(marked, "data-00000-of-00001.bin") == ["arrow-pickled-type"]
    assert reading.fails(message, "data.arrow") == ["arrow-pickled-type"]
    for data in (b"\xff" * 4000, b"\xff\xff\xff\xff" + bytes(4000), message):
        assert reading.quiet(data, "data.bin")


def test_a_schema_that_is_no_base64_is_looked_at_as_it_is() -> None:
    assert reading.quiet(_parquet(b"A" * 30 + b"==A=A" + PLAIN, packed=False), "a.parquet")


@pytest.mark.parametrize(
    "data", [b"PARE" + bytes(20), b"PAR1" + bytes(20) + b"PARE", b"PAR1" + b"\xff" * 20 + b"PAR1"]
)
def test_footers_that_cannot_be_read_are_a_needed_gap(data: bytes) -> None:
    assert reading.gaps(data, "a.parquet")


def test_recognition() -> None:
    assert not ArrowReader().recognises(Glimpse(BytesArtifact("a", _stream(PLAIN))))
    assert ArrowReader().recognises(Glimpse(BytesArtifact("a", _parquet(PLAIN))))


@given(st.binary(max_size=100), st.sampled_from([b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"]))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes, mark: bytes) -> None:
    artifact = BytesArtifact("a.arrow", mark + data + mark)
    try:
        items = list(ArrowReader().read(artifact, Budget()))
    except ReadError:
        return
    assert all(isinstance(item, ActiveContent) for item in items)
