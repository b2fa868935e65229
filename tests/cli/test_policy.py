from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any, get_args

import pytest

from modelscan import api
from modelscan.errors import UsageError
from modelscan.policy import discovery, layers
from modelscan.policy.entries import Justification
from modelscan.report.waivers import JUSTIFICATIONS
from tests.cli.conftest import Command
from tests.forge import models, policies
from tests.forge.policies import configure

OWN_CLASS = b"\x80\x04\x8c\x04acme\x8c\x03Net\x93)\x81."
"""A pickle that makes an instance of `acme.Net`."""
WAIVE = (
    "--justification", "vulnerable_code_not_in_execute_path", "--reason", "our class",
    "--owner", "ml-platform", "--expires", "2027-03-01",
)  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run in, on a fixed day."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", policies.EPOCH)
    monkeypatch.delenv(discovery.VARIABLE, raising=False)
    monkeypatch.delenv(layers.FLOOR_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def model(here: Path) -> Path:
    """A model with an author's own class in a pickle."""
    folder = models.plain(here / "model")
    (folder / "net.pkl").write_bytes(OWN_CLASS)
    return folder


def scan(modelassay: Command, *arguments: object) -> tuple[int, dict[str, Any]]:
    ran = modelassay("scan", *arguments, "-f", "json")
    return ran.code, json.loads(ran.out)


def subject(report: dict[str, Any], path: str) -> str:
    (entry,) = (each for each in report["models"][0]["files"] if each["path"] == path)
    return f"sha256:{entry['digests']['sha256']}"


def test_a_waiver_is_written_followed_shown_and_ends(
    modelassay: Command, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, report = scan(modelassay, model)
    assert code == 1
    bound = subject(report, "net.pkl")
    ran = modelassay("policy", "waive", "pickle-own-class", bound, "--path", "*.pkl", *WAIVE)
    assert (ran.code, ran.err) == (0, "")
    assert "added to modelassay.toml" in ran.out
    code, report = scan(modelassay, model)
    assert code == 0
    (finding,) = (each for each in report["models"][0]["findings"] if each["waived"])
    assert finding["rule"] == "pickle-own-class"
    assert report["models"][0]["answers"]["load_hazards"]["status"] == "found"
    assert report["policy"]["name"] == "default + modelassay.toml"
    assert "Waived: vulnerable_code_not" in modelassay("scan", model).out
    # Other bytes under the same name are not covered.
    (model / "net.pkl").write_bytes(OWN_CLASS + b"\n")
    assert scan(modelassay, model)[0] == 1
    (model / "net.pkl").write_bytes(OWN_CLASS)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(policies.EPOCH) + 200 * 86_400))
    code, report = scan(modelassay, model)
    assert code == 1
    assert "waiver-expired" in report["rules"]
    ran = modelassay("policy", "check")
    assert "modelassay.toml:1: this waiver has ended: pickle-own-class" in ran.out
    assert ran.code == 0


def test_an_approval_is_written_and_followed(modelassay: Command, here: Path) -> None:
    folder = models.plain(here / "model")
    configure(here, 'require = ["approved"]\n')
    code, report = scan(modelassay, folder)
    assert code == 1
    assert report["models"][0]["answers"]["allowed"]["reason"] == "not kept: requirements.approved"
    ran = modelassay("policy", "approve", report["models"][0]["digest"], "--reason", "reviewed",
                     "--owner", "ml-platform", "--until", "2027-03-01")  # fmt: skip
    assert ran.code == 0
    assert scan(modelassay, folder)[0] == 0
    (folder / "more.txt").write_text("more")
    assert scan(modelassay, folder)[0] == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pickle-own-class": "pickle-own-clas"}, "did you mean 'pickle-own-class'?"),
        ({"2027-03-01": "2028-03-01"}, "more than 365 days ahead"),
        ({"2027-03-01": "soon"}, "dates are written 2027-03-01"),
        ({"SUBJECT": "model.pkl"}, "matching regex"),
        ({"our class": " "}, "matching regex"),
    ],
)
def test_what_cannot_be_waived_is_not_written(
    modelassay: Command, here: Path, change: dict[str, str], said: str
) -> None:
    words = ("pickle-own-class", "SUBJECT", *WAIVE)
    replaced = [change.get(word, word) for word in words]
    ran = modelassay("policy", "waive", *(
        "sha256:" + "0" * 64 if word == "SUBJECT" else word for word in replaced
    ))  # fmt: skip
    assert ran.code == 2
    assert said in ran.err
    assert not (here / "modelassay.toml").exists()


