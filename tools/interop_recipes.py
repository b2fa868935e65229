"""What each library is asked to write for `make interop`: small models of every kind that it saves.

The code runs in the environment of the library and never here. To add a library, add a line.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Recipe(NamedTuple):
    """What a library is asked to write."""

    packages: tuple[str, ...]
    code: str
    """Runs in an empty folder; every file and folder that it leaves there is one model."""
    large: bool = False
    """Left out unless it is named: more than a gigabyte is installed for it."""


RECIPES: Final[dict[str, Recipe]] = {
    "numpy": Recipe(("numpy",), """
import numpy as np
a = np.arange(6, dtype="f4").reshape(2, 3)
np.save("a.npy", a)
np.savez("a.npz", w=a, b=a[0])
np.savez_compressed("z.npz", w=a)
np.save("r.npy", np.zeros(2, dtype=[("x", "f8"), ("s", "U8")]))
np.save("f.npy", np.asfortranarray(a))
"""),
    "safetensors": Recipe(("safetensors", "numpy"), """
import numpy as np
from safetensors.numpy import save_file
a = np.arange(6, dtype="f4").reshape(2, 3)
tensors = {"w": a, "q": np.arange(64, dtype="u1"), "e": a[:0]}
save_file(tensors, "model.safetensors", {"format": "pt"})
"""),
    "gguf": Recipe(("gguf",), """
import numpy as np, gguf
for name, kind in (("f32", gguf.GGMLQuantizationType.F32), ("q8", gguf.GGMLQuantizationType.Q8_0)):
    w = gguf.GGUFWriter(f"{name}.gguf", "llama")
    w.add_name("Tiny"); w.add_block_count(1); w.add_context_length(16); w.add_license("mit")
    w.add_tokenizer_model("llama"); w.add_token_list(["<s>", "a"]); w.add_token_scores([0.0, 1.0])
    w.add_token_types([1, 1])
    data = gguf.quants.quantize(np.ones((2, 64), "f4"), kind)
    w.add_tensor("token_embd.weight", data, raw_dtype=kind)
    w.write_header_to_file(); w.write_kv_data_to_file(); w.write_tensors_to_file(); w.close()
"""),
    "onnx": Recipe(("onnx", "onnxruntime"), """
import os, numpy as np, onnx, onnxruntime as rt
from onnx import TensorProto as T, helper as h, numpy_helper as n
def value(name, shape): return h.make_tensor_value_info(name, T.FLOAT, shape)
w = n.from_array(np.random.rand(64, 64).astype("f"), "w")
body = h.make_graph([h.make_node("Relu", ["a"], ["t"])], "t", [], [value("t", [1, 64])])
other = h.make_graph([h.make_node("Tanh", ["a"], ["e"])], "e", [], [value("e", [1, 64])])
nodes = [h.make_node("MatMul", ["x", "w"], ["a"]),
         h.make_node("ReduceSum", ["a"], ["s"], keepdims=0),
         h.make_node("Cast", ["s"], ["c"], to=T.BOOL),
         h.make_node("If", ["c"], ["y"], then_branch=body, else_branch=other)]
g = h.make_graph(nodes, "g", [value("x", [1, 64])], [value("y", [1, 64])], [w])
m = h.make_model(g, opset_imports=[h.make_opsetid("", 17)], ir_version=9)
onnx.save(m, "plain.onnx")
o = rt.SessionOptions(); o.optimized_model_filepath = "plain.ort"
o.add_session_config_entry("session.save_model_format", "ORT")
rt.InferenceSession("plain.onnx", o)
os.mkdir("external")
onnx.save(m, "external/model.onnx", save_as_external_data=True, size_threshold=16,
          location="model.onnx_data")
"""),
    "keras": Recipe(("keras", "h5py", "jax"), """
import os; os.environ["KERAS_BACKEND"] = "jax"
import keras
m = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, activation="relu"),
                      keras.layers.BatchNormalization(), keras.layers.Flatten(),
                      keras.layers.Dropout(0.1), keras.layers.Dense(2, kernel_regularizer="l2")])
m.save("m.keras"); m.save("m.h5"); m.save_weights("m.weights.h5")
open("m.json", "w").write(m.to_json())
i = keras.Input((4,), dtype="int32"); e = keras.layers.Embedding(9, 8)(i)
a = keras.layers.MultiHeadAttention(2, 4)(e, e)
f = keras.Model(i, keras.layers.LayerNormalization()(a + e))
f.compile("adam", "mse"); f.save("f.keras")
"""),
    "h5py": Recipe(("h5py",), """
import h5py, numpy as np
for name, version in (("old", "earliest"), ("new", "latest")):
    with h5py.File(f"{name}.h5", "w", libver=version) as f:
        g = f.create_group("layer"); g["w"] = np.ones((4, 4)); g.attrs["names"] = ["a", "b"]
        zeros = np.zeros((100, 100))
        f.create_dataset("c", data=zeros, chunks=True, compression="gzip", shuffle=True)
        f.create_dataset("s", data=["x", "y"], dtype=h5py.string_dtype())
        f["alias"] = f["layer/w"]
"""),
    "skops": Recipe(("skops",), """
import numpy as np, skops.io as sio
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
x, y = np.random.rand(20, 3), np.arange(20) % 2
sio.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y), "a.skops")
sio.dump(RandomForestClassifier(3).fit(x, y), "b.skops")
"""),
    "xgboost": Recipe(("xgboost",), """
import numpy as np, xgboost as xgb
x, y = np.random.rand(30, 3), np.arange(30) % 2
b = xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(x, y), 3)
for name in ("m.json", "m.ubj"): b.save_model(name)
""", large=True),
    "lightgbm": Recipe(("lightgbm",), """
