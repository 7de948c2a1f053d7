"""Questions changed in one thing, so that the text that answered them no longer does.

The edits are those of which SQuAD 2.0's adversarial questions are made (Rajpurkar et al., ACL 2018), one kind drawn for a
question: another name or number, two names in each other's place, an opposite, a negation put in or left out, another
word of the text in the place of one like it ("water-fired" for "coal-fired").
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from index.encoder import Encoder
from rag.reader.training.rewordings import NAME
from rag.words import normalised, terms

LEAST, MOST = 0.42, 0.72  # cosine: above are forms and synonyms of a word, below words of nothing in common
_NUMBER = re.compile(r"\b\d[\d.,]*\b")
_WORD = re.compile(r"(?<![\w'-])[a-z]{4,}(?![\w'-])")  # names, being capitalised, are no words here
_PAIRS = [pair.split("/") for pair in (
    "most/least more/fewer more/less first/last before/after highest/lowest higher/lower largest/smallest larger/smaller"
    " biggest/smallest longest/shortest oldest/youngest older/newer best/worst maximum/minimum increase/decrease"
    " increased/decreased increases/decreases rise/fall rose/fell rising/falling north/south northern/southern east/west"
    " eastern/western early/late earlier/later earliest/latest start/end began/ended begin/finish won/lost win/lose gain/lose"
    " gained/lost allowed/forbidden allow/forbid permitted/prohibited always/never with/without inside/outside above/below"
    " upper/lower over/under male/female men/women positive/negative similar/different common/rare strong/weak"
    " stronger/weaker strongest/weakest strengthen/weaken strengthened/weakened support/oppose supported/opposed"
    " supporting/opposing include/exclude included/excluded accept/reject accepted/rejected open/closed opened/closed"
    " internal/external private/public like/dislike liked/disliked good/bad better/worse easy/difficult cheap/expensive"
    " buy/sell bought/sold import/export imported/exported add/remove added/removed ancient/modern young/old hot/cold"
    " warm/cool wet/dry light/dark light/heavy fast/slow faster/slower rich/poor high/low long/short large/small big/small"
    " wide/narrow deep/shallow full/empty success/failure succeeded/failed succeed/fail agreed/disagreed agree/disagree"
    " encourage/discourage encouraged/discouraged prevent/cause prevented/caused attack/defend attacked/defended protect/harm"
    " protected/harmed create/destroy created/destroyed built/demolished arrive/depart arrived/departed enter/leave"
    " entered/left major/minor majority/minority former/latter local/foreign urban/rural natural/artificial temporary/permanent"
    " simple/complex direct/indirect active/passive voluntary/compulsory optional/mandatory optional/required profit/loss"
    " income/expense senior/junior parent/child day/night morning/evening summer/winter spring/autumn war/peace birth/death"
    " born/killed married/divorced hired/fired promote/prevent push/pull absorb/release absorbed/released expand/contract"
    " expanded/reduced attract/repel ally/enemy victory/defeat friend/enemy friends/enemies many/few top/bottom front/back"
    " left/right near/far remember/forget love/hate"
).split()]
OPPOSITE: dict[str, tuple[str, ...]] = {
    word: tuple(dict.fromkeys(other for pair in _PAIRS for one, other in (pair, pair[::-1]) if one == word))
    for word in dict.fromkeys(word for pair in _PAIRS for word in pair)}
_NEGATIONS = ("un", "in", "im", "ir", "il", "dis", "non", "mis")
_ENDINGS = ("ing", "ed", "ly", "es", "s", "")  # one word in another's place has the same
_NOT = re.compile(r" (?:not|never|no longer)\b")
_HELPER = r"\b(?:can|could|would|will|should|may|might|must)(?! (?:the|a|an|we|you|i|it|he|she|they)\b)(?= [a-z]+\b)"
_PASSIVE = r"\b(?:is|are|was|were|been|be)(?= (?:[a-z]+ed|known|found|made|seen|given|born|held|built|sold|won|taken)\b)"
_ASKING = r"\b(?:did|does|do) (?:the [a-z]+|[A-Z][\w'-]*(?: [A-Z][\w'-]*)*|he|she|it|they|people)(?= [a-z]+\b)"
_PLACES = [re.compile(where) for where in (_HELPER, _PASSIVE, _ASKING)]  # a "not" can be put in behind these


@dataclass(frozen=True)
class Vocabulary:
    """Words and their vectors, by which one is put in the place of another; none: nothing is."""

    number: Mapping[str, int] = field(default_factory=dict)
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 1), np.float32))  # (words, width), unit length

    @classmethod
    def of(cls, words: Sequence[str], encoder: Encoder) -> Vocabulary:
        """The lower-case words of those given, each encoded alone."""
        plain = sorted(word for word in words if _WORD.fullmatch(word))
        return cls({word: at for at, word in enumerate(plain)}, encoder.encode(plain))

    def opposites(self, word: str) -> tuple[str, ...]:
        """Listed ones, and those with a prefix that negates, where both are words of like meaning."""
        by_prefix = [other for prefix in _NEGATIONS
                     for other in (prefix + word, word[len(prefix):] if word.startswith(prefix) else "")
                     if self.likeness(word, [other])[0] >= 0.5]
        return (*OPPOSITE.get(word, ()), *by_prefix)

    def likeness(self, word: str, others: Sequence[str]) -> NDArray[np.float32]:
        """The cosine of a word with each of the others; -1 where either is not known."""
        found = np.full(len(others), -1.0, np.float32)
        known = [at for at, other in enumerate(others) if other in self.number]
        if word in self.number and known:
            found[known] = self.vectors[[self.number[others[at]] for at in known]] @ self.vectors[self.number[word]]
        return found


def misled(question: str, text: str, answers: Sequence[tuple[int, int]], elsewhere: str, chance: random.Random,
           words: Vocabulary | None = None) -> str | None:
    """The question with one thing changed so that the text no longer answers it; None where nothing can be changed.

    `answers` are character spans of the text; names and numbers are taken from it, and from `elsewhere`.
    """
    words = words or Vocabulary()
    told = {normalised(text[start:end]) for start, end in answers}
    lowered = text.lower()
    kinds = [*(_other_of_its_kind(question, text, elsewhere, told, pattern, chance) for pattern in (NAME, _NUMBER)),
             _changed_places(question, lowered), _opposite(question, lowered, words), _negated(question),
             _alike(question, text, told, words, chance)]
    possible = [edits for edits in kinds if edits]
    return chance.choice(chance.choice(possible)) if possible else None


def _other_of_its_kind(question: str, text: str, elsewhere: str, told: set[str], pattern: re.Pattern[str],
                       chance: random.Random) -> list[str]:
    """Another name for a name, another number for a number, that the text has."""
    known = pattern.findall(text) + pattern.findall(elsewhere)[:8]
    edits = []
    for match in pattern.finditer(question):
        others = [other for other in known if normalised(other) not in told and not _share_a_word(other, match[0])]
        if others and match[0].lower() in text.lower():
            edits.append(_put(question, match.span(), str(chance.choice(others))))
    return edits


def _changed_places(question: str, lowered: str) -> list[str]:
    """Two names of the question in each other's place; not where they are listed side by side."""
    edits = []
    for one, other in pairwise(NAME.finditer(question)):
        between = question[one.end() : other.start()]
        apart = len(between.split()) >= 1 and not re.search(r"\b(?:and|or|between|with)\b|,", between)
        if apart and one[0] != other[0] and one[0].lower() in lowered and other[0].lower() in lowered:
            edits.append(question[: one.start()] + other[0] + between + one[0] + question[other.end() :])
    return edits


