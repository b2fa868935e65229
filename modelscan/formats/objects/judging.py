"""What a dotted name in a document stands for: harmless, dangerous, or not known.

The list of names that pickles import decides first: importing and calling is the same act, whoever
asks for it. Behind it, Python's own library is dangerous unless a name is plainly not, and packages
that models are made of are known as a whole: the document can only call what they offer.
"""

from __future__ import annotations

import builtins
import re
import sys
from typing import Final, Literal

from modelscan.vocabulary.lists import PickleGlobals

Verdict = Literal["denied", "inert", "unknown"]

_PLAIN_BUILTINS: Final = frozenset(
    {"abs", "all", "any", "bool", "bytearray", "bytes", "complex", "dict", "enumerate", "float",
     "frozenset", "int", "len", "list", "max", "min", "object", "range", "reversed", "round", "set",
     "slice", "sorted", "str", "sum", "tuple", "zip", "print", "isinstance", "repr"}
)  # fmt: skip
_BUILTINS: Final = frozenset(dir(builtins)) | {"execfile", "file", "reload", "unicode", "apply"}
_PLAIN_MODULES: Final = frozenset(
    {"cmath", "collections", "datetime", "decimal", "enum", "fractions", "itertools", "json",
     "math", "numbers", "os.path", "pathlib", "random", "re", "statistics", "string", "time",
     "typing", "uuid", "zoneinfo", "dataclasses", "copy"}
)  # fmt: skip
"""Modules whose own names may be called with any argument: no code runs, no file changes."""
_PLAIN_NAMES: Final = frozenset(
    {"functools.partial", "functools.reduce", "argparse.Namespace", "types.SimpleNamespace",
     "operator.itemgetter", "logging.getLogger", "os.getenv", "os.cpu_count", "os.getcwd"}
)  # fmt: skip
_REMOVED: Final = frozenset(
    {"asynchat", "asyncore", "cgi", "commands", "crypt", "distutils", "imp", "lib2to3", "msilib",
     "nis", "nt", "pipes", "popen2", "posix", "smtpd", "spwd", "telnetlib", "xdrlib", "__builtin__"}
)  # fmt: skip
"""Modules of Python's library that not every version has."""
_LIBRARY: Final = frozenset(sys.stdlib_module_names) | _REMOVED
_HOPS: Final = frozenset(
    {"builtins", "ctypes", "importlib", "marshal", "nt", "os", "pickle", "posix", "pty", "runpy",
     "shutil", "socket", "subprocess", "sys"}
)  # fmt: skip
"""Modules that other modules import: reached through them, they are the same modules."""
_MODEL_PACKAGES: Final = frozenset(
    {"alignn", "audiocraft", "cldm", "composer", "cosyvoice", "demucs", "detectron2", "einops",
     "encodec", "espnet", "espnet2", "flair", "funasr", "gluonts", "hydra", "hydra_plugins",
     "imaginaire", "keras", "keras_cv", "keras_hub", "keras_nlp", "kornia", "ldm", "litgpt",
     "llama_recipes", "mamba_ssm", "megatron", "mmcls", "mmdet", "mmengine", "mmpretrain", "mmseg",
     "monai", "nemo", "nemo_toolkit", "open_clip", "opensora", "pyannote", "ray", "sam2",
     "seamless", "segmentation_models_pytorch", "sgm", "speechbrain", "stable_audio_tools",
     "stanza", "taming", "tf_keras", "torch_geometric", "torchdata", "torchtune", "torchvision",
     "trl", "ultralytics", "uni2ts", "wandb", "whisper", "yacs"}
)  # fmt: skip
"""Packages that models are made of and whose configurations name their own classes, beside those
that the list of names knows."""
_LOADING: Final = re.compile(
    r"(?:tensorflow|tf)\.(?:\w+\.)*(?:load_(?:op_|file_system_)?library"
    r"|(?:eager_)?py_func(?:tion)?)"
)
"""Functions of TensorFlow that load native code, or call what they are given."""
_DOTTED: Final = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def is_dotted(text: str) -> bool:
    """True for text that can be a name in a module."""
    return "." in text and _DOTTED.fullmatch(text) is not None


class Names:
    """Judges dotted names.

    Args:
        names: the list of names that pickles import.
    """

    def __init__(self, names: PickleGlobals) -> None:
        self._names = names
        self._known = frozenset(names.known_packages) | _MODEL_PACKAGES

    def judge(self, dotted: str) -> Verdict:
        """What importing and calling a name can do. A name without a module may be a builtin's."""
        dotted = dotted.strip().replace(":", ".")
        parts = dotted.split(".")
        if len(parts) == 1:
            if dotted not in _BUILTINS:
                return "unknown"
            parts = ["builtins", dotted]
        if _plain(parts):
            return "inert"
        if any(part.startswith("__") and part.endswith("__") for part in parts):
            return "unknown" if parts[0] == "__main__" and len(parts) == 2 else "denied"  # noqa: PLR2004  # a class of a script
        listed = self._listed(parts)
        if listed is not None:
            return listed
        if parts[0] in _LIBRARY or not _HOPS.isdisjoint(parts[1:-1]):
            return "denied"
        if _LOADING.fullmatch(dotted):
            return "denied"
        return "inert" if parts[0] in self._known else "unknown"

    def _listed(self, parts: list[str]) -> Verdict | None:
        """What the list says of the name, wherever its module ends."""
        found: Verdict | None = None
        for end in range(len(parts) - 1, 0, -1):
            said = self._names.disposition(".".join(parts[:end]), ".".join(parts[end:]))
            if said == "denied":
                return "denied"
            if said not in {"unknown", "nested"}:
                found = "inert"
        return found


def _plain(parts: list[str]) -> bool:
    """True for names of Python's library that do no harm however they are called."""
    if parts[0] in {"builtins", "__builtin__"}:
        return len(parts) == 2 and parts[1] in _PLAIN_BUILTINS  # noqa: PLR2004  # module and name
    if parts[-1].startswith("_"):
        return False
    module = ".".join(parts[:-1])
    return module in _PLAIN_MODULES or ".".join(parts) in _PLAIN_NAMES
