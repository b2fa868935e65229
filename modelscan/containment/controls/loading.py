"""What is loaded, from where, and with which safeguards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.containment.controls.assurance import checker
from modelscan.containment.model import Container, Mount
from modelscan.containment.nodes import Place, truth
from modelscan.containment.templates import PLACEHOLDER
from modelscan.containment.view import Result, Serving, Switch, View
from modelscan.vocabulary.containment import Control
from modelscan.vocabulary.reference import Reference

FETCH: Final = re.compile(
    r"\b(?:ollama (?:pull|run)|docker model (?:pull|run)"
    r"|ramalama (?:pull|run|serve)|hf download|huggingface-cli download|modelscope download"
    r"|clone \S*(?:huggingface\.co|hf\.co|modelscope)"
    r"|snapshot_download|hf_hub_download|download-weights|git lfs pull|kit pull|oras pull)\b"
    r"|(?:curl|wget|aria2c|s5cmd|gsutil|aws s3|rclone)\b.*(?:huggingface\.co|\.gguf"
    r"|\.safetensors|s3://|gs://)"
)
"""Commands that fetch weights."""
_FAR: Final = (
    "s3://", "gs://", "gcs://", "https://", "http://", "abfs", "wasb", "az://", "hdfs://",
    "storage://", "webhdfs://", "r2://", "oss://", "swift://", "git://", "ms://", "hdfs:/",
)  # fmt: skip
"""Addresses of weights that are fetched."""
_ROOT: Final = "/root"
"""The home of images that run as root."""
_STORES: Final = (
    "/models", "/model", "/data", "/mnt/models", f"{_ROOT}/.cache", f"{_ROOT}/.ollama", "/weights",
    "/home/ollama/.ollama", "/repo", "/opt/models", "/var/lib/models", "/model-repository",
    "/checkpoints", "/usr/share/ollama", "/var/lib/ollama",
)  # fmt: skip
"""Where images usually look for weights."""
_HOMES: Final = (
    "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE", "OLLAMA_MODELS",
    "MODEL_STORE", "LLAMA_CACHE", "VLLM_CACHE_ROOT", "SENTENCE_TRANSFORMERS_HOME", "MODELS_PATH",
)  # fmt: skip
"""Variables that say where weights are kept."""


DOORS: Final[tuple[tuple[Control, tuple[str, ...], tuple[str, ...], str], ...]] = (
    ("no-remote-code", ("--trust-remote-code", "--hf-trust-remote-code"),
     ("TRUST_REMOTE_CODE", "HF_TRUST_REMOTE_CODE", "VLLM_TRUST_REMOTE_CODE",
      "SGLANG_TRUST_REMOTE_CODE", "HF_HUB_TRUST_REMOTE_CODE"),
     "the server runs Python that comes with the model"),
    ("no-runtime-loading", ("--enable-model-api",),
     ("VLLM_ALLOW_RUNTIME_LORA_UPDATING", "VLLM_SERVER_DEV_MODE"),
     "callers can load adapters or reach development functions"),
    ("no-local-files", ("--allowed-local-media-path", "--media-path", "--allow-local-files"),
     ("VLLM_ALLOWED_LOCAL_MEDIA_PATH", "ALLOWED_LOCAL_MEDIA_PATH"),
     "requests can name files for the server to read"),
    ("safe-loading", ("--disable-safe-unpickle", "--allow-pickle"),
     ("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "VLLM_ALLOW_INSECURE_SERIALIZATION",
      "ALLOW_UNSAFE_PICKLE", "COMMANDLINE_DISABLE_SAFE_UNPICKLE"),
     "pickles are loaded without the restricted unpickler"),
)  # fmt: skip
MODES: Final[tuple[tuple[Control, str, frozenset[str], str], ...]] = (
    ("no-runtime-loading", "--model-control-mode", frozenset({"explicit", "poll"}),
     "models can be added while the server runs"),
    ("safe-loading", "--load-format", frozenset({"pt", "npcache", "dummy_pt"}),
     "weights are taken from pickles"),
)  # fmt: skip
"""Flags that open a door with some values only."""
_GOOD: Final[dict[Control, str]] = {
    "no-remote-code": "nothing asks for code of the model",
    "no-runtime-loading": "nothing lets callers load models or adapters",
    "no-local-files": "nothing lets requests name files",
    "safe-loading": "no safeguard of a loader is switched off",
}


def is_far(address: str) -> bool:
    """True for the address of a model that is fetched, of whatever kind."""
    return address.startswith(("hf://", *_FAR))


def doors(view: View, control: Control) -> Iterator[Result]:
    """Flags and variables of one control."""
    clean = True
    for each in view.serving:
        for result in _opened(each.container, control):
            clean = False
            yield result
    adding = _adding(view) if clean and control == "no-runtime-loading" else None
    if adding is not None:
        yield adding
    elif clean:
        yield view.good(control, _GOOD[control])


def _opened(container: Container, control: Control) -> Iterator[Result]:
    for named, flags, settings, effect in DOORS:
        if named == control:
            yield from _switched(container, control, flags, settings, effect)
    for named, flag, values, effect in MODES:
        found = container.flag(flag) if named == control else None
        if found and found[1].text in values:
            yield _door(control, flag, found[1].text, effect, container.where(found[1].line))
    if control == "no-runtime-loading":
        yield from _sglang(container)
    for word in container.words() if control == "safe-loading" else ():
        if re.search(r"weights_only\s*=\s*False", word.text):
            effect = "torch.load is told to run what a pickle says"
            yield _door(control, "weights_only", "False", effect, container.where(word.line))


def _sglang(container: Container) -> Iterator[Result]:
    """SGLang loads adapters for whoever asks, once it is told to load any."""
    texts = [container.image, container.base_image, *(word.text for word in container.words())]
    serves = any("sglang" in text for text in texts)
    found = container.flag("--enable-lora", "--lora-paths")
    if serves and found and not container.flag("--admin-api-key"):
        effect = "callers can load and unload adapters"
        place = container.where(found[1].line)
        yield _door("no-runtime-loading", found[0], "", effect, place)


def _switched(
    container: Container,
    control: Control,
    flags: tuple[str, ...],
    settings: tuple[str, ...],
    effect: str,
) -> Iterator[Result]:
    for flag in flags:
        found = container.flag(flag)
        if found and truth(found[1].text) is not False:
            value = "" if found[1].text == found[0] else found[1].text
            place = container.where(found[1].line)
            yield _door(control, found[0], value, effect, place)
    for name in settings:
        setting = container.setting(name)
        given = setting.value if setting else None
        if setting and given and truth(given) is not False:
            yield _door(control, setting.name, given, effect, setting.place)


def _door(control: Control, name: str, value: str, effect: str, place: Place) -> Result:
    shown = f"{name}={value}" if value else name
    switch = Switch(name, value, effect)
    return Result(control, "violated", f"{shown}: {effect}", place, switch=switch)


_FETCHING: Final = {"ollama": "Ollama", "localai": "LocalAI"}
"""Servers whose interface lets callers add models."""


def _adding(view: View) -> Result | None:
    """A server whose interface adds models; a store that it cannot write stops that."""
    names = [_FETCHING[each.server.name] for each in view.serving if _adds(each)]
    if not names:
        return None
    stores = [mount for each in view.serving for mount in stores_of(each)]
    if stores and all(mount.read_only for mount in stores):
        reason = f"{names[0]}'s interface can pull models, and cannot write its store"
        return view.good("no-runtime-loading", reason, stores[0].place)
    reason = (
        f"{names[0]}'s interface lets callers pull and create models, and its store can be written"
    )
    return view.silent("no-runtime-loading", reason)


def _adds(each: Serving) -> bool:
    off = each.container.setting("LOCALAI_DISABLE_GALLERY_ENDPOINT", "DISABLE_GALLERY_ENDPOINT")
    told = each.container.flag("--disable-gallery-endpoint") or (off and truth(off.value or ""))
    return each.server.name in _FETCHING and not told


def weights_local(view: View) -> Iterator[Result]:
    """Whether weights are there before the server starts."""
    fetched = list(_fetched(view))
    yield from fetched
    for each in view.serving:
        if each.server.role == "serves" and not fetched:
            yield from _kept(view, each)


def _kept(view: View, each: Serving) -> Iterator[Result]:
    """Where the models of one server come from, when no command fetches them."""
    control: Control = "weights-local"
    for model in each.models:
        place = Place(model.where.file, model.where.line)
        if model.ref.startswith("oci:"):
            yield view.good(control, f"{model.ref} is an image that is mounted", place)
        elif model.ref.startswith(("/", ".", "pvc:", "file:")):
            yield view.good(control, f"{model.ref} is a path", place)
        elif model.ref.startswith(_FAR):
            yield view.bad(control, f"{model.ref} is fetched when the server starts", place)
        elif each.server.hub and offline(each.container) is not None:
            yield view.good(control, "the hub's client is offline: only what is there", place)
        elif each.server.name == "llama.cpp" and each.container.flag("--offline"):
            yield view.good(control, "llama.cpp is offline: only what is there", place)
        elif each.server.fetches:
            yield view.silent(control, f"{model.ref} is fetched when the server starts", place)
    stores = stores_of(each)
    if stores and not each.models:
        yield view.good(control, f"{stores[0].path} is mounted", stores[0].place)
    elif not each.models:
        yield view.unknown(control, "no model and no store for one is named")


def _fetched(view: View) -> Iterator[Result]:
    """Commands that fetch weights, also before the server starts; storage that is far away."""
    control: Control = "weights-local"
    for container in view.workload.containers:
        for command in container.commands:
            text = " ".join(word.text for word in command)
            if FETCH.search(text):
                place = container.where(command[0].line)
                yield view.bad(control, f"{container.name} fetches weights: {text[:80]}", place)
                break
        for mount in container.mounts:
            if mount.path == "/mnt/models" and is_far(mount.source):
                reason = f"{mount.source} is fetched by the storage initialiser"
                yield view.bad(control, reason, mount.place)


def offline(container: Container) -> Place | None:
    """Where the hub's client is told to stay offline."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        setting = container.setting(name)
        if setting and truth(setting.value or "") is True:
            return setting.place
    return None


