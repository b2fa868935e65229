"""Calls that load or fetch a model, and where each takes its name from.

The table is by the last name of what is called, with the packages it must come from: the same
class is re-exported from many modules (`langchain_community.llms`, `langchain.llms`). An empty list
of packages means that the name says enough.

Sources: the public interfaces of the libraries named, as documented in 2025 and 2026.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from modelscan.discovery.naming import Usual


class Loader(NamedTuple):
    """How a call is told which model to use."""

    usual: Usual
    keywords: tuple[str, ...] = ()
    position: int | None = 0
    packages: tuple[str, ...] = ()
    """Packages that the callee comes from; empty when its name says enough."""
    options: tuple[tuple[str, int], ...] = ()
    """Positional arguments that are options, such as the file: `(("filename", 1),)`."""
    required: tuple[str, ...] = ()
    """Keywords one of which must be true, or the call loads no weights: timm's `pretrained`."""
    anything: bool = False
    """True for a call that loads any data: without a known path it must speak of a model."""


_NAMES: Final = (
    "pretrained_model_name_or_path", "model_name_or_path", "model_name", "model_id", "repo_id",
    "model", "pretrained_model_name", "pretrained_model_or_path", "model_path", "name",
)  # fmt: skip
_HUB: Final = ("huggingface_hub",)
_LANGCHAIN: Final = ("langchain", "llama_index", "haystack", "llamaindex")
_FILE: Final = (("filename", 1),)

_PRETRAINED: Final = Loader("hub", _NAMES)
_EMBEDDINGS: Final = Loader("hub", ("model_name", "model", "model_id", "repo_id"), 0, _LANGCHAIN)
_OLLAMA: Final = Loader(
    "ollama",
    ("model", "model_name", "name"),
    0,
    (*_LANGCHAIN, "ollama", "agno", "pydantic_ai", "autogen"),
)
_OLLAMA_CALL: Final = Loader("ollama", ("model",), 0, ("ollama",))
_PATH: Final = Loader(
    "path", ("f", "file", "path", "filename", "filepath", "model_path", "model_file")
)

