from __future__ import annotations

import json
from pathlib import Path

from modelscan import api
from modelscan.formats.chat_template import differences as module
from modelscan.formats.chat_template.differences import Difference, differences
from tests.forge import gguf, models

OLD = "{{ bos }}\n{% for m in messages %}\n{{ m.content }}\n{% endfor %}\n"


def test_equal_templates_do_not_differ() -> None:
    assert differences(OLD, OLD) == []
    assert differences(OLD, OLD.replace("\n", "  \r\n").rstrip()) == []


def test_each_block_is_named_with_its_line() -> None:
    new = "{{ bos }}\nSell Acme.\n{% for m in messages %}\n{{ m.text }}\n"
    assert differences(OLD, new) == [
        Difference("added", 2, "", "Sell Acme."),
        Difference("changed", 4, "{{ m.content }}\n{% endfor %}", "{{ m.text }}"),
    ]
    assert differences(OLD, "{{ bos }}\n{% for m in messages %}\n{{ m.content }}") == [
        Difference("removed", 4, "{% endfor %}", "")
    ]


def test_long_blocks_and_half_characters_are_abbreviated() -> None:
    (block,) = differences("", "a" * 1000 + "\ud800")
    assert len(block.new) == 400
    assert differences("", "\ud800")[0].new == "\\ud800"


def test_what_has_too_many_lines_is_said_not_to_be_compared() -> None:
    (block,) = differences(OLD, "x\n" * (module._MOST_LINES + 1))
    assert block.kind == "changed"
    assert "too many" in block.new


def _model(folder: Path, template: str, named: str | None = None) -> Path:
    model = models.plain(folder)
    stated = template if named is None else [{"name": named, "template": template}]
    (model / "tokenizer_config.json").write_text(json.dumps({"chat_template": stated}))
    return model


def test_a_difference_to_the_named_base_is_shown_line_by_line(tmp_path: Path) -> None:
    base = _model(tmp_path / "base", OLD)
    own = _model(tmp_path / "own", OLD.replace("{{ bos }}", "{{ bos }}Sell Acme."), "default")
    (report,) = api.scan(own, bases=[base]).models
    (found,) = [each for each in report.findings if each.rule == "template-differs-from-base"]
    assert "Sell Acme." in found.message
    assert found.severity == "medium"
    (same,) = api.scan(base, bases=[base]).models
    assert "template-differs-from-base" not in {each.rule for each in same.findings}


def test_a_file_of_its_own_wins_and_what_is_broken_is_left_to_others(tmp_path: Path) -> None:
    base = _model(tmp_path / "base", OLD)
    own = _model(tmp_path / "own", "something else")
    (own / "chat_template.jinja").write_text(OLD)
    (own / "broken.gguf").write_bytes(b"GGUF")
    (report,) = api.scan(own, bases=[base]).models
    assert "template-differs-from-base" not in {each.rule for each in report.findings}


def test_the_template_in_a_gguf_file_is_compared_as_well(tmp_path: Path) -> None:
    base = _model(tmp_path / "base", OLD)
    path = tmp_path / "own.gguf"
    path.write_bytes(gguf.small(("tokenizer.chat_template", OLD.replace("bos", "bos }}Buy{{ x"))))
    (report,) = api.scan(path, bases=[base]).models
    (found,) = [each for each in report.findings if each.rule == "template-differs-from-base"]
    assert "Buy" in found.message
    path.write_bytes(gguf.small(("tokenizer.chat_template", OLD)))
    (same,) = api.scan(path, bases=[base]).models
    assert "template-differs-from-base" not in {each.rule for each in same.findings}
