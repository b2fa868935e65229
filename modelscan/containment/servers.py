"""Which programs serve a model or act on one, and what is particular about each.

A workload is recognised by what it runs: its image, its command, or the variables that only such a
program takes. A name alone (`my-llm`) says nothing.

Sources: each program's own `--help` and documentation of its images: vLLM, TGI, TEI, SGLang,
llama.cpp, Ollama, Triton, KServe, Ray Serve and the others below.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from modelscan.containment.model import Container
from modelscan.discovery.shellwords import Word

Role = Literal["serves", "drives"]


class Server(NamedTuple):
    """A program."""

    name: str
    role: Role = "serves"
    images: str = ""
    """Regular expression on the words of an image's name."""
    programs: tuple[str, ...] = ()
    """The words that its command begins with."""
    key_flags: tuple[str, ...] = ()
    """Flags that ask callers for a key."""
    key_settings: tuple[str, ...] = ()
    """Variables that do."""
    loopback: bool = False
    """True when it listens on loopback alone unless told otherwise; its images all tell it so."""
    fetches: bool = True
    """True when it fetches a model that is named and not there."""
    hub: bool = True
    """True when it fetches through the hub's client, which `HF_HUB_OFFLINE` stops."""
    commands: bool = False
    """True for an agent that can run commands."""


_KEYS: Final = ("--api-key", "--api-keys", "--api-key-file")

SERVERS: Final[tuple[Server, ...]] = (
    Server("openhands", "drives", r"openhands|opendevin", ("openhands",), commands=True),
    Server("open-interpreter", "drives", r"open-interpreter|open-webui-terminal", ("interpreter",),
           commands=True),
    Server("autogpt", "drives", r"auto-?gpt", ("autogpt",), commands=True),
    Server("aider", "drives", r"paulgauthier/aider(?:-full)?", ("aider",), commands=True),
    Server("goose", "drives", r"", ("goose session", "goose run"), commands=True),
    Server("swe-agent", "drives", r"swe-?agent", ("sweagent",), commands=True),
    Server("open-webui", "drives", r"open-webui|ollama-webui", ("open-webui",)),
    Server("langflow", "drives", r"langflow", ("langflow",)),
    Server("flowise", "drives", r"flowise", ("flowise",)),
    Server("dify", "drives", r"dify-(?:api|worker|sandbox)", ()),
    Server("anythingllm", "drives", r"anythingllm", ()),
    Server("librechat", "drives", r"librechat", ()),
    Server("litellm", "drives", r"litellm", ("litellm",), (), ("LITELLM_MASTER_KEY",)),
    Server("mcp-gateway", "drives", r"mcp-gateway|mcp-proxy|mcpo|supergateway", (),
           commands=True),
    Server("nim", "serves", r"nim/[\w.-]+/[\w.-]+", (), (), (), hub=False),
    Server("vllm", "serves", r"vllm(?:-openai|-cpu|-tpu|-rocm)?",
           ("vllm serve", "vllm", "vllm.entrypoints"), _KEYS, ("VLLM_API_KEY",)),
    Server("tgi", "serves", r"text-generation-inference|tgi|lorax",
           ("text-generation-launcher", "text-generation-server", "lorax-launcher"), _KEYS,
           ("API_KEY",)),
    Server("tei", "serves", r"text-embeddings-inference|tei", ("text-embeddings-router",), _KEYS,
           ("API_KEY",)),
    Server("sglang", "serves", r"sglang", ("sglang.launch_server", "sglang serve", "sglang"),
           (*_KEYS, "--admin-api-key"), (), loopback=True),
    Server("llama.cpp", "serves", r"llama\.cpp|llama-cpp(?:-python)?|llama-server|llamafile",
           ("llama-server", "llama_cpp.server", "llamafile"), (*_KEYS, "--api_key"),
           ("LLAMA_API_KEY", "LLAMA_ARG_API_KEY"), loopback=True, hub=False),
    Server("ollama", "serves", r"ollama", ("ollama serve", "ollama"), (), (), loopback=True,
           hub=False),
    Server("triton", "serves", r"tritonserver|triton-inference-server", ("tritonserver",),
           ("--http-restricted-api", "--grpc-restricted-protocol"), (), fetches=False, hub=False),
    Server("kserve", "serves", r"huggingfaceserver|sklearnserver|xgbserver|lgbserver|pmmlserver",
           ("huggingfaceserver", "sklearnserver"), (), ()),
    Server("ray-serve", "serves", r"ray-llm", ("serve run", "serve deploy", "ray.serve"),
           (), ("RAY_AUTH_TOKEN",)),
    Server("lmdeploy", "serves", r"lmdeploy", ("lmdeploy serve", "lmdeploy"), _KEYS, ()),
    Server("tensorrt-llm", "serves", r"tensorrt-llm|tensorrtllm", ("trtllm-serve",), (), ()),
    Server("aphrodite", "serves", r"aphrodite(?:-engine|-openai)?", ("aphrodite run",), _KEYS, ()),
    Server("infinity", "serves", r"michaelf34/infinity|infinity-emb", ("infinity_emb",), _KEYS,
           ("INFINITY_API_KEY",)),
    Server("mlc", "serves", r"mlc-llm", ("mlc_llm serve",), _KEYS, ()),
    Server("localai", "serves", r"local-?ai", ("local-ai",), _KEYS, ("API_KEY", "LOCALAI_API_KEY"),
           hub=False),
    Server("xinference", "serves", r"xinference", ("xinference-local", "xinference launch")),
    Server("tabby", "serves", r"tabbyml/tabby", ("tabby serve",), (),
           ("TABBY_WEBSERVER_JWT_TOKEN_SECRET",)),
    Server("koboldcpp", "serves", r"koboldcpp", ("koboldcpp",), ("--password",), (), hub=False),
    Server("text-generation-webui", "serves", r"text-generation-webui|oobabooga", (), _KEYS, ()),
    Server("comfyui", "serves", r"comfyui", (), (), ()),
    Server("stable-diffusion-webui", "serves", r"stable-diffusion-webui|automatic1111", (),
           ("--api-auth", "--gradio-auth"), ()),
    Server("fastchat", "serves", r"fastchat|fschat", ("fastchat.serve",), _KEYS, ()),
    Server("transformers", "serves", r"transformers-pytorch-gpu", ("transformers serve",), (), ()),
    Server("torchserve", "serves", r"torchserve", ("torchserve",), (), (), hub=False),
    Server("tensorflow-serving", "serves", r"tensorflow/serving|tensorflow_model_server",
           ("tensorflow_model_server",), (), (), fetches=False, hub=False),
    Server("mlflow", "serves", r"", ("mlflow models",), (), (), hub=False),
    Server("mlserver", "serves", r"mlserver", ("mlserver start",), (), (), hub=False),
    Server("whisper", "serves", r"faster-whisper-server|whisper-asr-webservice|speaches", (), (),
           ("API_KEY",)),
)  # fmt: skip
"""In the order in which they are tried."""

