"""`modelassay manifest fingerprint`: what recognises a model's descendants, without its weights."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

if TYPE_CHECKING:
    from modelscan.fetcher.options import FetchOptions
    from modelscan.verifier.release import Manifest

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("fingerprint")
@click.argument("target", type=click.Path())
@click.option("-o", "--output", type=_FILE, required=True, metavar="FILE", help="Write it there.")
@click.option("--source", metavar="REF", default="", help="What it is of: hf:org/name@commit.")
@click.option(
    "--weights", "which", metavar="NAME", default="", help="Which of several sets of weights."
)
@click.option(
    "--sketch",
    type=click.Choice(["8", "16", "32"]),
    help="Side of the sketches. Default: the largest that keeps the file below 1 MB.",
)
@click.option(
    "--private-seed",
    type=_FILE,
    metavar="FILE",
    help="A secret. Only who has it can compare with this fingerprint, or evade it.",
)
@click.option("--offline", is_flag=True, help="Fetch nothing.")
@click.option("--token", is_flag=True, help="Send the hub token of the environment.")
def fingerprint(  # one parameter for each option
    target: str,
    output: Path,
    *,
    source: str,
    which: str,
    sketch: str | None,
    private_seed: Path | None,
    offline: bool,
    token: bool,
) -> None:
    """Make the fingerprint of a model, for `lineage --base` and `lineage --library`.

    TARGET is a model whose descendants are to be recognised: a folder, a file, or
    hf:org/name@revision. All of its weights are read once. The fingerprint has digests, random
    sketches and a few sample values of every tensor; the weights cannot be restored from it.
    """
    from modelscan._cli.progress import ConsoleProgress  # lazy: `--help` reads nothing
    from modelscan.fetcher.options import from_environment
    from modelscan.lineage.fingerprint_writing import digest, encode
    from modelscan.lineage.making import fingerprint_of
    from modelscan.lineage.signs import PUBLIC, read_seed
    from modelscan.report.files import write_file
    from modelscan.report.text import counted, encodable, inert

    progress = ConsoleProgress() if sys.stderr.isatty() else None
    try:
        made = fingerprint_of(
            target,
            k=int(sketch) if sketch else None,
            seed=read_seed(private_seed) if private_seed else PUBLIC,
            source=source,
            which=which,
            fetch=from_environment(offline=offline, full=True, token=token),
            progress=progress,
        )
    finally:
        if progress:
            progress.close()
    data = encode(made)
    write_file(output, data)
    lines = (
        f"{made.source}: {counted(made.count, 'tensor')}, {counted(made.layers, 'layer')}",
        f"weights  {made.root}",
        f"written  {output}, {len(data):,} bytes, {digest(data)}",
    )
    for line in lines:
        click.echo(encodable(inert(line), sys.stderr.encoding or "ascii"), err=True)


def stated(made: Manifest, target: str, output: Path, fetch: FetchOptions) -> Manifest:
    """A manifest whose release states the digest of its fingerprint, which is written.

    Args:
        made: of one release.
        target: the model that it was made of.
        output: where the fingerprint goes.
        fetch: how the model is fetched when it is not on this machine.

    Raises:
        SourceError: the model has no weights, or not all of them can be read.
        UsageError: the file cannot be written.
    """
    from modelscan.lineage.fingerprint_writing import digest, encode  # lazy: as above
    from modelscan.lineage.making import fingerprint_of
    from modelscan.lineage.prints import SCHEMA
    from modelscan.report.files import write_file

    (release,) = made.releases
    source = release.locations[0] if release.locations else release.id
    if release.locations and release.revision:
        source += f"@{release.revision}"
    data = encode(fingerprint_of(target, source=source, fetch=fetch))
    write_file(output, data)
    release = msgspec.structs.replace(release, fingerprints={SCHEMA: digest(data)})
    return msgspec.structs.replace(made, releases=(release,))
