"""What one call amounts to: its name decides, and for many names its arguments.

Invariant: one call gives at most one behaviour for each thing that it may call: the most telling.
`exec(base64.b64decode(…))` is an encoded payload, not also running code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from modelscan.formats.python_code import paths
from modelscan.formats.python_code.files import judge_file
from modelscan.formats.python_code.judged import Judged, command_of, text_of
from modelscan.formats.python_code.names import (
    CLIENTS,
    DATA_HELPERS,
    EXECUTORS,
    FETCHES,
    PATH_ARGUMENT,
    SENSITIVE_MODULES,
    TELLING_ATTRIBUTES,
    behaviour_of,
    canonical,
)
from modelscan.formats.python_code.results import SENDING, SOURCE_FILE, Called
from modelscan.formats.python_code.surroundings import judge_surroundings
from modelscan.formats.python_code.values import UNKNOWN, Value, Values, shown
from modelscan.vocabulary.fact import CodeAction


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
    if name.startswith(_LIBRARIES):
        return _native_function(name, call)
    if name in _LOOKUPS:  # a name that carries something out, to whoever answers for its domain
        told = _TOLD.search(shown(call.get(0, "host")))
        return Judged("sends-data", name, text_of(call)) if told else None
    if name.startswith(_SHELLS):
        return Judged("starts-process", name, command_of(call))
    if name in _OF_PROCESSES:
        return _own_process(name, call)
    return judge_surroundings(name, call) or judge_file(name, callee, call)


def _own_process(name: str, call: Called) -> Judged | None:
    """What is done to processes: others are ended, or this one is tied to a connection."""
    if name == "os.dup2":
        from_socket = any(value.name.startswith(("socket.", "_socket.")) for value in call.all)
        return Judged("remote-shell", name) if from_socket else None
    target = call.get(0, "pid")
    wide = target.text in {-1, 0} or target.name == "os.getppid()"
    return Judged("harms-machine", name, shown(target)) if wide else None


def made_function(callee: Value, call: Called) -> Judged | None:
    """A C function made of an address in memory: what it holds runs when it is called."""
    address = call.get(0).name
    made = callee.name.startswith("ctypes.") and callee.name.endswith("FUNCTYPE()")
    if made and address.startswith(("ctypes.addressof", "ctypes.cast")):
        return Judged("runs-code", canonical(callee.name), address)
    return None


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
        return Judged("computed-name", name, text_of(call))
    if module == "?" and attribute in TELLING_ATTRIBUTES:
        return Judged("computed-name", name, text_of(call))
    imports = name in {"__import__", "importlib.import_module", "importlib.__import__"}
    first = call.get(0, "name")
    if imports and first.decoded and not first.known:
        return Judged("encoded-payload", name)
    return None


def _process(root: str, _name: str, call: Called, _operands: Values) -> Judged:
    command = command_of(call)
    behaviour = paths.command(command)
    first = call.get(0, "args")
    if any(value.downloads for value in call.all):
        behaviour = "runs-download"
    elif first.decoded and not first.known:
        behaviour = "encoded-payload"
    return Judged(behaviour, root, command)


def shell(command: str) -> Judged:
    """What a line of shell amounts to, such as one of a notebook."""
    return Judged(paths.command(command), "shell", command)


def _runs(root: str, _name: str, call: Called, operands: Values) -> Judged | None:
    """Code that is run: where it comes from decides."""
    values = operands or (Value(),)
    if any(value.downloads for value in values):
        return Judged("runs-download", root, text_of(call))
    if any(value.decoded for value in values):
        return Judged("encoded-payload", root, text_of(call))
    if any(value.name.startswith(SOURCE_FILE) for value in values):
        return Judged("runs-file", root, text_of(call))
    texts = [_source(value) for value in values]
    if root in EXECUTORS and all(text is not None for text in texts):
        return Judged("runs-code", root, text_of(call), "\n".join(text or "" for text in texts))
    return Judged("runs-code", root, text_of(call))


def _source(value: Value) -> str | None:
    """The whole of a text that is run; `None` when a part of it is not known."""
    if value.other:
        return None
    if isinstance(value.text, bytes):
        return value.text.decode("utf-8", "replace")
    return value.text if value.text == "" else value.known or None


_LIBRARY: Final = re.compile(r"\.(?:so(?:\.[\d.]+)?|pyd|dll|dylib)$")
_NAMED_FILE: Final = re.compile(r"[^\\/.…]*\.\w{1,12}$")


def _runs_path(root: str, _name: str, call: Called, _operands: Values) -> Judged:
    """A file that is run by its path: one that is not called Python is not scanned as Python."""
    path = call.get(PATH_ARGUMENT[root], "path" if root.endswith("Loader") else "location")
    text = shown(path)
    if path.downloads:
        return Judged("runs-download", root, text)
    if _LIBRARY.search(text):
        return Judged("loads-native-code", root, text)
    named = _NAMED_FILE.search(text) or (path.known and path.known == text)
    hidden = named and not text.endswith((".py", ".pyw"))
    return Judged("runs-code" if hidden else "runs-file", root, text)


_OWN_MACHINE: Final = re.compile(
    r"(?:https?://)?(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?(?:[/?]|$)"
)
"""A server on this machine: what is asked of it leaves the machine no further."""
_REACHING: Final = frozenset({"connect", "connect_ex", "send", "sendall", "sendto"})


def _network(root: str, name: str, call: Called, _operands: Values) -> Judged | None:
    if any(value.secret for value in call.all):
        return Judged("sends-secrets", name, text_of(call))
    if any(isinstance(value.text, str) and paths.is_secret(value.text) for value in call.all):
        return Judged("reads-secrets", name, text_of(call))
    if root in DATA_HELPERS:
        return Judged("downloads-data", root, text_of(call))
    if _OWN_MACHINE.match(shown(call.get(0, "url"))):
        return None
    if name != root:  # what is done with a connection that was made
        reaches = root == "socket.socket" and name.rpartition(".")[2] in _REACHING
        return Judged("sends-data", name, text_of(call)) if reaches else None
    if root == "socket.socket":  # to look for a free port, one is made, too
        return Judged("network", root, text_of(call))
    sends = {"data", "json", "files", "body"} & call.named.keys()
    second = root == "urllib.request.urlopen" and len(call.arguments) > 1
    body = call.get(0).name == SENDING
    if sends or second or body or root not in FETCHES | CLIENTS:
        return Judged("sends-data", root, text_of(call))
    return Judged("network", root, text_of(call), fetches=call.node)


def _native(root: str, _name: str, call: Called, _operands: Values) -> Judged:
    """A library by its bare name comes from the system; one with a path came with the model."""
    path = call.get(0, "name")
    bare = bool(path.known) and not re.search(r"[\\/]", path.known)
    system = bare or path.name in {"None", "ctypes.util.find_library()"}
    behaviour: CodeAction = "loads-system-library" if system else "loads-native-code"
    return Judged(behaviour, root, text_of(call))


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
        return Judged(paths.command(command_of(call)), name, command_of(call))
    return Judged("runs-code", name, text_of(call)) if function in _NATIVE_MEMORY else None


def _compiles(root: str, _name: str, call: Called, _operands: Values) -> Judged | None:
    sources = (value.text for value in call.all if isinstance(value.text, str))
    if any(_IN_C.search(source) for source in sources):
        return Judged("starts-process", root, text_of(call))
    return Judged("compiles-native-code", root, text_of(call))


def _remote(root: str, _name: str, call: Called, _operands: Values) -> Judged | None:
    local = call.named.get("source", Value()).text == "local"
    return None if local else Judged("loads-remote-code", root, text_of(call))


def _installs(root: str, _name: str, call: Called, _operands: Values) -> Judged | None:
    return Judged("installs-packages", root, command_of(call))


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
        return Judged("encoded-payload", root, text_of(call))
    return (
        Judged("deserialises", root, text_of(call)) if name == root or "Unpickler" in root else None
    )


_Judgement = Callable[[str, str, Called, Values], Judged | None]
_LIBRARIES: Final = ("ctypes.", "cffi.FFI.dlopen.")
"""What the names of functions inside native libraries begin with."""
_IN_C: Final = re.compile(r"\b(?:system|popen|exec[lv]\w*|fork|socket|dlopen)\s*\(")
_OF_PROCESSES: Final = frozenset({"os.dup2", "os.kill", "os.killpg"})
_LOOKUPS: Final = frozenset({
    "socket.gethostbyname", "socket.gethostbyname_ex", "socket.getaddrinfo",
})  # fmt: skip
_TOLD: Final = re.compile(rf"{UNKNOWN}\.?[\w-]*(?:\.[\w-]+)*\.[a-z]{{2,}}\.?$")
_SHELLS: Final = ("sh.", "plumbum.local", "plumbum.cmd.", "fabric.Connection.", "fabric.Connection")
"""Libraries whose every name is a command."""
_JUDGEMENTS: Final[dict[str, _Judgement]] = {
    "starts-process": _process,
    "runs-code": _runs,
    "runs-file": _runs_path,
    "network": _network,
    "loads-native-code": _native,
    "compiles-native-code": _compiles,
    "loads-remote-code": _remote,
    "installs-packages": _installs,
    "deserialises": _deserialises,
}
