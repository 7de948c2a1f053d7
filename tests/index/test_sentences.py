"""Sentences: what holds for every text, and where the cuts are in texts as people write them."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from index.sentences import blocks, sentences

# Pieces that mean something to the splitter, so that random texts are full of hard cases.
PIECES = st.sampled_from([
    "The ferry leaves", "at nine", ". ", "! ", "? ", "...", "…", " e.g. ", "Dr. ", "U.S. ", "3.14", "1. ", "- ", "* ", "# ",
    "| a | b |", "(", ") ", '"', "”", "\n", "\n\n", "\r\n", "\r", "\f", "\t", " ", "\u00a0", "\u2003", "\u2028", "\u2029",
    "\x85", "\x1c", "\x0b", "\u200b", "\ufeff", "\u0301", "😀", "👩‍👩‍👧", "𝔄", "。", "।", "؟", "http://a.b/c.d?e=f", "x", "X",
    ".", "?!", "\0", "\ufffd",
])
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join))


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


# Of every text


def check(text: str, start: int, end: int, found: list[tuple[int, int]]) -> None:
    position = start
    for left, right in found:
        assert position <= left < right <= end
        assert text[left:right] == text[left:right].strip()
        assert not text[position:left].strip()
        position = right
    assert not text[position:end].strip()


@given(TEXTS)
@example("")
@example(" \n ")
@example("a\u2003\u2003b. \u00a0C")
@example("\ufeffA.\u200b B.")
def test_sentences_are_trimmed_in_order_and_cover_all_but_white_space(text: str) -> None:
    check(text, 0, len(text), sentences(text))


@given(TEXTS, st.data())
def test_the_sentences_of_a_stretch_lie_in_it(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    found = sentences(text, start, end)
    check(text, start, end, found)
    assert found == [(start + left, start + right) for left, right in sentences(text[start:end])]


@given(TEXTS)
def test_blocks_are_in_order_and_cover_all_but_white_space(text: str) -> None:
    position = 0
    for start, end in blocks(text):
        assert position <= start < end <= len(text)
        assert not text[position:start].strip()
        position = end
    assert not text[position:].strip()


@given(TEXTS)
def test_no_sentence_runs_over_a_block(text: str) -> None:
    bounds = blocks(text)
    for start, end in sentences(text):
        assert any(left <= start and end <= right for left, right in bounds)


# Of texts as people write them


@pytest.mark.parametrize(("text", "expected"), [
    pytest.param("One. Two! Three?", ["One.", "Two!", "Three?"], id="marks"),
    pytest.param("Dr. Smith met Mr. Jones at 3.15 p.m. in Washington. They spoke.",
                 ["Dr. Smith met Mr. Jones at 3.15 p.m. in Washington.", "They spoke."], id="abbreviations"),
    pytest.param("Use fruit, e.g. apples, i.e. what is ripe. Pay $3.50 at no. 12.",
                 ["Use fruit, e.g. apples, i.e. what is ripe.", "Pay $3.50 at no. 12."], id="within sentences"),
    pytest.param('She said: "Come in." He came.', ['She said: "Come in."', "He came."], id="quotation"),
    pytest.param("See https://example.org/a.b?c=d. Then go.", ["See https://example.org/a.b?c=d.", "Then go."], id="address"),
    pytest.param("no mark at the end", ["no mark at the end"], id="no mark"),
    ("Parcels may weigh max. 20 kg each. Larger ones go by freight.",
     ["Parcels may weigh max. 20 kg each.", "Larger ones go by freight."]),
    ("The desk is open Mon. to Fri. from 8 a.m. to noon. It is shut on Sun. Ask at the bar.",
     ["The desk is open Mon. to Fri. from 8 a.m. to noon.", "It is shut on Sun.", "Ask at the bar."]),
    ("It takes approx. five hours and costs 20 euro incl. VAT.", ["It takes approx. five hours and costs 20 euro incl. VAT."]),
    ("See Ref. No. 12. The answer is no. He left. We saw the sun. 5 boats came.",
     ["See Ref. No. 12.", "The answer is no.", "He left.", "We saw the sun.", "5 boats came."]),
])
def test_sentences_end_where_they_do(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


def test_a_wrapped_line_runs_on() -> None:
    text = ("Employees who have worked for at least a year may take\n"
            "Unpaid leave of up to three months, and longer where the\n"
            "manager agrees. Requests are made in writing.\n\nA new paragraph.")
    assert cut(text) == [
        "Employees who have worked for at least a year may take\nUnpaid leave of up to three months, and longer where the\n"
        "manager agrees.", "Requests are made in writing.", "A new paragraph."]


def test_windows_line_ends_are_line_ends() -> None:
    assert cut("A line that is wrapped\r\nat the margin. Next.\r\n\r\nAnother paragraph.\r\n") == [
        "A line that is wrapped\r\nat the margin.", "Next.", "Another paragraph."]


def test_headings_stand_alone() -> None:
    assert cut("# Leave\nTwelve weeks are paid.\n## Who\nEverybody is.") == [
        "# Leave", "Twelve weeks are paid.", "## Who", "Everybody is."]


@pytest.mark.parametrize("mark", ["- ", "* ", "• ", "1. ", "2) ", "(a) ", "– "])
def test_every_list_item_is_its_own(mark: str) -> None:
    text = f"Bring:\n{mark}Boots that are dry\n{mark}A lamp\n  with batteries\n{mark}Bread"
    assert cut(text) == ["Bring:", f"{mark}Boots that are dry", f"{mark}A lamp\n  with batteries", f"{mark}Bread"]


def test_every_table_row_is_its_own() -> None:
    text = "| Port | Time |\n| --- | --- |\n| North | 9.15 |\n| south | 10.30 |"
    assert cut(text) == text.split("\n")
    assert cut("Port | Time\nNorth | 9.15\nsouth | 10.30") == ["Port | Time", "North | 9.15", "south | 10.30"]


def test_a_sentence_runs_over_a_page_break() -> None:
    assert cut("The contract begins on the first\fday of the month. It ends in May.") == [
        "The contract begins on the first\fday of the month.", "It ends in May."]
    whole = "The contract begins on the first\n\fday of the month."
    assert cut(whole) == [whole]


@pytest.mark.parametrize(("end", "begin"), [
    ("Total due: 411.50 euros", "Invoice 2047 of March 4, 2025"),
    ("Course: Knots and splices", "Certificate of merit"),
    ("The last boat leaves the pier at 19", "2026 fares are below"),
    ("Awarded to Anna Ray of Pellin", "(Copy) Awarded to Bob Stone"),
    ("Prize of the year: vitamin A", "Ärzte ohne Grenzen"),
])
@pytest.mark.parametrize("break_", ["\f", "\r\n\f", "\n\f\n"])
def test_a_page_that_begins_anew_begins_a_sentence(end: str, begin: str, break_: str) -> None:
    assert cut(f"{end}{break_}{begin}") == [end, begin]


@pytest.mark.parametrize("text", [
    "The boat that leaves at noon is on\fSundays often full.",
    "The boat that leaves for the port of\fMarrick is often full.",
    "On Fridays, Saturdays,\fSundays and feasts it is full.",
    "They live at Marrick-\fHarbour, near the pier.",
    "Die Fahrt dauert mit dem\fSchnellboot eine Stunde.",
    "船は九時に港を出て\f島へ向かう。",
])
def test_a_sentence_that_cannot_end_goes_on_before_a_capital_letter(text: str) -> None:
    assert cut(text) == [text]


def test_characters_beyond_the_basic_plane_count_once() -> None:
    text = "𝔄 𝔅 is odd. 😀 laughs. e\u0301 is é."
    assert sentences(text) == [(0, 11), (12, 21), (22, 30)]


def test_a_very_long_line_without_spaces_is_one_sentence_and_quick() -> None:
    started = time.perf_counter()
    assert sentences("x" * 100_000) == [(0, 100_000)]
    assert time.perf_counter() - started < 5


def test_a_book_is_quick() -> None:
    text = "\n\n".join(f"Paragraph {n} says little. It is here, e.g. to be counted." for n in range(3000))
    started = time.perf_counter()
    assert len(sentences(text)) == 6000
    assert time.perf_counter() - started < 5


def test_line_ends_that_a_log_spells_part_sentences_and_paths_stay_whole() -> None:
    text = r"{'said': 'Try these:\n\n1. Leadenhall Market\n\n2. The Monument.\nSee C:\new\notes\nfirst for it.\r\nGood luck!'}"
    assert [text[start:end] for start, end in sentences(text)] == [
        "{'said': 'Try these:", "1. Leadenhall Market", "2. The Monument.", r"See C:\new\notes\nfirst for it.",
        "Good luck!'}"]


ORDINARY = ("The ferry leaves at nine. Dr. Ames (M.A.) wrote: “Do not wait. It goes on time, at 9.15 a.m. Really!”"
            " Who pays £3.50? Children under five (and dogs, e.g. small ones) travel free. He said \"No. Never.\" and"
            " went to St. Orrin; so did we. ")


def test_a_long_paragraph_is_cut_as_if_it_were_seen_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(f"{ORDINARY * (number % 3 + 1)}That is rule {number}." for number in range(60))
    assert len(text) > 25_000
    found = sentences(text)
    monkeypatch.setattr("index.sentences._AT_ONCE", len(text))
    assert found == sentences(text)


@pytest.mark.parametrize("text", ["1. " * 100_000, "“" * 100_000, "“So. " * 60_000, "a" * 100_000, "1 " * 100_000],
                         ids=["numbers", "open quotes", "open quotes and words", "one word", "one sentence"])
def test_strange_text_takes_a_moment(text: str) -> None:
    started = time.process_time()
    found = sentences(text)
    assert time.process_time() - started < 5
    covered = sum(end - start for start, end in found) + sum(b[0] - a[1] for a, b in pairwise(found))
    assert covered == len(text.strip())
    assert all(text[a[1] : b[0]].isspace() or a[1] == b[0] for a, b in pairwise(found))
