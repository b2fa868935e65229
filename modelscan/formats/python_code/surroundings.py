"""Changes to what other programs and later imports find: the environment, and the import path.

Ordinary model code sets switches of its libraries (`TOKENIZERS_PARALLELISM`) and adds its own
folder to the path. Variables that make every program load something, folders that anybody can write
to, and hooks that answer imports are none of these.

Sources: ld.so(8), dyld(1), the Python reference on `PYTHON*` variables and `sys.meta_path`; MITRE
ATT&CK T1574.006, T1574.007.
"""

from __future__ import annotations

import re
from typing import Final

from modelscan.formats.python_code.judged import Judged, text_of
from modelscan.formats.python_code.results import Called
from modelscan.formats.python_code.values import Value, shown

_LOADING: Final = frozenset({
    "BASH_ENV", "DYLD_INSERT_LIBRARIES", "GIT_SSH", "GIT_SSH_COMMAND", "LD_AUDIT", "LD_PRELOAD",
    "NODE_OPTIONS", "PERL5OPT", "PYTHONBREAKPOINT", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP",
    "RUBYOPT",
})  # fmt: skip
"""Variables that make programs load or run something."""
_LEADING: Final = frozenset({
    "ALL_PROXY", "CURL_CA_BUNDLE", "HF_ENDPOINT", "HTTPS_PROXY", "HTTP_PROXY", "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL", "PYTHONHTTPSVERIFY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE",
    "UV_INDEX_URL",
})  # fmt: skip
"""Variables that lead connections to another server, or switch off the check of who it is."""
_SETTERS: Final = frozenset({"os.putenv", "os.environ.setdefault", "os.environ.update"})
_PATHS: Final = re.compile(r"sys\.path\.(?:insert|append|extend)")
_HOOKS: Final = re.compile(r"sys\.(?:meta_path|path_hooks)\.(?:insert|append|extend)")
_FOREIGN: Final = re.compile(
    r"^(?:/tmp|/var/tmp|/dev/shm|%(?:TEMP|APPDATA)%)|^\w+://"
    r"|\.(?:zip|whl|egg|bin|pt|pth|pkl|dat|safetensors|gguf|onnx|h5|npz|tar|gz|txt|json|png|jpg)$",
    re.IGNORECASE,
)
"""Folders that others write to, and files: Python imports from archives, whatever their names."""
_FETCHED: Final = ("tempfile.", "huggingface_hub.", "modelscope.")
"""Libraries that hand out folders which something was just put into."""
_REPOSITORY: Final = re.compile(r"[\w.-]+/[\w.-]+")


def variable(name: object, value: str) -> Judged | None:
    """What it means that a variable of the environment is set."""
    if not isinstance(name, str):
        return None
    if name in _LOADING:
        return Judged("changes-environment", "os.environ", f"{name}={value}")
    if name.upper() in _LEADING:
        return Judged("leads-elsewhere", "os.environ", f"{name}={value}")
    return None


def judge_surroundings(name: str, call: Called) -> Judged | None:
    """What a call changes for those who come later; `None` for nothing worth a word.

    Args:
        name: the canonical name of what is called.
        call: with which arguments.
    """
    if name in _SETTERS:
        first = call.get(0, "key")
        found = variable(first.text, shown(call.get(1, "value")))
        for word, value in call.named.items():
            found = found or variable(word, shown(value))
        return found
    if _HOOKS.fullmatch(name):
        return Judged("changes-import-path", name, text_of(call))
    if _PATHS.fullmatch(name):
        path = call.get(1) if name.endswith("insert") else call.get(0)
        for value in path.items or (path,):
            if value.downloads or _is_foreign(value):
                return Judged("changes-import-path", name, shown(value))
        return None
    if (
        name.endswith(".from_pretrained")
        and call.named.get("trust_remote_code", Value()).text is True
    ):
        source = shown(call.get(0, "pretrained_model_name_or_path"))
        if _REPOSITORY.fullmatch(source):
            return Judged("loads-remote-code", name, text_of(call))
    return None


def _is_foreign(value: Value) -> bool:
    return value.name.startswith(_FETCHED) or _FOREIGN.search(shown(value)) is not None
