"""A model in a Hugging Face hub cache, read where it lies.

The layout (huggingface_hub's "cache-system reference"): `models--<org>--<name>/` holds `blobs/`,
`refs/<branch>` files with a commit each, and `snapshots/<commit>/` whose files are links into
`blobs/`. Folder, ref and blob names are claims: a blob named after the wrong SHA-256 is accepted by
the client (measured), so every byte is hashed here like any other.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from modelscan.errors import SourceError
from modelscan.fetcher.local import list_folder
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot, Source

_REPOSITORY = re.compile(r"models--(?P<id>[^/\\]+)")
_COMMIT = re.compile(r"[0-9a-f]{40}")


class HubCache:
    """`models--<org>--<name>`, or one of the snapshots in it."""

    def accepts(self, ref: ModelRef) -> bool:
        """See `ModelSource.accepts`."""
        return ref.kind == "path" and _repository_of(Path(os.path.realpath(ref.text))) is not None

    def snapshot(self, ref: ModelRef) -> Snapshot:
        """See `ModelSource.snapshot`. The repository's folder stands for its `main` snapshot."""
        path = Path(os.path.realpath(ref.text))
        repository = _repository_of(path)
        if repository is None:
            raise SourceError("no longer a hub cache", "check the path")
        asked = None
        if path == repository:
            asked, path = _default_snapshot(repository)
        found = _REPOSITORY.fullmatch(repository.name)
        identity = "/".join(found["id"].split("--")) if found else repository.name
        revision = path.name if _COMMIT.fullmatch(path.name) else None
        claimed = f"hf:{identity}" + (f"@{revision}" if revision else "")
        return list_folder(
            path,
            root=repository,
            ref=claimed,
            source=Source(kind="hub-cache", revision=revision, asked_revision=asked),
            claimed=claimed,
        )


def _repository_of(path: Path) -> Path | None:
    """The cache folder of a repository that a path is, or that it is a snapshot of."""
    for candidate in (path, *path.parents[1:2]):
        inside = candidate == path or path.parent.name == "snapshots"
        if inside and _REPOSITORY.fullmatch(candidate.name) and (candidate / "snapshots").is_dir():
            return candidate
    return None


def _main_commit(path: Path) -> str:
    try:
        if not path.is_file():  # a FIFO would make us wait for ever
            return ""
        with path.open("rb") as file:
            return file.read(64).decode("ascii", "replace").strip()
    except OSError:
        return ""


def _default_snapshot(repository: Path) -> tuple[str | None, Path]:
    """The snapshot that `main` points to, else the only one there is.

    Raises:
        SourceError: there is none, or there are several and nothing says which is meant.
    """
    commit = _main_commit(repository / "refs" / "main")
    if _COMMIT.fullmatch(commit) and (repository / "snapshots" / commit).is_dir():
        return "main", repository / "snapshots" / commit
    try:
        snapshots = sorted(
            entry for entry in (repository / "snapshots").iterdir() if entry.is_dir()
        )
    except OSError:
        snapshots = []
    if len(snapshots) == 1:
        return None, snapshots[0]
    if not snapshots:
        raise SourceError("this hub cache holds no snapshot", "download the model again")
    names = ", ".join(snapshot.name for snapshot in snapshots)
    raise SourceError("several snapshots and no main", f"name one: snapshots/{names}")
