"""Differing: whether two pieces give two values for the one date, amount or person that was asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.grow import Piece
from rag.words import terms

_SAME_SUBJECT = 0.75  # of the question's words in the first quote: another with so many is about the same thing

_YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b")
_ASKS_WHO = re.compile(r"\bwho(?:m|se)?\b", re.IGNORECASE)
_ASKS_WHEN = re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|time|hour)\b|\bdeadline\b", re.IGNORECASE)
_ASKS_AMOUNT = re.compile(
    r"\bhow (?:many|much|long|far|old|often|tall|big|large|high|deep|heavy|wide|late|early|soon|fast)\b"
    r"|\b(?:price|costs?|pay|fees?|fare|charge|salary|rate|number|amount|percentage|share|age|limit|maximum|minimum|version)\b",
    re.IGNORECASE)
_HOW_MANY = re.compile(r"\bhow many ([^\W\d_]+)", re.IGNORECASE)
_FRAME = "many much long far old often year date day week month time hour number amount price cost pay rate get take"

_SMALL = {word: float(value) for value, word in enumerate(
    ("one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen"
     " nineteen").split(), 1)} | {"free": 0.0}
_TENS = {word: 10.0 * value for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_SCALES = {"dozen": 12.0, "hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9}
_UNITS = {"second": ("second", 1), "minut": ("second", 60), "hour": ("second", 3600), "day": ("second", 86_400),
          "week": ("second", 604_800), "month": ("month", 1), "year": ("month", 12), "%": ("%", 1), "percent": ("%", 1),
          "€": ("euro", 1), "euro": ("euro", 1), "eur": ("euro", 1), "£": ("pound", 1), "pound": ("pound", 1),
          "gbp": ("pound", 1), "$": ("dollar", 1), "dollar": ("dollar", 1), "usd": ("dollar", 1)}
_AMOUNT_TOKEN = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|[%€£$]|[^\W\d_]+")

_MONTHS = {name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_MONTH = (r"\b(Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
          r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?")
_DAY = r"\b(\d\d?)(?:st|nd|rd|th)?\b"
_DATE = re.compile(rf"{_DAY}\s+(?:of\s+)?{_MONTH}|{_MONTH}(?:\s+{_DAY}(?![:.]\d))?")
_ISO_DATE = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b")
_WEEKDAY = re.compile(r"\b(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b")
_CLOCK = re.compile(r"\b(\d\d?)(?:[:.](\d\d))?\s*([ap])\.?m\b|\b(\d\d?):(\d\d)\b", re.IGNORECASE)
_TITLES = frozenset("dr mr mrs ms miss prof professor sir".split())


def differ(question: str, first: Piece, other: Piece) -> bool:
    """Whether two pieces give different values for the one date, amount or person that the question asks for."""
    if not _same_subject(question, first, other):
        return False
    if _ASKS_WHO.search(question):
        return _differ_in_name(_marked(first), _marked(other))
    if _ASKS_WHEN.search(question):
        return _differ_in_time(_marked(first), _marked(other))
    return _ASKS_AMOUNT.search(question) is not None and _differ_in_amount(_marked(first), _marked(other))


def _same_subject(question: str, first: Piece, other: Piece) -> bool:
    """Whether the other piece mentions most of what the question asks about and the first one mentions.

    In another document, what stands around it counts too; in the same one, another figure is mostly of another thing.
    """
    asked = set(terms(question)) - set(terms(_FRAME)) or set(terms(question))
    around = [other.span.passage.text] if first.document.id != other.document.id else []
    here, there = asked & mentions(first), asked & mentions(other, *around)
    counted = _counted(question)  # "four of the crossings" is no other number of passengers
    if len({bool(counted & set(terms(f"{piece.head} {piece.text}"))) for piece in (first, other)}) > 1:
        return False
    return bool(here) and len(here & there) >= _SAME_SUBJECT * len(here)


def _counted(question: str) -> set[str]:
    """What a question asks the number of; nothing where that is a unit, which the value itself tells."""
    found = _HOW_MANY.search(question)
    return set(terms(found[1])) - _UNITS.keys() if found else set()


def mentions(piece: Piece, *around: str) -> set[str]:
    """The terms of a piece, its headings, the title of its document, and what else is given."""
    heading = piece.document.section_at(piece.start).heading
    return set(terms("\n".join([piece.document.title, *heading, piece.head, piece.text, *around])))


def _marked(piece: Piece) -> str:
    """The highlight, with the unit that stands beside it."""
    text, (start, end) = piece.document.text, piece.highlight
    if start > piece.start and text[start - 1] in "€£$":
        start -= 1
    unit = re.compile(r"(?:[\s-]?[^\W\d_]+){1,2}|\s?[%€£$]").match(text, end, piece.end)
    ends_in_number = re.search(r"(?:^|\W)(\d+|[^\W\d_]+)$", text[start:end])
    if unit and ends_in_number and _number([ends_in_number[1]])[1]:
        end = unit.end()
    return text[start:end]


def _differ_in_name(one: str, other: str) -> bool:
    here, there = _name(one), _name(other)
    return bool(here) and bool(there) and not (here <= there or there <= here)


def _name(text: str) -> frozenset[str]:
    """The words of a person's name; empty where it does not look like one."""
    words = re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", text)
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


