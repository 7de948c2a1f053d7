"""Questions that are a part of one: "And for children?" after "What does a ticket cost for adults?".

The part takes the place of its like, and the question before is asked again with it: "What does a ticket cost for children?"
reads as people ask, and no longer names the adults. What is alike is told by form alone: the same preposition; a time for a
time; an opposite, a superlative, a number in a row; a shared word ("line 4", "line 7"); a name; the same kind of article; "it".
Where nothing is alike a phrase with a preposition goes to the question's end, and any other part is left to `rag.conversation`,
which completes it with words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.words import OPPOSITE, WORD, terms

_LONGEST_PART = 6  # words
_LONGEST_TURN = 120  # characters
_LONGEST = 300  # characters of a question that is asked again
_PREPOSITIONS = frozenset("for with without in on at to from by of until since during after before between under over into"
                          " about above below within outside inside near per through against".split())
_TIMES = frozenset("in on at during until since before after from by within".split())
_AUXILIARIES = frozenset("is are am was were be been being do does did can could will would shall should has have had may"
                         " might must".split())
_ASKING = frozenset("what which who whom whose when where why how".split())
_ARTICLES = {"the": "the", "a": "a", "an": "a"} | dict.fromkeys("my your our".split(), "the")
_OTHERS = frozenset("and or but so if than then that as not no any some many much more most few all both each every i me we us"
                    " you he she it they them him her his its their this these those there here now also only one ones".split())
_BOUNDS = _PREPOSITIONS | _AUXILIARIES | _ASKING | _OTHERS | frozenset(_ARTICLES)
_HELPING = frozenset("do does did can could may must will would should shall".split())  # the verb comes after the subject
_VERBS = frozenset("leave run start begin end open close cost take last need have get work go arrive depart stop cover measure"
                   " weigh apply mean pay do dock sail rehearse meet".split())
_CLASSES = [frozenset(words.split()) for words in (
    "first second third fourth fifth sixth seventh eighth ninth tenth last", "hourly daily weekly monthly yearly annual",
    "first next last previous", "single return double", "spring summer autumn winter", "small medium large big",
    "half full whole", "morning afternoon evening night")]
_STATES = frozenset("open free available due allowed possible valid kept held paid made taken left given shut sold built"
                    " long high wide big old far heavy late".split())
_MEASURES = frozenset("much many often come about long so".split())
_OPENING = re.compile(r"\W*(?:(?:ok|okay|yes|no|thanks|right|i see)\b\W+)*(?P<goes_on>(?:(?:and|but|or|so|then)\b\W*)?"
                      r"(?:(?:what|how) about\b\W*)?)(?P<part>.*?)(?P<end>[\s.?!…]*)", re.IGNORECASE | re.DOTALL)
_LEANS = re.compile(r"\b(?:it|its|they|them|their|he|him|his|she|her|this|that|these|those|there|here|else|others?|another|same"
                    r"|both|either|neither|former|latter|more|any|some|instead|then|not|if|because|when|and|or|you|i)\b",
                    re.IGNORECASE)
_VERB = re.compile(rf"\b(?:{'|'.join(sorted(_AUXILIARIES | _ASKING))}|tell|give|show|explain|describe|compare|find|want|know"
                   r"|mean|meant|think|like)\b|n't\b|['’](?:s|re|m|ll|ve|d)\b(?! \w)", re.IGNORECASE)
_SUPERLATIVE = re.compile(r"\b(?:the )?(?:(?:most|least) (?!of\b)\w+|best|worst"
                          r"|(?!interest|request|suggest|protest|contest|forest|harvest|invest|digest|honest|modest|arrest"
                          r"|tempest|conquest|manifest)\w{3,}est)\b",
                          re.IGNORECASE)
_TIME = re.compile(
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun|week|holi|work|birth)?days?|(?:week|day|night|even|morn|afternoon|noon|midnight)"
    r"(?:s|ends?|ings?)?|weekends?|months?|years?|centur(?:y|ies)|decades?|hours?|minutes?|seasons?|spring|summer|autumn|fall|winter"
    r"|christmas|easter|january|february|march|april|may|june|july|august|september|october|november|december"
    r"|today|tomorrow|yesterday|term|probation|1[5-9]\d\d|20\d\d|\d\d?:\d\d)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Filled:
    """What a turn asks. For a part: whose question it was put into (the turn's number), and what it replaced there."""

    text: str
    before: int | None = None
    replaced: str = ""


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A stretch of a question: its place, the preposition or article that it begins with ("" for none), its other words."""

    start: int
    end: int
    first: str
    words: tuple[str, ...]


_Put = tuple[int, int, str]  # a place in the question before, and what is put there


def filled(question: str, turns: Sequence[str], first: int = 0) -> Filled | None:
    """The question before with the part that is asked now in the place of its like; None where it is none, or nothing fits.

    `turns` holds what was asked before, oldest first, parts made whole; `first` is the number of the first.

    >>> filled("And to Skarvey?", ["How much is a motorhome to Marrick?"]).text
    'How much is a motorhome to Skarvey?'
    """
    part = _part(question)
    number = next((n for n in range(len(turns) - 1, -1, -1) if len(terms(turns[n])) > 0), -1)
    if part is None or number < 0:
        return None
    superlative = _SUPERLATIVE.match(part)
    if superlative:
        number = next((n for n in range(len(turns) - 1, -1, -1) if _SUPERLATIVE.search(turns[n])), -1)
    if number < 0 or len(turns[number]) > _LONGEST or not _is_question(turns[number]):
        return None
    whole = turns[number].rstrip(" .?!")
    put = _superlative(part, superlative, whole) if superlative else _like(part, whole)
    if put is None:
        return None
    start, end, new = put
    text = f"{whole[:start]}{new}{whole[end:]}?"
    return Filled(text, first + number, whole[start:end]) if text.lower() != f"{whole}?".lower() else None


def _part(question: str) -> str | None:
    """The part that a question is, without what it opens with; None where it says a whole one, or points back."""
    last = re.split(r"(?<=[.!?]) +(?=\S)", question.strip())[-1]
    match = _OPENING.fullmatch(last) if len(last) <= _LONGEST_TURN else None
    if match is None:
        return None
    part = match["part"]
    if not match["goes_on"] and part[1:2].islower() and not _TIME.match(part):  # a capital at the beginning says nothing
        part = part[:1].lower() + part[1:]
    if not 0 < len(WORD.findall(part)) <= _LONGEST_PART or not (match["goes_on"] or "?" in match["end"]):
        return None
    asks_how = re.fullmatch(r"how \w+", part, re.IGNORECASE)
    unfit = not asks_how and (not terms(part) or _VERB.search(part) or _LEANS.search(part))
    return None if unfit or re.search(r"[,;:()\n]", part) else part


def _is_question(text: str) -> bool:
    return _VERB.search(text) is not None and "?" not in text.rstrip(" ?") and not re.search(r"[.!]\s|\n", text)


def _superlative(part: str, superlative: re.Match[str], whole: str) -> _Put | None:
    """ "the worst" for "the most punctual"; what stands behind it in the part has to be "one"."""
    old = _SUPERLATIVE.search(whole)
    if old is None or part[superlative.end() :].strip().lower() not in {"", "one", "ones"}:
        return None
    article = "the " if old[0].lower().startswith("the ") else ""
    return (*old.span(), article + re.sub(r"(?i)^the ", "", superlative[0]))


def _like(part: str, whole: str) -> _Put | None:
    """Where the part goes, and as what."""
    words = part.split()
    first = words[0].lower()
    if first == "how":
        old = re.search(r"\b[Hh]ow (?!much|many|often|come|about|do|does|did|is|are|was|were|can)\w+", whole)
        return (*old.span(), f"{old[0][:4]}{words[1]}") if old and words[1] not in _MEASURES else None
    if first in _PREPOSITIONS:
        part = first + part[len(first) :]
        return _in_phrase(part, first, whole)
    if _TIME.fullmatch(part):
        place = _time(whole)
        return (*place, part) if place else None
    return (_by_class(words, whole) or _by_shared_word(words, whole) or _by_name(words, whole) or _by_article(words, whole)
            or _for_pronoun(part, whole))


def _in_phrase(part: str, preposition: str, whole: str) -> _Put:
    """In the place of the last phrase with the same preposition, of the last time where it is one; else at the end."""
    place = None
    if preposition in _TIMES and _TIME.search(part):
        place = _time(whole)
    else:
        alike = [match.span() for match in re.finditer(rf"(?i)\b{preposition} (?:it|that|this|them)\b", whole)]
        alike += [(phrase.start, phrase.end) for phrase in _phrases(whole)
                  if phrase.first == preposition and not _TIME.search(" ".join(phrase.words))]
        place = max(alike, default=None)
    return (*place, part) if place else (len(whole), len(whole), f" {part}")


def _time(whole: str) -> tuple[int, int] | None:
    """The place of the last phrase that says when."""
    said = [match.span() for match in re.finditer(r"\b(?:that|this|last|next) (?:year|month|week|day|time)\b", whole)]
    said += [(phrase.start, phrase.end) for phrase in _phrases(whole)
             if phrase.first in _TIMES and _TIME.search(" ".join(phrase.words))]
    return max(said, default=None)


def _phrases(whole: str) -> Iterator[_Phrase]:
    """The phrases: from a preposition, an article or a bare word to the next word that bounds one, verbs left out."""
    found = list(WORD.finditer(whole))
    ends_in_verb = bool(found) and found[-1][0].lower() in _VERBS
    number = 0
    helped = False  # whether the verb is still to come
    while number < len(found):
        word = found[number][0].lower()
        if word in _BOUNDS and word not in _PREPOSITIONS and word not in _ARTICLES:
            helped = word in _HELPING or (helped and word not in _AUXILIARIES)
            number += 1
            continue
        first = number
        past = number + (word in _BOUNDS)
        if word in _PREPOSITIONS and past < len(found) and found[past][0].lower() in _ARTICLES:
            past += 1
        begin = past
        while past < len(found) and found[past][0].lower() not in _BOUNDS and (
                past == first or whole[found[past - 1].end() : found[past].start()].isspace()):
            past += 1
        words = [match[0] for match in found[begin:past]]
        last, in_phrase = past == len(found), word in _PREPOSITIONS
        is_verb = (last and ends_in_verb and len(words) > 1) if in_phrase else (last or not ends_in_verb)
        if helped and words and is_verb and (last or found[past][0].lower() not in _AUXILIARIES):
            words.pop()
            helped = False
        elif len(words) > 1 and not in_phrase and (words[-1].lower() in _STATES or words[-1].endswith("ed")):
            words.pop()
        if words:
            end = found[begin + len(words) - 1].end()
            yield _Phrase(found[first].start(), end, word if word in _BOUNDS else "", tuple(words))
        number = max(past, number + 1)


def _by_class(part: Sequence[str], whole: str) -> _Put | None:
    """A word of degree, an ordinal or a season alone, for its opposite or another of its kind."""
    bare = [word for word in part if word.lower() not in _ARTICLES and word.lower() not in {"one", "ones"}]
    if len(bare) != 1:
        return None
    word = bare[0].lower()
    others = {OPPOSITE.get(word, "")}.union(*(one for one in _CLASSES if word in one)) - {"", word}
    old = [match for match in WORD.finditer(whole) if match[0].lower() in others]
    return (*old[-1].span(), bare[0]) if old else None


def _by_shared_word(part: Sequence[str], whole: str) -> _Put | None:
    """ "the 5 metre board" for "the 3 metre board": as many words around the shared one as the part has change."""
    article, bare = _split(part)
    if any(word.lower() in _BOUNDS - {"one", "ones"} for word in bare):
        return None
    for phrase in reversed(list(_phrases(whole))):
        for at, word in enumerate(bare):
            same = [n for n, other in enumerate(phrase.words) if terms(other) and terms(other) == terms(word)]
            if at == len(bare) - 1 > 0 and word.lower() in {"one", "ones"} and len(phrase.words) > 1 and article == _article(
                    whole, phrase):
                same, word = [len(phrase.words) - 1], phrase.words[-1]
            if not same:
                continue
            place = same[-1]
            new = [*bare[:at], *phrase.words[min(at, place) : place], word, *bare[at + 1 :],
                   *phrase.words[place + len(bare) - at :]]
            if [word.lower() for word in new] != [word.lower() for word in phrase.words]:
                return _instead(whole, phrase, new)
    return None


def _by_name(part: Sequence[str], whole: str) -> _Put | None:
    """A name for the last name inside the question before."""
    _, bare = _split(part)
    if not bare or not all(re.search(r"[A-Z]", word) for word in bare):
        return None
    names = list(re.finditer(r"(?<=\w )(?!I\b)[A-Z][\w'’.-]*(?: [A-Z][\w'’.-]*)*", whole))
    return (*names[-1].span(), " ".join(bare)) if names else None


def _by_article(part: Sequence[str], whole: str) -> _Put | None:
    """The last phrase with the same kind of article, a plural for a plural where there is none: "drivers" for "bakers"."""
    article, bare = _split(part)
    if not bare or any(word.lower() in _BOUNDS for word in bare) or not (article or _plural(bare[-1])):
        return None
    others = [phrase for phrase in _phrases(whole) if not _TIME.search(" ".join(phrase.words))]
    alike = [phrase for phrase in others if article == _article(whole, phrase) and (article or _plural(phrase.words[-1]))]
    return _instead(whole, alike[-1], bare) if alike else None


def _for_pronoun(part: str, whole: str) -> _Put | None:
    """In the place of "it" or "they", where the question has one of them."""
    said = list(re.finditer(r"\b(?:it(?! (?:takes?|costs?) .*\bto\b)|they|them)\b", whole))
    before = WORD.findall(whole[: said[0].start()]) if said else []
    if before and before[-1].lower() in _PREPOSITIONS:
        return None
    return (*said[0].span(), part) if len(said) == 1 else None


def _split(part: Sequence[str]) -> tuple[str, list[str]]:
    """The kind of article that a part begins with, and its other words."""
    article = _ARTICLES.get(part[0].lower(), "")
    return article, list(part[1:] if article else part)


def _article(whole: str, phrase: _Phrase) -> str:
    said = WORD.findall(whole[phrase.start : phrase.end])[: -len(phrase.words)]
    return _ARTICLES.get(said[-1].lower(), "") if said else ""


def _plural(word: str) -> bool:
    return len(word) > 3 and word.endswith("s") and not word.endswith("ss") and word.lower() not in _STATES


def _instead(whole: str, phrase: _Phrase, words: Sequence[str]) -> _Put:
    """The words in the place of the phrase's; "a" becomes "an" before a vowel, and goes before a plural."""
    start = list(WORD.finditer(whole, phrase.start, phrase.end))[-len(phrase.words)].start()
    article = re.search(r"\b(an?) $", whole[:start])
    said = " ".join(words)
    if article is None:
        return start, phrase.end, said
    if _plural(words[-1]):
        return article.start(1), phrase.end, said
    return article.start(1), phrase.end, f"{'an' if words[0][0].lower() in 'aeiou' else 'a'} {said}"
