"""Servers and packages that everybody installs: publishers of tools, forges, indexes, mirrors.

That a server is known says nothing about what somebody uploaded to it. It decides only how loudly a
command is reported that fetches from it, and the same holds for the names of packages. A name
counts when it is the host of an address, whatever its sub-domain: one that merely stands in a path,
a query or a comment is no host.
"""

from __future__ import annotations

import re
from typing import Final

_FORGES: Final = frozenset({
    "github.com", "githubusercontent.com", "github.io", "gitlab.com", "bitbucket.org",
    "codeberg.org", "gitee.com", "huggingface.co", "hf.co", "modelscope.cn", "sourceforge.net",
})  # fmt: skip
_TOOLS: Final = frozenset({
    "ollama.com", "rustup.rs", "astral.sh", "docker.com", "nodesource.com", "python-poetry.org",
    "pyenv.run", "conda.io", "mamba.pm", "pixi.sh", "bun.sh", "deno.land", "pnpm.io", "python.org",
    "google.com", "googleapis.com", "gstatic.com", "microsoft.com", "aka.ms", "windows.com",
    "brew.sh", "llvm.org", "helm.sh", "k8s.io", "lmstudio.ai", "gpt4all.io", "jan.ai",
    "apple.com", "amazon.com", "awscli.amazonaws.com", "replicate.com", "replicate.delivery",
    "baseten.co", "modal.com", "ubuntu.com", "debian.org", "launchpad.net", "apache.org",
    "kitware.com", "cmake.org", "gnu.org", "kernel.org", "golang.org", "go.dev", "nodejs.org",
    "bioconductor.org", "rstudio.com", "posit.co", "julialang.org", "tailscale.com",
    "cloudflare.com", "git-scm.com", "modular.com", "runpod.io",
})  # fmt: skip
_INDEXES: Final = frozenset({
    "pypi.org", "pythonhosted.org", "pypa.io", "pytorch.org", "nvidia.com", "amd.com", "radeon.com",
    "intel.com", "pyg.org", "paddlepaddle.org.cn", "flashinfer.ai", "vllm.ai", "anaconda.org",
    "anaconda.com", "openmmlab.com", "fbaipublicfiles.com", "visualstudio.com", "azureedge.net",
    "habana.ai", "piwheels.org", "readthedocs.io", "dgl.ai", "pkg.dev", "npmjs.org", "npmjs.com",
    "yarnpkg.com", "r-project.org", "crates.io",
})  # fmt: skip
_MIRRORS: Final = frozenset({
    "edu.cn", "ac.cn", "hf-mirror.com", "aliyun.com", "tencent.com", "tencentyun.com",
    "douban.com", "doubanio.com", "huaweicloud.com", "baidu.com", "163.com", "npmmirror.com",
})  # fmt: skip
"""Mirrors of package indexes, and what holds a country's universities."""
_HERE: Final = frozenset({"localhost", "127.0.0.1", "0.0.0.0"})  # noqa: S104  # an address, not bound
_KNOWN: Final = _FORGES | _TOOLS | _INDEXES | _MIRRORS | _HERE
_ADDRESS: Final = re.compile(r"(?:[a-z][a-z+.-]*:)?//([^\s/\\?#\"'`|;<>(){}\[\],]+)", re.IGNORECASE)
_BARE: Final = re.compile(
    r"(?:^|[\s\"'`=(@])((?:[\w-]{1,63}\.){1,6}[a-z]{2,20})(?=[/:\s\"'`|;)]|$)", re.IGNORECASE
)
_FILES: Final = re.compile(
    r"\.(?:sh|bash|py|exe|js|ps1|bat|cmd|zip|gz|bin|txt|json|whl|deb|rb|pl|in|msi|yml|yaml)$"
)
_INSTALLATION: Final = re.compile(
    r"(?:(?:\S*python[\d.]*|…)\s+-m\s+"
    r"|(?:\S*/)?)(?:uv\s+)?pip[\d.]*\s+install\s+([^;&|$`…<>]*(?:[<>]=?[\d.]+[^;&|$`…<>]*)*)"
)
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]*?(?=$|[\[=<>~!;])")
_OPTIONS: Final = frozenset({
    "-q", "-qq", "-U", "-y", "--upgrade", "--quiet", "--no-build-isolation", "--no-cache-dir",
    "--no-deps", "--user", "--force-reinstall", "--pre", "--system", "--disable-pip-version-check",
})  # fmt: skip
_PACKAGES: Final = frozenset({
    "accelerate", "aiohttp", "albumentations", "auto-gptq", "autoawq", "av", "bitsandbytes",
    "boto3", "causal-conv1d", "compressed-tensors", "datasets", "decord", "deepspeed", "diffusers",
    "einops", "faiss-cpu", "fastapi", "flash-attn", "ftfy", "gradio", "hf-transfer",
    "huggingface-hub", "imageio", "invisible-watermark", "jinja2", "kernels", "librosa",
    "lightning", "mamba-ssm", "matplotlib", "mediapipe", "mistral-common", "moviepy", "ninja",
    "nltk", "numba", "numpy", "omegaconf", "onnx", "onnxruntime", "onnxruntime-gpu",
    "open-clip-torch", "openai", "opencv-python", "opencv-python-headless", "optimum",
    "packaging", "pandas", "peft", "pillow", "pip", "protobuf", "pydantic", "pypdf",
    "pytorch-lightning", "pyyaml", "qwen-vl-utils", "regex", "requests", "rotary-embedding-torch",
    "safetensors", "scikit-image", "scikit-learn", "scipy", "sentence-transformers",
    "sentencepiece", "setuptools", "soundfile", "spaces", "spacy", "supervision", "tensorflow",
    "tiktoken", "timm", "tokenizers", "torch", "torchaudio", "torchvision", "tqdm",
    "transformers", "triton", "trl", "ultralytics", "unidecode", "uvicorn", "vllm", "wheel",
    "xformers",
})  # fmt: skip
"""Packages that code of models asks for, by the names that they have on the usual index."""
_PRIVATE: Final = re.compile(r"(?:10|127|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2,3}")
"""Addresses of networks that nobody outside can be in."""
_MOST: Final = 20


def well_known(text: str) -> bool:
    """True when a command or a line names servers, and every one of them is a known one."""
    addresses = [_host(found[1]) for found in _ADDRESS.finditer(text)][:_MOST]
    if not addresses:  # as in `curl get.docker.com`
        bare = [found[1].lower() for found in _BARE.finditer(text)]
        addresses = [host for host in bare if not _FILES.search(host)][:_MOST]
    return bool(addresses) and all(map(is_known, addresses))


def is_known(host: str) -> bool:
    """True for a known server and for every sub-domain of one."""
    if _PRIVATE.fullmatch(host):
        return True
    parts = host.split(".")
    return any(".".join(parts[index:]) in _KNOWN for index in range(len(parts)))


def usual_packages(command: str) -> bool:
    """True for an installation of well-known packages alone, from the usual index."""
    found = _INSTALLATION.fullmatch(command.strip())
    if found is None:
        return False
    words = [word.strip("\"'") for word in found[1].split()]
    names = [_NAME.match(word) for word in words if not word.startswith("-")]
    options = [word.partition("=")[0] for word in words if word.startswith("-")]
    usual = [name is not None and name[0].lower().replace("_", "-") in _PACKAGES for name in names]
    return bool(usual) and all(usual) and _OPTIONS.issuperset(options)


def _host(authority: str) -> str:
    """The host of an address, without the user and the port."""
    return authority.rpartition("@")[2].partition(":")[0].lower()
