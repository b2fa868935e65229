"""`modelassay hook`: what `pre-commit` runs before a commit. Hidden: nobody types it.

Invariants: files that changed are looked at, nothing is fetched, and the exit code is 0 also where
there was nothing to look at: a hook that has nothing to say is in nobody's way.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelscan._about import NAME
from modelscan._cli.output import Destination, deliver, detail, policy_options
from modelscan.report.text import encodable, inert

if TYPE_CHECKING:
    from modelscan.policy.layers import Policy
    from modelscan.report.writer import Writer
    from modelscan.vocabulary.result import Report

_FILES = click.argument(
    "files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path, exists=True)
)
_VERBOSE = click.option("-v", "--verbose", is_flag=True, help="Print notes, too.")


@click.group(hidden=True)
def hook() -> None:
    """Look at what a commit changes."""


@hook.command("files", epilog="Exit codes: 0 pass, 1 fail, 2 usage, 3 a file could not be read.")
@_FILES
@policy_options
@_VERBOSE
def files(
    files: tuple[Path, ...], config: Path | None, policy: str | None, *, verbose: bool
) -> int:
    """Scan the model files of a commit.

    FILE is a model file, or an LFS pointer, which is held against the lock.
    """
    from modelscan._cli import changed_files  # lazy: `--help` scans nothing
    from modelscan._cli.hook_page import FilesPage  # lazy: the same

    if not files:
        return 0
    told = changed_files.told(files, _policy(files, config, policy))
    return _shown(told.report, FilesPage(told.summary), verbose=verbose)


@hook.command(
    "references", epilog="Exit codes: 0 pass, 1 fail, 2 usage or a broken lock, 3 unread."
)
@_FILES
@policy_options
@_VERBOSE
def references(
    files: tuple[Path, ...], config: Path | None, policy: str | None, *, verbose: bool
) -> int:
    """Hold the models that changed code names against the lock.

    FILE is code, a notebook, or a file of settings.
    """
    from modelscan._cli import changed_code  # lazy: as above
    from modelscan.dependencies.checkpages import CheckPage  # lazy: the same

    if not files:
        return 0
    told = changed_code.told(files, _policy((), config, policy))
    return _shown(told.report, CheckPage(told.summary), verbose=verbose)


@hook.command("lock", epilog="Exit codes: 0 pass, 1 fail, 2 usage, 3 unread.")
@policy_options
@_VERBOSE
def lock(config: Path | None, policy: str | None, *, verbose: bool) -> int:
    """Hold the repository against its locks, as `lock check` does."""
    from modelscan.dependencies import door, judging  # lazy: as above
    from modelscan.dependencies.checkpages import CheckPage  # lazy: the same

    found = door.lock_check(Path(), policy=_policy((), config, policy))
    return _shown(judging.passing(found.report), CheckPage(found.summary), verbose=verbose)


def _policy(targets: Sequence[Path], config: Path | None, policy: str | None) -> Policy:
    from modelscan.policy.layers import load  # lazy: as above

    chosen = load(targets, config=config, policy=policy)
    for warning in chosen.warnings:
        shown = encodable(inert(warning), sys.stderr.encoding or "ascii")
        click.echo(f"{NAME}: {shown}", err=True)
    return chosen


def _shown(report: Report, writer: Writer, *, verbose: bool) -> int:
    deliver(report, (Destination(writer, None),), detail(quiet=False, verbose=verbose))
    return report.decision.exit_code


command: Any = hook
"""What the command line registers."""
