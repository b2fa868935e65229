"""The modules of a code base: parsed once, when another module needs a constant of theirs."""

from __future__ import annotations

from typing import Final

from modelscan.budget import Budget
from modelscan.discovery.finder import CodeBase
from modelscan.discovery.python.modules import Module
from modelscan.errors import ReadError

_MOST: Final = 400
"""Modules that are kept parsed; constants live in few."""


class Project:
    """Finds modules by the names that they are imported by."""

    def __init__(self, code_base: CodeBase, budget: Budget) -> None:
        self._code_base = code_base
        self._budget = budget
        self._modules: dict[str, Module | None] = code_base.parsed

    def find(self, dotted: str, importer: Module) -> tuple[Module, tuple[str, ...]] | None:
        """The module that a dotted name leads to, and the names behind it; `None` for others'."""
        found = self._code_base.module(dotted, importer.path)
        if found is None:
            return None
        if found.path == importer.path:
            return importer, found.rest
        if found.path not in self._modules:
            if len(self._modules) >= _MOST:
                return None
            try:
                self._modules[found.path] = Module(found.path, found.text, self._budget)
            except ReadError:
                self._modules[found.path] = None
        module = self._modules[found.path]
        return None if module is None else (module, found.rest)
