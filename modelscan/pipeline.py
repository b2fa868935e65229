"""From a target to its report: the one function to read is `scan`.

    reference → snapshot → one pass over every file: digests and facts → relators → verifier
    → evidence → lineage → engine → findings → policy → report

Every file is opened once; the descriptor that is hashed is the one that is read, and size and
modification time are checked again afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from modelscan.budget import Budget, Limits
from modelscan.engine.catalogue import Catalogue
from modelscan.engine.evaluate import Engine
from modelscan.engine.hazards import load_hazards
from modelscan.errors import ReadError, SourceError
from modelscan.fetcher.sources import take
from modelscan.formats.candidates import Candidates
from modelscan.formats.readers import readers_for
from modelscan.formats.repository.relator import RepositoryView
from modelscan.formats.repository.relators import relate
from modelscan.formats.routing import Reading
from modelscan.lineage.verdict import descends_from
from modelscan.policy.baseline import Baseline
from modelscan.policy.gate import Outcome
from modelscan.policy.judge import judge
from modelscan.policy.profile import Profile
from modelscan.policy.situation import Situation
from modelscan.verifier.checks import verify
from modelscan.verifier.hashing import Digester, algorithms_for, digest_bytes
from modelscan.verifier.request import Plan, Request
from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.artifact import CHUNK, Artifact, BytesArtifact, stream
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.digest import model_digest
from modelscan.vocabulary.evidence import OfficialBytes, Signed
from modelscan.vocabulary.fact import Fact, ModelClaim, SignatureCheck
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.result import (
    Allowed,
    Answers,
    FileEntry,
    LoadHazards,
    ModelFacts,
    ModelReport,
)
from modelscan.vocabulary.snapshot import OpenArtifact, Snapshot, Source, SourceFile

if TYPE_CHECKING:
    from concurrent.futures import Executor

SMALL = CHUNK
"""Files up to this many bytes are held in memory: hashed and read from the very same bytes."""
_THREADED = 8 << 20
"""Files from this many bytes on are worth a thread: hashing releases the interpreter lock."""


class Progress(Protocol):
    """Whoever wants to watch. Called from several threads."""

    def start(self, ref: str, files: int, size: int) -> None:
        """A model of `files` files and `size` bytes is about to be read."""

    def advance(self, size: int) -> None:
        """So many more bytes have been read."""

    def file_done(self) -> None:
        """One more file is done."""


class Tools(NamedTuple):
    """What is prepared once for all targets."""

    catalogue: Catalogue
    engine: Engine
    readers: Candidates
    profile: Profile
    limits: Limits
    baseline: Baseline | None = None
    request: Request = Request()
    """What is asked of the verifier."""

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
        readers = Candidates(readers_for(catalogue.lists))
        return cls(catalogue, engine, readers, profile, limits or Limits(), baseline)


class Selection(NamedTuple):
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


EVERYTHING = Selection()


class Scanned(NamedTuple):
    """A target's report and what it means for the gate."""

    report: ModelReport
    outcome: Outcome


class _Examined(NamedTuple):
    entry: FileEntry
    facts: list[Fact]
    coverage: list[Coverage]
    recognised: bool


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
        snapshot = take(ModelRef.parse(target))
    except SourceError as error:
        return _unreadable(target, tools.profile, error)
    files = [file for file in snapshot.files if selection.takes(file.name)]
    if progress:
        progress.start(snapshot.ref, len(files), sum(file.size for file in files))

    # 2. One pass over every file: digests, facts, and what was not looked at.
    plan = tools.request.plan(snapshot, selection.takes)
    examined = _examine_all(files, tools, plan, workers, progress)
    entries = tuple(item.entry for item in examined)
    facts = [*snapshot.facts, *(fact for item in examined for fact in item.facts)]
    coverage = [*snapshot.coverage, *(entry for item in examined for entry in item.coverage)]
    coverage += _left_out(snapshot, files)

    # 3. The relators hold the files against each other.
    facts += relate(RepositoryView.of(snapshot, entries), facts)

    # 4. The verifier holds digests and signatures against what was published.
    official, signed, checks = verify(entries, facts, snapshot.claimed, plan.checks)
    facts += checks

    # 5. Lineage: what the model descends from.
    lineage = descends_from(facts)

    # 6. The engine turns facts into findings, one for each cause.
    findings = tools.engine.evaluate(facts)
    hazards = load_hazards(findings, coverage)

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
    )
    judged = judge(
        tools.profile, situation, tools.engine.evaluate, ref=snapshot.ref, baseline=tools.baseline
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
        facts=_model_facts(facts),
        fixed=judged.fixed,
    )
    return Scanned(report, outcome)


