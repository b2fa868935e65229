from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelscan.formats import safetensors
from tests.forge import safetensors as forge
from tools import fuzz, fuzz_seeds


def _input(name: str, data: bytes) -> bytes:
    return bytes((fuzz.NAMES.index(name),)) + data


def test_hostile_bytes_that_readers_refuse_are_no_fault() -> None:
    examine = fuzz.examiner()
    for name in fuzz.NAMES:
        examine(_input(name, b"\x80\x04\x95\xff\xff\xff\xff"))
    examine(b"")


def test_an_exception_that_no_reader_may_raise_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise KeyError("oops")

    monkeypatch.setattr(safetensors.SafetensorsReader, "read", broken)
    with pytest.raises(AssertionError, match="safetensors reader failed: KeyError"):
        fuzz.examiner(["safetensors"])(_input("x.safetensors", forge.small()))
    fuzz.examiner(["gguf"])(_input("x.safetensors", forge.small()))


def test_an_unknown_format_is_said() -> None:
    with pytest.raises(SystemExit, match="no reader for 'nonsense'"):
        fuzz.examiner(["nonsense"])


def test_names_are_chosen_by_one_byte() -> None:
    assert len(set(fuzz.NAMES)) == len(fuzz.NAMES) <= 256


def test_seeds_keep_their_extension_and_long_samples_are_left_out(tmp_path: Path) -> None:
    samples = [("a.gguf", b"GGUF"), ("a.gguf", b"GGUF"), ("b.odd", b"x"), ("c.pkl", bytes(1 << 20))]
    assert fuzz.write_seeds(samples, tmp_path / "seeds") == 2
    found = {path.read_bytes() for path in (tmp_path / "seeds").iterdir()}
    assert found == {_input("x.gguf", b"GGUF"), _input("x", b"x")}


def test_a_seed_gets_the_name_that_says_most(tmp_path: Path) -> None:
    names = {
        "MLmodel": "MLmodel", "model.safetensors.index.json": "x.safetensors.index.json",
        "sub.gguf": "x.gguf", "config.json": "config.json", "odd": "x",
    }  # fmt: skip
    fuzz.write_seeds(((name, name.encode()) for name in names), tmp_path / "seeds")
    found = {path.read_bytes() for path in (tmp_path / "seeds").iterdir()}
    assert found == {_input(known, name.encode()) for name, known in names.items()}


def test_what_tests_let_readers_read_is_kept_once(
    prepared: list[list[str]], tmp_path: Path
) -> None:
    folder = tmp_path / "work" / "samples"
    keeper = fuzz_seeds.Keeper(folder)
    keeper.keep("a", b"no test runs yet")
    keeper.next_test()
    for data in (b"", b"x", b"x", bytes(fuzz_seeds.LONGEST + 1), *(b"%d" % n for n in range(99))):
        keeper.keep("a.pkl", data)
    kept = list(fuzz.tested())
    assert len(kept) == fuzz_seeds.EACH - 1  # one of them twice
    assert ("a.pkl", b"x") in kept
    assert prepared == []
    folder.rename(tmp_path / "elsewhere")
    assert list(fuzz.tested()) == []
    assert "tools.fuzz_seeds" in prepared[0]


def test_the_plugin_sees_every_artifact(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "from modelscan.vocabulary.artifact import BytesArtifact\n"
        "def test_it(): BytesArtifact('d/a.zip', b'zip', member='x!d/b.pkl')\n",
        encoding="utf-8",
    )
    folder = tmp_path / "samples"
    kept = {**os.environ, fuzz_seeds.FOLDER: str(folder), "PYTHONPATH": str(fuzz.ROOT)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tools.fuzz_seeds", "-p",
               "no:cacheprovider", str(tmp_path)]  # fmt: skip
    subprocess.run(command, check=True, env=kept, cwd=tmp_path, capture_output=True)
    assert list(fuzz_seeds.samples(folder)) == [("b.pkl", b"zip")]


def test_an_input_can_be_replayed(tmp_path: Path) -> None:
    path = tmp_path / "crash"
    path.write_bytes(_input("x.safetensors", forge.small()))
    assert fuzz.main(["--replay", str(path)]) == 0


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A work folder, one seed, and no process that is started; its commands are kept."""
    commands: list[list[str]] = []
    monkeypatch.setattr(fuzz, "WORK", tmp_path / "work")
    monkeypatch.setattr("tests.forge.corpus.samples", lambda: iter([("a.gguf", b"GGUF")]))
    (tmp_path / "work" / "samples").mkdir(parents=True)

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        commands.append(command)
        if "--inside" in command:
            options["stdout"].write(b"INFO: x\nstat::number_of_executed_units: 7\n")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_without_atheris_nothing_is_fuzzed(
    prepared: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fuzz, "environment", lambda _: None)
    assert fuzz.main([]) == 0
    assert capsys.readouterr().out == "skipped: atheris cannot be installed here\n"
    assert prepared == []


@pytest.mark.parametrize("code", [0, 77])
def test_the_time_box_and_the_limits_are_handed_on(
    prepared: list[list[str]],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(fuzz, "environment", lambda _: Path("python"))
    monkeypatch.setenv("FUZZ_SECONDS", "9")
    inner = subprocess.run
    if code:
        monkeypatch.setattr(
            subprocess,
            "run",
            lambda command, **options: subprocess.CompletedProcess(
                inner(command, **options).args, code
            ),
        )
    assert fuzz.main(["gguf"]) == (1 if code else 0)
    (command,) = prepared
    assert {"-max_total_time=9", "-timeout=30", "-rss_limit_mb=1024"} <= set(command)
    assert command[2:5] == ["--inside", "gguf", "--"]
    shown = capsys.readouterr()
    assert "1 seeds, 9 seconds" in shown.out
    assert "number_of_executed_units: 7" in shown.out
    assert ("FAILED" in shown.err) is bool(code)


@pytest.mark.parametrize(("codes", "made"), [([0, 0], True), ([0, 1, 0], True), ([0, 1, 1], False)])
def test_the_environment_sees_the_libraries_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codes: list[int], made: bool
) -> None:
    folder = tmp_path / "env"
    site = folder / "lib" / "python3.11" / "site-packages"
    site.mkdir(parents=True)
    monkeypatch.setattr(fuzz, "_run", lambda _: codes.pop(0))
    python = fuzz.environment(folder)
    assert (python == folder / "bin" / "python") is made
    assert (site / "ours.pth").is_file() is made
