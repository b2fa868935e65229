from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.report.html import document, markup
from modelscan.report.residual import LIMITS
from modelscan.vocabulary.result import Report
from tests.forge import reports
from tests.forge.pages import Parsed, shown, source

REPORTS: dict[str, Callable[[], Report]] = {
    "full": reports.full_report,
    "bad": reports.bad_report,
    "hostile": reports.hostile_report,
    "nothing": lambda: reports.report(exit_code=4),
}


@pytest.fixture(scope="module", params=REPORTS)
def page(request: pytest.FixtureRequest) -> Parsed:
    return Parsed(source(REPORTS[request.param]()))


def test_the_policy_allows_the_one_style_and_the_one_script_by_their_hashes(page: Parsed) -> None:
    def allowed(tag: str) -> str:
        (content,) = page.inside[tag]
        return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()

    (policy,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy["content"] == (
        f"default-src 'none'; style-src 'sha256-{allowed('style')}'; "
        f"script-src 'sha256-{allowed('script')}'; img-src data:; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'"
    )
    order = [tag for tag, _ in page.tags if tag in {"meta", "style", "script", "link"}]
    assert order[:2] == ["meta", "meta"]
    assert order.count("style") == order.count("script") == 1


def test_nothing_is_loaded_and_nothing_is_handled_in_attributes(page: Parsed) -> None:
    harmless = {
        "html", "head", "meta", "title", "link", "style", "script", "body", "header", "main", "nav",
        "footer", "article", "section", "div", "span", "p", "b", "small", "kbd", "code", "pre",
        "h1", "h2", "h3", "h4", "h5", "ul", "ol", "li", "dl", "dt", "dd", "a", "time", "button",
        "label", "input", "fieldset", "legend", "details", "summary", "table", "caption", "thead",
        "tbody", "tr", "th", "td", "svg", "path", "circle", "text", "rect",
    }  # fmt: skip
    assert {tag for tag, _ in page.tags} <= harmless
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name not in {"style", "src", "srcset", "action", "formaction", "target"}
            if name == "href" and tag == "a":
                assert re.match(r"#m[0-9]|#content|https://", value)
            elif name == "href":
                assert value.startswith("data:image/svg+xml,")


def test_ids_are_unique_and_every_link_into_the_page_arrives(page: Parsed) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = {link["href"][1:] for link in page.all("a") if link["href"].startswith("#")}
    wanted |= {each["aria-labelledby"] for _, each in page.tags if "aria-labelledby" in each}
    assert wanted <= set(ids)


def test_all_text_is_plainly_visible(page: Parsed) -> None:
    for words in page.words:
        assert words.replace("\n", "").isprintable()
    for _, attributes in page.tags:
        assert all(value.isprintable() for value in attributes.values())


def test_a_text_of_a_model_never_becomes_markup() -> None:
    attack = "\"'><img src=x onerror=alert(1)></script></style></title><!--`javascript:alert(1)`"
    plain = shown(reports.hostile_model("attack"), exit_code=1)
    hostile = shown(reports.hostile_model(attack), exit_code=1)
    assert [tag for tag, _ in plain.tags if tag != "code"] == [
        tag for tag, _ in hostile.tags if tag != "code"
    ]
    assert attack in hostile.text


def test_marks_do_not_pile_up() -> None:
    assert markup.text("e" + "\u0301" * 6) == "e" + "\u0301" * 4 + r"\u0301" * 2
    assert markup.text("éàü 宽") == "éàü 宽"


def test_a_long_text_keeps_both_ends_and_the_cut_is_marked() -> None:
    cut = markup.text("a" * 5_000 + "model.bin")
    assert len(cut) == markup.LONGEST_NAME
    assert cut.startswith("aaa")
    assert "…" in cut
    assert cut.endswith("model.bin")


@given(st.text(st.characters()) | st.sampled_from(reports.HOSTILE))
@settings(max_examples=200, deadline=None)
def test_any_text_is_inert(value: str) -> None:
    for made in (markup.text(value), markup.text(value, 20)):
        assert made.isprintable()
        assert not set("<>\"'") & set(made)
        assert re.fullmatch(r"(?:[^&]|&(?:amp|lt|gt|quot|#x27);)*", made)


@pytest.mark.parametrize(
    ("value", "linked"),
    [
        ("https://docs.python.org/3/library/pickle.html", True),
        ("http://example.org:8080/a?b=c&d=%20#e", True),
        ("HTTPS://EXAMPLE.ORG", True),
        ("https://user@example.org/", False),
        ("https://huggingface.co:pass@evil.example/", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("https://", False),
        ("https://exa mple.org/", False),
        ("https://еxample.org/", False),  # noqa: RUF001  # a Cyrillic letter is the point
        ("https://example.org/\u202e", False),
        ("https://example.org/" + "a" * 2_000, False),
        ("RFC 8259, section 4", False),
    ],
)
def test_only_ordinary_addresses_become_links(value: str, linked: bool) -> None:
    made = Parsed(markup.reference(value))
    assert bool(made.all("a")) is linked
    if linked:
        assert made.tags == [("a", {"href": value, "rel": "noopener noreferrer nofollow"})]


def test_mappings_lead_to_their_taxonomies() -> None:
    assert 'href="https://cwe.mitre.org/data/definitions/502.html"' in markup.weakness("CWE-502")
    assert markup.weakness("CWE-<b>") == "CWE-&lt;b&gt;"
    made = markup.technique("AML.T0011.000")
    assert 'href="https://atlas.mitre.org/techniques/AML.T0011.000"' in made
    assert markup.technique("AML.T1/../x") == "AML.T1/../x"


def test_prose_has_paragraphs_and_literals() -> None:
    made = markup.prose("One\nline of `a<b`.\n\n  Two. \n \n")
    assert made == "<p>One line of <code>a&lt;b</code>.</p><p>Two.</p>"


@pytest.mark.parametrize(
    ("value", "made"),
    [
        ("os.system", "<code>os.system</code>"),
        ("", "<code>&quot;&quot;</code>"),
        (None, "<code>null</code>"),
        (True, "<code>true</code>"),
        (3, "<code>3</code>"),
        (0.5, "<code>0.5</code>"),
        ([], "<code>[]</code>"),
        (["a", 1], "<pre>[\n  &quot;a&quot;,\n  1\n]</pre>"),
    ],
)
def test_values_of_facts(value: Any, made: str) -> None:
    assert markup.data(value) == made


def test_a_huge_number_is_cut() -> None:
    assert len(markup.data(1 << 1_000_000)) < 3_000


def test_no_page_calls_a_model_safe(page: Parsed) -> None:
    text = page.text.replace(LIMITS, "")
    assert not re.search(r"\b(?:is|are|looks) (?:safe|clean|harmless)\b", text)


def test_resources_have_no_end_of_their_element() -> None:
    for name in ("page.css", "page.js"):
        content = document._resource(name)
        assert "</" not in content
        assert "http:" not in content
        assert "url(" not in content
        assert "innerHTML" not in content