def _examine_all(
    files: Sequence[SourceFile],
    tools: Tools,
    plan: Plan,
    workers: Executor | int,
    progress: Progress | None,
) -> list[_Examined]:
    """Examine every file: several large ones at once, the largest first, the rest one by one."""
    large = sorted((file for file in files if file.size >= _THREADED), key=lambda file: -file.size)
    done: dict[str, _Examined] = {}
    if len(large) > 1 and workers != 1:
        with _pool(workers) as pool:
            examined = pool.map(lambda file: _examine(file, tools, plan, progress), large)
            done = {item.entry.path: item for item in examined}
    return [done.get(file.name) or _examine(file, tools, plan, progress) for file in files]


def _pool(workers: Executor | int) -> AbstractContextManager[Executor]:
    """The caller's executor, left open, or threads of our own."""
    if not isinstance(workers, int):
        return nullcontext(workers)
    from concurrent.futures import ThreadPoolExecutor  # lazy: models of one file need no threads

    return ThreadPoolExecutor(workers)


def _examine(file: SourceFile, tools: Tools, plan: Plan, progress: Progress | None) -> _Examined:
    """Open one file, hash it and read it, through one descriptor."""
    facts: list[Fact] = []
    coverage: list[Coverage] = []
    digests: dict[str, str] = {}
    size, form, recognised = file.size, "unknown", False
    try:
        with file.open() as artifact:
            size = artifact.size
            digests, readable = _hash(artifact, plan, progress)
            reading = Reading(readable, tools.readers, Budget(tools.limits))
            for item in reading:
                if isinstance(item, Fact):
                    facts.append(item)
                else:
                    coverage.append(item)
            form, recognised = reading.format, reading.recognised
            trouble = "changed while it was being read" if artifact.changed() else ""
    except ReadError as error:
        trouble = error.message
    if trouble:  # what was found stays; that everything was read does not
        digests = {}
        coverage = [entry for entry in coverage if entry.status != "read"]
        coverage.append(Coverage(file=file.name, status="unreadable", needed=True, reason=trouble))
    if progress:
        progress.file_done()
    entry = FileEntry(path=file.name, size=size, digests=digests, format=form)
    return _Examined(entry, facts, coverage, recognised)


def _hash(
    artifact: OpenArtifact, plan: Plan, progress: Progress | None
) -> tuple[dict[str, str], Artifact]:
    """The digests of a file, and the artifact to read: its bytes in memory when it is small."""
    name, size = artifact.name, artifact.size
    wanted = (*algorithms_for(size, name), *plan.algorithms_for(size, name))
    watchers = plan.watchers(name, size)
    if size <= SMALL:
        data = artifact.read_at(0, size)
        if len(data) != size:
            raise ReadError("became shorter while it was being read")
        if progress:
            progress.advance(size)
        for watcher in watchers:
            watcher.update(data)
        return digest_bytes(data, wanted), BytesArtifact(name, data)
    digester = Digester(size, wanted)
    hashed = 0
    for chunk in stream(artifact):
        digester.update(chunk)
        for watcher in watchers:
            watcher.update(chunk)
        hashed += len(chunk)
        if progress:
            progress.advance(len(chunk))
    if hashed != size:
        raise ReadError("became shorter while it was being read")
    return digester.result(), artifact


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


def _model_facts(facts: Sequence[Fact]) -> ModelFacts:
    claims = [fact for fact in facts if isinstance(fact, ModelClaim)]
    return ModelFacts(
        licence=tuple(sorted({claim.value for claim in claims if claim.claim == "licence"})),
        claims=tuple(
            {
                "claim": claim.claim,
                "value": claim.value,
                "relation": claim.relation,
                "file": claim.location.file,
            }
            for claim in claims
        ),
        provenance=_provenance(facts),
    )


def _provenance(facts: Iterable[Fact]) -> dict[str, object]:
    """Every signature that was looked at: there may be more than the one that decides."""
    signatures = [
        {
            "file": fact.location.file,
            "method": fact.method,
            "outcome": fact.outcome,
            "signer": fact.signer,
            "root": fact.root,
        }
        for fact in facts
        if isinstance(fact, SignatureCheck) and fact.outcome != "unsigned"
    ]
    return {"signatures": signatures} if signatures else {}


def _nothing(count: int, profile: Profile) -> tuple[LoadHazards, Allowed]:
    reason = f"no model or code among {count} files" if count else "no files"
    return (
        LoadHazards(status="incomplete", reason=reason),
        Allowed(status="incomplete", policy=profile.name, reason=f"nothing to scan: {reason}"),
    )


def _unreadable(target: str, profile: Profile, error: SourceError) -> Scanned:
    """A target that could not be listed still has its entry, with nothing answered."""
    message = f"{error.message} ({error.hint})" if error.hint else error.message
    reason = "the target could not be read"
    report = ModelReport(
        ref=Path(target).name or target,
        source=Source(kind="file"),
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
