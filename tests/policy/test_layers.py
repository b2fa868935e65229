from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from modelscan.errors import UsageError
from modelscan.policy import discovery, explain, layers, limits
from modelscan.policy.profile import DEFAULT, PROFILES, build
from tests.forge.policies import configure

WAIVER = """
[[waiver]]
rule = "pickle-own-class"
subject = "pkg:huggingface/acme/*"
justification = "inline_mitigations_already_exist"
reason = "contained"
owner = "ml"
expires = {end}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run inside a project folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def refused(**options: Any) -> str:
    with pytest.raises(UsageError) as caught:
        layers.load(**options)
    return f"{caught.value.message} | {caught.value.hint}"


def test_without_configuration_a_built_in_profile_applies() -> None:
    found = layers.load()
    assert found.profile == DEFAULT
    assert found.path is None
    assert found.origins["fail-on", "severity"] == "profile default"
    for name in PROFILES:
        assert layers.load(policy=name).profile == build(name, PROFILES[name])
    strict = layers.load(policy="strict", fail_on="critical")
    assert strict.profile.fail_severity == "critical"
    assert strict.origins["fail-on", "severity"] == "--fail-on"


def test_precedence_options_environment_nearest_file_profile(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    above = configure(here.parent, 'fail-on = {severity = "low"}\n')
    assert layers.load().profile.fail_severity == "low"
    assert layers.load().path == Path("..", above.name)
    configure(here, '[tool.modelassay]\npersona = "auditor"\n', "pyproject.toml")
    assert layers.load().profile.fail_severity == "high"
    assert layers.load().profile.persona == "auditor"
    configure(here, 'fail-on = {severity = "medium"}\n')
    assert layers.load().profile.fail_severity == "medium"
    assert layers.load().origins["fail-on", "severity"] == "modelassay.toml:1"
    monkeypatch.setenv(discovery.VARIABLE, str(above))
    assert layers.load().profile.fail_severity == "low"
    named = configure(here / "x", 'fail-on = {severity = "critical"}\n', "named.toml")
    assert layers.load(config=named).profile.fail_severity == "critical"
    assert layers.load(config=named, fail_on="info").profile.fail_severity == "info"
    found = layers.load(config=named, policy="strict")
    assert (found.profile.fail_severity, found.profile.persona) == ("critical", "pedantic")
    assert found.profile.name == "strict + named.toml"


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("[tool.modelassay]", True),
        ("[ tool . 'modelassay' . formats ]", True),
        ("[[tool.modelassay.waiver]]", True),
        ("tool.modelassay.persona = 'auditor'", True),
        ("[tool]\nmodelassay.persona = 'auditor'", True),
        ("[tool]\n[project]\nname = 'modelassay'", False),
        ("[project]\ndependencies = ['modelassay']  # [tool.modelassay]", False),
        ("[tool.ruff]", False),
    ],
)
def test_a_project_file_counts_only_with_a_table_of_ours(
    here: Path, text: str, *, ours: bool
) -> None:
    configure(here, text + "\n", "pyproject.toml")
    assert (discovery.find(()).path is not None) == ours


def test_a_project_file_that_cannot_be_read_is_passed_over(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(here, "[tool.modelassay]\n", "pyproject.toml")

    def fail(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(Path, "open", fail)
    assert discovery.find(()).path is None


def test_what_is_scanned_configures_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = configure(here, 'persona = "pedantic"\n')
    planted = configure(here / "model", 'fail-on = {severity = "critical"}\n')
    monkeypatch.chdir(here / "model")
    for target in (planted, here / "model", Path()):
        found = layers.load([target])
        assert found.profile.fail_severity == "high"
        assert found.profile.persona == "pedantic"
        assert [str(target) in warning for warning in found.warnings] == [True]
    assert layers.load([here]).path is None
    assert len(layers.load([here]).warnings) == 2
    assert layers.load([Path()], config=planted).profile.fail_severity == "critical"
    monkeypatch.setenv(discovery.VARIABLE, str(planted))
    assert layers.load([here / "model"]).profile.fail_severity == "high"
    assert layers.load([ours]).profile.fail_severity == "critical"


def test_links_do_not_help_a_model(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = configure(here / "model", 'persona = "auditor"\n')
    (here / "alias").symlink_to(here / "model")
    (here / "modelassay.toml").symlink_to(real)
    assert layers.load(["model"]).path is None
    assert layers.load(["alias"]).path is None
    outside = configure(here.parent / "elsewhere", 'persona = "auditor"\n', "loose.toml")
    (here / "modelassay.toml").unlink()
    (here / "model" / "modelassay.toml").unlink()
    (here / "model" / "modelassay.toml").symlink_to(outside)
    monkeypatch.chdir(here / "model")
    assert layers.load([here / "model"]).path is None
    assert discovery.inside(Path("/etc/x.toml"), ["/"]) == "/"


def test_environments(here: Path) -> None:
    configure(
        here,
        """
