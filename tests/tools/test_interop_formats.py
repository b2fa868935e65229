from __future__ import annotations

from pathlib import Path

import pytest

from tests.forge import pickles, safetensors
from tools import interop_formats as interop
from tools.interop_recipes import Recipe

RECIPE = Recipe(("some",), "open('m', 'w')")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work folder, and one library."""
    monkeypatch.setattr(interop, "WORK", tmp_path)
    monkeypatch.setattr(interop, "RECIPES", {"some": RECIPE, "big": RECIPE._replace(large=True)})
    return tmp_path


def _runs(monkeypatch: pytest.MonkeyPatch, *codes: int, writes: bytes = b"") -> list[list[str]]:
    """Stand in for the processes: what they return in turn; the last one writes a model."""
    commands: list[list[str]] = []

    def run(command: list[str], folder: Path) -> tuple[int, str]:
        commands.append(command)
        if "venv" in command:
            Path(command[-1]).mkdir()
        if "-c" in command:
            (folder / "model.safetensors").write_bytes(writes)
        return codes[len(commands) - 1], "what it said"

    monkeypatch.setattr(interop, "_run", run)
    return commands


def test_models_are_written_once(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = _runs(monkeypatch, 0, 0, 0, writes=safetensors.small())
    assert interop.main([]) == 0
    assert interop.main(["some"]) == 0
    assert len(commands) == 3
    assert not (work / "some" / "env").exists()
    assert capsys.readouterr().out.count("ok       some") == 2


def test_a_new_recipe_writes_them_anew(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = _runs(monkeypatch, 0, 0, 0, 0, 0, 0, writes=safetensors.small())
    interop.written("some", RECIPE)
    interop.written("some", RECIPE._replace(code="pass"))
    assert len(commands) == 6
    assert work.is_dir()


def test_what_cannot_be_installed_is_skipped(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _runs(monkeypatch, 0, 1)
    assert interop.main([]) == 0
    assert "skipped  some" in capsys.readouterr().out
    assert not (work / "some").exists()


@pytest.mark.parametrize(("codes", "said"), [((1,), "no environment"), ((0, 0, 1), "what it said")])
def test_a_recipe_that_breaks_is_a_failure(
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    codes: tuple[int, ...],
    said: str,
) -> None:
    _runs(monkeypatch, *codes)
    assert interop.main(["big"]) == 1
    assert said in capsys.readouterr().out
    assert work.is_dir()


def test_a_model_that_does_not_pass_is_a_failure(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _runs(monkeypatch, 0, 0, 0, writes=safetensors.small() + b"behind")
    assert interop.main([]) == 1
    assert "safetensors-hidden-data" in capsys.readouterr().out
    assert work.is_dir()


def test_gaps_and_pickles_are_told(tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes(safetensors.small()[:20])
    assert any("cut.safetensors: the header" in one for one in interop.complaints(tmp_path))
    (tmp_path / "cut.safetensors").unlink()
    (tmp_path / "m.pkl").write_bytes(next(iter(pickles.malicious().values())))
    assert any("m.pkl: pickle-" in one for one in interop.complaints(tmp_path))


def test_an_unknown_library_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert interop.main(["nonsense"]) == 2
    assert "no library 'nonsense'" in capsys.readouterr().err
