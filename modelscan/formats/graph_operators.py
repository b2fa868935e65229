"""Operators of computation graphs: what was seen of them, and which names speak for themselves.

Invariants: one fact for each operator and argument, however many nodes there are; what an operator
does is said by the list that the caller brings, and an operator on no list is custom: it runs code
of a library that the file does not hold.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Behaviour, Framework, GraphOperator

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_TELLING_WORDS: Final = frozenset({
    "backdoor", "bash", "cmd", "command", "curl", "dll", "dlopen", "download", "eval", "exec",
    "execute", "exfil", "exfiltrate", "exploit", "http", "https", "inject", "malicious", "os",
    "payload", "popen", "powershell", "pwn", "py", "python", "rce", "script", "sh", "shell",
    "shellcode", "socket", "spawn", "subprocess", "syscall", "system", "upload", "url", "wget",
})  # fmt: skip
"""Words that no computation needs in its name."""
_TELLING_PARTS: Final = re.compile(
    r"(?:read|write|delete|open)_?file|load_?(?:library|dll|plugin)|(?:run|exec)_?(?:code|cmd)"
    r"|pyfunc|pyop|py_?call|reverse_?shell",
    re.IGNORECASE,
)
_TELLING_TEXT: Final = re.compile(
    r"\.(?:so(?:\.\d+)*|dll|dylib|pyd?|sh|bat|ps1|exe)(?![\w.])|[a-z][a-z0-9+.-]*://"
    r"|__\w+__|\b(?:import|exec|eval|system|popen|subprocess)\b\s*[(\w]|/bin/|/etc/|\bcmd\.exe\b"
    r"|powershell|\|\s*(?:ba)?sh\b",
    re.IGNORECASE,
)
_HOSTILE_WORDS: Final = frozenset({
    "bash", "curl", "exec", "execute", "payload", "popen", "pwn", "pwned", "rce", "shell",
    "shellcode", "subprocess", "syscall", "wget",
})  # fmt: skip
_HOSTILE_PARTS: Final = re.compile(
    r"backdoor|exfil|keylog|malicious|malware|powershell|ransomware|reverse_?shell|trojan"
    r"|(?<![a-z])evil|(?:run|exec|execute)_?(?:code|cmd|command|shell)",
    re.IGNORECASE,
)
_COMMAND: Final = re.compile(
    r"\|\s*(?:ba|da|z)?sh\b|/bin/(?:ba|da|z)?sh\b|/dev/tcp/|\bpowershell(?:\.exe)?\s"
    r"|\b(?:curl|wget)\s+(?:-\S+\s+)*[\"']?https?://|\brm\s+-rf?\s|\bnc\s+-\w*e\b"
)
_KEPT: Final = 300
"""Characters kept of an argument."""
_MAX_KINDS: Final = 1_000
"""Different operators with their arguments that are stated of one file, for each behaviour: many
that are merely unknown leave room for the one that runs code."""


def telling(name: str, values: Iterable[str] = ()) -> str:
    """What about a custom operator speaks of code, files or the network; empty for nothing.

    Args:
        name: the operator.
        values: the texts among its attributes.
    """
    words = {word.lower() for word in _WORD.findall(name)}
    if words & _TELLING_WORDS or _TELLING_PARTS.search(name):
        return name
    return next((value[:_KEPT] for value in values if _TELLING_TEXT.search(value)), "")


def hostile(name: str, values: Iterable[str] = ()) -> bool:
    """True for a name, or a text beside it, that speaks of an attack and of nothing else.

    Names of classes are freer than those of operators: a layer may well be called after an URL, a
    script or a system, so that fewer words count than `telling` has.

    Args:
        name: a class or function, with or without its module.
        values: texts that it is handed.
    """
    words = {word.lower() for word in _WORD.findall(name)}
    if words & _HOSTILE_WORDS or _HOSTILE_PARTS.search(name):
        return True
    return any(_COMMAND.search(value) for value in values)


class Use(NamedTuple):
    """One node with an operator that is worth stating."""

    operator: str
    behaviour: Behaviour
    domain: str = ""
    node: str = ""
    function: str = ""
    argument: str = ""
    offset: int | None = None


class OperatorLedger:
    """The operators of one file that do more than compute."""

    def __init__(self, artifact: Artifact, budget: Budget, framework: Framework) -> None:
        self._artifact = artifact
        self._budget = budget
        self._framework = framework
        self._uses: dict[tuple[str, str, str, str], tuple[Use, int]] = {}
        self._kinds: Counter[str] = Counter()
        self._more = 0

    def add(self, use: Use, count: int = 1) -> None:
        """Note an operator, and how many nodes use it."""
        key = (use.domain, use.operator, use.behaviour, use.argument)
        first, before = self._uses.get(key, (use, 0))
        if not before:
            if self._kinds[use.behaviour] >= _MAX_KINDS:
                self._more += 1
                return
            self._kinds[use.behaviour] += 1
        self._uses[key] = (first, before + count)

    def coverage(self) -> Iterator[Coverage]:
        """Needed gaps: a program for a device, which nobody reads; more operators than are kept."""
        if self._more:
            yield Coverage(
                file=self._artifact.name,
                member=self._artifact.member,
                status="truncated",
                needed=True,
                reason=f"{self._more:,} more operators that do more than compute",
            )
        compiled = (use for use, _ in self._uses.values() if use.behaviour == "native-code")
        found = next(compiled, None)
        if found is not None:
            yield Coverage(
                file=self._artifact.name,
                member=self._artifact.member,
                status="unsupported",
                needed=True,
                reason=f"{found.operator[:_KEPT]}: a program compiled for a device is not read",
            )

    def facts(self) -> Iterator[GraphOperator]:
        """One fact for each of them, in the order in which they were found."""
        for use, count in self._uses.values():
            self._budget.fact()
            yield GraphOperator(
                location=place(self._artifact, use.offset),
                framework=self._framework,
                domain=use.domain[:_KEPT],
                operator=use.operator[:_KEPT],
                behaviour=use.behaviour,
                argument=use.argument[:_KEPT],
                node=use.node[:_KEPT],
                function=use.function[:_KEPT],
                nodes=count,
            )
