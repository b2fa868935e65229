"""Options that every command with a report shares, and where its reports go.

Everything that can be wrong with the options is found before a scan starts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import click

from modelscan._about import NAME
from modelscan.errors import UsageError, did_you_mean
from modelscan.report.files import write_file
from modelscan.report.writer import Output, Writer
from modelscan.report.writers import BY_NAME, DEFAULT, silence
from modelscan.vocabulary.result import Report

_Command = TypeVar("_Command", bound=Callable[..., Any])
_PIPE_WIDTH = 80


class Destination(NamedTuple):
    """One report to write."""

    writer: Writer
    path: Path | None
    """`None` is standard output."""


def report_options(command: _Command) -> _Command:
    """Add the shared options to a command."""
    names = ", ".join(BY_NAME)
    for option in reversed(
        (
            click.option(
                "-f",
                "--format",
                "formats",
                multiple=True,
                metavar="FORMAT[=FILE]",
                help=f"Write a report: {names}. Repeat for several; without FILE it is printed.",
            ),
            click.option("--offline", is_flag=True, help="Never use the network."),
            click.option("--no-progress", is_flag=True, help="Show no progress on stderr."),
            click.option(
                "--absolute-paths", is_flag=True, help="Name local targets by their full path."
            ),
            click.option("-q", "--quiet", is_flag=True, help="Print the answers alone."),
            click.option("-v", "--verbose", is_flag=True, help="Print notes in full, too."),
        )
    ):
        command = option(command)
    return command


def config_option(command: _Command) -> _Command:
    """Add the option that names the configuration to a command."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="The configuration, instead of the nearest modelassay.toml upward.",
    )(command)


def policy_options(command: _Command) -> _Command:
    """Add the options that choose a policy to a command."""
    policy = click.option(
        "--policy",
        metavar="NAME|FILE",
        help="A profile (default, strict, production, audit), an environment of the "
        "configuration, or a policy file.",
    )
    return config_option(policy(command))


def token_option(command: _Command) -> _Command:
    """Add the option that lets a token be used."""
    text = "Use HF_TOKEN, or MODELASSAY_REGISTRY_AUTH, for gated and private models."
    return click.option("--token", is_flag=True, help=text)(command)


def destinations(formats: tuple[str, ...]) -> tuple[Destination, ...]:
    """What `-f` asks for; the terminal report when it asks for nothing.

    Raises:
        UsageError: an unknown format, or two reports for the same place.
    """
    found = [_destination(text) for text in formats] or [Destination(BY_NAME[DEFAULT], None)]
    places = [str(item.path) for item in found]
    twice = next((place for place in places if places.count(place) > 1), None)
    if twice is not None:
        where = "standard output" if twice == "None" else twice
        raise UsageError(f"two reports for {where}", "give each a file: -f json=report.json")
    return tuple(found)


def replaced(places: tuple[Destination, ...], *writers: Writer) -> tuple[Destination, ...]:
    """The same places, with writers of a command's own instead of those of the same name."""
    own = {writer.name: writer for writer in writers}
    return tuple(Destination(own.get(each.writer.name, each.writer), each.path) for each in places)


def detail(*, quiet: bool, verbose: bool) -> Literal["quiet", "normal", "verbose"]:
    """The level of detail that `-q` and `-v` ask for."""
    if quiet and verbose:
        raise UsageError("-q and -v contradict each other", "use one of them")
    return "quiet" if quiet else "verbose" if verbose else "normal"


def deliver(
    report: Report,
    places: tuple[Destination, ...],
    level: Literal["quiet", "normal", "verbose"],
) -> None:
    """Write every report: files whole or not at all, standard output last.

    A format that has nothing to say writes no file, and a message says so.
    """
    speaking = [place for place in places if not _is_silent(place, report)]
    for writer, path in speaking:
        if path is not None:
            write_file(path, writer.write(report, Output(detail=level)))
    for writer, path in speaking:
        if path is None:
            sys.stdout.buffer.write(writer.write(report, _console(level)))
            sys.stdout.buffer.flush()


def _is_silent(place: Destination, report: Report) -> bool:
    why = silence(place.writer, report)
    if why:
        unwritten = "nothing is printed" if place.path is None else f"no file {place.path}"
        click.echo(f"{NAME}: {place.writer.name}: {why}: {unwritten}", err=True)
    return bool(why)


def _destination(text: str) -> Destination:
    name, has_file, file = text.partition("=")
    if name not in BY_NAME:
        known = ", ".join(BY_NAME)
        hint = did_you_mean(name, BY_NAME) or f"known formats: {known}"
        raise UsageError(f"no report format {name!r}", hint)
    if has_file and not file:
        raise UsageError(f"-f {text} names no file", f"write -f {name}=FILE")
    return Destination(BY_NAME[name], Path(file) if has_file else None)


def _console(level: Literal["quiet", "normal", "verbose"]) -> Output:
    """What standard output can show: NO_COLOR and FORCE_COLOR as on no-color.org."""
    terminal = sys.stdout.isatty()
    colour = terminal and os.environ.get("TERM") != "dumb"
    if os.environ.get("NO_COLOR"):
        colour = False
    elif os.environ.get("FORCE_COLOR"):
        colour = True
    columns = os.environ.get("COLUMNS", "")
    width = _PIPE_WIDTH
    if columns.isdigit() and int(columns) > 0:
        width = int(columns)
    elif terminal:
        width = os.get_terminal_size(sys.stdout.fileno()).columns or _PIPE_WIDTH
    return Output(width=width, colour=colour, encoding=sys.stdout.encoding or "ascii", detail=level)
