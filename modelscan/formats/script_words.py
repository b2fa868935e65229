"""Which lines of a script are worth looking at, and which only show people a text.

Every line of every script, recipe and settings file comes by here, so that the costly expressions
are asked about few of them.
"""

from __future__ import annotations

import re
from typing import Final

HINTS: Final = re.compile(
    r"\bpip[\d.]*\s|curl|wget|aria2c|\biwr\b|\birm\b|\biex\b|Invoke-|Download(?:String|File)"
    r"|certutil|bitsadmin|mshta"
    r"|msiexec|regsvr32|rundll32|/dev/(?:tcp|udp)|\bn(?:c|cat|etcat)\b|mkfifo|socat"
    r"|\bsh\s+-i\b|TCPClient"
    r"|base(?:64|32)|xxd|openssl|uudecode|\brev\b|zcat|gunzip|printf|powershell|pwsh|\brm\s|mkfs"
    r"|/dev/sd|of=/dev|\bkill\s+-|stratum|xmrig|useradd|usermod|printenv|\benv\b|toJSON"
    r"|python[\d.]*\s+-"
    r"|MpPreference|spctl|xattr|vssadmin|advfirewall|\.ssh|credentials|\(\)\s*\{"
    r"|\b(?:del|rd|rmdir|format|cipher|find|dd)\s|Remove-Item|%0|miner|--no-pres",
    re.IGNORECASE,
)
"""One of these is in every command that is worth a word."""
BEYOND: Final = re.compile(
    r"/etc/|\.(?:bash|zsh|profile|ssh|aws|netrc|git|docker|kube|config|gnupg|pypirc|npmrc"
    r"|azure|service)"
    r"|cron|autostart|Launch|systemd|Start|ld\.so|packages|customize|\\Run|schtasks|\breg"
    r"|Scheduled"
    r"|history|environ|wallet|Login|Cookies|token|secrets|169\.254|100\.100|metadata|chmod"
    r"|authorized"
    r"|id_|::0:0|pip\.",
    re.IGNORECASE,
)
"""What else is in those commands that only a script can be reproached with."""
_SHOWS: Final = re.compile(
    r"\s*(?:[\w-]*echo|[\w-]*print[\w-]*|log\w*|info|warn\w*|err\w*|die|say|msg|note|\w*step"
    r"|fail|abort|usage"
    r"|Write-(?:Host|Output|Warning|Error|Verbose|Information)|@echo|rem)\b",
    re.IGNORECASE,
)
"""Commands that show people a text."""
_TEXT: Final = re.compile(r"\"(?:[^\"\\`]|\\.)*\"|'[^']*'")
_ON: Final = re.compile(r"[|<>`]|\$\(|&&")


def is_shown(command: str) -> bool:
    """True for a text that people are shown, and that goes nowhere else."""
    if _SHOWS.match(command) is None or "$(" in command:
        return False
    return _ON.search(_TEXT.sub("", command)) is None


_NO_TEXT: Final = bytes((*range(1, 7), *range(14, 27), *range(28, 32)))
"""Bytes that no text has, but for zeros."""
_ODD: Final = 50


def like_text(head: bytes) -> bool:
    """True for text, with zeros in it or without: shells, make and JavaScript step over them."""
    if b"\0" not in head:
        return True
    rest = head.replace(b"\0", b"")
    return (len(rest) - len(rest.translate(None, _NO_TEXT))) * _ODD < len(rest)
