"""Python modules and scripts, and what other files hold of Python."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.discovery import shelltext, strings
from modelscan.discovery.finder import CodeBase, CodeFile, Hints
from modelscan.discovery.mention import Mention
from modelscan.discovery.python.modules import Module
from modelscan.discovery.python.project import Project
from modelscan.discovery.python.reading import Reading
from modelscan.discovery.shelltext import Embedded
from modelscan.discovery.shellwords import Variables
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.python_code import source
from modelscan.vocabulary.coverage import Coverage

HINTS: Final = Hints(
    b"pretrained", b"huggingface", b"HuggingFace", b"ransformer", b"llama", b"openai",
    b"anthropic", b"from_single_file", b"hf_hub_download", b"snapshot_download", b"torch.load",
    b"torch.hub", b"torch.jit", b"from torch", b"joblib", b"pickle.load", b"pkl", b"from pickle",
    b"safetensors", b"InferenceSession", b"load_model", b"WhisperModel", b"create_model",
    b"spacy.load", b"ultralytics", b"OpenAI", b"model_name_or_path", b"claude-", b"gemini-",
    b"gpt-", b"mlflow.", b"import vllm", b"from vllm", b"sglang", b"FlagEmbedding", b"fastembed",
    b"mlx_lm", b"tensorflow_hub", b"kagglehub", b"gensim.downloader", b"ctranslate2",
    b"coremltools", b"tflite", b"repo_id", b"model_id", b"hf.co/", b"litellm", b"from_preset",
    b"cloudpickle", b"skops.io", b"import dill", b"embedding_model", b"lightgbm",
)  # fmt: skip
"""Longer words are found faster. A module with none of them calls nothing that loads a model."""
_SHEBANG: Final = re.compile(rb"#!\s*/\S*[\s/]python[\d.]*\b")


class PythonFinder:
    """Python modules and scripts."""

    def kind(self, file: CodeFile) -> str | None:
        """See `Finder.kind`."""
        if file.extension in {".py", ".pyw", ".pyi"}:
            return "python"
        shebang = not file.extension and _SHEBANG.match(file.data[:200])
        return "python" if shebang else None

    def find(self, file: CodeFile) -> Iterator[Mention | Coverage]:
        """See `Finder.find`."""
        if not HINTS(file.data):
            return
        try:
            text = source.decode(file.data)
        except ReadError:
            text = file.text
        yield from read(text, file.path, file.code_base, file.budget)


def read(
    text: str, path: str, code_base: CodeBase, budget: Budget, line: int = 1, depth: int = 0
) -> Iterator[Mention]:
    """Models that Python names; when it is not Python for us, a weaker reading of the same text.

    Args:
        text: the source.
        path: of the file it stands in, from where its imports are looked up.
        code_base: the files around it.
        budget: pays for it.
        line: of the first line of the text.
        depth: how often it was handed from one interpreter to another.

    Raises:
        BudgetError: there is too much of it.
    """
    try:
        module = Module(path, text, budget)
        found = list(Reading(module, Project(code_base, budget)).mentions())
    except BudgetError:
        raise
    except ReadError:
        found = list(strings.python(text, budget))
    for each in found:
        if isinstance(each, Mention):
            yield each._replace(line=each.line + line - 1)
        elif depth < _DEEP:
            at = each.line + line - 1
            yield from read(each.text, path, code_base, budget, at, depth + 1)


_DEEP: Final = 3


def shell(
    text: str, file: CodeFile, line: int = 1, variables: Variables | None = None
) -> Iterator[Mention]:
    """Models that shell names, with the Python inside it."""
    for each in shelltext.mentions(text, file.budget, variables, line):
        if isinstance(each, Embedded):
            yield from read(each.text, file.path, file.code_base, file.budget, each.line)
        else:
            yield each
