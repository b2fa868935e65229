"""Models in stores on this machine are read without the network, and without its libraries."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.forge import packages

COMMIT = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
PROBE = """
import json, socket, sys
def refuse(*_, **__):
    raise AssertionError("the network was used")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from modelscan import api
models = api.scan(*sys.argv[1:]).models
heavy = {"huggingface_hub", "httpx2", "sigstore", "numpy", "fsspec"} & set(sys.modules)
print(json.dumps([sorted(heavy), [model.source.kind for model in models], [model.error for model in models]]))
"""


def test_no_network_and_no_library_for_it(tmp_path: Path) -> None:
    image = packages.ollama_image()
    store = packages.ollama_store(tmp_path / "models", x=image)
    layout = packages.layout(tmp_path / "layout", packages.index({"": image}), image)
    cache = tmp_path / "models--org--name"
    snapshot = cache / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    targets = [str(store), str(layout), f"{cache}@{COMMIT[:9]}"]
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *targets], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[], ["ollama", "oci", "hub-cache"], [None] * 3]
