"""With the real driver for S3 (`s3fs`) against a server of its interface on loopback (`moto`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelscan import api
from tests.forge import gguf, pickles, safetensors

pytestmark = pytest.mark.interop
_SECRET = "a-key-that-is-secret"  # noqa: S105  # a key of the test
_LARGE = gguf.small() + bytes(12 << 20)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A store with a good model, a bad one and a large one."""
    s3fs, moto = pytest.importorskip("s3fs"), pytest.importorskip("moto.server")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for variable, value in {
        "AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": _SECRET,
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "NO_PROXY": "127.0.0.1,localhost",
    }.items():  # fmt: skip
        monkeypatch.setenv(variable, value)
    s3fs.S3FileSystem.clear_instance_cache()  # of the server before
    store = s3fs.S3FileSystem(skip_instance_cache=True)
    name = f"models-{port}"  # what servers hold outlives them
    store.mkdir(name)
    store.pipe({
        f"{name}/good/config.json": b"{}", f"{name}/good/model.safetensors": safetensors.small(),
        f"{name}/bad/model.pkl": pickles.malicious()["reduce"],
        f"{name}/large/model.gguf": _LARGE,
    })  # fmt: skip
    yield f"s3://{name}"
    server.stop()


def test_models_in_a_bucket(bucket: str, tmp_path: Path) -> None:
    good = api.scan(f"{bucket}/good")
    assert good.decision.exit_code == 0
    assert {entry.path for entry in good.models[0].files} == {"config.json", "model.safetensors"}
    assert api.scan(f"{bucket}/bad/model.pkl").decision.exit_code == 1
    assert "not found or private" in (api.scan(f"{bucket}/none").models[0].error or "")
    (light,) = api.scan(f"{bucket}/large").models[0].files
    assert not light.digests
    whole = api.FetchOptions(full=True, cache=tmp_path / "cache")
    (full,) = api.scan(f"{bucket}/large", fetch=whole).models[0].files
    assert full.digests["sha256"]
    assert _SECRET not in repr(good)


def test_a_model_is_pulled_out_of_a_bucket(bucket: str, tmp_path: Path) -> None:
    whole = api.FetchOptions(full=True, cache=tmp_path / "cache")
    lock = tmp_path / "models.lock"
    assert api.pull(f"{bucket}/good", tmp_path / "good", fetch=whole, lock=lock).folder
    assert (tmp_path / "good" / "config.json").read_bytes() == b"{}"
    assert api.pull(f"{bucket}/bad", tmp_path / "bad", fetch=whole, lock=lock).folder is None
    assert not (tmp_path / "bad").exists()
    assert _SECRET not in lock.read_text()