def test_a_policy_that_allows_no_waiver_gets_none(modelassay: Command, here: Path) -> None:
    path = configure(here, "max-waiver-days = 0\n")
    ran = modelassay("policy", "waive", "pickle-own-class", "sha256:" + "0" * 64, *WAIVE)
    assert (ran.code, path.read_text()) == (2, "max-waiver-days = 0\n")
    assert "the policy allows no waiver" in ran.err


def test_show_says_where_each_line_comes_from(modelassay: Command, here: Path) -> None:
    configure(
        here,
        'policy = "strict"\nmax-waiver-days = 30\n[formats]\npickle = "deny"\n[[override]]\n'
        'rule = "pickle-present"\nseverity = "high"\nreason = "\\u001b[31m"\n',
    )
    ran = modelassay("policy", "show")
    assert ran.code == 0
    for setting, origin in (
        ('fail-on.severity = "medium"', "profile strict"),
        ('formats.pickle = "deny"', "modelassay.toml:4"),
        ("max-waiver-days = 30", "modelassay.toml:2"),
    ):
        assert any(setting in line and origin in line for line in ran.out.splitlines())
    assert "\x1b" not in ran.out
    modelassay("policy", "waive", "release-denied", "sha256:" + "0" * 64, *WAIVE[:-1],
               "2026-12-01", "--even-if-proven-malicious")  # fmt: skip
    assert "even-if-proven-malicious = true" in modelassay("policy", "show").out
    shown = json.loads(modelassay("policy", "show", "--policy", "audit", "-f", "json").out)
    assert shown["name"] == "audit + modelassay.toml"
    assert {"name": "persona", "value": "auditor", "origin": "profile audit", "note": ""} in (
        shown["lines"]
    )


def test_check_names_the_mistake(modelassay: Command, here: Path) -> None:
    assert modelassay("policy", "check").out == "no configuration: policy default, no errors\n"
    configure(here, "\nreqire = []\n")
    ran = modelassay("policy", "check")
    assert ran.code == 2
    assert ran.err == (
        "modelassay: modelassay.toml:2: unknown key 'reqire'\n  did you mean 'require'?\n"
    )
    assert modelassay("scan", here / "nothing").code == 2
    configure(here, 'formats = {pickel = "deny"}')
    assert "modelassay.toml:1: there is no format 'pickel'" in modelassay("policy", "check").err
    assert modelassay("scan", models.plain(here / "model")).code == 2


def test_a_scan_chooses_its_policy(modelassay: Command, here: Path) -> None:
    folder = models.plain(here / "model")
    assert scan(modelassay, folder, "--policy", "production")[0] == 1
    assert scan(modelassay, folder, "--policy", "audit")[0] == 0
    named = configure(here / "etc", '[formats]\nsafetensors = "deny"', "p.toml")
    assert scan(modelassay, folder, "--policy", named)[0] == 1
    assert scan(modelassay, folder, "--config", named)[0] == 1
    assert modelassay("scan", folder, "--policy", "prodction").code == 2
    assert modelassay("scan", folder, "--config", here / "missing.toml").code == 2


