from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from modelscan.report.html import ancestry, files, findings, gaps, history
from modelscan.report.residual import LIMITS
from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.evidence import OfficialBytes
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import ModelFacts
from modelscan.vocabulary.rule import Maps
from tests.forge import reports
from tests.forge.pages import Parsed, shown, source


def test_the_decision_stands_first() -> None:
    made = shown(reports.bad_model(), exit_code=1)
    assert made.text.index("The policy does not allow this.") < made.text.index("minilm-copy 3")
    assert "exit code 1" in made.text
    assert "1 model policy default 2026-11-21T00:00:00Z" in made.text
    assert LIMITS in made.text


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [
        (0, "The policy allows this."),
        (3, "Something needed was not looked at"),
        (4, "Nothing to scan"),
    ],
)
def test_every_decision_has_its_words(exit_code: int, words: str) -> None:
    assert words in shown(reports.model(), exit_code=exit_code).text


def test_the_five_answers_of_a_model() -> None:
    made = shown(reports.full_model(), exit_code=1)
    cards = [card["class"] for card in made.all("li") if card.get("class", "").startswith("card")]
    assert cards == [
        "card tone-bad",
        "card tone-bad",
        "card tone-claim",
        "card tone-good",
        "card tone-bad",
    ]
    for words in ("signed-untrusted release@example.org", "low-rank nreimers/", "Tier measured"):
        assert words in made.text


def test_several_models_have_an_overview() -> None:
    made = Parsed(source(reports.full_report()))
    assert made.all("table", class_="overview")
    assert [link["href"] for link in made.all("a") if re.fullmatch("#m[0-9]", link["href"])] == [
        "#m1", "#m2", "#m3", "#m1", "#m2", "#m3",
    ]  # fmt: skip
    assert not shown(reports.model()).all("table", class_="overview")


def test_a_model_that_could_not_be_read_has_its_place() -> None:
    made = shown(reports.unreadable_model(), exit_code=3)
    assert "Could not be read. no such file or directory: gone" in made.text
    assert "nothing is known about it" in made.text
    assert not made.all("section")


def test_findings_are_grouped_by_rule_the_most_severe_first() -> None:
    found = [
        reports.finding("low-one", "low"),
        *(reports.finding(location=Location(f"{number}.bin")) for number in range(3)),
        reports.finding("note", "info", location=Location()),
    ]
    made = shown(reports.model(findings=tuple(found)), exit_code=1)
    assert made.text.count("Why it matters") == 3
    assert [group.get("open") for group in made.all("details", class_="group")] == ["", "", None]
    severities = [one["data-severity"] for one in made.all("li", class_="finding")]
    assert severities == ["critical", "critical", "critical", "low", "info"]
    assert "critical Loading this pickle calls a function that can run code 3 places" in made.text
    assert "MITRE ATLAS AML.T0011.000" in made.text
    assert "OWASP LLM LLM04:2026" in made.text


def test_a_finding_shows_what_only_it_says() -> None:
    finding = reports.finding(
        fix="Do not load it.", waived="accepted until May", evidence={"callable": "os.system"}
    )
    other = reports.finding(
        fix="Something else.", location=Location("b.bin", "data.pkl", 7), severity="high"
    )
    made = shown(reports.model(findings=(finding, other)), exit_code=1)
    assert made.text.count("Do not load it.") == 1  # the rule says it
    assert "Fix Something else." in made.text
    assert "Waived: accepted until May" in made.text
    assert "callable os.system identity " + finding.identity in made.text
    assert "high b.bin!data.pkl @7 confidence high" in made.text


def test_a_finding_of_a_rule_that_the_report_does_not_describe() -> None:
    made = shown(reports.model(findings=(reports.finding(fix=""),)), rules={}, exit_code=1)
    assert "pickle-dangerous-call 1 place" in made.text
    assert "Why it matters" not in made.text


def test_a_rule_without_mappings_has_no_empty_sections() -> None:
    bare = msgspec.structs.replace(reports.rule(), maps=Maps(), references=(), why="", fix="")
    finding = reports.finding()
    made = shown(reports.model(findings=(finding,)), rules={finding.rule: bare}, exit_code=1)
    for title in ("Known as", "Read more", "Why it matters", "What to do"):
        assert title not in made.text


