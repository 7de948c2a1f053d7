"""Growing: from a span to what can stand alone, as stretches of its document.

Whole sentences first; then what they lean on: the sentence before a pronoun, what stands below a heading, the items of a list,
the header of a table.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from index.sentences import ITEM, blocks, sentences
from index.tables import GAP, header_of, is_row, trimmed
from index.types import Document, Offsets
from rag.types import Passage, Span

_REACH = 1500  # characters either side of a span in which that is sought which it leans on
_LONGEST = 900  # characters a quote may have with its list, its row or the sentence before it
_SHORT_ITEM = 20  # words: one is quoted whole, and with the line right above it; a longer one says enough by itself
_FRAGMENT = 4  # words: a sentence of fewer is a reply to the one before it
_SHORT_QUESTION = 5  # words: "Lost a receipt?"
_HEADLINE = 80  # characters: a bold line, or one in capitals, of no more is a heading

_HASHES = re.compile(r"#{1,6}\s")
_BOLD = re.compile(r"(\*\*|__)(?:(?!\1).)+\1:?")
_VERB = (r"(?:is|are|was|were|be|has|have|had|do|does|did|will|would|can|cannot|could|may|might|must|shall|should|appl(?:y|ies)"
         r"|also|only|often|usually|normally|always|never)")
_CLEAR = (r"(?:affect|allow|become|begin|belong|come|contain|depend|exclude|expire|give|go|happen|include|make|mean|need|refer"
          r"|remain|require|take)")  # no nouns of their own once they agree with "this" or "these"
# What a verb may be followed by, but no noun that "this" goes with, like sales in "this sales figure".
_OBJECT = (r"\s+(?:[£$€]?\d\w*|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|half|an?|the|no|all|any|every"
           r"|each|you|us|him|them|it|your|our|his|her|its|their|about|after|at|before|between|by|for|from|in|on|only|over|till|to"
           r"|under|until|up to|within|without)\b)")
_AGREES = r"(?!(?:lens|news|series|species)\b)(?-i:[a-z]+[b-hj-npqrtv-z]s|[a-z]{3,}(?<!e)ed)"
# "This is" points back and says not at what; "This fee" names what it is about.
_POINTS_BACK = re.compile(
    rf"\W*(?:(?:and|but|so|or|then|also|however|therefore|instead),?\s+)?(?!(?-i:IT)\b)(?:it|they|he|she|its|their|his|her|otherwise"
    rf"|if (?:so|not)|in (?:that|this) case|\w+ of them|the latter|(?:this|that|these|those)['’]s"
    rf"|(?:this|that|each|neither)[\s*_]+(?:{_VERB}|{_CLEAR}e?s|(?:cost|took|{_AGREES}){_OBJECT})"
    rf"|(?:these|those|both)[\s*_]+(?:{_VERB}|{_CLEAR}|(?:close|cost|end|last|open|run|start|stay|took){_OBJECT}))(?!\w)",
    re.IGNORECASE)
_REPLIES = re.compile(r"\W*(?:yes|no|agreed|approved|rejected|granted|refused|correct)[,.:;!–—]", re.IGNORECASE)
# "It is best to", never "it is open to": what may be said of a thing too ("easy to use", "important to us") points back.
_POINTS_NOWHERE = re.compile(
    r"\W*it (?:is|was|will be|would be|may be) (?:not |also |\w+ly )?(?:(?!one\b|\w+thing\b)\w+ that\b"
    r"|(?:advisable|allowed|best|better|common|customary|essential|forbidden|good|illegal|important|impossible|necessary|normal"
    r"|permitted|polite|possible|prohibited|recommended|sensible|unlawful|unnecessary|useful|usual|vital|wise)"
    r" to (?!(?:an?|the|all|any|every\w*|you|us|him|her|them|me|your|our|his|its|their|my)\b))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """What can be quoted for a span; `header` is the header row of the table it is from, where that stands further up."""

    span: Span
    start: int
    end: int
    header: Offsets | None = None

    @property
    def document(self) -> Document:
        """The document that it is cut from."""
        return self.span.passage.document

    @property
    def text(self) -> str:
        """The characters that would be quoted."""
        return self.document.text[self.start : self.end]

    @property
    def head(self) -> str:
        """The header row; empty where there is none."""
        return self.document.text[slice(*self.header)] if self.header else ""

    @property
    def highlight(self) -> Offsets:
        """The span without the white space around it."""
        return trimmed(self.document.text, self.span.start, self.span.end) or (self.span.start, self.span.end)


def pieces(span: Span, several: bool = False, listed: bool = False) -> list[Piece]:
    """What can be quoted for a span, the fullest first: the others serve where an earlier quote already has the context.

    `several`: the question asks for several things, so that an item of a list, or what it hangs on, may bring the whole of it;
    `listed`: it asks for a list, so that one which no colon announces may come, too.
    Of a list below a colon that is too long for a quote its first items come, as many as fit; the place shows the rest.
    """
    around = span.sentences
    if around is None:
        return []
    near = _near(span.passage, *around)
    start, end = around[0], _grown_end(near, *around)
    top = near.at(start)
    if near.is_row(top):
        whole = _whole_table(near, top) if listed else None
        return [*([Piece(span, *whole)] if whole else []), _under_header(span, near, top, start, end)]
    spans = [_whole_list(near, top, start, end, listed) if several else None]
    if near.is_heading(top):
        spans.append((near.blocks[top][0], end))
    elif near.is_item(top):
        start = near.blocks[top][0] if end - near.blocks[top][0] <= _LONGEST else start
        spans += [_with_intro(near, top, end), (start, end)]
    else:
        spans += [(_antecedent(near, start, end), end), (start, end)]
    return [Piece(span, *found) for found in dict.fromkeys(filter(None, spans))]


@dataclass(frozen=True, slots=True)
class _Near:
    """The blocks around a span: paragraphs, headings, items of lists, rows of tables."""

    passage: Passage
    blocks: list[Offsets]

    @property
    def text(self) -> str:
        return self.passage.document.body

    def at(self, offset: int) -> int:
        """The number of the block that holds the character at `offset`."""
        return max(0, bisect_right(self.blocks, offset, key=lambda block: block[0]) - 1)

    def is_row(self, number: int) -> bool:
        return is_row(self.text, *self.blocks[number])

    def is_item(self, number: int) -> bool:
        return ITEM.match(self.text, *self.blocks[number]) is not None

    def is_short_item(self, number: int) -> bool:
        return self.is_item(number) and len(self.text[slice(*self.blocks[number])].split()) <= _SHORT_ITEM

    def is_heading(self, number: int) -> bool:
        """A line with hashes, in bold or in capitals, or what its section begins with and is named by."""
        document, (start, end) = self.passage.document, self.blocks[number]
        section = document.section_at(start)
        opens = bool(section.heading) and not self.text[section.start : start].strip()
        named = opens and _letters(self.text[start:end]) == _letters(section.heading[-1])
        return named or _HASHES.match(self.text, start, end) is not None or self._is_headline(number)

    def _is_headline(self, number: int) -> bool:
        """A line below a gap in bold, or in capitals with few figures, that does not end as a sentence does."""
        start, end = self.blocks[number]
        if end - start > _HEADLINE or self.is_row(number) or self.is_item(number):
            return False
        line = self.text[start:end]
        in_code = any(low <= start < high for low, high in self.passage.document.code)
        joined = number > 0 and not self.apart(number)
        if in_code or joined or line.rstrip("*_:").endswith((".", "!", ",", ";")):
            return False
        capitals = line.isupper() and "\n" not in line and 2 * sum(map(str.isalpha, line)) > len(line)
        return capitals or _BOLD.fullmatch(line) is not None

    def says(self, number: int) -> bool:
        """Whether there is a word in it: a rule of dashes has none."""
        return re.search(r"\w", self.text[slice(*self.blocks[number])]) is not None

    def apart(self, number: int) -> bool:
        """Whether an empty line or the end of a page is between it and the block before it."""
        return GAP.search(self.text[self.blocks[number - 1][1] : self.blocks[number][0]]) is not None

    def indent(self, number: int) -> int:
        start = self.blocks[number][0]
        line = self.text.rfind("\n", 0, start) + 1
        return start - max(line, self.text.rfind("\f", line, start) + 1)


def _near(passage: Passage, start: int, end: int) -> _Near:
    text = passage.document.body
    low = text.rfind("\n", 0, max(0, start - _REACH)) + 1
    high = text.find("\n", end + _REACH)
    high = len(text) if high < 0 else high
    found = (trimmed(text, left, right) for left, right in blocks(text, low, high))
    return _Near(passage, [block for block in found if block])


def _grown_end(near: _Near, start: int, end: int) -> int:
    """Where a quote ends: with the items below a colon, with what stands below a heading, with its row or short item."""
    bottom = near.at(end - 1)
    block_end = near.blocks[bottom][1]
    deeper_than = near.indent(bottom) if near.is_item(bottom) else -1
    if near.text[block_end - 1] == ":" and end >= block_end and (listed := _items_end(near, bottom + 1, start, deeper_than)):
        return listed
    if near.is_heading(bottom):
        return _below(near, bottom)
    whole = block_end - start <= _LONGEST if near.is_row(bottom) else near.is_short_item(bottom)
    return max(end, block_end) if whole else end


def _below(near: _Near, heading: int) -> int:
    """The end of what stands first below a heading: a sentence with its list, an item, a table's first row; else its own."""
    document = near.passage.document
    path = document.section_at(near.blocks[heading][0]).heading
    for number in range(heading + 1, len(near.blocks)):
        start, block_end = near.blocks[number]
        if document.section_at(start).heading[: len(path)] != path or start - near.blocks[heading][0] > _LONGEST:
            break
        if near.is_row(number):
            return _first_row_end(near, number)
        if near.is_item(number):
            return block_end
        if near.says(number) and not near.is_heading(number):
            own = dict(near.passage.chunk.sentences)
            end = own.get(start) or sentences(near.text, start, block_end)[0][1]
            listed = end == block_end and near.text[end - 1] == ":"
            return (_items_end(near, number + 1, near.blocks[heading][0]) if listed else None) or end
    return near.blocks[heading][1]