import numpy as np, lightgbm as lgb
x, y = np.random.rand(60, 3), np.arange(60) % 2
b = lgb.train({"objective": "binary", "verbosity": -1}, lgb.Dataset(x, y), 3)
b.save_model("m.txt"); open("dump.json", "w").write(__import__("json").dumps(b.dump_model()))
"""),
    "catboost": Recipe(("catboost",), """
import numpy as np, catboost
x, y = np.random.rand(30, 3), np.arange(30) % 2
m = catboost.CatBoostClassifier(iterations=3, verbose=False, allow_writing_files=False).fit(x, y)
for kind in ("cbm", "json", "onnx"): m.save_model(f"m.{kind}", format=kind)
"""),
    "pyarrow": Recipe(("pyarrow", "numpy"), """
import pyarrow as pa, pyarrow.feather as fe, pyarrow.parquet as pq
t = pa.table({"a": [1, 2], "s": ["x", None], "l": [[1], []]})
pq.write_table(t, "t.parquet"); fe.write_feather(t, "t.feather")
with pa.ipc.new_file("t.arrow", t.schema) as w: w.write_table(t)
with pa.ipc.new_stream("t.arrows", t.schema) as w: w.write_table(t)
"""),
    "flax": Recipe(("flax",), """
import os, numpy as np
from flax import serialization as s
state = {"params": {"dense": {"kernel": np.ones((4, 3), "f4"), "bias": np.zeros(3)}}, "step": 7}
open("flax_model.msgpack", "wb").write(s.to_bytes(state))
import orbax.checkpoint as ocp
with ocp.StandardCheckpointer() as c: c.save(os.path.abspath("orbax"), state["params"])
"""),
    "zarr": Recipe(("zarr",), """
import numpy as np, zarr
for version in (2, 3):
    g = zarr.open_group(f"v{version}.zarr", mode="w", zarr_format=version)
    a = g.create_array("w", shape=(8, 8), chunks=(4, 4), dtype="f4"); a[:] = np.ones((8, 8))
"""),
    "coremltools": Recipe(("coremltools",), """
import coremltools as ct
from coremltools.converters.mil import Builder as mb
@mb.program(input_specs=[mb.TensorSpec(shape=(1, 4))])
def p(x): return mb.relu(x=x)
ct.convert(p, convert_to="neuralnetwork").save("m.mlmodel")
ct.convert(p, convert_to="mlprogram").save("p.mlpackage")
"""),
    "openvino": Recipe(("openvino",), """
import numpy as np, os, openvino as ov
from openvino import opset13 as o
x = o.parameter([1, 4], np.float32); w = o.constant(np.ones((4, 3), "f4"))
m = ov.Model([o.relu(o.matmul(x, w, False, False))], [x])
os.mkdir("ir"); ov.save_model(m, "ir/m.xml")
"""),
    "tensorflow": Recipe(("tensorflow-cpu",), """
import os; os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
class M(tf.Module):
    def __init__(self): self.w = tf.Variable(tf.ones([4, 3]))
    @tf.function(input_signature=[tf.TensorSpec([None, 4])])
    def __call__(self, x): return tf.nn.relu(x @ self.w)
m = M(); tf.saved_model.save(m, "saved", signatures=m.__call__)
os.mkdir("ckpt"); tf.train.Checkpoint(m=m).save("ckpt/c")
open("m.tflite", "wb").write(tf.lite.TFLiteConverter.from_saved_model("saved").convert())
k = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(2)])
k.save("k.keras"); k.export("exported")
""", large=True),
    "torch": Recipe(("torch", "numpy"), """
import torch
m = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU())
torch.save(m.state_dict(), "state.pt"); torch.jit.script(m).save("script.pt")
torch.save(m.state_dict(), "old.bin", _use_new_zipfile_serialization=False)
torch.export.save(torch.export.export(m, (torch.ones(1, 4),)), "m.pt2")
""", large=True),
    "paddle": Recipe(("paddlepaddle", "setuptools"), """
import paddle
m = paddle.nn.Sequential(paddle.nn.Linear(4, 3), paddle.nn.ReLU())
paddle.save(m.state_dict(), "m.pdparams")
s = paddle.static.InputSpec([1, 4]); paddle.jit.save(m, "jit/m", input_spec=[s])
""", large=True),
    "executorch": Recipe(("executorch", "numpy"), """
import os, sys; os.environ["PATH"] = os.path.dirname(sys.executable) + ":" + os.environ["PATH"]
import torch
from executorch.exir import ExecutorchBackendConfig, to_edge, to_edge_transform_and_lower
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
m = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()).eval()
e = torch.export.export(m, (torch.ones(1, 4),))
open("plain.pte", "wb").write(to_edge(e).to_executorch().buffer)
x = to_edge_transform_and_lower(e, partitioner=[XnnpackPartitioner()]).to_executorch()
open("xnnpack.pte", "wb").write(x.buffer)
os.mkdir("external"); p = to_edge(e).to_executorch(ExecutorchBackendConfig(external_constants=True))
open("external/m.pte", "wb").write(p.buffer); p.write_tensor_data_to_file("external")
""", large=True),
    "tensorflow-text": Recipe(("tensorflow-text", "tensorflow-cpu"), """
import os; os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf, tensorflow_text as t
class M(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def __call__(self, x):
        return t.WhitespaceTokenizer().tokenize(t.normalize_utf8(x)).to_tensor()
tf.saved_model.save(M(), "saved")
""", large=True),
}  # fmt: skip
