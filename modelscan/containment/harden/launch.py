"""What a container starts, contained: the server itself without a shell, its model from the store.

A script that does nothing but fetch a model, wait for the server and start it is replaced by the
start of the server. A script that does anything else is left as it is: what it prepares, nobody
here can know.
"""

from __future__ import annotations

import re
import shlex
from typing import Any, Final

from modelscan.containment import commands
from modelscan.containment.controls.loading import FETCH, is_far
from modelscan.containment.harden import words
from modelscan.containment.harden.words import STORE, Locked
from modelscan.containment.servers import by_command
from modelscan.containment.view import Serving
from modelscan.discovery.servers import SHELLS
from modelscan.discovery.shellwords import Variables, Word

_IDLE: Final = frozenset(
    {"sleep", "wait", "echo", "printf", "true", ":", "set", "trap", "kill", "mkdir", "until",
     "while", "do", "done", "if", "then", "fi", "else", "test", "[", "[[", "exit", "nc", "date",
     "pid=$!", "tee", "cat", "grep"}
)  # fmt: skip
"""Commands around the start of a server that leave nothing behind that it needs."""
_WORDS_BEFORE: Final = frozenset({"do", "then", "else", "until", "while", "if", "!", "exec"})
_ASKS: Final = re.compile(r"(?:curl|wget)\b.*(?:localhost|127\.0\.0\.1|0\.0\.0\.0|:11434)")
_OLLAMA: Final = re.compile(r"ollama (?:pull|run|list|ls|ps|show|stop|create|cp)\b")
_EXPORT: Final = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.*)", re.DOTALL)
_PULLS: Final = frozenset(
    {"-hf", "-hfr", "--hf-repo", "-hff", "--hf-file", "-mu", "--model-url", "-dr", "--docker-repo"}
)
"""Flags of llama.cpp by which it fetches a model itself."""
_PULL_SETTINGS: Final = frozenset(
    {"LLAMA_ARG_HF_REPO", "LLAMA_ARG_HF_FILE", "LLAMA_ARG_MODEL_URL", "LLAMA_ARG_DOCKER_REPO"}
)
_ADDED: Final[dict[str, frozenset[str]]] = {"triton": frozenset({"--load-model"})}
"""Flags that mean something together with a door that is closed, by server."""


def launch(
    holder: dict[str, Any], keys: tuple[str, str], each: Serving, locked: Locked | None
) -> dict[str, str]:
    """Contain what a container starts, in place; returns the variables that its script set.

    Args:
        holder: the container or service, as plain data.
        keys: its entry point and its command, as the format calls them.
        each: the server in it.
        locked: the model that was agreed on.
    """
    parts = [_split(holder.get(key)) for key in keys]
    if any(part is None for part in parts):
        return {}
    first, then = [part or [] for part in parts]
    script = _script([*first, *then])
    if script is None:
        for key, old in zip(keys, (first, then), strict=True):
            new = _located(words.clean(old, each.server, locked), each, locked)
            if new != old:
                holder[key] = new
        return {}
    found = _single(script, each)
    if found is None:
        for key, old in zip(keys, (first, then), strict=True):
            scrubbed = words.scrub(script, each.server, locked)
            if script in old and scrubbed != script:
                holder[key] = [scrubbed if word == script else word for word in old]
        return {}
    start, settings = found
    holder[keys[0]] = _located(words.clean(start, each.server, locked), each, locked)
    holder.pop(keys[1], None)
    return settings


def variables(env: dict[str, Any], each: Serving, locked: Locked | None) -> dict[str, Any]:
    """The variables of a container, with models from the store where they named an address."""
    path = file_of(locked) if each.server.name == "llama.cpp" else ""
    pulls = bool(path) and any(name.upper() in _PULL_SETTINGS for name in env)
    made: dict[str, Any] = {"LLAMA_ARG_MODEL": path} if pulls else {}
    named = {model.ref for model in each.models}
    for name, value in env.items():
        if pulls and name.upper() in _PULL_SETTINGS:
            continue
        far = isinstance(value, str) and value in named and is_far(value)
        made[name] = stored(value) if far else value
    return made


def stored(address: str) -> str:
    """Where a model that was fetched from an address lies in the store."""
    name = address.rstrip("/").rpartition("/")[2]
    return f"{STORE}/{name if name.strip('.') else 'model'}"


def folder_of(locked: Locked) -> str:
    """Where the plain files of a locked model lie in the store."""
    return f"{STORE}/{locked.name.rpartition('/')[2].partition(':')[0]}"


