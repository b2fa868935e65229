"""Scripts beside the weights: shell, batch, PowerShell, recipes for containers, and settings.

No loader of a model runs them; the card tells people to, and editors and installers run by
themselves the commands that stand in their settings. Commands are looked at one by one, as
those of notebooks are: nothing is expanded, and a command that is put together from variables is
taken as it is written.

Source: HiddenLayer on model repositories with start scripts that fetch a payload (2026); MITRE
ATT&CK T1059, T1105, T1562.001, T1564.003.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, RepositoryScript

_LANGUAGES: Final = {
    ".sh": "shell", ".bash": "shell", ".zsh": "shell", ".ksh": "shell", ".command": "shell",
    ".bat": "batch", ".cmd": "batch", ".ps1": "powershell", ".psm1": "powershell",
}  # fmt: skip
_SHEBANG: Final = re.compile(rb"#!\s*/\S*?(?:[\s/])(?:ba|z|da|k|a)?sh\b")
_RECIPE: Final = re.compile(r"(?:docker|container)file(?:[.\-_].*)?|.*\.dockerfile", re.IGNORECASE)
SETTINGS: Final = frozenset({
    "tasks.json", "devcontainer.json", "package.json", "docker-compose.yml", "docker-compose.yaml",
    "compose.yml", "compose.yaml", "cog.yaml", "bentofile.yaml", ".gitlab-ci.yml", ".travis.yml",
    "Taskfile.yml", "setup.cfg", ".pre-commit-config.yaml", "environment.yml", "environment.yaml",
})  # fmt: skip
"""Settings with commands in them, which editors, servers and installers run."""
_MAKEFILES: Final = frozenset({"Makefile", "makefile", "GNUmakefile", "justfile"})
_STEP: Final = re.compile(
    r"\s*(?:ONBUILD\s+)?(?:RUN|CMD|ENTRYPOINT|HEALTHCHECK)\b\s*(.*)", re.IGNORECASE | re.DOTALL
)
_COMMENT: Final = {
    "shell": ("#",), "powershell": ("#",), "container": ("#",), "batch": ("rem ", "REM ", "::"),
    "settings": ("#", "//"),
}  # fmt: skip
_CONTINUED: Final = {
    "shell": "\\",
    "container": "\\",
    "batch": "^",
    "powershell": "`",
    "settings": "\\",
}
_TELLING: Final = frozenset({
    "remote-shell", "runs-download", "encoded-payload", "reads-secrets", "writes-outside",
})  # fmt: skip
_CONTAINED: Final = frozenset({"remote-shell", "runs-download", "encoded-payload"})
"""What counts in a recipe or in settings: their own files are what they are for."""
_WHOLLY: Final = frozenset({"shell", "batch", "powershell"})
"""Languages in which everything is a command."""
_DEFENCE: Final = re.compile(
    r"\b(?:Add|Set)-MpPreference\b[^\n]*-(?:Exclusion|Disable)"
    r"|\b(?:powershell|pwsh)\b[^\n]*\s-(?:w|windowstyle)\s+hid|netsh\s+advfirewall\s+set[^\n]*off"
    r"|\bspctl\s+--master-disable"
    r"|xattr\s+-\w*d\w*\s+com\.apple\.quarantine|vssadmin\s+delete|wevtutil\s+cl\b"
    r"|System\.Management\.Automation\.AmsiUtils",
    re.IGNORECASE,
)
_NETWORK: Final = re.compile(
    r"\b(?:curl|wget|nc|ncat|scp|sftp|Invoke-WebRequest|Invoke-RestMethod|iwr|irm)\b", re.IGNORECASE
)
_LATER: Final = re.compile(
    r"\bschtasks\b[^\n]*/create|\breg(?:\.exe)?\s+add\b[^\n]*\\Run\b|Register-ScheduledTask"
    r"|\|\s*crontab\b|\bcrontab\s+-(?!l)",
    re.IGNORECASE,
)
_ASSIGNED: Final = re.compile(r"^\s*(?:export\s+|set\s+)?[A-Za-z_]\w*=\S*$")
_LARGEST: Final = 1 << 20
_LONGEST: Final = 8_192
_MOST: Final = 50
_SHOWN: Final = 200


class ScriptReader:
    """Scripts by their extension or first line, recipes for containers by their name."""

    format = "script"

    def recognises(self, glimpse: Glimpse) -> bool:
        """Bytes that are no text are left to others."""
        if b"\0" in glimpse.head:
            return False
        return _language(glimpse.name, glimpse.extension, glimpse.head) is not None

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the script, and each command in it that is more than set-up.

        Raises:
            BudgetError: it is longer than any script.
        """
        if artifact.size > _LARGEST:
            raise BudgetError(f"a script of {artifact.size:,} bytes")
        data = artifact.read_at(0, artifact.size)
        glimpse = Glimpse(artifact)
        language: Any = _language(glimpse.name, glimpse.extension, data) or "shell"
        yield RepositoryScript(location=place(artifact), kind="present", language=language)
        yield from _stated(data, language, artifact, budget)


class SettingsReader:
    """Settings of editors, servers and installers, by their names."""

    format = "text"
    aside = True
    """Other readers say what the file is, and that it was read."""

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name, as the tools do."""
        return glimpse.name in SETTINGS and b"\0" not in glimpse.head

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State each command that is more than set-up."""
        data = artifact.read_at(0, min(artifact.size, _LARGEST))
        yield from _stated(data, "settings", artifact, budget)


def _stated(data: bytes, language: Any, artifact: Artifact, budget: Budget) -> Iterator[Fact]:
    """The commands that are worth a word; the first of them, when there are many."""
    found = 0
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8"
    for line, command in _commands(data.decode(encoding, "replace"), language):
        kind: Any = _kind(command, language)
        if kind:
            budget.fact()
            found += 1
            yield RepositoryScript(
                location=place(artifact, line=line),
                kind=kind,
                language=language,
                command=" ".join(command.split())[:_SHOWN],
            )
        if found >= _MOST:
            return


def _language(name: str, extension: str, head: bytes) -> str | None:
    if name in _MAKEFILES:
        return "shell"
    if extension in _LANGUAGES:
        return _LANGUAGES[extension]
    if _RECIPE.fullmatch(name):
        return "container"
    return "shell" if not extension and _SHEBANG.match(head) else None


def _commands(text: str, language: str) -> Iterator[tuple[int, str]]:
    """Logical lines with their numbers; comments are none."""
    pending, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if not pending and line.lstrip().startswith(_COMMENT[language]):
            continue
        start = start if pending else number
        if line.rstrip().endswith(_CONTINUED[language]) and len(pending) < _LONGEST:
            pending += line.rstrip()[:-1] + " "
            continue
        command, pending = (pending + line)[:_LONGEST], ""
        if language == "container":
            step = _STEP.match(command)
            command = step[1] if step else ""
        if command.strip():
            yield start, command
    if pending.strip() and language in _WHOLLY:
        yield start, pending


def _kind(command: str, language: str) -> str:
    """What a command does, when that is worth a word; empty otherwise."""
    if _DEFENCE.search(command):
        return "switches-off-protection"
    if _ASSIGNED.match(command):
        return ""
    from modelscan.formats.python_code import paths  # lazy: most models bring no script

    kind = paths.command(command)
    if kind == "reads-secrets" and _NETWORK.search(command):
        return "sends-secrets"
    if language in _WHOLLY and _LATER.search(command):
        return "writes-outside"
    return kind if kind in (_TELLING if language in _WHOLLY else _CONTAINED) else ""
