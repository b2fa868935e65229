from __future__ import annotations

import re
from pathlib import Path

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.engine.catalogue import load
from modelscan.errors import UsageError
from modelscan.formats.readers import readers_for
from modelscan.policy import document, layers, limits, lines
from modelscan.policy.configuration import policy_schema
from tests.forge.policies import configure

FULL = """
policy = "production"
extends = {path = "org.toml", url = "https://example.org/p.toml", sha256 = "ZERO"}
floor = "floor.toml"
persona = "pedantic"
autonomy = "read"
max-waiver-days = 90
require = ["signed"]
signers = ["release@acme.example"]
fail-on = {severity = "medium", confidence = "low"}

[answers.official-bytes]
fail = ["denied"]
incomplete = ["unknown"]

[answers.signed]
fail = ["unsigned"]

[answers]
load-hazards = {fail = ["found"]}
descends-from = {incomplete = ["unknown"]}

[requirements]
approved = "warn"

[fine-tune-requirements]
datasets-named = "off"

[publishers]
"acme.labs" = "allow"
"*" = "warn"

[formats]
pickle = "deny"

[licences]
"cc-by-nc-*" = "deny"

[fine-tunes]
merge = "deny"
safeguards-removed = "deny"

[bases]
"acme/*" = "allow"

[env.production]
profile = "strict"
require = ["approved"]

[[override]]
rule = "pickle-present"
severity = "high"
reason = "no pickles here"

[[waiver]]
rule = "pickle-own-class"
subject = "pkg:huggingface/acme/*"
path = "*.bin"
justification = "inline_mitigations_already_exist"
reason = "contained"
owner = "ml"
expires = 2027-03-01

[[approval]]
subject = "sha256:ONE"
owner = "ml"
reason = "reviewed"
until = "2027-03-01"
""".replace("ZERO", "0" * 64).replace("ONE", "1" * 64)


def refused(folder: Path, text: str, name: str = "modelassay.toml") -> tuple[str, str]:
    path = configure(folder, text, name)
    with pytest.raises(UsageError) as caught:
        document.read(path)
    assert caught.value.exit_code == 2
    return caught.value.message.removeprefix(f"{path}"), caught.value.hint


def test_everything_that_can_be_said_is_accepted(tmp_path: Path) -> None:
    found = document.read(configure(tmp_path, FULL)).configuration
    assert found.waiver[0].expires == found.approval[0].until
    assert found.publishers == {"acme.labs": "allow", "*": "warn"}


def test_the_published_schema_says_the_same() -> None:
    import tomllib

    data = tomllib.loads(FULL)
    data["waiver"][0]["expires"] = str(data["waiver"][0]["expires"])
    schema = jsonschema_rs.validator_for(policy_schema(), validate_formats=True)
    assert schema.is_valid(data)
    assert not schema.is_valid(data | {"reqire": []})


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("\nreqire = []", ":2: unknown key 'reqire'", "did you mean 'require'?"),
        ("zzzzzz = 1", ":1: unknown key 'zzzzzz'", "known keys: fail-on"),
        ("[fail-on]\nseverty = 'high'", ":2: unknown key 'severty'", "did you mean 'severity'?"),
        ("[fail-on]\nseverity = 'hihg'", ":2: fail-on.severity: 'hihg'", "'high'"),
        ("[env.prod]\n\nreqire = []", ":3: unknown key 'reqire'", "'require'"),
        ("[env.x]\nrequire=[]\n[env.prod]\npersona = 'nobody'", ":4: env.prod.persona", ""),
        ("[publishers]\nacme = 'deny'\nother = 'dney'", ":3: publishers.other: 'dney'", "'deny'"),
        ("[requirements]\nsinged = 'fail'", ":2: requirements.singed: 'singed'", "'signed'"),
        ("[[waiver]]\nrule = 'x'", ":1: waiver.0: Object missing required field", ""),
        ("max-waiver-days = 366", ":1: max-waiver-days: Expected `int` <= 365", ""),
        ("[formats]\npickle = 1", ":2: formats.pickle: Expected `str`", ""),
        ("waiver = 3", ":1: waiver: Expected `array`", ""),
        ("a = ", ":1: not valid TOML", ""),
        ("a = 1\na = 2", ":2: not valid TOML", ""),
        ("a = " + "[" * 5_000, ": nested too deeply", ""),
    ],
)
def test_mistakes_are_named_with_file_and_line(
    tmp_path: Path, text: str, place: str, hint: str
) -> None:
    message, said = refused(tmp_path, text)
    assert message.startswith(place)
    assert hint in said


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", "model.pkl"),
        ("subject", "sha256:abc"),
        ("subject", "pkg:huggingface"),
        ("subject", "*"),
        ("justification", "because"),
        ("reason", " "),
        ("owner", ""),
        ("expires", "soon"),
        ("expires", ""),
    ],
)
def test_a_waiver_is_bound_owned_and_ends(tmp_path: Path, field: str, value: str) -> None:
    old = {
        "subject": 'subject = "pkg:huggingface/acme/*"',
        "justification": 'justification = "inline_mitigations_already_exist"',
        "reason": 'reason = "contained"',
        "owner": 'owner = "ml"',
        "expires": "expires = 2027-03-01",
    }[field]
    message, _ = refused(tmp_path, FULL.replace(old, f'{field} = "{value}"', 1))
    assert f"waiver.0.{field}" in message
    missing, _ = refused(tmp_path, FULL.replace(old, "", 1))
    assert f"missing required field `{field}`" in missing


