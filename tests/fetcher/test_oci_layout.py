from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from modelscan import api
from modelscan.errors import SourceError
from modelscan.fetcher.sources import take
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot
from tests.forge import gguf, packages
from tests.forge.archives import python_tar
from tests.forge.packages import TAR, Layer

CAR = packages.image([Layer(TAR, python_tar({"models/model.gguf": gguf.small()}))])


def _take(path: Path) -> Snapshot:
    return take(ModelRef.parse(str(path)))


def _names(snapshot: Snapshot) -> list[str]:
    return [file.name for file in snapshot.files]


def test_a_layout_is_read_where_it_lies(tmp_path: Path) -> None:
    root = packages.layout(tmp_path / "car", packages.index({"": CAR}), CAR)
    snapshot = _take(root)
    assert _names(snapshot) == [
        "index.json", "layer-1.tar", "oci-layout", "package.config.json", "package.manifest.json",
    ]  # fmt: skip
    assert (snapshot.ref, snapshot.source.kind) == ("car", "oci")
    report = api.scan(root).models[0]
    assert report.answers.allowed.status == "pass"
    assert {"tar"} <= {file.format for file in report.files}


def test_a_blob_with_other_bytes_is_a_finding_and_a_manifest_an_error(tmp_path: Path) -> None:
    root = packages.layout(tmp_path / "car", packages.index({"": CAR}), CAR)
    layer = root / "blobs" / "sha256" / packages.digest(CAR.blobs[next(reversed(CAR.blobs))])[7:]
    layer.write_bytes(layer.read_bytes() + bytes(512))
    report = api.scan(root).models[0]
    assert [f.location.file for f in report.findings if f.rule == "source-digest-differs"] == [
        "layer-1.tar"
    ]
    (root / "blobs" / "sha256" / CAR.digest[7:]).write_bytes(b"{}")
    with pytest.raises(SourceError, match="not the one that its digest stands for"):
        _take(root)


def test_missing_parts_and_manifests_are_needed_gaps(tmp_path: Path) -> None:
    other = packages.image([Layer("application/x", b"gone")])
    top = packages.index({"linux/amd64": CAR, "linux/arm64": other})
    root = packages.layout(tmp_path / "car", top, CAR)
    layer = root / "blobs" / "sha256" / packages.digest(CAR.blobs[next(reversed(CAR.blobs))])[7:]
    layer.unlink()
    os.mkfifo(layer)
    snapshot = _take(root)
    assert {gap.file for gap in snapshot.coverage if gap.needed} >= {
        "linux-amd64/layer-1.tar", "linux-arm64/package.manifest.json",
    }  # fmt: skip


def test_indexes_within_indexes(tmp_path: Path) -> None:
    inner = packages.Image(packages.index({"": CAR}), {})
    outer = packages.index({"": inner})
    root = packages.layout(tmp_path / "car", outer, CAR, inner)
    assert "layer-1.tar" in _names(_take(root))
    chain = [inner]
    for _ in range(6):
        chain.append(packages.Image(packages.index({"": chain[-1]}), {}))
    root = packages.layout(tmp_path / "deep", packages.index({"": chain[-1]}), CAR, *chain)
    with pytest.raises(SourceError, match="indexes within indexes"):
        _take(root)


def test_the_same_manifest_is_followed_once(tmp_path: Path) -> None:
    entries = json.loads(packages.index({"linux/amd64": CAR}))["manifests"]
    top = json.dumps({"manifests": entries * 3}).encode()
    root = packages.layout(tmp_path / "car", top, CAR)
    assert len(_names(_take(root))) == 5


def test_an_index_that_cannot_be_read(tmp_path: Path) -> None:
    root = packages.layout(tmp_path / "car", b"{}", CAR)
    with pytest.raises(SourceError, match="without layers"):
        _take(root)
    (root / "index.json").write_text("no")
    with pytest.raises(SourceError, match="not a manifest"):
        _take(root)


def test_a_model_that_looks_like_a_layout_hides_nothing(tmp_path: Path) -> None:
    root = packages.layout(tmp_path / "car", packages.index({"": CAR}), CAR)
    evil = b"cposix\nsystem\n(S'id'\ntR."
    (root / "pytorch_model.bin").write_bytes(evil)
    (root / "layer-1.tar").write_bytes(evil)
    (root / "blobs" / "sha256" / "unlisted").write_bytes(evil)
    (root / "folder").mkdir()
    (root / "folder" / "layer-1.tar").write_bytes(evil)
    report = api.scan(root).models[0]
    found = {f.location.file for f in report.findings if f.rule == "pickle-dangerous-call"}
    assert found == {"pytorch_model.bin", "folder/layer-1.tar", "folder/folder/layer-1.tar",
                     "blobs/sha256/unlisted"}  # fmt: skip
