"""Builds Keras configurations, honest and hostile, in JSON and as archives."""

from __future__ import annotations

import base64
import io
import json
import marshal
import zipfile
from typing import Any

BYTECODE = base64.b64encode(marshal.dumps(compile("1 + 1", "", "eval"))).decode()
"""A compiled expression as Keras writes the body of a lambda; it is never run."""


def layer(name: str, config: Any = None, **rest: Any) -> dict[str, Any]:
    """A layer as Keras 3 writes it."""
    table = {"module": "keras.layers", "class_name": name, "config": config or {}}
    return {**table, "registered_name": None, **rest}


def model(*layers: Any) -> dict[str, Any]:
    """A model of layers behind an input."""
    first = layer("InputLayer", {"batch_shape": [None, 4], "dtype": "float32"})
    config = {"name": "sequential", "layers": [first, *layers]}
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": config,
        "registered_name": "Sequential",
        "build_config": {"input_shape": [None, 4]},
        "compile_config": {"optimizer": "adam", "loss": "mse"},
    }


def legacy(*layers: dict[str, Any]) -> dict[str, Any]:
    """A model as older versions write it, without modules."""
    return {
        "class_name": "Sequential",
        "config": {"name": "sequential", "layers": list(layers)},
        "keras_version": "2.15.0",
        "backend": "tensorflow",
    }


def function(name: str, module: str = "builtins", registered: str | None = "function") -> Any:
    """A function as Keras 3 writes it."""
    return {
        "module": module,
        "class_name": "function",
        "config": name,
        "registered_name": registered,
    }


def lambda_layer(code: str = BYTECODE) -> dict[str, Any]:
    """A Lambda layer with bytecode in it."""
    value = {"value": [code, None, None]}
    body = {"class_name": "__lambda__", "config": value}
    return layer("Lambda", {"name": "lambda", "function": body})


HONEST = model(
    layer("Dense", {"units": 3, "activation": "relu", "kernel_initializer": {
        "module": "keras.initializers", "class_name": "GlorotUniform", "config": {"seed": None},
        "registered_name": None}}),
    layer("BatchNormalization", {"dtype": {"module": "keras", "class_name": "DTypePolicy",
          "config": {"name": "float32"}, "registered_name": None}}),
    layer("StringLookup", {"vocabulary": ["a", "b"]}),
    layer("Activation", {"activation": function("softmax")}),
    layer("Conv2D", {"kernel_size": {"class_name": "__tuple__", "items": [3, 3]}},
          module="keras.src.layers.convolutional.conv2d"),
)  # fmt: skip
"""A model of built-in layers alone."""


def text(document: Any) -> bytes:
    """A document as JSON."""
    return json.dumps(document).encode()


def archive(document: Any) -> bytes:
    """A `.keras` archive with this configuration."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("metadata.json", '{"keras_version": "3.8.0"}')
        packed.writestr("config.json", document if isinstance(document, bytes) else text(document))
    return buffer.getvalue()
