"""The public door: what other programs call.

`scan` answers the five questions about models on disk. Everything it returns is a frozen value from
`modelscan.vocabulary`; nothing in it is ever loaded, imported or run.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelscan._about import NAME, VERSION
from modelscan.budget import Limits
from modelscan.containment import door as containment
from modelscan.dependencies.door import (
    diff,
    find,
    lock_changes,
    lock_check,
    lock_outdated,
    lock_update,
    lock_write,
)
from modelscan.engine.catalogue import load
from modelscan.errors import UsageError
from modelscan.fetcher.options import FetchOptions
from modelscan.formats.candidates import Candidates
from modelscan.lineage.asked import Ancestry
from modelscan.lineage.configured import Library, Placed, library_of
from modelscan.passing import Progress
from modelscan.pipeline import Scanned, Selection, Tools
from modelscan.pipeline import scan as scan_target
from modelscan.policy.baseline import Baseline
from modelscan.policy.clock import now
from modelscan.policy.discovery import inside
from modelscan.policy.gate import decide
from modelscan.policy.layers import Policy, plain
from modelscan.policy.layers import load as load_policy
from modelscan.policy.limits import check_names
from modelscan.policy.profile import DEFAULT, Profile
from modelscan.verifier.configured import pin, sets_of, trust_of
from modelscan.verifier.freshness import Seen
from modelscan.verifier.request import Request
from modelscan.vocabulary.lock import LockedModel
from modelscan.vocabulary.reference import Inventory
from modelscan.vocabulary.result import PolicyEntry, Report, Tool
from modelscan.vocabulary.rule import Severity

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from modelscan.containment.write import Written
    from modelscan.dependencies.pull import Job, Pulled
    from modelscan.dependencies.transfer_writing import Wish
    from modelscan.verifier.trust import Trust

__all__ = [
    "FetchOptions",
    "Inventory",
    "Limits",
    "Policy",
    "Progress",
    "Report",
    "Request",
    "compare",
    "contain",
    "diff",
    "find",
    "fingerprint",
    "inventory",
    "load_policy",
    "lock_changes",
    "lock_check",
    "lock_outdated",
    "lock_update",
    "lock_write",
    "pin_signers",
    "pull",
    "receive",
    "scan",
    "verify",
    "write_containment",
]

_PRODUCTION_AGE = 30
"""Days after which a fetched set of manifests is too old for the profile `production`."""


def scan(  # noqa: PLR0913  # one keyword for each choice that a caller has
    *targets: str | Path,
    rules: Sequence[Path] = (),
    policy: Policy | None = None,
    fail_on: Severity | None = None,
    baseline: str | Path | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    jobs: int | None = None,
    executor: Executor | None = None,
    limits: Limits | None = None,
    fetch: FetchOptions | None = None,
    bases: Sequence[str | Path] = (),
    absolute_paths: bool = False,
    progress: Progress | None = None,
) -> Report:
    r"""Look at models before they are deployed, and answer five questions about each.

    A folder is one model, and so is a single file:

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> model = Path(folder.name, "model")
    >>> model.mkdir()
    >>> _ = Path(model, "config.json").write_text('{"_name_or_path": "org/base"}')
    >>> report = scan(model)

    The report holds one entry for each target, in the order given, and one decision over all:

    >>> report.decision.status, report.decision.exit_code
    ('pass', 0)

    Each entry answers the five questions, every answer with its reason:

    >>> answers = report.models[0].answers
    >>> answers.load_hazards.status
    'none-found'
    >>> answers.descends_from.status, answers.descends_from.base
    ('claimed', 'org/base')

    A pickle runs code when it is loaded. This one would run ``echo``; it is read, never loaded:

    >>> _ = Path(model, "weights.pkl").write_bytes(b"cposix\nsystem\n(S'echo hi'\ntR.")
    >>> report = scan(model)
    >>> report.decision.status
    'fail'
    >>> finding = report.models[0].findings[0]
    >>> finding.rule, finding.severity, str(finding.location)
    ('pickle-dangerous-call', 'critical', 'weights.pkl @0')

    What was not looked at is part of the report. A gap that matters makes it incomplete:

    >>> Path(model, "weights.pkl").unlink()
    >>> _ = Path(model, "weights.safetensors").write_bytes(b"too short")
    >>> report = scan(model)
    >>> report.decision.status
    'incomplete'
    >>> [(gap.file, gap.status) for gap in report.models[0].coverage if gap.needed]
    [('weights.safetensors', 'unreadable')]

    A target that cannot be read has its entry, too, with the reason:

    >>> scan(Path(model, "nowhere")).models[0].error
    'not found (check the path)'
    >>> folder.cleanup()

    Args:
        targets: paths of folders, files or hub cache folders; `hf:org/name@revision`.
        rules: folders with rules and lists of your own, beside the shipped ones.
        policy: what is allowed, from `load_policy`; by default the built-in profile `default`,
            whatever configuration lies around.
        fail_on: the least severity that fails, instead of the policy's.
        baseline: an earlier native report, with which only new findings fail.
        include: globs of the files to look at; none means all.
        exclude: globs of files to leave out.
        jobs: threads that hash large files; by default as many as there are processors, at most 8.
        executor: used instead of threads of our own, and not shut down.
        limits: how much one file may cost.
        fetch: how models are fetched that are not on this machine.
        bases: models or fingerprints that the weights are compared with; several for a merge.
        absolute_paths: name local targets by their absolute path instead of their last part.
        progress: told what is being read; called from several threads.

    Raises:
        SourceError: a base cannot be read.
        UsageError: a rule or the baseline is broken, the policy names a rule or format that does
            not exist, or no target is given.
    """
    if not targets:
        raise UsageError("no target given", "name a folder or a file")
    policy = policy or plain()
    profile = policy.profile
    if fail_on:
        profile = msgspec.structs.replace(profile, fail_severity=fail_on)
    held_against, baseline_digest = _baseline(baseline)
    tools = Tools.prepare(load(rules), profile, limits, held_against)
    tools = tools._replace(
        fetch=fetch or FetchOptions(),
        advisories=policy.advisories,
        request=_configured(Request(), policy),
    )
    formats = (reader.format for reader in tools.readers)
    check_names(profile, policy.origins, tools.catalogue.rules, formats)
    selection = Selection(tuple(include), tuple(exclude))
    library = _library(policy, targets)
    if bases:  # what is asked is what is answered
        library = library._replace(folders=())
    with closing(_ancestry(bases, tools, library)) as ancestry:
        tools = tools._replace(ancestry=ancestry._replace(glance=ancestry.searched))
        scanned = [
            scan_target(
                os.fspath(target),
                tools,
                selection=selection,
                workers=executor or jobs or min(os.cpu_count() or 1, 8),
                progress=progress,
                absolute_paths=absolute_paths,
            )
            for target in targets
        ]
    return _report(scanned, tools, baseline_digest)


def verify(  # noqa: PLR0913  # one keyword for each choice that a caller has
    *targets: str | Path,
    request: Request | None = None,
    policy: Policy | None = None,
    include: Sequence[str] = (),
    jobs: int | None = None,
    executor: Executor | None = None,
    limits: Limits | None = None,
    fetch: FetchOptions | None = None,
    absolute_paths: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Say whether models are what somebody published or signed; nothing but good news passes.

    Every byte is hashed. Of the five questions, "official bytes?" and "signed by whom?" are
    answered; the others are marked as not asked.

    Args:
        targets: paths of folders, files or hub cache folders; `hf:org/name@revision`.
        request: who may sign, and which release is meant; by default, any known release passes.
        policy: whose signers, lists of releases and requirements on origin hold, from
            `load_policy`; by default none, whatever configuration lies around.
        include: globs of the files to look at, for a partial verification; none means all.
        jobs: threads that hash large files; by default as many as there are processors, at most 8.
        executor: used instead of threads of our own, and not shut down.
        limits: how much one file may cost.
        fetch: how models are fetched that are not on this machine.
        absolute_paths: name local targets by their absolute path instead of their last part.
        progress: told what is being read; called from several threads.

    Raises:
        UsageError: a rule is broken, or no target is given.
    """
    if not targets:
        raise UsageError("no target given", "name a folder or a file")
    request = _configured(request or Request(), policy)
    profile = _on_origin(policy.profile) if policy else _on_origin(DEFAULT)
    tools = Tools.prepare(load(()), profile, limits)
    from modelscan.verifier import demand  # lazy: a scan asks other questions, too

    readers = Candidates(reader for reader in tools.readers if reader.format in demand.FORMATS)
    whole = msgspec.structs.replace(fetch or FetchOptions(), full=True)
    tools = tools._replace(request=request, readers=readers, fetch=whole)
    scanned = []
    for target in targets:
        report, outcome = scan_target(
            os.fspath(target),
            tools,
            selection=Selection(tuple(include)),
            workers=executor or jobs or min(os.cpu_count() or 1, 8),
            progress=progress,
            absolute_paths=absolute_paths,
        )
        report = demand.restrict(report, request, profile.name)
        if report.error is None:
            outcome = report.answers.allowed.status if report.files else "nothing"
        scanned.append(Scanned(report, outcome))
    return _report(scanned, tools, None)


