"""Questions on a real small index, through the fake encoder."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fakes
import pytest

from index.build import index_documents, sync
from index.chunks import Chunking
from index.errors import Corrupt, EncoderMismatch, HomeError, InputError, NoIndex
from index.generation import Generation
from rag.assistant import Assistant, Stage
from rag.calibration import Calibration
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


def test_a_file_at_two_paths_is_encoded_once_and_cited_at_both(tmp_path: Path, encoder: Any, reader: SimilarityReader) -> None:
    text = "Annual leave is 25 days a year. Unused leave lapses at the end of March."
    fakes.write(tmp_path / "docs", {"leave.txt": text, "old/leave 2.txt": text, "post.txt": "Post is fetched at nine."})
    assert sync(tmp_path / "home", [tmp_path / "docs"], encoder=encoder).encoded == len(encoder.texts) == 2
    quotes = Assistant(tmp_path / "home", Config(), encoder, reader).ask("How many days a year is annual leave?").quotes
    assert [(quote.text, [(c.source, c.start, c.text) for c in quote.citations]) for quote in quotes] == [
        (text[:31], [("docs/leave.txt", 0, text[:31]), ("docs/old/leave 2.txt", 0, text[:31])])]


def test_below_the_threshold_it_refuses_and_shows_where_it_looked(assistant: Assistant) -> None:
    assistant.config = Config(threshold=1.0)
    answer = assistant.ask("How many days a year is annual leave?")
    assert (answer.answered, answer.quotes, answer.text) == (False, (), "")
    first, likeliest = answer.passages[0], answer.passages[0].likeliest
    assert first.document.source == "leave-copy.txt"
    assert likeliest is not None
    assert first.document.text[slice(*likeliest)] == "Annual leave is 25 days a year."
    assert assistant.ask_anyway("How many days a year is annual leave?").quotes[0].text == "Annual leave is 25 days a year."


def test_a_question_on_nothing_in_the_library_is_refused(assistant: Assistant) -> None:
    assert not assistant.ask("Who won the chess championship?").answered


def test_two_questions_in_one_are_answered_each(assistant: Assistant) -> None:
    first, second = "How many days a year is annual leave?", "when does the ferry Solan sail to Marrick?"
    alone = [assistant.ask(one) for one in (first, second)]
    answer = assistant.ask(f"{first[:-1]}, and {second}")
    assert answer.standalone_question == f"{first} {second}"
    assert answer.confidence == alone[1].confidence > alone[0].confidence, "the surest first"
    assert [quote.text for quote in answer.quotes] == [one.quotes[0].text for one in reversed(alone)]
    numbers = [[citation.number for citation in quote.citations] for quote in answer.quotes]
    assert numbers == [[1], [2, 3]], "the other stands in two documents"
    assert len({passage.chunk.id for passage in answer.passages}) == len(answer.passages)
    assert [passage.chunk.id for passage in answer.passages[:2]] == [one.passages[0].chunk.id for one in alone]


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.95, 1.0])
def test_the_first_quote_and_its_confidence_do_not_hang_on_the_threshold(assistant: Assistant, threshold: float) -> None:
    assistant.config = Config(threshold=threshold)
    answer = assistant.ask_anyway("How many days a year is annual leave, and when does the ferry Solan sail to Marrick?")
    assert (answer.quotes[0].text, round(answer.confidence, 3)) == ("🚢 The ferry Solan sails to Marrick at nine.", 0.998)
    assert len(answer.quotes) == (2 if threshold <= 0.9 else 1)


def test_where_none_of_the_questions_in_one_can_be_answered_the_surest_is_nearest(assistant: Assistant) -> None:
    assistant.config = Config(threshold=1.0)
    asked = ["Who won the chess championship?", "how many days a year is annual leave?"]
    alone = [assistant.ask_anyway(one) for one in asked]
    answer = assistant.ask_anyway(f"{asked[0][:-1]}, and {asked[1]}")
    assert not answer.answered
    assert answer.confidence == max(one.confidence for one in alone) == alone[1].confidence
    assert answer.quotes[0].text == "Annual leave is 25 days a year."


def test_of_two_questions_in_one_the_one_that_can_be_answered_is(assistant: Assistant) -> None:
    answer = assistant.ask("How many days a year is annual leave, and who won the chess championship?")
    assert answer.answered
    assert [quote.text for quote in answer.quotes] == ["Annual leave is 25 days a year."]
    assert len(answer.unanswered) == 1
    assert answer.unanswered[0].startswith("who won the chess championship?")
    assert answer.json()["unanswered"] == list(answer.unanswered)
    assert assistant.ask("How many days a year is annual leave?").unanswered == ()


def test_two_questions_with_one_answer_get_it_once(assistant: Assistant) -> None:
    answer = assistant.ask("How many days a year is annual leave, and how many days is annual leave?")
    assert [quote.text for quote in answer.quotes] == ["Annual leave is 25 days a year."]


def test_the_steps_end_in_the_answer(assistant: Assistant) -> None:
    *stages, answer = assistant.ask_in_steps("Does a dog travel free?")
    assert stages == [Stage("searching"), Stage("reading", 3)]
    assert isinstance(answer, Answer)
    assert answer.quotes[0].text == "A dog travels free."


def test_a_follow_up_takes_words_from_the_turn_before(assistant: Assistant) -> None:
    answer = assistant.ask("And when does it lapse?", ["How much annual leave is there?"])
    assert answer.standalone_question == "And when does it lapse? (annual leave)"
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


def test_a_threshold_that_is_set_beats_the_readers(assistant: Assistant) -> None:
    question = "How many parrots a year is annual leave?"
    confidence = assistant.ask_anyway(question).confidence
    assert 0 < confidence < 1
    for threshold, answered in ((confidence - 0.001, True), (confidence, True), (confidence + 0.001, False)):
        assistant.config = Config(threshold=threshold)
        assert assistant.ask(question).answered == answered


def calibration(threshold: float, reader: str = "similarity-1") -> Calibration:
    settings = "words 1, zscore (dense 0.3, then 0.7) of 100, 10 read, chunks of 200 (overlap 50)"
    return Calibration(reader, 0.5, -1.0, threshold, 0.1, 0.05, 0.09, 100, 50, 1, settings)


def test_a_calibration_changes_the_confidence_and_the_threshold_and_nothing_else(assistant: Assistant) -> None:
    question = "How many parrots a year is annual leave?"
    before = assistant.ask_anyway(question)
    assistant.calibration = calibration(0.0)
    after = assistant.ask_anyway(question)
    assert after.confidence == assistant.calibration.apply(before.confidence) != before.confidence
    assert (after.quotes, after.passages) == (before.quotes, before.passages)
    for threshold, answered in ((after.confidence, True), (after.confidence + 0.001, False)):
        assistant.calibration = calibration(threshold)
        assert assistant.threshold == threshold
        assert assistant.ask(question).answered == answered


def test_a_threshold_that_is_set_beats_the_calibrations(assistant: Assistant) -> None:
    assistant.calibration = calibration(0.9)
    assert (assistant.threshold, assistant.reader.threshold) == (0.9, 0.5)
    assistant.config = Config(threshold=0.2)
    assert assistant.threshold == 0.2


def test_where_nothing_is_found_a_calibrated_confidence_is_0_too(assistant: Assistant) -> None:
    assistant.reader.read = lambda question, passages: []  # type: ignore[method-assign]
    assistant.calibration = calibration(0.1)
    answer = assistant.ask("Does a dog travel free?")
    assert (answer.answered, answer.confidence) == (False, 0.0)


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch, encoder: Any, reader: SimilarityReader) -> None:
    """Small models in the place of those that `Assistant.open` loads."""
    monkeypatch.setattr("rag.assistant.load_encoder", lambda name: encoder)
    monkeypatch.setattr("rag.assistant.load_reader", lambda name, encoder: reader)


@pytest.mark.usefixtures("library", "models")
def test_the_calibration_of_a_home_is_read_when_it_is_opened(home: Path) -> None:
    assert Assistant.open(home, Config()).calibration is None
    calibration(0.7).write(home)
    opened = Assistant.open(home, Config())
    assert opened.calibration == calibration(0.7)
    assert opened.threshold == 0.7
    calibration(0.8).write(home)
    assert opened.threshold == 0.7, "until it is opened again"
    assert Assistant.open(home, Config()).threshold == 0.8
    assert Assistant.open(home, Config(), calibrated=False).threshold == 0.5


@pytest.mark.usefixtures("library", "models")
def test_a_calibration_holds_for_the_settings_that_it_was_made_with(home: Path) -> None:
    calibration(0.7).write(home)
    assert Assistant.open(home, Config(quotes=5)).threshold == 0.7
    with pytest.raises(HomeError, match=r"made with the settings .*, 10 read, .*, not .*, 5 read, "):
        Assistant.open(home, Config(passages=5))


@pytest.mark.usefixtures("library", "models")
def test_a_calibration_that_cannot_be_used_is_an_error_unless_it_is_left_aside(home: Path) -> None:
    calibration(0.7, "span-1").write(home)
    with pytest.raises(HomeError, match="with the reader span-1, not similarity-1"):
        Assistant.open(home, Config())
    assert Assistant.open(home, Config(), calibrated=False).calibration is None
    (home / "calibration.json").write_text("{}")
    with pytest.raises(Corrupt):
        Assistant.open(home, Config())


def test_an_answer_says_what_made_it(assistant: Assistant) -> None:
    answer = assistant.ask("Does a dog travel free?")
    assert answer.models == {"encoder": "words 1", "reader": "similarity-1"}
    assert answer.generation == assistant.store.generation
    assert list(answer.timings_ms) == ["resolve", "retrieve", "read", "compose", "total"]
    assert all(ms >= 0 for ms in answer.timings_ms.values())
    assert answer.timings_ms["total"] == pytest.approx(sum(list(answer.timings_ms.values())[:-1]), abs=0.01)


def test_as_many_passages_are_read_and_quotes_given_as_are_set(assistant: Assistant) -> None:
    assistant.config = Config(passages=2, quotes=1, threshold=0.0)
    answer = assistant.ask("When does annual leave lapse and a dog travel free?")
    assert len(answer.passages) == 2
    assert len(answer.quotes) == 1
    both = assistant.ask("When does annual leave lapse, and does a dog travel free?")
    assert 2 < len(both.passages) <= 4, "two for each of the two questions"
    assert (len(both.quotes), both.unanswered) == (2, ()), "one for each, or one would pass for what nothing answers"


def test_asking_twice_gives_the_same_answer(assistant: Assistant) -> None:
    question = "When does the ferry Solan sail to Marrick?"
    assert assistant.ask(question) == assistant.ask(question)


def test_white_space_around_a_question_does_not_matter(assistant: Assistant) -> None:
    assert assistant.ask("\n Does a dog travel free?\t") == assistant.ask("Does a dog travel free?")


def test_a_question_may_be_as_long_as_the_limit_and_hold_anything(assistant: Assistant) -> None:
    assert not assistant.ask("x" * 2000).answered
    assert not assistant.ask("+-&|!(){}[]^\"~*?:\\/ AND OR NOT").answered
    assert assistant.ask("Does a dog \ud83d travel free? \0").quotes[0].text == "A dog travels free."


def test_turns_before_are_read_as_far_as_a_question_may_go_whatever_they_hold(assistant: Assistant) -> None:
    asked = "And what does it cost?"
    turns = ["Does a dog \ud83d travel free?", "x" * 2000]
    answer = assistant.ask(asked, turns)
    same = assistant.ask(asked, ["Does a dog ? travel free?", "x" * 2000 + " ferry"])
    assert answer.standalone_question == same.standalone_question
    assert assistant.ask(asked, ["", "\ud83d", "Ferry. Ferry " * 4000]).question == asked


def test_a_question_that_cannot_be_used_is_refused_before_anything_is_opened(tmp_path: Path, reader: SimilarityReader,
                                                                            encoder: Any) -> None:
    with pytest.raises(InputError):
        Assistant(tmp_path / "none", Config(), encoder, reader).ask(" ")


def test_an_answer_outlives_its_generation(assistant: Assistant, home: Path, encoder: Any,
                                           document: Callable[..., Any]) -> None:
    *_, before = assistant.ask_in_steps("Does a dog travel free?")
    for number in range(5):
        index_documents(home, [document("new.txt", f"A dog travels for {number} pounds.")], encoder=encoder)
    assert isinstance(before, Answer)
    assert before.passages[0].text.endswith("A dog travels free.")
    assert assistant.ask("Does a dog travel free?").quotes[0].text == "A dog travels for 4 pounds."


def test_questions_from_many_threads_go_on_while_the_library_changes(assistant: Assistant, home: Path, encoder: Any,
                                                                   document: Callable[..., Any]) -> None:
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(assistant.ask, "Does a dog travel free?") for _ in range(20)]
        index_documents(home, [document("new.txt", "A dog travels for two pounds.")], encoder=encoder)
        asked += [pool.submit(assistant.ask, "Does a dog travel free?") for _ in range(20)]
        answers = [each.result() for each in asked]
    assert {answer.quotes[0].text for answer in answers} <= {"A dog travels free.", "A dog travels for two pounds."}
    assert answers[-1].quotes[0].text == "A dog travels for two pounds."


def test_a_closed_assistant_opens_again_by_itself(assistant: Assistant) -> None:
    before = assistant.ask("Does a dog travel free?")
    assistant.close()
    assert assistant.ask("Does a dog travel free?") == before
