"""`modelassay manifest`: lists of published files, made, shown and checked; and signatures."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelscan.errors import UsageError

if TYPE_CHECKING:
    from modelscan.verifier.release import Manifest

_FILE = click.Path(path_type=Path, dir_okay=False)
_PASSWORD = "MODELASSAY_KEY_PASSWORD"  # noqa: S105  # the name of a variable


@click.group()
def manifest() -> None:
    """State what a model is: lists of its files, and signatures."""


@manifest.command("create")
@click.argument("target", type=click.Path())
@click.option("--id", "release", metavar="ID", default="", help="The release's name.")
@click.option("--location", metavar="REF", default="", help="Where it is published: hf:org/name.")
@click.option("--publisher", metavar="NAME", default="self", help="Who states it.")
@click.option("--include", multiple=True, metavar="GLOB", help="List matching files only.")
@click.option("-o", "--output", type=_FILE, metavar="FILE", help="Write it there.")
def create(
    target: str,
    release: str,
    location: str,
    publisher: str,
    include: tuple[str, ...],
    output: Path | None,
) -> None:
    """Hash every file of a model and list them, for `verify --manifest`.

    TARGET is a folder, a file, or a model's folder in a hub cache.
    """
    from modelscan.pipeline import Selection  # lazy: `--help` hashes nothing
    from modelscan.verifier.pinning import encode, pin

    made = pin(
        target,
        release=release,
        location=location,
        publisher=publisher,
        takes=Selection(include).takes if include else None,
    )
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
@click.argument("paths", nargs=-1, required=True, type=_FILE, metavar="FILE...")
def check(paths: tuple[Path, ...]) -> None:
    """Check manifests: their shape, their paths and digests, and that no release stands twice."""
    from modelscan.report.text import counted  # lazy: the same
    from modelscan.verifier.compiling import compile_releases
    from modelscan.verifier.release import read_manifest

    read = [read_manifest(path) for path in paths]
    compile_releases(read)
    releases = sum(len(one.releases) for one in read)
    click.echo(f"{counted(len(read), 'manifest')}, {counted(releases, 'release')}, no errors")


@manifest.command("sign")
@click.argument("target", type=click.Path())
@click.option("--key", type=_FILE, required=True, metavar="FILE", help="A private key in PEM form.")
@click.option(
    "--certificates", type=_FILE, metavar="FILE", help="The key's certificate and its issuers."
)
@click.option(
    "--hash",
    "algorithm",
    type=click.Choice(["sha256", "blake2b", "blake3"]),
    default="sha256",
    show_default=True,
)
@click.option("--shard-size", type=click.IntRange(1), metavar="BYTES", help="Sign in pieces.")
@click.option("-o", "--output", type=_FILE, metavar="FILE", help="Default: model.sig in TARGET.")
def sign(  # one parameter for each option
    target: str,
    key: Path,
    certificates: Path | None,
    algorithm: str,
    shard_size: int | None,
    output: Path | None,
) -> None:
    """Sign every file of a model, as OpenSSF Model Signing says.

    The password of an encrypted key is taken from the environment: MODELASSAY_KEY_PASSWORD.
    """
    from modelscan.verifier.oms import writing  # lazy: `--help` signs nothing
    from modelscan.verifier.trustfiles import read_small

    folder = Path(target)
    if output is None and not folder.is_dir():
        raise UsageError("a signature of a file needs a place", "say where: --output FILE")
    place = output or folder / "model.sig"
    password = os.environ.get(_PASSWORD)
    signing_key = writing.load_signing_key(
        key.name,
        read_small(key),
        password.encode() if password else None,
        read_small(certificates) if certificates else b"",
    )
    how = writing.Serialization(algorithm, shard_size or 0)
    payload = writing.state(target, how, leave_out=_inside(folder, place))
    _write(writing.sign(payload, signing_key), place)
    click.echo(f"signed: {place}", err=True)


def _inside(folder: Path, place: Path) -> tuple[str, ...]:
    """The signature's own name among the model's files, when it lies there."""
    try:
        return (place.resolve().relative_to(folder.resolve()).as_posix(),)
    except ValueError:
        return ()


def _page(found: Manifest) -> Iterator[str]:
    publisher = found.publisher
    yield f"{publisher.name} ({publisher.id}), {found.assurance}: {publisher.verified_how}"
    yield f"serial {found.serial} of {found.issued}"
    for release in found.releases:
        yield ""
        size = sum(file.size or 0 for file in release.files)
        whole = "complete" if release.complete else "not all of it"
        yield f"{release.id}  {len(release.files):,} files, {size:,} bytes, {whole}"
        if release.locations:
            yield f"  published at {', '.join(release.locations)}"
        if release.revision:
            yield f"  commit {release.revision}"
        if release.status != "current":
            yield f"  {release.status}: {release.reason}"
        for file in release.files:
            algorithm, digest = next(iter(file.digests.items()))
            yield f"  {algorithm}:{digest}  {file.path}"


def _write(data: bytes, output: Path | None) -> None:
    from modelscan.report.files import write_file  # lazy: as above

    if output is not None:
        write_file(output, data)
        return
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


command = manifest
"""What the command line registers."""
