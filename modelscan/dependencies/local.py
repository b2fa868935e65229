"""A locked model that lies beside the code, held against its table in the lock.

Invariants: every file is hashed; nothing outside the lock's folder is opened; what cannot be read
is needed coverage, never silence.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from modelscan.dependencies import measure
from modelscan.errors import SourceError
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.digest import is_module
from modelscan.vocabulary.fact import Fact, LockCheck
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.lock import LockedModel

PICKLES = frozenset({"pickle", "pytorch", "joblib", "torch7", "java serialization", "rds"})
"""Formats whose loaders rebuild objects, and run code for it."""
CODE_FORMATS = PICKLES | {"keras", "hdf5", "numpy", "python source", "notebook", "tensorflow graph"}
"""Formats of which some files run code when they are loaded."""
RISKY = (".pkl", ".pickle", ".bin", ".pt", ".pth", ".ckpt", ".joblib", ".dill", ".h5", ".keras")
"""Extensions of files that loaders deserialise, for files that no reader has looked at."""


def local(folder: Path, model: LockedModel) -> Iterator[Fact | Coverage]:
    """A locked model that lies beside the code: every file held against its digest."""
    inside = model.ref[2:]
    path = folder / inside
    if not _within(path, folder):
        yield _gap(inside, "a link that leads outside the lock's folder")
        return
    try:
        measured = list(measure.files(path))
    except SourceError as error:
        if not path.exists():
            yield LockCheck(
                location=Location(inside), outcome="model-missing", ref=model.ref, status="absent"
            )
        else:
            yield _gap(inside, error.message)
        return
    single = path.is_file()
    locked = {file.path: file for file in model.files}
    for each in measured:
        if isinstance(each, Coverage):
            yield _moved(each, inside if single else f"{inside}/{each.file}")
            locked.pop(each.file, None)
            continue
        place = Location(inside if single else f"{inside}/{each.path}")
        expected = locked.pop(each.path, None)
        if expected is None:
            yield LockCheck(
                location=place,
                outcome="file-added",
                ref=model.ref,
                file=each.path,
                found=each.sha256,
                executable=is_module(each.path) or each.path.lower().endswith(RISKY),
            )
        elif (expected.sha256, expected.size) != (each.sha256, each.size):
            yield LockCheck(
                location=place,
                outcome="file-differs",
                ref=model.ref,
                file=each.path,
                expected=expected.sha256,
                found=each.sha256,
                executable=is_module(each.path) or expected.format in CODE_FORMATS,
                status="declared" if each.declared else "verified",
            )
    for gone in locked.values():
        yield LockCheck(
            location=Location(f"{inside}/{gone.path}"),
            outcome="file-missing",
            ref=model.ref,
            file=gone.path,
            expected=gone.sha256,
            status="absent",
        )


def _within(path: Path, folder: Path) -> bool:
    root = os.path.realpath(folder)
    return f"{os.path.realpath(path)}{os.sep}".startswith(f"{root.rstrip(os.sep)}{os.sep}")


def _gap(file: str, reason: str) -> Coverage:
    return Coverage(file=file, status="unreadable", needed=True, reason=reason)


def _moved(gap: Coverage, file: str) -> Coverage:
    return Coverage(
        file=file, member=gap.member, status=gap.status, needed=gap.needed, reason=gap.reason
    )
