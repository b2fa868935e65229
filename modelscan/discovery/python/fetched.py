"""Files that code downloads and then rebuilds objects from: which call does that to which file?

Invariants: nothing is run; an expression is followed back through names and calls, at most
`_FOLLOWED` times; what cannot be followed is not said to be fetched.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Final

from modelscan.discovery.python.evaluate import Evaluator
from modelscan.discovery.python.known import Context, texts
from modelscan.discovery.python.modules import Module, last_name

_FOLLOWED: Final = 500
"""Expressions that are followed back to what gave them."""
_REBUILDERS: Final = frozenset(
    {"torch", "joblib", "pickle", "dill", "cloudpickle", "_pickle", "cPickle", "pandas", "pd"}
)
_LOADS: Final = frozenset({"load", "loads", "read_pickle"})
_HUB: Final = frozenset(
    {"hf_hub_download", "snapshot_download", "cached_download", "model_download"}
)
"""Calls that give the path of a file of a hub; each is a reference by itself."""
_WEB: Final = (
    "requests.", "httpx.", "urllib.", "urllib3.", "aiohttp.", "wget.", "gdown.", "boto3.",
    "botocore.", "google.cloud.", "azure.storage.", "fsspec.", "smart_open.", "minio.",
    "torch.hub.download",
)  # fmt: skip
"""Packages whose calls fetch something."""
_SAVED: Final[dict[str, tuple[int, tuple[str, ...]]]] = {
    "urlretrieve": (1, ("filename",)),
    "download_url_to_file": (1, ("dst",)),
    "download": (1, ("output", "out")),
    "download_file": (2, ("Filename",)),
    "download_to_filename": (0, ("filename",)),
}  # fmt: skip
"""Calls that save what they fetch: position and keyword of the path."""


class Fetched:
    """Follows the files that a module downloads.

    Args:
        module: the module.
        evaluator: knows what its expressions may be.
    """

    def __init__(self, module: Module, evaluator: Evaluator) -> None:
        self._module = module
        self._evaluator = evaluator
        self._saved: frozenset[str] | None = None

    def rebuilder(self, node: ast.Call, context: Context) -> str | None:
        """The call that rebuilds objects, `pickle.load`; `None` for any other."""
        name = last_name(node.func)
        if name not in _LOADS:
            return None
        dotted = self._evaluator.names.dotted(node.func, context) or ""
        package = dotted.partition(".")[0]
        if dotted.startswith("sklearn.externals.joblib."):
            package = "joblib"
        if package not in _REBUILDERS or dotted.startswith(("torch.hub.", "torch.jit.")):
            return None
        package = {"_pickle": "pickle", "cPickle": "pickle", "pd": "pandas"}.get(package, package)
        if (package == "pandas") != (name == "read_pickle"):
            return None
        return f"{package}.{name}"

    def hub_call(self, node: ast.expr, context: Context) -> ast.Call | None:
        """The download from a hub that gave an expression."""
        return self.origin(node, context, lambda call: last_name(call.func) in _HUB)

    def web_call(self, node: ast.expr, context: Context) -> ast.Call | None:
        """The download from anywhere else that gave an expression."""
        return self.origin(node, context, lambda call: self._is_web(call, context))

    def saved(self, node: ast.expr, context: Context) -> bool:
        """True for the path of a file that the module saved a download to."""
        if self._saved is None:
            self._saved = frozenset(self._paths())
        known = self._evaluator.known(node, context) if self._saved else []
        return any(text in self._saved for text, _ in texts(known))

    def origin(
        self, node: ast.expr, context: Context, wanted: Callable[[ast.Call], bool]
    ) -> ast.Call | None:
        """The call of a kind that an expression goes back to."""
        pending = [(node, context.scope)]
        seen: set[tuple[int, str]] = set()
        for _ in range(_FOLLOWED):
            if not pending:
                break
            each, scope = pending.pop()
            if isinstance(each, ast.Call):
                if wanted(each):
                    return each
                pending += [(inner, scope) for inner in (*each.args[:1], each.func)]
            elif isinstance(each, ast.Attribute):
                pending.append((each.value, scope))
            elif isinstance(each, ast.Name):
                home, bindings = self._module.bindings(scope, each.id)
                if (id(home), each.id) not in seen:
                    seen.add((id(home), each.id))
                    values = [one for one in bindings if one.kind == "value"]
                    pending += [(one.value, one.scope) for one in values if one.value is not None]
        return None

    def _is_web(self, call: ast.Call, context: Context) -> bool:
        if not call.args and not call.keywords:
            return False  # `urlopen(url).read()`: the call inside is the one that fetches
        dotted = self._evaluator.names.dotted(call.func, context) or ""
        return dotted.startswith(_WEB)

    def _paths(self) -> list[str]:
        """Paths that downloads are saved to, as far as they are constants."""
        found: list[str] = []
        for event in self._module.calls:
            node = event.node
            if not isinstance(node, ast.Call) or last_name(node.func) not in _SAVED:
                continue
            position, keywords = _SAVED[last_name(node.func)]
            values = [word.value for word in node.keywords if word.arg in keywords]
            values += node.args[position : position + 1]
            context = Context(self._module, event.scope)
            for value in values:
                found += [text for text, _ in texts(self._evaluator.known(value, context))]
        return found
