"""Paths and commands that say by themselves what they are for."""

from __future__ import annotations

import re
from typing import Final

from modelscan.vocabulary.fact import CodeAction

_SECRET: Final = re.compile(
    r"(?:^|[\\/])\.ssh(?:[\\/]|$)|\bid_(?:rsa|ed25519|ecdsa|dsa)\b|\.aws[\\/]+credentials|\.netrc\b"
    r"|\.git-credentials|\.docker[\\/]config\.json|\.kube[\\/]config|\.config[\\/]gcloud"
    r"|application_default_credentials|/etc/(?:passwd|shadow|gshadow|sudoers)\b|\.pypirc\b|\.npmrc\b"
    r"|\.gnupg\b|huggingface[\\/](?:token|stored_tokens)$|[\\/]Login Data\b|Cookies\.binarycookies"
    r"|wallet\.dat\b|[\\/]secrets[\\/]kubernetes\.io\b|\.bash_history|\.zsh_history|/proc/(?:self|\d+)/environ|\.azure[\\/]"
)
"""Where credentials live."""

_PERSISTENT: Final = re.compile(
    r"(?:^|[\\/])\.ssh(?:[\\/]|$)|authorized_keys|\.(?:bashrc|bash_profile|zshrc|zprofile|zshenv)\b"
    r"|\.profile$|^/etc/|/cron(?:tab|\.d|\.daily|\.hourly)?\b|[\\/]autostart[\\/]|LaunchAgents"
    r"|LaunchDaemons"
    r"|systemd[\\/](?:user|system)|\.service$|Start Menu[\\/].*Startup|ld\.so\.preload"
    r"|site-packages|dist-packages|(?:site|user)customize\.py|\.git[\\/]hooks|CurrentVersion\\+Run"
    r"|/proc/self/mem\b|(?:^|\s)(?:Run|RunOnce)(?:\s|$)"
)
"""What is run later, by a shell, a scheduler, a login or an interpreter."""

_EVERYTHING: Final = re.compile(
    r"(?:/|~|[A-Za-z]:[\\/]?|/(?:bin|boot|etc|home|lib|opt|root|srv|usr|var)(?:/[\w.-]+)?"
    r"|~/(?:Documents|Desktop|Pictures|Downloads))/?"
)
"""The root, the home folders and the folders of the system."""

_DOWNLOAD: Final = (
    r"(?:curl|wget|fetch|Invoke-WebRequest|iwr|Invoke-RestMethod|irm|DownloadString|DownloadFile)\b"
)
_INTERPRETER: Final = (
    r"(?:sudo\s+(?:-\S+\s+)*)?(?:\S*/)?(?:(?:ba|z|da|k|a)?sh|python[\d.]*|perl|ruby|node|php)\b"
)
_FETCHED: Final = re.compile(_DOWNLOAD, re.IGNORECASE)
_THEN_RUN: Final = re.compile(rf"\|\s*{_INTERPRETER}", re.IGNORECASE)
_NEXT: Final = re.compile(r"&&|;|\n")
_RUN_NEXT: Final = re.compile(
    rf"chmod\s+\S*[+7]|(?:^|\s){_INTERPRETER}|\./|\s/tmp/"
    r"|(?:^|\s)(?:start\s+(?:/\w+\s+)*)?[\w.%\\:-]+\.(?:exe|msi|bat|cmd|ps1|scr|vbs)\b",
    re.IGNORECASE,
)
_SUBSTITUTED: Final = re.compile(
    rf"{_INTERPRETER}[^\n]{{0,40}}(?:\$\(|<\(|`)\s*{_DOWNLOAD}", re.IGNORECASE
)
_FETCH_AND_RUN: Final = re.compile(
    r"\bIEX\b|Invoke-Expression|certutil[^\n]*-urlcache|mshta\s+http|regsvr32[^\n]*http"
    r"|bitsadmin[^\n]*/transfer",
    re.IGNORECASE,
)
_REMOTE_SHELL: Final = re.compile(
    r"/dev/(?:tcp|udp)/|\b(?:nc|ncat|netcat)\b[^\n]*\s-\w*[ec]\b|\bmkfifo\b[^\n]*\b(?:nc|ncat|telnet)\b"
    r"|\bsocat\b[^\n]*exec:|\b(?:ba)?sh\s+-i\b|TCPClient\(",
    re.IGNORECASE,
)
_ENCODED: Final = re.compile(
    r"base64\s+(?:-d|-D|--decode)[^\n]*\|"
    r"|\b(?:powershell|pwsh)\b[^\n]*\s-e(?:nc|ncodedcommand)?\s+[A-Za-z0-9+/=]{16}"
    r"|xxd\s+-r[^\n]*\||FromBase64String",
    re.IGNORECASE,
)
_INSTALLS: Final = re.compile(
    r"(?:^|[\s/\"'…])(?:pip[\d.]*|conda|mamba|uv|apt|apt-get|yum|dnf|apk|brew|npm|easy_install)"
    r"(?:\s+-\S+)*\s+(?:pip\s+)?(?:install|add)\b|\bsetup\.py\s+(?:install|develop)\b"
)
_QUERY: Final = re.compile(
    r"(?:\S*/)?(?:nvidia-smi|rocm-smi|rocminfo|hipconfig|uname|lscpu|lspci|sysctl|ldconfig|which|"
    r"where|hostname|df|free|nproc|sw_vers|nvcc|gcc|g\+\+|clang|ninja|cmake|ffmpeg|"
    r"git\s+(?:rev-parse|describe|log|status|show))"
    r"(?:\s+(?:-{1,2}[\w-]*(?:=[\w.,/%-]*)?|\w+(?:\.\w+)*|/proc/\w+))*\s*"
    r"|[\w+-]+\s+(?:--?version|-V|--help)"
)
"""Questions about the machine or the checkout, as set-up code asks them; nothing is changed."""
_MAX: Final = 2_048
"""Characters that are looked at; a command hidden behind more of them is a process all the same."""


def is_secret(path: str) -> bool:
    """True for a place where credentials live."""
    return _SECRET.search(path[:_MAX]) is not None


def is_everything(path: str) -> bool:
    """True for a folder that holds what belongs to somebody else: to remove it is destruction."""
    return _EVERYTHING.fullmatch(path) is not None


def is_persistent(path: str) -> bool:
    """True for a file that something runs later."""
    return _PERSISTENT.search(path[:_MAX]) is not None


def command(text: str) -> CodeAction:
    """What a shell command amounts to, as a behaviour; the worst that fits.

    Args:
        text: the command, unknown parts as `UNKNOWN`.
    """
    text = text[:_MAX].replace("\\\n", " ")
    if _REMOTE_SHELL.search(text):
        return "remote-shell"
    if _runs_download(text):
        return "runs-download"
    if _ENCODED.search(text):
        return "encoded-payload"
    if _SECRET.search(text):
        return "reads-secrets"
    if _PERSISTENT.search(text) or re.search(r"\bcrontab\b", text):
        return "writes-outside"
    if _INSTALLS.search(text):
        return "installs-packages"
    return "queries-system" if _QUERY.fullmatch(text) else "starts-process"


def _runs_download(text: str) -> bool:
    """True when a command fetches something and hands it to an interpreter."""
    if _FETCH_AND_RUN.search(text) or _SUBSTITUTED.search(text):
        return True
    fetched = _FETCHED.search(text)
    if fetched is None:
        return False
    if _THEN_RUN.search(text, fetched.end()):
        return True
    following = _NEXT.search(text, fetched.end())
    return following is not None and _RUN_NEXT.search(text, following.end()) is not None
