from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats import numpy_header
from modelscan.formats.numpy_array import NumpyReader
from modelscan.formats.reader import Glimpse
from modelscan.formats.readers import readers_for
from modelscan.formats.routing import Reading
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import NumpyDefect, NumpyObjects, PickleCall, PickleStream
from modelscan.vocabulary.lists import NameLists
from tests.forge.archives import python_zip
from tests.forge.numpy_arrays import npy, objects

READER = NumpyReader()


def _read(data: bytes) -> list[Any]:
    found: list[Any] = []
    with suppress(ReadError):
        for item in READER.read(BytesArtifact("x.npy", data), Budget()):
            found.append(item)  # noqa: PERF402  # what came before an error must stay
    return found


def _routed(name: str, data: bytes) -> list[Any]:
    return list(Reading(BytesArtifact(name, data), readers_for(NameLists()), Budget()))


@pytest.mark.parametrize(
    ("descr", "size"),
    [
        ("<f8", 8), ("|b1", 1), ("<c16", 16), ("<U3", 12), ("|S5", 5), ("<M8[ns]", 8),
        ("<m8[25us]", 8), ("|V2", 2), (">i4", 4), ("f", 4), ("?", 1), ("<f16", 16), ("|S0", 0),
        ("|c", 1),
        ([("a", "<i4"), ("b", "<f8", (2, 3)), (("title", "c"), "|S3")], 55),
        ([("a", [("b", "<i2"), ("", "|V2")], 4)], 16),
        (("<i4", (2, 2)), 16),
    ],
)  # fmt: skip
@pytest.mark.parametrize("version", [1, 2, 3])
def test_honest_arrays_are_quiet(descr: Any, size: int, version: int) -> None:
    data = npy(descr, (2, 3), bytes(6 * size), version=version)
    assert list(READER.read(BytesArtifact("x.npy", data), Budget())) == []
    assert READER.recognises(Glimpse(BytesArtifact("x", data)))


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0, 3)])
def test_shapes_of_any_kind(shape: tuple[int, ...]) -> None:
    assert _read(npy("<f8", shape, bytes(8 * (shape in {(), (1,)})))) == []


def test_headers_of_python_2() -> None:
    text = "{'descr': '<f8', 'fortran_order': False, 'shape': (2L, 1L), }"
    assert _read(npy("", (), bytes(16), text=text)) == []


def test_arrays_behind_each_other() -> None:
    data = npy("<f8", (2,), bytes(16)) * 3
    assert _read(data) == []
    assert [type(item).__name__ for item in _read(data + objects([1]))] == [
        "NumpyObjects",
        "SliceArtifact",
    ]


@pytest.mark.parametrize(
    "descr",
    ["|O", "O", "<O8", [("a", "<i4"), ("b", "|O")], ("|O", (2,)), [("a", [("b", "O")])]],
)
def test_objects_are_a_pickle(descr: Any) -> None:
    fact, nested = _read(objects({"a": 1}, descr=descr))
    assert isinstance(fact, NumpyObjects)
    assert nested.member == "objects.pkl"
    assert nested.read_at(0, 2) == b"\x80\x04"


@pytest.mark.parametrize(
    "descr", ["i4,O", "object", "(2,)O", "\\x4f", "<T16", "u", "<e7", "i0", [("a", "T")]]
)
def test_types_that_are_not_known_may_be_objects(descr: Any) -> None:
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': (1,), }}".replace("\\\\", "\\")
    defect, nested = _read(npy("", (), b"\x80\x04.", text=text))
    assert isinstance(defect, NumpyDefect)
    assert defect.kind == "unknown-dtype"
    assert nested.read_at(0, 9) == b"\x80\x04."


@pytest.mark.parametrize("wrap", [lambda data: data, lambda data: python_zip({"a.npy": data})])
def test_what_the_pickle_does_is_found(wrap: Any) -> None:
    pickled = b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R."
    data = wrap(npy("|O", (1,), pickled))
    name = "x.npz" if data.startswith(b"PK") else "x.npy"
    calls = [item for item in _routed(name, data) if isinstance(item, PickleCall)]
    assert [item.callable for item in calls] == ["os.system"]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (npy("<f8", (1000,), bytes(8)), "size-mismatch"),
        (npy("<f8", (1 << 62, 1 << 62), bytes(8)), "size-mismatch"),
        (npy("<f8", (1,), bytes(9)), "trailing-data"),
        (npy("", (), b"", text="__import__('os').system('true')"), "bad-header"),
        (npy("<f8", (-1,), b""), "bad-header"),
        (npy("<f8", (1,) * 65, bytes(8)), "bad-header"),
        (npy("<f8", (1 << 63,), b""), "bad-header"),
        (npy([("a", "<f8", -1)], (1,), b""), "bad-header"),
        (npy([("a", "<f8", (1,) * 65)], (1,), b""), "bad-header"),
        (npy([("a",)], (1,), b""), "bad-header"),
        (npy(["<f8"], (1,), b""), "bad-header"),
        (npy(7, (1,), b""), "bad-header"),
        (npy(("<f8", (1,), 2), (1,), b""), "bad-header"),
    ],
)
def test_each_contradiction_is_named(data: bytes, kind: str) -> None:
    assert [item.kind for item in _read(data) if isinstance(item, NumpyDefect)] == [kind]


