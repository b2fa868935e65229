"""`lock check` over whole paths: every lock below them, as one report with a summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from modelscan.dependencies import judging, lockfile
from modelscan.dependencies.check import check
from modelscan.dependencies.scopes import Scope, scopes
from modelscan.engine.catalogue import Catalogue
from modelscan.formats.repository.likeness import LikenessRelator
from modelscan.policy.profile import Profile
from modelscan.report.text import counted
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, ModelReference
from modelscan.vocabulary.lock import Lock
from modelscan.vocabulary.result import Report


class Checked(NamedTuple):
    """What a check found."""

    report: Report
    summary: str
    """One line for people."""


def check_paths(
    paths: Sequence[Path],
    profile: Profile,
    catalogue: Catalogue,
    *,
    exclude: Sequence[str] = (),
    lock: Path | None = None,
) -> Checked:
    """Hold every code base against the locks in charge of it.

    Args:
        paths: folders or files.
        profile: the policy that decides.
        catalogue: the rules that judge.
        exclude: globs on relative paths that are left out.
        lock: one lock for all of it, instead of those that lie around.

    Raises:
        SourceError: a path cannot be listed, or a lock cannot be read.
        UsageError: a lock is broken.
    """
    subjects: list[judging.Subject] = []
    locks: dict[Path, Lock] = {}
    references = 0
    for named in paths:
        # a lock that is named stands for the code that it is in charge of
        path = named.parent if named.name == lockfile.NAME and named.is_file() else named
        facts: list[Fact] = []
        publishers = LikenessRelator(catalogue.lists.publishers)
        coverage: list[Coverage] = []
        for scope in scopes(path, exclude):
            read = lock or scope.lock
            found = Lock()
            if read is not None:
                found = locks[read] = locks.get(read) or lockfile.read(read)
            references += len(scope.inventory.references)
            for each in check(scope, found):
                moved = _moved(each, scope)
                if isinstance(moved, Coverage):
                    coverage.append(moved)
                else:
                    facts.append(moved)
                    facts += _deceptive(moved, publishers)
        subjects.append(judging.Subject(path.name or path.resolve().name, facts, coverage))
    report = judging.report(subjects, profile, catalogue)
    if locks:
        report = judging.passing(report)
    return Checked(report, _summary(report, locks, references))


def _deceptive(fact: Fact, publishers: LikenessRelator) -> list[Fact]:
    """A name in the code that can be taken for a publisher's; who locked it looked at it then."""
    if not isinstance(fact, ModelReference) or not fact.remote or fact.lock != "absent":
        return []
    found = publishers.of_owner(fact.ref.removeprefix("hf:"), fact.location)
    return [found] if found and fact.ref.startswith("hf:") else []


def _moved(each: Fact | Coverage, scope: Scope) -> Fact | Coverage:
    """The same, named from the working directory: there a person, or a code host, finds it."""
    if not scope.shown:
        return each
    if isinstance(each, Coverage):
        return msgspec.structs.replace(each, file=scope.shown + each.file)
    if not each.location.file:
        return each
    place = msgspec.structs.replace(each.location, file=scope.shown + each.location.file)
    return msgspec.structs.replace(each, location=place)


def _summary(report: Report, locks: Mapping[Path, Lock], references: int) -> str:
    findings = [finding for model in report.models for finding in model.findings]
    serious = sum(finding.severity != "info" for finding in findings)
    unread = sum(gap.needed for model in report.models for gap in model.coverage)
    where = counted(len(locks), "lock") if locks else "no models.lock"
    models = sum(len(lock.model) for lock in locks.values())
    named, locked = counted(references, "reference"), counted(models, "locked model")
    parts = [
        f"{named} held against {locked} ({where})",
        counted(serious, "finding") if serious else "no findings",
    ]
    if unread:
        parts.append(f"{counted(unread, 'part')} not read")
    return ", ".join(parts) + "."
