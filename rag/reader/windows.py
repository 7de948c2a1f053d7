"""A question and pieces of text as the reader's model sees them, with the way back to characters.

The model reads `[CLS] question [SEP] heads text [SEP]`; `heads` says where the text comes from (title and headings) and
can never be part of an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LONGEST = 512  # word pieces that the model is given at once: the rest taken together stays below
WINDOW = 256  # word pieces of a text
LONGEST_QUESTION = 96  # word pieces of a question that are read: its last ones
LONGEST_HEADS = 120  # characters


@dataclass(frozen=True, slots=True)
class Encoded:
    """One question with one text. All arrays have one entry a word piece."""

    ids: NDArray[np.int64]
    types: NDArray[np.int64]
    answerable: NDArray[np.bool_]  # whether the piece belongs to the text
    starts: NDArray[np.int64]  # of the piece, in characters of the text; 0 outside it
    ends: NDArray[np.int64]


def heads(title: str, heading: Sequence[str] = ()) -> str:
    """What stands before a text: its title and headings, the last ones where there are too many; nothing where none."""
    parts = [part.strip() for part in (title, *heading) if part.strip()]
    told = " > ".join(dict.fromkeys(parts))[-LONGEST_HEADS:]
    return f"{told}: " if told else ""


def window_spans(offsets: list[tuple[int, int]], words: list[int | None], size: int,
                 stride: int) -> list[tuple[int, int]]:
    """Character spans of at most `size` pieces, starting every `stride`, never inside a word; one where all fits."""
    if not offsets:
        return []
    spans = []
    first = 0
    while True:
        last = _word_start(words, min(len(words), first + size), first)
        spans.append((offsets[first][0], offsets[last - 1][1]))
        if last == len(words):
            return spans
        first = _word_start(words, min(first + stride, last), first)


def _word_start(words: list[int | None], at: int, after: int) -> int:
    """The start of the word that `at` stands in, if that is beyond `after`; else `at`."""
    start = at
    while 0 < start < len(words) and words[start] is not None and words[start] == words[start - 1]:
        start -= 1
    return start if start > after else at


def encode(tokenizer: Any, pairs: Sequence[tuple[str, str, str]], longest: int = LONGEST) -> list[Encoded]:
    """Encode (question, heads, text) triples with a fast tokenizer of transformers; texts beyond `longest` are cut."""
    if not pairs:
        return []
    batch = tokenizer([question for question, _, _ in pairs], [before + text for _, before, text in pairs],
                      truncation="only_second", max_length=longest, return_token_type_ids=True, return_attention_mask=False)
    return [_encoded(encoding, batch["token_type_ids"][at], len(pairs[at][1])) for at, encoding in enumerate(batch.encodings)]


def pad(batch: Sequence[Encoded], filler: int,
        multiple: int = 1) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Ids, types, attention mask and answerable of a batch, each (n, longest of it, rounded up to a multiple)."""
    width = -(-max(len(one.ids) for one in batch) // multiple) * multiple
    ids = np.full((len(batch), width), filler, dtype=np.int64)
    types = np.zeros_like(ids)
    mask = np.zeros_like(ids)
    answerable = np.zeros(ids.shape, dtype=np.bool_)
    for row, one in enumerate(batch):
        length = len(one.ids)
        ids[row, :length] = one.ids
        types[row, :length] = one.types
        mask[row, :length] = 1
        answerable[row, :length] = one.answerable
    return ids, types, mask, answerable


def _encoded(encoding: Any, types: Sequence[int], before: int) -> Encoded:
    offsets = np.asarray(encoding.offsets, dtype=np.int64) - before
    second = np.asarray([number == 1 for number in encoding.sequence_ids], dtype=np.bool_)
    answerable = second & (offsets[:, 0] >= 0) & (offsets[:, 1] > offsets[:, 0])
    offsets[~answerable] = 0
    return Encoded(np.asarray(encoding.ids, dtype=np.int64), np.asarray(types, dtype=np.int64), answerable,
                   offsets[:, 0], offsets[:, 1])