def _opposite(question: str, lowered: str, words: Vocabulary) -> list[str]:
    """The opposite of a word that the question shares with the text."""
    return [_put(question, match.span(), other) for match in re.finditer(r"[a-z']+", question)
            if re.search(rf"\b{match[0]}\b", lowered) for other in words.opposites(match[0])]


def _negated(question: str) -> list[str]:
    """A negation left out, or put in where there is none."""
    if gone := _NOT.search(question):
        return [question[: gone.start()] + question[gone.end() :]]
    return [_put(question, (match.end(), match.end()), " not") for place in _PLACES if (match := place.search(question))]


def _alike(question: str, text: str, told: set[str], words: Vocabulary, chance: random.Random) -> list[str]:
    """Another word of the text in the place of one that is like it: texts that use both mean two things."""
    stands = list(dict.fromkeys(_WORD.findall(text)))
    edits = []
    for match in _WORD.finditer(question):
        if match[0] not in stands or not terms(match[0]):
            continue
        near = words.likeness(match[0], stands)
        others = [stands[at] for at in np.flatnonzero((near >= LEAST) & (near <= MOST))
                  if _in_its_form(stands[at], match[0]) and stands[at] not in question and stands[at] not in " ".join(told)]
        if others:
            edits.append(_put(question, match.span(), str(chance.choice(others))))
    return edits


def _in_its_form(other: str, word: str) -> bool:
    """Whether a word may stand in the place of another: the same ending, another stem."""
    ending = next(one for one in _ENDINGS if word.endswith(one))
    its = next(one for one in _ENDINGS if other.endswith(one))
    return ending == its and other[:4] != word[:4] and bool(terms(other)) and terms(other) != terms(word)


def _put(question: str, place: tuple[int, int], other: str) -> str:
    return question[: place[0]] + other + question[place[1] :]


def _share_a_word(one: str, other: str) -> bool:
    """Whether two names share a word, as long and short forms of one name do."""
    return bool(set(one.lower().split()) & set(other.lower().split()))
