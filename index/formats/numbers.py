"""Numbers, dates and texts as the number format of a spreadsheet's cell shows them: 12.5 in `"$"#,##0.00` is $12.50.

Points and the names of months are those of English: a file does not tell in which language it is looked at. What is not
known of a format (fractions, powers of ten, other calendars) has no reading here, nor has a date that would leave a doubt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache

LONGEST = 255  # characters that Excel lets a format have
TOKEN = re.compile(r"""
    "(?P<quoted>[^"]*)" | \\(?P<escaped>.) | _(?P<gap>.) | \*(?P<fill>.) | \[(?P<bracket>[^\]]*)\]
    | (?P<value>General) | (?P<text>@) | (?P<half>AM/PM|A/P) | (?P<unit>y+|m+|d+|h+|s+(?:\.0+)?)
    | (?P<digit>[0\#?]) | (?P<point>\.) | (?P<comma>,) | (?P<percent>%) | (?P<end>;) | (?P<slash>/)
    | (?P<sign>[-+$():!^&'~{}<>=\s]|[^\x00-\x7f])
""", re.X | re.I | re.S)  # fmt: skip
COLOUR = re.compile(r"black|blue|cyan|green|magenta|red|white|yellow|color ?\d+", re.I)
CURRENCY = re.compile(r"\$([^-]*)(?:-(.*))?", re.S)  # with a language, as a number or by name
CONDITION = re.compile(r"(<=|>=|<>|<|>|=)(-?\d{1,15}(?:\.\d{1,15})?)")
ELAPSED = re.compile(r"h+|m+|s+", re.I)
SYSTEM = re.compile(r"f[48]00|x-", re.I)  # not this format is shown, but one that the system is set to
ENGLISH = re.compile(r"en\b.*|0*[0-9a-f]?[048c]09", re.I)  # of a number the last ten bits are the language
# A date in figures that leaves no doubt: the year first, points between day, month and year, or no day.
CLEAR = re.compile(r".*y[^dM]*M[^dM]*d.*|.*d\. ?M\. ?y.*|[^d]*", re.S)
MONTHS = "January February March April May June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
LARGEST = 1e15  # with more digits, numbers are not exact
# What lies half-way is rounded up, also where it cannot be stored as it was typed: 1.005 is a little less. FINE: so that the
# last digit that is shown is far larger than what is added.
UP, LITTLE, FINE = 1 + 1e-15, Decimal("1.00000000000000000001"), 1e13

Moment = datetime | date | time | timedelta
# A kind and a text. Kinds of units: y, M and d; h, m, s and "half"; H, N and S for all hours, minutes or seconds there are.
Token = tuple[str, str]
Condition = tuple[str, float]
CLOCK, DATED = {"h", "m", "s", "half", "H", "N", "S"}, {"y", "M", "d"}
VALUES = {"value", "text"}  # of numbers or texts; only the second makes a part of a format that of texts
NEGATIVE = ("<", 0.0)


@dataclass(frozen=True, slots=True)
class _Words:
    """Words, or words around a value that stays as it is."""

    tokens: tuple[Token, ...]
    around: bool

    def show(self, value: str) -> str:
        return "".join(value if kind in VALUES else text for kind, text in self.tokens)


@dataclass(frozen=True, slots=True)
class _Number:
    """`whole` are the places before the point, and words between them; the number is multiplied with a `power` of ten."""

    before: str
    whole: tuple[Token, ...]
    point: str
    decimals: str
    after: str
    grouped: bool
    power: int
    usual: str  # how Python writes such numbers, where it does
    fine: float  # below this, what is added to round up is not seen

    def show(self, value: int | float) -> str | None:
        """The number without its sign."""
        raw = abs(value)
        if not raw < LARGEST:
            return None
        if self.power:
            raw *= 10.0**self.power
        size = raw * UP if raw < self.fine else Decimal(f"{raw:.15g}") * LITTLE
        if self.usual:
            return f"{self.before}{size:{self.usual}}{self.after}"
        whole, _, decimals = f"{size:.{len(self.decimals)}f}".partition(".")
        least = len(self.decimals.rstrip("#?"))
        decimals = decimals[:least] + decimals[least:].rstrip("0")
        return f"{self.before}{self._placed(whole.lstrip('0'))}{self.point}{decimals}{self.after}"

    def _placed(self, digits: str) -> str:
        places = "".join(text for kind, text in self.whole if kind == "digit")
        digits = digits.zfill(len(places.lstrip("#?")))
        if self.grouped:
            head = len(digits) % 3
            return ",".join(filter(None, [digits[:head], *(digits[at : at + 3] for at in range(head, len(digits), 3))]))
        placed = ""
        for kind, text in reversed(self.whole):
            placed = (digits[-1:] if kind == "digit" else text) + placed
            digits = digits[:-1] if kind == "digit" else digits
        return digits + placed


@dataclass(frozen=True, slots=True)
class _Date:
    """A date, a time or both, or how long something takes: a text in which its figures and names are filled in."""

    template: str
    dated: bool

    def show(self, value: Moment) -> str | None:
        if self.dated and not isinstance(value, date):
            return None
        minus = "-" if isinstance(value, timedelta) and value < timedelta() else ""
        return minus + self.template.format_map(_figures(value))


Form = _Words | _Number | _Date
Forms = tuple[tuple[Condition | None, Form | None], ...]


@dataclass(frozen=True, slots=True)
class _Format:
    """The parts for numbers, each with what must hold of one, and that for texts, which without it stay as they are."""

    numbers: Forms
    words: Form | None


def shown(value: int | float | str | Moment, code: str) -> str | None:
    """What a cell shows of its value in a number format, or None where that is not understood."""
    parts = _format(code)
    if not parts:
        return None
    if isinstance(value, (int, float)):
        text = _of_number(value, parts.numbers)
    elif isinstance(value, str):
        text = parts.words.show(value) if isinstance(parts.words, _Words) else value
    else:
        form = parts.numbers[0][1]
        text = form.show(value) if isinstance(form, _Date) else None
    return text and text.strip()


def plain(value: int | float) -> str:
    """A number as it is, without the digits that are but noise."""
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _of_number(value: int | float, forms: Forms) -> str | None:
    for condition, form in forms:
        if condition is None or _holds(condition, value):
            return _signed(value, form, condition == NEGATIVE)
    return None


def _signed(value: int | float, form: Form | None, marked: bool) -> str | None:
    """A number with its sign, unless the part of the format marks it in its own way or says something else."""
    if isinstance(form, _Words):
        text: str | None = form.show(plain(abs(value)))
        marked = marked or not form.around
    else:
        text = form.show(value) if isinstance(form, _Number) else None
    return text if value >= 0 or marked or text is None else f"-{text}"


def _holds(condition: Condition, value: float) -> bool:
    sign, limit = condition
    if value == limit:
        return sign in ("<=", ">=", "=")
    return sign == "<>" or ("<" if value < limit else ">") in sign


@lru_cache(maxsize=1024)
def _format(code: str) -> _Format | None:
    """None where the format is not understood."""
    tokens = _tokens(code) if len(code) <= LONGEST else None
    parts = _parts(tokens or [])
    if tokens is None or len(parts) > 4:
        return None
    # A last part with an @ is for texts however many there are: it is not that of negative numbers, or of zero.
    words = parts[-1] if len(parts) == 4 or any(kind == "text" for kind, _ in parts[-1]) else None
    numbers = parts[:-1] if words is not None and len(parts) > 1 else parts
    return _Format(_numbers(numbers), None if words is None else _form(words))


def _parts(tokens: list[Token]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token[0] == "end":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _numbers(parts: list[list[Token]]) -> Forms:
    """One to three parts, each with what must hold of a number; a single one is for all of them."""
    stated = [next((_condition(text) for kind, text in part if kind == "condition"), None) for part in parts]
    usual: list[Condition | None] = [(">=" if len(parts) == 2 else ">", 0.0), NEGATIVE, None]
    if any(stated):
        usual[0], usual[1] = None, NEGATIVE if len(parts) > 2 else None
    conditions = [own or other for own, other in zip(stated, usual, strict=False)] if len(parts) > 1 else stated
    return tuple((condition, _form(part)) for condition, part in zip(conditions, parts, strict=False))


def _condition(text: str) -> Condition | None:
    found = CONDITION.fullmatch(text)
    return (found[1], float(found[2])) if found else None


def _tokens(code: str) -> list[Token] | None:
    """A format's signs, one after the other; None where one of them is not known."""
    tokens: list[Token] = []
    at = 0
    while at < len(code):
        found = TOKEN.match(code, at)
        kind = found.lastgroup if found else None
        if found is None or kind is None:
            return None
        at, text = found.end(), found[kind]
        if kind == "bracket":
            kind, text = _bracket(text)
            if not kind:
                return None
        elif kind in ("quoted", "escaped", "sign"):
            kind = "word"
        elif kind == "gap":
            kind, text = "word", " "
        elif kind == "unit":
            kind, text = text[0].lower(), text.lower()
        if kind != "fill":
            tokens.append((kind, text))
    return tokens


def _bracket(text: str) -> Token:
    """What stands in brackets: a colour, a currency or a language, a condition, or hours beyond a day; "" for anything else."""
    if ELAPSED.fullmatch(text):
        return {"h": "H", "m": "N", "s": "S"}[text[0].lower()], text
    if COLOUR.fullmatch(text):
        return "fill", ""
    if currency := CURRENCY.fullmatch(text):
        tag = currency[2] or ""
        if currency[1] or not tag:
            return "word", currency[1]
        return "system" if SYSTEM.match(tag) else "fill" if ENGLISH.fullmatch(tag) else "foreign", ""
    return ("condition", text) if CONDITION.fullmatch(text) else ("", "")


def _form(tokens: list[Token]) -> Form | None:
    kinds = {kind for kind, _ in tokens}
    tokens = [token for token in tokens if token[0] not in ("condition", "system", "foreign")]
    if kinds & (CLOCK | DATED):
        return _date(tokens, "system" in kinds, "foreign" in kinds)
    return _number(tokens) if "digit" in kinds else _Words(tuple(tokens), bool(kinds & VALUES))


def _number(tokens: list[Token]) -> _Number | None:
    places = [place for place, (kind, _) in enumerate(tokens) if kind in ("digit", "point", "comma")]
    first, last = places[0], places[-1] + 1
    whole: list[Token] = []
    point = decimals = ""
    grouped, commas, power = False, 0, 2 * sum(kind == "percent" for kind, _ in tokens)
    for kind, text in tokens[first:last]:
        if kind == "comma":
            commas += 1
        elif kind == "digit" and point:
            decimals += text
        elif kind == "digit":
            grouped, commas = grouped or commas > 0, 0
            whole.append((kind, text))
        elif kind == "point" and not point:
            point = text
        elif kind == "word" and not point:
            whole.append((kind, text))
        else:
            return None
    if any(kind in VALUES for kind, _ in tokens) or (grouped and any(kind == "word" for kind, _ in whole)) or power > 20:
        return None
    before, after = ("".join(text for _, text in part) for part in (tokens[:first], tokens[last:]))
    plainly = "".join(text for _, text in whole).lstrip("#") == "0" and bool(point) == bool(decimals)
    usual = f"{',' * grouped}.{len(decimals)}f" if plainly and not decimals.strip("0") else ""
    power -= 3 * commas  # the last ones: so many thousands
    return _Number(before, tuple(whole), point, decimals, after, grouped, power, usual, FINE / 10.0 ** len(decimals))


def _date(tokens: list[Token], system: bool, foreign: bool) -> _Date | None:
    """None where its date could be taken for another, or its words are not known."""
    tokens = _with_months(tokens)
    kinds = {kind for kind, _ in tokens}
    longest = {kind: max((len(text) for one, text in tokens if one == kind), default=0) for kind in DATED}
    if system or kinds & {"digit", *VALUES} or longest["M"] > 4 or (foreign and max(longest["M"], longest["d"]) > 2):
        return None
    shape = "".join(kind if kind in DATED else text if text in ". " else "-" for kind, text in tokens)
    if kinds & DATED and (longest["y"] < 3 or not (longest["M"] > 2 or CLEAR.fullmatch(shape))):
        return None
    return _Date("".join(_place(kind, text, "half" in kinds) for kind, text in tokens), bool(kinds & DATED))


def _with_months(tokens: list[Token]) -> list[Token]:
    """An m stands for minutes behind hours and before seconds, else for a month, which is M from here on."""
    told = list(tokens)
    units = [place for place, (kind, _) in enumerate(tokens) if kind in CLOCK | DATED and kind != "half"]
    for before, place, after in zip([None, *units], units, [*units[1:], None], strict=False):
        behind_hours = before is not None and tokens[before][0] in ("h", "H")
        if tokens[place][0] == "m" and not behind_hours and not (after is not None and tokens[after][0] in ("s", "S")):
            told[place] = ("M", tokens[place][1])
    return told


def _place(kind: str, text: str, halves: bool) -> str:
    """Where in a template a figure or a name stands, as wide as its letters say; or a word."""
    if kind == "half":
        return "{half}" if len(text) > 3 else "{half:.1}"
    if kind == "y":
        return "{y:04}"
    if kind in ("M", "d") and len(text) > 2:
        return f"{{{kind}_name{':.3' if len(text) == 3 else ''}}}"
    if kind not in CLOCK | DATED:
        return text.replace("{", "{{").replace("}", "}}")
    figures, _, parts = text.partition(".")
    name = "h_half" if kind == "h" and halves else kind
    return f"{{{name}:0{min(len(figures), 9)}}}" + (f".{{parts:.{len(parts)}}}" if parts else "")


def _figures(value: Moment) -> dict[str, int | str]:
    """What stands in a date, a time or a length; the time of a date is as long as it is since midnight."""
    if isinstance(value, timedelta):
        seconds, parts = abs(value) // timedelta(seconds=1), abs(value).microseconds
    elif isinstance(value, (datetime, time)):
        seconds, parts = value.hour * 3600 + value.minute * 60 + value.second, value.microsecond
    else:
        seconds, parts = 0, 0
    hours, minutes = seconds // 3600, seconds // 60
    told: dict[str, int | str] = {"h": hours % 24, "h_half": hours % 12 or 12, "half": "AM" if hours % 24 < 12 else "PM",
                                  "m": minutes % 60, "s": seconds % 60, "H": hours, "N": minutes, "S": seconds,
                                  "parts": f"{parts:06}"}  # fmt: skip
    if isinstance(value, date):
        told |= {"y": value.year, "M": value.month, "M_name": MONTHS[value.month - 1],
                 "d": value.day, "d_name": DAYS[value.weekday()]}  # fmt: skip
    return told
