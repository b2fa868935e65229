from __future__ import annotations

import pytest

from modelscan.engine.catalogue import load
from modelscan.formats.candidates import Candidates
from modelscan.formats.deferred import Deferred, Signs
from modelscan.formats.reader import Glimpse, Reader
from modelscan.formats.readers import deferred_readers
from modelscan.formats.safetensors import SafetensorsReader
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import corpus

DEFERRED = deferred_readers(load().lists)
READERS = tuple(reader.reader for reader in DEFERRED)
NAMES = (
    "",
    ".bin",
    ".json",
    ".md",
    ".npy",
    ".gguf",
    ".pkl",
    ".zip",
    ".safetensors",
    ".onnx",
    ".T7",
)


@pytest.mark.parametrize("extension", NAMES)
def test_no_reader_is_left_out_that_would_recognise_a_sample(extension: str) -> None:
    table = Candidates(DEFERRED)
    for name, data in corpus.samples():
        for shown in (name, "x" + extension):
            glimpse = Glimpse(BytesArtifact(shown, data))
            expected = [reader for reader in READERS if reader.recognises(glimpse)]
            assert _found(table, glimpse) == expected, shown


def test_the_well_known_names_are_still_asked_about() -> None:
    table = Candidates(DEFERRED)
    for name in ("README.md", "schema.json", "model.json", "a.ipynb", "a.YAML", "a.prototxt",
                 "a.mlmodel", "a.pdmodel", "a.msgpack", "a.jinja", "a.llamafile", "a.b.index.json"):  # fmt: skip
        glimpse = Glimpse(BytesArtifact(name, b"---\nlicense: mit\n---\n_target_: x\n"))
        expected = [reader for reader in READERS if reader.recognises(glimpse)]
        assert _found(table, glimpse) == expected


def _found(table: Candidates, glimpse: Glimpse) -> list[Reader]:
    """The readers themselves, for whatever stands for them."""
    found = table.matching(glimpse)
    return [reader.reader if isinstance(reader, Deferred) else reader for reader in found]


def test_what_stands_for_a_reader_has_its_name_and_its_place() -> None:
    for deferred in DEFERRED:
        assert deferred.format == deferred.reader.format
        assert deferred.aside == getattr(deferred.reader, "aside", False)


def test_a_reader_is_made_once_and_only_for_a_file_that_may_be_in_its_format() -> None:
    made: list[Reader] = []

    def make() -> Reader:
        made.append(SafetensorsReader())
        return made[-1]

    json = frozenset({".json"})
    signs = Signs(names=frozenset({"x.json"}), mentions=(b"pir",), mentioned_in=json)
    table = Candidates([Deferred("safetensors", make, signs)])
    for name, data in (("a.bin", b"pir"), ("a.json", b"{}"), ("A.JSON", b"")):
        assert table.matching(Glimpse(BytesArtifact(name, data))) == []
    assert made == []
    for name, data in (("a.json", b'{"pir": 1}'), ("x.json", b"{}"), ("y.JSON", b"pir")):
        table.matching(Glimpse(BytesArtifact(name, data)))
    assert len(made) == 1
