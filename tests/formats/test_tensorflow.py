from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.tensorflow import binary, judging
from modelscan.formats.tensorflow.reader import TensorflowReader
from modelscan.vocabulary.artifact import Artifact, BytesArtifact
from modelscan.vocabulary.fact import GraphFile, GraphModel
from tests.forge import graphs
from tests.forge import tensorflow as forge
from tests.forge.protobuf import data, number
from tests.forge.tensorflow import const, node

READER = TensorflowReader(graphs.OPERATORS)


def _read(raw: bytes, name: str = "graph.pb", limits: Limits | None = None) -> list[Any]:
    return graphs.read(READER, raw, name, limits)


def _does(*inside: bytes, **more: Any) -> list[tuple[str, str, str]]:
    return graphs.behaviours(_read(forge.graph(*inside, **more)))


def _saved(*inside: bytes, functions: Any = (), **more: Any) -> list[Any]:
    meta = forge.meta_graph(forge.graph(*inside, functions=functions), **more)
    return _read(forge.saved_model(meta), "saved_model.pb")


@pytest.mark.parametrize(
    ("raw", "name", "form"),
    [
        (forge.small(), "graph.pb", "graph"),
        (forge.meta_graph(forge.small()), "model.ckpt.meta", "meta-graph"),
        (forge.saved_model(forge.meta_graph(forge.small())), "saved_model.pb", "saved-model"),
        (forge.saved_model(forge.meta_graph(forge.small())), "renamed.bin", "saved-model"),
    ],
)
def test_honest_graphs_are_stated_and_quiet(raw: bytes, name: str, form: str) -> None:
    assert graphs.recognised(READER, raw, name)
    items = _read(raw, name)
    (model,) = items
    assert isinstance(model, GraphModel)
    assert (model.form, model.nodes) == (form, 4)
    assert model.producer == ("" if form == "graph" else "TensorFlow 2.21.0")
    assert graphs.found(items) == set()


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ([node("r", "ReadFile", "x")], ("ReadFile", "reads-file", "(computed)")),
        ([const("p", "/etc/passwd"), node("r", "ReadFile", "p:0")],
         ("ReadFile", "reads-file", "/etc/passwd")),
        ([const("p", "/etc/passwd", packed=True), node("r", "ReadFile", "p")],
         ("ReadFile", "reads-file", "/etc/passwd")),
        ([const("a", "/etc/"), const("b", "passwd"), node("j", "StringJoin", "a", "b"),
          node("r", "MatchingFiles", "j")], ("MatchingFiles", "reads-file", "/etc/passwd")),
        ([const("p", "/srv/x"), node("w", "WriteFile", "p", "c")],
         ("WriteFile", "writes-file", "/srv/x")),
        ([node("f", "PyFunc", attributes={"token": "pyfunc_0"})],
         ("PyFunc", "runs-code", "pyfunc_0")),
        ([node("f", "EagerPyFunc")], ("EagerPyFunc", "runs-code", "")),
        ([node("p", "PrintV2", "x", attributes={"output_stream": "file:///srv/x"})],
         ("PrintV2", "writes-file", "file:///srv/x")),
        ([node("d", "DebugIdentityV3", "x", attributes={"debug_urls": ["grpc://a:1"]})],
         ("DebugIdentityV3", "network", "grpc://a:1")),
        ([node("d", "DebugIdentity", "x", attributes={"debug_urls": ["file:///srv/x"]})],
         ("DebugIdentity", "writes-file", "file:///srv/x")),
        ([const("p", "x.tfrecord"), node("d", "TFRecordDataset", "p")],
         ("TFRecordDataset", "reads-file", "x.tfrecord")),
        ([node("d", "TextLineDataset")], ("TextLineDataset", "reads-file", "")),
        ([const("p", "/srv/c"), node("d", "CacheDatasetV2", "x", "p")],
         ("CacheDatasetV2", "writes-file", "/srv/c")),
        ([node("i", "ImmutableConst", attributes={"memory_region_name": "/etc/passwd"})],
         ("ImmutableConst", "reads-file", "/etc/passwd")),
        ([node("d", "DecodeProtoV2", "x", attributes={"descriptor_source": "/etc/passwd"})],
         ("DecodeProtoV2", "reads-file", "/etc/passwd")),
        ([node("u", "FixedUnigramCandidateSampler", attributes={"vocab_file": "/x"})],
         ("FixedUnigramCandidateSampler", "reads-file", "/x")),
        ([node("r", "RpcClient", "^c")], ("RpcClient", "network", "")),
        ([node("a", "Abort", attributes={"error_msg": "bye"})], ("Abort", "stops-process", "bye")),
        ([node("t", "TRTEngineOp")], ("TRTEngineOp", "native-code", "(computed)")),
        ([node("m", "Blur", "x")], ("Blur", "custom", "")),
        ([node("m", "TFText>ByteSplitWithOffsets", "x")],
         ("TFText>ByteSplitWithOffsets", "library", "")),
        ([node("m", "RunShell", "x")], ("RunShell", "custom-telling", "")),
        ([node("m", "Blur", "x", attributes={"lib": "libx.so"})],
         ("Blur", "custom-telling", "libx.so")),
        ([const("p", "/etc/passwd"), node("t", "InitializeTableFromTextFileV2", "t", "p")],
         ("InitializeTableFromTextFileV2", "reads-file", "/etc/passwd")),
        ([const("p", "/home/me/bert_model.ckpt"), node("r", "RestoreV2", "p", "n", "s")],
         ("RestoreV2", "reads-checkpoint", "/home/me/bert_model.ckpt")),
        ([const("p", "/etc/passwd"), node("r", "RestoreV2", "p", "n", "s")],
         ("RestoreV2", "reads-file", "/etc/passwd")),
        ([const("p", "/home/someone/.ssh/authorized_keys"), node("s", "SaveV2", "p", "n", "s")],
         ("SaveV2", "writes-file", "/home/someone/.ssh/authorized_keys")),
        ([node("b", "DecodeBase64", "x"), node("s", "SaveV2", "b", "n", "s")],
         ("SaveV2", "writes-file", "(computed)")),
    ],
)  # fmt: skip
def test_operators_that_do_more_than_compute(
    inside: list[bytes], expected: tuple[str, str, str]
) -> None:
    operator, behaviour, argument = expected
    if behaviour == "native-code":
        argument = ""
    assert _does(*inside) == [(operator, behaviour, argument)]
    passes = ("library", "native-code", "reads-checkpoint")
    assert graphs.fails(_read(forge.graph(*inside))) is (behaviour not in passes)


