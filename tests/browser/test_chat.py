"""The page in a real browser, on a real server with a real index of small documents written here."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pypdfium2
import pytest
from pdfs import by_hand, lines, reportlab
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from index.build import sync
from index.encoder import load_encoder

pytestmark = pytest.mark.browser

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]
CHROMIUM = ["chromium", "chromium-browser", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"]
SERVE = "import sys; from pathlib import Path; from ui.app import serve; serve(Path(sys.argv[1]), port=0)"
REPOSITORY = Path(__file__).parents[2]

LEAVE = "Full-time staff have 25 days of paid annual leave in every calendar year."
HOSTILE = ("The gate code <script>window.pwned = 1</script><img src=x onerror=\"window.pwned = 2\"> of the warehouse is"
           " ${window.pwned = 3} {{constructor}} `4711` & *not* $$secret$$.")
DOCUMENTS = {
    # Characters beyond the basic plane before the quote: JavaScript would count two for each.
    "leave.md": "# Leave 🏝️\n\n𝔸𝔹ℂ 😀😀 A note on top.\n\n"
                + "\n\n".join(f"Paragraph {n} is about nothing in particular. 😀" for n in range(60))
                + f"\n\n## Annual leave\n\n{LEAVE} Part-time staff have a share of it. 😀\n\n"
                + "Unused annual leave of up to five days may be carried over until 31 March.\n\n"
                + "\n\n".join(f"Afterword {n} is about nothing either." for n in range(60)),
    "expenses.txt": "Receipts are required for every expense above 10 euros.\n\nClaims submitted more than 60 days after the"
                    " expense was incurred are not reimbursed.\n\nThe mileage rate for your own car is 48 cents a kilometre.",
    "<img src=x onerror=window.pwned=5>.md": f"# Warehouse <b>${{window.pwned = 6}}</b>\n\n{HOSTILE}\n\nClosed on Sundays.",
}

LARGE = "\n\n".join(f"# Part {n}\n\n" + f"Rule {n} says that the number {n * 7} is not the number {n * 9}. " * 9
                    for n in range(1200))


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


def serving(home: Path, serve: str = SERVE) -> Iterator[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PULLQUOTE_")}
    with subprocess.Popen([sys.executable, "-c", serve, str(home)], cwd=REPOSITORY, env=environment, text=True,
                          stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            address = re.search(r"http://[\d.:]+", process.stdout.readline())
            assert address, "the server did not say where it is"
            yield address[0]
        finally:
            process.terminate()
            process.wait(20)


Open = Callable[..., Page]


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


def ask(page: Page, question: str) -> Locator:
    """Ask, and give back the card of the answer when it is complete."""
    cards = page.locator(".answer:is(.done, .error)")
    before = cards.count()
    page.get_by_label("Question", exact=True).fill(question)
    page.keyboard.press("Enter")
    expect(cards).to_have_count(before + 1, timeout=30_000)
    return cards.nth(before)


def quote_of(link: Locator) -> str:
    """The quote that a citation number stands behind."""
    return str(link.evaluate("a => { const q = a.closest('.quote').cloneNode(true);"
                             " q.querySelectorAll('a').forEach(e => e.remove()); return q.textContent }"))


def marked(page: Page) -> str:
    return "".join(page.locator("#source mark").all_text_contents())


def test_ask_and_read_the_quote_in_its_place(server: str, open_page: Open) -> None:
    page = open_page(server)
    expect(page.locator("#source")).to_contain_text("Select a number to read the quote in place.")
    card = ask(page, "How many days of annual leave do full-time staff have?")
    expect(card.locator(".lead")).to_contain_text("verbatim passage")
    link = card.locator("a.cite").first
    assert quote_of(link) == LEAVE
    # On a wide screen the first citation opens by itself, and whoever types goes on typing.
    mark = page.locator("#source mark")
    expect(mark).to_be_in_viewport()
    expect(page.get_by_label("Question", exact=True)).to_be_focused()
    assert marked(page) == LEAVE
    expect(page.locator("#source .place")).to_contain_text("Verified word for word")
    # The same by hand.
    page.keyboard.press("Escape")
    expect(mark).to_have_count(0)
    link.click()
    expect(mark).to_be_in_viewport()
    assert marked(page) == LEAVE
    # What the browser shows is what the document says at the offsets of the answer.
    told = httpx.post(f"{server}/v1/ask", json={"question": "How many days of annual leave do full-time staff have?"}).json()
    start, end = told["quotes"][0]["start"], told["quotes"][0]["end"]
    assert DOCUMENTS["leave.md"][start:end] == marked(page)


def test_keys_walk_through_citations_and_the_focus_returns(server: str, open_page: Open) -> None:
    page = open_page(server)
    card = ask(page, "What about unused annual leave and how many days of annual leave do staff have?")
    links = card.locator("a.cite")
    assert links.count() > 1, "this test needs an answer of several quotes"
    links.first.focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.locator("#source .number")).to_have_text("1")
    expect(page.get_by_label("Close source")).to_be_focused()
    page.keyboard.press("]")
    expect(page.locator("#source .number")).to_have_text("2")
    expect(page.locator("#source mark").first).to_be_in_viewport()
    assert marked(page) == quote_of(links.nth(1))
    page.keyboard.press("[")
    expect(page.locator("#source .number")).to_have_text("1")
    page.keyboard.press("Escape")
    expect(links.first).to_be_focused()
    expect(page.locator("#source mark")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.get_by_label("Question", exact=True)).to_be_focused()


def test_more_of_the_document_comes_as_one_scrolls(server: str, open_page: Open) -> None:
    page = open_page(server)
    ask(page, "How many days of annual leave do full-time staff have?")
    body = page.locator("#source .body")
    expect(page.locator("#source mark")).to_be_in_viewport()
    expect(body).not_to_contain_text("A note on top.")
    body.evaluate("e => { e.scrollTop = 0 }")
    expect(body).to_contain_text("A note on top.")
    body.evaluate("e => { e.scrollTop = e.scrollHeight }")
    expect(body).to_contain_text("Afterword 59")
    assert marked(page) == LEAVE
    page.get_by_role("button", name="Back to quote").click()
    expect(page.locator("#source mark")).to_be_in_viewport()


def test_a_refusal_is_shown_as_one(server: str, open_page: Open) -> None:
    page = open_page(server)
    card = ask(page, "Who won the football world cup in 1998?")
    expect(card).to_contain_text("No passage answers this")
    expect(card).to_contain_text("3 documents")
    expect(card).to_contain_text("Related, not an answer")
    expect(page.locator("#source mark")).to_have_count(0)  # nothing opens by itself
    card.locator("a.cite").first.click()
    expect(page.locator("#source mark").first).to_be_in_viewport()


def test_a_follow_up_is_understood(server: str, open_page: Open) -> None:
    page = open_page(server)
    ask(page, "How many days of annual leave do full-time staff have?")
    card = ask(page, "And when unused?")
    expect(card).to_contain_text("Understood as: And when unused?")
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".answer")).to_have_count(0)
    expect(page.locator("#source")).to_contain_text("Select a number")
    expect(ask(page, "And when unused?")).not_to_contain_text("Understood as")


def test_what_documents_say_is_never_run(server: str, open_page: Open) -> None:
    page = open_page(server)
    expect(page.locator("#documents")).to_contain_text("<img src=x onerror=window.pwned=5>.md")
    card = ask(page, "What is the gate code of the warehouse?")
    link = card.locator("a.cite").first
    assert quote_of(link) == HOSTILE
    expect(page.locator("#source mark")).to_be_in_viewport()
    assert marked(page) == HOSTILE
    assert page.locator("#source img, #source script, .answer img, .answer script, #documents img").count() == 0
    expect(ask(page, "<img src=x onerror=window.pwned=7> ${window.pwned = 8} gate code?")).to_be_visible()
    expect(page.locator(".question").last).to_contain_text("<img src=x onerror=window.pwned=7> ${window.pwned = 8} gate code?")


def test_the_question_is_never_lost_and_the_input_never_dead(server: str, open_page: Open) -> None:
    page = open_page(server)
    box = page.get_by_label("Question", exact=True)
    expect(ask(page, "x" * 2001)).to_contain_text("longer than 2,000 characters")
    expect(box).to_have_value("x" * 2001)
    expect(ask(page, "What is the mileage rate for my own car?")).to_contain_text("48 cents")
    page.route("**/v1/sources/**", lambda route: route.abort())
    page.locator("#source .close").click()
    page.locator("a.cite").last.click()
    expect(page.locator("#source .problem")).to_contain_text("could not be loaded")


def test_the_number_of_the_open_source_shows_its_quote_again_on_a_wide_screen_and_closes_it_on_a_narrow_one(
        server: str, open_page: Open) -> None:
    page = open_page(server)
    ask(page, "What is the mileage rate for my own car?")
    expect(page.locator("#source mark")).to_be_in_viewport()
    page.locator("a.cite").last.click()
    expect(page.locator("#source mark")).to_be_in_viewport()
    phone = open_page(server, width=390, height=844)
    ask(phone, "What is the mileage rate for my own car?")
    phone.locator("a.cite").last.click()
    expect(phone.locator("#source mark")).to_be_in_viewport()
    phone.locator("a.cite").last.focus()
    phone.keyboard.press("Enter")
    expect(phone.locator("#source mark")).to_have_count(0)


def test_copying(server: str, open_page: Open) -> None:
    page = open_page(server, permissions=["clipboard-read", "clipboard-write"])
    card = ask(page, "What is the mileage rate for my own car?")
    card.get_by_role("button", name="Copy with citations").click()
    expect(card.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("“The mileage rate for your own car is 48 cents a kilometre.” [1]")
    assert re.search(r"\n\n\[1\] .*expenses\.txt", copied)
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#source .told")).to_have_text("Link copied")
    link = urlsplit(page.evaluate("navigator.clipboard.readText()"))
    again = open_page(server, path=f"/#{link.fragment}")
    expect(again.locator("#source mark")).to_be_in_viewport()
    assert marked(again) == "The mileage rate for your own car is 48 cents a kilometre."


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


def test_the_first_tab_leads_past_the_library_and_the_upload_says_what_it_is_for(server: str, open_page: Open) -> None:
    page = open_page(server)
    page.keyboard.press("Tab")
    skip = page.get_by_role("button", name="Skip to the question")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Question", exact=True)).to_be_focused()
    expect(skip).not_to_be_in_viewport()
    expect(page.locator("#upload button")).to_have_accessible_name(re.compile("^Add documents: Drop File Here"))


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


def test_on_a_phone_the_source_is_a_sheet(server: str, open_page: Open) -> None:
    page = open_page(server, 390, 844, has_touch=True, is_mobile=True)
    expect(page.locator("#library")).to_be_hidden()
    expect(page.locator("#source")).to_be_hidden()
    card = ask(page, "How many days of annual leave do full-time staff have?")
    expect(page.locator("#source")).to_be_hidden()  # it would cover the answer
    link = card.locator("a.cite").first
    link.tap()
    expect(page.locator("#source mark")).to_be_in_viewport()
    assert marked(page) == LEAVE
    page.wait_for_function("Math.abs(document.querySelector('#source').getBoundingClientRect().bottom - innerHeight) < 2")
    sheet, number = page.locator("#source").bounding_box(), link.bounding_box()  # once it has slid in
    assert sheet
    assert number
    assert abs(sheet["height"] - 0.7 * 844) < 2
    assert abs(sheet["y"] + sheet["height"] - 844) < 2
    assert number["y"] + number["height"] <= sheet["y"]  # the cited sentence stays visible above it
    for button in page.locator("#source button:visible").all():
        box = button.bounding_box()
        assert box
        assert box["width"] >= 44
        assert box["height"] >= 44
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_label("Close source").tap()
    page.get_by_role("button", name="Library", exact=True).tap()
    expect(page.locator("#library")).to_be_visible()
    page.get_by_label("Close library").tap()
    expect(page.locator("#library")).to_be_hidden()


@pytest.mark.parametrize(("scheme", "path", "dark"), [
    ("dark", "/", True), ("light", "/", False), ("light", "/?__theme=dark", True)])
def test_light_and_dark(server: str, open_page: Open, scheme: str, path: str, dark: bool) -> None:
    page = open_page(server, path=path, color_scheme=scheme)
    ask(page, "What is the mileage rate for my own car?")
    expect(page.locator("#source mark")).to_be_in_viewport()
    for part in ("body", "#source", "#library"):
        rgb = page.locator(part).evaluate("e => getComputedStyle(e).backgroundColor.match(/\\d+/g).map(Number)")
        assert (sum(rgb[:3]) < 3 * 60) is dark, f"{part}: {rgb}"
    for part in ("#source mark", ".answer .quote", ".bar .count", "#source .place", "#library small"):
        assert contrast(page, part) >= 4.5, part


def contrast(page: Page, selector: str) -> float:
    """The contrast ratio of WCAG 2 between a text and what it stands on."""
    return float(page.locator(selector).first.evaluate("""(element) => {
      const parse = (color) => color.match(/[\\d.]+/g).map(Number);
      const light = (rgb) => rgb.slice(0, 3).map((v) => v / 255)
        .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
      let under = element, ground = [0, 0, 0, 0];
      for (; under && ground[3] === 0; under = under.parentElement) {
        ground = parse(getComputedStyle(under).backgroundColor);
        if (ground.length === 3) ground.push(1);
      }
      const [high, low] = [light(parse(getComputedStyle(element).color)), light(ground)].sort((a, b) => b - a);
      return (high + 0.05) / (low + 0.05);
    }"""))


# --- the pages of PDFs ---

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


# --- the conversation ---

LEAVE_QUESTION = "How many days of annual leave do full-time staff have?"


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[str]:
    """The address of a server that takes two seconds to find passages."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "expenses.txt").write_text(DOCUMENTS["expenses.txt"], "utf-8")
    sync(tmp_path / "home", [tmp_path / "docs"], encoder=load_encoder())
    yield from serving(tmp_path / "home", "import time; from rag.assistant import Assistant; steps = Assistant._steps;"
                       " Assistant._steps = lambda *a: (time.sleep(2), (yield from steps(*a)))[0]; " + SERVE)


