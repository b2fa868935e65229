"""The callables of which every call is looked at, for what they are given decides.

All others are judged once, by their name. These are those whose *meaning* the pickle protocol,
numpy, joblib and torch give; what is trusted is in the list.
"""

from __future__ import annotations

import re
from typing import Final

_JOBLIBS: Final = ("joblib", "sklearn.externals.joblib")
"""scikit-learn carried a copy until 0.22."""
WRAPPER: Final = frozenset(f"{name}.numpy_pickle.NumpyArrayWrapper" for name in _JOBLIBS)
"""Instances of these are followed by an array of raw bytes."""
BUFFERS: Final = frozenset({"_io.BytesIO", "io.BytesIO"})
"""Bytes as a file: in their arguments, or in their state."""
HOLDERS: Final = frozenset({"functools.partial", "_functools.partial"})
"""Instances keep the function that they are for: as an argument, or in a state set later."""
KEEP_ARGUMENTS: Final = (
    frozenset({"numpy.dtype", "_codecs.encode", "builtins.bytes"}) | BUFFERS | HOLDERS
)
"""Their arguments and state are needed later: an array's item size, encoded bytes, a function."""
RECONSTRUCTORS: Final = frozenset(
    {"copyreg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__"}
)
"""They make an instance of the class that they are given."""
REBUILDERS: Final = frozenset({
    "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3", "torch._utils._rebuild_qtensor",
})  # fmt: skip
"""They make a view of a storage from an offset, a size and strides."""
ARRAY_MAKER: Final = "dill._dill._create_array"
"""Behind the function and its arguments come the state of an array, which only keeps its objects,
and its attributes."""
DELEGATES: Final = {
    "torch._tensor._rebuild_from_type_v2": (0, 2),
    "torch._tensor._rebuild_from_type": (0, 2),
    "dill._dill._create_array": (0, 1),
}
"""They call another function: the place of that function among the arguments, and the place of the
tuple that it is given."""
CALLERS: Final = {
    "numpy.random._pickle.__generator_ctor": (1,),
    "numpy.random._pickle.__randomstate_ctor": (1,),
    "spacy.tokenizer.Tokenizer": (2, 3, 4, 5, 6),
}
"""They call a function that they are given with something else that they are given: its places
among the arguments. A class that was only read as one to be made and filled is not enough."""
STATE_AT: Final = {
    "torch._tensor._rebuild_from_type": 3, "torch._tensor._rebuild_from_type_v2": 3,
    "torch._utils._rebuild_parameter_v2": 3, "torch._utils._rebuild_parameter_with_state": 3,
}  # fmt: skip
"""They set a state: its place among the arguments."""
ENDLESS: Final = frozenset(
    {
        "builtins.range",
        "itertools.count",
        "itertools.cycle",
        "itertools.product",
        "itertools.repeat",
    }
)
"""They make iterators that may have no end, or as good as none."""
EXACT: Final = frozenset({"builtins.int", "fractions.Fraction"})
"""They write out every digit of what they are given."""
SIZED: Final = frozenset({"builtins.bytes", "builtins.bytearray"})
"""They take a length."""
FILE_WRAPPERS: Final = frozenset(
    f"{name}.{module}.{cls}"
    for name in _JOBLIBS
    for module in ("numpy_pickle", "numpy_pickle_compat")
    for cls in ("NDArrayWrapper", "ZNDArrayWrapper")
)
"""Instances of these name a file beside the pickle, which joblib opens (and wrote before 0.10)."""
ARRAYS: Final = WRAPPER | FILE_WRAPPERS
"""Instances of these are arrays by the time that a function is handed one (`load_build`)."""
CONSUMING: Final = frozenset({"builtins", "collections", "itertools", "numpy"})
"""Modules whose functions and classes iterate over what they are given, take its length, or make a
number or a text of it."""
ITERATING: Final = frozenset({
    "array.array", "diffusers.configuration_utils.FrozenDict", "inspect.Signature",
    "mmengine.config.config.ConfigDict", "nltk.probability.ConditionalFreqDist",
    "nltk.probability.FreqDist", "pandas.core.indexes.base.Index",
    "pandas.core.indexes.datetimes.DatetimeIndex", "pandas.core.internals.managers.BlockManager",
    "pandas.core.internals.managers.SingleBlockManager", "polars.schema.Schema",
    "pyarrow.lib.chunked_array", "pyarrow.lib.schema", "pyarrow.lib.struct",
    "scipy.spatial.transform._rigid_transform.RigidTransform.from_matrix",
    "spacy.strings.StringStore", "time.struct_time", "torch.Size", "torch.UntypedStorage",
    "torch._utils._rebuild_qtensor", "torch._utils._rebuild_sparse_csr_tensor",
    "torch._utils._rebuild_sparse_tensor", "torch.storage.UntypedStorage", "types.SimpleNamespace",
} | {
    f"torch.{number}{kind}"
    for number in ("BFloat16", "Bool", "Byte", "Char", "Double", "Float", "Half", "Int", "Long")
    for kind in ("Storage", "Tensor")
})  # fmt: skip
"""Others that do so (torch 1.9 to 2.13, pandas 1 to 3, scipy 1.17, pyarrow 26, nltk 3, spaCy 3)."""
OUTPUTS: Final = frozenset({"transformers.modeling_outputs"})
"""Its classes iterate over the first of their arguments (`ModelOutput.__post_init__`)."""
INDEXES: Final = ("pandas.core.indexes.", "_new_")
"""What the functions are called that make an index of the keywords in a dictionary."""
_ERRORS: Final = frozenset({
    "Exception", "AssertionError", "IndexError", "KeyError", "LookupError", "RuntimeError",
    "StopIteration", "TypeError", "UserWarning", "ValueError", "Warning",
})  # fmt: skip
"""Exceptions that only keep what they are given."""
KEEPING: Final = _ERRORS | {
    "dtype", "getattr", "hash", "iter", "object", "slice", "type", "vectorize",
}  # fmt: skip
"""Names in them that do not, or that are looked at by themselves."""
REACTING: Final = (
    "accelerate.", "cmdstanpy.", "formulaic.", "keras.", "lightgbm.engine", "mmengine.",
    "ml_collections.", "omegaconf.", "pandas.", "polars.", "pytorch_forecasting.", "scipy.sparse",
    "stable_baselines3.", "statsmodels.", "torch_geometric.", "torchmetrics.", "xarray.",
)  # fmt: skip
"""What the modules begin with whose classes do more than keep items that they are given."""
CALLING: Final = re.compile(r"pandas\.(?!core\.flags)|scipy\.sparse\.(?!\S*(?:lil|dok))")
"""Of these, those that do harm only when they are given something that can be called."""
HASHING: Final = ("torchmetrics.",)
"""The same for classes whose hash does more than to compute."""
HOLLOW: Final = frozenset(
    f"collections.{name}" for name in ("ChainMap", "UserDict", "UserList", "UserString")
)
"""Their methods are those of what their state holds."""
BUFFERED: Final = frozenset({
    "numpy.ndarray", "numpy.recarray", "numpy.rec.recarray", "numpy.core.records.recarray",
    "numpy._core.records.recarray",
})  # fmt: skip
"""Arrays that may be laid over bytes: shape, type, bytes."""
MATCHERS: Final = frozenset(
    f"re._compile.{name}" for name in ("finditer", "fullmatch", "match", "search")
)
"""They run a regular expression, which may take for ever. Objects keep them, and none calls one."""
RETURNERS: Final = frozenset({
    "torch.jit._pickle.build_boollist", "torch.jit._pickle.build_doublelist",
    "torch.jit._pickle.build_intlist", "torch.jit._pickle.build_tensor_from_id",
    "torch.jit._pickle.build_tensorlist", "torch.jit._pickle.restore_type_tag",
})  # fmt: skip
"""They return the first of their arguments as it is: a name that is handed through one is still
that name."""
CODE_MAKERS: Final = frozenset({"types.CodeType", "dill._dill._create_code"})
"""They make a code object."""
FUNCTION_MAKERS: Final = frozenset({
    "cloudpickle.cloudpickle._make_function", "dill._dill._create_function", "types.FunctionType",
})  # fmt: skip
"""They make a function of one."""
CELL_MAKERS: Final = frozenset(
    f"cloudpickle.cloudpickle.{name}" for name in ("_make_cell", "_make_empty_cell")
)
"""They make what a function is closed over."""
FUNCTION_SETTERS: Final = frozenset(
    f"cloudpickle.{module}._function_setstate" for module in ("cloudpickle", "cloudpickle_fast")
)
"""They set the attributes of a function."""
_BUILTINS: Final = "slice list tuple dict int float complex set bytes str bool object range"
BY_NAME: Final[dict[str, dict[bytes, tuple[str, str]]]] = {
    "dill._dill._load_type": {
        b"AttrGetterType": ("operator", "attrgetter"),
        b"ItemGetterType": ("operator", "itemgetter"),
        b"MethodType": ("types", "MethodType"),
        b"PartialType": ("functools", "partial"),
        b"NoneType": ("builtins", "Ellipsis"),
        b"EllipsisType": ("builtins", "Ellipsis"),
        b"NotImplementedType": ("builtins", "NotImplemented"),
        **{f"{name.title()}Type".encode(): ("builtins", name) for name in _BUILTINS.split()},
    },
    "dill._dill._eval_repr": {
        b"NotImplemented": ("builtins", "NotImplemented"),
        b"Ellipsis": ("builtins", "Ellipsis"),
    },
    "cloudpickle.cloudpickle._builtin_type": {
        b"CodeType": ("types", "CodeType"),
        b"GenericAlias": ("types", "GenericAlias"),
        b"LambdaType": ("types", "FunctionType"),
        b"MethodType": ("types", "MethodType"),
        b"SimpleNamespace": ("types", "SimpleNamespace"),
    },
}
"""They return something by its name: of all the names, those with a harmless meaning. A singleton
stands for its type: neither can do anything. What `_load_type` knows under its own name is looked
up in the list."""
EXPLAINED: Final = frozenset({
    "dateutil.tz.tz.tzfile", "dill._dill._create_namedtuple", "dill._dill._getattr",
    "_operator.getitem", "operator.getitem",
})  # fmt: skip
"""As harmless as what their arguments name (see `by_name`)."""
PASSIVE: Final = frozenset({
    "addict.addict.Dict", "builtins.frozenset", "builtins.set", "builtins.slice",
    "collections.Counter", "collections.OrderedDict", "collections.deque",
    "mmengine.config.config.ConfigDict", "pandas._libs.internals._unpickle_block",
    *(f"builtins.{name}" for name in _ERRORS),
})  # fmt: skip
"""They keep what they are given, and look at nothing in it but what makes two keys the same: a
function or class among it is not called, and is still told as imported."""
BASES: Final = frozenset({"builtins.dict", "builtins.list", "builtins.set"})
"""What `copyreg._reconstructor` fills an instance with is kept by the methods of these."""
FACTORIES: Final = frozenset({"collections.defaultdict"})
"""They call what they are given for keys that are missing, as `Adam.__setstate__` may find them."""
EMPTY: Final = frozenset({
    "addict.addict.Dict", "networkx.classes.digraph.DiGraph", "networkx.classes.graph.Graph",
    "networkx.classes.multidigraph.MultiDiGraph", "networkx.classes.multigraph.MultiGraph",
    "pandas.core.frame.DataFrame", "pandas.core.series.Series",
    "torch.nn.modules.container.ModuleDict", "torch.nn.modules.container.ModuleList",
})  # fmt: skip
"""Classes that make an empty container when they are called without arguments, as a factory is."""
FILLERS: Final = frozenset(
    f"{module}.{name}"
    for module in (
        "numpy", "numpy._core.multiarray", "numpy._core.numeric", "numpy.core.multiarray",
        "numpy.core.numeric",
    )
    for name in ("empty", "full", "ones", "zeros")
)  # fmt: skip
"""Functions that make an array of one number: what a table of counts or values starts from."""
CALLED: Final = frozenset(
    b"_patch_step_function _attach_methods _build_f _initialize _invalidate_cache _wrap_update "
    b"_wrap_compute _convert_mask _load_container_from_state _load_from_string _set_test_evals "
    b"_set_distance_func _set_sparse_distance_func _init_search_function "
    b"_init_sparse_search_function _post_setstate _setattr set_weight_bias setstate deserialize "
    b"free_network _free_handle close cleanup teardown stop terminate getattr_depth_check "
    b"getattr_recursive nbunch_iter stan_variable put_tensor put_edge_index add_vectors "
    b"add_module register_buffer register_parameter _get_item_by_idx _get_abs_string_index "
    b"_set_item _setitem _pop_cache to_internal_key to_json_string _hashable_content _hash_basis "
    b"_hash_key _hash_impl get setdefault pop popitem clear update keys items values join "
    b"move_to_end default_factory __hash__ _do_eq_sympify _equal _fallback_key _is_comparable_to "
    b"_namespace_ids construct_from_string freeze prob get_params equals lower _build _valid_name "
    b"convert_tokens_to_ids as_subclass detach requires_grad_ to numel replace".split()
)
"""Methods that `__setstate__`, `__del__`, `__hash__`, `__eq__` and `__getattr__` of listed classes
call (see `hooks`; `tools/review_globals.py --others` finds them), and those of containers, which
these take their instances for."""
_KEPT: Final = frozenset({b"__class__", b"__dict__", b"__orig_class__", b"__wrapped__"})
"""Special names in a state that nobody calls: `typing` and `functools` write the last two."""
SHARED: Final = frozenset({"logging.getLogger"}) | {
    f"numpy.dtypes.{name}DType"
    for name in (
        "Bool", "Byte", "Bytes", "CLongDouble", "Complex128", "Complex64", "DateTime64", "Float16",
        "Float32", "Float64", "Int", "Int16", "Int32", "Int64", "Int8", "Long", "LongDouble",
        "LongLong", "Object", "Short", "Str", "String", "TimeDelta64", "UByte", "UInt", "UInt16",
        "UInt32", "UInt64", "UInt8", "ULong", "ULongLong", "UShort", "Void",
    )
}  # fmt: skip
"""They hand out what everybody else has as well: to set its state changes it for all."""
UNPICKLING: Final = frozenset(
    f"skorch.{name}"
    for name in (
        "net.NeuralNet", "classifier.NeuralNetClassifier", "classifier.NeuralNetBinaryClassifier",
        "regressor.NeuralNetRegressor", "probabilistic.ExactGPRegressor",
        "probabilistic.GPRegressor", "probabilistic.GPBinaryClassifier",
    )
)  # fmt: skip
"""Their instances unpickle bytes in their state (`skorch/net.py`, `NeuralNet.__setstate__`)."""
PICKLED: Final = b"__cuda_dependent_attributes__"
"""The key of these bytes."""
ACTING_PROPERTIES: Final = frozenset(
    b"required_variables json yaml toml glyph_name_or_index save_dir _setup_devices "
    b"parallel_mode world_size process_index local_process_index should_log should_save "
    b"_no_sync_in_gradient_accumulation style".split()
)
"""Properties of listed classes that do more than compute: one of formulaic's evaluates the text of
a token (`formulaic/utils/stateful_transforms.py`), others write, make folders or set up devices."""
EVALUATED: Final = re.compile(rb"range\(-?\d{1,9}, -?\d{1,9}(?:, -?\d{1,9})?\)\Z")
"""What `dill._dill._eval_repr` may be given besides: the text is run as an expression."""
NESTED_AT: Final = {"spacy.vocab.unpickle_vocab": 4, "spacy.tokens.doc.unpickle_doc": 1}
"""Which argument of a nested loader is the pickle, when it is not the first."""
SPECIAL: Final = (
    WRAPPER | KEEP_ARGUMENTS | RECONSTRUCTORS | REBUILDERS | RETURNERS | DELEGATES.keys()
    | BY_NAME.keys() | CALLERS.keys() | STATE_AT.keys() | ENDLESS | SIZED
    | FILE_WRAPPERS | FACTORIES | MATCHERS | BUFFERED | EXACT | EXPLAINED | SHARED | UNPICKLING
    | {"builtins.getattr", "builtins.type", "builtins.iter", "types.MethodType"}
)  # fmt: skip
"""All of them."""
PATH: Final = b"relative_path"
OFFSET: Final = b"offset"
LENGTH: Final = b"length"
"""Where a part of a distributed checkpoint is (see `parts`)."""
FORMULATED: Final = frozenset({"statsmodels.base"})
"""Packages of which some evaluate a formula in their state (see `formulas`)."""
FORMULA: Final = b"formula"
"""Its key."""
TEMPLATED: Final = FORMULATED | {
    "scipy.stats", "statsmodels.distributions", "statsmodels.sandbox",
}  # fmt: skip
"""Packages whose instances run a part of their state as code when it is set (see `templates`)."""
TEMPLATE: Final = b"_parse_arg_template"
"""The key of that part."""


def runs_methods(module: str, name: str) -> bool:
    """True for a function that runs methods of what it is given."""
    if module in CONSUMING:
        return name not in KEEPING
    return module in OUTPUTS or f"{module}.{name}" in ITERATING


def is_called(key: bytes) -> bool:
    """True for the name of a method that loading may look up on an instance, and call.

    Of the special ones functions ask by name: `copyreg.__newobj__` calls `cls.__new__`.
    """
    return key in CALLED or (key[:2] == b"__" and key[-2:] == b"__" and key not in _KEPT)
