"""Loops that never end: fork bombs, and code that fills the memory, the disk or a processor.

A loop that waits for something is what servers, chats and workers are made of. One that nothing can
end, which starts process after process or does nothing but compute and store, is there to exhaust
the machine.

Source: MITRE ATT&CK T1499.001 (exhaustion of the operating system), T1496.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from modelscan.formats.python_code.judged import Judged
from modelscan.formats.python_code.names import canonical

if TYPE_CHECKING:
    from modelscan.formats.python_code.evaluate import Evaluator
    from modelscan.formats.python_code.scopes import Scope

_LEAVES: Final = (ast.Break, ast.Return, ast.Raise, ast.Yield, ast.YieldFrom, ast.Await, ast.Assert)
"""What a loop can be left by, or hands its turn over with."""
_ENDLESS: Final = frozenset({"count", "repeat", "cycle"})
_EMPTY_TYPES: Final = frozenset({"int", "str", "list", "dict", "bool", "float", "tuple", "object"})
"""What always gives the same when it is called, so that no end is ever met."""
_STARTS: Final = frozenset({
    "os.fork", "os.forkpty", "multiprocessing.Process", "multiprocessing.Pool", "threading.Thread",
    "subprocess.Popen", "subprocess.run", "subprocess.call", "os.system", "os.popen", "os.spawnl",
    "os.posix_spawn", "_thread.start_new_thread", "torch.multiprocessing.Process",
})  # fmt: skip
_EMPTY: Final = frozenset({
    "append", "extend", "bytearray", "bytes", "range", "list", "dict", "set", "tuple", "write",
    "flush", "len", "str", "int", "float", "bin", "hex", "pow", "sum", "update", "digest",
    "hexdigest", "sha256", "sha512", "sha1", "md5", "blake2b", "urandom", "encode", "ones",
    "zeros", "rand", "randn", "matmul", "mm", "dot", "sqrt", "sin", "add", "open", "join", "hash",
    "random", "randint", "token_bytes", "start",
})  # fmt: skip
"""Calls that neither wait nor tell anybody anything."""
_MOST: Final = 20_000
"""Nodes of one loop that are looked at."""


def endless(loop: ast.While | ast.For) -> bool:
    """True for a loop without an end that nothing inside it leaves."""
    if isinstance(loop, ast.While):
        if not (isinstance(loop.test, ast.Constant) and loop.test.value):
            return False
    elif not _counts_forever(loop.iter):
        return False
    return not any(isinstance(node, _LEAVES) for node in _inside(loop))


def judge_loop(loop: ast.While | ast.For, scope: Scope, evaluator: Evaluator) -> Judged | None:
    """What an endless loop does to the machine; `None` for one that may wait for something."""
    names: list[str] = []
    for node in _inside(loop):
        if isinstance(node, ast.Call):
            values = evaluator.values(node.func, scope)
            spelled = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            names.append(
                next((canonical(one.name) for one in values if one.name), "") or spelled or "?"
            )
    starts = next((name for name in names if name in _STARTS), "")
    known = all(name in _STARTS or name.rpartition(".")[2] in _EMPTY for name in names)
    if not known:
        return None
    return Judged("harms-machine", starts or "while", "without end")


def _counts_forever(iterated: ast.expr) -> bool:
    """`itertools.count()` and its kin, and `iter(int, 1)`."""
    if not isinstance(iterated, ast.Call):
        return False
    name = iterated.func.attr if isinstance(iterated.func, ast.Attribute) else ""
    if isinstance(iterated.func, ast.Name):
        name = iterated.func.id
    if name == "iter":
        first = iterated.args[0] if len(iterated.args) > 1 else None
        return isinstance(first, ast.Name) and first.id in _EMPTY_TYPES
    return name in _ENDLESS and (name != "repeat" or len(iterated.args) == 1)


def _inside(loop: ast.While | ast.For) -> list[ast.AST]:
    """The nodes of a loop's body, without the functions that are only defined there."""
    found: list[ast.AST] = []
    pending: list[ast.AST] = list(loop.body)
    while pending and len(found) < _MOST:
        node = pending.pop()
        found.append(node)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            pending.extend(ast.iter_child_nodes(node))
    return found
