"""The table of readers. Order decides only which format's name a file goes by."""

from __future__ import annotations

from modelscan.formats.chat_template.reader import ChatTemplateReader
from modelscan.formats.compressed import CompressedReader
from modelscan.formats.ggml import GgmlReader
from modelscan.formats.gguf.reader import GgufReader
from modelscan.formats.hub_config import HubConfigReader
from modelscan.formats.lfs import LfsReader
from modelscan.formats.llamafile import LlamafileReader
from modelscan.formats.model_card import ModelCardReader
from modelscan.formats.numpy_array import NumpyReader
from modelscan.formats.pickle.reader import PickleReader
from modelscan.formats.python_code.notebook import NotebookReader
from modelscan.formats.python_code.reader import PythonReader
from modelscan.formats.reader import Reader
from modelscan.formats.safetensors import SafetensorsReader
from modelscan.formats.tar import TarReader
from modelscan.formats.torch import TorchReader
from modelscan.formats.weight_index import WeightIndexReader
from modelscan.formats.zip import ZipReader
from modelscan.vocabulary.lists import NameLists


def readers_for(lists: NameLists) -> tuple[Reader, ...]:
    """All readers, with the lists that they look names up in."""
    return (
        SafetensorsReader(),
        GgufReader(),
        GgmlReader(),
        NumpyReader(),
        LlamafileReader(),
        TorchReader(),
        ZipReader(),
        TarReader(),
        CompressedReader(),
        HubConfigReader(),
        ChatTemplateReader(),
        WeightIndexReader(),
        ModelCardReader(),
        LfsReader(),
        PythonReader(),
        NotebookReader(),
        PickleReader(lists.pickle_globals),
    )
