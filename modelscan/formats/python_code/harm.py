"""Commands that harm a machine by themselves: they destroy, exhaust, mine, let somebody in.

Invariant: what set-up scripts and recipes do every day is none of it. They empty caches and folders
of their own, add a key that they were handed in a variable, and give their own user rights.

Source: MITRE ATT&CK T1485 (data destruction), T1499 (exhaustion), T1496 (resource hijacking),
T1098.004 (SSH keys), T1548.001 (setuid), T1552 and T1567 (environment sent away).
"""

from __future__ import annotations

import re
from typing import Final, Literal

Harm = Literal["harms-machine", "gives-access", "sends-secrets"]

_WHOLE: Final = (
    r"[\"']?(?:/|/\*|~/?\*?|\$\{?HOME\}?(?:/\*?)?|/(?:home|root|etc|usr|bin|boot|lib"
    r"|Users)(?:/\*?)?"
    r"|[A-Za-z]:\\\*?|%(?:USERPROFILE|SYSTEMDRIVE|SYSTEMROOT)%\\?\*?|\$env:(?:USERPROFILE"
    r"|SystemDrive)\\?\*?)"
    r"[\"']?(?=[\s;&|)\"']|$)"
)
"""Folders that hold what belongs to somebody else, as shells write them."""
_DESTROYS: Final = re.compile(
    rf"\brm\s+(?:-{{1,2}}[\w-]+\s+)*-(?:\w*[rR]\w*"
    rf"|-recursive)\s+(?:-{{1,2}}[\w-]+\s+)*(?:\S+\s+)?{_WHOLE}"
    r"|--no-preserve-root\b"
    rf"|\bfind\s+{_WHOLE}[^\n|;]{{0,200}}\s-delete\b"
    r"|\bmkfs(?:\.\w+)?\s+(?:-\S+\s+)*/dev/|\bdd\b[^\n;|]{0,200}\bof=/dev/(?:sd|nvme|vd|hd"
    r"|disk|mmcblk)"
    r"|>\s*/dev/(?:sd|nvme|vd|hd)\w"
    rf"|\b(?:rd|rmdir|del)\s+(?:/\w\s+)+{_WHOLE}|\bformat\s+[A-Za-z]:\s*/"
    rf"|\bRemove-Item\b[^\n;|]{{0,100}}{_WHOLE}[^\n;|]{{0,100}}-Recurse"
    rf"|\bRemove-Item\b[^\n;|]{{0,100}}-Recurse[^\n;|]{{0,100}}{_WHOLE}|\bcipher\s+/w:",
    re.IGNORECASE,
)
_EXHAUSTS: Final = re.compile(
    r"(\w+|:)\s*\(\)\s*\{\s*\1\s*\|\s*\1\s*&\s*\}\s*;?\s*\1|^\s*%0\s*\|\s*%0|\bkill\s+-(?:9"
    r"|KILL|SIGKILL)\s+-1\b"
)
_MINES: Final = re.compile(
    r"\bstratum\+?\w*://|\b(?:xmrig|minerd|cpuminer|ethminer|nbminer|t-rex|lolminer"
    r"|phoenixminer)\b"
    r"[^\n]{0,200}\s-{1,2}(?:o|url|pool|a|algo|u|user)\b",
    re.IGNORECASE,
)
_GIVES_ACCESS: Final = re.compile(
    r"(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-nistp\d+)\s+AAAA[^\n]*authorized_keys"
    r"|authorized_keys[^\n]*(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-nistp\d+)\s+AAAA"
    r"|\buser(?:add|mod)\b[^\n;|]*\s-o\b[^\n;|]*\s-u\s*0\b|\buser(?:add"
    r"|mod)\b[^\n;|]*\s-u\s*0\s[^\n;|]*\s-o\b"
    r"|\bchmod\s+(?:-\w+\s+)*(?:[ug]*\+s|[4267]7[57][57])\s+\S*(?:/(?:ba|da|z|k)?sh"
    r"|/python[\d.]*|/tmp/\S+)(?:\s|$)"
    r"|[^\n]*::0:0:[^\n]*>>\s*/etc/(?:passwd|shadow)"
)
_ALL_VARIABLES: Final = (
    r"(?:\$\(|`)\s*(?:env|printenv|export\s+-p|set|declare\s+-x|cat\s+/proc/(?:self|1)/environ)\b"
    r"|toJSON\(\s*secrets\s*\)"
)
_SENDER: Final = (
    r"(?:curl|wget|nc|ncat|socat|Invoke-(?:WebRequest|RestMethod)|iwr|irm|nslookup|dig|host"
    r"|ping)\b"
)
_SENDS: Final = re.compile(
    rf"\b{_SENDER}[^\n]{{0,400}}?(?:{_ALL_VARIABLES})"
    rf"|(?:{_ALL_VARIABLES})[^\n]{{0,400}}?\|\s*{_SENDER}"
    rf"|(?:^|[;&|]\s*|\bthen\s+|run:\s*)(?:env"
    rf"|printenv)\s*(?:\|[^|\n]{{0,200}}){{0,4}}\|\s*{_SENDER}",
    re.IGNORECASE,
)


def harm(text: str) -> Harm | None:
    """What harm a command does; `None` for most.

    Args:
        text: the command, of bounded length.
    """
    if _DESTROYS.search(text) or _EXHAUSTS.search(text) or _MINES.search(text):
        return "harms-machine"
    if _GIVES_ACCESS.search(text):
        return "gives-access"
    return "sends-secrets" if _SENDS.search(text) else None
