from __future__ import annotations

import pytest

from modelscan.report.score.measures import Status
from modelscan.report.score.scores import Scores, StandardScore, score, table
from modelscan.report.score.standards import STANDARDS
from modelscan.report.text import cells
from modelscan.report.writer import Output
from modelscan.vocabulary.result import ModelFacts, Report
from tests.forge import reports

VALID = reports.every_report()


def scored(report: Report) -> dict[str, StandardScore]:
    (model,) = score(report, STANDARDS).models
    return {one.standard: one for one in model.standards}


def statuses(report: Report, standard: str) -> dict[str, Status]:
    return {one.title: one.status for one in scored(report)[standard].elements}


def test_the_lists_have_as_many_elements_as_they_were_published_with() -> None:
    assert {one.key: len(one.elements) for one in STANDARDS} == {"g7": 50, "owasp": 24}
    for standard in STANDARDS:
        titles = [element.title for element in standard.elements]
        assert len(titles) == len(set(titles))
    clusters = dict.fromkeys(element.cluster for element in STANDARDS[0].elements)
    assert len(clusters) == 7


@pytest.mark.parametrize("name", VALID)
def test_counts_add_up_and_nothing_is_verified_that_is_absent(name: str) -> None:
    for model in score(VALID[name], STANDARDS).models:
        for standard in model.standards:
            assert standard.total == len(standard.elements)
            assert standard.present == sum(one.present for one in standard.elements)
            assert standard.verified == sum(one.verified for one in standard.elements)
            for one in standard.elements:
                assert one.present == (one.status != "absent") == bool(one.value)
                assert one.verified == (one.status == "verified")


def test_what_a_card_says_is_present_and_not_verified() -> None:
    found = statuses(reports.bad_report(), "g7")
    declared = {title for title, status in found.items() if status == "declared"}
    assert {"Model license", "Dataset name", "Model properties", "Model name"} <= declared
    assert found["Model input/output properties"] == "inferred"
    assert found["Model hash value"] == "verified"
    assert found["Model producer"] == "absent"
    assert statuses(reports.bad_report(), "owasp")["Model lineage"] == "declared"


def test_digests_signatures_and_measurements_verify() -> None:
    found = statuses(VALID["proven"], "g7")
    assert {found[title] for title in ("Model name", "Model version", "Model producer")} == {
        "verified"
    }
    assert found["Model timestamp"] == "declared"
    owasp = statuses(VALID["proven"], "owasp")
    assert owasp["Model lineage"] == "verified"
    assert owasp["Known limitations"] == "declared"
    assert owasp["Model download location"] == "declared"


def test_a_name_proves_nothing() -> None:
    hub = statuses(reports.report(reports.hub_model(revision=reports.COMMIT)), "g7")
    assert {hub[title] for title in ("Model name", "Model version", "Model producer")} == {
        "declared"
    }


def test_what_was_not_looked_at_is_not_counted() -> None:
    one = reports.unreadable_model()
    found = statuses(reports.report(one, exit_code=3), "g7")
    assert found["Vulnerability referencing"] == "absent"
    assert found["Model hash value"] == "absent"
    assert found["Model identifier"] == "absent"
    assert statuses(VALID["unrelated"], "owasp")["Model lineage"] == "absent"


def test_claims_of_another_shape_are_passed_over() -> None:
    facts = ModelFacts(
        claims=({"claim": "task", "value": 3}, {"claim": ["x"]}, {}), provenance={"released": 5}
    )
    found = statuses(reports.report(reports.model(facts=facts)), "g7")
    assert found["Model timestamp"] == found["Model input/output properties"] == "absent"


def lines(scores: Scores, **output: object) -> list[str]:
    return table(scores, Output(**output)).decode().splitlines()  # type: ignore[arg-type]  # fields of Output


def test_the_table_shows_both_side_by_side() -> None:
    found = lines(score(reports.bad_report(), STANDARDS[:1]))
    assert found[0].split() == ["minilm-copy", "19", "of", "50", "present,", "11", "verified"]
    (licence,) = [line.split(maxsplit=4) for line in found if "Model license" in line]
    assert licence[2:] == ["✓", "–", "apache-2.0, my own terms"]  # noqa: RUF001  # a dash is meant
    assert found[-1].endswith("certificate.")


def test_no_models_no_table() -> None:
    assert lines(score(VALID["empty"], STANDARDS)) == ["No models."]


@pytest.mark.parametrize("text", reports.HOSTILE)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_hostile_text_is_inert_and_fits(text: str, encoding: str) -> None:
    scores = score(reports.report(reports.hostile_model(text), exit_code=1), STANDARDS)
    page = table(scores, Output(encoding=encoding)).decode(encoding)
    assert all(one.isprintable() for one in page.splitlines())
    assert max(map(cells, page.splitlines())) <= 80
