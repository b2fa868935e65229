"""`modelassay lineage` as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelscan.lineage import bases
from modelscan.lineage.fingerprint_layout import LARGEST
from modelscan.lineage.fingerprint_writing import encode
from tests.cli.conftest import Command
from tests.forge import kinship
from tests.forge.kinship_prints import base, base_print, files, print_of
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


def test_a_library_of_the_configuration(
    modelassay: Command, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = write(tmp_path / "adapted", kinship.adapted(base()))
    (tmp_path / "modelassay.toml").write_text('[lineage]\nlibrary = ["library"]\n')
    monkeypatch.chdir(tmp_path)
    code, out, _ = modelassay("scan", target, "-q")
    assert (code, "✓ derived" in out) == (0, True)
    code, out, _ = modelassay("scan", target, "-q", "--base", library / "0.fp.safetensors")
    assert (code, "✓ low-rank" in out) == (0, True)
    code, out, _ = modelassay("lineage", target, "--identify", "-q")
    assert (code, "✓ low-rank" in out) == (0, True)
    code, out, _ = modelassay("lineage", target, "-q")  # nothing asked, nothing searched
    assert (code, "no file of the model names a base" in " ".join(out.split())) == (0, True)
    code, _, err = modelassay("scan", library)
    assert (code, "lies in the target" in err) == (2, True)
    (tmp_path / "modelassay.toml").write_text('[lineage]\nlibrary = ["nowhere"]\n')
    code, _, err = modelassay("scan", target)
    assert (code, "no folder" in err) == (2, True)
    (tmp_path / "modelassay.toml").write_text('[lineage]\nlibary = ["library"]\n')
    code, _, err = modelassay("scan", target)
    assert (code, "did you mean" in err) == (2, True)


def test_a_private_seed(modelassay: Command, official: Path, tmp_path: Path) -> None:
    secret, made = tmp_path / "secret", tmp_path / "private.fp.safetensors"
    secret.write_bytes(b"only its owner knows this")
    options = ("-o", made, "--private-seed", secret)
    assert modelassay("manifest", "fingerprint", official, *options).code == 0
    target = write(tmp_path / "adapted", kinship.adapted(base()))
    code, out, _ = modelassay("lineage", target, "--base", made, "--seed", secret)
    assert (code, "low-rank (measured)" in out) == (0, True)
    other = write(tmp_path / "other", base(1))
    code, out, _ = modelassay("lineage", other, "--base", made)
    assert (code, "name the seed: --seed FILE" in " ".join(out.split())) == (3, True)
    code, out, _ = modelassay("lineage", official, "--base", made)  # digests need no seed
    assert (code, "identical (proved)" in out) == (0, True)
    (tmp_path / "modelassay.toml").write_text('[lineage]\nseed = "secret"\n')
    config = ("--config", tmp_path / "modelassay.toml")
    code, out, _ = modelassay("lineage", target, "--base", made, *config)
    assert (code, "low-rank (measured)" in out) == (0, True)
    code, out, _ = modelassay("scan", target, "--base", made, *config, "-q")
    assert (code, "✓ low-rank" in out) == (0, True)


def test_a_model_that_has_no_need_of_the_private_seed(
    modelassay: Command, library: Path, official: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"only its owner knows this")
    target = write(tmp_path / "adapted", kinship.adapted(base()))
    public = library / "0.fp.safetensors"
    code, out, _ = modelassay("lineage", target, "--base", public, "--seed", secret)
    assert (code, "low-rank (measured)" in out) == (0, True)
    code, out, _ = modelassay("lineage", target, "--base", official, "--seed", secret)
    assert (code, "low-rank (measured)" in out) == (0, True)


def test_an_official_fingerprint(
    modelassay: Command, official: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, pin = tmp_path / "prints" / "0.fp.safetensors", tmp_path / "pin.json"
    made.parent.mkdir()
    options = ("--id", "acme/base-0@1", "--location", "hf:acme/base-0", "--publisher", "Acme")
    ran = modelassay("manifest", "create", official, *options, "-o", pin, "--fingerprint", made)
    assert ran.code == 0
    (release,) = json.loads(pin.read_bytes())["releases"]
    assert release["fingerprints"].keys() == {"modelassay-fingerprint/1"}
    (tmp_path / "modelassay.toml").write_text(
        '[lineage]\nlibrary = ["prints"]\n[manifests]\nsets = ["pin.json"]\n'
    )
    monkeypatch.chdir(tmp_path)
    target = write(tmp_path / "tuned", kinship.finetuned(base()))
    shown = "fingerprint of acme/base-0@1, self-pinned by Acme"
    for command in (("scan", target), ("lineage", target, "--identify")):
        report = json.loads(modelassay(*command, "-f", "json").out)
        model = report["models"][0]
        assert shown in model["answers"]["descends_from"]["reason"]
        assert model["facts"]["lineage"]["fingerprint_of"]["release"] == "acme/base-0@1"
    found = json.loads(modelassay("scan", official, "-f", "json").out)
    answer = found["models"][0]["answers"]["descends_from"]
    assert (answer["status"], answer["tier"]) == ("identical", "proved")
    other = print_of(base(), k=16, source="hf:acme/base-0")
    made.write_bytes(encode(other))  # sound, and not the one that is stated
    report = json.loads(modelassay("scan", target, "-f", "json").out)
    assert "fingerprint_of" not in report["models"][0]["facts"]["lineage"]


def test_directions_are_written(modelassay: Command, official: Path, tmp_path: Path) -> None:
    target, out = write(tmp_path / "adapted", kinship.adapted(base())), tmp_path / "directions"
    options = ("--base", official, "--directions", out)
    assert modelassay("lineage", target, *options, "--deep").code == 0
    assert b"modelassay-directions/1" in out.read_bytes()[:2000]
    code, _, err = modelassay("lineage", target, *options)
    assert (code, "add --deep" in err) == (2, True)
    code, _, err = modelassay("lineage", target, *options[:3], tmp_path / "no" / "x", "--deep")
    assert (code, "cannot be written" in err) == (2, True)


def test_a_truncated_file_is_incomplete(
    modelassay: Command, official: Path, tmp_path: Path
) -> None:
    copy = write(tmp_path / "copy", base())
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    code, out, _ = modelassay("lineage", copy, "--base", official)
    assert code == 3
    assert "1 could not be read, 1 of the base's are missing or were not read" in " ".join(
        out.split()
    )


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
    code, out, _ = modelassay("lineage", official, "--identify", "-q")  # those that are shipped
    assert (code, "all-MiniLM-L6-v2" in out) == (0, True)
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


def test_an_advisory_about_weights_holds_however_they_are_stored(
    modelassay: Command, official: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, out, _ = modelassay("lineage", official, "--base", official, "-f", "json")
    root = json.loads(out)["models"][0]["facts"]["lineage"]["weights_root"]
    affected = [{"ecosystem_specific": {"weights-root": root}}]
    document = {"id": "OSV-1", "summary": "a backdoor was trained in", "affected": affected}
    (tmp_path / "osv").mkdir()
    (tmp_path / "osv" / "OSV-1.json").write_text(json.dumps(document), encoding="utf-8")
    (tmp_path / "modelassay.toml").write_text('advisories = ["osv"]\n')
    copy = write(tmp_path / "copy", base(), "F32")
    assert modelassay("scan", copy, "-q").code == 0
    code, out, _ = modelassay("scan", copy, "--base", official, "-f", "json")
    (model,) = json.loads(out)["models"]
    (found,) = [each for each in model["findings"] if each["rule"] == "advisory-affects-model"]
    assert (code, found["evidence"]["by"]) == (1, "weights")
    other = write(tmp_path / "other", base(1))
    _, out, _ = modelassay("scan", other, "--base", official, "-f", "json")
    assert "advisory-affects-model" not in out


def test_what_is_no_fingerprint_is_said(
    modelassay: Command, official: Path, library: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "folder.fp.safetensors"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / name).write_bytes(b"")
    code, _, err = modelassay("lineage", official, "--base", folder)
    assert (code, "not a file" in err) == (3, True)
    huge = tmp_path / "huge.fp.safetensors"
    with huge.open("wb") as file:
        file.truncate(LARGEST + 1)
    code, _, err = modelassay("lineage", official, "--base", huge)
    assert (code, "too many for a fingerprint" in err) == (3, True)
    cut = library / "0.fp.safetensors"
    cut.write_bytes(cut.read_bytes()[:-10])
    code, _, err = modelassay("lineage", official, "--base", cut)
    assert (code, "not in the file" in err) == (3, True)


def test_a_library_of_too_many(
    modelassay: Command, official: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bases, "_MOST", 1)
    code, _, err = modelassay("lineage", official, "--library", library)
    assert (code, "more than 1 fingerprints" in err) == (2, True)


def test_the_configuration_of_the_target_is_passed_over(
    modelassay: Command, official: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (official / "modelassay.toml").write_text('[lineage]\nlibrary = ["."]\n')
    monkeypatch.chdir(official)
    code, _, err = modelassay("lineage", official)
    assert (code, "modelassay.toml" in err) == (0, True)


def test_progress_is_shown_to_people(
    modelassay: Command, official: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    code, out, _ = modelassay("lineage", official, "--base", library / "0.fp.safetensors")
    assert (code, "identical (proved)" in out) == (0, True)
