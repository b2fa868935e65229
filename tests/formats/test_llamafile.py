from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.llamafile import LlamafileReader
from modelscan.formats.reader import Glimpse
from modelscan.formats.readers import readers_for
from modelscan.formats.routing import Reading
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ExecutableModel, GgufFile
from modelscan.vocabulary.lists import NameLists
from tests.forge import gguf as forge

READER = LlamafileReader()


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (b"MZqFpD='\n", "ape"),
        (b"jartsr='\n", "ape"),
        (b"\x7fELF\2\1\1", "elf"),
        (b"MZ\x90\0", "pe"),
        (b"\xcf\xfa\xed\xfe", "mach-o"),
    ],
)
@pytest.mark.parametrize(
    ("name", "declared"),
    [
        ("tiny.llamafile", True),
        ("tiny.exe", True),
        ("tiny", True),
        ("tiny-0.8", True),
        ("model.bin", False),
        ("model.gguf", False),
    ],
)
def test_a_program_with_a_model_inside(
    head: bytes, container: str, name: str, declared: bool
) -> None:
    artifact = BytesArtifact(name, forge.llamafile(head, b=b"x", a=forge.small()))
    assert READER.recognises(Glimpse(artifact))
    fact, gap = READER.read(artifact, Budget())
    assert isinstance(fact, ExecutableModel)
    assert (fact.container, fact.declared) == (container, declared)
    assert fact.models == ("a.gguf", "b.gguf")
    assert isinstance(gap, Coverage)
    assert gap.needed


def test_the_model_inside_is_read() -> None:
    artifact = BytesArtifact("tiny.llamafile", forge.llamafile())
    reading = Reading(artifact, readers_for(NameLists()), Budget())
    found = [item for item in reading if isinstance(item, GgufFile)]
    assert [fact.location.member for fact in found] == ["model.gguf"]
    assert reading.format == "llamafile"


def test_a_program_without_an_archive_states_no_models() -> None:
    artifact = BytesArtifact("x.llamafile", b"MZqFpD='" + bytes(99))
    assert READER.recognises(Glimpse(artifact))
    fact, _ = READER.read(artifact, Budget())
    assert isinstance(fact, ExecutableModel)
    assert fact.models == ()


def test_a_broken_archive_is_left_to_its_own_reader() -> None:
    data = forge.llamafile().replace(b"PK\1\2", b"PK\1\1")
    fact, _ = READER.read(BytesArtifact("x.llamafile", data), Budget())
    assert isinstance(fact, ExecutableModel)
    assert fact.models == ()


def test_what_is_only_named_like_one_is_an_error() -> None:
    artifact = BytesArtifact("x.llamafile", b"\1\2\3\4")
    assert READER.recognises(Glimpse(artifact))
    with pytest.raises(ReadError):
        list(READER.read(artifact, Budget()))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("library.so", b"\x7fELF" + bytes(99)),
        ("wheel.zip", forge.llamafile(b"")),
        ("model.gguf", forge.small()),
        ("x.llamafile", b"ARROW1"),
    ],
)
def test_other_files_are_not_recognised(name: str, data: bytes) -> None:
    assert not READER.recognises(Glimpse(BytesArtifact(name, data)))


@given(st.binary(max_size=300), st.sampled_from([b"", b"\x7fELF", b"MZqFpD='"]))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes, head: bytes) -> None:
    artifact = BytesArtifact("x.llamafile", head + data)
    with suppress(ReadError):
        READER.recognises(Glimpse(artifact))
        list(READER.read(artifact, Budget()))
