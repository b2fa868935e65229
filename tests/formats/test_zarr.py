from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.zarr import ZarrReader
from modelscan.vocabulary.coverage import Coverage
from tests.forge import graphs, reading

READER = ZarrReader()
ARRAY = {
    "chunks": [2], "compressor": {"id": "blosc", "cname": "lz4"}, "dtype": "<f4", "filters": None,
    "order": "C", "shape": [2], "zarr_format": 2,
}  # fmt: skip


def _raw(**changed: Any) -> bytes:
    return json.dumps({**ARRAY, **changed}).encode()


def test_arrays_of_numbers_are_quiet() -> None:
    assert reading.quiet(_raw(), ".zarray")
    plain = {"codecs": [{"name": "bytes"}, {"name": "zstd", "configuration": {"level": 3}}]}
    assert reading.quiet(json.dumps(plain).encode(), "zarr.json")
    assert reading.quiet(b'{"tree_metadata": {}, "use_zarr3": false}', "_METADATA")


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (_raw(filters=[{"id": "pickle", "protocol": 5}], dtype="|O"), ".zarray"),
        (_raw(compressor={"id": "Pickle"}), ".zarray"),
        (json.dumps({"codecs": [{"name": "numcodecs.pickle"}]}).encode(), "zarr.json"),
        (
            json.dumps({"metadata": {"w/.zarray": {"filters": [{"id": "pickle"}]}}}).encode(),
            ".zmetadata",
        ),
    ],
)
def test_a_codec_that_unpickles(raw: bytes, name: str) -> None:
    assert reading.fails(raw, name) == ["zarr-pickle-codec"]


def test_hundreds_of_such_arrays_are_no_flood() -> None:
    raw = json.dumps({str(n): {"filters": [{"id": "pickle"}]} for n in range(100)}).encode()
    assert len(graphs.read(READER, raw, ".zmetadata")) == 20


def test_a_manifest_is_a_table_and_no_more() -> None:
    raw = b"\x0c\xdb\x3a\x2a" + bytes(100)
    (entry,) = graphs.read(READER, raw, "manifest.ocdbt")
    assert isinstance(entry, Coverage)
    assert (entry.status, entry.needed) == ("header-only", False)
    assert reading.quiet(raw, "manifest.ocdbt")


def test_files_of_other_kinds_are_left_alone() -> None:
    assert not graphs.recognised(READER, b"binary", "_METADATA")
    assert not graphs.recognised(READER, b"{}", "config.json")


def test_what_is_no_json_or_too_large_is_refused() -> None:
    with pytest.raises(ReadError):
        graphs.read(READER, b"{", ".zarray")
    with pytest.raises(BudgetError):
        graphs.read(READER, _raw(), ".zarray", Limits(header_bytes=8))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=100), st.sampled_from([".zarray", "zarr.json", "_METADATA", "x.ocdbt"]))
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes, name: str) -> None:
    try:
        items = graphs.read(READER, data, name)
    except ReadError:
        return
    assert all(items)
