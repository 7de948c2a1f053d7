"""Candidates for a question: dense and lexical search, their scores fused, what is repeated left behind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from math import inf
from statistics import fmean, pstdev

from index.store import Hit, PassageStore, Vector
from index.types import document_id
from rag.compose import fingerprint
from rag.config import Config
from rag.types import Passage
from rag.words import terms

WIDER = 0.5  # the weight of a second, wider question; chosen with `conversation.widened`
RRF_K = 60  # Cormack, Clarke and Büttcher, SIGIR 2009
_PAGE = re.compile(r"\bpage\s+\d+(?:\s+of\s+\d+)?\b", re.IGNORECASE)  # in a running header
_OFTEN = 3  # passages with a sentence that are read for it: as many as an answer has quotes


def retrieve(store: PassageStore, question: str, vector: Vector, config: Config,
             wider: tuple[str, Vector] | None = None) -> list[Passage]:
    """The `config.passages` passages to read; equal scores in the order in which the searches found them.

    The first half are the best by a ranking with more weight on words, the others by one with more on meaning: a question in
    the document's own words is best found by words, one in other words by meaning, and it cannot be told which of the two a
    question is. The score is that of the first ranking for all, so it need not fall from one to the next. No two say the
    same, and what many say does not crowd out the others (see `choose`).
    `vector` (d,) is the encoded question, unit length; `wider` a second one to search with and its vector, whose scores
    count half as much.
    """
    asked = [(question, vector), *([wider] if wider else [])]
    searches = [(store.dense(one, config.candidates), store.lexical(text, config.candidates)) for text, one in asked]
    dense_ranks, lexical_ranks = ({hit.chunk_id: rank for rank, hit in enumerate(hits, 1)} for hits in searches[0])

    def order(hit: Hit) -> tuple[float, float, float]:
        return -hit.score, dense_ranks.get(hit.chunk_id, inf), lexical_ranks.get(hit.chunk_id, inf)

    def ranking(settings: Config) -> list[Hit]:
        fused, *more = (fuse(store, one, dense, lexical, settings)
                        for (_, one), (dense, lexical) in zip(asked, searches, strict=True))
        return sorted(together(fused, more[0], WIDER) if more else fused, key=order)

    hits = ranking(config)
    scores = {hit.chunk_id: hit.score for hit in hits}
    rankings = [hits]
    if config.by_meaning:
        rankings.append([replace(hit, score=scores[hit.chunk_id]) for hit in ranking(config.by_meaning)])
    known: dict[str, Passage] = {}
    best = choose(question, [_passages(store, some, config.passages, known) for some in rankings], config.passages)
    cosines = iter(store.similarities(vector, [one.chunk.id for passage in best for one in (passage, *passage.copies)]))

    def ranked(passage: Passage) -> Passage:
        id = passage.chunk.id
        return replace(passage, dense_rank=dense_ranks.get(id), lexical_rank=lexical_ranks.get(id),
                       cosine=round(next(cosines), 4), copies=tuple(map(ranked, passage.copies)))

    return [elsewhere(store, ranked(passage), config.passages) for passage in best]


def elsewhere(store: PassageStore, passage: Passage, most: int) -> Passage:
    """The passage with the other places of its document, and of its copies', behind its copies (fewer than `most` together)."""
    places = [replace(one, chunk=one.chunk.moved(id), document=store.document(id), copies=())
              for one in (passage, *passage.copies) for id in map(document_id, one.document.also[:most])]
    return replace(passage, copies=(*passage.copies, *places)[: most - 1])


