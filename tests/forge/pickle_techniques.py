"""Every published way to make a pickle do harm, and for each something harmless that looks alike.

The numbers are the rows of the project's table of threats. Payloads only ever `echo`, and nothing
here is unpickled.
"""

from __future__ import annotations

import base64
import pickle
import struct
import zlib

from tests.forge import pickles
from tests.forge.pickles import Assembler, call

ECHO = "echo hi"
PAYLOAD = call("os", "system", ECHO).stop()

_RUNNERS = (
    "os.system", "posix.system", "nt.system", "subprocess.Popen", "builtins.eval", "builtins.exec",
    "builtins.__import__", "commands.getoutput", "pip.main", "runpy.run_path", "timeit.timeit",
    "pty.spawn", "pydoc.pipepager", "pydoc.locate", "pkgutil.resolve_name", "cProfile.run",
    "profile.run", "trace.Trace.run", "bdb.Bdb.run", "pdb.run", "doctest.debug_script",
    "idlelib.pyshell.ModifiedInterpreter.runcode", "lib2to3.pgen2.grammar.Grammar.loads",
    "code.interact", "ensurepip._run_pip", "venv.create", "ctypes.CDLL",
    "asyncio.unix_events._UnixSubprocessTransport._start", "distutils.file_util.write_file",
    "uuid._get_command_stdout", "_osx_support._read_output", "imaplib.IMAP4_stream",
    "test.support.script_helper.assert_python_ok", "logging.FileHandler", "io.FileIO",
    "ssl.get_server_certificate", "urllib.request.urlopen", "smtplib.SMTP", "ftplib.FTP",
    "multiprocessing.util.spawnv_passfds", "_interpreters.run_string", "statistics.quantiles",
    "torch.hub.load", "torch.load", "torch.utils.collect_env.run", "torch.jit.load",
    "torch.utils.bottleneck.__main__.run_cprofile", "torch._dynamo.guards.GuardBuilder.get",
    "torch.fx.experimental.symbolic_shapes.ShapeEnv.evaluate_guards_expression",
    "torch._inductor.codecache.compile_file",
    "torch.utils.data.datapipes.utils.decoder.basichandlers",
    "torch.distributed.rpc.internal.PythonUDF", "torch.jit.annotations.parse_type_line",
    "torch.ops.load_library", "torch.fx.graph_module.reduce_graph_module",
    "numpy.f2py.crackfortran.getlincoef", "numpy.testing._private.utils.runstring", "numpy.load",
    "numpy.memmap", "pandas.read_pickle", "pandas.eval", "joblib.load",
    "mlflow.projects.backend.local._run_entry_point", "huggingface_hub.hf_hub_download",
    "lightgbm.basic.Booster", "xgboost.core.Booster", "acme.loader.restore",
)  # fmt: skip
"""Rows 1 to 3: functions that run something. The last is one that nobody knows."""


def _direct() -> dict[str, bytes]:
    found = {}
    for name in _RUNNERS:
        module, _, function = name.rpartition(".")
        if any(part[:1].isupper() for part in module.split(".")):  # a method of a class
            module, _, cls = module.rpartition(".")
            function = f"{cls}.{function}"
        found[f"direct-{name}"] = (
            Assembler(4).stack_global(module, function).short_text(ECHO).tuple1().reduce().stop()
        )
    return found


