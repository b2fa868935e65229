"""Source of compiled languages beside the weights: C, C++, CUDA, Java, C#, Rust, Go and their kin.

Kernels and extensions are compiled when a model's own code asks for it, exported trees by whoever
deploys them; most such files only compute. Commands in their texts are looked at by `foreign_code`,
as in any other language. This module knows the few shapes that say by themselves what they are for:
a program hidden in numbers and run from memory, a shell on a socket, a download that is started,
code that runs before anybody calls it and starts a process, credentials on the network.

Invariant: starting a process, a socket, a table of numbers or memory that can be executed is
ordinary, each by itself; all but a few shapes need two things close together or in a short file.

Source: MITRE ATT&CK T1620, T1055, T1106, T1059, T1105, T1574.006; CVE-2026-31214 and reports on
kernels in model repositories.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from modelscan.formats.python_code import paths

_SHORT: Final = 24 << 10
_BODY: Final = 2_000
"""Characters of a function that are looked at."""
_STARTS: Final = (
    r"(?:system|_wsystem|popen|_popen|exec[lv]p?e?|posix_spawnp?|WinExec|ShellExecute(?:Ex)?[AW]?"
    r"|CreateProcess[AW]?|URLDownloadToFile[AW]?|Runtime\.getRuntime\(\)\.exec|ProcessBuilder"
    r"|Process\.Start|exec\.Command|Command::new"
    r"|dlsym(?=\s*\([^;)]*\"(?:system|popen|exec\w*)\"))"
)
_CAN_START: Final = re.compile(
    r"(?:system|open|exec[lv]?p?e?|spawnp?|WinExec|Execute(?:Ex)?[AW]?|Process[AW]?|File[AW]?|Builder"
    r"|Start|Command|new|dlsym)\s*\("
)
"""What every one of these ends in: most files have none."""
_STATEMENT: Final = re.compile(
    r"(?:^|[;{}()=,!&|]|\breturn\b|\belse\b)\s*(?:\(\s*void\s*\)\s*)?(?:::|std::|libc::|process::)?"
    rf"({_STARTS}\s*\([^;]{{0,200}})",
    re.MULTILINE,
)
_EARLY: Final = re.compile(
    r"__attribute__\s*\(\(\s*_{0,2}constructor[^)]*\)+[^;{]{0,200}\{"
    r"|\[\[\s*gnu::constructor[^\]]*\]\][^;{]{0,200}\{"
    r"|\b(?:DllMain|JNI_OnLoad|PyInit_\w+|_init)\s*\([^;{)]*\)\s*\{"
    r"|\bPYBIND11_MODULE\s*\([^;{)]*\)\s*\{|\bTORCH_LIBRARY\w*\s*\([^;{)]*\)\s*\{"
    r"|\bstatic\s*\{|\bfunc\s+init\s*\(\s*\)\s*\{"
)
"""Functions that run when a library is loaded, an extension imported or a class first used."""
_DECLARED_EARLY: Final = re.compile(
    r"\b(\w+)\s*\([^;{]{0,200}\)\s*__attribute__\s*\(\(\s*_{0,2}constructor|section\s*\(\s*"
    r"\"\.(?:init|ctors|preinit)[^\"]*\"[^;]*=\s*\{?\s*&?\s*(\w+)"
)
_EARLY_MARKS: Final = ("constructor", ".init", ".ctors", ".preinit")
_EARLY_WORDS: Final = (
    *_EARLY_MARKS, "DllMain", "JNI_OnLoad", "PyInit_", "_init", "PYBIND11_MODULE", "TORCH_LIBRARY",
    "static {", "static{", "static\n{", "func init", "\nstatic", "\nconst", "\nint", "\nauto",
    "\nbool", "\nFILE",
)  # fmt: skip
"""Looking for words is quicker than the expressions."""
_AT_START: Final = re.compile(
    rf"^(?:static|const|int|auto|bool|FILE)\b[^;(){{}}\n]*=\s*(?:::|std::)?({_STARTS}\s*\([^;]{{0,200}})"
    rf"|^(?:static|const|int|auto|bool)\b[^;(){{}}\n]*=\s*\[\]\s*(?:\(\s*\))?[^{{;]*\{{[^}}]*?({_STARTS}\s*\([^;]{{0,200}})",
    re.MULTILINE,
)
"""Variables of a file whose values are computed when it is loaded."""
_RENAMED: Final = re.compile(
    rf"^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+({_STARTS})[ \t]*$", re.MULTILINE
)
_CLASS: Final = re.compile(r"\b(?:struct|class)\s+(\w+)\b[^;{()]*\{")
_CLASSES: Final = 64
_CALLED: Final = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
_NUMBERS: Final = re.compile(
    r"(?:\"\s*)?(?:\\x[0-9a-fA-F]{2}){16}|(?:0x[0-9a-fA-F]{1,2}\s*,\s*){16}"
    r"|(?:\(byte\)\s*-?\w{1,4}\s*,\s*){16}"
)
"""A program, or anything, in numbers of one byte."""
_EXECUTABLE: Final = re.compile(
    r"\bVirtual(?:Alloc(?:Ex)?(?:Numa)?|Protect(?:Ex)?)\s*\([^;]*(?:PAGE_EXECUTE|0x[24]0\b)"
    r"|\bm(?:map|protect)\s*\([^;]*(?:PROT_EXEC|\|\s*4\b|,\s*[57]\s*[,)])|\bmemfd_create\s*\("
)
_JUMPED: Final = re.compile(
    r"\(\s*\(\s*\w+\s*\(\s*\*\s*\)\s*\([^)]*\)\s*\)\s*&?\w+\s*\)\s*\("
    r"|\(\s*\*\s*\(\s*\w+\s*\(\s*\*\s*\)\s*\([^)]*\)\s*\)\s*&?\w+\s*\)\s*\("
    r"|reinterpret_cast<\s*\w+\s*\(\s*\*\s*\)\s*\([^)]*\)\s*>\s*\([^)]*\)\s*\("
    r"|\bCreate(?:Remote)?Thread\s*\(|\bfexecve\s*\(|transmute"
)
_INJECTED: Final = re.compile(
    r"\b(?:CreateRemoteThread(?:Ex)?|QueueUserAPC|NtCreateThreadEx|process_vm_writev"
    r"|ptrace\s*\(\s*PTRACE_POKE(?:TEXT|DATA))\b"
)
_INTO_OTHERS: Final = re.compile(
    r"\b(?:WriteProcessMemory|NtMapViewOfSection"
    r"|ptrace\s*\(\s*PTRACE_(?:ATTACH|SEIZE))\b"
)
_ASSEMBLED: Final = re.compile(
    r"\b(?:__asm__|asm|__asm)\b[^{}]{0,400}(?:\bsyscall\b|int\s+\$?0x80|\.byte\s+(?:0x\w\w?\s*,\s*){12})"
)
_UNMASKED: Final = re.compile(r"\^=|\]\s*\^\s*\w")
_SOCKETS: Final = re.compile(
    r"\bsocket\s*\(\s*(?:AF|PF)_INET|\bsocket\s*\(\s*2\s*,\s*1\b|\bWSASocket[AW]?\s*\("
    r"|\bnew\s+(?:Socket|TcpClient)\s*\(|\bTcpStream::connect|\bnet\.Dial"
)
_SHELLS: Final = re.compile(
    r"[\"'](?:/bin/(?:ba|z|da|k|a)?sh|/system/bin/sh|cmd(?:\.exe)?|powershell(?:\.exe)?)[\"']"
)
_BOUND: Final = re.compile(
    r"\bdup[23]?\s*\(|\bhStd(?:Input|Output|Error)\b|getInputStream|RedirectStandard|\.Stdin\s*="
    r"|from_raw_fd|\bpopen\s*\("
)
_FETCHES: Final = re.compile(
    r"\bURLDownloadToFile[AW]?\s*\(|\bInternetOpenUrl[AW]?\s*\(|\bWinHttpOpenRequest\s*\("
    r"|\bcurl_easy_perform\s*\(|\bnew\s+URL\s*\([^;]*openStream|WebClient|\bDownload(?:File|Data)\w*\("
    r"|\bhttp\.Get\s*\(|\breqwest\b"
)
_RUNS: Final = re.compile(
    rf"\b{_STARTS}\s*\([^;]{{0,300}}|\bdlopen\s*\([^;]{{0,300}}|\bLoadLibrary(?:Ex)?[AW]?\s*\([^;]{{0,300}}"
    r"|\bSystem\.load(?:Library)?\s*\([^;]{0,300}|Assembly\.Load(?:From|File)?\s*\("
)
_FILE: Final = re.compile(r"\"([^\"\n]*[\\/.][^\"\n]{2,})\"")
_ENVIRON: Final = re.compile(
    r"=\s*environ\b|\benviron\s*\[|\benv::vars\s*\(|\bos\.Environ\s*\(|\bSystem\.getenv\s*\(\s*\)"
    r"|GetEnvironmentVariables\s*\(\s*\)|\bGetEnvironmentStrings"
)
_SENDS: Final = re.compile(
    r"\bsend(?:to|msg)?\s*\(|\bcurl_easy_perform\s*\(|\bHttpSendRequest[AW]?\s*\(|\bWinHttpSend"
    r"|getOutputStream|\bhttp\.Post\w*\s*\(|\.post\s*\(|Upload(?:String|Data|Values)\w*\s*\("
)
_WRITES: Final = re.compile(
    r"\bofstream\b|\bfopen\s*\([^;]*,\s*\"[wa]|\bO_(?:WRONLY|RDWR|APPEND|CREAT)\b|\bWriteFile\b"
    r"|\bRegSet(?:Key)?Value|\bFileWriter\b|\bFiles\.write|File\.(?:Write|Append)All|fs::write"
    r"|\bos\.(?:WriteFile|OpenFile)|OpenOptions"
)
_QUOTED: Final = re.compile(r"\"((?:[^\"\\\n]|\\.){4,300})\"")
_ERASES: Final = re.compile(
    r"\bremove_all\s*\(\s*(?:\"(?:/|/home|/root|/etc|/usr|[A-Za-z]:\\\\(?:Users)?)\"|(?:std::)?getenv\s*\(\s*\"HOME\")"
    r"|\bwhile\s*\(\s*(?:1|true)\s*\)\s*\{?\s*fork\s*\(\s*\)|\bfor\s*\(\s*;\s*;\s*\)\s*\{?\s*fork\s*\(\s*\)"
    r"|\b(?:fopen|open)\s*\(\s*\"/dev/(?:sd[a-z]|nvme\w+|hd[a-z]|vd[a-z]|mem)\"\s*,\s*(?:\"[wra]\+?b?\+?\"(?<!\"r\")(?<!\"rb\")|O_(?:WRONLY|RDWR))"
    r"|\"\\\\\\\\\.\\\\PhysicalDrive\d\"[^;]*GENERIC_WRITE"
)

_OF_ERASING: Final = ("remove_all", "fork", "/dev/", "PhysicalDrive")
_OF_FETCHING: Final = (
    "URLDownload", "InternetOpen", "WinHttp", "curl_easy", "openStream", "WebClient", "Download",
    "http.Get", "reqwest",
)  # fmt: skip
_OF_SENDING: Final = (
    "ocket", "TcpClient", "TcpStream", "net.Dial", "send", "curl_easy", "HttpSend", "WinHttp",
    "getOutputStream", "http.Post", ".post", "Upload",
)  # fmt: skip
_OF_WRITING: Final = (
    "ofstream", "fopen", "O_", "WriteFile", "RegSet", "FileWriter", "Files.write", "File.Write",
    "File.Append", "fs::write", "OpenFile", "OpenOptions",
)  # fmt: skip
Found = tuple[int, Any, str]


def shapes(text: str, *, whole: bool) -> Iterator[Found]:
    """Where something is that says by itself what it is for: place, kind and what it says.

    Args:
        text: the source, or a piece of it.
        whole: it is all of a file.
    """
    if _has(text, *_OF_ERASING):
        for found in _ERASES.finditer(text):
            yield found.start(), "harms-machine", found[0]
    if "define" in text:
        for found in _RENAMED.finditer(text):
            text = re.sub(rf"(?<!define ){found[1]}\b(?=\s*\()", found[2], text)
    early, classes = _has("\n" + text, *_EARLY_WORDS), _has(text, "struct ", "class ")
    if (early or classes) and _CAN_START.search(text):
        yield from _early(text) if early else ()
        yield from _made_early(text) if classes else ()
    if whole and len(text) <= _SHORT:
        yield from _hidden(text)
        yield from _connected(text)
        yield from _outside(text)


def _early(text: str) -> Iterator[Found]:
    """Processes that are started before anybody calls anything."""
    for found in _AT_START.finditer(text):
        yield found.start(), "runs-by-itself", found[0]
    bodies = [text[found.end() : found.end() + _BODY] for found in _EARLY.finditer(text)]
    if _has(text, *_EARLY_MARKS):
        bodies += [_body(text, found[1] or found[2]) for found in _DECLARED_EARLY.finditer(text)]
    for body in bodies:
        inside = _until_closed(body)
        started = _STATEMENT.search(inside)
        if started is None:
            for called in _CALLED.finditer(inside):
                started = _STATEMENT.search(_body(text, called[1]))
                if started is not None:
                    break
        if started is not None:
            yield text.find(started[1]), "runs-by-itself", started[1]


def _made_early(text: str) -> Iterator[Found]:
    """Objects of a file whose constructors start processes."""
    for found, _ in zip(_CLASS.finditer(text), range(_CLASSES), strict=False):
        name = found[1]
        inside = text[found.end() : found.end() + _BODY]
        made = re.search(
            rf"(?<![~\w]){name}\s*\([^;{{}}]*\)\s*(?:noexcept\s*)?(?::[^{{;]*)?\{{", inside
        )
        started = _STATEMENT.search(_until_closed(inside[made.end() :])) if made else None
        if started is None:
            continue
        whole = _until_closed(text[found.end() : found.end() + 4 * _BODY])
        behind = text[found.end() + len(whole) : found.end() + len(whole) + 80]
        named = rf"^(?:(?:static|const|inline|thread_local)\s+)*{name}\s+\w+\s*[;({{=]"
        if re.match(r"\}\s*\w+\s*[;({=]", behind) or re.search(named, text, re.MULTILINE):
            yield text.find(started[1]), "runs-by-itself", started[1]


def _has(text: str, *words: str) -> bool:
    """True when one of the words is in the text: much quicker than an expression."""
    return any(word in text for word in words)


def _body(text: str, name: str) -> str:
    """What a function of this file does; empty when it has none of that name."""
    defined = re.search(rf"\b{re.escape(name)}\s*\([^;{{}}]*\)\s*(?:\w+\s*)*\{{", text)
    return _until_closed(text[defined.end() : defined.end() + _BODY]) if defined else ""


def _until_closed(text: str) -> str:
    """The text up to the brace that closes it; texts and comments are not told apart."""
    depth = 1
    for found in re.finditer(r"[{}]", text):
        depth += 1 if found[0] == "{" else -1
        if depth == 0:
            return text[: found.start()]
    return text


def _hidden(text: str) -> Iterator[Found]:
    """A program in numbers that is put where it can be run, or into another process."""
    numbers = _NUMBERS.search(text) if _has(text, "\\x", "0x", "0X", "(byte)") else None
    if numbers:
        means = _EXECUTABLE.search(text) or _JUMPED.search(text)
        if means:
            yield numbers.start(), "encoded-payload", f"{numbers[0][:60]} … {means[0]}"
        elif _UNMASKED.search(text) and (started := _STATEMENT.search(text)):
            yield started.start(1), "encoded-payload", f"{numbers[0][:60]} … {started[1]}"
    injected = _INJECTED.search(text)
    if injected and _INTO_OTHERS.search(text):
        yield injected.start(), "harms-machine", f"{injected[0]}: code in another process"
    assembled = _ASSEMBLED.search(text) if "asm" in text else None
    if assembled and (shell := _SHELLS.search(text)):
        yield assembled.start(), "encoded-payload", f"{assembled[0][:80]} … {shell[0]}"


def _connected(text: str) -> Iterator[Found]:
    """A shell on a socket, a download that is started, credentials that are sent."""
    if _has(text, *_OF_FETCHING) and (fetches := _FETCHES.search(text)):
        runs = _runs_fetched(text)
        if runs:
            yield fetches.start(), "runs-download", f"{fetches[0]} … {runs}"
    if not _has(text, *_OF_SENDING):
        return
    socket, shell, sends = _SOCKETS.search(text), _SHELLS.search(text), _SENDS.search(text)
    if socket and shell and _BOUND.search(text):
        yield socket.start(), "remote-shell", f"{socket[0]} … {shell[0]}"
    variables = _ENVIRON.search(text) if sends else None
    if variables:
        yield variables.start(), "sends-secrets", variables[0]
    for quoted in _QUOTED.finditer(text) if socket or sends else ():
        if paths.is_secret(quoted[1]) and quoted[1][0] in "/~.$%":
            yield quoted.start(), "sends-secrets", quoted[0]
            return


def _runs_fetched(text: str) -> str:
    """What starts a file whose name stands elsewhere, too, or a variable's; empty for neither."""
    named = [found[1] for found in _FILE.finditer(text)]
    for found in _RUNS.finditer(text):
        command = found[0]
        if any(
            named.count(name) > 1 or f"./{name}" in command for name in named if name in command
        ):
            return command
        variable = re.match(
            r"[\w.:()]*\(\s*(?:0|NULL|nullptr)?\s*,?\s*([A-Za-z_]\w*)\b(?!\s*\()", command
        )
        if variable and len(re.findall(rf"\b{variable[1]}\b", text)) > 2:  # noqa: PLR2004  # made, filled, run
            return command
    return ""


def _outside(text: str) -> Iterator[Found]:
    """Files that a login, a scheduler or a shell runs later."""
    if not _has(text, *_OF_WRITING) or _WRITES.search(text) is None:
        return
    for quoted in _QUOTED.finditer(text):
        if paths.is_persistent(quoted[1]) and quoted[1][0] in "/~.$%SC":
            kind = "gives-access" if "authorized_keys" in quoted[1] else "writes-outside"
            yield quoted.start(), kind, quoted[0]
            return
