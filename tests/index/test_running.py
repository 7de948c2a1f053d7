"""Running headers and footers: found where pages repeat them, left in the text, and in no sentence that can be quoted."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pdfs import lines, reportlab

from index.chunks import DEFAULT, search_text, split
from index.files import read_documents
from index.running import without_running_lines
from index.structure import parts_of
from index.types import Document

BODIES = ("Boats leave at nine.", "Dogs travel free.", "The quay is wet in March.", "Ask the mate first.", "Tea is sold aft.",
          "Winnie bakes on Sundays.")


def words(texts: Sequence[str]) -> list[int]:
    return [len(re.findall(r"\w+", text)) for text in texts]


def body(*pages: str) -> list[str]:
    """Each page without its running lines, white space at its ends cut off."""
    text, spans, at = "\f".join(pages), [], 0
    for number, page in enumerate(pages, 1):
        spans.append((number, at, at := at + len(page) + (number < len(pages))))
    found = without_running_lines(text, spans)
    assert len(found) == len(text)
    assert all(there in (here, " ", "\n", "\f") for here, there in zip(text, found, strict=True))
    return [found[start:end].strip() for _, start, end in spans]


def running(page: Callable[[int, str], str], bodies: Sequence[str] = BODIES) -> list[str]:
    return body(*(page(number, text) for number, text in enumerate(bodies, 1)))


# What is a running line


@pytest.mark.parametrize(("page", "left"), [
    pytest.param(lambda number, text: f"Ferries - Induction {number}\r\n{text}\r\n", {}, id="a header with the page's number"),
    pytest.param(lambda number, text: f"{text}\nPage {number} of 6\n", {}, id="a footer with the number of pages too"),
    pytest.param(lambda number, text: f"{text}\n{number + 214}", {}, id="a number alone, of a part of a book"),
    pytest.param(lambda number, text: f"{text}\n{number + 214}/260", {}, id="with the number of pages"),
    pytest.param(lambda number, text: f"Room rates, page no. {number + 214}\n{text}", {}, id="one that is said to be a page's"),
    pytest.param(lambda number, text: f"Customer handbook | {number + 8}\n{text}", {}, id="a title before a bar"),
    pytest.param(lambda number, text: f"Rules for the crew {number}\n{text}", {}, id="a title of several words"),
    pytest.param(lambda number, text: f"Ferries\n\n{text}\nFor members\n - {number} -",
                 {0: f"Ferries\n\n{BODIES[0]}\nFor members"}, id="several lines"),
    pytest.param(lambda number, text: f"{text}\n{number} | Ferries" if number % 2 else f"Rules | {number}\n{text}",
                 {}, id="others on the left than on the right"),
    pytest.param(lambda number, text: text if number == 1 else f"{text}\nFerries 2026",
                 {1: f"{BODIES[1]}\nFerries 2026"}, id="none on the first page"),
    pytest.param(lambda number, text: f"Valid from 1 March 2026\n{text}",
                 {0: f"Valid from 1 March 2026\n{BODIES[0]}"}, id="no page's number in it"),
])
def test_of_lines_that_the_pages_have_in_common_the_first_is_left_or_none(page: Callable[[int, str], str],
                                                                         left: dict[int, str]) -> None:
    assert running(page) == [left.get(at, text) for at, text in enumerate(BODIES)]


@pytest.mark.parametrize("page", [
    pytest.param(lambda number, text: f"{text}\nNet pay {2000 + 37 * number}", id="a number that is not the page's"),
    pytest.param(lambda number, text: f"{2018 + number}\n{text}", id="years"),
    pytest.param(lambda number, text: f"Ferries\n{text}" if number > 2 else text, id="on some of the pages"),
    pytest.param(lambda number, text: f"{text}\nFerries\n{'abcdef'[number - 1]}.", id="within a page"),
    pytest.param(lambda number, text: f"Fair\nPier 3\nMarrick\nOn Sunday\n{text}", id="more of them than a header has"),
    pytest.param(lambda number, text: f"Article {number}\n{text}", id="a heading with a number that grows"),
    pytest.param(lambda number, text: f"Room type {number}\n{text}", id="one of two words"),
    pytest.param(lambda number, text: f"Step {number} of 6\n{text}", id="one that says how many there are"),
    pytest.param(lambda number, text: f"{text}\nStatus: {'unpaid' if number % 4 == 2 else 'paid'}", id="a value of the page"),
])
def test_what_pages_share_otherwise_stays(page: Callable[[int, str], str]) -> None:
    assert running(page) == [page(number, text) for number, text in enumerate(BODIES, 1)]


@pytest.mark.parametrize("form", [
    "Invoice number: {far}", "Invoice #{far}", "Ticket No: {far}", "Invoice no. {far}", "Room {far}, first floor", "#{far}",
    "Membership number of this holder is {far} here", "For guests of cabin {far}", "Invoice number: {near}", "Invoice #{near}",
    "Ticket No: {near}", "Room {near}, first floor", "Membership number of this holder is {near} here", "Ferries - Room {near}",
    "Invoice – {near}", "Crossing to Marrick: {near}", "Guests:\n{near}", "Total: {near} €", "{near}.50", "{near} March 2026",
    "Log of March {near}, 2026", "0{near}.03.2026", "0{near}/2026", "The log of Q{near}",
])
def test_a_number_that_grows_with_the_page_but_counts_something_else_stays(form: str) -> None:
    pages = [f"{form.format(far=100 + number, near=number)}\n{text}" for number, text in enumerate(BODIES, 1)]
    assert body(*pages) == pages


def test_a_number_below_its_label_stays() -> None:
    assert running(lambda number, text: f"Invoice number\n{100 + number}\n{text}")[1:] == [
        f"{100 + number}\n{text}" for number, text in enumerate(BODIES[1:], 2)]
    assert running(lambda number, text: f"{text}\nTicket no.\n{number}")[1:] == [
        f"{text}\nTicket no.\n{number}" for number, text in enumerate(BODIES[1:], 2)]


def test_of_four_pages_none_may_differ() -> None:
    pages = [f"{text}\nPrice per night: {price} euro" for text, price in zip(BODIES[:4], (80, 80, 80, 95), strict=True)]
    assert body(*pages) == pages


def test_pages_of_running_lines_alone_take_no_long_time() -> None:
    pages = ["Boats leave at nine.\nFerries 2026 1", *(f"Ferries 2026 {number}" for number in range(2, 8000))]
    assert body(*pages)[:3] == ["Boats leave at nine.", "", ""]


def test_two_pages_are_too_few_to_tell() -> None:
    assert body("Ferries\nOne.", "Ferries\nTwo.") == ["Ferries\nOne.", "Ferries\nTwo."]


LINES = st.sampled_from(["Ferries 1", "Ferries 2", "Page 3 of 9", "2", "It rains.", "", "  ", "9" * 300, "a" * 300, "٣", "𝔹 4"])


@given(st.lists(st.lists(LINES, max_size=6).map("\r\n".join), max_size=12))
def test_a_body_is_as_long_as_its_text_and_says_nothing_else(pages: list[str]) -> None:
    body(*pages)


# In a PDF


def made(folder: Path, header: str, bodies: Sequence[str], footer: str = "") -> Document:
    pages = [lines(*([(20, 280, header.format(number))] if header else []),
                   *((20, 250 - 15 * row, line) for row, line in enumerate(text.split("\n"))),
                   *([(20, 20, footer.format(number))] if footer else []))
             for number, text in enumerate(bodies, 1)]
    (folder / "a.pdf").write_bytes(reportlab(*pages))
    [document] = read_documents(folder / "a.pdf", "a.pdf")
    return document


def test_they_stay_in_the_text_and_are_neither_sentences_nor_encoded(tmp_path: Path) -> None:
    document = made(tmp_path, "Orrin Sound Ferries - Induction {}", BODIES, "Crew only, page {}")
    assert document.text == "\f".join(f"Orrin Sound Ferries - Induction {number}\r\n{text}\r\nCrew only, page {number}"
                                      for number, text in enumerate(BODIES, 1))
    [chunk] = split(document, DEFAULT, 254, words)
    assert [document.text[start:end] for start, end in chunk.sentences] == list(BODIES)
    assert search_text(document, chunk, 254).split() == " ".join(BODIES).split()
    assert "Induction 2" in document.text[chunk.start : chunk.end]


def test_a_sentence_runs_on_over_them_and_a_title_does_not(tmp_path: Path) -> None:
    bodies = ["Who is late for the boat that leaves at nine has to wait\nfor the one that leaves at noon, which on Sundays is",
              "often full. It returns at four.", *BODIES]
    document = made(tmp_path, "The ferries, {}", bodies)
    [chunk] = split(document, DEFAULT, 254, words)
    first, second, *_ = (document.text[start:end] for start, end in chunk.sentences)
    assert first.endswith("on Sundays is\fThe ferries, 2\r\noften full.")
    assert second == "It returns at four."
    document = made(tmp_path, "The ferries, {}", ["- In 2024 we had 64 reports. The aim is 100.", "Fit for work", *BODIES])
    [chunk] = split(document, DEFAULT, 254, words)
    assert [document.text[start:end] for start, end in chunk.sentences][-len(BODIES) - 2 :] == [
        "The aim is 100.", "Fit for work", *BODIES]


def test_a_list_ends_with_its_page(tmp_path: Path) -> None:
    """What stands first on the next page is not indented below the last item, whatever stands above it."""
    document = made(tmp_path, "The ferries, {}", ["Bring:\n- boots\n- a coat", *BODIES])
    listed, below, *_ = parts_of(document, 0, len(document.text))
    assert [document.text[start:end] for start, end in listed.pieces] == ["Bring:", "- boots", "- a coat"]
    assert [document.text[start:end] for start, end in below.pieces] == [BODIES[0]]


def test_an_empty_line_parts_the_first_of_them_from_the_text() -> None:
    found = body(*(f"Harbour Handbook\r\n{text}\r\nFor members" for text in BODIES))
    assert found == [f"Harbour Handbook\n\n{BODIES[0]}\n\nFor members", *BODIES[1:]]
    assert body("A\r\nB", "C\r\nD", "E\r\nF") == ["A\r\nB", "C\r\nD", "E\r\nF"]
