"""An Answer for people: a card of safe HTML for the page, plain text for the terminal.

A card is one line of HTML, for Gradio's Markdown leaves a block of HTML on one line as it is: quotes stay verbatim. Every
string that comes from a document or a user goes through `escaped`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from index.errors import PullquoteError
from index.types import Document
from rag.reader.base import quotable
from rag.types import Answer, Citation, Passage, Quote
from rag.words import normalised, terms

GROUP_FROM = 6  # quotes: from here on a card groups them by document
RELATED = 2  # passages that a refusal shows
EXCERPT = 320  # characters of each

# A line break that carries meaning: before an item of a list, a row of a table, a heading, or after an empty line.
# A run of blanks is tried once, from its beginning, and never in part: without that, long runs take quadratic time.
_BREAK = re.compile(r"(?<![ \t\r])[ \t\r]*+\n[ \t\r]*+"
                    r"(?:\n\s*+|(?=[-*+–#]\s|#{2,6}\s|[•·|]|\(?\d{1,3}[.)]\s|[^\n]*[ \t]\|[ \t]))")
_DIFFERS = "These passages differ: this one gives another answer than the first"
# Gradio's HTML templates run what stands between `${` and `}`, or between `{{` and `}}`: these never reach them.
_TEMPLATE = str.maketrans({"$": "&#36;", "{": "&#123;", "}": "&#125;", "`": "&#96;"})


def escaped(text: str) -> str:
    """Text as one line of HTML that shows those very characters, and that neither Markdown nor a template reads.

    >>> escaped('<b>\\n${x}')
    '&lt;b&gt; &#36;&#123;x&#125;'
    """
    lines = html.escape(_BREAK.sub("\0", text), quote=True).translate(_TEMPLATE)
    return " ".join(lines.replace("\0", "<br>").split("\n")).replace("\r", " ").replace("\f", " ").replace("\t", " ")


def answer_html(answer: Answer, documents: int | None = None, shown: int | None = None) -> str:
    """The card of an answer or a refusal; `documents` is the size of the library.

    `shown` quotes only while the answer is still being told; the card without it is the last one, class "done".
    """
    if not answer.answered:
        return _refusal(answer, documents)
    quotes = answer.quotes[:shown]
    parts = [f'<p class="lead">{_lead(answer)}</p>', _understood(answer), *_quotes(quotes)]
    if shown is None:
        parts += [f'<p class="related">{escaped(_unanswered(part))}</p>' for part in answer.unanswered]
        parts.append('<p class="actions"><button class="copy">Copy with citations</button></p>')
    return _card("" if shown is not None else "done", parts)


def status_html(text: str) -> str:
    """The card while an answer is on its way."""
    return _card("waiting", [f'<p class="lead" role="status">{escaped(text)}</p>'])


def error_html(error: PullquoteError) -> str:
    """The card of a question that could not be answered because something went wrong."""
    parts = ['<p class="lead">This question could not be answered</p>', f"<p>{escaped(sentence(error.message))}</p>"]
    if error.remedy:
        parts.append(f"<p>{escaped(sentence(error.remedy))}</p>")
    return _card("error", parts)


def question_html(question: str) -> str:
    """What the user asked, as the user typed it."""
    lines = "<br>".join(escaped(line) for line in question.strip().splitlines())
    return f'<div class="question">{_said("You asked:")}{lines}</div>'


def answer_text(answer: Answer) -> str:
    """The answer for a terminal: the quotes, then where each stands; or the refusal."""
    understood = [f"(Understood as: {answer.standalone_question})"] if _resolved(answer) else []
    if answer.answered:
        quoted = [line for quote in answer.quotes for line in _quote_text(quote)]
        places = [citation for quote in answer.quotes for citation in quote.citations]
        return "\n".join([*understood, *quoted, *map(_unanswered, answer.unanswered), "", *_places(places)])
    related = [_excerpt(passage, answer, number) for number, passage in enumerate(answer.passages[:RELATED], 1)]
    lines = [*understood, "No passage answers this."]
    if related:
        lines.append("Related, not an answer:")
        lines += [f"  {_one_line(text)} [{citation.number}]" for text, citation in related]
        lines += ["", *_places([citation for _, citation in related])]
    return "\n".join(lines)


def place(citation: Citation) -> str:
    """Where a quote stands, in words: `handbook.pdf, page 3, Leave › Carry-over`, or `news.html (Ann Lee, 2026-03-02)`."""
    stated = ", ".join(filter(None, (citation.author, citation.date)))
    parts = [f"{citation.source} ({stated})" if stated else citation.source,
             f"page {citation.page}" if citation.page else "", " › ".join(citation.heading)]
    return ", ".join(part for part in parts if part)


def reference(citation: Citation, highlight: tuple[int, int] | None = None) -> str:
    """What a citation's link carries: `DOCUMENT.START.END.HASH`, and `~START-END` of the highlight where there is one."""
    marked = f"~{highlight[0]}-{highlight[1]}" if highlight else ""
    return f"{citation.document_id}.{citation.start}.{citation.end}.{citation.text_sha256[:12]}{marked}"


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 document`, `2 documents`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def sentence(text: str) -> str:
    """A message as a sentence: a capital first, a full stop last."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text[-1:] in '.!?' else '.'}"


def _card(kind: str, parts: Iterable[str]) -> str:
    return f'<div class="{f"answer {kind}".strip()}">{_said("Answer:")}{"".join(parts)}</div>'


def _said(words: str) -> str:
    """Who speaks, for those who do not see it."""
    return f'<span class="said">{words} </span>'


def _lead(answer: Answer) -> str:
    documents = {(citation.file_sha256, citation.text_sha256) for quote in answer.quotes for citation in quote.citations}
    return f"{counted(len(answer.quotes), 'verbatim passage')} from {counted(len(documents), 'document')}"


def _resolved(answer: Answer) -> bool:
    return answer.standalone_question.strip() != answer.question.strip()


def _understood(answer: Answer) -> str:
    return f'<p class="understood">Understood as: {escaped(answer.standalone_question)}</p>' if _resolved(answer) else ""


def _unanswered(part: str) -> str:
    """What is told of one of several questions in one that was left out."""
    return f"No passage answers: {part}"


def _quotes(quotes: Sequence[Quote]) -> list[str]:
    """A paragraph a quote; many of them under the name of the document they come from."""
    if len(quotes) < GROUP_FROM:
        return [_quote(quote) for quote in quotes]
    groups: dict[str, list[Quote]] = {}
    for quote in quotes:
        groups.setdefault(quote.citations[0].title, []).append(quote)
    return [part for title, group in groups.items()
            for part in (f'<p class="from">{escaped(title)}</p>', *(_quote(quote) for quote in group))]


def _quote(quote: Quote) -> str:
    """A paragraph, below the header of the table that it is from, and below the note that it differs from the first."""
    highlight = None if quote.highlight == (quote.start, quote.end) else quote.highlight
    links = [_link(citation, highlight if citation is quote.citations[0] else None) for citation in quote.citations]
    differs = f'<p class="differs">{_DIFFERS}:</p>' if quote.differs else ""
    header = f'<p class="quote header">{escaped(quote.header.text)}</p>' if quote.header else ""
    return f'{differs}{header}<p class="quote">{_glued(quote.text, quote.start, highlight, "".join(links))}</p>'


def _quote_text(quote: Quote) -> list[str]:
    """The same for a terminal, a line or more a paragraph."""
    differs = [f"({_DIFFERS}.)"] if quote.differs else []
    header = [f"“{_lines(quote.header.text)}”"] if quote.header else []
    return [*differs, *header, f"“{_lines(quote.text)}” {_numbers(quote.citations)}"]


def _link(citation: Citation, highlight: tuple[int, int] | None = None) -> str:
    return (f'<a class="cite" role="button" href="#c:{reference(citation, highlight)}" title="{_title(citation)}">'
            f"{citation.number}</a>")


def _title(citation: Citation) -> str:
    return escaped(place(citation)).replace("<br>", " ")


def _glued(text: str, start: int, highlight: tuple[int, int] | None, links: str) -> str:
    """The quote with its citation numbers bound to the last word, so that no number starts a line."""
    bare = text.rstrip()
    cut = max(bare.rfind(" "), bare.rfind("\n"), len(bare) - 24) + 1
    head, tail = bare[:cut], bare[cut:]
    return (f"{_marked(head, start, highlight)}"
            f'<span class="tail">{_marked(tail, start + cut, highlight)}{links}</span>')


def _marked(text: str, start: int, highlight: tuple[int, int] | None) -> str:
    """The text, which begins at `start`, with what of the highlight lies in it marked."""
    if highlight is None:
        return escaped(text)
    low, high = (min(max(edge - start, 0), len(text)) for edge in highlight)
    if low == high:
        return escaped(text)
    return f"{escaped(text[:low])}<mark>{escaped(text[low:high])}</mark>{escaped(text[high:])}"


def _refusal(answer: Answer, documents: int | None) -> str:
    where = f" in {counted(documents, 'document')}" if documents is not None else ""
    read = counted(len(answer.passages), "passage")
    parts = ['<p class="lead">No passage answers this</p>', _understood(answer),
             f"<p>Searched{where}; read the nearest {read}. Try other words, or add a document that says it.</p>"]
    if answer.passages:
        parts.append('<p class="related">Related, not an answer</p>')
    for number, passage in enumerate(answer.passages[:RELATED], 1):
        text, citation = _excerpt(passage, answer, number)
        parts.append(f'<p class="quote">{_glued(text, citation.start, None, _link(citation))}</p>')
    return _card("none done", parts)


def _excerpt(passage: Passage, answer: Answer, number: int) -> tuple[str, Citation]:
    """What the reader took for the likeliest answer in a passage, and where it stands.

    Where it marked nothing, the sentence that shares the most words with the question. A heading or the rule of a table is
    shown only where there is nothing else.
    """
    document = passage.document
    asked = set(terms(answer.standalone_question))
    sentences = [span for span in passage.chunk.sentences if _tells(document, *span)] or passage.chunk.sentences
    likeliest = passage.likeliest if passage.likeliest and _tells(document, *passage.likeliest) else None
    start, end = likeliest or max(sentences, key=lambda span: len(asked & set(terms(document.text[slice(*span)]))))
    citation = Citation.of(document, start, end, number)
    text = citation.text
    return (text if len(text) <= EXCERPT else f"{text[:EXCERPT].rstrip()}…"), citation


def _tells(document: Document, start: int, end: int) -> bool:
    """Whether a sentence says anything: not a heading above itself, not a question, not the rule of a table."""
    text = document.text[start:end]
    headings = {normalised(heading) for heading in (document.title, *document.section_at(start).heading)}
    return any(map(str.isalnum, text)) and quotable(text, headings)


def _lines(text: str) -> str:
    """The text with its line breaks where they carry meaning; set in, for no line of a quote may pass for one of ours."""
    return "\n ".join(_one_line(part) for part in _BREAK.split(text))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _numbers(citations: Sequence[Citation]) -> str:
    return "".join(f"[{citation.number}]" for citation in citations)


def _places(citations: Sequence[Citation]) -> list[str]:
    return [f"[{citation.number}] {place(citation)}" for citation in citations]
