"""Builds what an installer leaves behind: folders of packages with their metadata."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Mapping
from pathlib import Path


def install(
    site: Path, name: str, files: Mapping[str, bytes], version: str = "1.0", record: str = ""
) -> Path:
    """Put a distribution into a folder, as an installer would (PEP 376, PEP 427).

    Args:
        site: stands for `site-packages`.
        name: of the distribution.
        files: content by path relative to `site`.
        version: of the distribution.
        record: more lines of its `RECORD`.

    Returns:
        The folder of its metadata.
    """
    lines = io.StringIO()
    write = csv.writer(lines, lineterminator="\n").writerow  # quotes a comma in a name
    for path, data in files.items():
        target = site / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        write((path, f"sha256={digest}", len(data)))
    metadata = site / f"{name}-{version}.dist-info"
    metadata.mkdir(parents=True)
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (metadata / "METADATA").write_text(text)
    (metadata / "RECORD").write_text(lines.getvalue() + record)
    return metadata
