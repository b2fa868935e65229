from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelscan.api import scan
from tests.forge import pickle_insides as forge
from tests.forge.pickle_insides import array, dtype, dtype_of, fields, over, plain_state
from tests.forge.reading import found

RULE = "pickle-array-of-addresses"
WITHIN = np.dtype([("p", "i2"), ("q", "O")])
TYPES: tuple[Any, ...] = (
    "f8", "O", "U7", "S3", "V5", "M8[ns]", "m8[3D]", "?", ">i4", "c16", "f2",
    [("a", "f4")],
    [("a", "f4"), ("b", "O")],
    [("a", "f4", (2, 3)), ("b", "U4")],
    [("a", WITHIN), ("b", WITHIN, (2,))],
    [("a", "O", (4,))],
    [(f"f{index}", "f8") for index in range(100)],
    [(f"f{index}", "O" if index == 99 else "i1") for index in range(100)],
    {"names": ["a", "b"], "formats": ["i4", "O"], "offsets": [24, 8], "itemsize": 40},
    {"names": ["a", "b"], "formats": ["i4", "i2"], "offsets": [0, 2]},
    {"names": [], "formats": [], "itemsize": 4},
    {"names": ["a"], "formats": ["f8"], "titles": ["the first"]},
    [("a", "O", (0,))],
    (np.record, [("a", "f4"), ("b", "O")]),
    [("a", (np.record, [("b", "O")]))],
)  # fmt: skip


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("index", range(len(TYPES)))
def test_what_numpy_writes_is_quiet(index: int, protocol: int) -> None:
    kind = np.dtype(TYPES[index])
    values = [kind, np.zeros(3, kind), np.zeros((2, 0), kind)]
    if not kind.hasobject:
        values.append(np.zeros(1, kind)[0])
    assert found(pickle.dumps(values, protocol), "m.pkl").keys() <= {"pickle-present"}


@pytest.mark.parametrize("kind", [np.recarray, np.ma.MaskedArray])
def test_classes_of_arrays_are_quiet(kind: type) -> None:
    whole = np.array([(1, 2.5)], [("a", "i4"), ("b", "f8")])
    assert found(pickle.dumps(whole.view(kind)), "m.pkl").keys() <= {"pickle-present"}


@pytest.mark.parametrize("name", forge.addresses())
def test_every_lie_names_the_rule(name: str) -> None:
    assert found(forge.addresses()[name], "m.pkl")[RULE] == "critical"


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        (dtype("O8", *plain_state(1)), "its flags deny it"),
        (dtype("O8", *plain_state(2)), "its flags deny it"),
        (dtype("f4,O", *plain_state(0)), "cannot be told"),
        (fields(8, 0, (dtype("object"), 0)), "cannot be told"),
        (fields(8, 0, (b"N", 0)), "cannot be told"),
        (dtype("V8", b"K\x03", b"N", b"N", b"K\x01\x85", b"}", b"K\x08K\x01K\0"), "cannot be told"),
        (fields(8, 0, (over(dtype("f8"), 1, 8), 4)), "outside of its item"),
        (dtype("f8", b"K\x03"), "none that numpy writes"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, kind: bytes, detail: str) -> None:
    (tmp_path / "m.pkl").write_bytes(array(kind))
    [model] = scan(tmp_path / "m.pkl", jobs=1).models
    [message] = [item.message for item in model.findings if item.rule == RULE]
    assert detail in message


@pytest.mark.parametrize(
    "kind",
    [
        dtype("V8"),
        dtype("V8", b"K\x01", b"N", b"NNNK\x08K\x01"),
        dtype("f8", *plain_state(0)),
        fields(8, 27, (dtype("O8"), 0)),
        over(dtype("i2"), 4, 8),
        dtype_of("ml_dtypes", "bfloat16", *plain_state(64)),
        dtype_of("numpy", "float64", *plain_state(0)),
    ],
)
def test_other_states_are_taken_as_they_are(kind: bytes) -> None:
    assert RULE not in found(array(kind), "m.pkl")


def test_a_type_that_everybody_has_is_not_changed() -> None:
    kind = b"cnumpy.dtypes\nObjectDType\n)R(" + b"".join(plain_state(0)) + b"tb"
    assert found(array(kind), "m.pkl")["pickle-overwritten-state"] == "critical"


@pytest.mark.parametrize(
    "program",
    [
        b"cnumpy.core._internal\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR",
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy.core.records\nrecarray\n(K\x00tU\x01btR",
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy.matrixlib.defmatrix\nmatrix\n(K\x00tU\x01btR",
        b"cnumpy.random\n__RandomState_ctor\n)R}b",
        dtype_of("numpy.core.records", "record", *plain_state(0)),
    ],
)
def test_names_of_old_versions_are_quiet(program: bytes) -> None:
    assert found(b"\x80\x04" + program + b".", "m.pkl").keys() <= {"pickle-present"}
