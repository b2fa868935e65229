"""Code bases that use models in many ways, and what they use: text alone, nothing is ever run."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

COMMIT = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
DIGEST = "sha256:" + "ab" * 32

SPACY = "https://github.com/explosion/spacy-models/releases/download"

FILES: dict[str, str] = {
    "app/config.py": """
        import os
        from dataclasses import dataclass, field

        ORG = "acme"
        MODEL_ID = "acme/chat-7b"
        REVISION = "%(commit)s"
        EMBEDDER = os.getenv("EMBEDDER", "BAAI/bge-small-en-v1.5")
        MODELS = {"small": "acme/small-1b", "large": "acme/large-70b"}

        @dataclass
        class Settings:
            reranker: str = "BAAI/bge-reranker-base"
            summariser: str = field(default="facebook/bart-large-cnn")

        settings = Settings()
    """,
    "app/main.py": """
        '''Docs: AutoModel.from_pretrained("prose/not-a-model-1") is how it is done.'''
        import argparse, os, subprocess, pickle
        import joblib, torch
        import transformers as tf
        from transformers import AutoModel, AutoTokenizer as Tok, pipeline as make
        from sentence_transformers import SentenceTransformer, CrossEncoder
        from huggingface_hub import hf_hub_download, snapshot_download
        from functools import partial
        from .config import MODEL_ID, REVISION, ORG, EMBEDDER, MODELS, settings
        from app import config

        # from_pretrained("comment/not-a-model-2")
        RATIO = "a/b-1"
        PATH = "src/app-1/main.py"

        model = AutoModel.from_pretrained(MODEL_ID, revision=REVISION, trust_remote_code=True)
        tok = Tok.from_pretrained("acme/tokenizer-1", revision="main", use_safetensors=True)
        legacy = tf.AutoModelForMaskedLM.from_pretrained("bert-base-uncased")
        formatted = AutoModel.from_pretrained(f"{ORG}/formatted-2b")
        percent = AutoModel.from_pretrained("%%s/percent-2b" %% ORG)
        joined = AutoModel.from_pretrained("/".join([ORG, "joined-2b"]))
        added = AutoModel.from_pretrained(ORG + "/added-2b")
        table = AutoModel.from_pretrained(MODELS["small"])
        crossed = CrossEncoder(settings.reranker)
        summary = make("summarization", model=config.settings.summariser)
        embedder = SentenceTransformer(EMBEDDER)
        bare = SentenceTransformer("all-MiniLM-L6-v2")
        file = hf_hub_download("acme/files-1", "model.gguf", revision="v1.0")
        snapshot_download(repo_id="acme/corpus-1", repo_type="dataset")
        loaded = torch.load(file, weights_only=False)
        state = torch.load("weights/state.pt", weights_only=True)
        clf = joblib.load(os.path.join("weights", "clf.joblib"))
        with open("weights/old.pkl", "rb") as handle:
            old = pickle.load(handle)
        vision = torch.hub.load("pytorch/vision:v0.10.0", "resnet18", pretrained=True)

        def load(name, revision=None, backend="acme/default-3b"):
            AutoModel.from_pretrained(backend)
            return AutoModel.from_pretrained(name, revision=revision)

        load("acme/handed-4b")

        class Service:
            name = "acme/class-5b"

            def __init__(self, model_name="acme/init-6b"):
                self.model_name = model_name

            def start(self):
                AutoModel.from_pretrained(self.name)
                AutoModel.from_pretrained(self.model_name)

        parser = argparse.ArgumentParser()
        parser.add_argument("--base-model", default="acme/argparse-8b")
        args = parser.parse_args()
        AutoModel.from_pretrained(args.base_model)
        for each in ["acme/loop-9b", "acme/loop-10b"]:
            AutoModel.from_pretrained(each)
        options = {"trust_remote_code": True, "revision": REVISION}
        AutoModel.from_pretrained("acme/options-11b", **options)
        loader = partial(AutoModel.from_pretrained, "acme/partial-12b")
        start = AutoModel.from_pretrained
        start("acme/alias-13b")
        subprocess.run(["ollama", "pull", "llama3.1:8b"], check=True)
        os.system("huggingface-cli download acme/shell-14b --revision v2")
        unknown = AutoModel.from_pretrained(os.environ["SOME_MODEL"])
        walrus = AutoModel.from_pretrained((n := "acme/walrus-15b"))
        either = AutoModel.from_pretrained("acme/yes-16b" if args.x else "acme/no-17b")
    """,
    "app/serving.py": """
        import mlflow, ollama, onnxruntime, openai, spacy, timm, whisper
        from anthropic import Anthropic
        from langchain_huggingface import HuggingFaceEmbeddings
        from langchain_ollama import ChatOllama
        from llama_cpp import Llama
        from peft import PeftModel
        from ultralytics import YOLO
        from vllm import LLM

        llm = LLM(model="acme/vllm-20b", trust_remote_code=True)
        gguf = Llama.from_pretrained(repo_id="acme/gguf-21b", filename="*Q4_K_M.gguf")
        local = Llama(model_path="./models/local.gguf")
        net = timm.create_model("hf_hub:acme/timm-22", pretrained=True)
        plain = timm.create_model("resnet50.a1_in1k", pretrained=True)
        untrained = timm.create_model("resnet18", pretrained=False)
        speech = whisper.load_model("large-v3")
        words = spacy.load("en_core_web_sm")
        eyes = YOLO("yolov8n.pt")
        session = onnxruntime.InferenceSession("weights/net.onnx")
        registered = mlflow.pyfunc.load_model("models:/fraud/3")
        embeddings = HuggingFaceEmbeddings(model_name="acme/embed-23")
        chat = ChatOllama(model="mistral:7b")
        ollama.chat(model="phi3:mini", messages=[])
        adapter = PeftModel.from_pretrained(llm, "acme/adapter-24")
        client = openai.OpenAI()
        client.chat.completions.create(model="gpt-4o-mini", messages=[])
        Anthropic().messages.create(model="claude-3-5-sonnet-20241022", messages=[])
    """,
    "legacy/old.py": """
        from transformers import AutoModel
        print "python 2"
        # AutoModel.from_pretrained("comment/not-a-model-3")
        model = AutoModel.from_pretrained("acme/broken-30b")
    """,
    "Dockerfile": """
        # syntax=docker/dockerfile:1
        # vllm serve comment/not-a-model-4
        ARG MODEL=acme/arg-40b
        FROM vllm/vllm-openai:v0.6.0
        ENV MODEL_ID=acme/env-41b \\
            OTHER=1
        RUN pip install huggingface_hub && \\
            hf download acme/run-42b --revision %(commit)s
        RUN <<EOF
        ollama pull qwen2:7b
        EOF
        RUN python - <<PY
        from transformers import AutoModel
        AutoModel.from_pretrained("acme/heredoc-43b")
        PY
        RUN python -c "from transformers import AutoModel as M; M.from_pretrained('acme/inline-44')"
        ADD --checksum=%(digest)s https://huggingface.co/acme/added-45b/resolve/main/m.gguf /m.gguf
        ENTRYPOINT ["vllm", "serve", "acme/entry-46b"]
        CMD ["--trust-remote-code"]
    """,
    "docker-compose.yml": """
        services:
          tgi:
            image: ghcr.io/huggingface/text-generation-inference:2.0
            command: --model-id acme/compose-50b --revision %(commit)s
            environment:
              - HF_TOKEN=x
          vllm:
            image: vllm/vllm-openai
            command: ["--model", "acme/compose-51b"]
          tei:
            image: tei
            environment:
              MODEL_ID: acme/compose-52b
        models:
          llm:
            model: ai/smollm2
    """,
    "k8s/deploy.yaml": """
        apiVersion: apps/v1
        kind: Deployment
        spec:
          template:
            spec:
              containers:
                - name: vllm
                  image: vllm/vllm-openai:latest
                  env:
                    - {name: MODEL_NAME, value: acme/kube-60b}
                  args: ["--model", "$(MODEL_NAME)", "--trust-remote-code"]
                - name: llama
                  image: ghcr.io/ggml-org/llama.cpp:server
                  command: ["llama-server", "-hf", "acme/kube-61b-GGUF:Q4_K_M"]
              volumes:
                - name: weights
                  image: {reference: "registry.example/acme/weights@%(digest)s"}
        ---
        apiVersion: serving.kserve.io/v1beta1
        kind: InferenceService
        spec:
          predictor:
            model:
              modelFormat: {name: huggingface}
              storageUri: hf://acme/kserve-62b
    """,
    "chart/values.yaml": """
        model:
          repository: acme
          modelId: acme/helm-63b
          revision: %(commit)s
    """,
    "chart/templates/deploy.yaml": """
        spec:
          containers:
            - args: {{ .Values.args }}
              env:
                - name: X
                model_id: acme/template-64b
    """,
    "config.yaml": """
        # model: comment/not-a-model-5
        llm:
          model_name_or_path: acme/yaml-70b
          revision: %(commit)s
          trust_remote_code: true
        embedding_model: BAAI/bge-m3
        hosted:
          model: gpt-4o
        path: some/path-1
        image: acme/image-1
        local:
          provider: ollama
          model: gemma2:9b
    """,
    "settings.json": json.dumps({"repo_id": "acme/json-71b", "name": "a/b-2", "n": [1]}),
    "pyproject.toml": """
        [tool.thing]
        model-id = "acme/toml-72b"
        url = "org/not-a-model-6"
    """,
    ".env": """
        HF_MODEL_ID=acme/dotenv-73b
        DATABASE=postgres/db-1
    """,
    "Modelfile": """
        # FROM comment
        FROM llama3.2:1b
        ADAPTER ./lora.gguf
        SYSTEM \"\"\"
        FROM not-a-model-7
        \"\"\"
    """,
    "scripts/fetch.sh": """
        #!/bin/bash
        # hf download comment/not-a-model-8
        MODEL=acme/shell-80b
        hf download "$MODEL" --revision main
        huggingface-cli download acme/data-1 --repo-type dataset
        git clone https://huggingface.co/acme/clone-81b
        git clone https://github.com/acme/code-1
        wget https://huggingface.co/acme/wget-82b/resolve/%(commit)s/model.safetensors
        curl -LO "https://huggingface.co/acme/curl-83b/resolve/main/model.bin"
        docker model pull ai/qwen3
        vllm serve "${SERVE:-acme/default-84b}" --tokenizer acme/tok-85b
        python -m sglang.launch_server --model-path acme/sglang-86b
        llama-server -m models/local2.gguf
        text-embeddings-router --model-id "$UNKNOWN_MODEL"
        echo "see org/prose-1"
    """,
    "Makefile": """
        MODEL ?= acme/make-87b

        pull:
        \thf download $(MODEL)
        \t@ollama pull nomic-embed-text
    """,
    ".github/workflows/ci.yml": """
        env:
          MODEL_ID: acme/ci-88b
        jobs:
          test:
            runs-on: ubuntu-latest
            steps:
              - uses: actions/checkout-1@v4
              - run: |
                  pip install x
                  hf download acme/ci-89b
    """,
    "dvc.yaml": """
        stages:
          train:
            cmd: python train.py --model_name_or_path acme/dvc-90b
            outs:
              - models/x.pkl
    """,
    "data.dvc": """
        outs:
          - md5: d41d8cd98f00b204e9800998ecf8427e
            path: model.onnx
    """,
    "mlruns/MLmodel": """
        flavors:
          transformers:
            source_model_name: acme/mlflow-91b
            source_model_revision: %(commit)s
    """,
    "web/app.ts": """
        import { pipeline } from '@huggingface/transformers';
        // pipeline('x', 'comment/not-a-model-9')
        const MODEL = 'Xenova/js-100';
        const a = await pipeline('feature-extraction', MODEL, { revision: 'main' });
        const b = await AutoModel.from_pretrained('Xenova/js-101');
        const c = await openai.chat.completions.create({ model: "gpt-4o", messages: [] });
        const path = 'src/lib-1';
    """,
    "requirements.txt": """
        en-core-web-sm @ %(spacy)s/en_core_web_sm-3.7.1/en_core_web_sm-3.7.1-py3-none-any.whl
    """,
    "README.md": "Use `org/prose-2` or hf download org/prose-3.\n",
}

NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "source": ["from_pretrained('prose/not-a-model-10')"]},
        {
            "cell_type": "code",
            "source": ["NAME = 'acme/notebook-110'\n", "!hf download acme/cell-111"],
        },
        {
            "cell_type": "code",
            "source": [
                "%matplotlib inline\n",
                "from transformers import AutoModel\n",
                "AutoModel.from_pretrained(NAME)",
            ],
        },
    ],
    "nbformat": 4,
}

EXPECTED: frozenset[tuple[str, str]] = frozenset(
    {
        *(("app/main.py", f"hf:{name}") for name in (
            "acme/chat-7b", "acme/tokenizer-1", "bert-base-uncased", "acme/formatted-2b",
            "acme/percent-2b", "acme/joined-2b", "acme/added-2b", "acme/small-1b",
            "BAAI/bge-reranker-base", "facebook/bart-large-cnn", "BAAI/bge-small-en-v1.5",
            "sentence-transformers/all-MiniLM-L6-v2", "acme/files-1", "acme/default-3b",
            "acme/handed-4b", "acme/class-5b", "acme/init-6b", "acme/argparse-8b", "acme/loop-9b",
            "acme/loop-10b", "acme/options-11b", "acme/partial-12b", "acme/alias-13b",
            "acme/shell-14b", "acme/walrus-15b", "acme/yes-16b", "acme/no-17b",
        )),
        ("app/main.py", "weights/state.pt"),
        ("app/main.py", "weights/clf.joblib"),
        ("app/main.py", "weights/old.pkl"),
        ("app/main.py", "torchhub:pytorch/vision"),
        ("app/main.py", "ollama:llama3.1:8b"),
        ("app/main.py", "os.environ['SOME_MODEL']"),
        ("app/serving.py", "hf:acme/vllm-20b"),
        ("app/serving.py", "hf:acme/gguf-21b"),
        ("app/serving.py", "./models/local.gguf"),
        ("app/serving.py", "hf:acme/timm-22"),
        ("app/serving.py", "timm:resnet50.a1_in1k"),
        ("app/serving.py", "whisper:large-v3"),
        ("app/serving.py", "spacy:en_core_web_sm"),
        ("app/serving.py", "ultralytics:yolov8n.pt"),
        ("app/serving.py", "weights/net.onnx"),
        ("app/serving.py", "models:/fraud/3"),
        ("app/serving.py", "hf:acme/embed-23"),
        ("app/serving.py", "ollama:mistral:7b"),
        ("app/serving.py", "ollama:phi3:mini"),
        ("app/serving.py", "hf:acme/adapter-24"),
        ("app/serving.py", "hosted:gpt-4o-mini"),
        ("app/serving.py", "hosted:claude-3-5-sonnet-20241022"),
        ("legacy/old.py", "hf:acme/broken-30b"),
        *(("Dockerfile", f"hf:acme/{name}") for name in (
            "arg-40b", "env-41b", "run-42b", "heredoc-43b", "inline-44", "added-45b", "entry-46b",
        )),
        ("Dockerfile", "ollama:qwen2:7b"),
        ("docker-compose.yml", "hf:acme/compose-50b"),
        ("docker-compose.yml", "hf:acme/compose-51b"),
        ("docker-compose.yml", "hf:acme/compose-52b"),
        ("docker-compose.yml", "oci:docker.io/ai/smollm2"),
        ("k8s/deploy.yaml", "hf:acme/kube-60b"),
        ("k8s/deploy.yaml", "hf:acme/kube-61b-GGUF:Q4_K_M"),
        ("k8s/deploy.yaml", f"oci:registry.example/acme/weights@{DIGEST}"),
        ("k8s/deploy.yaml", "hf:acme/kserve-62b"),
        ("chart/values.yaml", "hf:acme/helm-63b"),
        ("chart/templates/deploy.yaml", "hf:acme/template-64b"),
        ("config.yaml", "hf:acme/yaml-70b"),
        ("config.yaml", "hf:BAAI/bge-m3"),
        ("config.yaml", "hosted:gpt-4o"),
        ("config.yaml", "ollama:gemma2:9b"),
        ("settings.json", "hf:acme/json-71b"),
        ("pyproject.toml", "hf:acme/toml-72b"),
        (".env", "hf:acme/dotenv-73b"),
        ("Modelfile", "ollama:llama3.2:1b"),
        ("Modelfile", "./lora.gguf"),
        *(("scripts/fetch.sh", f"hf:acme/{name}") for name in (
            "shell-80b", "clone-81b", "wget-82b", "curl-83b", "default-84b", "tok-85b",
            "sglang-86b",
        )),
        ("scripts/fetch.sh", "oci:docker.io/ai/qwen3"),
        ("scripts/fetch.sh", "models/local2.gguf"),
        ("scripts/fetch.sh", "$UNKNOWN_MODEL"),
        ("Makefile", "hf:acme/make-87b"),
        ("Makefile", "ollama:nomic-embed-text"),
        (".github/workflows/ci.yml", "hf:acme/ci-88b"),
        (".github/workflows/ci.yml", "hf:acme/ci-89b"),
        ("dvc.yaml", "hf:acme/dvc-90b"),
        ("data.dvc", "model.onnx"),
        ("mlruns/MLmodel", "hf:acme/mlflow-91b"),
        ("web/app.ts", "hf:Xenova/js-100"),
        ("web/app.ts", "hf:Xenova/js-101"),
        ("web/app.ts", "hosted:gpt-4o"),
        ("requirements.txt", "spacy:en_core_web_sm"),
        ("notebook.ipynb", "hf:acme/notebook-110"),
        ("notebook.ipynb", "hf:acme/cell-111"),
    }
)  # fmt: skip
"""What the application uses: file and reference."""


def application(folder: Path) -> Path:
    """Write an application that names models in every way."""
    for name, text in FILES.items():
        write(folder, name, text)
    (folder / "notebook.ipynb").write_text(json.dumps(NOTEBOOK, indent=1))
    return folder


def write(folder: Path, name: str, text: str) -> Path:
    """Write one file, its text unindented; `%(commit)s` and `%(digest)s` are put in."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = dedent(text).lstrip("\n")
    if "%(" in text or "%%" in text:
        text = text % {"commit": COMMIT, "digest": DIGEST, "spacy": SPACY}
    path.write_text(text, encoding="utf-8")
    return path
