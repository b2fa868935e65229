"""`modelassay lineage`: what do these weights descend from, as measured and not as claimed?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from modelscan._about import NAME
from modelscan._cli.output import (
    config_option,
    deliver,
    destinations,
    detail,
    report_options,
    token_option,
)
from modelscan._cli.progress import ConsoleProgress


@click.command("lineage", epilog="Exit codes: 0 pass, 1 fail, 2 usage, 3 incomplete, 4 nothing.")
@click.argument("target", type=click.Path())
@click.option(
    "--base",
    "bases",
    multiple=True,
    metavar="REF",
    help="A model, or a fingerprint file, to compare with; repeat it for the parts of a merge.",
)
@click.option("--identify", is_flag=True, help="Search a library of fingerprints.")
@click.option(
    "--library",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder of fingerprints; else the configuration's, else those that are shipped.",
)
@click.option(
    "--deep", is_flag=True, help="Decompose the difference of the weights; needs a base's weights."
)
@click.option(
    "--directions",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --deep: write what the changed matrices write differently, for runtime monitors.",
)
@click.option(
    "--seed",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The secret that private fingerprints were made with.",
)
@click.option(
    "--samples-only",
    "samples",
    is_flag=True,
    help="Look at a few values of each tensor: hints, from a few kilobytes of a remote model.",
)
@click.option("--jobs", type=click.IntRange(1, 256), metavar="N", help="Threads for large files.")
@config_option
@token_option
@report_options
def command(  # noqa: PLR0913  # one parameter for each option
    target: str,
    bases: tuple[str, ...],
    library: Path | None,
    directions: Path | None,
    seed: Path | None,
    jobs: int | None,
    config: Path | None,
    formats: tuple[str, ...],
    *,
    identify: bool,
    deep: bool,
    samples: bool,
    token: bool,
    offline: bool,
    no_progress: bool,
    absolute_paths: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Say what a model's weights descend from, measured.

    TARGET is a folder (one model), a file, a model's folder in a hub cache, or a reference such as
    hf:org/name@revision. Its weights are compared with those of a base, or with a base's
    fingerprint: the same values, rounded or quantised ones, a fine-tune, a merge, something else.
    Every answer says how it is known and what it does not show. Nothing is loaded or run.
    """
    from modelscan import api  # lazy: `lineage --help` needs neither the rules nor the readers
    from modelscan.fetcher.options import from_environment
    from modelscan.report.text import inert  # lazy: the same

    places = destinations(formats)
    level = detail(quiet=quiet, verbose=verbose)
    policy = api.load_policy((target,), config=config)
    for warning in policy.warnings:
        click.echo(f"{NAME}: {inert(warning)}", err=True)
    progress = None if no_progress or quiet or not sys.stderr.isatty() else ConsoleProgress()
    try:
        report = api.compare(
            target,
            *bases,
            library=library,
            identify=identify,
            seed=seed,
            policy=policy,
            deep=deep,
            directions=directions,
            samples=samples,
            jobs=jobs,
            fetch=from_environment(offline=offline, full=not samples, token=token),
            absolute_paths=absolute_paths,
            progress=progress,
        )
    finally:
        if progress:
            progress.close()
    deliver(report, places, level)
    return report.decision.exit_code
