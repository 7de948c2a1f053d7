"""Spans become quotes: whole sentences with what they lean on, each told once with every place it stands in.

A span grows to what can stand alone (`grow.pieces`); the pieces that add an answer are chosen here, and those that answer
otherwise than the first are labelled (`differ.differ`). Everything is a stretch of a document, cut and never composed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from index.sentences import ITEM
from rag.differ import ASKS_HOURS, denies, differ, mentions
from rag.grow import Piece, pieces
from rag.reader.base import probability
from rag.types import Citation, Quote, Span
from rag.words import normalised, terms

_WORTH_ADDING = 0.75  # of the first quote's probability: below it another quote adds noise, not an answer
_WORTH_LISTING = 0.5  # the same where the question asks for several things, or the quote answers otherwise than the first

_ASKS_LIST = re.compile(
    r"^\W*(?:list|name|enumerate|give)\b|\b(?:which|what|who)(?:\s+[\w'’-]+){0,3}?\s+(?:are|were)\b|\bwhen were\b"
    r"|\b(?:which|what)(?:\s+[\w'’-]+){0,2}?\s+[\w'’-]+[^\Wsiu]s\s+(?:must|do|should|can|need|will)\b"
    r"|\bwhat\s+(?:to|do|does|must|should|can|will)(?:\s+(?!cost|pay)[\w'’-]+){0,4}?\s+(?:bring|enclose|pack|need(?!\s+to\b))\b",
    re.IGNORECASE)
_ASKS_BOTH = re.compile(r"\w\W+and\b|\b(?:both|each|between|respectively)\b", re.IGNORECASE)
# "How much does bed and breakfast cost?": the verb says that it is one thing.
_ONE_PAIR = re.compile(r"\bdoes\s+(?:the\s+)?[a-z-]+\s+and\s+(?!(?:the|an?)\b)[a-z-]+")


def compose(question: str, spans: Sequence[Span], limit: int) -> tuple[Quote, ...]:
    """At most `limit` quotes, best first. Citations are numbered through the answer, in reading order.

    Spans whose pieces say the same become one quote with several citations. Further quotes come while they are about as
    likely as the first, less so where several things are asked for or the first is gainsaid, and say what the ones before
    do not.
    """
    return compose_parts([(question, spans)], limit)


def compose_parts(asked: Sequence[tuple[str, Sequence[Span]]], limit: int) -> tuple[Quote, ...]:
    """The same for a question that asks several things, each with the spans found for it: their quotes in that order.

    A part whose best answer an earlier one has told adds nothing; any other has one quote at least, and if need
    be more than `limit` together: what is left out would pass for what nothing answers.
    """
    limit = max(limit, len(asked))
    quotes: list[Quote] = []
    taken: list[Piece] = []
    for number, (question, spans) in enumerate(asked):
        later = len(asked) - number - 1
        groups = _groups(question, spans, limit - len(quotes) - later, taken)
        quotes += _quotes(question, groups, sum(len(quote.citations) for quote in quotes))
        taken += [piece for group in groups for piece in group]
    return tuple(quotes)


def _groups(question: str, spans: Sequence[Span], limit: int, before: Sequence[Piece]) -> list[list[Piece]]:
    """The pieces that a question's quotes are made of, those that say the same together; none where `before` has the best."""
    ranked = [one for span in sorted((span for span in spans if span.text.strip()),
                                     key=lambda span: (-span.score, span.passage.document.source, span.start))
              for one in (span, *_copies(span))]
    several, listed = asks_several(question), _ASKS_LIST.search(question) is not None
    told = {_key(piece) for piece in before}
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Piece]] = {}
    for span in ranked:
        taken = [*before, *(piece for group in groups.values() for piece in group)]
        piece = next((one for one in pieces(span, several, listed) if not any(_overlap(one, other) for other in taken)), None)
        if not groups and before and (piece is None or _key(piece) in told):
            return []
        if piece is None or _key(piece) in told:
            continue
        key = _key(piece)
        if key in groups:
            groups[key].append(piece)
        elif len(groups) < limit and _worth(question, piece, [group[0] for group in groups.values()], several):
            groups[key] = [piece]
    return list(groups.values())


def _key(piece: Piece) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What pieces that say the same have in common."""
    return fingerprint(piece.head), fingerprint(piece.text)


def _worth(question: str, piece: Piece, earlier: Sequence[Piece], several: bool) -> bool:
    """Whether a piece should stand behind the earlier ones: likely enough, beside the first, and with an answer of its own."""
    if not earlier:
        return True
    odds, best = probability(piece.span.score), probability(earlier[0].span.score)
    told = odds >= best * _WORTH_ADDING or (odds >= best * _WORTH_LISTING and (several or differ(question, earlier[0], piece)))
    return told and adds(question, piece, earlier)


def _copies(span: Span) -> Iterator[Span]:
    """The same words in the copies of a span's passage."""
    for copy in span.passage.copies:
        moved = copy.chunk.start - span.passage.chunk.start
        yield Span(copy, span.start + moved, span.end + moved, span.score, span.cosine)


