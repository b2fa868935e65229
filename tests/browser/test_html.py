"""The page in a real browser: inert, usable with and without its script, at every width."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelscan.report.html.writer import Html
from modelscan.report.writer import Output
from modelscan.vocabulary.result import Report
from modelscan.vocabulary.rule import Maps
from tests.browser.chromium import Browser, Page
from tests.forge import reports

ATTACKS = (
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script><input autofocus onfocus=alert(1) x="',
    "'><svg onload=alert(1)>",
    "</script></style></title></textarea>--><script>alert(1)</script>",
    "<iframe src=https://evil.example></iframe><link rel=stylesheet href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'><base href=//evil.example>",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    'https://evil.example/"onmouseover=alert(1) ',
    "`<b>`${alert(1)}`{{alert(1)}}",
    "gnp.\u202eexe\u2066\u200b",
    "&lt;img src=x onerror=alert(1)&gt;&#60;script&#62;alert(1)",
)  # fmt: skip


class Opener:
    """Opens reports, and closes them when the test is over."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser, self._folder = browser, folder
        self._open: list[Page] = []

    def __call__(self, report: Report, **emulation: Any) -> Page:
        file = self._folder / "page.html"
        file.write_bytes(Html().write(report, Output()))
        self._open.append(self._browser.open(file, **emulation))
        return self._open[-1]

    def close(self) -> None:
        for page in self._open:
            page.close()


@pytest.fixture
def opened(browser: Browser, pages: Path) -> Iterator[Opener]:
    opener = Opener(browser, pages)
    yield opener
    opener.close()


def attacked() -> Report:
    """Every attack wherever a text of a model, or of a converted report, can stand."""
    models = tuple(map(reports.hostile_model, ATTACKS))
    rules = {
        attack: msgspec.structs.replace(
            reports.rule(),
            title=attack,
            why=attack,
            fix=attack,
            maps=Maps(atlas=(attack,), owasp_llm=(attack,), cwe=(attack,)),
            references=ATTACKS,
            doc=attack,
        )
        for attack in ATTACKS
    }
    return reports.report(*models, rules=rules, exit_code=1)


def visible(page: Page, selector: str) -> int:
    """How many elements a reader can see."""
    found = page.evaluate(
        f"[...document.querySelectorAll({selector!r})].filter(e => e.checkVisibility()).length"
    )
    assert isinstance(found, int)
    return found


def settle(page: Page, count: int, selector: str = ".finding") -> None:
    """Wait until so many elements are not hidden; the browser's patience is the limit."""
    page.evaluate(
        "new Promise(done => { const look = () => "
        f"[...document.querySelectorAll({selector!r})].filter(e => !e.hidden).length === {count}"
        " ? done(1) : setTimeout(look, 20); look(); })"
    )


def search(page: Page, field: str, text: str) -> None:
    page.evaluate(
        f"(f => {{ f.value = {text!r}; f.dispatchEvent(new Event('input')); }})"
        f"(document.querySelector('#{field}'))"
    )


def test_hostile_texts_run_nothing_and_ask_for_nothing(opened: Opener) -> None:
    page = opened(attacked())
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.evaluate(
        "document.querySelectorAll('main *').forEach(e => { for (const kind of "
        "['mouseover', 'focus', 'click', 'error', 'load']) if (!e.matches('a, button')) "
        "e.dispatchEvent(new Event(kind)); })"
    )
    page.evaluate("new Promise(done => setTimeout(done, 200))")
    assert page.events("Page.javascriptDialogOpening") == []
    assert page.events("Log.entryAdded") == []
    assert page.events("Runtime.exceptionThrown") == []
    asked = {
        event["request"]["url"].split(":")[0] for event in page.events("Network.requestWillBeSent")
    }
    assert asked <= {"file", "data"}
    files = [
        event["request"]["url"]
        for event in page.events("Network.requestWillBeSent")
        if event["request"]["url"].startswith("file")
    ]
    assert len(files) == 1
    assert (
        page.evaluate("document.querySelectorAll('iframe, img, script, base, object').length") == 1
    )
    links = page.evaluate("[...document.links].map(link => link.protocol)")
    assert set(links) <= {"file:", "https:"}
    assert not any(
        "evil" in one for one in page.evaluate("[...document.links].map(l => l.hostname)")
    )


def test_the_policy_refuses_what_somebody_adds(opened: Opener) -> None:
    page = opened(reports.bad_report())
    assert (
        page.evaluate(
            "(() => { const s = document.createElement('script'); s.id = 'added';"
            " try { s.textContent = 'window.ran = true'; } catch { return 'refused'; }"
            " document.body.append(s); return window.ran ? 'ran' : 'refused'; })()"
        )
        == "refused"
    )
    assert (
        page.evaluate("fetch('https://evil.example').then(() => 'sent', () => 'refused')")
        == "refused"
    )


