"""The symbolic machine against the C unpickler: whatever that reaches, we report."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.pickle import machine, skip, survey
from modelscan.formats.pickle.ledger import Ledger
from modelscan.formats.pickle.literals import python3_name
from modelscan.formats.pickle.machine import Machine
from modelscan.formats.pickle.window import Window
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import Fact, PickleCall, PickleImport, PickleOddity
from modelscan.vocabulary.lists import PickleGlobals
from tests.forge import pickles as forge
from tests.forge.neutral_unpickler import Name, NeutralUnpickler, Seen
from tests.forge.pickle_programs import MARKER, firing

FIRED = ".".join(MARKER)
TRUSTING = PickleGlobals(modules={MARKER[0]: {MARKER[1]: "constructor"}})
TOLD_APART = {"computed-name", "extension-code", "persistent-id", "frame-mismatch"}
"""Where what the unpickler does is not in the bytes alone, which is reported as such."""
SAMPLES = sorted({
    *forge.malicious().values(), forge.torch_state_dict(), forge.joblib_array().stop(),
    *(pickle.dumps([{"a": (1, "b", b"c", {2})}, range(3), 2**70, 1.5], p) for p in range(6)),
})  # fmt: skip


@pytest.fixture(scope="module")
def unpickler() -> Iterator[NeutralUnpickler]:
    if sys.platform == "win32":
        pytest.skip("no limits for a process")
    with NeutralUnpickler() as process:
        yield process


def follow(data: bytes, names: PickleGlobals, *, lean: bool) -> list[Fact]:
    """Every pickle's facts, and what was found before a break."""
    artifact = BytesArtifact("m", data)
    budget = Budget()
    ledger = Ledger(artifact, names, budget)
    run = Machine(Window(artifact), ledger, budget, lean=lean)
    try:
        run.run(0)
    except ReadError:
        pass
    finally:
        ledger.end_stream(0, 0)
    return [item for item in ledger.drain() if isinstance(item, Fact)]


def reported(facts: list[Fact]) -> tuple[set[str], set[str], set[str]]:
    """Imports, calls, oddities."""
    return (
        {f.callable for f in facts if isinstance(f, PickleImport)},
        {
            f.callable
            for f in facts
            if isinstance(f, PickleCall) or (isinstance(f, PickleImport) and f.called)
        },
        {f.kind for f in facts if isinstance(f, PickleOddity)},
    )


def missing(seen: frozenset[Name], facts: set[str]) -> list[Name]:
    """What was seen and not reported, neither as it is nor mapped from Python 2.

    Empty names cannot be imported: the stub alone takes them.
    """
    return [
        name
        for name in seen
        if all(name) and not {".".join(name), ".".join(python3_name(*name))} & facts
    ]


def check(seen: Seen, facts: list[Fact]) -> None:
    imports, calls, oddities = reported(facts)
    if not oddities & TOLD_APART:
        assert not missing(seen.imported, imports)
        assert not missing(seen.called, calls)


@settings(max_examples=400, deadline=None)
@given(firing())
def test_the_marker_is_found_whatever_the_detour(unpickler: NeutralUnpickler, data: bytes) -> None:
    seen = unpickler.run(data)
    assert seen is not None
    assert MARKER in seen.called
    for lean in (True, False):
        for names in (PickleGlobals(), TRUSTING):
            assert FIRED in reported(follow(data, names, lean=lean))[1]


@settings(max_examples=200, deadline=None)
@given(firing())
def test_short_stretches_are_stepped_over_soundly(data: bytes) -> None:
    """The same with every stretch skipped that can be, however short it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "_BATCH", 4)
        patch.setattr(machine, "_WORTH_IT", 0)
        patch.setattr(skip, "_PIECE", 8)
        patch.setattr(survey, "_PIECE", 8)
        assert FIRED in reported(follow(data, TRUSTING, lean=True))[1]
        assert FIRED in reported(follow(data, PickleGlobals(), lean=True))[1]


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_damaged_pickles_hide_nothing(unpickler: NeutralUnpickler, data: st.DataObject) -> None:
    sample = bytearray(data.draw(st.sampled_from(SAMPLES)))
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(sample) - 1))
        change = data.draw(st.integers(0, 2))
        if change == 0:
            sample[place] = data.draw(st.integers(0, 255))
        elif change == 1:
            del sample[place]
        else:
            sample.insert(place, data.draw(st.sampled_from(b"(0125RQbci\x81\x93\x94h\x00q\x00.")))
        if not sample:
            return
    seen = unpickler.run(bytes(sample))
    if seen is not None:
        check(seen, follow(bytes(sample), PickleGlobals(), lean=True))


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from([
    b"(", b"0", b"1", b"2", b"N", b"K\x01", b"X\x02\0\0\0os", b"\x8c\x06system", b"\x93", b"R",
    b"cos\nsystem\n", b"ios\nsystem\n", b"o", b"b", b"\x81", b"\x92", b"t", b")", b"\x85",
    b"\x86", b"\x94", b"h\0", b"h\1", b"q\0", b"q\1", b"}", b"]", b"s", b"u", b"a", b"e", b"d",
    b"\x8f", b"\x90", b"l", b"\x88", b"g1\n", b"p1\n", b"\x80\x02", b"\x80\x04", b"C\x01x",
]), max_size=25))  # fmt: skip
def test_random_opcodes_hide_nothing(unpickler: NeutralUnpickler, pieces: list[bytes]) -> None:
    data = b"".join(pieces) + b"."
    seen = unpickler.run(data)
    if seen is not None:
        check(seen, follow(data, PickleGlobals(), lean=True))
        check(seen, follow(data, PickleGlobals(modules={"os": {"system": "inert"}}), lean=True))


@pytest.mark.parametrize(
    "index",
    [b"7", b" 7", b"+7", b"0" * 60 + b"7", b"0" * 4000 + b"7", b" " * 70_000 + b"7", b"7\0x\t",
     b"0_7", b"-0", b"7" + b"\t" * 300, b"7" * 5000, b"0x7", b"7L", b"", b"\x1c7", b"-7"],
)  # fmt: skip
def test_indices_are_read_as_the_unpickler_reads_them(
    unpickler: NeutralUnpickler, index: bytes
) -> None:
    data = b"cos\nsystem\np" + index + b"\n0g" + index + b"\n(X\x02\0\0\0hitR."
    seen = unpickler.run(data)
    assert seen is not None
    check(seen, follow(data, PickleGlobals(), lean=True))
    refused = index.startswith((b"7777", b"0x", b"\x1c", b"-7")) or index in {b"", b"7L"}
    assert (("os", "system") in seen.called) == (not refused)
