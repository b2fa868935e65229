"""Models that a Python module names: the calls that load one, followed to the text they are given.

Invariants: a loading call is never dropped: when nobody can say which model it loads, the
expression itself is the reference, marked as unresolved.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, Final

from modelscan.discovery import hosted, naming, shelltext
from modelscan.discovery.commandline import mentions as line_mentions
from modelscan.discovery.mention import Mention
from modelscan.discovery.python import loaders
from modelscan.discovery.python.evaluate import Evaluator
from modelscan.discovery.python.fetched import Fetched
from modelscan.discovery.python.known import Context, Known, Nodes, texts
from modelscan.discovery.python.loaders import LOADERS, Loader
from modelscan.discovery.python.modules import Module, last_name
from modelscan.discovery.python.project import Project
from modelscan.discovery.shelltext import Embedded
from modelscan.discovery.shellwords import Word
from modelscan.vocabulary.reference import Certainty

_SHOWN: Final = 160
_OTHERS: Final = frozenset({"dataset", "space"})
_INFERENCE: Final = re.compile(r"https://api-inference\.huggingface\.co/models/[\w.-]+/?[\w.-]+")
_ADDRESS: Final = re.compile(
    r"huggingface\.co/|hf\.co/|hf-mirror\.com/|\.(?:safetensors|gguf|onnx|pth?|ckpt)\b"
)
_MODEL_WORDS: Final = re.compile(
    r"model|classif|clf|estimator|weight|ckpt|checkpoint|scaler|encoder|vectori|network|net_|lora"
    r"|adapter|pipeline|predictor|regress|tokeni|artifact|state_dict|hub_",
    re.IGNORECASE,
)
_FOLDERS: Final = frozenset({"hub", "sentence-transformers"})
"""Loaders that take a folder where they take a name."""
_OLLAMA_PORT: Final = "11434"
_INTERFACE: Final = frozenset(
    {
        "InferenceClient",
        "AsyncInferenceClient",
        "HuggingFaceEndpoint",
        "HuggingFaceEndpointEmbeddings",
        "HfApiModel",
        "InferenceClientModel",
    }
)


class Reading:
    """One module, read for models.

    Args:
        module: the module.
        project: the modules around it.
    """

    def __init__(self, module: Module, project: Project) -> None:
        self._module = module
        self._evaluator = Evaluator(module, project)
        self._loading: set[int] = set()  # calls that fetch a model: what they give is no new one
        self._fetched = Fetched(module, self._evaluator)
        self._rebuilt: dict[int, dict[str, Any]] = {}  # options of downloads that are rebuilt

    def mentions(self) -> Iterator[Mention | Embedded]:
        """Every model that is named, in the order of the source.

        Raises:
            BudgetError: there are too many calls.
        """
        chosen = []
        for event in self._module.calls:
            if isinstance(event.node, ast.Call):
                context = Context(self._module, event.scope)
                loader = self._loader(event.node, context)
                if loader is not None:
                    self._loading.add(id(event.node))
                chosen.append((event.node, context, loader))
        for node, context, _ in chosen:
            self._note_rebuilt(node, context)
        for node, context, loader in chosen:
            self._module.budget.step(1 + self._evaluator.spent())
            if loader is not None:
                yield from self._loads(node, context, loader)
            else:
                yield from self._other(node, context)
        yield from self._addresses()

    def _loader(self, node: ast.Call, context: Context) -> Loader | None:
        name = last_name(node.func)
        choices = LOADERS.get(name)
        if choices is None and isinstance(node.func, ast.Name):
            dotted = self._evaluator.names.dotted(node.func, context) or ""
            choices = LOADERS.get(dotted.rpartition(".")[2])
        if not choices:
            return None
        dotted = self._evaluator.names.dotted(node.func, context) or ""
        if name == "partial":
            return None
        for loader in choices:
            if not loader.packages or any(_from(dotted, package) for package in loader.packages):
                return loader
        return None

    def _loads(self, node: ast.Call, context: Context, loader: Loader) -> Iterator[Mention]:
        handed = self._handed(node, context)
        options = self._options(node, context, loader, handed)
        if options.pop("repo_type", None) in _OTHERS:
            return
        options |= self._rebuilt.get(id(node), {})
        if loader.required and not any(_may_be_true(handed, key) for key in loader.required):
            return
        if last_name(node.func) in _INTERFACE:
            options["hosted"] = True
        revision, options = self._revision(handed, options)
        expression, known = self._named(node, context, loader, handed)
        if expression is None and known is None:
            return
        if expression is not None and self._is_loaded(expression, context):
            return
        options |= self._rebuilding(node, context, expression)
        given = texts(known or [])
        if not given and expression is not None and not _is_nothing(known):
            yield from self._untold(node, context, loader, expression, (revision, options))
        for text, sure in given:
            usual = loader.usual
            certainty: Certainty = "declared" if sure else "inferred"
            if usual in _FOLDERS and naming.named(text, usual) is None:
                usual = (
                    "path"  # `from_pretrained("model")` is a folder, not one of the hub's models
                )
            yield Mention(text, node.lineno, usual, certainty, revision, options)

    def _untold(
        self,
        node: ast.Call,
        context: Context,
        loader: Loader,
        expression: ast.expr,
        said: tuple[str | None, dict[str, Any]],
    ) -> Iterator[Mention]:
        """A model of which only the expression is known, or the address that it is fetched from."""
        revision, options = said
        if options.get("fetched"):
            yield from self._downloaded(node, context)
            return
        text = _source(expression)
        if not loader.anything or _about(text):
            yield Mention(text, node.lineno, loader.usual, "unresolved", revision, options)

    def _handed(self, node: ast.Call, context: Context) -> dict[str, list[Known]]:
        """Keyword arguments, with those of `**table`."""
        found: dict[str, list[Known]] = {}
        for word in node.keywords:
            if word.arg is None:
                found |= self._evaluator.table(word.value, context)
            else:
                found[word.arg] = self._evaluator.known(word.value, context)
        return found

    def _named(
        self, node: ast.Call, context: Context, loader: Loader, handed: dict[str, list[Known]]
    ) -> tuple[ast.expr | None, list[Known] | None]:
        """The argument that names the model, and what it may be."""
        expressions = {word.arg: word.value for word in node.keywords}
        for keyword in loader.keywords:
            if keyword in handed:
                return expressions.get(keyword), handed[keyword]
        position = loader.position
        if position is not None and position < len(node.args):
            argument = node.args[position]
            if isinstance(argument, ast.Starred):
                return argument, []
            return argument, self._evaluator.known(argument, context)
        if None in expressions and not handed:
            return expressions[None], []
        return None, None

    def _options(
        self, node: ast.Call, context: Context, loader: Loader, handed: dict[str, list[Known]]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        expressions = {word.arg: word.value for word in node.keywords}
        for key in (*loaders.RECORDED, "repo_type"):
            if key in handed:
                found[key] = _plain(handed[key], expressions.get(key))
        for key, position in loader.options:
            if position < len(node.args) and key not in found:
                argument = node.args[position]
                found[key] = _plain(self._evaluator.known(argument, context), argument)
        return found

    def _revision(
        self, handed: dict[str, list[Known]], options: dict[str, Any]
    ) -> tuple[str | None, dict[str, Any]]:
        for key in ("revision", "version"):
            if key in handed:
                chosen = texts(handed[key])
                if chosen:
                    return chosen[0][0], options
                if not _is_nothing(handed[key]):
                    return None, {**options, key: "unresolved"}
        return None, options

    def _note_rebuilt(self, node: ast.Call, context: Context) -> None:
        """Remember that a call rebuilds objects from a file that another call downloads."""
        name = self._fetched.rebuilder(node, context) if node.args else None
        call = self._fetched.hub_call(node.args[0], context) if name else None
        if call is not None:
            options = {"loader": name, "fetched": True}
            for word in node.keywords:
                if word.arg == "weights_only":
                    options[word.arg] = _plain(
                        self._evaluator.known(word.value, context), word.value
                    )
            self._rebuilt[id(call)] = options

    def _rebuilding(
        self, node: ast.Call, context: Context, expression: ast.expr | None
    ) -> dict[str, Any]:
        """What is recorded of a call that rebuilds objects from a file."""
        if last_name(node.func) == "load_state_dict_from_url":
            return {"loader": "torch.load", "fetched": True}
        name = self._fetched.rebuilder(node, context)
        if name is None:
            return {}
        found: dict[str, Any] = {"loader": name}
        if expression is not None and (
            self._fetched.saved(expression, context)
            or self._fetched.web_call(expression, context) is not None
        ):
            found["fetched"] = True
        return found

    def _is_loaded(self, node: ast.expr, context: Context) -> bool:
        """True for what another loading call of this module gave: it is a reference already."""
        loading = self._loading
        return self._fetched.origin(node, context, lambda call: id(call) in loading) is not None

    def _other(self, node: ast.Call, context: Context) -> Iterator[Mention | Embedded]:
        """Calls that are no loaders: command lines, hosted models, keywords that say `model`."""
        name = last_name(node.func)
        yield from self._downloaded(node, context)
        if name in loaders.RUNNERS:
            dotted = self._evaluator.names.dotted(node.func, context) or ""
            if dotted.startswith(("os.", "subprocess.", "asyncio.")):
                yield from self._command(node, context)
                return
        if name == "partial" and node.args:
            yield from self._partial(node, context)
        for word in node.keywords:
            if word.arg in loaders.MODEL_KEYWORDS or word.arg in loaders.HOSTED_KEYWORDS:
                yield from self._keyword(word.arg, word.value, node, context)
        if name in loaders.HOSTED_CALLS and node.args:
            for text, sure in texts(self._evaluator.known(node.args[0], context)):
                if hosted.provider_of(text):
                    certainty: Certainty = "declared" if sure else "inferred"
                    yield Mention(text, node.lineno, "hosted", certainty)
                elif name != "Agent":
                    yield from _with_scheme(text, node.lineno)

    def _downloaded(self, node: ast.Call, context: Context) -> Iterator[Mention]:
        """`pickle.loads(requests.get(url).content)`: no path, and still a model perhaps."""
        if not node.args or self._fetched.rebuilder(node, context) is None:
            return
        call = self._fetched.web_call(node.args[0], context)
        if call is None:
            return
        options = self._rebuilding(node, context, node.args[0])
        given = [*call.args[:1], *(word.value for word in call.keywords if word.arg == "url")]
        known = [each for value in given for each in texts(self._evaluator.known(value, context))]
        addresses = [(text, sure) for text, sure in known if "://" in text]
        for text, sure in addresses:
            certainty: Certainty = "declared" if sure else "inferred"
            yield Mention(text, node.lineno, "url", certainty, None, options)
        if not addresses and _about(_source(node.args[0])):
            shown = _source(node.args[0])
            yield Mention(shown, node.lineno, "url", "unresolved", None, options)

    def _keyword(
        self, key: str, value: ast.expr, node: ast.Call, context: Context
    ) -> Iterator[Mention]:
        for text, sure in texts(self._evaluator.known(value, context)):
            certainty: Certainty = "declared" if sure else "inferred"
            if hosted.provider_of(text):
                yield Mention(text, node.lineno, "hosted", certainty)
            elif key == "model" and _OLLAMA_PORT in self._module.text and "/" not in text:
                yield Mention(text, node.lineno, "ollama", "inferred")
            elif key in loaders.MODEL_KEYWORDS and "/" in text:
                prefixed = list(_with_scheme(text, node.lineno))
                if prefixed:
                    yield from prefixed
                    continue
                revision, options = self._revision(handed := self._handed(node, context), {})
                options |= {
                    each: _plain(handed[each], None) for each in loaders.RECORDED if each in handed
                }
                yield Mention(text, node.lineno, "hub", "inferred", revision, options, strict=True)

    def _partial(self, node: ast.Call, context: Context) -> Iterator[Mention]:
        """`functools.partial(AutoModel.from_pretrained, "org/name")`."""
        inner = ast.Call(node.args[0], node.args[1:], node.keywords)
        ast.copy_location(inner, node)
        loader = self._loader(inner, context)
        if loader is not None:
            yield from self._loads(inner, context, loader)

    def _command(self, node: ast.Call, context: Context) -> Iterator[Mention | Embedded]:
        """`subprocess.run(["ollama", "pull", "llama3"])`, `os.system("…")`."""
        if not node.args:
            return
        for each in self._evaluator.known(node.args[0], context)[:4]:
            if isinstance(each.value, str):
                yield from shelltext.mentions(each.value, self._module.budget, line=node.lineno)
            elif isinstance(each.value, Nodes):
                yield from line_mentions(self._words(each.value, node.lineno), node.lineno)
        if len(node.args) > 1 and isinstance(node.args[0], ast.Constant):
            nodes = Nodes((), tuple(node.args), context)
            yield from line_mentions(self._words(nodes, node.lineno), node.lineno)

    def _words(self, nodes: Nodes, line: int) -> list[Word]:
        words = []
        for value in nodes.values:
            known = texts(self._evaluator.known(value, nodes.context))
            text, sure = known[0] if known else (_source(value), True)
            words.append(Word(text, known=bool(known), sure=sure, line=line))
        return words

    def _addresses(self) -> Iterator[Mention]:
        """Addresses of files to download, in texts that are no documentation."""
        if not _ADDRESS.search(self._module.text):
            return
        context = Context(self._module, self._module.scope)
        for node in self._module.texts():
            known = texts(self._evaluator.known(node, context))
            for text, sure in known:
                if naming.is_download(text) or _INFERENCE.match(text):
                    certainty: Certainty = "declared" if sure else "inferred"
                    yield Mention(text, node.lineno, "url", certainty)


def _from(dotted: str, package: str) -> bool:
    """True when a dotted name begins with a package's, also as `langchain_community`."""
    if package.endswith("*"):
        return dotted.startswith(package[:-1])
    return dotted.startswith(package) and dotted[len(package) : len(package) + 1] in "._("


