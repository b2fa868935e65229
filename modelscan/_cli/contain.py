"""`modelassay contain`: if a model were compromised, what could happen where it runs?"""

from __future__ import annotations

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
)
from modelscan.errors import UsageError

if TYPE_CHECKING:
    from modelscan.containment.write import Written

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("contain", epilog="Exit codes: 0 pass, 1 fail, 2 usage, 3 incomplete, 4 nothing.")
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path)
)
@click.option(
    "--report",
    "reports",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="What a scan said about the models that run there (scan -f json).",
)
@click.option("--lock", type=_FILE, metavar="FILE", help="The models.lock that names the models.")
@click.option(
    "--env", metavar="NAME", help="An environment of the configuration: its autonomy decides."
)
@click.option(
    "--write",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write overlays that contain what was found; DIR must be new or empty.",
)
@click.option(
    "--pin",
    "pins",
    multiple=True,
    metavar="IMAGE@DIGEST",
    help="With --write: the digest to name an image by. Repeat for several.",
)
@click.option(
    "--verifier",
    metavar="IMAGE@DIGEST",
    help=f"With --write: an image of {NAME}, to verify the model before the start.",
)
@click.option(
    "--allow",
    "allowed",
    multiple=True,
    metavar="CIDR|LABEL=VALUE",
    help="With --write: what may be connected to in spite of all. Repeat for several.",
)
@policy_options
@report_options
def command(  # noqa: PLR0913, PLR0917  # one parameter for each option
    paths: tuple[Path, ...],
    reports: tuple[Path, ...],
    lock: Path | None,
    env: str | None,
    folder: Path | None,
    pins: tuple[str, ...],
    verifier: str | None,
    allowed: tuple[str, ...],
    config: Path | None,
    policy: str | None,
    formats: tuple[str, ...],
    *,
    offline: bool,  # noqa: ARG001  # nothing here uses the network
    no_progress: bool,  # noqa: ARG001  # there is nothing to wait for
    absolute_paths: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Say what a compromised model could reach, read and keep where it runs.

    PATH is a folder or a file: compose files, Kubernetes manifests, kustomizations, Dockerfiles and
    systemd units. Workloads that serve a model, or act on what one says, are looked at control by
    control: satisfied, violated, or not to be told from these files. There is no score.
    """
    from modelscan import api  # lazy: `--help` needs neither the rules nor the readers
    from modelscan.report.text import inert  # lazy: the same

    places = destinations(formats)
    level = detail(quiet=quiet, verbose=verbose)
    if env and policy:
        raise UsageError("--env and --policy both name the policy", "use one of them")
    if not folder and (pins or verifier or allowed):
        raise UsageError("--pin, --verifier and --allow are about --write", "add --write DIR")
    chosen = api.load_policy(paths, config=config, policy=env or policy)
    for warning in chosen.warnings:
        click.echo(f"{NAME}: {inert(warning)}", err=True)
    report = api.contain(
        *paths, policy=chosen, reports=reports, lock=lock, absolute_paths=absolute_paths
    )
    deliver(report, places, level)
    if folder is not None:
        written = api.write_containment(
            *paths,
            folder=folder,
            reports=reports,
            lock=lock,
            pins=pins,
            verifier=verifier,
            allowed=allowed,
        )
        _say(written, folder)
    return report.decision.exit_code


def _say(written: Written, folder: Path) -> None:
    """What was written, and what could not be; on stderr, since the report is on stdout."""
    from modelscan.report.text import inert  # lazy: as above

    for name in written.files:
        click.echo(f"{NAME}: wrote {inert(str(folder / name))}", err=True)
    for note in written.notes:
        click.echo(f"{NAME}: first: {inert(note)}", err=True)
    for left in written.left:
        click.echo(f"{NAME}: not contained by this: {inert(left)}", err=True)
