"""Bases that are models elsewhere: opened twice, closed in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelscan import api
from modelscan.errors import SourceError
from modelscan.fetcher.hub.files import Fetcher
from modelscan.fetcher.options import FetchOptions
from tests.forge import kinship
from tests.forge.kinship_prints import base, files
from tests.forge.weights import Tensors
from tests.hub.scanning import fake_hub, options

PLAIN = "{% for m in messages %}{{ m.content }}\n{% endfor %}"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was opened and closed, in order."""
    seen: list[str] = []
    start, end = Fetcher.__init__, Fetcher.close

    def begin(self: Fetcher, *arguments: object) -> None:
        seen.append("opened")
        start(self, *arguments)  # type: ignore[arg-type]  # whatever it takes

    def finish(self: Fetcher) -> None:
        seen.append("closed")
        end(self)

    monkeypatch.setattr(Fetcher, "__init__", begin)
    monkeypatch.setattr(Fetcher, "close", finish)
    return seen


def _model(tensors: Tensors, template: str = PLAIN) -> dict[str, bytes]:
    made = {"chat_template.jinja": template.encode()}
    for file in files(tensors, "BF16"):
        with file.open() as held:
            made[file.name] = held.read_at(0, held.size)
    return made


def test_a_base_on_a_hub_is_there_until_the_comparison_is_over(
    tmp_path: Path, opened: list[str]
) -> None:
    tuned = kinship.finetuned(base())
    (tmp_path / "tuned").mkdir()
    for name, data in _model(tuned, PLAIN + "{{ extra }}\n").items():
        (tmp_path / "tuned" / name).write_bytes(data)
    with fake_hub() as hub:
        hub.add("acme/base", _model(base()))
        (model,) = api.compare(
            tmp_path / "tuned", "hf:acme/base", deep=True, fetch=options(hub, tmp_path / "cache")
        ).models
        assert model.answers.descends_from.status == "finetune"
        assert model.facts.lineage["deep"]["decomposed"] > 0
        assert opened == ["opened", "closed"]
        scanned = api.scan(tmp_path / "tuned", bases=["hf:acme/base"], fetch=options(hub)).models[0]
    assert any(found.evidence.get("new") or "template" in found.rule for found in scanned.findings)
    assert opened == ["opened", "closed"] * 2


def test_a_model_on_a_hub_keeps_its_templates_until_they_are_compared(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    for name, data in _model(base()).items():
        (tmp_path / "base" / name).write_bytes(data)
    with fake_hub() as hub:
        hub.add("acme/copy", _model(base(), PLAIN + "{{ extra }}\n"))
        report = api.scan("hf:acme/copy", bases=[tmp_path / "base"], fetch=options(hub))
    assert "{{ extra }}" in str(report.models[0].findings)


def test_a_base_that_is_not_there_closes_those_before_it(tmp_path: Path, opened: list[str]) -> None:
    with fake_hub() as hub:
        hub.add("acme/base", _model(base()))
        hub.add("acme/empty", {"config.json": b"{}"})
        fetch = FetchOptions(endpoint=hub.url)
        with pytest.raises(SourceError, match="acme/empty"):
            api.scan(tmp_path, bases=["hf:acme/base", "hf:acme/empty"], fetch=fetch)
    assert opened.count("opened") == opened.count("closed") == 2


def test_a_fingerprint_is_one_under_any_name(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    for name, data in _model(base()).items():
        (tmp_path / "model" / name).write_bytes(data)
    (tmp_path / "official.print").write_bytes(api.fingerprint(tmp_path / "model"))
    (model,) = api.compare(tmp_path / "model", str(tmp_path / "official.print")).models
    assert model.answers.descends_from.status == "identical"
