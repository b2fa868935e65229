"""Calls that open files: reading credentials, and writing what runs later."""

from __future__ import annotations

from typing import Final

from modelscan.formats.python_code import paths
from modelscan.formats.python_code.access import PATHS
from modelscan.formats.python_code.judged import Judged
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
_TELLING_READS: Final = _READS | {"open"}


def judge_file(name: str, callee: Value, call: Called) -> Judged | None:
    """Reading credentials, and writing what runs later."""
    first = call.get(0, "file")
    attribute = name.rpartition(".")[2]
    if name in _CREDENTIALS:
        return Judged("reads-secrets", name, shown(first))
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


def _is_writing(mode: object) -> bool:
    return isinstance(mode, str) and any(letter in mode for letter in "wax+")
