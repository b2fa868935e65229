"""Programs in other languages beside the weights: JavaScript, C++, Java, R, Lua, PHP, build files.

No loader of a model runs them; a package manager, a build or a person does. They are not parsed:
the commands in their quoted texts are looked at like those of scripts, and a few shapes say by
themselves what they are for: text that is decoded and run, text that is fetched and run, a shell on
a socket, credentials on the network. Only these are stated; `compiled_source` has those of
languages that are compiled.

Invariants: a bundle of a web page is ordinary, however long: shapes that need two things are looked
for in short files alone. Of a long file every piece is read.

Source: MITRE ATT&CK T1059, T1027.010, T1105; reports on packages of npm with install scripts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.formats.known_places import well_known
from modelscan.formats.python_code import paths
from modelscan.formats.python_code.flows import flows
from modelscan.formats.reader import Glimpse
from modelscan.formats.script_words import like_text
from modelscan.formats.scripts import ATTACKS, decoded
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, RepositoryScript

COMPILED: Final = frozenset({
    ".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".cu", ".cuh", ".hip", ".m", ".mm",
    ".inl", ".java", ".kt", ".scala", ".cs", ".rs", ".go", ".swift", ".zig", ".nim", ".dart",
    ".pyx", ".pxd", ".cl", ".metal",
})  # fmt: skip
"""Languages that are compiled: see `compiled_source`."""
EXTENSIONS: Final = frozenset({
    ".js", ".mjs", ".cjs", ".ts", ".jsx", ".tsx", ".pl", ".pm", ".rb", ".gemspec", ".r", ".lua",
    ".php", ".groovy", ".gradle", ".kts", ".applescript", ".cmake", ".jl", ".tcl", ".gyp", ".gypi",
    ".fish", ".awk", ".sbt", ".nix", ".tf", ".mk", ".qmd", ".rmd",
}) | COMPILED  # fmt: skip
PAGES: Final = frozenset({".html", ".htm"})
NAMES: Final = frozenset({
    "CMakeLists.txt", ".Rprofile", "Rakefile", "Gemfile", "Jakefile", "Tiltfile", "SConstruct",
    "meson.build", "BUILD", "WORKSPACE", "Rscript",
})  # fmt: skip
_PIECE: Final = 4 << 20
"""Bytes of a long file that are looked at at once."""
_OVERLAP: Final = 8 << 10
_SHORT: Final = 24 << 10
_MOST: Final = 20
_SHOWN: Final = 200
_QUOTED: Final = re.compile(
    r"\"((?:[^\"\\\n]|\\.){8,2000})\"|'((?:[^'\\\n]|\\.){8,2000})'|`([^`]{8,2000})`"
)
_GIVEN: Final = re.compile(
    r"(?:exec\w*|spawn\w*|system\w*|popen\w*|\brun\w*|shell\w*|\bsh|\bbash|\bcmd\w*|command\w*"
    r"|script\w*"
    r"|payload|\barg|args|generate|process|\bqx|%x|invoke\w*|WinExec|ShellExecute\w*"
    r"|['\"]/?-?c['\"])[\w\s,.:=({\['\"$-]{0,40}$",
    re.IGNORECASE,
)
"""What stands before a text that is run."""
_BEFORE: Final = 100
_PIECE_OF_TEXT: Final = re.compile(
    r"\"((?:[^\"\\\n]|\\.){0,2000})\"|'((?:[^'\\\n]|\\.){0,2000})'|`([^`]{0,2000})`"
)
"""The same, however short: only so is each quote the one that it seems to be."""
_JOINED: Final = re.compile(r"[\s+.\\]*")
"""What stands between two texts that are one: nothing, as in C, or an operator."""
_HELD_AS: Final = re.compile(
    r"([A-Za-z_]\w*)\s*(?:\[\s*\d*\s*\])?\s*(?::\s*&?\w+\s*)?:?=\s*\{?\s*[Lu]?8?$"
)
"""A text that is given a name, which is run elsewhere."""
_STARTS: Final = re.compile(
    r"child_process|execSync|shelljs|\bDeno\b|\bBun\b|\bzx\b|node-pty|WScript"
)
"""One of these is in every script for Node and its kin that starts a process; pages have none."""
_WIDE: Final = frozenset({b"\xff\xfe", b"\xfe\xff"})
"""Marks of UTF-16, as some editors write."""
_OF_PAGES: Final = frozenset({".js", ".mjs", ".cjs", ".ts", ".jsx", ".tsx", ".html", ".htm"})
_WORTH: Final = re.compile(
    r"curl|wget|Invoke-|\biwr\b|\birm\b|\biex\b|/dev/tcp|\bnc\s|ncat|mkfifo|socat|base64"
    r"|powershell|mshta"
    r"|certutil|bitsadmin|\brm\s+-|stratum|xmrig|sh\s+-i|TCPClient|printenv|\benv\s*\|"
    r"|no-preserve",
    re.IGNORECASE,
)
_WORDS: Final = (
    "curl", "wget", "invoke-", "/dev/tcp", "ncat", "mkfifo", "socat", "base64", "powershell",
    "mshta", "certutil", "bitsadmin", "stratum", "xmrig", "tcpclient", "printenv", "no-preserve",
)  # fmt: skip
_FEW_LETTERS: Final = re.compile(r"\b(?:iwr|irm|iex)\b|\bnc\s|\brm\s+-|sh\s+-i|\benv\s*\|")
"""`_WORTH` in two parts, of text in lower case: four times as quick."""
_DECODERS: Final = (
    r"(?:atob|unescape|Buffer\s*\.\s*from|decode_base64|base64_decode|gzinflate|gzuncompress"
    r"|str_rot13|hex2bin"
    r"|Base64\s*\.\s*(?:strict_|urlsafe_)?decode64|rawToChar|base64enc|base64decode|unpack"
    r"|String\s*\.\s*fromCharCode"
    r"|CryptoJS|zlib\s*\.\s*\w*(?:inflate|unzip|decompress)\w*|Zlib)"
)
_RUNNERS: Final = (
    r"(?:\b(?:eval|exec|execSync|system|instance_eval|class_eval|loadstring|load|assert"
    r"|create_function"
    r"|setTimeout|runInThisContext|runInNewContext|eval\s*\(\s*parse|runString|Function)\b)"
)
_DECODE_RUN: Final = re.compile(
    rf"{_RUNNERS}\s*\(?\s*(?:\(\s*)?(?:parse\s*\(\s*text\s*=\s*)?(?:new\s+\w+\s*\(\s*)?[\w.]*{_DECODERS}[\w.]*\s*\("
    rf"|\bconstructor\s*\(\s*[\w.]*{_DECODERS}[\w.]*\s*\("
)
_FETCH_RUN: Final = re.compile(
    r"\b(?:eval|instance_eval|source|loadstring|load|assert|devtools::source_url|source_url"
    r"|dofile)\b\s*\(?\s*"
    r"(?:parse\s*\(\s*(?:text\s*=\s*)?)?(?:await\s+)?(?:\(\s*)?(?:await\s+)?"
    r"(?:URI\s*\.\s*open|open|file_get_contents|get|LWP::Simple::get|http\s*\.\s*request"
    r"|Net::HTTP\s*\.\s*get\w*|fetch|url"
    r"|readLines|RCurl::getURL|getURL)?\s*\(?\s*(?:URI\s*\(\s*"
    r"|url\s*\(\s*)?[\"'](https?://[^\"'\s]+)",
)
_SOCKETS: Final = re.compile(
    r"\bnet\s*\.\s*(?:Socket|connect|createConnection|Dial)|\bTCPSocket\b|\bsocket\s*\(\s*S\b"
    r"|IO::Socket::INET|\bfsockopen\b"
    r"|\bsocketConnection\b|require\s*\(?\s*[\"']socket[\"']|TcpStream::connect"
    r"|java\.net\.Socket|new\s+Socket\s*\("
)
_SHELLS: Final = re.compile(
    r"[\"'`(\s](?:/bin/(?:ba|z|da)?sh|cmd\.exe|powershell(?:\.exe)?|/bin/sh -i)[\"'`\s,)]"
)
_RUNS_TEXT: Final = re.compile(
    r"(?:\beval|\bnew\s+Function|\brunIn(?:This|New)Context|\bexecSync"
    r"|\bexec)\s*\(\s*([A-Za-z_$][\w$.]*)(?:\.toString\(\))?\s*[,)]"
)
_NODE_FETCH: Final = re.compile(
    r"require\s*\(\s*[\"'](?:node:)?(?:https?|axios|node-fetch|got|request|needle)[\"']\s*\)"
    r"|from\s+[\"'](?:node:)?(?:https?|axios|node-fetch|got|request|needle)[\"']"
)
_ALL_VARIABLES: Final = re.compile(
    r"(?:stringify\s*\(\s*|\b(?:body|data|json)\s*:\s*)process\.env\s*[),}]|\bENV\.to_(?:h|a"
    r"|json)\b"
    r"|toJSON\(\s*(?:as\.list\()?Sys\.getenv\(\s*\)"
)
_PRIVATE: Final = re.compile(
    r"[^\s\"']*(?:\.ssh/id_\w+|\.aws/credentials|\.git-credentials|\.docker/config\.json"
    r"|\.kube/config"
    r"|/Login Data|wallet\.dat|huggingface/token|application_default_credentials\.json|/\.netrc)"
)
"""Where credentials live, as the whole of a text."""
_BOUND: Final = re.compile(
    r"\.pipe\s*\(|>\s*&|dup2|\bSTDIN\b|getInputStream|stdin\.write|stdio\s*:|os\.execute|popen"
    r"|IO\.select|proc_open"
)
"""What ties a shell to a connection."""
_SENDS: Final = re.compile(
    r"\bhttps?\s*\.\s*(?:request|get)\b|\bfetch\s*\(|\baxios\b|Net::HTTP|\bhttr2?::|\bRCurl\b"
    r"|\bPOST\s*\(|\.write\s*\(|LWP::|curl_exec"
)
_SERVED: Final = re.compile(
    r"\b(?:system|exec|execSync|shell_exec|passthru|popen|proc_open|eval|assert|spawn|include|require"
    r"|create_function|Start)\s*\(?[^;\n]{0,60}?"
    r"(?:\$_(?:GET|POST|REQUEST|COOKIE|FILES)\b|\$\{?_(?:GET|POST|REQUEST|COOKIE)|\.getParameter\s*\("
    r"|\b(?:req|request|ctx|q)\.(?:query|body|params|url)\b|\bRequest\s*(?:\[|\.(?:Query|Form|Params)))"
    r"|`[^`\n]{0,60}\$_(?:GET|POST|REQUEST|COOKIE)\b"
)
"""What somebody else asks for is run: a shell behind a page."""
_OF_SERVERS: Final = ("$_", "${_", ".getParameter", ".query", ".body", ".params", ".url", "Request")
_WINDOWS: Final = re.compile(
    r"(?:CreateObject|new\s+ActiveXObject|WScript\.CreateObject)\s*\(\s*[\"'](?:WScript\.Shell"
    r"|Shell\.Application)[\"']",
    re.IGNORECASE,
)


class ForeignCodeReader:
    """Source text of languages that are not Python, by extension and name."""

    format = "source code"
    aside = False

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name; bytes that are no text are left to others."""
        named = glimpse.extension in EXTENSIONS or glimpse.name in NAMES
        return named and _is_text(glimpse.head)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State what attacks, a bounded number of times."""
        seen: set[tuple[int, str]] = set()
        stated = Counter[tuple[str, bool]]()
        extension = Glimpse(artifact).extension
        wide = artifact.read_at(0, 2) in _WIDE
        lines = 1
        for start in range(0, max(artifact.size, 1), _PIECE):
            data = artifact.read_at(start, min(artifact.size - start, _PIECE + _OVERLAP))
            text = decoded(data) if not wide or not start else data.decode("utf-16", "replace")
            budget.step(len(data) >> 4)
            for at, kind, command in _looked_for(text, extension, artifact.size):
                line = lines + text.count("\n", 0, at)
                known = kind == "runs-download" and well_known(command)
                if (line, kind) in seen or stated[kind, known] >= _MOST:
                    continue  # many of one kind leave room for another
                seen.add((line, kind))
                stated[kind, known] += 1
                budget.fact()
                yield RepositoryScript(
                    location=place(artifact, line=line),
                    kind=kind,
                    language="other",
                    command=" ".join(command.split())[:_SHOWN],
                    known_place=known,
                )
            lines += data[:_PIECE].count(b"\n")


class PageReader(ForeignCodeReader):
    """Pages, which may hold code: no program by themselves."""

    format = "text"
    aside = True

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name."""
        return glimpse.extension in PAGES and _is_text(glimpse.head)


