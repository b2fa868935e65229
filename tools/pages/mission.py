"""What a defender must be able to do, and the command behind each demand.

Whether a command is in this version is asked of the command line itself, so that the table on the
threat model's page promises nothing that is not there.
"""

from __future__ import annotations

from modelscan._about import NAME
from tools.pages import commands, markdown

_DEMANDS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "Inventory every open-weight model in use, also those inside third-party tools",
        ("inventory",),
        "references in code, configuration and containers; weights on disks",
    ),
    (
        "Check the digests of all files against official releases before deployment",
        ("scan", "verify"),
        "the answer *official bytes*, from the shipped manifests",
    ),
    (
        "Treat a model as having no safety guarantee",
        ("scan",),
        "no answer says *safe*; every report ends with what it cannot know",
    ),
    (
        "Look for code that runs when a model is loaded",
        ("scan",),
        "the answer *load hazards*, and a finding for each cause",
    ),
    (
        "Have a policy for community fine-tunes, and require provenance",
        ("scan", "policy", "lineage"),
        "the answers *descends from* and *allowed here*",
    ),
    (
        "Watch model dependencies like package dependencies",
        ("lock", "diff"),
        "`models.lock` and its difference in a pull request",
    ),
    (
        "Say which known attacks a finding belongs to",
        ("scan", "rules"),
        "MITRE ATLAS, OWASP LLM and CWE ids on every rule",
    ),
    (
        "Contain what cannot be inspected",
        ("contain",),
        "checks of the deployment around the model",
    ),
)


def table() -> str:
    """The demands with their commands, marked where this version lacks one."""
    rows = [
        (demand, "<br>".join(_command(word) for word in words), what)
        for demand, words, what in _DEMANDS
    ]
    return markdown.table(("demand", "command", "what it gives"), rows)


def _command(word: str) -> str:
    if commands.exists([word]):
        return f"[`{NAME} {word}`](commands/{word}.md)"
    return f"`{NAME} {word}` *(not in this version)*"
