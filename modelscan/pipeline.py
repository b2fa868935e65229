"""From a target to its report: the one function to read is `scan`.

    reference → snapshot → one pass over every file: digests and facts → relators → verifier
    → evidence → lineage → engine → findings → policy → report

Every file is opened once; the descriptor that is hashed is the one that is read, and size and
modification time are checked again afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from modelscan.budget import Limits
from modelscan.engine.catalogue import Catalogue
from modelscan.engine.evaluate import Engine
from modelscan.engine.hazards import load_hazards
from modelscan.errors import SourceError
from modelscan.fetcher.options import FetchOptions
from modelscan.fetcher.sources import take
from modelscan.formats.candidates import Candidates
from modelscan.formats.readers import deferred_readers
from modelscan.formats.repository.relator import RepositoryView
from modelscan.formats.repository.relators import relate
from modelscan.lineage.asked import Ancestry
from modelscan.lineage.descent import descent
from modelscan.passing import Pass, Progress, examine_all
from modelscan.policy.advisories import NONE as NO_ADVISORIES
from modelscan.policy.advisories import Advisories
from modelscan.policy.baseline import Baseline
from modelscan.policy.gate import Outcome
from modelscan.policy.judge import judge
from modelscan.policy.profile import Profile
from modelscan.policy.situation import Situation
from modelscan.results import approvals_of, model_facts
from modelscan.verifier.checks import verify
from modelscan.verifier.request import Request
from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.digest import model_digest
from modelscan.vocabulary.evidence import OfficialBytes, Signed
from modelscan.vocabulary.ref import Kind, ModelRef
from modelscan.vocabulary.result import (
    Allowed,
    Answers,
    FileEntry,
    LoadHazards,
    ModelFacts,
    ModelReport,
)
from modelscan.vocabulary.snapshot import (
    Snapshot,
    Source,
    SourceFile,
    SourceKind,
)

if TYPE_CHECKING:
    from concurrent.futures import Executor


class Tools(msgspec.Struct, frozen=True):
    """What is prepared once for all targets."""

    catalogue: Catalogue
    engine: Engine
    readers: Candidates
    profile: Profile
    limits: Limits
    baseline: Baseline | None = None
    request: Request = Request()
    """What is asked of the verifier."""
    fetch: FetchOptions = FetchOptions()
    """How models are fetched that are not on this machine."""
    advisories: Advisories = NO_ADVISORIES
    """What is known to be bad."""
    ancestry: Ancestry = Ancestry()
    """What the weights are compared with."""

    @classmethod
    def prepare(
        cls,
        catalogue: Catalogue,
        profile: Profile,
        limits: Limits | None = None,
        baseline: Baseline | None = None,
    ) -> Tools:
        """Tools for a catalogue of rules and a policy."""
        engine = Engine(catalogue.rules.values(), profile.persona)
        readers = Candidates(deferred_readers(catalogue.lists))
        return cls(catalogue, engine, readers, profile, limits or Limits(), baseline)


class Selection(msgspec.Struct, frozen=True):
    """Which files of a model are looked at."""

    include: tuple[str, ...] = ()
    """Globs on the path inside the model; none means all."""
    exclude: tuple[str, ...] = ()
    """Globs that take files out again."""

    def takes(self, name: str) -> bool:
        """True for a file that is to be looked at."""
        if not self.include and not self.exclude:
            return True
        included = not self.include or any(fnmatchcase(name, glob) for glob in self.include)
        return included and not any(fnmatchcase(name, glob) for glob in self.exclude)

    def within(self, snapshot: Snapshot) -> Callable[[str], bool]:
        """The same, without what the reference itself leaves out."""
        return lambda name: name not in snapshot.left_out and self.takes(name)


EVERYTHING = Selection()


class Scanned(NamedTuple):
    """A target's report and what it means for the gate."""

    report: ModelReport
    outcome: Outcome


def scan(
    target: str,
    tools: Tools,
    *,
    selection: Selection = EVERYTHING,
    workers: Executor | int = 1,
    progress: Progress | None = None,
    absolute_paths: bool = False,
) -> Scanned:
    """Answer the five questions about one target. Never raises for what the target is or holds."""
    # 1. The reference becomes a snapshot: files to open, and what could not be opened.
    try:
        model = ModelRef.parse(target)
        snapshot = take(model, watched(tools.fetch, model, progress))
    except SourceError as error:
        return unreadable(target, tools.profile, error)
    return scan_snapshot(
        snapshot,
        tools,
        selection=selection,
        workers=workers,
        progress=progress,
        absolute_paths=absolute_paths,
    )