def file_of(locked: Locked | None) -> str:
    """The GGUF file of a locked model, in the store; empty when there is none, or several."""
    if locked is None:
        return ""
    files = sorted(path for path, _, _ in locked.files if path.lower().endswith(".gguf"))
    whole = [
        path
        for path in files
        if "mmproj" not in path.lower() and ("-of-" not in path or "-00001-of-" in path)
    ]
    return f"{folder_of(locked)}/{whole[0]}" if len(whole) == 1 else ""


def _split(value: Any) -> list[str] | None:
    """The words of a command; `None` for what is none. Compose splits text as a shell does."""
    if value is None:
        return []
    if isinstance(value, str):
        try:
            return shlex.split(value)
        except ValueError:
            return None
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        return [str(each) for each in value]
    return None


def _script(given: list[str]) -> str | None:
    """What a shell is told to run; `None` where there is no shell."""
    for index, word in enumerate(given[:-1]):
        shell = any(each.rpartition("/")[2] in SHELLS for each in given[:index])
        if shell and re.fullmatch(r"-[a-z]*c[a-z]*", word):
            return given[index + 1]
    return None


def _single(script: str, each: Serving) -> tuple[list[str], dict[str, str]] | None:
    """The one command of a script that starts the server, and what the script exports."""
    starts: list[list[str]] = []
    settings: dict[str, str] = {}
    for command in commands.of_text(script, 1, _known(each)):
        found = _bare(command)
        if not found or idle(found):
            continue
        exported = [_EXPORT.fullmatch(text) for text in _exports(found)]
        if exported and all(exported):
            settings |= {each_["name"]: each_["value"] for each_ in exported if each_}
            continue
        if by_command([Word(text) for text in found]) != each.server or "$" in "".join(found):
            return None
        starts.append(found)
    return (starts[0], settings) if len(starts) == 1 else None


def _known(each: Serving) -> Variables:
    settings = each.container.settings
    return Variables({s.name: Word(s.value) for s in settings if s.value is not None})


def _bare(command: list[Word]) -> list[str]:
    """The words of a command, without the words of the shell before them."""
    texts = [word.text for word in command]
    while texts and texts[0] in _WORDS_BEFORE:
        texts = texts[1:]
    return texts


def _exports(texts: list[str]) -> list[str]:
    return texts[1:] if texts[0] == "export" else texts


def idle(texts: list[str]) -> bool:
    """True for a command around the start of a server that leaves nothing that it needs."""
    text = " ".join(texts)
    return (
        texts[0].rpartition("/")[2] in _IDLE
        or FETCH.search(text) is not None
        or _ASKS.match(text) is not None
        or _OLLAMA.search(text) is not None
        or re.fullmatch(r"\w+=\$[!?]", text) is not None
    )


def _located(given: list[str], each: Serving, locked: Locked | None) -> list[str]:
    """The words of a command, with models from the store where they named an address."""
    path = file_of(locked) if each.server.name == "llama.cpp" else ""
    added = _ADDED.get(each.server.name, frozenset())
    made: list[str] = []
    pulled = skip = False
    for word in given:
        if skip:
            skip = False
            continue
        flag, tied, value = word.partition("=")
        dropped = flag in added or (bool(path) and flag in _PULLS)
        if dropped:
            pulled |= flag in _PULLS
            skip = not tied
        elif tied and flag.startswith("-") and is_far(value):
            made.append(f"{flag}={stored(value)}")
        else:
            made.append(_place(word, each))
    if pulled:
        return [*made, "-m", path]
    pulls = each.server.name == "llama.cpp" and any(w.partition("=")[0] in _PULLS for w in made)
    return [*made, "--offline"] if pulls and "--offline" not in made else made


def _place(word: str, each: Serving) -> str:
    """A word, or the place of the model that it names in the contained copy."""
    if is_far(word) and any(model.ref == word for model in each.models):
        return stored(word)
    flag, tied, value = word.partition("=")
    if tied and flag.startswith("-"):
        return f"{flag}={relocated(value, each)}"
    return relocated(word, each)


def relocated(path: str, each: Serving) -> str:
    """A path of the original as the contained copy has it: nothing lies in root's home there."""
    for mount in each.container.mounts:
        below = path.removeprefix(mount.path.rstrip("/"))
        if mount.path.startswith("/root") and below != path and below[:1] in {"", "/"}:
            return words.relocated(mount.path) + below
    return path
