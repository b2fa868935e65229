"""Paths and commands that say by themselves what they are for."""

from __future__ import annotations

import re
from typing import Final

from modelscan.formats.python_code import flows
from modelscan.formats.python_code.harm import harm
from modelscan.vocabulary.fact import CodeAction

_SECRET: Final = re.compile(
    r"(?:^|[\\/])\.ssh(?:[\\/\s\"']|$)|\bid_(?:rsa|ed25519|ecdsa|dsa)\b|\.aws[\\/]+credentials"
    r"|\.netrc\b"
    r"|\.git-credentials|\.docker[\\/]config\.json|\.kube[\\/]config|\.config[\\/]gcloud"
    r"|application_default_credentials|/etc/(?:passwd|shadow|gshadow|sudoers)\b|\.pypirc\b"
    r"|\.npmrc\b"
    r"|\.gnupg\b|huggingface[\\/](?:token|stored_tokens)$|[\\/]Login Data\b"
    r"|Cookies\.binarycookies"
    r"|wallet\.dat\b|[\\/]secrets[\\/]kubernetes\.io\b|\.bash_history|\.zsh_history"
    r"|/proc/(?:self|\d+)/environ|\.azure[\\/]"
    r"|\b(?:169\.254\.169\.254|metadata\.google\.internal|100\.100\.100\.200)\b[^\s\"']*"
    r"(?:-credentials|/token\b(?<!api/token)|/identity\b|oauth2)|\b169\.254\.170\.2\b"
)
"""Where credentials live: files, and the servers that hand them to machines of a cloud."""

_PERSISTENT: Final = re.compile(
    r"(?:^|[\\/])\.ssh(?:[\\/]|$)|authorized_keys|\.(?:bashrc|bash_profile|zshrc|zprofile"
    r"|zshenv)\b"
    r"|\.profile$|^/etc/|/cron(?:tab|\.d|\.daily|\.hourly)?\b|[\\/]autostart[\\/]|LaunchAgents"
    r"|LaunchDaemons"
    r"|systemd[\\/](?:user|system)|\.service$|Start Menu[\\/].*Startup|ld\.so\.preload"
    r"|site-packages|dist-packages|(?:site|user)customize\.py|\.git[\\/]hooks"
    r"|CurrentVersion\\+Run"
    r"|(?:^|[\\/])(?:pip\.(?:conf|ini)|\.condarc|\.gitconfig)$|\.config[\\/]git[\\/]config$"
    r"|/proc/self/mem\b|(?:^|\s)(?:Run|RunOnce)(?:\s|$)"
)
"""What is run later, by a shell, a scheduler, a login or an interpreter."""

_EVERYTHING: Final = re.compile(
    r"(?:/|~|[A-Za-z]:[\\/]?|/(?:bin|boot|etc|home|lib|opt|root|srv|usr|var)(?:/[\w.-]+)?"
    r"|~/(?:Documents|Desktop|Pictures|Downloads))/?"
)
"""The root, the home folders and the folders of the system."""

