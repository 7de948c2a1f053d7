"""What an answer is made of cannot be made wrong, and its JSON is the contract."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import orjson
import pytest
from fakes import document

from index.types import Chunk, Section
from rag.types import SCHEMA, Answer, Citation, Header, Passage, Quote, Span

TEXT = "Leave is 25 days. Carry over 5 of them. Ask before June."
DOCUMENT = replace(document(TEXT, "docs/leave.md", "Leave", [Section(0, 18, ("Leave",), 1),
                                                             Section(18, len(TEXT), ("Leave", "Carry-over"), 2)]),
                   author="Ann Lee", date="2026-03-02")
PASSAGE = Passage(Chunk("c", DOCUMENT.id, 18, 56, ((18, 39), (40, 56)), 9), DOCUMENT, 0.81239, 1, None)
CITATION = Citation.of(DOCUMENT, 18, 39, 1)
QUOTE = Quote.of(DOCUMENT, 18, 39, (29, 30), 8.123456, (CITATION,))


def answer(**changes: object) -> Answer:
    made = Answer("How many?", "How many? (leave)", True, 0.93751, (QUOTE,), (PASSAGE,), "000001-abcdef01",
                  {"encoder": "words 1", "reader": "similarity-1"}, {"read": 1.23456, "total": 2.0})
    return replace(made, **changes)


def test_a_passage_is_the_characters_of_its_chunk() -> None:
    assert PASSAGE.text == "Carry over 5 of them. Ask before June."


def test_a_span_is_the_characters_it_marks() -> None:
    assert Span(PASSAGE, 29, 30, 0.5).text == "5"
    assert Span(PASSAGE, 18, 56, 0.5).text == PASSAGE.text


@pytest.mark.parametrize(("start", "end"), [(17, 30), (18, 57), (30, 30), (31, 30), (0, 4), (-3, -1)])
def test_a_span_that_does_not_lie_in_its_chunk_cannot_be_made(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="span in c"):
        Span(PASSAGE, start, end, 0.5)


def test_a_quote_is_cut_from_its_document() -> None:
    assert QUOTE.text == TEXT[18:39] == "Carry over 5 of them."
    assert (QUOTE.start, QUOTE.end) == (18, 39)


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (6, 5), (0, len(TEXT) + 1), (900, 901)])
def test_a_quote_that_does_not_lie_in_its_document_cannot_be_made(start: int, end: int) -> None:
    with pytest.raises(ValueError, match=r"docs/leave\.md"):
        Quote.of(DOCUMENT, start, end, (start, end), 1.0, (CITATION,))


@pytest.mark.parametrize("highlight", [(17, 30), (29, 40), (29, 29), (30, 29)])
def test_a_highlight_lies_in_its_quote(highlight: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="highlight"):
        Quote.of(DOCUMENT, 18, 39, highlight, 1.0, (CITATION,))


def test_a_quote_has_as_many_characters_as_its_place() -> None:
    with pytest.raises(ValueError, match="cannot stand at"):
        Quote("Carry over five of them.", 18, 39, (18, 39), 1.0, (CITATION,))


def test_a_quote_without_a_citation_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="without a citation"):
        Quote.of(DOCUMENT, 18, 39, (18, 39), 1.0, ())


def test_a_citation_is_cut_from_its_document() -> None:
    assert Citation(1, DOCUMENT.id, "docs/leave.md", "Leave", 18, 39, 2, ("Leave", "Carry-over"), DOCUMENT.text_sha256,
                                DOCUMENT.file_sha256, "Carry over 5 of them.", "Ann Lee", "2026-03-02") == CITATION
    with pytest.raises(ValueError, match=r"docs/leave\.md"):
        Citation.of(DOCUMENT, 50, 57, 1)


def test_a_header_stands_above_its_quote() -> None:
    assert Quote.of(DOCUMENT, 18, 39, (29, 30), 1.0, (CITATION,), (0, 17)).header == Header("Leave is 25 days.", 0, 17)
    for header in ((0, 19), (17, 17), (-1, 5), (40, 56)):
        with pytest.raises(ValueError, match="header above the quote"):
            Quote.of(DOCUMENT, 18, 39, (29, 30), 1.0, (CITATION,), header)


def test_nothing_of_an_answer_changes_once_it_is_made() -> None:
    with pytest.raises(FrozenInstanceError):
        QUOTE.text = "other words"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        answer().answered = False  # type: ignore[misc]


def test_the_text_of_an_answer_is_its_quotes_a_line_each() -> None:
    second = Quote.of(DOCUMENT, 40, 56, (40, 56), 1.0, (replace(CITATION, number=2, start=40, end=56),))
    assert answer(quotes=(QUOTE, second)).text == "Carry over 5 of them.\nAsk before June."
    assert answer(quotes=()).text == ""


def test_two_answers_are_the_same_however_long_they_took() -> None:
    assert answer() == answer(timings_ms={"total": 999.0})
    assert answer() != answer(confidence=0.5)


def test_the_json_has_exactly_the_keys_of_the_contract() -> None:
    told = answer().json("s001")
    assert list(told) == ["schema", "id", "question", "standalone_question", "answered", "confidence", "text", "unanswered",
                          "quotes", "passages", "generation", "models", "timings_ms"]
    assert list(told["quotes"][0]) == ["text", "start", "end", "highlight", "score", "header", "differs", "citations"]
    assert list(told["quotes"][0]["citations"][0]) == ["number", "document_id", "source", "title", "author", "date",
                                                       "start", "end", "page", "heading", "text", "text_sha256", "file_sha256"]
    assert list(told["passages"][0]) == ["source", "start", "end", "score", "dense_rank", "lexical_rank"]


def test_the_json_says_what_the_answer_says() -> None:
    assert answer().json("s001") == {
        "schema": SCHEMA, "id": "s001", "question": "How many?", "standalone_question": "How many? (leave)",
        "answered": True, "confidence": 0.938, "text": "Carry over 5 of them.", "unanswered": [],
        "quotes": [{
            "text": "Carry over 5 of them.", "start": 18, "end": 39, "highlight": [29, 30], "score": 8.1235,
            "header": None, "differs": False,
            "citations": [{
                "number": 1, "document_id": DOCUMENT.id, "source": "docs/leave.md", "title": "Leave", "author": "Ann Lee",
                "date": "2026-03-02", "start": 18, "end": 39, "page": 2,
                "heading": ["Leave", "Carry-over"], "text": "Carry over 5 of them.",
                "text_sha256": DOCUMENT.text_sha256, "file_sha256": DOCUMENT.file_sha256}]}],
        "passages": [{"source": "docs/leave.md", "start": 18, "end": 56, "score": 0.8124, "dense_rank": 1,
                      "lexical_rank": None}],
        "generation": "000001-abcdef01", "models": {"encoder": "words 1", "reader": "similarity-1"},
        "timings_ms": {"read": 1.23, "total": 2.0}}


def test_the_json_tells_a_header_and_what_differs() -> None:
    told = Quote.of(DOCUMENT, 18, 39, (29, 30), 1.0, (CITATION,), (0, 17), differs=True).json()
    assert (told["header"], told["differs"]) == ({"text": "Leave is 25 days.", "start": 0, "end": 17}, True)


def test_a_refusal_has_the_same_keys_and_no_quotes() -> None:
    refusal = answer(answered=False, quotes=()).json()
    assert list(refusal) == list(answer().json())
    assert (refusal["answered"], refusal["text"], refusal["quotes"], refusal["id"]) == (False, "", [], "")
    assert refusal["passages"]


def test_the_json_survives_being_written_and_read() -> None:
    told = answer().json("s001")
    assert orjson.loads(orjson.dumps(told)) == told
