from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from modelscan import api
from modelscan.errors import SourceError
from modelscan.fetcher.oci_manifest import MANIFEST
from modelscan.fetcher.ollama import Name
from modelscan.fetcher.sources import take
from modelscan.vocabulary.fact import SourceDefect, SourceDigest
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot
from tests.forge import gguf, packages

PARTS = {"system": b"Be kind.", "params": b'{"stop": ["<|end|>"]}', "license": b"MIT License\n"}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "models"))
    return packages.ollama_store(tmp_path / "models", **{"1b": packages.ollama_image(**PARTS)})


def _take(what: object) -> Snapshot:
    return take(ModelRef.parse(str(what)))


def _names(snapshot: Snapshot) -> list[str]:
    return [file.name for file in snapshot.files]


ALL = [
    "LICENSE", "model.gguf", "package.config.json", MANIFEST, "params.json", "system.prompt",
    "template.gotmpl",
]  # fmt: skip


def test_a_model_by_its_name(store: Path) -> None:
    snapshot = _take("ollama:tiny:1b")
    assert _names(snapshot) == ALL
    assert (snapshot.ref, snapshot.claimed) == ("ollama:tiny:1b", "ollama:tiny:1b")
    assert (snapshot.source.kind, snapshot.source.asked_revision) == ("ollama", "1b")
    assert snapshot.path == str(store)
    (model,) = (file for file in snapshot.files if file.name == "model.gguf")
    with model.open() as artifact:
        assert artifact.read_at(0, artifact.size) == gguf.small()
    stated = {f.location.file for f in snapshot.facts if isinstance(f, SourceDigest)}
    assert stated == set(ALL) - {MANIFEST}


def test_a_model_by_the_path_of_its_manifest_or_as_the_only_one(store: Path) -> None:
    manifest = store / "manifests" / "registry.ollama.ai" / "library" / "tiny" / "1b"
    assert _names(_take(manifest)) == _names(_take(store)) == ALL
    assert _take(manifest).ref == _take(store).ref == "ollama:tiny:1b"


def test_a_store_of_several_models_is_all_of_them_once(tmp_path: Path) -> None:
    one = packages.ollama_image(**PARTS)
    other = packages.ollama_image(system=b"Be rude.")
    root = packages.ollama_store(tmp_path / "models", a=one, b=other)
    (root / "blobs" / ("sha256-" + "0" * 64)).write_bytes(b"left behind")
    bad = root / "manifests" / "registry.ollama.ai" / "library" / "tiny" / "c"
    bad.write_text("{")
    snapshot = _take(root)
    assert _names(snapshot) == [
        "blobs/sha256-" + "0" * 64, *(f"tiny/a/{name}" for name in ALL), f"tiny/b/{MANIFEST}",
        "tiny/b/system.prompt",
    ]  # fmt: skip
    assert {gap.file: gap.needed for gap in snapshot.coverage} == {f"tiny/c/{MANIFEST}": True}


def test_a_model_that_looks_like_a_store_hides_nothing(store: Path) -> None:
    (store / "pytorch_model.bin").write_bytes(b"cposix\nsystem\n(S'id'\ntR.")
    (store / "model.gguf").write_bytes(b"another")
    assert {"pytorch_model.bin", "folder/model.gguf"} <= set(_names(_take(store)))
    report = api.scan(store).models[0]
    found = [f.location.file for f in report.findings if f.rule == "pickle-dangerous-call"]
    assert found == ["pytorch_model.bin"]
    assert "pytorch_model.bin" not in _names(_take("ollama:tiny:1b"))


def test_what_is_not_there(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match=r"not found in the Ollama store: tiny:latest") as error:
        _take("ollama:tiny")
    assert "oci:registry.ollama.ai/library/tiny:latest" in error.value.hint
    monkeypatch.delenv("OLLAMA_MODELS")
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    with pytest.raises(SourceError, match="not found"):
        _take("ollama:tiny:1b")
    (tmp_path / "nobody" / ".ollama").mkdir(parents=True)
    (tmp_path / "nobody" / ".ollama" / "models").symlink_to(store)
    assert _names(_take("ollama:tiny:1b")) == ALL
    (tmp_path / "empty" / "manifests").mkdir(parents=True)
    (tmp_path / "empty" / "blobs").mkdir()
    with pytest.raises(SourceError, match="holds no model"):
        _take(tmp_path / "empty")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("llama3", ("registry.ollama.ai", "library", "llama3", "latest")),
        ("llama3:8b", ("registry.ollama.ai", "library", "llama3", "8b")),
        ("me/llama3:8b", ("registry.ollama.ai", "me", "llama3", "8b")),
        ("hf.co/acme/m-GGUF:Q4", ("hf.co", "acme", "m-GGUF", "Q4")),
        ("localhost:5000/a/b", ("localhost:5000", "a", "b", "latest")),
    ],
)
def test_names(text: str, expected: tuple[str, ...]) -> None:
    found = Name.parse(text)
    assert found == expected
    assert Name.parse(str(found)) == found