LOADERS: Final[dict[str, tuple[Loader, ...]]] = {
    "from_pretrained": (
        Loader("hub", ("model_id", "adapter_name"), 1, ("peft.PeftModel*", "peft.peft_model.*")),
        Loader("hub", ("repo_id",), 0, ("llama_cpp",), _FILE),
        Loader("ollama", _NAMES, 0, ("ollama",)),
        _PRETRAINED,
    ),
    "from_single_file": (Loader("hub", ("pretrained_model_link_or_path",)),),
    "from_model_id": (Loader("hub", ("model_id",)),),
    "load_lora_weights": (
        Loader("hub", ("pretrained_model_name_or_path_or_dict",), 0, (), ()),
    ),
    "load_textual_inversion": (Loader("hub", ("pretrained_model_name_or_path",)),),
    "load_ip_adapter": (Loader("hub", ("pretrained_model_name_or_path_or_dict",)),),
    "load_adapter": (Loader("hub", ("peft_model_id", "adapter_name_or_path", "model_id")),),
    "pipeline": (
        Loader("hub", ("model",), 0, ("lmdeploy",)),
        Loader("hub", ("model",), 1, ("transformers", "optimum")),
        Loader("hub", ("model",), 1, ("modelscope",)),
    ),
    "SentenceTransformer": (Loader("sentence-transformers", ("model_name_or_path",)),),
    "SentenceTransformerEmbeddings": (Loader("sentence-transformers", ("model_name",)),),
    "SentenceTransformerEmbeddingFunction": (Loader("sentence-transformers", ("model_name",)),),
    "SentenceTransformersDocumentEmbedder": (Loader("sentence-transformers", ("model",)),),
    "SentenceTransformersTextEmbedder": (Loader("sentence-transformers", ("model",)),),
    "CrossEncoder": (Loader("hub", ("model_name", "model_name_or_path")),),
    "SparseEncoder": (Loader("hub", ("model_name_or_path",)),),
    "SparseTextEmbedding": (Loader("hub", ("model_name",), 0, ("fastembed",)),),
    "TextEmbedding": (Loader("hub", ("model_name",), 0, ("fastembed",)),),
    "FlagModel": (Loader("hub", _NAMES, 0),),
    "BGEM3FlagModel": (Loader("hub", _NAMES, 0),),
    "FlagReranker": (Loader("hub", _NAMES, 0),),
    "hf_hub_download": (Loader("hub", ("repo_id",), 0, (), _FILE),),
    "snapshot_download": (Loader("hub", ("repo_id", "model_id")),),
    "cached_download": (Loader("url", ("url",)),),
    "hf_hub_url": (Loader("hub", ("repo_id",), 0, (), _FILE),),
    "model_info": (Loader("hub", ("repo_id",), 0, _HUB),),
    "load_dataset": (),
    "InferenceClient": (Loader("hub", ("model",), 0, _HUB),),
    "AsyncInferenceClient": (Loader("hub", ("model",), 0, _HUB),),
    "LLM": (
        Loader("hub", ("model",), 0, ("vllm", "tensorrt_llm", "aphrodite")),
        Loader("hosted", ("model",), 0, ("crewai",)),
    ),
    "AsyncEngineArgs": (Loader("hub", ("model",), 0),),
    "EngineArgs": (Loader("hub", ("model",), 0),),
    "Engine": (Loader("hub", ("model_path",), None, ("sglang",)),),
    "Runtime": (Loader("hub", ("model_path",), None, ("sglang",)),),
    "LoRARequest": (Loader("hub", ("lora_path", "lora_local_path"), 2, ("vllm",)),),
    "Llama": (Loader("path", ("model_path",), 0, ("llama_cpp",)),),
    "LlamaCpp": (Loader("path", ("model_path",), 0, _LANGCHAIN),),
    "GPT4All": (Loader("path", ("model_name", "model"), 0, ("gpt4all", *_LANGCHAIN)),),
    "CTransformers": (Loader("hub", ("model",), 0, _LANGCHAIN),),
    "Translator": (Loader("path", ("model_path",), 0, ("ctranslate2",)),),
    "Generator": (Loader("path", ("model_path",), 0, ("ctranslate2",)),),
    "load": (
        Loader("torchhub", ("repo_or_dir", "github"), 0, ("torch.hub",), (("model", 1),)),
        Loader("path", ("f",), 0, ("torch", "onnx", "skops.io", "tensorflow", "tf", "thinc")),
        Loader("path", ("file", "filename"), 0, ("joblib", "pickle", "dill", "cloudpickle",
                                                 "_pickle", "cPickle", "sklearn.externals"),
               anything=True),
        Loader("spacy", ("name",), 0, ("spacy",)),
        Loader("hub", ("path_or_hf_repo",), 0, ("mlx_lm", "mlx_vlm", "mlx_whisper")),
        Loader("gensim", ("name",), 0, ("gensim.downloader",)),
        Loader("url", ("handle",), 0, ("tensorflow_hub", "kagglehub")),
    ),
    "load_state_dict_from_url": (Loader("url", ("url",)),),
    "download_url_to_file": (Loader("url", ("url",)),),
    "load_file": (Loader("path", ("filename",), 0, ("safetensors",)),),
    "safe_open": (Loader("path", ("filename",), 0, ("safetensors",)),),
    "load_model": (
        Loader("whisper", ("name",), 0, ("whisper", "whisperx")),
        Loader("url", ("model_uri",), 0, ("mlflow",)),
        Loader("path", ("filepath", "path"), 0, ("keras", "tensorflow", "tf", "fasttext", "onnx",
                                                 "coremltools", "xgboost", "lightgbm", "catboost",
                                                 "safetensors", "flair", "tensorflow.keras")),
    ),
    "WhisperModel": (Loader("whisper", ("model_size_or_path",), 0, ("faster_whisper",)),),
    "InferenceSession": (Loader("path", ("path_or_bytes",), 0),),
    "MLModel": (Loader("path", ("model",), 0, ("coremltools",)),),
    "Interpreter": (Loader("path", ("model_path",), None, ("tensorflow", "tf", "tflite_runtime",
                                                         "ai_edge_litert")),),
    "Booster": (Loader("path", ("model_file",), None, ("lightgbm",)),),
    "YOLO": (Loader("ultralytics", ("model",), 0),),
    "RTDETR": (Loader("ultralytics", ("model",), 0, ("ultralytics",)),),
    "SAM": (Loader("ultralytics", ("model",), 0, ("ultralytics",)),),
    "create_model": (
        Loader("timm", ("model_name",), 0, ("timm",), (), ("pretrained", "checkpoint_path")),
        Loader("timm", ("model_name",), 0, ("open_clip",)),
    ),
    "create_model_and_transforms": (Loader("timm", ("model_name",), 0, ("open_clip",)),),
    "create_model_from_pretrained": (Loader("timm", ("model_name",), 0, ("open_clip",)),),
    "from_preset": (Loader("keras", ("preset",), 0, ("keras_hub", "keras_nlp", "keras_cv")),),
    "KerasLayer": (Loader("url", ("handle",), 0),),
    "model_download": (Loader("url", ("handle",), 0, ("kagglehub",)),),
    "HuggingFaceEmbeddings": (_EMBEDDINGS._replace(packages=()),),
    "HuggingFaceBgeEmbeddings": (_EMBEDDINGS._replace(packages=()),),
    "HuggingFaceInstructEmbeddings": (_EMBEDDINGS._replace(packages=()),),
    "HuggingFaceEndpoint": (Loader("hub", ("repo_id", "model"), None),),
    "HuggingFaceEndpointEmbeddings": (Loader("hub", ("repo_id", "model"), None),),
    "HuggingFaceHub": (Loader("hub", ("repo_id",), None),),
    "HuggingFaceEmbedding": (Loader("hub", ("model_name",), 0),),
    "HuggingFaceLLM": (Loader("hub", ("model_name",), None),),
    "HuggingFaceCrossEncoder": (Loader("hub", ("model_name",), None),),
    "HuggingFaceInferenceAPIEmbeddings": (Loader("hub", ("model_name",), None),),
    "HuggingFaceLocalGenerator": (Loader("hub", ("model",), 0),),
    "VLLM": (Loader("hub", ("model",), 0, _LANGCHAIN),),
    "TransformersModel": (Loader("hub", ("model_id",), 0),),
    "HfApiModel": (Loader("hub", ("model_id",), 0),),
    "InferenceClientModel": (Loader("hub", ("model_id",), 0),),
    "HFModel": (Loader("hub", ("model",), 0, ("dspy",)),),
    "KeyBERT": (Loader("sentence-transformers", ("model",), 0),),
    "BERTopic": (Loader("sentence-transformers", ("embedding_model",), None),),
    "BERTScorer": (Loader("hub", ("model_type",), 0),),
    "HuggingFaceModel": (Loader("url", ("model_data",), None, ("sagemaker",)),),
    "TransformerWordEmbeddings": (Loader("hub", ("model",), 0, ("flair",)),),
    "ChatOllama": (_OLLAMA._replace(packages=()),),
    "OllamaLLM": (_OLLAMA._replace(packages=()),),
    "OllamaEmbeddings": (_OLLAMA._replace(packages=()),),
    "OllamaEmbedding": (_OLLAMA._replace(packages=()),),
    "OllamaGenerator": (_OLLAMA._replace(packages=()),),
    "Ollama": (_OLLAMA,),
    "chat": (_OLLAMA_CALL,),
    "generate": (_OLLAMA_CALL,),
    "embed": (_OLLAMA_CALL,),
    "embeddings": (_OLLAMA_CALL,),
    "pull": (_OLLAMA_CALL,),
    "show": (_OLLAMA_CALL,),
}  # fmt: skip
"""By the last name of what is called; the first loader whose packages fit is the one."""

