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
from rag.retrieve import choose, fuse, retrieve, together
from rag.types import Passage

VECTOR = np.array([1.0], dtype=np.float32)
DENSE, LEXICAL = [Hit("a", 0.9), Hit("b", 0.5)], [Hit("b", 4.0), Hit("c", 2.0)]
MakeStore = Callable[..., Any]
MakePassage = Callable[..., Passage]


def named(id: str) -> Passage:
    made = document(f"Of {id} alone.", f"{id}.txt")
    return Passage(Chunk(id, made.id, 0, len(made.text), ((0, len(made.text)),), 1), made, 0.0)


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


def test_passages_of_the_first_half_come_best_first_with_their_ranks(fixed_store: MakeStore) -> None:
    store = fixed_store([named("a"), named("b"), named("c")], [("a", 0.9), ("b", 0.5)], [("b", 4.0), ("c", 2.0)], {"c": 0.1})
    found = retrieve(store, "question", VECTOR, Config())
    assert [p.chunk.id for p in found] == ["b", "c", "a"]
    assert [(p.dense_rank, p.lexical_rank) for p in found] == [(2, 1), (None, 2), (1, None)]
    assert [p.document.source for p in found] == ["b.txt", "c.txt", "a.txt"]
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)


def test_the_scores_of_a_wider_question_count_half_and_what_it_did_not_find_gets_its_lowest() -> None:
    both = together([Hit("a", 1.0), Hit("b", -0.5)], [Hit("b", 2.0), Hit("c", -1.0)], 0.5)
    assert scores(both) == pytest.approx({"a": (1.0 - 0.5) / 1.5, "b": (-0.5 + 1.0) / 1.5, "c": (-0.5 - 0.5) / 1.5})
    assert together(both, [], 0.5) == together([], both, 0.5) == both


def test_a_wider_question_is_searched_with_too(fixed_store: MakeStore) -> None:
    store = fixed_store([named("a"), named("b"), named("c")], [("a", 0.9), ("b", 0.5)], [("b", 4.0), ("c", 2.0)], {"c": 0.1})
    alone = retrieve(store, "question", VECTOR, Config())
    assert retrieve(store, "question", VECTOR, Config(), ("question", VECTOR)) == alone  # the same twice changes nothing


def test_half_is_what_words_find_and_the_rest_what_meaning_finds() -> None:
    words, meaning = [named(id) for id in "abcd"], [named(id) for id in "dbca"]
    def chosen(*rankings: list[Passage], most: int) -> str:
        return "".join(one.chunk.id for one in choose("question", rankings, most))
    assert chosen(words, meaning, most=3) == "abd"
    assert chosen(words, meaning, most=1) == "a"
    assert chosen(words, meaning, most=9) == "abcd"
    assert chosen(words, most=3) == "abc"
    assert chosen([], [], most=2) == chosen([], meaning, most=0) == ""


def test_copies_at_the_top_leave_the_half_that_words_find_its_share(passage: MakePassage) -> None:
    copies, others = [passage("It sails at nine.", f"{n}.txt") for n in range(5)], [named(id) for id in "abcdefgh"]
    found = choose("question", ([*copies, *others], [*reversed(others), *copies]), 6)
    assert [one.document.source for one in found] == ["0.txt", "a.txt", "b.txt", "h.txt", "g.txt", "f.txt"]
    assert [copy.document.source for copy in found[0].copies] == ["1.txt", "2.txt", "3.txt", "4.txt"]


@pytest.mark.parametrize("settings", [{"fusion": "rrf"}, {"dense_weight": 0.7}, {"dense_weight": 1.0}])
def test_where_the_second_ranking_would_be_the_first_again_there_is_one(settings: dict[str, Any]) -> None:
    assert Config(**settings).by_meaning is None
    assert "then" not in Config(**settings).retrieval
    assert Config().retrieval.startswith("zscore (dense 0.3, then 0.7) of 100")


def test_a_copy_next_to_the_last_of_a_half_is_kept(passage: MakePassage) -> None:
    same = [passage("It sails at nine.", f"{n}.txt") for n in range(3)]
    words, meaning = [*same[:2], named("a"), same[2]], [named(id) for id in "bcd"]
    found = choose("question", (words, meaning), 2)
    assert [(one.document.source, [copy.document.source for copy in one.copies]) for one in found] == [
        ("0.txt", ["1.txt"]), ("b.txt", [])]


