"""What one table of a Keras configuration makes the loader do.

An object is a table of `class_name` and `config`, since Keras 3 with `module` and
`registered_name`; a function is one whose class is `function`, or in older files a name beside
`function_type`. A configuration that came from Keras names classes that compute. Everything else is
stated.

Sources: `keras.saving.serialization_lib` (how names are looked up), and the ways around its safe
mode: CVE-2025-1550 (`module` imports anything), CVE-2025-8747 (`keras.utils.get_file`),
CVE-2025-9905 and CVE-2025-9906 (HDF5, and a configuration that turns the safe mode off),
CVE-2025-49655 (TorchModuleWrapper), CVE-2025-12058 (a vocabulary read from a path),
CVE-2026-1462 (TFSMLayer).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from modelscan.formats.graph_operators import hostile
from modelscan.formats.keras import code, names
from modelscan.formats.objects.judging import Names
from modelscan.formats.objects.tree import SHADOWED, Table

_FOREIGN_MODELS: Final = frozenset({"TFSMLayer", "TorchModuleWrapper"})
_LOOKUPS: Final = frozenset({"StringLookup", "IntegerLookup", "IndexLookup", "TextVectorization"})
_OPERATIONS: Final = frozenset({"TFOpLambda", "ClassMethod", "InstanceMethod", "TensorFlowOpLayer"})
_PATHS: Final = (
    "vocabulary", "vocab_file", "filepath", "file_path", "filename", "fname", "proto", "merges",
    "origin", "url", "path",
)  # fmt: skip
"""Arguments of layers that name a file or an address."""
_ADDRESS: Final = re.compile(
    r"[/\\~]|[A-Za-z]:[\\/]|[A-Za-z][\w+.-]*://|file:|(?:.*[/\\])?\.\.[/\\]"
)
_MAX_PATH: Final = 4096
_LAMBDA: Final = "__lambda__"
_TYPE: Final = "__typespec__"
_SPECS: Final = re.compile(r"(?:tensorflow|keras)(?:\.[\w.]*)?:\w+Spec")
"""The types of TensorFlow's own, each with its module."""
_INTERNAL: Final = re.compile(r"__\w+__")
_CLASS_NAME: Final = re.compile(r"_?[A-Z]\w*")
_OWN: Final = frozenset({"__main__", "builtins", "None", ""})
_REACHING: Final = re.compile(
    r"(?:^|\.)(?:(?:read|write)_file|matching_files|(?:eager_)?py_func(?:tion)?|numpy_function"
    r"|load_(?:op_|file_system_)?library|save_v2|restore_v2|(?:Read|Write)File|(?:Eager)?PyFunc"
    r"|MatchingFiles|Restore(?:V2)?|Save(?:V2)?|get_file|exec|eval|system)$"
    r"|^(?:compat\.v[12]\.)?(?:saved_model|sysconfig|summary|debugging\.experimental|io\.gfile)\."
)
"""Operations of TensorFlow that reach files or run Python."""
_SHOWN: Final = 200


class Thing(NamedTuple):
    """What was found; the fields are those of `keras.object`."""

    kind: Any
    name: str
    key: str
    detail: str = ""


def objects(path: str, table: Table, judge: Names) -> Iterator[Thing]:
    """What one table makes the loader do; nothing for what only computes."""
    name = table.get("class_name")
    if not isinstance(name, str):
        if "function_type" in table:
            yield from _functions(path, "", table, judge)
        return
    if not _is_object(table, name):
        return
    config = table.get("config")
    inner = config if isinstance(config, dict) else {}
    if SHADOWED in table or SHADOWED in inner:
        twice = [*table.get(SHADOWED, ()), *inner.get(SHADOWED, ())]
        yield Thing("duplicate-key", ", ".join(map(str, twice))[:_SHOWN], path, name[:_SHOWN])
    if name == _LAMBDA or code.holds_code(table) or code.holds_code(inner):
        yield Thing("embedded-code", name[:_SHOWN], path)
    elif name == "function":
        yield from _function(path, table, judge)
    elif name == _TYPE:
        yield from _type(path, inner, judge)
    elif _INTERNAL.fullmatch(name) is None:
        yield from _class(path, table, name, inner, judge)


def _is_object(table: Table, name: str) -> bool:
    """True for a table that Keras makes an object of; other programs have class names, too."""
    return "config" in table or "registered_name" in table or name in _FOREIGN_MODELS


def _class(path: str, table: Table, name: str, config: Table, judge: Names) -> Iterator[Thing]:
    bare = name.rsplit(">", 1)[-1]
    if bare in _FOREIGN_MODELS:
        yield Thing("foreign-model", bare, path, _text(config.get("filepath")))
    elif bare == "Lambda":
        yield from _functions(path, bare, config, judge)
    elif bare in _OPERATIONS:
        yield from _operation(path, config)
    yield from _origin(path, table, name, judge, function=False)
    yield from _paths(path, bare, config)


def _function(path: str, table: Table, judge: Names) -> Iterator[Thing]:
    """A function by its name. Keras looks for it in the module that the file names."""
    config = table.get("config")
    if isinstance(config, dict):
        table = {**table, **config}
        config = config.get("name") or config.get("config")
    yield from _origin(path, table, _text(config), judge, function=True)