@pytest.mark.parametrize(
    "inside",
    [
        [node("p", "PrintV2", "x", attributes={"output_stream": "stderr"})],
        [node("d", "DebugIdentity", "x")],
        [const("p", ""), node("d", "CacheDataset", "x", "p")],
        [node("i", "ImmutableConst", attributes={"memory_region_name": "memmapped_package://a"})],
        [node("d", "DecodeProtoV2", "x", attributes={"descriptor_source": "local://"})],
        [node("d", "EncodeProto", "x", attributes={"descriptor_source": "bytes://abc"})],
        [node("u", "FixedUnigramCandidateSampler", attributes={"vocab_file": ""})],
        [const("p", "vocab.txt"), node("t", "InitializeTableFromTextFile", "t", "p")],
        [node("p", "Placeholder"), node("t", "InitializeTableFromTextFileV2", "t", "p")],
        forge.saver(const("save/Const", "model")),
        forge.saver(node("save/Const", "Placeholder")),
        [const("in", "model"), *forge.saver(node("save/Const", "PlaceholderWithDefault", "in"))],
        [node("a", "Assert", "x"), node("l", "_FusedConv2D", "x"), node("b", "AudioSummaryV2")],
    ],
)
def test_what_is_ordinary_in_its_place_is_quiet(inside: list[bytes]) -> None:
    assert _does(*inside) == []


