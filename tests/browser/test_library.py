"""The library pane in a real browser: files come in, are replaced, go, and what is wrong with them is told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from browsing import LARGE, LEAVE, Open, ask, contrast, serving
from pdfs import by_hand
from playwright.sync_api import expect

from index.build import sync
from index.encoder import load_encoder

pytestmark = pytest.mark.browser


def test_the_library_can_be_searched(server: str, open_page: Open) -> None:
    page = open_page(server)
    items = page.locator("#documents li:visible")
    folder = str(page.locator("#documents .name").first.get_attribute("title")).split("/")[0]
    expect(items).to_have_count(3)
    for sought, found in (("EXPEN", 1), (folder.upper(), 3), ("xyzzy", 0)):
        page.get_by_label("Search documents").fill(sought)
        expect(items).to_have_count(found)
    expect(page.locator("#unmatched")).to_have_text("No document has this in its name, title or folder.")
    page.get_by_label("Search documents").fill("")
    expect(page.locator("#unmatched")).to_be_empty()
    page.get_by_role("button", name="Library", exact=True).click()
    expect(page.locator("#library")).to_be_hidden()


def test_upload_ask_replace_remove(server: str, open_page: Open, tmp_path: Path) -> None:
    page = open_page(server)
    before = ask(page, "When does the canteen open?")
    assert "none" in (before.get_attribute("class") or "")
    canteen, empty = tmp_path / "canteen.txt", tmp_path / "empty.txt"
    canteen.write_text("The canteen opens at 11:45 on every working day. It closes at 14:00.", "utf-8")
    empty.touch()
    page.locator("#upload input[type=file]").set_input_files([canteen, empty])
    expect(page.locator("#rows .failed")).to_contain_text("It is empty.")
    expect(page.locator("#rows .ready")).to_contain_text("canteen.txt", timeout=30_000)
    expect(page.locator("#documents")).to_contain_text("canteen.txt")
    page.get_by_role("button", name="Dismiss empty.txt").click()
    expect(page.locator("#rows .failed")).to_have_count(0)
    expect(page.get_by_role("button", name="Dismiss canteen.txt")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#rows .ready")).to_have_count(0)
    expect(page.locator("#upload button")).to_be_focused()
    card = ask(page, "When does the canteen open?")
    expect(card).to_contain_text("11:45")
    # The same name again replaces the document; what was cited before is then not shown any more, nor guessed at.
    canteen.write_text("The canteen opens at 12:15 on every working day. It closes at 14:00.", "utf-8")
    page.locator("#upload input[type=file]").set_input_files([canteen])
    expect(page.locator("#rows .failed")).to_have_count(0)
    expect(page.locator("#rows .ready")).to_contain_text("canteen.txt", timeout=30_000)
    expect(page.locator("#documents li")).to_have_count(4)
    page.keyboard.press("Escape")
    card.locator("a.cite").first.click()
    expect(page.locator("#source .problem")).to_contain_text("The document has changed since this answer was given.")
    expect(page.locator("#source mark")).to_have_count(0)
    expect(ask(page, "When does the canteen open?")).to_contain_text("12:15")
    # Removing asks first.
    item = page.locator("#documents li", has_text="canteen.txt")
    item.hover()
    item.get_by_role("button").click()
    expect(item.get_by_role("button")).to_have_text("Remove?")
    item.get_by_role("button").click()
    expect(page.locator("#documents")).not_to_contain_text("canteen.txt", timeout=30_000)


BROKEN = f"<img src=x onerror=window.pwned=9>${{window.pwned = 9}}\n\n- \u202e{'x' * 150}.txt"


@pytest.fixture
def damaged(tmp_path: Path) -> Iterator[str]:
    """The address of a server on a folder with a PDF that is not whole and a picture of a hostile name that ends in .txt."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / BROKEN).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    (folder / "leave.pdf").write_bytes(by_hand(f"BT /F 12 Tf 50 200 Td ({LEAVE}) Tj ET",
                                               "q 400 0 0 300 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID x EI Q"))
    sync(tmp_path / "home", [folder], encoder=load_encoder())
    yield from serving(tmp_path / "home")


