"""From the text that names a model to a reference: which hub, which name, which revision.

Invariants: the text is a claim, nothing is looked up; text that fits no grammar of a name gives
`None`, so that prose, ordinary `a/b` strings and identifiers are no references.

Sources: huggingface_hub's `validate_repo_id` (96 characters, no `--` or `..`), the hub's URL
layout (`/<org>/<name>/resolve/<revision>/<file>`), Ollama's `name.ParseName`, the OCI distribution
specification's reference grammar, KServe's storage URIs, package-url types.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

from modelscan.discovery import hosted, weights

Usual = Literal[
    "hub", "ollama", "oci", "path", "hosted", "torchhub", "timm", "spacy", "whisper", "ultralytics",
    "url", "keras", "gensim", "sentence-transformers",
]  # fmt: skip
"""How a loader takes text without a scheme."""

_LONGEST: Final = 500
_PART: Final = r"[A-Za-z0-9](?:[\w.-]{0,94}[A-Za-z0-9_])?"
_HUB_ID: Final = re.compile(rf"(?:(?P<org>{_PART})/)?(?P<name>{_PART})")
_TAGGED: Final = re.compile(r"(?P<id>[^:@\s]+)(?P<sign>[:@])(?P<tag>[\w./-]+)")
_HUB_URL: Final = re.compile(
    r"(?:(?:git\+)?https?://(?:[^/@\s]+@)?(?:www\.)?(?:huggingface\.co|hf\.co"
    r"|hf-mirror\.com)/(?:api/models/)?"
    r"|(?:ssh://)?git@(?:hf\.co|huggingface\.co)[:/]|(?:huggingface\.co|hf\.co)/)(?P<rest>\S+)",
    re.IGNORECASE,
)
_HUB_SCHEME: Final = re.compile(
    r"(?:hf://(?:models/)?|hf:(?!//)|hf[_-]hub:|huggingface:(?://)?"
    r"|hub://huggingface/)(?P<rest>\S+)",
    re.IGNORECASE,
)
_INFERENCE: Final = re.compile(
    r"https?://(?:api-inference\.huggingface\.co|router\.huggingface\.co/hf-inference)"
    r"/(?:models|pipeline/[\w-]+)/(?P<rest>[^?#\s]+)"
)
_NOT_MODELS: Final = frozenset(
    {"datasets", "spaces", "docs", "blog", "papers", "collections", "join", "settings", "models",
     "api", "tasks", "learn", "organizations", "new", "login", "chat", "pricing", "front"}
)  # fmt: skip
_VIEWS: Final = frozenset({"resolve", "raw", "blob", "tree", "resolve-cache"})
_OLLAMA_SCHEME: Final = re.compile(
    r"(?:ollama://|ollama:|ollama_chat/|ollama/|(?:https?://)?registry\.ollama\.ai/"
    r"|(?:https?://)?(?:www\.)?ollama\.com/)(?:library/)?(?P<rest>\S+)",
    re.IGNORECASE,
)
_OLLAMA: Final = re.compile(
    rf"(?:[a-z0-9.-]+(?::\d+)?/)?(?:{_PART}/)?{_PART}(?::[\w][\w.-]{{0,127}})?", re.IGNORECASE
)
_OCI_SCHEME: Final = re.compile(r"(?:oci|docker|modelcar)://(?P<rest>\S+)", re.IGNORECASE)
_OCI: Final = re.compile(
    r"(?P<name>[a-z0-9][\w.:-]*(?:/[\w.-]+)*?)(?P<tag>:[\w][\w.-]{0,127})?(?P<digest>@sha256:[0-9a-f]{64})?",
    re.IGNORECASE,
)
_STORE: Final = re.compile(
    r"(?:s3|gs|gcs|abfss?|azure|az|wasbs?|dbfs|pvc|models|runs|mlflow-artifacts|ms|modelscope"
    r"|kaggle"
    r"|adl|hdfs|cos|oss|azureml|wandb(?:-artifact)?|ngc)://?\S+",
    re.IGNORECASE,
)
_WEB: Final = re.compile(r"(?:https?|ftp)://\S+", re.IGNORECASE)
_PATH_START: Final = re.compile(r"(?:\.{0,2}/|~|[A-Za-z]:[\\/]|\.{1,2}\\|file:)")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_PATH_WORDS: Final = frozenset(
    {"app", "apps", "artifacts", "assets", "bin", "build", "cache", "ckpt", "ckpts", "checkpoint",
     "checkpoints", "cfg", "conf", "config", "configs", "content", "data", "dataset", "datasets",
     "dev", "dist", "docs", "etc", "examples", "exp", "experiments", "home", "lib", "local", "log",
     "logs", "lora", "mnt", "model", "models", "my_model", "notebooks", "opt", "out", "output",
     "outputs", "path", "pretrained", "pretrained_models", "resources", "results", "root", "runs",
     "saved", "saved_model", "saved_models", "scripts", "src", "static", "storage", "temp",
     "templates", "test", "tests", "tmp", "tokenizer", "trained_models", "usr", "utils", "var",
     "volumes", "weights", "workspace", "your_username", "your-username", "finetuned", "trained"}
)  # fmt: skip
"""First parts of relative paths; none of them is an organisation that publishes models."""
_OTHER_FILES: Final = frozenset(
    {".py", ".js", ".ts", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".md", ".txt", ".csv",
     ".html", ".css", ".png", ".jpg", ".jpeg", ".svg", ".gif", ".sh", ".xml", ".sql", ".go", ".rs",
     ".java", ".zip", ".gz", ".tar", ".pdf", ".wav", ".mp3", ".mp4", ".log", ".ini", ".cfg",
     ".proto", ".tsx", ".jsx", ".parquet", ".whl", ".lock", ".env", ".ipynb", ".c", ".h", ".cpp",
     ".com", ".org"}
)  # fmt: skip


_Read = Callable[[str, bool], "Name | None"]
"""How text without a scheme is read: the text, and whether only the unmistakable counts."""


class Name(NamedTuple):
    """A model, as far as its text names it."""

    ref: str
    revision: str | None = None
    options: dict[str, Any] = {}  # noqa: RUF012  # never written to
    """What the text says besides: a file, a provider."""

    @property
    def pinned(self) -> bool:
        """True for a full commit or a digest."""
        if "@sha256:" in self.ref:
            return True
        hub = self.ref.startswith(("hf:", "torchhub:"))
        return hub and _COMMIT.fullmatch((self.revision or "").lower()) is not None

    @property
    def purl(self) -> str | None:
        """The package URL, where there is a legal one (purl-spec, types huggingface and oci)."""
        if not self.pinned:
            return None
        if self.ref.startswith("hf:") and "/" in self.ref:
            identity = self.ref[3:].partition(":")[0]
            return f"pkg:huggingface/{identity}@{(self.revision or '').lower()}"
        if self.ref.startswith("oci:"):
            whole, _, digest = self.ref[4:].partition("@")
            repository = _untagged(whole).lower()
            last = repository.rpartition("/")[2]
            return f"pkg:oci/{last}@{digest.replace(':', '%3A')}?repository_url={repository}"
        return None


def named(text: str, usual: Usual, *, strict: bool = False) -> Name | None:
    """The model that a text names where a model is asked for.

    Args:
        text: as written, with variables put in.
        usual: how the place takes text without a scheme.
        strict: the place may hold something else: only what can hardly be anything else counts.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST or not text.isprintable():
        return None
    if usual != "path" and any(character.isspace() for character in text):
        return None
    found = _address(text, strict=strict)
    if found is not None or _HUB_URL.match(text):
        return found
    if _PATH_START.match(text) or "\\" in text:
        return Name(text) if not strict or weights.extension(text) in weights.ANY else None
    read: _Read = _BY_USUAL[usual]
    return read(text, strict)


