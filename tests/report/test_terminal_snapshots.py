"""What a person sees, to the letter, where `test_terminal` compares only in part."""

from __future__ import annotations

import pytest

from modelscan.report.terminal import Terminal
from modelscan.report.writer import Output
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import Report
from tests.forge import reports

WIDE = (
    "minilm-copy                                                                           3 files \xb7 91.8 MB \xb7 all bytes read\n"
    "  Load hazards     \u2717 found        pytorch_model.bin @2 calls posix.system\n"
    "  Official bytes   \u2717 modified     of sentence-transformers/all-MiniLM-L6-v2: model.safetensors differs\n"
    "  Signed           \u2013 unsigned     no signature beside the model\n"
    "  Descends from    ~ claimed      nreimers/MiniLM-L6-H384-uncased: not measured; --base to measure\n"
    "  Allowed here     \u2717 fail         policy default: 2 findings at or above high\n"
    "\n"
    "critical  pickle-dangerous-call                   pytorch_model.bin @2\n"
    "          Loading this file runs posix.system('echo hi').\n"
    "          Fix: Do not load it; there is a model.safetensors beside it.\n"
    "\n"
    "high      release-file-modified                   model.safetensors\n"
    "          This is not the file that the release lists.\n"
    "          Fix: Fetch the release again from its publisher.\n"
    "\n"
    "3 notes: model-card-missing, pickle-present (2) (-v shows them)\n"
    "\n"
    "Not looked at: nothing that loading needs. Not parsed: 1 other part (1 header-only).\n"
    "\n"
    "A scan says what was looked at and found, never that a model is safe: a trained-in backdoor leaves nothing here to find.\n"
    "Keep the model contained.                                                                                       (exit 1)\n"
)
CP1252 = (
    "minilm-copy                                   3 files \xb7 91.8 MB \xb7 all bytes read\n"
    "  Load hazards     x found        pytorch_model.bin @2 calls posix.system\n"
    "  Official bytes   x modified     of sentence-transformers/all-MiniLM-L6-v2:\n"
    "                                  model.safetensors differs\n"
    "  Signed           \u2013 unsigned     no signature beside the model\n"
    "  Descends from    ~ claimed      nreimers/MiniLM-L6-H384-uncased: not measured;\n"
    "                                  --base to measure\n"
    "  Allowed here     x fail         policy default: 2 findings at or above high\n"
    "\n"
    "critical  pickle-dangerous-call                   pytorch_model.bin @2\n"
    "          Loading this file runs posix.system('echo hi').\n"
    "          Fix: Do not load it; there is a model.safetensors beside it.\n"
    "\n"
    "high      release-file-modified                   model.safetensors\n"
    "          This is not the file that the release lists.\n"
    "          Fix: Fetch the release again from its publisher.\n"
    "\n"
    "3 notes: model-card-missing, pickle-present (2) (-v shows them)\n"
    "\n"
    "Not looked at: nothing that loading needs. Not parsed: 1 other part (1\n"
    "header-only).\n"
    "\n"
    "A scan says what was looked at and found, never that a model is safe: a\n"
    "trained-in backdoor leaves nothing here to find. Keep the model contained.\n"
    "                                                                        (exit 1)\n"
)
COLOURED = (
    "\x1b[1mminilm-copy\x1b[0m                                   \x1b[2m3 files \xb7 91.8 MB \xb7 all bytes read\x1b[0m\n"
    "  Load hazards     \x1b[31m\u2717 found        \x1b[0mpytorch_model.bin @2 calls posix.system\n"
    "  Official bytes   \x1b[31m\u2717 modified     \x1b[0mof sentence-transformers/all-MiniLM-L6-v2:\n"
    "                                  model.safetensors differs\n"
    "  Signed           \x1b[2m\u2013 unsigned     \x1b[0mno signature beside the model\n"
    "  Descends from    \x1b[33m~ claimed      \x1b[0mnreimers/MiniLM-L6-H384-uncased: not measured;\n"
    "                                  --base to measure\n"
    "  Allowed here     \x1b[31m\u2717 fail         \x1b[0mpolicy default: 2 findings at or above high\n"
    "\n"
    "\x1b[1;31mcritical  \x1b[0m\x1b[1mpickle-dangerous-call                   pytorch_model.bin @2\x1b[0m\n"
    "          Loading this file runs posix.system('echo hi').\n"
    "          Fix: Do not load it; there is a model.safetensors beside it.\n"
    "\n"
    "\x1b[31mhigh      \x1b[0m\x1b[1mrelease-file-modified                   model.safetensors\x1b[0m\n"
    "          This is not the file that the release lists.\n"
    "          Fix: Fetch the release again from its publisher.\n"
    "\n"
    "\x1b[2m3 notes: model-card-missing, pickle-present (2) (-v shows them)\x1b[0m\n"
    "\n"
    "Not looked at: nothing that loading needs. Not parsed: 1 other part (1\n"
    "header-only).\n"
    "\n"
    "A scan says what was looked at and found, never that a model is safe: a\n"
    "trained-in backdoor leaves nothing here to find. Keep the model contained.\n"
    "                                                                        \x1b[2m(exit 1)\x1b[0m\n"
)
RIGHT_TO_LEFT = (
    "\u05de\u05d5\u05d3\u05dc\\u202e\\x1b[31m                            2 files \xb7 90.8 MB \xb7 all bytes read\n"
    "  Load hazards     \u2713 none-found   2 files read\n"
    "  Official bytes   \u2013 unknown      no manifest lists these bytes\n"
    "  Signed           \u2013 unsigned     no signature beside the model\n"
    "  Descends from    \u2013 unknown      no base is named\n"
    "  Allowed here     \u2713 pass         policy default\n"
    "\n"
    "critical  pickle-dangerous-call                   \u0645\u0644\u0641\\u202egnp.pkl @2\n"
    "          Loading this file runs posix.system('echo hi').\n"
    "          Fix: Do not load it; there is a model.safetensors beside it.\n"
    "\n"
    "Not looked at: nothing.\n"
    "\n"
    "A scan says what was looked at and found, never that a model is safe: a\n"
    "trained-in backdoor leaves nothing here to find. Keep the model contained.\n"
    "                                                                        (exit 1)\n"
)
LAST_OF_TEN_THOUSAND = (
    "\n"
    "and 9,950 more (-f json has all)\n"
    "\n"
    "Not looked at: nothing.\n"
    "\n"
    "A scan says what was looked at and found, never that a model is safe: a\n"
    "trained-in backdoor leaves nothing here to find. Keep the model contained.\n"
    "                                                                        (exit 1)\n"
)


def _right_to_left() -> Report:
    where = Location("\u0645\u0644\u0641\u202egnp.pkl", None, 2)
    model = reports.model(
        ref="\u05de\u05d5\u05d3\u05dc\u202e\x1b[31m", findings=(reports.finding(location=where),)
    )
    return reports.report(model, exit_code=1)


@pytest.mark.parametrize(
    ("report", "output", "expected"),
    [
        (reports.bad_report(), Output(width=200), WIDE),
        (reports.bad_report(), Output(encoding="cp1252"), CP1252),
        (reports.bad_report(), Output(colour=True), COLOURED),
        (_right_to_left(), Output(), RIGHT_TO_LEFT),
    ],
    ids=["200 columns", "cp1252", "colour", "right to left"],
)
def test_what_is_printed(report: Report, output: Output, expected: str) -> None:
    assert Terminal().write(report, output).decode(output.encoding) == expected


def test_the_end_of_ten_thousand_findings() -> None:
    lines = Terminal().write(reports.large_report(), Output()).decode().splitlines(keepends=True)
    assert "".join(lines[-8:]) == LAST_OF_TEN_THOUSAND
