"""How a span is compared with the expected one: SQuAD's exact match and token F1."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str) -> str:
    """SQuAD's normalisation (Rajpurkar et al. 2016, official script): lower case, no ASCII punctuation, no articles.

    >>> normalise("The  Eiffel-Tower!")
    'eiffeltower'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, answers: Iterable[str]) -> float:
    """SQuAD EM: 1 where the normalised prediction equals a normalised answer (Rajpurkar et al. 2016)."""
    return float(any(normalise(prediction) == normalise(answer) for answer in answers))


def f1(prediction: str, answers: Iterable[str]) -> float:
    """SQuAD F1: the best harmonic mean of token precision and recall over the answers (Rajpurkar et al. 2016).

    Where either side has no token left, it is 1 if both have none, else 0 (the SQuAD 2.0 script).
    """
    return max((_token_f1(normalise(prediction).split(), normalise(answer).split()) for answer in answers), default=0.0)


def _token_f1(prediction: list[str], answer: list[str]) -> float:
    if not prediction or not answer:
        return float(prediction == answer)
    shared = sum((Counter(prediction) & Counter(answer)).values())
    return 2 * shared / (len(prediction) + len(answer))
