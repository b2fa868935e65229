"""What runs when a pickle makes an instance and sets its state, and what that reaches outside.

Of a class: the methods that unpickling runs. Of each: whether it, or what it calls of its own class
and module, opens files, starts processes, imports by name, runs text, connects or loads. A word for
such a thing is enough: this is to find what a person must read, not to prove anything.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from tools.review.sources import Found, Sources

FILLED: Final = (
    "__new__",
    "__setstate__",
    "__setattr__",
    "__setitem__",
    "append",
    "extend",
    "__del__",
)
"""Run when an instance is made, filled and let go, whatever its class."""
CALLED: Final = (*FILLED, "__init__", "__post_init__")
"""Run as well when the class is called."""
_DEPTH: Final = 3
_WORDS: Final = frozenset({
    "open", "exec", "eval", "compile", "__import__", "import_module", "system", "popen", "Popen",
    "run", "call", "check_output", "check_call", "spawn", "fork", "urlopen", "urlretrieve",
    "get_url", "download", "from_pretrained", "hf_hub_download", "snapshot_download", "socket",
    "connect", "create_connection", "load", "loads", "load_library", "CDLL", "LoadLibrary",
    "memmap", "fromfile", "tofile", "unlink", "remove", "rmtree", "rmdir", "makedirs", "mkdir",
    "rename", "write_text", "write_bytes", "read_text", "read_bytes", "touch", "symlink", "chmod",
    "Thread", "Process", "mkdtemp", "mkstemp", "NamedTemporaryFile", "TemporaryDirectory",
    "execfile", "find_spec", "resolve_name", "locate", "get_function", "loadtxt", "genfromtxt",
    "read_csv", "read_pickle", "init_process_group", "new_group", "load_state_dict_from_url",
    "setenv", "putenv", "create_engine", "from_url", "dmatrices", "get_matrices", "exec_module",
    "module_from_template", "kill", "terminate",
})  # fmt: skip
_PLAIN: Final = frozenset(
    {"re", "logger", "logging", "warnings", "super", "json", "weakref", "string"}
)
"""`re.compile`, `super().__init__` and the like are no such thing."""


def effects(sources: Sources, found: Found, *, called: bool) -> dict[str, list[str]]:
    """By the method that unpickling runs: the words in it that a person must look at.

    Args:
        sources: where bases and helpers are looked up.
        found: a class or function.
        called: whether it is called, and not only made and filled.
    """
    if found.kind == "function":
        words = sorted(_reached(sources, found, None, _DEPTH)) if called else []
        return {"()": words} if words else {}
    result: dict[str, list[str]] = {}
    for method in CALLED if called else FILLED:
        for place, node in sources.mro(found):
            definition = _method(node, method)
            if definition is not None:
                words = sorted(_reached(sources, place._replace(node=definition), found, _DEPTH))
                if words:
                    result[method] = words
                break
    return result


def reached(sources: Sources, method: Found, cls: Found) -> set[str]:
    """The words in one method of a class."""
    return _reached(sources, method, cls, _DEPTH)


def textless(sources: Sources, found: Found) -> list[str]:
    """The bases of a class of which there is no text."""
    return [place.module for place, node in sources.mro(found) if node is None]


def _method(node: ast.ClassDef | None, name: str) -> ast.FunctionDef | None:
    for child in node.body if node is not None else ():
        if isinstance(child, ast.FunctionDef) and child.name == name:
            return child
    return None


def _reached(sources: Sources, found: Found, owner: Found | None, depth: int) -> set[str]:
    """The words in a function, and in what it calls of its own class and module."""
    words = set[str]()
    if found.node is None:
        return words
    for function in _calls(found.node):
        base, name = _split(function)
        if name in _WORDS and base.partition(".")[0] not in _PLAIN:
            words.add(f"{base}.{name}".strip("."))
        elif depth and base in {"self", "cls", "super"} and owner is not None:
            for place, node in sources.mro(owner):
                definition = _method(node, name)
                if definition is not None and definition is not found.node:
                    words |= _reached(sources, place._replace(node=definition), owner, depth - 1)
                    break
        elif depth and not base:
            helper = sources.find(found.module, name)
            if helper.kind == "function" and helper.module.partition(".")[0] == _package(found):
                words |= _reached(sources, helper, None, depth - 1)
    return words


def _package(found: Found) -> str:
    return found.module.partition(".")[0]


def _calls(node: ast.AST) -> Iterator[ast.expr]:
    for child in ast.walk(node):
        if isinstance(child, ast.Call):
            yield child.func


def _split(function: ast.expr) -> tuple[str, str]:
    """`os.path.join` as `("os.path", "join")`."""
    if isinstance(function, ast.Name):
        return "", function.id
    if isinstance(function, ast.Attribute):
        base, name = _split(function.value)
        return f"{base}.{name}".strip("."), function.attr
    if isinstance(function, ast.Call):
        return _split(function.func)
    return "?", ""
