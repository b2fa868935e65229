"""`modelassay rules`: what is looked for, why, and whether a folder of rules is sound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelscan.errors import RuleError, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelscan.vocabulary.rule import Rule

_PATHS = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
_EXTRA = click.option(
    "--rules",
    "extra",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Add the rules of this folder.",
)


@click.group()
def rules() -> None:
    """Show, check and test the rules."""


@rules.command("list")
@_EXTRA
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
)
def list_(extra: tuple[Path, ...], form: str) -> None:
    """List every rule, the most severe first."""
    from modelscan.engine import catalogue  # lazy: `--help` needs no rules
    from modelscan.vocabulary.rule import SEVERITIES

    found = sorted(
        catalogue.load(extra).rules.values(),
        key=lambda rule: (-SEVERITIES.index(rule.severity), rule.id),
    )
    if form == "json":
        import msgspec  # lazy: see above

        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    width = max((len(rule.id) for rule in found), default=0)
    for rule in found:
        click.echo(f"{rule.severity:<9}{rule.confidence:<8}{rule.id:<{width}}  {rule.title}")


@rules.command("show")
@click.argument("rule_id", metavar="ID")
@_EXTRA
def show(rule_id: str, extra: tuple[Path, ...]) -> None:
    """Show all there is to know about one rule."""
    from modelscan.engine import catalogue  # lazy: `--help` needs no rules

    known = catalogue.load(extra).rules
    if rule_id not in known:
        hint = did_you_mean(rule_id, known) or "`modelassay rules list` shows all of them"
        raise UsageError(f"there is no rule {rule_id!r}", hint)
    click.echo("\n".join(_page(known[rule_id])))


@rules.command("lint")
@_PATHS
def lint(paths: tuple[Path, ...]) -> None:
    """Check rule files and lists: the shipped ones, or those at PATHS."""
    from modelscan._resources import folder  # lazy: `--help` needs no rules
    from modelscan.engine import document, loader, mappings

    names = mappings.shipped()
    count = 0
    errors: list[RuleError] = []
    for path in paths or (folder(document.KIND),):
        loaded, wrong = loader.inspect(path, names)
        count += len(loaded.rules)
        errors += wrong
    for error in errors:
        click.echo(f"{error.message}{f' ({error.hint})' if error.hint else ''}", err=True)
    if errors:
        raise UsageError(f"{_count(len(errors), 'error')} in the rules")
    click.echo(f"{_count(count, 'rule')}, no errors")


@rules.command("test")
@_PATHS
@click.pass_context
def test(context: click.Context, paths: tuple[Path, ...]) -> None:
    """Run the examples inside the rules: the shipped ones, or those at PATHS.

    Exits 1 when an example does not behave as its rule says, 2 when a rule is broken.
    """
    from modelscan._resources import folder  # lazy: `--help` needs no rules
    from modelscan.engine import document, examples, loader, mappings

    names = mappings.shipped()
    run = failed = tested = 0
    for path in paths or (folder(document.KIND),):
        files, errors = loader.read(path, names)
        if errors:
            raise errors[0]
        for file in files:
            tested += 1
            run += len(file.rule.examples.match) + len(file.rule.examples.no_match)
            for problem in examples.failures(file.rule):
                failed += 1
                click.echo(file.document.error(problem.where, problem.message).message, err=True)
    click.echo(f"{_count(tested, 'rule')}, {_count(run, 'example')}, {failed:,} failed")
    if failed:
        context.exit(1)


def _page(rule: Rule) -> Iterable[str]:
    """One rule in plain text."""
    yield rule.id
    yield rule.title
    yield ""
    yield f"severity {rule.severity}, confidence {rule.confidence}, persona {rule.persona}"
    yield f"status {rule.status} since {rule.since}, bears on {rule.answer}"
    yield f"judges facts of the kind {rule.match.fact}"
    for heading, text in (
        ("Message", rule.message),
        ("Why", rule.why),
        ("Fix", rule.fix),
        ("False positives", rule.false_positives),
        ("MITRE ATLAS", ", ".join(rule.maps.atlas)),
        ("OWASP LLM", ", ".join(rule.maps.owasp_llm)),
        ("CWE", ", ".join(rule.maps.cwe)),
        ("References", "\n".join(rule.references)),
    ):
        if text:
            yield ""
            yield heading
            yield from (f"  {line}" for line in text.strip().splitlines())


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


command = rules
"""What the command line registers."""
