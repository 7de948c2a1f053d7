"""Passages and questions that look right and are not: what teaches a reader to say "not here".

- other: the best-matching windows of other contexts of the same library (the file, where its rows name none), by words and by
  the encoder, that hold none of the answers' texts and answer the question in no other row.
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
    text of an answer are left out; so are other windows of the row's own context, of contexts that answer the same question
    in another row, and of other libraries, which may well answer it: "when do you open?"
    """
    texts = [dataset.titles[w.context] + " " + dataset.contexts[w.context][w.start : w.end] for w in windows]
    vectorizer = TfidfVectorizer(sublinear_tf=True, stop_words="english", ngram_range=(1, 2), min_df=1, dtype=np.float32)
    by_words = vectorizer.fit_transform(texts).T.tocsc()
    by_meaning = encoder.encode(texts).T
    lowered = [text.lower() for text in texts]
    answering = _answering(dataset)
    found: list[list[int]] = [[] for _ in dataset.rows]
    for library in dict.fromkeys(dataset.libraries):
        members = np.array([n for n, window in enumerate(windows) if dataset.libraries[window.context] == library])
        asked = [n for n, row in enumerate(dataset.rows) if dataset.libraries[row.context] == library]
        for first in range(0, len(asked), chunk):
            some = asked[first : first + chunk]
            questions = [dataset.rows[n].question for n in some]
            words = (vectorizer.transform(questions) @ by_words[:, members]).tocsr()
            meaning = encoder.encode(questions) @ by_meaning[:, members]
            for at, n in enumerate(some):
                row, line = dataset.rows[n], words[at]
                ranked = (line.indices[np.argsort(-line.data, kind="stable")[: NEAREST * 4]].tolist(),
                          np.argsort(-meaning[at], kind="stable")[: NEAREST * 4].tolist())
                turns = dict.fromkeys(int(members[one]) for pair in zip_longest(*ranked) for one in pair if one is not None)
                answers = {dataset.contexts[row.context][start:end].lower() for start, end in row.answers}
                no = {row.context} | answering.get((library, row.question), set())
                found[n] = [number for number in turns if windows[number].context not in no
                            and not any(answer in lowered[number] for answer in answers)][:NEAREST]
    return found


def _answering(dataset: Dataset) -> dict[tuple[str, str], set[int]]:
    """The contexts that answer a question, by library and question."""
    found: dict[tuple[str, str], set[int]] = {}
    for row in dataset.rows:
        if row.answers:
            found.setdefault((dataset.libraries[row.context], row.question), set()).add(row.context)
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
