"""Whole repositories as their publishers lay them out: next to nothing to see."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelscan import api
from modelscan.vocabulary.result import ModelReport
from tests.forge import cards, layouts, safetensors
from tests.forge import tokenizers as forge
from tests.formats.repository.test_families import repository

_AT_MOST = 3


def _write(folder: Path, files: layouts.Files) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def _scan(folder: Path) -> ModelReport:
    (report,) = api.scan(folder).models
    return report


def _is_quiet(report: ModelReport, at_most: int = _AT_MOST) -> None:
    above = [(found.rule, found.message) for found in report.findings if found.severity != "info"]
    assert len(above) <= at_most, above
    assert report.answers.allowed.status == "pass", above
    assert not [gap for gap in report.coverage if gap.needed]


@pytest.mark.parametrize("family", layouts.BESIDE)
def test_a_repository_with_all_that_publishers_put_beside_the_weights(
    tmp_path: Path, family: str
) -> None:
    folder = _write(repository(tmp_path / family, family), layouts.BESIDE[family])
    if "modeling_x.py" in layouts.BESIDE[family]:
        config = json.loads((folder / "config.json").read_bytes())
        config["auto_map"] = {
            "AutoConfig": "configuration_x.XConfig",
            "AutoModelForCausalLM": "modeling_x.XForCausalLM",
        }
        (folder / "config.json").write_text(json.dumps(config))
    _is_quiet(_scan(folder))


def _part(folder: Path, name: str, config: dict[str, object]) -> None:
    part = folder / name
    part.mkdir()
    (part / "config.json").write_text(json.dumps(config))
    data = safetensors.assemble(safetensors.header({"conv_in.weight": ("F16", [4, 4])}))
    (part / "diffusion_pytorch_model.safetensors").write_bytes(data)
    (part / "diffusion_pytorch_model.fp16.safetensors").write_bytes(data)


@pytest.mark.parametrize("pipeline", ["StableDiffusionPipeline", "FluxPipeline"])
def test_a_pipeline_of_diffusers(tmp_path: Path, pipeline: str) -> None:
    clip = forge.FAMILIES["clip"]["model"]
    parts = {
        "_class_name": pipeline, "_diffusers_version": "0.30.0",
        "scheduler": ["diffusers", "EulerDiscreteScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
        "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
        "image_encoder": [None, None], "force_zeros_for_empty_prompt": True,
    }  # fmt: skip
    _write(
        tmp_path,
        {
            "model_index.json": layouts.document(**parts),
            "README.md": cards.card(cards.SENTENCES),
            "scheduler/scheduler_config.json": layouts.document(
                _class_name="EulerDiscreteScheduler", beta_start=0.00085, trained_betas=None
            ),
            "tokenizer/merges.txt": b"#version: 0.2\n"
            + "\n".join(
                one if isinstance(one, str) else " ".join(one) for one in clip["merges"]
            ).encode()
            + b"\n",
            "tokenizer/vocab.json": json.dumps(clip["vocab"]).encode(),
            "tokenizer/special_tokens_map.json": b'{"eos_token": "<|endoftext|>"}',
            "tokenizer/tokenizer_config.json": layouts.document(tokenizer_class="CLIPTokenizer"),
            "feature_extractor/preprocessor_config.json": layouts.document(crop_size=224),
            "v1-variants-scores.jpg": b"\xff\xd8\xff\xe0" + bytes(60),
            "LICENSE.md": b"CreativeML Open RAIL-M\n",
        },
    )
    _part(tmp_path, "unet", {"_class_name": "UNet2DConditionModel", "cross_attention_dim": 768})
    _part(tmp_path, "vae", {"_class_name": "AutoencoderKL", "latent_channels": 4})
    _part(tmp_path, "text_encoder", {"architectures": ["CLIPTextModel"], "_name_or_path": "a/b"})
    _is_quiet(_scan(tmp_path))