def test_what_follows_an_array_is_read() -> None:
    data = npy("<f8", (1,), bytes(8)) + b"\x80\x04}\x94."
    assert any(isinstance(item, PickleStream) for item in _routed("x.npy", data))


def test_what_follows_a_header_that_cannot_be_read_is_read() -> None:
    """numpy understands more than one way to write a header, and unpickles behind each of them."""
    text = "{'descr': '|' 'O', 'fortran_order': False, 'shape': (1,)}"
    pickled = b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R."
    calls = [
        i for i in _routed("x.npy", npy("", (), pickled, text=text)) if isinstance(i, PickleCall)
    ]
    assert [item.callable for item in calls] == ["os.system"]


_KEYS = "'fortran_order': False, 'shape': (1,)"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "1",
        "{'descr': '<f8'}",
        f"{{'descr': '<f8', {_KEYS}}} 1",
        f"{{'descr': '<f8', {_KEYS}, 'x': 1}}",
        f"{{'descr': '<f8', 'descr': '<f4', {_KEYS}}}",
        f"{{'descr' '<f8', {_KEYS}}}",
        f"{{'descr': '<f8' {_KEYS}}}",
        f"{{'descr': '<f8' + 'x', {_KEYS}}}",
        f"{{'descr': f'<f8', {_KEYS}}}",
        f"{{'descr': 1.5, {_KEYS}}}",
        f"{{'descr': None, {_KEYS}}}",
        f"{{1: 2, 'descr': '<f8', {_KEYS}}}",
        f"{{'descr': ), {_KEYS}}}",
        f"{{'descr': {'[' * 50}{']' * 50}, {_KEYS}}}",
        f"{{'descr': {'[' * 200_000}",
        "{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': [1]}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "9" * 500 + ",)}",
    ],
)
def test_only_literals_of_the_right_form_are_taken(text: str) -> None:
    with pytest.raises(ReadError):
        numpy_header.parse(text)


def test_a_type_within_types_has_an_end() -> None:
    descr: Any = "<f8"
    for _ in range(20):
        descr = (descr, (2,))
    assert numpy_header.parse(f"{{'descr': {descr!r}, {_KEYS}}}").size == 8 << 20


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        b"not an array",
        b"\x93NUMPY\7\0\0\0\0\0\0",
        b"\x93NUMPY\1\0\xff\xff{}",
        b"\x93NUMPY\2\0\xff\xff\xff\xff{}",
        b"\x93NUMPY\3\0\4\0\0\0\xff\xff\xff\xff",
    ],
)
def test_what_is_no_header_is_an_error(data: bytes) -> None:
    with pytest.raises(ReadError):
        list(READER.read(BytesArtifact("x.npy", data), Budget()))


def test_too_many_arrays_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelscan.formats.numpy_array._MAX_ARRAYS", 3)
    with pytest.raises(ReadError, match="more than 3 arrays"):
        list(READER.read(BytesArtifact("x.npy", npy("<f8", (0,), b"") * 4), Budget()))


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("x.npy", b"", True),
        ("x.npy", b"something", True),
        ("x.npy", b"\x7fELF" + bytes(60), False),
        ("x.bin", b"something", False),
    ],
)
def test_content_decides_unless_nothing_else_does(name: str, data: bytes, expected: bool) -> None:
    assert READER.recognises(Glimpse(BytesArtifact(name, data))) is expected


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x93NUMPY\1\0", b"\x93NUMPY\3\0"]))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes, head: bytes) -> None:
    with suppress(ReadError):
        list(READER.read(BytesArtifact("x.npy", head + data), Budget()))


_LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(["<f8", "O"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from(["descr", "shape"]), inner)
    ),
    max_leaves=12,
)


@given(_LITERALS, _LITERALS)
@settings(max_examples=200, deadline=None)
def test_any_literal_ends_in_facts_or_a_read_error(descr: Any, shape: Any) -> None:
    text = repr({"descr": descr, "fortran_order": False, "shape": shape})
    with suppress(ReadError):
        list(READER.read(BytesArtifact("x.npy", npy("", (), bytes(64), text=text)), Budget()))
