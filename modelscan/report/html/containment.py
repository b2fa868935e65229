"""The page's part on containment: controls of each workload, and what a compromised model could do.

Only reports of `contain` have it.
"""

from __future__ import annotations

from modelscan.report import containment
from modelscan.report.html.answers import status
from modelscan.report.html.markup import LONGEST_PROSE, code, definitions, text
from modelscan.report.verdicts import Tone
from modelscan.vocabulary.containment import ControlResult, Outcome, WorkloadReport
from modelscan.vocabulary.result import ModelReport

_TONES: dict[Outcome, Tone] = {"satisfied": "good", "violated": "bad", "unknown": "gap"}


def workloads(model: ModelReport) -> str:
    """The part of one model; empty for a report that is about no deployment."""
    found = containment.section(model)
    if found is None:
        return ""
    lead = f'<p class="lead">{text(containment.tally(found))}; autonomy {code(found.autonomy)}</p>'
    return lead + "".join(_workload(each) for each in found.workloads)


def _workload(each: WorkloadReport) -> str:
    rows = "".join(_row(control) for control in containment.ordered(each))
    raised = "".join(f"<li>raised by {text(why, LONGEST_PROSE)}</li>" for why in each.raised_by)
    follows = definitions(
        (f"{containment.LEAD} {words}", text("; ".join(items), LONGEST_PROSE))
        for words, items in containment.consequences(each)
    )
    unknown = text("; ".join(each.not_known), LONGEST_PROSE) or "nothing"
    return (
        f"<h4>{text(containment.heading(each))}</h4><p>{code(f'{each.file}:{each.line}')}</p>"
        + (f'<ul class="lines">{raised}</ul>' if raised else "")
        + f"{follows}{definitions([('Not known', unknown)])}"
        + '<table class="gaps"><caption>Controls</caption><thead><tr><th scope="col">Control</th>'
        '<th scope="col">Outcome</th><th scope="col">Where and why</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _row(control: ControlResult) -> str:
    wanted = " <b>required</b>" if control.required else ""
    place = code(f"{control.file}:{control.line}")
    return (
        f'<tr data-file="{text(control.file)}"><th scope="row">{control.control}{wanted}</th>'
        f"<td>{status(containment.WORDS[control.outcome], _TONES[control.outcome])}</td>"
        f"<td>{place} {text(control.reason, LONGEST_PROSE)}</td></tr>"
    )
