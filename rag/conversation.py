"""Follow-up questions: one that leans on what was said before is completed with the words it leans on.

No language model. A part of a question ("And for children?") is put into the one before, in the place of its like
(`ellipsis.py`). Any other question keeps its own words, and words of the turns before are added behind it. Which, a logistic
regression decides for each word that was said (`mentions.py`); a question for which no word is likely enough stands alone. One
that does not show that it leans on anything ("What are the side effects?") needs a surer word. Which passages are read may hang
on more words than the question reads well with: for that there is `widened`.
Fitted by `python -m rag.reader.training.fit_conversation`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rag.ellipsis import Filled, filled
from rag.mentions import Features, Mention, Stems, leans, mentions
from rag.words import content_words, terms

WEIGHTS = Path(__file__).parent / "conversation.json"
TURNS = 8  # back, and no further: the subject has changed since
_ADDED = 8
_PRONOUN = re.compile(r"\b(?:it|they|them|this|that)\b", re.IGNORECASE)
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
    """The question as it stands alone: itself or, where it is a part, the whole; words of earlier turns in brackets behind it.

    `history` holds the user's earlier turns, oldest first.

    >>> resolve("And for children?", ["What does a day ticket cost for adults?"])
    'What does a day ticket cost for children?'
    >>> resolve("When does it leave?", ["Where does the night ferry dock?"])
    'When does it leave? (night ferry dock)'
    """
    question = question.strip()
    turns = [turn.strip() for turn in history if turn.strip()][-TURNS:]
    if not turns:
        return question
    asked = made_whole([*turns, question])
    chosen = completions(fitted(), asked)[-1]
    text = asked[-1].text
    return f"{text} ({' '.join(mention.word.text for mention in chosen)})" if chosen else text


def widened(standalone: str, history: Sequence[str]) -> str:
    """The question to search with beside the one that is read: with all that was said in the last turns and it lacks.

    >>> widened("When does it leave? (night ferry)", ["Where does the night ferry dock?"])
    'When does it leave? (night ferry) dock'
    """
    said = content_words(" ".join(history[-_LATELY:]), terms(standalone))[-_SEARCHED:]
    return " ".join([standalone, *said])


def made_whole(turns: Sequence[str]) -> list[Filled]:
    """Every turn, parts put into the question before them."""
    asked: list[Filled] = []
    for turn in turns:
        asked.append(filled(turn, [one.text for one in asked[-TURNS:]], max(0, len(asked) - TURNS)) or Filled(turn))
    return asked


def completions(model: Model, asked: Sequence[Filled]) -> list[list[Mention]]:
    """For every turn the words of those before that complete it; what one was completed with can be passed on to the next.

    A part that was put into another question is completed as that was; not where it stands for the pronoun that was completed.
    """
    chosen: list[list[Mention]] = []
    added: list[Stems] = []
    texts = [one.text for one in asked]
    for number, turn in enumerate(asked):
        since = max(0, number - TURNS)
        if turn.before is not None:
            own = frozenset(terms(f"{turn.text} {turn.replaced}"))
            meant = [] if _PRONOUN.search(turn.replaced) else chosen[turn.before]
            chosen.append([mention for mention in meant if not mention.word.stems & own])
        else:
            found = mentions(turn.text, texts[since:number], added[since:]) if number else []
            chosen.append(model.choose(turn.text, found))
        added.append(frozenset[str]().union(*(mention.word.stems for mention in chosen[-1])))
    return chosen
