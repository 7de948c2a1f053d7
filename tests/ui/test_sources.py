from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import InputError, SourceChanged
from ui.sources import LONGEST, Reference, paragraphs, surroundings

TEXTS = st.text(st.sampled_from("ab.😀 \n\r\f\t|-1#"), max_size=300)


@given(TEXTS)
def test_paragraphs_tile_any_text(text: str) -> None:
    tiles = paragraphs(text)
    assert "".join(text[start:end] for start, end in tiles) == text
    assert all(start < end for start, end in tiles)
    if text.strip():  # no paragraph is empty to the eye
        assert all(text[start:end].strip() for start, end in tiles)


@pytest.mark.parametrize(("text", "expected"), [
    ("One.\n\nTwo.", ["One.\n\n", "Two."]),
    ("wrapped line of a certain length\nwrapped line of a certain length",
     ["wrapped line of a certain length\nwrapped line of a certain length"]),
    ("List:\n- one\n- two", ["List:\n", "- one\n", "- two"]),
    ("Term | Meaning\nWatch | A period", ["Term | Meaning\n", "Watch | A period"]),
    ("A page.\fAnother page.", ["A page.\f", "Another page."]),
    ("A heading\r\n" + "a long line of prose that goes on and on to the edge\r\n" * 3,
     ["A heading\r\n", "a long line of prose that goes on and on to the edge\r\n" * 3]),
    ("", []),
])
def test_paragraphs_are_those_that_people_see(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in paragraphs(text)] == expected


def test_paragraphs_of_what_is_looked_at_are_remembered() -> None:
    text = "One.\n\nTwo."
    assert paragraphs(text) is paragraphs(text)


def test_a_giant_paragraph_comes_in_parts() -> None:
    for text in ("word " * 2000, "x" * 7000):
        tiles = paragraphs(text)
        assert "".join(text[start:end] for start, end in tiles) == text
        assert max(end - start for start, end in tiles) <= LONGEST
        assert len(tiles) == -(-len(text) // LONGEST)  # no more than it takes


def marked(told: dict, *kinds: str) -> str:
    return "".join(piece for paragraph in told["window"] for piece, kind in paragraph["segments"] if kind in kinds)


def cite(document, quote: str) -> Reference:
    start = document.text.index(quote)
    return Reference(document.id, start, start + len(quote), document.text_sha256[:12])


def test_pieces_are_exact_behind_characters_beyond_the_basic_plane(document) -> None:
    leave = document("😀🏝️ Intro.\n\n𝔸 Staff have 25 days. Others 12.\n\nEnd 😀.", page=2, heading=("H",))
    cited = cite(leave, "Staff have 25 days.")
    key = leave.text.index("25 days")
    other = leave.text.index("Others 12.")
    told = surroundings(leave, cited, (key, key + 7), [(other, other + 10)])
    assert marked(told, "quote", "highlight") == told["quote"] == "Staff have 25 days."
    assert marked(told, "highlight") == "25 days"
    assert marked(told, "other") == "Others 12."
    assert marked(told, "quote", "highlight", "other", "") == leave.text
    assert (told["paragraph"], told["paragraphs"], told["page"], told["heading"]) == (2, 3, 2, ["H"])


def test_it_is_said_where_ocr_read_the_page(document) -> None:
    leave = document("Staff have 25 days.", page=2)
    assert surroundings(leave, cite(leave, "25 days"))["ocr"] is False
    read = replace(leave, sections=(replace(leave.sections[0], ocr="eng"),))
    assert surroundings(read, cite(read, "25 days"))["ocr"] is True


def test_a_quote_over_two_paragraphs_is_marked_in_both(document) -> None:
    both = document("One.\n\nTwo. Three.")
    told = surroundings(both, cite(both, "One.\n\nTwo."))
    assert marked(told, "quote") == "One.\n\nTwo."
    assert len(told["window"]) == 2


def test_forty_paragraphs_either_side_and_more_when_asked(document) -> None:
    long = document("\n\n".join(f"Paragraph {n}." for n in range(200)))
    cited = cite(long, "Paragraph 100.")
    told = surroundings(long, cited)
    assert [told["window"][0]["index"], told["window"][-1]["index"], told["before"], told["after"]] == [60, 140, 60, 59]
    told = surroundings(long, cited, first=20, last=60)
    assert [told["window"][0]["index"], told["window"][-1]["index"], told["before"], told["after"]] == [20, 59, 20, 140]
    assert surroundings(long, cited, first=500, last=900)["window"] == []
    with pytest.raises(InputError):
        surroundings(document("a\n\n" * 500), cite(document("a\n\n" * 500), "a"), first=0, last=400)


def test_headings_are_told_apart(document) -> None:
    leave = document("## Leave\n\nStaff have 25 days.", heading=("Leave",))
    assert [paragraph["heading"] for paragraph in surroundings(leave, cite(leave, "Staff"))["window"]] == [True, False]


def test_another_text_is_never_shown(document) -> None:
    before, after = document("Staff have 25 days."), document("Staff have 26 days.")
    with pytest.raises(SourceChanged):
        surroundings(after, cite(before, "25 days"))


@pytest.mark.parametrize("text", ["", "x", "0123456789abcdef.1.2", "0123456789abcdef.-1.2.0123456789ab",
                                  "0123456789ABCDEF.1.2.0123456789ab", "0123456789abcdef.1.2.0123456789ab\n",
                                  "0123456789abcdef.99999999999.2.0123456789ab"])
def test_what_is_no_citation_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Reference.parse(text)


@pytest.mark.parametrize("span", [(0, 0), (5, 3), (0, 99)])
def test_a_span_outside_of_the_text_is_refused(document, span: tuple[int, int]) -> None:
    leave = document("Staff.")
    with pytest.raises(InputError):
        surroundings(leave, Reference(leave.id, *span, leave.text_sha256[:12]))
    with pytest.raises(InputError):
        surroundings(leave, cite(leave, "Staff"), span)
