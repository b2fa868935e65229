"""YAML, JSON and TOML: settings, workflows, compose, Kubernetes, Helm, DVC, MLflow.

A file that breaks its syntax, such as a Helm template, is read line by line, and what is found so
is marked as inferred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from modelscan.discovery import naming, settings, trees
from modelscan.discovery.documents import Walk, path_mention
from modelscan.discovery.finder import CodeFile, Hints
from modelscan.discovery.mention import Mention
from modelscan.discovery.trees import line_of
from modelscan.vocabulary.coverage import Coverage

_YAML: Final = frozenset({".yaml", ".yml", ".dvc"})
_HINTS: Final = Hints(
    b"model", b"Model", b"MODEL", b"hf.co", b"huggingface", b"ollama", b"repo_id", b"HF_", b"vllm",
    b"storageUri", b"storage_uri", b"tokenizer", b"pretrained", b"checkpoint", b"hf download",
    b".gguf", b".safetensors", b".onnx", b".pkl", b".pt", b".joblib", b".ckpt", b".h5", b"llm",
)  # fmt: skip
_SKIPPED: Final = frozenset(
    {"package.json", "package-lock.json", "composer.json", "composer.lock", "tsconfig.json",
     "yarn.lock", "pnpm-lock.yaml", "poetry.lock", "uv.lock", "cargo.lock", "pipfile.lock",
     "npm-shrinkwrap.json", "tokenizer.json", "vocab.json", "special_tokens_map.json",
     "tokenizer_config.json", "merges.json", "generation_config.json", "openapi.json", "deno.json"}
)  # fmt: skip
"""Files that hold no settings of the code base, or those of a model itself."""
_OURS: Final = re.compile(r'"schema":\s*"modelassay-')
_KINDS: Final = (
    (re.compile(r"(?:^|/)\.github/workflows/|(?:^|/)\.gitlab-ci\.ya?ml$|(?:^|/)\.circleci/"
                r"|(?:^|/)azure-pipelines\.ya?ml$|(?:^|/)bitbucket-pipelines\.yml$"
                r"|(?:^|/)action\.ya?ml$|(?:^|/)\.drone\.yml$|(?:^|/)cloudbuild\.ya?ml$"),
     "workflow"),
    (re.compile(r"(?:^|/)(?:docker-)?compose[^/]*\.ya?ml$"), "compose"),
    (re.compile(r"(?:^|/)dvc\.(?:yaml|lock)$|\.dvc$"), "dvc"),
    (re.compile(r"(?:^|/)MLmodel$"), "mlflow"),
    (re.compile(r"(?:^|/)values[^/]*\.ya?ml$"), "helm"),
)  # fmt: skip
_CHART: Final = re.compile(r"(?:^|/)templates/[^/]+\.ya?ml$")
_MANIFEST: Final = re.compile(rb"^apiVersion:.*$", re.MULTILINE)


class ConfigFinder:
    """YAML, JSON and TOML."""

    def kind(self, file: CodeFile) -> str | None:
        """See `Finder.kind`."""
        if file.lower in _SKIPPED or file.lower.endswith(".ipynb"):
            return None
        for pattern, kind in _KINDS:
            if pattern.search(file.path):
                return kind
        if file.extension in _YAML:
            if _CHART.search(file.path) and b"{{" in file.data:
                return "helm"
            return "kubernetes" if _MANIFEST.search(file.data) else "yaml"
        if file.extension in {".json", ".jsonc", ".json5"}:
            return "json"
        return "toml" if file.extension == ".toml" or file.lower == "pipfile" else None

    def find(self, file: CodeFile) -> Iterator[Mention | Coverage]:
        """See `Finder.find`.

        Raises:
            ReadError: JSON or TOML that is neither.
        """
        kind = self.kind(file)
        if not _HINTS(file.data):
            return
        if kind == "json":
            if not _OURS.search(file.text[:2_000]):
                yield from _json(file)
        elif kind == "toml":
            yield from _walked(file, [trees.toml(file.text)])
        else:
            yield from _yaml(file, kind or "yaml")


def _json(file: CodeFile) -> Iterator[Mention]:
    root = trees.parse_json(file.text)
    if file.lower == "adapter_config.json" and isinstance(root, dict):
        base = root.get("base_model_name_or_path")
        if isinstance(base, str) and base:
            yield Mention(base, line_of(base), "hub", revision=_text(root.get("revision")))
        return
    if isinstance(root, dict) and _is_model_config(root):
        return
    yield from _walked(file, [root])


def _is_model_config(root: dict[str, Any]) -> bool:
    """True for the settings of a model: what its `_name_or_path` says is a claim, no reference."""
    return "architectures" in root or "model_type" in root or "tokenizer_class" in root


def _yaml(file: CodeFile, kind: str) -> Iterator[Mention]:
    found = trees.yaml(file.text, file.budget)
    if found.error:
        yield from settings.lines(file.text, file)
        return
    if _CHART.search(file.path) and b"{{" in file.data:  # a template that happens to be YAML
        yield from settings.lines(file.text, file)
    if kind == "dvc":
        yield from _dvc(found.roots)
    elif kind == "mlflow":
        yield from _mlflow(found.roots)
    elif kind == "compose":
        yield from _compose(found.roots)
        for root in found.roots:
            if isinstance(root, dict):
                root.pop("models", None)
    elif kind in {"kubernetes", "helm"}:
        yield from _volumes(found.roots)
    yield from _walked(file, found.roots)


def _walked(file: CodeFile, roots: list[Any]) -> Iterator[Mention]:
    walk = Walk(file)
    for root in roots:
        yield from walk.mentions(root)


def _dvc(roots: list[Any]) -> Iterator[Mention]:
    """Files of weights that DVC keeps; its MD5 digests identify and prove nothing."""
    for table in _tables(roots):
        path = table.get("path") or table.get("url")
        if isinstance(path, str):
            digest = table.get("md5") or table.get("etag")
            options = {"md5": str(digest)} if isinstance(digest, str) else {}
            yield from path_mention(path, line_of(path), options)


def _mlflow(roots: list[Any]) -> Iterator[Mention]:
    """What an `MLmodel` says about where its weights came from."""
    for table in _tables(roots):
        for key in ("source_model_name", "model_name"):
            name = table.get(key)
            if isinstance(name, str):
                revision = _text(table.get("source_model_revision") or table.get("revision"))
                yield Mention(name, line_of(name), "hub", revision=revision)
        for key in ("pickled_model", "model_data", "data", "serialized_model_file"):
            path = table.get(key)
            if isinstance(path, str):
                yield from path_mention(path, line_of(path))


def _compose(roots: list[Any]) -> Iterator[Mention]:
    """The element `models` of a compose file: OCI artifacts for Docker's model runner."""
    for root in roots:
        models = root.get("models") if isinstance(root, dict) else None
        for each in models.values() if isinstance(models, dict) else []:
            name = each.get("model") if isinstance(each, dict) else None
            if isinstance(name, str) and naming.named(name, "oci"):
                yield Mention(name, line_of(name), "oci")


def _volumes(roots: list[Any]) -> Iterator[Mention]:
    """Volumes that are OCI images (Kubernetes, KEP-4639): nothing but files, mostly weights."""
    for table in _tables(roots):
        image = table.get("image")
        reference = image.get("reference") if isinstance(image, dict) else None
        if isinstance(reference, str):
            yield Mention(reference, line_of(reference), "oci", "inferred")


def _tables(roots: list[Any]) -> Iterator[dict[str, Any]]:
    pending = list(roots)
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            yield value
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
