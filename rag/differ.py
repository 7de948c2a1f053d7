"""Differing: whether two pieces give two values for the one date, amount or person that was asked for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from rag.grow import Piece
from rag.words import terms

_SAME_WORDS = 0.75  # of all the words of two sentences, one of which denies what the other says
_SAME_SUBJECT = 0.75  # of the question's words in the first quote: another with so many is about the same thing

_YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b")
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
_MOST_TOKENS = 5  # words and numbers: what has more of them is not just a value
_HOW_MANY = re.compile(r"\bhow many ([^\W\d_]+)", re.IGNORECASE)
_FRAME = "many much long far old often year date day week month time hour number amount price cost pay rate get take"

# "The deputy harbour master" is another than the harbour master, and the former fee another than the fee.
_ANOTHER = re.compile(r"\b(deputy|vice|assistant|acting|interim|former|previous|ex)[\s-]+(?:(?:of|to|for)\s+)?(?:the\s+)?(\w+)",
                      re.IGNORECASE)

_SMALL = {word: float(value) for value, word in enumerate(
    ("one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen"
     " nineteen").split(), 1)} | {"free": 0.0, "half": 0.5}
_TENS = {word: 10.0 * value for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_SCALES = {"dozen": 12.0, "hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9}
_UNITS = {"second": ("second", 1), "minut": ("second", 60), "hour": ("second", 3600), "day": ("second", 86_400),
          "week": ("second", 604_800), "month": ("month", 1), "year": ("month", 12), "%": ("%", 1), "percent": ("%", 1),
          "€": ("euro", 1), "euro": ("euro", 1), "eur": ("euro", 1), "£": ("pound", 1), "pound": ("pound", 1),
          "gbp": ("pound", 1), "$": ("dollar", 1), "dollar": ("dollar", 1), "usd": ("dollar", 1)}
_SIGN = r"(?<![\w.])(?:[-−–]|[Mm]inus )"
_AMOUNT_TOKEN = re.compile(rf"(?:{_SIGN})?(?:\d{{1,3}}(?:[, \u00a0\u2009\u202f]\d{{3}})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)"
                           r"|[%€£$]|[^\W\d_]+")
_SHORT = re.compile(r"([€£$]\s?\d[\d.,]*)\s?(k|m|bn)\b|(\d)(k)\b", re.IGNORECASE)  # "£4.5m", "45k"
_SHORT_SCALES = {"k": "thousand", "m": "million", "bn": "billion"}
_FRACTION = re.compile(r"(\d)([¼½¾])")

_MONTHS = {name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_MONTH = (r"\b(Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
          r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?")
_DAY = r"\b(\d\d?)(?:st|nd|rd|th)?\b"
_DATE = re.compile(rf"{_DAY}\s+(?:of\s+)?{_MONTH}|{_MONTH}(?:\s+{_DAY}(?![:.]\d))?")
_FIGURES_DATE = re.compile(r"(?<![\w./-])(\d\d?)([./-])(\d\d?)\2\d{4}\b")
_HOURS = re.compile(r"(?<!\d)(?<!\d[.:/-])(\d\d?)(?:[:.](\d\d))?(?:\s*[ap]\.?m\b\.?)?\s*(?:to|until|till|[-–])\s*"
                    r"(\d\d?)(?:[:.](\d\d))?(?![:./-]?\d)", re.IGNORECASE)
_ISO_DATE = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b")
_WEEKDAY = re.compile(r"\b(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b")
_CLOCK = re.compile(r"\b(\d\d?)(?:[:.](\d\d))?\s*([ap])\.?m\b|\b(\d\d?):(\d\d)\b", re.IGNORECASE)
_TITLES = frozenset("dr mr mrs ms miss prof professor sir".split())


def differ(question: str, first: Piece, other: Piece) -> bool:
    """Whether two pieces give different values for the one date, amount or person that the question asks for, or yes and no."""
    if not _same_subject(question, first, other):
        return False
    here, there = _marked(first), _marked(other)
    if _ASKS_WHO.search(question):
        return _differ_in_name(here, there)
    if ASKS_HOURS.search(question):  # those of Sunday are not those of Monday
        days = [set(_WEEKDAY.findall(piece.text)) for piece in (first, other)]
        return (not all(days) or days[0] == days[1]) and _differ_in_time(here, there)
    if _ASKS_WHETHER.search(question) and denies(first.text) != denies(other.text):
        return _says_the_same(first, other)
    if _ASKS_WHEN.search(question):
        return _differ_in_time(here, there)
    if _ASKS_AMOUNT.search(question):
        return _differ_in_amount(here, there)
    return (_ASKS_WHAT.search(question) is not None and all(_is_value(question, text) for text in (here, there))
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

    In another document, what stands around it counts too; in the same one, another figure is mostly of another thing.
    """
    asked = set(terms(question)) - set(terms(_FRAME)) or set(terms(question))
    around = [other.span.passage.text] if first.document.id != other.document.id else []
    if _another(asked, first) != _another(asked, other):
        return False
    here, there = asked & mentions(first), asked & mentions(other, *around)
    if any(term[0].isdecimal() for term in here ^ there):  # another year, another room
        return False
    counted = _counted(question)  # "four of the crossings" is no other number of passengers
    if len({bool(counted & set(terms(f"{piece.head} {piece.text}"))) for piece in (first, other)}) > 1:
        return False
    return bool(here) and len(here & there) >= _SAME_SUBJECT * len(here)