def choose(question: str, rankings: Sequence[Iterable[Passage]], most: int) -> list[Passage]:
    """Of each ranking, best first, its share of `most` passages, but those that are taken or repeat what others say.

    One whose text, under the same header, is that of one taken becomes one of that one's `copies` (fewer than `most`). One is
    put off where more than half of the question's words in it stand only in sentences that `_OFTEN` taken ones have too: a
    disclaimer, the running header of a page. It comes in where there are not enough others. The passages come in the order in
    which they were drawn; only as many are drawn as it takes.
    """
    asked = set(terms(question))
    said: Counter[tuple[str, ...]] = Counter()  # how many of those taken have a sentence
    taken: dict[tuple[str, str], list[Passage]] = {}
    put_off: dict[tuple[str, str], list[Passage]] = {}
    drawn: dict[str, int] = {}  # ids, with their order
    for number, ranking in enumerate(rankings, 1):
        share = -(-most * number // len(rankings))
        for passage in ranking:
            if passage.chunk.id in drawn:
                continue
            told = _header(passage), passage.text
            same = taken.get(told) or put_off.get(told)
            if len(taken) >= share and not same:
                break  # it may be another ranking's
            drawn[passage.chunk.id] = len(drawn)
            if same:
                same += [passage] if len(same) < most else []
                continue
            sentences = _words_by_sentence(passage, asked)
            if _repeats(sentences, said):
                put_off[told] = [passage]
                continue
            said.update(sentence for sentence in sentences if sentence)
            taken[told] = [passage]
    chosen = sorted([*taken.values(), *islice(put_off.values(), most - len(taken))], key=lambda some: drawn[some[0].chunk.id])
    return [replace(first, copies=tuple(copies)) for first, *copies in chosen]


def _words_by_sentence(passage: Passage, asked: set[str]) -> dict[tuple[str, ...], set[str]]:
    """The words of the question in each sentence of a passage, by what copies of it share; by () in title and headings."""
    document, text = passage.document, passage.document.text
    heads = [document.title, *document.section_at(passage.chunk.end - 1).heading]
    found: dict[tuple[str, ...], set[str]] = {(): asked & set(terms("\n".join(heads)))}
    for start, end in passage.chunk.sentences:
        found[fingerprint(_PAGE.sub("", text[start:end]))] = asked & set(terms(text[start:end]))
    return found


def _repeats(sentences: dict[tuple[str, ...], set[str]], said: Counter[tuple[str, ...]]) -> bool:
    every: set[str] = set().union(*sentences.values())
    own: set[str] = set().union(*(words for sentence, words in sentences.items() if said[sentence] < _OFTEN))
    return 2 * len(own) < len(every)


def _header(passage: Passage) -> str:
    return passage.document.text[slice(*passage.chunk.header)] if passage.chunk.header else ""


def _passages(store: PassageStore, hits: Sequence[Hit], at_once: int, known: dict[str, Passage]) -> Iterator[Passage]:
    """The passages of hits with their scores, in the order given, looked up as they are drawn; `known` keeps them."""
    for start in range(0, len(hits), at_once):
        some = {hit.chunk_id: hit.score for hit in hits[start : start + at_once]}
        for chunk in store.chunks([id for id in some if id not in known]):
            known[chunk.id] = Passage(chunk, store.document(chunk.document_id), some[chunk.id])
        yield from (known[id] for id in some)


def fuse(store: PassageStore, vector: Vector, dense: Sequence[Hit], lexical: Sequence[Hit], config: Config) -> list[Hit]:
    """One score for every chunk that either search found.

    "zscore": a convex combination of standardised scores (Bruch, Gai and Ingber, TOIS 2023). A chunk that only the
    lexical search found gets its true inner product; one that only the dense search found, a BM25 of zero.
    "rrf": reciprocal rank fusion, which sees ranks alone.
    """
    if config.fusion == "rrf":
        return _reciprocal_ranks(dense, lexical)
    inner = {hit.chunk_id: hit.score for hit in dense}
    terms = {hit.chunk_id: hit.score for hit in lexical}
    missing = [id for id in terms if id not in inner]
    inner |= dict(zip(missing, store.similarities(vector, missing), strict=True))
    ids = list(inner)
    dense_scores = _standardise([inner[id] for id in ids])
    lexical_scores = _standardise([terms.get(id, 0.0) for id in ids])
    weight = config.dense_weight
    return [Hit(id, weight * d + (1 - weight) * t) for id, d, t in zip(ids, dense_scores, lexical_scores, strict=True)]


def together(hits: Sequence[Hit], more: Sequence[Hit], weight: float) -> list[Hit]:
    """The weighted mean of two questions' scores; what one of them did not find gets its lowest."""
    if not hits or not more:
        return list(hits or more)
    first, second = ({hit.chunk_id: hit.score for hit in some} for some in (hits, more))
    low, lower = min(first.values()), min(second.values())
    return [Hit(id, (first.get(id, low) + weight * second.get(id, lower)) / (1 + weight)) for id in {**first, **second}]


def _reciprocal_ranks(*rankings: Sequence[Hit]) -> list[Hit]:
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, hit in enumerate(ranking, 1):
            scores[hit.chunk_id] = scores.get(hit.chunk_id, 0.0) + 1 / (RRF_K + rank)
    return [Hit(id, score) for id, score in scores.items()]


def _standardise(scores: Sequence[float]) -> list[float]:
    """Zero mean, unit deviation; all zero where they are all the same."""
    if not scores:
        return []
    mean, deviation = fmean(scores), pstdev(scores)
    return [(score - mean) / deviation if deviation > 1e-9 else 0.0 for score in scores]
