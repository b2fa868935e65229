"""The graph of an SPDX document: elements with identifiers, and relationships between them.

Source: SPDX 3.0.1, Core profile: `Element`, `CreationInfo`, `Relationship`.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelscan.report.machine import Json, compact, stable

CREATION = "_:creation"
"""The blank node of the one `CreationInfo`, which every element shares."""


class Graph:
    """A document in the making.

    Args:
        namespace: an IRI that is this document's own; identifiers are fragments of it.
    """

    def __init__(self, namespace: str) -> None:
        self.elements: list[Json] = []
        self._namespace = namespace
        self._used: dict[str, int] = {}

    def iri(self, kind: str, *parts: str) -> str:
        """The identifier of a thing: the same in every run, and unique in the document."""
        iri = f"{self._namespace}#{kind}-{stable(*parts)[:32]}"
        count = self._used[iri] = self._used.get(iri, 0) + 1
        return iri if count == 1 else f"{iri}-{count}"

    def add(self, kind: str, iri: str, members: Json) -> str:
        """Add an element; members that are empty are left out. Returns its identifier."""
        self.elements.append(
            {"type": kind, "spdxId": iri, "creationInfo": CREATION, **compact(members)}
        )
        return iri

    def relate(
        self, source: str, relation: str, targets: Sequence[str], completeness: str = ""
    ) -> None:
        """Add a relationship, unless it has no targets, which the schema forbids.

        Args:
            source: identifier.
            relation: a `RelationshipType`.
            targets: identifiers.
            completeness: `complete`, `incomplete`, `noAssertion`, or empty for nothing said.
        """
        if targets:
            self.add(
                "Relationship",
                self.iri("relationship", source, relation),
                {
                    "from": source,
                    "relationshipType": relation,
                    "to": list(targets),
                    "completeness": completeness,
                },
            )

    def annotate(self, subject: str, topic: str, statement: str) -> None:
        """Add a remark about an element."""
        self.add(
            "Annotation",
            self.iri("annotation", subject, topic),
            {
                "annotationType": "review",
                "subject": subject,
                "contentType": "text/plain",
                "statement": f"{topic}: {statement}",
            },
        )