def _items_end(near: _Near, first: int, start: int, deeper_than: int = -1) -> int | None:
    """The end of a list from block `first` on, as far as a quote that begins at `start` may go; None if there is no item.

    A list that is too long ends with the last of its items that fits.
    """
    end = None
    for number in range(first, len(near.blocks)):
        if not (near.is_item(number) and near.indent(number) > deeper_than and near.blocks[number][1] - start <= _LONGEST):
            break
        end = near.blocks[number][1]
    return end


def _with_intro(near: _Near, item: int, end: int) -> Offsets | None:
    """A short item with the line that its list hangs on, where it is the first."""
    intro = _intro(near, item)
    return (intro, end) if intro is not None and near.is_short_item(item) and end - intro <= _LONGEST else None


def _whole_list(near: _Near, number: int, start: int, end: int, plain: bool) -> Offsets | None:
    """The list that a block is in or right above, from what it hangs on, where `start` to `end` is in what may be quoted of it.

    That is a sentence with a colon; or, where `plain`, a heading or a one-sentence paragraph, if all items are short and fit.
    """
    first = number if near.is_item(number) else number + 1
    while first > 0 and near.is_item(first - 1) and _intro(near, first) is None:
        first -= 1
    if first == len(near.blocks) or not near.is_item(first):
        return None
    intro = _intro(near, first)
    top = _plain_intro(near, first) if intro is None and plain else intro
    last = _items_end(near, first, top, near.indent(first - 1) if near.is_item(first - 1) else -1) if top is not None else None
    if top is None or last is None or top > start or last < end:
        return None
    below = near.at(last - 1) + 1
    whole = below == len(near.blocks) or not near.is_item(below)
    return (top, last) if intro is not None or (whole and all(map(near.is_short_item, range(first, below)))) else None


