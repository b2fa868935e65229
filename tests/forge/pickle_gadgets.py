"""Ways to do harm with names that the list trusts, and the honest use of the same names.

Each makes something listed call, fill, write or open what it should not. Nothing here is unpickled.
"""

from __future__ import annotations

import pickle
import struct

from tests.forge import pickles
from tests.forge.pickles import Assembler, call

PAYLOAD = call("os", "system", "echo hi").stop()
BOOSTER = ("lightgbm.basic", "Booster")
"""A listed class: instances may be made and filled, its `__init__` opens files."""
_WRITER = ("pathlib", "PosixPath.write_text")


def _path(out: Assembler) -> Assembler:
    return out.global_("pathlib", "PosixPath").text("/tmp/x").tuple1().reduce()  # noqa: S108  # never opened


def _instance(module: str, name: str) -> Assembler:
    return Assembler(2).global_(module, name).empty_tuple().newobj()


def _ctor() -> Assembler:
    """`numpy.random` calls its second argument with its first."""
    return Assembler(2).global_("numpy.random._pickle", "__generator_ctor").text("payload")


def failing() -> dict[str, bytes]:
    """Pickles that the default policy must fail."""
    method = _path(Assembler(2).global_(*_WRITER)).text("payload").tuple2().reduce()
    looked_up = _path(Assembler(2).global_("builtins", "getattr")).text("write_text").tuple2()
    bound = _path(_ctor().global_("types", "MethodType").global_(*_WRITER)).tuple2().reduce()
    getter = _ctor().global_("operator", "attrgetter").text("x").tuple1().reduce()
    base = Assembler(2).global_("copyreg", "_reconstructor").mark().global_(*BOOSTER)
    state = Assembler(2).global_("torch._tensor", "_rebuild_from_type_v2").mark()
    state.global_("torch._utils", "_rebuild_tensor").global_("torch.nn.parameter", "Parameter")
    state.empty_tuple().empty_dict().text("__setstate__").global_(*BOOSTER).setitem().tuple_()
    slots = _instance("argparse", "Namespace").none().empty_dict().text("__dict__")
    slots.global_("torch.nn.modules.module", "_global_forward_hooks").setitem().tuple2().build()
    outside = _instance("joblib.numpy_pickle_compat", "NDArrayWrapper").empty_dict()
    old = _instance("sklearn.externals.joblib.numpy_pickle", "NDArrayWrapper").empty_dict()
    keras = Assembler(4).stack_global("keras.src.models.sequential", "Sequential._unpickle_model")
    keras.stack_global("_io", "BytesIO").empty_tuple().reduce().binary(PAYLOAD).number(0)
    other = _instance("statsmodels.distributions.discrete", "genpoisson_p_gen").empty_dict()
    return {
        "method-of-a-path": method.stop(),
        "method-looked-up": looked_up.reduce().text("x").tuple1().reduce().stop(),
        "method-of-an-array": call("numpy", "ndarray.tofile", "x").stop(),
        "method-of-a-table": call("pandas.core.frame", "DataFrame.eval", "x").stop(),
        "method-bound": bound.tuple2().reduce().stop(),
        "getter-called": getter.tuple2().reduce().stop(),
        "class-called": _ctor().global_(*BOOSTER).tuple2().reduce().stop(),
        "base-initialised": base.global_(*BOOSTER).text("/x").tuple_().reduce().stop(),
        "state-of-a-tensor": state.reduce().text("/x").build().stop(),
        "dict-of-a-module": slots.empty_dict().number(1).none().setitem().build().stop(),
        "file-outside": outside.text("filename").text("../../x.npy").setitem().build().stop(),
        "file-outside-old": old.text("filename").text("C:\\x.npy").setitem().build().stop(),
        "file-computed": outside.text("filename").global_("collections", "Counter").setitem()
        .build().stop(),
        "file-behind-padding": _instance("joblib.numpy_pickle", "NDArrayWrapper").raw(
            b"(" + b"K\x01K\x02" * 60_000 + b"l0").empty_dict().text("filename").text("/x.npy")
        .setitem().build().stop(),
        "keras-nested": keras.none().raw(b"\x87").build().tuple1().reduce().stop(),
        "text-that-is-run": other.text("_parse_arg_template").text("import os").setitem().build()
        .stop(),
        "imported-program": Assembler(2).global_("json.__main__", "x").stop(),
        "imported-browser": Assembler(2).global_("antigravity", "x").stop(),
        "removes-a-folder": _instance("numpy.lib._datasource", "DataSource").stop(),
        "unpickles-its-state": _instance(
            "torch.utils.data.datapipes.datapipe", "_IterDataPipeSerializationWrapper").stop(),
        "behind-rubbish": Assembler(2).none().stop() + b"rubbish" * 3 + PAYLOAD,
        "behind-harmless": Assembler(2).none().stop() + b"rubbish"
        + call("collections", "OrderedDict").stop() + b"zz" + PAYLOAD,
        "behind-a-break": b"\x80\x02]\xff\xff" + b"x" * 40 + PAYLOAD,
        "array-of-opcodes": old_joblib_array(PAYLOAD.ljust(64, b"\0")),
        **_endless(),
    }  # fmt: skip


