"""The rows of the table of threats that are about pickles: what each is forged as, and what is not.

`further` adds samples to those of the other modules; `ROWS` says for every row which samples show
it, and which look alike and must pass.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import lzma
import pickle
import struct
import zlib
from typing import NamedTuple

from tests.forge import (
    pickle_gadgets,
    pickle_given,
    pickle_insides,
    pickle_replaced,
    pickle_techniques,
    pickles,
)
from tests.forge.archives import python_tar
from tests.forge.pickles import Assembler, call

ECHO = "echo hi"
PAYLOAD = call("os", "system", ECHO).stop()
_RUNNERS = (
    "idlelib.autocomplete.AutoComplete.get_entity", "idlelib.calltip.get_entity",
    "idlelib.debugobj.ObjectTreeItem.SetText", "idlelib.run.Executive.runcode",
    "lib2to3.pgen2.pgen.ParserGenerator.make_label", "_aix_support._read_cmd_output",
    "_pyrepl.pager.pipe_pager", "code.InteractiveInterpreter.runcode", "trace.Trace.runctx",
    "types.FunctionType", "types.CodeType", "operator.methodcaller",
    "torch.jit.unsupported_tensor_ops.execWrapper", "torch.serialization.load",
    "torch.distributed.nn.api.remote_module.RemoteModule", "torch.compile",
    "transformers.pipelines.pipeline", "transformers.utils.hub.cached_file",
    "sklearn.datasets._base.fetch_file", "numpy.fromfile", "numpy.lib.npyio.NpzFile",
    "joblib.numpy_pickle.load", "dill.loads", "cloudpickle.loads", "nltk.data.load",
    "keras.saving.load_model", "tensorflow.io.read_file", "builtins.open", "shutil.rmtree",
)  # fmt: skip
"""Rows 1 to 3, further functions. Some names are of a class and its method."""


def further() -> dict[str, bytes]:
    """Pickles that the default policy must fail."""
    appended = call("os", "system", ECHO).empty_dict().build()
    confused = call("os", "system", ECHO).pop().number(1).short_text("x").raw(b"\x93")
    unset = call("os", "system", ECHO).pop().raw(b"h\xfe")
    key = call("os", "system", ECHO).pop().empty_dict().empty_list().none().setitem()
    unhexed = Assembler(3).global_("binascii", "unhexlify").binary(binascii.hexlify(PAYLOAD))
    decoded = Assembler(4).stack_global("base64", "b64decode").raw(b"C\x04b3M=").tuple1().reduce()
    decoded.short_text("system").raw(b"\x93").short_text(ECHO).tuple1().reduce()
    persistent = Assembler(2).text("some id").binpersid().text(ECHO).tuple1().reduce()
    behind = pickles.joblib_array(b"\0" * 64)
    joblib = behind.stack_global("os", "system").short_text(ECHO).tuple1().reduce().stop()
    searched = Assembler(4).stack_global("builtins", "getattr").stack_global("re", "_compile")
    searched.short_text("(a|aa)+$").number(32).tuple2().reduce().short_text("match").tuple2()
    searched.reduce().short_text("a" * 99 + "b").tuple1().reduce()
    held = Assembler(2).global_("functools", "partial").global_("collections", "OrderedDict")
    held.tuple1().reduce().mark().global_("acme", "f").empty_tuple().empty_dict().none().tuple_()
    one = tuple(Assembler(2).none().stop() for _ in range(4))
    return {
        **{f"further-{name}": _runs(name) for name in _RUNNERS},
        "built-afterwards": appended.stop(),
        "endless-match": searched.stop(),
        "handed-later": held.build().stop(),
        "confused-operand": confused.stop(),
        "confused-memo": unset.stop(),
        "confused-key": key.stop(),
        "name-decoded": decoded.stop(),
        "nested-hex": unhexed.tuple1().reduce().stop(),
        "persistent-called": persistent.stop(),
        "persistent-import": Assembler(2).global_("__builtin__", "tuple").empty_list()
        .text("reduce_package").raw(b"a").global_("acme", "f").raw(b"a").tuple1().reduce()
        .binpersid().stop(),
        "persistent-tuple": Assembler(2).mark().text("some tag").global_("acme", "f").tuple_()
        .binpersid().stop(),
        "second-after-a-break": Assembler(4).number(1).short_text("x").raw(b"\x93").stop() + PAYLOAD,
        **{f"legacy-pickle-{n}": b"".join((*one[:n], PAYLOAD, *one[n:])) for n in range(5)},
        "legacy-tar": python_tar({
            "storages": pickle.dumps(1, 2), "tensors": pickle.dumps(1, 2), "pickle": PAYLOAD,
        }),
        "joblib-zlib": zlib.compress(joblib),
        "joblib-gzip": gzip.compress(joblib, mtime=0),
        "joblib-bz2": bz2.compress(joblib),
        "joblib-xz": lzma.compress(joblib),
        "joblib-lzma": lzma.compress(joblib, format=lzma.FORMAT_ALONE),
        "joblib-lz4": lz4_frame(joblib),
    }  # fmt: skip


def lookalikes() -> dict[str, bytes]:
    """Pickles that look alike and do no harm."""
    array = pickles.joblib_array(b"\0" * 64).stop()
    encoded = base64.b64encode(PAYLOAD).decode()
    kept = Assembler(4).short_text("os").memoize().pop().short_text("math").memoize().pop()
    kept.short_text("collections").memoize().pop().raw(b"h\x02").short_text("OrderedDict")
    kept_match = Assembler(4).stack_global("builtins", "getattr").stack_global("re", "_compile")
    kept_match.short_text("(a|aa)+$").number(32).tuple2().reduce().short_text("match").tuple2()
    partial = Assembler(2).global_("functools", "partial").global_("collections", "OrderedDict")
    partial.tuple1().reduce().mark().global_("collections", "OrderedDict").empty_tuple()
    return {
        "array-zlib": zlib.compress(array),
        "array-gzip": gzip.compress(array, mtime=0),
        "array-bz2": bz2.compress(array),
        "array-xz": lzma.compress(array),
        "array-lzma": lzma.compress(array, format=lzma.FORMAT_ALONE),
        "array-lz4": lz4_frame(array),
        "text-that-decodes-to-a-pickle": pickle.dumps({"note": encoded, "hex": PAYLOAD.hex()}, 4),
        "bytes-that-inflate-to-a-pickle": pickle.dumps([zlib.compress(PAYLOAD)], 4),
        "name-from-the-memo": kept.raw(b"\x93").empty_tuple().reduce().stop(),
        "dotted-text": pickle.dumps(["pathlib", "os.system", "torch.serialization:os.system"], 4),
        "defaultdict": Assembler(2).global_("collections", "defaultdict")
        .global_("__builtin__", "list").tuple1().reduce().stop(),
        "state-with-plain-names": pickle.dumps({"__setstate__": 1, "__dict__": [2]}, 2),
        "text-not-ascii": b"S'caf\\xe9'\n.",
        "many-pickles": Assembler(2).text("words").stop() * 200,
        "class-instantiated": Assembler(2).global_("collections", "OrderedDict").empty_tuple()
        .newobj().stop(),
        "match-kept": kept_match.reduce().stop(),
        "partial-with-a-state": partial.empty_dict().none().tuple_().build().stop(),
        "large-number": pickle.dumps([1 << 4000, -1], 4),
    }  # fmt: skip


def lz4_frame(data: bytes) -> bytes:
    """An LZ4 frame of blocks that are not compressed (LZ4 frame format 1.6.2)."""
    blocks = [data[start : start + 60_000] for start in range(0, len(data), 60_000)]
    body = b"".join(struct.pack("<I", len(block) | 1 << 31) + block for block in blocks)
    return b"\x04\x22\x4d\x18\x60\x40\x82" + body + bytes(4)


def _runs(name: str) -> bytes:
    module, _, function = name.rpartition(".")
    if any(part[:1].isupper() for part in module.split(".")):  # a method of a class
        module, _, cls = module.rpartition(".")
        function = f"{cls}.{function}"
    return Assembler(4).stack_global(module, function).short_text(ECHO).tuple1().reduce().stop()


class Row(NamedTuple):
    """One technique."""

    bad: str
    """Samples that show it, or what their names begin with and a star."""
    good: str
    """Samples that look alike."""


ROWS = {
    1: Row("reduce python2-name stack-global inst obj newobj newobj-ex protocol0 getattr"
           " below-denied imported-* removes-a-folder direct-* further-*",
           "words-* class-instantiated old-forest"),
    2: Row("direct-* further-* method-* getter-called", "words-* getter method-kept exceptions"),
    3: Row("direct-* further-* nested class-called unpickles-its-state keras-nested"
           " made-of-* methods-*",
           "nested keras partial-of-a-class words filled-*"),
    4: Row("hop-* dotted", "dotted-text member-of-an-enumeration"),
    5: Row("builtins-of-numpy module-overwritten class-overwritten function-overwritten hook-*"
           " state-of-a-tensor dict-of-a-module scipy-template text-that-is-run"
           " text-that-another-library-runs state-that-imports replaced-* given-*",
           "state kept-* gets-* is-a-* hands-* attribute-named-add state-with-plain-names scipy-distribution"),
    6: Row("name-* method-looked-up", "encoded-bytes name-from-the-memo"),
    7: Row("memo-* overwritten-memo memo-operands", "name-from-the-memo shared-*"),
    8: Row("confused-*", "large-number bytes"),
    9: Row("obj-popped decoy-dropped built-afterwards", "two-pickles iterator"),
    10: Row("extension persistent-* callable-argument handed-* reconstructed called-back"
            " base-initialised", "defaultdict partial-with-a-state partial-of-a-class generator legacy-checkpoint"),
    11: Row("broken broken-*", "two-pickles"),
    12: Row("second second-* last-of-200 past-* behind-*", "many-pickles two-pickles"),
    13: Row("frame-*", "frames"),
    14: Row("string-not-ascii", "text-not-ascii"),
    15: Row("nested-* nested further-types.*",
            "bytes-that-are-a-pickle text-that-decodes-to-a-pickle bytes-that-inflate-to-a-pickle"),
    16: Row("reference-bomb nesting-bomb endless-*",
            "shared-* deep counter-kept repeat-few range-kept range-filled match-kept"
            " numbers-* product-kept"),
    17: Row("joblib-* array-of-opcodes file-*", "array-* joblib-array old-joblib file-beside"),
    18: Row("legacy-*", "legacy-checkpoint"),
    19: Row("tensor-* items-* address-*", "tensor tensor-empty tensor-expanded address-*"),
}  # fmt: skip
"""By the numbers of the table."""


def failing() -> dict[str, bytes]:
    """All that the default policy must fail."""
    return {
        **pickle_techniques.failing(),
        **pickle_gadgets.failing(),
        **pickle_insides.failing(),
        **pickle_replaced.failing(),
        **pickle_given.failing(),
        **further(),
    }


def passing() -> dict[str, bytes]:
    """All that must pass."""
    return {
        **pickle_techniques.passing(),
        **pickle_gadgets.passing(),
        **pickle_insides.passing(),
        **pickle_replaced.passing(),
        **pickle_given.passing(),
        **lookalikes(),
    }
