"""Where the shipped rules and manifests are, and their compiled forms.

In a wheel they lie inside the package, compiled when it was built. In a checkout they lie beside
the package; their compiled forms are cached in the user's cache directory, under a key that changes
with the name, size or modification time of any source. A folder named `rules` in `site-packages` is
never used: any package could bring one.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Callable
from pathlib import Path

from modelscan._about import NAME
from modelscan.errors import ModelAssayError

_PACKAGE = Path(__file__).parent
_SHIPPED = _PACKAGE / "_data"
_CHECKOUT = _PACKAGE.parent

Buffer = bytes | mmap.mmap
"""Compiled data: a file mapped into memory, or bytes where no cache can be written."""


def folder(kind: str) -> Path:
    """The folder of sources of one kind: `rules` or `manifests`.

    Raises:
        ModelAssayError: this installation has none, so nothing can be judged.
    """
    for candidate in (_SHIPPED / kind, _CHECKOUT / kind if _is_checkout() else None):
        if candidate is not None and candidate.is_dir():
            return candidate
    raise ModelAssayError(f"this installation of {NAME} lacks its {kind}", "install it again")


def sources(root: Path, suffix: str) -> list[Path]:
    """The source files below a folder, sorted by their path relative to it."""
    return sorted(
        (path for path in root.rglob("*" + suffix) if path.is_file()),
        key=lambda path: path.relative_to(root).as_posix(),
    )


def source_digest(root: Path, suffix: str) -> str:
    """SHA-256 over the names and bytes of the source files below a folder, hexadecimal."""
    digest = hashlib.sha256()
    for path in sources(root, suffix):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def compiled(
    kind: str, suffix: str, version: int, compile_sources: Callable[[Path], bytes]
) -> Buffer:
    """The compiled form of one kind of source, built when it is not there yet.

    Args:
        kind: `rules` or `manifests`.
        suffix: extension of the source files, with its dot.
        version: number of the compiled format; another number never reads an older file.
        compile_sources: turns a folder of sources into the compiled bytes.
    """
    shipped = _SHIPPED / compiled_name(kind, version)
    if shipped.is_file():
        return _map(shipped)
    root = folder(kind)
    cached = _cache_folder() / f"{_state(root, suffix)}-{compiled_name(kind, version)}"
    if cached.is_file():
        return _map(cached)
    data = compile_sources(root)
    return _map(cached) if _write(cached, data) else data


def compiled_name(kind: str, version: int) -> str:
    """File name of a compiled form."""
    return f"{kind}-{version}.bin"


def _state(root: Path, suffix: str) -> str:
    """A key for the sources as they lie there. Reading them all would cost 10 ms at every start."""
    state = [str(root)]
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith(suffix):
                path = os.path.join(folder, name)  # noqa: PTH118  # a string: 100 paths cost 1 ms
                found = os.stat(path)  # noqa: PTH116  # the same
                state.append(f"{path}\0{found.st_size}\0{found.st_mtime_ns}")
    return hashlib.sha256("\n".join(sorted(state)).encode("utf-8", "surrogatepass")).hexdigest()[
        :32
    ]


def _is_checkout() -> bool:
    project = _CHECKOUT / "pyproject.toml"
    return project.is_file() and f'name = "{NAME}"' in project.read_text(encoding="utf-8")


def _cache_folder() -> Path:
    import platformdirs  # lazy: an installed wheel never asks for a cache

    return Path(platformdirs.user_cache_dir(NAME, appauthor=False)) / "compiled"


def _write(path: Path, data: bytes) -> bool:
    """Write a cache file whole or not at all; false where the cache cannot be written."""
    import tempfile  # lazy: a cache is written once and read at every start

    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as partial:
            partial.write(data)
        Path(partial.name).replace(path)
    except OSError:
        return False
    return True


def _map(path: Path) -> Buffer:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