def test_what_could_not_be_read_is_told_below_the_documents(damaged: str, open_page: Open, tmp_path: Path) -> None:
    page = open_page(damaged)
    files, documents = page.locator("#unread details").all()
    expect(files.locator("summary")).to_have_text("1 file could not be read")
    expect(documents.locator("summary")).to_have_text("1 document is not whole")
    expect(page.locator("#unread li:visible")).to_have_count(0)
    files.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(files.locator("li")).to_be_visible()
    assert files.locator("b").text_content() == BROKEN.replace("\n\n", " ")
    assert files.locator("li").inner_text().startswith("docs/")
    expect(files.locator("p").first).to_have_text("It is a PNG image, not a document format that can be read.")
    expect(files.locator("p").last).to_contain_text("Leave it out, or save its text in one of these: PDF")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(documents.locator("li")).to_be_visible()
    assert documents.locator("li").inner_text().splitlines()[0] == "docs/leave.pdf"
    expect(documents.locator("p")).to_have_text("Page 2 has no text: needs OCR.")
    assert page.locator("#unread :is(img, script)").count() == 0
    for part in ("#unread summary", "#unread li", "#unread p"):
        assert contrast(page, part) >= 4.5, part
    assert page.locator("#unread").evaluate("e => e.scrollWidth - e.clientWidth") == 0
    phone = open_page(damaged, 390, 844, has_touch=True, is_mobile=True, color_scheme="dark")
    phone.get_by_role("button", name="Library", exact=True).tap()
    phone.get_by_text("1 file could not be read").tap()
    expect(phone.locator("#unread p").last).to_be_attached()
    expect(phone.locator("#unread b").first).to_be_visible()
    box = phone.locator("#unread summary").first.bounding_box()
    assert box
    assert box["height"] >= 44
    assert phone.locator("#unread").evaluate("e => e.scrollWidth - e.clientWidth") == 0
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    # It is told of the library as it is now, and what is mended is gone.
    folder = tmp_path / "docs"
    (folder / BROKEN).unlink()
    page.get_by_role("button", name="Look for changed files").click()
    expect(page.locator("#unread summary")).to_have_text(["1 document is not whole"], timeout=30_000)
    (folder / "leave.pdf").unlink()
    sync(tmp_path / "home", [folder], encoder=load_encoder())  # by another process
    page.reload()
    expect(page.locator("#documents")).to_contain_text("No documents yet.")
    expect(page.locator("#unread")).to_be_hidden()


def test_an_empty_library_offers_the_sample(empty_server: str, open_page: Open) -> None:
    page = open_page(empty_server)
    expect(page.get_by_label("Question", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Try the sample library").click()
    expect(page.locator("#first-rows progress")).to_be_visible(timeout=30_000)
    expect(page.get_by_label("Question", exact=True)).to_be_visible(timeout=120_000)
    page.get_by_role("button", name="How many days of annual leave do permanent staff have?").click()
    expect(page.locator(".answer.done")).to_contain_text("25 days", timeout=30_000)
    expect(page.locator("#source mark").first).to_be_in_viewport()


def test_questions_go_on_while_the_library_grows(empty_server: str, open_page: Open, tmp_path: Path) -> None:
    small, large = tmp_path / "small.txt", tmp_path / "large.md"
    small.write_text("The canteen opens at 11:45 on every working day. It closes at 14:00.", "utf-8")
    large.write_text(LARGE, "utf-8")
    page = open_page(empty_server)
    page.locator("#drop input[type=file]").set_input_files([small])
    expect(page.get_by_label("Question", exact=True)).to_be_visible(timeout=60_000)
    page.locator("#upload input[type=file]").set_input_files([large])
    expect(page.locator("#rows")).to_contain_text("chunks", timeout=30_000)
    expect(ask(page, "When does the canteen open?")).to_contain_text("11:45")
    expect(page.locator("#rows progress")).to_be_visible()  # it is still growing
    page.get_by_role("button", name="Cancel indexing").click()
    expect(page.locator("#rows")).to_contain_text("the library is as it was")


@pytest.mark.parametrize("how", ["cancelled", "left"])
def test_a_replacing_upload_that_does_not_end_leaves_the_document_that_was_there(
        empty_server: str, open_page: Open, tmp_path: Path, how: str) -> None:
    canteen, kept = tmp_path / "canteen.md", tmp_path / "home" / "uploads" / "canteen.md"
    canteen.write_text("The canteen opens at 11:45 on every working day. It closes at 14:00.", "utf-8")
    before = canteen.read_text("utf-8")
    page = open_page(empty_server)
    page.locator("#drop input[type=file]").set_input_files([canteen])
    expect(page.get_by_label("Question", exact=True)).to_be_visible(timeout=60_000)
    canteen.write_text(LARGE, "utf-8")
    page.locator("#upload input[type=file]").set_input_files([canteen])
    expect(page.locator("#rows")).to_contain_text("chunks", timeout=30_000)
    assert kept.read_text("utf-8") == LARGE
    if how == "cancelled":
        page.get_by_role("button", name="Cancel indexing").click()
        expect(page.locator("#rows")).to_contain_text("the library is as it was")
    else:
        page.goto("about:blank")
    deadline = time.monotonic() + 60  # the build ends at its next sign of progress
    while kept.read_text("utf-8") != before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert kept.read_text("utf-8") == before
    page.goto(empty_server)
    expect(page.locator("#documents li")).to_have_count(1)
    expect(ask(page, "When does the canteen open?")).to_contain_text("11:45")


def test_cancelling_leaves_the_library_as_it_was(empty_server: str, open_page: Open) -> None:
    page = open_page(empty_server)
    page.get_by_role("button", name="Try the sample library").click()
    page.get_by_role("button", name="Cancel indexing").click(timeout=30_000)
    expect(page.locator("#first-rows")).to_contain_text("the library is as it was")
    expect(page.get_by_role("button", name="Try the sample library")).to_be_visible()
    assert httpx.get(f"{empty_server}/healthz").json()["documents"] == 0
