"""`modelassay pull`: fetch, scan and lock in one; the files appear only if the policy passes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    from modelscan.dependencies.pull import Pulled
    from modelscan.dependencies.transfer_writing import Wish

_FOLDER = click.Path(path_type=Path)
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(
    "pull",
    epilog="Exit codes: 0 it is there, 1 the policy refuses it, 2 usage, 3 it could not be fetched "
    "or looked at whole, 4 there is no model.",
)
@click.argument("ref", metavar="REF")
@click.argument("folder", metavar="[DIR]", required=False, type=_FOLDER)
@click.option("--include", multiple=True, metavar="GLOB", help="Take matching files only.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave matching files out.")
@click.option(
    "--lock",
    type=_FILE,
    metavar="FILE",
    help="The lock that shall name it (default: the nearest models.lock upward).",
)
@click.option("--force", is_flag=True, help="Replace what is in DIR, whole, if the policy passes.")
@click.option(
    "--export",
    type=_FOLDER,
    metavar="FILE.tar|DIR",
    help="Write a bundle for a site without a network; DIR may be left out then.",
)
@click.option(
    "--import", "incoming", is_flag=True, help="REF is such a bundle: take it in, and never fetch."
)
@click.option(
    "--key",
    "keys",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="With --export, the private key that signs the receipt; with --import, a public key that "
    "has to have signed it.",
)
@click.option(
    "--manifest",
    "manifests",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="With --export, add a list of releases to those that come with the program.",
)
@click.option(
    "--trust",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="With --export, add a key or a trusted root that the other side may verify with.",
)
@policy_options
@token_option
@report_options
def command(ref: str, folder: Path | None, **options: Any) -> int:
    """Fetch a model, scan it, lock it, and let it appear in DIR only if the policy passes.

    REF is what `scan` takes: hf:org/name@revision, an address, a folder. Every byte is fetched into
    a private folder beside DIR and scanned there; DIR gets those very bytes, by one renaming. What
    the lock says of REF is held against what REF is now. Unless the policy passes, nothing appears.

    A bundle holds the model, its report, its lock and the lists of releases, with a receipt. Where
    it is taken in, every byte is held against the receipt, and the model is scanned again by the
    policy of that site; what else the bundle holds appears in DIR.records.
    """
    from modelscan import api  # lazy: `pull --help` needs neither the rules nor the readers

    _check(folder, options)
    places = destinations(options["formats"])
    level = detail(quiet=options["quiet"], verbose=options["verbose"])
    chosen = api.load_policy((ref,), config=options["config"], policy=options["policy"])
    for warning in chosen.warnings:
        _say(warning)
    silent = options["no_progress"] or options["quiet"] or not sys.stderr.isatty()
    progress = None if silent else ConsoleProgress()
    common = {
        "policy": chosen,
        "lock": options["lock"],
        "force": options["force"],
        "progress": progress,
    }
    try:
        if options["incoming"]:
            pulled = _received(ref, folder, options["keys"], common)
        else:
            pulled = _pulled(ref, folder, options, common)
    finally:
        if progress:
            progress.close()
    deliver(pulled.report, places, level)
    for line in _ending(pulled, folder):
        _say(line)
    return pulled.report.decision.exit_code


def _check(folder: Path | None, options: dict[str, Any]) -> None:
    """Options that contradict each other.

    Raises:
        UsageError: such options.
    """
    export, incoming = options["export"], options["incoming"]
    if export and incoming:
        raise UsageError("--export and --import contradict each other", "use one of them")
    if folder is None and not export:
        raise UsageError("no folder to put the model into", "name one: modelassay pull REF DIR")
    if not export and (options["manifests"] or options["trust"]):
        raise UsageError("--manifest and --trust are for a bundle", "name it: --export FILE.tar")
    if options["keys"] and not (export or incoming):
        raise UsageError("--key is about the receipt of a bundle", "use --export or --import")
    if export and len(options["keys"]) > 1:
        raise UsageError("one key signs a receipt", "give --key once")
    if incoming and (options["include"] or options["exclude"] or options["token"]):
        raise UsageError("a bundle is taken in whole, and nothing is fetched", "leave these out")


def _pulled(
    ref: str, folder: Path | None, options: dict[str, Any], common: dict[str, Any]
) -> Pulled:
    from modelscan import api  # lazy: as above
    from modelscan.fetcher.options import from_environment

    fetch = from_environment(offline=options["offline"], full=True, token=options["token"])
    chosen = {"include": options["include"], "exclude": options["exclude"]}
    export = _wish(options) if options["export"] else None
    return api.pull(ref, folder, fetch=fetch, export=export, **chosen, **common)


def _wish(options: dict[str, Any]) -> Wish:
    from modelscan._cli.signing import Signer  # lazy: only for bundles
    from modelscan.dependencies.transfer_writing import Wish

    keys = options["keys"]
    sign = Signer(keys[0], None, sigstore=False, trust_config=None).sign if keys else None
    return Wish(options["export"], sign, options["trust"], options["manifests"])


def _received(
    ref: str, folder: Path | None, keys: tuple[Path, ...], common: dict[str, Any]
) -> Pulled:
    from modelscan import api  # lazy: as above
    from modelscan.verifier.trustfiles import trust_from_files

    assert folder is not None  # noqa: S101  # `_check` saw to it
    return api.receive(ref, folder, trust=trust_from_files(keys=keys), **common)


def _ending(pulled: Pulled, folder: Path | None) -> Iterator[str]:
    """Where the model is, or that it is nowhere."""
    from modelscan.dependencies.pages import shown  # lazy: as above

    if pulled.note:
        yield pulled.note
    if pulled.folder is None and pulled.bundle is None:
        yield f"nothing was put into {folder or 'the bundle'}: the policy does not pass"
    (model,) = pulled.report.models
    count = f"{len(model.files):,} file{'' if len(model.files) == 1 else 's'}"
    if pulled.bundle is not None:
        yield f"{pulled.bundle}: {count}, the very bytes that were scanned, and the receipt"
    if pulled.folder is not None and pulled.lock is not None:
        where = f"locked in {shown(pulled.lock)}"
        yield f"{folder}: {count}, the very bytes that were scanned; {where}"
    if pulled.records is not None:
        yield f"{folder}.records: what else the bundle holds, to be verified with, and not trusted"


def _say(line: str) -> None:
    from modelscan.report.text import encodable, inert  # lazy: as above

    click.echo(f"{NAME}: {encodable(inert(line), sys.stderr.encoding or 'ascii')}", err=True)