_HOMES: Final = re.compile(
    r"(?:/|~|/home|/root|/Users|[A-Za-z]:[\\/]?(?:Users)?|~?/(?:Documents|Desktop|Pictures"
    r"|Downloads))"
    r"(?:[\\/]?\*{1,2}(?:[\\/]\*+)?)?/?"
)
_DOWNLOAD: Final = (
    r"(?:curl|wget|aria2c|Invoke-WebRequest|iwr|Invoke-RestMethod|irm|DownloadString|DownloadFile"
    r"|fetch(?=\s+(?:-\S+\s+)*[\"']?https?:))\b"
)
_RUNNER: Final = r"\b(?:(?:ba|z|da|k|a)?sh|python[\d.]*|perl|ruby|node|php)\b"
"""A program that runs text, anywhere in a command: what stands before it would only cost time."""
_INTERPRETER: Final = rf"(?:sudo\s+(?:-\S+\s+)*)?(?:\S*/)?{_RUNNER}"
"""The same behind a mark, with what may stand in between."""
_FROM_INPUT: Final = (
    _INTERPRETER + r"(?=\s*(?:$|[;&|)\"'`>\]}])|\s+(?:-\s|-$|-[\"')]|-[sxi]\b|/dev/stdin|<))"
)
"""A program that runs what it reads, and is given no file or text of its own to run."""
_FETCHED: Final = re.compile(rf"\b{_DOWNLOAD}", re.IGNORECASE)
_THEN_RUN: Final = re.compile(rf"\|\s*{_FROM_INPUT}", re.IGNORECASE)
_SUBSTITUTED: Final = re.compile(
    rf"(?:{_RUNNER}|\b(?:eval|source)\b|(?:^|[;&|]\s*)\.\s)[^\n]{{0,40}}(?:\$\(|<\("
    rf"|`)\s*{_DOWNLOAD}",
    re.IGNORECASE,
)
_FETCH_AND_RUN: Final = re.compile(
    r"mshta(?:\.exe)?\s+[\"']?https?:|regsvr32[^\n]*https?:"
    r"|\b(?:certutil[^\n]*-urlcache|bitsadmin[^\n]*/transfer)[^\n]*\.(?:exe|dll|bat|cmd|ps1"
    r"|vbs|js|hta|scr)\b"
    r"|\bmsiexec\b[^\n]*\s/i\s*[\"']?https?:|\brundll32\b[^\n]*https?:",
    re.IGNORECASE,
)
_EVALUATES: Final = re.compile(r"\b(?:IEX|Invoke-Expression)\b", re.IGNORECASE)
_REMOTE_SHELL: Final = re.compile(
    r"/dev/(?:tcp|udp)/|\b(?:nc|ncat|netcat)\b[^\n]*\s-\w*[ec]\b|\bmkfifo\b[^\n]*\b(?:nc|ncat"
    r"|telnet)\b"
    r"|\bsocat\b[^\n]*exec:|(?<![\w.-])(?:ba)?sh\s+-i\b|TCPClient\(",
    re.IGNORECASE,
)
_DECODER: Final = (
    r"(?:base64\s+(?:-\w*d\w*|-D|--decode)|base32\s+-\w*d|xxd\s+-\w*r|openssl\s+(?:enc"
    r"|base64)\b|uudecode"
    r"|\brev(?=\s*[|<)])|\bgunzip\b|\bzcat\b|\bg?zip\s+-\w*d|\bxzcat\b|\bbzcat\b"
    r"|printf\s+[\"']?(?:\\x[0-9a-f]{2}|\\[0-7]{3}))"
)
"""What makes text of something that cannot be read."""
_ENCODED: Final = re.compile(
    rf"{_DECODER}[^\n]{{0,400}}\|\s*{_FROM_INPUT}"
    rf"|{_RUNNER}[^\n]{{0,40}}(?:\$\(|<\(|`)[^\n]{{0,200}}{_DECODER}"
    rf"|\b(?:eval|source)\b[^\n]{{0,20}}(?:\$\(|<\(|`)[^\n]{{0,200}}{_DECODER}"
    r"|\b(?:powershell|pwsh)(?:\.exe)?\b[^\n]*\s-(?:e|ec|en|enc\w*)\s+[A-Za-z0-9+/=]{16}"
    r"|FromBase64String",
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
_BUILDS: Final = re.compile(
    r"(?:\S*/)?(?:cmake|make|gmake|ninja|nmake|meson|cargo|nvcc|gcc|g\+\+|clang(?:\+\+)?"
    r"|cython|protoc|swig|hipcc)"
    r"(?:\s+[\w./=+:,@%…${}-]+)*\s*"
)
"""Programs that build what stands in the folder, with plain arguments."""
_MAX: Final = 2_048
"""Characters that are looked at; a command hidden behind more of them is a process all the same."""


def is_secret(path: str) -> bool:
    """True for a place where credentials live."""
    return _SECRET.search(path[:_MAX]) is not None


def is_everything(path: str) -> bool:
    """True for a folder that holds what belongs to somebody else: to remove it is destruction."""
    return _EVERYTHING.fullmatch(path) is not None


def is_home(path: str) -> bool:
    """True for the root and for home folders, with or without a pattern for all below them."""
    return _HOMES.fullmatch(path) is not None


def is_persistent(path: str) -> bool:
    """True for a file that something runs later."""
    return _PERSISTENT.search(path[:_MAX]) is not None


def command(text: str) -> CodeAction:
    """What a shell command amounts to, as a behaviour; the worst that fits.

    Args:
        text: the command, unknown parts as `UNKNOWN`.
    """
    text = text[:_MAX].replace("\\\n", " ")
    attack = _attack(text)
    if attack is not None:
        return attack
    if _SECRET.search(text):
        return "reads-secrets"
    if _PERSISTENT.search(text) or re.search(r"\bcrontab\b", text):
        return "writes-outside"
    if _INSTALLS.search(text):
        return "installs-packages"
    if _QUERY.fullmatch(text):
        return "queries-system"
    return "compiles-native-code" if _BUILDS.fullmatch(text) else "starts-process"


def _attack(text: str) -> CodeAction | None:
    """What no set-up needs; `None` for none of it."""
    if _REMOTE_SHELL.search(text):
        return "remote-shell"
    if _runs_download(text):
        return "runs-download"
    return "encoded-payload" if _ENCODED.search(text) else harm(text)


def _runs_download(text: str) -> bool:
    """True when a command fetches something and hands it to an interpreter."""
    if _FETCH_AND_RUN.search(text) or _SUBSTITUTED.search(text):
        return True
    fetched = _FETCHED.search(text)
    if flows.SOMEWHERE.search(text) is None:
        return False
    if fetched is not None and (_THEN_RUN.search(text, fetched.end()) or _EVALUATES.search(text)):
        return True
    return any(found.kind == "runs-download" for found in flows.flows([(1, text)]))