def _hidden() -> dict[str, bytes]:
    """Rows 4 to 10: names and calls out of sight."""
    joined = Assembler(4).stack_global("builtins", "getattr").short_text("").short_text("join")
    joined.tuple2().reduce().empty_list().short_text("o").raw(b"a").short_text("s").raw(b"a")
    joined.tuple1().reduce().short_text("system").raw(b"\x93").short_text(ECHO).tuple1().reduce()
    turned = Assembler(4).stack_global("_codecs", "encode").short_text("bf").short_text("rot13")
    turned.tuple2().reduce().short_text("system").raw(b"\x93").short_text(ECHO).tuple1().reduce()
    dictionary = Assembler(4).stack_global("builtins", "getattr")
    dictionary.stack_global("numpy", "__builtins__").short_text("get").tuple2().reduce()
    dictionary.short_text("eval").tuple1().reduce().short_text("1").tuple1().reduce()
    hooked = Assembler(2).global_("argparse", "Namespace").empty_tuple().newobj().empty_dict()
    hooked.text("append").global_("torch.storage", "_load_from_bytes").setitem().build()
    hooked.binary(PAYLOAD).raw(b"a")
    state = Assembler(2).global_("argparse", "Namespace").empty_tuple().newobj().empty_dict()
    state.text("__setstate__").global_("timeit", "timeit").setitem().build().text(ECHO).build()
    slots = Assembler(2).global_("torch.nn.modules.linear", "Linear").none().empty_dict()
    slots.text("forward").global_("timeit", "timeit").setitem().tuple2().build()
    inside = Assembler(2).global_("torch._tensor", "_rebuild_from_type_v2").mark()
    inside.global_("collections", "OrderedDict").empty_tuple().reduce()
    inside.text("a").global_("acme", "f").setitem().tuple_().reduce()
    through = Assembler(2).global_("copyreg", "_reconstructor").mark()
    through.global_("subprocess", "Popen").global_("builtins", "object").none().tuple_().reduce()
    return {
        "hop-pathlib": Assembler(4).stack_global("pathlib", "os.system").short_text(ECHO).tuple1()
        .reduce().stop(),
        "hop-torch": Assembler(4).stack_global("torch.serialization", "os.system").short_text(ECHO)
        .tuple1().reduce().stop(),
        "hop-numpy": Assembler(4).stack_global("numpy.core._internal", "sys.modules").stop(),
        "hop-collections": Assembler(4).stack_global("collections", "_sys.modules").stop(),
        "builtins-of-numpy": dictionary.stop(),
        "module-overwritten": Assembler(2).global_("sys", "modules").text("os").none().setitem()
        .stop(),
        "class-overwritten": slots.stop(),
        "function-overwritten": Assembler(2).global_("torch._utils", "_rebuild_tensor_v2")
        .empty_dict().text("__code__").none().setitem().build().stop(),
        "hook-append": hooked.stop(),
        "hook-setstate": state.stop(),
        "name-joined": joined.stop(),
        "name-turned": turned.stop(),
        "memo-decoy": Assembler(4).short_text("math").memoize().pop().short_text("os").put(0).pop()
        .get(0).short_text("system").raw(b"\x93").short_text(ECHO).tuple1().reduce().stop(),
        "memo-long": Assembler(2).text("os").raw(b"r", struct.pack("<I", 70_000)).pop()
        .raw(b"j", struct.pack("<I", 70_000)).text("system").raw(b"\x93").text(ECHO).tuple1()
        .reduce().stop(),
        "decoy-dropped": Assembler(2).none().mark().global_("os", "system").text(ECHO).obj().pop()
        .stop(),
        "extension": Assembler(2).raw(b"\x82\x07").text(ECHO).tuple1().reduce().stop(),
        "handed-to-partial": Assembler(2).global_("functools", "partial").global_("os", "system")
        .text(ECHO).tuple2().reduce().stop(),
        "handed-to-defaultdict": Assembler(2).global_("collections", "defaultdict")
        .global_("os", "getpid").tuple1().reduce().stop(),
        "handed-to-iter": Assembler(2).global_("builtins", "iter").global_("acme", "f").none()
        .tuple2().reduce().stop(),
        "handed-inside": inside.stop(),
        "reconstructed": through.stop(),
        "called-back": Assembler(2).global_("torch._tensor", "_rebuild_from_type_v2").mark()
        .global_("os", "system").global_("torch", "Tensor").text(ECHO).tuple1().none().tuple_()
        .reduce().stop(),
        "scipy-template": Assembler(2).global_("scipy.stats._continuous_distns", "norm_gen")
        .empty_tuple().newobj().empty_dict().text("_parse_arg_template")
        .text("import os").setitem().build().stop(),
    }  # fmt: skip


