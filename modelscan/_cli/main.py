"""The command itself: finds the subcommand, and turns errors into messages and exit codes.

0 pass, 1 the policy is violated, 2 usage, configuration or rule error, 3 incomplete or unreadable,
4 nothing to scan, 130 interrupted. Standard output carries reports alone; messages go to stderr.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from modelscan._about import NAME, VERSION
from modelscan.errors import ModelAssayError, UsageError

_COMMANDS: dict[str, str] = {
    "contain": "Say what a compromised model could reach where it runs.",
    "diff": "Say what a change of models means: two locks, reports or git revisions.",
    "doctor": "Check this installation and its environment.",
    "find": "Say who has a file, a commit or a model: in reports, locks, BOMs and folders.",
    "inventory": "List the models that a code base uses, and those on a disk.",
    "lineage": "Say what a model's weights descend from, measured.",
    "lock": "Record which models this code uses, and hold the code against that.",
    "manifest": "State what a model is: lists of its files, and signatures.",
    "policy": "Show and check what is allowed here, and record exceptions.",
    "pull": "Fetch a model, scan and lock it; it appears only if the policy passes.",
    "report": "Write reports in other formats, sign what they state, say how complete they are.",
    "rules": "List, show, lint and test the rules that judge models.",
    "scan": "Look at models and answer five questions about each.",
    "verify": "Say whether a model is what somebody published or signed.",
}
"""One module of this package for each command, and the line that `--help` shows for it: importing
every command to ask it would cost more than most of them take to run."""

_HIDDEN = frozenset({"hook"})
"""Commands that programs run, and no person types: they are in no list."""

INTERRUPTED = 130
TRACEBACK = "MODELASSAY_TRACEBACK"
"""The environment variable that lets an internal error through, with its traceback."""


class _Commands(click.Group):
    """Imports a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return sorted(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002  # click's signature
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in _COMMANDS and cmd_name not in _HIDDEN:
            return None
        # A fixed table of our own modules: nothing is imported by a name that a user could choose.
        module = importlib.import_module(f"modelscan._cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name]) for name in self.list_commands(ctx)])


@click.group(
    NAME,
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="A scan says what was looked at and found, never that a model is safe.",
)
@click.version_option(VERSION, prog_name=NAME, message="%(prog)s %(version)s")
def cli() -> None:
    """Say what an open-weight model is made of, before it is deployed."""


def run(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code."""
    try:
        code = cli.main(list(arguments), prog_name=NAME, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return UsageError.exit_code
    except ModelAssayError as error:
        _complain(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    except Exception as error:  # a fault of ours must not look like a verdict
        fault = f"internal error, nothing was concluded: {type(error).__name__}: {error}"
        _complain(ModelAssayError(fault, f"set {TRACEBACK}=1 to see where, and please report it"))
        if os.environ.get(TRACEBACK):
            raise
        return ModelAssayError.exit_code
    return code if isinstance(code, int) else 0


def _complain(error: ModelAssayError) -> None:
    click.echo(f"{NAME}: {error.message}", err=True)
    if error.hint:
        click.echo(f"  {error.hint}", err=True)