def hub_address(text: str) -> Name | None:
    """A hub model by its URL alone: a file to download, or a repository to clone."""
    found = _HUB_URL.fullmatch(text)
    return _hub_rest(found["rest"]) if found and len(text) <= _LONGEST else None


def is_download(text: str) -> bool:
    """True for the URL of a file in a hub repository, or of a file of weights anywhere."""
    found = _HUB_URL.fullmatch(text)
    if found:
        return any(f"/{view}/" in found["rest"] for view in ("resolve", "raw"))
    return _WEB.fullmatch(text) is not None and weights.extension(text) in weights.CERTAIN


def _address(text: str, *, strict: bool) -> Name | None:
    """A text that says itself where the model is."""
    found = _INFERENCE.match(text)
    if found:
        name = _hub_rest(found["rest"])
        return name and name._replace(options={**name.options, "hosted": True})
    found = _HUB_URL.fullmatch(text) or _HUB_SCHEME.fullmatch(text)
    if found:
        return _hub_rest(found["rest"])
    found = _OLLAMA_SCHEME.fullmatch(text)
    if found and _OLLAMA.fullmatch(found["rest"]):
        return Name(f"ollama:{found['rest']}")
    found = _OCI_SCHEME.fullmatch(text)
    if found:
        return _oci(found["rest"], strict=False)
    if _STORE.fullmatch(text):
        return Name(text)
    if _WEB.fullmatch(text):
        return Name(text) if not strict or weights.extension(text) in weights.CERTAIN else None
    return None


