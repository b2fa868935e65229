"""What one call amounts to: its name decides, and for many names its arguments.

Invariant: one call gives at most one behaviour for each thing that it may call: the most telling.
`exec(base64.b64decode(…))` is an encoded payload, not also running code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from modelscan.formats.python_code import paths
from modelscan.formats.python_code.access import PATHS
from modelscan.formats.python_code.names import (
    DATA_HELPERS,
    EXECUTORS,
    FETCHES,
    SENSITIVE_MODULES,
    TELLING_ATTRIBUTES,
    behaviour_of,
    canonical,
)
from modelscan.formats.python_code.results import SOURCE_FILE, Called
from modelscan.formats.python_code.values import UNKNOWN, Value, Values, shown

Behaviour = Literal[
    "starts-process", "queries-system", "runs-code", "runs-file", "runs-download",
    "encoded-payload", "remote-shell", "network", "downloads-data", "sends-secrets",
    "reads-secrets", "writes-outside", "loads-native-code", "loads-system-library",
    "compiles-native-code", "loads-remote-code", "deserialises", "installs-packages",
    "computed-name", "hidden-text",
]  # fmt: skip


class Judged(NamedTuple):
    """What a call does."""

    behaviour: Behaviour
    call: str
    """The canonical name of what is called."""
    argument: str = ""
    """What it is given, as far as it is known."""
    source: str = ""
    """Text that it runs as Python, when all of it is known: to be looked at in its place."""
    fetches: int = 0
    """The node of a download that may turn out to be only data."""


def judge(callee: Value, call: Called, operands: Values) -> Judged | None:
    """What calling a value does; `None` for nothing worth a word.

    Args:
        callee: what is called.
        call: with which arguments.
        operands: every alternative of the first argument.
    """
    name = canonical(callee.name)
    if not name:
        return None
    computed = _computed(name, call)
    if computed is not None:
        return computed
    known, root = behaviour_of(name)
    judgement = _JUDGEMENTS.get(known)
    if judgement is not None:
        return judgement(root, name, call, operands)
    if name.startswith("ctypes."):
        return _native_function(name, call)
    if name == "os.dup2":
        from_socket = any(value.name.startswith(("socket.", "_socket.")) for value in call.all)
        return Judged("remote-shell", name) if from_socket else None
    return _file(name, callee, call)


def handed_over(value: Value) -> Judged | None:
    """What it means that something outside the module is handed a function: it may call it."""
    name = canonical(value.name)
    known, root = behaviour_of(name)
    if known == "starts-process" or (known == "runs-code" and root in EXECUTORS):
        return Judged("starts-process" if known == "starts-process" else "runs-code", root)
    return None


def _computed(name: str, call: Called) -> Judged | None:
    """Calls of a name that nobody can read."""
    module, _, attribute = name.rpartition(".")
    if attribute == "?" and module in SENSITIVE_MODULES:
        return Judged("computed-name", name, _text(call))
    if module == "?" and attribute in TELLING_ATTRIBUTES:
        return Judged("computed-name", name, _text(call))
    imports = name in {"__import__", "importlib.import_module", "importlib.__import__"}
    first = call.get(0, "name")
    if imports and first.decoded and not first.known:
        return Judged("encoded-payload", name)
    return None


def _process(root: str, name: str, call: Called, _operands: Values) -> Judged | None:
    if name != root:
        return None  # what is done with the process that was started
    command = _command(call)
    behaviour = paths.command(command)
    first = call.get(0, "args")
    if any(value.downloads for value in call.all):
        behaviour = "runs-download"
    elif first.decoded and not first.known:
        behaviour = "encoded-payload"
    return Judged(_as_behaviour(behaviour), root, command)


def _as_behaviour(text: str) -> Behaviour:
    return _COMMANDS.get(text, "starts-process")


_COMMANDS: Final[dict[str, Behaviour]] = {
    "remote-shell": "remote-shell", "runs-download": "runs-download",
    "encoded-payload": "encoded-payload", "reads-secrets": "reads-secrets",
    "writes-outside": "writes-outside", "installs-packages": "installs-packages",
    "queries-system": "queries-system",
}  # fmt: skip


def shell(command: str) -> Judged:
    """What a line of shell amounts to, such as one of a notebook."""
    return Judged(_as_behaviour(paths.command(command)), "shell", command)


def _runs(root: str, _name: str, call: Called, operands: Values) -> Judged | None:
    """Code that is run: where it comes from decides."""
    values = operands or (Value(),)
    if any(value.downloads for value in values):
        return Judged("runs-download", root, _text(call))
    if any(value.decoded for value in values):
        return Judged("encoded-payload", root, _text(call))
    if any(value.name.startswith(SOURCE_FILE) for value in values):
        return Judged("runs-file", root, _text(call))
    texts = [_source(value) for value in values]
    if root in EXECUTORS and all(text is not None for text in texts):
        return Judged("runs-code", root, _text(call), "\n".join(text or "" for text in texts))
    return Judged("runs-code", root, _text(call))


def _source(value: Value) -> str | None:
    """The whole of a text that is run; `None` when a part of it is not known."""
    if value.other:
        return None
    if isinstance(value.text, bytes):
        return value.text.decode("utf-8", "replace")
    return value.text if value.text == "" else value.known or None


def _network(root: str, name: str, call: Called, _operands: Values) -> Judged | None:
    if any(value.secret for value in call.all):
        return Judged("sends-secrets", name, _text(call))
    if root in DATA_HELPERS:
        return Judged("downloads-data", root, _text(call))
    if name != root:
        return None  # what is done with a connection that was made
    sends = {"data", "json", "files", "body"} & call.named.keys()
    second = root == "urllib.request.urlopen" and len(call.arguments) > 1
    fetches = 0 if sends or second or root not in FETCHES else call.node
    return Judged("network", root, _text(call), fetches=fetches)


def _native(root: str, _name: str, call: Called, _operands: Values) -> Judged:
    """A library by its bare name comes from the system; one with a path came with the model."""
    path = call.get(0, "name")
    bare = bool(path.known) and not re.search(r"[\\/]", path.known)
    system = bare or path.name in {"None", "ctypes.util.find_library()"}
    behaviour: Behaviour = "loads-system-library" if system else "loads-native-code"
    return Judged(behaviour, root, _text(call))


_NATIVE_PROCESS: Final = frozenset(
    {"system", "popen", "execve", "execv", "execvp", "WinExec", "posix_spawn", "CreateProcessW",
     "CreateProcessA", "ShellExecuteA", "ShellExecuteW"}
)  # fmt: skip
_NATIVE_MEMORY: Final = frozenset(
    {"mprotect", "mmap", "VirtualAlloc", "VirtualProtect", "CreateThread", "RtlMoveMemory",
     "WriteProcessMemory", "CreateRemoteThread", "PyRun_SimpleString", "memfd_create"}
)  # fmt: skip


def _native_function(name: str, call: Called) -> Judged | None:
    """Functions that are called inside a native library."""
    function = name.rpartition(".")[2]
    if function in _NATIVE_PROCESS:
        return Judged(_as_behaviour(paths.command(_command(call))), name, _command(call))
    return Judged("runs-code", name, _text(call)) if function in _NATIVE_MEMORY else None


def _compiles(root: str, _name: str, call: Called, _operands: Values) -> Judged | None:
    return Judged("compiles-native-code", root, _text(call))


def _remote(root: str, _name: str, call: Called, _operands: Values) -> Judged | None:
    local = call.named.get("source", Value()).text == "local"
    return None if local else Judged("loads-remote-code", root, _text(call))


def _installs(root: str, _name: str, call: Called, _operands: Values) -> Judged | None:
    return Judged("installs-packages", root, _command(call))


def _deserialises(root: str, name: str, call: Called, _operands: Values) -> Judged | None:
    first = call.get(0)
    if root == "torch.load":
        chosen = call.named.get("weights_only")
        if chosen is not None and chosen.text is True:
            return None
    elif root == "numpy.load":
        chosen = call.get(2, "allow_pickle")
        if chosen.text is not True:
            return None
    elif root == "yaml.load":
        loader = call.get(1, "Loader").name.rpartition(".")[2]
        if loader not in {"Loader", "UnsafeLoader", "CLoader"}:
            return None
    if root.endswith("loads") and first.decoded and first.text is not None:
        return Judged("encoded-payload", root, _text(call))
    return (
        Judged("deserialises", root, _text(call)) if name == root or "Unpickler" in root else None
    )


_READS: Final = frozenset({"read_text", "read_bytes", "iterdir", "rglob", "glob"})
_WRITES: Final = frozenset({"write_text", "write_bytes", "symlink_to", "hardlink_to", "touch"})
_OPENS: Final = frozenset({"open", "io.open", "codecs.open", "os.open"})
_LISTS: Final = frozenset({"os.listdir", "os.scandir", "os.walk", "glob.glob", "glob.iglob",
                           "os.readlink"})  # fmt: skip
_COPIES: Final = frozenset(
    {"shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree", "shutil.move",
     "os.rename", "os.replace", "os.symlink", "os.link"}
)  # fmt: skip
_TELLING_READS: Final = _READS | {"open"}


def _file(name: str, callee: Value, call: Called) -> Judged | None:
    """Reading credentials, and writing what runs later."""
    first = call.get(0, "file")
    attribute = name.rpartition(".")[2]
    if callee.name.startswith(PATHS) and callee.text is not None:
        path, mode = shown(callee), call.get(0, "mode").text
        writes = attribute in _WRITES or (attribute == "open" and _is_writing(mode))
        reads = attribute in _TELLING_READS and not writes
    elif name in _OPENS:
        path = shown(first)
        writes = _is_writing(call.get(1, "mode").text) or name == "os.open"
        reads = not writes
    elif name in _COPIES:
        path = shown(call.get(1, "dst"))
        if paths.is_secret(shown(first)):
            return Judged("reads-secrets", name, shown(first))
        writes, reads = True, False
    else:
        path, writes, reads = shown(first), False, name in _LISTS
    if writes and paths.is_persistent(path):
        return Judged("writes-outside", name, path)
    return Judged("reads-secrets", name, path) if reads and paths.is_secret(path) else None


def _is_writing(mode: object) -> bool:
    return isinstance(mode, str) and any(letter in mode for letter in "wax+")


def _command(call: Called) -> str:
    """The command line of a process, unknown parts as `UNKNOWN`."""
    first = call.get(0, "args")
    values = first.items if first.items is not None else (first,)
    rest: list[Value] = []
    if first.items is None and len(call.arguments) > 1:  # os.execlp("sh", "sh", "-c", "…")
        for value in call.arguments[1:]:
            rest.extend(value.items if value.items is not None else (value,))
    pieces = [shown(value) for value in (*values, *rest)]
    if rest and pieces[-1:] == [UNKNOWN]:
        pieces.pop()
    return " ".join(_text_of(piece) for piece in pieces)


def _text_of(piece: str) -> str:
    return piece or "''"


def _text(call: Called) -> str:
    """The arguments, abbreviated."""
    return ", ".join(
        [
            *(_abbreviated(value) for value in call.arguments[:4]),
            *(f"{word}={_abbreviated(value)}" for word, value in list(call.named.items())[:4]),
        ]
    )


_SHOWN: Final = 120


def _abbreviated(value: Value) -> str:
    text = value.text
    if isinstance(text, bytes):
        text = text[:_SHOWN].decode("utf-8", "replace")
    if text is None:
        text = value.name or UNKNOWN
    text = str(text)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + UNKNOWN


_Judgement = Callable[[str, str, Called, Values], Judged | None]
_JUDGEMENTS: Final[dict[str, _Judgement]] = {
    "starts-process": _process,
    "runs-code": _runs,
    "network": _network,
    "loads-native-code": _native,
    "compiles-native-code": _compiles,
    "loads-remote-code": _remote,
    "installs-packages": _installs,
    "deserialises": _deserialises,
}