def test_a_saver_with_a_path_of_its_own_is_none() -> None:
    found = _does(*forge.saver(const("save/Const", "/srv/evil")))
    assert {(operator, behaviour) for operator, behaviour, _ in found} == {
        ("SaveV2", "writes-file"),
        ("MergeV2Checkpoints", "writes-file"),
        ("RestoreV2", "reads-file"),
    }
    climbing = [const("save/Const", "model"), const("up", "../../x")]
    climbing += [node("j", "StringJoin", "save/Const", "up"), node("s", "SaveV2", "j", "n", "s")]
    assert _does(*climbing) == [("SaveV2", "writes-file", "../../x")]


def test_a_saver_that_the_metagraph_names_may_have_a_default() -> None:
    inside = forge.saver(const("save/Const", "my-model"))
    assert graphs.behaviours(_saved(*inside)) != []
    assert graphs.behaviours(_saved(*inside, saver="save/Const:0")) == []
    outside = forge.saver(const("save/Const", "/srv/evil"))
    assert graphs.behaviours(_saved(*outside, saver="save/Const:0")) != []


@pytest.mark.parametrize(
    ("path", "more", "quiet"),
    [
        ("/home/me/vocab.txt", {}, False),
        ("/home/me/vocab.txt", {"assets": {"p:0": "vocab.txt"}}, True),
        ("/home/me/vocab.txt", {"paths": ["p:0"]}, True),
        ("/etc/passwd", {"paths": ["p:0"]}, False),
        ("/home/me/vocab.txt", {"assets": {"other:0": "vocab.txt"}}, False),
    ],
)
def test_tables_are_filled_from_assets(path: str, more: dict[str, Any], quiet: bool) -> None:
    items = _saved(const("p", path), node("t", "InitializeTableFromTextFileV2", "t", "p"), **more)
    assert (graphs.behaviours(items) == []) is quiet


def test_an_asset_outside_the_folder_fails() -> None:
    items = _saved(node("x", "NoOp"), assets={"p:0": "../../etc/passwd", "q:0": "vocab.txt"})
    (file,) = [fact for fact in items if isinstance(fact, GraphFile)]
    assert (file.kind, file.path) == ("traversal", "../../etc/passwd")
    assert graphs.fails(items)


def test_functions_are_read_called_or_not_and_in_every_metagraph() -> None:
    hidden = forge.function("f", ["x"], node("r", "ReadFile", "x"), node("c", "Blur"))
    assert _does(functions=[hidden]) == [("ReadFile", "reads-file", ""), ("Blur", "custom", "")]
    first, second = (
        forge.meta_graph(forge.small()),
        forge.meta_graph(forge.graph(functions=[hidden])),
    )
    items = _read(forge.saved_model(first, second), "saved_model.pb")
    assert len(graphs.behaviours(items)) == 2


def test_a_path_is_followed_through_calls() -> None:
    inner = forge.function("save", ["path"], node("s", "SaveV2", "path", "n", "n"))
    outer = forge.function(
        "outer",
        ["a", "b"],
        node("c", "PartitionedCall", "b", "^a", attributes={"f": forge.Func("save")}),
    )
    call = node("call", "StatefulPartitionedCall", "x", "p", attributes={"f": forge.Func("outer")})
    free = [node("x", "Placeholder"), node("p", "Placeholder")]
    assert _does(*free, call, functions=[inner, outer]) == []
    fixed = [node("x", "Placeholder"), const("p", "/srv/evil")]
    assert _does(*fixed, call, functions=[inner, outer]) == [("SaveV2", "writes-file", "/srv/evil")]
    short = node("call", "PartitionedCall", attributes={"f": forge.Func("save")})
    assert _does(short, functions=[inner]) == []


