"""The report in a real browser: fits a phone, loads nothing, keeps document text as text, and can be used by anyone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from llama_index_prod_rag.evaluation.report.page import write_report
from llama_index_prod_rag.query_log.record import LoggedPassage
from tests.evaluation.test_report import EVIL, LABELS, numbers_of, record, records

pytestmark = pytest.mark.integration

_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium_path, args=_QUIET)
        yield running
        running.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    log = [*records(60), record(4, query=f"What is {EVIL}?", answer=EVIL, passages=(LoggedPassage("other", EVIL),))]
    file = tmp_path_factory.mktemp("report") / "report.html"
    write_report(numbers_of(log, labels=LABELS), file)
    return file


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(browser: Browser, report: Path, scheme: str, width: int) -> tuple[Page, list[str]]:
    asked: list[str] = []
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})  # type: ignore[arg-type]
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    return page, asked


@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_and_loads_nothing_but_itself(browser: Browser, report: Path, scheme: str, width: int) -> None:
    page, asked = opened(browser, report, scheme, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert asked == [report.as_uri()]
    page.close()


def test_document_text_stays_text(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report, "light", 1280)
    assert "pwned" not in page.title()
    assert page.locator("img[src=x]").count() == 0
    assert "document.title" in page.content()
    page.close()


def test_nobody_is_shut_out(browser: Browser, report: Path, scheme: str) -> None:
    page, _ = opened(browser, report, scheme, 1280)
    for details in page.locator("details").all():
        details.evaluate("element => { element.open = true }")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement !== document.body")
    page.close()
