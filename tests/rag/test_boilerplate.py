"""A library in which every document says the same beside what it is about: the answer is still read and quoted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import document
from pdfs import lines, reportlab

from index.build import index_documents, sync
from index.chunks import Chunking
from index.encoder import Encoder
from index.generation import Generation, open_current
from index.types import Document
from rag.assistant import Assistant
from rag.config import Config
from rag.reader.similarity import SimilarityReader
from rag.retrieve import fuse

QUESTION = "When must a refund for a cancelled night ferry ticket be claimed?"
NOTICE = ("A refund for a night ferry ticket that was cancelled must be claimed from the company and when it is claimed,"
          " a ticket for a ferry must be shown.")
ANSWER = "Claim it by mail within 21 days of a cancelled night ferry."
PORTS = [first + last for first in ("Mar", "Quil", "Pel", "Skar", "Orr", "Tid") for last in ("rick", "lin", "vey", "ton", "by")]


def about(port: str) -> str:
    return f"{port} has a slipway of {len(port)} metres. The warden of {port} lives beside the {port} church."


def library(notice: str) -> list[Document]:
    """Thirty documents with the notice, and one of another length that answers and is without it."""
    ports = [document(f"{about(port)}{notice}", f"{port}.txt", port) for port in PORTS]
    long = " ".join(f"Clause {n} is about cargo." for n in range(30))
    return [*ports, document(f"{long} {ANSWER} {long}", "terms.txt", "Terms")]


@pytest.fixture(params=["in a chunk of its own", "in a chunk with the rest", "in other marks and capitals each time"])
def store(request: pytest.FixtureRequest, home: Path, encoder: Encoder) -> Iterator[Generation]:
    made = library(f" {NOTICE}")
    if request.param == "in a chunk of its own":
        made = library("\n\n" + " ".join([NOTICE, *["Nothing else is said here of it."] * 4]))
    if request.param == "in other marks and capitals each time":
        other = NOTICE.upper().replace("A ", "a "), NOTICE.replace("ticket", "*ticket*").replace(" for", "\nfor")
        made = [document(one.text.replace(NOTICE, other[n % 2]), one.source, one.title) for n, one in enumerate(made)]
    index_documents(home, made, encoder=encoder, chunking=Chunking(60, 0))
    opened = open_current(home)
    yield opened
    opened.close()


def test_a_notice_that_every_document_has_does_not_crowd_out_the_answer(store: Generation, home: Path, encoder: Encoder,
                                                                        reader: SimilarityReader) -> None:
    config = Config()
    [vector] = encoder.encode([QUESTION])
    scored = fuse(store, vector, store.dense(vector, 100), store.lexical(QUESTION, 100), config)
    chunks = store.chunks([hit.chunk_id for hit in sorted(scored, key=lambda hit: -hit.score)])
    texts = [store.document(chunk.document_id).text[chunk.start : chunk.end] for chunk in chunks]
    crowd = next(n for n, text in enumerate(texts) if ANSWER in text)
    assert crowd >= 30  # by their scores alone the ten that are read would all be the notice

    answer = Assistant(home, config, encoder, reader).ask_anyway(QUESTION)
    read = [passage.text for passage in answer.passages]
    assert sum(NOTICE[:20].casefold() in text.casefold() for text in read) <= 3
    assert any(ANSWER in text for text in read)
    assert any(ANSWER in quote.text for quote in answer.quotes)


def test_the_notice_itself_is_told_once_with_the_places_where_it_stands(home: Path, encoder: Encoder,
                                                                        reader: SimilarityReader) -> None:
    own = "\n\n" + " ".join([NOTICE, *["Nothing else is said here of it."] * 4])
    index_documents(home, library(own)[:30], encoder=encoder, chunking=Chunking(60, 0))
    answer = Assistant(home, Config(), encoder, reader).ask_anyway("Which ticket must be shown when a refund is claimed?")
    told = [quote for quote in answer.quotes if NOTICE in quote.text]
    assert len(told) == 1
    assert len({citation.source for citation in told[0].citations}) == len(told[0].citations) >= 10
    assert all(citation.text == told[0].text for citation in told[0].citations)


def test_a_running_footer_is_neither_quoted_nor_shown_nor_brought_along(docs: Path, home: Path, encoder: Encoder,
                                                                        reader: SimilarityReader) -> None:
    bodies = ["The radio is on channel 72.", "It is switched on at nine.", *(f"{port} has a dog in it." for port in PORTS)]
    slides = [lines((20, 280, f"Orrin Sound Ferries - Crew induction {number}"), (20, 250, body),
                    (20, 20, f"Crew only, page {number}"))
              for number, body in enumerate(bodies, 1)]
    (docs / "slides.pdf").write_bytes(reportlab(*slides))
    sync(home, [docs], encoder=encoder, chunking=Chunking(60, 0))
    assistant = Assistant(home, Config(), encoder, reader)

    answer = assistant.ask_anyway("Is it switched on at nine?")
    assert answer.quotes[0].text == "It is switched on at nine."
    answer = assistant.ask_anyway("Which crew does Orrin Sound Ferries give an induction?")
    assert len(answer.passages) > 3
    assert [quote.text for quote in answer.quotes if quote.text not in bodies] == []
    shown = [document.text[start:end] for passage in answer.passages for document in [passage.document]
             for start, end in passage.chunk.sentences]
    assert set(shown) <= set(bodies)
