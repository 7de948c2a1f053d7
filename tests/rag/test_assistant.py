"""Questions on a real small index, through the fake encoder."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from index.build import index_documents
from index.chunks import Chunking
from index.errors import EncoderMismatch, InputError, NoIndex
from index.generation import Generation
from rag.assistant import Assistant, Stage
from rag.config import Config
from rag.reader.similarity import SimilarityReader
from rag.types import Answer


def test_an_answer_is_cut_from_the_document_at_its_offsets(assistant: Assistant) -> None:
    answer = assistant.ask("When does the ferry Solan sail to Marrick?")
    assert answer.answered
    quote = answer.quotes[0]
    citation = quote.citations[0]
    assert quote.text == "🚢 The ferry Solan sails to Marrick at nine."
    assert (citation.source, citation.start, citation.end) == ("boats.txt", 0, len(quote.text))
    assert assistant.store.document(citation.document_id).text[citation.start : citation.end] == quote.text


def test_the_same_sentence_in_two_documents_is_one_quote_with_two_citations(assistant: Assistant) -> None:
    first = assistant.ask("How many days a year is annual leave?").quotes[0]
    assert first.text == "Annual leave is 25 days a year."
    assert [(c.number, c.source, c.start) for c in first.citations] == [(1, "leave-copy.txt", 16), (2, "leave.txt", 0)]


def test_below_the_threshold_it_refuses_and_shows_where_it_looked(assistant: Assistant) -> None:
    assistant.config = Config(threshold=1.0)
    answer = assistant.ask("How many days a year is annual leave?")
    assert (answer.answered, answer.quotes, answer.text) == (False, (), "")
    assert answer.passages[0].document.source == "leave-copy.txt"
    assert assistant.ask_anyway("How many days a year is annual leave?").quotes[0].text == "Annual leave is 25 days a year."


def test_a_question_on_nothing_in_the_library_is_refused(assistant: Assistant) -> None:
    assert not assistant.ask("Who won the chess championship?").answered


def test_the_steps_end_in_the_answer(assistant: Assistant) -> None:
    *stages, answer = assistant.ask_in_steps("Does a dog travel free?")
    assert stages == [Stage("searching"), Stage("reading", 3)]
    assert isinstance(answer, Answer)
    assert answer.quotes[0].text == "A dog travels free."


def test_a_follow_up_takes_words_from_the_turn_before(assistant: Assistant) -> None:
    answer = assistant.ask("And when does it lapse?", ["How much annual leave is there?"])
    assert answer.standalone_question == "And when does it lapse? (much annual leave)"
    assert answer.question == "And when does it lapse?"


def test_the_same_question_gets_the_same_answer_from_every_thread(assistant: Assistant) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(assistant.ask, ["How many days a year is annual leave?"] * 12))
    assert {str(answer.json() | {"timings_ms": 0}) for answer in answers} == {str(answers[0].json() | {"timings_ms": 0})}


def test_it_moves_to_a_new_generation_between_two_questions(assistant: Assistant, home: Path, encoder: Any,
                                                           document: Callable[..., Any]) -> None:
    before = assistant.ask("Does a dog travel free?")
    index_documents(home, [document("new.txt", "A dog travels for two pounds.")], encoder=encoder, chunking=Chunking(30, 0))
    after = assistant.ask("Does a dog travel free?")
    assert (before.quotes[0].text, after.quotes[0].text) == ("A dog travels free.", "A dog travels for two pounds.")
    assert before.generation != after.generation


@pytest.mark.parametrize(("question", "reason"), [("  ", "empty"), ("why " * 600, "2399 characters; at most 2000")])
def test_a_question_that_cannot_be_used(assistant: Assistant, question: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        assistant.ask(question)


def test_nothing_indexed(tmp_path: Path, encoder: Any, weights: Path) -> None:
    with pytest.raises(NoIndex, match="pullquote index"):
        Assistant(tmp_path / "none", Config(), encoder, SimilarityReader(encoder, weights)).ask("Anything?")


def test_an_index_of_another_encoder_is_refused(home: Path, library: Generation, make_encoder: Callable[..., Any],
                                               weights: Path) -> None:
    other = make_encoder("other")
    with pytest.raises(EncoderMismatch, match="words"):
        Assistant(home, Config(), other, SimilarityReader(other, weights)).ask("Anything?")
