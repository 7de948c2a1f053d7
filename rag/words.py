"""Words as the lexical side of reading sees them: lower case, English stems, stop words known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tantivy


_PAIRS = [pair.split("/") for pair in (
    "most/least more/fewer more/less first/last before/after highest/lowest higher/lower largest/smallest larger/smaller"
    " biggest/smallest longest/shortest oldest/youngest older/newer best/worst maximum/minimum increase/decrease"
    " increased/decreased rise/fall rose/fell north/south northern/southern east/west eastern/western early/late"
    " earlier/later earliest/latest start/end began/ended begin/finish won/lost win/lose gain/lose allowed/forbidden"
    " always/never with/without inside/outside above/below upper/lower male/female men/women positive/negative"
    " similar/different common/rare strong/weak stronger/weaker support/oppose supported/opposed include/exclude"
    " accept/reject accepted/rejected open/closed internal/external private/public like/dislike"
    " liked/disliked good/bad easy/difficult cheap/expensive").split()]
OPPOSITE = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}


def terms(text: str) -> list[str]:
    """The text's stems in order, stop words left out; the same analysis that BM25 searches by."""
    found: list[str] = _analyzer().analyze(text)
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
