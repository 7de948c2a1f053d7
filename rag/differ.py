"""Differing: whether two pieces give two values for the one date, amount or person that was asked for."""

from __future__ import annotations

import re

from index.sentences import ITEM
from index.tables import is_row, table_at
from index.types import Offsets
from rag.grow import Piece, sentence_before
from rag.values import SIGN, UNITS, amounts, is_just_a_value, is_number, moments, weekdays
from rag.words import terms

_SAME_WORDS = 0.75  # of all the words of two sentences, one of which denies what the other says
_SAME_SUBJECT = 0.75  # of the question's words in the first quote: another with so many is about the same thing

_ASKS_WHO = re.compile(r"\bwho(?:m|se)?\b", re.IGNORECASE)
_ASKS_WHEN = re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|time|hour)\b|\bdeadline\b", re.IGNORECASE)
ASKS_HOURS = re.compile(
    r"\b(?:what|which)\s+(?:are|were)\s+(?:(?!and\b)[\w'’-]+\s+){0,4}?hours\b", re.IGNORECASE)
_ASKS_AMOUNT = re.compile(
    r"\bhow (?:many|much|long|far|old|often|tall|big|large|high|deep|heavy|wide|late|early|soon|fast|low|hot|warm|cold)\b"
    r"|\b(?:price|costs?|pay|fees?|fare|charge|salary|rate|number|amount|percentage|share|age|limit|maximum|minimum|version)\b",
    re.IGNORECASE)
# Neither "no later than" nor "No, it is free" denies.
_DENIES = re.compile(r"\b(?:(?:not|no(?!\s*[.,:;!–—]\s*\w))(?!\s+\w+\s+than\b)|never|without|cannot|nor|neither)\b|n['’]t\b",
                     re.IGNORECASE)
_ASKS_WHETHER = re.compile(r"^\W*(?:is|are|was|were|do|does|did|can|may|must|should|will|has|have)\b", re.IGNORECASE)
_ASKS_WHAT = re.compile(r"\b(?:what|which)\b", re.IGNORECASE)
_HOW_MANY = re.compile(r"\bhow many ([^\W\d_]+)", re.IGNORECASE)
_FRAME = "many much long far old often year date day week month time hour number amount price cost pay rate get take"

# "The deputy harbour master" is another than the harbour master, and the former fee another than the fee.
_ANOTHER = re.compile(r"\b(deputy|vice|assistant|acting|interim|former|previous|ex)[\s-]+(?:(?:of|to|for)\s+)?(?:the\s+)?(\w+)",
                      re.IGNORECASE)

_TITLES = frozenset("dr mr mrs ms miss prof professor sir".split())


def differ(question: str, first: Piece, other: Piece) -> bool:
    """Whether two pieces give different values for the one date, amount or person that the question asks for, or yes and no."""
    if not _same_subject(question, first, other):
        return False
    here, there = _marked(first), _marked(other)
    if _ASKS_WHO.search(question):
        return _differ_in_name(here, there)
    if ASKS_HOURS.search(question):  # those of Sunday are not those of Monday
        days = [weekdays(piece.text) for piece in (first, other)]
        return (not all(days) or days[0] == days[1]) and _differ_in_time(here, there)
    if _ASKS_WHETHER.search(question) and denies(first.text) != denies(other.text):
        return _says_the_same(first, other)
    if _ASKS_WHEN.search(question):
        return _differ_in_time(here, there)
    if _ASKS_AMOUNT.search(question):
        return _differ_in_amount(here, there)
    return (_ASKS_WHAT.search(question) is not None and all(is_just_a_value(text, terms(question)) for text in (here, there))
            and _differ_in_value(here, there))


def denies(text: str) -> bool:
    """Whether there is a negation in a text."""
    return _DENIES.search(text) is not None


def _says_the_same(first: Piece, other: Piece) -> bool:
    """Whether two pieces have nearly all their words in common, negations left out."""
    here, there = (set(terms(_DENIES.sub("", piece.text))) for piece in (first, other))
    return len(here & there) >= _SAME_WORDS * len(here | there)


