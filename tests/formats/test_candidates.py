from __future__ import annotations

import pytest

from modelscan.engine.catalogue import load
from modelscan.formats.candidates import Candidates
from modelscan.formats.reader import Glimpse
from modelscan.formats.readers import readers_for
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import corpus

READERS = readers_for(load().lists)
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
    table = Candidates(READERS)
    for name, data in corpus.samples():
        for shown in (name, "x" + extension):
            glimpse = Glimpse(BytesArtifact(shown, data))
            expected = [reader for reader in READERS if reader.recognises(glimpse)]
            assert table.matching(glimpse) == expected, shown


def test_the_well_known_names_are_still_asked_about() -> None:
    table = Candidates(READERS)
    for name in ("README.md", "schema.json", "model.json", "a.ipynb", "a.YAML", "a.prototxt",
                 "a.mlmodel", "a.pdmodel", "a.msgpack", "a.jinja", "a.llamafile", "a.b.index.json"):  # fmt: skip
        glimpse = Glimpse(BytesArtifact(name, b"---\nlicense: mit\n---\n_target_: x\n"))
        expected = [reader for reader in READERS if reader.recognises(glimpse)]
        assert table.matching(glimpse) == expected