policy = "staging"
[publishers]
acme = "allow"
[env.staging]
persona = "pedantic"
[env.production]
autonomy = "act"
publishers = {"*" = "deny"}
[env.lab]
profile = "audit"
""",
    )
    staging = layers.load().profile
    assert (staging.name, staging.persona) == ("staging + modelassay.toml", "pedantic")
    production = layers.load(policy="production")
    assert production.profile.requirements["approved"] == "fail"
    assert production.profile.requirements["card-present"] == "fail"
    assert production.profile.publishers == {"acme": "allow", "*": "deny"}
    assert production.origins["publishers", "*"] == "modelassay.toml:9"
    assert layers.load(policy="lab").profile.persona == "auditor"
    assert "did you mean 'staging'?" in refused(policy="stagin")
    assert "known: audit" in refused(policy="xyzzy")


def test_policies_extend_one_another(here: Path) -> None:
    configure(here / "org", 'extends = "strict"\nrequire = ["signed"]\n[formats]\npickle = "deny"')
    configure(
        here,
        'extends = "org/modelassay.toml"\n[requirements]\nsigned = "warn"\n[formats]\nh5 = "warn"',
    )
    found = layers.load()
    assert found.profile.persona == "pedantic"
    assert found.profile.requirements["signed"] == "warn"
    assert found.profile.formats == {"pickle": "deny", "h5": "warn"}
    assert found.origins["formats", "pickle"] == "org/modelassay.toml:4"
    other = configure(here, 'fail-on = {confidence = "low"}', "other.toml")
    chosen = layers.load(policy=str(other))
    assert chosen.profile.fail_confidence == "low"
    assert chosen.profile.name == "default + other.toml, modelassay.toml, modelassay.toml"
    assert layers.load(policy="modelassay.toml").profile == found.profile
    configure(here, 'policy = "org/modelassay.toml"')
    assert layers.load().profile.formats == {"pickle": "deny"}


def test_a_digest_binds_what_is_extended(here: Path) -> None:
    org = configure(here / "org", 'persona = "auditor"\n')
    good = hashlib.sha256(org.read_bytes()).hexdigest()
    url = 'url = "https://example.org/p.toml"'
    configure(here, f'extends = {{path = "org/modelassay.toml", {url}, sha256 = "{good}"}}')
    assert layers.load().profile.persona == "auditor"
    org.write_text('persona = "regular"\n')
    assert "modelassay.toml:1: org/modelassay.toml is not the file with this sha256" in refused()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('extends = "modelassay.toml"', "modelassay.toml:1: modelassay.toml extends itself"),
        ('extends = "productoin"', "did you mean 'production'?"),
        ('\nextends = "https://example.org/p.toml"', "modelassay.toml:2: https://example.org/p"),
        ('extends = {url = "https://example.org/p.toml"}', "nothing is fetched"),
        ('extends = {path = "x", url = "https://example.org/p.toml"}', "needs a sha256"),
        ('floor = "missing.toml"', "modelassay.toml:1: there is no policy 'missing.toml'"),
        ('policy = "missing.toml"', "modelassay.toml:1: there is no policy 'missing.toml'"),
        ('extends = "model/p.toml"', "modelassay.toml:1: model/p.toml lies in the target model"),
        ('policy = "model/p.toml"', "modelassay.toml:1: model/p.toml lies in the target model"),
        (WAIVER.format(end="2027-11-16"), "modelassay.toml:2: the waiver ends on 2027-11-16"),
        ("max-waiver-days = 0" + WAIVER.format(end="2026-12-01"), "the policy allows no waiver"),
        (
            "max-waiver-days = 9"
            + WAIVER.format(end="2026-11-20")
            + f'[[approval]]\nsubject = "sha256:{"0" * 64}"\nowner = "a"\nreason = "b"\n'
            "until = 2026-11-25",
            "modelassay.toml:9: the approval ends on 2026-11-25, more than 9 days ahead",
        ),
    ],
)
def test_broken_policies_are_errors_with_file_and_line(here: Path, text: str, message: str) -> None:
    configure(here / "model", 'persona = "auditor"', "p.toml")
    configure(here, text)
    assert message in refused(targets=["model"])


def test_a_circle_and_an_endless_chain(here: Path) -> None:
    configure(here, 'extends = "b.toml"')
    configure(here, 'extends = "modelassay.toml"', "b.toml")
    assert "b.toml:1: modelassay.toml extends itself" in refused()
    for number in range(10):
        configure(here, f'extends = "p{number + 1}.toml"', f"p{number}.toml")
    assert "more than 8 policies" in refused(config=Path("p0.toml"))


@pytest.mark.parametrize(
    ("line", "floor"),
    [
        ('fail-on = {severity = "critical"}', ""),
        ('fail-on = {confidence = "high"}', ""),
        ("answers = {official-bytes = {fail = []}}", ""),
        ("answers = {signed = {fail = []}}", ""),
        ('requirements = {signed = "warn"}', 'require = ["signed"]'),
        ('publishers = {acme = "allow"}', 'publishers = {"*" = "deny"}'),
        ('formats = {"pickl?" = "allow"}', 'formats = {"pickl*" = "warn"}'),
        ('signers = ["me", "you"]', 'signers = ["me"]'),
        ("signers = []", 'signers = ["me"]'),
        ('autonomy = "read"', 'autonomy = "act"'),
        ("max-waiver-days = 90", "max-waiver-days = 30"),
    ],
)
def test_a_floor_can_be_tightened_and_never_loosened(here: Path, line: str, floor: str) -> None:
    configure(here, floor, "floor.toml")
    configure(here, f'floor = "floor.toml"\n{line}')
    assert "modelassay.toml:2: " in (message := refused())
    assert "says less than the floor floor.toml" in message


def test_a_floor_bounds_options_and_is_named_from_outside(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor = configure(here.parent, 'extends = "strict"\nsigners = ["me"]', "floor.toml")
    monkeypatch.setenv(layers.FLOOR_VARIABLE, str(floor))
    assert "--fail-on: fail-on.severity says less" in refused(fail_on="high")
    found = layers.load(policy="default")
    assert [each.name for each in found.profile.floors] == ["floor.toml"]
    assert found.profile.floors[0].fail_severity == "medium"
    configure(here, 'fail-on = {severity = "low"}\npersona = "auditor"\nsigners = ["me"]')
    assert layers.load().profile.fail_severity == "low"


def test_names_are_checked_against_rules_and_formats(here: Path) -> None:
    rules, formats = ("pickle-own-class", "pickle-present"), ("pickle", "safetensors")

    def complaint(text: str) -> str:
        configure(here, text)
        found = layers.load()
        with pytest.raises(UsageError) as caught:
            limits.check_names(found.profile, found.origins, rules, formats)
        return f"{caught.value.message} | {caught.value.hint}"

    assert complaint(WAIVER.format(end="2026-12-01").replace("own-class", "own-clas")) == (
        "modelassay.toml:2: there is no rule 'pickle-own-clas' | did you mean 'pickle-own-class'?"
    )
    override = '[[override]]\nrule = "zzz"\nseverity = "low"\nreason = "x"'
    assert "rules list" in complaint(override)
    assert complaint('formats = {pickel = "deny"}') == (
        "modelassay.toml:1: there is no format 'pickel' | did you mean 'pickle'?"
    )
    assert "formats: pickle, safetensors, unknown" in complaint('formats = {zzz = "deny"}')
    configure(
        here,
        'formats = {"pick*" = "deny", unknown = "warn", "*" = "warn"}'
        + WAIVER.format(end="2026-12-01"),
    )
    found = layers.load()
    limits.check_names(found.profile, found.origins, rules, formats)


def test_every_line_is_explained_with_its_origin(here: Path) -> None:
    configure(here, "", "floor.toml")
    (here / "osv").mkdir()
    configure(
        here,
        'floor = "floor.toml"\nautonomy = "read"\nsigners = ["me"]\nadvisories = ["osv"]\n'
        + WAIVER.format(end="2026-11-14")
        + '[[override]]\nrule = "pickle-present"\nseverity = "high"\nreason = "none here"',
    )
    assert "autonomy" not in {line.name for line in explain.explain(layers.plain())}
    lines = {line.name: line for line in explain.explain(layers.load(policy="strict"))}
    assert lines["fail-on.severity"][1:3] == ("medium", "profile strict")
    assert lines["signers"][1:3] == (["me"], "modelassay.toml:3")
    assert lines["requirements.hashes-verified"][1:3] == ("fail", "modelassay.toml:2")
    assert lines["requirements.card-present"][1:3] == ("warn", "profile strict")
    assert lines["autonomy"].origin == "modelassay.toml:2"
    assert lines["max-waiver-days"][1:3] == (365, "built in")
    assert lines["waiver"].note == "ended"
    assert lines["override"].note == ""
    assert lines["floor"].value == "floor.toml"
    assert lines["advisories"][1:3] == ("osv", "modelassay.toml:4")


def test_a_file_that_two_build_on_is_read_for_both(here: Path) -> None:
    configure(here, 'persona = "auditor"', "base.toml")
    configure(here, 'extends = "base.toml"', "floor.toml")
    path = configure(here, 'extends = "base.toml"\nfloor = "floor.toml"')
    found = layers.load(config=path)
    assert [each.path.name for each in found.documents] == [
        "floor.toml", "base.toml", "modelassay.toml",
    ]  # fmt: skip
    assert found.profile.persona == found.profile.floors[0].persona == "auditor"
