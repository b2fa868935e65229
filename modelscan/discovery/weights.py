"""Extensions of files that hold weights or a serialised model."""

from __future__ import annotations

from typing import Final

CERTAIN: Final = frozenset(
    {".safetensors", ".gguf", ".ggml", ".onnx", ".keras", ".tflite", ".llamafile", ".mlmodel",
     ".ckpt", ".pth", ".pt", ".pt2", ".pte", ".joblib", ".skops", ".nemo", ".mar", ".pdparams",
     ".caffemodel", ".engine", ".torchscript", ".ptl", ".mlpackage", ".rknn"}
)  # fmt: skip
"""Extensions that stand for nothing else."""

LIKELY: Final = frozenset({".bin", ".pkl", ".pickle", ".h5", ".hdf5", ".pb", ".model", ".dill"})
"""Extensions that stand for other things, too: the bytes decide."""

ANY: Final = CERTAIN | LIKELY


def extension(name: str) -> str:
    """The extension of a path or a URL, in lower case with its dot; empty when there is none."""
    last = name.partition("?")[0].replace("\\", "/").rpartition("/")[2]
    dot = last.rfind(".")
    return last[dot:].lower() if dot > 0 else ""