def _another(asked: set[str], piece: Piece) -> set[str]:
    """The words before what is asked for that make another thing of it."""
    return {word.lower() for word, noun in _ANOTHER.findall(piece.text) if asked & set(terms(noun))}


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
    if text[start].isdecimal() and (before := re.search(rf"(?:{_SIGN}|[€£$])$", text[piece.start : start])):
        start -= len(before[0])
    unit = re.compile(r"(?: and a half)?(?:[\s-]?[^\W\d_]+){1,2}|\s?[%€£$]").match(text, end, piece.end)
    ends_in_number = re.search(r"(?:^|\W)(\d+|[^\W\d_]+)$", text[start:end])
    if unit and ends_in_number and _number([ends_in_number[1]])[1]:
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


def _is_value(question: str, text: str) -> bool:
    """Whether a text is a date or an amount, with no words before it but those of the question."""
    tokens = _AMOUNT_TOKEN.findall(_DATE.sub(" 1 ", _WEEKDAY.sub(" 1 ", text)))
    first = next((at for at in range(len(tokens)) if _number(tokens[at:])[1]), None)
    return first is not None and len(tokens) <= _MOST_TOKENS and set(terms(" ".join(tokens[:first]))) <= set(terms(question))


def _differ_in_value(one: str, other: str) -> bool:
    """As dates or times where both are, else by a unit that both give."""
    if (moments(one).keys() & moments(other).keys()) - {"year", "hours"}:
        return _differ_in_time(one, other)
    return bool((amounts(one).keys() & amounts(other).keys()) - {""}) and _differ_in_amount(one, other)


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
    for one, mark, two in _FIGURES_DATE.findall(text):  # 3/4/2026 may be either: it differs from what is neither
        found.setdefault("day", set()).update(
            (month, day) for day, month in [(int(one), int(two)), (int(two), int(one))][: 1 if mark == "." else 2]
            if 1 <= month <= 12)
    found["weekday"] = set(_WEEKDAY.findall(text))
    found["clock"] = {_clock(*time) for time in _CLOCK.findall(text)}
    found["hours"] = {(_half_day(*time[:2]), _half_day(*time[2:])) for time in _HOURS.findall(text)}
    return {part: values for part, values in found.items() if values}


def _clock(hour: str, minute: str, half: str, hour_of_24: str, minute_of_24: str) -> tuple[int, int]:
    if hour_of_24:
        return int(hour_of_24), int(minute_of_24)
    return int(hour) % 12 + 12 * (half.lower() == "p"), int(minute or 0)


def _half_day(hour: str, minute: str) -> int:
    """Minutes on a clock's face: who is open from 9 to 5 is so from 9:00 to 17:00."""
    return int(hour) % 12 * 60 + int(minute or 0)


def amounts(text: str) -> dict[str, set[float]]:
    """The numbers in a text by what they count, spans of time in seconds or months.

    >>> amounts("two weeks, or twenty-five euro")
    {'second': {1209600.0}, 'euro': {25.0}}
    """
    text = _FRACTION.sub(lambda found: found[1] + str(unicodedata.numeric(found[2]))[1:], text)
    text = _SHORT.sub(lambda found: f"{found[1] or found[3]} {_SHORT_SCALES[(found[2] or found[4]).lower()]}", text)
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
    """The number that tokens begin with, and of how many it is made; (0, 0) where there is none.

    >>> _number("two thousand one hundred and fifty euro".split())
    (2150.0, 6)
    """
    value, length = (1.0, 0) if tokens[0].lower() in _SCALES else _plain_number(tokens)
    total, scale = 0.0, 0.0  # `scale`: of the word just read, below which a number adds to it
    while (length or value) and length < len(tokens):
        word = tokens[length].lower()
        if word in _SCALES:
            scale = _SCALES[word]
            value, length = value * scale, length + 1
            if scale >= 1000:
                total, value = total + value, 0.0
            continue
        if [token.lower() for token in tokens[length : length + 3]] == ["and", "a", "half"]:
            value, length = value + 0.5, length + 3
            continue
        joint = int(word == "and")
        more, used = _plain_number(tokens[length + joint : length + joint + 2])
        if not 0 < more < scale or tokens[length + joint][0].isdecimal():
            break
        value, length, scale = value + more, length + joint + used, 0.0
    return total + value, length


def _plain_number(tokens: Sequence[str]) -> tuple[float, int]:
    """The same, of figures or of a word or two."""
    word, after = (*(token.lower() for token in tokens[:2]), "", "")[:2]
    if figures := re.search(r"\d.*", word):
        value = float(re.sub(r"[^\d.]", "", figures[0]))
        return -value if figures.start() else value, 1
    if word in _TENS and 1 <= _SMALL.get(after, 0) < 10:
        return _TENS[word] + _SMALL[after], 2
    if (word in _SMALL or word in _TENS) and (word, after) != ("half", "past"):
        return (_SMALL | _TENS)[word], 1
    return 0.0, 0


def _unit(before: str, after: Sequence[str]) -> tuple[str, float]:
    """What a number counts: a unit we know beside it ("25 working days"), else the word behind it, else nothing."""
    stems = [before, *(term for word in after for term in terms(word) or [word])]
    for stem in stems if before in ("€", "£", "$") else stems[1:]:
        if stem in _UNITS:
            return _UNITS[stem]
    return next(iter(terms(after[0])), "") if after and not _plain_number(after)[1] else "", 1