def _hub_rest(rest: str) -> Name | None:
    """What follows the hub's address: `org/name`, then a view, a revision and a file."""
    path, _, _ = rest.partition("?")
    parts = path.partition("#")[0].strip("/").split("/")
    if parts[0].lower() in _NOT_MODELS:
        return None
    count = 2 if len(parts) > 1 and parts[1] not in _VIEWS else 1
    identity, after = "/".join(parts[:count]), parts[count:]
    revision: str | None = None
    tag = ""
    split = _TAGGED.fullmatch(identity)
    if split:
        identity, tag, revision = _untied(split)
    identity = identity.removesuffix(".git")
    if not _is_hub_id(identity):
        return None
    options: dict[str, Any] = {}
    if len(after) > 1 and after[0] in _VIEWS:
        revision, after = after[1], after[2:]
    if after:
        options["filename"] = "/".join(after)
    return Name(f"hf:{identity}" + (f":{tag}" if tag else ""), revision or None, options)


def _hub(text: str, strict: bool) -> Name | None:  # noqa: FBT001  # a row of the table below
    """`org/name`, or one of the old names without an organisation."""
    service = hosted.provider_of(text)
    if service is not None:
        return _hosted(text, strict)
    if weights.extension(text) in weights.ANY and text.count("/") != 1:
        return Name(text)
    tag, revision = "", None
    split = _TAGGED.fullmatch(text)
    if split:
        text, tag, revision = _untied(split)
    found = _HUB_ID.fullmatch(text)
    if found is None or not _is_hub_id(text):
        return None if strict or not _is_relative_path(text) else Name(text)
    organisation, name = found["org"], found["name"]
    if organisation is None:
        if strict or not _plausible(name):
            return None
    elif organisation.lower() in _PATH_WORDS:
        return None if strict and weights.extension(text) not in weights.ANY else Name(text)
    elif strict and not _plausible_pair(organisation, name):
        return None
    elif weights.extension(name) in weights.CERTAIN:
        return Name(text)
    return Name(f"hf:{text}" + (f":{tag}" if tag else ""), revision)


def _untied(found: re.Match[str]) -> tuple[str, str, str | None]:
    """Identity, tag of a file family, revision: `@` and a full commit mean a revision."""
    if found["sign"] == "@" or _COMMIT.fullmatch(found["tag"]):
        return found["id"], "", found["tag"]
    return found["id"], found["tag"], None


def _is_relative_path(text: str) -> bool:
    return text.count("/") > 1 and re.fullmatch(r"[\w./-]+", text) is not None


def _is_hub_id(text: str) -> bool:
    if _HUB_ID.fullmatch(text) is None or "--" in text or ".." in text:
        return False
    return not text.endswith(".git") and len(text) <= 2 * 96


def _plausible(name: str) -> bool:
    """True for `bert-base-uncased`, `roberta-base` and `gpt2`, not for `model` or `data-class`."""
    if name.lower() in _PATH_WORDS or weights.extension(name) in _OTHER_FILES:
        return False
    if _TRAINING.match(name):
        return False
    if sum(map(str.isalpha, name)) < _LETTERS:
        return False
    sized = name.endswith(_SIZES) or name.count("-") > 1
    return sized or any(map(str.isdigit, name)) or name in _OLD_NAMES


_TRAINING: Final = re.compile(
    r"(?:checkpoint|ckpt|step|epoch|run|my|your|output)[-_]", re.IGNORECASE
)
"""What trainers call the folders that they write."""
_LETTERS: Final = 2
_SIZES: Final = ("-base", "-large", "-small", "-tiny", "-medium", "-mini", "-xl", "-cased")
_OLD_NAMES: Final = frozenset({"gpt2", "distilgpt2", "ctrl", "bloom"})


