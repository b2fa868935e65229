from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

from modelscan.discovery import disks, stores, walking
from modelscan.discovery.inventory import take
from modelscan.errors import ReadError, SourceError
from modelscan.vocabulary.reference import Inventory
from tests.discovery.conftest import Look
from tests.forge import gguf, models, safetensors
from tests.forge.codebases import COMMIT

WEIGHTS = safetensors.small()
DIGEST = "sha256:" + hashlib.sha256(WEIGHTS).hexdigest()


def _shown(found: Inventory) -> list[tuple[str, str, str | None]]:
    return [(each.path, each.format, each.ref) for each in found.artifacts]


def _zip(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, data)
        archive.writestr("readme.txt", "words")
    return buffer.getvalue()


def _tar(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def test_files_of_weights_are_listed_once(look: Look) -> None:
    found = look({"a/m.safetensors": WEIGHTS, "b/m.safetensors": WEIGHTS, "c.txt": WEIGHTS})
    (one,) = found.artifacts
    assert (one.path, one.also, one.format, one.size) == (
        "a/m.safetensors", ("b/m.safetensors",), "safetensors", len(WEIGHTS),
    )  # fmt: skip
    assert one.digest == DIGEST


@pytest.mark.parametrize(
    ("name", "data", "form"),
    [
        ("m.gguf", gguf.small(), "gguf"),
        ("weights", WEIGHTS, "safetensors"),
        ("blob", gguf.small(), "gguf"),
        ("m.bin", models.ECHO, "pickle"),
        ("m.h5", b"\x89HDF\r\n\x1a\n" + bytes(100), "hdf5"),
        ("m.tflite", b"\0\0\0\0TFL3" + bytes(100), "tflite"),
        ("m.nemo", bytes(range(256)), "nemo"),
        ("m.pkl", zlib.compress(b"x" * 1000), "compressed pickle"),
        ("saved_model.pb", b"\x08\x01", "tensorflow graph"),
    ],
)
def test_formats(look: Look, name: str, data: bytes, form: str) -> None:
    assert _shown(look({name: data})) == [(name, form, None)]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("data.bin", bytes(1000)),
        ("messages.pt", "Olá, mundo. Não é um modelo.\n".encode()),
        ("venv.pth", b"import sys; sys.path\n"),
        ("other.pb", b"\x08\x01"),
        ("LICENSE", b"words"),
        ("x.h5", b"words"),
        ("x.ckpt", "é".encode() * 2000),
        ("empty.onnx", b""),
        ("a.zip", b"no archive"),
    ],
)
def test_what_is_no_model(look: Look, name: str, data: bytes) -> None:
    assert _shown(look({name: data})) == []


def test_a_pointer_stands_for_a_model(look: Look) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 5\n"
    (one,) = look({"m.safetensors": pointer, "x": pointer}).artifacts
    assert (one.format, one.digest) == ("git-lfs pointer", None)


def test_hashing_can_be_bounded(look: Look) -> None:
    (one,) = look({"m.safetensors": WEIGHTS}, hash_limit=3).artifacts
    assert one.digest is None


def test_archives_wheels_and_images(look: Look) -> None:
    layer = _tar({"opt/model.safetensors": WEIGHTS, "etc/passwd": b"x"})
    image = _tar({"blobs/sha256/abc": layer, "manifest.json": b"{}"})
    found = look(
        {
            "pkg.whl": _zip("pkg/model.safetensors", WEIGHTS),
            "image.tar": image,
            "deep.zip": _zip("x.zip", _zip("m.gguf", gguf.small())),
        }
    )
    assert _shown(found) == [
        ("deep.zip!x.zip!m.gguf", "gguf", None),
        ("image.tar!blobs/sha256/abc!opt/model.safetensors", "safetensors", None),
    ]
    assert found.artifacts[1].also == ("pkg.whl!pkg/model.safetensors",)


def test_a_broken_archive_is_said(look: Look) -> None:
    found = look(
        {
            "a.zip": _zip("m.gguf", gguf.small())[:-60],
            "b.tar": _tar({"m.gguf": gguf.small() + bytes(5000)})[:1000],
        }
    )
    assert {gap.file for gap in found.coverage if gap.needed} >= {"b.tar"}


def test_the_cache_of_the_hub(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--acme--chat"
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (repository / "blobs").mkdir()
    for name, data in (("abc", WEIGHTS), ("def", gguf.small()), ("orphan", _other())):
        (repository / "blobs" / name).write_bytes(data)
    (snapshot / "model.safetensors").symlink_to("../../blobs/abc")
    (snapshot / "model.gguf").symlink_to("../../blobs/def")
    (snapshot / "gone.gguf").symlink_to("../../blobs/gone")
    (snapshot / "config.json").write_text('{"model_id": "org/m-1"}')
    found = take([tmp_path])
    base = "hub/models--acme--chat"
    assert _shown(found) == [
        (f"{base}/blobs/orphan", "safetensors", "hf:acme/chat"),
        (f"{base}/snapshots/{COMMIT}/model.gguf", "gguf", f"hf:acme/chat@{COMMIT}"),
        (f"{base}/snapshots/{COMMIT}/model.safetensors", "safetensors", f"hf:acme/chat@{COMMIT}"),
    ]
    assert found.references == ()
    assert [gap.reason for gap in found.coverage] == ["a link that leads nowhere"]
    inside = take([snapshot])
    assert [each.ref for each in inside.artifacts] == [f"hf:acme/chat@{COMMIT}"] * 2


def _other() -> bytes:
    header = b'{"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'
    return len(header).to_bytes(8, "little") + header + b"\x01"


def test_the_store_of_ollama(tmp_path: Path) -> None:
    data = gguf.small()
    digest = hashlib.sha256(data).hexdigest()
    store = tmp_path / ".ollama" / "models"
    (store / "blobs").mkdir(parents=True)
    (store / "blobs" / f"sha256-{digest}").write_bytes(data)
    layers = [
        {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"},
        {"mediaType": "application/vnd.ollama.image.license", "digest": f"sha256:{digest}"},
        {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:short"},
        {"mediaType": "application/vnd.ollama.image.adapter", "digest": "sha256:" + "0" * 64},
        3,
    ]
    for place in ("registry.ollama.ai/library/tiny/1b", "hf.co/acme/m-GGUF/Q4", "x.example/a/b/c"):
        path = store / "manifests" / place
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"layers": layers}))
    (store / "manifests" / "hf.co" / "acme" / "m-GGUF" / "broken").write_text("{")
    (store / "manifests" / "hf.co" / "acme" / "m-GGUF" / "list").write_text("[]")
    found = take([tmp_path])
    assert [each.format for each in found.artifacts] == ["gguf"]
    tree = walking.Tree(tmp_path)
    found_refs = {each.ref for each in stores.ollama(tree) if isinstance(each, stores.Blob)}
    assert found_refs == {"ollama:tiny:1b", "hf:acme/m-GGUF:Q4", "ollama:x.example/a/b:c"}
    assert found.artifacts[0].ref in found_refs
    assert len([gap for gap in found.coverage if gap.needed]) == 4
    assert found.exit_code == 3


