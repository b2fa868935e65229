"""Builds the scripts that publishers ship beside a model: to run, convert, train and serve it.

All of it is written for this test.
"""

from __future__ import annotations

KERNEL = """from typing import Tuple

import torch
import triton
import triton.language as tl
from triton import Config


@triton.jit
def shrink_kernel(x_ptr, y_ptr, s_ptr, BLOCK_SIZE: tl.constexpr):
    pid = tl.program_id(axis=0)
    offs = pid * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    x = tl.load(x_ptr + offs).to(tl.float32)
    s = tl.max(tl.abs(x)) / 448.0
    tl.store(y_ptr + offs, (x / s).to(y_ptr.dtype.element_ty))
    tl.store(s_ptr + pid, s)


configs = [Config({"BLOCK_SIZE_M": m}, num_stages=s) for m in [16, 32] for s in [3, 4]]


@triton.autotune(configs=configs, key=["N", "K"])
@triton.jit
def times_kernel(a_ptr, b_ptr, c_ptr, M, N: tl.constexpr, K: tl.constexpr):
    pid = tl.program_id(axis=0)
    tl.store(c_ptr + pid, tl.load(a_ptr + pid) * tl.load(b_ptr + pid))


def shrink(x: torch.Tensor, block_size: int = 128) -> Tuple[torch.Tensor, torch.Tensor]:
    y = torch.empty_like(x, dtype=torch.float8_e4m3fn)
    s = x.new_empty(*x.size()[:-1], x.size(-1) // block_size, dtype=torch.float32)
    grid = lambda meta: (triton.cdiv(x.numel(), meta["BLOCK_SIZE"]),)
    shrink_kernel[grid](x, y, s, BLOCK_SIZE=block_size)
    return y, s
"""

GENERATE = """import json
import os
from argparse import ArgumentParser

import torch
import torch.distributed as dist
from safetensors.torch import load_model
from transformers import AutoTokenizer


def main(folder: str, config: str, talking: bool = True) -> None:
    world_size = int(os.getenv("WORLD_SIZE", "1"))
    rank = int(os.getenv("RANK", "0"))
    local_rank = int(os.getenv("LOCAL_RANK", "0"))
    if world_size > 1:
        dist.init_process_group("nccl")
    global print
    if rank != 0:
        print = lambda *_, **__: None
    torch.cuda.set_device(local_rank)
    torch.manual_seed(965)
    with open(config) as f:
        args = json.load(f)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    load_model(None, os.path.join(folder, f"model{rank}-mp{world_size}.safetensors"))
    while talking:
        if world_size == 1 or rank == 0:
            prompt = input(">>> ")
            dist.broadcast_object_list([prompt], 0)
        if prompt == "/exit":
            break
    if world_size > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    parser = ArgumentParser()
    parser.add_argument("--folder", type=str, required=True)
    parser.add_argument("--config", type=str, required=True)
    args = parser.parse_args()
    main(args.folder, args.config)
"""

CONVERT = """import os
import shutil
from argparse import ArgumentParser
from glob import glob

import torch
from safetensors.torch import safe_open, save_file
from tqdm import tqdm, trange


def main(source, target, mp):
    torch.set_num_threads(8)
    parts = [{} for _ in range(mp)]
    for path in tqdm(glob(os.path.join(source, "*.safetensors"))):
        with safe_open(path, framework="pt", device="cpu") as f:
            for name in f.keys():
                parts[0][name.replace("weight_scale_inv", "scale")] = f.get_tensor(name)
    os.makedirs(target, exist_ok=True)
    for i in trange(mp):
        save_file(parts[i], os.path.join(target, f"model{i}-mp{mp}.safetensors"))
    for path in glob(os.path.join(source, "*token*")):
        shutil.copyfile(path, os.path.join(target, os.path.basename(path)))


if __name__ == "__main__":
    parser = ArgumentParser()
    parser.add_argument("--source", type=str, required=True)
    parser.add_argument("--target", type=str, required=True)
    main(**vars(parser.parse_args()))
"""

FINETUNE = """import logging
import os
import subprocess
import sys

import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainingArguments
from trl import SFTTrainer

logger = logging.getLogger(__name__)
logging.basicConfig(handlers=[logging.StreamHandler(sys.stdout)])
CHECKPOINT = "acme/x-mini-instruct"
config = LoraConfig(r=16, lora_alpha=32, task_type="CAUSAL_LM", target_modules="all-linear")
model = AutoModelForCausalLM.from_pretrained(
    CHECKPOINT, torch_dtype=torch.bfloat16, attn_implementation="flash_attention_2"
)
tokenizer = AutoTokenizer.from_pretrained(CHECKPOINT)
dataset = load_dataset("acme/chat_200k")
trainer = SFTTrainer(model=model, args=TrainingArguments("./out"), peft_config=config)
trainer.train()
trainer.save_model("./out")
"""

SAMPLE = """import requests
import torch
from PIL import Image
from transformers import AutoModelForCausalLM, AutoProcessor

path = "./"
processor = AutoProcessor.from_pretrained(path, trust_remote_code=True)
model = AutoModelForCausalLM.from_pretrained(path, trust_remote_code=True).cuda()
image = Image.open(requests.get("https://images.example/pier.jpg", stream=True).raw)
inputs = processor(text="<|image_1|> What is shown?", images=image, return_tensors="pt")
print(processor.batch_decode(model.generate(**inputs, max_new_tokens=1000))[0])
"""

PARSER = """import json
import re

from vllm.entrypoints.openai.tool_parsers.abstract_tool_parser import ToolParser, ToolParserManager
from vllm.logger import init_logger

logger = init_logger(__name__)


@ToolParserManager.register_module("x_json")
class XToolParser(ToolParser):
    def __init__(self, tokenizer):
        super().__init__(tokenizer)
        self.pattern = re.compile(r"<TOOLCALL>(.*?)</TOOLCALL>", re.DOTALL)

    def extract_tool_calls(self, model_output, request):
        try:
            return json.loads(self.pattern.findall(model_output)[0].strip())
        except (IndexError, json.JSONDecodeError):
            logger.exception("no tool call in %s", model_output)
            return None
"""

TRAIN = """import argparse
import gzip
import json
import os
import sys
from shutil import copyfile

import torch_xla.distributed.xla_multiprocessing as xmp
from transformers import AutoModel, AutoTokenizer


def read_pairs(args, queue, filepaths):
    for filepath in filepaths:
        with gzip.open(filepath, "rt") as file:
            for line in file:
                queue.put(json.loads(line))


def train_one(index, args, queue):
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModel.from_pretrained(args.model)
    model.save_pretrained(os.path.join(args.output, "final"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="acme/MiniLM")
    parser.add_argument("output")
    args = parser.parse_args()
    os.makedirs(args.output, exist_ok=True)
    copyfile(sys.argv[0], os.path.join(args.output, "train_script.py"))
    with open(os.path.join(args.output, "data_config.json"), "w") as out:
        json.dump({}, out, indent=2)
    xmp.spawn(train_one, args=(args, None), nprocs=8, start_method="fork")
"""

LAUNCH = """#!/bin/bash
export CUDA_DEVICE_MAX_CONNECTIONS=1
GPUS_PER_NODE=$(python -c 'import torch; print(torch.cuda.device_count())')
torchrun --nproc_per_node $GPUS_PER_NODE --master_addr ${MASTER_ADDR:-localhost} finetune.py \\
    --model_name_or_path "$MODEL" --deepspeed ds_config_zero3.json --bf16 True
"""
