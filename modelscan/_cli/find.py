"""`modelassay find`: who has this file, this commit, this model?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from modelscan._cli.output import _console

_MIB = 1 << 20


@click.command(
    "find",
    epilog="Exit codes: 0 found, 2 usage, 3 something could not be read, so that there may be "
    "more, 4 not found in anything that was looked at.",
)
@click.argument("what", metavar="DIGEST|REF")
@click.option(
    "--in",
    "paths",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A folder or a file to look in; repeat for several.",
)
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave matching paths out.")
@click.option(
    "--hash-limit", type=click.IntRange(0), metavar="MIB", help="Hash no file that is larger."
)
@click.option(
    "--seconds", type=click.IntRange(1), metavar="N", help="Stop after so long (default: 3600)."
)
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
)
@click.option("--deep", is_flag=True, help="Read the tensors of models in folders, too.")
@click.option("--offline", is_flag=True, help="Accepted for uniformity: no network is ever used.")
@click.option("-v", "--verbose", is_flag=True, help="Print every place, and all that was left out.")
def command(  # noqa: PLR0913  # one parameter for each option
    what: str,
    paths: tuple[Path, ...],
    exclude: tuple[str, ...],
    hash_limit: int | None,
    seconds: int | None,
    form: str,
    *,
    deep: bool,
    offline: bool,  # noqa: ARG001  # nothing here uses the network
    verbose: bool,
) -> int:
    """Look for a file digest, a commit, a model or a signer in reports, locks, BOMs and folders.

    DIGEST is a SHA-256 of a file, a model, a tensor or weights, or a commit. REF is `hf:org/name`,
    a purl, or an address of the hub. Anything else is the name of a signer; `sha256:`, `commit:`,
    `repo:` and `signer:` before it leave no doubt.
    """
    from modelscan.dependencies import door  # lazy: `--help` looks for nothing
    from modelscan.dependencies.findpage import page
    from modelscan.report.jsontext import encode

    limit = None if hash_limit is None else hash_limit * _MIB
    found = door.find(what, *paths, exclude=exclude, hash_limit=limit, seconds=seconds, deep=deep)
    if form == "json":
        data = encode(found, sort=False)
    else:
        data = page(found, _console("normal"), everything=verbose)
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    return found.exit_code
