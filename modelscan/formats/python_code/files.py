"""Calls that open files: reading credentials, and writing what runs later."""

from __future__ import annotations

from typing import Final

from modelscan.formats.python_code import paths
from modelscan.formats.python_code.access import PATHS
from modelscan.formats.python_code.judged import Judged, text_of
from modelscan.formats.python_code.results import Called
from modelscan.formats.python_code.values import Value, shown

_READS: Final = frozenset({"read_text", "read_bytes", "iterdir", "rglob", "glob"})
_WRITES: Final = frozenset({"write_text", "write_bytes", "symlink_to", "hardlink_to", "touch"})
_OPENS: Final = frozenset({"open", "io.open", "codecs.open", "os.open"})
_LISTS: Final = frozenset({"os.listdir", "os.scandir", "os.walk", "glob.glob", "glob.iglob",
                           "os.readlink", "sqlite3.connect"})  # fmt: skip
_COPIES: Final = frozenset(
    {"shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree", "shutil.move",
     "os.rename", "os.replace", "os.symlink", "os.link", "winreg.OpenKey", "winreg.OpenKeyEx",
     "winreg.CreateKey", "winreg.CreateKeyEx"}
)  # fmt: skip
_CREDENTIALS: Final = frozenset({
    "netrc.netrc", "keyring.get_password", "keyring.get_credential",
    "win32crypt.CryptUnprotectData", "browser_cookie3.load", "browser_cookie3.chrome",
    "browser_cookie3.firefox", "secretstorage.get_default_collection",
    "pynput.keyboard.Listener", "keyboard.on_press", "keyboard.hook", "keyboard.record",
})  # fmt: skip
"""Calls that hand out what somebody keeps or types as a secret, whatever they are called with."""
_SETTINGS: Final = frozenset({"winreg.SetValue", "winreg.SetValueEx"})
_REMOVES: Final = frozenset({"os.remove", "os.unlink", "shutil.rmtree"})
_WALKS: Final = frozenset({"os.walk", "os.fwalk", "glob.glob", "glob.iglob"})
_PACKERS: Final = ("shutil.make_archive", "tarfile.", "zipfile.")
_SENDERS: Final = ("upload", "put_", "send", "post", "publish", "store", "push")
"""How methods begin that hand a file to a server."""
_TELLING_READS: Final = _READS | {"open"}


def judge_file(name: str, callee: Value, call: Called) -> Judged | None:
    """Reading credentials, and writing what runs later."""
    first = call.get(0, "file")
    attribute = name.rpartition(".")[2]
    private = _judge_private(name, attribute, callee, call)
    if private is not None:
        return private
    if name in _SETTINGS:
        key = " ".join(shown(value) for value in call.all)
        return Judged("writes-outside", name, key) if paths.is_persistent(key) else None
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
        path, writes, reads = shown(first), name in _REMOVES, name in _LISTS
    if name == "shutil.rmtree" and paths.is_everything(path):
        return Judged("writes-outside", name, path)
    if writes and paths.is_persistent(path):
        return Judged("writes-outside", name, path)
    return Judged("reads-secrets", name, path) if reads and paths.is_secret(path) else None


def _judge_private(name: str, attribute: str, callee: Value, call: Called) -> Judged | None:
    """What is not for a model to see: credentials, and all of somebody's files."""
    first = call.get(0, "file")
    if name in _CREDENTIALS:
        return Judged("reads-secrets", name, shown(first))
    if _searches_home(name, attribute, callee, shown(first)):
        return Judged("reads-secrets", name, shown(first) if name in _WALKS else shown(callee))
    if name.startswith(_PACKERS) and any(
        isinstance(value.text, str) and paths.is_secret(value.text) for value in call.all
    ):
        return Judged("reads-secrets", name, text_of(call))
    folders = attribute.startswith("upload")
    if attribute.startswith(_SENDERS) and any(_private(each, folders) for each in call.all):
        return Judged("sends-secrets", name, text_of(call))
    return None


def _searches_home(name: str, attribute: str, callee: Value, path: str) -> bool:
    """True for a walk through every file of a user, or of the machine."""
    if name in _WALKS:
        return paths.is_home(path) and (name.startswith("os.") or "**" in path)
    below = attribute == "rglob" or (attribute == "glob" and path.startswith("**"))
    return callee.name.startswith(PATHS) and below and paths.is_home(shown(callee))


def _private(value: Value, folders: bool) -> bool:  # noqa: FBT001  # one of two questions
    """True for what nobody means to hand out: credentials, and all of somebody's files."""
    if value.secret or not isinstance(value.text, str):
        return value.secret
    return paths.is_secret(value.text) or (folders and paths.is_home(value.text))


def _is_writing(mode: object) -> bool:
    return isinstance(mode, str) and any(letter in mode for letter in "wax+")
