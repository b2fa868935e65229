"""Reads a native report back, so that it can be written in another format, later and elsewhere.

Invariants: a file is read up to `LONGEST` bytes and no further; what is not a report of version 1
is a `UsageError` that names the file and the place in it; unknown members are passed over, because
a later minor version may add some. Nothing in a report is trusted: writers escape its text as they
escape a model's.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import BinaryIO

import msgspec

from modelscan._about import NAME
from modelscan.errors import UsageError
from modelscan.vocabulary.result import SCHEMA, Report

LONGEST = 256 << 20
"""Bytes; a report of 100,000 findings has about 100 million."""
STANDARD_INPUT = "-"

_CREATED = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ", re.ASCII
)
"""UTC, RFC 3339, to the second: what every format of ours can hold."""


class _Head(msgspec.Struct):
    """What tells a report from other documents."""

    schema: str


def read_report(path: Path) -> Report:
    """The report in a file; `-` is standard input.

    Raises:
        UsageError: the file cannot be read, is too large, or is not a native report.
    """
    return parse_report(_bytes(path), path)


def parse_report(data: bytes, path: Path) -> Report:
    """The report in some bytes.

    Args:
        data: the whole document.
        path: what messages call it.

    Raises:
        UsageError: it is not a native report.
    """
    try:
        schema = msgspec.json.decode(data, type=_Head).schema
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        schema = ""
    if schema != SCHEMA:
        raise _another_schema(path, schema)
    try:
        report = msgspec.json.decode(data, type=Report)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _broken(path, str(error)) from error
    if _CREATED.fullmatch(report.created) is None:
        raise _broken(path, "not a time in UTC, like 2026-01-31T12:00:00Z - at `$.created`")
    if report.tool.name != NAME:
        raise _broken(path, f"not written by {NAME} - at `$.tool.name`")
    return report


def _bytes(path: Path) -> bytes:
    try:
        if str(path) == STANDARD_INPUT:
            return _bounded(path, sys.stdin.buffer)
        with path.open("rb") as file:
            return _bounded(path, file)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise UsageError(f"the report {path} cannot be read: {why}", "check the path") from error


def _bounded(path: Path, file: BinaryIO) -> bytes:
    data = file.read(LONGEST + 1)
    if len(data) > LONGEST:
        most = f"{LONGEST >> 20} MiB"
        raise UsageError(f"the report {path} is longer than {most}", "split it by targets")
    return data


def _another_schema(path: Path, schema: str) -> UsageError:
    if schema.startswith(f"{NAME}-report/"):
        number = schema.partition("/")[2][:20]
        return UsageError(
            f"{path} is a report of version {number!r}, and this version reads 1",
            f"use the version of {NAME} that wrote it, or scan again",
        )
    return UsageError(
        f"{path} is not a native report of {NAME}", f"make one with `{NAME} scan … -f json={path}`"
    )


def _broken(path: Path, why: str) -> UsageError:
    return UsageError(f"{path} is a broken report: {why}", "scan again to make a new one")