def send(page: Page, question: str) -> None:
    page.get_by_label("Question", exact=True).fill(question)
    page.keyboard.press("Enter")


def reload_once_kept(page: Page, questions: int) -> None:
    """Load the page anew, once it has kept the conversation: that comes just after its last answer."""
    page.wait_for_function("n => JSON.parse(sessionStorage.getItem('pullquote.conversation') ?? '{}').turns?.length === n",
                           arg=questions)
    page.reload()


def test_new_chat_ends_the_answer_under_way_and_what_waits_behind_it(slow: str, open_page: Open) -> None:
    page = open_page(slow)
    ask(page, "What is the mileage rate for my own car?")
    send(page, "Which receipts are required?")
    expect(page.locator(".answer.waiting")).to_be_visible()
    send(page, "And for more than 60 days?")
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".question, .answer")).to_have_count(0)
    page.wait_for_timeout(3500)
    expect(page.locator(".question, .answer")).to_have_count(0)
    expect(page.get_by_label("Question", exact=True)).to_have_value("")
    expect(ask(page, "And for more than 60 days?")).not_to_contain_text("Understood as")
    reload_once_kept(page, 1)
    expect(page.locator(".question")).to_have_count(1)


def test_what_is_sent_while_an_answer_is_made_is_asked_after_it(slow: str, open_page: Open) -> None:
    page = open_page(slow)
    send(page, "What is the mileage rate for my own car?")
    expect(page.locator(".answer.waiting")).to_be_visible()
    send(page, "Which receipts are required?")
    expect(page.locator("#waits")).to_have_text("Asked when this answer is complete.")
    expect(page.locator(".question")).to_have_count(1)
    expect(page.locator(".answer.done")).to_have_count(2, timeout=30_000)
    expect(page.locator(".answer").nth(0)).to_contain_text("48 cents")
    expect(page.locator(".answer").nth(1)).to_contain_text("10 euros")
    expect(page.locator("#waits")).to_be_empty()
    expect(page.get_by_label("Question", exact=True)).to_have_value("")


