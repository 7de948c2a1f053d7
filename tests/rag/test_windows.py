"""What the reader's model sees, and the way back to characters."""

from __future__ import annotations

import itertools

import pytest
from fakes import tiny_tokenizer
from hypothesis import given
from hypothesis import strategies as st

from rag.reader.windows import LONGEST_HEADS, encode, heads, pad, window_spans


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


def test_heads_name_title_and_headings_once_each() -> None:
    assert heads("Handbook", ("Handbook", "Leave")) == "Handbook > Leave: "
    assert heads(" ", ()) == ""
    assert heads("x" * 500, ("Leave",)) == ("x" * 500 + " > Leave")[-LONGEST_HEADS:] + ": "


def test_pieces_of_the_heads_and_the_question_are_no_answer(tokenizer) -> None:
    [one] = encode(tokenizer, [("when does it leave ?", "Ferry: ", "It leaves at nine.")])
    marked = [("It leaves at nine."[start:end]) for start, end, can in zip(one.starts, one.ends, one.answerable, strict=True)
              if can]
    assert "".join(marked) == "Itleavesatnine."
    assert len(one.ids) == len(one.types) == len(one.answerable)
    assert one.ids[0] == tokenizer.cls_token_id
    assert not one.answerable[0]


@given(st.text(max_size=60), st.text(max_size=20), st.text(min_size=1, max_size=80))
def test_places_are_those_of_the_text_whatever_stands_before_it(question: str, before: str, text: str) -> None:
    [one] = encode(tiny_tokenizer(), [(question, before, text)])
    for start, end in zip(one.starts[one.answerable], one.ends[one.answerable], strict=True):
        assert 0 <= start < end <= len(text)
        assert text[start:end].strip() == text[start:end]


def test_a_batch_is_as_wide_as_its_longest_rounded_up(tokenizer) -> None:
    batch = encode(tokenizer, [("who ?", "", "a b c d"), ("who ?", "", "a")])
    ids, types, mask, answerable = pad(batch, tokenizer.pad_token_id, 16)
    assert ids.shape == types.shape == mask.shape == answerable.shape == (2, 16)
    assert mask.sum(1).tolist() == [len(one.ids) for one in batch]
    assert answerable.sum(1).tolist() == [4, 1]


@given(st.lists(st.integers(1, 6), min_size=1, max_size=60), st.integers(1, 20), st.integers(1, 20))
def test_windows_cover_every_piece_within_size_and_part_words_only_where_they_must(lengths: list[int], size: int,
                                                                                   stride: int) -> None:
    words = [number for number, length in enumerate(lengths) for _ in range(length)]
    offsets = [(at, at + 1) for at in range(len(words))]
    spans = window_spans(offsets, list(words), size, min(stride, size))
    assert spans[0][0] == 0
    assert spans[-1][1] == len(words)
    for start, end in spans:
        assert 0 < end - start <= size
        if end < len(words) and words[end] == words[end - 1]:
            assert lengths[words[end]] >= min(size, stride)
    for (one, last), (other, _) in itertools.pairwise(spans):
        assert one < other <= last


def test_a_text_that_fits_is_one_window_and_none_where_there_is_nothing() -> None:
    assert window_spans([(0, 3), (4, 7)], [0, 1], 5, 2) == [(0, 7)]
    assert window_spans([], [], 5, 2) == []
