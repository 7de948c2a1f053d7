"""Running headers and footers: lines at the top or bottom of a page that a document's other pages have too.

They say nothing of their own, or say it again: but for the first of those that are the same to the letter they cannot be
quoted. They stay in the document's text; where sentences are looked for and where texts are encoded and searched they are
left blank, one character for one character.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, takewhile

MOST_LINES = 3  # at one end of a page: where more recur, it is a form, and its words may stand nowhere else
FEWEST = 3  # pages
ONE_MAY_LACK_IT = 5  # pages, and the more the more of them: one in ten
LONGEST = 200  # characters of a line
FARTHEST = 1000  # from the number printed on a page to the page's place in the file: a year is no page's number
NEAREST = 40  # the same where only a title stands beside the number: "Members 101" may be a list of members

_FOLLOWS = 2000  # characters behind a line in which the next word is looked for
_SOMETHING = re.compile(r"\S")
# A number by itself, not one of "3.50", "03.03.2026", "3/2026", "Q3" or "4th"; of "1/6" the first.
_NUMBER = re.compile(r"(?<!\w)(?<!\d[-.,:/])\d{1,4}(?!\w)(?![-.,:]\d)(?!/\d+/|/(?:19|20)\d\d)")
_WORD = re.compile(r"[^\W\d_]+")
_APART = re.compile(r"[|•·–—]| - ")
_NO_WORD = re.compile(r"[^\w#№$€£¥%°]*")
_REST = re.compile(rf"(?: ?(?:of|/) ?\d+)?{_NO_WORD.pattern}")
# "Day 2", "Article 3", "Room type 4", "Step 1 of 6", "Room 3, first floor": a line that says which of them the page is about.
_ORDINAL = re.compile(r"\W*(?:[^\W\d_]+ )?[^\W\d_]+\.? ")
_PAGE_NUMBER = re.compile(r"(?: number| num| no| nr|#)\W*$", re.I)  # "Page no. 4"
_LABEL = re.compile(r"[:=#№$€£¥]\W*$")  # before a number: it is the value of what stands before it
_UNIT = re.compile(r" ?[€$£¥%°]|\.?,?(?: [^\W\d_]+\.?,?)? (?:19|20)\d\d\b")  # behind one: "4 March 2026" too
_PAGE = frozenset("page p pg pp slide sheet folio seite blatt folie página pagina página sida side strona sivu".split())
# What has numbers of its own, in lines and on pages that may grow as the pages' numbers do.
_COUNTED = frozenset("""
account article bill booking case certificate chapter claim client contract customer day employee id invoice item lot member
membership no nr num number order patient permit policy receipt ref reference room seat section table ticket unit voucher week
auftrag kunde nummer rechnung zimmer chambre commande client facture numéro factura número pedido
""".split())

Span = tuple[int, int]
_Key = tuple[str, str, int | None]
_Edge = tuple[tuple[Span, frozenset[_Key]], ...]  # the outermost lines of a page, from one end inwards, with their keys


@dataclass(frozen=True, slots=True)
class _Page:
    top: _Edge
    bottom: _Edge
    odd: bool

    @property
    def keys(self) -> set[_Key]:
        return set(chain.from_iterable(keys for _, keys in (*self.top, *self.bottom)))


def without_running_lines(text: str, pages: Iterable[tuple[int, int, int]]) -> str:
    """The text, of the same length, with white space in the place of running headers and footers.

    `pages` are (number, start, end). A line is running where nearly all pages, or nearly all of the odd or of the even ones,
    have it the same but for the page's number: a number that grows with the page and, by what stands beside it, counts
    pages. Of one without such a number the first is left, and so is every "Article 3" or "Invoice number: 103". Where
    nothing else would be left, nothing is left out. A paragraph goes on over one where a small letter follows; else there is
    an empty line, as there is around the first of those that are the same.
    """
    seen = [page for number, start, end in pages if (page := _page(text, start, end, number)).top]
    recurring = _recurring(seen)
    edges = (edge for page in seen for edge in (page.top, page.bottom))
    found = list(chain.from_iterable(_running(edge, recurring) for edge in edges))
    running = sorted(_repeated(found))
    kept = {line for line, _ in found}.difference(running)
    text = with_gaps(text, (place for line in kept for place in line))
    bare = _replaced(text, running, _blank)
    if not bare.strip():
        return text

    def ended(blank: str, end: int) -> str:
        follows = _SOMETHING.search(bare, end, end + _FOLLOWS)
        return blank if follows and follows[0].islower() else "\n" + blank[1:]

    return _replaced(bare, running, ended)


def with_gaps(text: str, places: Iterable[int]) -> str:
    """The text, of the same length, with an empty line where one of the places is the beginning or the end of a line."""
    ends = {(at, at + 2) for place in places for at in (place - 2, place) if text[max(0, at) : at + 2] == "\r\n"}
    return _replaced(text, sorted(ends), lambda *_: "\n\n")


def _replaced(text: str, lines: Iterable[Span], by: Callable[[str, int], str]) -> str:
    """The text with each line replaced by what `by` makes of it and of where it ends."""
    pieces, at = [], 0
    for start, end in lines:
        pieces += [text[at:start], by(text[start:end], end)]
        at = end
    return "".join([*pieces, text[at:]])


def _page(text: str, start: int, end: int, number: int) -> _Page:
    lines: list[Span] = []
    at = start
    for line in text[start:end].split("\n"):
        if line.strip():
            lines.append((at, min(at + len(line) + 1, end)))
        at += len(line) + 1

    def edge(places: Sequence[int]) -> _Edge:
        some = ((lines[at], text[slice(*lines[at - 1])][-LONGEST:] if at else "") for at in places[: MOST_LINES + 1])
        return tuple((line, frozenset(_keys(text[slice(*line)], number, above))) for line, above in some)

    places = range(len(lines))
    return _Page(edge(places), edge(places[::-1]), number % 2 == 1)


def _keys(line: str, page: int, above: str = "") -> Iterator[_Key]:
    """What the line has in common with the same one on another page: all its words, or those around a page's number.

    >>> list(_keys("Annual Report 25 | 4", 6))
    [('Annual Report 25 | 4', '', None), ('Annual Report 25 | ', '', -2)]
    >>> list(_keys("Invoice number: 4", 6))
    [('Invoice number: 4', '', None)]
    """
    line = " ".join(line.split())
    if len(line) <= LONGEST and not line.endswith(":"):  # else it names what is below, which may be the page's own
        yield line, "", None
        for found in _NUMBER.finditer(line):
            before, after, offset = line[: found.start()], line[found.end() :], int(found[0]) - page
            if abs(offset) < _farthest(before, after, above):
                yield before, after, offset


def _farthest(before: str, after: str, above: str) -> int:
    """How far a number between these words may be from the page's place to be its number; 0: it numbers something else.

    Where that is in doubt it does: a running line that is kept is told again, a line that is taken for one is lost.
    """
    if _NO_WORD.fullmatch(before) and _REST.fullmatch(after):
        return 0 if _LABEL.search(above) or _ends_in_one_of(_COUNTED, above) else FARTHEST
    if _ends_in_one_of(_PAGE, _PAGE_NUMBER.sub("", before)):
        return FARTHEST
    title = _APART.split(before)[-1]
    other = (_ORDINAL.fullmatch(before) or _LABEL.search(before) or _UNIT.match(after) or _ends_in_one_of(_COUNTED, before)
             or not _COUNTED.isdisjoint(_words(title)))
    return 0 if other else NEAREST


def _ends_in_one_of(known: frozenset[str], words: str) -> bool:
    return not known.isdisjoint(_words(words)[-1:])


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _recurring(pages: Sequence[_Page]) -> set[_Key]:
    found: set[_Key] = set()
    for some in (pages, [page for page in pages if page.odd], [page for page in pages if not page.odd]):
        times = Counter(key for page in some for key in page.keys)
        lacking = max(1, len(some) // 10) if len(some) >= ONE_MAY_LACK_IT else 0
        fewest = max(FEWEST, len(some) - lacking)
        # On three pages of one side a word may stand by chance, a number that grows with them not.
        sure = some is pages or len(some) >= ONE_MAY_LACK_IT
        found |= {key for key, count in times.items() if count >= fewest and (sure or key[-1] is not None)}
    return found


def _running(edge: _Edge, recurring: set[_Key]) -> list[tuple[Span, frozenset[_Key]]]:
    """The lines at one end of a page that recur, as far as there is none between that does not; what recurs of each."""
    found = [(line, keys & recurring) for line, keys in takewhile(lambda one: not recurring.isdisjoint(one[1]), edge)]
    return found if len(found) <= MOST_LINES else []


def _repeated(running: Iterable[tuple[Span, frozenset[_Key]]]) -> set[Span]:
    """All of them but the first of those that are the same to the letter, with no page's number in them."""
    said: dict[frozenset[_Key], Span] = {}
    found = set()
    for line, keys in running:
        if any(offset is not None for _, _, offset in keys) or said.setdefault(keys, line) != line:
            found.add(line)
    return found


def _blank(line: str, _: int) -> str:
    """As long as the line, and white space over which a paragraph may go on, as over the end of a page."""
    return " " * (len(line) - 1) + ("\f" if line.endswith(("\n", "\f")) else " ")
