"""What changed code says of models: the report behind `modelassay hook references`.

Invariants: references in changed files are judged, and nothing else; no network, and no model is
read, so that the price of a commit does not grow with the models in a repository.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from modelscan.dependencies import judging, lockfile
from modelscan.dependencies.check import check
from modelscan.dependencies.scopes import Scope, scopes
from modelscan.engine.catalogue import load
from modelscan.policy.layers import Policy
from modelscan.report.text import counted
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ModelReference
from modelscan.vocabulary.lock import Lock
from modelscan.vocabulary.result import Report

_DOUBTFUL: Final = frozenset({"absent", "other-revision", "not-lockable", "unresolved"})
"""What the lock may say of a reference for want of the files around it."""


class Told(NamedTuple):
    """A report, and its summary in one line."""

    report: Report
    summary: str


def told(paths: Sequence[Path], policy: Policy) -> Told:
    """Hold the models that changed code names against the lock.

    Each file is read by itself first. Only when that leaves a doubt, which an import or a folder
    elsewhere may settle, the whole working directory is read.

    Raises:
        SourceError: a path cannot be listed, or a lock cannot be read.
        UsageError: a lock is broken.
    """
    here = Path(os.path.realpath(Path.cwd()))
    found: list[ModelReference | Coverage] = []
    doubtful: dict[str, list[ModelReference | Coverage]] = {}
    for path in paths:
        alone = list(_held(scopes(path)))
        file = Path(os.path.realpath(path))
        if file.is_relative_to(here) and any(map(_doubt, alone)):
            doubtful[file.relative_to(here).as_posix()] = alone
        else:
            found += alone
    if doubtful:
        settled = list(_held(scopes(here), doubtful))
        seen = {_file(each) for each in settled}
        found += settled
        # what lies in an installed package or an environment is not read as a part of the whole
        found += [each for name, alone in doubtful.items() if name not in seen for each in alone]
    facts = [each for each in found if isinstance(each, ModelReference)]
    coverage = [each for each in found if isinstance(each, Coverage)]
    subject = judging.Subject(here.name or "code", facts, coverage)
    report = judging.passing(judging.report([subject], policy.profile, load()))
    named, files = counted(len(facts), "reference"), counted(len(paths), "changed file")
    return Told(report, f"{named} in {files} held against the lock.")


def _doubt(each: ModelReference | Coverage) -> bool:
    return isinstance(each, ModelReference) and each.lock in _DOUBTFUL


def _file(each: ModelReference | Coverage) -> str:
    return each.file if isinstance(each, Coverage) else each.location.file


def _held(
    parts: Iterable[Scope], only: Collection[str] | None = None
) -> Iterator[ModelReference | Coverage]:
    """The references of some code, held against its locks, and what could not be read of it.

    Args:
        parts: the code.
        only: files to look at, from the working directory; all of them by default.
    """
    for scope in parts:
        lock = Lock() if scope.lock is None else lockfile.read(scope.lock)
        references = tuple(
            each
            for each in scope.inventory.references
            if only is None or scope.shown + each.where.file in only
        )
        inventory = msgspec.structs.replace(scope.inventory, references=references)
        # One fact for each reference comes first, and what comes after it hashes local models:
        # that is the business of `hook lock`.
        for fact in islice(check(scope._replace(inventory=inventory), lock), len(references)):
            if isinstance(fact, ModelReference):
                file = scope.shown + fact.location.file
                place = msgspec.structs.replace(fact.location, file=file)
                yield msgspec.structs.replace(fact, location=place)
        for gap in scope.inventory.coverage:
            file = scope.shown + gap.file
            if only is None or file in only:
                yield msgspec.structs.replace(gap, file=file)
