"""`modelassay diff`: what a change of models means."""

from __future__ import annotations

from typing import Any

import click

from modelscan._cli.output import (
    deliver,
    destinations,
    detail,
    policy_options,
    replaced,
    report_options,
)


@click.command(
    "diff",
    epilog="Exit codes: 0 the policy passes the change, 1 it does not, 2 usage or a broken lock, "
    "3 a side could not be read.",
)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@policy_options
@report_options
def command(old: str, new: str, **options: Any) -> int:
    """Say what changed between two locks or two reports, and what the policy makes of it.

    OLD and NEW are files, or files at a revision of git: `models.lock`, `report.json`,
    `main:models.lock`; a revision alone means its models.lock. With -f markdown, a comment for a
    pull request.
    """
    from modelscan.dependencies import door, pages  # lazy: `--help` compares nothing
    from modelscan.policy.layers import load as load_policy

    places = destinations(options["formats"])
    level = detail(quiet=options["quiet"], verbose=options["verbose"])
    chosen = load_policy((), config=options["config"], policy=options["policy"])
    compared = door.diff(old, new, policy=chosen)
    deliver(compared.report, replaced(places, *pages.of_diff(compared.diff)), level)
    return compared.diff.decision.exit_code