def test_a_passage_in_other_words_is_read_too(fixed_store: MakeStore) -> None:
    """Of six that share the question's words and one that is like it in meaning, two are read: the best by each."""
    ids = "abcdef"
    store = fixed_store([named(id) for id in "gabcdef"], [("g", 0.9)], [(id, 9.0 - n) for n, id in enumerate(ids)],
                        dict.fromkeys(ids, 0.1))
    first, other = retrieve(store, "question", VECTOR, Config(passages=2))
    assert (first.chunk.id, other.chunk.id) == ("a", "g")
    by_words = scores(fuse(store, VECTOR, store.dense(VECTOR, 9), store.lexical("question", 9), Config()))
    assert (first.score, other.score) == (by_words["a"], by_words["g"])  # also of what the other ranking found


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


# What is repeated


def passages_of(store: MakeStore, made: list[Passage], **settings: Any) -> list[Passage]:
    """What is retrieved where both searches find these passages in this order."""
    found = [(passage.chunk.id, 1 - n / 100) for n, passage in enumerate(made)]
    return retrieve(store(made, found, found), "When does the night boat sail?", VECTOR, Config(**settings))


def test_a_copy_is_kept_with_the_best_that_says_the_same(fixed_store: MakeStore, passage: MakePassage) -> None:
    made = [passage("It sails at nine.", f"{name}.txt") for name in "abc"]
    other = passage("The night boat is blue.", "d.txt")
    best, second = passages_of(fixed_store, [made[0], other, *made[1:]])
    assert (best.document.source, second.document.source, second.copies) == ("a.txt", "d.txt", ())
    assert [(copy.document.source, copy.dense_rank, copy.score < best.score) for copy in best.copies] == [
        ("b.txt", 3, True), ("c.txt", 4, True)]


def test_no_more_copies_are_kept_than_passages_are_read(fixed_store: MakeStore, passage: MakePassage) -> None:
    [best] = passages_of(fixed_store, [passage("It sails at nine.", f"{n}.txt") for n in range(20)], passages=4)
    assert [copy.document.source for copy in best.copies] == ["1.txt", "2.txt", "3.txt"]


def test_the_same_row_under_another_header_is_no_copy(fixed_store: MakeStore) -> None:
    def row(source: str, header: str) -> Passage:
        made = document(f"{header}\nMarrick | 9.40", source)
        start = len(header) + 1
        chunk = Chunk(source, made.id, start, len(made.text), ((start, len(made.text)),), 5, (0, len(header)))
        return Passage(chunk, made, 0.0)

    made = [row("a.txt", "Route | Adult"), row("b.txt", "Route | Child"), row("c.txt", "Route | Adult")]
    found = passages_of(fixed_store, made)
    assert [(one.document.source, [copy.document.source for copy in one.copies]) for one in found] == [
        ("a.txt", ["c.txt"]), ("b.txt", [])]


NOTICE = "The night boat is not bound to sail."


def test_a_sentence_is_read_in_three_passages_and_those_that_have_more_to_say_come_before_others_with_it(
        fixed_store: MakeStore, passage: MakePassage) -> None:
    made = [passage(f"{NOTICE} Port {n} is open.", f"{n}.txt", title="") for n in range(6)]
    more = passage(f"{NOTICE} The night boat leaves at nine.", "more.txt", title="")
    last = passage("Nothing of it.", "last.txt", title="")
    found = passages_of(fixed_store, [*made, more, last], passages=5)
    assert [p.document.source for p in found] == ["0.txt", "1.txt", "2.txt", "more.txt", "last.txt"]


def test_what_was_put_behind_is_read_where_there_is_not_enough_else(fixed_store: MakeStore, passage: MakePassage) -> None:
    made = [passage(f"{NOTICE} Port {n} is open.", f"{n}.txt", title="") for n in range(6)]
    found = passages_of(fixed_store, [*made, passage("Nothing of it.", "last.txt", title="")], passages=6)
    assert [p.document.source for p in found] == ["0.txt", "1.txt", "2.txt", "3.txt", "4.txt", "last.txt"]


def test_a_running_header_is_the_same_on_every_page(fixed_store: MakeStore, passage: MakePassage) -> None:
    made = [passage(f"The night boat of Quill – Page {n} of 9\n\nPort {n} is open.", f"{n}.txt", title="") for n in range(6)]
    found = passages_of(fixed_store, [*made, passage("Nothing of it.", "last.txt", title="")], passages=4)
    assert [p.document.source for p in found] == ["0.txt", "1.txt", "2.txt", "last.txt"]


def test_a_title_that_is_asked_for_counts_as_said(fixed_store: MakeStore, passage: MakePassage) -> None:
    made = [passage(f"{NOTICE} Port {n} is open.", f"{n}.txt", title="Sailings of the night boat") for n in range(6)]
    last = passage("Nothing of it.", "last.txt", title="")
    assert [p.document.source for p in passages_of(fixed_store, [*made, last], passages=5)] == [f"{n}.txt" for n in range(5)]
