"""The commands that come next, after a scan of a remote model that found nothing against it."""

from __future__ import annotations

import re

from modelscan.report import ledger
from modelscan.report.page import Page
from modelscan.report.text import cells
from modelscan.vocabulary.result import ModelReport

_PLAIN = re.compile(r"hf:[\w./:@-]+", re.ASCII)
"""References that a shell takes as they are."""


def follow(page: Page, model: ModelReport) -> None:
    """Print them: hash every byte, then write down what was agreed."""
    passed = model.answers.allowed.status == "pass"
    if model.source.kind != "hub" or not passed or not _PLAIN.fullmatch(model.ref):
        return
    commands = [(f"modelassay lock write --add {model.ref}", "records what was agreed on")]
    if ledger.headers_alone(model):
        commands.insert(0, (f"modelassay scan --full {model.ref}", "fetches and hashes every byte"))
    page.line()
    page.line("Next:")
    widest = max(cells(command) for command, _ in commands)
    for command, purpose in commands:
        beside = widest + cells(purpose) + len("    ") <= page.width
        page.line(f"  {command.ljust(widest)}  {purpose}" if beside else f"  {command}")
