"""A page for every shipped rule, made from the rule's own file, and the table of all of them.

Before and after come from the rule's examples, which the rules' tests run: what the page shows is
what the engine does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from modelscan._resources import folder
from modelscan.engine import document, loader, mappings
from modelscan.engine.evaluate import Engine
from modelscan.engine.examples import build
from modelscan.policy.profile import DEFAULT
from modelscan.report.text import inert
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.rule import CONFIDENCES, SEVERITIES, Rule
from tools.pages import markdown

FOLDER = "docs/rules"
_SHOWN = 3
"""Examples of each kind on a page; a rule's file holds the others."""
_INTRODUCTION = """`modelassay rules list` prints the same table, and
[Writing a rule](../writing-a-rule.md) shows how to add your own.
"""
_TAXONOMIES = {"atlas": "MITRE ATLAS", "owasp_llm": "OWASP LLM", "cwe": "CWE"}


def pages() -> Iterator[tuple[str, str]]:
    """The table, and a page for each rule.

    Raises:
        RuleError: a shipped rule is broken.
    """
    names = mappings.shipped()
    files = _files(names)
    yield f"{FOLDER}/index.md", _index([file.rule for file in files])
    for file in files:
        yield f"{FOLDER}/{file.rule.id}.md", _page(file.rule, file.document.file, names)


def by_kind() -> dict[str, list[Rule]]:
    """The shipped rules by the kind of fact that they judge, sorted by id."""
    found: dict[str, list[Rule]] = {}
    for file in _files(mappings.shipped()):
        found.setdefault(file.rule.match.fact, []).append(file.rule)
    return found


def link(rule: Rule, to_folder: str = "") -> str:
    """A link to a rule's page from a page in `docs/`, or from one below it with `../rules/`."""
    return f"[{rule.id}]({to_folder}{rule.id}.md)"


def _files(names: mappings.Names) -> list[loader.RuleFile]:
    """The shipped rule files, sorted by id.

    Raises:
        RuleError: one of them is broken.
    """
    files, errors = loader.read(folder(document.KIND), names)
    if errors:
        raise errors[0]
    return sorted(files, key=lambda file: file.rule.id)


def _index(rules: Sequence[Rule]) -> str:
    severest = sorted(rules, key=lambda rule: (-SEVERITIES.index(rule.severity), rule.id))
    rows = [
        (rule.severity, rule.confidence, link(rule), markdown.cell(rule.title)) for rule in severest
    ]
    count = f"{len(rules)} rules come with this version, the most severe first. "
    table = markdown.table(("severity", "confidence", "rule", "what is wrong"), rows)
    return markdown.page("Rules", [count + _INTRODUCTION, table])


def _page(rule: Rule, file: str, names: mappings.Names) -> str:
    facts = f"[`{rule.match.fact}`](../facts.md#{markdown.anchor(rule.match.fact)})"
    rows = [
        ("severity", rule.severity),
        ("confidence", rule.confidence),
        ("default policy", _consequence(rule)),
        ("bears on", f"[`{rule.answer}`](../concepts.md#the-five-answers)"),
        ("judges", facts),
        ("status", f"{rule.status}, since {rule.since}"),
        ("source", markdown.code(file)),
    ]
    if rule.persona != "regular":
        rows.append(("shown to", f"the persona `{rule.persona}`"))
    parts = [
        f"**{markdown.prose(rule.title)}.**",
        markdown.table(("", ""), rows),
        "## Why it matters",
        markdown.prose(rule.why),
        "## Before and after",
        "This is reported:",
        markdown.fence(_examples(rule, rule.examples.match)),
        "This is not:",
        markdown.fence(_examples(rule, rule.examples.no_match)),
        "## How to fix it",
        markdown.prose(rule.fix),
        "## False positives",
        markdown.prose(rule.false_positives),
    ]
    if mapped := list(_mapped(rule, names)):
        parts += ["## Mappings", markdown.table(("taxonomy", "id", "name"), mapped)]
    if rule.references:
        links = "\n".join(f"- <{reference}>" for reference in rule.references)
        parts += ["## References", links]
    return markdown.page(rule.id, parts)


def _consequence(rule: Rule) -> str:
    """What the default policy makes of a finding, by the profile's own lines."""
    severe = SEVERITIES.index(rule.severity) >= SEVERITIES.index(DEFAULT.fail_severity)
    certain = CONFIDENCES.index(rule.confidence) >= CONFIDENCES.index(DEFAULT.fail_confidence)
    if severe and certain:
        return "a finding fails the scan"
    return (
        "a note, listed with `-v`" if rule.severity == "info" else "a finding is shown, and passes"
    )


def _examples(rule: Rule, examples: Sequence[dict[str, Any]]) -> str:
    """Facts as the rule's file writes them, and what the engine says of each."""
    engine = Engine([rule], "auditor")
    shown = [_example(engine, example) for example in examples[:_SHOWN]]
    if more := len(examples) - len(shown):
        shown.append(f"and {more} more in the rule's file")
    return "\n\n".join(shown)


def _example(engine: Engine, example: dict[str, Any]) -> str:
    fields = {name: value for name, value in example.items() if name != "fact"}
    width = max((len(name) for name in fields), default=0)
    lines = [f"{example['fact']}"]
    lines += [f"    {name:<{width}}  {_value(name, value)}" for name, value in fields.items()]
    found = engine.evaluate([build(example)])
    lines += [f"=> {each.severity}: {inert(each.message)}" for each in found]
    return "\n".join(lines if found else [*lines, "=> nothing"])


def _value(name: str, value: object) -> str:
    if name == "location" and isinstance(value, dict):
        return inert(str(Location(**value)))
    if isinstance(value, list):
        return ", ".join(inert(str(item)) for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    return inert(str(value)) or '""'


def _mapped(rule: Rule, names: mappings.Names) -> Iterator[tuple[str, str, str]]:
    for key, taxonomy in _TAXONOMIES.items():
        for entry in getattr(rule.maps, key):
            yield taxonomy, f"`{entry}`", markdown.cell(names[key].get(entry, ""))
