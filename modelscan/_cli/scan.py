"""`modelassay scan`: look at models and answer five questions about each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import click

from modelscan._about import NAME
from modelscan._cli.output import (
    deliver,
    destinations,
    detail,
    policy_options,
    report_options,
    token_option,
)
from modelscan._cli.progress import ConsoleProgress
from modelscan.vocabulary.rule import SEVERITIES, Severity


@click.command("scan", epilog="Exit codes: 0 pass, 1 fail, 2 usage, 3 incomplete, 4 nothing.")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...", type=click.Path())
@click.option("--include", multiple=True, metavar="GLOB", help="Look at matching files only.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave matching files out.")
@click.option(
    "--rules",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Rules and lists of your own, beside the shipped ones.",
)
@click.option(
    "--fail-on", type=click.Choice(SEVERITIES), help="Fail from this severity on (default: high)."
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="An earlier report (-f json): only findings that are new since then fail.",
)
@click.option(
    "--base",
    "bases",
    multiple=True,
    metavar="REF",
    help="Compare the weights with this model or fingerprint; repeat for the parts of a merge.",
)
@click.option(
    "--full", is_flag=True, help="Fetch and hash every byte of a remote model, not headers alone."
)
@click.option("--jobs", type=click.IntRange(1, 256), metavar="N", help="Threads for large files.")
@policy_options
@token_option
@report_options
def command(  # noqa: PLR0913, PLR0917  # one parameter for each option
    targets: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    rules: tuple[Path, ...],
    fail_on: str | None,
    baseline: Path | None,
    bases: tuple[str, ...],
    jobs: int | None,
    config: Path | None,
    policy: str | None,
    formats: tuple[str, ...],
    *,
    full: bool,
    token: bool,
    offline: bool,
    no_progress: bool,
    absolute_paths: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Look at models and answer five questions about each.

    TARGET is a folder (one model), a file, a model's folder in a hub cache, an address, or a
    reference: hf:org/name@revision, ollama:name:tag, oci:host/name:tag. Of a remote model, small
    files and the headers of weights are fetched. Nothing in it is loaded or run. The answers come
    first, then the findings, then what was not looked at.
    """
    from modelscan import api  # lazy: `scan --help` needs neither the rules nor the readers
    from modelscan.fetcher.options import from_environment  # lazy: the same
    from modelscan.report.text import inert  # lazy: the same

    places = destinations(formats)
    level = detail(quiet=quiet, verbose=verbose)
    fetch = from_environment(offline=offline, full=full, token=token)
    chosen = api.load_policy(
        targets, config=config, policy=policy, fail_on=cast("Severity | None", fail_on)
    )
    for warning in chosen.warnings:
        click.echo(f"{NAME}: {inert(warning)}", err=True)
    progress = None if no_progress or quiet or not sys.stderr.isatty() else ConsoleProgress()
    try:
        report = api.scan(
            *targets,
            rules=rules,
            policy=chosen,
            baseline=baseline,
            include=include,
            exclude=exclude,
            jobs=jobs,
            fetch=fetch,
            bases=bases,
            absolute_paths=absolute_paths,
            progress=progress,
        )
    finally:
        if progress:
            progress.close()
    deliver(report, places, level)
    return report.decision.exit_code
