"""The five answers as a reader of pages sees them: a label, a mark and a tone beside each status.

What each status means for the eye stands here once, for every format that has marks or colours. A
tone is never the only carrier of a meaning: the status itself is always written out.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

import msgspec

from modelscan.report.text import counted, size
from modelscan.vocabulary.ancestry import Tier
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import Answers, ModelReport
from modelscan.vocabulary.rule import SEVERITIES, AnswerKey, Severity

Tone = Literal["good", "bad", "claim", "none", "gap"]

MARKS: dict[Tone, str] = {
    "good": "✓",
    "bad": "✗",
    "claim": "~",
    "none": "–",  # noqa: RUF001  # a dash is meant
    "gap": "!",
}
"""One character for a tone, as in the terminal report."""

_STATUSES: dict[Tone, str] = {
    "good": "none-found verified-official matches-known-release pinned-match signed-trusted pass",
    "bad": "found modified denied invalid-signature unrelated fail",
    "claim": "hub-consistent signed-untrusted claimed abliteration-like",
    "none": "unknown not-hashed unsigned nothing",
    "gap": "incomplete error",
}
_TONE_OF = {status: tone for tone, names in _STATUSES.items() for status in names.split()}
_TONE_OF_TIER: dict[Tier, Tone] = {
    "proved": "good",
    "measured": "good",
    "hint": "claim",
    "declared": "claim",
    "none": "none",
}
"""For the relations that `_STATUSES` does not name: how well one is known."""
_COMMIT = re.compile(r"@([0-9a-f]{12})[0-9a-f]{28}\b")
"""A commit, of which reasons hold the first twelve digits."""
_NOT_ASKED = "not asked"
"""How the reason of an answer begins that `verify`, `lineage` or `contain` does not give."""


class Verdict(msgspec.Struct, frozen=True):
    """One answer."""

    key: AnswerKey
    label: str
    """Two words, as in the terminal report."""
    question: str
    status: str
    tone: Tone
    subject: str
    """The release, signer or base that the answer names; empty when it names none."""
    reason: str
    details: tuple[tuple[str, str], ...]
    """What else is known about it, by name."""

    @property
    def short(self) -> str:
        """The subject, with no more of a commit than the eye needs."""
        return _COMMIT.sub(r"@\1", self.subject)

    @property
    def named(self) -> bool:
        """True when the reason names the subject, or when there is none."""
        return self.subject in self.reason or self.short in self.reason

    @property
    def asked(self) -> bool:
        """False when the command that made the report was about something else."""
        return not self.reason.startswith(_NOT_ASKED)


def purpose(model: ModelReport) -> str:
    """What needs the parts that were not looked at: `loading`, or another command's answer."""
    asked = not model.answers.load_hazards.reason.startswith(_NOT_ASKED)
    return "loading" if asked else "the answer"


def tone_of(status: str, tier: Tier = "none") -> Tone:
    """How a status reads; a relation that is neither good nor bad reads by its tier."""
    return _TONE_OF.get(status) or _TONE_OF_TIER[tier]


def verdicts(answers: Answers) -> tuple[Verdict, ...]:
    """The five answers, always in this order."""
    hazards, official, signed = answers.load_hazards, answers.official_bytes, answers.signed
    lineage, allowed = answers.descends_from, answers.allowed
    return (
        Verdict(
            "load_hazards",
            "Load hazards",
            "Can loading it run code, read files, exhaust or deceive the loader?",
            hazards.status,
            tone_of(hazards.status),
            "",
            hazards.reason,
            (),
        ),
        Verdict(
            "official_bytes",
            "Official bytes",
            "Are these the bytes that somebody published?",
            official.status,
            tone_of(official.status),
            official.release or "",
            official.reason,
            _known(Stated=official.assurance),
        ),
        Verdict(
            "signed",
            "Signed",
            "Who put their name to these bytes?",
            signed.status,
            tone_of(signed.status),
            signed.signer or "",
            signed.reason,
            _known(Method=signed.method),
        ),
        Verdict(
            "descends_from",
            "Descends from",
            "What do these weights come from, and how well is that known?",
            lineage.status,
            tone_of(lineage.status, lineage.tier),
            lineage.base or "",
            lineage.reason,
            _known(Tier=lineage.tier),
        ),
        Verdict(
            "allowed",
            "Allowed here",
            "What does the policy say, and which line of it decided?",
            allowed.status,
            tone_of(allowed.status),
            "",
            allowed.reason,
            _known(Policy=allowed.policy),
        ),
    )


def asked(answers: Answers) -> list[Verdict]:
    """The answers that were asked for; all of them when it cannot be told."""
    found = verdicts(answers)
    return [one for one in found if one.asked] or list(found)


def unasked(answers: Answers) -> str:
    """A sentence that names the questions that were not asked; empty when all were."""
    left = [one.label.lower() for one in verdicts(answers) if not one.asked]
    return f"Not asked: {', '.join(left)}." if 0 < len(left) < len(verdicts(answers)) else ""


def extent(model: ModelReport) -> tuple[str, str, str]:
    """How much there was, and how much of it was read: `12 files`, `91.8 MB`, `all bytes read`."""
    unread = sum(1 for file in model.files if "sha256" not in file.digests)
    if model.digest is not None:
        read = "all bytes read"
    elif unread:
        read = f"{counted(unread, 'file')} not read"
    else:
        read = "not all bytes read"
    return counted(len(model.files), "file"), size(sum(file.size for file in model.files)), read


def worst_first(findings: tuple[Finding, ...]) -> list[Finding]:
    """The findings, the most severe first; those of one severity keep their order."""
    return sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity))


def by_severity(findings: tuple[Finding, ...]) -> dict[Severity, int]:
    """How many findings there are of each severity, the most severe first, zeros included."""
    counts = Counter(finding.severity for finding in findings)
    return {severity: counts[severity] for severity in reversed(SEVERITIES)}


def _known(**details: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in details.items() if value)
