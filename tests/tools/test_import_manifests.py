from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from modelscan.verifier.release import parse_manifest, read_manifest

ROOT = Path(__file__).parents[2]
OFFICIAL = ROOT.parent / "shared" / "data" / "official"
SHA = "0123456789abcdef" * 4


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "import_manifests", ROOT / "tools" / "import_manifests.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


tool = load()


def write(folder: Path, name: str, files: list[dict[str, Any]], **source: Any) -> None:
    origin = {"repository": "https://example.org/r", "commit": "a" * 40, "paths": ["list.json"]}
    document = {"publisher": "X", "source": {**origin, **source}, "files": files}
    (folder / name).write_text(json.dumps(document))


@pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the re-tabulated hashes are not here")
def test_the_committed_manifests_are_what_the_tool_makes(tmp_path: Path) -> None:
    tool.import_all(OFFICIAL, tmp_path)
    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.json")}
    folders = {path.parts[0] for path in made}
    kept = {
        path.relative_to(ROOT / "manifests")
        for folder in folders
        for path in (ROOT / "manifests" / folder).rglob("*.json")
    }
    assert made <= kept
    for path in made:
        assert (tmp_path / path).read_bytes() == (ROOT / "manifests" / path).read_bytes(), path


def test_hub_files_are_grouped_and_repeats_are_counted(tmp_path: Path) -> None:
    entry = {"hf_repo": "org/m", "path": "a.gguf", "digests": {"sha256": SHA}}
    entry = {**entry, "name": "a.gguf", "revision": "main", "model": ["m"]}
    write(tmp_path, "localai-gallery.json", [entry, entry, {**entry, "path": "b.gguf"}])
    report = tool.import_all(tmp_path, tmp_path / "out")
    line = next(line for line in report if line.startswith("localai/gallery.json"))
    assert line.endswith("1 releases, 2 of 3 entries; not carried: 1 repeated entries")
    manifest = read_manifest(tmp_path / "out" / "localai" / "gallery.json")
    assert manifest.assurance == "third-party-recorded"
    (release,) = manifest.releases
    assert release.id == "localai/gallery@aaaaaaaaaaaa:org/m"
    assert (release.locations, release.revision) == (("hf:org/m",), None)
    assert [file.path for file in release.files] == ["a.gguf", "b.gguf"]


def test_a_pinned_hub_revision_is_part_of_the_release(tmp_path: Path) -> None:
    commit = "b" * 40
    entry = {"hf_repo": "org/m", "name": "c.json", "revision": commit, "digests": {"sha256": SHA}}
    write(tmp_path, "public-pins.json", [entry], repository=None, commit=None, paths=[])
    tool.import_all(tmp_path, tmp_path / "out")
    (release,) = read_manifest(tmp_path / "out" / "hub" / "public-pins.json").releases
    assert (release.id, release.revision) == (f"hf:org/m@{commit}", commit)


def test_one_document_can_hold_two_authorities(tmp_path: Path) -> None:
    entries = [
        {
            "collection": name,
            "model": [name],
            "name": "m.bin",
            "path": "FP16/m.bin",
            "size": 3,
            "digests": {"sha384": "ab" * 48},
        }
        for name in ("intel", "public")
    ]
    write(tmp_path, "openvino-open-model-zoo.json", entries)
    tool.import_all(tmp_path, tmp_path / "out")
    own = read_manifest(tmp_path / "out" / "intel" / "open-model-zoo.json")
    others = read_manifest(tmp_path / "out" / "intel" / "open-model-zoo-public.json")
    assert (own.assurance, others.assurance) == ("publisher-stated", "third-party-recorded")
    assert own.releases[0].complete
    assert not others.releases[0].complete
    assert own.releases[0].id == "open_model_zoo/intel@aaaaaaaaaaaa:intel"


def test_denied_files_carry_a_reason(tmp_path: Path) -> None:
    entry = {"hf_repo": "org/m", "path": "a.gguf", "name": "a.gguf", "digests": {"sha256": SHA}}
    write(tmp_path, "guardrail-stripped-localai.json", [entry])
    tool.import_all(tmp_path, tmp_path / "out")
    (release,) = read_manifest(tmp_path / "out" / "localai" / "guardrail-stripped.json").releases
    assert release.status == "denied"
    assert "guardrails" in release.reason


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    write(tmp_path, "keras-applications.json", [{"name": "x.py", "digests": {"md5": "0" * 32}}])
    report = tool.import_all(tmp_path, tmp_path / "out")
    assert any("1 entries dropped: MD5" in line for line in report)


def test_an_unknown_document_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "new-publisher.json", [])
    with pytest.raises(SystemExit, match=r"new-publisher\.json"):
        tool.import_all(tmp_path, tmp_path / "out")


def test_one_file_stands_on_one_line() -> None:
    source = next(s for s in tool.SOURCES if s.target == "openai/whisper.json")
    files = [{"name": f"{n}.pt", "model": [n], "digests": {"sha256": SHA}} for n in ("b", "a")]
    origin = {"repository": "r", "commit": "c" * 40, "paths": ["p"]}
    manifest, _ = tool.convert({"publisher": "X", "source": origin, "files": files}, source)
    text = tool.render(manifest)
    parse_manifest(text.encode(), "x")
    assert sum('"path": "a.pt"' in line for line in text.splitlines()) == 1
    assert text.index("a.pt") < text.index("b.pt")
    assert json.loads(text) == manifest


def test_header_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = (2).to_bytes(8, "little") + b"{}"
    path = tmp_path / "m.safetensors"
    path.write_bytes(header + b"payload")
    assert tool.main(["--header", str(path)]) == 0
    whole = hashlib.sha256(header + b"payload").hexdigest()
    assert capsys.readouterr().out == f'"{whole}": "{hashlib.sha256(header).hexdigest()}",\n'


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.main([str(tmp_path), str(tmp_path / "out")]) == 0
    assert "openai-clip.json: not there" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        tool.main([])