UNKNOWN: Final = Server("unknown")
"""A program of its own that names a model."""
CLIENT: Final = Server("client", "drives")
"""A program of its own that asks a model at an address."""

_ADDRESSES: Final = frozenset(
    {"OPENAI_API_BASE", "OPENAI_BASE_URL", "OPENAI_API_BASE_URL", "OPENAI_API_BASE_URLS",
     "OLLAMA_BASE_URL", "OLLAMA_API_BASE", "OLLAMA_BASE_URLS", "OLLAMA_URL", "LLM_BASE_URL",
     "LLM_API_BASE", "LLM_ENDPOINT", "VLLM_URL", "VLLM_BASE_URL", "TGI_URL", "LLM_API_URL",
     "MODEL_ENDPOINT", "INFERENCE_SERVER_URL", "OLLAMA_API_URL", "LOCAL_LLM_URL"}
)  # fmt: skip
"""Variables that say where a model answers."""
_HOSTED: Final = re.compile(r"api\.openai\.com|azure\.com|anthropic\.com|googleapis|openrouter\.ai")
"""Somebody else's models: what they do is not contained here."""
_OTHER: Final = re.compile(
    r"exporter|dashboard|prometheus|grafana|docs?$|nginx|proxy|router|gateway|operator|controller"
    r"|manager|prober|benchmark|bench$|postgres|redis|proto$|autoscaler|sidecar"
    r"|kuberay|webhook|bootstrap|theme|metrics|client|plugin|website|tests?$|builder$",
)
"""Words of images around a server that are none."""
_PYTHON: Final = re.compile(r"(?:.*/)?python[\d.]*$")
_ASSIGNED: Final = re.compile(r"[A-Za-z_]\w*=")
_LAUNCHERS: Final = frozenset(
    {"env", "exec", "sudo", "nohup", "setsid", "numactl", "taskset", "nice", "ionice", "timeout",
     "stdbuf", "tini", "dumb-init", "catatonit", "gosu", "su-exec", "runuser", "setpriv", "chroot",
     "uv", "uvx", "pipx", "conda", "mamba", "micromamba", "poetry", "pipenv", "hatch", "pdm",
     "pixi", "rye", "torchrun", "accelerate", "deepspeed", "mpirun", "mpiexec", "nsys", "time",
     "xvfb-run", "s6-setuidgid", "command", "sh", "bash", "zsh", "ash", "dash", "srun", "apptainer",
     "singularity"}
)  # fmt: skip
"""Programs that start another one, which stands behind their own words."""
_FAR: Final = 40
"""Words among which the program is looked for."""
_OPTIONS: Final = 5
_SURE: Final = 9
_PREFIXES: Final = frozenset(
    {"exec", "sudo", "env", "nohup", "time", "tini", "dumb-init", "--", "uv", "run", "numactl",
     "/usr/bin/tini", "-s", "-g", "nice"}
)  # fmt: skip


