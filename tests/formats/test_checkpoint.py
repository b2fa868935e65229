from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.errors import ReadError
from modelscan.formats.tensorflow.checkpoint import MAGIC, CheckpointReader
from modelscan.vocabulary.coverage import Coverage
from tests.forge import graphs, reading

READER = CheckpointReader()


@pytest.mark.parametrize(
    ("raw", "name", "expected"),
    [
        (bytes(40) + MAGIC, "variables.index", True),
        (bytes(40), "variables.index", False),
        (b"x", "variables.data-00000-of-00001", True),
        (b"x", "variables.data-0-of-1", False),
        (bytes(40) + MAGIC, "variables.bin", False),
        (bytes(40) + MAGIC, "inception_v3.ckpt", True),
        (b"\x80" + bytes(40) + MAGIC, "inception_v3.ckpt", False),
        (bytes(40), "inception_v3.ckpt", False),
    ],
)
def test_a_checkpoint_is_told_by_name_and_magic(raw: bytes, name: str, expected: bool) -> None:
    assert graphs.recognised(READER, raw, name) is expected


def test_tables_and_tensors_are_data() -> None:
    (table,) = graphs.read(READER, bytes(40) + MAGIC, "v.index")
    (tensors,) = graphs.read(READER, b"x", "v.data-00000-of-00001")
    assert isinstance(table, Coverage)
    assert (table.status, table.needed) == ("header-only", False)
    assert (tensors.status, tensors.needed) == ("skipped", False)


def test_a_checkpoint_in_one_file_is_no_pickle() -> None:
    assert reading.quiet(bytes(90_000) + MAGIC, "vgg_16.ckpt")
    assert reading.fails(b"cos\nsystem\n(Vid\ntR." + MAGIC, "vgg_16.ckpt")
    assert reading.gaps(bytes(90_000), "vgg_16.ckpt")


def test_a_table_that_breaks_off_is_an_error() -> None:
    with pytest.raises(ReadError):
        graphs.read(READER, b"abc", "v.index")


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_coverage_or_a_read_error(raw: bytes) -> None:
    try:
        graphs.read(READER, raw, "v.index")
    except ReadError:
        return
