"""Arrays behind joblib's wrapper, by how their elements are described."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import PickleImport
from tests.forge import pickles as forge
from tests.forge.pickles import Assembler
from tests.formats.pickle.test_reader import calls, oddities, read

RECORD = ("numpy", "record")
PAYLOAD = forge.call("os", "system", "echo hi").stop()


def dtype(code: str, state: bytes = b"") -> Assembler:
    out = Assembler().stack_global("numpy", "dtype").short_text(code).false().true()
    out.raw(b"\x87").reduce()
    return out.raw(state, b"b") if state else out


def dtype_of(module: str, name: str, state: bytes) -> Assembler:
    out = Assembler().stack_global("numpy", "dtype").stack_global(module, name).false().true()
    return out.raw(b"\x87").reduce().raw(state, b"b")


def state(*, base: bytes = b"N", names: bytes = b"N", fields: bytes = b"N", size: int = 8,
          flags: int = 0) -> bytes:  # fmt: skip
    head = Assembler().mark().number(3).short_text("|").raw(base, names, fields)
    return head.number(size).number(1).number(flags).tuple_().broken()


def record(
    *fields: Assembler, flags: int = 0, size: int = 8, cls: tuple[str, str] | None = None
) -> Assembler:
    names = b"(" + b"".join(Assembler().short_text(f"f{n}").broken() for n in range(len(fields)))
    table = Assembler().empty_dict().mark()
    for number, field in enumerate(fields):
        table.short_text(f"f{number}").raw(field.broken()).number(0).tuple2()
    table.setitems()
    told = state(names=names + b"t", fields=table.broken(), size=size, flags=flags)
    return dtype_of(*cls, told) if cls else dtype(f"V{size}", told)


def array(kind: Assembler, shape: bytes = b"K\x02\x85") -> Assembler:
    out = Assembler(4).stack_global("joblib.numpy_pickle", "NumpyArrayWrapper").empty_tuple()
    out.newobj().empty_dict().mark().short_text("shape").raw(shape)
    return out.short_text("dtype").raw(kind.broken()).setitems().build()


@pytest.mark.parametrize(
    ("kind", "length"),
    [
        (dtype("f8"), 16), (dtype("<i4"), 8), (dtype("?"), 2), (dtype("b"), 2), (dtype("S3"), 6),
        (dtype("U3"), 24), (dtype("V8", state()), 16), (dtype("V4"), 8),
        (dtype("S", state(size=5)), 10), (dtype("M8", state(size=8)), 16),
        (record(dtype("i4"), dtype("f4")), 16),
        (record(*[dtype("i1")] * 20, size=20), 40),
        (record(dtype("i4"), dtype("f4"), cls=RECORD), 16),
        (dtype_of("ml_dtypes", "bfloat16", state(size=2)), 4),
        (dtype("f8", b"(K\x02X\x01\0\0\0|NNNK\x08K\x01t"), 16),
        (dtype("V16", state(base=b"(" + dtype("f8").broken() + b"K\x02\x85t", size=16)), 32),
    ],
)  # fmt: skip
def test_elements_are_stepped_over(kind: Assembler, length: int) -> None:
    out = array(kind).raw(b"\xff" * length).raw(b"0").raw(PAYLOAD[2:-1])
    items = read(out.stop())
    assert not oddities(items)
    assert [call.callable for call in calls(items)] == ["os.system"]


@pytest.mark.parametrize(
    "kind",
    [
        dtype("O8"),
        record(dtype("i4"), dtype("O8"), flags=63),
        record(*[dtype("i1")] * 20, dtype("O8"), flags=63),
        record(dtype("i4"), dtype("O8"), flags=27, cls=RECORD),
        dtype("O8", state(flags=63)),
        dtype("V16", state(base=b"(" + dtype("O8").broken() + b"K\x02\x85t", size=16)),
    ],
)
def test_objects_are_a_pickle(kind: Assembler) -> None:
    items = read(array(kind).raw(PAYLOAD).stop())
    assert [call.callable for call in calls(items)] == ["os.system"]


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (dtype("x9"), b"K\x02\x85"),
        (dtype("f8"), b"N"),
        (dtype("f8"), b"N\x85"),
        (dtype("f8"), b"(" + b"K\x01" * 40 + b"l"),
        (record(dtype("O8"), flags=0), b"K\x02\x85"),
        (record(dtype("i4"), flags=63), b"K\x02\x85"),
        (record(Assembler().none()), b"K\x02\x85"),
        (record(), b"K\x02\x85"),
        (dtype("V8", state(names=b")")), b"K\x02\x85"),
        (dtype("V8", b"(K\x03X\x01\0\0\0|N)NK\x08t"), b"K\x02\x85"),
        (dtype("S"), b"K\x02\x85"),
        (dtype("S5", state(size=500)), b"K\x02\x85"),
        (dtype("f8", state(flags=63)), b"K\x02\x85"),
        (dtype("M8", b"(K\x03X\x01\0\0\0|NNNK\x08K\x01Nt"), b"K\x02\x85"),
        (dtype("f8", b"(NX\x01\0\0\0|NNNK\x08K\x01K\0t"), b"K\x02\x85"),
        (dtype("O8", state()), b"K\x02\x85"),
        (dtype("f8"), b"}K\x08K\x05s"),
        (Assembler().none(), b"K\x02\x85"),
        (Assembler().stack_global("numpy", "dtype").empty_tuple().reduce(), b"K\x02\x85"),
        (Assembler().stack_global("collections", "OrderedDict").empty_tuple().reduce(), b"N"),
    ],
)
def test_what_cannot_be_measured_is_needed_coverage(kind: Assembler, shape: bytes) -> None:
    items = read(array(kind, shape).raw(b"\xff" * 16).stop())
    assert [(i.status, i.needed) for i in items if isinstance(i, Coverage)] == [("truncated", True)]
    assert set(oddities(items)) <= {"array-of-addresses"}  # a type that lies is told as well


def test_an_array_of_unknown_length_may_be_none_at_all() -> None:
    items = read(array(dtype("x9")).raw(b"0").raw(PAYLOAD[2:-1]).stop())
    assert [call.callable for call in calls(items)] == ["os.system"]
    assert [i.needed for i in items if isinstance(i, Coverage)] == [True]


def test_an_array_that_reaches_past_the_end_breaks_the_pickle() -> None:
    assert oddities(read(array(dtype("f8"), b"J\xff\xff\xff\x7f\x85").stop())) == ["broken-stream"]


def test_flags_decide_what_joblib_unpickles() -> None:
    """numpy believes the state: numbers with the flag of objects are a pickle to joblib."""
    items = read(array(dtype("f8", state(flags=1))).raw(PAYLOAD).stop())
    assert [call.callable for call in calls(items)] == ["os.system"]
    lie = array(dtype("S5", state(size=40))).raw(b"N." * 40, b"0", PAYLOAD[2:])
    assert [i.needed for i in read(lie.broken()) if isinstance(i, Coverage)] == [True]


@pytest.mark.parametrize(
    "numbers",
    [
        PAYLOAD,
        b"0" + PAYLOAD[2:],  # goes on from what is on the stack: no pickle of its own
        b"N0" * 40 + b"cos\nsystem\n.",
        b"0X\x02\0\0\0osX\x06\0\0\0system\x93.",
    ],
)
def test_numbers_that_another_loader_runs(numbers: bytes) -> None:
    """`pickle.load` knows nothing of the arrays that joblib steps over."""
    whole = array(dtype("i1"), Assembler().number(96).tuple1().broken())
    items = read(whole.raw(numbers.ljust(96, b"\0")).stop())
    assert "os.system" in [i.callable for i in items if isinstance(i, PickleImport)]


def test_objects_are_unpickled_without_arrays_inside() -> None:
    inner = array(dtype("i1"), Assembler().number(64).tuple1().broken())
    hidden = b"0" + PAYLOAD[2:]
    items = read(array(dtype("O8")).raw(inner.raw(hidden.ljust(64, b"\0")).broken()).stop())
    assert [call.callable for call in calls(items)] == ["os.system"]


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=64, max_size=64), st.booleans())
def test_numbers_are_no_findings(numbers: bytes, again: bool) -> None:
    out = array(dtype("f8"), b"K\x08\x85").raw(numbers)
    if again:
        out.raw(b"0").raw(array(dtype("f8"), b"K\x08\x85").broken()[2:]).raw(numbers)
    items = read(out.stop())
    assert not oddities(items)
    assert not [i for i in items if isinstance(i, Coverage) and i.needed]
    assert {i.callable for i in items if isinstance(i, PickleImport)} == {
        "joblib.numpy_pickle.NumpyArrayWrapper", "numpy.dtype",
    }  # fmt: skip


def test_objects_that_another_loader_takes_for_a_part_of_the_pickle() -> None:
    """The entries of the memo are others there: what they name by accident counts for nothing."""
    words = Assembler(4).short_text("os").memoize().pop().short_text("system").memoize().pop()
    kind = array(dtype("O8")).broken()[2:]
    inner = Assembler(4).short_text("collections").memoize().short_text("OrderedDict").memoize()
    taken = inner.pop().pop().get(0).get(1).raw(b"\x93").empty_tuple().reduce().stop()
    items = read(words.raw(kind, taken).stop())
    assert "os.system" in [i.callable for i in calls(items)]
    other = Assembler(4).short_text("alpha").memoize().pop().short_text("beta").memoize().pop()
    items = read(other.raw(kind, taken).stop())
    assert "alpha.beta" not in [i.callable for i in items if isinstance(i, PickleImport)]
    assert not oddities(items)
