"""The baseline reader: which sentences it looks at, in which order it puts them, and how sure it is."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import fakes
import pytest

from index.types import Chunk, Section
from rag.reader import BASELINE, load_reader
from rag.reader.base import quotable
from rag.reader.similarity import (
    ENCODED,
    WEIGHTS,
    SimilarityReader,
    candidates,
    features,
    kind_fits,
    trust_features,
)
from rag.types import Passage, Span

MakePassage = Callable[..., Passage]
MakeSpan = Callable[..., Span]

FERRY = "The night ferry leaves at nine. It returns at noon. A ticket for the ferry costs four euro."


# What can be quoted


@pytest.mark.parametrize("sentence", [
    "Probation lasts four months.",
    "Ask Hester Quane!",
    "He said: “Never again.”",
    "- two days for moving house",
    "* an oilskin",
    "• boots and gloves",
    "1. Write both names on the sheet",
    "(b) the master of the vessel",
    "| Route | Fare |",
    "Day ticket | 4 euro",
    "Opening hours: nine to five",
    "Founded in 1987",
    "a sentence that goes on and on without any full stop at its end",
])
def test_sentences_items_and_rows_can_be_quoted(sentence: str) -> None:
    assert quotable(sentence, [])


@pytest.mark.parametrize("sentence", [
    "# Leave",
    "## Leave in 2026.",
    "What does a ticket cost?",
    "- May dogs come along?",
    "**How long is probation?**",
    "Carry-over of leave",
    "Opening hours",
    "   ",
    "***",
    "",
])
def test_headings_questions_and_nothing_cannot_be_quoted(sentence: str) -> None:
    assert not quotable(sentence, [])


def test_what_is_a_heading_of_the_document_cannot_be_quoted() -> None:
    assert quotable("Rules of 1987.", ["leave"])
    assert not quotable("Rules of 1987.", ["leave", "rules of 1987."])
    assert not quotable("  RULES of\n1987. ", ["rules of 1987."])
    assert not quotable("**Rules of 1987.**", ["rules of 1987."])


# Which sentences are looked at


def test_candidates_are_the_quotable_sentences_of_every_passage(passage: MakePassage) -> None:
    first = passage("Why nine? The ferry leaves at nine.", "a.txt")
    second = passage("It returns at noon.", "b.txt")
    found = candidates("When does the ferry leave?", [first, second])
    assert [c.passage.document.text[c.start : c.end] for c in found] == ["The ferry leaves at nine.", "It returns at noon."]


def test_title_and_headings_are_no_candidates(passage: MakePassage) -> None:
    text = "Fares 2026.\n\nA ticket costs four euro.\n"
    sections = [Section(0, len(text), ("Prices", "Fares 2026."))]
    assert len(candidates("What does a ticket cost?", [passage(text)])) == 2
    assert len(candidates("What does a ticket cost?", [passage(text, title="Fares 2026.")])) == 1
    assert len(candidates("What does a ticket cost?", [passage(text, sections=sections)])) == 1


def test_the_share_is_of_the_terms_of_the_question(passage: MakePassage) -> None:
    none, half, all_of_it = candidates("ferry tickets", [passage("Dogs bark. The ferry leaves. A ticket for ferries.")])
    assert none.shared == 0.0
    assert half.shared == pytest.approx(0.5)
    assert all_of_it.shared == pytest.approx(1.0)


def test_a_term_that_few_passages_have_says_more(passage: MakePassage) -> None:
    passages = [passage("The ferry waits. The parrot waits.", "a.txt"), passage("The ferry sails.", "b.txt")]
    ferry, parrot, _ = candidates("ferry parrot", passages)
    assert parrot.shared > ferry.shared > 0


def test_a_question_of_stop_words_shares_nothing(passage: MakePassage) -> None:
    assert [c.shared for c in candidates("What is it?", [passage(FERRY)])] == [0.0, 0.0, 0.0]


def test_only_the_most_promising_are_looked_at_in_the_order_of_the_passages(passage: MakePassage) -> None:
    filler = " ".join(f"Nothing happened on day {number}." for number in range(ENCODED))
    passages = [passage(f"{filler} The ferry sank.", "a.txt", score=1.0), passage("The ferry rose.", "b.txt", score=0.0)]
    found = candidates("Which ferry?", passages)
    texts = [c.passage.document.text[c.start : c.end] for c in found]
    assert len(found) == ENCODED
    assert texts[-2:] == ["The ferry sank.", "The ferry rose."]
    assert texts[:3] == [f"Nothing happened on day {number}." for number in range(3)]


def test_without_passages_there_is_nothing_to_read(reader: SimilarityReader, passage: MakePassage) -> None:
    assert candidates("ferry", []) == []
    assert reader.read("ferry", []) == []
    assert reader.read("ferry", [passage("Why? Who?")]) == []


def test_features_are_cosine_words_rank_length_and_kind(passage: MakePassage) -> None:
    encoder = fakes.WordEncoder()
    passages = [passage("The ferry leaves at nine.", "a.txt", score=2.0), passage("x" * 600 + ".", "b.txt", score=0.5)]
    found = candidates("When: the ferry leaves at nine.", passages)
    near, far = features("The ferry leaves at nine.", found, passages, encoder)
    assert near == pytest.approx([1.0, 1.0, 0.0, 25 / 300, 0.0])
    assert far[1:] == pytest.approx([0.0, -1.5, 1.0, 0.0])


@pytest.mark.parametrize(("question", "sentence", "fits"), [
    ("How many days of leave are there?", "There are 25 days.", 1.0),
    ("How long is probation?", "Probation lasts four months.", 1.0),
    ("When does the ferry leave?", "It leaves on Mondays.", 1.0),
    ("What does a ticket cost?", "Ask at the office.", -1.0),
    ("Who approves expenses?", "Expenses go to Hester Quane.", 1.0),
    ("Who approves expenses?", "They are approved by the managing director.", 1.0),
    ("Who approves expenses?", "They are approved within a week.", -1.0),
    ("Where are bicycles kept?", "In the shed.", 0.0),
])
def test_an_amount_a_date_or_a_name_fits_where_it_is_asked_for(question: str, sentence: str, fits: float) -> None:
    assert kind_fits(question, sentence) == fits


# In which order


def test_the_sentence_that_shares_most_comes_first(reader: SimilarityReader, passage: MakePassage) -> None:
    spans = reader.read("What does a ferry ticket cost?", [passage(FERRY)])
    assert [span.text for span in spans] == ["A ticket for the ferry costs four euro.", "The night ferry leaves at nine.",
                                             "It returns at noon."]
    assert spans[0].score == pytest.approx(10 * 1.0 - 4)
    assert spans[-1].score == pytest.approx(-4)


def test_a_span_is_a_whole_sentence_of_its_chunk(reader: SimilarityReader, passage: MakePassage) -> None:
    whole = passage(FERRY)
    assert {(span.start, span.end) for span in reader.read("ferry", [whole])} == set(whole.chunk.sentences)


def test_equal_scores_come_by_source_and_place(reader: SimilarityReader, passage: MakePassage) -> None:
    passages = [passage("Dogs bark. Dogs bite.", name) for name in ("b.txt", "a.txt")]
    assert [(span.passage.document.source, span.start) for span in reader.read("dogs", passages)] == [
        ("a.txt", 0), ("a.txt", 11), ("b.txt", 0), ("b.txt", 11)]


def test_a_sentence_in_two_chunks_of_a_document_is_read_once(reader: SimilarityReader, passage: MakePassage) -> None:
    whole = passage(FERRY)
    made, pieces = whole.document, whole.chunk.sentences
    chunks = [Chunk("one", made.id, 0, pieces[1][1], pieces[:2], 1),
              Chunk("two", made.id, pieces[1][0], pieces[2][1], pieces[1:], 1)]
    spans = reader.read("When does it return?", [Passage(chunk, made, 0.0) for chunk in chunks])
    assert sorted((span.start, span.end) for span in spans) == sorted(pieces)


def test_the_same_sentence_in_two_documents_stays_in_twice(reader: SimilarityReader, passage: MakePassage) -> None:
    spans = reader.read("Do dogs bark?", [passage("Dogs bark.", "a.txt"), passage("Dogs bark.", "b.txt")])
    assert [span.passage.document.source for span in spans] == ["a.txt", "b.txt"]


# How sure


def test_confidence_is_the_logistic_of_the_best_score(reader: SimilarityReader, passage: MakePassage) -> None:
    spans = reader.read("What does a ferry ticket cost?", [passage(FERRY)])
    assert reader.confidence("", spans) == pytest.approx(1 / (1 + math.exp(-spans[0].score)))
    assert reader.confidence("", []) == 0.0


def test_the_lead_is_over_the_next_different_sentence(passage: MakePassage, span: MakeSpan) -> None:
    first, copy = passage("Dogs bark. Cats purr.", "a.txt"), passage("DOGS  bark.", "b.txt")
    spans = [span(first, "Dogs bark.", 3.0), span(copy, "DOGS  bark.", 2.9), span(first, "Cats purr.", 1.5)]
    assert trust_features(spans) == pytest.approx([3.0, 1.5])


def test_the_lead_is_four_at_most_and_where_nothing_follows(passage: MakePassage, span: MakeSpan) -> None:
    whole = passage("Dogs bark. Cats purr.")
    assert trust_features([span(whole, "Dogs bark.", 3.0)]) == pytest.approx([3.0, 4.0])
    assert trust_features([span(whole, "Dogs bark.", 3.0), span(whole, "Cats purr.", -9.0)]) == pytest.approx([3.0, 4.0])


def test_name_and_threshold_are_those_of_the_weights(reader: SimilarityReader) -> None:
    assert (reader.name, reader.threshold) == ("similarity-1", 0.5)


def test_the_weights_that_ship_fit_the_features(passage: MakePassage) -> None:
    encoder = fakes.WordEncoder()
    shipped = load_reader(BASELINE, encoder)
    fitted = json.loads(Path(WEIGHTS).read_text())
    assert shipped.name == f"similarity-{fitted['version']}"
    assert 0 < shipped.threshold < 1
    spans = shipped.read("What does a ferry ticket cost?", [passage(FERRY)])
    assert spans[0].text == "A ticket for the ferry costs four euro."
    assert 0 < shipped.confidence("", spans) < 1
