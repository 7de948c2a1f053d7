"""Asking, reading quotes in their places and the conversation, in a real browser on a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from browsing import DOCUMENTS, HOSTILE, LEAVE, SERVE, Open, ask, contrast, marked, quote_of, serving
from playwright.sync_api import Page, expect

from index.build import sync
from index.encoder import load_encoder

pytestmark = pytest.mark.browser

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
