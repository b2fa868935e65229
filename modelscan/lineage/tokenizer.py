"""Digests of a model's tokenizer and chat templates, part by part.

Weights are not all that makes a model: a token that is mapped elsewhere, or a template with a line
more, changes what it does and no weight. The parts are digested one by one, over their meaning and
not over their bytes, so that a difference can be named and a mere reformatting makes none.

Source: the `tokenizer.json` of the tokenizers library; `tokenizer_config.json` and
`chat_template.jinja` of transformers; `tokenizer.chat_template` of GGUF.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.chat_template.digests import template_digest
from modelscan.lineage import gguf_weights
from modelscan.lineage.families import Family
from modelscan.lineage.opening import read_json
from modelscan.vocabulary.snapshot import SourceFile

_LARGEST: Final = 64 << 20
"""Bytes of a tokenizer that is read; real ones have up to 35 million."""
_LARGEST_TEMPLATE: Final = 4 << 20
_PARTS: Final = ("normalizer", "pre_tokenizer", "post_processor", "decoder", "added_tokens")
_WHOLE: Final = {
    "tokenizer.model": "sentencepiece", "spiece.model": "sentencepiece", "vocab.txt": "vocab_txt",
    "merges.txt": "merges_txt",
}  # fmt: skip
"""Files that are digested as they are."""
_DOCUMENTS: Final = {
    "special_tokens_map.json": "special_tokens", "generation_config.json": "generation",
}  # fmt: skip


class Digests(NamedTuple):
    """What a fingerprint keeps of them, hexadecimal SHA-256."""

    tokenizer: Mapping[str, str]
    """By part."""
    templates: Mapping[str, str]
    """By the template's name; `default` where it has none."""


def describe(files: Sequence[SourceFile], family: Family | None = None) -> Digests:
    """The digests of what lies beside some weights, or in them.

    Args:
        files: all files of the model.
        family: the weights; of a GGUF file the templates in it count.
    """
    folder = family.name.rpartition("/")[0] if family else ""
    beside = {
        file.name.rpartition("/")[2]: file
        for file in files
        if file.name.rpartition("/")[0] == folder
    }
    parts: dict[str, str] = {}
    for name, part in _WHOLE.items():
        data = _bytes(beside.get(name), _LARGEST)
        if data is not None:
            parts[part] = hashlib.sha256(data).hexdigest()
    for name, part in _DOCUMENTS.items():
        document = read_json(beside[name]) if name in beside else None
        if document is not None:
            parts[part] = _digest(document)
    if "tokenizer.json" in beside:
        parts |= _tokenizer(read_json(beside["tokenizer.json"], _LARGEST))
    templates = _templates(beside)
    if family is not None and family.kind == "gguf":
        templates |= _inside({file.name: file for file in files}[family.files[0]])
    named = {name: template_digest(text) for name, text in sorted(templates.items())}
    return Digests(dict(sorted(parts.items())), named)


def _tokenizer(document: Any) -> dict[str, str]:
    if not isinstance(document, dict):
        return {}
    found = {part: _digest(document[part]) for part in _PARTS if document.get(part) is not None}
    model = document.get("model")
    if isinstance(model, dict):
        found |= {part: _digest(model[part]) for part in ("merges",) if part in model}
        if "vocab" in model:
            found["vocab"] = _digest(_by_number(model["vocab"]))
        rest = {key: value for key, value in model.items() if key not in {"vocab", "merges"}}
        found["model"] = _digest(rest)
    return found


def _by_number(vocabulary: Any) -> Any:
    """Tokens with their numbers, sorted; a list has them in order already."""
    if isinstance(vocabulary, dict):
        return sorted(vocabulary.items(), key=lambda item: (str(item[1]), item[0]))
    return vocabulary


def _digest(value: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()


def _templates(beside: Mapping[str, SourceFile]) -> dict[str, str]:
    found: dict[str, str] = {}
    file = beside.get("tokenizer_config.json")
    document = read_json(file, _LARGEST_TEMPLATE) if file else None
    stated = document.get("chat_template") if isinstance(document, dict) else None
    if isinstance(stated, str):
        found["default"] = stated
    for entry in stated if isinstance(stated, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("template"), str):
            found[str(entry.get("name", "default"))[:100]] = entry["template"]
    data = _bytes(beside.get("chat_template.jinja"), _LARGEST_TEMPLATE)
    if data is not None:  # a file of its own wins over the configuration
        found["default"] = data.decode("utf-8", "replace")
    return found


def _inside(file: SourceFile) -> dict[str, str]:
    """The templates in a GGUF file."""
    try:
        with file.open() as artifact:
            header = gguf_weights.header(artifact, Budget())
            texts = gguf_weights.templates(artifact, header)
    except ReadError:  # whoever opens the weights says so
        return {}
    return {name: data.decode("utf-8", "replace") for name, data in texts.items()}


def _bytes(file: SourceFile | None, limit: int) -> bytes | None:
    if file is None or file.size > limit:
        return None
    try:
        with file.open() as artifact:
            return artifact.read_at(0, limit)
    except ReadError:
        return None
