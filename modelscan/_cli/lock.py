"""`modelassay lock`: which models a code base agreed on, and whether that still holds."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelscan._about import NAME
from modelscan._cli.output import (
    Destination,
    deliver,
    destinations,
    detail,
    policy_options,
    replaced,
    report_options,
    token_option,
)

if TYPE_CHECKING:
    from modelscan.dependencies.locking import Written
    from modelscan.policy.layers import Policy

_PATHS = click.argument(
    "paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path, exists=True)
)
_EXCLUDE = click.option(
    "--exclude", multiple=True, metavar="GLOB", help="Leave matching paths out."
)
_LOCK = click.option(
    "--lock",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The lock (default: that of PATH, else the nearest models.lock upward).",
)
_CONSENT = click.option(
    "--allow-remote-code",
    "consent",
    multiple=True,
    metavar="REF",
    help="Agree to the Python that this model holds now.",
)
_FORCE = click.option("--force", is_flag=True, help="Also lock what the policy does not allow.")
_FULL = click.option(
    "--full", is_flag=True, help="Fetch and hash every byte, instead of taking the hub's digests."
)
_TENSORS = click.option(
    "--tensors", is_flag=True, help="Lock the digest of each tensor, too; reads all weights."
)
_CACHE = click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The hub's cache to take models from when offline.",
)


@click.group()
def lock() -> None:
    """Record which models this code uses, and hold the code against that."""


@lock.command(
    "write",
    epilog="Exit codes: 0 written, 1 the policy refuses a model, 2 usage, 3 a model could not be "
    "looked at, 4 there is nothing to lock.",
)
@_PATHS
@click.option("--add", multiple=True, metavar="REF", help="Lock this model, too.")
@_CONSENT
@_FORCE
@_EXCLUDE
@_LOCK
@_CACHE
@_FULL
@_TENSORS
@policy_options
@token_option
@report_options
def write(paths: tuple[Path, ...], **options: Any) -> int:
    """Look at every model that the code uses and is not locked yet, and lock it.

    PATH is a code base (default: the working directory). Local models are hashed again, so that
    writing is agreeing to what lies there; models of a hub stay as they were locked until `lock
    update`. A lock is replaced whole or not at all.
    """
    from modelscan.dependencies import door  # lazy: `--help` scans nothing

    chosen, places, level = _common(options)
    results = door.lock_write(
        *(paths or (Path(),)),
        add=options["add"],
        consent=options["consent"],
        force=options["force"],
        exclude=options["exclude"],
        lock=options["file"],
        policy=chosen,
        **_fetching(options),
    )
    return _written(results, chosen, places, level)


@lock.command(
    "update",
    epilog="Exit codes: 0 updated, 1 the policy refuses a model, 2 usage, 3 a model could not be "
    "looked at.",
)
@click.argument("refs", nargs=-1, metavar="[REF]...")
@_CONSENT
@_FORCE
@_LOCK
@_CACHE
@_FULL
@_TENSORS
@policy_options
@token_option
@report_options
def update(refs: tuple[str, ...], **options: Any) -> int:
    """Look at locked models again, and lock what they are now.

    REF is a model as the lock names it (default: all of them). What changed is printed, as
    `modelassay diff` would.
    """
    from modelscan.dependencies import door  # lazy: as above

    chosen, places, level = _common(options)
    result = door.lock_update(
        *refs,
        lock=options["file"],
        consent=options["consent"],
        force=options["force"],
        policy=chosen,
        **_fetching(options),
    )
    return _written((result,), chosen, places, level)


@lock.command(
    "check",
    epilog="Exit codes: 0 code and lock agree, 1 they do not, 2 a lock is broken, 3 something "
    "could not be read, 4 no model is used here.",
)
@_PATHS
@_EXCLUDE
@_LOCK
@policy_options
@report_options
def check(
    paths: tuple[Path, ...],
    exclude: tuple[str, ...],
    file: Path | None,
    **options: Any,
) -> int:
    """Hold code and local models against the lock; the network is never used.

    PATH is a code base, or a file of it (default: the working directory).
    """
    from modelscan.dependencies import door  # lazy: as above
    from modelscan.dependencies.checkpages import of_check  # lazy: the same

    chosen, places, level = _common(options)
    found = door.lock_check(*(paths or (Path(),)), exclude=exclude, lock=file, policy=chosen)
    deliver(found.report, replaced(places, *of_check(found.summary)), level)
    return found.report.decision.exit_code


@lock.command(
    "outdated",
    epilog="Exit codes: 0 nothing that the policy minds, 1 it minds something, 2 a lock is broken, "
    "3 somebody could not be asked.",
)
@_LOCK
@policy_options
@token_option
@report_options
def outdated(file: Path | None, **options: Any) -> int:
    """Ask the places of locked models what became of them; nothing is locked.

    Newer commits, another licence, another owner, a repository that is gone or was made again, and
    what the hub's scanners say by now.
    """
    from modelscan.dependencies import (
        door,  # lazy: as above
        pages,
    )
    from modelscan.fetcher.options import from_environment

    chosen, places, level = _common(options)
    fetch = from_environment(offline=options["offline"], full=False, token=options["token"])
    found = door.lock_outdated(lock=file, policy=chosen, fetch=fetch)
    diff = found.compared.diff
    last = "; ".join(found.commands)
    writers = pages.of_diff(diff, f"To update: {last}" if last else "", ending=True)
    deliver(found.compared.report, replaced(places, *writers), level)
    return diff.decision.exit_code


def _common(options: dict[str, Any]) -> tuple[Policy, tuple[Destination, ...], Any]:
    """The policy, and where to write what; all that can be wrong with the options is found here."""
    from modelscan.policy.layers import load as load_policy  # lazy: as above

    places = destinations(options["formats"])
    level = detail(quiet=options["quiet"], verbose=options["verbose"])
    chosen = load_policy((), config=options["config"], policy=options["policy"])
    _say(chosen.warnings)
    return chosen, places, level


def _fetching(options: dict[str, Any]) -> dict[str, Any]:
    from modelscan.fetcher.options import from_environment  # lazy: as above

    fetch = from_environment(
        offline=options["offline"], full=options["full"], token=options["token"]
    )
    return {"fetch": fetch, "cache": options["cache"], "tensors": options["tensors"]}


def _written(
    results: Iterable[Written], chosen: Policy, places: tuple[Destination, ...], level: Any
) -> int:
    """Show what became of locks; the strongest exit code of all."""
    from modelscan.dependencies import (
        door,  # lazy: as above
        pages,
    )

    code = 4
    for result in results:
        for each in result.refused:
            _say([f"{each.ref} is not locked, the policy refuses it: {each.refused}"])
        compared = door.lock_changes(result, chosen)
        path = pages.shown(result.path)
        if result.refused:
            last = f"{path} stays as it was (--force locks it all the same)."
        elif not result.changed:
            last = f"{path} is up to date."
        else:
            last = f"{path} written."
        deliver(
            compared.report,
            replaced(places, *pages.of_diff(compared.diff, last, ending=False)),
            level,
        )
        code = _stronger(code, result)
    return code


def _stronger(code: int, result: Written) -> int:
    """1 beats 3, 3 beats 4, 4 beats 0 unless something was locked."""
    if result.refused or code == 1:
        return 1
    if result.troubles or code == 3:  # noqa: PLR2004  # the exit code of what is incomplete
        return 3
    return 0 if result.new.model or result.old.model or code == 0 else 4


def _say(lines: Iterable[str]) -> None:
    from modelscan.report.text import encodable, inert  # lazy: hardly anything is said

    for line in lines:
        shown = encodable(inert(line), sys.stderr.encoding or "ascii")
        click.echo(f"{NAME}: {shown}", err=True)


command = lock
"""What the command line registers."""
