"""Spans become quotes: whole sentences with what they lean on, each told once with every place it stands in.

A span grows to what can stand alone (`grow.pieces`); the pieces that add an answer are chosen here, and those that answer
otherwise than the first are labelled (`differ.differ`). Everything is a stretch of a document, cut and never composed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from index.sentences import ITEM
from rag.differ import differ, mentions
from rag.grow import Piece, pieces
from rag.reader.base import probability
from rag.types import Citation, Quote, Span
from rag.words import normalised, terms

_WORTH_ADDING = 0.75  # of the first quote's probability: below it another quote adds noise, not an answer
_WORTH_LISTING = 0.5  # the same where the question asks for several things, or the quote answers otherwise than the first

_ASKS_SEVERAL = re.compile(
    r"^\W*(?:list|name|enumerate|give)\b|\b(?:which|what|who)(?:\s+[\w'’-]+){0,3}?\s+(?:are|were)\b|\bwhen were\b"
    r"|\w\W+and\b|\b(?:both|each|between|respectively)\b", re.IGNORECASE)


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
    several = asks_several(question)
    told = {_key(piece) for piece in before}
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Piece]] = {}
    for span in ranked:
        taken = [*before, *(piece for group in groups.values() for piece in group)]
        piece = next((one for one in pieces(span, several) if not any(_overlap(one, other) for other in taken)), None)
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
    several = asks_several(question)
    quotes: list[Quote] = []
    number = cited + 1
    for group in groups:
        citations = tuple(Citation.of(piece.document, piece.start, piece.end, number + offset)
                          for offset, piece in enumerate(group))
        number += len(group)
        piece = group[0]
        quotes.append(Quote.of(piece.document, piece.start, piece.end, piece.highlight, piece.span.score, citations,
                               piece.header, bool(quotes) and not several and differ(question, groups[0][0], piece)))
    return quotes


def _overlap(one: Piece, other: Piece) -> bool:
    return one.document.id == other.document.id and one.start < other.end and other.start < one.end


# A copy may lack these words, or have others of them. Any other word may be what two sentences differ in: before and after,
# employer and employee, Leeds and York.
_LIGHT = frozenset("a an the of per each every all also please our your their its that thus therefore however".split())
_BROKEN_WORD = re.compile(r"[-\u00ad]\s*[\n\f]\s*|\u00ad")
# Marks that say nothing: full stops, commas and colons but within a number, a minus only before one.
_MARKS = re.compile(r"[.,:](?!\d)|(?<!\d)[.,:]|-(?!\d)|(?<=\w)-|[!\"'();?*_`|\[\]{}‘’“”„«»‹›…·•–—\\/]")


def fingerprint(text: str) -> tuple[str, ...]:
    """What two copies of a sentence have in common: the words, but for case, spacing, marks and words like "the".

    >>> fingerprint("2. The fee is 1.5 euro (per day).") == fingerprint("Fee is 1.5 euro\\na day")
    True
    """
    bare = ITEM.sub("", text.lstrip(), 1) if ITEM.match(text.lstrip()) else text
    words = _MARKS.sub(" ", _BROKEN_WORD.sub("", unicodedata.normalize("NFC", bare))).split()
    heavy = tuple(word.casefold() for at, word in enumerate(words)
                  if word.casefold() not in _LIGHT or not (at == 0 or word.islower()))  # a vitamin A is not a vitamin
    return heavy or (normalised(text),)


def asks_several(question: str) -> bool:
    """Whether a question asks for a list, for several people, dates or places, or for two things at once."""
    return _ASKS_SEVERAL.search(question) is not None


def adds(question: str, piece: Piece, earlier: Sequence[Piece]) -> bool:
    """Whether a piece answers what the earlier ones do not.

    What it highlights is new; or several things were asked for, and it is about one of them that they do not mention.
    """
    wanted = _spaced(fingerprint(piece.document.text[slice(*piece.highlight)]))
    if not any(wanted in _spaced(fingerprint(other.text)) for other in earlier):
        return True
    told = set().union(*(mentions(other) for other in earlier))
    return asks_several(question) and bool(set(terms(question)) & mentions(piece) - told)


def _spaced(words: Iterable[str]) -> str:
    return f" {' '.join(words)} "
