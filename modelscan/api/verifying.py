"""Where models come from, and nothing else: `verify`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelscan.api.reporting import configured, report_on
from modelscan.budget import Limits
from modelscan.engine.catalogue import load
from modelscan.errors import UsageError
from modelscan.fetcher.options import FetchOptions
from modelscan.formats.candidates import Candidates
from modelscan.passing import Progress
from modelscan.pipeline import Scanned, Selection, Tools
from modelscan.pipeline import scan as scan_target
from modelscan.policy.layers import Policy
from modelscan.policy.profile import DEFAULT, Profile
from modelscan.verifier.configured import pin
from modelscan.verifier.freshness import Seen
from modelscan.verifier.request import Request
from modelscan.vocabulary.result import Report

if TYPE_CHECKING:
    from concurrent.futures import Executor


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
    request = configured(request or Request(), policy)
    profile = _on_origin(policy.profile) if policy else _on_origin(DEFAULT)
    tools = Tools.prepare(load(()), profile, limits)
    from modelscan.verifier import demand  # lazy: a scan asks other questions, too

    readers = Candidates(reader for reader in tools.readers if reader.format in demand.FORMATS)
    whole = msgspec.structs.replace(fetch or FetchOptions(), full=True)
    tools = msgspec.structs.replace(tools, request=request, readers=readers, fetch=whole)
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
    return report_on(scanned, tools)


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