def _type(path: str, config: Table, judge: Names) -> Iterator[Thing]:
    """A type of values: Keras imports the module that the file names, and calls what it finds."""
    name, module = _text(config.get("spec_name")), _text(config.get("module"))
    if (name or module) and _SPECS.fullmatch(f"{module}:{name}") is None:
        yield from _origin(path, config, name, judge, function=True)


def _origin(path: str, table: Table, name: str, judge: Names, *, function: bool) -> Iterator[Thing]:
    """Where a class or function comes from, unless it is one of Keras that only computes."""
    module = _text(table.get("module"))
    registered = _text(table.get("registered_name"))
    dotted = f"{module}.{name}" if module not in _OWN else name
    custom = ">" in name or ">" in registered
    if names.part_of_keras(module):
        fits = name.isidentifier() if function else _CLASS_NAME.fullmatch(name) is not None
        if not (fits or ">" in name) or not names.computes(module, function=function):
            yield Thing("library-function", dotted[:_SHOWN], path)
        elif custom:
            yield _own(registered or name, path)
    elif module in _OWN:
        known = name in (names.FUNCTIONS if function else names.CLASSES)
        if (function or "." in name) and judge.judge(name) == "denied" and not known:
            yield Thing("dangerous-name", dotted[:_SHOWN], path)
        elif custom or (not known and name.rsplit(">", 1)[-1] not in _STATED):
            yield _own(registered if ">" in registered else name, path)
    else:
        for thing in _elsewhere(path, module, name, judge, custom=custom, function=function):
            own = thing.kind == "custom-object" and hostile(registered)
            yield thing._replace(kind="hostile-object") if own else thing


def _elsewhere(
    path: str, module: str, name: str, judge: Names, *, custom: bool, function: bool
) -> Iterator[Thing]:
    """A class or function of a module that is no part of Keras."""
    bare = name.rsplit(">", 1)[-1]
    dotted = f"{module}.{bare}"
    package = module.split(".", maxsplit=1)[0]
    verdict = judge.judge(dotted)
    if verdict == "denied" or (package in names.ROOTS and _REACHING.search(dotted)):
        yield Thing("dangerous-name", dotted[:_SHOWN], path)
        return
    layer = not function and _CLASS_NAME.fullmatch(bare) is not None
    if layer and package in names.ADDONS:
        return
    operation = function and package in (names.ROOTS | names.ADDONS | {"jax"})
    known = operation or custom or (layer and verdict == "inert")
    yield _own(dotted, path) if known else Thing("foreign-module", dotted[:_SHOWN], path)


def _own(name: str, path: str) -> Thing:
    """A class or function of the author's."""
    return Thing("hostile-object" if hostile(name) else "custom-object", name[:_SHOWN], path)


_STATED: Final = _FOREIGN_MODELS | {"Lambda"}
"""Classes that have been stated for what they are."""


def _functions(path: str, layer: str, config: Table, judge: Names) -> Iterator[Thing]:
    """The functions of a Lambda layer: bytecode, or a name that is looked up in a module."""
    for key in ("function", "output_shape", "mask"):
        value = config.get(key)
        kind = config.get(f"{key}_type")
        if kind == "lambda" or (kind is not None and isinstance(value, list)):
            if value is not None:
                yield Thing("embedded-code", layer or key, _join(path, key))
        elif isinstance(value, str) and (key == "function" or kind == "function"):
            yield _named(path, key, value, config, judge)
        elif isinstance(value, dict) and value.get("class_name") == "function":
            name = _text(value.get("config"))
            module = _text(value.get("module"))
            if not (names.part_of_keras(module) or (module in _OWN and name in names.FUNCTIONS)):
                yield Thing("lambda-function", f"{module}.{name}"[:_SHOWN], _join(path, key))


def _named(path: str, key: str, name: str, config: Table, judge: Names) -> Thing:
    module = _text(config.get("module" if key == "function" else f"{key}_module"))
    dotted = f"{module}.{name}" if module not in _OWN else name
    kind = "dangerous-name" if judge.judge(dotted) == "denied" else "lambda-function"
    if name in names.FUNCTIONS and (module in _OWN or names.part_of_keras(module)):
        kind = "custom-object"
    return Thing(kind, dotted[:_SHOWN], _join(path, key))


def _operation(path: str, config: Table) -> Iterator[Thing]:
    """An operation of TensorFlow by its name."""
    node = config.get("node_def")
    for key, value in (("function", config.get("function")), ("node_def", node)):
        text = _text(value)
        found = re.search(r'op:?\s*"(\w+)"', text) if key == "node_def" else None
        name = found[1] if found else text
        if _REACHING.search(name):
            yield Thing("dangerous-name", f"tf.{name}"[:_SHOWN], _join(path, key))


def _paths(path: str, layer: str, config: Table) -> Iterator[Thing]:
    """Files and addresses that a layer fetches when it is made."""
    for key in _PATHS:
        value = config.get(key)
        if not isinstance(value, str) or not value or len(value) > _MAX_PATH or "\n" in value:
            continue
        if _ADDRESS.match(value) and layer not in _FOREIGN_MODELS:
            yield Thing("reads-file", layer, _join(path, key), value[:_SHOWN])
        elif layer in _LOOKUPS and key == "vocabulary":
            yield Thing("reads-beside", layer, _join(path, key), value[:_SHOWN])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
