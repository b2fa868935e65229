"""Scripts beside the weights: shell, batch, PowerShell, and recipes for containers.

No loader of a model runs them; the card tells people to. Commands are looked at one by one, as
those of notebooks are, and then for what they do together: nothing is expanded, and a command that
is put together from variables is taken as it is written. Python that a command carries is looked at
as Python.

Source: HiddenLayer on model repositories with start scripts that fetch a payload (2026); MITRE
ATT&CK T1059, T1105, T1562.001, T1564.003.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats import carried_python
from modelscan.formats.reader import Glimpse
from modelscan.formats.script_words import BEYOND, HINTS, is_shown, like_text
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, RepositoryScript

_LANGUAGES: Final = {
    ".sh": "shell", ".bash": "shell", ".zsh": "shell", ".ksh": "shell", ".command": "shell",
    ".bat": "batch", ".cmd": "batch", ".ps1": "powershell", ".psm1": "powershell",
}  # fmt: skip
_SHEBANG: Final = re.compile(rb"#!\s*/\S*?(?:[\s/])(?:ba|z|da|k|a)?sh\b")
_RECIPE: Final = re.compile(r"(?:docker|container)file(?:[.\-_].*)?|.*\.dockerfile", re.IGNORECASE)
_NAMED: Final = frozenset({
    "Makefile", "makefile", "GNUmakefile", "justfile", ".envrc", "Procfile", "Vagrantfile",
    "Jenkinsfile", "Earthfile",
})  # fmt: skip
"""Files whose lines are commands, or hold commands, by their names."""
_STEP: Final = re.compile(
    r"\s*(?:ONBUILD\s+)?(?:(?:RUN|CMD|ENTRYPOINT|HEALTHCHECK)\b\s*"
    r"|(?=ADD\s+(?:--\S+\s+)*https?:))(.*)",
    re.IGNORECASE | re.DOTALL,
)
_HERE: Final = re.compile(r"<<-?\s*[\"']?(\w+)")
"""A step whose commands stand in the lines below it, up to a mark."""
_COMMENT: Final = {
    "shell": ("#",), "powershell": ("#",), "container": ("#",), "batch": ("rem ", "REM ", "::"),
    "settings": ("#", "//"), "card": ("\0",),
}  # fmt: skip
_CONTINUED: Final = {
    "shell": "\\",
    "container": "\\",
    "batch": "^",
    "powershell": "`",
    "settings": "\\",
    "card": "\\",
}
ATTACKS: Final = frozenset({
    "remote-shell", "runs-download", "encoded-payload", "sends-secrets", "harms-machine",
    "gives-access",
})  # fmt: skip
"""What counts wherever it is written."""
_TELLING: Final = ATTACKS | {"reads-secrets", "writes-outside"}
_CONTAINED: Final = ATTACKS - {"gives-access"}
"""What counts in a recipe or in settings: their own files and users are what they are for."""
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
_USES: Final = re.compile(
    r"(?:-i\s*|IdentityFile[=\s]+|>\s*)[\"']?[^\s\"']*(?:\.ssh|\.netrc|id_\w+)\b"
)
"""A key that a connection is made with, and one that is put in its place."""
_LATER: Final = re.compile(
    r"\bschtasks\b[^\n]*/create|\breg(?:\.exe)?\s+add\b[^\n]*\\Run\b|Register-ScheduledTask"
    r"|\|\s*crontab\b|\bcrontab\s+-(?!l)",
    re.IGNORECASE,
)
_ASSIGNED: Final = re.compile(r"^\s*(?:export\s+|set\s+)?[A-Za-z_]\w*=\S*$")
_HELD: Final = re.compile(
    r"(?:^|[\s;\"])(?:set\s+\"?|export\s+|ARG\s+|ENV\s+"
    r"|\$)?([A-Za-z_]\w*)\s?=\s?[\"']?(https?://[^\s\"'&|<>]+)",
    re.MULTILINE,
)
_VARIABLE: Final = re.compile(r"\$\{?([A-Za-z_]\w*)\}?|%(\w+)%")
_LARGEST: Final = 1 << 20
_LONGEST: Final = 8_192
_MOST: Final = 50
_SHOWN: Final = 200


class ScriptReader:
    """Scripts by their extension or first line, recipes for containers by their name."""

    format = "script"

    def recognises(self, glimpse: Glimpse) -> bool:
        """Bytes that are no text are left to others."""
        if not like_text(glimpse.head):
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
        yield from stated(decoded(data), language, artifact, budget)


def decoded(data: bytes) -> str:
    """The text of a script, as the programs of its system write it."""
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8"
    return data.decode(encoding, "replace")


def stated(text: str, language: Any, artifact: Artifact, budget: Budget) -> Iterator[Fact]:
    """The commands that are worth a word; the first of them, when there are many.

    Args:
        text: the script.
        language: what it is written in.
        artifact: where it stands.
        budget: pays for it.
    """
    from modelscan.formats.known_places import well_known  # lazy: as in `_told`

    addresses = _addresses(text)
    if "://" in text or "trusted" in text:
        yield from _installed(text, language, artifact, budget)
    stated = Counter[tuple[str, bool]]()
    for line, kind, command in sorted(_told(text, language, budget)):
        named = _VARIABLE.sub(lambda used: addresses.get(used[1] or used[2], used[0]), command)
        known = kind == "runs-download" and well_known(named)
        stated[kind, known] += 1
        if stated[kind, known] > _MOST:  # many harmless ones leave room for another
            continue
        budget.fact()
        yield RepositoryScript(
            location=place(artifact, line=line),
            kind=kind,
            language=language,
            command=" ".join(command.split())[:_SHOWN],
            known_place=known,
        )


def _addresses(text: str) -> dict[str, str]:
    """Variables that hold an address, and nothing else in the whole script."""
    found: dict[str, str] = {}
    for held in _HELD.finditer(text):
        found[held[1]] = held[2] if found.get(held[1], held[2]) == held[2] else "//"
    return found


def _installed(text: str, language: str, artifact: Artifact, budget: Budget) -> Iterator[Fact]:
    """Packages that commands take from a server that is no usual place to install from."""
    from modelscan.formats import package_sources  # lazy: most models bring no script
    from modelscan.formats.known_places import well_known  # lazy: the same

    found = 0
    for line, command in _commands(text, language):
        taken = package_sources.of_command(command)
        if taken is not None and found < _MOST and not well_known(taken[1]):
            found += 1
            budget.fact()
            yield package_sources.stated(artifact, line, *taken)


def _told(text: str, language: str, budget: Budget) -> set[tuple[int, Any, str]]:
    """Lines with what their commands do, alone and together."""
    from modelscan.formats.python_code.flows import flows  # lazy: most models bring no script

    commands = list(_commands(text, language))
    found: set[tuple[int, Any, str]] = set()
    for line, command in commands:
        worth = HINTS.search(command) or (language in _WHOLLY and BEYOND.search(command))
        kind = _kind(command, language) if worth else ""
        if kind:
            found.add((line, kind, command))
    seen = {(line, kind) for line, kind, _ in found}
    told = [each for each in commands if not is_shown(each[1])]
    found.update(flow for flow in flows(told) if (flow.line, flow.kind) not in seen)
    found.update(carried_python.attacks(text, ATTACKS, budget))
    return found


def _language(name: str, extension: str, head: bytes) -> str | None:
    if name in _NAMED:
        return "shell"
    if extension in _LANGUAGES:
        return _LANGUAGES[extension]
    if _RECIPE.fullmatch(name):
        return "container"
    return "shell" if not extension and _SHEBANG.match(head) else None


def _commands(text: str, language: str) -> Iterator[tuple[int, str]]:
    """Logical lines with their numbers; comments are none."""
    pending, start, mark = "", 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if not pending and line.lstrip().startswith(_COMMENT[language]):
            continue
        start = start if pending else number
        if line.rstrip().endswith(_CONTINUED[language]) and len(pending) < _LONGEST:
            pending += line.rstrip()[:-1] + " "
            continue
        command, pending = (pending + line)[:_LONGEST], ""
        if language == "container" and mark:
            mark = "" if command.strip() == mark else mark
        elif language == "container":
            step = _STEP.match(command)
            command = step[1] if step else ""
            here = _HERE.search(command)
            mark = here[1] if here else ""
        if command.strip():
            yield start, command
    if pending.strip() and language in _WHOLLY:
        yield start, pending


def _kind(command: str, language: str) -> str:
    """What a command does, when that is worth a word; empty otherwise."""
    if _DEFENCE.search(command):
        return "switches-off-protection"
    if _ASSIGNED.match(command) or is_shown(command):
        return ""
    from modelscan.formats.python_code import paths  # lazy: most models bring no script

    kind = paths.command(command)
    sends = language != "container" and _NETWORK.search(command) and not _USES.search(command)
    if kind == "reads-secrets" and sends:
        return "sends-secrets"
    if language in _WHOLLY and _LATER.search(command):
        return "writes-outside"
    return kind if kind in (_TELLING if language in _WHOLLY else _CONTAINED) else ""
