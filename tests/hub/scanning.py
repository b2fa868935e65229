"""Scans of a fake hub: no waiting between attempts, and nothing outside of a folder of the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from modelscan import api
from modelscan.fetcher import sources
from modelscan.fetcher.hub.source import HuggingFaceHub
from modelscan.fetcher.options import FetchOptions
from modelscan.fetcher.transfer import Patience
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.result import ModelReport
from tests.hub.server import FakeHub
from tests.hub.tls import Certificate

QUICK = Patience(sleep=lambda _: None)


@contextmanager
def fake_hub(certificate: Certificate | None = None) -> Iterator[FakeHub]:
    """A hub, asked without waiting and past any proxy of this machine."""
    patient = (HuggingFaceHub(QUICK), *sources.SOURCES[1:])
    assert sources.SOURCES[0].accepts(ModelRef.parse("hf:acme/model"))
    with (
        mock.patch.dict("os.environ", {"NO_PROXY": "127.0.0.1,localhost"}),
        mock.patch.object(sources, "SOURCES", patient),
        FakeHub(certificate) as hub,
    ):
        yield hub


def options(hub: FakeHub, cache: Path | None = None, **fields: Any) -> FetchOptions:
    """Options for it; with a folder for the cache, every byte is fetched."""
    plain = FetchOptions(endpoint=hub.url, cache=cache, full=cache is not None)
    return msgspec.structs.replace(plain, **fields)


def scan(
    hub: FakeHub, ref: str = "hf:acme/model", cache: Path | None = None, **fields: Any
) -> ModelReport:
    """The report of one model."""
    (model,) = api.scan(ref, fetch=options(hub, cache, **fields)).models
    return model


def rules(model: ModelReport) -> set[str]:
    """The ids of what was found, notes left out."""
    return {finding.rule for finding in model.findings if finding.severity != "info"}


def gaps(model: ModelReport) -> dict[str, str]:
    """What was needed and not read, with the reason."""
    return {entry.file: entry.reason for entry in model.coverage if entry.needed}
