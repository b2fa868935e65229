from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.errors import UsageError
from modelscan.policy import advisories, layers, osv
from modelscan.policy.judge import judge
from modelscan.policy.profile import DEFAULT
from modelscan.vocabulary.fact import AdvisoryMatch
from modelscan.vocabulary.snapshot import Source
from tests.forge import policies
from tests.forge.policies import COMMIT, configure, sha256, situation

BYTES = sha256("model.safetensors").removeprefix("sha256:")
HUB = {"ecosystem": "Hugging Face", "name": "Acme/Model"}
FROM_HUB: dict[str, Any] = {
    "source": Source(kind="hub", asked_revision="main"), "claimed": f"hf:acme/model@{COMMIT}",
}  # fmt: skip
OTHER = "d" * 40
V3 = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}


def write(folder: Path, name: str = "a", **fields: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    whole = {"id": "OSV-2026-1", "modified": "2026-11-01T00:00:00Z", "summary": "reads files"}
    (folder / f"{name}.json").write_text(json.dumps(whole | fields), encoding="utf-8")
    return folder


def matches(folder: Path, **changes: Any) -> list[AdvisoryMatch]:
    found, digests = advisories.read([folder])
    assert len(digests) == 1
    return list(found.matches(situation(**changes)))


@pytest.mark.parametrize(
    ("affected", "changes", "by"),
    [
        ({"ecosystem_specific": {"sha256": [BYTES]}}, {}, "file"),
        ({"database_specific": {"sha256": f"sha256:{BYTES.upper()}"}}, {}, "file"),
        ({"ecosystem_specific": {"sha256": ["0" * 64, 7, "x"]}}, {}, None),
        ({"ecosystem_specific": {"weights-root": "e" * 64}},
         {"weights_roots": ("sha256:" + "e" * 64,)}, "weights"),
        ({"package": HUB}, FROM_HUB, "repository"),
        ({"package": HUB}, {"claimed": f"hf:acme/model@{COMMIT}"}, "repository"),
        ({"package": HUB}, {"claimed": f"hf:acme/other@{COMMIT}"}, None),
        ({"package": HUB}, {}, None),
        ({"package": {"ecosystem": "PyPI", "name": "acme/model"}}, FROM_HUB, None),
        ({"package": {"purl": "pkg:huggingface/acme/model"}}, FROM_HUB, "repository"),
        ({"package": {"purl": f"pkg:huggingface/acme/model@{COMMIT}"}}, FROM_HUB, "commit"),
        ({"package": {"purl": f"pkg:huggingface/acme/model@{OTHER}"}}, FROM_HUB, None),
        ({"package": HUB, "versions": [COMMIT]}, FROM_HUB, "commit"),
        ({"package": HUB, "versions": [OTHER]}, FROM_HUB, None),
        ({"package": HUB, "versions": ["main"]}, FROM_HUB, "repository"),
        ({"package": HUB, "versions": ["v1"]}, FROM_HUB, None),
        # Which revision it is cannot be told: it may be the affected one.
        ({"package": HUB, "versions": [OTHER]}, {"claimed": "hf:acme/model"}, "repository"),
        ({"package": HUB, "ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]},
         FROM_HUB, "repository"),
        ({"package": HUB, "ranges": [{"type": "GIT", "events": [
            {"introduced": OTHER}, {"fixed": COMMIT}]}]}, FROM_HUB, None),
        ({"package": HUB, "versions": ["v1"], "ranges": [{"events": [{"introduced": "0"}]}]},
         FROM_HUB, "repository"),
        ({}, FROM_HUB, None),
    ],
)  # fmt: skip
def test_what_an_advisory_is_about(
    tmp_path: Path, affected: dict[str, Any], changes: dict[str, Any], by: str | None
) -> None:
    found = matches(write(tmp_path / "osv", affected=[affected]), **changes)
    assert [each.by for each in found] == ([by] if by else [])


def test_the_place_is_the_file_that_it_names(tmp_path: Path) -> None:
    (found,) = matches(write(tmp_path, database_specific={"sha256": BYTES, "weights-root": "x"}))
    assert found.location.file == "model.safetensors"
    assert (found.id, found.summary, found.value) == ("OSV-2026-1", "reads files", BYTES)


def test_an_advisory_is_named_once_by_the_surest_sign(tmp_path: Path) -> None:
    affected = {"package": HUB, "versions": [COMMIT], "ecosystem_specific": {"sha256": BYTES}}
    found = matches(write(tmp_path, affected=[affected, affected]), **FROM_HUB)
    assert [each.by for each in found] == ["file"]


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({}, "high"),
        ({"database_specific": {"severity": "MODERATE"}}, "medium"),
        ({"database_specific": {"severity": "low"}}, "low"),
        ({"severity": [V3]}, "critical"),
        ({"severity": [V3], "database_specific": {"severity": "LOW"}}, "critical"),
        ({"severity": [{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N"}]}, "high"),
        ({"affected": [{"package": HUB, "severity": [V3]}]}, "critical"),
    ],
)
def test_how_grave_it_is(tmp_path: Path, fields: dict[str, Any], severity: str) -> None:
    fields = {"affected": [{"package": HUB}]} | fields
    (found,) = matches(write(tmp_path, **fields), **FROM_HUB)
    assert found.severity == severity
    model = situation(**FROM_HUB)
    known, _ = advisories.read([tmp_path])
    judged = judge(DEFAULT, model, policies.evaluate, advisories=known)
    assert [(each.rule, each.severity) for each in judged.findings] == [
        ("advisory-affects-repository", severity)
    ]
    assert judged.allowed.status == ("fail" if severity in {"high", "critical"} else "pass")


def test_what_is_malicious_is_critical_and_is_waived_in_as_many_words_only(tmp_path: Path) -> None:
    write(tmp_path, id="MAL-2026-1", affected=[{"ecosystem_specific": {"sha256": BYTES}}])
    write(tmp_path, "b", id="X-1", database_specific={"malicious": True, "sha256": BYTES})
    known, _ = advisories.read([tmp_path])
    lax = policies.waiver(rule="advisory-malicious", subject=f"sha256:{BYTES}")
    meant = policies.waiver(
        rule="advisory-malicious", subject=f"sha256:{BYTES}", even_if_proven_malicious=True
    )
    for waivers, status in (((), "fail"), ((lax,), "fail"), ((meant,), "pass")):
        policy = msgspec.structs.replace(DEFAULT, waivers=waivers)
        judged = judge(policy, situation(), policies.evaluate, advisories=known)
        assert judged.allowed.status == status
        bad = [each for each in judged.findings if each.rule == "advisory-malicious"]
        assert [each.severity for each in bad] == ["critical", "critical"]


def test_withdrawn_ones_and_other_files_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, withdrawn="2026-11-02T00:00:00Z", affected=[{"package": HUB}])
    (tmp_path / "README.md").write_text("about these", encoding="utf-8")
    assert matches(tmp_path, **FROM_HUB) == []
    write(tmp_path / "sub", "c", affected=[{"package": HUB}])
    assert len(matches(tmp_path, **FROM_HUB)) == 1


def test_a_file_may_hold_a_list(tmp_path: Path) -> None:
    both = [{"id": name, "affected": [{"package": HUB}]} for name in ("A-1", "A-2")]
    (tmp_path / "all.json").write_text(json.dumps(both), encoding="utf-8")
    assert [each.id for each in matches(tmp_path, **FROM_HUB)] == ["A-1", "A-2"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{", "not an advisory"), (b"[]x", "not an advisory"), (b"{}", "`id`"),
        (b'{"id": "\xff"}', "not an advisory"), (b'{"id": 7}', "not an advisory"),
        (b"[" * 100_000, "not an advisory"), (b'{"id":"' + b"x" * (1 << 20) + b'"}', "too long"),
    ],
)  # fmt: skip
def test_a_broken_advisory_ends_the_run(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "bad.json").write_bytes(data)
    with pytest.raises(UsageError, match=r"bad\.json") as error:
        advisories.read([tmp_path])
    assert why in str(error.value)


def test_what_cannot_be_read_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        advisories.read([tmp_path / "nowhere"])
    (tmp_path / "dir.json").mkdir()
    (tmp_path / "link.json").symlink_to("nowhere")
    with pytest.raises(UsageError, match=r"link\.json cannot be read"):
        advisories.read([tmp_path])
    monkeypatch.setattr(advisories, "_MOST", 0)
    with pytest.raises(UsageError, match="more than 0 advisories"):
        advisories.read([tmp_path])


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda below: st.lists(below, max_size=3) | st.dictionaries(
            st.sampled_from(["id", "affected", "package", "severity", "versions", "ranges", "purl",
                             "events", "sha256", "ecosystem_specific", "database_specific"]),
            below, max_size=5),
        max_leaves=25,
    )
)  # fmt: skip
def test_any_json_is_an_advisory_or_refused(value: Any) -> None:
    try:
        found = advisories._documents("a.json", json.dumps(value).encode())
    except UsageError:
        return
    for document in found:
        assert osv.advisory(document).severity in {"low", "medium", "high", "critical"}
        list(osv.keys(document))


def test_a_configuration_names_folders(tmp_path: Path) -> None:
    write(tmp_path / "osv", affected=[{"package": HUB}])
    path = configure(tmp_path, 'advisories = ["osv"]\n')
    found = layers.load(config=path)
    assert list(found.advisories.matches(situation(**FROM_HUB)))
    before = found.profile.digest
    write(tmp_path / "osv", "b", id="A-2", affected=[{"package": HUB}])
    assert layers.load(config=path).profile.digest != before


@pytest.mark.parametrize(
    ("text", "targets", "why"),
    [
        ('advisories = ["nowhere"]\n', (), "toml:1: there is no folder 'nowhere'"),
        ('advisories = ["model/osv"]\n', ("model",), "toml:1: .*lies in the target"),
        ('advisories = [""]\n', (), "toml:1: "),
    ],
)
def test_a_folder_that_cannot_be_used(
    tmp_path: Path, text: str, targets: tuple[str, ...], why: str
) -> None:
    write(tmp_path / "model" / "osv")
    path = configure(tmp_path, text)
    with pytest.raises(UsageError, match=why):
        layers.load([tmp_path / target for target in targets], config=path)