def test_a_fixed_checkpoint_is_ordinary_in_the_graph_alone() -> None:
    path = const("p", "/srv/bert_model.ckpt")
    restore = forge.function("f", ["a"], path, node("r", "RestoreV2", "p", "n", "s"))
    assert _does(functions=[restore]) == [("RestoreV2", "reads-file", "/srv/bert_model.ckpt")]
    fed = forge.function("g", ["a"], node("r", "RestoreV2", "a", "n", "s"))
    call = node("c", "PartitionedCall", "p", attributes={"f": forge.Func("g")})
    found = _does(path, call, functions=[fed])
    assert found == [("RestoreV2", "reads-file", "/srv/bert_model.ckpt")]


def test_functions_that_call_themselves_end() -> None:
    body = [node("s", "SaveV2", "p", "n"), node("c", "f", "p")]
    assert _does(node("g", "f", "x"), functions=[forge.function("f", ["p"], *body)]) == []


def test_a_function_as_an_operator_is_not_custom_and_may_shadow_one() -> None:
    functions = [forge.function("own", []), forge.function("Relu", [])]
    assert _does(node("a", "own"), functions=functions) == [("Relu", "shadows-standard", "")]


def test_attributes_before_the_operator_and_lists_of_functions_count() -> None:
    token = data(5, data(1, "token") + data(2, forge.value("pyfunc_1")))
    assert _does(token + data(1, "n") + data(2, "PyFunc")) == [("PyFunc", "runs-code", "pyfunc_1")]
    listed = data(5, data(1, "f") + data(2, data(1, data(9, data(1, "g")))))
    raw = data(1, "n") + data(2, "PartitionedCall") + listed + number(9, 1)
    assert _does(raw) == []


def test_constants_that_lead_in_circles_end() -> None:
    ring = [node("a", "Identity", "b"), node("b", "Identity", "a"), node("r", "SaveV2", "a")]
    assert _does(*ring) == []
    chosen = [const("p", "/srv/x"), node("q", "Placeholder"), node("c", "SelectV2", "if", "p", "q")]
    assert _does(*chosen, node("s", "SaveV2", "c")) == [("SaveV2", "writes-file", "/srv/x")]


def test_kept_nodes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "_MOST_HELD", 1000)
    with pytest.raises(BudgetError):
        _does(*[const(f"c{index}", "x") for index in range(5)])


def test_constants_of_functions_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "_MOST_HELD", 14_000)
    inside = [const(f"c{index}", "x") for index in range(8)]
    reads = [const("p", "/etc/passwd"), node("i", "Identity", "p"), node("r", "ReadFile", "i")]
    functions = [forge.function(f"f{index}", [], *inside) for index in range(9)]
    found = _does(functions=[*functions, forge.function("g", [], *inside, *reads)])
    assert found == [("ReadFile", "reads-file", "/etc/passwd")]


def test_nothing_hides_behind_attributes_assets_and_objects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dummies = {f"_a{index}": "x" for index in range(200)}
    prints = node("p", "PrintV2", "x", attributes=dummies | {"output_stream": "file:///tmp/x"})
    assert _does(prints) == [("PrintV2", "writes-file", "file:///tmp/x")]
    with pytest.raises(BudgetError, match="texts of one node"):
        _does(node("p", "PrintV2", "x", attributes={f"_a{index}": "x" for index in range(300)}))
    monkeypatch.setattr(binary, "_MAX_LISTED", 3)
    late = b"".join(data(5, data(1, f"_a{at}")) for at in range(5)) + data(2, "PrintV2")
    calls = {"f": [f"g{index}" for index in range(5)]}
    for broken, what in (
        (data(1, data(1, "p") + late), "attributes"),
        (data(1, data(1, "p") + data(2, "Own") + _calls(calls["f"])), "calls"),
        (data(2, data(1, forge.function("f", list("abcd")))), "arguments"),
    ):
        with pytest.raises(BudgetError, match=what):
            _read(forge.saved_model(forge.meta_graph(broken)), "saved_model.pb")
    assets = b"".join(data(6, data(2, f"a{index}")) for index in range(5))
    with pytest.raises(BudgetError, match="assets"):
        _read(forge.saved_model(forge.meta_graph(forge.graph()) + assets), "saved_model.pb")
    with pytest.raises(BudgetError, match="Keras objects"):
        _read(data(1, data(5, "{}")) * 5, "keras_metadata.pb")