def _is_text(head: bytes) -> bool:
    return head[:2] in _WIDE or like_text(head)


def _looked_for(text: str, extension: str, size: int) -> Iterator[tuple[int, Any, str]]:
    """What is looked for in a piece of a file."""
    if extension in COMPILED:
        # late: its expressions take a while to compile, and pages and scripts need none of them
        from modelscan.formats import compiled_source

        yield from compiled_source.shapes(text, whole=size <= _PIECE)
    runs = extension not in _OF_PAGES or _STARTS.search(text) is not None
    yield from _found(text, runs=runs)


def _found(text: str, *, runs: bool) -> Iterator[tuple[int, Any, str]]:
    """Places with what they do; commands only in what can start a process."""
    if runs and _may_be_worth(text.lower()):
        yield from _commands(text)
    for found in _DECODE_RUN.finditer(text):
        yield found.start(), "encoded-payload", text[found.start() : found.end() + 40]
    for found in _FETCH_RUN.finditer(text):
        yield found.start(), "runs-download", text[found.start() : found.end() + 2]
    if any(word in text for word in _OF_SERVERS):
        for found in _SERVED.finditer(text):
            if not found[0].startswith(("include", "require")) or "$_" in found[0]:
                yield found.start(), "gives-access", found[0]
    for found in _WINDOWS.finditer(text):
        yield found.start(), "runs-by-itself", text[found.start() : found.end() + 80]
    if len(text) <= _SHORT:
        yield from _together(text)


