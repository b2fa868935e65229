"""`modelassay verify`: is a model what somebody published, or signed by somebody you trust?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

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
from modelscan.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from modelscan.verifier.trust import SigstoreSigner

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("verify", epilog="Exit codes: 0 pass, 1 fail, 2 usage, 3 incomplete, 4 nothing.")
@click.argument("target", type=click.Path())
@click.option("--expect", metavar="REF", default="", help="The release that you think it is.")
@click.option(
    "--manifest",
    "manifests",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE|DIR",
    help="Lists of releases of your own, or a SHA256SUMS file.",
)
@click.option(
    "--attestation", type=_FILE, metavar="FILE", help="A signed statement that it was scanned."
)
@click.option(
    "--attestation-policy", default="", metavar="NAME", help="Scanned under this policy or digest."
)
@click.option(
    "--attestation-max-age",
    type=click.IntRange(0, 36_500),
    metavar="DAYS",
    help="Scanned no longer ago than this.",
)
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
    "--signed-since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="Refuse older signatures, and those that do not say when they were made.",
)
@click.option(
    "--pin-signer",
    is_flag=True,
    help="Write down who signed it, and what, in the file of [trust] pins.",
)
@click.option(
    "--include", multiple=True, metavar="GLOB", help="Verify matching files only, and say so."
)
@click.option("--jobs", type=click.IntRange(1, 256), metavar="N", help="Threads for large files.")
@policy_options
@token_option
@report_options
def command(  # noqa: PLR0913, PLR0917  # one parameter for each option
    target: str,
    expect: str,
    manifests: tuple[Path, ...],
    attestation: Path | None,
    attestation_policy: str,
    attestation_max_age: int | None,
    signature: Path | None,
    keys: tuple[Path, ...],
    authorities: tuple[Path, ...],
    identities: tuple[str, ...],
    sigstore_identity: str | None,
    sigstore_issuer: str | None,
    sigstore_owner_id: str | None,
    trusted_root: Path | None,
    signed_since: datetime | None,
    include: tuple[str, ...],
    jobs: int | None,
    config: Path | None,
    policy: str | None,
    formats: tuple[str, ...],
    *,
    pin_signer: bool,
    token: bool,
    offline: bool,
    no_progress: bool,
    absolute_paths: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Say whether a model is what somebody published, or signed by somebody you trust.

    TARGET is a folder (one model), a file, a model's folder in a hub cache, or a reference such as
    hf:org/name@revision, which is fetched whole. Every byte is hashed. It passes if it is a known
    release, or validly signed by a key, certificate or identity that you name; if you name one, or
    a release, then nothing else will do. Nothing is trusted by default.
    """
    from modelscan import api  # lazy: `verify --help` needs neither the rules nor the readers
    from modelscan.fetcher.options import from_environment
    from modelscan.report.text import inert
    from modelscan.verifier.attested.scan import Wanted
    from modelscan.verifier.expected import Expected
    from modelscan.verifier.own_manifests import read_set
    from modelscan.verifier.request import Request, read_signature
    from modelscan.verifier.trustfiles import trust_from_files

    places = destinations(formats)
    level = detail(quiet=quiet, verbose=verbose)
    if attestation is None and (attestation_policy or attestation_max_age is not None):
        raise UsageError("there is no statement to ask that of", "name it: --attestation FILE")
    listed = [each for path in manifests for each in read_set(path)]
    chosen = api.load_policy((target,), config=config, policy=policy)
    for warning in chosen.warnings:
        click.echo(f"{NAME}: {inert(warning)}", err=True)
    request = Request(
        trust=trust_from_files(
            keys=keys,
            authorities=authorities,
            identities=identities,
            sigstore=_signers(sigstore_identity, sigstore_issuer, sigstore_owner_id),
            trusted_root=trusted_root,
        ),
        signature=read_signature(signature) if signature else None,
        expected=Expected(expect, *listed) if expect or listed else None,
        attestation=Wanted(read_signature(attestation), attestation_policy, attestation_max_age)
        if attestation
        else None,
        pinning=pin_signer,
        signed_since=f"{signed_since:%Y-%m-%d}" if signed_since else "",
    )
    progress = None if no_progress or quiet or not sys.stderr.isatty() else ConsoleProgress()
    try:
        report = api.verify(
            target,
            request=request,
            policy=chosen,
            include=include,
            jobs=jobs,
            fetch=from_environment(offline=offline, full=True, token=token),
            absolute_paths=absolute_paths,
            progress=progress,
        )
    finally:
        if progress:
            progress.close()
    deliver(report, places, level)
    for line in api.pin_signers(report, chosen) if pin_signer else ():
        click.echo(f"{NAME}: {inert(line)}", err=True)
    return report.decision.exit_code


def _signers(
    identity: str | None, issuer: str | None, owner_id: str | None
) -> tuple[SigstoreSigner, ...]:
    """Who may sign by sigstore, as far as the options name somebody."""
    from modelscan.verifier.trust import SigstoreSigner  # lazy: as above

    if bool(identity) != bool(issuer):
        raise UsageError(
            "an identity means something only with its issuer",
            "give both: --sigstore-identity ID --sigstore-issuer URL",
        )
    if owner_id and not identity:
        raise UsageError("--sigstore-owner-id narrows --sigstore-identity", "give both")
    return (SigstoreSigner(identity, issuer, owner_id or ""),) if identity and issuer else ()
