"""JSON configuration of a model repository: what it claims, and what code it asks a loader to run.

Sources: transformers' `auto_map` and `custom_pipelines` (remote code), `_attn_implementation`
naming a hub repository (CVE-2026-4372), sentence-transformers' `modules.json`, PEFT's
`adapter_config.json`. Small documents are parsed with every key seen, so that a key that stands
twice is noticed; large ones (tokenizers, indexes) are validated in one pass that keeps only the
keys looked for.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import adapter_config, claims, diffusers_index, json_text, model_shape
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, BytesArtifact, base_name, child_name, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ConfigDefect, ConfigSwitch, Fact, ModelClaim, RemoteCode
from modelscan.vocabulary.location import Location

_SMALL = 1 << 20
"""Documents up to this size are parsed whole; larger ones are data with a few keys that matter."""
_HELD = 8 << 20
"""Documents up to this size are validated as a whole; of larger ones the parts are looked up."""
_MAX_DOCUMENT = 64 << 20
_MAX_DEFECTS = 20

_REMOTE_KEYS = frozenset({"auto_map", "custom_pipelines"})
_ATTENTION_KEYS = frozenset({
    "_attn_implementation", "_attn_implementation_internal", "attn_implementation",
    "_experts_implementation", "_experts_implementation_internal", "experts_implementation",
    "kernel_mapping",
})  # fmt: skip
_SWITCH_KEYS = frozenset({"trust_remote_code"})
_WATCHED = re.compile(
    b'"(?:%s)"' % "|".join(sorted(_REMOTE_KEYS | _ATTENTION_KEYS | _SWITCH_KEYS)).encode()
)

_NAMED = re.compile(_WATCHED.pattern + b'|"chat_template"')
_STATED = re.compile(b"(?:" + _NAMED.pattern + rb""")\s*+:\s*+["\[{t]""")
"""The same with a value that means something: vocabularies have such names, with a number."""

_OF_EDITORS = frozenset({
    "settings.json", "launch.json", "tasks.json", "extensions.json", "devcontainer.json",
    ".devcontainer.json", "tsconfig.json", "jsconfig.json", "pyrightconfig.json",
    "keybindings.json", "c_cpp_properties.json", "api-extractor.json", "deno.json", "wrangler.json",
})  # fmt: skip
"""Documents that no loader of a model reads, and that hold comments, which are not JSON."""
_NAMES_OF_PARTS = ("name_or_path", "repo_id", "repo", "model_id", "model_name", "model")
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_CROSS_REPOSITORY = "--"
_OWN_MODULES = "sentence_transformers."
_MODULES = frozenset({"modules.json", "router_config.json"})


_NOTHING = msgspec.Raw(b"null")


class _Large(msgspec.Struct):
    """The watched keys at the top of a large document; everything else is only validated."""

    auto_map: msgspec.Raw = _NOTHING
    custom_pipelines: msgspec.Raw = _NOTHING
    trust_remote_code: msgspec.Raw = _NOTHING
    chat_template: msgspec.Raw = _NOTHING
    attn_implementation: msgspec.Raw = _NOTHING
    attention: msgspec.Raw = msgspec.field(default=_NOTHING, name="_attn_implementation")
    attention_internal: msgspec.Raw = msgspec.field(
        default=_NOTHING, name="_attn_implementation_internal"
    )


class HubConfigReader:
    """Any `.json` document; the well-known names say more."""

    format = "json"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name: JSON has no magic bytes, and loaders go by the name."""
        return glimpse.extension == ".json"

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State remote code, switches, defects and claims.

        Raises:
            ReadError: the document is not JSON.
        """
        if artifact.size > _MAX_DOCUMENT:
            yield _unparsed(artifact, budget)
            return
        budget.header(artifact.size)
        where = place(artifact)
        if artifact.size > _HELD:
            large = _looked_up(artifact, budget)
            yield from _watched(large, where)
            yield from _templates(artifact, large)
            return
        data = artifact.read_at(0, artifact.size)
        if artifact.size > _SMALL:
            large = _large(data)
            yield from _watched(large, where)
            yield from _templates(artifact, large)
            return
        try:
            root, defects = _small(data)
        except ReadError:
            if base_name(artifact) not in _OF_EDITORS:
                raise
            yield Coverage(
                file=artifact.name,
                member=artifact.member,
                status="skipped",
                reason="settings of an editor, whose JSON may hold comments",
            )
            return
        for kind, key in defects[:_MAX_DEFECTS]:
            budget.fact()
            yield ConfigDefect(location=where, kind=kind, key=key)
        for fact in _watched(root, where) if _mentions_watched(data) else ():
            budget.fact()
            yield fact
        yield from _by_name(base_name(artifact), root, where)
        yield from _templates(artifact, root)


