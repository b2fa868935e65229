"""Format `markdown`: a comment for a pull request, in the dialect of GitHub and GitLab.

- The first line is a comment that is always the same, by which a job finds the comment to update.
- At most `MOST_CHARACTERS`, whatever the report holds; what is left out is counted.
- A word from a model stands as it is only if it is made of letters, or of digits, and ordinary
  punctuation. Every other word stands in a code span, where neither site sees a mention, an issue,
  a commit, a command, an address or markup. No line starts with a word of a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from modelscan.report import containment
from modelscan.report.residual import LIMITS, approved, attested, needed_parts
from modelscan.report.text import ELLIPSIS, clip, clip_middle, counted, inert
from modelscan.report.verdicts import MARKS, asked, extent, purpose, tone_of, unasked, worst_first
from modelscan.report.writer import Output
from modelscan.vocabulary.containment import Containment
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import ModelReport, Report

MARKER = "<!-- modelassay-report -->"
"""The first line of every comment."""
MOST_CHARACTERS = 60_000
"""GitHub refuses a comment of more than 65,536."""
MOST_LINES = 20
"""Findings, notes and gaps that are shown of one model, of each at most so many."""
_LONGEST_NAME = 160
_LONGEST_PROSE = 600
"""Columns of a reason, a message or a fix."""
_ROOM_FOR_COUNT = 100

_PLAIN = re.compile(
    r"[(]?(?:[A-Za-z]+(?:'[a-z]{1,2})?|[0-9]{1,3}(?:,[0-9]{3})*)[.,;:!?)]{0,2}", re.ASCII
)
"""A word that means nothing to a renderer of Markdown, nor to what a site does afterwards."""
_TICKS = re.compile(r"`+")


class Markdown:
    """A short report for people who review a change."""

    name = "markdown"

    def write(self, report: Report, output: Output) -> bytes:  # noqa: ARG002  # the Writer protocol
        """See `Writer.write`."""
        return _document(report).encode()


def literal(value: str, longest: int = _LONGEST_NAME) -> str:
    r"""A code span. A bar is written as `\x7c`, since it would end a cell of a table."""
    shown = clip_middle(_inert(value, longest), longest).replace("|", r"\x7c")
    if not shown:
        return '`""`'
    fence = "`" * (1 + max((len(run) for run in _TICKS.findall(shown)), default=0))
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def prose(value: str, longest: int = _LONGEST_PROSE) -> str:
    """A sentence: its plain words as they are, all others in code spans."""
    parts: list[str] = []
    odd: list[str] = []
    for word in clip(_inert(value, longest), longest).split(" "):
        if not _PLAIN.fullmatch(word):
            odd.append(word)
            continue
        parts += _literals(odd, longest)
        parts.append(word)
        odd = []
    return " ".join([*parts, *_literals(odd, longest)])


def _literals(words: list[str], longest: int) -> list[str]:
    """Odd words that stand side by side, as one code span."""
    together = " ".join(words).strip(" ")
    return [literal(together, 2 * longest)] if together else []


def _inert(value: str, longest: int) -> str:
    """Inert text; of a very long one, as much of both ends as could be shown."""
    if len(value) > 8 * longest:
        value = value[: 4 * longest] + ELLIPSIS + value[-4 * longest :]
    return inert(value)


def _document(report: Report) -> str:
    """Model after model, as long as there is room; the end is always there."""
    end = _end(report)
    lines = list(_start(report))
    room = MOST_CHARACTERS - _ROOM_FOR_COUNT - sum(map(_length, (*lines, *end)))
    for number, model in enumerate(report.models):
        section = _fitting(model, room)
        if section is None:
            left = counted(len(report.models) - number, "more model")
            lines += ["", f"and {left}; the report in the format json has all of them."]
            break
        room -= sum(map(_length, section))
        lines += section
    return "\n".join([*lines, *end]) + "\n"


def _fitting(model: ModelReport, room: int) -> list[str] | None:
    """As much of one model as there is room for; its answers at least, or nothing."""
    for most in (MOST_LINES, 5, 0):
        section = list(_model(model, most))
        if sum(map(_length, section)) <= room:
            return section
    return None


def _length(line: str) -> int:
    return len(line) + 1


def _start(report: Report) -> Iterator[str]:
    outcome = report.decision
    yield MARKER
    yield f"## {MARKS[tone_of(outcome.status)]} modelassay: {outcome.status}"
    yield ""
    models = counted(len(report.models), "model")
    yield f"{models}, policy {literal(report.policy.name)}, exit code {outcome.exit_code}."
    if outcome.status == "nothing":
        yield "Nothing to scan: no target holds a model or code."


def _end(report: Report) -> list[str]:
    version, rules = literal(report.tool.version), literal(report.tool.rules_digest)
    return [
        "",
        f"<sub>{LIMITS}</sub>",
        "",
        f"<sub>modelassay {version}, rules {rules}, {literal(report.created)}</sub>",
    ]


def _model(model: ModelReport, most: int) -> Iterator[str]:
    yield ""
    yield f"### {literal(model.ref)}"
    yield ""
    if model.error is not None:
        yield f"Could not be read: {prose(model.error)}"
        yield ""
        yield "Nothing of it was looked at, so nothing is known about it."
        return
    yield " · ".join(extent(model))
    yield ""
    deployment = containment.section(model)
    if deployment is not None:
        yield from _deployment(deployment, most)
    yield "| Question | Answer | Why |"
    yield "| --- | --- | --- |"
    for verdict in asked(model.answers):
        why = prose(verdict.reason)
        if not verdict.named:
            why = f"{literal(verdict.subject)}: {why}"
        answer = f"{MARKS[verdict.tone]} **{verdict.status}**"
        yield f"| {verdict.label} | {answer} | {why} |"
    if unasked(model.answers) and deployment is None:
        yield ""
        yield unasked(model.answers)
    yield from _vouched(model, most)
    yield from _findings(model, most)
    yield from _gaps(model, most)


def _vouched(model: ModelReport, most: int) -> Iterator[str]:
    """Who scanned these bytes before, and who approved them."""
    said = attested(model)
    lines = [f"- Scan by somebody else: {prose(said)}"] if said else []
    lines += [f"- Approved {prose(one)}" for one in approved(model)]
    if lines:
        yield ""
        yield from lines[: most + 1]
    if len(lines) > most + 1:
        yield f"- and {len(lines) - most - 1:,} more"


def _deployment(found: Containment, most: int) -> Iterator[str]:
    """Workloads: a table of their controls, and what a compromised model could do."""
    yield f"{containment.tally(found)}; autonomy {literal(found.autonomy)}."
    yield ""
    for workload in found.workloads[:most]:
        yield f"**{prose(containment.heading(workload))}**"
        yield ""
        for reason in workload.raised_by:
            yield f"- raised by {prose(reason)}"
        if workload.raised_by:
            yield ""
        yield "| Control | Outcome | Where and why |"
        yield "| --- | --- | --- |"
        for each in containment.ordered(workload):
            mark = f"{containment.MARKS[each.outcome]} {containment.WORDS[each.outcome]}"
            wanted = " (required)" if each.required else ""
            place = literal(f"{each.file}:{each.line}")
            yield f"| {each.control} | {mark}{wanted} | {place} {prose(each.reason)} |"
        yield ""
        for words, items in containment.consequences(workload):
            yield f"- {containment.LEAD} {words}: {prose('; '.join(items))}"
        yield ""
    if len(found.workloads) > most:
        yield f"and {len(found.workloads) - most:,} more workloads"
        yield ""


def _findings(model: ModelReport, most: int) -> Iterator[str]:
    ordered = worst_first(model.findings)
    shown = [finding for finding in ordered if finding.severity != "info"]
    notes = ordered[len(shown) :]
    if shown:
        yield ""
        yield f"**{counted(len(shown), 'finding')}**"
        yield ""
        said: set[tuple[str, str]] = set()
        for finding in shown[:most]:
            yield from _finding(finding, advise=(finding.rule, finding.fix) not in said)
            said.add((finding.rule, finding.fix))
        if len(shown) > most:
            yield f"- and {len(shown) - most:,} more"
    if notes:
        yield from _details(counted(len(notes), "note"), map(_place, notes[:most]), len(notes))


def _finding(finding: Finding, *, advise: bool) -> Iterator[str]:
    """One finding; with its fix, unless another one said the same."""
    yield f"- **{finding.severity}** {_place(finding)}"
    yield f"  <br>Seen: {prose(finding.message)}"
    if finding.fix and advise:
        yield f"  <br>Fix: {prose(' '.join(finding.fix.split()))}"
    if finding.waived is not None:
        yield f"  <br>Waived: {prose(finding.waived)}"


def _place(finding: Finding) -> str:
    location = finding.location
    where = literal(str(location)) if location.file else "the model as a whole"
    return f"{literal(finding.rule)} in {where}"


def _gaps(model: ModelReport, most: int) -> Iterator[str]:
    """What was not looked at although it is needed; in view, since silence is no answer."""
    needed = [entry for entry in model.coverage if entry.needed]
    if needed:
        title = f"Not looked at: {needed_parts([model])}"
        items = (
            f"{literal(str(Location(entry.file, entry.member)))} {entry.status}: "
            f"{prose(entry.reason)}"
            for entry in needed[:most]
        )
        yield from _details(title, items, len(needed), opened=True)
    elif model.digest is None:
        yield ""
        yield "Not looked at: some bytes."
    else:
        yield ""
        yield f"Not looked at: nothing that {purpose(model)} needs."


def _details(
    title: str, items: Iterable[str], count: int, *, opened: bool = False
) -> Iterator[str]:
    """A list behind a summary, and how many of `count` it leaves out.

    The blank lines make Markdown of what is between the tags.
    """
    yield ""
    yield f"<details{' open' if opened else ''}><summary>{title}</summary>"
    yield ""
    shown = 0
    for item in items:
        shown += 1
        yield f"- {item}"
    if count > shown:
        yield f"- and {count - shown:,} more"
    yield ""
    yield "</details>"
