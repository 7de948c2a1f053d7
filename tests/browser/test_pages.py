"""Pages of PDF files in the source panel of a real browser."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pypdfium2
import pytest
from browsing import DOCUMENTS, Open, ask, contrast, serving
from pdfs import lines, reportlab
from PIL import Image
from playwright.sync_api import expect

from index.build import sync
from index.encoder import load_encoder

pytestmark = pytest.mark.browser

HANDBOOK = reportlab(
    lines(*((60, 760 - 20 * n, f"Line {n} is about nothing in particular.") for n in range(30)),
          (60, 150, "Lunch. The canteen opens at 11:45 on every"), (60, 134, "working day. It closes at 14:00.")),
    size=(595, 842))


@pytest.fixture(scope="module")
def paged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a server on a PDF and a text, and the PDF."""
    folder = tmp_path_factory.mktemp("paged")
    (folder / "handbook.pdf").write_bytes(HANDBOOK)
    (folder / "expenses.txt").write_text(DOCUMENTS["expenses.txt"], "utf-8")
    home = tmp_path_factory.mktemp("paged-home")
    sync(home, [folder], encoder=load_encoder())
    for address in serving(home):
        yield address, folder / "handbook.pdf"


def by_pdfium(file: Path, sought: str) -> tuple[float, float, float, float]:
    """Where pdfium's own search finds words on the first page: left, top, right, bottom as shares of the page."""
    pdf = pypdfium2.PdfDocument(file)
    text = pdf[0].get_textpage()
    start, count = text.search(sought).get_next()
    assert text.count_rects(start, count) == 1
    left, bottom, right, top = text.get_rect(0)
    width, height = pdf[0].get_size()
    text.close()
    pdf.close()
    return left / width, 1 - top / height, right / width, 1 - bottom / height


def coloured(picture: Image.Image) -> Callable[[float, float], bool]:
    """Whether the picture is coloured as a highlight at a place given by shares of its sides."""
    def at(x: float, y: float) -> bool:
        red, _, blue = picture.getpixel((int(x * picture.width), int(y * picture.height)))
        return bool(red - blue > 60)

    return at


def test_the_page_of_a_pdf_with_the_quote_where_pdfium_says_it_stands(paged: tuple[str, Path], open_page: Open) -> None:
    server, file = paged
    page = open_page(server)
    ask(page, "When does the canteen open?")
    expect(page.locator("#source mark").first).to_be_in_viewport()
    text, picture = page.get_by_role("tab", name="Text"), page.get_by_role("tab", name="Page")
    expect(text).to_have_attribute("aria-selected", "true")
    picture.click()
    expect(picture).to_have_attribute("aria-selected", "true")
    expect(page.locator("#source .body")).to_be_hidden()
    image = page.get_by_role("img", name="Page 1 of handbook, the quote highlighted")
    expect(image).to_be_visible()
    # What is on the screen: coloured in the words' places, and nowhere above, below or beside them.
    box = image.bounding_box()
    assert box
    page.set_viewport_size({"width": 1440, "height": int(box["height"]) + 600})
    shown = coloured(Image.open(io.BytesIO(image.screenshot())).convert("RGB"))
    for words in ("The canteen opens at 11:45 on every", "working day."):
        left, top, right, bottom = by_pdfium(file, words)
        middle = (top + bottom) / 2
        inside = [left + (right - left) * share / 40 for share in range(1, 40)]
        assert sum(shown(x, middle) for x in inside) > 25, words  # the rest is ink
        assert all(shown(x, top) or shown(x, bottom) for x in inside)
        assert not any(shown(x, y) for x in (left - 0.02, right + 0.02) for y in (top, middle, bottom))
    left, top, right, _ = by_pdfium(file, "The canteen opens at 11:45 on every")
    _, _, _, bottom = by_pdfium(file, "working day.")
    assert not any(shown(x / 50, y) for x in range(50) for y in (top - 0.01, bottom + 0.01, 0.1, 0.5, 0.95))


def test_the_tabs_by_keyboard_and_only_where_there_are_pages(paged: tuple[str, Path], open_page: Open) -> None:
    server, _ = paged
    page = open_page(server)
    ask(page, "When does the canteen open?")
    text, picture = page.get_by_role("tab", name="Text"), page.get_by_role("tab", name="Page")
    text.focus()
    page.keyboard.press("ArrowRight")
    expect(picture).to_be_focused()
    expect(page.get_by_role("tabpanel")).to_have_attribute("id", "source-page")
    image = page.locator("#source .page img")
    expect(image).to_be_in_viewport()
    place = image.evaluate("""i => {
      const [top, bottom] = i.dataset.highlight.split('-').map((y) => y * i.clientHeight / i.naturalHeight);
      const panel = document.querySelector('#source .page').getBoundingClientRect(), here = i.getBoundingClientRect().top;
      return here + top >= panel.top && here + bottom <= panel.bottom;
    }""")
    assert place  # the quote is in view
    page.keyboard.press("Home")
    expect(text).to_be_focused()
    expect(page.locator("#source mark").first).to_be_in_viewport()
    page.keyboard.press("End")
    # What was chosen stays chosen, and a text has no tabs.
    ask(page, "What is the mileage rate for my own car?")
    expect(page.locator("#source mark")).to_be_in_viewport()
    expect(page.get_by_role("tablist")).to_have_count(0)
    ask(page, "When does the canteen open?")
    expect(page.locator("#source .page img")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#source .page img")).to_have_count(0)


def test_a_pdf_that_changed_is_not_shown_as_a_page(paged: tuple[str, Path], open_page: Open) -> None:
    server, file = paged
    page = open_page(server, 390, 844, has_touch=True, is_mobile=True, color_scheme="dark")
    card = ask(page, "When does the canteen open?")
    card.locator("a.cite").first.tap()
    picture = page.get_by_role("tab", name="Page")
    picture.tap()
    expect(page.locator("#source .page img")).to_be_visible()
    box, tab = page.locator("#source .page img").bounding_box(), picture.bounding_box()
    assert box
    assert tab
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert min(tab["width"], tab["height"]) >= 44
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    try:
        file.write_bytes(HANDBOOK + b"\n")
        page.get_by_label("Close source").tap()
        card.locator("a.cite").first.tap()
        expect(page.locator("#source .page .problem")).to_contain_text("has changed since it was indexed")
        expect(page.locator("#source .page img")).to_have_count(0)
        assert contrast(page, "#source .page .problem") >= 4.5
    finally:
        file.write_bytes(HANDBOOK)