def test_nothing_hides_behind_empty_texts_long_ways_and_many_inputs() -> None:
    urls = ["", *[""] * 99, "file:///tmp/x"]
    debug = node("d", "DebugIdentityV3", "x", attributes={"debug_urls": urls})
    assert _does(debug) == [("DebugIdentityV3", "writes-file", "file:///tmp/x")]
    way = [node(f"i{at}", "Identity", f"i{at - 1}" if at else "p") for at in range(1200)]
    cache = node("c", "CacheDataset", "x", "i1199")
    assert _does(const("p", "/etc/x"), *way, cache) == [
        ("CacheDataset", "writes-file", "(computed)")
    ]
    save = forge.function("f", [f"a{at}" for at in range(400)], node("s", "SaveV2", "a399", "n"))
    call = node("c", "PartitionedCall", *["x"] * 399, "p", attributes={"f": forge.Func("f")})
    assert _does(const("p", "/etc/cron.d/x"), call, functions=[save]) == [
        ("SaveV2", "writes-file", "/etc/cron.d/x")
    ]


def _calls(functions: list[str]) -> bytes:
    """An attribute with a list of functions."""
    listed = b"".join(data(9, data(1, each)) for each in functions)
    return data(5, data(1, "f") + data(2, data(1, listed)))


def _keras(item: Any) -> Any:
    assert not isinstance(item, GraphModel)
    artifact: Artifact = item
    assert artifact.member == "keras-config.json"
    return json.loads(artifact.read_at(0, artifact.size))


def test_keras_layers_go_on_their_own_way() -> None:
    layer = {"class_name": "Lambda", "config": {"function": "x"}}
    user = data(1, "_tf_keras_layer") + data(3, json.dumps(layer))
    other = data(1, "trackable") + data(3, "{}")
    objects = data(1, data(4, user)) + data(1, data(4, other)) + data(1, data(5, "x"))
    assert _keras(_saved(node("x", "NoOp"), objects=objects)[-1]) == [layer]
    metadata = data(1, number(2, 0) + data(3, "root") + data(4, "_tf_keras_layer")
                    + data(5, json.dumps(layer)))  # fmt: skip
    broken = data(1, data(5, "not JSON"))
    items = _read(metadata + broken, "keras_metadata.pb")
    assert _keras(items[0]) == [layer, "not JSON"]


def test_the_note_of_a_hub_module_is_silent() -> None:
    assert _read(number(1, 3), "tfhub_module.pb") == []
    with pytest.raises(ReadError):
        _read(number(1, 3) + data(2, "x" * 5000), "tfhub_module.pb")


def test_a_fingerprint_and_nothing_else_is_read_and_silent() -> None:
    raw = number(1, 5) + number(2, 6) + data(6, number(1, 1)) + data(7, "uuid")
    assert _read(raw, "fingerprint.pb") == []
    with pytest.raises(ReadError):
        _read(b"\xff\xff", "fingerprint.pb")