def test_evidence_of_many_fields_is_cut_and_counted() -> None:
    evidence = {f"field{number:03}": number for number in range(50)}
    made = shown(reports.model(findings=(reports.finding(evidence=evidence),)), exit_code=1)
    assert "field039" in made.text
    assert "field040" not in made.text
    assert "and 10 more fields" in made.text


def test_what_is_left_out_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "MOST_FINDINGS", 40)
    monkeypatch.setattr(files, "MOST_FILES", 120)
    made = Parsed(source(reports.large_report(200)))
    assert len(made.all("li", class_="finding")) == 40
    assert "15 more places" in made.text
    assert "and 160 more, none more severe than these" in made.text
    assert len(made.all("tr", class_="file")) == 120
    assert "20 more files" in made.text
    assert "and 80 more; the report in the format json has all of them" in made.text


def test_ten_thousand_findings_are_all_there_behind_a_summary() -> None:
    written = source(reports.large_report())
    assert written.count('class="finding"') == 10_000
    assert len(written) < 16_000_000
    assert "9,975 more places" in written


def test_files_with_their_formats_digests_and_findings() -> None:
    made = shown(reports.bad_model(), exit_code=1)
    sha256 = reports.file("pytorch_model.bin").digests["sha256"]
    assert (
        f"pytorch_model.bin pickle 1 MB hashed critical 2 sha256 {sha256} Copy git-blob"
        in made.text
    )
    assert "config.json json 1 kB read –" in made.text  # noqa: RUF001  # a dash is what it shows
    assert made.all("a", href="#m1-f1")
    assert made.all("li", id="m1-f1")[0]["data-file"] == "pytorch_model.bin"


def test_a_model_without_digest_or_files() -> None:
    hashless = msgspec.structs.replace(reports.file("a.bin"), digests={})
    made = shown(reports.model(files=(hashless,), digest=None), reports.model(files=()))
    assert "No digest of the model" in made.text
    assert "not hashed" in made.text
    assert "No file was read." in made.text
    assert "Some bytes were not read." in made.text


def test_needed_gaps_come_first() -> None:
    made = shown(reports.full_model(), exit_code=1)
    text = made.text
    assert "1 part that loading needs was not looked at." in text
    assert text.index("code.zip!deep/inner.pkl encrypted a password is needed") < text.index(
        "logo.png"
    )
    assert "2 parts that loading does not need" in text


@pytest.mark.parametrize(
    ("coverage", "words"),
    [
        ((), "Everything was looked at."),
        ((Coverage(file="a", status="read"),), "1 read to the end Everything was looked at."),
        ((Coverage(file="a", status="skipped"),), "Nothing that loading needs was left out."),
        (
            (Coverage(file="a", status="truncated", needed=True),) * 2,
            "2 parts that loading needs were not looked at.",
        ),
    ],
)
def test_silence(coverage: tuple[Coverage, ...], words: str) -> None:
    assert words in shown(reports.model(coverage=coverage)).text


def test_more_gaps_than_a_page_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "MOST_GAPS", 3)
    coverage = tuple(
        Coverage(file=f"{number}", status="skipped", needed=True) for number in range(5)
    )
    assert "and 2 more" in shown(reports.model(coverage=coverage)).text


def test_the_lineage_graph_names_bases_relation_and_tier() -> None:
    made = shown(reports.full_model(), exit_code=1)
    (graph,) = made.all("svg", class_="graph")
    assert graph["aria-label"] == (
        "minilm-copy: low-rank (measured from the weights), from "
        "nreimers/MiniLM-L6-H384-uncased, other/merged"
    )
    assert [path["class"] for path in made.all("path")] == ["rail solid", "rail dashed", "arrow"]
    assert "low-rank · measured" in made.text
    assert len(made.all("circle", class_="base")) == 2


def test_a_graph_without_a_base_and_one_with_many() -> None:
    made = shown(reports.model())
    assert "a base that nobody names" in made.all("svg", class_="graph")[0]["aria-label"]
    assert "Base none is named" in made.text
    claims = tuple({"claim": "base", "value": f"org/{number}"} for number in range(11))
    answers = reports.answers(descends_from=Lineage(status="claimed", tier="declared", reason="r"))
    made = shown(reports.model(facts=ModelFacts(claims=claims), answers=answers))
    assert len(made.all("circle", class_="base")) == ancestry.MOST_BASES
    assert "and 3 more" in made.text


