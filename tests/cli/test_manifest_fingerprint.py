from __future__ import annotations

from pathlib import Path

import pytest

from modelscan._cli.main import run
from modelscan.lineage.fingerprint_reading import decode
from tests.forge import weights as forge
from tests.forge import weights_files as files
from tests.forge.weights import TINY


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return files.write_model(tmp_path / "model", forge.llama(1), "BF16", config=TINY.hub())


def test_a_fingerprint_is_written(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "m.fp.safetensors"
    assert run(["manifest", "fingerprint", str(model), "-o", str(out), "--source", "hf:a/b"]) == 0
    made = decode(out.read_bytes())
    assert (made.source, made.k, made.layers, len(made.tensors)) == ("hf:a/b", 32, 4, 39)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert made.root in shown.err
    assert "hf:a/b: 39 tensors, 4 layers" in shown.err


def test_size_seed_and_weights_can_be_chosen(model: Path, tmp_path: Path) -> None:
    secret, out = tmp_path / "secret", tmp_path / "out"
    secret.write_bytes(b"only its owner knows this")
    (model / "q.gguf").write_bytes(files.gguf_bytes(forge.as_gguf(forge.llama(1)), "Q8_0"))
    given = ["--sketch", "8", "--private-seed", str(secret), "--weights", "q"]
    assert run(["manifest", "fingerprint", str(model), "-o", str(out), *given]) == 0
    made = decode(out.read_bytes())
    assert made.k == 8
    assert made.seed.startswith("private:")
    assert made.tensors["layers.0.mlp.up.weight"].dtype == "q8_0"
    assert made.source == "model"


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["--weights", "absent"], 3, "no weights named absent"),
        (["--private-seed", "absent"], 2, "No such file"),
        (["--sketch", "7"], 2, "7"),
    ],
)
def test_what_cannot_be_done_is_said(
    given: list[str], code: int, said: str, model: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "out"
    assert run(["manifest", "fingerprint", str(model), "-o", str(out), *given]) == code
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_half_a_model_has_no_fingerprint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = files.write_model(tmp_path / "m", forge.llama(1), shards=3)
    (model / "model-00002-of-00003.safetensors").unlink()
    out = tmp_path / "out"
    assert run(["manifest", "fingerprint", str(model), "-o", str(out)]) == 3
    assert "not all weights could be read" in capsys.readouterr().err
    assert not out.exists()


def test_a_folder_without_weights_has_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    (tmp_path / "m").mkdir()
    assert run(["manifest", "fingerprint", str(tmp_path / "m"), "-o", str(out)]) == 3
    assert "no weights found" in capsys.readouterr().err
