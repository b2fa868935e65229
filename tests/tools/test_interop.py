from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import interop


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "interop"
    monkeypatch.setattr(interop, "WORK", folder)
    monkeypatch.setattr(interop, "reachable", lambda: True)
    return folder


def good_one(work: Path) -> str:
    assert work.is_dir()
    return "3 things"


def bad_one(work: Path) -> str:
    raise interop.CheckError(f"{work.name} broke")


def test_every_check_runs_and_one_failure_decides(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], work: Path
) -> None:
    monkeypatch.setattr(interop, "CHECKS", (bad_one, good_one))
    assert interop.main([]) == 1
    failed, ok = capsys.readouterr().out.splitlines()
    assert failed == "FAILED   bad-one: bad-one broke"
    assert ok.startswith("ok       good-one: 3 things, ")
    assert not work.exists()
    assert interop.main(["good-one"]) == 0


def test_without_the_index_everything_is_skipped_and_nothing_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(interop, "reachable", lambda: False)
    assert interop.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(interop.CHECKS)
    assert all(line.startswith("skipped  ") for line in lines)


def test_an_unknown_check_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert interop.main(["no-such-check"]) == 2
    assert "fresh-install" in capsys.readouterr().err


def test_a_program_that_fails_or_hangs_is_a_failed_check() -> None:
    assert interop.run([sys.executable, "-c", "print(1)"]) == "1\n"
    assert interop.run([sys.executable, "-c", "raise SystemExit(4)"], code=4) == ""
    with pytest.raises(interop.CheckError, match="exit code 1\nno"):
        interop.run([sys.executable, "-c", "raise SystemExit('no')"])
    with pytest.raises(interop.CheckError, match="not done after 1 s"):
        interop.run([sys.executable, "-c", "import time; time.sleep(60)"], seconds=1)


def test_a_copy_can_have_another_version_and_leaves_litter_behind(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    for name in (".venv", "dist", "modelscan/_data", "modelscan/__pycache__"):
        (sources / name).mkdir(parents=True)
    (sources / "modelscan" / "_about.py").write_text('NAME = "x"\nVERSION = "1.2"\n')
    copy = interop.copy_checkout(tmp_path / "copy", "99.0.0", sources)
    assert (copy / "modelscan" / "_about.py").read_text() == 'NAME = "x"\nVERSION = "99.0.0"\n'
    assert [path.name for path in copy.rglob("*")] == ["modelscan", "_about.py"]
