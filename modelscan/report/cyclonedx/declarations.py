"""The five answers as CycloneDX declarations: claims about each model, with their evidence.

The five questions stand as requirements of a standard of this tool's own. For each model and
question there is a claim that repeats the answer, evidence that repeats the reason, and a score
only where the answer is plainly good (1) or plainly bad (0): "unknown" is neither.

Source: CycloneDX 1.6, "Attestations" (`declarations`, `definitions.standards`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from modelscan._about import NAME
from modelscan.report.cyclonedx.components import ModelComponent
from modelscan.report.cyclonedx.values import Refs
from modelscan.report.machine import Json, text
from modelscan.report.verdicts import Verdict, verdicts
from modelscan.vocabulary.result import Report

_STANDARD_VERSION = "1"
_SCORES = {"good": 1, "bad": 0}


class Declared(NamedTuple):
    """Two members of a document that belong together."""

    definitions: Json
    declarations: Json


def declared(report: Report, components: Sequence[ModelComponent], refs: Refs) -> Declared:
    """The questions, and what was answered about each model."""
    if not components:
        return Declared({}, {})
    questions = verdicts(components[0].model.answers)
    requirements = {one.key: refs.new("requirement", one.key) for one in questions}
    standard = {
        "bom-ref": refs.new("standard", NAME),
        "name": f"{NAME}: five questions",
        "version": _STANDARD_VERSION,
        "requirements": [
            {"bom-ref": requirements[one.key], "identifier": one.key, "title": one.question}
            for one in questions
        ],
    }
    assessor = refs.new("assessor", NAME)
    of_models = [
        [_Answer(component, one, refs) for one in verdicts(component.model.answers)]
        for component in components
    ]
    answers = [one for of_model in of_models for one in of_model]
    attestations = [
        {
            "summary": f"{component.json['name']}: {component.model.answers.allowed.status}",
            "assessor": assessor,
            "map": [one.mapped(requirements[one.answer.key]) for one in of_model],
        }
        for component, of_model in zip(components, of_models, strict=True)
    ]
    return Declared(
        {"standards": [standard]},
        {
            "assessors": [{"bom-ref": assessor, "organization": {"name": NAME}}],
            "attestations": attestations,
            "claims": [one.claim() for one in answers],
            "evidence": [one.evidence(report.created) for one in answers],
        },
    )


class _Answer:
    """One answer about one model, in the three places that declarations have for it."""

    def __init__(self, component: ModelComponent, answer: Verdict, refs: Refs) -> None:
        self.component = component
        self.answer = answer
        self._claim = refs.new("claim", component.ref, answer.key)
        self._evidence = refs.new("evidence", component.ref, answer.key)

    def claim(self) -> Json:
        return {
            "bom-ref": self._claim,
            "target": self.component.ref,
            "predicate": f"{self.answer.key}: {self.answer.status}",
            "evidence": [self._evidence],
        }

    def evidence(self, created: str) -> Json:
        return {
            "bom-ref": self._evidence,
            "propertyName": f"{NAME}:answer:{self.answer.key}",
            "description": text(self.answer.reason) or self.answer.status,
            "created": created,
        }

    def mapped(self, requirement: str) -> Json:
        entry: Json = {"requirement": requirement, "claims": [self._claim]}
        if self.answer.tone in _SCORES:
            entry["conformance"] = {
                "score": _SCORES[self.answer.tone],
                "rationale": text(self.answer.reason) or self.answer.status,
            }
        return entry
