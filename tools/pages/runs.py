"""Real output for the pages: the command is run, and what it printed is what is shown.

The commands run in a temporary folder that holds a few small models made here, the example rules,
and, where its package is installed, the real model of the demo with its forged copy. Nothing in
them is ever loaded.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from modelscan.errors import ModelAssayError, UsageError
from tools import demo
from tools.bench_workloads import write_safetensors

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples" / "rules"
_INHERITED = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMP", "XDG_CACHE_HOME", "LOCALAPPDATA")
_CUT_OFF = b"\x60\0\0\0\0\0\0\0" + b'{"embeddings.weight":{"dtype":"BF16"'
_OWN_CLASS = b"\x80\x02cacme.training\nCheckpoint\n)\x81}X\x05\x00\x00\x00epochK\x03sb."


def shown(command: str) -> str | None:
    """A command line and everything it printed; `None` when it lacks the real model.

    Args:
        command: what a person would type, beginning with `modelassay`. The real model is needed
            when the command names it.

    Raises:
        ModelAssayError: the command says that it, a configuration or a rule is wrong.
    """
    if demo.REAL_MODEL in command and demo.real_model() is None:
        return None
    return f"$ {command}\n{_output(command)}"


@cache
def _output(command: str) -> str:
    """What a command prints on both streams, in a terminal of 80 columns without colour."""
    words = shlex.split(command)
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "COLUMNS": "80", "NO_COLOR": "1"}
    with _workspace(demo.REAL_MODEL in command) as folder:
        done = subprocess.run(  # noqa: S603  # our own command, on files made here
            [sys.executable, "-m", "modelscan", *words[1:]],
            cwd=folder,
            env=environment,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
    if done.returncode == UsageError.exit_code:
        raise ModelAssayError(f"{command}: {done.stdout.strip()}")
    lines = [line.rstrip() for line in done.stdout.strip("\n").splitlines()]
    return "\n".join(lines)


@contextlib.contextmanager
def _workspace(real: bool) -> Iterator[Path]:  # noqa: FBT001  # the only choice there is
    """A folder with the models and rules that the pages speak of."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        if real and (model := demo.real_model()):
            shutil.copytree(model, folder / demo.REAL_MODEL)
            demo.forge(model, folder / f"{demo.REAL_MODEL}-forged")
        yield folder


def make(folder: Path) -> None:
    """Write the small models and the example rules into a folder.

    `model` is ordinary; `finetune` names another base; `tampered` holds a pickle that would run
    `echo`, `inhouse` one of a class of the imaginary company Acme, `damaged` a file that breaks
    off; `our-rules` are the example rules.
    """
    _model(folder / "model", base="acme/base")
    _model(folder / "finetune", base="someone/base")
    for name, file, data in (
        ("tampered", "pytorch_model.bin", demo.PLANTED),
        ("inhouse", "trainer.pkl", _OWN_CLASS),
        ("damaged", "model-2.safetensors", _CUT_OFF),
    ):
        _model(folder / name, base="acme/base")
        (folder / name / file).write_bytes(data)
    shutil.copytree(EXAMPLES, folder / "our-rules")


def _model(folder: Path, base: str) -> None:
    folder.mkdir()
    config = {"architectures": ["BertModel"], "model_type": "bert", "_name_or_path": base}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    write_safetensors(folder / "model.safetensors", {"embeddings.weight": [64, 16]})