def _same_subject(question: str, first: Piece, other: Piece) -> bool:
    """Whether the other piece mentions most of what the question asks about and the first one mentions.

    In another document, what stands above it counts too; in the same one, another figure is mostly of another thing.
    """
    asked = set(terms(question)) - set(terms(_FRAME)) or set(terms(question))
    if first.document.id == other.document.id and _table(first) is not None and _table(first) == _table(other):
        return False
    around = _above(other) if first.document.id != other.document.id else ""
    if _another(asked, first) != _another(asked, other):
        return False
    here, there = asked & mentions(first), asked & mentions(other, around)
    if any(term[0].isdecimal() for term in here ^ there):  # another year, another room
        return False
    counted = _counted(question)  # "four of the crossings" is no other number of passengers
    if len({bool(counted & set(terms(f"{piece.head} {piece.text}"))) for piece in (first, other)}) > 1:
        return False
    return bool(here) and len(here & there) >= _SAME_SUBJECT * len(here)


def _above(piece: Piece) -> str:
    """What a piece may be about without saying so: the sentence above it; of an item, all that stands above it on the page."""
    text, passage = piece.document.text, piece.span.passage
    if ITEM.match(piece.text):
        return text[passage.chunk.start : piece.start].rpartition("\f")[2]
    above = sentence_before(passage, piece.start)
    return text[slice(*above)] if above else ""


def _table(piece: Piece) -> Offsets | None:
    """The first row of the table that a piece is a row of: each row is about something else."""
    text, row = piece.document.body, piece.span.sentences or piece.highlight
    return table_at(text, row[0]).top if is_row(text, *row) else None


def _another(asked: set[str], piece: Piece) -> set[str]:
    """The words before what is asked for that make another thing of it."""
    return {word.lower() for word, noun in _ANOTHER.findall(piece.text) if asked & set(terms(noun))}


def _counted(question: str) -> set[str]:
    """What a question asks the number of; nothing where that is a unit, which the value itself tells."""
    found = _HOW_MANY.search(question)
    return set(terms(found[1])) - UNITS.keys() if found else set()


def mentions(piece: Piece, *around: str) -> set[str]:
    """The terms of a piece, its headings, the title of its document, and what else is given."""
    heading = piece.document.section_at(piece.start).heading
    return set(terms("\n".join([piece.document.title, *heading, piece.head, piece.text, *around])))


def _marked(piece: Piece) -> str:
    """The highlight, with the unit that stands beside it."""
    text, (start, end) = piece.document.text, piece.highlight
    if text[start].isdecimal() and (before := re.search(rf"(?:{SIGN}|[€£$])$", text[piece.start : start])):
        start -= len(before[0])
    unit = re.compile(r"(?: and a half)?(?:[\s-]?[^\W\d_]+){1,2}|\s?[%€£$]").match(text, end, piece.end)
    ends_in_number = re.search(r"(?:^|\W)(\d+|[^\W\d_]+)$", text[start:end])
    if unit and ends_in_number and is_number(ends_in_number[1]):
        end = unit.end()
    return text[start:end]


def _differ_in_name(one: str, other: str) -> bool:
    here, there = _name(one), _name(other)
    return bool(here) and bool(there) and not (_names(here, there) or _names(there, here))


def _names(some: frozenset[str], all_: frozenset[str]) -> bool:
    """Whether each of some names, or the initial of it, is among others."""
    return all(any(one == other or (one[0] == other[0] and 1 in (len(one), len(other))) for other in all_) for one in some)


def _name(text: str) -> frozenset[str]:
    """The words of a person's name; empty where it does not look like one."""
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", text.replace("’", "'"))
    names = [word for word in words if word[0].isupper()]
    if not 0 < len(words) <= 5 or len(names) < len(words) - 1 or words[0].casefold() in ("a", "an", "the"):
        return frozenset()
    return frozenset(word.casefold() for word in names) - _TITLES


def _differ_in_time(one: str, other: str) -> bool:
    """By any part that both give: the year, the day, the hour; without such parts, by the numbers ("nine")."""
    here, there = moments(one), moments(other)
    if not here and not there:
        return _differ_in_amount(one, other)
    return any(here[part].isdisjoint(there[part]) for part in here.keys() & there.keys())


def _differ_in_value(one: str, other: str) -> bool:
    """As dates or times where both are, else by a unit that both give."""
    if (moments(one).keys() & moments(other).keys()) - {"year", "hours"}:
        return _differ_in_time(one, other)
    return bool((amounts(one).keys() & amounts(other).keys()) - {""}) and _differ_in_amount(one, other)


def _differ_in_amount(one: str, other: str) -> bool:
    """By every unit that both give; what gives none at all compares with any."""
    here, there = amounts(one), amounts(other)
    if here.keys() == {""} or there.keys() == {""}:
        return bool(here and there) and set().union(*here.values()).isdisjoint(set().union(*there.values()))
    shared = here.keys() & there.keys()
    return bool(shared) and all(here[unit].isdisjoint(there[unit]) for unit in shared)
