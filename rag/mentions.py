"""What the user said before: each content word of earlier turns, with what speaks for a question meaning it.

The features are those of term classification for conversational search (compare QuReTeC, Voskarides et al., SIGIR 2020), read
off the surface: when the word was said, what stands beside it, how rare it is, and how much the question says of its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from index.tokens import encoding
from rag.words import WORD, terms

Stems = frozenset[str]
Features = dict[str, float]
_RANKS = 100_256  # of cl100k_base
_BEGINS = re.compile(r"(?:^|[.?!:])[^\w.?!:]*$")  # what stands before a word that begins a sentence
_GENERAL = (
    "tell know more much many about say said mean describe explain give show list name find look learn want like need think"
    " help information info detail example fact thing something anything interesting good best better great important main"
    " major different difference common popular typical general overall happen people person way kind type sort reason cause"
    " effect made make get got go come take use used work start begin end become other others another else also some any most"
    " least new first last next me my i he she him her his hers us am been being would may might must not no yes ok okay"
    " thanks please one two time compare between article during after before ever still just really only very see talk hear"
    " heard question answer issue able up out back so such than then now here let don per")
_EMPTY = ("about tell know more much many say see hear let please thanks ok okay yes no not also some any"
          " i me my us he she him her his")
_OPENS = re.compile(r"\W*(?:for|with|without|in|on|at|to|from|by|of|until|since|during|after|before)\b", re.IGNORECASE)
_VERB = re.compile(r"\b(?:is|are|am|was|were|be|do|does|did|can|could|will|would|shall|should|has|have|had|may|might|must|need"
                   r"|tell|give|show|explain|describe|compare|list|find|want|like|know)\b|'s\b|n't\b", re.IGNORECASE)
_LEANS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in {
    "it": r"\b(?:it|its)\b",
    "they": r"\b(?:they|them|theirs?)\b",
    "he or she": r"\b(?:he|him|his|she|her|hers)\b",
    "this": r"\b(?:this|that|these|those)\b",
    "one": r"\bones?\b(?! of\b)",
    "there": r"(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )\bthere\b(?! (?:is|are|was|were|any))",
    "other": r"\b(?:else|others?|another|same|instead|different|similar|both|either|former|latter)\b",
    "goes on": r"^\W*(?:\w+[.,!]\s+)?(?:and|but|or|so|also|then|ok|okay|really)\b|[.,!] and\b",
    "what about": r"\b(?:what|how) (?:about|if)\b",
}.items()}
_ASKS = _LEANS | {name: re.compile(pattern, re.IGNORECASE) for name, pattern in {
    "tell me": r"^(?:tell|describe|explain|give)\b",
    "the at its end": r"\bthe \w+(?: \w+)?\W*$",
    "of": r"\b(?:of|in|for|about|between|with) (?!it|them|this|that|these|those|him|her)\w+",
}.items()}


@dataclass(frozen=True, slots=True)
class Word:
    """A content word in its turn."""

    text: str
    stems: Stems
    named: bool  # with a capital inside a sentence
    beside: Stems  # of the word before it and the one after


@dataclass(frozen=True, slots=True)
class Mention:
    """A word that the question itself does not have: where it was last said (turn, place in it), and its features."""

    word: Word
    turn: int
    place: int
    features: Features


@lru_cache(4096)
def words(turn: str) -> tuple[Word, ...]:
    """The content words of a turn, in order."""
    found = list(WORD.finditer(turn))
    stems = [_stems(match[0]) for match in found]
    return tuple(
        Word(match[0], stems[n],
             match[0][0].isupper() and not _BEGINS.search(turn, found[n - 1].end() if n else 0, match.start()),
             frozenset[str]().union(*stems[max(0, n - 1) : n], *stems[n + 1 : n + 2]))
        for n, match in enumerate(found) if stems[n])


def mentions(question: str, history: Sequence[str], added: Sequence[Stems]) -> list[Mention]:
    """The words of `history` that `question` lacks and that say something, in the order in which they were last said.

    `added` holds for every turn of the history the stems that it was itself completed with.
    """
    own, empty = _stems(question), _stems(_EMPTY)
    said: dict[Stems, list[tuple[int, int, Word]]] = {}
    for turn, text in enumerate(history):
        for place, word in enumerate(words(text)):
            if not word.stems <= own | empty:
                said.setdefault(word.stems, []).append((turn, place, word))
    asked = _question(question, history) if said else {}
    found = [Mention(places[-1][2], places[-1][0], places[-1][1], asked | _word(places, own, history, added))
             for places in said.values()]
    return sorted(found, key=lambda mention: (mention.turn, mention.place))


def leans(question: str) -> bool:
    """Whether the question shows that something was said before: by a pronoun, by how it opens, or by being a part of one."""
    return _is_part(question) or any(pattern.search(question) for pattern in _LEANS.values())


def _is_part(question: str) -> bool:
    """Whether a question is less than one: "For children?", not "ferry timetable winter", which is typed to search."""
    return not _VERB.search(question) and (_OPENS.match(question) is not None or len(words(question)) < 2)


def _word(places: Sequence[tuple[int, int, Word]], own: Stems, history: Sequence[str], added: Sequence[Stems]) -> Features:
    turn, _, word = places[-1]
    ago = len(history) - turn
    beside = frozenset[str]().union(*(said.beside for _, _, said in places))
    until = _stems(" ".join(history[: turn + 1]))
    since = {said.stems for text in history[turn + 1 :] for said in words(text) if not said.stems <= until | _stems(_GENERAL)}
    rank = rarity(word.text)
    return _true({
        f"said: {min(ago, 4)} ago": True, "said: in the first turn": places[0][0] == 0,
        "said: before the subject": turn < max((n for n, stems in enumerate(added) if not stems), default=0),
        "said: new words since": min(len(since), 5) / 5,
        "added: before": word.stems <= added[-1], "added: its neighbour": bool(beside & added[-1]),
        "word: beside the question's": bool(beside & own), "word: general": word.stems <= _stems(_GENERAL),
        "word: name": any(said.named for _, _, said in places), "word: rarity": rank, "word: rare": rank == 1.0,
    })


def _question(question: str, history: Sequence[str]) -> Features:
    said = words(question)
    strong = [word for word in said if not word.stems <= _stems(_GENERAL)]
    own = frozenset[str]().union(*(word.stems for word in strong))
    return _true({f"asks: {name}": pattern.search(question) is not None for name, pattern in _ASKS.items()} | {
        f"asks: {min(len(strong), 5)} words": True, "asks: part": _is_part(question),
        "asks: general": min(len(said) - len(strong), 3) / 3, "asks: names": min(sum(word.named for word in strong), 3) / 3,
        "asks: known": len(own & _stems(" ".join(history))) / max(len(own), 1),
        "asks: of the last turn": len(own & _stems(history[-1])) / max(len(own), 1),
        "asks: rarity": max((rarity(word.text) for word in strong), default=0.0),
        "asks: length": min(len(WORD.findall(question)), 20) / 20,
    })


@lru_cache(4096)
def _stems(text: str) -> Stems:
    return frozenset(terms(text))


def _true(features: dict[str, float]) -> Features:
    return {name: float(value) for name, value in features.items() if value}


@lru_cache(4096)
def rarity(word: str) -> float:
    """0 for the most common words to 1 for the rare: the logarithm of the word's rank among the encoding's tokens."""
    ids = encoding().encode_ordinary(" " + word.lower())
    return math.log(ids[0] + 1) / math.log(_RANKS) if len(ids) == 1 else 1.0