def _streams() -> dict[str, bytes]:
    """Rows 11 to 16: what the stream itself hides."""
    nested = Assembler(3).global_("torch.storage", "_load_from_bytes").binary(PAYLOAD).tuple1()
    loads = Assembler(3).global_("pickle", "loads").binary(PAYLOAD).tuple1().reduce().stop()
    packed = Assembler(3).global_("zlib", "decompress").binary(zlib.compress(PAYLOAD)).tuple1()
    coded = Assembler(3).global_("base64", "b64decode").binary(base64.b64encode(PAYLOAD)).tuple1()
    marshalled = Assembler(3).global_("marshal", "loads").binary(b"\xe3\0\0\0").tuple1().reduce()
    return {
        "broken-opcode": PAYLOAD[:-1] + b"\xff\xfe",
        "broken-cut": PAYLOAD[:-1],
        "second-of-two": Assembler(2).none().stop() + PAYLOAD,
        "last-of-200": Assembler(2).none().stop() * 199 + PAYLOAD,
        "past-12-mib": Assembler(4).binary(b"\0" * (13 << 20)).pop()
        .stack_global("os", "system").short_text(ECHO).tuple1().reduce().stop(),
        "past-many-opcodes": Assembler(4).raw(b"N0" * 1_000_000).stack_global("os", "system")
        .short_text(ECHO).tuple1().reduce().stop(),
        "frame-straddled": pickles.straddled(PAYLOAD[2:]),
        "frame-too-long": pickles.framed(PAYLOAD[2:], 1 << 40),
        "frame-in-frame": pickles.framed(b"\x95" + struct.pack("<Q", 999) + PAYLOAD[2:]),
        "string-not-ascii": b"S'\xff\xe9'\n0" + b"cos\nsystem\n(S'echo hi'\ntR.",
        "nested": nested.reduce().stop(),
        "nested-loads": loads,
        "nested-zlib": packed.reduce().stop(),
        "nested-base64": coded.reduce().stop(),
        "nested-marshal": marshalled.stop(),
        "reference-bomb": pickles.reference_bomb(),
        "nesting-bomb": b"\x80\x04" + b"]" * 30_000 + b"a" * 29_999 + b".",
    }  # fmt: skip


def _layouts() -> dict[str, bytes]:
    """Rows 17 to 19: what hides in the layouts of joblib and torch."""
    behind = pickles.joblib_array(b"\0" * 64)
    behind.stack_global("os", "system").short_text(ECHO).tuple1().reduce()
    objects = Assembler(4).stack_global("joblib.numpy_pickle", "NumpyArrayWrapper").empty_tuple()
    objects.newobj().empty_dict().mark().short_text("shape").number(1).tuple1()
    objects.short_text("dtype").stack_global("numpy", "dtype").short_text("O8").false().true()
    objects.raw(b"\x87").reduce().setitems().build().raw(PAYLOAD)
    magic = call("builtins", "eval", "0x1950a86a20f9469cfc6c").stop()
    return {
        "joblib-behind-array": behind.stop(),
        "joblib-object-array": objects.stop(),
        "joblib-compressed": zlib.compress(behind.stop()),
        "legacy-magic": magic + pickles.torch_legacy()[14:],
        "legacy-object": pickles.torch_legacy(PAYLOAD),
        "legacy-behind": pickles.torch_legacy() + PAYLOAD,
        "tensor-too-long": pickles.tensor(64, 1, 2),
        "tensor-stride": pickles.tensor(4, 1 << 40, 16),
        "tensor-offset": pickles.tensor(4, 1, 16, 14),
        "items-onto-tensor": pickles.tensor(4, 1, 16)[:-2] + b"K\x05K\x06s.",
        "items-onto-storage": Assembler(2).mark().text("storage").global_("torch", "FloatStorage")
        .text("0").text("cpu").number(4).tuple_().binpersid().number(9).number(1).setitem().stop(),
        "items-onto-number": Assembler(2).global_("collections", "OrderedDict").number(7)
        .text("a").none().setitem().stop(),
    }  # fmt: skip


