"""Questions in other words than the text: their words give way to ones of like meaning, by the bundled encoder.

The data's questions were mostly written by people who had the paragraph before them, and share its words; those who ask a
library have not read it. A word's likes are the words of the tokenizer's vocabulary whose vectors, encoded alone, are
nearest to its own. Words that are close and mean something else are kept out: numbers, opposites, other forms of a word.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

import numpy as np

from index.encoder import load_encoder
from rag.reader.training.misleading import OPPOSITE
from rag.words import terms

Synonyms = Mapping[str, tuple[str, ...]]

LEAST = 0.77  # cosine
MOST = 3  # a word
_WORD = re.compile(r"(?<![\w'-])[a-z]{4,}(?![\w'-])")  # names, being capitalised, are no words here
_APART = set("two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred thousand million"
             " billion third fourth fifth sixth seventh eighth ninth tenth half many much most more least less other same"
             " either neither often today yesterday tomorrow morning evening night younger warmer colder buyer seller"
             " employer employee teacher student father mother brother sister husband wife king queen actor actress boys"
             " girls".split()) | set(OPPOSITE)
_NEGATED = re.compile(r"(?:un|in|im|ir|il|dis|non)(?=.{3})")


def synonyms(vocabulary: Mapping[str, int]) -> Synonyms:
    """For the whole words of a vocabulary, those most like each in meaning, best first; words without any are left out."""
    words = [word for word in vocabulary if _WORD.fullmatch(word) and word not in _APART and terms(word)]
    vectors = load_encoder().encode(words)
    found = {}
    for first in range(0, len(words), 1000):
        likeness = vectors[first : first + 1000] @ vectors.T
        for at, near in enumerate(likeness):
            word = words[first + at]
            likes = [words[other] for other in np.argsort(-near)[: MOST * 4] if near[other] >= LEAST]
            if good := tuple(other for other in likes if _differ(word, other))[:MOST]:
                found[word] = good
    return found


def in_other_words(question: str, text: str, known: Synonyms, chance: random.Random) -> str:
    """The question with most of the words that it shares with the text, and that have a like, swapped for it."""
    told = set(_WORD.findall(text.lower()))

    def other(match: re.Match[str]) -> str:
        word = match[0]
        likes = [like for like in known.get(word, ()) if like not in told]
        if word not in told or not likes or question[: match.start()].lower().endswith("how ") or chance.random() < 0.25:
            return word
        return chance.choice(likes)

    return _WORD.sub(other, question)


def _differ(word: str, other: str) -> bool:
    """Whether two words are no forms of one word, and neither is the other's opposite by a prefix."""
    if word[:4] == other[:4] or terms(word) == terms(other):
        return False
    return _NEGATED.sub("", word)[:4] != _NEGATED.sub("", other)[:4]
