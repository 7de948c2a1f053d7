"""Spans become quotes: whole sentences, the same one in several documents told once, with every place it stands in."""

from __future__ import annotations

from collections.abc import Sequence

from rag.reader.base import probability
from rag.types import Citation, Quote, Span
from rag.words import normalised

_WORTH_ADDING = 0.5  # of the first quote's odds-based probability: below it another quote adds noise, not an answer


def compose(spans: Sequence[Span], limit: int) -> tuple[Quote, ...]:
    """At most `limit` quotes, best first. Citations are numbered through the answer, in reading order.

    A quote is the span's own sentences, cut from the document. Spans whose sentences are the same words become one
    quote with several citations. Further quotes come while they are about as likely to answer as the first.
    """
    groups: dict[str, list[Span]] = {}
    least = probability(spans[0].score) * _WORTH_ADDING if spans else 0.0
    for span in spans:
        start, end = sentences_around(span)
        key = normalised(span.passage.document.text[start:end])
        if any(_overlap(span, other) for group in groups.values() for other in group):
            continue
        if key in groups:
            groups[key].append(span)
        elif len(groups) < limit and probability(span.score) >= least:
            groups[key] = [span]
    quotes = []
    number = 1
    for group in groups.values():
        citations = tuple(_citation(span, number + offset) for offset, span in enumerate(group))
        number += len(group)
        first = group[0]
        start, end = sentences_around(first)
        quotes.append(Quote.of(first.passage.document, start, end, (first.start, first.end), first.score, citations))
    return tuple(quotes)


def sentences_around(span: Span) -> tuple[int, int]:
    """The span grown to whole sentences of its chunk."""
    touched = [(start, end) for start, end in span.passage.chunk.sentences if start < span.end and span.start < end]
    return min([span.start, *(start for start, _ in touched)]), max([span.end, *(end for _, end in touched)])


def _overlap(one: Span, other: Span) -> bool:
    (start, end), (other_start, other_end) = sentences_around(one), sentences_around(other)
    return one.passage.document.id == other.passage.document.id and start < other_end and other_start < end


def _citation(span: Span, number: int) -> Citation:
    document = span.passage.document
    start, end = sentences_around(span)
    section = document.section_at(start)
    return Citation(number, document.id, document.source, document.title, start, end, section.page, section.heading,
                    document.text_sha256, document.file_sha256)

