"""What a person gets who scans a whole repository."""

from __future__ import annotations

from pathlib import Path

from modelscan import api
from modelscan.vocabulary.result import ModelReport
from tests.forge import cards, models, safetensors

SHARD = "model-00001-of-00001.safetensors"


def _scan(path: Path) -> ModelReport:
    (model,) = api.scan(path).models
    return model


def _findings(model: ModelReport) -> set[tuple[str, str]]:
    return {(finding.rule, finding.severity) for finding in model.findings}


def test_an_ordinary_repository_is_quiet(tmp_path: Path) -> None:
    model = models.plain(tmp_path / "model")
    (model / "README.md").write_bytes(cards.card(cards.SENTENCES))
    (model / "model.safetensors").rename(model / SHARD)
    listed = {"embed.weight": SHARD, "head.bias": SHARD}
    (model / "model.safetensors.index.json").write_bytes(cards.index(listed, 36))
    report = _scan(model)
    assert _findings(report) == set()
    assert report.answers.allowed.status == "pass"
    assert report.facts.licence == ("apache-2.0",)
    assert {entry.format for entry in report.files} == {"safetensors", "json", "model card"}


def test_a_single_file_is_not_asked_for_its_papers(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors.small())
    assert _findings(_scan(path)) == set()


def test_a_clone_without_its_large_files_is_incomplete(tmp_path: Path) -> None:
    model = models.plain(tmp_path / "model")
    (model / "model.safetensors").write_bytes(cards.pointer())
    report = _scan(model)
    assert report.answers.load_hazards.status == "incomplete"
    assert report.answers.allowed.status == "incomplete"
    assert [gap.file for gap in report.coverage if gap.needed] == ["model.safetensors"]
    assert _findings(report) == {("large-file-not-fetched", "info")}


def test_a_card_alone_is_nothing_to_scan(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(cards.card(cards.SENTENCES))
    assert api.scan(tmp_path).decision.status == "nothing"


def test_a_hostile_index_fails(tmp_path: Path) -> None:
    model = models.plain(tmp_path / "model")
    listed = {"a": "../../outside.safetensors", "b": "part.bin"}
    (model / "model.safetensors.index.json").write_bytes(cards.index(listed))
    assert _findings(_scan(model)) == {
        ("index-escapes-folder", "high"),
        ("index-names-pickle-shard", "high"),
        ("index-names-missing-shard", "medium"),
        ("shard-outside-index", "medium"),
    }


def test_a_merge_says_what_it_is_made_of(tmp_path: Path) -> None:
    model = models.plain(tmp_path / "model")
    (model / "README.md").write_bytes(cards.card(cards.MERGED))
    lineage = _scan(model).answers.descends_from
    assert lineage.base == "acme/one-7b"
    assert lineage.reason.startswith("merge of acme/one-7b, acme/two-7b, by README.md")
