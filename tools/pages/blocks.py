"""Generated blocks inside pages that are written by hand, the README among them.

A block stands between two HTML comments, which no renderer shows:

    <!-- begin: run modelassay scan ./model -->
    <!-- end -->

The first word says what goes in: `run` a command and its real output, `help` what `--help` prints
for a command, `limits` the default limits, `demands` the table of demands and commands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from modelscan.budget import Limits
from tools.pages import commands, docstrings, markdown, mission, runs

MARK = "<!-- begin:"
"""What a page with blocks contains."""

_BLOCK = re.compile(r"(<!-- begin: (\w+)((?: [^\s>]+)*) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def fill(text: str) -> str:
    """The text with every block made anew; one that cannot be made here stays as it is.

    Raises:
        ValueError: a block of an unknown kind, or a mark without its other half.
    """
    if text.count(MARK) != len(_BLOCK.findall(text)) or (
        text.count(MARK) != text.count("<!-- end -->")
    ):
        raise ValueError("a generated block is not closed, or not written like the others")
    return _BLOCK.sub(_filled, text)


def _filled(block: re.Match[str]) -> str:
    begin, kind, argument, old, end = block.groups()
    if kind not in _KINDS:
        raise ValueError(f"no generated block is called {kind!r}")
    made = _KINDS[kind](argument.strip())
    return begin + (old if made is None else f"\n{made}\n\n") + end


def _run(command: str) -> str | None:
    output = runs.shown(command)
    return None if output is None else markdown.fence(output, "console")


def _help(path: str) -> str:
    return markdown.fence(commands.help_text(path.split()))


def _limits(_: str) -> str:
    texts = docstrings.of_fields(Limits)
    defaults = Limits()
    return markdown.table(
        ("limit", "default", "meaning"),
        [
            (f"`{name}`", f"{getattr(defaults, name):,}", markdown.cell(texts.get(name, "")))
            for name in Limits.__struct_fields__
        ],
    )


def _demands(_: str) -> str:
    return mission.table()


_KINDS: Mapping[str, Callable[[str], str | None]] = {
    "run": _run,
    "help": _help,
    "limits": _limits,
    "demands": _demands,
}
