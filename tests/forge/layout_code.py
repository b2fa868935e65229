"""Builds the Python that publishers ship: models, tokenizers, kernels, scripts to run and convert.

The shapes are those of released code: guards around optional packages, kernels, variables of
launchers, files that are written where the caller says. All of it is written for this test.
"""

from __future__ import annotations

CONFIGURATION = '''"""Configuration."""
from transformers.configuration_utils import PretrainedConfig
from transformers.utils import logging

logger = logging.get_logger(__name__)
KNOWN_CONFIGURATIONS = {}


class XConfig(PretrainedConfig):
    model_type = "x"
    keys_to_ignore_at_inference = ["past_key_values"]

    def __init__(self, vocab_size=320, hidden_size=8, rope_scaling=None, **kwargs):
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.rope_scaling = rope_scaling
        self._check_scaling()
        super().__init__(**kwargs)

    def _check_scaling(self):
        if self.rope_scaling is None:
            return
        if not isinstance(self.rope_scaling, dict):
            raise ValueError(f"`rope_scaling` must be a table, and is {self.rope_scaling}")
'''

MODELING = '''"""The model."""
import importlib
import inspect
import math
import os
import sys
import warnings
from typing import List, Optional, Tuple, Union

import torch
import torch.distributed as dist
import torch.nn.functional as F
import torch.utils.checkpoint
from torch import nn
from transformers.activations import ACT2FN
from transformers.cache_utils import Cache, DynamicCache
from transformers.modeling_utils import PreTrainedModel
from transformers.utils import is_flash_attn_2_available, logging
from transformers.utils.import_utils import is_torch_fx_available

from .configuration_x import XConfig

if is_flash_attn_2_available():
    from flash_attn import flash_attn_func, flash_attn_varlen_func
    from flash_attn.bert_padding import index_first_axis, pad_input, unpad_input

    _flash_supports_window_size = "window_size" in list(
        inspect.signature(flash_attn_func).parameters
    )
try:
    from apex.normalization import FusedRMSNorm as RMSNorm
except ImportError:
    RMSNorm = None
if is_torch_fx_available():
    _prepare = torch.fx.wrap(lambda mask: mask)

logger = logging.get_logger(__name__)
LOCAL_RANK = int(os.environ.get("LOCAL_RANK", 0))
WITH_CUDA = torch.cuda.is_available()
if sys.platform != "darwin":
    torch._C._jit_set_profiling_mode(False)
    torch._C._jit_override_can_fuse_on_cpu(True)
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def _rotary_of_flash():
    try:
        return importlib.import_module("flash_attn.layers.rotary").apply_rotary_emb_func
    except ImportError:
        warnings.warn("rotary embeddings fall back to plain torch")
        return None


def load_older(model, path):
    """Weights of the older format, name by name."""
    try:
        import numpy as np
        import tensorflow as tf
    except ImportError:
        logger.error("TensorFlow is needed to read the older format")
        raise
    for name, _ in tf.train.list_variables(os.path.abspath(path)):
        pointer = model
        for part in name.split("/"):
            pointer = getattr(pointer, "weight" if part == "kernel" else part)
        pointer.data = torch.from_numpy(np.transpose(tf.train.load_variable(path, name)))
    return model


class XAttention(nn.Module):
    def __init__(self, config: XConfig, layer_idx: Optional[int] = None):
        super().__init__()
        self.q_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.act_fn = ACT2FN[getattr(config, "hidden_act", "silu")]
        self.world_size = dist.get_world_size() if dist.is_initialized() else 1
        if os.environ.get("X_DEBUG") == "1":
            logger.info("attention of layer %s", layer_idx)

    def forward(self, hidden_states, attention_mask=None, **kwargs):
        q = self.q_proj(hidden_states)
        weights = torch.matmul(q, q.transpose(-1, -2)) / math.sqrt(q.shape[-1])
        return F.softmax(weights, dim=-1, dtype=torch.float32).to(q.dtype) @ q


class XPreTrainedModel(PreTrainedModel):
    config_class = XConfig
    base_model_prefix = "model"
    supports_gradient_checkpointing = True
    _no_split_modules = ["XAttention"]

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            module.weight.data.normal_(mean=0.0, std=0.02)


class XForCausalLM(XPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.model = nn.ModuleList([XAttention(config, i) for i in range(2)])
        self.post_init()
        if dist.is_initialized() and dist.get_rank() == 0:
            print("parameters:", sum(p.numel() for p in self.parameters()))

    def forward(self, input_ids=None, past_key_values: Optional[Cache] = None, **kwargs):
        hidden = input_ids.float()
        for layer in self.model:
            if self.gradient_checkpointing and self.training:
                hidden = torch.utils.checkpoint.checkpoint(layer, hidden)
            else:
                hidden = layer(hidden)
        return hidden

    @torch.inference_mode()
    def chat(self, tokenizer, query: str, history: List[Tuple[str, str]] = None, **kwargs):
        ids = tokenizer.apply_chat_template([{"role": "user", "content": query}])
        return tokenizer.decode(self.generate(ids, **kwargs)[0])
'''

