"""`modelassay report`: write a native report in other formats, sign it, say how complete it is."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from modelscan._cli import report_attest
from modelscan._cli.output import deliver, destinations, detail, report_options
from modelscan.report.writer import Output

_NATIVE = click.argument("native", metavar="NATIVE", type=click.Path(path_type=Path))


@click.group()
def report() -> None:
    """Convert, attest and score reports that were written with `-f json`."""


report.add_command(report_attest.attest)


@report.command("convert", epilog="Exit codes: 0 written, 2 not a report, or it cannot be written.")
@_NATIVE
@report_options
def convert(  # one parameter for each option
    native: Path,
    formats: tuple[str, ...],
    *,
    offline: bool,  # noqa: ARG001  # nothing here uses the network
    no_progress: bool,  # noqa: ARG001  # there is nothing to wait for
    absolute_paths: bool,  # noqa: ARG001  # a report holds the names that the scan was told to use
    quiet: bool,
    verbose: bool,
) -> None:
    """Write a report in other formats, as the scan itself would have.

    NATIVE is a report that was written with `-f json`, or `-` for standard input. Nothing is
    scanned again.
    """
    from modelscan.report.reading import read_report  # lazy: `--help` reads nothing

    places = destinations(formats)
    level = detail(quiet=quiet, verbose=verbose)
    deliver(read_report(native), places, level)


@report.command("score")
@_NATIVE
@click.option(
    "--standard",
    "keys",
    multiple=True,
    type=click.Choice(["g7", "owasp"]),
    help="Hold the report against this list only; repeat for several.",
)
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
)
def score(native: Path, keys: tuple[str, ...], form: str) -> None:
    """Count which elements of published lists a report holds, and which of them are verified.

    The lists are the G7's minimum elements of an SBOM for AI, and OWASP's AIBOM fields. NATIVE is a
    report that was written with `-f json`, or `-` for standard input.
    """
    from modelscan.report.jsontext import encode  # lazy: `--help` scores nothing
    from modelscan.report.reading import read_report
    from modelscan.report.score import scores
    from modelscan.report.score.standards import STANDARDS

    chosen = [standard for standard in STANDARDS if not keys or standard.key in keys]
    found = scores.score(read_report(native), chosen)
    data = encode(found) if form == "json" else scores.table(found, _page())
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _page() -> Output:
    """What a table is laid out for: plain, so that it reads the same in a pipe."""
    columns = shutil.get_terminal_size().columns
    return Output(width=columns, encoding=sys.stdout.encoding or "ascii")


command = report
"""What the command line registers."""
