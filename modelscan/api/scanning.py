"""All questions at once: `scan`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelscan.api.comparing import ancestry_of, library_for
from modelscan.api.reporting import configured, report_on
from modelscan.budget import Limits
from modelscan.engine.catalogue import load
from modelscan.errors import UsageError
from modelscan.fetcher.options import FetchOptions
from modelscan.passing import Progress
from modelscan.pipeline import Selection, Tools
from modelscan.pipeline import scan as scan_target
from modelscan.policy.baseline import Baseline
from modelscan.policy.layers import Policy, plain
from modelscan.policy.limits import check_names
from modelscan.verifier.request import Request
from modelscan.vocabulary.result import Report
from modelscan.vocabulary.rule import Severity

if TYPE_CHECKING:
    from concurrent.futures import Executor


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
    tools = msgspec.structs.replace(
        tools,
        fetch=fetch or FetchOptions(),
        advisories=policy.advisories,
        request=configured(Request(), policy),
    )
    formats = (reader.format for reader in tools.readers)
    check_names(profile, policy.origins, tools.catalogue.rules, formats)
    selection = Selection(tuple(include), tuple(exclude))
    library = library_for(policy, targets)
    if bases:  # what is asked is what is answered
        library = msgspec.structs.replace(library, folders=())
    with closing(ancestry_of(bases, tools, library)) as ancestry:
        tools = msgspec.structs.replace(
            tools, ancestry=msgspec.structs.replace(ancestry, glance=ancestry.searched)
        )
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
    return report_on(scanned, tools, baseline_digest)


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
