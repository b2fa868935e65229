from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelscan import api
from tests.cli.conftest import Command
from tests.forge import models


def test_a_good_model_passes_and_gets_five_answers(modelassay: Command, tmp_path: Path) -> None:
    ran = modelassay("scan", models.plain(tmp_path / "model"))
    assert ran.code == 0
    assert ran.err == ""
    for question in ("Load hazards", "Official bytes", "Signed", "Descends from", "Allowed here"):
        assert question in ran.out
    assert "Not looked at: nothing" in ran.out
    assert "\x1b" not in ran.out


def test_a_planted_pickle_fails_and_is_named_once(modelassay: Command, tmp_path: Path) -> None:
    model = models.plain(tmp_path / "model")
    (model / "pytorch_model.bin").write_bytes(models.ECHO)
    ran = modelassay("scan", model)
    assert ran.code == 1
    assert ran.out.count("pickle-dangerous-call") == 1
    assert "posix.system" in ran.out


def test_exit_codes(modelassay: Command, tmp_path: Path) -> None:
    good = models.plain(tmp_path / "good")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"short")
    words = tmp_path / "words.txt"
    words.write_text("words")
    (tmp_path / "empty").mkdir()
    bad = tmp_path / "bad.pkl"
    bad.write_bytes(models.ECHO)
    codes = {
        (good,): 0,
        (bad,): 1,
        (broken,): 3,
        (words,): 4,
        (tmp_path / "empty",): 4,
        (tmp_path / "missing",): 3,
        (good, broken): 3,
        (good, words): 4,
        (good, broken, bad, words): 1,
        ("--fail-on", "no-such-severity", good): 2,
        ("--no-such-option", good): 2,
        (): 2,
        ("-f", "jsn", good): 2,
        ("-f", "json", "-f", "cyclonedx", good): 2,
        ("-q", "-v", good): 2,
    }
    assert {args: modelassay("scan", *args).code for args in codes} == codes


def test_fail_on_moves_the_threshold(modelassay: Command, tmp_path: Path) -> None:
    bad = tmp_path / "bad.pkl"
    bad.write_bytes(models.ECHO)
    assert modelassay("scan", bad, "--fail-on", "critical").code == 1
    assert modelassay("scan", models.plain(tmp_path / "good"), "--fail-on", "info").code == 0


def test_every_target_has_its_entry_in_order(modelassay: Command, tmp_path: Path) -> None:
    good = models.plain(tmp_path / "good")
    ran = modelassay("scan", tmp_path / "missing", good, "-f", "json")
    report = json.loads(ran.out)
    assert [(model["ref"], model["error"]) for model in report["models"]] == [
        ("missing", "not found (check the path)"),
        ("good", None),
    ]
    assert report["decision"] == {"exit_code": 3, "status": "incomplete"}


def test_reports_go_to_files_whole_and_beside_the_printed_one(
    modelassay: Command, tmp_path: Path
) -> None:
    good = models.plain(tmp_path / "good")
    formats = (f"json={tmp_path}/r.json", f"cyclonedx={tmp_path}/b.json", "terminal")
    ran = modelassay("scan", good, *(word for form in formats for word in ("-f", form)))
    assert "Load hazards" in ran.out
    assert json.loads((tmp_path / "r.json").read_text())["schema"] == "modelassay-report/1"
    assert json.loads((tmp_path / "b.json").read_text())["bomFormat"] == "CycloneDX"
    assert modelassay("scan", good, "-f", f"json={tmp_path}/no/such/folder/r.json").code == 2


def test_no_absolute_path_leaks_unless_asked(modelassay: Command, tmp_path: Path) -> None:
    model = models.plain(tmp_path / "model")
    (model / "closed.safetensors").symlink_to(tmp_path / "elsewhere")
    assert str(model) not in modelassay("scan", model, "-f", "json").out
    assert str(model) in modelassay("scan", model, "-f", "json", "--absolute-paths").out