def image_name(image: str) -> str:
    """`openai/vllm` of `host:5000/openai/vllm:v1@sha256:…`: what says which program is in it."""
    name = image.partition("@")[0].lower()
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        name = rest
    path, slash, last = name.rpartition("/")
    return path + slash + last.partition(":")[0]


def recognise(container: Container) -> Server | None:
    """The program that a container runs, when it serves a model or acts on one."""
    for words in container.commands:
        found = by_command(words)
        if found is not None:
            return found
    for image in (container.image, container.base_image):
        found = by_name(image_name(image))
        if found is not None:
            return found
    if container.drives:
        return CLIENT
    for each in container.settings:
        if each.name.upper() in _ADDRESSES and not _HOSTED.search(each.value or ""):
            return CLIENT
    return None


def by_name(name: str) -> Server | None:
    """The program that an image's name says."""
    if name and not _OTHER.search(name.rpartition("/")[2]):
        for server in SERVERS:
            if server.images and _names(server.images, name):
                return server
    return None


def _names(pattern: str, name: str) -> bool:
    """True when whole words of an image's name fit; the organisation alone is not enough."""
    last = name if "/" in pattern else name.rpartition("/")[2]
    found = re.search(rf"(?:^|[-_./])(?:{pattern})(?:$|[-_./])", last)
    return found is not None


def by_command(words: Sequence[Word]) -> Server | None:
    """The program that a command starts."""
    texts = [word.text for word in words if word.text]
    at = 0
    while at < len(texts) and (texts[at] in _PREFIXES or _ASSIGNED.match(texts[at])):
        at += 1
    found = _program(texts[at:])
    return found[0] if found else None


def launched(words: list[Word]) -> list[list[Word]]:
    """A command that another program starts, apart from that: `numactl -N 0 vllm serve x`.

    The words before it stay a command of their own, since they may set variables.
    """
    texts = [word.text for word in words[:_FAR]]
    first = texts[0].rpartition("/")[2] if texts else ""
    if not (first in _LAUNCHERS or first.endswith(".sh") or _ASSIGNED.match(first)):
        return [words]
    longest = (0, 0)
    for index in range(1, len(texts)):
        module = texts[index - 1] in {"-m", "--module"}
        found = _program([*(("python", "-m") if module else ()), *texts[index:]])
        if found is not None and found[1] > longest[0]:
            longest = (found[1], index)
    return [words[: longest[1]], words[longest[1] :]] if longest[1] else [words]


def _program(texts: Sequence[str]) -> tuple[Server, int] | None:
    """The program at the beginning of a command, and how many words say so."""
    if not texts:
        return None
    called = texts[0].replace("\\", "/").rpartition("/")[2]
    if _PYTHON.match(texts[0]):
        at = next((i for i, text in enumerate(texts[:_OPTIONS]) if text in {"-m", "-um"}), 0)
        if at and at + 1 < len(texts) and all(text.startswith("-") for text in texts[1:at]):
            called = texts[at + 1]
            texts = texts[at + 1 :]
    best: tuple[Server, int] | None = None
    for server in SERVERS:
        for program in server.programs:
            parts = program.split()
            module = called.startswith(program + ".")
            fits = called == parts[0] and list(texts[1 : len(parts)]) == parts[1:]
            weight = _SURE if module or "." in program else len(parts)
            if (module or fits) and (best is None or weight > best[1]):
                best = (server, weight)
    return best