@pytest.mark.parametrize(
    "text",
    ["", "..:x", "a/../b", "../../../etc/passwd", "a:..", "a:", "a/b/c/d", "/a", "a b", "a/b:c/d"],
)
def test_names_never_lead_out_of_the_store(store: Path, text: str) -> None:
    assert store
    with pytest.raises(SourceError, match="not a name"):
        _take(f"ollama:{text}")


def test_digests_in_a_manifest_never_lead_out_of_the_store(store: Path) -> None:
    (store.parent / "secret").write_text("x")
    manifest = store / "manifests" / "registry.ollama.ai" / "library" / "tiny" / "1b"
    layers = [{"mediaType": "x", "size": 1, "digest": f"sha256:{name}"}
              for name in ("../../secret", "-../../secret", "A" * 64, "0" * 63)]  # fmt: skip
    manifest.write_text(json.dumps({"layers": layers}))
    snapshot = _take("ollama:tiny:1b")
    assert _names(snapshot) == [MANIFEST]
    assert len([gap for gap in snapshot.coverage if gap.needed]) == 4


def test_blobs_that_are_missing_or_no_plain_files_are_needed_gaps(store: Path) -> None:
    blobs = {file.name: file for file in (store / "blobs").iterdir()}
    for part in ("system", "params"):
        path = blobs[packages.digest(PARTS[part]).replace(":", "-")]
        path.unlink()
        if part == "params":
            os.mkfifo(path)
    snapshot = _take("ollama:tiny:1b")
    assert {gap.file for gap in snapshot.coverage if gap.needed} == {"system.prompt", "params.json"}
    defects = [fact for fact in snapshot.facts if isinstance(fact, SourceDefect)]
    assert {fact.kind for fact in defects} == {"part-missing"}


def test_a_manifest_that_is_a_fifo_does_not_make_us_wait(store: Path) -> None:
    manifest = store / "manifests" / "registry.ollama.ai" / "library" / "tiny" / "1b"
    manifest.unlink()
    os.mkfifo(manifest)
    with pytest.raises(SourceError, match="not found"):
        _take("ollama:tiny:1b")


def test_a_scan_of_a_good_model_passes_and_every_blob_is_held_against_its_name(store: Path) -> None:
    report = api.scan("ollama:tiny:1b").models[0]
    assert report.answers.allowed.status == "pass"
    assert report.answers.load_hazards.status == "none-found"
    assert [finding.rule for finding in report.findings if finding.severity != "info"] == []
    assert {file.format for file in report.files if file.path.endswith((".gotmpl", ".prompt"))} == {
        "go template"
    }
    blob = store / "blobs" / packages.digest(PARTS["license"]).replace(":", "-")
    blob.write_bytes(b"MIT licence\n")
    report = api.scan("ollama:tiny:1b").models[0]
    assert [(f.rule, f.location.file) for f in report.findings if f.severity == "high"] == [
        ("source-digest-differs", "LICENSE")
    ]
    assert report.answers.allowed.status == "fail"


def test_adapters_projectors_and_tensors(tmp_path: Path) -> None:
    layers = [packages.Layer(packages.OLLAMA + kind, kind.encode() + bytes([n]), extra=extra)
              for n, (kind, extra) in enumerate([
                  ("adapter", None), ("adapter", None), ("projector", None), ("messages", None),
                  ("tensor", {"name": "blk.0.weight"}), ("json", {"name": "config.json"})])]  # fmt: skip
    root = packages.ollama_store(tmp_path / "models", x=packages.image(layers))
    assert _names(_take(root)) == [
        "adapter-2.gguf", "adapter.gguf", "blk.0.weight", "config.json", "messages.json",
        "package.config.json", MANIFEST, "projector.gguf",
    ]  # fmt: skip


def test_a_folder_that_only_looks_like_a_store(tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a").write_text("x")
    assert _take(tmp_path).source.kind == "directory"
