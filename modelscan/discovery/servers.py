"""Command-line programs that load or fetch models, and how each is told which one.

Sources: the programs' own `--help`: vLLM, text-generation-inference, text-embeddings-inference,
SGLang, llama.cpp, Ollama, LMDeploy, TensorRT-LLM, Triton, the hub's `hf`, and the tools that train
and convert.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from modelscan.discovery.naming import Usual


class Program(NamedTuple):
    """How a program is told which model to use."""

    flags: dict[str, Usual]
    """Flags whose value is a model."""
    positional: Usual | None = None
    """How the first word that is no flag is read; `None` when it is no model."""


_HUB: Final[dict[str, Usual]] = {
    "--model": "hub", "--tokenizer": "hub", "--model-path": "hub", "--model_path": "hub",
    "--model-id": "hub", "--model_id": "hub", "--speculative-model": "hub", "--draft-model": "hub",
    "--speculative-draft-model-path": "hub", "--tokenizer-path": "hub", "--lora-paths": "hub",
    "--lora-modules": "hub", "--hf-config-path": "hub", "--adapter-path": "hub",
    "--lora-adapters": "hub", "--reward-model": "hub", "--base-model": "hub",
    "--speculator": "hub",
}  # fmt: skip
_LLAMA: Final[dict[str, Usual]] = {
    "-m": "path", "--model": "path", "-mu": "url", "--model-url": "url", "-hf": "hub",
    "-hfr": "hub",
    "--hf-repo": "hub", "-hfd": "hub", "-hfrd": "hub", "--hf-repo-draft": "hub", "-hfv": "hub",
    "--hf-repo-v": "hub", "-md": "path", "--model-draft": "path", "--mmproj": "path",
    "-mm": "path", "--lora": "path", "--mmproj-url": "url", "-dr": "oci", "--docker-repo": "oci",
}  # fmt: skip

_VLLM: Final = Program(_HUB)
_LLAMA_CPP: Final = Program(_LLAMA)
_TGI: Final = Program({"--model-id": "hub", "--lora-adapters": "hub", "--tokenizer-name": "hub"})
_WHISPER: Final = Program({"--model": "whisper"})

PROGRAMS: Final[dict[str, Program]] = {
    "vllm serve": Program(_HUB, "hub"),
    "vllm chat": _VLLM, "vllm bench": _VLLM, "vllm run-batch": _VLLM, "vllm": _VLLM,
    "text-generation-launcher": _TGI, "text-generation-server": Program(_TGI.flags, None),
    "text-generation-server download-weights": Program(_TGI.flags, "hub"),
    "text-embeddings-router": _TGI, "lorax-launcher": _TGI,
    "sglang": Program(_HUB), "sglang serve": Program(_HUB),
    "aphrodite run": Program(_HUB, "hub"),
    "llama-server": _LLAMA_CPP, "llama-cli": _LLAMA_CPP, "llama-run": Program(_LLAMA, "hub"),
    "llama-embedding": _LLAMA_CPP, "llama-quantize": Program({}, "path"), "main": _LLAMA_CPP,
    "llama-mtmd-cli": _LLAMA_CPP, "llama-perplexity": _LLAMA_CPP, "llama-bench": _LLAMA_CPP,
    "server": _LLAMA_CPP, "whisper-cli": _LLAMA_CPP, "whisper-server": _LLAMA_CPP,
    "llamafile": _LLAMA_CPP, "koboldcpp": Program({"--model": "path"}, "path"),
    "ollama pull": Program({}, "ollama"), "ollama run": Program({}, "ollama"),
    "ollama show": Program({}, "ollama"), "ollama push": Program({}, "ollama"),
    "ollama cp": Program({}, "ollama"),
    "hf download": Program({}, "hub"), "huggingface-cli download": Program({}, "hub"),
    "huggingface-cli scan-cache": Program({}),
    "modelscope download": Program({"--model": "hub"}, "hub"),
    "docker model pull": Program({}, "oci"), "docker model run": Program({}, "oci"),
    "kit pull": Program({}, "oci"), "kit unpack": Program({}, "oci"),
    "ramalama pull": Program({}, "ollama"), "ramalama run": Program({}, "ollama"),
    "ramalama serve": Program({}, "ollama"),
    "lms get": Program({}, "hub"), "lms load": Program({}, "hub"),
    "lmdeploy serve api_server": Program(_HUB, "hub"), "lmdeploy chat": Program(_HUB, "hub"),
    "lmdeploy lite auto_awq": Program(_HUB, "hub"),
    "trtllm-serve": Program(_HUB, "hub"), "trtllm-serve serve": Program(_HUB, "hub"),
    "trtllm-build": Program({"--checkpoint_dir": "path"}),
    "mlc_llm serve": Program(_HUB, "hub"), "mlc_llm chat": Program(_HUB, "hub"),
    "tritonserver": Program({"--model-repository": "path", "--model-store": "path"}),
    "tabby serve": Program(_HUB), "xinference launch": Program({"--model-path": "hub"}),
    "optimum-cli export": Program({"-m": "hub", "--model": "hub"}),
    "ct2-transformers-converter": Program(_HUB),
    "litgpt download": Program({}, "hub"), "tune download": Program({}, "hub"),
    "transformers serve": Program(_HUB), "transformers chat": Program(_HUB, "hub"),
    "transformers download": Program({}, "hub"), "transformers-cli download": Program({}, "hub"),
    "lm_eval": Program({}), "lm-eval": Program({}),
    "spacy download": Program({}, "spacy"),
    "whisper": _WHISPER, "whisper-ctranslate2": _WHISPER, "whisperx": _WHISPER,
    "yolo": Program({}), "mlflow models": Program({"-m": "url", "--model-uri": "url"}),
    "infinity_emb": Program(_HUB), "infinity_emb v2": Program(_HUB),
    "mlx_lm.generate": Program(_HUB), "mlx_lm.server": Program(_HUB), "mlx_lm.chat": Program(_HUB),
    "mlx_lm.convert": Program({"--hf-path": "hub"}), "mlx_lm.lora": Program(_HUB),
    "llm": Program({}), "gemma": Program({}),
    # python -m …
    "vllm.entrypoints": _VLLM, "sglang.launch_server": _VLLM, "llama_cpp.server": Program(
        {"--model": "path", "--hf_model_repo_id": "hub", "--clip_model_path": "path"}
    ),
    "fastchat.serve": Program({"--model-path": "hub", "--model": "hub"}),
}  # fmt: skip
"""By the words that a command begins with; after `python -m`, by the module or a package of it."""

IMAGES: Final[tuple[tuple[str, Program], ...]] = (
    ("vllm", Program(_HUB, "hub")),
    ("text-generation-inference", _TGI),
    ("text-embeddings-inference", _TGI),
    ("lorax", _TGI),
    ("sglang", _VLLM),
    ("llama.cpp", _LLAMA_CPP),
    ("llama-cpp", _LLAMA_CPP),
    ("lmdeploy", _VLLM),
    ("infinity", _VLLM),
    ("tritonserver", Program({"--model-repository": "path", "--model-store": "path"})),
)
"""Programs that are the entry point of an image, by what its name holds."""

PREFIXES: Final = frozenset(
    {"sudo", "exec", "time", "nohup", "nice", "command", "then", "do", "else", "if", "while",
     "until", "!", "{", "tini", "dumb-init", "xargs", "stdbuf", "timeout", "RUN", "&&", "@", "-",
     "uvx", "poetry", "pipx", "pdm", "rye", "hatch", "conda", "mamba", "run", "uv", "--",
     "numactl", "torchrun", "accelerate", "launch", "deepspeed", "retry", "eval"}
)  # fmt: skip
"""Words before a command that are not the command."""

FETCHERS: Final = frozenset({"wget", "curl", "aria2c", "axel", "fetch", "http", "gdown", "s5cmd"})
"""Programs that fetch what the URL names."""

CARRIERS: Final = frozenset(
    {"docker", "docker-compose", "podman", "nerdctl", "kubectl", "oc", "srun", "ssh", "singularity",
     "apptainer", "lxc", "su", "runuser", "watch"}
)  # fmt: skip
"""Programs that run a command which stands among their own arguments."""

SHELLS: Final = frozenset({"sh", "bash", "zsh", "ash", "dash", "/bin/sh", "/bin/bash", "ksh"})