def _with_scheme(text: str, line: int) -> Iterator[Mention]:
    """`huggingface/org/name` and `ollama/name`, as litellm and its like spell providers."""
    provider, _, rest = text.partition("/")
    if provider in {"ollama", "ollama_chat"} and rest:
        yield Mention(rest, line, "ollama")
    elif provider in {"huggingface", "hosted_vllm", "vllm"} and rest.count("/") == 1:
        yield Mention(rest, line, "hub")


def _about(text: str) -> bool:
    """True for an expression that speaks of a model: `pickle.load(f)` loads anything at all."""
    return _MODEL_WORDS.search(text) is not None


def _may_be_true(handed: dict[str, list[Known]], key: str) -> bool:
    known = handed.get(key)
    return known is not None and (not known or any(each.value for each in known))


def _plain(known: list[Known], node: ast.expr | None) -> Any:
    for each in known:
        if each.value is None or isinstance(each.value, str | int | float):
            return each.value
    return _source(node) if node is not None else "unresolved"


def _is_nothing(known: list[Known] | None) -> bool:
    return bool(known) and all(each.value is None for each in known or [])


def _source(node: ast.expr) -> str:
    """The expression as written, in one line."""
    try:
        return " ".join(ast.unparse(node).split())[:_SHOWN]
    except (RecursionError, ValueError):
        return "(a long expression)"