def _differ_in_amount(one: str, other: str) -> bool:
    """By every unit that both give; a number without one compares with all."""
    here, there = amounts(one), amounts(other)
    if "" in here or "" in there:
        return bool(here and there) and set().union(*here.values()).isdisjoint(set().union(*there.values()))
    shared = here.keys() & there.keys()
    return bool(shared) and all(here[unit].isdisjoint(there[unit]) for unit in shared)


def moments(text: str) -> dict[str, set[tuple[int, int] | str]]:
    """The parts of the dates and times in a text; a part that does not occur is left out.

    >>> moments("Monday, 5 May 2024, 9:30")
    {'year': {'2024'}, 'month': {'May'}, 'day': {(5, 5)}, 'weekday': {'Mon'}, 'clock': {(9, 30)}}
    """
    found: dict[str, set[tuple[int, int] | str]] = {"year": set(_YEAR.findall(text))}
    for before, month, other_month, after in _DATE.findall(text):
        name = (month or other_month)[:3]
        found.setdefault("month", set()).add(name)
        if before or after:
            found.setdefault("day", set()).add((_MONTHS[name], int(before or after)))
    for _, month, day in _ISO_DATE.findall(text):
        found.setdefault("day", set()).add((int(month), int(day)))
    found["weekday"] = set(_WEEKDAY.findall(text))
    found["clock"] = {_clock(*time) for time in _CLOCK.findall(text)}
    return {part: values for part, values in found.items() if values}


def _clock(hour: str, minute: str, half: str, hour_of_24: str, minute_of_24: str) -> tuple[int, int]:
    if hour_of_24:
        return int(hour_of_24), int(minute_of_24)
    return int(hour) % 12 + 12 * (half.lower() == "p"), int(minute or 0)


def amounts(text: str) -> dict[str, set[float]]:
    """The numbers in a text by what they count, spans of time in seconds or months.

    >>> amounts("two weeks, or twenty-five euro")
    {'second': {1209600.0}, 'euro': {25.0}}
    """
    tokens = _AMOUNT_TOKEN.findall(text)
    found: dict[str, set[float]] = {}
    at = 0
    while at < len(tokens):
        value, length = _number(tokens[at:])
        if length:
            unit, factor = _unit(tokens[at - 1] if at else "", tokens[at + length : at + length + 2])
            found.setdefault(unit, set()).add(value * factor)
        at += length or 1
    return found


def _number(tokens: Sequence[str]) -> tuple[float, int]:
    """The number that tokens begin with, and of how many it is made; (0, 0) where there is none."""
    word = tokens[0].lower()
    if word[0].isdecimal():
        value, length = float(word.replace(",", "")), 1
    elif word in _TENS and len(tokens) > 1 and 0 < _SMALL.get(tokens[1].lower(), 0) < 10:
        value, length = _TENS[word] + _SMALL[tokens[1].lower()], 2
    elif word in _SMALL or word in _TENS:
        value, length = (_SMALL | _TENS)[word], 1
    else:
        return 0.0, 0
    while length < len(tokens) and tokens[length].lower() in _SCALES:
        value, length = value * _SCALES[tokens[length].lower()], length + 1
    return value, length


def _unit(before: str, after: Sequence[str]) -> tuple[str, float]:
    """What a number counts: a unit we know beside it ("25 working days"), else the word behind it, else nothing."""
    stems = [before, *(term for word in after for term in terms(word) or [word])]
    for stem in stems if before in ("€", "£", "$") else stems[1:]:
        if stem in _UNITS:
            return _UNITS[stem]
    return next(iter(terms(after[0])), "") if after else "", 1
