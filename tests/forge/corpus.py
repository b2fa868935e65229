"""Every sample that the forges can make, as files: what tests use that ask about all of them.

A new forge is part of it by itself: its tables of samples and its functions without arguments.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_EXTENSIONS = {
    "archives": ".zip",
    "cards": ".md",
    "graphs": ".pb",
    "hdf5": ".h5",
    "layout_code": ".py",
    "layout_scripts": ".py",
    "numpy_arrays": ".npy",
    "pickle_techniques": ".pkl",
    "pickles": ".pkl",
    "python_code": ".py",
    "r_data": ".rds",
    "sevenzip": ".7z",
    "template_attacks": ".jinja",
    "template_poison": ".jinja",
    "template_shapes": ".jinja",
    "templates": ".jinja",
    "tensorflow": ".pb",
    "tool_templates": ".jinja",
}
"""Extensions by forge; any other forge's own name is the extension, as in `model.gguf`."""
_NO_SAMPLES = frozenset(
    [
        "codebases",
        "corpus",
        "installations",
        "judgement",
        "models",
        "neutral_unpickler",
        "pages",
        "pickle_programs",
        "policies",
        "reading",
        "releases",
        "reports",
        "repository",
        "rulebook",
        "schemas",
        "signing",
        "sigstore_instance",
        "zip_reading",
    ]
)
"""Forges of values and folders for the other floors."""


def samples() -> Iterator[tuple[str, bytes]]:
    """A file name and the bytes of each sample."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem in _NO_SAMPLES or path.stem.startswith("_"):
            continue
        module = importlib.import_module(f"tests.forge.{path.stem}")
        extension = _EXTENSIONS.get(path.stem, f".{path.stem}")
        for name, value in sorted(vars(module).items()):
            if (
                name.startswith("_")
                or getattr(value, "__module__", module.__name__) != module.__name__
            ):
                continue
            for label, data in _bytes(name, value):
                yield f"{path.stem}-{label}{extension}", data


def write(folder: Path) -> Path:
    """Write every sample into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in samples():
        (folder / name.replace("/", "-")).write_bytes(data)
    return folder


def _bytes(label: str, value: Any) -> Iterator[tuple[str, bytes]]:
    if inspect.isfunction(value):
        parameters = inspect.signature(value).parameters.values()
        if all(parameter.default is not parameter.empty for parameter in parameters):
            yield from _bytes(label, value())
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _bytes(f"{label}-{key}", item)
    elif isinstance(value, str):
        yield label, value.encode("utf-8", "surrogateescape")
    elif isinstance(value, bytes):
        yield label, value
