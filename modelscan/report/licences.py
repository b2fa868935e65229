"""Licences by their SPDX identifier, if they have one: declared ones, and those of a text."""

from __future__ import annotations

from collections.abc import Iterable

from modelscan.report.kinship import entries
from modelscan.vocabulary.result import ModelReport

_SPDX = (
    "0BSD AFL-3.0 AGPL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-2.0 Artistic-2.0 BSD-2-Clause "
    "BSD-3-Clause BSD-3-Clause-Clear BSL-1.0 C-UDA-1.0 CC-BY-2.0 CC-BY-2.5 CC-BY-3.0 CC-BY-4.0 "
    "CC-BY-NC-2.0 CC-BY-NC-3.0 CC-BY-NC-4.0 CC-BY-NC-ND-3.0 CC-BY-NC-ND-4.0 CC-BY-NC-SA-2.0 "
    "CC-BY-NC-SA-3.0 CC-BY-NC-SA-4.0 CC-BY-ND-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC0-1.0 "
    "CDLA-Permissive-1.0 CDLA-Permissive-2.0 CDLA-Sharing-1.0 ECL-2.0 EPL-1.0 EPL-2.0 etalab-2.0 "
    "EUPL-1.1 EUPL-1.2 GPL-2.0 GPL-2.0-only GPL-2.0-or-later GPL-3.0 GPL-3.0-only "
    "GPL-3.0-or-later ISC LGPL-2.1 LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0 LGPL-3.0-only "
    "LGPL-3.0-or-later LPPL-1.3c MIT MPL-2.0 MS-PL NCSA ODbL-1.0 ODC-By-1.0 OFL-1.1 OSL-3.0 "
    "PDDL-1.0 PostgreSQL Unlicense WTFPL Zlib"
)
"""The identifiers that models carry. Other licences, and families such as `gpl`, stay names."""
SPDX_BY_LOWER = {identifier.lower(): identifier for identifier in _SPDX.split()}
"""Model cards write identifiers in lower case; the schemas know only SPDX's own spelling."""


def identified(declared: Iterable[str]) -> list[tuple[str | None, str]]:
    """Each declared licence once, sorted: its identifier, if there is one, and what was written."""
    written = sorted({one.strip() for one in declared} - {""})
    return [(SPDX_BY_LOWER.get(licence.lower()), licence) for licence in written]


def by_text(model: ModelReport) -> list[str]:
    """The licences whose own text lies in the model, sorted; see `facts.provenance.licences`."""
    found = {
        entry.get("identifier")
        for entry in entries(model.facts.provenance.get("licences"))
        if entry.get("source") == "text"
    }
    return sorted(one for one in found if isinstance(one, str) and one)
