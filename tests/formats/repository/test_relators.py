from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.formats.repository.relators import relate
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import (
    Fact,
    ModelClaim,
    RemoteCode,
    TensorHeader,
    TorchCheckpoint,
    WeightIndex,
)
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import FileEntry
from modelscan.vocabulary.snapshot import Snapshot, Source
from tests.forge.repository import view


def test_the_view_knows_every_name_and_the_files_that_were_read() -> None:
    entry = FileEntry(path="a", size=1, digests={}, format="text")
    snapshot = Snapshot(
        ref="x",
        source=Source(kind="directory"),
        files=(),
        coverage=(Coverage(file="link", status="skipped"),),
    )
    seen = RepositoryView.of(snapshot, [entry])
    assert (seen.files, seen.names, seen.folder) == ({"a": entry}, frozenset({"link"}), True)


def test_a_single_file_has_no_folder() -> None:
    for kind, folder in (("file", False), ("url", False), ("ollama", False), ("hub", True)):
        source: Any = Source(kind=kind)  # type: ignore[arg-type]  # each is one of the kinds
        assert RepositoryView.of(Snapshot(ref="", source=source, files=()), ()).folder is folder


def test_facts_are_found_by_kind() -> None:
    one, two = TorchCheckpoint(layout="zip"), ModelClaim(claim="name", value="x")
    assert Facts([one, two]).of(ModelClaim) == [two]
    assert Facts([one]).of(ModelClaim) == []


_NAMES = st.sampled_from(
    ["README.md", "LICENSE", "model.safetensors", "pytorch_model.bin", "adapter_config.json",
     "model.safetensors.index.json", "a/model-1-of-2.safetensors", "x.py", "", "/", "..", "\0",
     "model-00001-of-00002.safetensors", "config.json"]
)  # fmt: skip
_PLACES = st.builds(Location, _NAMES, st.none() | st.just("member"))
_FACTS = st.one_of(
    st.builds(
        ModelClaim,
        location=_PLACES,
        claim=st.sampled_from(["base", "licence"]),
        value=st.text(max_size=8),
    ),
    st.builds(RemoteCode, location=_PLACES, key=_NAMES, reference=_NAMES, repository=st.just("")),
    st.lists(_NAMES, unique=True, max_size=4).flatmap(
        lambda names: st.builds(
            WeightIndex,
            location=_PLACES,
            tensors=st.just(0),
            shards=st.just(tuple(names)),
            counts=st.just((1,) * len(names)),
            total_size=st.none() | st.integers(),
        )
    ),
    st.builds(
        TensorHeader,
        location=_PLACES,
        format=st.just("safetensors"),
        tensors=st.integers(),
        parameters=st.just(0),
        payload=st.integers(),
        dtypes=st.just(()),
        digest=st.just(""),
        metadata=st.just(()),
    ),
)


@given(st.lists(_NAMES, max_size=6), st.lists(_FACTS, max_size=8), st.booleans())
@settings(max_examples=200, deadline=None)
def test_whatever_the_files_say_nothing_is_raised(
    names: list[str], facts: Iterable[Fact], folder: bool
) -> None:
    assert all(isinstance(fact, Fact) for fact in relate(view(*names, folder=folder), facts))
