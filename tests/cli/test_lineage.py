"""`modelassay lineage` as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelscan.lineage.fingerprint_writing import encode
from tests.cli.conftest import Command
from tests.forge import kinship
from tests.forge.kinship_prints import base, base_print, files
from tests.forge.weights import Tensors


def write(folder: Path, tensors: Tensors, dtype: str = "BF16") -> Path:
    folder.mkdir(parents=True)
    for file in files(tensors, dtype):
        with file.open() as held:
            (folder / file.name).write_bytes(held.read_at(0, held.size))
    return folder


@pytest.fixture
def official(tmp_path: Path) -> Path:
    return write(tmp_path / "base-0", base())


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    folder.mkdir()
    for seed in (0, 1):
        (folder / f"{seed}.fp.safetensors").write_bytes(encode(base_print(seed)))
    return folder


def test_the_answer_its_tier_and_its_limits_are_printed(
    modelassay: Command, official: Path, tmp_path: Path
) -> None:
    copy = write(tmp_path / "copy", base(), "F16")
    code, out, err = modelassay("lineage", copy, "--base", official)
    assert (code, err) == (0, "")
    assert "Descends from    ✓ cast" in out
    assert "cast (proved): the base's values" in out
    assert "Limits: Equal values behave alike" in out


def test_a_fine_tune_is_drawn_layer_by_layer(
    modelassay: Command, official: Path, tmp_path: Path
) -> None:
    changed = kinship.finetuned(base(), only=lambda name: kinship.layer_of(name) == 3)
    target = write(tmp_path / "tuned", changed)
    code, out, _ = modelassay("lineage", target, "--base", official)
    assert code == 0
    assert "What changed in layers 0 to 3" in out
    assert "    mlp.down            ...5" in out
    assert "lineage-undeclared-finetune" in out


def test_strangers_fail(modelassay: Command, official: Path, tmp_path: Path) -> None:
    target = write(tmp_path / "other", base(1))
    code, out, _ = modelassay("lineage", target, "--base", official)
    assert code == 1
    assert "lineage-base-unrelated" in out


def test_a_claim_is_held_against_the_weights(
    modelassay: Command, library: Path, tmp_path: Path
) -> None:
    target = write(tmp_path / "other", base(2))
    card = "---\nbase_model: acme/base-0\nbase_model_relation: finetune\n---\n"
    (target / "README.md").write_text(card)
    code, out, _ = modelassay("lineage", target, "--base", library / "0.fp.safetensors")
    assert code == 1
    assert "lineage-claim-false" in out
    code, out, _ = modelassay("scan", target, "--base", library / "0.fp.safetensors", "-q")
    assert code == 1
    assert "✗ unrelated" in out


def test_a_library_is_searched(modelassay: Command, library: Path, tmp_path: Path) -> None:
    target = write(tmp_path / "adapted", kinship.adapted(base()))
    options = ("--identify", "--library", library, "-f", "json")
    code, out, _ = modelassay("lineage", target, *options)
    model = json.loads(out)["models"][0]
    assert code == 0
    assert model["answers"]["descends_from"]["status"] == "low-rank"
    assert model["answers"]["descends_from"]["base"] == "hf:acme/base-0"
    assert len(model["facts"]["lineage"]["candidates"]) == 2
    assert model["facts"]["lineage"]["layers"][0].keys() == {"layer", "role", "change", "rank"}


def test_the_page_draws_the_layers(modelassay: Command, official: Path, tmp_path: Path) -> None:
    target = write(tmp_path / "tuned", kinship.finetuned(base()))
    code, out, _ = modelassay("lineage", target, "--base", official, "-f", "html")
    assert code == 0
    assert 'class="layers"' in out


def test_samples_alone_are_hints(modelassay: Command, official: Path, library: Path) -> None:
    base_file = library / "0.fp.safetensors"
    code, out, _ = modelassay("lineage", official, "--base", base_file, "--samples-only")
    assert code == 0
    assert "identical (hint)" in out


def test_without_a_base_the_claim_is_repeated(modelassay: Command, official: Path) -> None:
    code, out, _ = modelassay("lineage", official)
    assert code == 0
    assert "no file of the model names a base" in out


def test_usage(modelassay: Command, official: Path, tmp_path: Path) -> None:
    code, _, err = modelassay("lineage", official, "--identify")
    assert (code, "--library DIR" in err) == (2, True)
    code, _, err = modelassay("lineage", official, "--library", tmp_path / "nowhere")
    assert (code, "no folder" in err) == (2, True)
    code, _, err = modelassay("lineage", official, "--library", official)
    assert (code, "no fingerprint" in err) == (2, True)
    code, _, err = modelassay("lineage", official, "--deep")
    assert (code, "--deep needs" in err) == (2, True)


def test_a_base_or_target_that_cannot_be_read(
    modelassay: Command, official: Path, library: Path, tmp_path: Path
) -> None:
    code, _, err = modelassay("lineage", official, "--base", tmp_path / "nowhere")
    assert (code, "the base" in err) == (3, True)
    broken = library / "broken.fp.safetensors"
    broken.write_bytes(b"no fingerprint")
    code, _, err = modelassay("lineage", official, "--base", broken)
    assert (code, "the fingerprint" in err) == (3, True)
    code, _, err = modelassay("lineage", official, "--library", library)
    assert (code, "the fingerprint" in err) == (3, True)
    code, out, _ = modelassay("lineage", tmp_path / "nowhere", "--base", official)
    assert (code, "could not be read" in out) == (3, True)
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "config.json").write_text("{}")
    code, out, _ = modelassay("lineage", empty, "--base", official)
    assert code == 3
    assert "no weights found" in out
