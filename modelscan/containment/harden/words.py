"""Command lines and variables without what opens doors, with what closes them."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from modelscan.containment.controls.assurance import SILENCES
from modelscan.containment.controls.loading import DOORS, MODES
from modelscan.containment.controls.reach import TOKEN_FLAGS, is_key
from modelscan.containment.nodes import truth
from modelscan.containment.servers import Server
from modelscan.containment.view import Serving

OFFLINE: Final = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
STORE: Final = "/models"
"""Where weights are mounted when nothing says where they are."""
SCRATCH: Final = {"HOME": "/tmp", "XDG_CACHE_HOME": "/tmp/cache"}  # noqa: S108  # inside a container
"""Variables that lead what a server writes to a folder in memory."""
_SWITCHES: Final = frozenset(
    {"--trust-remote-code", "--hf-trust-remote-code", "--disable-safe-unpickle", "--allow-pickle",
     "--enable-model-api",
     *SILENCES}
)  # fmt: skip
"""Flags without a value of their own."""
_CLOSED: Final = frozenset(
    {flag for _, flags, _, _ in DOORS for flag in flags}
    | {flag for _, flag, _, _ in MODES}
    | {*SILENCES, *TOKEN_FLAGS}
)
_DOOR: Final = re.compile(
    r"(?<=\s)(?:"
    + "|".join(sorted(re.escape(flag).replace(r"\-", "[-_]") for flag in _SWITCHES))
    + r")(?:(?:=|[ \t]+)(?:true|false|yes|no|1|0))?(?=[\s;&|]|$)|(?<=\s)(?:"
    + "|".join(sorted(re.escape(flag).replace(r"\-", "[-_]") for flag in _CLOSED - _SWITCHES))
    + r")(?:=|[ \t]+)(?![-\"'$`])[^\s;&|\"'`$()]+",
    re.IGNORECASE,
)
"""Flags that open doors, as they stand in a script, with values without quotes."""
_LONGEST: Final = 200_000
_SETTINGS: Final = frozenset(
    {name for _, _, names, _ in DOORS for name in names}
    | {"OLLAMA_ORIGINS", "CORS_ALLOW_ORIGIN", "WEBUI_AUTH", "DOCKER_HOST", "CONTAINER_HOST"}
)
_REVISED: Final = frozenset({"vllm", "tgi", "tei", "sglang", "aphrodite"})
"""Servers with a flag `--revision`."""


class Locked(NamedTuple):
    """A model that was agreed on."""

    name: str
    """`org/name`, or the name that a report gives it."""
    revision: str
    files: tuple[tuple[str, int, str], ...]
    """Path, size and SHA-256 of each."""


def clean(words: list[str], server: Server, locked: Locked | None) -> list[str]:
    """The words of a command, without the flags that open doors and at the locked revision."""
    made: list[str] = []
    skip = False
    for index, word in enumerate(words):
        if skip:
            skip = False
            continue
        flag, tied, _ = word.partition("=")
        if flag.replace("_", "-") in _CLOSED:
            following = words[index + 1] if index + 1 < len(words) else ""
            alone = flag.replace("_", "-") in _SWITCHES
            valued = truth(following) is not None if alone else not following.startswith("-")
            skip = not tied and bool(following) and valued
            continue
        made.append(word)
    named = locked is not None and any(locked.name in word for word in made)
    pinned = any(word.partition("=")[0] == "--revision" for word in made)
    if locked and named and locked.revision and not pinned and server.name in _REVISED:
        made += ["--revision", locked.revision]
    return made


def scrub(script: str, server: Server, locked: Locked | None) -> str:
    """A script that does more than start a server, with the flags taken out that open doors."""
    made = _DOOR.sub("", script[:_LONGEST]) + script[_LONGEST:]
    named = locked is not None and server.name in _REVISED and "--revision" not in made
    if locked and named and locked.revision and made.count(locked.name) == 1:
        made = re.sub(
            rf"(?<=[\s=\"']){re.escape(locked.name)}[\"']?(?=\s|$)",
            lambda found: f"{found[0]} --revision {locked.revision}",
            made,
        )
    return made


def opens(name: str) -> bool:
    """True for a variable that opens a door."""
    return name.upper() in _SETTINGS


def handed_over(each: Serving) -> dict[str, str]:
    """The variables that come from maps and files among the manifests, and open nothing."""
    return {
        setting.name: setting.value
        for setting in each.container.settings
        if setting.value is not None
        and not is_key(setting, each.server)
        and not opens(setting.name)
    }


def revision_setting(server: Server, locked: Locked | None, values: list[str]) -> dict[str, str]:
    """The variable for a server that takes its model from variables: the locked revision."""
    if locked and locked.revision and server.name in {"tgi", "tei"} and locked.name in values:
        return {"REVISION": locked.revision}
    return {}


def relocated(path: str) -> str:
    """Where a store is mounted instead: a user that is not root cannot enter root's home."""
    return STORE if path.startswith("/root") else path


def homes(server: Server, path: str) -> dict[str, str]:
    """The variable that leads a server to a store that was mounted in somebody's home."""
    store = relocated(path)
    if server.name == "ollama":
        return {"OLLAMA_MODELS": store + _below_home(path.rstrip("/"))}
    if path.rstrip("/").endswith("huggingface"):
        return {"HF_HOME": store}
    if path.rstrip("/").endswith(".cache"):
        return {"HF_HOME": f"{store}/huggingface"}
    return {}


def _below_home(path: str) -> str:
    """Where Ollama's models lie below what is mounted: its own folder, or its user's home."""
    if path.endswith((".ollama", "/var/lib/ollama")):
        return "/models"
    return "/.ollama/models" if path in {"/usr/share/ollama", "/home/ollama"} else ""


def home(server: Server) -> str:
    """The variable that says where a server keeps models."""
    if server.name == "ollama":
        return "OLLAMA_MODELS"
    return "LLAMA_CACHE" if server.name == "llama.cpp" else "HF_HUB_CACHE"
