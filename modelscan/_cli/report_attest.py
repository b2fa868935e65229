"""`modelassay report attest`: sign what a scan found, for a gate that does not scan again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from modelscan._cli.signing import Signer, signing_options
from modelscan.errors import UsageError

_KINDS = ("svr", "test-result", "cyclonedx", "spdx")
"""As `report.intoto.statements.KINDS`, which `--help` does not import; a test compares them."""


@click.command(
    "attest", epilog="Exit codes: 0 written, 1 did not pass, 2 usage, 3 incomplete or unreachable."
)
@click.argument("native", metavar="NATIVE", type=click.Path(path_type=Path))
@click.option(
    "--statement",
    "kinds",
    multiple=True,
    type=click.Choice(_KINDS),
    help="What is stated; repeat for several.  [default: svr]",
)
@click.option("--verifier", metavar="URI", default="", help="Who scanned; default: this tool.")
@signing_options
@click.option("--unsigned", is_flag=True, help="Write bare statements, for another tool to sign.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Default: standard output.",
)
def attest(  # noqa: PLR0913  # one parameter for each option
    native: Path,
    kinds: tuple[str, ...],
    verifier: str,
    key: Path | None,
    certificates: Path | None,
    *,
    sigstore: bool,
    trust_config: Path | None,
    unsigned: bool,
    output: Path | None,
) -> None:
    """State what a scan found about a model's digest, and sign that.

    NATIVE is a report that was written with `-f json`, or `-` for standard input. `svr` states that
    each model passed, under which policy and when; `test-result` how it ended, good or bad;
    `cyclonedx` and `spdx` are bills of materials. Each statement is a sigstore bundle on a line of
    its own, which `verify --attestation` reads. Whoever signs vouches for the report.

    The password of an encrypted key is taken from the environment: MODELASSAY_KEY_PASSWORD. So is
    the identity token for --sigstore: SIGSTORE_ID_TOKEN.
    """
    from modelscan.report.files import write_file  # lazy: `--help` states nothing
    from modelscan.report.intoto.statements import DEFAULT, statements
    from modelscan.report.reading import read_report

    if unsigned and (key or certificates or sigstore or trust_config):
        raise UsageError("--unsigned and a signature contradict each other", "use one of them")
    if verifier and not _is_uri(verifier):
        raise UsageError(f"{verifier!r} is no URI", "say --verifier https://scans.example.org")
    signer = None
    if not unsigned:
        signer = Signer(key, certificates, sigstore=sigstore, trust_config=trust_config)
    report = read_report(native)
    made = list(statements(report, tuple(dict.fromkeys(kinds)) or (DEFAULT,), verifier))
    data = b"".join(_line(_signed(signer, each) if signer else each) for each in made)
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        write_file(output, data)
        click.echo(f"{'stated' if unsigned else 'signed'}: {output}", err=True)


def _signed(signer: Signer, statement: bytes) -> bytes:
    from modelscan.verifier.signed import LIMIT  # lazy: as above

    if len(statement) * 3 > LIMIT * 2:  # base64 adds a third, the bundle some more
        raise UsageError(
            f"a statement of {len(statement):,} bytes is more than a verifier reads",
            "state svr or test-result, and sign the bill of materials as a file",
        )
    return signer.sign(statement)


def _line(document: bytes) -> bytes:
    """One JSON document on one line."""
    return json.dumps(json.loads(document), separators=(",", ":")).encode() + b"\n"


def _is_uri(text: str) -> bool:
    scheme, colon, rest = text.partition(":")
    return bool(colon and rest) and scheme.isascii() and scheme.isalpha() and text.isprintable()
