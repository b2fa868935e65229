"""`modelassay manifest`: lists of published files, made, shown and checked; and signatures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelscan._cli.manifest_fingerprint import fingerprint, stated
from modelscan._cli.manifest_sign import sign
from modelscan._cli.manifest_update import update
from modelscan._cli.output import token_option
from modelscan.errors import UsageError

if TYPE_CHECKING:
    from modelscan.verifier.release import Manifest, Release

_FILE = click.Path(path_type=Path, dir_okay=False)
_PLACE = click.Path(path_type=Path)


@click.group()
def manifest() -> None:
    """State what a model is: lists of its files, and signatures."""


@manifest.command("create")
@click.argument("target", type=click.Path())
@click.option("--id", "release", metavar="ID", default="", help="The release's name.")
@click.option("--location", metavar="REF", default="", help="Where it is published: hf:org/name.")
@click.option("--publisher", metavar="NAME", default="self", help="Who states it.")
@click.option(
    "--supersedes", multiple=True, metavar="ID", help="An older release that this one replaces."
)
@click.option("--include", multiple=True, metavar="GLOB", help="List matching files only.")
@click.option("-o", "--output", type=_FILE, metavar="FILE", help="Write it there.")
@click.option(
    "--fingerprint",
    "prints",
    type=_FILE,
    metavar="FILE",
    help="Also make a fingerprint of the weights, write it there, and state its digest.",
)
@token_option
@click.option("--offline", is_flag=True, help="Never use the network.")
def create(  # noqa: PLR0913  # one parameter for each option
    target: str,
    release: str,
    location: str,
    publisher: str,
    supersedes: tuple[str, ...],
    include: tuple[str, ...],
    output: Path | None,
    prints: Path | None,
    *,
    token: bool,
    offline: bool,
) -> None:
    """Hash every file of a model and list them, for `verify --manifest`.

    TARGET is a folder, a file, a model's folder in a hub cache, or a reference such as
    hf:org/name@commit: then the manifest records what that name space published there.
    """
    from modelscan.fetcher.options import from_environment
    from modelscan.pipeline import Selection  # lazy: `--help` hashes nothing
    from modelscan.verifier.pinning import encode, pin

    fetch = from_environment(offline=offline, full=True, token=token)
    made = pin(
        target,
        release=release,
        location=location,
        publisher=publisher,
        supersedes=supersedes,
        takes=Selection(include).takes if include else None,
        fetch=fetch,
    )
    if prints is not None:
        made = stated(made, target, prints, fetch)
    _write(encode(made), output)


@manifest.command("show")
@click.argument("path", type=_FILE, metavar="FILE")
def show(path: Path) -> None:
    """Show what a manifest states."""
    from modelscan.report.text import encodable, inert  # lazy: `--help` reads nothing
    from modelscan.verifier.release import read_manifest

    for line in _page(read_manifest(path)):
        click.echo(encodable(inert(line), sys.stdout.encoding or "ascii"))


@manifest.command("check", epilog="Exit codes: 0 sound, 2 a manifest is broken.")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
def check(paths: tuple[Path, ...]) -> None:
    """Check manifests: their shape, paths and digests, and that they do not contradict each other.

    FILE may be a folder of manifests.
    """
    from modelscan.report.text import counted, encodable, inert  # lazy: the same
    from modelscan.verifier import merging
    from modelscan.verifier.compiling import compile_releases
    from modelscan.verifier.own_manifests import read_set

    read = [each for path in paths for each in read_set(path)]
    found = merging.conflicts(read)
    if found:
        for conflict in found:
            click.echo(encodable(inert(str(conflict)), sys.stdout.encoding or "ascii"))
        raise UsageError(f"{counted(len(found), 'contradiction')}", "settle them by hand")
    compile_releases(read)
    releases = sum(len(one.releases) for one in read)
    click.echo(f"{counted(len(read), 'manifest')}, {counted(releases, 'release')}, no errors")


@manifest.command("merge", epilog="Exit codes: 0 merged, 2 the manifests contradict each other.")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option("-o", "--output", type=_FILE, metavar="FILE", help="Write it there.")
def merge(paths: tuple[Path, ...], output: Path | None) -> None:
    """Make one manifest of several; what they contradict each other in is named, and not settled.

    FILE may be a folder of manifests. The result has the weakest assurance of them.
    """
    from modelscan.verifier import merging  # lazy: `--help` reads nothing
    from modelscan.verifier.own_manifests import read_set
    from modelscan.verifier.pinning import encode

    _write(encode(merging.merge([each for path in paths for each in read_set(path)])), output)


manifest.add_command(fingerprint)
manifest.add_command(sign)
manifest.add_command(update)


def _page(found: Manifest) -> Iterator[str]:
    publisher = found.publisher
    yield f"{publisher.name} ({publisher.id}), {found.assurance}: {publisher.verified_how}"
    until = f", until {found.expires}" if found.expires else ""
    yield f"serial {found.serial} of {found.issued}{until}"
    for release in found.releases:
        yield from _described(release)


def _described(release: Release) -> Iterator[str]:
    yield ""
    size = sum(file.size or 0 for file in release.files)
    whole = "complete" if release.complete else "not all of it"
    yield f"{release.id}  {len(release.files):,} files, {size:,} bytes, {whole}"
    if release.locations:
        yield f"  published at {', '.join(release.locations)}"
    if release.revision:
        yield f"  commit {release.revision}"
    if release.supersedes:
        yield f"  replaces {', '.join(release.supersedes)}"
    if release.licence:
        yield f"  licence {release.licence}"
    if release.signing and release.signing.expect != "none":
        yield f"  signed by {', '.join(release.signing.signers) or 'its publisher'}"
    for scheme, value in release.fingerprints.items():
        yield f"  fingerprint {scheme} {value}"
    if release.git_anchor:
        yield f"  git anchor: {_proved(release)}"
    if release.status != "current":
        yield f"  {release.status}: {release.reason}"
    for file in release.files:
        algorithm, digest = next(iter(file.digests.items()))
        yield f"  {algorithm}:{digest}  {file.path}"


def _proved(release: Release) -> str:
    """What a release's git objects prove of it."""
    from modelscan.errors import ReadError  # lazy: as above
    from modelscan.verifier import git_evidence

    anchor = release.git_anchor
    if anchor is None or not anchor.objects:
        return "no objects, so that it proves nothing"
    try:
        proof = git_evidence.prove(release, anchor)
    except ReadError as error:
        return f"proves nothing: {error.message}"
    return f"proves {len(proof.proved):,} of {len(release.files):,} files"


def _write(data: bytes, output: Path | None) -> None:
    from modelscan.report.files import write_file  # lazy: as above

    if output is not None:
        write_file(output, data)
        click.echo(f"written: {output}", err=True)
        return
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


command = manifest
"""What the command line registers."""