def scan_snapshot(
    snapshot: Snapshot,
    tools: Tools,
    *,
    selection: Selection = EVERYTHING,
    workers: Executor | int = 1,
    progress: Progress | None = None,
    absolute_paths: bool = False,
) -> Scanned:
    """Steps 2 to 8, for whoever has a snapshot: `pull` scans the copies that it will hand out."""
    takes = selection.within(snapshot)
    files = [file for file in snapshot.files if takes(file.name)]
    if progress:
        expected = sum(file.size for file in files if file.access != "ranges")
        progress.start(snapshot.ref, len(files), expected)

    with closing(snapshot):  # within, its files can be opened
        # 2. One pass over every file: digests, facts, and what was not looked at.
        plan = tools.request.plan(snapshot, takes)
        within = Pass(tools.readers, tools.limits, plan, progress)
        examined = examine_all(files, within, workers, snapshot.close)
        entries = tuple(item.entry for item in examined)
        facts = [*snapshot.facts, *(fact for item in examined for fact in item.facts)]
        coverage = [*snapshot.coverage, *(entry for item in examined for entry in item.coverage)]
        coverage += _left_out(snapshot, files)

        # 3. The relators hold the files against each other.
        facts += relate(RepositoryView.of(snapshot, entries), facts, tools.catalogue.lists)
        if sum(entry.format == "safetensors" for entry in entries) > 1:
            from modelscan.formats.repository.shadows import shadowed  # lazy: of shards alone

            stated, uncompared = shadowed(files, facts, tools.limits)
            facts += stated
            coverage += uncompared

        # 4. The verifier holds digests and signatures against what was published.
        official, signed, checks = verify(entries, facts, snapshot.claimed, plan.checks)
        facts += checks

        # 5. Lineage: what the model descends from.
        lineage, measured, unmeasured, picture = descent(files, facts, tools.ancestry, tools.limits)
        facts += measured
        if tools.ancestry.bases:
            from modelscan.lineage.templates import template_differences  # lazy: seldom asked

            facts += template_differences(files, tools.ancestry, tools.limits)

    # 6. The engine turns facts into findings, one for each cause.
    findings = tools.engine.evaluate(facts)
    hazards = load_hazards(findings, coverage)
    coverage += unmeasured  # a gap of lineage leaves no hazard unseen

    # 7. The policy decides.
    digest = _digest(entries, complete=len(files) == len(snapshot.files))
    situation = Situation(
        source=snapshot.source,
        claimed=snapshot.claimed,
        digest=digest,
        files=entries,
        hazards=hazards,
        official=official,
        signed=signed,
        lineage=lineage,
        findings=findings,
        coverage=coverage,
        facts=facts,
        weights_roots=(str(picture["weights_root"]),) if "weights_root" in picture else (),
    )
    judged = judge(
        tools.profile,
        situation,
        tools.engine.evaluate,
        ref=snapshot.ref,
        baseline=tools.baseline,
        advisories=tools.advisories,
    )
    allowed = judged.allowed
    outcome: Outcome = allowed.status
    if outcome == "pass" and not any(item.recognised for item in examined):
        outcome = "nothing"
        hazards, allowed = _nothing(len(entries), tools.profile)

    # 8. All of it becomes the report.
    report = ModelReport(
        ref=snapshot.path if absolute_paths and snapshot.path else snapshot.ref,
        source=snapshot.source,
        digest=digest,
        files=entries,
        answers=Answers(
            load_hazards=hazards,
            official_bytes=official,
            signed=signed,
            descends_from=lineage,
            allowed=allowed,
        ),
        findings=judged.findings,
        coverage=tuple(coverage),
        facts=msgspec.structs.replace(model_facts(facts), lineage=dict(picture)),
        fixed=judged.fixed,
        approvals=approvals_of(tools.profile, digest),
    )
    return Scanned(report, outcome)


def watched(fetch: FetchOptions, model: ModelRef, progress: Progress | None) -> FetchOptions:
    """The options, with somebody to tell how many files are known and bytes have come in."""
    if progress is None:
        return fetch
    listed = partial(progress.listing, model.shown)
    return msgspec.structs.replace(fetch, arrived=progress.advance, listed=listed)


def _left_out(snapshot: Snapshot, files: Sequence[SourceFile]) -> Iterable[Coverage]:
    if len(files) == len(snapshot.files):
        return
    taken = {file.name for file in files}
    for file in snapshot.files:
        if file.name not in taken:
            yield Coverage(file=file.name, status="skipped", reason="left out on the command line")


def _digest(entries: Sequence[FileEntry], *, complete: bool) -> str | None:
    """The model's identity, unless a file was left out or could not be hashed."""
    if not complete or not all(entry.digests for entry in entries):
        return None
    return model_digest((entry.path, entry.size, entry.digests["sha256"]) for entry in entries)


def _nothing(count: int, profile: Profile) -> tuple[LoadHazards, Allowed]:
    reason = f"no model or code among {count} files" if count else "no files"
    return (
        LoadHazards(status="incomplete", reason=reason),
        Allowed(status="incomplete", policy=profile.name, reason=f"nothing to scan: {reason}"),
    )


_UNREAD: dict[Kind, SourceKind] = {
    "path": "file", "hub": "hub", "ollama": "ollama", "oci": "oci", "url": "url", "store": "url",
}  # fmt: skip
"""What the source of a target is called that could not be read."""


def unreadable(target: str, profile: Profile, error: SourceError) -> Scanned:
    """A target that could not be listed still has its entry, with nothing answered."""
    message = f"{error.message} ({error.hint})" if error.hint else error.message
    reason = "the target could not be read"
    report = ModelReport(
        ref=ModelRef.parse(target).shown,
        source=Source(kind=_UNREAD[ModelRef.parse(target).kind]),
        digest=None,
        files=(),
        answers=Answers(
            load_hazards=LoadHazards(status="incomplete", reason=reason),
            official_bytes=OfficialBytes(status="error", reason=reason),
            signed=Signed(status="error", reason=reason),
            descends_from=Lineage(status="unknown", tier="none", reason=reason),
            allowed=Allowed(status="incomplete", policy=profile.name, reason=message),
        ),
        findings=(),
        coverage=(),
        facts=ModelFacts(),
        error=message,
    )
    return Scanned(report, "incomplete")
