"""`modelassay verify`: is a model what somebody published, or signed by somebody you trust?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from modelscan._cli.output import deliver, destinations, detail, report_options
from modelscan._cli.progress import ConsoleProgress
from modelscan.errors import UsageError

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("verify", epilog="Exit codes: 0 pass, 1 fail, 2 usage, 3 incomplete, 4 nothing.")
@click.argument("target", type=click.Path())
@click.option("--expect", metavar="REF", default="", help="The release that you think it is.")
@click.option("--manifest", type=_FILE, metavar="FILE", help="A list of releases of your own.")
@click.option(
    "--signature", type=_FILE, metavar="FILE", help="The signature, if it is not in the folder."
)
@click.option(
    "--key", "keys", type=_FILE, multiple=True, metavar="FILE", help="A public key that may sign."
)
@click.option(
    "--ca",
    "authorities",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="A certificate authority; its holders named by --identity may sign.",
)
@click.option(
    "--identity",
    "identities",
    multiple=True,
    metavar="PATTERN",
    help="Whose certificate, as *@example.org, or sha256:… of its key.",
)
@click.option("--sigstore-identity", metavar="ID", help="Who may sign by sigstore.")
@click.option("--sigstore-issuer", metavar="URL", help="Who vouches for that identity.")
@click.option(
    "--sigstore-owner-id", metavar="NUMBER", help="Owner of the repository that signs, by number."
)
@click.option(
    "--trusted-root", type=_FILE, metavar="FILE", help="Sigstore's roots, if not the public ones."
)
@click.option(
    "--include", multiple=True, metavar="GLOB", help="Verify matching files only, and say so."
)
@click.option("--jobs", type=click.IntRange(1, 256), metavar="N", help="Threads for large files.")
@report_options
def command(  # noqa: PLR0913, PLR0917  # one parameter for each option
    target: str,
    expect: str,
    manifest: Path | None,
    signature: Path | None,
    keys: tuple[Path, ...],
    authorities: tuple[Path, ...],
    identities: tuple[str, ...],
    sigstore_identity: str | None,
    sigstore_issuer: str | None,
    sigstore_owner_id: str | None,
    trusted_root: Path | None,
    include: tuple[str, ...],
    jobs: int | None,
    formats: tuple[str, ...],
    *,
    offline: bool,  # noqa: ARG001  # nothing here uses the network
    no_progress: bool,
    absolute_paths: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Say whether a model is what somebody published, or signed by somebody you trust.

    TARGET is a folder (one model), a file, or a model's folder in a hub cache. Every byte is
    hashed. It passes if it is a known release, or validly signed by a key, certificate or identity
    that you name; if you name one, or a release, then nothing else will do. Nothing is trusted by
    default.
    """
    from modelscan import api  # lazy: `verify --help` needs neither the rules nor the readers
    from modelscan.verifier.expected import Expected
    from modelscan.verifier.release import read_manifest
    from modelscan.verifier.request import Request, read_signature
    from modelscan.verifier.trust import SigstoreSigner
    from modelscan.verifier.trustfiles import trust_from_files

    places = destinations(formats)
    level = detail(quiet=quiet, verbose=verbose)
    if bool(sigstore_identity) != bool(sigstore_issuer):
        raise UsageError(
            "an identity means something only with its issuer",
            "give both: --sigstore-identity ID --sigstore-issuer URL",
        )
    if sigstore_owner_id and not sigstore_identity:
        raise UsageError("--sigstore-owner-id narrows --sigstore-identity", "give both")
    signers = [
        SigstoreSigner(identity, issuer, sigstore_owner_id or "")
        for identity, issuer in [(sigstore_identity, sigstore_issuer)]
        if identity and issuer
    ]
    listed = read_manifest(manifest) if manifest else None
    request = Request(
        trust=trust_from_files(
            keys=keys,
            authorities=authorities,
            identities=identities,
            sigstore=signers,
            trusted_root=trusted_root,
        ),
        signature=read_signature(signature) if signature else None,
        expected=Expected(expect, listed) if expect or listed else None,
    )
    progress = None if no_progress or quiet or not sys.stderr.isatty() else ConsoleProgress()
    try:
        report = api.verify(
            target,
            request=request,
            include=include,
            jobs=jobs,
            absolute_paths=absolute_paths,
            progress=progress,
        )
    finally:
        if progress:
            progress.close()
    deliver(report, places, level)
    return report.decision.exit_code