@pytest.mark.parametrize("width", [360, 390, 820, 1280, 1600])
def test_nothing_sticks_out_at_any_width(opened: Opener, width: int) -> None:
    for report in (reports.full_report(), reports.hostile_report()):
        page = opened(report, width=width)
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_is_there_without_the_script(opened: Opener) -> None:
    page = opened(reports.full_report(), scripts=False)
    assert visible(page, ".card") == 10
    assert visible(page, ".group") == 6
    assert visible(page, ".tools, .copy") == 0
    assert visible(page, "tr.file") == 5
    assert not page.evaluate("document.documentElement.classList.contains('scripted')")


def test_findings_are_filtered_by_severity_text_and_file(opened: Opener) -> None:
    page = opened(reports.full_report())
    assert visible(page, ".tools") == 1
    page.evaluate("document.querySelector('input[value=info]').click()")
    settle(page, 4)
    assert visible(page, ".group") == 4
    page.evaluate("document.querySelector('input[value=info]').click()")
    settle(page, 7)
    search(page, "query", "posix.SYSTEM")
    settle(page, 5)
    search(page, "query", "")
    search(page, "in-file", "optimizer")
    settle(page, 1)
    assert visible(page, ".finding") == 1  # the group of notes was opened
    assert page.evaluate("document.querySelector('#shown').textContent").startswith("1 of 7 ")
    search(page, "in-file", "")
    settle(page, 7)
    assert page.evaluate("document.querySelector('#shown').textContent") == ""
    assert page.evaluate("document.querySelectorAll('.group:not([open])').length") == 2


def test_the_keyboard(opened: Opener) -> None:
    page = opened(reports.full_report())
    page.press("/")
    assert page.evaluate("document.activeElement.id") == "query"
    assert page.evaluate("document.activeElement.value") == ""
    search(page, "query", "modeling_custom")
    settle(page, 1)
    page.press("Escape")
    settle(page, 7)
    page.evaluate("document.activeElement.blur()")
    assert page.evaluate(
        "getComputedStyle(document.querySelector('.skip')).getPropertyValue('top')"
    ).startswith("-")
    page.evaluate("document.querySelector('.skip').focus()")
    assert page.evaluate("getComputedStyle(document.querySelector('.skip')).top") == "8px"


def test_the_colour_scheme_follows_the_reader_and_the_button(opened: Opener) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = opened(reports.bad_report(), scheme="light")
    dark = opened(reports.bad_report(), scheme="dark")
    assert light.evaluate(ground) != dark.evaluate(ground)
    assert light.evaluate("document.querySelector('#scheme').textContent") == "Dark"
    light.evaluate("document.querySelector('#scheme').click()")
    assert light.evaluate(ground) == dark.evaluate(ground)
    assert light.evaluate("document.querySelector('#scheme').textContent") == "Light"
    light.evaluate("document.querySelector('#scheme').click()")
    light.evaluate("localStorage.clear()")


def test_open_and_close_all(opened: Opener) -> None:
    page = opened(reports.full_report())
    page.evaluate("document.querySelector('#close-all').click()")
    assert visible(page, ".finding") == 0
    page.evaluate("document.querySelector('#open-all').click()")
    assert visible(page, ".finding") == 7


def test_a_copy_button_says_what_it_did(opened: Opener) -> None:
    page = opened(reports.bad_report())
    assert page.evaluate(
        "new Promise(done => { const b = document.querySelector('.files .copy'); b.click(); "
        "const look = () => b.textContent !== 'Copy' ? done(b.textContent) : setTimeout(look, 20);"
        " look(); })"
    ) in {"Copied", "Selected"}


def test_a_link_to_a_finding_opens_what_it_is_in(opened: Opener) -> None:
    page = opened(reports.full_report())
    assert visible(page, "#m1-f7") == 0
    page.evaluate("location.hash = '#m1-f7'")
    page.evaluate("new Promise(done => setTimeout(done, 100))")
    assert visible(page, "#m1-f7") == 1


def test_paper_shows_what_is_closed_and_no_buttons(opened: Opener) -> None:
    page = opened(reports.full_report(), media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert visible(page, ".finding") == 7
    assert visible(page, ".tools, .copy, .contents") == 0
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.querySelectorAll('.group:not([open])').length") == 2


def test_ten_thousand_findings_can_be_searched(opened: Opener) -> None:
    page = opened(reports.large_report())
    assert page.events("Runtime.exceptionThrown") == []
    search(page, "query", "part-04321.bin")
    settle(page, 1)
    assert visible(page, ".finding") == 1
    search(page, "query", "")
    settle(page, 10_000)