def _plausible_pair(organisation: str, name: str) -> bool:
    """True for `google/flan-t5`, not for `user/id`, `text/html` or `src/main.py`."""
    if weights.extension(name) in _OTHER_FILES or organisation.lower() in _MEDIA_TYPES:
        return False
    if organisation.isdigit() or name.replace(".", "").isdigit():
        return False
    return "-" in name or any(character.isdigit() for character in name)


_MEDIA_TYPES: Final = frozenset(
    {"application", "audio", "font", "image", "message", "multipart", "text", "video", "origin",
     "feature", "refs", "http", "https", "v1", "v2", "api", "actions", "library", "utf-8"}
)  # fmt: skip


def _ollama(text: str, strict: bool) -> Name | None:  # noqa: FBT001  # a row of the table below
    service = hosted.provider_of(text)
    if service is not None:
        return _hosted(text, strict)
    if weights.extension(text) in weights.CERTAIN:
        return Name(text)
    if _OLLAMA.fullmatch(text) is None or text.lower() in _PATH_WORDS:
        return None
    return Name(f"ollama:{text}")


def _hosted(text: str, _strict: bool) -> Name | None:  # noqa: FBT001  # a row of the table below
    service = hosted.provider_of(text)
    if service is None:
        return None
    provider, name = service
    return Name(f"hosted:{name}", None, {"hosted": True, "provider": provider})


def _untagged(whole: str) -> str:
    head, slash, last = whole.rpartition("/")
    return head + slash + last.partition(":")[0]


def _oci(text: str, strict: bool) -> Name | None:  # noqa: FBT001  # a row of the table below
    found = _OCI.fullmatch(text)
    if found is None or (strict and "/" not in text):
        return None
    first = found["name"].partition("/")[0]
    host = "" if "." in first or ":" in first or first == "localhost" else "docker.io/"
    tag = (found["tag"] or "").removeprefix(":") or None
    return Name(f"oci:{host}{text}", tag)


def _path(text: str, strict: bool) -> Name | None:  # noqa: FBT001  # a row of the table below
    likely = weights.extension(text) in weights.ANY
    return Name(text) if likely or not strict else None


def _catalogue(name: str) -> _Read:
    """Models that a library knows by name; a file of weights is a path, `org/name` is the hub's."""

    def found(text: str, strict: bool) -> Name | None:  # noqa: FBT001  # as the others
        if weights.extension(text) in _OTHER_FILES:  # a description of a network, without weights
            return None
        if name != "ultralytics" and "/" in text:
            return _hub(text, strict)
        if "/" in text or (weights.extension(text) in weights.ANY and name != "ultralytics"):
            return Name(text)
        return Name(f"{name}:{text}") if re.fullmatch(r"[\w.@-]+", text) else None

    return found


def _torchhub(text: str, _strict: bool) -> Name | None:  # noqa: FBT001  # as the others
    """`owner/repository[:branch]`, on GitHub (torch.hub.load)."""
    repository, _, branch = text.partition(":")
    if _HUB_ID.fullmatch(repository) is None or "/" not in repository:
        return None
    return Name(f"torchhub:{repository}", branch or None)


def _url(text: str, strict: bool) -> Name | None:  # noqa: FBT001  # as the others
    return _path(text, strict)


def _sentence(text: str, strict: bool) -> Name | None:  # noqa: FBT001  # as the others
    """The library looks names without an organisation up under its own."""
    bare = "/" not in text and weights.extension(text) not in weights.ANY
    return _hub(f"sentence-transformers/{text}" if bare and _plausible(text) else text, strict)


_BY_USUAL: Final[dict[str, _Read]] = {
    "hub": _hub, "ollama": _ollama, "oci": _oci, "path": _path, "hosted": _hosted, "url": _url,
    "torchhub": _torchhub, "sentence-transformers": _sentence, "timm": _catalogue("timm"),
    "spacy": _catalogue("spacy"), "whisper": _catalogue("whisper"), "keras": _catalogue("keras"),
    "ultralytics": _catalogue("ultralytics"), "gensim": _catalogue("gensim"),
}  # fmt: skip