def _endless() -> dict[str, bytes]:
    def filled(module: str, name: str) -> Assembler:
        return Assembler(4).stack_global(module, name)

    count = filled("builtins", "list").stack_global("itertools", "count").empty_tuple().reduce()
    again = filled("collections", "deque").stack_global("itertools", "repeat").none().tuple1()
    long = filled("builtins", "tuple").stack_global("builtins", "range").number(1 << 50).tuple1()
    steps = filled("builtins", "set").stack_global("builtins", "range").number(0).number(1 << 60)
    chained = filled("builtins", "list").stack_global("itertools", "chain")
    chained.stack_global("itertools", "cycle").short_text("ab").tuple1().reduce().tuple1().reduce()
    return {
        "endless-count": count.tuple1().reduce().stop(),
        "endless-repeat": again.reduce().tuple1().reduce().stop(),
        "endless-repeat-often": filled("builtins", "list").stack_global("itertools", "repeat")
        .none().number(1 << 40).tuple2().reduce().tuple1().reduce().stop(),
        "endless-range": long.reduce().tuple1().reduce().stop(),
        "endless-steps": steps.number(2).raw(b"\x87").reduce().tuple1().reduce().stop(),
        "endless-chain": chained.tuple1().reduce().stop(),
        "endless-bytes": filled("builtins", "bytearray").number(1 << 45).tuple1().reduce().stop(),
    }  # fmt: skip


def passing() -> dict[str, bytes]:
    """Honest objects that use the same names."""
    beside = _instance("joblib.numpy_pickle_compat", "NDArrayWrapper").empty_dict()
    keras = Assembler(4).stack_global("keras.src.models.sequential", "Sequential._unpickle_model")
    keras.stack_global("_io", "BytesIO").empty_tuple().reduce()
    keras.binary(pickle.dumps([1.5])).number(0).none().raw(b"\x87").build().tuple1().reduce()
    ctor = _ctor().global_("numpy.random._pickle", "__bit_generator_ctor").tuple2().reduce()
    kept = Assembler(2).global_("types", "MethodType")
    kept.global_("torch.nn.modules.linear", "Linear.extra_repr")
    kept.global_("torch.nn.modules.linear", "Linear").empty_tuple().newobj().tuple2().reduce()
    numbers = b"G" + struct.pack(">d", 1.5)
    return {
        "counter-kept": call("itertools", "count").stop(),
        "repeat-few": Assembler(4).stack_global("itertools", "repeat").none().number(9).tuple2()
        .reduce().stop(),
        "range-kept": pickle.dumps({"all": range(1 << 60)}, 4),
        "range-filled": Assembler(4).stack_global("builtins", "list").stack_global(
            "builtins", "range").number(9).tuple1().reduce().tuple1().reduce().stop(),
        "bytes": pickle.dumps([bytearray(b"abc"), bytes(9)], 2),
        "getter": Assembler(2).global_("operator", "attrgetter").text("x").tuple1().reduce().stop(),
        "method-kept": kept.stop(),
        "generator": ctor.stop(),
        "file-beside": beside.text("filename").text("m.pkl_01.npy").setitem().build().stop(),
        "keras": keras.stop(),
        "old-joblib": old_joblib_array(bytes(8) + PAYLOAD.ljust(64, b"\0")),
        "exceptions": pickle.dumps([FileNotFoundError(2, "x"), TimeoutError(), OSError(1, "y")]),
        "old-forest": _instance("sklearn.ensemble.forest", "RandomForestClassifier").empty_dict()
        .text("n_estimators").number(9).setitem().build().stop(),
        "words": _instance("keras_preprocessing.text", "Tokenizer").empty_dict().text("rate")
        .raw(numbers).setitem().build().stop(),
    }  # fmt: skip


def old_joblib_array(data: bytes) -> bytes:
    """An array as the joblib wrote it that scikit-learn carried until 0.22."""
    current = pickles.joblib_array(data, alignment=False).stop()
    before, after = b"\x8c\x13joblib.numpy_pickle", b"\x8c\x24sklearn.externals.joblib.numpy_pickle"
    after = after[:1] + bytes([len(after) - 2]) + after[2:]
    assert before in current
    return current.replace(before, after)
