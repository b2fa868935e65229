"""When a function of the module runs: on import, when a class is used, or only when it is called.

Invariant: the earliest way counts. A function that is handed to another one at import
(`Thread(target=f)`, `atexit.register(f)`, a decorator) counts as called there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, Literal

from modelscan.formats.python_code.evaluate import Evaluator
from modelscan.formats.python_code.scopes import Class, Function
from modelscan.formats.python_code.structure import Event, Structure
from modelscan.formats.python_code.values import Value, Values

When = Literal["import", "instantiation", "call"]

_ORDER: Final[dict[When, int]] = {"import": 0, "instantiation": 1, "call": 2}
_ON_IMPORT: Final = frozenset({"__init_subclass__", "__set_name__", "__class_getitem__"})
_MODULE_HOOKS: Final = frozenset({"__getattr__", "__dir__"})
_USED_BY_LIBRARIES: Final = frozenset({
    "from_pretrained", "from_config", "_from_config", "forward", "call", "generate", "post_init",
    "_init_weights", "tie_weights", "prepare_inputs_for_generation", "tokenize", "_tokenize",
    "encode", "decode", "convert_tokens_to_string", "preprocess", "postprocess", "predict",
    "_info", "_split_generators", "_generate_examples", "_generate_tables",
    "load_state_dict", "_load_from_state_dict", "reset_parameters", "load_context", "initialize",
    "handle", "inference", "execute", "setup", "build",
})  # fmt: skip
"""Methods that a library calls when it loads or runs a model, without being asked for them."""
_INTERFACES: Final = ("gradio.", "streamlit.")
"""Libraries that are handed functions and call them when somebody presses a button."""
_SERVED: Final = frozenset({
    "model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn", "_load_pyfunc",
    "build_wheel", "build_sdist", "build_editable", "prepare_metadata_for_build_wheel",
    "get_requires_for_build_wheel", "pytest_configure", "pytest_sessionstart", "pytest_addoption",
    "pytest_load_initial_conftests", "pytest_collection_modifyitems", "pytest_sessionfinish",
})  # fmt: skip
"""Functions of a module that a server, an installer or a test run calls by their names."""
_SERVERS: Final = {
    "Model": frozenset({"load"}),
    "TritonPythonModel": frozenset({"finalize", "auto_complete_config"}),
}  # fmt: skip
"""Classes that servers look for by their names, and the methods that only they call."""
_INSTALLING: Final = frozenset({
    "install", "develop", "egg_info", "build", "build_py", "build_ext", "build_clib", "sdist",
    "bdist_wheel", "bdist_egg", "install_lib", "install_scripts", "editable_wheel",
})  # fmt: skip
"""Commands of setuptools that an installation runs; what extends one of them runs as well."""
_MOST_CALLERS: Final = 100
_CONSTRUCTORS: Final = ("__init__", "__new__", "__post_init__")


class Reach:
    """When each function of a module runs at the earliest."""

    def __init__(self, structure: Structure, evaluator: Evaluator) -> None:
        self._when: dict[int, When] = {}
        self._callers: dict[int, list[Function]] = {}
        calls: dict[int, list[tuple[Function, bool]]] = {}
        for event in reversed(structure.events):
            if event.kind in {"item", "reduction"}:
                continue  # whoever calls what is in a table is an event of its own
            runner = event.scope.function
            edges = calls.setdefault(id(runner) if runner else 0, [])
            for function in _called(event, evaluator):
                edges.append((function, event.guarded))
                if runner is not None and not event.guarded:
                    self._callers.setdefault(id(function), []).append(runner)
        pending: list[tuple[Function, When]] = [
            *((function, _by_name(function)) for function in structure.functions.values()),
            *(
                (function, "call" if guarded else "import")
                for function, guarded in calls.get(0, [])
            ),
        ]
        while pending:
            function, when = pending.pop()
            known = self._when.get(id(function))
            if known is None or _ORDER[when] < _ORDER[known]:
                self._when[id(function)] = when
                pending.extend(
                    (callee, "call" if guarded else when)
                    for callee, guarded in calls.get(id(function), [])
                )

    def of(self, event: Event) -> When:
        """When an event happens at the earliest."""
        if event.guarded:
            return "call"
        runner = event.scope.function
        return self._when[id(runner)] if runner else "import"

    def within(self, event: Event) -> tuple[str, ...]:
        """The functions of the module that lead to an event, by the names that others call."""
        runner = None if event.guarded else event.scope.function
        pending = [runner] if runner is not None else []
        seen: dict[int, str] = {}
        while pending and len(seen) < _MOST_CALLERS:
            function = pending.pop()
            if id(function) not in seen:
                seen[id(function)] = _public_name(function)
                pending.extend(self._callers.get(id(function), ()))
        return tuple(sorted({name for name in seen.values() if name}))


def _public_name(function: Function) -> str:
    """How another module says it: a function, or a method by its class; empty for an inner one."""
    owner, parent = function.owner, function.scope.parent
    if owner is not None:
        return f"{owner.node.name}.{function.name}"
    return function.name if parent is not None and parent.function is None else ""


def _by_name(function: Function) -> When:
    """What the name of a function alone says about when it runs."""
    name, owner = function.name, function.owner
    if owner is None:
        parent = function.scope.parent
        hook = name in _MODULE_HOOKS and parent is not None and parent.parent is None
        served = name in _SERVED and parent is not None and parent.parent is None
        holder = parent.function if parent is not None else None
        served |= _is_registered(function) or _is_registered(holder)
        return "import" if hook else "instantiation" if served else "call"
    if name in _ON_IMPORT or (owner.meta and name.startswith("__")):
        return "import"
    if name == "run" and not _INSTALLING.isdisjoint(_bases(owner)):
        return "import"
    special = name.startswith("__") and name.endswith("__")
    served = name in _SERVERS.get(owner.node.name, ())
    used = special or served or name in _USED_BY_LIBRARIES or _is_property(function)
    return "instantiation" if used else "call"


def _bases(owner: Class) -> Iterator[str]:
    """The last names of what a class extends."""
    for base in owner.node.bases:
        if isinstance(base, ast.Name | ast.Attribute):
            yield base.id if isinstance(base, ast.Name) else base.attr


def _is_registered(function: Function | None) -> bool:
    """True for what a registry is handed under a name: a configuration names it, and it is called.

    What such a function defines, it hands back to be called, too.
    """
    if function is None or isinstance(function.node, ast.Lambda):
        return False
    return any(
        isinstance(node, ast.Name | ast.Attribute)
        and (node.id if isinstance(node, ast.Name) else node.attr) == "registry"
        for decorator in function.node.decorator_list
        for node in ast.walk(decorator)
    )


def _is_property(function: Function) -> bool:
    """Reading an attribute is enough to run it."""
    decorators = [] if isinstance(function.node, ast.Lambda) else function.node.decorator_list
    names = [each.attr if isinstance(each, ast.Attribute) else each for each in decorators]
    return any(
        (each.id if isinstance(each, ast.Name) else each) in {"property", "cached_property"}
        for each in names
    )


def _called(event: Event, evaluator: Evaluator) -> Iterator[Function]:
    """The functions of the module that an event calls, or hands to something that may."""
    node = event.node
    if event.holder is not None and not any(
        value.name for value in evaluator.values(event.holder, event.scope)
    ):
        return  # an attribute of an object of the module, which nobody calls by itself
    call = node if event.kind == "call" and isinstance(node, ast.Call) else None
    callees = evaluator.values(call.func if call else node, event.scope)
    for value in callees:
        yield from _behind(value)
    if call and not _waits(callees):
        yield from _handed(call, event, evaluator)


def _waits(callees: Values) -> bool:
    """True when what is called keeps functions until somebody presses a button."""
    return any(value.name.startswith(_INTERFACES) for value in callees)


def _handed(node: ast.Call, event: Event, evaluator: Evaluator) -> Iterator[Function]:
    """The functions that a call hands over, alone or in a list."""
    handed = [*node.args, *(word.value for word in node.keywords)]
    for argument in handed:
        for value in evaluator.values(argument, event.scope):
            if value.function is not None:
                yield value.function
            for held in value.items or ():
                if held.function is not None:
                    yield held.function


def _behind(value: Value) -> Iterator[Function]:
    """What runs when a value is called."""
    if value.function is not None:
        yield value.function
    if value.cls is not None:
        for name in ("__call__",) if value.made else _CONSTRUCTORS:
            method = value.cls.method(name)
            if method is not None:
                yield method
