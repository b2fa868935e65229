"""`modelassay pull`: fetch, scan and lock in one; the files appear only if the policy passes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from modelscan.dependencies.pull import Pulled

_FOLDER = click.Path(path_type=Path)
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(
    "pull",
    epilog="Exit codes: 0 it is there, 1 the policy refuses it, 2 usage, 3 it could not be fetched "
    "or looked at whole, 4 there is no model.",
)
@click.argument("ref", metavar="REF")
@click.argument("folder", metavar="DIR", type=_FOLDER)
@click.option("--include", multiple=True, metavar="GLOB", help="Take matching files only.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave matching files out.")
@click.option(
    "--lock",
    type=_FILE,
    metavar="FILE",
    help="The lock that shall name it (default: the nearest models.lock upward).",
)
@click.option("--force", is_flag=True, help="Replace what is in DIR, whole, if the policy passes.")
@policy_options
@token_option
@report_options
def command(ref: str, folder: Path, **options: Any) -> int:
    """Fetch a model, scan it, lock it, and let it appear in DIR only if the policy passes.

    REF is what `scan` takes: hf:org/name@revision, an address, a folder. Every byte is fetched into
    a private folder beside DIR and scanned there; DIR gets those very bytes, by one renaming. What
    the lock says of REF is held against what REF is now. Unless the policy passes, nothing appears.
    """
    from modelscan import api  # lazy: `pull --help` needs neither the rules nor the readers
    from modelscan.fetcher.options import from_environment  # lazy: the same

    places = destinations(options["formats"])
    level = detail(quiet=options["quiet"], verbose=options["verbose"])
    fetch = from_environment(offline=options["offline"], full=True, token=options["token"])
    chosen = api.load_policy((ref,), config=options["config"], policy=options["policy"])
    for warning in chosen.warnings:
        _say(warning)
    silent = options["no_progress"] or options["quiet"] or not sys.stderr.isatty()
    progress = None if silent else ConsoleProgress()
    try:
        pulled = api.pull(
            ref,
            folder,
            policy=chosen,
            fetch=fetch,
            lock=options["lock"],
            include=options["include"],
            exclude=options["exclude"],
            force=options["force"],
            progress=progress,
        )
    finally:
        if progress:
            progress.close()
    deliver(pulled.report, places, level)
    _say(_ending(pulled, folder))
    return pulled.report.decision.exit_code


def _ending(pulled: Pulled, folder: Path) -> str:
    """Where the model is, or that it is nowhere."""
    if pulled.folder is None:
        return f"nothing was put into {folder}: the policy does not pass"
    from modelscan.dependencies.pages import shown  # lazy: as above

    assert pulled.lock is not None  # noqa: S101  # what appears is locked
    (model,) = pulled.report.models
    count = f"{len(model.files):,} file{'' if len(model.files) == 1 else 's'}"
    return f"{folder}: {count}, the very bytes that were scanned; locked in {shown(pulled.lock)}"


def _say(line: str) -> None:
    from modelscan.report.text import encodable, inert  # lazy: as above

    click.echo(f"{NAME}: {encodable(inert(line), sys.stderr.encoding or 'ascii')}", err=True)
