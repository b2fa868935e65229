"""The table of readers. Order decides only which format's name a file goes by."""

from __future__ import annotations

from modelscan.formats.arrow import ArrowReader
from modelscan.formats.boosted_trees import BoostedTreesReader
from modelscan.formats.caffe import CaffeReader
from modelscan.formats.chat_template.reader import ChatTemplateReader
from modelscan.formats.compressed import CompressedReader
from modelscan.formats.coreml import CoremlReader
from modelscan.formats.executorch import ExecutorchReader
from modelscan.formats.ggml import GgmlReader
from modelscan.formats.gguf.reader import GgufReader
from modelscan.formats.go_template import GoTemplateReader
from modelscan.formats.hdf5.reader import Hdf5Reader
from modelscan.formats.hub_config import HubConfigReader
from modelscan.formats.java_serialization import JavaSerializationReader
from modelscan.formats.lfs import LfsReader
from modelscan.formats.licence_text import LicenceTextReader
from modelscan.formats.llamafile import LlamafileReader
from modelscan.formats.mlflow import MlflowReader
from modelscan.formats.model_card import ModelCardReader
from modelscan.formats.msgpack import MsgpackReader
from modelscan.formats.numpy_array import NumpyReader
from modelscan.formats.objects.json_reader import JsonObjectsReader
from modelscan.formats.objects.yaml_reader import YamlReader
from modelscan.formats.onnx.ort import OrtReader
from modelscan.formats.onnx.reader import OnnxReader
from modelscan.formats.package_config import PackageConfigReader
from modelscan.formats.packed_models import PackedModelReader
from modelscan.formats.paddle import PaddleReader
from modelscan.formats.pickle.reader import PickleReader
from modelscan.formats.python_code.notebook import NotebookReader
from modelscan.formats.python_code.reader import PythonReader
from modelscan.formats.r_data.reader import RDataReader
from modelscan.formats.reader import Reader
from modelscan.formats.requirements import RequirementsReader
from modelscan.formats.safetensors import SafetensorsReader
from modelscan.formats.scripts import ScriptReader
from modelscan.formats.secrets import SecretReader
from modelscan.formats.sevenzip import SevenZipReader
from modelscan.formats.skops import SkopsReader
from modelscan.formats.sqlite import SqliteReader
from modelscan.formats.tar import TarReader
from modelscan.formats.tensorflow.checkpoint import CheckpointReader
from modelscan.formats.tensorflow.reader import TensorflowReader
from modelscan.formats.tfjs import TfjsReader
from modelscan.formats.tflite import TfliteReader
from modelscan.formats.tokenizer.plain import VocabularyReader
from modelscan.formats.tokenizer.reader import TokenizerReader
from modelscan.formats.tokenizer.sentencepiece import SentencepieceReader
from modelscan.formats.torch import TorchReader
from modelscan.formats.torch7 import Torch7Reader
from modelscan.formats.torch_export import TorchExportReader
from modelscan.formats.torchscript import BytecodeReader
from modelscan.formats.weight_index import WeightIndexReader
from modelscan.formats.xml_markup import XmlReader
from modelscan.formats.zarr import ZarrReader
from modelscan.formats.zip import ZipReader
from modelscan.vocabulary.lists import NameLists


def readers_for(lists: NameLists) -> tuple[Reader, ...]:
    """All readers, with the lists that they look names up in."""
    return (
        SafetensorsReader(),
        GgufReader(),
        GgmlReader(),
        NumpyReader(),
        Hdf5Reader(),
        OnnxReader(lists.graph_operators),
        OrtReader(lists.graph_operators),
        TensorflowReader(lists.graph_operators),
        CheckpointReader(),
        TfliteReader(lists.graph_operators),
        ExecutorchReader(lists.graph_operators),
        TfjsReader(lists.graph_operators),
        LlamafileReader(),
        PackedModelReader("nemo", ".nemo"),
        PackedModelReader("torchserve archive", ".mar"),
        TorchReader(),
        TorchExportReader(lists),
        ZipReader(),
        TarReader(),
        CompressedReader(),
        SevenZipReader(),
        SqliteReader(),
        HubConfigReader(),
        PackageConfigReader(),
        MlflowReader(),
        TokenizerReader(),
        VocabularyReader(),
        SentencepieceReader(),
        ChatTemplateReader(),
        GoTemplateReader(),
        WeightIndexReader(),
        ModelCardReader(),
        LfsReader(),
        PythonReader(),
        NotebookReader(),
        JsonObjectsReader(lists.pickle_globals),
        YamlReader(lists.pickle_globals),
        SkopsReader(lists.pickle_globals),
        XmlReader(),
        ArrowReader(),
        MsgpackReader(),
        ZarrReader(),
        CoremlReader(),
        PaddleReader(),
        CaffeReader(),
        RDataReader(),
        JavaSerializationReader(),
        Torch7Reader(),
        BoostedTreesReader(),
        PickleReader(lists.pickle_globals),
        BytecodeReader(),
        LicenceTextReader(lists.licences),
        ScriptReader(),
        RequirementsReader(),
        SecretReader(),
    )
