"""What the list says of the names that a pickle imports, and of how it reaches them.

Invariant: a name counts exactly as `(module, qualified name)`: nothing is trusted for the module
that it lives in, but whatever lies below a denied module, or is reached through one, is denied.
"""

from __future__ import annotations

import re
import sys
from typing import Final

from modelscan.formats.pickle.values import Global
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.fact import Disposition
from modelscan.vocabulary.lists import ANY, PickleGlobals

_SCRIPT: Final = re.compile(r"(?:^|[/!])(?:data|constants|bytecode)\.pkl\Z|\.debug_pkl\Z")
"""Members of TorchScript archives. Their pickles name types of the script as `__torch__.…`, which
torch's own unpickler in C++ looks up among the types that the archive declares; in Python there is
no such module (`torch/csrc/jit/serialization/unpickler.cpp`)."""
_SCRIPT_MODULE: Final = "__torch__"
_PROGRAM: Final = ".__main__"
"""What a package runs as a program: importing it may do so. Objects of a program that runs name
their module `__main__`, without a package."""
_TORCH: Final = "torch"
_FORMATS: Final = frozenset(
    {"channels_last", "channels_last_3d", "contiguous_format", "preserve_format"}
)
"""How tensors lie in memory (`torch.memory_format`)."""
_HOPS: Final = 8


class Names:
    """What is known of importable names.

    Args:
        listed: the list.
        artifact: what imports them.
    """

    def __init__(self, listed: PickleGlobals, artifact: Artifact) -> None:
        self.listed = listed
        self._script = _SCRIPT.search(artifact.member or "") is not None

    def disposition(self, module: str, name: str) -> Disposition:
        """What the list says of a name, or of the modules that it is reached through."""
        found = self.listed.disposition(module, name)
        if self._script and module.partition(".")[0] == _SCRIPT_MODULE:
            return "constructor"
        if found != "unknown":
            return found
        if _is_memory_format(module, name):
            return "inert"
        denied = module.endswith(_PROGRAM) or self._hops_to_denied(name)
        return "denied" if denied or self._below_denied(module) else "unknown"

    def own(self, module: str) -> bool:
        """True for a module of no known package: the user's own code."""
        package = module.partition(".")[0]
        return package not in sys.stdlib_module_names and self.listed.own(module)

    def class_of(self, value: Global) -> Disposition:
        """What the list says of the class that a dotted name begins with."""
        return self.listed.disposition(value.module, value.name.partition(".")[0])

    def is_method(self, value: Global) -> bool:
        """True for a member of a listed class, or for what is named as one of an unlisted class.

        Objects keep methods of their own class. Should that be another module's function after
        all, it is judged when it is called, or handed to something that may call it.
        """
        return self._is_member(value) or self.is_unlisted_method(value)

    def is_unlisted_method(self, value: Global) -> bool:
        """True for what is named as a method of a known library's class that is not listed."""
        cls, dot, member = value.name.partition(".")
        if not dot or value.disposition != "unknown":
            return False
        if value.module.partition(".")[0] not in self.listed.known_packages:
            return False
        plain = "." not in member and not member.startswith("__")
        return plain and cls.lstrip("_")[:1].isupper() and self.class_of(value) == "unknown"

    def is_kept(self, value: Global) -> bool:
        """True for a method that objects of a library keep, and that nobody has read.

        Objects keep methods of their own classes. Those of paths, arrays and other plain types
        write files, and no object keeps them.
        """
        if value.disposition != "unknown" or "." not in value.name:
            return False
        return self.class_of(value) in {"data-class", "unknown"} and self.is_method(value)

    def code(self, digest: str) -> tuple[str, str] | None:
        """The module and qualified name of the function whose code has this digest, if known."""
        module, colon, name = self.listed.code_objects.get(digest, "").partition(":")
        return (module, name) if colon else None

    def _is_member(self, value: Global) -> bool:
        _, dot, member = value.name.partition(".")
        listed = self.class_of(value) not in {"denied", "unknown"}
        return bool(dot) and listed and "." not in member and not member.startswith("__")

    def _hops_to_denied(self, name: str) -> bool:
        """True for a dotted name one of whose hops is denied, as in `pathlib` → `os.system`."""
        hops = [hop.lstrip("_") for hop in name.split(".")]
        return any(
            self.listed.disposition(".".join(hops[start:end]), ".".join(hops[end:])) == "denied"
            for end in range(1, min(len(hops), _HOPS))
            for start in range(end)
        )

    def _below_denied(self, module: str) -> bool:
        while "." in module:
            module = module.rpartition(".")[0]
            if self.listed.modules.get(module, {}).get(ANY) == "denied":
                return True
        return False


def _is_memory_format(module: str, name: str) -> bool:
    """True for `torch.channels_last` and the like, as seen from another module of torch.

    These values are named `torch.…` with the dot in the name. A pickler takes any module for theirs
    that has imported torch (`pickle.whichmodule`, `THPMemoryFormat_reduce`).
    """
    package, _, value = name.partition(".")
    return package == module.partition(".")[0] == _TORCH and value in _FORMATS