def _may_be_worth(text: str) -> bool:
    return any(word in text for word in _WORDS) or _FEW_LETTERS.search(text) is not None


def _together(text: str) -> Iterator[tuple[int, Any, str]]:
    """Two things in one short file that make an attack."""
    socket, shell = _SOCKETS.search(text), _SHELLS.search(text)
    if socket and shell and _BOUND.search(text):
        yield socket.start(), "remote-shell", f"{socket[0]} … {shell[0].strip()}"
    fetches, runs = _NODE_FETCH.search(text), _RUNS_TEXT.search(text)
    if fetches and runs and not _ordinary_exec(runs[1]):
        yield runs.start(), "runs-download", f"{fetches[0]} … {runs[0]}"
    if _SENDS.search(text):
        variables = _ALL_VARIABLES.search(text)
        if variables:
            yield variables.start(), "sends-secrets", variables[0]
        for quoted in _QUOTED.finditer(text):
            if _PRIVATE.fullmatch(_text(quoted)):
                yield quoted.start(), "sends-secrets", quoted[0]


def _ordinary_exec(argument: str) -> bool:
    """True for a command that a program was told by its own settings or arguments."""
    return argument.rpartition(".")[2].lower() in {
        "cmd",
        "command",
        "script",
        "argv",
        "bin",
        "shell",
    }


