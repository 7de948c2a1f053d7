"""Follow-up questions: one that leans on what was said before is completed with the words it leans on.

No language model: the question keeps its own words, and the content words of the turns before are added behind it
(historical query expansion; compare QuReTeC, Voskarides et al., SIGIR 2020).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.words import content_words, terms

_POINTS_BACK = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers|this|that|these|those|one|ones|there|then|else|others?|same"
    r"|instead|former|latter|both|either|such|so)\b", re.IGNORECASE)
_POINTS_NOWHERE = re.compile(r"\b(?:is|are|was|were) there\b|\bthere (?:is|are|was|were)\b|\bso (?:many|much)\b|\bone of\b",
                             re.IGNORECASE)
_GOES_ON = re.compile(r"^\W*(?:and|but|or|so|also|then|what about|how about|what if|really|ok)\b", re.IGNORECASE)
_MAY_GO_ON = re.compile(r"^\W*(?:why|since when|until when|for|with|in|on|at)\b", re.IGNORECASE)  # where little follows
_SHORT = 2  # content words: a question with fewer says too little to stand alone
_TURNS = 3
_ADDED = 8


def resolve(question: str, history: Sequence[str] = ()) -> str:
    """The question as it stands alone: itself, or with words of earlier turns in brackets behind it.

    `history` holds the user's earlier turns, oldest first.

    >>> resolve("And for children?", ["What does a day ticket cost?"])
    'And for children? (day ticket cost)'
    """
    standalone = ""
    for turn in [*history[-_TURNS:], question]:
        turn = turn.strip()
        if not standalone or not leans(turn):
            standalone = turn
            continue
        added = content_words(standalone, leave_out=terms(turn))[:_ADDED]
        standalone = f"{turn} ({' '.join(added)})" if added else turn
    return standalone


def leans(question: str) -> bool:
    """Whether the question needs the turns before it to be understood."""
    words = len(terms(question))
    if words < _SHORT or _GOES_ON.match(question) or (words == _SHORT and _MAY_GO_ON.match(question)):
        return True
    return bool(_POINTS_BACK.search(_POINTS_NOWHERE.sub("", question)))
