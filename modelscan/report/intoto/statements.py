"""In-toto statements from a report: one for each model and kind, ready to be signed.

Source: in-toto Statement v1. Whoever signs one vouches for the report that it is made from: nothing
in a report proves who wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from modelscan.errors import ModelAssayError, SourceError
from modelscan.report.intoto import predicates
from modelscan.report.intoto.subjects import subjects
from modelscan.report.jsontext import encode
from modelscan.report.machine import Json, name
from modelscan.vocabulary.result import Decision, ModelReport, Report

STATEMENT = "https://in-toto.io/Statement/v1"
DEFAULT = "svr"
_EXIT_CODES = {"pass": 0, "fail": 1, "incomplete": 3}


class FailedScanError(ModelAssayError):
    """A model did not pass, so that nobody can state that it did."""

    exit_code = 1


class _Kind(NamedTuple):
    uri: str
    predicate: Callable[[Report, ModelReport, str], Json]
    good_news: bool = False
    """It exists only for what passed."""


_KINDS: Mapping[str, _Kind] = {
    DEFAULT: _Kind(predicates.SVR, predicates.svr, good_news=True),
    "test-result": _Kind(predicates.TEST_RESULT, predicates.test_result),
    "cyclonedx": _Kind(predicates.CYCLONEDX, predicates.cyclonedx_bom),
    "spdx": _Kind(predicates.SPDX, predicates.spdx_bom),
}
KINDS = tuple(_KINDS)
"""What a person types, the default first."""


def statements(report: Report, kinds: Sequence[str], verifier: str = "") -> Iterator[bytes]:
    """The statements about each model of a report, as JSON.

    Args:
        report: a native report.
        kinds: out of `KINDS`.
        verifier: URI of whoever scanned; empty for the tool and its version.

    Raises:
        FailedScanError: good news was asked for, about a model that did not pass.
        SourceError: a model has no digest to make a statement about, or there is no model, or good
            news was asked for about a model that was not looked at completely.
    """
    if not report.models:
        raise SourceError("the report is about no model", "scan one")
    verifier = verifier or predicates.verifier_id(report)
    for model in report.models:
        about = subjects(model)
        if not about:
            raise SourceError(
                f"not every byte of {name(model.ref)} was hashed, so that it has no digest",
                "scan all of it, a remote model with --full",
            )
        alone = _alone(report, model)
        for kind in kinds:
            if _KINDS[kind].good_news:
                _must_pass(model)
            yield encode(
                {
                    "_type": STATEMENT,
                    "subject": about,
                    "predicateType": _KINDS[kind].uri,
                    "predicate": _KINDS[kind].predicate(alone, model, verifier),
                },
                sort=False,
            )


def _must_pass(model: ModelReport) -> None:
    allowed = model.answers.allowed
    if allowed.status == "pass" and model.error is None:
        return
    error = FailedScanError if allowed.status == "fail" else SourceError
    raise error(
        f"{name(model.ref)} did not pass: {allowed.status}: {name(allowed.reason)}",
        "--statement test-result states that, too",
    )


def _alone(report: Report, model: ModelReport) -> Report:
    """A report about one model, with the outcome of that model."""
    status = model.answers.allowed.status
    rules = {finding.rule for finding in model.findings}
    return msgspec.structs.replace(
        report,
        models=(model,),
        rules={rule: entry for rule, entry in report.rules.items() if rule in rules},
        decision=Decision(exit_code=_EXIT_CODES[status], status=status),
    )
