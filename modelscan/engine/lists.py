"""Loads the named lists, and lets a user's folder extend the shipped ones.

One file for each list, named like its field in `NameLists`. An extension may add names and tighten
what the shipped list says; a name that the shipped list denies stays denied.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from modelscan.engine import document
from modelscan.errors import RuleError, did_you_mean
from modelscan.vocabulary.fact import OperatorClass
from modelscan.vocabulary.lists import (
    ANY,
    ChatTemplates,
    GraphOperators,
    Licences,
    NameLists,
    OperatorTable,
    PickleGlobals,
    Publishers,
)

FOLDER = "lists"
"""Name of the folder below the rules."""

_FRAMEWORKS: tuple[OperatorTable, ...] = (
    "tensorflow", "tflite", "onnx", "torch", "executorch-backends", "openvino"
)  # fmt: skip
_HARMLESS: OperatorClass = "compute"

_DIGEST = re.compile(r"[0-9a-f]{64}")
_FUNCTION = re.compile(r"[\w.]+:[\w.<>]+")
_KNOWN = {field.encode_name: field for field in msgspec.structs.fields(NameLists)}


def load_lists(folder: Path) -> NameLists:
    """The lists in a folder, empty where there is no file.

    Raises:
        RuleError: a list is broken, or its name is unknown.
    """
    found: dict[str, Any] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        file = f"{FOLDER}/{path.name}"
        if path.suffix != document.SUFFIX or path.stem not in _KNOWN:
            hint = did_you_mean(path.name, [f"{name}{document.SUFFIX}" for name in _KNOWN])
            raise RuleError("there is no list of this name", file=file, hint=hint)
        parsed = document.read(path, file)
        field = _KNOWN[path.stem]
        try:
            table = msgspec.convert(parsed.data, field.type)
        except msgspec.ValidationError as error:
            raise RuleError(str(error), file=file) from error
        _check(table, parsed)
        found[field.name] = table
    return (
        msgspec.convert(found, NameLists, from_attributes=True) if not found else NameLists(**found)
    )


def extend(base: NameLists, extra: NameLists, file: str) -> NameLists:
    """The shipped lists with a user's added.

    Args:
        base: the shipped lists.
        extra: the user's lists.
        file: how messages name the user's folder.

    Raises:
        RuleError: the extension would allow a name that the base denies.
    """
    old, new = base.pickle_globals, extra.pickle_globals
    modules = {module: dict(names) for module, names in old.modules.items()}
    for module, names in new.modules.items():
        for name, disposition in names.items():
            if old.disposition(module, name) == "denied" and disposition != "denied":
                raise RuleError(
                    f"{module}.{name} is denied by the shipped list",
                    file=f"{file}/{FOLDER}/pickle-globals.yaml",
                    hint="a list can add names; to accept a finding, write a waiver",
                )
        modules.setdefault(module, {}).update(names)
    packages = dict.fromkeys((*old.known_packages, *new.known_packages))
    return NameLists(
        pickle_globals=PickleGlobals(
            modules=modules,
            known_packages=tuple(packages),
            code_objects={**old.code_objects, **new.code_objects},
        ),
        graph_operators=_extend_operators(base.graph_operators, extra.graph_operators, file),
        licences=_extend_licences(base.licences, extra.licences, file),
        publishers=_extend_publishers(base.publishers, extra.publishers),
        chat_templates=_extend_templates(base.chat_templates, extra.chat_templates),
    )


def _extend_operators(base: GraphOperators, extra: GraphOperators, file: str) -> GraphOperators:
    """As `extend`: an operator that does more than compute stays what it is."""
    merged: dict[str, Any] = {}
    for framework in _FRAMEWORKS:
        old = base.classes(framework)
        both = dict(old)
        for name, kind in extra.classes(framework).items():
            if old.get(name, _HARMLESS) != _HARMLESS and kind == _HARMLESS:
                raise RuleError(
                    f"{name} is listed as {old[name]} by the shipped list",
                    file=f"{file}/{FOLDER}/graph-operators.yaml",
                    hint="a list can add names; to accept a finding, write a waiver",
                )
            both[name] = kind
        table: dict[OperatorClass, list[str]] = {}
        for name, kind in both.items():
            table.setdefault(kind, []).append(name)
        field = framework.replace("-", "_")
        merged[field] = {kind: tuple(names) for kind, names in table.items()}
    domains = dict.fromkeys((*base.onnx_domains, *extra.onnx_domains))
    namespaces = dict.fromkeys((*base.torch_namespaces, *extra.torch_namespaces))
    return GraphOperators(**merged, onnx_domains=tuple(domains), torch_namespaces=tuple(namespaces))


def _extend_licences(base: Licences, extra: Licences, file: str) -> Licences:
    """As `extend`: a licence of the shipped list keeps what it restricts."""
    for name in (*extra.plain, *extra.licences):
        shipped = base.licences.get(name)
        own = extra.licences.get(name)
        if shipped and not {*shipped.restricts} <= {*(own.restricts if own else ())}:
            raise RuleError(
                f"{name} restricts less than the shipped list says",
                file=f"{file}/{FOLDER}/licences.yaml",
                hint="to allow a licence, name it in the policy",
            )
    return Licences(
        plain=tuple(dict.fromkeys((*base.plain, *extra.plain))),
        riders=tuple(dict.fromkeys((*base.riders, *extra.riders))),
        licences={**base.licences, **extra.licences},
        bases={**base.bases, **extra.bases},
    )


def _extend_templates(base: ChatTemplates, extra: ChatTemplates) -> ChatTemplates:
    """Digests of both, by model."""
    models = {
        model: tuple(dict.fromkeys((*base.models.get(model, ()), *extra.models.get(model, ()))))
        for model in (*base.models, *extra.models)
    }
    return ChatTemplates(models)


def _extend_publishers(base: Publishers, extra: Publishers) -> Publishers:
    """As `extend`: names are added, and a model that a publisher has stays theirs."""
    models = dict(base.models)
    for owner, names in extra.models.items():
        models[owner] = tuple(dict.fromkeys((*models.get(owner, ()), *names)))
    both = dict.fromkeys((*base.republishers, *extra.republishers))
    return Publishers(models=models, republishers=tuple(both))


def _check(table: object, parsed: document.Document) -> None:
    """Refuse what the types of a list allow and its meaning does not."""
    if isinstance(table, GraphOperators):
        _check_operators(table, parsed)
    if isinstance(table, Licences):
        _check_licences(table, parsed)
    if not isinstance(table, PickleGlobals):
        return
    for module, names in table.modules.items():
        where = ("modules", module)
        if not module or not names:
            raise parsed.error(where, f"the module {module!r} lists no names")
        for name, disposition in names.items():
            if name == ANY and disposition != "denied":
                message = f"{ANY!r} can only be denied: nothing is trusted by its module"
                raise parsed.error((*where, name), message)
    for digest, function in table.code_objects.items():
        if not _DIGEST.fullmatch(digest) or not _FUNCTION.fullmatch(function):
            message = "a code object is listed as the digest and `module:qualname`"
            raise parsed.error(("code-objects", digest), message)


def _check_operators(table: GraphOperators, parsed: document.Document) -> None:
    """An operator does one thing."""
    for framework in _FRAMEWORKS:
        seen: set[str] = set()
        for kind, names in getattr(table, framework.replace("-", "_")).items():
            twice = sorted(seen.intersection(names))
            if twice or len(set(names)) != len(names):
                message = f"{', '.join(twice) or 'a name'} stands twice"
                raise parsed.error((framework, kind), message)
            seen.update(names)


def _check_licences(table: Licences, parsed: document.Document) -> None:
    """A licence stands once, and a base's licence is one of those listed or of the shipped ones."""
    for name in table.plain:
        if name in table.licences and table.licences[name].restricts:
            raise parsed.error(("plain",), f"{name} is plain, and restricts something below")