def test_the_examples_of_the_documentation_are_accepted() -> None:
    page = Path(__file__).parents[2] / "docs" / "policy.md"
    blocks = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 6
    for block in blocks:
        document.parse(Path("docs.toml"), block.encode())


EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "examples" / "policies").iterdir())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_example_policies_are_in_order(path: Path) -> None:
    found = layers.load(config=path)
    known = load()
    formats = (reader.format for reader in readers_for(known.lists))
    limits.check_names(found.profile, found.origins, known.rules, formats)
    for name in document.read(path).configuration.env:
        assert layers.load(config=path, policy=name).profile.name.startswith(name)


def test_files_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        document.read(tmp_path / "missing.toml")
    (tmp_path / "x.toml").write_bytes(b"a = '\xff'")
    with pytest.raises(UsageError, match="not UTF-8, at byte 5"):
        document.read(tmp_path / "x.toml")
    monkeypatch.setattr(document, "LONGEST", 4)
    with pytest.raises(UsageError, match="too long"):
        document.read(tmp_path / "x.toml")


def test_in_a_project_file_our_table_counts(tmp_path: Path) -> None:
    text = "[project]\nname = 'x'\n[tool.modelassay]\nrequire = ['signed']\n"
    found = document.read(configure(tmp_path, text, "pyproject.toml"))
    assert found.configuration.require == ("signed",)
    assert found.origin(("require",)) == f"{tmp_path / 'pyproject.toml'}:4"
    message, _ = refused(tmp_path, text + "reqire = 1\n", "pyproject.toml")
    assert message.startswith(":5: unknown key 'reqire'")
    for other in ("[project]\nname = 'x'", "[tool]\nx = 1", "tool = 3"):
        assert "has no table [tool.modelassay]" in refused(tmp_path, other, "pyproject.toml")[0]


def test_lines_of_dotted_quoted_and_repeated_keys() -> None:
    text = "a.b = 1\n[\"x.y\".z]\n'k' = 2\n[[w]]\nk = 1\n[[w]]\nk = 2\n  # k = 3\nno key here"
    assert lines.of(text) == {
        ("a", "b"): 1, ("x.y", "z"): 2, ("x.y", "z", "k"): 3, ("w", 0): 4, ("w", 0, "k"): 5,
        ("w", 1): 6, ("w", 1, "k"): 7,
    }  # fmt: skip
    assert lines.nearest({("w",): 3}, ("w", 1, "k")) == 3
    assert lines.nearest({}, ("w", 1)) == 1


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode),
                 st.sampled_from(FULL.splitlines()).map(str.encode)))  # fmt: skip
def test_any_bytes_are_a_configuration_or_a_usage_error(data: bytes) -> None:
    try:
        made = document.parse(Path("x.toml"), data)
    except UsageError:
        return
    assert msgspec.to_builtins(made.configuration) is not None


def test_a_name_with_a_dot_needs_quotes() -> None:
    with pytest.raises(UsageError) as caught:
        document.parse(Path("x.toml"), b'[licences]\napache-2.0 = "allow"\n')
    assert caught.value.message.startswith("x.toml:2: licences.apache-2")
    assert "quotes" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ('remote-code = "abc"', "owner/name@<40 digits"),
        ('pickled-name = "Net"', "module.qualname"),
        ('subject = "acme/model"', "a purl glob"),
    ],
)
def test_what_has_a_shape_is_shown_it(line: str, hint: str) -> None:
    entry = f'[[consent]]\n{line}\nowner = "x"\nreason = "y"\nuntil = 2027-01-01\n'
    with pytest.raises(UsageError) as caught:
        document.parse(Path("x.toml"), entry.encode())
    assert caught.value.message.startswith("x.toml:2: consent.0.")
    assert hint in caught.value.hint
