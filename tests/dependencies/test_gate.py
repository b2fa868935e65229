"""`lock check`: code and local models held against the lock."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from modelscan import api
from modelscan.dependencies.gate import Checked
from modelscan.errors import SourceError, UsageError
from modelscan.fetcher.options import FetchOptions
from modelscan.vocabulary.finding import Finding
from tests.forge import codebases, locks, models

OFFLINE = FetchOptions(offline=True)
PINNED = f'from_pretrained("acme/chat-7b", revision="{locks.COMMIT}")'


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An application whose lock is in order."""
    folder = locks.application(tmp_path / "app")
    cache = locks.hub_cache(tmp_path / "cache")
    monkeypatch.chdir(folder)
    (written,) = api.lock_write(folder, fetch=OFFLINE, cache=cache)
    assert not written.troubles
    return folder


def code(folder: Path, text: str) -> None:
    codebases.write(folder, "app/main.py", f"from transformers import AutoModel\n{text}\n")


def found(checked: Checked) -> dict[str, list[Finding]]:
    grouped: dict[str, list[Finding]] = {}
    for finding in checked.report.models[0].findings:
        grouped.setdefault(finding.rule, []).append(finding)
    return grouped


def test_an_unchanged_tree_passes_without_a_socket(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    checked = api.lock_check(app)
    assert checked.report.decision.exit_code == 0
    assert not checked.report.models[0].findings
    assert checked.summary == "2 references held against 2 locked models (1 lock), no findings."


@pytest.mark.parametrize(
    ("text", "rules", "exit_code"),
    [
        ('AutoModel.from_pretrained("acme/new-1b")',
         {"model-not-locked", "model-revision-floating"}, 1),
        ('AutoModel.from_pretrained("acme/chat-7b")',
         {"model-revision-not-locked", "model-revision-floating"}, 1),
        (f'AutoModel.from_pretrained("acme/chat-7b", revision="{locks.NEWER}")',
         {"model-revision-not-locked"}, 1),
        ('import os\nAutoModel.from_pretrained(os.getenv("M", "acme/new-1b"))',
         {"model-perhaps-not-locked", "model-revision-floating"}, 0),
        ("AutoModel.from_pretrained(input())", {"model-reference-unresolved"}, 0),
        ('import timm\ntimm.create_model("resnet50", pretrained=True)', {"model-not-lockable"}, 0),
        ('import openai\nopenai.OpenAI().chat.completions.create(model="gpt-4o-mini", messages=[])',
         set(), 0),
        (f"AutoModel.{PINNED}", set(), 0),
        ("import os\nr = os.environ['R']\nAutoModel.from_pretrained('acme/chat-7b', revision=r)",
         {"model-revision-floating"}, 0),
        (f"AutoModel.{PINNED[:-1]}, trust_remote_code=True)", {"remote-code-switch-needless"}, 0),
        ("AutoModel.from_pretrained('acme/new-1b', trust_remote_code=True)",
         {"model-not-locked", "model-revision-floating", "remote-code-not-reviewed",
          "remote-code-from-floating-revision"}, 1),
    ],
)  # fmt: skip
def test_references_against_the_lock(app: Path, text: str, rules: set[str], exit_code: int) -> None:
    code(app, text + f"\nAutoModel.{PINNED}" if "acme/chat-7b" not in text else text)
    checked = api.lock_check(app)
    names = set(found(checked)) - {"lock-entry-unused"}
    assert names == rules
    assert checked.report.decision.exit_code == exit_code


def test_findings_are_at_the_line(app: Path) -> None:
    code(app, '\n\nAutoModel.from_pretrained("acme/new-1b")')
    (finding,) = found(api.lock_check(app))["model-not-locked"]
    assert str(finding.location) == "app/main.py:4"


def test_an_entry_that_nobody_uses(app: Path) -> None:
    code(app, "")
    names = found(api.lock_check(app))
    assert set(names) == {"lock-entry-unused"}
    assert (
        names["lock-entry-unused"][0].message == "hf:acme/chat-7b is locked, and no code names it"
    )
    (app / "other").mkdir()
    assert not found(api.lock_check(app / "app"))  # only a part was looked at


@pytest.mark.parametrize(
    ("change", "rule", "exit_code"),
    [
        (lambda mini: (mini / "config.json").write_text("{}"), "locked-file-differs", 1),
        (lambda mini: (mini / "model.safetensors").unlink(), "locked-file-missing", 1),
        (lambda mini: (mini / "x.py").write_text("1"), "unlocked-code-in-model", 1),
        (lambda mini: (mini / "pytorch_model.bin").write_bytes(models.ECHO), "unlocked-code-in-model", 1),
        (lambda mini: (mini / "notes.txt").write_text("1"), "unlocked-file-in-model", 0),
        (lambda mini: mini.rename(mini.parent.parent.parent / "gone"), "locked-model-missing", 0),
    ],
)  # fmt: skip
def test_local_models_against_the_lock(app: Path, change: Any, rule: str, exit_code: int) -> None:
    change(app / "models/mini")
    checked = api.lock_check(app)
    assert set(found(checked)) == {rule}
    assert checked.report.decision.exit_code == exit_code


def test_a_link_instead_of_a_locked_model_is_not_followed(app: Path, tmp_path: Path) -> None:
    outside = models.plain(tmp_path / "outside")
    (app / "models/mini").rename(tmp_path / "moved")
    (app / "models/mini").symlink_to(outside)
    report = api.lock_check(app).report
    assert report.decision.exit_code == 3
    assert any("leads outside" in gap.reason for gap in report.models[0].coverage if gap.needed)


def test_a_file_that_cannot_be_read_is_no_pass(app: Path) -> None:
    weights = app / "models/mini/model.safetensors"
    weights.unlink()
    os.mkfifo(weights)
    report = api.lock_check(app).report
    gaps = [gap.file for gap in report.models[0].coverage if gap.needed]
    assert "models/mini/model.safetensors" in gaps
    assert report.decision.exit_code == 3


def test_a_pointer_stands_for_the_file_that_it_names(app: Path) -> None:
    weights = app / "models/mini/model.safetensors"
    model = next(m for m in api_lock(app) if m.local)
    (entry,) = [file for file in model.files if file.path == weights.name]
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"
    weights.write_text(pointer.format(entry.sha256, entry.size))
    assert not found(api.lock_check(app))
    weights.write_text(pointer.format("0" * 64, entry.size))
    assert set(found(api.lock_check(app))) == {"locked-file-differs"}


def api_lock(folder: Path) -> Any:
    from modelscan.dependencies import lockfile

    return lockfile.read(folder / "models.lock").model


def test_a_model_that_nobody_locked(app: Path) -> None:
    models.plain(app / "other/model")
    (finding,) = found(api.lock_check(app))["local-model-not-locked"]
    assert finding.location.file == "other/model"


def test_without_a_lock_every_reference_is_listed(tmp_path: Path) -> None:
    folder = codebases.application(tmp_path / "app")
    (folder / ".git").mkdir()
    checked = api.lock_check(folder)
    assert checked.report.decision.exit_code == 1
    assert "no models.lock" in checked.summary
    references = api.inventory(folder).references
    named = {(each.ref, each.where.line) for each in references if each.certainty == "declared"}
    listed = {
        (each.evidence["ref"], each.location.line)
        for each in checked.report.models[0].findings
        if each.rule in {"model-not-locked", "model-not-lockable"}
    }
    hosted = {(each.ref, each.where.line) for each in references if each.options.get("hosted")}
    assert named - hosted <= listed


def test_nothing_to_check(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert api.lock_check(tmp_path).report.decision.exit_code == 4
    locks.write(tmp_path)
    assert api.lock_check(tmp_path).report.decision.exit_code == 0


def test_a_broken_lock_is_an_error(app: Path) -> None:
    (app / "models.lock").write_text("<<<<<<< HEAD\n")
    with pytest.raises(UsageError, match="merge conflict"):
        api.lock_check(app)
    with pytest.raises(SourceError):
        api.lock_check(app / "nowhere")


def test_binary_junk_and_loops_end(app: Path) -> None:
    (app / "junk.py").write_bytes(os.urandom(4096))
    (app / "loop").symlink_to(app)
    (app / "app" / "loop").symlink_to("..")
    report = api.lock_check(app).report
    assert report.decision.exit_code in {0, 3}
    assert not report.models[0].findings


def test_a_policy_of_ones_own_decides(app: Path, tmp_path: Path) -> None:
    text = '[fail-on]\nseverity = "low"\n'
    config = tmp_path / "strict.toml"
    config.write_text(text)
    code(app, f"AutoModel.{PINNED}\nAutoModel.from_pretrained(input())")
    assert api.lock_check(app).report.decision.exit_code == 0
    strict = api.load_policy((), config=config)
    assert api.lock_check(app, policy=strict).report.decision.exit_code == 1


def test_requirements_on_models_are_not_asked_of_code(app: Path) -> None:
    production = api.load_policy((), policy="production")
    assert api.lock_check(app, policy=production).report.decision.exit_code == 0


def test_places_are_named_from_the_working_directory(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.plain(app / "other/model")
    (app / "broken.ipynb").write_text("from_pretrained")
    for here, prefix in ((app, ""), (tmp_path, "app/"), (app / "models", "app/")):
        monkeypatch.chdir(here)
        (report,) = api.lock_check(app).report.models
        assert [finding.location.file for finding in report.findings] == [f"{prefix}other/model"]
        assert [gap.file for gap in report.coverage if gap.needed] == [f"{prefix}broken.ipynb"]


def test_one_lock_for_everything(app: Path, tmp_path: Path) -> None:
    lock = (app / "models.lock").rename(tmp_path / "central.lock")
    assert api.lock_check(app).report.decision.exit_code == 1
    assert api.lock_check(app, lock=lock).report.decision.exit_code == 0


def test_a_single_locked_file(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    codebases.write(folder, "main.py", "import joblib\njoblib.load('clf.pkl')\n")
    (folder / "clf.pkl").write_bytes(b"\x80\x04K\x01.")
    api.lock_write(folder, fetch=OFFLINE)
    assert set(found(api.lock_check(folder))) == {"object-loader-in-code"}
    (folder / "clf.pkl").write_bytes(b"\x80\x04K\x02.")
    (finding,) = found(api.lock_check(folder))["locked-file-differs"]
    assert finding.location.file == "app/clf.pkl"
    (folder / "clf.pkl").unlink()
    os.mkfifo(folder / "clf.pkl")
    assert api.lock_check(folder).report.decision.exit_code == 3


def test_a_lock_that_is_named_stands_for_its_code(app: Path) -> None:
    assert api.lock_check(app / "models.lock").summary.startswith("2 references held")
    code(app, 'AutoModel.from_pretrained("acme/new-1b")')
    assert api.lock_check(app / "models.lock").report.decision.exit_code == 1


def test_a_link_in_the_place_of_the_lock_is_no_lock(app: Path) -> None:
    (app / "models.lock").unlink()
    (app / "models.lock").symlink_to(app / "nowhere")
    assert "no models.lock" in api.lock_check(app).summary


@pytest.mark.parametrize(
    ("name", "rule"),
    [("meta-IIama/Llama-3.1-8B", "publisher-look-alike"), ("mistral-ai/x", "publisher-name-similar"),
     ("meta-llama/Llama-3.1-8B", None), ("acme/chat-7b", None), ("./models/mistral-ai/x", None)],
)  # fmt: skip
def test_names_in_code_that_deceive(app: Path, name: str, rule: str | None) -> None:
    code(app, f'from_pretrained("{name}")')
    deceptive = {"publisher-look-alike", "publisher-name-similar"} & set(found(api.lock_check(app)))
    assert deceptive == ({rule} if rule else set())


def test_a_name_that_is_locked_was_looked_at_then(app: Path) -> None:
    name = "mistral-ai/chat-7b"
    code(app, f'from_pretrained("{name}", revision="{locks.COMMIT}")')
    text = (app / "models.lock").read_text().replace("hf:acme/chat-7b", f"hf:{name}")
    (app / "models.lock").write_text(text)
    assert "publisher-name-similar" not in found(api.lock_check(app))
