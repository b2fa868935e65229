"""Builds what publishers put beside the weights: code, folders and small files of their releases.

The layouts follow those of well-known repositories, file by file; every text is in words of its
own. Paths lead to contents, as bytes; weights and tokenizers are the business of other forges.
"""

from __future__ import annotations

import json
from typing import Any

from tests.forge import layout_code as code
from tests.forge import layout_scripts as scripts

Files = dict[str, bytes]

_PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + bytes(60)
_NOTICE = b"This release contains parts of other works under their own terms.\n"


def document(**values: Any) -> bytes:
    """A JSON document."""
    return json.dumps(values, indent=2).encode()


DEEPSEEK: Files = {
    "configuration_x.py": code.CONFIGURATION.encode(),
    "modeling_x.py": code.MODELING.encode(),
    "inference/kernel.py": scripts.KERNEL.encode(),
    "inference/generate.py": scripts.GENERATE.encode(),
    "inference/convert.py": scripts.CONVERT.encode(),
    "inference/requirements.txt": b"torch==2.4.1\ntriton==3.0.0\ntransformers==4.46.3\nsafetensors==0.4.5\n",
    "inference/configs/config_16B.json": document(vocab_size=102400, dim=2048, n_layers=27),
    "figures/benchmark.png": _PNG,
    "LICENSE-CODE": b"MIT License\n",
    "LICENSE-MODEL": b"MODEL LICENSE AGREEMENT\n",
    "README_WEIGHTS.md": b"# Weights\n\n```shell\ncd inference\npython convert.py --source in --target out\n```\n",
}

KIMI: Files = {
    "configuration_x.py": code.CONFIGURATION.encode(),
    "modeling_x.py": code.MODELING.encode(),
    "tokenization_x.py": code.TOKENIZATION.encode(),
    "docs/deploy_guidance.md": b"```bash\nvllm serve $MODEL --tensor-parallel-size 16 --trust-remote-code\n```\n",
    "docs/tool_call_guidance.md": b"```python\nfrom openai import OpenAI\nclient = OpenAI(base_url='http://localhost:8000/v1')\n```\n",
    "THIRD_PARTY_NOTICES.md": _NOTICE,
    "figures/banner.svg": b"<svg xmlns='http://www.w3.org/2000/svg'></svg>",
}

GLM: Files = {
    "configuration_x.py": code.CONFIGURATION.encode(),
    "modeling_x.py": code.MODELING.encode(),
    "tokenization_x.py": code.TOKENIZATION.encode(),
    "quantization.py": code.QUANTIZATION.encode(),
    "MODEL_LICENSE": b"The licence of the weights\n",
    "README_en.md": b"# A model\n",
}

PHI: Files = {
    "configuration_x.py": code.CONFIGURATION.encode(),
    "modeling_x.py": code.MODELING.encode(),
    "processing_x.py": code.PROCESSING.encode(),
    "sample_finetune.py": scripts.FINETUNE.encode(),
    "sample_inference.py": scripts.SAMPLE.encode(),
    "examples/what_is_shown.jpg": b"\xff\xd8\xff\xe0" + bytes(60),
    "SECURITY.md": b"Report what you find by mail.\n",
    "CODE_OF_CONDUCT.md": b"Be kind.\n",
    "NOTICE.md": _NOTICE,
    "data_summary_card.md": b"# Data\n",
    "tech_report.pdf": b"%PDF-1.5\n1 0 obj\n<<>>\nendobj\n",
}

LLAMA: Files = {
    "USE_POLICY.md": b"# Acceptable use\n",
    "original/params.json": document(dim=4096, n_layers=32, n_heads=32, vocab_size=128256),
}

NEMOTRON: Files = {
    "configuration_x.py": code.CONFIGURATION.encode(),
    "modeling_x.py": code.MODELING.encode(),
    "nano_parser.py": scripts.PARSER.encode(),
    "bias.md": b"|Field|Response|\n|:--|:--|\n",
    "privacy.md": b"|Field|Response|\n|:--|:--|\n",
    "safety.md": b"|Field|Response|\n|:--|:--|\n",
    "explainability.md": b"|Field|Response|\n|:--|:--|\n",
    "acc-vs-budget.png": _PNG,
}

VISION: Files = {
    "preprocessor_config.json": document(
        image_processor_type="XImageProcessor", do_resize=True, size={"shortest_edge": 224}
    ),
    "processor_config.json": document(processor_class="XProcessor"),
    "video_preprocessor_config.json": document(video_processor_type="XVideoProcessor"),
}

SPEECH: Files = {
    "preprocessor_config.json": document(
        feature_extractor_type="XFeatureExtractor", hop_length=160
    ),
    "normalizer.json": document(accessorise="accessorize", colour="color"),
}

EMBEDDINGS: Files = {
    "modules.json": json.dumps(
        [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {
                "idx": 1,
                "name": "1",
                "path": "1_Pooling",
                "type": "sentence_transformers.models.Pooling",
            },
        ]
    ).encode(),
    "1_Pooling/config.json": document(word_embedding_dimension=8, pooling_mode_mean_tokens=True),
    "config_sentence_transformers.json": document(
        __version__={"sentence_transformers": "2.0.0", "transformers": "4.6.1", "pytorch": "1.8.1"}
    ),
    "sentence_bert_config.json": document(max_seq_length=256, do_lower_case=False),
    "data_config.json": json.dumps(
        [{"name": "pairs.jsonl.gz", "lines": 100, "weight": 1}]
    ).encode(),
    "train_script.py": scripts.TRAIN.encode(),
}

QWEN: Files = {
    "configuration_x.py": code.CONFIGURATION.encode(),
    "modeling_x.py": code.MODELING.encode(),
    "x_generation_utils.py": code.GENERATION.encode(),
    "cpp_kernels.py": code.CPP.encode(),
    "finetune/finetune_ds.sh": scripts.LAUNCH.encode(),
    "finetune/ds_config_zero3.json": document(zero_optimization={"stage": 3}),
    "assets/logo.jpg": b"\xff\xd8\xff\xe0" + bytes(60),
    "examples/react_prompt.md": b"```py\nprint('thought')\n```\n",
    "NOTICE": _NOTICE,
}

BESIDE: dict[str, Files] = {
    "deepseek": DEEPSEEK, "glm": GLM, "phi": PHI, "llama-3": LLAMA, "llama-2": LLAMA,
    "granite": NEMOTRON, "gemma": VISION, "mistral": KIMI, "command": {}, "qwen": QWEN,
    "whisper": SPEECH, "clip": VISION, "bert": EMBEDDINGS, "t5": {}, "nllb": {},
}  # fmt: skip
"""What stands beside the weights, by the family whose tokenizer goes with it."""
