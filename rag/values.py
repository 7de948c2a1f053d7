"""Values: the dates, times and amounts that a text gives, in a form in which two of them can be compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from rag.words import terms

_YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b")
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

_MOST_TOKENS = 5  # words and numbers: what has more of them is not just a value

_SMALL = {word: float(value) for value, word in enumerate(
    ("one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen"
     " nineteen").split(), 1)} | {"free": 0.0, "half": 0.5}
_TENS = {word: 10.0 * value for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_SCALES = {"dozen": 12.0, "hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9}
UNITS = {"second": ("second", 1), "minut": ("second", 60), "hour": ("second", 3600), "day": ("second", 86_400),
         "week": ("second", 604_800), "month": ("month", 1), "year": ("month", 12), "%": ("%", 1), "percent": ("%", 1),
         "€": ("euro", 1), "euro": ("euro", 1), "eur": ("euro", 1), "£": ("pound", 1), "pound": ("pound", 1),
         "gbp": ("pound", 1), "p": ("pound", 0.01), "penc": ("pound", 0.01),
         "$": ("dollar", 1), "dollar": ("dollar", 1), "usd": ("dollar", 1)}
SIGN = r"(?<![\w.])(?:[-−–]|[Mm]inus )"
_AMOUNT_TOKEN = re.compile(rf"(?:{SIGN})?(?:\d{{1,3}}(?:[, \u00a0\u2009\u202f]\d{{3}})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)"
                           r"|[%€£$]|[^\W\d_]+")
_SHORT = re.compile(r"([€£$]\s?\d[\d.,]*)\s?(k|m|bn)\b|(\d)(k)\b", re.IGNORECASE)  # "£4.5m", "45k"
_SHORT_SCALES = {"k": "thousand", "m": "million", "bn": "billion"}
_FRACTION = re.compile(r"(\d)([¼½¾])")


def is_number(word: str) -> bool:
    """Whether a word is a number, in figures or in letters."""
    return _number([word])[1] > 0


def is_just_a_value(text: str, known: Iterable[str]) -> bool:
    """Whether a text is a date or an amount, with no words before it but those whose terms are known."""
    tokens = _AMOUNT_TOKEN.findall(_DATE.sub(" 1 ", _WEEKDAY.sub(" 1 ", text)))
    first = next((at for at in range(len(tokens)) if _number(tokens[at:])[1]), None)
    return first is not None and len(tokens) <= _MOST_TOKENS and set(terms(" ".join(tokens[:first]))) <= set(known)


def weekdays(text: str) -> set[str]:
    """The days of the week that a text names, without their "day"."""
    return set(_WEEKDAY.findall(text))


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
    found["weekday"] = set(weekdays(text))
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
        if stem in UNITS:
            return UNITS[stem]
    return next(iter(terms(after[0])), "") if after and not _plain_number(after)[1] else "", 1
