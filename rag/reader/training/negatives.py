"""Passages and questions that look right and are not: what teaches a reader to say "not here".

- other: the best-matching windows of other contexts of the same file, by words and by the encoder, that hold none of the
  answers' texts.
- cut: the question's own window without the sentence that holds the answer.
- swapped: the question with one thing changed, asked of its own window (see `misleading`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from index.encoder import Encoder
from index.sentences import sentences
from rag.reader.training.rows import Dataset, Window
from rag.words import normalised

NEAREST = 12  # windows kept a question


def nearest(dataset: Dataset, windows: Sequence[Window], encoder: Encoder, chunk: int = 1000) -> list[list[int]]:
    """For every row, the numbers of the windows of other contexts that a search for its question finds, best first.

    Two searches take turns, as retrieval fuses two: the rarest words shared, and the encoder's cosine. Windows that hold the
    text of an answer are left out; so are other windows of the row's own context.
    """
    texts = [dataset.titles[w.context] + " " + dataset.contexts[w.context][w.start : w.end] for w in windows]
    vectorizer = TfidfVectorizer(sublinear_tf=True, stop_words="english", ngram_range=(1, 2), min_df=1, dtype=np.float32)
    by_words = vectorizer.fit_transform(texts).T.tocsc()
    by_meaning = encoder.encode(texts).T
    lowered = [text.lower() for text in texts]
    found = []
    for first in range(0, len(dataset.rows), chunk):
        rows = dataset.rows[first : first + chunk]
        questions = [row.question for row in rows]
        words = (vectorizer.transform(questions) @ by_words).tocsr()
        meaning = encoder.encode(questions) @ by_meaning
        for at, row in enumerate(rows):
            line = words[at]
            ranked = (line.indices[np.argsort(-line.data, kind="stable")[: NEAREST * 4]].tolist(),
                      np.argsort(-meaning[at], kind="stable")[: NEAREST * 4].tolist())
            turns = dict.fromkeys(number for pair in zip_longest(*ranked) for number in pair if number is not None)
            answers = {dataset.contexts[row.context][start:end].lower() for start, end in row.answers}
            found.append([number for number in turns if windows[number].context != row.context
                          and not any(answer in lowered[number] for answer in answers)][:NEAREST])
    return found


def without_answer(text: str, answers: Sequence[tuple[int, int]]) -> str | None:
    """The text without the sentences that touch an answer; None where too little is left or an answer's text is."""
    kept = [text[start:end] for start, end in sentences(text)
            if not any(start < stop and begin < end for begin, stop in answers)]
    rest = " ".join(kept)
    told = normalised(rest)
    if len(rest) < 80 or any(normalised(text[start:end]) in told for start, end in answers):
        return None
    return rest