HOSTED_KEYWORDS: Final = ("model", "model_name", "model_id", "modelId", "deployment_name", "engine")
"""Keywords whose value may name a hosted model, whatever is called."""
HOSTED_CALLS: Final = frozenset(
    {"GenerativeModel", "ChatOpenAI", "OpenAI", "ChatAnthropic", "init_chat_model", "completion",
     "acompletion", "LM", "get_model", "ChatGoogleGenerativeAI", "ChatMistralAI", "ChatCohere",
     "OpenAIModel", "AnthropicModel", "Agent", "encoding_for_model"}
)  # fmt: skip
"""Calls whose first argument may name one."""
MODEL_KEYWORDS: Final = (
    "model_name_or_path", "pretrained_model_name_or_path", "repo_id", "model_id", "hf_model",
    "hf_repo", "hf_model_id", "hf_repo_id", "base_model", "embedding_model",
    "tokenizer_name_or_path", "model_name", "model", "tokenizer", "reranker_model",
    "hf_model_name", "embed_model",
)  # fmt: skip
"""Keywords of functions that we do not know; believed for names that are hardly anything else."""

RECORDED: Final = (
    "trust_remote_code", "weights_only", "use_safetensors", "subfolder", "filename",
    "local_files_only", "allow_pickle", "gguf_file", "weight_name", "code_revision", "source",
    "custom_pipeline", "variant", "force_download", "load_in_4bit", "load_in_8bit",
    "skip_validation",
)  # fmt: skip
"""Keywords that are recorded with a reference."""
RUNNERS: Final = frozenset(
    {"system", "popen", "run", "call", "check_call", "check_output", "Popen", "getoutput",
     "getstatusoutput", "create_subprocess_exec", "create_subprocess_shell", "execvp", "execv"}
)  # fmt: skip
"""Functions of `os`, `subprocess` and `asyncio` that run a command line."""