def _unparsed(artifact: Artifact, budget: Budget) -> Coverage:
    """What becomes of a document that is too long: searched, and a gap only if it must be."""
    from modelscan.formats import long_json  # lazy: hardly a document is so long

    said = long_json.mentions(artifact, _NAMED, budget)
    return Coverage(
        file=artifact.name,
        member=artifact.member,
        status="truncated" if said else "header-only",
        needed=said,
        reason=f"a JSON document of {artifact.size:,} bytes"
        + ("" if said else ", searched for code and templates and not parsed"),
    )


def _small(data: bytes) -> tuple[Any, list[tuple[Any, str]]]:
    """A small document and its defects.

    Raises:
        ReadError: it is not JSON.
    """
    defects: list[tuple[Any, str]] = []
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode()  # the codec for both is slow
    except UnicodeDecodeError:
        defects.append(("not-utf8", ""))
        text = data.decode("utf-8", "surrogateescape")
    try:
        document = json_text.parse(text)
    except (ValueError, RecursionError) as error:
        raise ReadError(f"not JSON: {error}") from None
    defects += [("duplicate-key", name) for name in document.repeated]
    defects += [("not-a-number", name) for name in document.constants]
    return document.root, defects


def _mentions_watched(data: bytes) -> bool:
    """False when no watched key is in the document: an escape in the text may spell any of them."""
    return b"\\u" in data or _WATCHED.search(data) is not None