def test_suggestions_for_slips_of_the_keyboard(modelassay: Command, tmp_path: Path) -> None:
    assert "did you mean 'json'?" in modelassay("scan", tmp_path, "-f", "jsn").err
    assert "scan" in modelassay("scann", tmp_path).err


def test_files_can_be_left_out_and_that_is_said(modelassay: Command, tmp_path: Path) -> None:
    model = models.plain(tmp_path / "model")
    (model / "old.pkl").write_bytes(models.ECHO)
    assert modelassay("scan", model, "--exclude", "*.pkl").code == 0
    report = json.loads(modelassay("scan", model, "--include", "*.json", "-f", "json").out)
    (scanned,) = report["models"]
    assert [entry["path"] for entry in scanned["files"]] == ["config.json"]
    assert scanned["digest"] is None
    reasons = {entry["file"]: entry["reason"] for entry in scanned["coverage"]}
    assert reasons["old.pkl"] == "left out on the command line"


def test_hostile_names_stay_inert(modelassay: Command, tmp_path: Path) -> None:
    model = models.plain(tmp_path / "model")
    for name in ("[bold]x[red]", "a\x1b[31mb.pkl", "line\nbreak.json", "\u202egnp.pkl"):
        (model / name).write_bytes(models.ECHO)
    (model / os.fsdecode(b"bad\xff.pkl")).write_bytes(models.ECHO)
    ran = modelassay("scan", model)
    assert ran.code == 1
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
    assert "[bold]x[red]" in ran.out
    for form in ("json", "cyclonedx"):
        out = modelassay("scan", model, "-f", form).out
        json.loads(out)
        assert "\x1b" not in out


def test_the_model_configures_nothing(modelassay: Command, tmp_path: Path) -> None:
    model = models.plain(tmp_path / "model")
    (model / "bad.pkl").write_bytes(models.ECHO)
    (model / "modelassay.toml").write_text('fail-on = {severity = "none"}\n')
    (model / "rules").mkdir()
    (model / "rules" / "pickle-dangerous-call.yaml").write_text("severity: info\n")
    assert modelassay("scan", model).code == 1


def _python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


HEAVY = ("huggingface_hub", "sigstore", "cryptography", "numpy", "httpx", "requests", "jinja2")


def test_an_offline_scan_imports_nothing_heavy(tmp_path: Path) -> None:
    models.plain(tmp_path / "model")
    code = (
        "import sys; from modelscan._cli.main import run; run(['scan', 'model', '-f', 'json']); "
        f"sys.exit(repr([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    assert _python("-c", code, cwd=tmp_path).stderr.strip() == "[]"


def test_version_is_answered_before_anything_is_imported(tmp_path: Path) -> None:
    ran = _python("-m", "modelscan", "--version", cwd=tmp_path)
    assert ran.stdout.startswith("modelassay ")
    code = (
        "import sys; sys.argv = ['modelassay', '--version']; "
        "from modelscan.__main__ import main; main(); sys.exit(str('click' in sys.modules))"
    )
    assert _python("-c", code, cwd=tmp_path).stderr.strip() == "False"


def test_a_reader_that_hangs_up_is_no_traceback(tmp_path: Path) -> None:
    models.plain(tmp_path / "model")
    code = (
        "import os, sys; read, write = os.pipe(); os.close(read); os.dup2(write, 1); "
        "from modelscan._cli.main import run; sys.exit(run(['scan', 'model']))"
    )
    ran = _python("-c", code, cwd=tmp_path)
    assert "Traceback" not in ran.stderr


def test_a_fault_of_ours_is_neither_a_verdict_nor_a_traceback(
    modelassay: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(api, "scan", fail)
    ran = modelassay("scan", tmp_path)
    assert ran.code == 3
    assert ran.out == ""
    assert "internal error, nothing was concluded" in ran.err
    monkeypatch.setenv("MODELASSAY_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        modelassay("scan", tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_makes_it_incomplete(
    modelassay: Command, tmp_path: Path
) -> None:
    model = models.plain(tmp_path / "model")
    (model / "model.safetensors").chmod(0)
    assert modelassay("scan", model).code == 3
