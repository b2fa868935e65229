"""What `lock check` says of calls that rebuild objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelscan import api
from tests.forge import codebases

HEAD = (
    "import pickle, joblib, torch, requests\n"
    "from huggingface_hub import hf_hub_download\n"
    "from transformers import AutoModel\n"
)
LOADERS = {
    "unsafe-load-of-fetched-file", "torch-load-runs-code", "torch-load-without-weights-only",
    "object-loader-in-code",
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("joblib.load(hf_hub_download('a/b-1', 'm.pkl'))", "unsafe-load-of-fetched-file"),
        ("torch.load(hf_hub_download('a/b-1', 'm.pt'), weights_only=False)",
         "unsafe-load-of-fetched-file"),
        ("pickle.loads(requests.get('https://e.org/model').content)", "unsafe-load-of-fetched-file"),
        ("torch.load(hf_hub_download('a/b-1', 'm.pt'))", "torch-load-without-weights-only"),
        ("torch.load('w/m.pt')", "torch-load-without-weights-only"),
        ("torch.load('w/m.pt', weights_only=False)", "torch-load-runs-code"),
        ("torch.load('w/m.pt', weights_only=flag)", "torch-load-runs-code"),
        ("torch.load('w/m.pt', weights_only=True)", ""),
        ("torch.load(hf_hub_download('a/b-1', 'm.pt'), weights_only=True)", ""),
        ("joblib.load('w/clf.joblib')", "object-loader-in-code"),
        ("pickle.load(open('w/model.pkl', 'rb'))", "object-loader-in-code"),
        ("torch.jit.load('w/m.pt')", ""),
        ("AutoModel.from_pretrained('a/b-1')", ""),
        ("config = pickle.load(handle)", ""),
    ],
)  # fmt: skip
def test_loaders(tmp_path: Path, code: str, rule: str) -> None:
    codebases.write(tmp_path, "app.py", HEAD + code + "\n")
    (report,) = api.lock_check(tmp_path).report.models
    found = {finding.rule for finding in report.findings} & LOADERS
    assert found == ({rule} if rule else set())
