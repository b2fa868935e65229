"""The parts of the page that tell what lineage measured and where a model comes from."""

from __future__ import annotations

import msgspec
import pytest

from modelscan.report.html import tables
from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.evidence import OfficialBytes, Signed
from modelscan.vocabulary.result import LoadHazards, ModelReport
from tests.forge import reports, told
from tests.forge.pages import Parsed, shown, source


def unasked() -> ModelReport:
    why = "not asked: lineage looks at the weights alone"
    answers = reports.answers(
        load_hazards=LoadHazards(status="incomplete", reason=why),
        official_bytes=OfficialBytes(status="unknown", reason=why),
        signed=Signed(status="unsigned", reason=why),
    )
    return reports.model(answers=answers)


def test_the_parts_of_a_merge_are_drawn_and_listed_with_their_weights() -> None:
    made = shown(told.model())
    (graph,) = made.all("svg", class_="graph")
    assert graph["aria-label"].endswith("from acme-1, acme-2, " + reports.BASE + ", other/merged")
    rails = [path["class"] for path in made.all("path")]
    assert rails == ["rail solid", "rail solid", "rail dashed", "rail dashed", "arrow"]
    assert "Parts of the merge Base Weight acme-1 0.25 acme-2 0.75" in made.text


def test_verdicts_have_their_limits_and_numbers_their_names() -> None:
    text = shown(told.model()).text
    assert "Measured against acme-1" in text
    assert f"measured: of acme Limits: {told.LIMITS}" in text
    assert "Tensors changed: 39, exact: 2" in text
    assert "Tensors that are missing acme.weight" in text
    assert "Direction, in depth matrices: 8, cosine: 0.9, left of it: 0.5" in text
    assert "acme.q 8 0.98 0.2 0.4, 0.3, 0.2, 0.1 acme.k full" in text
    assert "acme-1 finetune measured 0.9 acme-2 finetune measured –" in text  # noqa: RUF001  # a dash


def test_the_hub_s_dates_are_claims_in_their_order() -> None:
    text = shown(told.model()).text
    order = [
        "2024-03-01T00:00:00Z Repository created, says the hub by acme",
        "2024-06-01T00:00:00Z Commit made, says the hub by acme (not authenticated);",
        "now main , acme ; 3 newer commits on the default branch",
        "2025-01-01T00:00:00Z Repository last changed, says the hub",
        "2026-11-01T00:00:00Z Scan by somebody else: accepted by https://s.example",
        "under policy production ; scanned by acme",
        "Taken from",
        "2026-11-21T00:00:00Z Scanned",
        "Licences",
        "not recognised acme card README.md use-limits, acme",
        "MIT LICENSE text LICENSE",
        "model.sig OpenSSF Model Signing (key) invalid acme",
        "What the hub says of the repository (claims) downloads 12",
        "Also known version",
    ]
    flat = text[text.index("Provenance 2024") :]
    places = [flat.index(words) for words in order]
    assert places == sorted(places)
    assert "released" not in flat


def test_approvals_stand_with_the_decision() -> None:
    text = shown(told.model()).text
    assert "Approved by acme, until 2027-01-31: acme" in text
    assert "by old, which ended on 2026-01-31: SEC-0" in text
    assert "Approved by nobody" in shown(reports.model()).text


def test_what_was_not_asked_is_named_once() -> None:
    made = shown(unasked())
    assert "Not asked: load hazards, official bytes, signed." in made.text
    assert "No release to hold it against" not in made.text
    assert "Signature:" not in made.text
    assert len([card for card in made.all("li") if card.get("class", "").startswith("card")]) == 2
    why = Lineage(status="unknown", tier="none", reason="not asked: verify")
    verified = reports.model(answers=reports.answers(descends_from=why))
    assert not shown(verified).all("svg", class_="graph")
    rows = shown(unasked(), reports.model()).all("td")
    assert rows


def test_entries_of_another_shape_stay_inert() -> None:
    text = shown(told.forged()).text
    assert "Parts of the merge Base Weight x –" in text  # noqa: RUF001  # a dash is what is shown
    assert "none: t Limits: l" in text
    assert "Also known" in text


def test_a_long_table_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_ROWS", 1)
    assert "and 1 more" in shown(told.model()).text


@pytest.mark.parametrize("text", reports.HOSTILE)
def test_hostile_names_stay_inert(text: str) -> None:
    page = source(reports.report(told.model(text)))
    Parsed(page)
    assert "<script>alert" not in page
    assert not set(page) & set("\x1b\x9b\u202e\u200b")


def test_a_bare_history() -> None:
    one = told.model()
    said = {
        "history": {"date": "yesterday", "newer": True},
        "repository": {"created": "2024-03-01", "modified": "2024-03-01"},
        "attestation": {"outcome": "refused"},
    }
    facts = msgspec.structs.replace(one.facts, provenance=said)
    text = shown(msgspec.structs.replace(one, facts=facts)).text
    assert "Commit made, says the hub" in text
    assert "newer" not in text
    assert "last changed" not in text
    assert "Scan by somebody else: refused by nobody that it names" in text