def hub_offline(view: View) -> Iterator[Result]:
    """Whether the hub's client stays offline; for servers that have it."""
    for each in view.serving:
        if each.server.role == "serves" and each.server.hub:
            place = offline(each.container)
            if place is not None:
                yield view.good("hub-offline", "the hub's client is told to stay offline", place)
            else:
                reason = "HF_HUB_OFFLINE is not set: the hub's client may fetch at any time"
                yield view.silent("hub-offline", reason, each.container.place)


def model_read_only(view: View) -> Iterator[Result]:
    """Whether the server can write what it loads."""
    control: Control = "model-read-only"
    for each in view.serving:
        if each.server.role != "serves":
            continue
        stores = stores_of(each)
        for mount in stores:
            if mount.read_only:
                yield view.good(control, f"{mount.path} is mounted read-only", mount.place)
            else:
                yield view.bad(control, f"{mount.path} can be written by the server", mount.place)
        if not stores and each.container.root_read_only.value:
            place = each.container.root_read_only.place
            yield view.good(control, "nothing of the container can be written", place)
        elif not stores:
            yield view.unknown(control, "no volume that holds the model is named")


def stores_of(each: Serving) -> list[Mount]:
    """Mounts that hold weights: by the models' paths, by variables, by usual places."""
    paths = [model.ref for model in each.models if model.ref.startswith("/")]
    paths += [s.value for name in _HOMES if (s := each.container.setting(name)) and s.value]
    flag = each.container.flag("--download-dir", "--huggingface-hub-cache", "--model-repository",
                               "--model-store", "--models-path")  # fmt: skip
    paths += [flag[1].text] if flag else []
    held = [
        mount
        for mount in each.container.mounts
        if mount.kind in {"host", "claim", "named", "scratch", "image", "unknown"}
    ]
    named = [m for m in held if m.path not in {"", "/"} and any(_below(p, m.path) for p in paths)]
    usual = [m for m in held if m.path.rstrip("/") in _STORES or m.path.startswith(_STORES[3:6])]
    found = {mount.path: mount for mount in [*named, *usual]}
    return [m for m in found.values() if not m.path.startswith(("/dev", "/tmp"))]  # noqa: S108  # no store of models