def _plain_intro(near: _Near, item: int) -> int | None:
    """The start of a heading, or of the one sentence of a paragraph, above an item: an empty line between them at most."""
    if item == 0:
        return None
    (start, end), section_at = near.blocks[item - 1], near.passage.document.section_at
    between = near.text[end : near.blocks[item][0]]
    if "\f" in between or between.count("\n") > 2 or section_at(start) != section_at(near.blocks[item][0]):
        return None
    if near.is_heading(item - 1):
        return start
    alone = near.says(item - 1) and not near.is_row(item - 1) and len(sentences(near.text, start, end)) == 1
    return start if alone else None


def _intro(near: _Near, item: int) -> int | None:
    """The start of the sentence directly above an item that ends in a colon."""
    above = item - 1
    if above < 0 or near.is_row(above) or (near.is_item(above) and near.indent(above) >= near.indent(item)):
        return None
    before = sentence_before(near.passage, near.blocks[item][0])
    return before[0] if before and near.text[before[1] - 1] == ":" else None


def _antecedent(near: _Near, start: int, end: int) -> int:
    """The start of what a pronoun, a reply or a fragment points back to, at most two sentences before; else `start`.

    A question of a few words right before a sentence stands for a heading; any other is brought only by what leans on it.
    """
    for _ in range(2):
        before, leaning = sentence_before(near.passage, start), leans(near.text[start:end])
        if before is None or end - before[0] > _LONGEST:
            break
        asks = near.text[before[1] - 1] == "?"
        block = near.at(before[0])
        if asks and leaning and near.is_heading(block) and "\f" not in near.text[before[1] : start]:
            return near.blocks[block][0]
        short = asks and len(near.text[slice(*before)].split()) <= _SHORT_QUESTION
        if not (leaning or short) or GAP.search(near.text[before[1] : start]):
            break
        if any(before[1] <= edge <= start for span in near.passage.document.code for edge in span):
            break  # code, or a piece of a line that stands for itself
        if near.is_heading(block) or near.is_row(block) or near.is_item(block):
            break
        start = before[0]
        if asks:
            break
    return start


