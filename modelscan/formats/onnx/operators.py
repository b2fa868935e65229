"""What the operators of ONNX amount to, in its own files and in those of ONNX Runtime."""

from __future__ import annotations

import re
from typing import Final, Protocol

from modelscan.formats import outside
from modelscan.formats.graph_operators import telling
from modelscan.vocabulary.fact import Behaviour
from modelscan.vocabulary.lists import GraphOperators

_OPEN_DOMAINS: Final = frozenset({"ai.onnx.contrib", "com.microsoft.extensions"})
"""Known domains in which a user's own Python, and services, can be registered."""
_CONTEXT, _CONTEXT_PATH, _EMBEDDED = "EPContext", "ep_cache_context", "embed_mode"
_CONTEXT_ORIGIN: Final = "onnx_model_filename"
"""The model from which TensorRT takes the weights of a context that came without them."""
_LIBRARY: Final = re.compile(r"\.(?:so(?:\.\d+)*|dll|dylib|exe|pyd?|sh)$", re.IGNORECASE)
"""Names of contexts that are programs: those of compilers are data to their driver."""
_NATIVE: Final = re.compile(r"MZ.{30,}PE\0\0|\x7fELF.{14}[\x03(>\ufffd]|#!\s*/", re.DOTALL)
"""What embedded programs for the machine itself begin with: ELF for a usual processor (those for
neural ones leave the number at 0), PE, a script."""
_PROGRAM: Final = "an embedded program"
_MAX_VALUE: Final = 500


class Used(Protocol):
    """A node, as far as its operator and the texts of its attributes matter."""

    name: str
    texts: dict[str, str]
    """Attributes that are text, by name, cut."""
    numbers: dict[str, int]

    @property
    def key(self) -> tuple[str, str]:
        """Domain and operator, the standard domain written as the empty one."""
        ...


class Operators:
    """Judges the operators of one model.

    Args:
        lists: what operators do, and which domains come with the usual runtimes.
    """

    def __init__(self, lists: GraphOperators) -> None:
        self._classes = lists.classes("onnx")
        self._domains = frozenset(lists.onnx_domains)
        self.standard = frozenset(lists.onnx.get("compute", ()))
        """Operators of the standard domain."""
        self.contexts: dict[str, str] = {}
        """Files with compiled contexts, each with the first node that names it."""

    def judge(self, node: Used) -> tuple[Behaviour | None, str]:
        """What a node does beyond computing, and with what."""
        domain, operator = node.key
        listed = self._classes.get(operator)
        if listed is not None and listed != "compute":
            argument = self._argument(node)
            if operator == _CONTEXT and (argument == _PROGRAM or _LIBRARY.search(argument)):
                return "runs-code", argument
            return listed, argument
        if not domain:
            known = operator in self.standard
        else:
            known = domain in self._domains
            if known and domain not in _OPEN_DOMAINS:
                return ("custom-telling" if telling(operator) else None), ""
        said = "" if known and not domain else telling(operator, node.texts.values())
        if said:
            return "custom-telling", "" if said == operator else said
        return (None if known else "custom"), ""

    def _argument(self, node: Used) -> str:
        """What PyOp, ATen or a context names: the texts of the node, without embedded binaries."""
        if node.key[1] == _CONTEXT:
            origin = node.texts.get(_CONTEXT_ORIGIN, "")
            if outside.problem(origin):
                self.contexts.setdefault(origin, node.name)
            path = node.texts.get(_CONTEXT_PATH, "")
            if _NATIVE.match(path):
                return _PROGRAM
            if node.numbers.get(_EMBEDDED, 1) or not path:
                return ""
            self.contexts.setdefault(path, node.name)
            return path
        texts = (f"{key}={value}" for key, value in node.texts.items() if value.isprintable())
        return ", ".join(texts)[:_MAX_VALUE]
