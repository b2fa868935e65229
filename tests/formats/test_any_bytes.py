"""Damage of any kind, for every reader there is: reading ends, and raises nothing but `ReadError`.

Inputs begin as what the reader recognises among the samples of `forge.large`; a reader without one
fails. Readers whose formats are worth more have tests of this kind of their own.
"""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import ReadError
from modelscan.formats.deferred import Deferred
from modelscan.formats.reader import Glimpse
from modelscan.formats.readers import deferred_readers
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import large, large_payloads
from tests.forge.reading import rules

READERS = deferred_readers(rules().lists)
LIMITS = Limits(members=200, steps=1_000_000, facts=500, values=20_000, seconds=10)
SIZE = 1_500
LONGEST = 20_000


@cache
def _samples() -> tuple[tuple[str, bytes], ...]:
    made = [(name, one.head + bytes(64)) for name, one in large_payloads.WEIGHTS.items()]
    for label, make in (large.STRUCTURES | large.DOCUMENTS).items():
        made.append((label.rpartition("!")[2], make(SIZE)))
    return tuple((name, data) for name, data in made if len(data) < LONGEST)


@pytest.mark.parametrize(
    "reader", READERS, ids=[type(reader.reader).__name__ for reader in READERS]
)
@given(draw=st.data())
@settings(max_examples=25, deadline=None)
def test_damage_ends_in_facts_or_a_read_error(reader: Deferred, draw: st.DataObject) -> None:
    known = [sample for sample in _samples() if reader.recognises(Glimpse(BytesArtifact(*sample)))]
    name, data = draw.draw(st.sampled_from(known))
    broken = bytearray(data)
    for _ in range(draw.draw(st.integers(0, 6))):
        at = draw.draw(st.integers(0, len(broken) - 1))
        broken[at : at + draw.draw(st.integers(0, 4))] = draw.draw(st.binary(max_size=8))
        broken = broken or bytearray(b"\0")
    artifact = BytesArtifact(name, bytes(broken[: draw.draw(st.integers(1, len(broken)))]))
    if not reader.recognises(Glimpse(artifact)):
        return
    try:
        for _ in reader.read(artifact, Budget(LIMITS)):
            pass
    except ReadError:
        return
