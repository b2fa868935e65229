from __future__ import annotations

import json
from pathlib import Path

from modelscan import api
from modelscan.engine.catalogue import load
from modelscan.engine.lists import extend
from modelscan.formats.chat_template.digests import template_digest
from modelscan.formats.repository.relator import Facts
from modelscan.formats.repository.templates import TemplateRelator
from modelscan.vocabulary.fact import ChatTemplate, TemplateKnown
from modelscan.vocabulary.lists import ChatTemplates, NameLists
from modelscan.vocabulary.location import Location
from tests.forge.repository import view

TEXT = "{{ bos_token }}\n{{ messages }}"
LISTED = ChatTemplates({"acme/one": (template_digest(TEXT),), "acme/two": ("00",)})


def _template(text: str) -> ChatTemplate:
    return ChatTemplate(
        location=Location("chat_template.jinja"),
        digest="sha256:00",
        text_digest="sha256:" + template_digest(text),
        lines=2,
        inputs=(),
    )


def _known(text: str) -> list[tuple[str, ...]]:
    found = TemplateRelator(LISTED).relate(view("a"), Facts([_template(text)]))
    return [fact.models for fact in found if isinstance(fact, TemplateKnown)]


def test_a_listed_template_is_known_whatever_the_ends_of_its_lines() -> None:
    assert _known(TEXT) == [("acme/one",)]
    assert _known("\n" + TEXT.replace("\n", "  \r\n") + "\n\n") == [("acme/one",)]
    assert _known(TEXT.replace("bos", "eos")) == []


def test_lists_of_a_user_add_to_the_shipped_one() -> None:
    more = NameLists(chat_templates=ChatTemplates({"acme/one": ("11",), "acme/three": ("22",)}))
    both = extend(NameLists(chat_templates=LISTED), more, "mine").chat_templates.models
    assert both["acme/one"] == (template_digest(TEXT), "11")
    assert set(both) == {"acme/one", "acme/two", "acme/three"}


def test_the_shipped_list_holds_digests() -> None:
    models = load().lists.chat_templates.models
    assert "Qwen/Qwen3-0.6B" in models
    for digests in models.values():
        assert all(len(digest) == 64 and int(digest, 16) for digest in digests)


def test_it_is_the_same_text_in_a_file_and_in_a_document(tmp_path: Path) -> None:
    (tmp_path / "rules" / "lists").mkdir(parents=True)
    (tmp_path / "rules" / "lists" / "chat-templates.yaml").write_text(
        f"models:\n  acme/one: [{template_digest(TEXT)}]\n"
    )
    model = tmp_path / "model"
    model.mkdir()
    (model / "chat_template.jinja").write_text(TEXT + "\n")
    (model / "tokenizer_config.json").write_text(json.dumps({"chat_template": TEXT}))
    (report,) = api.scan(model, rules=[tmp_path / "rules"]).models
    known = [finding for finding in report.findings if finding.rule == "template-known"]
    assert len(known) == 2
    assert {finding.severity for finding in known} == {"info"}