def leans(text: str) -> bool:
    """Whether sentences cannot be understood without the one before: a pronoun or a reply leads, or they are few words."""
    if _REPLIES.match(text):
        return True
    if _POINTS_BACK.match(text):
        return not _POINTS_NOWHERE.match(text)
    return len(text.split()) < _FRAGMENT and text.endswith((".", "!", "?")) and ":" not in text


def sentence_before(passage: Passage, at: int) -> Offsets | None:
    """The last sentence before `at` in the same section, of the chunk or of the document."""
    text, section = passage.document.body, passage.document.section_at(at)
    own = [sentence for sentence in passage.chunk.sentences if sentence[1] <= at]
    low = max(section.start, text.rfind("\n", 0, max(0, at - _REACH)) + 1)
    found = own or sentences(text, low, at)
    if not own and len(found) == 1 and low > section.start:
        return None  # it may have begun before `low`
    return found[-1] if found and found[-1][0] >= section.start else None


def _under_header(span: Span, near: _Near, row: int, start: int, end: int) -> Piece:
    """Rows of a table with its header: in one stretch where it stands right above, else as a piece of its own."""
    row_start, row_end = near.blocks[row]
    if row_end - start <= _LONGEST:
        start = row_start
    header = header_of(near.text, row_start)
    if header is None:
        return Piece(span, start, end)
    if header[0] == row_start or not near.says(row):  # the header itself, or the rule below it: nothing without a row
        end = max(end, _first_row_end(near, row))
    if header[0] == row_start:
        return Piece(span, start, end)
    if start == row_start and not re.search(r"\w", near.text[header[1] : start]):
        return Piece(span, header[0], end)
    return Piece(span, start, end, header)


def _whole_table(near: _Near, row: int) -> Offsets | None:
    """The rows that a row stands among, if a quote may have so many characters."""
    first = last = row
    while first > 0 and near.is_row(first - 1) and not near.apart(first):
        first -= 1
    while last + 1 < len(near.blocks) and near.is_row(last + 1) and not near.apart(last + 1):
        last += 1
    start, end = near.blocks[first][0], near.blocks[last][1]
    return (start, end) if end - start <= _LONGEST else None


def _first_row_end(near: _Near, header: int) -> int:
    """The end of the first row below a table's first line; of that line itself where there is no other."""
    for number in range(header + 1, len(near.blocks)):
        if not near.is_row(number) or near.apart(number):
            break
        if near.says(number):
            return near.blocks[number][1]
    return near.blocks[header][1]


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()
