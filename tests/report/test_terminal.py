from __future__ import annotations

import re

import msgspec
import pytest

from modelscan.report.residual import LIMITS
from modelscan.report.terminal import MOST_FINDINGS, Terminal
from modelscan.report.text import cells
from modelscan.report.writer import Output
from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.evidence import Signed
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import FileEntry, LoadHazards, Report
from tests.forge import reports

SGR = re.compile(r"\x1b\[[0-9;]+m")


def shown(report: Report, output: Output | None = None) -> str:
    output = output or Output()
    return Terminal().write(report, output).decode(output.encoding)


GOLDEN_80 = """\
minilm-copy                                   3 files · 91.8 MB · all bytes read
  Load hazards     ✗ found        pytorch_model.bin @2 calls posix.system
  Official bytes   ✗ modified     of sentence-transformers/all-MiniLM-L6-v2:
                                  model.safetensors differs
  Signed           – unsigned     no signature beside the model
  Descends from    ~ claimed      nreimers/MiniLM-L6-H384-uncased: not measured;
                                  --base to measure
  Allowed here     ✗ fail         policy default: 2 findings at or above high

critical  pickle-dangerous-call                   pytorch_model.bin @2
          Loading this file runs posix.system('echo hi').
          Fix: Do not load it; there is a model.safetensors beside it.

high      release-file-modified                   model.safetensors
          This is not the file that the release lists.
          Fix: Fetch the release again from its publisher.

3 notes: model-card-missing, pickle-present (2) (-v shows them)

Not looked at: nothing that loading needs. Not parsed: 1 other part (1
header-only).

A scan says what was looked at and found, never that a model is safe: a
trained-in backdoor leaves nothing here to find. Keep the model contained.
                                                                        (exit 1)
"""  # noqa: RUF001  # the report's own dash

GOLDEN_60 = """\
minilm-copy               3 files · 91.8 MB · all bytes read
  Load hazards     ✗ found
                   pytorch_model.bin @2 calls posix.system
  Official bytes   ✗ modified
                   of
                   sentence-transformers/all-MiniLM-L6-v2:
                   model.safetensors differs
  Signed           – unsigned
                   no signature beside the model
  Descends from    ~ claimed
                   nreimers/MiniLM-L6-H384-uncased: not
                   measured; --base to measure
  Allowed here     ✗ fail
                   policy default: 2 findings at or above
                   high

critical  pickle-dangerous-call  pytorch_model.bin @2
          Loading this file runs posix.system('echo hi').
          Fix: Do not load it; there is a model.safetensors
          beside it.

high      release-file-modified  model.safetensors
          This is not the file that the release lists.
          Fix: Fetch the release again from its publisher.

3 notes: model-card-missing, pickle-present (2) (-v shows
them)

Not looked at: nothing that loading needs. Not parsed: 1
other part (1 header-only).

A scan says what was looked at and found, never that a model
is safe: a trained-in backdoor leaves nothing here to find.
Keep the model contained.                           (exit 1)
"""  # noqa: RUF001  # the report's own dash

GOLDEN_ASCII = """\
minilm-copy                                                       2 files - 90.8 MB - all bytes read
  Load hazards     + none-found   2 files read
  Official bytes   - unknown      no manifest lists these bytes
  Signed           - unsigned     no signature beside the model
  Descends from    - unknown      no base is named
  Allowed here     + pass         policy default

Not looked at: nothing.

A scan says what was looked at and found, never that a model is safe: a trained-in backdoor leaves
nothing here to find. Keep the model contained.                                             (exit 0)
"""

GOLDEN_TWO = """\
minilm-copy                                   2 files · 90.8 MB · all bytes read
  Load hazards     ✓ none-found   2 files read
  Official bytes   – unknown      no manifest lists these bytes
  Signed           – unsigned     no signature beside the model
  Descends from    – unknown      no base is named
  Allowed here     ✓ pass         policy default

Not looked at: nothing.

gone                                                           could not be read
  ! no such file or directory: gone
  Nothing of it was looked at, so nothing is known about it.

2 models: 1 could not be read, 1 pass. Policy default: incomplete.

A scan says what was looked at and found, never that a model is safe: a
trained-in backdoor leaves nothing here to find. Keep the model contained.
                                                                        (exit 3)
"""  # noqa: RUF001  # the report's own dash