@pytest.mark.parametrize(
    ("path", "ref"),
    [
        ("/home/x/.lmstudio/models/acme/m-GGUF/m.gguf", "hf:acme/m-GGUF"),
        (f"/c/models--gpt2/snapshots/{COMMIT}/m.bin", f"hf:gpt2@{COMMIT}"),
        ("/x/m.gguf", None),
    ],
)
def test_claims_of_folders(path: str, ref: str | None) -> None:
    assert stores.claim(path) == ref


def test_links_and_pipes(tmp_path: Path) -> None:
    outside = tmp_path / "outside.gguf"
    outside.write_bytes(gguf.small())
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "loop").symlink_to(".")
    (root / "sub" / "up").symlink_to("../..")
    (root / "out.gguf").symlink_to(outside)
    (root / "own.py").write_text("x = 1\n")
    (root / "same.py").symlink_to("own.py")
    os.mkfifo(root / "pipe")
    found = take([root])
    assert found.artifacts == ()
    assert {gap.file: gap.needed for gap in found.coverage} == {"sub/up": False, "out.gguf": False}
    assert found.exit_code == 4


def test_what_is_left_out_is_said(look: Look) -> None:
    code = "import torch\ntorch.load('m.pt')\n"
    files: dict[str, str | bytes] = {
        "node_modules/a.py": code, "env/pyvenv.cfg": "", "env/b.py": code, ".git/c.py": code,
        "skip/d.py": code,
    }  # fmt: skip
    found = look(files, exclude=["skip"])
    assert found.references == ()
    assert {gap.file for gap in found.coverage} == {"node_modules", "env", "skip"}
    found = look(files, everything=True)
    assert {each.where.file for each in found.references} == {
        "node_modules/a.py", "env/b.py", "skip/d.py",
    }  # fmt: skip


def test_targets_that_are_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        take([tmp_path / "missing"])
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError):
        take([tmp_path / "pipe"])
    (tmp_path / "x.py").write_text("import torch\ntorch.load('m.pt')\n")
    assert [each.ref for each in take([tmp_path / "x.py"]).references] == ["m.pt"]


def test_an_unreadable_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    real = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("closed") or path == os.path.realpath(tmp_path / "whole"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = take([tmp_path])
    assert [(gap.file, gap.needed) for gap in found.coverage] == [("closed", True)]
    (tmp_path / "whole").mkdir()
    with pytest.raises(SourceError, match="permission denied"):
        take([tmp_path / "whole"])


def test_unreadable_files_are_said(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bytes:
        raise ReadError("input/output error")

    monkeypatch.setattr(walking.Tree, "read", refuse)
    found = look({"a.py": "x = 1"})
    assert [(gap.file, gap.reason) for gap in found.coverage] == [("a.py", "input/output error")]
    monkeypatch.setattr(disks, "_format", refuse)
    found = look({"m.gguf": gguf.small()})
    assert {gap.file for gap in found.coverage} == {"a.py", "m.gguf"}


def test_a_fault_of_a_finder_is_a_gap(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr("modelscan.discovery.shell._HINTS", fail)
    found = look({"a.sh": "hf download org/m-1"})
    assert found.coverage[0].reason == "reading it as shell failed: KeyError: 'x'"
    assert found.exit_code == 3


def test_huge_and_binary_files(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelscan.discovery.inventory._CODE", 10)
    found = look(
        {
            "a.py": "x = 1234567890",
            "b.json": '{"model": 1234}',
            "c.unknown": "x" * 20,
            "d.sh": b"a\0b",
        }
    )
    assert {gap.file: gap.needed for gap in found.coverage} == {
        "a.py": True, "b.json": False, "d.sh": False,
    }  # fmt: skip


def test_too_many_files(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "_MOST", 1)
    found = look({"a.py": "", "b.py": "", "c.py": ""})
    assert found.coverage[0].needed


def test_progress_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1")
    seen: list[int] = []
    take([tmp_path], progress=seen.append)
    assert seen == [0]


def test_folders_of_the_code_base_are_paths(look: Look) -> None:
    files = {
        "x.py": "from transformers import AutoModel as M\nM.from_pretrained('org/m-1')\n",
        "org/m-1/config.json": "{}",
    }
    (one,) = look({**files}).references
    assert one.ref == "org/m-1"