TOKENIZATION = '''"""The tokenizer."""
import base64
import os
import unicodedata
from logging import getLogger
from shutil import copyfile
from typing import Collection, Dict, List, Set, Tuple, Union

import tiktoken
from tiktoken.load import load_tiktoken_bpe
from transformers import PreTrainedTokenizer

logger = getLogger(__name__)
VOCAB_FILES_NAMES = {"vocab_file": "tiktoken.model"}


def _load(path: str) -> Dict[bytes, int]:
    with open(path, "rb") as file:
        contents = file.read()
    return {
        base64.b64decode(token): int(rank)
        for token, rank in (line.split() for line in contents.splitlines() if line)
    }


class XTokenizer(PreTrainedTokenizer):
    vocab_files_names = VOCAB_FILES_NAMES

    def __init__(self, vocab_file, errors="replace", **kwargs):
        self.vocab_file = vocab_file
        self.mergeable_ranks = _load(vocab_file)
        self.special_tokens = {"<|end|>": len(self.mergeable_ranks)}
        self.tokenizer = tiktoken.Encoding(
            "x", pat_str=r"\\p{L}+", mergeable_ranks=load_tiktoken_bpe(vocab_file),
            special_tokens=self.special_tokens,
        )
        super().__init__(**kwargs)

    def __getstate__(self):
        state = self.__dict__.copy()
        del state["tokenizer"]
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.tokenizer = tiktoken.Encoding("x", mergeable_ranks=self.mergeable_ranks)

    def tokenize(self, text: str, **kwargs) -> List[Union[bytes, str]]:
        text = unicodedata.normalize("NFC", text)
        return [self.decoder[t] for t in self.tokenizer.encode(text)]

    def save_vocabulary(self, save_directory: str, **kwargs) -> Tuple[str]:
        if not os.path.isdir(save_directory):
            os.makedirs(save_directory, exist_ok=True)
        out = os.path.join(save_directory, "tiktoken.model")
        if os.path.abspath(self.vocab_file) != os.path.abspath(out):
            copyfile(self.vocab_file, out)
        with open(os.path.join(save_directory, "ranks"), "w", encoding="utf8") as writer:
            for token, rank in self.mergeable_ranks.items():
                writer.write(base64.b64encode(token).decode("utf8") + " " + str(rank) + "\\n")
        return (out,)
'''

PROCESSING = '''import re
from typing import List, Optional, Union

import numpy as np
import requests
import torch
from PIL import Image
from transformers import AutoTokenizer
from transformers.image_processing_utils import BatchFeature
from transformers.processing_utils import ProcessorMixin


def load_image(image):
    """Images by address, by path, or as they are."""
    if isinstance(image, str):
        if image.startswith(("http://", "https://")):
            return Image.open(requests.get(image, stream=True, timeout=10).raw).convert("RGB")
        return Image.open(image).convert("RGB")
    return image


class XProcessor(ProcessorMixin):
    attributes = ["image_processor", "tokenizer"]
    image_processor_class = "AutoImageProcessor"
    tokenizer_class = "AutoTokenizer"

    def __call__(self, text: Union[str, List[str]], images=None, **kwargs) -> BatchFeature:
        images = [load_image(image) for image in images or ()]
        pieces = re.split(r"<\\|image_\\d+\\|>", text)
        return BatchFeature(data={"pieces": pieces, "pixels": np.stack(images)})
'''

QUANTIZATION = """import base64
import bz2
import ctypes
from typing import List

import torch
from transformers.utils import logging

logger = logging.get_logger(__name__)

try:
    from cpm_kernels.kernels.base import KernelFunction, LazyKernelCModule

    class Compiled:
        def __init__(self, code: bytes, names: List[str]):
            self.code = code
            self.module = LazyKernelCModule(self.code)
            for name in names:
                setattr(self, name, KernelFunction(self.module, name))

    BINARY = "QlpoOTFBWSZTWQ=="
    kernels = Compiled(bz2.decompress(base64.b64decode(BINARY)), ["compress", "extract"])
except Exception as exception:
    kernels = None
    logger.warning(f"the kernels are left out: {exception}")


class Halved(torch.autograd.Function):
    @staticmethod
    def forward(ctx, inp: torch.Tensor, small: torch.Tensor, scales: torch.Tensor):
        ctx.save_for_backward(inp, small, scales)
        return inp.mm(small.float().t())
"""

GENERATION = """from typing import Iterable

import torch
from transformers import PreTrainedTokenizer
from transformers.generation import LogitsProcessor


def as_prompt(tokenizer: PreTrainedTokenizer, query: str, system: str = ""):
    im_start, im_end = "<|im_start|>", "<|im_end|>"
    prompt = f"{im_start}system\\n{system}{im_end}\\n{im_start}user\\n{query}{im_end}\\n"
    return prompt, tokenizer.encode(prompt)


class WordStopper(LogitsProcessor):
    def __init__(self, words: Iterable[Iterable[int]], eos_token_id: int):
        self.words = list(filter(lambda ids: ids != [eos_token_id], words))

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor):
        for i, ids in enumerate(self.words):
            scores[i, ids] = float(2**15)
        return scores
"""

CPP = """import pathlib

from torch.utils import cpp_extension


def build_kernels(name, sources, cuda_flags):
    return cpp_extension.load(
        name=name, sources=sources, extra_cflags=["-O3"], extra_cuda_cflags=cuda_flags
    )


HERE = pathlib.Path(__file__).parent.absolute()
"""