def test_a_bad_model_at_80_columns() -> None:
    assert shown(reports.bad_report()) == GOLDEN_80


def test_a_bad_model_at_60_columns() -> None:
    assert shown(reports.bad_report(), Output(width=60)) == GOLDEN_60


def test_an_ordinary_model_in_ascii() -> None:
    output = Output(width=100, encoding="ascii")
    assert shown(reports.report(reports.model()), output) == GOLDEN_ASCII


def test_several_models_one_of_which_could_not_be_read() -> None:
    report = reports.report(reports.model(), reports.unreadable_model(), exit_code=3)
    assert shown(report) == GOLDEN_TWO


def test_colour_changes_nothing_but_colour() -> None:
    coloured = shown(reports.bad_report(), Output(colour=True))
    assert "\x1b[1;31mcritical" in coloured
    assert "\x1b[31m✗ found" in coloured
    assert [line.rstrip() for line in SGR.sub("", coloured).splitlines()] == GOLDEN_80.splitlines()


def test_cp1252_keeps_the_symbols_it_has() -> None:
    text = shown(reports.bad_report(), Output(encoding="cp1252"))
    assert "x found" in text
    assert "– unsigned" in text  # noqa: RUF001  # cp1252 has a dash
    assert "·" in text


@pytest.mark.parametrize("width", [1, 60, 61, 79, 80, 100, 120, 200, 10_000])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_every_line_fits_the_page_whatever_a_model_holds(width: int, encoding: str) -> None:
    for report in (reports.bad_report(), reports.hostile_report()):
        text = shown(report, Output(width=width, encoding=encoding, detail="verbose"))
        assert max(map(cells, text.splitlines())) <= min(max(width, 60), 120)


