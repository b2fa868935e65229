from __future__ import annotations

import pytest

from modelscan.report.identity import content_iri, model_iri, of_model
from modelscan.report.machine import paragraphs, prose
from modelscan.report.places import Place, inside, place
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import ModelFacts, ModelReport
from modelscan.vocabulary.snapshot import Source
from tests.forge import reports

FOLDER = reports.model()
SINGLE = reports.model(ref="a.gguf", source=Source(kind="file"))


def referenced(**reference: object) -> ModelReport:
    return reports.model(facts=ModelFacts(provenance={"referenced_at": reference}))


@pytest.mark.parametrize(
    ("model", "location", "expected"),
    [
        (FOLDER, Location("a/b.bin", line=3), Place("minilm-copy/a/b.bin", 3)),
        (FOLDER, Location(), Place("minilm-copy", 1)),
        (FOLDER, Location("../../etc/passwd"), Place("minilm-copy/etc/passwd", 1)),
        (FOLDER, Location("a", line=-5), Place("minilm-copy/a", 1)),
        (FOLDER, Location("a", line=1 << 80), Place("minilm-copy/a", (1 << 31) - 1)),
        (SINGLE, Location("a.gguf"), Place("a.gguf", 1)),
        (SINGLE, Location(), Place("a.gguf", 1)),
        (reports.model(ref="/srv/models/x"), Location("a"), Place("srv/models/x/a", 1)),
        (reports.model(ref=".."), Location(), Place("model", 1)),
        (reports.hub_model(), Location("a"), Place("org/name/a", 1)),
        (reports.model(ref="oci:host/repo"), Location("a"), Place("host/repo/a", 1)),
        (referenced(file="app.py", line=9), Location("a", line=3), Place("app.py", 9)),
        (referenced(file="app.py"), Location("a", line=3), Place("app.py", 1)),
        (referenced(file=7), Location("a", line=3), Place("minilm-copy/a", 3)),
    ],
)
def test_places(model: ModelReport, location: Location, expected: Place) -> None:
    assert place(model, location) == expected


def test_the_place_inside_a_model_is_inert() -> None:
    where = Location("a\x1b.zip", "b\u202e.pkl", 4)
    assert inside(FOLDER, where) == r"minilm-copy!a\x1b.zip!b\u202e.pkl @4"
    assert inside(reports.model(ref=""), Location()) == "."


def test_bytes_are_named_by_their_digest() -> None:
    # The digest of "Hello World!" and its name are the example of RFC 6920, section 8.1.
    digest = "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069"
    name = "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"
    assert content_iri(digest) == content_iri(f"sha256:{digest}") == name
    assert content_iri("md5:1") == content_iri(digest.upper()) == ""


def test_a_model_is_named_by_what_is_known_best() -> None:
    assert model_iri(reports.hub_model()).startswith("pkg:huggingface/org/name@")
    assert model_iri(FOLDER).startswith("ni:///sha-256;")
    assert model_iri(reports.model(digest=None)).startswith("urn:uuid:")


def test_a_mirror_s_page_is_not_the_public_one() -> None:
    mirror = reports.hub_model(endpoint="https://m.example:8443/hub/")
    assert of_model(mirror).page == "https://m.example:8443/hub/org/name"
    assert of_model(reports.hub_model(endpoint="ftp://x")).page == ""


def test_prose_is_one_line_and_paragraphs_are_kept() -> None:
    text = "one\n  two\r\n\r\nthree\u2028four\n\n\n\x1b"
    assert prose(text) == r"one two three four \x1b"
    assert paragraphs(text) == "one two\n\nthree four\n\n\\x1b"