def _quotes(question: str, groups: Sequence[Sequence[Piece]], cited: int) -> list[Quote]:
    """The quotes of one question, behind others with so many citations."""
    one_answer = not asks_several(ASKS_HOURS.sub("when", question))
    quotes: list[Quote] = []
    number = cited + 1
    for group in groups:
        citations = tuple(Citation.of(piece.document, piece.start, piece.end, number + offset)
                          for offset, piece in enumerate(group))
        number += len(group)
        piece = group[0]
        quotes.append(Quote.of(piece.document, piece.start, piece.end, piece.highlight, piece.span.score, citations,
                               piece.header, bool(quotes) and one_answer and differ(question, groups[0][0], piece)))
    return quotes


def _overlap(one: Piece, other: Piece) -> bool:
    return one.document.id == other.document.id and one.start < other.end and other.start < one.end


# A copy may lack these words, or have others of them. Any other word may be what two sentences differ in: before and after,
# employer and employee, Leeds and York.
_LIGHT = frozenset("a an the of per each every also please its that thus therefore however".split())
# "Each year" is "a year", but every three weeks are not three weeks, nor 20 euro each 20 euro.
_COUNTS = re.compile(r"(?:each|every)(?= (?:\d|two|three|four|five|six|seven|eight|nine|ten|twelve|few|couple|and\b|or\b)|$)")
_BROKEN_WORD = re.compile(r"[-\u00ad]\s*[\n\f]\s*|\u00ad")
_QUOTES = str.maketrans("’′”″", "''\"\"")
_MINUS = re.compile(r"[−–](?<![^\W\d_].)(?=\d)")
_NO = re.compile(r"([nN][oO])(?<!\w..)\s*[.,:;!–—-]+\s+(?=\w)")  # "No, booking is required."
# Marks that say nothing: not those within a number, a minus, feet and inches.
_MARKS = re.compile(r"[-.,:/'\"!();?*_`|\[\]{}‘“„«»‹›…·•–—\\]"
                    r"(?<!\d[.,:/](?=\d))(?<!(?<![^\W\d_])-(?=\d))(?<!\d['\"](?![^\W\d_]))")
# Behind a number, what only the case tells apart: mW is not MW, Mb is not MB.
_UNIT = re.compile(r"(\d\s?(?:(?=[^\W\d_]*[a-z])[^\W\d_]+[A-Z][^\W\d_]*|[A-Z][a-z])\b)")


def fingerprint(text: str) -> tuple[str, ...]:
    """What two copies of a sentence have in common: the words, but for case, spacing, marks and words like "the".

    >>> fingerprint("2. The fee is 1.5 euro (per day).") == fingerprint("Fee is 1.5 euro\\na day")
    True
    """
    bare = ITEM.sub("", text.lstrip(), 1) if ITEM.match(text.lstrip()) else text
    bare = _BROKEN_WORD.sub("", unicodedata.normalize("NFC", bare)).translate(_QUOTES)
    words = _MARKS.sub(" ", _NO.sub(r"\1 # ", _MINUS.sub("-", bare))).split()
    capitals = bare.isupper()
    heavy = " ".join(word for at, word in enumerate(words) if word.casefold() not in _LIGHT
                     or not (at == 0 or capitals or word.islower())  # a vitamin A is not a vitamin
                     or _COUNTS.match(" ".join(words[at : at + 2]).casefold()))
    folded = "".join(part if at % 2 else part.casefold() for at, part in enumerate(_UNIT.split(heavy))).split()
    return tuple(folded) or (normalised(text),)


def asks_several(question: str) -> bool:
    """Whether a question asks for a list, for several people, dates or places, or for two things at once."""
    return _ASKS_LIST.search(question) is not None or _ASKS_BOTH.search(_ONE_PAIR.sub("does it", question)) is not None


def adds(question: str, piece: Piece, earlier: Sequence[Piece]) -> bool:
    """Whether a piece answers what the earlier ones do not.

    What it highlights is new; or several things were asked for, and it is about one of them that they do not mention.
    """
    if not any(_tells(other, piece) for other in earlier):
        return True
    told = set().union(*(mentions(other) for other in earlier))
    return asks_several(question) and bool(set(terms(question)) & mentions(piece) - told)


def _tells(earlier: Piece, piece: Piece) -> bool:
    """Whether what a piece highlights stands in or about the highlight of an earlier one, and neither alone denies it.

    What stands elsewhere in the earlier one is not its answer: "The fee was raised from 20 to 35 euro."
    """
    if denies(earlier.text) != denies(piece.text):
        return False
    wanted, text, (start, end) = piece.document.text[slice(*piece.highlight)], earlier.document.text, earlier.highlight
    beside = (text[earlier.start : start], text[end : earlier.end])
    return _within(wanted, text[start:end]) or (
        _within(wanted, earlier.text) and not any(_within(wanted, part) for part in beside))


def _within(words: str, text: str) -> bool:
    return _spaced(fingerprint(words)) in _spaced(fingerprint(text))


def _spaced(words: Iterable[str]) -> str:
    return f" {' '.join(words)} "
