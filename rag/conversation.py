"""Follow-up questions: one that leans on what was said before is completed with the words it leans on.

No language model: the question keeps its own words, and words of the turns before are added behind it. Which, a logistic
regression decides for each word that was said (`mentions.py`); a question for which no word is likely enough stands alone. One
that does not show that it leans on anything ("What are the side effects?") needs a surer word. Which passages are read may hang
on more words than the question reads well with: for that there is `widened`.
Fitted by `python -m rag.reader.training.fit_conversation`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rag.mentions import Features, Mention, Stems, leans, mentions
from rag.words import content_words, terms

WEIGHTS = Path(__file__).parent / "conversation.json"
TURNS = 8  # back, and no further: the subject has changed since
_ADDED = 8
_LATELY = 3  # turns that a search may take words from
_SEARCHED = 40  # such words, at most


@dataclass(frozen=True, slots=True)
class Model:
    """Weights by feature, "" being the intercept. Words are added that are at least `likely`.

    A question that does not show that it leans on anything gets them only where one is at least `sure`.
    """

    weights: dict[str, float]
    likely: float
    sure: float

    def probability(self, features: Features) -> float:
        """That the question means the word."""
        log_odds = self.weights[""] + sum(self.weights.get(name, 0.0) * value for name, value in features.items())
        return 1 / (1 + math.exp(-log_odds))

    def choose(self, question: str, found: Sequence[Mention]) -> list[Mention]:
        """The mentions to add, in their order."""
        scored = sorted(((self.probability(mention.features), mention) for mention in found), key=lambda pair: -pair[0])
        if not scored or (scored[0][0] < self.sure and not leans(question)):
            return []
        chosen = [mention for probability, mention in scored if probability >= self.likely][:_ADDED]
        return sorted(chosen, key=lambda mention: (mention.turn, mention.place))


@cache
def fitted() -> Model:
    """The model that ships with the package."""
    given = json.loads(WEIGHTS.read_text("utf-8"))
    return Model(given["weights"], given["likely"], given["sure"])


def resolve(question: str, history: Sequence[str] = ()) -> str:
    """The question as it stands alone: itself, or with words of earlier turns in brackets behind it.

    `history` holds the user's earlier turns, oldest first.

    >>> resolve("And for children?", ["What does a day ticket cost?"])
    'And for children? (day ticket cost)'
    """
    question = question.strip()
    turns = [turn.strip() for turn in history if turn.strip()][-TURNS:]
    if not turns:
        return question
    chosen = completions(fitted(), [*turns, question])[-1]
    return f"{question} ({' '.join(mention.word.text for mention in chosen)})" if chosen else question


def widened(standalone: str, history: Sequence[str]) -> str:
    """The question to search with beside the one that is read: with all that was said in the last turns and it lacks.

    >>> widened("When does it leave? (night ferry)", ["Where does the night ferry dock?"])
    'When does it leave? (night ferry) dock'
    """
    said = content_words(" ".join(history[-_LATELY:]), terms(standalone))[-_SEARCHED:]
    return " ".join([standalone, *said])


def completions(model: Model, turns: Sequence[str]) -> list[list[Mention]]:
    """For every turn the words of those before that complete it; what one was completed with can be passed on to the next."""
    chosen: list[list[Mention]] = []
    added: list[Stems] = []
    for number, turn in enumerate(turns):
        since = max(0, number - TURNS)
        chosen.append(model.choose(turn, mentions(turn, turns[since:number], added[since:])) if number else [])
        added.append(frozenset[str]().union(*(mention.word.stems for mention in chosen[-1])))
    return chosen
