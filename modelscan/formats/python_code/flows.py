"""What commands do together: one fetches or decodes something, and a later one runs it.

Only what is run by the name under which it was stored counts: a script that fetches weights and
then starts a program of its own is ordinary. Nothing is expanded; a name with a variable in it is
compared as it is written. An archive that is unpacked in between is not followed.

Source: MITRE ATT&CK T1105 (ingress tool transfer), T1059, T1140 (decoding of files).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

_Kind = Literal["runs-download", "encoded-payload"]
_FETCHER: Final = re.compile(
    r"(?:^|[\s(\"'/@.`])(?:curl|wget|aria2c|certutil|bitsadmin|Invoke-WebRequest|iwr"
    r"|Start-BitsTransfer"
    r"|DownloadFile|DownloadString|Invoke-RestMethod|irm"
    r"|ADD(?=\s+(?:--\S+\s+)*https?:))(?:\.exe)?(?=[\s(\"'])",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(r"\b(?:https?|ftp)://[^\s\"'<>|;)\],]+", re.IGNORECASE)
SOMEWHERE: Final = re.compile(r"://|[$%…]|\b[\w-]+\.[a-z][\w-]+", re.IGNORECASE)
"""An address, or a variable that may hold one: to ask for a program fetches nothing."""
_DECODES: Final = re.compile(
    r"\bbase64\s+(?:-\w*[dD]\w*|--decode)|\bbase32\s+-\w*d|\bxxd\s+-\w*r|\bopenssl\s+(?:enc"
    r"|base64)\b[^|]*\s-\w*d"
    r"|\buudecode\b|\bcertutil\b[^|]*-decode|FromBase64String|-f\s*['\"]?\s*base64",
    re.IGNORECASE,
)
_STORED: Final = re.compile(
    r"(?:\s-o\s*|\s--output(?:-document)?[=\s]\s*|\s-O\s*(?![\s-])(?=\S*[./]|\S+\s+\S*://)"
    r"|\s-out\s+|\s-OutFile\s+|\s-Destination\s+"
    r"|(?<![0-9&])>>?\s*|\|\s*tee\s+(?:-a\s+)?|DownloadFile\([^,]+,\s*)[\"']?([^\s\"'|;&)]+)",
    re.IGNORECASE,
)
_LAST: Final = re.compile(
    r"(?:certutil|bitsadmin|ADD|Start-BitsTransfer)\b.*?\s[\"']?([^\s\"']+)[\"']?\s*$",
    re.IGNORECASE,
)
_ASSIGNED: Final = re.compile(
    r"(?:^|[\s;(])\$?(?:\{?(?:script|global|env):)?([A-Za-z_]\w*)\}?\s?=\s?[\"']?(?:\$\(|`|\("
    r"|\[|(?:iwr|irm|curl|wget|Invoke-\w+|New-Object)\b)"
)
_BETWEEN: Final = re.compile(r"&&|\|\||[;|\n]|(?<![<>&0-9])&(?![&>])|\b(?:then|do|else)\b")
_AHEAD: Final = frozenset({
    "sudo", "nohup", "exec", "env", "time", "command", "call", "start", "start-process", "&", "-",
    "invoke-item", "nice", "setsid", "cmd", "cmd.exe", "/c", "/b", "/wait", "/min", "run", "cmd:",
    "entrypoint", "-filepath", "@", "xargs", "timeout", "run:", "command:", "script:",
    "entrypoint:", "unbuffer", "ionice", "stdbuf", "healthcheck",
})  # fmt: skip
"""What stands before a program and is not it."""
_RUNNERS: Final = re.compile(
    r"(?:(?:ba|z|da|k|a)?sh|source|\.|python[\d.]*w?|perl|ruby|node|php|rscript|lua|pwsh"
    r"|powershell"
    r"|wscript|cscript|mshta|regsvr32|rundll32|msiexec|dpkg|rpm|java|deno|bun|tclsh)(?:\.exe)?",
    re.IGNORECASE,
)
_EVALUATED: Final = re.compile(
    r"(?:\b(?:eval|iex|Invoke-Expression)\b|\b(?:ba|z|da|k)?sh\s+-\w*c|\bpython[\d.]*\s+-c"
    r"|\bperl\s+-e"
    r"|(?:<<<|\becho|\bprintf\s+['\"]?%\w['\"]?))\s*\(?[\"']?\$\{?(\w+)",
    re.IGNORECASE,
)
_TO_SHELL: Final = re.compile(
    r"\|\s*(?:sudo\s+)?(?:\S*/)?(?:(?:ba|z|da|k)?sh|python[\d.]*|perl)\b\s*-?\s*$"
)
_HIDDEN: Final = re.compile(r"/(?:tmp|var/tmp|dev/shm)/|(?:\S*/)?\.[\w-]+$")
"""Folders that are emptied, and names that are not listed."""
_ECHOED: Final = frozenset({"echo", "printf", "<<<"})
_MOST: Final = 200
"""Names that are remembered for one script."""
_WORDS: Final = 40
_SHOWN: Final = 160


class Flow(NamedTuple):
    """Something that is run after it was fetched or decoded."""

    line: int
    """Of the command that runs it."""
    kind: _Kind
    command: str
    """Where it comes from, and what runs it."""


def flows(commands: Iterable[tuple[int, str]]) -> Iterator[Flow]:
    """What is run of what was fetched or decoded before.

    Args:
        commands: the commands of a script in their order, each with its line.
    """
    known: dict[str, tuple[_Kind, str]] = {}
    for line, command in commands:
        if len(known) < _MOST:
            known.update(_obtained(command))
        if not known:
            continue
        for held in _evaluated(command):
            if f"${held}" in known:
                yield _flow(line, known.pop(f"${held}"), command)
        for part in _BETWEEN.split(command):
            name = _run(part)
            if name in known:
                yield _flow(line, known.pop(name), part)


def _flow(line: int, origin: tuple[_Kind, str], command: str) -> Flow:
    kind, source = origin
    ran = " ".join(command.split())[:_SHOWN]
    return Flow(line, kind, source if source == ran else f"{source} ; {ran}")


def _obtained(command: str) -> Iterator[tuple[str, tuple[_Kind, str]]]:
    """What a command fetches or decodes, by the name under which it is stored."""
    for part in re.split(r"&&|\|\||[;\n]", command):
        decoded = _DECODES.search(part) is not None
        if not decoded and not (_FETCHER.search(part) and SOMEWHERE.search(part)):
            continue
        shown = " ".join(part.split())[:_SHOWN]
        kind: _Kind = "encoded-payload" if decoded else "runs-download"
        origin = (kind, shown)
        held = _ASSIGNED.search(part)
        if held is not None:
            yield f"${held[1]}", origin
        for stored in _STORED.finditer(part):
            if stored[1] != "/dev/null":
                yield _plain(stored[1]), origin
        last = _LAST.search(part)
        address = _ADDRESS.search(part)
        if last is not None and (last[1] != (address[0] if address else "")):
            yield _plain(last[1]), origin
        if address is not None and not decoded:
            yield _plain(address[0].partition("?")[0]), origin


def _evaluated(command: str) -> Iterator[str]:
    """Variables whose text a command runs; text that is only shown is not run."""
    for found in _EVALUATED.finditer(command):
        shows = found[0].split()[0].lower().lstrip("\"'") in _ECHOED
        if not shows or _TO_SHELL.search(command):
            yield found[1]


def _run(part: str) -> str:
    """The file that a command runs, by its plain name; empty for none."""
    words = [word.strip("\"'[](),`") for word in part.split()[:_WORDS]]
    words = [word for word in words if word]
    while words and (words[0].lower() in _AHEAD or re.fullmatch(r"\w+=\S*", words[0])):
        del words[0]
    if not words:
        return ""
    if words[0] == "chmod":  # a program, put where nobody looks
        hidden = [word for word in words[1:] if _HIDDEN.match(word)]
        return _plain(hidden[-1]) if hidden else ""
    if not _RUNNERS.fullmatch(words[0].rpartition("/")[2] or words[0]):
        return _plain(words[0])
    for word in words[1:]:
        if word in {"-m", "-c", "-e"}:
            return ""
        if not word.startswith("-") and word.lower() not in {
            "bypass",
            "remotesigned",
            "unrestricted",
            "/i",
            "/s",
            "/q",
        }:
            return _plain(word.partition(",")[0])
    return ""


def _plain(path: str) -> str:
    """The last part of a path or address, without quotes."""
    return re.split(r"[\\/]", path.strip("\"'(),;").rstrip("/\\"))[-1]
