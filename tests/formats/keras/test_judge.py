from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.formats.keras import judge
from modelscan.formats.objects.judging import Names
from modelscan.formats.objects.tree import tables
from modelscan.vocabulary.fact import KerasObject
from tests.forge import keras, reading
from tests.forge.keras import function, lambda_layer, layer, legacy, model

NAMES = Names(reading.rules().lists.pickle_globals)


def _things(document: Any) -> list[tuple[str, str]]:
    return [
        (thing.kind, thing.name)
        for path, table in tables(document, Budget())
        for thing in judge.objects(path, table, NAMES)
    ]


def _lookup(vocabulary: str, name: str = "StringLookup") -> Any:
    return model(layer(name, {"vocabulary": vocabulary}))


HOSTILE: list[tuple[Any, str]] = [
    (model(lambda_layer()), "embedded-code"),
    (model(layer("Dense", {"activation": lambda_layer()["config"]["function"]})), "embedded-code"),
    (model(layer("Lambda", {"function": [keras.BYTECODE, None, None]})), "embedded-code"),
    (
        legacy({"class_name": "Lambda", "config": {"function": {"class_name": "__tuple__",
                "items": ["", None]}, "function_type": "lambda"}}),
        "embedded-code",
    ),
    (model(layer("Mine", {"anything": keras.BYTECODE}, module="mine")), "embedded-code"),
    (
        legacy({"class_name": "Lambda", "config": {"function": "double",
                "function_type": "function", "module": "mine"}}),
        "lambda-function",
    ),
    (model(layer("Lambda", {"function": function("double", "mine")})), "lambda-function"),
    (
        legacy({"class_name": "Lambda", "config": {"function": "system",
                "function_type": "function", "module": "os"}}),
        "dangerous-name",
    ),
    (
        legacy({"class_name": "Lambda", "config": {"function": "identity", "output_shape": "run",
                "output_shape_type": "function", "output_shape_module": "subprocess"}}),
        "dangerous-name",
    ),
    (model(layer("system", module="os")), "dangerous-name"),
    (
        {"class_name": "__typespec__", "config": {"spec_name": "system", "module": "os"}},
        "dangerous-name",
    ),
    (
        {"class_name": "__typespec__", "config": {"spec_name": "Run", "module": "mine.types"}},
        "foreign-module",
    ),
    (model(layer("Popen", module="subprocess", registered_name="a>Popen")), "dangerous-name"),
    (model(layer("Dense", {"activation": function("eval")})), "dangerous-name"),
    (model(layer("Dense", {"activation": function("system", "posix")})), "dangerous-name"),
    ({"class_name": "function", "config": {"name": "system", "module": "os"}}, "dangerous-name"),
    (model(layer("Dense", {"activation": function("load", "torch")})), "dangerous-name"),
    (model(layer("Dense", {"activation": function("write_file", "tensorflow.io")})),
     "dangerous-name"),
    (legacy({"class_name": "TFOpLambda", "config": {"function": "io.write_file"}}),
     "dangerous-name"),
    (legacy({"class_name": "TensorFlowOpLayer", "config": {"node_def": 'op: "ReadFile"'}}),
     "dangerous-name"),
    (model(layer("Dense", {"activation": function("get_file", "keras.utils")})),
     "library-function"),
    (model(layer("get_file", module="keras.src.utils.file_utils")), "library-function"),
    (model(layer("enable_unsafe_deserialization", module="keras.config")), "library-function"),
    (model(layer("Dense", {"activation": function("load_model", "keras.models")})),
     "library-function"),
    (model(layer("Python_Utils.os", module="keras.layers")), "library-function"),
    (model(layer("Payload", module="helper.payload", registered_name="Payload")),
     "foreign-module"),
    (model(layer("Dense", {"activation": function("fromfile_like", "helper")})), "foreign-module"),
    (model(layer("payload", module="keras_hub.src.utils")), "foreign-module"),
    (model(layer("TFSMLayer", {"filepath": "/srv/x"})), "foreign-model"),
    (legacy({"class_name": "TorchModuleWrapper", "config": {"module": "gASV"}}), "foreign-model"),
    (_lookup("/etc/passwd"), "reads-file"),
    (_lookup("~/.ssh/id_rsa"), "reads-file"),
    (_lookup("..\\..\\secret"), "reads-file"),
    (_lookup("C:\\Windows\\win.ini"), "reads-file"),
    (_lookup("http://169.254.169.254/", "TextVectorization"), "reads-file"),
    (_lookup("gs://bucket/vocabulary", "IntegerLookup"), "reads-file"),
    (_lookup("data/../../x"), "reads-file"),
    (_lookup("words.txt"), "reads-beside"),
    (model(layer("Mine", module="mine", registered_name="Pkg>Mine")), "custom-object"),
    (model(layer("Dense", {"activation": function("my_activation")})), "custom-object"),
    (legacy({"class_name": "SqueezeExcite", "config": {}}), "custom-object"),
    (model(layer("Dense", registered_name="Own>Dense")), "custom-object"),
    (model(layer("Dense", registered_name="evil>Dense")), "hostile-object"),
    (model(layer("M", module="mine", registered_name="Pkg>RunCommand")), "hostile-object"),
    (legacy({"class_name": "ReverseShell", "config": {}}), "hostile-object"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "kind"), HOSTILE)
