"""Candidates for a question: dense and lexical search, their scores fused."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from statistics import fmean, pstdev

from index.store import Hit, PassageStore, Vector
from rag.config import Config
from rag.types import Passage

RRF_K = 60  # Cormack, Clarke and Büttcher, SIGIR 2009


def retrieve(store: PassageStore, question: str, vector: Vector, config: Config) -> list[Passage]:
    """The best `config.passages` passages, best first; equal scores in the order in which the searches found them.

    `vector` (d,) is the encoded question, unit length.
    """
    dense = store.dense(vector, config.candidates)
    lexical = store.lexical(question, config.candidates)
    fused = fuse(store, vector, dense, lexical, config)
    dense_ranks = {hit.chunk_id: rank for rank, hit in enumerate(dense, 1)}
    lexical_ranks = {hit.chunk_id: rank for rank, hit in enumerate(lexical, 1)}

    def order(hit: Hit) -> tuple[float, float, float]:
        return -hit.score, dense_ranks.get(hit.chunk_id, inf), lexical_ranks.get(hit.chunk_id, inf)

    best = sorted(fused, key=order)[: config.passages]
    ids = [hit.chunk_id for hit in best]
    cosines = store.similarities(vector, ids)
    return [Passage(chunk, store.document(chunk.document_id), hit.score, dense_ranks.get(chunk.id), lexical_ranks.get(chunk.id),
                    round(cosine, 4)) for hit, chunk, cosine in zip(best, store.chunks(ids), cosines, strict=True)]


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
