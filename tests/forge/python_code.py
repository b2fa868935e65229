"""Python as it comes with models: the ordinary shapes by hand, and the hostile ones."""

from __future__ import annotations

import base64
import json
import zlib

PAYLOAD = "import os\nos.system('id')\n"

BENIGN: dict[str, str] = {
    "modeling": """
import math
import warnings
from typing import Optional, Tuple
import torch
import torch.utils.checkpoint
from torch import nn
from transformers import PreTrainedModel
from transformers.utils import logging
from .configuration_x import XConfig

try:
    from flash_attn import flash_attn_func
    from einops import rearrange
except ImportError:
    flash_attn_func = None
    warnings.warn("flash_attn is not installed")

logger = logging.get_logger(__name__)
ACT2FN = {"gelu": nn.functional.gelu, "silu": nn.SiLU()}

@torch.jit.script
def rotate(x: torch.Tensor) -> torch.Tensor:
    return torch.cat((-x[..., 1:], x[..., :1]), dim=-1)

class XModel(PreTrainedModel):
    config_class = XConfig

    def __init__(self, config):
        super().__init__(config)
        self.act = ACT2FN[config.hidden_act]
        self.run = getattr(self, config.mode)
        self.layers = nn.ModuleList([nn.Linear(8, 8) for _ in range(config.layers)])
        self.post_init()

    def forward(self, x, **kwargs):
        self.eval()
        if self.training and self.gradient_checkpointing:
            return torch.utils.checkpoint.checkpoint(self.layers[0], x)
        run = self.run
        return run(x)

model_cls = torch.compile(XModel) if hasattr(torch, "compile") else XModel
""",
    "tokenization": r"""
import json
import os
import re
from importlib.util import find_spec
import importlib
PATTERN = re.compile(r"\d+|\w+")
if find_spec("sentencepiece"):
    spm = importlib.import_module("sentencepiece")
np = __import__("numpy")

class Tok:
    def __init__(self, vocab_file, **kwargs):
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), vocab_file)
        with open(path, encoding="utf-8") as handle:
            self.vocab = json.load(handle)
        self.decoder = {v: k for k, v in self.vocab.items()}

    def convert_tokens_to_string(self, tokens):
        return "".join(chr(self.decoder[t]) for t in tokens).encode().decode("utf-8")

    def save_vocabulary(self, folder):
        with open(os.path.join(folder, "vocab.json"), "w") as out:
            json.dump(self.vocab, out)
""",
    "image": """
import base64
from io import BytesIO
import requests
from PIL import Image

def load_image(source):
    if source.startswith("http"):
        return Image.open(requests.get(source, stream=True, timeout=9).raw).convert("RGB")
    return Image.open(BytesIO(base64.b64decode(source)))
""",
    "quantization": """
import base64
import bz2
import ctypes
from typing import List
from transformers.utils import logging
logger = logging.get_logger(__name__)
try:
    from cpm_kernels.kernels.base import LazyKernelCModule, KernelFunction, round_up

    class Kernel:
        def __init__(self, code: bytes, function_names: List[str]):
            self.code = code
            self._cmodule = LazyKernelCModule(self.code)
            for name in function_names:
                setattr(self, name, KernelFunction(self._cmodule, name))

    quantization_code = "QlpoOTFBWSZTWU9yuJUAQHN=="
    kernels = Kernel(bz2.decompress(base64.b64decode(quantization_code)), ["int4", "int8"])
except Exception as exception:
    kernels = None
    logger.warning("Failed to load cpm_kernels:" + str(exception))

class CPUKernel:
    def load(self, kernel_file):
        self.kernel = ctypes.cdll.LoadLibrary(kernel_file)
""",
    "handler": """
import os
from typing import Any, Dict
import torch
from transformers import pipeline, AutoModel
token = os.environ.get("HF_TOKEN")

class EndpointHandler:
    def __init__(self, path=""):
        self.pipe = pipeline("text-generation", model=path, device=0)
        self.state = torch.load(os.path.join(path, "head.pt"), weights_only=True)

    def __call__(self, data: Dict[str, Any]):
        inputs = data.pop("inputs", data)
        return self.pipe(inputs, **data.pop("parameters", {}))
""",
    "setup": """
import os
import subprocess
import sys
from setuptools import setup
with open("version.py") as f:
    exec(f.read())
sha = subprocess.check_output(["git", "rev-parse", "HEAD"]).decode().strip()

def build():
    subprocess.check_call([sys.executable, "setup.py", "build_ext"])

if __name__ == "__main__":
    subprocess.run(["make", "-j"], check=True)
    setup(name="x", version=os.getenv("VERSION", "1"))
""",
    "registry": """
import importlib
import inspect
from collections import namedtuple
Point = namedtuple("Point", "x y")

def instantiate(config):
    module, name = config["target"].rsplit(".", 1)
    return getattr(importlib.import_module(module, package=None), name)(**config["params"])

class Base:
    registry = {}
    def __init_subclass__(cls, **kwargs):
        cls.registry[cls.__name__] = cls
    @classmethod
    def all(cls):
        return cls.__subclasses__()

def patch(model):
    import types
    model.forward = types.MethodType(lambda self, x: x, model)
    globals()["CACHE"] = {}
    return inspect.signature(model.forward)
""",
    "config": """
import torch
class C:
    def __init__(self, config):
        self.dtype = eval(config.dtype)
        self.other = eval("torch.float16")
""",
    "download": """
import os
import torch
from huggingface_hub import hf_hub_download, snapshot_download
path = hf_hub_download("acme/x", "weights.safetensors")
CACHE = os.path.expanduser("~/.cache/torch/hub")

def get(url, path):
    if not os.path.exists(path):
        torch.hub.download_url_to_file(url, path)
    return torch.load(path, map_location="cpu")
""",
    "environment": """
import os
import subprocess
os.environ["TOKENIZERS_PARALLELISM"] = "false"
env = os.environ.copy()

def train(args):
    env["X"] = "1"
    subprocess.run(["torchrun", "train.py", *args], env=env, check=True)

def ask(prompt):
    import requests
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
    return requests.post("https://api.example/v1", headers=headers, json={"p": prompt}).json()
""",
    "sample": """
import requests
from PIL import Image
url = "http://images.example/cat.jpg"
image = Image.open(requests.get(url, stream=True).raw)
""",
}
"""Ordinary code; none of it may fail the default policy."""


def encoded(text: str = PAYLOAD) -> str:
    """Source that runs text which was compressed and encoded."""
    code = base64.b64encode(zlib.compress(text.encode())).decode()
    return f"import base64, zlib\nexec(zlib.decompress(base64.b64decode('{code}')))\n"


def notebook(*cells: str, old: bool = False) -> bytes:
    """A Jupyter notebook of these code cells, with a text cell before them."""
    written = [{"cell_type": "markdown", "source": "# words"}]
    key = "input" if old else "source"
    written += [{"cell_type": "code", key: cell.splitlines(keepends=True)} for cell in cells]  # type: ignore[dict-item]  # lines or text, as nbformat has it
    document = {"worksheets": [{"cells": written}]} if old else {"cells": written, "nbformat": 4}
    return json.dumps(document).encode()
