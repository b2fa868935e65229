"""Definitions in the source of installed libraries, found without importing anything.

A name is looked up as Python would: in the module's own text, through what it imports from other
modules, and through the classes that a class is derived from. What is compiled has no text here,
and is said to be so.

Invariant: nothing is imported and nothing is run; files are parsed.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

_HOPS: Final = 12
"""Imports and aliases that are followed from a name to its definition."""
_COMPILED: Final = (".so", ".pyd")

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Found(NamedTuple):
    """Where a name leads to."""

    module: str
    """The module that defines it, or that ends the search."""
    node: Definition | None
    """Its definition; absent when there is no text of it."""
    kind: str
    """`class`, `function`, `value`, `compiled` or `missing`."""


class Sources:
    """The libraries in one folder of installed packages.

    Args:
        root: the folder that holds the packages.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._tables: dict[str, dict[str, ast.AST] | None] = {}

    def has(self, module: str) -> bool:
        """True when the package of a module is installed here."""
        package = module.partition(".")[0]
        return (self._root / package).is_dir() or (self._root / f"{package}.py").is_file()

    def modules(self, package: str) -> Iterator[str]:
        """Every module with a text in a package, without its tests."""
        for path in sorted((self._root / package).rglob("*.py")):
            parts = path.relative_to(self._root).with_suffix("").parts
            if not {"tests", "testing", "test", "conftest"} & set(parts):
                yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def names(self, module: str) -> list[str]:
        """The classes that a module defines itself."""
        table = self._table(module) or {}
        return [name for name, node in table.items() if isinstance(node, ast.ClassDef)]

    def find(self, module: str, name: str, hops: int = _HOPS) -> Found:
        """The definition that a qualified name leads to."""
        table = self._table(module)
        if table is None:
            return Found(module, None, "compiled" if self._compiled(module) else "missing")
        first, _, rest = name.partition(".")
        node = table.get(first)
        if isinstance(node, ast.ClassDef) and rest:
            return self._member(module, node, rest)
        if isinstance(node, Definition):
            return Found(module, node, "class" if isinstance(node, ast.ClassDef) else "function")
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and hops:
            return self._imported(node.value, rest, hops - 1)
        if isinstance(node, ast.Name) and hops:
            return self.find(module, f"{node.id}.{rest}" if rest else node.id, hops - 1)
        if node is None and (star := table.get("*")) is not None and hops:
            for origin in ast.literal_eval(star):
                found = self.find(origin, name, hops - 1)
                if found.kind != "missing":
                    return found
        return Found(module, None, "missing" if node is None else "value")

    def _imported(self, written: str, rest: str, hops: int) -> Found:
        """What an import, as `_imports` writes it down, and the attributes after it lead to."""
        origin, _, name = written.partition(":")
        module = f"{origin}.{name}".rstrip(".")
        while rest and (self._path(module) is not None or self._compiled(module)):
            step, _, after = rest.partition(".")
            if not after or self._path(f"{module}.{step}") is None:
                return self.find(module, rest, hops)
            module, rest = f"{module}.{step}", after
        return self.find(origin, f"{name}.{rest}".strip("."), hops)

    def mro(self, found: Found) -> Iterator[tuple[Found, ast.ClassDef | None]]:
        """A class and those it is derived from, nearest first; `None` for one without text."""
        waiting, seen = [found], set[tuple[str, int]]()
        while waiting:
            one = waiting.pop(0)
            node = one.node if isinstance(one.node, ast.ClassDef) else None
            key = (one.module, id(node))
            if key in seen:
                continue
            seen.add(key)
            yield one, node
            bases = [_dotted(base) for base in node.bases] if node is not None else []
            waiting[:0] = [self.find(one.module, base) for base in bases if base]

    @staticmethod
    def _member(module: str, node: ast.ClassDef, name: str) -> Found:
        first, _, rest = name.partition(".")
        for child in node.body:
            if isinstance(child, Definition) and child.name == first:
                if rest and isinstance(child, ast.ClassDef):
                    return Sources._member(module, child, rest)
                return Found(
                    module, child, "class" if isinstance(child, ast.ClassDef) else "function"
                )
        return Found(module, None, "value")

    def _path(self, module: str) -> Path | None:
        base = self._root / Path(*module.split("."))
        for path in (base / "__init__.py", base.with_suffix(".py")):
            if path.is_file():
                return path
        return None

    def _compiled(self, module: str) -> bool:
        base = self._root / Path(*module.split("."))
        return any(path.name.endswith(_COMPILED) for path in base.parent.glob(f"{base.name}.*"))

    def _table(self, module: str) -> dict[str, ast.AST] | None:
        if module not in self._tables:
            path = self._path(module)
            self._tables[module] = None if path is None else _table(path, module)
        return self._tables[module]


@cache
def _table(path: Path, module: str) -> dict[str, ast.AST]:
    """What each name at the top of a module stands for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old sources have escapes that warn
        try:
            tree = ast.parse(path.read_bytes())
        except SyntaxError:
            return {}
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    table: dict[str, ast.AST] = {}
    _collect(tree.body, package, table)
    return table


def _collect(body: Sequence[ast.stmt], package: str, table: dict[str, ast.AST]) -> None:
    for node in body:
        if isinstance(node, Definition):
            table[node.name] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            _imports(node, package, table)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    table.setdefault(target.id, node.value or node)
        elif isinstance(node, ast.If | ast.Try | ast.With):
            for part in ("body", "handlers", "orelse", "finalbody"):
                for inner in getattr(node, part, ()):
                    inside = inner.body if isinstance(inner, ast.ExceptHandler) else [inner]
                    known = dict(table)
                    _collect(inside, package, table)
                    table.update(known)


def _imports(node: ast.Import | ast.ImportFrom, package: str, table: dict[str, ast.AST]) -> None:
    """Write imports down as `module:name`."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            full = alias.name if alias.asname else alias.name.partition(".")[0]
            table[alias.asname or full] = ast.Constant(f"{full}:")
        return
    origin = node.module or ""
    if node.level:
        parts = package.split(".")
        kept = parts[: len(parts) - node.level + 1]
        origin = ".".join([*kept, *([node.module] if node.module else [])])
    for alias in node.names:
        if alias.name == "*":
            star = table.setdefault("*", ast.List([], ast.Load()))
            if isinstance(star, ast.List):
                star.elts.append(ast.Constant(origin))
        else:
            table[alias.asname or alias.name] = ast.Constant(f"{origin}:{alias.name}")


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):  # Generic[T]
        return _dotted(node.value)
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""
