"""What every Reader must do, on every reader there is. To add one, write its factory and list it in `READERS`."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from fakes import tiny_checkpoint

from index.chunks import Chunking, split
from index.encoder import Encoder
from rag.reader.base import Reader
from rag.reader.similarity import WEIGHTS, SimilarityReader
from rag.reader.span import SpanReader
from rag.types import Passage, Span

QUESTIONS = ["When does the ferry leave?", "What does a bicycle cost?", "zeppelin", "", "the of and", "?"]


def similarity(encoder: Encoder, folder: Path) -> Reader:
    """Weights made by hand for the features that come first, none for those that follow."""
    rank = [0.0] * len(json.loads(WEIGHTS.read_text("utf-8"))["rank"])
    rank[:4], rank[-1] = [2.0, 3.0, 1.0, 0.5], -2.0
    weights = folder / "weights.json"
    weights.write_text(json.dumps({"version": 1, "rank": rank, "trust": [1.0, 0.5, -0.5], "threshold": 0.5}))
    return SimilarityReader(encoder, weights)


def tiny(encoder: Encoder, folder: Path) -> Reader:
    """A checkpoint with random weights: what holds for it holds whatever a model says."""
    return SpanReader.checkpoint(str(tiny_checkpoint(folder / "tiny")), encoder)


def bundled(encoder: Encoder, _: Path) -> Reader:
    return SpanReader.bundled(encoder)


READERS = {"similarity": similarity, "tiny": tiny, "pullquote-reader": bundled}
KNOWING = {"similarity": similarity, "pullquote-reader": bundled}  # of which right answers can be expected


@pytest.fixture(params=READERS.values(), ids=READERS)
def reader(request: pytest.FixtureRequest, encoder: Encoder, tmp_path: Path) -> Reader:
    return request.param(encoder, tmp_path)


@pytest.fixture(params=KNOWING.values(), ids=KNOWING)
def knowing(request: pytest.FixtureRequest, encoder: Encoder, tmp_path: Path) -> Reader:
    return request.param(encoder, tmp_path)


@pytest.fixture
def passages(document, encoder) -> list[Passage]:
    """Chunks that overlap, of three documents that share a sentence."""
    documents = [
        document("ferry.md", "# Ferry\n\nThe ferry leaves at nine. It returns at noon. A ticket costs 4 euro. Dogs travel "
                             "free. When does it rain? The ferry does not run in winter. Ask at the pier.", "Ferry"),
        document("bikes.md", "Bicycles cost 2 euro each. Dogs travel free. The ferry takes ten bicycles. 𝔄 child is free.",
                 "Bicycles"),
        document("copy.md", "Dogs travel free. The ferry leaves at nine.", "Copy"),
    ]
    chunks = [(d, chunk) for d in documents for chunk in split(d, Chunking(30, 15), encoder.window, encoder.count)]
    assert any(a.document_id == b.document_id and a.end > b.start for (_, a), (_, b) in pairwise(chunks))
    return [Passage(chunk, d, 1 / (1 + rank), rank + 1, None) for rank, (d, chunk) in enumerate(chunks)]


def places(spans: Sequence) -> list[tuple[str, int, int, float]]:
    return [(span.passage.document.source, span.start, span.end, span.score) for span in spans]


@pytest.mark.parametrize("question", QUESTIONS)
def test_spans_lie_in_the_passages_that_were_given(reader: Reader, passages: list[Passage], question: str) -> None:
    spans = reader.read(question, passages)
    assert spans
    for span in spans:
        assert span.passage in passages
        assert span.passage.chunk.start <= span.start < span.end <= span.passage.chunk.end
        assert span.text == span.passage.document.text[span.start : span.end] == span.text.strip()


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_best_span_comes_first_and_none_overlap(reader: Reader, passages: list[Passage], question: str) -> None:
    spans = reader.read(question, passages)
    assert [span.score for span in spans] == sorted((span.score for span in spans), reverse=True)
    for one, other in combinations(spans, 2):
        same = one.passage.document.id == other.passage.document.id
        assert not same or one.end <= other.start or other.end <= one.start


def sentence(span: Span) -> str:
    """The sentences that a span touches."""
    start, end = span.sentences or (span.start, span.end)
    return span.passage.document.text[start:end]


def test_the_sentence_that_answers_is_best(knowing: Reader, passages: list[Passage]) -> None:
    assert sentence(knowing.read("When does the ferry leave?", passages)[0]) == "The ferry leaves at nine."
    assert sentence(knowing.read("What do bicycles cost?", passages)[0]) == "Bicycles cost 2 euro each."


def test_what_several_documents_say_is_found_in_each(knowing: Reader, passages: list[Passage]) -> None:
    spans = knowing.read("Who travels free?", passages)
    saying = {span.passage.document.source for span in spans if sentence(span) == "Dogs travel free."}
    assert saying == {"bikes.md", "copy.md", "ferry.md"}


def test_headings_and_questions_are_not_quoted(reader: Reader, passages: list[Passage]) -> None:
    texts = {sentence(span) for span in reader.read("When does the ferry leave in the rain?", passages)}
    assert not texts & {"# Ferry", "When does it rain?"}


def test_the_same_input_gives_the_same_output(reader: Reader, passages: list[Passage]) -> None:
    first = {question: places(reader.read(question, passages)) for question in QUESTIONS}
    order = QUESTIONS * 3
    random.Random(5).shuffle(order)
    for question in order:
        assert places(reader.read(question, passages)) == first[question]


def test_another_reader_of_the_same_kind_agrees(reader: Reader, request, make_encoder, passages, tmp_path: Path) -> None:
    again = READERS[request.node.callspec.id](make_encoder(), tmp_path)
    assert again.name == reader.name
    for question in QUESTIONS:
        assert places(again.read(question, passages)) == places(reader.read(question, passages))


@pytest.mark.parametrize("question", QUESTIONS)
def test_confidence_is_a_probability(reader: Reader, passages: list[Passage], question: str) -> None:
    for some in (passages, passages[:1], passages[-1:]):
        assert 0 <= reader.confidence(question, reader.read(question, some)) <= 1


def test_a_good_answer_inspires_more_confidence_than_none(knowing: Reader, passages: list[Passage]) -> None:
    good, none = (knowing.confidence(question, knowing.read(question, passages))
                  for question in ("When does the ferry leave?", "Where do zeppelins land?"))
    assert good > none
    assert 0 < knowing.threshold < 1


def test_without_passages_there_is_nothing_and_no_confidence(reader: Reader) -> None:
    assert reader.read("When does the ferry leave?", []) == []
    assert reader.confidence("When?", []) == 0


def test_passages_that_hold_nothing_to_quote(reader: Reader, document, encoder) -> None:
    title = document("a.md", "# Ferry\n\n# Dogs\n\n# Bikes?", "Ferry")
    passages = [Passage(chunk, title, 1.0, 1, 1) for chunk in split(title, Chunking(), encoder.window, encoder.count)]
    assert passages
    assert reader.read("ferry", passages) == []


def test_confidence_is_a_probability_of_extreme_scores_too(reader: Reader, passages: list[Passage]) -> None:
    [span, *_] = reader.read("ferry", passages)
    for score in (-100.0, 100.0):
        assert 0 <= reader.confidence("When?", [replace(span, score=score)]) <= 1


def test_the_name_tells_versions_apart(reader: Reader, request) -> None:
    assert reader.name.startswith(request.node.callspec.id)
    assert reader.name != request.node.callspec.id
