"""`modelassay manifest sign`: put a name to a model, by a key, a certificate, or sigstore."""

from __future__ import annotations

from pathlib import Path

import click

from modelscan._cli.signing import Signer, signing_options
from modelscan.errors import UsageError

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("sign")
@click.argument("target", type=click.Path())
@signing_options
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
    key: Path | None,
    certificates: Path | None,
    *,
    sigstore: bool,
    trust_config: Path | None,
    algorithm: str,
    shard_size: int | None,
    output: Path | None,
) -> None:
    """Sign every file of a model, as OpenSSF Model Signing says.

    The password of an encrypted key is taken from the environment: MODELASSAY_KEY_PASSWORD. So is
    the identity token for --sigstore: SIGSTORE_ID_TOKEN.
    """
    from modelscan.report.files import write_file  # lazy: `--help` signs nothing
    from modelscan.verifier.oms import writing

    signer = Signer(key, certificates, sigstore=sigstore, trust_config=trust_config)
    folder = Path(target)
    if output is None and not folder.is_dir():
        raise UsageError("a signature of a file needs a place", "say where: --output FILE")
    place = output or folder / "model.sig"
    how = writing.Serialization(algorithm, shard_size or 0)
    payload = writing.state(target, how, leave_out=_inside(folder, place))
    write_file(place, signer.sign(payload))
    click.echo(f"signed: {place}", err=True)


def _inside(folder: Path, place: Path) -> tuple[str, ...]:
    """The signature's own name among the model's files, when it lies there."""
    try:
        return (place.resolve().relative_to(folder.resolve()).as_posix(),)
    except ValueError:
        return ()
