"""Engines whose models are recognised and not read: to add one, add a line.

These files are programs, or graphs, for one runtime or processor, in formats that are not published
or that nothing here reads. A scan of one says so and is incomplete: never a pass. First bytes are
given where the format has some that nothing else begins with; offsets count from the first byte.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Engine(NamedTuple):
    """One format."""

    format: str
    """Its name in reports."""
    extensions: tuple[str, ...] = ()
    """Extensions that stand for nothing else, in lower case."""
    magics: tuple[tuple[int, bytes], ...] = ()
    """Offset and bytes."""


ENGINES: Final = (
    Engine("apple neural engine program", (".hwx",)),
    Engine("ascend model", (".om",), ((0, b"IMOD"),)),
    Engine("axelera model", (".axnet",)),
    Engine("axera model", (".axmodel",)),
    Engine("circle model", (".circle",), ((4, b"CIR0"),)),
    Engine("cntk", (".cntk",), ((0, b"B\0C\0N\0"),)),
    Engine("core ai model", (".aimodel",)),
    Engine("cuda binary", (".cubin", ".fatbin"), ((0, b"\x50\xed\x55\xba"),)),
    Engine("deepx model", (".dxnn",)),
    Engine("executorch bundle", (".bpte",), ((4, b"BP08"),)),
    Engine("hailo executable", (".hef",), ((0, b"\x01HEF"),)),
    Engine("horizon model", (".hbm",)),
    Engine("iree module", (".vmfb",), ((4, b"IREE"),)),
    Engine("kendryte model", (".kmodel",), ((0, b"LMDK"),)),
    Engine("kneron model", (".nef",)),
    Engine("litert-lm", (".litertlm",), ((0, b"LITERTLM"),)),
    Engine("llvm bitcode", (), ((0, b"BC\xc0\xde"),)),
    Engine("mediatek model", (".dla",)),
    Engine("memryx model", (".dfp",)),
    Engine("mindspore model", (".mindir",), ((4, b"MSL2"),)),
    Engine("mlir bytecode", (".mlirbc",), ((0, b"ML\xefR"),)),
    Engine("mnn", (".mnn",)),
    Engine("mobilint model", (".mxq",)),
    Engine("mxnet parameters", (".params",), ((0, b"\x12\x01\0\0\0\0\0\0"),)),
    Engine("ncnn graph", (), ((0, b"7767517\n"), (0, b"7767517\r\n"))),
    Engine("nnabla model", (".nnp",)),
    Engine("onnx as text", (".onnxjson", ".onnxtext", ".onnxtxt", ".textproto")),
    Engine("openvino blob", (".blob",)),
    Engine("qualcomm model", (".dlc",)),
    Engine("rknn", (".rknn",), ((0, b"RKNN"), (0, b"RKNF"))),
    Engine("rten model", (".rten",)),
    Engine("sentis model", (".sentis",)),
    Engine("sophgo model", (".cvimodel",)),
    Engine("sophon model", (".bmodel",)),
    Engine("spir-v shader", (".spv",), ((0, b"\x03\x02\x23\x07"),)),
    Engine("tengine model", (".tmfile",)),
    # the file signature of Riegeli, in which records lie compressed
    Engine("tensorflow graph in chunks", (".cpb",), ((0, b"\x83\xaf\x70\xd1\x0d\x88\x4a\x3f"),)),
    Engine("tensorrt engine", (".engine", ".plan", ".trt"), ((0, b"ptrt"), (0, b"ftrt"))),
    Engine("tensorrt exchange format", (".uff",)),
    Engine("tnn", (".tnnmodel", ".tnnproto")),
    Engine("torch archive", (".ot",)),
    Engine("tvm parameters", (), ((0, b"\xb7\x9c\x04\x05\x4f\x8d\xe5\xf7"),)),
    Engine("verisilicon graph", (".nbg",), ((0, b"VPMN"),)),
    Engine("vitis model", (".xmodel",)),
    Engine("webassembly", (".wasm",), ((0, b"\0asm\x01\0\0\0"),)),
)
