"""The table of readers. Order decides only which format's name a file goes by.

Each line says where a reader stands and which files it may be asked about; `formats.deferred` says
how that is meant. Nothing of the reader is imported before such a file is met.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from modelscan.formats.deferred import Deferred, Signs
from modelscan.formats.hints import HDF5, MODELFILE, TABLE, TAR, VARIABLES, ZIP_END
from modelscan.formats.pickle.opcodes import STARTS
from modelscan.formats.reader import Reader
from modelscan.vocabulary.lists import NameLists


def _nothing(_: NameLists) -> tuple[Any, ...]:
    return ()


def _operators(lists: NameLists) -> tuple[Any, ...]:
    return (lists.graph_operators,)


def _globals(lists: NameLists) -> tuple[Any, ...]:
    return (lists.pickle_globals,)


class _Row(msgspec.Struct, frozen=True):
    """One reader of the table: see `Deferred` and `Signs`."""

    format: str
    place: str
    """Module below `modelscan.formats`, and class."""
    extensions: tuple[str, ...] = ()
    starts: tuple[bytes, ...] = ()
    names: tuple[str, ...] = ()
    identifiers: tuple[bytes, ...] = ()
    mentions: tuple[bytes, ...] = ()
    mentioned_in: tuple[str, ...] = ()
    hint: int = 0
    given: Callable[[NameLists], tuple[Any, ...]] = _nothing
    """What the reader is made with."""
    aside: bool = False

    def deferred(self, lists: NameLists) -> Deferred:
        """The reader, not yet imported."""

        def make() -> Reader:
            # A fixed table of our own modules: nothing is imported by a name from elsewhere.
            module, _, name = self.place.partition(":")
            found = getattr(importlib.import_module(f"modelscan.formats.{module}"), name)
            reader: Reader = found(*self.given(lists))
            return reader

        signs = Signs(
            frozenset(self.extensions),
            frozenset(self.names),
            self.starts,
            frozenset(self.identifiers),
            self.mentions,
            frozenset(self.mentioned_in),
            self.hint,
        )
        return Deferred(self.format, make, signs, aside=self.aside)


_ZIP = (b"PK\x03\x04",)
_PROGRAMS = (
    b"MZ", b"\x7fELF", b"jartsr", b"APEDBG",
    b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe",
)  # fmt: skip
_JSON = (".json",)
_PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib", ".dill", ".p", ".pk", ".pckl",
            ".bin")  # fmt: skip
_SHEBANG = (b"#!",)
_TEXTS = (".bash", ".bat", ".cfg", ".conf", ".env", ".in", ".ini", ".ipynb", ".json", ".pem",
          ".ps1", ".py", ".sh", ".toml", ".yaml", ".yml")  # fmt: skip
_SCRIPTS = ("", ".bash", ".bat", ".cmd", ".command", ".dockerfile", ".ksh", ".ps1", ".psm1",
            ".sh", ".zsh")  # fmt: skip
_MAKEFILES = ("Makefile", "makefile", "GNUmakefile", "justfile", ".envrc", "Procfile",
              "Vagrantfile", "Jenkinsfile", "Earthfile")  # fmt: skip
_SETTINGS = (
    "tasks.json", "launch.json", "settings.json", "settings.local.json", "devcontainer.json",
    ".devcontainer.json", "package.json", ".mcp.json", "mcp.json", "hooks.json", "composer.json",
    "deno.json", "nodemon.json", ".gitmodules", ".gitconfig", "config", "config.worktree",
)  # fmt: skip
_SETTING_FILES = (".yml", ".yaml", ".toml", ".cfg", ".ini", ".service", ".plist", ".code-workspace",
                  ".nomad")  # fmt: skip
_CARDS = ("README", "README.txt", "Readme.txt", "readme.txt", "INSTALL.txt", "install.txt",
          "HOWTO.txt", "READ_ME.txt")  # fmt: skip
_FOREIGN = (
    ".js", ".mjs", ".cjs", ".ts", ".jsx", ".tsx", ".pl", ".pm", ".rb", ".gemspec", ".r", ".lua",
    ".php", ".groovy", ".gradle", ".kts", ".applescript", ".cmake", ".jl", ".tcl", ".gyp", ".gypi",
    ".fish", ".awk", ".sbt", ".nix", ".tf", ".mk", ".qmd", ".rmd",
    # compiled
    ".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".cu", ".cuh", ".hip", ".m", ".mm",
    ".inl", ".java", ".kt", ".scala", ".cs", ".rs", ".go", ".swift", ".zig", ".nim", ".dart",
    ".pyx", ".pxd", ".cl", ".metal",
)  # fmt: skip
_PAGES = (".html", ".htm")
_FOREIGN_NAMES = (
    "CMakeLists.txt", ".Rprofile", "Rakefile", "Gemfile", "Jakefile", "Tiltfile", "SConstruct",
    "meson.build", "BUILD", "WORKSPACE", "Rscript",
)  # fmt: skip
_PACKAGES = (
    "Pipfile", "pip.conf", "pip.ini", ".condarc", "condarc", "uv.toml", "pyproject.toml", ".npmrc",
    ".yarnrc", "package.json", "setup.cfg", "setup.py",
)  # fmt: skip
_VOCABULARIES = (
    "vocab.json", "vocab.txt", "tokenizer_config.json", "added_tokens.json",
    "merges.txt", "special_tokens_map.json",
    "tiktoken.model", "tokenizer.model", "tekken.model",
)  # fmt: skip
_ARRAYS = (".zarray", ".zmetadata", "zarr.json", "_METADATA", "_CHECKPOINT_METADATA", "_sharding")


def _each(first: Iterable[int]) -> tuple[bytes, ...]:
    """Each of these bytes, as the first one of a file."""
    return tuple(bytes((one,)) for one in first)


_STREAMS = (
    b"\x1f\x8b", b"BZ", b"\xfd7", b"\x04\x22", b"\x02\x21", b"(\xb5", b"]", b"ZF",
    *(bytes((first, 0x2A)) for first in range(0x50, 0x60)),  # frames of zstd and lz4 to be skipped
    *(
        bytes((first, second))  # zlib (RFC 1950): deflate, no dictionary, a multiple of 31
        for first in range(0x08, 0x80, 0x10)
        for second in range(0x100)
        if not (first << 8 | second) % 31 and not second & 0x20
    ),
)  # fmt: skip
_TABLE = (
    _Row("safetensors", "safetensors:SafetensorsReader", (".safetensors",), hint=TABLE),
    _Row("gguf", "gguf.reader:GgufReader", (".gguf",), (b"GGUF",)),
    _Row("ggml", "ggml:GgmlReader", (), (b"lmgg", b"algg", b"fmgg", b"tjgg")),
    _Row("numpy", "numpy_array:NumpyReader", (".npy",), (b"\x93NUMPY",)),
    _Row("hdf5", "hdf5.reader:Hdf5Reader", (".h5", ".hdf5", ".hdf", ".he5", ".h5py"),
         hint=HDF5),
    _Row("onnx", "onnx.reader:OnnxReader", (".onnx", ".pb"), _each(b"\x08\x12\x1a:Br"),
         given=_operators),
    _Row("onnx as text", "onnx.as_text:OnnxTextReader", (),
         mentions=(b'"ir_version"', b'"irVersion"'), mentioned_in=_JSON),
    _Row("onnx runtime model", "onnx.ort:OrtReader", (".ort",), identifiers=(b"ORTM",),
         given=_operators),
    _Row("tensorflow graph", "tensorflow.reader:TensorflowReader", (".meta", ".pb", ".pbtxt"),
         _each(b'\x08\n\x12\x1a"'), given=_operators),
    _Row("tensorflow checkpoint", "tensorflow.checkpoint:CheckpointReader", (".ckpt", ".index"),
         hint=VARIABLES),
    _Row("tflite", "tflite:TfliteReader", (".tflite", ".lite", ".tfl"), identifiers=(b"TFL3",),
         given=_operators),
    _Row("executorch", "executorch:ExecutorchReader", (".ptd", ".pte"),
         identifiers=(b"ET12", b"ET13", b"FT01"),
         given=_operators),
    _Row("tfjs", "tfjs:TfjsReader", names=("model.json",),
         mentions=(b'"modelTopology"', b'"weightsManifest"'), mentioned_in=_JSON,
         given=_operators),
    _Row("llamafile", "llamafile:LlamafileReader", (".llamafile",), _PROGRAMS),
    _Row("nemo", "packed_models:PackedModelReader", (".nemo",),
         given=lambda _: ("nemo", ".nemo")),
    _Row("torchserve archive", "packed_models:PackedModelReader", (".mar",),
         given=lambda _: ("torchserve archive", ".mar")),
    _Row("pytorch", "torch:TorchReader", (), _ZIP),
    _Row("torch export", "torch_export:TorchExportReader", (), _ZIP,
         mentions=(b'"graph_module"',), mentioned_in=_JSON, given=lambda lists: (lists,)),
    _Row("zip", "zip:ZipReader", (), (*_ZIP, b"PK\5\6"), hint=ZIP_END),
    _Row("tar", "tar:TarReader", hint=TAR),
    _Row("compressed", "compressed:CompressedReader", (), _STREAMS),
    _Row("7z", "sevenzip:SevenZipReader", (), (b"7z\xbc\xaf'\x1c",)),
    _Row("sqlite", "sqlite:SqliteReader", (), (b"SQLite format 3\0",)),
    _Row("json", "hub_config:HubConfigReader", _JSON),
    _Row("package config", "package_config:PackageConfigReader", names=("package.config.json",)),
    _Row("mlflow", "mlflow:MlflowReader", names=("MLmodel",)),
    _Row("tokenizer", "tokenizer.reader:TokenizerReader", names=("tokenizer.json",)),
    _Row("vocabulary", "tokenizer.plain:VocabularyReader", (".tiktoken",), names=_VOCABULARIES),
    _Row("sentencepiece", "tokenizer.sentencepiece:SentencepieceReader", (), (b"\n",)),
    _Row("chat template", "chat_template.reader:ChatTemplateReader", (".j2", ".jinja", ".jinja2")),
    _Row("go template", "go_template:GoTemplateReader", (".gotmpl", ".prompt"),
         names=("template", "system")),
    _Row("modelfile", "modelfile:ModelfileReader", (".modelfile",), names=("Modelfile",),
         hint=MODELFILE),
    _Row("json", "weight_index:WeightIndexReader", _JSON),
    _Row("model card", "model_card:ModelCardReader", (".md",)),
    _Row("git-lfs pointer", "lfs:LfsReader", (), (b"version ",)),
    _Row("python source", "python_code.reader:PythonReader", (".pth", ".py", ".pyw"), _SHEBANG),
    _Row("notebook", "python_code.notebook:NotebookReader", (".ipynb",)),
    _Row("json", "objects.json_reader:JsonObjectsReader", _JSON, given=_globals),
    _Row("json with pickles", "pickled_json:PickledJsonReader", names=("data",),
         mentions=(b"CLOUDPICKLE_FALLBACK",), mentioned_in=_JSON),
    _Row("yaml", "objects.yaml_reader:YamlReader", (".yaml", ".yml"), given=_globals),
    _Row("json", "skops:SkopsReader", names=("schema.json",), given=_globals),
    _Row("xml", "xml_markup:XmlReader", (".pmml", ".xml"), _each(b"< \t\n\r\v\f\0\xef\xff\xfe"),
         given=_operators),
    _Row("arrow", "arrow:ArrowReader", (".arrow", ".arrows", ".feather", ".ipc"),
         (b"PAR1", b"ARROW1", b"FEA1", b"PARE", b"\xff\xff\xff\xff")),
    _Row("msgpack", "msgpack:MsgpackReader", (".flax", ".mpk", ".msgpack"),
         _each((*range(0x81, 0x90), 0xDE, 0xDF))),
    _Row("zarr", "zarr:ZarrReader", (), (b"\x0c\xdb\x3a\x2a",), _ARRAYS),
    _Row("coreml", "coreml:CoremlReader", (".mil", ".mlmodel", ".net"),
         names=("Manifest.json",)),
    _Row("paddle", "paddle:PaddleReader", (".pdmodel",), names=("__model__",),
         mentions=(b'"pir"',), mentioned_in=_JSON),
    _Row("caffe", "caffe:CaffeReader", (".caffe", ".prototxt")),
    _Row("rds", "r_data.reader:RDataReader", (), (b"RD", b"X\n", b"A\n", b"B\n")),
    _Row("java serialization", "java_serialization:JavaSerializationReader", (),
         (b"\xac\xed\0\x05",)),
    _Row("torch7", "torch7:Torch7Reader", (".net", ".t7", ".th7"), (b"\x04\0", b"\3\0")),
    _Row("boosted trees", "boosted_trees:BoostedTreesReader", (),
         (b"tree\n", b"tree\r\n", b"CBM1", b"{L\0", b"binf", b"bs64")),
    _Row("pickle", "pickle.reader:PickleReader", _PICKLES, _each(STARTS), given=_globals),
    _Row("shelf index", "pickle.shelves:ShelfIndexReader", (".bak", ".dir")),
    _Row("torchscript bytecode", "torchscript:BytecodeReader", names=("bytecode.pkl",)),
    _Row("licence text", "licence_text:LicenceTextReader", ("", ".md", ".rst", ".txt"),
         given=lambda lists: (lists.licences,)),
    _Row("script", "scripts:ScriptReader", _SCRIPTS, _SHEBANG, _MAKEFILES),
    _Row("text", "settings:SettingsReader", _SETTING_FILES, names=_SETTINGS, given=_globals,
         aside=True),
    _Row("text", "card_commands:CardCommandsReader", (".md",), names=_CARDS, aside=True),
    _Row("source code", "foreign_code:ForeignCodeReader", _FOREIGN, names=_FOREIGN_NAMES),
    _Row("text", "foreign_code:PageReader", _PAGES, aside=True),
    _Row("text", "entry_points:EntryPointsReader", names=("entry_points.txt",), aside=True),
    _Row("package list", "requirements:RequirementsReader", (".in", ".toml", ".txt")),
    _Row("text", "package_sources:PackageSourcesReader", (".yaml", ".yml"), names=_PACKAGES,
         aside=True),
    _Row("data around a zip", "zip_within:ZipWithinReader", hint=ZIP_END),
    _Row("text", "secrets:SecretReader", _TEXTS, aside=True),
)  # fmt: skip


def deferred_readers(lists: NameLists) -> tuple[Deferred, ...]:
    """All readers, with the lists that they look names up in, each imported when it is needed."""
    return tuple(row.deferred(lists) for row in _TABLE)


def readers_for(lists: NameLists) -> tuple[Reader, ...]:
    """The same readers, all of them imported: for pages and tests that ask what there is."""
    return tuple(reader.reader for reader in deferred_readers(lists))