def test_a_reload_keeps_the_conversation_and_another_tab_has_its_own(server: str, open_page: Open) -> None:
    page = open_page(server)
    expect(ask(page, "What is the gate code of the warehouse?")).to_contain_text(HOSTILE)
    ask(page, LEAVE_QUESTION)
    before = page.locator(".answer").all_inner_texts()
    reload_once_kept(page, 2)
    expect(page.locator(".question")).to_have_count(2)
    assert page.locator(".answer").all_inner_texts() == before
    page.locator("a.cite").last.click()
    expect(page.locator("#source .place")).to_contain_text("Verified word for word")
    expect(ask(page, "And when unused?")).to_contain_text("Understood as: And when unused?")
    assert page.evaluate("Object.values(localStorage).join().includes('annual')") is False
    other = page.context.new_page()
    other.goto(server)
    expect(other.get_by_role("button", name="New chat")).to_be_visible()
    expect(other.locator(".question")).to_have_count(0)
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".question")).to_have_count(0)
    reload_once_kept(page, 0)
    expect(page.locator("#documents li")).to_have_count(3)
    expect(page.locator(".question")).to_have_count(0)


@pytest.mark.parametrize("kept", ["{", "[]", '{"turns": [1], "messages": []}', '{"turns": [], "messages": [["user", {}]]}'])
def test_what_is_no_conversation_is_not_restored(server: str, open_page: Open, kept: str) -> None:
    page = open_page(server)
    page.evaluate("kept => sessionStorage.setItem('pullquote.conversation', kept)", kept)
    page.reload()
    expect(page.locator(".example")).to_have_count(3)
    expect(ask(page, "What is the mileage rate for my own car?")).to_contain_text("48 cents")