def test_layers_are_drawn_only_when_they_were_measured() -> None:
    made = shown(reports.full_model(), exit_code=1)
    (picture,) = made.all("svg", class_="layers")
    assert picture["aria-label"].endswith("36 of 36 matrices changed")
    heat = [one["class"] for one in made.all("rect") if "x" in one]
    assert len(heat) == 36
    assert sorted(set(heat)) == ["heat-1", "heat-2", "heat-3", "heat-4", "heat-6"]
    assert "layer 5, mlp.down: change 0.1, rank 8" in made.text
    assert "compared 36 cosine 0.997" in made.text
    assert not shown(reports.model()).all("svg", class_="layers")


@pytest.mark.parametrize(
    "layers",
    [
        None, 3, "x", [], [3], [{}], [{"layer": 1, "role": "q"}],
        [{"layer": 1, "role": "q", "change": float("nan")}],
        [{"layer": 1, "role": "q", "change": 10**400}],
        [{"layer": 10**5_000, "role": "q", "change": 1}],
    ],
)  # fmt: skip
def test_layers_of_another_shape_are_listed_not_drawn(layers: Any) -> None:
    made = shown(reports.model(facts=ModelFacts(lineage={"layers": layers})))
    assert not made.all("svg", class_="layers")
    assert "Measured layers" in made.text


def test_a_picture_of_many_layers_is_bounded() -> None:
    layers = [
        {"layer": f"n{number}", "role": f"r{number % 40}", "change": 0, "rank": 10**400}
        for number in range(400)
    ]
    made = shown(reports.model(facts=ModelFacts(lineage={"layers": layers})))
    assert f"{400 - 256 + 40 - 32} layers or roles are not drawn" in made.text
    assert "0 of 400 matrices changed" in made.text
    assert {one["class"] for one in made.all("rect") if "x" in one} == {"heat-0"}


def test_the_timeline_is_in_order() -> None:
    text = shown(reports.full_model(), exit_code=1).text
    text = text[text.index("Provenance 2024") :]
    order = [
        "2024-03-01 repository created", "2025-06-30T10:11:12Z last modified",
        "Revision asked for main", "Commit, as the source states it " + reports.COMMIT,
        "Taken from hub https://hub.example.org",
        "Held against a release sentence-transformers/all-MiniLM-L6-v2 : modified, stated by",
        "Signed by release@example.org (sigstore): signed-untrusted",
        "2026-11-21T00:00:00Z Scanned modelassay 0.1.0, policy default: fail",
        "Also known downloads 12345",
    ]  # fmt: skip
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_a_timeline_of_an_unknown_model_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(reports.model()).text
    assert "No release to hold it against no manifest lists these bytes" in text
    assert "Signature: unsigned no signature beside the model" in text
    monkeypatch.setattr(history, "MOST_EVENTS", 2)
    assert "and 1 more event" in shown(reports.model()).text


def test_the_lines_of_the_policy_that_decided() -> None:
    made = shown(reports.full_model(), exit_code=1)
    decided = "Decided by official bytes: modified 2 findings at or above high Policy default"
    assert decided in made.text
    assert "critical 1 high 2 medium 1 info 3 Waived 1" in made.text
    nothing = msgspec.structs.replace(reports.answers().allowed, reason="")
    bare = reports.model(answers=reports.answers(allowed=nothing))
    assert "Decided by no reason is given" in shown(bare).text


def test_trust_and_residual_risk() -> None:
    text = shown(reports.full_model(), exit_code=1).text
    for words in (
        "as good as who states them: digests published by the maker.",
        "what you think of release@example.org",
        "has the error of a measurement",
        "The bytes came from https://hub.example.org.",
        "1 part that loading needs was not looked at.",
        "1 finding accepted by a waiver; the danger itself remains.",
        "The numbers behind 1 header were hashed, not judged",
    ):
        assert words in text
    text = shown(reports.model()).text
    assert "nobody outside vouches for them" in text
    assert "Nobody put their name to these bytes." in text
    listed = OfficialBytes(status="pinned-match", release="lock", reason="in the lock")
    invalid = reports.hostile_model("x").answers.signed
    answers = reports.answers(
        official_bytes=listed, signed=msgspec.structs.replace(invalid, signer=None)
    )
    text = shown(reports.model(answers=answers)).text
    assert "as good as whoever stated them" in text
    assert "No signature could be relied upon: invalid-signature." in text