def failing() -> dict[str, bytes]:
    """Pickles that the default policy must fail."""
    return {**pickles.malicious(), **_direct(), **_hidden(), **_streams(), **_layouts()}


def incomplete() -> dict[str, bytes]:
    """Pickles that cannot be read to the end, before anything was imported."""
    return {
        "length-of-2-to-62": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"x",
        "name-of-number": Assembler(4).number(1).short_text("system").raw(b"\x93").stop(),
        "name-of-bytes": Assembler(4).raw(b"C\x02os").short_text("system").raw(b"\x93").stop(),
    }


def passing() -> dict[str, bytes]:
    """Pickles that look alike and do no harm."""
    words = ["os.system", "posix\nsystem\n", "cos\nsystem\n(S'echo hi'\ntR.", "builtins.eval(1)"]
    shared = ["again"] * 40
    member = Assembler(4).stack_global("builtins", "getattr")
    member.stack_global("transformers.trainer_utils", "IntervalStrategy").short_text("STEPS")
    partial = Assembler(4).stack_global("functools", "partial")
    partial.stack_global("torch.nn.modules.normalization", "LayerNorm").tuple1().reduce()
    state = Assembler(2).global_("argparse", "Namespace").empty_tuple().newobj().empty_dict()
    nested = Assembler(3).global_("torch.storage", "_load_from_bytes")
    iterator = Assembler(2).global_("builtins", "iter").empty_list().tuple1().reduce()
    template = (
        "\ndef _parse_args(self, a, loc=0, scale=1):\n    return (a, ), loc, scale\n\n"
        "def _parse_args_rvs(self, a, loc=0, scale=1, size=None):\n"
        "    return self._argcheck_rvs(a, loc, scale, size=size)\n\n"
        "def _parse_args_stats(self, a, loc=0, scale=1, moments='mv'):\n"
        "    return (a, ), loc, scale, moments\n"
    )
    scipy = Assembler(2).global_("scipy.stats._continuous_distns", "norm_gen").empty_tuple()
    scipy.newobj().empty_dict().text("_parse_arg_template").text(template).setitem().build()
    return {
        **{f"words-{protocol}": pickle.dumps(words, protocol) for protocol in range(6)},
        **{f"shared-{protocol}": pickle.dumps([shared] * 40, protocol) for protocol in range(6)},
        "bytes-that-are-a-pickle": pickle.dumps({"payload": PAYLOAD}, 4),
        "member-of-an-enumeration": member.tuple2().reduce().stop(),
        "partial-of-a-class": partial.stop(),
        "state": state.text("append").number(1).setitem().build().stop(),
        "attribute-named-add": Assembler(2).global_("argparse", "Namespace").empty_tuple().newobj()
        .empty_dict().text("add").global_("torch.nn.modules.linear", "Linear").setitem().build()
        .stop(),
        "iterator": iterator.stop(),
        "scipy-distribution": scipy.stop(),
        "encoded-bytes": call("_codecs", "encode", "abc", "latin1").stop(),
        "nested": nested.binary(pickles.torch_legacy()).tuple1().reduce().stop(),
        "two-pickles": Assembler(2).none().stop() + Assembler(2).text("words").stop(),
        "frames": pickle.dumps([b"x" * 200_000, "y" * 100_000, list(range(50_000))], 4),
        "joblib-array": pickles.joblib_array(PAYLOAD.ljust(64, b"\0")).stop(),
        "legacy-checkpoint": pickles.torch_legacy(),
        "tensor": pickles.tensor(4, 1, 16, 12),
        "tensor-empty": pickles.tensor(0, 1, 0),
        "tensor-expanded": pickles.tensor(1 << 30, 0, 1),
        "deep": pickle.dumps(_deep(200), 4),
    }  # fmt: skip


def _deep(levels: int) -> list[object]:
    value: list[object] = []
    for _ in range(levels):
        value = [value]
    return value