def test_configuration_in_a_model_is_ignored_aloud(
    modelassay: Command, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(model, 'fail-on = {severity = "critical", confidence = "high"}\n')
    monkeypatch.chdir(model)
    ran = modelassay("scan", ".")
    assert ran.code == 1
    assert "modelassay.toml is ignored: it lies in the target ." in ran.err
    assert modelassay("scan", ".", "--config", "modelassay.toml").code == 0


def test_with_a_baseline_only_new_findings_fail(
    modelassay: Command, model: Path, here: Path
) -> None:
    earlier = here / "earlier.json"
    assert modelassay("scan", model, "-f", f"json={earlier}").code == 1
    code, report = scan(modelassay, model, "--baseline", earlier)
    assert code == 0
    allowed = report["models"][0]["answers"]["allowed"]
    assert allowed["reason"] == "nothing at or above high (1 in the baseline)"
    assert report["policy"]["baseline"].startswith("sha256:")
    assert {each["baseline"] for each in report["models"][0]["findings"]} == {"unchanged"}
    (model / "new.pkl").write_bytes(models.ECHO)
    code, report = scan(modelassay, model, "--baseline", earlier)
    assert code == 1
    assert "1 new finding" in report["models"][0]["answers"]["allowed"]["reason"]
    (model / "new.pkl").unlink()
    (model / "net.pkl").unlink()
    code, report = scan(modelassay, model, "--baseline", earlier)
    assert code == 0
    assert "pickle-own-class" in {each["rule"] for each in report["models"][0]["fixed"]}
    assert modelassay("scan", model, "--baseline", model / "config.json").code == 2
    assert modelassay("scan", model, "--baseline", "-").code == 2


def test_without_configuration_a_report_is_as_it_was(modelassay: Command, here: Path) -> None:
    code, report = scan(modelassay, models.plain(here / "model"))
    assert code == 0
    assert report["policy"] == {
        "name": "default",
        "digest": "sha256:dac0c81a807f79c1d646e65516eed1fae4c09b70e1a994c7e65df5d7288a0748",
        "baseline": None,
    }


def test_the_api_takes_a_policy_and_looks_for_none(here: Path) -> None:
    folder = models.plain(here / "model")
    configure(here, 'require = ["signed"]\n')
    assert api.scan(folder).decision.status == "pass"
    assert api.scan(folder, policy=api.load_policy([folder])).decision.status == "fail"
    with pytest.raises(UsageError):
        api.load_policy(policy="nonsense")


def test_the_justifications_are_those_that_reports_know() -> None:
    assert get_args(Justification) == JUSTIFICATIONS


REMOTE = {
    "config.json": '{"auto_map": {"AutoModel": "modeling_x.XModel"}}',
    "modeling_x.py": "class XModel:\n    pass\n",
    "chat_template.jinja": "{% for m in messages %}{{ m.content }}{% endfor %}",
}


@pytest.fixture
def remote(here: Path) -> Path:
    """A model that asks for code of its own, with a template."""
    folder = models.plain(here / "model")
    for name, text in REMOTE.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def command_in(report: dict[str, Any], rule: str) -> list[str]:
    """The command that the finding's fix ends with, filled in."""
    (finding,) = (each for each in report["models"][0]["findings"] if each["rule"] == rule)
    line = finding["fix"].partition("To consent to exactly this: ")[2]
    words = {"NAME": "ml-platform", "TEXT": "reviewed", "YYYY-MM-DD": "2027-03-01"}
    return [words.get(word, word) for word in shlex.split(line)[1:]]


def test_consent_is_pasted_followed_and_withdrawn(modelassay: Command, remote: Path) -> None:
    (remote / "net.pkl").write_bytes(OWN_CLASS)
    code, report = scan(modelassay, remote, "--policy", "strict")
    assert code == 1
    for rule in ("remote-code-requested", "pickle-own-class"):
        ran = modelassay(*command_in(report, rule))
        assert (ran.code, ran.err) == (0, "")
    assert "consent" in modelassay("policy", "show").out
    assert modelassay("policy", "check").code == 0
    code, report = scan(modelassay, remote)
    waived = {each["rule"]: each["waived"] for each in report["models"][0]["findings"]}
    assert code == 0
    assert waived["remote-code-requested"] == "consent: reviewed (ml-platform, until 2027-03-01)"
    assert waived["pickle-own-class"] == waived["remote-code-requested"]
    assert report["models"][0]["answers"]["load_hazards"]["status"] == "found"
    (remote / "modeling_x.py").write_text("import os\n", encoding="utf-8")
    (remote / "net.pkl").write_bytes(OWN_CLASS + b"more")
    code, report = scan(modelassay, remote)
    rules = [each["rule"] for each in report["models"][0]["findings"] if not each["waived"]]
    assert code == 1
    assert {"remote-code-requested", "pickle-own-class"} < set(rules)
    assert rules.count("consent-withdrawn") == 2


def test_code_of_another_repository_is_consented_to_at_a_commit(
    modelassay: Command, remote: Path
) -> None:
    text = REMOTE["config.json"].replace("modeling_x.", "acme/code--modeling_x.")
    (remote / "config.json").write_text(text, encoding="utf-8")
    code, report = scan(modelassay, remote)
    assert code == 1
    words = command_in(report, "remote-code-from-other-repository")
    assert modelassay(*words).code == 2  # COMMIT has to be filled in
    ran = modelassay(*(word.replace("COMMIT", "c" * 40) for word in words))
    assert ran.code == 0
    assert scan(modelassay, remote)[0] == 0


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ((), "names either remote-code or pickled-name"),
        (("--pickled-name", "acme.Net"), "needs a subject"),
        (("--pickled-name", "acme.Net", "--remote-code", "0" * 64), "either"),
        (("--remote-code", "acme/code@main"), "remote-code"),
    ],
)
def test_what_cannot_be_consented_to(
    modelassay: Command, here: Path, options: tuple[str, ...], why: str
) -> None:
    ran = modelassay("policy", "consent", *options, "--owner", "me", "--reason", "x",
                     "--until", "2027-03-01")  # fmt: skip
    assert ran.code == 2
    assert why in ran.err
    assert not (here / discovery.FILE).exists()