@pytest.mark.parametrize("text", reports.HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    plain = shown(reports.report(reports.hostile_model(text), exit_code=1), Output(width=120))
    assert "".join(plain.split("\n")).isprintable()
    assert len(plain) < 40_000
    coloured = shown(
        reports.report(reports.hostile_model(text), exit_code=1), Output(width=120, colour=True)
    )
    assert SGR.sub("", coloured).replace("\n", "").isprintable()


def test_markup_is_shown_as_written() -> None:
    one = reports.model(findings=(reports.finding(message="[red]x[/red] <b>y</b>"),))
    assert "[red]x[/red] <b>y</b>" in shown(reports.report(one))


def test_ten_thousand_findings_are_capped_and_counted() -> None:
    text = shown(reports.large_report())
    assert text.count("pickle-dangerous-call") == MOST_FINDINGS
    assert "and 9,950 more (-f json has all)" in text


def test_the_most_severe_come_first_and_one_rule_is_listed_for_each_place() -> None:
    findings = (
        reports.finding("some-low", "low"),
        reports.finding(location=Location("a.bin", None, 1)),
        reports.finding(location=Location("a.bin", None, 2)),
    )
    lines = shown(reports.report(reports.model(findings=findings))).splitlines()
    heads = [line.split() for line in lines if line.startswith(("critical ", "low "))]
    assert [head[0] for head in heads] == ["critical", "critical", "low"]
    assert [head[-1] for head in heads[:2]] == ["@1", "@2"]


def test_notes_are_printed_in_full_only_when_asked() -> None:
    text = shown(reports.bad_report(), Output(detail="verbose"))
    assert "(-v shows them)" not in text
    assert sum(line.startswith("info ") for line in text.splitlines()) == 3


def test_quiet_prints_the_answers_and_the_exit_code() -> None:
    text = shown(reports.bad_report(), Output(detail="quiet"))
    assert "Allowed here     ✗ fail" in text
    assert "pickle-dangerous-call" not in text
    assert text.endswith("(exit 1)\n")


def test_a_waived_and_repeated_finding_says_so() -> None:
    one = reports.finding(waived="accepted until spring", evidence={"count": 3})
    text = shown(reports.report(reports.model(findings=(one,))))
    assert "Waived: accepted until spring" in text
    assert "Seen 3 times" in text


def test_a_long_location_stands_on_a_line_of_its_own() -> None:
    one = reports.finding(location=Location("deep/" * 10 + "model.zip", "archive/data.pkl", 77))
    lines = shown(reports.report(reports.model(findings=(one,)))).splitlines()
    index = next(i for i, line in enumerate(lines) if line.startswith("critical"))
    assert lines[index] == "critical  pickle-dangerous-call"
    assert "".join(line.strip() for line in lines[index + 1 : index + 3]) == (
        "deep/" * 10 + "model.zip!archive/data.pkl @77"
    )


def test_needed_gaps_are_listed() -> None:
    gaps = (
        Coverage(file="a.zip", member="b.pkl", status="encrypted", needed=True, reason="password"),
        Coverage(file="c.bin", status="truncated", needed=True),
        Coverage(file="d.png", status="skipped"),
    )
    text = shown(reports.report(reports.model(coverage=gaps), exit_code=3))
    assert "Not looked at: nothing" not in text
    assert (
        "Not looked at: 2 parts that loading needs.\n"
        "  a.zip!b.pkl  encrypted: password\n  c.bin  truncated\n"
        "Nor at 1 part that loading does not need (1 skipped).\n"
    ) in text


def test_what_is_not_loaded_has_gaps_of_another_kind() -> None:
    gaps = (Coverage(file="compose.yaml", status="unreadable", needed=True),)
    made = reports.model(coverage=gaps)
    hazards = LoadHazards(status="incomplete", reason="not asked: this is about where models run")
    answers = msgspec.structs.replace(made.answers, load_hazards=hazards)
    made = msgspec.structs.replace(made, answers=answers)
    text = shown(reports.report(made, exit_code=3))
    assert "Not looked at: 1 part that the answer needs.\n" in text
    assert "that loading" not in text


def test_many_needed_gaps_are_grouped_by_reason() -> None:
    gaps = [
        Coverage(file=f"{i:04}.zip", status="encrypted", needed=True, reason="password")
        for i in range(1_000)
    ]
    gaps += [Coverage(file="odd.bin", status="truncated", needed=True, reason="cut")]
    gaps += [Coverage(file="x", status="skipped", needed=True, reason=f"{i}") for i in range(30)]
    text = shown(reports.report(reports.model(coverage=tuple(gaps)), exit_code=3))
    assert "Not looked at: 1,031 parts that loading needs." in text
    assert "  1,000 parts, 0000.zip the first  encrypted: password\n" in text
    assert "  and 12 more (-f json has all)" in text


def test_bytes_that_nobody_hashed_are_never_called_nothing() -> None:
    text = shown(reports.report(reports.model(digest=None)))
    assert "not all bytes read" in text
    assert "Not looked at: nothing" not in text


def test_files_without_a_digest_are_counted() -> None:
    unread = FileEntry(path="b", size=1, digests={}, format="unknown")
    one = reports.model(files=(reports.file("a"), unread), digest=None)
    assert "2 files · 1 kB · 1 file not read" in shown(reports.report(one))


def test_names_that_a_reason_omits_are_added() -> None:
    answers = reports.answers(
        signed=Signed(status="signed-trusted", signer="release@example.org", reason="valid"),
        descends_from=Lineage(status="finetune", base="a/b", tier="measured", reason=""),
    )
    text = shown(reports.report(reports.model(answers=answers)))
    assert "✓ signed-trusted  release@example.org: valid" in text
    assert "✓ finetune        a/b\n" in text


def test_a_relation_is_marked_by_how_well_it_is_known() -> None:
    def symbol(lineage: Lineage) -> str:
        text = shown(reports.report(reports.model(answers=reports.answers(descends_from=lineage))))
        return next(line for line in text.splitlines() if "Descends" in line).split()[2]

    measured = Lineage(status="quantized", base="a/b", tier="measured", reason="r")
    hinted = Lineage(status="quantized", base="a/b", tier="hint", reason="r")
    unrelated = Lineage(status="unrelated", base="a/b", tier="measured", reason="r")
    assert [symbol(one) for one in (measured, hinted, unrelated)] == ["✓", "~", "✗"]


def test_nothing_to_scan() -> None:
    text = shown(reports.report(exit_code=4))
    assert text.startswith("Nothing to scan")
    assert text.endswith("(exit 4)\n")


def test_no_report_calls_a_model_safe_or_clean() -> None:
    for report in (reports.report(reports.model()), reports.bad_report()):
        text = " ".join(shown(report).split())
        assert LIMITS in text
        assert not re.search(r"\b(safe|clean)\b", text.replace(LIMITS, ""), re.IGNORECASE)