def test_what_does_more_than_compute_is_stated(document: Any, kind: str) -> None:
    assert kind in {found for found, _ in _things(document)}


@pytest.mark.parametrize("document", [HOSTILE[0][0], HOSTILE[7][0]])
@pytest.mark.parametrize("place", ["build_config", "compile_config"])
def test_every_part_of_the_configuration_is_walked(document: Any, place: str) -> None:
    assert _things({**keras.HONEST, place: {"deep": [[document]]}})


@pytest.mark.parametrize(
    "document",
    [
        keras.HONEST,
        legacy({"class_name": "Dense", "config": {"activation": "relu"}},
               {"class_name": "TFOpLambda", "config": {"function": "math.multiply"}},
               {"class_name": "TFOpLambda", "config": {"function": "io.decode_jpeg"}},
               {"class_name": "LSTM", "config": {"recurrent_initializer": {
                   "class_name": "Orthogonal", "config": {"gain": 1.0}}}}),
        model(layer("GemmaBackbone", module="keras_hub.src.models.gemma.gemma_backbone",
                    registered_name="keras_hub>GemmaBackbone")),
        model(layer("Dense", {"activation": function("gelu", "keras.activations", "gelu")})),
        model(layer("Lambda", {"function": function("relu", "keras.ops")})),
        {"class_name": "TextNode", "text": "another program's"},
        {"class_name": 7, "config": {}},
        {"class_name": "__tensor__", "config": {"value": [1], "dtype": "int32"}},
    ],
)  # fmt: skip
def test_what_only_computes_is_not_stated(document: Any) -> None:
    assert _things(document) == []


def test_a_custom_object_is_called_by_the_name_it_is_registered_under() -> None:
    assert _things(legacy({"class_name": "My>Layer", "config": {}})) == [
        ("custom-object", "My>Layer")
    ]
    assert _things(model(layer("Layer", module=None, registered_name="My>Layer"))) == [
        ("custom-object", "My>Layer")
    ]


FAILING = {
    "embedded-code": "keras-embedded-code",
    "lambda-function": "keras-lambda-function",
    "dangerous-name": "keras-dangerous-name",
    "library-function": "keras-library-function",
    "foreign-module": "keras-foreign-module",
    "foreign-model": "keras-foreign-model",
    "reads-file": "keras-reads-file",
    "hostile-object": "keras-hostile-object",
}


@pytest.mark.parametrize(("document", "kind"), HOSTILE)
@pytest.mark.parametrize("form", ["archive", "json"])
def test_the_default_policy_fails_what_it_should(document: Any, kind: str, form: str) -> None:
    if form == "archive":
        found = reading.fails(keras.archive(document), "model.keras")
    else:
        found = reading.fails(keras.text(document), "model.json")
    assert (FAILING[kind] in found) if kind in FAILING else found == []


def test_an_honest_model_is_quiet_in_every_form() -> None:
    assert reading.quiet(keras.archive(keras.HONEST), "model.keras")
    assert reading.quiet(keras.text(keras.HONEST), "model.json")


def test_a_custom_layer_is_one_line() -> None:
    document = model(*(layer(f"Mine{at}", registered_name=f"Pkg>Mine{at}") for at in range(9)))
    assert reading.found(keras.archive(document), "m.keras") == {"keras-custom-object": "medium"}


def test_a_key_that_stands_twice_hides_nothing() -> None:
    honest = keras.text(model(layer("Dense", {"function": "x"})))
    both = honest.replace(
        b'"class_name": "Dense"', b'"class_name": "Lambda", "class_name": "Dense"'
    )
    found = reading.fails(keras.archive(both), "model.keras")
    assert found == ["keras-duplicate-key", "keras-lambda-function"]


def test_an_escaped_key_hides_nothing() -> None:
    data = keras.text(model(lambda_layer())).replace(b"class_name", b"class\\u005fname")
    assert reading.fails(data, "model.json") == ["keras-embedded-code"]


def test_facts_say_where() -> None:
    facts, _ = reading.read(keras.archive(model(layer("TFSMLayer", {"filepath": "/x"}))), "m.keras")
    (fact,) = (fact for fact in facts if isinstance(fact, KerasObject))
    assert (fact.location.member, fact.key, fact.detail) == (
        "config.json",
        "config.layers[1]",
        "/x",
    )


_KEYS = (
    "class_name", "config", "module", "registered_name", "function", "function_type", "layers",
    "vocabulary", "output_shape", "node_def",
)  # fmt: skip
_TEXTS = (
    "Lambda",
    "function",
    "Dense",
    "os",
    "keras.layers",
    "__lambda__",
    "TFOpLambda",
    "a>b",
    "",
)
_JSON = st.recursive(
    st.none() | st.integers() | st.sampled_from(_TEXTS) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5)
    ),
    max_leaves=15,
)


@given(_JSON)
@settings(max_examples=200, deadline=None)
def test_any_document_is_judged(document: Any) -> None:
    assert all(isinstance(name, str) for _, name in _things(document))
