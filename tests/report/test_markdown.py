from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from modelscan.report.markdown import MARKER, MOST_CHARACTERS, Markdown, literal, prose
from modelscan.report.residual import LIMITS
from modelscan.report.writer import Output
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import ApprovalEntry, ModelReport, Report
from tests.forge import reports, told

OURS = {
    MARKER, "<br>", "<sub>", "</sub>", "<details>", "<details open>", "<summary>", "</summary>",
    "</details>",
}  # fmt: skip
ATTACKS = (
    "@octocat", "#1", "GH-1", "org/repo#1", "org/repo@0123456", "!7", "~label", "%milestone",
    "/approve", "https://evil.example", "www.evil.example", "a@evil.example", "ftp://evil.example",
    "<img src=x>", "<!-- -->", "![x](https://evil.example)", "[x](y)", "[x]: y", "# head", "---",
    "| a | b |", "`", "``` sh", "\\`", "*x* _x_ ~~x~~", "&lt;b&gt;", "$x$", ":smile:", "1. x",
    "- x", "a `b", "a` | `b", "\\", "a\\|b", "\n/close\n", "&#64;octocat", "\u202e", "</details>",
)  # fmt: skip


def shown(report: Report) -> str:
    return Markdown().write(report, Output()).decode()


def of(*models: ModelReport, exit_code: int = 1, **changes: Any) -> str:
    return shown(reports.report(*models, exit_code=exit_code, **changes))


def tokens(source: str) -> list[Token]:
    flat: list[Token] = []
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(source):
        flat += [token, *(token.children or [])]
    return flat


def blocks(source: str) -> list[str]:
    """The structure of a document, without what stands in its lines."""
    return [token.type for token in tokens(source) if token.block]


def assert_harmless(source: str) -> None:
    """Nothing but our own markup, and no text outside code that a site would act on."""
    for token in tokens(source):
        assert token.type not in {"image", "link_open", "link_close", "s_open", "em_open", "fence"}
        if token.type in {"html_inline", "html_block"}:
            assert set(re.findall(r"<[^>]*>", token.content)) <= OURS
        if token.type == "text":
            assert not re.search(r"[@#$%<>&`|\[\]\\]|://|www\.|!\d|GH-|:\w+:", token.content)


GOLDEN = """\
<!-- modelassay-report -->
## ✗ modelassay: fail

1 model, policy `default`, exit code 1.

### `minilm-copy`

3 files · 91.8 MB · all bytes read

| Question | Answer | Why |
| --- | --- | --- |
| Load hazards | ✗ **found** | `pytorch_model.bin @2` calls `posix.system` |
| Official bytes | ✗ **modified** | of `sentence-transformers/all-MiniLM-L6-v2: \
model.safetensors` differs |
| Signed | – **unsigned** | no signature beside the model |
| Descends from | ~ **claimed** | `nreimers/MiniLM-L6-H384-uncased`: not measured; \
`--base` to measure |
| Allowed here | ✗ **fail** | policy default: 2 findings at or above high |

**2 findings**

- **critical** `pickle-dangerous-call` in `pytorch_model.bin @2`
  <br>Seen: Loading this file runs `posix.system('echo hi').`
  <br>Fix: Do not load it; there is a `model.safetensors` beside it.
- **high** `release-file-modified` in `model.safetensors`
  <br>Seen: This is not the file that the release lists.
  <br>Fix: Fetch the release again from its publisher.

<details><summary>3 notes</summary>

- `pickle-present` in `pytorch_model.bin`
- `model-card-missing` in the model as a whole
- `pickle-present` in `optimizer.pt`

</details>

Not looked at: nothing that loading needs.

<sub>A scan says what was looked at and found, never that a model is safe: a trained-in backdoor \
leaves nothing here to find. Keep the model contained.</sub>

<sub>modelassay `0.1.0`, rules `sha256:{rules}`, `2026-11-21T00:00:00Z`</sub>
""".replace("{rules}", "a" * 64)  # noqa: RUF001  # a dash is what it shows


def test_the_comment_of_the_documentations_example() -> None:
    assert shown(reports.bad_report()) == GOLDEN


@pytest.mark.parametrize(
    "report", [reports.full_report, reports.hostile_report, reports.bad_report]
)
def test_the_first_line_is_the_same_in_every_comment(report: Any) -> None:
    assert shown(report()).split("\n")[0] == MARKER


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_mention_link_image_command_or_markup_can_be_injected(attack: str) -> None:
    for value in (attack, f"a {attack}", f"{attack} b", f"a {attack} b"):
        source = of(reports.hostile_model(value))
        assert_harmless(source)
        assert not re.search(r"^\s*/", source, re.MULTILINE)
        assert blocks(source) == blocks(of(reports.hostile_model("calm")))


