"""Settings with commands in them, which editors, servers, installers and pipelines run.

Any YAML, TOML or INI file may be one, and so may a few JSON files by their names. Their commands
are looked at like those of scripts, and only attacks are stated: what such a file is for is its
own business. Two kinds run without being asked: a task that an editor starts when the folder is
opened, and what git's own settings name.

Sources: VS Code, "Tasks" (`runOn: folderOpen`); git-config(1), gitmodules(5), CVE-2018-17456; MITRE
ATT&CK T1204.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.formats.reader import Glimpse
from modelscan.formats.script_words import HINTS
from modelscan.formats.scripts import decoded, stated
from modelscan.vocabulary.artifact import Artifact, base_name, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, RepositoryScript
from modelscan.vocabulary.lists import PickleGlobals

NAMES: Final = frozenset({
    "tasks.json", "launch.json", "settings.json", "settings.local.json", "devcontainer.json",
    ".devcontainer.json", "package.json", ".mcp.json", "mcp.json", "hooks.json", "composer.json",
    "deno.json", "nodemon.json", ".gitmodules", ".gitconfig", "config", "config.worktree",
})  # fmt: skip
EXTENSIONS: Final = frozenset({
    ".yml", ".yaml", ".toml", ".cfg", ".ini", ".service", ".plist", ".code-workspace", ".nomad",
})  # fmt: skip
_GIT: Final = frozenset({".gitmodules", ".gitconfig", "config", "config.worktree"})
_LARGEST: Final = 1 << 20
_SHOWN: Final = 200
_MOST_BESIDE: Final = 200
_OPENED: Final = re.compile(r"\"runOn\"\s*:\s*\"folderOpen\"")
_COMMAND: Final = re.compile(r"\"(?:command|args)\"\s*:\s*(\"(?:[^\"\\]|\\.)*\"|\[[^\]]{0,2000}\])")
_HIDDEN: Final = re.compile(
    r"\b(?:node|python[\d.]*|(?:ba|z)?sh|bun|deno|perl|ruby|pwsh|powershell)\b[^\n]{0,80}?"
    r"(?:\.(?:woff2?|ttf|otf|png|jpe?g|gif|ico|svg|css|txt|md|json|dat|bin|log|safetensors"
    r"|lock)\b|\.vscode[\\/])"
)
"""A program that is handed a file which is not called a script, or lies among the settings."""
_KEY: Final = re.compile(r"(?:-\s+)?[\"']?([\w.-]+)[\"']?\s*:(?:\s|$)")
_COMMANDS: Final = re.compile(
    r"(?:run|runs|script|scripts|commands?|cmds?|exec|entry|entrypoint|args|shell|inline"
    r"|user[-_]data|runcmd|bootcmd"
    r"|(?:before|after|pre|post)[-_]?\w*|(?:build|start|stop|install|test|init|setup|load"
    r"|serve)\w*|on_?\w+|hooks?"
    r"|steps|jobs|tasks|stages|services|containers|initContainers|lifecycle|healthcheck|test"
    r"|main|default|deps|vars"
    r"|image|postStart|preStop|sh|bash|powershell|pwsh|prepare|deploy|release|all|lint"
    r"|ExecStart\w*|value)",
    re.IGNORECASE,
)
"""Keys below which the settings of tools hold commands."""
_SECTION: Final = re.compile(r"\s*\[\s*([\w.-]+)(?:\s+\"((?:[^\"\\]|\\.)*)\")?\s*\]")
_ENTRY: Final = re.compile(r"\s*([A-Za-z][\w-]*)\s*=\s*(.*?)\s*$")
_RUN: Final = frozenset({
    "core.sshcommand", "core.gitproxy", "core.askpass", "core.fsmonitor", "core.pager",
    "core.editor", "sequence.editor", "gpg.program", "gpg.ssh.program", "diff.external",
    "diff.textconv", "diff.command", "filter.clean", "filter.smudge", "filter.process",
    "merge.driver", "credential.helper", "uploadpack.packobjectshook", "remote.uploadpack",
    "remote.receivepack", "submodule.update", "submodule.url", "remote.url",
    "interactive.difffilter",
})  # fmt: skip
"""Settings of git whose values are commands, or addresses that may be."""
_ORDINARY: Final = re.compile(
    r"(?:true|false|yes|no|on|off|0|1|)$|git[\s-](?:lfs|crypt|annex)\b"
    r"|ssh(?![^\n]*Command)(?:\s+-[\w]+(?:\s+[\w./~=$-]+)?)*$"
    r"|!?[\"']?(?:\S*/)?(?:gh|glab|git-credential-\w+)[\"']?\s+auth\s+git-credential$"
    r"|(?:store|cache|osxkeychain|manager(?:-core)?|wincred|libsecret)(?:\s+--?[\w=\s/~.-]*)?$"
    r"|(?:less|more|cat|vim?|nano|emacs|code\s+--wait|delta|diff-so-fancy)(?:\s+-[\w-]+)*$"
    r"|(?:checkout|rebase|merge|none)$|(?:nbstripout|nbdime|jupytext)\b|git-(?:nb\w+"
    r"|upload-pack|receive-pack)\b"
    r"|jq\s",
    re.IGNORECASE,
)
"""What stands there in ordinary checkouts."""
_CALLED: Final = re.compile(r"[\"']?\b_{1,2}target_{1,2}[\"']?\s*:\s*[\"']?([\w.:]+)")
"""What a configuration of a model has called, with the keys beside it."""
_ADDRESSES: Final = frozenset({"submodule.url", "remote.url"})
_HOSTILE_ADDRESS: Final = re.compile(r"-|ext::|fd::|\S*\s*ProxyCommand|ssh://-")


class SettingsReader:
    """Settings of editors, servers, installers and pipelines, by their names.

    Args:
        names: what the list says of each importable name.
    """

    format = "text"
    aside = True
    """Other readers say what the file is, and that it was read."""

    def __init__(self, names: PickleGlobals | None = None) -> None:
        self._names = names or PickleGlobals()

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name, as the tools do; bytes that are no text are left to others."""
        named = glimpse.name in NAMES or glimpse.extension in EXTENSIONS
        return named and b"\0" not in glimpse.head.removeprefix(b"\xff\xfe")

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State each command that attacks, and each that nobody has to start."""
        text = decoded(artifact.read_at(0, min(artifact.size, _LARGEST)))
        name = base_name(artifact)
        if name in _GIT:
            for line, key, value in _git(text):
                budget.fact()
                yield _script(artifact, line, "runs-by-itself", f"{key} = {value}")
        if name == "tasks.json":
            yield from _opened(text, artifact, budget)
        if HINTS.search(text) is not None:
            if name.endswith((".yml", ".yaml")):
                lines = text.splitlines()
                lines = self._left(lines) if _CALLED.search(text) else lines
                text = "\n".join(_commanding(lines))
            yield from stated(text, "settings", artifact, budget)

    def _left(self, lines: list[str]) -> list[str]:
        """The lines without those that are handed to a dangerous function: that one is stated."""
        from modelscan.formats.graph_operators import hostile  # lazy: hardly a file has both
        from modelscan.formats.objects.judging import Names

        names, left = Names(self._names), list(lines)
        for number, line in enumerate(lines):
            found = _CALLED.search(line)
            if found is None:
                continue
            beside = _beside(lines, number, found.start())
            verdict = names.judge(found[1])
            if verdict == "denied" or (
                verdict == "unknown" and hostile(found[1], (lines[one] for one in beside))
            ):
                for one in beside:
                    left[one] = ""
        return left


def _beside(lines: list[str], number: int, depth: int) -> list[int]:
    """The lines of the table whose key stands at a place, and of all that is in it."""
    found = [number]
    for step in (-1, 1):
        at = number + step
        while 0 <= at < len(lines) and len(found) <= _MOST_BESIDE:
            bare = lines[at].lstrip(" -")
            if bare and len(lines[at]) - len(bare) < depth:
                break
            found.append(at)
            at += step
    return found


def _commanding(lines: list[str]) -> Iterator[str]:
    """The lines of a YAML document that lie below a key which holds commands; others as empty.

    Lists of words to block, prompts and data have commands in them that nobody runs.
    """
    above: list[tuple[int, bool]] = []
    for line in lines:
        bare = line.lstrip(" ")
        indent = len(line) - len(bare)
        named = _KEY.match(bare)
        if bare and not bare.startswith("#"):
            while above and above[-1][0] >= indent and (named or not bare.startswith("-")):
                above.pop()
        told = any(commands for _, commands in above)
        if named:
            own = _COMMANDS.fullmatch(named[1]) is not None
            depth = indent + (bare.find(named[1]) if bare.startswith("-") else 0)
            above.append((depth, own))
            told |= own
        yield line if told else ""


def _script(artifact: Artifact, line: int, kind: Any, command: str) -> Fact:
    return RepositoryScript(
        location=place(artifact, line=line),
        kind=kind,
        language="settings",
        command=command[:_SHOWN],
    )


def _opened(text: str, artifact: Artifact, budget: Budget) -> Iterator[Fact]:
    """Tasks that run when the folder is opened; worse when they run what is no script by name."""
    started = _OPENED.search(text)
    if started is None:
        return
    commands = [found[1] for found in _COMMAND.finditer(text)][:20]
    hidden = any(
        _HIDDEN.search(" ".join(pair)) for pair in zip(commands, [*commands[1:], ""], strict=True)
    )
    budget.fact()
    line = text.count("\n", 0, started.start()) + 1
    kind = "runs-by-itself" if hidden else "runs-on-open"
    yield _script(artifact, line, kind, " ".join(" ".join(commands).split()))


def _git(text: str) -> Iterator[tuple[int, str, str]]:
    """Entries of git's settings that run a command which ordinary checkouts do not name."""
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        head = _SECTION.match(line)
        if head:
            section = head[1].lower()
            line = line[head.end() :]  # noqa: PLW2901  # an entry may stand behind its section
        entry = _ENTRY.match(line)
        if entry is None or not section:
            continue
        key, value = f"{section}.{entry[1].lower()}", entry[2].strip().strip('"')
        if key not in _RUN:
            continue
        if key in _ADDRESSES:
            told = _HOSTILE_ADDRESS.match(value) is not None
        else:
            told = _ORDINARY.match(value) is None
        if told:
            yield number, key, value
