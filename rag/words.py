"""Words as the lexical side of reading sees them: lower case, English stems, stop words known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tantivy


def terms(text: str) -> list[str]:
    """The text's stems in order, stop words left out; the same analysis that BM25 searches by."""
    from index.lexical import INVISIBLE

    found: list[str] = _analyzer().analyze(text.translate(INVISIBLE))
    return found


@cache
def _analyzer() -> tantivy.TextAnalyzer:
    from index.lexical import STOP_WORDS, analyzer

    return analyzer(STOP_WORDS)


WORD = re.compile(r"[^\W_]+(?:[-.'’][^\W_]+)*")
_SPACE = re.compile(r"\s+")


def normalised(text: str) -> str:
    """Text to compare by: case folded, every run of white space one space."""
    return _SPACE.sub(" ", text).strip().casefold()


def content_words(text: str, leave_out: Sequence[str] = ()) -> list[str]:
    """The text's own words, in order and once each, whose stems are neither stop words nor in `leave_out`."""
    known = set(leave_out)
    words = []
    for word in WORD.findall(text):
        stems = set(terms(word))
        if stems and not stems <= known:
            known |= stems
            words.append(word)
    return words
