"""Spans become quotes: whole sentences, verbatim, each told once with every place it stands in."""

from __future__ import annotations

import math
from collections.abc import Callable

import fakes
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.sentences import sentences
from index.types import Chunk, Section, document_id, sha256_text
from rag.compose import compose, sentences_around
from rag.types import Passage, Span

MakePassage = Callable[..., Passage]
MakeSpan = Callable[..., Span]

FERRY = "The ferry leaves at nine. It returns at noon. A ticket costs four euro."


def test_a_span_grows_to_its_whole_sentence(passage: MakePassage, span: MakeSpan) -> None:
    [quote] = compose([span(passage(FERRY), "returns at")], 3)
    assert quote.text == "It returns at noon."
    assert (quote.start, quote.end) == (26, 45)
    assert FERRY[slice(*quote.highlight)] == "returns at"


def test_a_span_across_sentences_grows_to_all_of_them(passage: MakePassage, span: MakeSpan) -> None:
    [quote] = compose([span(passage(FERRY), "nine. It returns")], 3)
    assert quote.text == "The ferry leaves at nine. It returns at noon."


def test_a_span_that_is_a_sentence_stays_as_it_is(passage: MakePassage, span: MakeSpan) -> None:
    marked = span(passage(FERRY), "A ticket costs four euro.")
    assert sentences_around(marked) == (marked.start, marked.end)


def test_a_span_with_white_space_around_it_keeps_it_within_the_quote(passage: MakePassage, span: MakeSpan) -> None:
    [quote] = compose([span(passage(FERRY), " It returns at noon. ")], 3)
    assert quote.start <= quote.highlight[0] < quote.highlight[1] <= quote.end
    assert quote.text == FERRY[quote.start : quote.end]


def test_a_span_does_not_grow_beyond_its_chunk(passage: MakePassage) -> None:
    whole = passage(FERRY)
    narrow = Passage(Chunk("c", whole.document.id, 26, 45, ((26, 45),), 4), whole.document, 0.0)
    assert sentences_around(Span(narrow, 29, 36, 0.0)) == (26, 45)


def test_the_same_sentence_in_two_documents_is_one_quote_with_two_citations(passage: MakePassage, span: MakeSpan) -> None:
    first, second = passage(FERRY, "ferry.txt"), passage("Mind: smoke!\n\nA ticket costs four euro.", "fares.txt")
    sentence = "A ticket costs four euro."
    [quote] = compose([span(first, sentence, 2.0), span(second, sentence, 2.0)], 3)
    assert [(c.number, c.source, c.start, c.end) for c in quote.citations] == [
        (1, "ferry.txt", 46, 71), (2, "fares.txt", 14, 39)]
    assert (quote.start, quote.end) == (46, 71)


def test_the_same_words_in_another_case_or_wrapping_are_the_same_sentence(passage: MakePassage, span: MakeSpan) -> None:
    first, second = passage(FERRY, "a.txt"), passage("A TICKET COSTS\nfour  euro.", "b.txt")
    [quote] = compose([span(first, "ticket", 2.0), span(second, "four", 1.0)], 3)
    assert quote.text == "A ticket costs four euro."
    assert [c.source for c in quote.citations] == ["a.txt", "b.txt"]
    cited = quote.citations[1]
    assert second.document.text[cited.start : cited.end] == "A TICKET COSTS\nfour  euro."


def test_further_citations_come_however_weak_and_however_many(passage: MakePassage, span: MakeSpan) -> None:
    copies = [passage("A ticket costs four euro.", f"{name}.txt") for name in "abcde"]
    spans = [span(copy, "four", 5.0 - 3 * number) for number, copy in enumerate(copies)]
    [quote] = compose(spans, 1)
    assert [c.number for c in quote.citations] == [1, 2, 3, 4, 5]


def test_citations_are_numbered_through_the_answer_in_reading_order(passage: MakePassage, span: MakeSpan) -> None:
    first, second = passage(FERRY, "a.txt"), passage("It returns at noon. Dogs travel free.", "b.txt")
    quotes = compose([span(first, "noon", 2.0), span(second, "Dogs", 1.9), span(second, "noon", 1.8),
                      span(first, "nine", 1.7)], 3)
    assert [[(c.number, c.source) for c in quote.citations] for quote in quotes] == [
        [(1, "a.txt"), (2, "b.txt")], [(3, "b.txt")], [(4, "a.txt")]]


