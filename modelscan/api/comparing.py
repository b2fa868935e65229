"""What weights descend from: `compare` and `fingerprint`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelscan.api.reporting import configured, report_on
from modelscan.budget import Limits
from modelscan.engine.catalogue import load
from modelscan.errors import UsageError
from modelscan.fetcher.options import FetchOptions
from modelscan.formats.candidates import Candidates
from modelscan.lineage.asked import Ancestry
from modelscan.lineage.configured import Library, Placed, library_of
from modelscan.passing import Progress
from modelscan.pipeline import Scanned, Tools
from modelscan.pipeline import scan as scan_target
from modelscan.policy.discovery import inside
from modelscan.policy.layers import Policy
from modelscan.policy.profile import DEFAULT
from modelscan.verifier.request import Request
from modelscan.vocabulary.result import Report

if TYPE_CHECKING:
    from concurrent.futures import Executor


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
        identify: search the library; without `library`, the one that the configuration names, and
            without that the fingerprints that come with this tool.
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
    tools = msgspec.structs.replace(
        tools, readers=readers, fetch=options, request=configured(Request(), policy)
    )
    asked = library_for(policy, [target])
    folders = asked.folders if identify else ()
    if library is not None:
        folders = (Path(library),)
    if directions is not None and not deep:
        raise UsageError("directions are those that --deep finds", "add --deep")
    asked = Library(folders, Path(seed) if seed else asked.seed)
    taken: list[bytes] = []
    with closing(ancestry_of(bases, tools, asked, shipped=identify and not folders)) as ancestry:
        if deep and (samples or not any(base.files for base in ancestry.bases)):
            raise UsageError("--deep needs the weights of a base", "name a model: --base REF")
        tools = msgspec.structs.replace(
            tools,
            ancestry=msgspec.structs.replace(
                ancestry,
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
    return report_on([Scanned(report, outcome)], tools)


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


def ancestry_of(
    bases: Sequence[str | Path], tools: Tools, library: Library, *, shipped: bool = False
) -> Ancestry:
    """The models that weights are compared with.

    Args:
        bases: those that the user names.
        tools: of the run.
        library: folders of fingerprints.
        shipped: search those that come with this tool as well.
    """
    if not bases and not library.folders and not shipped:
        return Ancestry()
    from modelscan.lineage import bases as reading  # lazy: as in `compare`
    from modelscan.lineage.signs import PUBLIC, read_seed

    seed = read_seed(library.seed) if library.seed else PUBLIC
    index = tools.request.sets.index()
    names = [os.fspath(base) for base in bases]
    found = [base for folder in library.folders for base in reading.library(folder, index)]
    if shipped:
        found += reading.shipped()
    found = reading.named(names, tools.fetch, tools.limits, index, seed) + found
    return Ancestry(tuple(found), searched=shipped or bool(library.folders), seed=seed)


def library_for(policy: Policy | None, targets: Sequence[str | Path]) -> Library:
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
