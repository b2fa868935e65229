"""What terminals and pull requests show of differences with waivers, gaps and very many changes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from modelscan import api
from modelscan.dependencies import differing, pages
from modelscan.dependencies.changes import changes
from modelscan.dependencies.differing import Pair, Side
from modelscan.engine.catalogue import load
from modelscan.policy.profile import DEFAULT
from modelscan.report.writer import Output
from modelscan.vocabulary.change import Compared
from modelscan.vocabulary.coverage import Coverage
from tests.forge import locks
from tests.forge.locks import file, model, other

BASE = model()
WAIVER = """
[[waiver]]
rule = "{rule}"
subject = "pkg:huggingface/acme/*"
justification = "vulnerable_code_not_in_execute_path"
reason = "nobody imports it"
owner = "ml-platform"
expires = 2026-06-01
"""


def shown(compared: Compared, form: str, **output: str) -> str:
    writers = {writer.name: writer for writer in pages.of_diff(compared.diff)}
    made = Output(**output)  # type: ignore[arg-type]
    return writers[form].write(compared.report, made).decode()


@pytest.fixture
def waived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compared:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")  # the first day of 2026
    locks.write(tmp_path / "old", BASE)
    locks.write(tmp_path / "new", other(BASE, files=(*BASE.files, file("x.py"))))
    config = tmp_path / "policy.toml"
    config.write_text(WAIVER.format(rule="model-code-added"))
    return api.diff("old", "new", policy=api.load_policy((), config=config))


def test_waivers_hold_for_changes(waived: Compared) -> None:
    assert waived.diff.decision.exit_code == 0
    assert "Waived: vulnerable_code_not_in_execute_path: nobody imports it" in " ".join(
        shown(waived, "terminal").split()
    )
    assert "<br>Waived:" in shown(waived, "markdown")


def test_gaps_are_shown_and_counted() -> None:
    gaps = [
        Coverage(file=f"hf:acme/{number}", status="unreadable", needed=True, reason="no answer")
        for number in range(12)
    ]
    side = Side("models.lock", "models.lock")
    compared = differing.compare(side, side, [Pair(BASE, BASE)], DEFAULT, load(), gaps)
    assert compared.diff.decision.exit_code == 3
    text = shown(compared, "terminal")
    assert text.count("not looked at") == 10
    assert "and 2 more (-v shows them)" in text
    assert "Not looked at: 12 parts." in shown(compared, "markdown")


def test_one_model_with_very_many_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_GAPS", 3)
    wild = other(
        BASE, licence=("x",), author="b", repository="hf:c/d", signer="e", verdict="unsafe"
    )
    wild = other(wild, base=("f",), adapter_of="g", object_id="h", created="i", revision="a" * 40)
    wild = other(wild, files=(*BASE.files[:1], file("a.py"), file("b.pkl")), allow_remote_code=True)
    facts = tuple(
        msgspec.structs.replace(fact, phrase=f"{fact.phrase} ({number})")
        for number in range(2)
        for fact in changes(BASE, wild)
    )
    side = Side("models.lock", "models.lock")
    compared = differing.compare(side, side, [Pair(BASE, wild, facts)], DEFAULT, load())
    text = shown(compared, "markdown")
    assert "; and " in text
    assert "points to look at" in text
    assert "- and " in text
    assert shown(compared, "terminal", detail="verbose").count("model-changed") == 1
