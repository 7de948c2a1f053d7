"""Two searches become one ranking: the values by hand, and always the same order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fakes import document

from index.store import Hit
from index.types import Chunk
from rag.config import Config
from rag.retrieve import fuse, retrieve
from rag.types import Passage

VECTOR = np.array([1.0], dtype=np.float32)
DENSE, LEXICAL = [Hit("a", 0.9), Hit("b", 0.5)], [Hit("b", 4.0), Hit("c", 2.0)]
MakeStore = Callable[..., Any]


def named(id: str, start: int = 0, end: int = 5, source: str = "") -> Passage:
    made = document("words " * 500, source or f"{id}.txt")
    return Passage(Chunk(id, made.id, start, end, ((start, end),), 1), made, 0.0)


def scores(hits: list[Hit]) -> dict[str, float]:
    return {hit.chunk_id: hit.score for hit in hits}


def test_standardised_scores_are_weighed_and_added(fixed_store: MakeStore) -> None:
    # inner products a 0.9, b 0.5, c 0.1: mean 0.5, deviation 0.3266; BM25 a 0, b 4, c 2: mean 2, deviation 1.633
    store = fixed_store([], inner={"c": 0.1})
    fused = scores(fuse(store, VECTOR, DENSE, LEXICAL, Config(dense_weight=0.3)))
    assert fused == pytest.approx({"a": 0.3 * 1.224745 - 0.7 * 1.224745, "b": 0.7 * 1.224745, "c": 0.3 * -1.224745}, abs=1e-6)


@pytest.mark.parametrize(("weight", "expected"), [
    (1.0, {"a": 1.224745, "b": 0.0, "c": -1.224745}),
    (0.0, {"a": -1.224745, "b": 1.224745, "c": 0.0}),
    (0.5, {"a": 0.0, "b": 0.612372, "c": -0.612372}),
])
def test_the_weight_is_the_share_of_the_dense_score(fixed_store: MakeStore, weight: float, expected: dict[str, float]) -> None:
    fused = fuse(fixed_store([], inner={"c": 0.1}), VECTOR, DENSE, LEXICAL, Config(dense_weight=weight))
    assert scores(fused) == pytest.approx(expected, abs=1e-6)


def test_reciprocal_ranks_are_added_and_scores_do_not_matter(fixed_store: MakeStore) -> None:
    config = Config(fusion="rrf")
    expected = {"a": 1 / 61, "b": 1 / 62 + 1 / 61, "c": 1 / 62}
    assert scores(fuse(fixed_store([]), VECTOR, DENSE, LEXICAL, config)) == pytest.approx(expected)
    other = [Hit("a", 0.1), Hit("b", -0.7)], [Hit("b", 90.0), Hit("c", 89.0)]
    assert scores(fuse(fixed_store([]), VECTOR, *other, config)) == pytest.approx(expected)


@pytest.mark.parametrize("fusion", ["zscore", "rrf"])
def test_one_search_may_find_nothing(fixed_store: MakeStore, fusion: str) -> None:
    config = Config(fusion=fusion)
    only_dense = scores(fuse(fixed_store([]), VECTOR, DENSE, [], config))
    assert only_dense["a"] > only_dense["b"]
    only_lexical = scores(fuse(fixed_store([], inner={"b": 0.2, "c": 0.2}), VECTOR, [], LEXICAL, config))
    assert only_lexical["b"] > only_lexical["c"]
    assert fuse(fixed_store([]), VECTOR, [], [], config) == []


def test_scores_that_are_all_the_same_say_nothing(fixed_store: MakeStore) -> None:
    same = [Hit("a", 0.4), Hit("b", 0.4)]
    assert scores(fuse(fixed_store([]), VECTOR, same, [], Config())) == {"a": 0.0, "b": 0.0}


def test_passages_come_best_first_with_their_ranks(fixed_store: MakeStore) -> None:
    store = fixed_store([named("a"), named("b"), named("c")], [("a", 0.9), ("b", 0.5)], [("b", 4.0), ("c", 2.0)], {"c": 0.1})
    found = retrieve(store, "question", VECTOR, Config())
    assert [p.chunk.id for p in found] == ["b", "c", "a"]
    assert [(p.dense_rank, p.lexical_rank) for p in found] == [(2, 1), (None, 2), (1, None)]
    assert [p.document.source for p in found] == ["b.txt", "c.txt", "a.txt"]
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)


def test_no_more_passages_come_than_were_asked_for(fixed_store: MakeStore) -> None:
    store = fixed_store([named(id) for id in "abc"], [("a", 0.9), ("b", 0.5), ("c", 0.1)])
    assert [p.chunk.id for p in retrieve(store, "question", VECTOR, Config(passages=2))] == ["a", "b"]
    assert retrieve(fixed_store([]), "question", VECTOR, Config()) == []


def test_each_search_brings_as_many_candidates_as_are_set(fixed_store: MakeStore) -> None:
    ids = [f"c{number:02}" for number in range(30)]
    store = fixed_store([named(id) for id in ids], [(id, 1 - n / 100) for n, id in enumerate(ids)])
    assert len(retrieve(store, "question", VECTOR, Config(candidates=12, passages=100))) == 12


def test_equal_scores_keep_the_order_of_the_dense_search(fixed_store: MakeStore) -> None:
    passages = [named(id) for id in "abcd"]
    store = fixed_store(passages, [(id, 0.5) for id in "cadb"])
    assert [p.chunk.id for p in retrieve(store, "question", VECTOR, Config())] == ["c", "a", "d", "b"]


def test_equal_scores_of_the_lexical_search_alone_stay_in_its_order(fixed_store: MakeStore) -> None:
    """The store gives equal scores by position, so that is the order of the passages too."""
    passages = [named(id) for id in "abc"]
    store = fixed_store(passages, [], [(id, 3.0) for id in "bca"], dict.fromkeys("abc", 0.5))
    assert [p.chunk.id for p in retrieve(store, "question", VECTOR, Config())] == ["b", "c", "a"]


def test_equal_scores_come_first_where_the_dense_search_found_them(fixed_store: MakeStore) -> None:
    store = fixed_store([named(id) for id in "abcd"], [("d", 0.9), ("c", 0.8)], [("a", 5.0), ("b", 4.0)])
    found = retrieve(store, "question", VECTOR, Config(fusion="rrf"))
    assert [(p.chunk.id, p.score) for p in found] == [("d", 1 / 61), ("a", 1 / 61), ("c", 1 / 62), ("b", 1 / 62)]