def compare(  # noqa: PLR0913  # one keyword for each choice that a caller has
    target: str | Path,
    *bases: str | Path,
    library: str | Path | None = None,
    identify: bool = False,
    seed: str | Path | None = None,
    policy: Policy | None = None,
    deep: bool = False,
    directions: str | Path | None = None,
    samples: bool = False,
    jobs: int | None = None,
    executor: Executor | None = None,
    limits: Limits | None = None,
    fetch: FetchOptions | None = None,
    absolute_paths: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Say what a model's weights descend from, measured; nothing else is asked.

    Without a base and a library, the model's claims are repeated, and what its weights show alone
    is a hint.

    Args:
        target: path of a folder, file or hub cache folder; `hf:org/name@revision`.
        bases: models or fingerprint files; several are tried as the parts of a merge, too.
        library: a folder of fingerprints that is searched.
        identify: search the library; without `library`, the one that the configuration names.
        seed: file with the secret of private fingerprints; else the one that `policy` names.
        policy: from `load_policy`: whose library, seed and lists of releases are used; by default
            none, whatever configuration lies around.
        deep: decompose the differences of the weights themselves; needs a base that is a model.
        directions: write the main directions of these differences there; needs `deep`.
        samples: look at a few values of each tensor only: of a remote model, fetch no more.
        jobs: threads that hash large files; by default as many as there are processors, at most 8.
        executor: used instead of threads of our own, and not shut down.
        limits: how much one file may cost.
        fetch: how models are fetched that are not on this machine.
        absolute_paths: name local targets by their absolute path instead of their last part.
        progress: told what is being read; called from several threads.

    Raises:
        SourceError: a base or a fingerprint cannot be read.
        UsageError: a rule is broken, the library is empty, or the choices contradict each other.
    """
    from modelscan.lineage import demand as question  # lazy: a scan seldom measures
    from modelscan.report.files import write_file

    options = msgspec.structs.replace(fetch or FetchOptions(), full=not samples)
    tools = Tools.prepare(load(()), msgspec.structs.replace(DEFAULT, name=question.POLICY), limits)
    readers = Candidates(reader for reader in tools.readers if reader.format in question.FORMATS)
    tools = tools._replace(readers=readers, fetch=options, request=_configured(Request(), policy))
    asked = _library(policy, [target])
    folders = asked.folders if identify else ()
    if library is not None:
        folders = (Path(library),)
    if identify and not folders:
        hint = "name them: --library DIR, or `library` below [lineage] in the configuration"
        raise UsageError("--identify needs fingerprints to search", hint)
    if directions is not None and not deep:
        raise UsageError("directions are those that --deep finds", "add --deep")
    asked = Library(folders, Path(seed) if seed else asked.seed)
    taken: list[bytes] = []
    with closing(_ancestry(bases, tools, asked)) as ancestry:
        if deep and (samples or not any(base.files for base in ancestry.bases)):
            raise UsageError("--deep needs the weights of a base", "name a model: --base REF")
        tools = tools._replace(
            ancestry=ancestry._replace(
                deep=deep,
                directions=taken.append if directions else None,
                samples=samples,
                alone=not ancestry.bases,
            ),
        )
        report, outcome = scan_target(
            os.fspath(target),
            tools,
            workers=executor or jobs or min(os.cpu_count() or 1, 8),
            progress=progress,
            absolute_paths=absolute_paths,
        )
    if directions is not None and taken:
        write_file(Path(directions), taken[0])
    report = question.restrict(report)
    if report.error is None:
        outcome = report.answers.allowed.status if report.files else "nothing"
    return _report([Scanned(report, outcome)], tools, None)


def fingerprint(
    target: str | Path,
    *,
    source: str = "",
    private_seed: bytes | None = None,
    fetch: FetchOptions | None = None,
) -> bytes:
    """Make the fingerprint of a model, which recognises its descendants without its weights.

    Args:
        target: path of a folder, file or hub cache folder; `hf:org/name@revision`.
        source: what the fingerprint says it is of; by default what the target claims.
        private_seed: a secret of at least 16 bytes, without which nobody can compare with the
            fingerprint, nor craft weights that evade it.
        fetch: how a model is fetched that is not on this machine.

    Returns:
        The bytes of a fingerprint file, less than 1 MB for most models.

    Raises:
        SourceError: not all weights of the model can be read.
    """
    from modelscan.lineage import making, signs  # lazy: a scan makes no fingerprints
    from modelscan.lineage.fingerprint_writing import encode

    seed = signs.PUBLIC if private_seed is None else signs.Seed.private(private_seed)
    options = fetch or FetchOptions()
    made = making.fingerprint_of(os.fspath(target), source=source, seed=seed, fetch=options)
    return encode(made)


def _ancestry(bases: Sequence[str | Path], tools: Tools, library: Library) -> Ancestry:
    """The models that weights are compared with."""
    if not bases and not library.folders:
        return Ancestry()
    from modelscan.lineage import bases as reading  # lazy: as in `compare`
    from modelscan.lineage.signs import PUBLIC, read_seed

    seed = read_seed(library.seed) if library.seed else PUBLIC
    index = tools.request.sets.index()
    names = [os.fspath(base) for base in bases]
    found = [base for folder in library.folders for base in reading.library(folder, index)]
    found = reading.named(names, tools.fetch, tools.limits, index, seed) + found
    return Ancestry(tuple(found), searched=bool(library.folders), seed=seed)


def _library(policy: Policy | None, targets: Sequence[str | Path]) -> Library:
    """The fingerprints that a configuration names; a target cannot bring its own."""
    tables = [
        Placed(each.path, each.configuration.lineage)
        for each in (policy.documents if policy else ())
        if each.configuration.lineage
    ]
    found = library_of(tables)
    for path in (*found.folders, *filter(None, (found.seed,))):
        target = inside(path, targets)
        if target is not None:
            raise UsageError(f"{path} lies in the target {target}", "keep it elsewhere")
    return found


def _configured(request: Request, policy: Policy | None) -> Request:
    """A request with the signers and the lists of releases of a configuration."""
    if policy is None or not policy.documents:
        return request
    tables = policy.tables
    production = "profile production" in policy.origins.values()
    sets = sets_of(tables, _PRODUCTION_AGE if production else None)
    return request._replace(policy=trust_of(tables), sets=sets)


def pin_signers(report: Report, policy: Policy) -> list[str]:
    """Write down who signed the models of a report, in the file that `[trust] pins` names.

    Args:
        report: of `verify`, with a request that pins.
        policy: the configuration that names the file.

    Returns:
        What was written, in words.

    Raises:
        UsageError: no file is configured for it, or it cannot be used.
    """
    found = [model.facts.provenance.get("first_signer") for model in report.models]
    signed = {
        each["model"]: Seen(each["anchor"], each["statement"], each["signed"])
        for each in found
        if isinstance(each, dict)
    }
    if not signed:
        return ["no signer was written down: nobody signed all of it, or it is known who"]
    path = pin(policy.tables, signed)
    return [f"{path.name}: {model} is signed by {one.signer}" for model, one in signed.items()]


def _on_origin(profile: Profile) -> Profile:
    """The lines of a policy that are about origin, for `verify`."""
    from modelscan.verifier import demand  # lazy: as in `verify`

    name = demand.POLICY if profile.name == DEFAULT.name else f"{demand.POLICY} + {profile.name}"
    needed = profile.requirements.items()
    return msgspec.structs.replace(
        DEFAULT,
        name=name,
        requirements={key: level for key, level in needed if key in demand.REQUIREMENTS},
        publishers=profile.publishers,
        signers=profile.signers,
        approvals=profile.approvals,
        floors=tuple(map(_on_origin, profile.floors)),
    )


def _baseline(path: str | Path | None) -> tuple[Baseline | None, str | None]:
    """The baseline in a report file, and its digest."""
    if path is None:
        return None, None
    from modelscan.report.reading import STANDARD_INPUT, read_report  # lazy: seldom needed

    if str(path) == STANDARD_INPUT:
        raise UsageError("a baseline is a file", "write the earlier report to one")
    report = read_report(Path(path))
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return Baseline(report), f"sha256:{digest}"


def inventory(
    *paths: str | Path,
    exclude: Sequence[str] = (),
    everything: bool = False,
    hash_limit: int | None = None,
) -> Inventory:
    r"""List the models that code bases name, and the model files that lie below the paths.

    Nothing is run and nothing is looked up: a reference is what the code says.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> code = "from transformers import AutoModel\nAutoModel.from_pretrained('org/base-7b')\n"
    >>> _ = Path(folder.name, "app.py").write_text(code)
    >>> found = inventory(folder.name)
    >>> [(each.ref, each.where.line, each.pinned) for each in found.references]
    [('hf:org/base-7b', 2, False)]
    >>> found.exit_code
    0
    >>> folder.cleanup()

    Args:
        paths: folders or files.
        exclude: globs on relative paths that are left out.
        everything: look into installed packages and virtual environments, too.
        hash_limit: model files of more bytes are listed without a digest; `None` hashes all.

    Raises:
        UsageError: no path is given.
        SourceError: a path cannot be listed.
    """
    from modelscan.discovery.inventory import take  # lazy: a scan needs no finders

    if not paths:
        raise UsageError("no path given", "name a folder or a file")
    return take(
        [Path(path) for path in paths],
        exclude=exclude,
        everything=everything,
        hash_limit=hash_limit,
    )


def pull(  # noqa: PLR0913  # one keyword for each choice that a caller has
    ref: str | Path,
    folder: str | Path | None = None,
    *,
    policy: Policy | None = None,
    fetch: FetchOptions | None = None,
    lock: str | Path | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    force: bool = False,
    export: Wish | None = None,
    progress: Progress | None = None,
) -> Pulled:
    """Fetch a model, scan it, lock it, and let it appear in a folder only if the policy passes.

    Args:
        ref: what `scan` takes.
        folder: where it shall appear; new or empty. `None` for a bundle alone.
        policy: what is allowed, from `load_policy`; by default the built-in profile `default`.
        fetch: how models are fetched; every byte is, whatever it says about that.
        lock: the lock that shall name it; by default the nearest one upward.
        include: globs of the files to take; none means all.
        exclude: globs of files to leave out.
        force: replace a folder that is there, whole.
        export: a bundle for a site without a network.
        progress: told what is being fetched and read; called from several threads.

    Raises:
        SourceError: nothing can be written there, or there is too little room.
        UsageError: the folder is not empty, or the lock is broken or being written.
    """
    from modelscan.dependencies import pull as pulling  # lazy: a scan copies nothing

    job = _taking_in(policy, fetch, lock, Selection(tuple(include), tuple(exclude)), progress)
    place = None if folder is None else Path(folder)
    return pulling.pull(os.fspath(ref), place, job, force=force, export=export)


def receive(
    bundle: str | Path,
    folder: str | Path,
    *,
    trust: Trust | None = None,
    policy: Policy | None = None,
    lock: str | Path | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Pulled:
    """Take in a bundle that `pull` wrote elsewhere; the network is never used.

    Args:
        bundle: a file or a folder.
        folder: where the model shall appear, and the records beside it; new or empty.
        trust: who may have signed the receipt; by default, no signature is asked for.
        policy: what is allowed here; by default the built-in profile `default`.
        lock: the lock that shall name it; by default the nearest one upward.
        force: replace folders that are there, whole.
        progress: told what is being read; called from several threads.

    Raises:
        SourceError: it is no bundle, not what its receipt says, or not signed as it has to be.
        UsageError: the folder is not empty, or the lock is broken or being written.
    """
    from modelscan.dependencies import transfer_reading  # lazy: as above
    from modelscan.verifier.trust import Trust

    job = _taking_in(policy, FetchOptions(offline=True), lock, Selection(), progress)
    trusted = trust or Trust()
    return transfer_reading.receive(Path(bundle), Path(folder), job, trusted, force=force)


def _taking_in(
    policy: Policy | None,
    fetch: FetchOptions | None,
    lock: str | Path | None,
    selection: Selection,
    progress: Progress | None,
) -> Job:
    """How models are taken in: every byte is fetched."""
    from modelscan.dependencies import pull as pulling  # lazy: as above
    from modelscan.dependencies import writing

    policy = policy or plain()
    tools = Tools.prepare(load(()), policy.profile)._replace(
        fetch=msgspec.structs.replace(fetch or FetchOptions(), full=True),
        advisories=policy.advisories,
        request=_configured(Request(), policy),
    )
    formats = (reader.format for reader in tools.readers)
    check_names(policy.profile, policy.origins, tools.catalogue.rules, formats)
    workers = min(os.cpu_count() or 1, 8)
    return pulling.Job(
        tools,
        lambda scanned: _report([scanned], tools, None),
        writing.nearest(lock),
        selection,
        workers,
        progress,
    )


def contain(
    *paths: str | Path,
    policy: Policy | None = None,
    reports: Sequence[str | Path] = (),
    lock: str | Path | None = None,
    absolute_paths: bool = False,
) -> Report:
    """Say what a compromised model could reach, read and keep where it runs.

    The report's entries have a section `containment`: for each workload every control, with its
    outcome, place and reason. Policies and services of one path count for the workloads of all.

    Args:
        paths: folders or files: compose, Kubernetes, kustomizations, Dockerfiles, systemd units.
        policy: what is allowed, and what models may do on their own; by default the profile
            `default`, in which they do nothing.
        reports: native reports about the models that run there, which can raise what is required.
        lock: the lock that names the models.
        absolute_paths: name paths by their full path instead of their last part.

    Raises:
        UsageError: no path is given, or a report or the lock is broken.
        SourceError: the lock cannot be read.
    """
    if not paths:
        raise UsageError("no path given", "name a folder or a file")
    tools = Tools.prepare(load(()), (policy or plain()).profile)
    scanned = containment.contain(
        [Path(path) for path in paths],
        tools,
        models=containment.models_of([Path(path) for path in reports]),
        locked=_locked(lock),
        absolute_paths=absolute_paths,
    )
    return _report(scanned, tools, None)


def write_containment(
    *paths: str | Path,
    folder: str | Path,
    reports: Sequence[str | Path] = (),
    lock: str | Path | None = None,
    pins: Sequence[str] = (),
    verifier: str | None = None,
    allowed: Sequence[str] = (),
) -> Written:
    """Write overlays that contain the deployments below some paths.

    Args:
        paths: as for `contain`.
        folder: where to write; new or empty.
        reports: native reports about the models, whose digests are verified before the start.
        lock: the lock, for the same.
        pins: digests of images, as `name@sha256:…`.
        verifier: an image of this tool, in the same form.
        allowed: networks (`10.0.0.0/8`) and labels (`app=db`) that may be connected to.

    Raises:
        UsageError: the folder is not empty, there is nothing to contain, or a wish is malformed.
        SourceError: a path cannot be listed, or the lock cannot be read.
    """
    from modelscan.containment.write import Wishes  # lazy: seldom needed

    models = containment.models_of([Path(path) for path in reports])
    wishes = Wishes(models, _locked(lock), tuple(pins), verifier or "", tuple(allowed))
    return containment.write([Path(path) for path in paths], Path(folder), wishes)


def _locked(path: str | Path | None) -> tuple[LockedModel, ...]:
    """The models of a lock."""
    if path is None:
        return ()
    from modelscan.dependencies import lockfile  # lazy: seldom needed

    return lockfile.read(Path(path)).model


def _report(scanned: Sequence[Scanned], tools: Tools, baseline: str | None) -> Report:
    models = tuple(item.report for item in scanned)
    catalogue = tools.catalogue
    return Report(
        created=now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        tool=Tool(name=NAME, version=VERSION, rules_digest=catalogue.digest),
        policy=PolicyEntry(name=tools.profile.name, digest=tools.profile.digest, baseline=baseline),
        rules={
            name: catalogue.entry(name)
            for name in sorted({finding.rule for model in models for finding in model.findings})
        },
        models=models,
        decision=decide(item.outcome for item in scanned),
    )
