"""A browser, servers, and pages that must not ask strangers or run what documents say."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browsing import DOCUMENTS, Open, serving
from playwright.sync_api import Browser, Page, expect, sync_playwright

from index.build import sync
from index.encoder import load_encoder

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]
CHROMIUM = ["chromium", "chromium-browser", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
    if not path:
        pytest.fail("the browser tests need Chromium: install it (Debian, Ubuntu: apt-get install chromium) or name it in"
                    " the environment variable CHROMIUM")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server on the documents above."""
    folder = tmp_path_factory.mktemp("documents")
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, "utf-8")
    home = tmp_path_factory.mktemp("home")
    sync(home, [folder], encoder=load_encoder())
    yield from serving(home)


@pytest.fixture
def empty_server(tmp_path: Path) -> Iterator[str]:
    yield from serving(tmp_path / "home")


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open a page in a fresh profile. In the end: nothing was asked of another host, nothing was run, nothing failed."""
    contexts, pages, strangers, failures = [], [], [], []

    def open_(address: str, width: int = 1440, height: int = 900, path: str = "/", **options: object) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)  # type: ignore[arg-type]
        page = context.new_page()
        contexts.append(context)
        pages.append(page)
        page.on("request", lambda request: strangers.append(request.url) if urlsplit(request.url).hostname not in
                (None, "127.0.0.1", "") else None)
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda message: failures.append(message.text) if "Content Security Policy" in message.text else None)
        page.goto(address + path)
        expect(page.locator("#documents .documents, #documents .hint")).to_be_attached(timeout=30_000)
        return page

    yield open_
    assert not strangers
    assert not failures
    assert all(page.evaluate("window.pwned") is None for page in pages)
    for context in contexts:
        context.close()