def _commands(text: str) -> Iterator[tuple[int, Any, str]]:
    """The commands in quoted texts, each alone and one after the other."""
    held: list[tuple[int, str]] = []
    for first, command in _joined(text):
        if _WORTH.search(command) is None or not _is_run(text, first):
            continue
        kind = paths.command(command.replace("\\n", "\n").replace('\\"', '"'))
        if kind in ATTACKS:
            yield first.start(), kind, command
        held.append((first.start(), command))
    for flow in flows(held[:_MOST]):
        yield flow.line, flow.kind, flow.command


def _joined(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Quoted texts, each with those that follow it and make one text with it."""
    first: re.Match[str] | None = None
    whole, end = "", 0
    for quoted in _PIECE_OF_TEXT.finditer(text):
        gap = quoted.start() - end
        if first is not None and gap < _BEFORE and _JOINED.fullmatch(text, end, quoted.start()):
            whole += _text(quoted)
        else:
            if first is not None:
                yield first, whole
            first, whole = quoted, _text(quoted)
        end = quoted.end()
    if first is not None:
        yield first, whole


def _is_run(text: str, quoted: re.Match[str]) -> bool:
    """True for a text that a program is given to run, not one that people are shown."""
    before = text[max(0, quoted.start() - _BEFORE) : quoted.start()]
    if _GIVEN.search(before) is not None or quoted[0][1:3] == "<!":
        return True
    held = _HELD_AS.search(before)
    return held is not None and _runs_name(text, held[1])


def _runs_name(text: str, name: str) -> bool:
    """True when a name is given to what runs commands."""
    return (
        re.search(
            rf"\b(?:system|popen|exec\w*|spawn\w*|WinExec|ShellExecute\w*|CreateProcess\w*)"
            rf"\s*\([^;\n]{{0,80}}\b{name}\b",
            text,
        )
        is not None
    )


def _text(quoted: re.Match[str]) -> str:
    return quoted[1] or quoted[2] or quoted[3] or ""
