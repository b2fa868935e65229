"""Named lists: the only tables of names in the project. They live in `rules/lists/` as data.

The pipeline hands them to the readers as values, so that a reader can record what a list says
without knowing where lists come from.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from modelscan.vocabulary.fact import Disposition, OperatorClass, Restriction

ANY = "*"
"""In a module's table: every name that the table does not mention. Allowed for `denied` only, since
nothing may be trusted by the module that it lives in."""


class PickleGlobals(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """What each importable name means when a pickle names it: exact `(module, qualname)` pairs."""

    modules: dict[str, dict[str, Disposition]] = {}
    """Dispositions by module, then by qualified name."""
    known_packages: tuple[str, ...] = ()
    """Top-level packages of well-known data libraries. Their unlisted classes are unknown, but not
    the author's own code."""

    code_objects: dict[str, str] = {}
    """Functions as `module:qualname`, by the digest of their code: pickles may hold this code, and
    what the list says of the function then counts (`formats.pickle.code_objects`)."""

    def disposition(self, module: str, name: str) -> Disposition:
        """What the list says of exactly this name; `unknown` when it says nothing."""
        table = self.modules.get(module)
        if table is not None:
            found = table.get(name) or table.get(ANY)
            if found is not None:
                return found
        return "unknown"

    def own(self, module: str) -> bool:
        """True for a module of no package that the list knows: the author's own code."""
        package = module.partition(".")[0]
        if package in self.known_packages or module in self.modules:
            return False
        return not any(known.partition(".")[0] == package for known in self.modules)


OperatorTable = Literal[
    "tensorflow", "tflite", "onnx", "torch", "executorch-backends", "openvino"
]  # fmt: skip
"""The tables of operators, by the framework that they are about."""


class GraphOperators(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """What the operators of computation graphs do. An operator on no list is custom."""

    tensorflow: dict[OperatorClass, tuple[str, ...]] = {}
    """Operators by what they do when the graph runs."""
    tflite: dict[OperatorClass, tuple[str, ...]] = {}
    """Codes of custom operators, beside TensorFlow's own behind the prefix `Flex`."""
    onnx: dict[OperatorClass, tuple[str, ...]] = {}
    """Operators of the standard domain; those that do more than compute, of any domain."""
    torch: dict[OperatorClass, tuple[str, ...]] = {}
    """Operators of PyTorch with their namespace, `aten.from_file`."""
    executorch_backends: dict[OperatorClass, tuple[str, ...]] = {}
    """Backends that ExecuTorch hands parts of a program to."""
    openvino: dict[OperatorClass, tuple[str, ...]] = {}
    """Types of layers that extensions of OpenVINO provide."""
    torch_namespaces: tuple[str, ...] = ()
    """Namespaces of operators that come with PyTorch and its usual libraries."""
    onnx_domains: tuple[str, ...] = ()
    """Domains whose operators come with the usual runtimes."""

    def classes(self, framework: OperatorTable) -> dict[str, OperatorClass]:
        """What each operator of a framework does, by its name."""
        field = framework.replace("-", "_")
        table: dict[OperatorClass, tuple[str, ...]] = getattr(self, field)
        return {name: kind for kind, names in table.items() for name in names}


class Licence(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """One licence: how it is written, what it restricts, and what its text is known by."""

    names: tuple[str, ...] = ()
    """Other spellings than its identifier."""
    restricts: tuple[Restriction, ...] = ()
    """What it restricts, beyond naming authors and keeping notices."""
    text: tuple[tuple[str, ...], ...] = ()
    """Phrases of its text: of one of the alternatives, all of them are in it."""


class Licences(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """The licences that models carry."""

    plain: tuple[str, ...] = ()
    """SPDX identifiers of those that restrict nothing, and have no further spelling or text."""
    riders: tuple[str, ...] = ()
    """Phrases that no permissive text has; beside one, they make it another licence."""
    licences: dict[str, Licence] = {}
    """By identifier: SPDX's, or the name that hubs know it by."""
    bases: dict[str, str] = {}
    """Identifiers by globs on the repositories of bases, in lower case."""


class Publishers(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """Owners of well-known repositories: what names that deceive are made to resemble."""

    models: dict[str, tuple[str, ...]] = {}
    """Names of well-known models, by the publisher's name on the hub; with `*` for any ending."""
    republishers: tuple[str, ...] = ()
    """Owners who are known for other people's models, converted; they are publishers as well."""


class ChatTemplates(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """Chat templates that are known by their text."""

    models: dict[str, tuple[str, ...]] = {}
    """Digests by model, as `owner/name`: SHA-256 of the lines without the blanks at their ends."""


class NameLists(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """All lists, each under the name of its file."""

    pickle_globals: PickleGlobals = PickleGlobals()
    graph_operators: GraphOperators = GraphOperators()
    licences: Licences = Licences()
    publishers: Publishers = Publishers()
    chat_templates: ChatTemplates = ChatTemplates()