def _below(path: str, folder: str) -> bool:
    return (path.rstrip("/") + "/").startswith(folder.rstrip("/") + "/")


def model_pinned(view: View) -> Iterator[Result]:
    """Whether what is loaded can change under the same name."""
    control: Control = "model-pinned"
    named = False
    for each in view.serving:
        for model in each.models:
            named = True
            place = Place(model.where.file, model.where.line)
            other = _unlike_lock(view, model)
            if other:
                yield view.bad(control, other, place)
            elif model.pinned:
                yield view.good(control, f"{model.ref} is pinned", place)
            elif model.ref.startswith(("/", ".", "pvc:", "file:")):
                yield _by_path(view, model.ref, place)
            elif model.certainty == "unresolved":
                yield view.unknown(control, f"{model.ref[:60]} is put in elsewhere", place)
            elif view.workload.kind == "compose model":
                yield view.bad(control, f"{model.ref} can change under this name", place)
            else:
                yield view.silent(control, f"{model.ref} can change under this name", place)
    if not named and view.serves:
        check = checker(view)
        if check is None:
            yield view.unknown(control, "no model is named")
        else:
            yield view.good(control, "what lies in its store is verified before the start", check)


def _unlike_lock(view: View, model: Reference) -> str:
    """How a model is not what the lock agrees on; empty when it is, or without a lock."""
    if not view.locked or not model.ref.startswith("hf:") or model.certainty == "unresolved":
        return ""
    name = model.ref.partition("@")[0]
    agreed = [each for each in view.locked if each.ref.partition("@")[0] == name]
    if not agreed:
        return f"{model.ref} is not in the lock"
    if model.pinned and model.revision not in {each.revision for each in agreed}:
        return f"{model.ref} is at {(model.revision or '')[:12]}, the lock has another commit"
    return ""


def _by_path(view: View, path: str, place: Place) -> Result:
    check = checker(view)
    if check is not None:
        return view.good("model-pinned", f"{path} is checked before the start", check)
    return view.unknown(
        "model-pinned", f"{path} is a path: nothing says which bytes lie there", place
    )


def image_pinned(view: View) -> Iterator[Result]:
    """Whether the images are named by digest."""
    for container in view.workload.containers:
        if not container.image or container.image == "scratch" or PLACEHOLDER in container.image:
            if view.workload.platform != "systemd":
                reason = f"{container.name} is built, or its image is put in elsewhere"
                yield view.unknown("image-pinned", reason, container.place)
        elif "@sha256:" in container.image:
            reason = f"{container.image.partition('@')[0]} is named by digest"
            yield view.good("image-pinned", reason, container.image_place)
        else:
            reason = f"{container.image} can change under this name"
            yield view.bad("image-pinned", reason, container.image_place or container.place)