@pytest.mark.parametrize(
    ("raw", "name", "expected"),
    [
        (forge.small(), "weights.bin", True),
        (forge.meta_graph(forge.small()), "x.bin", True),
        (b"", "x.pb", True),
        (b"", "x.pbtxt", True),
        (b"", "x.meta", False),
        (b"name: 1", "x.meta", False),
        (b"\n meta_info_def {\n", "x.meta", True),
        (b"\n\nwords", "x.bin", False),
        (data(1, data(1, "a") + data(2, "b")), "labels.bin", False),
        (b"", "x.bin", False),
    ],
)
def test_content_decides_unless_the_name_does(raw: bytes, name: str, expected: bool) -> None:
    assert graphs.recognised(READER, raw, name) is expected


def test_another_message_is_a_gap_and_what_was_found_stays() -> None:
    with pytest.raises(ReadError, match="no TensorFlow graph"):
        _read(data(77, "x"), "other.pb")
    items: list[Any] = []
    raw = forge.saved_model(forge.meta_graph(forge.graph(node("f", "PyFunc")))) + b"\x12\x7f"
    with pytest.raises(ReadError):
        items.extend(READER.read(BytesArtifact("saved_model.pb", raw), Budget()))
    assert graphs.behaviours(items) == [("PyFunc", "runs-code", "")]


NOISE = number(90, 1) + data(91, "x")


def test_unknown_fields_change_nothing_in_any_message() -> None:
    function = forge.function("f", ["x"], node("r", "ReadFile", "x") + NOISE) + NOISE
    listed = data(5, data(1, "l") + data(2, data(1, NOISE + data(2, "a")) + NOISE) + NOISE)
    custom = node("m", "Blur") + listed
    objects = data(1, data(4, NOISE) + NOISE) + NOISE
    graph = forge.graph(const("p", "v.txt") + NOISE, custom, functions=[function]) + NOISE
    meta = forge.meta_graph(graph, assets={"p:0": "v"}, paths=["p:0"], saver="s", objects=objects)
    asset = data(6, data(1, data(1, "q") + NOISE) + data(2, "w") + NOISE)
    collection = data(4, data(1, "asset_filepaths") + data(2, NOISE + data(1, NOISE)) + NOISE)
    more = data(1, data(5, "2.0") + NOISE) + collection + data(4, data(1, "other")) + asset
    items = _read(forge.saved_model(meta + more + NOISE) + NOISE, "saved_model.pb")
    assert graphs.behaviours(items) == [("Blur", "custom", ""), ("ReadFile", "reads-file", "")]
    described = data(1, data(5, "{}"))
    noisy = data(1, data(5, "{}") + NOISE) + NOISE
    assert _keras(_read(described + noisy, "keras_metadata.pb")[0]) == [{}, {}]


def test_objects_of_keras_that_look_like_a_graph() -> None:
    layer = {"class_name": "Lambda", "config": {}}
    described = data(3, "root") + data(4, "_tf_keras_layer") + data(5, json.dumps(layer))
    assert _keras(_read(data(1, described), "keras_metadata.pb")[0]) == [layer]


def test_functions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "_MOST_HELD", 1000)
    with pytest.raises(BudgetError, match="functions"):
        _does(functions=[forge.function(f"f{index}", []) for index in range(4)])


@given(st.binary(max_size=300), st.sampled_from(["saved_model.pb", "x.pb", "x.meta", "x.pbtxt"]))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(raw: bytes, name: str) -> None:
    graphs.recognised(READER, raw, name)
    try:
        _read(raw, name)
    except ReadError:
        return


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_any_damage_ends_in_facts_or_a_read_error(draw: st.DataObject) -> None:
    function = forge.function("f", ["x"], node("r", "ReadFile", "x"))
    meta = forge.meta_graph(forge.graph(const("p", "a"), functions=[function]), paths=["p:0"],
                            assets={"p:0": "v"}, saver="s")  # fmt: skip
    broken = bytearray(forge.saved_model(meta))
    for _ in range(draw.draw(st.integers(1, 6))):
        broken[draw.draw(st.integers(0, len(broken) - 1))] = draw.draw(st.integers(0, 255))
    try:
        _read(bytes(broken), "saved_model.pb")
    except ReadError:
        return
