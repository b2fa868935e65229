"""What configuration says about models, in whatever syntax it is written: keys, commands, URIs.

One walk over tables and lists. A key that asks for a model (`keys`) is believed; commands under
`run`, `args`, `command` and the like are read as shell; `env` is read as settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from modelscan.discovery import commandline, hosted, keys, naming, weights
from modelscan.discovery.finder import CodeFile
from modelscan.discovery.keys import Role
from modelscan.discovery.mention import Mention
from modelscan.discovery.python.finder import shell
from modelscan.discovery.shellwords import Variables, Word, expand
from modelscan.discovery.trees import at, line_of
from modelscan.vocabulary.reference import Certainty

_DEEP: Final = 60
_COMMANDS: Final = frozenset(
    {"run", "script", "before_script", "after_script", "cmd", "cmds", "commands", "entrypoint",
     "bash", "shell", "sh", "inlineScript", "steps", "postCreateCommand", "onCreateCommand",
     "exec", "installCommand", "buildCommand", "startCommand", "build_command", "start_command",
     "setup", "postStart", "test", "dockerCommand"}
)  # fmt: skip
"""Keys whose texts are shell."""
_ARGUMENTS: Final = frozenset(
    {"args", "command", "extraArgs", "extra_args", "arguments", "vllmArgs"}
)
_ENVIRONMENTS: Final = frozenset(
    {"env", "environment", "variables", "envs", "extraEnv", "extraEnvVars"}
)
_URIS: Final = frozenset({"storageUri", "storage_uri", "modelUri", "model_uri", "storageURI"})
_HOLDERS: Final = ("ollama", "11434")
_TEMPLATE: Final = re.compile(
    r"\{\{.*?\}\}|\$\{\{.*?\}\}|\$\{[^}]*\}|\$\([^)]*\)|<[\w -]+>|%\(\w+\)s"
)


class Walk:
    """One document, walked for models."""

    def __init__(self, file: CodeFile, *, certainty: Certainty = "declared") -> None:
        self._file = file
        self._certainty = certainty
        self._variables = Variables()

    def mentions(self, root: Any) -> Iterator[Mention]:
        """Every model that a document names.

        Raises:
            BudgetError: a script in it has too many commands.
        """
        pending: list[tuple[Any, int, bool]] = [(root, 0, False)]
        while pending:
            value, depth, local = pending.pop()
            if depth > _DEEP:
                continue
            self._file.budget.step()
            if isinstance(value, dict):
                local = local or _is_ollama(value)
                yield from self._table(value, local=local)
                children = [each for key, each in value.items() if _opens(key)]
            elif isinstance(value, list):
                children = value
            else:
                continue
            pending.extend((child, depth + 1, local) for child in reversed(children))

    def _table(self, table: dict[Any, Any], *, local: bool) -> Iterator[Mention]:
        image = str(table.get("image") or "")
        for key, value in table.items():
            if not isinstance(key, str):
                continue
            if key in _ENVIRONMENTS:
                yield from self._environment(value)
            elif key in _COMMANDS:
                yield from self._scripts(value)
            elif key in _URIS:
                yield from self._text(key, value, Role("url", strict=False), table)
            elif key not in _ARGUMENTS:
                yield from self._key(key, value, table, local=local)
        yield from self._arguments(table, image)

    def _key(
        self, key: str, value: Any, table: dict[Any, Any], *, local: bool
    ) -> Iterator[Mention]:
        role = keys.role(key)
        if role is None:
            if isinstance(value, str) and "://" in value and naming.is_download(value):
                yield Mention(value, line_of(value), "url", self._certainty)
            return
        if local and keys.plain(key) in {"model", "model_name", "models", "model_id"}:
            role = Role("ollama", strict=False)
        for each in value if isinstance(value, list) else [value]:
            yield from self._text(key, each, role, table)

    def _text(self, key: str, value: Any, role: Role, table: dict[Any, Any]) -> Iterator[Mention]:
        if not isinstance(value, str) or not value:
            return
        line = line_of(value)
        revision = keys.revision_of(table, key)
        options = keys.options_of(table)
        if _TEMPLATE.search(value):
            yield from self._templated(value, line, role, revision, options)
            return
        prefixed = _provider(table, value)
        if prefixed is not None:
            yield Mention(prefixed, line, "ollama", self._certainty, revision, options)
            return
        yield Mention(value, line, role.usual, self._certainty, revision, options, role.strict)

    def _templated(
        self, value: str, line: int, role: Role, revision: str | None, options: dict[str, Any]
    ) -> Iterator[Mention]:
        """A value with parts that are put in later: defaults of `${NAME:-…}` are known."""
        word = expand(value, self._variables, line)
        if word.known and "{{" not in value:
            yield Mention(
                word.text, line, role.usual, "inferred", revision, options, strict=role.strict
            )
        elif not role.strict:
            yield Mention(value, line, role.usual, "unresolved", revision, options)

    def _environment(self, value: Any) -> Iterator[Mention]:
        """A table, a list of `NAME=value`, or Kubernetes' list of names and values."""
        table: dict[Any, Any] = {}
        if isinstance(value, dict):
            table = value
        for each in value if isinstance(value, list) else []:
            if isinstance(each, dict) and isinstance(each.get("name"), str):
                table[each["name"]] = each.get("value")
            elif isinstance(each, str) and "=" in each:
                name, _, text = each.partition("=")
                table[name] = type(each)(text)
                if hasattr(each, "line"):
                    table[name].line = each.line
        for key, text in table.items():
            if isinstance(text, str):
                word = Word(text, known=_TEMPLATE.search(text) is None, line=line_of(text))
                self._variables[str(key)] = word
            yield from self._key(str(key), text, table, local=False)

    def _scripts(self, value: Any) -> Iterator[Mention]:
        """Texts of shell; a list of them is one script."""
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str):
                text = _WORKFLOW.sub(r"${\1}", each)
                for mention in shell(text, self._file, line_of(each, 1), self._variables):
                    yield self._weighed(mention)

    def _arguments(self, table: dict[Any, Any], image: str) -> Iterator[Mention]:
        """`command` and `args` of a container, put together; a text is split as a shell would."""
        words: list[Word] = []
        for key in sorted(_ARGUMENTS & table.keys(), key=lambda name: name != "command"):
            value = table[key]
            script = isinstance(value, str)
            flags = script and image and value.lstrip().startswith("-")
            if script and not flags:
                yield from self._scripts(value)
            elif script:
                words += [
                    _word(at(each, line_of(value)), self._variables) for each in value.split()
                ]
            for each in value if isinstance(value, list) else []:
                if isinstance(each, str) and _is_script(each, value):
                    yield from self._scripts(each)
                elif isinstance(each, str):
                    words.append(_word(each, self._variables))
        if words:
            for mention in commandline.mentions(words, words[0].line, image):
                yield self._weighed(mention)

    def _weighed(self, mention: Mention) -> Mention:
        return mention.weaker() if self._certainty == "inferred" else mention