def test_there_are_no_more_quotes_than_the_limit(passage: MakePassage, span: MakeSpan) -> None:
    whole = passage(FERRY)
    spans = [span(whole, word, 1.0) for word in ("nine", "noon", "euro")]
    assert [len(compose(spans, limit)) for limit in (1, 2, 3, 4)] == [1, 2, 3, 3]
    assert compose(spans, 1)[0].text == "The ferry leaves at nine."


def test_a_further_quote_is_at_least_half_as_likely_as_the_first(passage: MakePassage, span: MakeSpan) -> None:
    whole = passage(FERRY)
    half = math.log(1 / 3)  # odds of one to three: a quarter, where the first is a half
    assert len(compose([span(whole, "nine", 0.0), span(whole, "noon", half + 0.001)], 3)) == 2
    assert len(compose([span(whole, "nine", 0.0), span(whole, "noon", half - 0.001)], 3)) == 1


def test_without_spans_there_is_no_quote() -> None:
    assert compose([], 3) == ()


@pytest.mark.parametrize("score", [-800.0, 800.0])
def test_extreme_scores_are_still_probabilities(passage: MakePassage, span: MakeSpan, score: float) -> None:
    assert len(compose([span(passage(FERRY), "nine", score)], 3)) == 1


def test_a_citation_says_where_its_sentence_stands(passage: MakePassage, span: MakeSpan) -> None:
    sections = [Section(0, 26, ("Timetable",), 1), Section(26, len(FERRY), ("Timetable", "Return"), 2)]
    whole = passage(FERRY, "docs/ferry.pdf", "Ferry", sections)
    [quote] = compose([span(whole, "noon", 1.5)], 3)
    [citation] = quote.citations
    assert (citation.document_id, citation.source, citation.title) == (document_id("docs/ferry.pdf"), "docs/ferry.pdf", "Ferry")
    assert (citation.page, citation.heading) == (2, ("Timetable", "Return"))
    assert citation.text_sha256 == sha256_text(FERRY)
    assert quote.score == 1.5


WORDS = st.sampled_from(["Ferry", "noon", "e.g.", "four.", "Why?", "Yes!", "…", "🚢", "é", "12.5", "\n", "\n\n- ", "\u00a0",
                         "“No.”"])
TEXTS = st.lists(WORDS, min_size=1, max_size=40).map(" ".join).filter(lambda text: bool(sentences(text)))


@given(st.lists(TEXTS, min_size=1, max_size=3), st.integers(1, 4), st.data())
def test_every_quote_is_cut_verbatim_from_whole_sentences(texts: list[str], limit: int, data: st.DataObject) -> None:
    spans = []
    for number, text in enumerate(texts):
        made, pieces = fakes.document(text, f"{number}.txt"), tuple(sentences(text))
        whole = Passage(Chunk(f"c{number}", made.id, pieces[0][0], pieces[-1][1], pieces, 1), made, 0.0)
        for start, end in data.draw(st.lists(st.sampled_from(pieces), min_size=1, max_size=3)):
            low = data.draw(st.integers(start, end - 1))
            spans.append(Span(whole, low, data.draw(st.integers(low + 1, end)), data.draw(st.floats(-9, 9))))
    spans.sort(key=lambda span: -span.score)
    texts_by_source = {f"{number}.txt": text for number, text in enumerate(texts)}

    quotes = compose(spans, limit)

    assert 1 <= len(quotes) <= limit
    assert [c.number for quote in quotes for c in quote.citations] == list(
        range(1, 1 + sum(len(quote.citations) for quote in quotes)))
    for quote in quotes:
        first = quote.citations[0]
        assert (quote.start, quote.end) == (first.start, first.end)
        assert quote.text == texts_by_source[first.source][first.start : first.end]
        assert quote.start <= quote.highlight[0] < quote.highlight[1] <= quote.end
        assert len({(c.source, c.start) for c in quote.citations}) == len(quote.citations)
        for citation in quote.citations:
            cited = texts_by_source[citation.source][citation.start : citation.end]
            assert " ".join(cited.split()).casefold() == " ".join(quote.text.split()).casefold()
            assert (citation.start, citation.end) in sentences(texts_by_source[citation.source])
    assert len({" ".join(quote.text.split()).casefold() for quote in quotes}) == len(quotes)


def test_two_spans_in_one_sentence_are_one_quote_with_one_citation(passage: MakePassage, span: MakeSpan) -> None:
    leave = passage("Dogs travel free on every ferry. Cats pay.")
    [quote] = compose([span(leave, "Dogs", 3.0), span(leave, "every ferry", 2.9)], 3)
    assert quote.text == "Dogs travel free on every ferry."
    assert [(citation.number, citation.start, citation.end) for citation in quote.citations] == [(1, 0, 32)]
