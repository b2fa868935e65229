from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.r_data.reader import RDataReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import ActiveContent
from tests.forge import r_data, reading
from tests.forge.r_data import Xdr


def _read(data: bytes, limits: Limits | None = None) -> list[object]:
    return list(RDataReader().read(BytesArtifact("m.rds", data), Budget(limits)))


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("spelling", ["xdr", "native", "ascii"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_promise_fails(version: int, spelling: str, packed: bool) -> None:
    data = r_data.promise(r_data.SPELLINGS[spelling](), version)
    name = "model.rds"
    found = reading.fails(gzip.compress(data) if packed else data, name)
    assert found == ["r-data-promise"]
    (fact,) = _read(data)
    assert isinstance(fact, ActiveContent)
    assert fact.name == "system"


@pytest.mark.parametrize("mark", [b"RDX2\n", b"RDX3\n"])
def test_a_promise_among_several_values_fails(mark: bytes) -> None:
    assert reading.fails(mark + r_data.promise(Xdr(), 2), "model.RData") == ["r-data-promise"]


def test_a_promise_in_an_environment_counts_when_it_does_something() -> None:
    framed = r_data.in_environment(Xdr(), "system")
    assert reading.fails(framed, "model.rds") == ["r-data-promise"]
    assert reading.quiet(r_data.in_environment(Xdr(), "nrow"), "model.rds")


def test_a_promise_that_was_evaluated_is_a_value() -> None:
    assert _read(r_data.promise(Xdr(), 2, evaluated=True)) == []


@pytest.mark.parametrize("spelling", ["xdr", "native", "ascii"])
def test_an_honest_model_is_quiet(spelling: str) -> None:
    data = r_data.model(r_data.SPELLINGS[spelling]())
    assert _read(data) == []
    assert reading.quiet(gzip.compress(data), "model.rds")


def test_compiled_functions_are_walked() -> None:
    assert _read(r_data.compiled(Xdr())) == []
    hidden = r_data.compiled(Xdr(), after=r_data.promise_item)
    assert reading.fails(hidden, "f.rds") == ["r-data-promise"]


@pytest.mark.parametrize("data", [b"X\n\0\0\0\2", b"A\n2\n1\n", b"", b"A\n2\n131072\n131072\nxx\n"])
def test_what_breaks_off_is_an_error(data: bytes) -> None:
    with pytest.raises(ReadError):
        _read(data)


def test_what_was_found_before_the_end_is_kept() -> None:
    data = r_data.promise(Xdr(), 2)[:-8]
    assert reading.fails(data, "model.rds") == ["r-data-promise"]
    assert reading.gaps(data, "model.rds")


@pytest.mark.parametrize("kind", [11, 99, 26])
def test_an_unknown_item_is_an_error(kind: int) -> None:
    with pytest.raises(ReadError):
        _read(Xdr().head(2) + Xdr().integer(kind))


def test_impossible_lengths_are_errors() -> None:
    stream = Xdr()
    head = stream.head(2) + stream.integer(13)
    for length in (stream.integer(-5), stream.integer(1 << 30),
                   stream.integer(-1) + stream.integer(1) + stream.integer(0)):  # fmt: skip
        with pytest.raises(ReadError):
            _read(head + length)
    with pytest.raises(ReadError):
        _read(stream.head(2) + stream.integer(13) + stream.integer(6) + bytes(8))
    with pytest.raises(ReadError):
        _read(stream.head(2) + stream.integer(1) + stream.integer(13))


def test_depth_costs_no_stack_and_items_are_paid_for() -> None:
    stream = Xdr()
    nested = (stream.integer(19) + stream.integer(1)) * 100_000 + stream.integer(254)
    assert _read(stream.head(2) + nested) == []
    with pytest.raises(BudgetError):
        _read(stream.head(2) + nested, Limits(steps=5000))
    waiting = (stream.integer(19) + stream.integer(2)) * 200_000
    with pytest.raises(BudgetError, match="deep"):
        _read(stream.head(2) + waiting)


@given(st.binary(max_size=200), st.sampled_from([b"X\n\0\0\0\2", b"A\n2\n", b"B\n\3\0\0\0"]))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes, head: bytes) -> None:
    try:
        _read(head + data)
    except ReadError:
        return


@given(st.lists(st.sampled_from(range(256)), max_size=40), st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_any_items_end_in_facts_or_a_read_error(kinds: list[int], flags: int) -> None:
    stream = Xdr()
    body = b"".join(stream.integer(kind | flags << 9) for kind in kinds)
    try:
        _read(stream.head(2) + body)
    except ReadError:
        return
