"""What is wrong with changed model files: the report behind `modelassay hook files`.

Invariants: nothing but the changed files is read; no network; an LFS pointer passes only when a
lock says that somebody agreed to exactly the bytes that it names.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

import msgspec

from modelscan import api
from modelscan.dependencies import judging, measure
from modelscan.engine.catalogue import load
from modelscan.errors import ReadError
from modelscan.fetcher.local import LocalFile
from modelscan.fetcher.options import FetchOptions
from modelscan.policy.gate import decide
from modelscan.policy.layers import Policy
from modelscan.report.text import counted
from modelscan.vocabulary.fact import Fact, LfsPointer, LockCheck
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.lock import Lock, LockedModel
from modelscan.vocabulary.result import ModelReport, Report


class Told(NamedTuple):
    """A report, and its summary in one line."""

    report: Report
    summary: str


class _Vouched(NamedTuple):
    """What the locks say of pointers."""

    files: frozenset[Path]
    """Pointers to bytes that somebody agreed to."""
    facts: tuple[Fact, ...]
    """About all others that a lock is in charge of."""


_NONE: Final = _Vouched(frozenset(), ())


def told(paths: Sequence[Path], policy: Policy) -> Told:
    """Scan model files one by one; LFS pointers are held against the lock in charge of them.

    A pointer to bytes that are locked needs no scan: they were looked at when they were locked. Any
    other one is scanned, which says that the bytes are not here.

    Raises:
        UsageError: a lock is broken, or a rule of the configuration is.
    """
    pointers = _pointers(paths)
    vouched = _vouched(pointers) if pointers else _NONE
    left = [path for path in paths if path not in vouched.files]
    reports: list[Report] = []
    if left:
        offline = FetchOptions(offline=True)  # a link in a model must not become a request
        found = api.scan(*left, policy=policy, fetch=offline)
        models = tuple(_named(*pair) for pair in zip(found.models, left, strict=True))
        reports.append(msgspec.structs.replace(found, models=models))
    if vouched.facts or not left:
        subject = judging.Subject("models.lock", vouched.facts)
        reports.append(judging.report([subject], policy.profile, load()))
    report = msgspec.structs.replace(
        reports[0],
        models=tuple(model for each in reports for model in each.models),
        rules={name: rule for each in reports for name, rule in each.rules.items()},
        decision=decide(each.decision.status for each in reports),
    )
    summary = f"{counted(len(left), 'file')} scanned"
    if vouched.files:
        summary += f", {counted(len(vouched.files), 'LFS pointer')} as locked"
    return Told(judging.passing(report), f"{summary}.")


def _vouched(pointers: Mapping[Path, LfsPointer]) -> _Vouched:
    """What the locks say of pointers.

    Raises:
        UsageError: a lock is broken.
    """
    from modelscan.dependencies import lockfile  # lazy: pointers are rare in a working tree
    from modelscan.dependencies.scopes import upward  # lazy: the same, and it brings all finders

    vouched: set[Path] = set()
    facts: list[Fact] = []
    locks: dict[Path, Lock] = {}
    for path, found in pointers.items():
        real = Path(os.path.realpath(path))
        home = upward(real.parent)
        if home is None:
            continue
        lock = locks[home] = locks.get(home) or lockfile.read(home / lockfile.NAME)
        inside = real.relative_to(home).as_posix()
        fact = _against(lock, inside, found, path.as_posix())
        if fact is None:
            vouched.add(path)
        else:
            facts.append(fact)
    return _Vouched(frozenset(vouched), tuple(facts))


def _pointers(paths: Iterable[Path]) -> dict[Path, LfsPointer]:
    """The LFS pointers among some files."""
    return {path: found for path in paths if (found := _pointer(path)) is not None}


def _pointer(path: Path) -> LfsPointer | None:
    """What an LFS pointer names; `None` for anything else, and for what the scan cannot read."""
    if path.is_symlink() or not path.is_file():
        return None
    try:
        with LocalFile(path.name, str(path.absolute()), path.stat().st_size).open() as artifact:
            return measure.pointer(artifact)
    except (OSError, ReadError):
        return None  # the scan says why


def _against(lock: Lock, inside: str, found: LfsPointer, shown: str) -> LockCheck | None:
    """What disagrees between a pointer and its lock; `None` when nothing does."""
    from modelscan.dependencies.local import RISKY  # lazy: as above

    executable = inside.lower().endswith(RISKY)
    model = _around(lock, inside)
    if model is None:
        return LockCheck(
            location=Location(shown),
            outcome="model-unlocked",
            ref=f"./{inside}",
            executable=executable,
            status="absent",
        )
    root = PurePosixPath(model.ref)
    whole = PurePosixPath(inside)
    file = whole.name if whole == root else whole.relative_to(root).as_posix()
    expected = next((each for each in model.files if each.path == file), None)
    if expected is not None and (expected.sha256, expected.size) == (found.oid, found.size):
        return None
    return LockCheck(
        location=Location(shown),
        outcome="file-added" if expected is None else "file-differs",
        ref=model.ref,
        file=file,
        expected=expected.sha256 if expected else "",
        found=found.oid,
        executable=executable,
        status="declared",
    )


def _around(lock: Lock, inside: str) -> LockedModel | None:
    """The locked model that a file belongs to: the innermost one, where they are nested."""
    whole = PurePosixPath(inside)
    around = [model for model in lock.model if model.local and whole.is_relative_to(model.ref[2:])]
    return max(around, key=lambda model: len(model.ref), default=None)


def _named(model: ModelReport, path: Path) -> ModelReport:
    """A scan's report with files named as they were on the command line."""
    single = path.is_file()

    def moved(file: str) -> str:
        return path.as_posix() if single else f"{path.as_posix()}/{file}"

    findings = []
    for each in model.findings:
        place = msgspec.structs.replace(each.location, file=moved(each.location.file))
        message = each.message
        if each.location.file:
            message = message.replace(str(each.location), str(place), 1)
        findings.append(msgspec.structs.replace(each, location=place, message=message))
    coverage = tuple(
        msgspec.structs.replace(each, file=moved(each.file)) for each in model.coverage
    )
    return msgspec.structs.replace(
        model, ref=path.as_posix(), findings=tuple(findings), coverage=coverage
    )