_WORKFLOW: Final = re.compile(r"\$\{\{\s*(?:env|vars)\.(\w+)\s*\}\}")
_KUBERNETES: Final = re.compile(r"\$\((\w+)\)")


def _word(text: str, variables: Variables) -> Word:
    """An argument as Kubernetes and compose put variables in: `$(NAME)`, `${NAME}`."""
    word = expand(_KUBERNETES.sub(r"${\1}", text), variables, line_of(text))
    return word if "{{" not in text else word._replace(known=False)


def _is_script(text: str, around: list[Any]) -> bool:
    """True for the text behind `sh -c`."""
    return "\n" in text or (" " in text and any(each in {"-c", "-lc", "-ec"} for each in around))


def _opens(key: Any) -> bool:
    return key not in _ENVIRONMENTS


def _is_ollama(table: dict[Any, Any]) -> bool:
    """True for the settings of something that asks Ollama."""
    return any(
        isinstance(value, str) and any(word in value.lower() for word in _HOLDERS)
        for key, value in table.items()
        if key
        in {
            "provider",
            "backend",
            "type",
            "base_url",
            "api_base",
            "baseUrl",
            "apiBase",
            "host",
            "llm_provider",
            "url",
            "class",
            "_target_",
            "kind",
            "engine",
            "endpoint",
            "service",
        }
    )


def _provider(table: dict[Any, Any], value: str) -> str | None:
    """`ollama/llama3` and `ollama_chat/llama3`, as litellm spells them."""
    provider, _, rest = value.partition("/")
    if provider in {"ollama", "ollama_chat"} and rest and not hosted.provider_of(value):
        return rest
    if provider == "huggingface" and rest.count("/") == 1 and "model" in table:
        return f"hf:{rest}"
    return None


def path_mention(text: str, line: int, options: dict[str, Any] | None = None) -> Iterator[Mention]:
    """A file of weights, by its path."""
    if weights.extension(text) in weights.ANY:
        yield Mention(text, line, "path", options=options or {})
