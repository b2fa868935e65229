from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan import api
from modelscan.budget import Budget
from modelscan.engine.catalogue import load
from modelscan.formats import licence_text
from modelscan.formats.candidates import Candidates
from modelscan.formats.licence_text import LicenceTextReader
from modelscan.formats.readers import readers_for
from modelscan.formats.routing import Reading
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import FilePolyglot, LicenceText, PickleStream
from tests.forge import licences

LISTS = load().lists
TABLE = LISTS.licences


def identified(text: str) -> str:
    return licence_text.recognise(text, TABLE)[0]


@pytest.mark.parametrize(("text", "identifier"), licences.TEXTS)
def test_texts_are_told_by_their_wording(text: str, identifier: str) -> None:
    assert identified(text) == identifier
    assert identified(text.upper()) == identifier
    assert identified("\n\n" + text.replace(" ", "\n   ").replace(".", " . ")) == identifier


def test_every_text_of_the_list_is_told_from_all_others() -> None:
    for identifier, licence in TABLE.licences.items():
        for phrases in licence.text:
            assert identified(". ".join(phrases)) == identifier


@pytest.mark.parametrize(
    "text",
    [
        "", "do what you like", "See the licence on our page.",
        licences.MIT + " Commercial use above 100 million monthly active users is excluded.",
        licences.APACHE + ' "Commons Clause" License Condition v1.0',
        licences.MIT.replace("without restriction", "for research purposes only"),
        licences.MIT + " It is for non-commercial research.",
    ],
)  # fmt: skip
def test_a_permissive_text_with_a_rider_is_no_permissive_text(text: str) -> None:
    identifier, licence = licence_text.recognise(text, TABLE)
    assert identifier == ""
    assert licence.restricts == ()


def test_notices_of_third_parties_come_after_the_licence() -> None:
    llama = "LLAMA 3.1 COMMUNITY LICENSE AGREEMENT"
    assert identified(f"{llama}\n\nThird parties:\n{licences.MIT}") == "llama3.1"
    assert identified(f"{licences.APACHE}\n\nPortions: {llama}") == "Apache-2.0"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("LICENSE", True), ("license.txt", True), ("LICENCE.md", True), ("LICENSE-MODEL", True),
        ("LICENSE_GEMMA", True), ("MODEL_LICENSE", True), ("Model-License.txt", True),
        ("model_license_agreement.txt", True), ("COPYING", True), ("UNLICENSE", True),
        ("LICENSE-2.0", True), ("README.md", False), ("licenses.json", False),
        ("license_check.py", False), ("sublicensed", False), ("NOTICE", False),
    ],
)  # fmt: skip
def test_files_that_hold_terms_are_told_by_name(name: str, *, expected: bool) -> None:
    reading = Reading(BytesArtifact(name, b"words"), readers_for(LISTS), Budget())
    found = [fact for fact in reading if isinstance(fact, LicenceText)]
    assert bool(found) == expected
    assert (reading.format == licence_text.FORMAT) == expected


def test_a_licence_alone_is_no_model() -> None:
    reading = Reading(BytesArtifact("LICENSE", b"words"), readers_for(LISTS), Budget())
    list(reading)
    assert not reading.recognised


@pytest.mark.parametrize("name", ["LICENSE.txt", "LICENSE.md", "LICENSE.rst", "LICENSE"])
def test_a_licence_contradicts_no_name_of_a_text(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(licences.MIT)
    (report,) = api.scan(tmp_path).models
    assert "content-not-as-named" not in {finding.rule for finding in report.findings}


def test_a_pickle_that_is_called_licence_is_a_pickle() -> None:
    for data in (b"\x80\x04\x8c\x04acme\x8c\x03Net\x93)\x81.", b"cposix\nsystem\n(S'echo'\ntR."):
        reading = Reading(BytesArtifact("LICENSE", data), readers_for(LISTS), Budget())
        found = list(reading)
        assert any(isinstance(fact, PickleStream) for fact in found)
        assert not any(isinstance(fact, FilePolyglot) for fact in found)
        assert reading.format == "pickle"
        assert reading.recognised


def test_a_text_longer_than_any_licence_is_cut_and_said() -> None:
    data = (licences.MIT + "x " * (1 << 20)).encode()
    reading = Reading(
        BytesArtifact("LICENSE", data), Candidates([LicenceTextReader(TABLE)]), Budget()
    )
    found = list(reading)
    assert [fact.identifier for fact in found if isinstance(fact, LicenceText)] == ["MIT"]
    (gap,) = (fact for fact in found if isinstance(fact, Coverage))
    assert (gap.status, gap.needed) == ("truncated", False)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_some_text_or_none(data: bytes) -> None:
    reading = Reading(
        BytesArtifact("LICENSE", data), Candidates([LicenceTextReader(TABLE)]), Budget()
    )
    for item in reading:
        assert isinstance(item, Coverage | LicenceText)
        json.dumps(str(item))
