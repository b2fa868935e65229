"""The public door: what other programs call.

`scan` answers the five questions about models on disk. Everything it returns is a frozen value from
`modelscan.vocabulary`; nothing in it is ever loaded, imported or run.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelscan._about import NAME, VERSION
from modelscan.budget import Limits
from modelscan.engine.catalogue import Catalogue, load
from modelscan.errors import UsageError
from modelscan.formats.candidates import Candidates
from modelscan.pipeline import Progress, Scanned, Selection, Tools
from modelscan.pipeline import scan as scan_target
from modelscan.policy.baseline import Baseline
from modelscan.policy.clock import now
from modelscan.policy.gate import decide
from modelscan.policy.layers import Policy, plain
from modelscan.policy.layers import load as load_policy
from modelscan.policy.limits import check_names
from modelscan.policy.profile import DEFAULT
from modelscan.verifier import demand
from modelscan.verifier.request import Request
from modelscan.vocabulary.reference import Inventory
from modelscan.vocabulary.result import PolicyEntry, Report, RuleEntry, Tool
from modelscan.vocabulary.rule import Severity

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = [
    "Inventory",
    "Limits",
    "Policy",
    "Progress",
    "Report",
    "Request",
    "inventory",
    "load_policy",
    "scan",
    "verify",
]


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
        targets: paths of folders, files or hub cache folders.
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
        absolute_paths: name local targets by their absolute path instead of their last part.
        progress: told what is being read; called from several threads.

    Raises:
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
    formats = (reader.format for reader in tools.readers)
    check_names(profile, policy.origins, tools.catalogue.rules, formats)
    selection = Selection(tuple(include), tuple(exclude))
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


def verify(
    *targets: str | Path,
    request: Request | None = None,
    include: Sequence[str] = (),
    jobs: int | None = None,
    executor: Executor | None = None,
    limits: Limits | None = None,
    absolute_paths: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Say whether models are what somebody published or signed; nothing but good news passes.

    Every byte is hashed. Of the five questions, "official bytes?" and "signed by whom?" are
    answered; the others are marked as not asked.

    Args:
        targets: paths of folders, files or hub cache folders.
        request: who may sign, and which release is meant; by default, any known release passes.
        include: globs of the files to look at, for a partial verification; none means all.
        jobs: threads that hash large files; by default as many as there are processors, at most 8.
        executor: used instead of threads of our own, and not shut down.
        limits: how much one file may cost.
        absolute_paths: name local targets by their absolute path instead of their last part.
        progress: told what is being read; called from several threads.

    Raises:
        UsageError: a rule is broken, or no target is given.
    """
    if not targets:
        raise UsageError("no target given", "name a folder or a file")
    request = request or Request()
    profile = msgspec.structs.replace(DEFAULT, name=demand.POLICY)
    tools = Tools.prepare(load(()), profile, limits)
    readers = Candidates(reader for reader in tools.readers if reader.format in demand.FORMATS)
    tools = tools._replace(request=request, readers=readers)
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
        report = demand.restrict(report, request)
        if report.error is None:
            outcome = report.answers.allowed.status if report.files else "nothing"
        scanned.append(Scanned(report, outcome))
    return _report(scanned, tools, None)


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


def _report(scanned: Sequence[Scanned], tools: Tools, baseline: str | None) -> Report:
    models = tuple(item.report for item in scanned)
    catalogue = tools.catalogue
    return Report(
        created=now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        tool=Tool(name=NAME, version=VERSION, rules_digest=catalogue.digest),
        policy=PolicyEntry(name=tools.profile.name, digest=tools.profile.digest, baseline=baseline),
        rules={
            name: _rule(catalogue, name)
            for name in sorted({finding.rule for model in models for finding in model.findings})
        },
        models=models,
        decision=decide(item.outcome for item in scanned),
    )


def _rule(catalogue: Catalogue, name: str) -> RuleEntry:
    rule = catalogue.rules[name]
    return RuleEntry(
        title=rule.title,
        severity=rule.severity,
        why=rule.why,
        fix=rule.fix,
        maps=rule.maps,
        references=rule.references,
        doc=f"rules/{name}.md",
    )
