"""`modelassay report`: write a native report in other formats, sign it, say how complete it is."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelscan._cli import report_attest
from modelscan._cli.output import deliver, destinations, detail, report_options
from modelscan._cli.signing import Signer, signing_options
from modelscan.errors import UsageError
from modelscan.report.writer import Output

if TYPE_CHECKING:
    from modelscan.vocabulary.result import Report

_NATIVE = click.argument("native", metavar="NATIVE", type=click.Path(path_type=Path))


@click.group()
def report() -> None:
    """Convert, attest and score reports that were written with `-f json`."""


report.add_command(report_attest.attest)


@report.command("convert", epilog="Exit codes: 0 written, 2 not a report, or it cannot be written.")
@_NATIVE
@click.option(
    "--evidence",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write a folder of evidence; the options below sign it.",
)
@signing_options
@report_options
def convert(  # noqa: PLR0913  # one parameter for each option
    native: Path,
    evidence: Path | None,
    key: Path | None,
    certificates: Path | None,
    formats: tuple[str, ...],
    *,
    sigstore: bool,
    trust_config: Path | None,
    offline: bool,  # noqa: ARG001  # nothing here uses the network
    no_progress: bool,  # noqa: ARG001  # there is nothing to wait for
    absolute_paths: bool,  # noqa: ARG001  # a report holds the names that the scan was told to use
    quiet: bool,
    verbose: bool,
) -> None:
    """Write a report in other formats, as the scan itself would have.

    NATIVE is a report that was written with `-f json`, or `-` for standard input. Nothing is
    scanned again.

    `--evidence` writes a new folder: bills of materials, the decision and who approved it, waivers,
    coverage, what risk is left and what was not evaluated, with an index. It is signed when a key
    or sigstore is named, so that `verify DIR` can check it. It never claims compliance.
    """
    from modelscan.report.reading import read_report  # lazy: `--help` reads nothing

    signs = bool(key or certificates or sigstore or trust_config)
    if signs and evidence is None:
        raise UsageError("a key signs a folder of evidence", "name one: --evidence DIR")
    places = destinations(formats) if formats or evidence is None else ()
    level = detail(quiet=quiet, verbose=verbose)
    signer = None
    if signs:
        signer = Signer(key, certificates, sigstore=sigstore, trust_config=trust_config)
    found = read_report(native)
    if evidence is not None:
        _write_evidence(found, evidence, signer)
    deliver(found, places, level)


def _write_evidence(found: Report, folder: Path, signer: Signer | None) -> None:
    from modelscan.report.evidence import folder as evidence  # lazy: few reports become evidence

    def sign(written: Path) -> bytes:
        from modelscan.verifier.oms.writing import Serialization, state  # lazy: as above

        assert signer is not None  # noqa: S101  # it is not passed on otherwise
        return signer.sign(state(str(written), Serialization(), leave_out=(evidence.SIGNATURE,)))

    evidence.write(folder, evidence.evidence(found), sign if signer else None)
    note = "signed" if signer else "not signed: name a key with --key, or --sigstore"
    click.echo(f"evidence: {folder}, {note}", err=True)


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