def test_a_pin_is_written_followed_and_replaced(
    modelassay: Command, remote: Path, here: Path
) -> None:
    pin = ("policy", "pin", remote, "--owner", "ml-platform")
    assert modelassay(*pin).code == 0
    text = (here / discovery.FILE).read_text()
    assert 'model = "model"\ntemplates = ["sha256:' in text
    assert scan(modelassay, remote)[0] == 0
    (remote / "chat_template.jinja").write_text("{{ messages }}", encoding="utf-8")
    code, report = scan(modelassay, remote)
    assert code == 1
    assert report["models"][0]["findings"][0]["rule"] == "pinned-template-changed"
    ran = modelassay(*pin)
    assert ran.code == 2
    assert "--replace" in ran.err
    assert modelassay(*pin, "--replace").code == 0
    assert (here / discovery.FILE).read_text().count("[[pin]]") == 1
    assert scan(modelassay, remote)[0] == 0
    assert modelassay(*pin, "--model", "another").code == 0


def test_what_cannot_be_read_is_not_pinned(modelassay: Command, here: Path) -> None:
    ran = modelassay("policy", "pin", here / "nowhere", "--owner", "me", "--offline")
    assert ran.code == 2
    assert "nothing was pinned" in ran.err


def test_an_advisory_is_found_where_the_configuration_says(
    modelassay: Command, remote: Path, here: Path
) -> None:
    _, report = scan(modelassay, remote)
    digest = subject(report, "modeling_x.py")
    configure(here, 'advisories = ["osv"]\n')
    (here / "osv").mkdir()
    document = {
        "id": "MAL-1",
        "summary": "bad",
        "affected": [{"ecosystem_specific": {"sha256": digest}}],
    }
    (here / "osv" / "MAL-1.json").write_text(json.dumps(document), encoding="utf-8")
    code, report = scan(modelassay, remote)
    assert code == 1
    first = report["models"][0]["findings"][0]
    assert (first["rule"], first["location"]["file"]) == ("advisory-malicious", "modeling_x.py")
    (here / "osv" / "MAL-1.json").write_text("{", encoding="utf-8")
    ran = modelassay("scan", remote)
    assert ran.code == 2
    assert "MAL-1.json" in ran.err


def test_check_names_consents_that_have_ended(modelassay: Command, here: Path) -> None:
    entry = 'owner = "me"\nreason = "x"\nuntil = 2026-01-01\n'
    code = f'[[consent]]\nremote-code = "sha256:{"0" * 64}"\n{entry}'
    name = f'[[consent]]\npickled-name = "acme.Net"\nsubject = "sha256:{"1" * 64}"\n{entry}'
    configure(here, code + name)
    ran = modelassay("policy", "check")
    assert ran.code == 0
    assert f"modelassay.toml:1: this consent has ended: sha256:{'0' * 64}" in ran.out
    assert "modelassay.toml:6: this consent has ended: acme.Net" in ran.out
