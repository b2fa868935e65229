"""`modelassay doctor`: is this installation sound, and what in the environment bears on it?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelscan._about import NAME
from modelscan.errors import UsageError

if TYPE_CHECKING:
    from modelscan._cli.examination import Examination

_COLUMN = 20


@click.command("doctor", epilog="Exit codes: 0 sound, 2 something is broken.")
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
)
def command(form: str) -> int:
    """Check this installation, and say what to do about problems.

    Shows versions, the shipped data with its digests, the cache, other packages that share our
    import name, and the environment variables that matter. Values of tokens are never shown.
    """
    from modelscan._cli.examination import examine  # lazy: `--help` examines nothing
    from modelscan.report import jsontext  # lazy: the same

    found = examine()
    if form == "json":
        click.echo(jsontext.encode(found, sort=False).decode(), nl=False)
    else:
        click.echo("\n".join(_page(found)))
    broken = any(problem.level == "broken" for problem in found.problems)
    return UsageError.exit_code if broken else 0


def _page(found: Examination) -> Iterator[str]:
    """The examination for people, inert whatever the environment holds."""
    from modelscan.report.text import encodable, inert  # lazy: as above

    for heading, rows in _sections(found):
        yield heading
        for name, value in rows:
            text = f"  {name:<{_COLUMN}}{_from_home(value)}".rstrip()
            yield encodable(inert(text), found.encoding)
        yield ""
    if not found.problems:
        yield "No problems found."
        return
    yield "Problems"
    for problem in found.problems:
        yield encodable(inert(f"  {problem.level}: {_from_home(problem.what)}"), found.encoding)
        yield encodable(inert(f"    Fix: {problem.fix}"), found.encoding)


def _sections(found: Examination) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    yield (
        f"{NAME} {found.version}",
        [
            ("installed as", found.installation),
            *(("package", folder) for folder in found.package),
            ("python", found.python),
            ("platform", found.platform),
            ("output", f"{found.encoding}, {'a terminal' if found.terminal else 'no terminal'}"),
        ],
    )
    libraries = [
        (item.name, f"{item.version or 'not installed'}, needs {item.needs or 'any'}{kind}")
        for item in found.dependencies
        for kind in [", optional" if item.optional else ""]
    ]
    yield "Libraries", libraries or [("unknown", f"{NAME} is not installed: run from its folder")]
    yield (
        "Data",
        [
            row
            for item in found.data
            for row in (
                (item.kind, ", ".join(f"{count:,} {what}" for what, count in item.counts.items())),
                ("", f"sha256:{item.digest}"),
                ("", item.folder),
            )
        ],
    )
    yield "Cache", [("writable" if found.cache_writable else "not writable", found.cache)]
    yield (
        "Neighbours with the same import package",
        [("", line) for line in found.neighbours] or [("none", "")],
    )
    yield (
        "Environment",
        [
            (name, "(set, not shown)" if value is None else value)
            for name, value in found.environment.items()
        ]
        or [("nothing set", "")],
    )


def _from_home(text: str) -> str:
    """The text with the home folder shortened: what is shown here is pasted into bug reports."""
    try:
        home = str(Path.home())
    except RuntimeError:  # a container may run us as a user who is in no list
        return text
    return text.replace(home + "/", "~/") if len(home) > 1 else text
