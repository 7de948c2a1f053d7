"""What every PassageStore must do, on every store there is. To add one, write its factory and list it in `STORES`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from index.build import index_documents
from index.chunks import DEFAULT, search_text, split
from index.encoder import Encoder
from index.errors import SourceGone
from index.generation import open_current
from index.store import PassageStore, SourceInfo, Vector
from index.types import Chunk, Document, Section

MakeStore = Callable[[Sequence[Document]], PassageStore]


def generation(home: Path, documents: Sequence[Document], encoder: Encoder) -> PassageStore:
    index_documents(home, documents, encoder=encoder)
    return open_current(home)


def large_generation(home: Path, documents: Sequence[Document], encoder: Encoder) -> PassageStore:
    """One that is searched as if it had very many chunks."""
    index_documents(home, documents, encoder=encoder, flat_up_to=0)
    return open_current(home)


STORES = {"flat": generation, "inverted": large_generation}


@pytest.fixture(params=STORES.values(), ids=STORES)
def make_store(request: pytest.FixtureRequest, tmp_path: Path, encoder: Encoder) -> Iterator[MakeStore]:
    opened: list[PassageStore] = []

    def make(documents: Sequence[Document]) -> PassageStore:
        opened.append(request.param(tmp_path / f"home{len(opened)}", documents, encoder))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def library(document) -> list[Document]:
    """Documents of one chunk and of many, one of them in two sections on two pages."""
    long = " ".join(f"Rule {n} says that the {a} may not touch the {b}." for n, (a, b) in enumerate(
        zip("otter heron badger ferry lantern anchor".split() * 12, "bridge meadow harbour river".split() * 18, strict=True)))
    head, body = "Parental leave lasts twelve weeks. ", "Unused holidays are carried into March. "
    return [
        document("handbook/leave.md", head + body, "Leave",
                 [Section(0, len(head), ("Leave", "Families"), 1),
                  Section(len(head), len(head + body), ("Leave", "Holidays"), 2)],
                 modified=1_700_000_000.25),
        document("rules.txt", long, "House rules", modified=3.0),
        document("menu.txt", "Le café sert une crème brûlée. The kitchens closed early.", "Menu"),
        document("faq.jsonl#1", "Bicycles are parked behind the shed.", "Parking"),
    ]


@pytest.fixture
def store(make_store: MakeStore, library: list[Document]) -> PassageStore:
    return make_store(library)


def all_chunks(documents: Sequence[Document], encoder: Encoder) -> list[tuple[Document, Chunk]]:
    """Every chunk, in the order of the index."""
    return [(d, chunk) for d in documents for chunk in split(d, DEFAULT, encoder.window, encoder.count)]


def stored_vectors(documents: Sequence[Document], encoder: Encoder) -> Vector:
    """What the store should hold: vectors rounded to half precision."""
    vectors = encoder.encode([search_text(d, chunk, encoder.window) for d, chunk in all_chunks(documents, encoder)])
    return vectors.astype(np.float16).astype(np.float32)


def found_in(store: PassageStore, question: str) -> list[str]:
    """The sources of the chunks that a lexical search finds, best first."""
    chunks = store.chunks([hit.chunk_id for hit in store.lexical(question, 20)])
    return [store.document(chunk.document_id).source for chunk in chunks]


# Dense search


@pytest.mark.parametrize("question", ["How long is parental leave?", "May the otter touch the bridge?", "anchor", "café"])
def test_dense_search_ranks_all_chunks_by_the_inner_product(store, library, encoder, question: str) -> None:
    [vector] = encoder.encode([question])
    chunks, scores = all_chunks(library, encoder), stored_vectors(library, encoder) @ vector
    assert len(chunks) > 8
    hits = store.dense(vector, 100)
    assert sorted(hit.chunk_id for hit in hits) == sorted(chunk.id for _, chunk in chunks)
    by_id = {chunk.id: score for (_, chunk), score in zip(chunks, scores, strict=True)}
    np.testing.assert_allclose([hit.score for hit in hits], [by_id[hit.chunk_id] for hit in hits], atol=1e-5)
    np.testing.assert_allclose([hit.score for hit in hits], sorted(scores, reverse=True), atol=1e-5)


def test_dense_search_gives_the_best_k(store, encoder) -> None:
    [vector] = encoder.encode(["the heron and the harbour"])
    everything = store.dense(vector, 100)
    assert store.dense(vector, 3) == everything[:3]
    assert [hit.score for hit in everything] == sorted((hit.score for hit in everything), reverse=True)
    assert store.dense(vector, 0) == []


def test_dense_ties_are_in_the_order_of_the_index(make_store, document, encoder) -> None:
    same = [document(f"{letter}.txt", "The lantern is lit.", "Light") for letter in "dbca"]
    store = make_store([*same, document("0.txt", "The lantern, the lantern.", "Lantern")])
    [vector] = encoder.encode(["lantern"])
    hits = store.dense(vector, 5)
    order = [store.document(chunk.document_id).source for chunk in store.chunks([hit.chunk_id for hit in hits])]
    assert order == ["0.txt", "d.txt", "b.txt", "c.txt", "a.txt"]
    assert len({hit.score for hit in hits}) == 2


def test_dense_ties_are_cut_in_the_order_of_the_index(make_store, document, encoder) -> None:
    same = [document(f"{number}.txt", "The lantern is lit.", "Light") for number in range(9)]
    store = make_store([*same, document("best.txt", "The lantern, the lantern.", "Lantern")])
    [vector] = encoder.encode(["lantern"])
    everything = store.dense(vector, 10)
    assert [store.dense(vector, k) for k in range(1, 10)] == [everything[:k] for k in range(1, 10)]


def test_similarities_are_inner_products_in_the_order_asked(store, library, encoder) -> None:
    [vector] = encoder.encode(["Who may touch the meadow in March?"])
    chunks = [chunk for _, chunk in all_chunks(library, encoder)]
    expected = stored_vectors(library, encoder) @ vector
    order = [4, 0, len(chunks) - 1, 4, 2]
    np.testing.assert_allclose(store.similarities(vector, [chunks[at].id for at in order]), expected[order], atol=1e-5)
    assert store.similarities(vector, []) == []
    hits = store.dense(vector, 5)
    again = store.similarities(vector, [hit.chunk_id for hit in hits])
    np.testing.assert_allclose(again, [hit.score for hit in hits], atol=1e-6)


def test_similarities_to_a_chunk_that_is_not_there(store, encoder) -> None:
    with pytest.raises(KeyError):
        store.similarities(encoder.encode(["x"])[0], ["no such chunk"])


# Lexical search


@pytest.mark.parametrize(("question", "source"), [
    ("bicycle", "faq.jsonl#1"),  # stems
    ("Which kitchen closes?", "menu.txt"),
    ("BICYCLES", "faq.jsonl#1"),  # case
    ("cafe creme brulee", "menu.txt"),  # accents
    ("CAFÉ", "menu.txt"),
    ("parking", "faq.jsonl#1"),  # title
    ("family", "handbook/leave.md"),  # heading
])
def test_lexical_search_finds_words_in_any_form(store, question: str, source: str) -> None:
    assert found_in(store, question) == [source]


def test_lexical_search_puts_rarer_and_more_words_first(store, library) -> None:
    hits = store.lexical("bicycle shed rules", 20)
    assert found_in(store, "bicycle shed rules")[0] == "faq.jsonl#1"
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(hit.score > 0 for hit in hits)
    assert store.lexical("bicycle shed rules", 2) == hits[:2]


@pytest.mark.parametrize("question", ["zeppelin", "", "  ?! ", "\"zeppelin\" AND (NOT", "text:zeppelin", "the of and"])
def test_lexical_search_is_empty_where_no_term_occurs(make_store, document, question: str) -> None:
    assert make_store([document("a.txt", "Otters swim.")]).lexical(question, 5) == []


def test_words_are_found_across_soft_hyphens_and_what_has_no_width(make_store, document) -> None:
    store = make_store([document("a.txt", "The zebra\xadfish swims."), document("b.txt", "A gold\u200bfish sleeps.")])
    for question in ("zebrafish", "zebra\xadfish", "goldfish"):
        assert len(store.lexical(question, 5)) == 1
    assert store.lexical("zebra", 5) == []


def test_query_syntax_is_read_as_words(store) -> None:
    assert found_in(store, 'text:bicycle AND -"shed" (^*~') == ["faq.jsonl#1"]


def test_stop_words_count_where_there_is_nothing_else(make_store, document) -> None:
    store = make_store([document("hamlet.txt", "To be, or not to be."), document("other.txt", "Swim!")])
    assert found_in(store, "to be") == ["hamlet.txt"]


def test_lexical_ties_are_in_the_order_of_the_index(make_store, document) -> None:
    store = make_store([document(f"{name}.txt", "The lantern is lit.", "Light") for name in "dbcaefg"])
    assert found_in(store, "lantern") == [f"{name}.txt" for name in "dbcaefg"]
    assert [store.lexical("lantern", k) for k in (1, 3, 6)] == [store.lexical("lantern", 9)[:k] for k in (1, 3, 6)]


# Chunks, documents, sources


def test_chunks_come_as_they_were_made_in_the_order_asked(store, library, encoder) -> None:
    chunks = [chunk for _, chunk in all_chunks(library, encoder)]
    wanted = [chunks[3], chunks[0], chunks[-1], chunks[3]]
    assert store.chunks([chunk.id for chunk in wanted]) == wanted
    assert store.chunks([]) == []


def test_more_chunks_than_a_database_takes_at_once(make_store, document, encoder) -> None:
    documents = [document(f"{n:04}.txt", f"Entry {n} is short.") for n in range(1200)]
    store = make_store(documents)
    chunks = [chunk for _, chunk in reversed(all_chunks(documents, encoder))]
    assert store.chunks([chunk.id for chunk in chunks]) == chunks
    assert len(store.similarities(encoder.encode(["entry"])[0], [chunk.id for chunk in chunks])) == 1200
    assert len(store.dense(encoder.encode(["entry"])[0], 5000)) == len(store.lexical("entry", 5000)) == 1200


def test_a_chunk_that_is_not_there(store, library, encoder) -> None:
    known = all_chunks(library, encoder)[0][1].id
    with pytest.raises(KeyError):
        store.chunks([known, "no such chunk"])


def test_documents_come_back_whole(store, library) -> None:
    assert [store.document(d.id) for d in library] == library


def test_a_document_that_is_not_there(store) -> None:
    with pytest.raises(SourceGone):
        store.document("0123456789abcdef")


def test_sources_lists_every_document_by_source(store, library, encoder) -> None:
    counts = [sum(d is owner for owner, _ in all_chunks(library, encoder)) for d in library]
    leave, rules, menu, faq = library
    assert store.sources() == [
        SourceInfo(faq.id, "faq.jsonl#1", "Parking", "text/plain", "", len(faq.text), 1, None, 0.0),
        SourceInfo(leave.id, "handbook/leave.md", "Leave", "text/plain", "", len(leave.text), counts[0], 2, 1_700_000_000.25),
        SourceInfo(menu.id, "menu.txt", "Menu", "text/plain", "", len(menu.text), counts[2], None, 0.0),
        SourceInfo(rules.id, "rules.txt", "House rules", "text/plain", "", len(rules.text), counts[1], None, 3.0),
    ]
    assert counts[1] > 4


def test_a_document_that_holds_no_sentence_is_listed_all_the_same(make_store, document) -> None:
    store = make_store([document("a.txt", "The ferry leaves."), document("blank.txt", " \n")])
    assert [(info.source, info.chunks) for info in store.sources()] == [("a.txt", 1), ("blank.txt", 0)]


def test_text_beyond_the_basic_plane_keeps_its_offsets(make_store, document, encoder) -> None:
    text = "𝔊𝔬𝔱𝔥𝔦𝔠 👩‍👩‍👧 letters e\u0301 come first. \U0001f6b2 Then bicycles."
    store = make_store([document("a.txt", text)])
    [chunk] = store.chunks([store.lexical("bicycles", 1)[0].chunk_id])
    assert store.document(chunk.document_id).text[chunk.start : chunk.end] == text


def test_the_generation_names_what_is_searched(make_store, library) -> None:
    assert make_store(library).generation
    assert make_store(library).generation != make_store(library[:2]).generation


def test_threads_get_the_same_answers_as_one(store, encoder) -> None:
    questions = ["otter bridge", "parental leave", "crème", "anchor", "bicycle shed"] * 8

    def ask(question: str) -> object:
        dense, lexical = store.dense(encoder.encode([question])[0], 5), store.lexical(question, 5)
        chunks = store.chunks([hit.chunk_id for hit in dense + lexical])
        return dense, lexical, chunks, [store.document(chunk.document_id) for chunk in chunks], store.sources()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, questions)) == [ask(question) for question in questions]


def test_a_search_for_nothing_finds_nothing(store, encoder) -> None:
    assert store.lexical("otter", 0) == store.dense(encoder.encode(["otter"])[0], 0) == []