@given(st.text(st.characters()) | st.text("`|\\@#<>![]()*_~ \n$:/a1-", max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_text_is_harmless(value: str) -> None:
    assert_harmless(of(reports.hostile_model(value)))
    for made in (literal(value), prose(value)):
        assert made.isprintable()
        assert "|" not in made


def test_hostile_reports_are_harmless() -> None:
    source = shown(reports.hostile_report())
    assert_harmless(source)
    assert source.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("value", "made"),
    [
        ("model.bin", "`model.bin`"),
        ("", '`""`'),
        (" ", "`   `"),
        (" a", "`  a `"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("a|b", r"`a\x7cb`"),
        ("a\nb", r"`a\nb`"),
        ("x" * 10_000, "`" + "x" * 80 + "…" + "x" * 79 + "`"),
    ],
)
def test_literals(value: str, made: str) -> None:
    assert literal(value) == made


@pytest.mark.parametrize(
    ("value", "made"),
    [
        ("2 findings at or above high", "2 findings at or above high"),
        ("Don't load 10,000 files (really)!", "Don't load 10,000 files (really)!"),
        ("of a/b: c.bin differs", "of `a/b: c.bin` differs"),
        ("ping @user please", "ping `@user` please"),
        ("", ""),
        ("a  b", "a b"),
        ("é", "`é`"),
    ],
)
def test_prose(value: str, made: str) -> None:
    assert prose(value) == made


def test_findings_are_capped_and_counted() -> None:
    source = shown(reports.large_report(50))
    assert source.count("- **critical**") == 20
    assert source.count("Fix:") == 1
    assert "**50 findings**" in source
    assert "- and 30 more" in source


def test_notes_and_gaps_are_capped_and_counted() -> None:
    found = tuple(
        reports.finding("note", "info", location=Location(f"{number}")) for number in range(30)
    )
    coverage = tuple(
        Coverage(file=f"{number}.zip", member="x", status="encrypted", needed=True, reason="locked")
        for number in range(25)
    )
    source = of(reports.model(findings=found, coverage=coverage))
    assert "<details><summary>30 notes</summary>" in source
    assert "<details open><summary>Not looked at: 25 parts that loading needs</summary>" in source
    assert "- `0.zip!x` encrypted: locked" in source
    assert source.count("- and 10 more") == source.count("- and 5 more") == 1


def test_a_comment_is_never_too_long() -> None:
    one = reports.hostile_model("e" + "\u0301" * 5_000 + "@" * 5_000)
    busy = msgspec.structs.replace(one, findings=one.findings * 50, coverage=one.coverage * 50)
    for report in (
        reports.hostile_report(),
        reports.large_report(),
        reports.report(busy, exit_code=1),
        reports.report(*[reports.bad_model()] * 500, exit_code=1),
        reports.report(*[busy] * 20, exit_code=1),
    ):
        source = shown(report)
        assert len(source) <= MOST_CHARACTERS
        assert LIMITS in source
        assert "### " in source
        assert_harmless(source)
    assert "more models; the report in the format json has all of them." in source


def test_every_model_has_its_answers() -> None:
    source = shown(reports.full_report())
    assert source.count("| Question | Answer | Why |") == 2
    assert "Could not be read: no such file or directory: gone" in source
    assert "nothing is known about it" in source
    assert "Waived: reviewed by the platform team" in source


@pytest.mark.parametrize(
    ("digest", "words"),
    [(None, "Not looked at: some bytes."), ("sha256:0", "nothing that loading needs.")],
)
def test_silence(digest: str | None, words: str) -> None:
    assert words in of(reports.model(digest=digest))


def test_nothing_to_scan() -> None:
    source = of(exit_code=4)
    assert "## – modelassay: nothing" in source  # noqa: RUF001  # a dash is what it shows
    assert "Nothing to scan: no target holds a model or code." in source


def test_approvals_and_a_scan_by_somebody_else() -> None:
    text = of(told.model())
    assert "- Scan by somebody else: accepted; scanned by acme; policy production; of" in text
    assert "- Approved by acme, until" in text
    assert "which ended on" in text
    assert "Approved" not in of(reports.model())
    many = (ApprovalEntry(owner="a", reason="b", until="2027-01-31", holds=True),) * 50
    assert "- and 29 more" in of(msgspec.structs.replace(reports.model(), approvals=many))


@pytest.mark.parametrize("attack", [*ATTACKS, *reports.HOSTILE])
def test_who_approved_cannot_speak_either(attack: str) -> None:
    assert_harmless(of(told.model(attack)))