def _large(data: bytes) -> dict[str, Any]:
    """The watched keys of a large document. A list is only validated.

    Raises:
        ReadError: it is not JSON.
        BudgetError: what a watched key says is itself large.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    listed = data[:_SMALL].lstrip()[:1] == b"["
    try:
        found = msgspec.json.decode(data, type=msgspec.Raw if listed else _Large)
        if not isinstance(found, _Large):
            return {}
        fields = msgspec.structs.fields(_Large)
        stated = {field.encode_name: getattr(found, field.name) for field in fields}
        for key, value in stated.items():
            if len(value) > _SMALL:
                raise BudgetError(f"a {key} of {len(value):,} bytes")
        values = {key: msgspec.json.decode(value) for key, value in stated.items()}
    except (msgspec.DecodeError, RecursionError) as error:
        raise ReadError(f"not JSON: {error}") from None
    return {key: value for key, value in values.items() if value is not None}


def _looked_up(artifact: Artifact, budget: Budget) -> dict[str, Any]:
    """The same of a document that is too large to be held: what is not watched is passed over.

    Raises:
        ReadError: it is not JSON.
        BudgetError: what a watched key says is itself large.
    """
    from modelscan.formats.json_parts import JsonParts  # lazy: hardly a document is so large

    parts = JsonParts(artifact, budget)
    root = parts.root()
    if parts.first(root) == b"[":
        return {}
    watched = {field.encode_name for field in msgspec.structs.fields(_Large)}
    try:
        found = {key: part for key, part in parts.members(root) if key in watched}
    except BudgetError:  # a vocabulary: all names are in the outer table
        from modelscan.formats.long_json import mentions  # lazy: as above

        if mentions(artifact, _STATED, budget):
            raise BudgetError(f"a JSON document of {artifact.size:,} bytes") from None
        return {}
    for key, part in found.items():
        if part.size > _SMALL:
            raise BudgetError(f"a {key} of {part.size:,} bytes")
    try:
        values = {key: msgspec.json.decode(parts.raw(part)) for key, part in found.items()}
    except (msgspec.DecodeError, RecursionError) as error:
        raise ReadError(f"not JSON: {error}") from None
    return {key: value for key, value in values.items() if value is not None}


def _shown(value: Any) -> str:
    import json  # lazy: hardly a configuration has one of these switches on

    return json.dumps(value)[:200]


def _watched(root: Any, where: Location) -> Iterator[Fact]:
    """Facts about the watched keys, at any depth."""
    pending: list[tuple[str, Any]] = [("", root)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, list):
            pending.extend((f"{path}[{index}]", item) for index, item in enumerate(value))
        if not isinstance(value, dict):
            continue
        for key, item in value.items():
            here = f"{path}.{key}" if path else key
            if key in _REMOTE_KEYS:
                yield from _references(here, item, where)
            elif key in _ATTENTION_KEYS:
                yield from _kernels(here, item, where)
            elif key in _SWITCH_KEYS:
                if item:
                    yield ConfigSwitch(location=where, key=here, value=_shown(item))
                    yield from _consented(path, value, where)
            else:
                pending.append((here, item))


def _consented(path: str, table: dict[str, Any], where: Location) -> Iterator[Fact]:
    """The other repository that a part of the model is taken from, consent to its code included.

    A part brings its own switch, which was obeyed whatever the user said (CVE-2026-5241). At the
    top, a name is only where the model says that it comes from.
    """
    for name, value in table.items() if path else ():
        named = name.endswith(_NAMES_OF_PARTS) and isinstance(value, str)
        if named and _REPOSITORY.fullmatch(value):
            yield RemoteCode(
                location=where, key=f"{path}.{name}", reference=value, repository=value
            )


def _kernels(path: str, value: Any, where: Location) -> Iterator[Fact]:
    """The repositories that kernels are taken from: one, or one for each part of the model."""
    pending = [(path, value)]
    while pending:
        here, item = pending.pop(0)
        if isinstance(item, str) and "/" in item:
            repository = item.rpartition("|")[2].partition(":")[0].partition("@")[0]
            yield RemoteCode(location=where, key=here, reference=item, repository=repository)
        elif isinstance(item, dict):
            pending.extend((f"{here}.{key}", entry) for key, entry in item.items())


def _references(path: str, value: Any, where: Location) -> Iterator[Fact]:
    """The classes that an `auto_map` or a `custom_pipelines` table names.

    `custom_pipelines` says them under `impl`; its other keys name classes of the library.
    """
    pending = [(path, value)]
    while pending:
        here, item = pending.pop(0)
        if isinstance(item, str):
            repository, cross, _ = item.partition(_CROSS_REPOSITORY)
            yield RemoteCode(
                location=where, key=here, reference=item, repository=repository if cross else ""
            )
        elif isinstance(item, list):
            pending.extend((here, entry) for entry in item)
        elif isinstance(item, dict):
            inner = {"impl": item["impl"]} if "impl" in item else item
            pending.extend((f"{here}.{key}", entry) for key, entry in inner.items())


def _by_name(name: str, root: Any, where: Location) -> Iterator[Fact]:
    """What the well-known documents say beyond the watched keys."""
    if name in _MODULES:
        yield from _imported(root, where)
    elif not isinstance(root, dict):
        return
    elif name == diffusers_index.NAME:
        yield from diffusers_index.facts(root, where)
    elif name == adapter_config.NAME:
        yield from adapter_config.facts(root, where)
        yield from model_shape.adapter(root, where)
    elif name == "generation_config.json":
        yield from model_shape.generation(root, where)
    elif name == "config.json":
        yield from claims.base(root.get("_name_or_path"), "", where)
        yield from model_shape.model(root, where)
        for architecture in _strings(root.get("architectures")):
            yield _claim("architecture", architecture, where)


def _imported(root: Any, where: Location) -> Iterator[Fact]:
    """Modules that sentence-transformers imports by their dotted names: in order, or by routes."""
    found: list[tuple[str, Any]] = []
    if isinstance(root, list):
        modules = [module for module in root if isinstance(module, dict)]
        found = [(f"[{index}].type", module.get("type")) for index, module in enumerate(modules)]
    elif isinstance(root, dict) and isinstance(root.get("types"), dict):
        found = [(f"types.{key}", kind) for key, kind in root["types"].items()]
    for key, kind in found[:_MAX_DEFECTS]:
        if isinstance(kind, str) and not kind.startswith(_OWN_MODULES):
            repository, cross, _ = kind.partition(_CROSS_REPOSITORY)
            yield RemoteCode(
                location=where, key=key, reference=kind, repository=repository if cross else ""
            )
            yield from diffusers_index.dangerous(kind, key, where)


def _templates(artifact: Artifact, root: Any) -> Iterator[Artifact]:
    """Chat templates are programs: each goes on its way as a member of its own."""
    value = root.get("chat_template") if isinstance(root, dict) else None
    if isinstance(value, dict):  # written as a table by older processors
        named = [{"name": name, "template": template} for name, template in value.items()]
    else:
        named = value if isinstance(value, list) else [{"template": value}]
    for item in named:
        template = item.get("template") if isinstance(item, dict) else None
        if isinstance(template, str):
            name = item.get("name")
            member = (
                f"chat_template.{name}.jinja" if isinstance(name, str) else "chat_template.jinja"
            )
            yield BytesArtifact(
                artifact.name,
                template.encode("utf-8", "surrogatepass"),
                member=child_name(artifact, member),
                depth=artifact.depth + 1,
            )


def _claim(claim: Any, value: str, where: Location) -> Fact:
    return ModelClaim(location=where, status="declared", claim=claim, value=value)


def _strings(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
