"""What is kept is bounded by its size."""

from __future__ import annotations

import pytest

from index.build import index_documents
from index.generation import open_current
from index.recent import Recent


def test_what_was_asked_for_last_is_kept_within_the_size() -> None:
    made: list[str] = []

    def make(key: str) -> str:
        made.append(key)
        return key.upper()

    recent = Recent(make, lambda _, value: len(value), most=5)
    assert [recent(key) for key in ("aa", "bbb", "aa", "cc", "bbb", "aa")] == ["AA", "BBB", "AA", "CC", "BBB", "AA"]
    assert made == ["aa", "bbb", "cc", "bbb", "aa"]  # for "cc" went "bbb"; for that, "aa"


def test_the_last_is_kept_whatever_its_size() -> None:
    made: list[str] = []

    def make(key: str) -> str:
        made.append(key)
        return key

    recent = Recent(make, lambda _, value: len(value), most=3)
    for key in ("a", "large", "large", "b", "a"):
        recent(key)
    assert made == ["a", "large", "b", "a"]


def test_what_raises_is_not_kept() -> None:
    recent = Recent(lambda key: {"a": 1}[key], lambda *_: 1, most=3)
    for _ in range(2):
        with pytest.raises(KeyError):
            recent("b")
    assert recent("a") == 1


def test_documents_in_memory_are_bounded_by_their_characters(home, document, encoder, monkeypatch) -> None:
    monkeypatch.setattr("index.generation._IN_MEMORY", 1500)
    index_documents(home, [document(f"{n}.txt", "word " * 100) for n in range(4)], encoder=encoder)
    store = open_current(home)
    ids = [info.document_id for info in store.sources()]
    first = store.document(ids[0])
    assert store.document(ids[1]) is store.document(ids[1])
    assert store.document(ids[0]) is first
    for id in ids:
        store.document(id)
    assert store.document(ids[0]) is not first
    assert store.document(ids[0]) == first
    store.close()
