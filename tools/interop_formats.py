"""Part of `make interop`: files that the real libraries write must pass the default policy.

    python tools/interop_formats.py            every library that is not large
    python tools/interop_formats.py NAME...    these

Each library is installed into an environment of its own, writes some models, and the environment is
removed; the models stay in `.interop-models`, and are written anew only when the recipe changes. A
library that cannot be installed here is skipped, which is said, and is no failure. The exit code is
1 when a model that a library wrote does not pass.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.interop_recipes import RECIPES, Recipe  # noqa: E402  # the path first

WORK: Final = ROOT / ".interop-models"
DONE: Final = "recipe"
"""A file beside the models: the digest of the recipe that wrote them."""
SLOWEST: Final = 420
"""Seconds for an installation, or for writing the models."""
MOST_LINES: Final = 3
"""Findings above info that a model of a real library may have."""


def written(name: str, recipe: Recipe) -> Path | None:
    """The folder with the models of a library; absent when it cannot be installed here.

    Raises:
        RuntimeError: it is installed, and does not do what the recipe says.
    """
    folder = WORK / name
    digest = sha256(repr(recipe).encode()).hexdigest()
    mark = folder / DONE
    if mark.is_file() and mark.read_text(encoding="utf-8") == digest:
        return folder / "models"
    shutil.rmtree(folder, ignore_errors=True)
    models = folder / "models"
    models.mkdir(parents=True)
    python = folder / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    tool = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    wheels = ["install", "--only-binary", ":all:", *recipe.packages]
    if _run([sys.executable, "-m", "venv", str(folder / "env")], folder)[0]:
        raise RuntimeError("no environment could be made")
    code, _ = _run([*tool, *wheels], folder)
    if code == 0:
        code, said = _run([str(python), "-c", recipe.code], models)
        if code:
            raise RuntimeError(said[-2000:])
        mark.write_text(digest, encoding="utf-8")
        shutil.rmtree(folder / "env")
        return models
    shutil.rmtree(folder)
    return None


def _run(command: list[str], folder: Path) -> tuple[int, str]:
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL"))
    }
    try:
        done = subprocess.run(  # noqa: S603  # recipes of this file, in environments of their own
            command, cwd=folder, env=kept, check=False, timeout=SLOWEST, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return 1, f"not done after {SLOWEST} s"
    return done.returncode, done.stdout


def complaints(models: Path) -> list[str]:
    """Why models do not pass, one line each."""
    from modelscan import api  # late: the path first, and only when there is something to scan

    found: list[str] = []
    for path in sorted(models.iterdir()):
        report = api.scan(path)
        (model,) = report.models
        loud = [one for one in model.findings if one.severity != "info"]
        gaps = [f"{path.name}: {gap.reason}" for gap in model.coverage if gap.needed]
        severe = [one for one in loud if one.severity in {"high", "critical"}]
        wanted = severe if len(loud) <= MOST_LINES else loud
        found += [f"{path.name}: {one.rule}: {one.message}" for one in wanted] + gaps
        if model.answers.allowed.status != "pass" and not found:
            found.append(f"{path.name}: {model.answers.allowed.reason}")
    return found


def main(names: list[str]) -> int:
    """Check the named libraries, or all that are not large; returns the exit code."""
    unknown = [name for name in names if name not in RECIPES]
    if unknown:
        print(f"no library {unknown[0]!r}; there are: {', '.join(RECIPES)}", file=sys.stderr)
        return 2
    failed = 0
    for name in names or [name for name, recipe in RECIPES.items() if not recipe.large]:
        start = time.monotonic()
        try:
            models = written(name, RECIPES[name])
            said = [] if models is None else complaints(models)
        except RuntimeError as error:
            models, said = WORK, [str(error)]
        if models is None:
            print(f"skipped  {name}: cannot be installed here", flush=True)
        elif said:
            failed += 1
            print(f"FAILED   {name}:", *said, sep="\n  ", flush=True)
        else:
            print(f"ok       {name}: {time.monotonic() - start:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
