"""`docs/commands/`: what `--help` prints, for every command, at the width of a usual terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from modelscan._about import NAME
from modelscan._cli.main import cli
from tools.pages import markdown

FOLDER = "docs/commands"
WIDTH = 78
"""Columns of help text in a terminal of 80: click leaves two free."""

_INTRODUCTION = "The texts on these pages are what `--help` prints."
_CODES = "What a command's exit code means is on a page of its own: [exit codes](../exit-codes.md)."


def pages() -> Iterator[tuple[str, str]]:
    """The overview, and a page for each command with those below it."""
    commands = dict(_children(cli, _context(cli, NAME)))
    rows = [
        (f"[`{NAME} {name}`]({name}.md)", markdown.cell(command.get_short_help_str(100)))
        for name, command in commands.items()
    ]
    table = markdown.table(("command", "what it does"), rows)
    parts = [_INTRODUCTION, table, markdown.fence(help_text([])), _CODES]
    yield f"{FOLDER}/index.md", markdown.page("Commands", parts)
    for name in commands:
        yield f"{FOLDER}/{name}.md", markdown.page(f"{NAME} {name}", _sections([name]))


def exists(path: Sequence[str]) -> bool:
    """True when the command line has the command that these words name."""
    try:
        _find(path)
    except KeyError:
        return False
    return True


def help_text(path: Sequence[str]) -> str:
    """What `--help` prints for a command, named by its words.

    Raises:
        KeyError: there is no such command.
    """
    command, context = _find(path)
    return command.get_help(context)


def find(path: Sequence[str]) -> click.Command:
    """The command that these words name.

    Raises:
        KeyError: there is no such command.
    """
    return _find(path)[0]


def _sections(path: list[str]) -> Iterator[str]:
    command, context = _find(path)
    yield markdown.fence(command.get_help(context))
    for name, _ in _children(command, context):
        yield f"## {' '.join([NAME, *path, name])}"
        yield from _sections([*path, name])


def _find(path: Sequence[str]) -> tuple[click.Command, click.Context]:
    command: click.Command = cli
    context = _context(cli, NAME)
    for word in path:
        found = dict(_children(command, context, hidden=True))[word]
        command, context = found, _context(found, word, context)
    return command, context


def _children(
    command: click.Command, context: click.Context, *, hidden: bool = False
) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and (hidden or not child.hidden):
                yield name, child


def _context(
    command: click.Command, name: str, parent: click.Context | None = None
) -> click.Context:
    settings = command.context_settings if parent is None else {}
    return click.Context(
        command, info_name=name, parent=parent, **{**settings, "terminal_width": WIDTH}
    )
