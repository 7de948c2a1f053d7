"""Spans become quotes: whole sentences with what they lean on, verbatim, each told once with every place it stands in."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from itertools import combinations

import docx
import fakes
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.chunks import Chunking, split
from index.formats import docx as word
from index.formats import html, markdown
from index.formats import text as plain
from index.sentences import sentences
from index.types import Chunk, Document, Section, document_id, sha256_text
from rag.compose import adds, asks_several, compose, fingerprint
from rag.differ import differ
from rag.grow import Piece, leans, pieces
from rag.reader.view import view
from rag.types import Passage, Quote, Span

MakePassage = Callable[..., Passage]
MakeSpan = Callable[..., Span]

FORMATS = {"md": markdown.FORMAT, "txt": plain.FORMAT, "html": html.FORMAT, "docx": word.FORMAT}
WHERE = "Where does it leave?"  # a question that asks neither for several things nor for a value

FERRY = "The ferry leaves at nine. It returns at noon. A ticket costs four euro."


def read(data: str | bytes, source: str) -> Document:
    """A file's content as the index reads it."""
    content = data.encode() if isinstance(data, str) else data
    [extract] = FORMATS[source.rpartition(".")[2]].read(content, source)
    return fakes.document(extract.text, source, extract.title, extract.sections)


def passages(document: Document, size: int = 200, overlap: int = 0) -> list[Passage]:
    """A document in true chunks; a token of the encoder is a word."""
    chunks = split(document, Chunking(size, overlap), 254, lambda texts: [len(text.split()) for text in texts])
    return [Passage(chunk, document, 0.0) for chunk in chunks]


def mark(document: Document, words: str, score: float = 0.0, size: int = 200) -> Span:
    """The span with these words, in the first chunk that holds them."""
    for passage in passages(document, size):
        at = document.text.find(words, passage.chunk.start, passage.chunk.end)
        if at >= 0:
            return Span(passage, at, at + len(words), score)
    raise AssertionError(f"no chunk holds {words!r}")


def quoted(document: Document, words: str, question: str = WHERE, size: int = 200) -> Quote:
    [quote] = compose(question, [mark(document, words, size=size)], 3)
    return quote


def texts(quotes: Sequence[Quote]) -> list[str]:
    return [quote.text for quote in quotes]


# Sentences


def test_a_span_grows_to_its_whole_sentence(passage: MakePassage, span: MakeSpan) -> None:
    [quote] = compose(WHERE, [span(passage(FERRY), "four")], 3)
    assert quote.text == "A ticket costs four euro."
    assert (quote.start, quote.end) == (46, 71)
    assert FERRY[slice(*quote.highlight)] == "four"


def test_a_span_across_sentences_grows_to_all_of_them(passage: MakePassage, span: MakeSpan) -> None:
    [quote] = compose(WHERE, [span(passage(FERRY), "nine. It returns")], 3)
    assert quote.text == "The ferry leaves at nine. It returns at noon."


def test_a_span_that_is_a_sentence_stays_as_it_is(passage: MakePassage, span: MakeSpan) -> None:
    marked = span(passage(FERRY), "A ticket costs four euro.")
    assert marked.sentences == (marked.start, marked.end)


def test_white_space_around_a_span_is_not_quoted(passage: MakePassage, span: MakeSpan) -> None:
    [quote] = compose(WHERE, [span(passage(FERRY), " A ticket costs four euro")], 3)
    assert quote.text == "A ticket costs four euro."
    assert FERRY[slice(*quote.highlight)] == "A ticket costs four euro"


def test_a_span_of_white_space_is_no_quote(passage: MakePassage, span: MakeSpan) -> None:
    whole = passage(FERRY)
    assert compose(WHERE, [Span(whole, 25, 26, 0.0)], 3) == ()
    assert texts(compose(WHERE, [Span(whole, 25, 26, 9.0), span(whole, "four", 0.0)], 3)) == ["A ticket costs four euro."]


# What a sentence leans on


@pytest.mark.parametrize("sentence", [
    "It returns at noon.", "They must be paid within ten days of the day on which the invoice was sent.", "But he may.",
    "Their price is four euro.", "This is not refunded in any case.", "That's four euro for everybody.",
    "“She never paid”, said the clerk of the office.", "However, they are paid in advance by the traveller.",
    "If so, the office pays for all of the journey.", "**These** must be kept.", "Four euro.", "Not before June."])
def test_sentences_that_lean_on_the_one_before(sentence: str) -> None:
    assert leans(sentence)


@pytest.mark.parametrize("sentence", [
    "A ticket costs four euro.", "This fee is never refunded.", "That ticket is valid on Monday.", "IT staff are paid monthly.",
    "It is forbidden to smoke on deck.", "It was agreed that dogs pay.", "Item four is paid.", "Ferry: four euro.",
    "Sheep 6,340", "Those who pay late lose the discount."])
def test_sentences_that_stand_alone(sentence: str) -> None:
    assert not leans(sentence)


def test_a_pronoun_brings_the_sentence_before_and_the_highlight_stays(passage: MakePassage, span: MakeSpan) -> None:
    [quote] = compose(WHERE, [span(passage(FERRY), "noon")], 3)
    assert quote.text == "The ferry leaves at nine. It returns at noon."
    assert FERRY[slice(*quote.highlight)] == "noon"


def test_the_sentence_before_may_stand_in_the_chunk_before() -> None:
    prose = "".join(f"Island number {n} has a harbour of its own, with a long pier and a bright lamp. " for n in range(9))
    last = "It is lit from dusk to dawn, but never on a Sunday or on a day of storm."
    marked = mark(read(f"# Islands\n\n{prose}{last}\n", "islands.md"), "from dusk to dawn", size=20)
    assert marked.passage.text == last
    [quote] = compose(WHERE, [marked], 3)
    assert quote.text == f"Island number 8 has a harbour of its own, with a long pier and a bright lamp. {last}"


def test_a_pronoun_after_a_pronoun_goes_two_sentences_back_at_most(passage: MakePassage, span: MakeSpan) -> None:
    whole = passage("Solan is new. She is fast. She is quiet. She has bunks for six.")
    assert [one.text for one in pieces(span(whole, "six"))] == [
        "She is fast. She is quiet. She has bunks for six.", "She has bunks for six."]


@pytest.mark.parametrize("before", [
    "# Solan\n", "Solan is new.\n\n", "Name | Age\nSolan | new\n", "Solan is new.\f", "Solan is new.\r\n \r\n"])
def test_nothing_is_brought_from_beyond_the_paragraph(passage: MakePassage, span: MakeSpan, before: str) -> None:
    [quote] = compose(WHERE, [span(passage(f"{before}She has bunks for six."), "six")], 3)
    assert quote.text == "She has bunks for six."


def test_nothing_is_brought_from_another_section(passage: MakePassage, span: MakeSpan) -> None:
    sections = [Section(0, 14, ("New",)), Section(14, 36, ("Old",))]
    [quote] = compose(WHERE, [span(passage("Solan is new. She has bunks for six.", sections=sections), "six")], 3)
    assert quote.text == "She has bunks for six."


def test_what_is_quoted_already_is_not_brought_again(passage: MakePassage, span: MakeSpan) -> None:
    whole = passage(FERRY)
    quotes = compose(WHERE, [span(whole, "nine", 2.0), span(whole, "noon", 1.9)], 3)
    assert texts(quotes) == ["The ferry leaves at nine.", "It returns at noon."]


def test_a_very_long_sentence_is_not_brought(passage: MakePassage, span: MakeSpan) -> None:
    long = f"Solan {'and another one ' * 60}sail."
    [quote] = compose(WHERE, [span(passage(f"{long} She has bunks for six."), "six")], 3)
    assert quote.text == "She has bunks for six."


# Headings

HANDBOOK = """# Handbook

## Leave from May 2026

Staff have 25 days. Nobody has more.

## Deadlines

### June 2026

Claims end.

## Meals

| Meal | Limit |
|---|---|
| Lunch | £12 |
| Dinner | £26 |

## To bring:

- a torch
- a map

## Closed until 2030
"""


@pytest.mark.parametrize(("words", "expected"), [
    ("May 2026", "## Leave from May 2026\n\nStaff have 25 days."),
    ("## Leave from May 2026", "## Leave from May 2026\n\nStaff have 25 days."),
    ("Deadlines", "## Deadlines\n\n### June 2026\n\nClaims end."),
    ("June 2026", "### June 2026\n\nClaims end."),
    ("Meals", "## Meals\n\n| Meal | Limit |\n|---|---|\n| Lunch | £12 |"),
    ("To bring", "## To bring:\n\n- a torch\n- a map"),
    ("2030", "## Closed until 2030"),  # it heads nothing: there is no more to say
])
def test_a_heading_brings_what_it_stands_above(words: str, expected: str) -> None:
    assert quoted(read(HANDBOOK, "handbook.md"), words).text == expected


def test_headings_are_known_by_their_sections_too() -> None:
    page = "<html><body><h1>House</h1><p>All of it.</p><h2>Open until 2030</h2><p>Bring a torch. Bring a map.</p></body></html>"
    assert quoted(read(page, "house.html"), "2030").text == "Open until 2030\n\nBring a torch."
    setext = read("Open until 2030\n===============\n\nBring a torch. Bring a map.\n", "house.md")
    assert quoted(setext, "2030").text == "Open until 2030\n===============\n\nBring a torch."


def test_the_sentence_below_a_heading_may_stand_in_the_next_chunk() -> None:
    document = read("# Open until 2030\n\nBring a torch, a map, a coat and a friend. Bring a hat.\n", "house.md")
    first = Chunk("c", document.id, 0, 17, ((0, 17),), 5)
    [quote] = compose(WHERE, [Span(Passage(first, document, 0.0), 13, 17, 0.0)], 3)
    assert quote.text == "# Open until 2030\n\nBring a torch, a map, a coat and a friend."


def test_a_heading_whose_sentence_is_quoted_already_is_not_quoted() -> None:
    document = read(HANDBOOK, "handbook.md")
    quotes = compose(WHERE, [mark(document, "25 days", 2.0), mark(document, "May 2026", 1.9)], 3)
    assert texts(quotes) == ["Staff have 25 days."]


# Lists

COVER = """# Cover

Some say all is covered. The following are covered:

- fire
- theft. It must be told to the police within two days.
- storms that last for longer than the three days for which the harbour master of Pellin has given out a
  warning, and floods

Nothing else is.
"""


@pytest.mark.parametrize(("words", "expected"), [
    ("following are covered", COVER[COVER.index("The following") : COVER.index("\n\nNothing")]),  # the intro brings its items
    ("fire", "The following are covered:\n\n- fire"),  # the first item is short, its intro right above
    ("theft", "- theft. It must be told to the police within two days."),
    ("two days", "- theft. It must be told to the police within two days."),
    ("three days", "- storms that last for longer than the three days for which the harbour master of Pellin has given out a\n"
                   "  warning, and floods"),
])
def test_items_of_a_list(words: str, expected: str) -> None:
    assert quoted(read(COVER, "cover.md"), words).text == expected


def test_who_asks_for_several_things_gets_the_list_of_an_item() -> None:
    document = read(COVER, "cover.md")
    whole = quoted(document, "following are covered").text
    assert quoted(document, "theft", "What risks are covered?").text == whole
    spans = [mark(document, words, 1.0) for words in ("theft", "fire", "floods", "following")]
    assert texts(compose("What risks are covered?", spans, 3)) == [whole]


def test_lists_of_a_web_page_and_of_word() -> None:
    page = ("<html><body><h1>Kit</h1><p>Everybody who sails with us needs the following:</p>"
            "<ul><li>a torch</li><li>a map</li></ul><p>The rest is ours.</p></body></html>")
    made = docx.Document()
    made.add_paragraph("Everybody who sails with us needs the following:")
    made.add_paragraph("a torch", style="List Bullet")
    made.add_paragraph("a map", style="List Bullet")
    stream = io.BytesIO()
    made.save(stream)
    for document in (read(page, "kit.html"), read(stream.getvalue(), "kit.docx")):
        assert quoted(document, "sails").text == "Everybody who sails with us needs the following:\n\n- a torch\n- a map"
        assert quoted(document, "map").text == "- a map"


def test_a_long_list_is_quoted_as_far_as_whole_items_fit(passage: MakePassage, span: MakeSpan) -> None:
    many = "Needed are:\n" + "".join(f"- thing {n}\n" for n in range(1, 12))
    [quote] = compose(WHERE, [span(passage(many), "Needed")], 3)
    assert quote.text == many.rstrip()
    wordy = "Needed are:\n" + "".join(f"- thing {n} {'and more ' * 40}\n" for n in range(1, 5))
    [quote] = compose(WHERE, [span(passage(wordy), "Needed")], 3)
    assert quote.text == wordy[: wordy.index("\n- thing 3")].rstrip()


def test_an_item_beyond_what_fits_is_quoted_alone_however_many_are_asked_for(passage: MakePassage, span: MakeSpan) -> None:
    many = "Needed are:\n" + "".join(f"- thing {n}\n" for n in range(1, 112))
    [quote] = compose("What things are needed?", [span(passage(many), "thing 111")], 3)
    assert quote.text == "- thing 111"


def test_an_item_that_is_an_intro_brings_the_items_below_it_only(passage: MakePassage, span: MakeSpan) -> None:
    nested = passage("- Bring to the boat:\n  - a torch\n  - a map\n- Leave at home what you do not need:\n  - radios\n")
    [quote] = compose(WHERE, [span(nested, "Bring")], 3)
    assert quote.text == "- Bring to the boat:\n  - a torch\n  - a map"


def test_a_long_item_is_quoted_up_to_the_sentence_of_the_span(passage: MakePassage, span: MakeSpan) -> None:
    item = ("- Blue day: a day on which the forecast puts at least one vessel near its wind limit. It is called before five."
            " The slate in the crew room says so.")
    [quote] = compose(WHERE, [span(passage(f"{item}\n- Duty master: the captain on call."), "forecast")], 3)
    assert quote.text == item[: item.index(" It is")]
    [quote] = compose(WHERE, [span(passage(item), "before five")], 3)
    assert quote.text == item[: item.index(" The slate")]


# Tables

FARES = """# Fares

From May these apply.

| Route | Adult | Valid |
|:--|--:|---|
| Marrick | £9.40 | All year. Not on Sundays. |
| Quill | £29.00 | May to August |

Dogs travel free.
"""
HEAD = "| Route | Adult | Valid |"


def test_the_first_row_of_a_table_is_quoted_together_with_its_header() -> None:
    quote = quoted(read(FARES, "fares.md"), "£9.40")
    assert quote.text == f"{HEAD}\n|:--|--:|---|\n| Marrick | £9.40 | All year. Not on Sundays. |"
    assert quote.header is None


def test_a_row_further_down_has_its_header_as_a_second_piece() -> None:
    document = read(FARES, "fares.md")
    quote = quoted(document, "£29.00")
    assert quote.text == "| Quill | £29.00 | May to August |"
    assert quote.header
    assert quote.header.text == HEAD == document.text[quote.header.start : quote.header.end]
    assert quote.json()["header"] == {"text": HEAD, "start": quote.header.start, "end": quote.header.end}


def test_rows_with_bars_between_cells_alone_are_quoted_with_their_header() -> None:
    rows = [f"Port {n}|{n}.50|the fee is due at the gate before noon and all the children pay half" for n in range(60)]
    document = read("Port|Fee|Note\n---|---|---\n" + "\n".join(rows) + "\n", "fees.md")
    assert quoted(document, "0.50").text == f"Port|Fee|Note\n---|---|---\n{rows[0]}"
    quote = quoted(document, "57.50", size=60)
    assert (quote.text, quote.header and quote.header.text) == (rows[57], "Port|Fee|Note")


@pytest.mark.parametrize("words", ["All year.", "Not on Sundays."])
def test_a_row_is_whole_where_its_cells_hold_sentences(words: str) -> None:
    assert quoted(read(FARES, "fares.md"), words).text.endswith("\n| Marrick | £9.40 | All year. Not on Sundays. |")


@pytest.mark.parametrize("words", ["Adult", "| Route | Adult | Valid |", ":--"])
def test_a_header_is_not_quoted_without_a_row(words: str) -> None:
    assert quoted(read(FARES, "fares.md"), words).text.endswith("All year. Not on Sundays. |")


def test_several_rows_are_quoted_together() -> None:
    document = read(FARES, "fares.md")
    quote = quoted(document, "29.00 | May")
    start, end = document.text.index("£9.40"), document.text.index("£29.00") + 6
    [both] = compose(WHERE, [Span(mark(document, "£9.40").passage, start, end, 0.0)], 3)
    assert both.text.splitlines()[0] == HEAD
    assert both.text.splitlines()[-1] == quote.text


def tables() -> list[Document]:
    rows = [["Office", "Summer", "Winter"], ["Pellin", "07:30", "08:00"], ["Marrick", "07:45", "08:15"]]
    cells = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    made = docx.Document()
    made.add_paragraph("The offices open early.")
    table = made.add_table(len(rows), 3)
    for row, words in zip(table.rows, rows, strict=True):
        for cell, content in zip(row.cells, words, strict=True):
            cell.text = content
    stream = io.BytesIO()
    made.save(stream)
    page = f"<html><body><h1>Offices</h1><p>The offices open early.</p><table>{cells}</table></body></html>"
    return [read(page, "offices.html"), read(stream.getvalue(), "offices.docx")]


@pytest.mark.parametrize("document", tables(), ids=["html", "docx"])
def test_tables_of_a_web_page_and_of_word(document: Document) -> None:
    assert quoted(document, "07:30").text == "Office | Summer | Winter\nPellin | 07:30 | 08:00"
    further = quoted(document, "08:15")
    assert (further.header and further.header.text, further.text) == ("Office | Summer | Winter", "Marrick | 07:45 | 08:15")


def test_a_row_brings_all_the_rows_of_a_header_that_has_several() -> None:
    ports = "".join(f"<tr><td>Port {chr(n)} of the island<td>{n}<td>{n + 235}" for n in range(ord("A"), ord("Z") + 1))
    head = "<thead><tr><th><th colspan=2>2024<tr><th>Port<th>Q1<th>Q2"
    document = read(f"<html><body><h1>Boats</h1><table>{head}<tbody>{ports}</table></body></html>", "boats.html")
    span = mark(document, "325", size=60)
    quote = quoted(document, "325", size=60)
    header = span.passage.chunk.header
    assert header
    assert quote.header
    assert document.text[slice(*header)] == quote.header.text == "Port | 2024 Q1 | 2024 Q2"
    assert quote.text == "Port Z of the island | 90 | 325" == document.text[quote.start : quote.end]
    assert "Port Z of the island, 2024 Q1: 90, 2024 Q2: 325\n" in view(span.passage).text


def test_a_first_line_with_figures_in_it_is_a_row_and_one_with_years_a_header(passage: MakePassage, span: MakeSpan) -> None:
    [quote] = compose(WHERE, [span(passage("Phone | 0555 014\nMail | ask@solan.example"), "ask")], 3)
    assert (quote.text, quote.header) == ("Mail | ask@solan.example", None)
    [quote] = compose(WHERE, [span(passage("Figure | 2024 | 2025\nSheep | 6,340 | 5,982"), "5,982")], 3)
    assert quote.text == "Figure | 2024 | 2025\nSheep | 6,340 | 5,982"


def test_a_line_with_bars_that_is_no_table_is_quoted_alone(passage: MakePassage, span: MakeSpan) -> None:
    [quote] = compose(WHERE, [span(passage("Home | About | Contact\n\nThe ferry leaves at nine."), "About")], 3)
    assert (quote.text, quote.header) == ("Home | About | Contact", None)


def test_the_header_is_found_above_a_chunk_that_begins_in_mid_table() -> None:
    rows = "".join(f"| Route {n} | £{n}.50 |\n" for n in range(1, 60))
    document = read(f"# Fares\n\nTable 1: all fares\n| Route | Adult |\n|---|---|\n{rows}", "fares.md")
    quote = quoted(document, "£57.50", size=60)
    assert (quote.header and quote.header.text, quote.text) == ("| Route | Adult |", "| Route 57 | £57.50 |")


def test_the_same_row_under_another_header_is_another_quote() -> None:
    rows = "|---|---|\n| Pellin | £1 |\n| Marrick | £9 |\n"
    adult, child, copy = (read(f"# {name}\n\n| Route | {name} |\n{rows}", f"{name}{n}.md")
                          for n, name in enumerate(("Adult", "Child", "Adult")))
    quotes = compose("What do adults and a child pay?",
                     [mark(document, "Marrick | £9", 3.0 - n) for n, document in enumerate((adult, child, copy))], 3)
    assert [[citation.source for citation in quote.citations] for quote in quotes] == [
        ["Adult0.md", "Adult2.md"], ["Child1.md"]]


# Copies


@pytest.mark.parametrize(("one", "other"), [
    ("A ticket costs four euro.", "A TICKET COSTS\nfour  euro"),
    ("The ticket costs four euro.", "A ticket costs four euro."),
    ("2. Staff have 25 days each year.", "• Staff have 25 days per year."),
    ("Staff's leave – 25 days – is paid", "Staff’s leave (25 days) is paid."),
    ("The **fee** is £1,250.50", "The fee is £1,250.50."),
    ("Leave is to be re-\nturned.", "Leave is to be returned."),
    ("The of\ufb01ce", "The office"), ("Caf\u00e9", "Cafe\u0301"),
    ("| Marrick | £9 |", "Marrick | £9"),
    ("VISITORS MUST WEAR A BADGE AT ALL TIMES.", "Visitors must wear a badge at all times."),
    ("Open 9–17, seats 20", "Open 9-17, seats 20."), ("It is –5 °C.", "It is −5 °C."), ("It is 6″ deep.", 'It is 6" deep.'),
    ("It makes 5 MW.", "IT MAKES 5 MW."), ("Open at 9 AM on 3 May.", "open at 9 am on 3 MAY"),
])
def test_what_passes_for_a_copy(one: str, other: str) -> None:
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(("one", "other"), [
    ("Staff have 25 days of annual leave in every calendar year.",
     "Staff have 26 days of annual leave in every calendar year."),
    ("The fee is 1.5 euro.", "The fee is 15 euro."), ("The fee is 1,500.", "The fee is 1.500."),
    ("The fee is 5 euro.", "The fee is five euro."), ("It is -5 degrees.", "It is 5 degrees."),
    ("The fee is €5.", "The fee is $5."), ("It rose by 5%.", "It rose by 5."), ("More than >5", "More than <5"),
    ("Dogs are allowed on deck at all times.", "Dogs are not allowed on deck at all times."),
    ("Pay before the first of June.", "Pay after the first of June."), ("Bring a map and a coat.", "Bring a map or a coat."),
    ("The Leeds office opens at nine.", "The York office opens at nine."), ("Take vitamin A daily.", "Take vitamin daily."),
    ("It is –5 °C.", "It is 5 °C."), ("No, booking is required.", "No booking is required."),
    ("No. Dogs may enter.", "No dogs may enter."), ("It runs every three weeks.", "It runs three weeks."),
    ("The chairs cost 20 euro each.", "The chairs cost 20 euro."), ("All five are open.", "Five are open."),
    ("The dose is 1/2 ml.", "The dose is 1-2 ml."), ("It is 6' deep.", 'It is 6" deep.'), ("Ages 2–3", "Ages 2 3"),
    ("It makes 5 MW.", "It makes 5 mW."), ("It holds 5Mb.", "It holds 5MB."), ("Ask your branch.", "Ask our branch."),
    ("कि", "की"), ("船は九時に出ます", "船は十時に出ます"), ("🚢", "…"),
])
def test_what_does_not_pass_for_a_copy(one: str, other: str) -> None:
    assert fingerprint(one) != fingerprint(other)


def test_the_same_sentence_in_two_documents_is_one_quote_with_two_citations(passage: MakePassage, span: MakeSpan) -> None:
    first, second = passage(FERRY, "ferry.txt"), passage("Mind: smoke!\n\nThe ticket costs four euro", "fares.txt")
    [quote] = compose(WHERE, [span(first, "four", 2.0), span(second, "four euro", 2.0)], 3)
    assert [(c.number, c.source, c.start, c.end, c.text) for c in quote.citations] == [
        (1, "fares.txt", 14, 40, "The ticket costs four euro"), (2, "ferry.txt", 46, 71, "A ticket costs four euro.")]
    assert (quote.text, quote.start, quote.end) == ("The ticket costs four euro", 14, 40)


def test_a_changed_number_is_never_a_copy(passage: MakePassage, span: MakeSpan) -> None:
    old, new = passage("A ticket costs four euro.", "old.txt"), passage("A ticket costs five euro.", "new.txt")
    quotes = compose("What does a ticket cost?", [span(old, "four", 2.0), span(new, "five", 1.9)], 3)
    assert [[citation.source for citation in quote.citations] for quote in quotes] == [["old.txt"], ["new.txt"]]


def test_further_citations_come_however_weak_and_however_many(passage: MakePassage, span: MakeSpan) -> None:
    copies = [passage("A ticket costs four euro.", f"{name}.txt") for name in "abcde"]
    spans = [span(copy, "four", 5.0 - 3 * number) for number, copy in enumerate(copies)]
    [quote] = compose(WHERE, spans, 1)
    assert [c.number for c in quote.citations] == [1, 2, 3, 4, 5]


def test_citations_are_numbered_through_the_answer_in_reading_order(passage: MakePassage, span: MakeSpan) -> None:
    first, second = passage(FERRY, "a.txt"), passage("A ticket costs four euro. All dogs travel free.", "b.txt")
    quotes = compose(WHERE, [span(first, "four", 2.0), span(second, "dogs", 1.9), span(second, "four", 1.8),
                             span(first, "nine", 1.7)], 3)
    assert [[(c.number, c.source) for c in quote.citations] for quote in quotes] == [
        [(1, "a.txt"), (2, "b.txt")], [(3, "b.txt")], [(4, "a.txt")]]


def test_two_spans_in_one_sentence_are_one_quote_with_one_citation(passage: MakePassage, span: MakeSpan) -> None:
    leave = passage("Dogs travel free on every ferry. Cats pay.")
    [quote] = compose(WHERE, [span(leave, "Dogs", 3.0), span(leave, "every ferry", 2.9)], 3)
    assert quote.text == "Dogs travel free on every ferry."
    assert [(citation.number, citation.start, citation.end) for citation in quote.citations] == [(1, 0, 32)]


def test_a_citation_says_where_its_sentence_stands(passage: MakePassage, span: MakeSpan) -> None:
    sections = [Section(0, 46, ("Timetable",), 1), Section(46, len(FERRY), ("Timetable", "Fares"), 2)]
    whole = passage(FERRY, "docs/ferry.pdf", "Ferry", sections)
    [quote] = compose(WHERE, [span(whole, "four", 1.5)], 3)
    [citation] = quote.citations
    assert (citation.document_id, citation.source, citation.title) == (document_id("docs/ferry.pdf"), "docs/ferry.pdf", "Ferry")
    assert (citation.page, citation.heading) == (2, ("Timetable", "Fares"))
    assert citation.text_sha256 == sha256_text(FERRY)
    assert quote.score == 1.5


# Which quotes, and in which order


def test_the_likeliest_quote_comes_first_and_equals_in_reading_order(passage: MakePassage, span: MakeSpan) -> None:
    whole = passage(FERRY)
    spans = [span(whole, "four", 1.0), span(whole, "returns", 1.0), span(whole, "nine", 1.2)]
    expected = ["The ferry leaves at nine.", "It returns at noon.", "A ticket costs four euro."]
    assert texts(compose(WHERE, spans, 3)) == expected == texts(compose(WHERE, spans[::-1], 3))


def test_there_are_no_more_quotes_than_the_limit(passage: MakePassage, span: MakeSpan) -> None:
    whole = passage(FERRY)
    spans = [span(whole, word, 1.0) for word in ("nine", "noon", "euro")]
    assert [len(compose(WHERE, spans, limit)) for limit in (1, 2, 3, 4)] == [1, 2, 3, 3]
    assert compose(WHERE, spans, 1)[0].text == "The ferry leaves at nine."


def test_a_further_quote_is_at_least_three_quarters_as_likely_as_the_first(passage: MakePassage, span: MakeSpan) -> None:
    whole = passage(FERRY)
    least = math.log(3 / 5)  # odds of three to five: three eighths, where the first is a half
    assert len(compose(WHERE, [span(whole, "nine", 0.0), span(whole, "four", least + 0.001)], 3)) == 2
    assert len(compose(WHERE, [span(whole, "nine", 0.0), span(whole, "four", least - 0.001)], 3)) == 1


def test_where_several_things_are_asked_for_half_as_likely_is_enough(passage: MakePassage, span: MakeSpan) -> None:
    whole = passage(FERRY)
    half = math.log(1 / 3)  # a quarter, where the first is a half
    question = "When does it leave, and what does it cost?"
    assert len(compose(question, [span(whole, "nine", 0.0), span(whole, "four", half + 0.001)], 3)) == 2
    assert len(compose(question, [span(whole, "nine", 0.0), span(whole, "four", half - 0.001)], 3)) == 1


def test_where_another_value_stands_half_as_likely_is_enough(passage: MakePassage, span: MakeSpan) -> None:
    handbook, memo = passage("Staff have 25 days of leave.", "a.txt"), passage("Staff have 26 days of leave.", "b.txt")
    half = math.log(1 / 3)
    for score, expected in ((half + 0.001, [False, True]), (half - 0.001, [False])):
        quotes = compose("How many days of leave do staff have?", [span(handbook, "25", 0.0), span(memo, "26", score)], 3)
        assert [quote.differs for quote in quotes] == expected


@pytest.mark.parametrize("question", [
    "Which islands are served?", "what are the opening hours", "Who were the founders?", "When were Pellin and Quill linked?",
    "List the vessels.", "Name all of the islands", "What do a dog and a cat cost?", "Do both ships have a lift?",
    "How far is it between Pellin and Quill?", "When were the ferries built?", "Which documents must be enclosed?",
    "What must everyone bring?", "What do I need to bring?", "What do I need?", "What fees do dogs pay?",
    "How much does a dog and a cat cost?", "When was it built and sold?"])
def test_questions_that_ask_for_several_things(question: str) -> None:
    assert asks_several(question)


@pytest.mark.parametrize("question", [
    "When does the ferry leave?", "And for children?", "Who is the master of Solan?", "How much is a ticket?",
    "What does Anderson Land cost?", "When are the works finished?", "Which vessel is the fastest?",
    "How much does bed and breakfast cost?", "What do I need to pay?", "What does it cost to bring a dog?",
    "Which class must I take?"])
def test_questions_that_ask_for_one(question: str) -> None:
    assert not asks_several(question)


def test_a_quote_whose_answer_was_given_before_adds_nothing(passage: MakePassage, span: MakeSpan) -> None:
    first = passage("Annual leave is 25 days a year.", "a.txt")
    second = passage("From May on all of the crew take 25 days off, and nobody takes more.", "b.txt")
    question = "How many days of leave do staff have?"
    [quote] = compose(question, [span(first, "25 days", 2.0), span(second, "25 days", 1.9)], 3)
    assert quote.text == first.text
    quotes = compose(question, [span(first, "25 days", 2.0), span(second, "nobody takes more", 1.9)], 3)
    assert texts(quotes) == [first.text, second.text]


def test_the_same_answer_counts_again_for_another_part_of_the_question(passage: MakePassage, span: MakeSpan) -> None:
    first = passage("Pellin was linked in 1931.", "a.txt")
    second = passage("The line reached Quill in 1931.", "b.txt")
    for question, expected in (("When were Pellin and Quill linked?", 2), ("When was Pellin linked?", 1)):
        assert len(compose(question, [span(first, "1931", 2.0), span(second, "1931", 1.9)], 3)) == expected


@pytest.mark.parametrize(("first", "second", "more"), [
    ("Dogs are *not allowed* in the hall.", "Dogs are *allowed in the hall*.", True),
    ("Dogs are not *allowed in the hall*.", "Dogs are *allowed in the hall*.", True),
    ("Dogs are *allowed in the hall*.", "Dogs aren't *allowed in the hall*.", True),
    ("No, *dogs may enter*.", "No *dogs may enter*.", True),
    ("Not covered are:\n\n- *fire*", "Covered are:\n\n- *fire*", True),
    ("Dogs *may enter room no. 4*.", "All dogs *may enter*.", False),
    ("Pay by *5 May*.", "The fee is due no later than *5 May*.", False),
    ("The fee was raised from 20 euro to *35 euro*.", "The fee is *20 euro*.", True),
    ("It was to open on 3 May but opened on *9 June*.", "It opened on *3 May*.", True),
    ("The fee is *20* euro a day.", "Guests pay *20 euro*.", False),
    ("*The fee is 20 euro*.", "Guests pay *20 euro*.", False),
])
def test_what_gainsays_the_first_quote_is_told(passage: MakePassage, span: MakeSpan, first: str, second: str,
                                               more: bool) -> None:
    spans = [span(passage(text.replace("*", ""), f"{number}.txt"), text.split("*")[1], 2.0 - number / 10)
             for number, text in enumerate((first, second))]
    assert texts(compose(WHERE, spans, 3)) == [text.replace("*", "") for text in (first, second)[: 1 + more]]


def test_an_answer_within_a_longer_word_is_not_the_same_answer(passage: MakePassage, span: MakeSpan) -> None:
    earlier = Piece(span(passage("Room 125 is free."), "125"), 0, 17)
    later = Piece(span(passage("Room 25 is free."), "25"), 0, 16)
    assert adds("Which room?", later, [earlier])
    assert not adds("Which room?", later, [later])


def test_without_spans_there_is_no_quote() -> None:
    assert compose(WHERE, [], 3) == ()


@pytest.mark.parametrize("score", [-800.0, 800.0])
def test_extreme_scores_are_still_probabilities(passage: MakePassage, span: MakeSpan, score: float) -> None:
    assert len(compose(WHERE, [span(passage(FERRY), "nine", score)], 3)) == 1


# What differs


def differing(question: str, first: str, other: str, title: str = "", same: bool = False) -> bool:
    """Whether two texts differ, in two documents or, below each other, in one."""
    bare = [text.replace("*", "") for text in (first, other)]
    documents = [fakes.document("\n\n".join(bare), "a.txt", title)] * 2 if same else [
        fakes.document(text, f"{number}.txt", title) for number, text in enumerate(bare)]
    one, two = (pieces(mark(document, text.split("*")[1]))[-1]
                for document, text in zip(documents, (first, other), strict=True))
    return differ(question, one, two)


LEAVE, PROBATION, SALE, OPEN = ("How many days of leave do staff have?", "How long is probation?", "When does the sale end?",
                                "When does the office open?")
HOURS = "What are the opening hours?"
MASTER, SOLAN, FEE, PELLIN = ("Who is the master of Solan?", "What is the price of Solan?", "How much is the fee?",
                              "When was Pellin founded?")


# What is highlighted stands between asterisks.
@pytest.mark.parametrize(("question", "first", "other"), [
    (LEAVE, "Staff have *25 days* of leave.", "Staff get *26* days of leave."),
    (FEE, "The fee is £*60*.", "A fee of *£80* is paid."), (FEE, "The fee is *80p*.", "The fee is *£8*."),
    (PROBATION, "Probation is *two weeks*.", "Probation lasts *twenty-one days*."),
    (SOLAN, "Solan cost *£6.2 million*.", "The price of Solan is *£6.0 million*."),
    ("How much does a dog cost?", "A dog travels *free*.", "A dog costs *£1.50*."),
    (PELLIN, "Pellin was founded in *1931*.", "Pellin, founded *14 May 1932*, is old."),
    (SALE, "The sale ends on *5 May*.", "The sale ends on *May 6, 2026*."),
    (SALE, "The sale ends on *2026-05-05*.", "The sale ends on *6 May*."),
    (OPEN, "The office opens at *nine*.", "The office opens at *ten*."),
    (OPEN, "The office opens at *9 am*.", "The office opens at *9:30*."),
    ("When is rubbish fetched?", "Rubbish is fetched on *Mondays*.", "Rubbish is fetched on *Friday*."),
    (MASTER, "The master of Solan is *Ann Smith*.", "*Bob Smith* is master of Solan."),
    ("Which version of Android is needed?", "*Android 9* is needed.", "*Android 10* or later is needed."),
    (LEAVE, "*Staff have 25 days of leave.*", "*From June staff have 26 days of leave.*"),
    (SALE, "The sale ends on *31.03.2026*.", "The sale ends on *12.04.2026*."),
    (SALE, "The sale ends on *3/4/2026*.", "The sale ends on *5 April*."),
    ("What is the minimum temperature?", "The minimum temperature is *-5 °C*.", "The minimum temperature is *5 °C*."),
    ("What is the minimum temperature?", "The minimum temperature is –*5 °C*.", "The minimum temperature is *5 °C*."),
    ("How much does bed and breakfast cost?", "Bed and breakfast is *60 euro*.", "Bed and breakfast costs *70 euro*."),
    (HOURS, "It is open *9–17*.", "It is open *10–18*."), (HOURS, "It is open *9:00 to 17:00*.", "It is open *9 to 6*."),
    ("What temperature must the fridge have?", "The fridge must have *5 °C*.", "The fridge must have *7 °C*."),
    ("What is the fine for noise?", "Noise is a *fine of 50 euro*.", "The fine for noise is *€80*."),
    ("What discount do members get?", "Members get *10%*.", "Members get *15 %*."),
    ("What is the capacity of the hall?", "The hall has a capacity of *120 people*.", "The hall's capacity is *150* people."),
    ("What is the last day of the sale?", "The last day of the sale is *3 May*.", "The sale's last day is *4 May*."),
    ("Are dogs allowed in the reading room?", "*Dogs are allowed* in the reading room.",
     "Dogs are *not allowed in the reading room*."),
    ("Can I cancel the tour?", "You *can cancel* the tour.", "You *cannot* cancel the tour."),
])
def test_other_values_for_the_same_question_differ(question: str, first: str, other: str) -> None:
    assert differing(question, first, other)
    assert differing(question, other, first)


@pytest.mark.parametrize(("question", "first", "other"), [
    # the same value, written otherwise
    (PROBATION, "Probation is *two weeks*.", "Probation lasts *14 days*."),
    (FEE, "The fee is *£1,250*.", "The fee is *1250* pounds."),
    (SALE, "The sale ends on *5 May*.", "The sale ends on *2026-05-05*."),
    (PELLIN, "Pellin was founded in *1931*.", "Pellin, founded *14 May 1931*, is old."),
    (OPEN, "The office opens at *9 am*.", "The office opens at *09:00*."),
    (MASTER, "*Dr Ann Smith* is master of Solan.", "*Smith* is master of Solan."),
    (FEE, "The fee is *one hundred and fifty euro*.", "The fee is *150 euro*."),
    ("How many seats has the hall?", "The hall has *two hundred and ten* seats.", "The hall has *210* seats."),
    (PROBATION, "Probation is *two and a half* years.", "Probation is *30 months*."),
    (FEE, "The fee is *1 000 euro*.", "The fee is *1,000* euro."), (FEE, "The fee is *45k* euro.", "The fee is *€45,000*."),
    (FEE, "The fee is *£4.5m*.", "The fee is *£4,500,000*."), (FEE, "The fee is *1½ euro*.", "The fee is *1.5 euro*."),
    (SALE, "The sale ends on *3/4/2026*.", "The sale ends on *4/3/2026*."),
    (SALE, "The sale ends on *31.03.2026*.", "The sale ends on *31 March*."),
    (HOURS, "It is open *9–17*.", "It is open *9 am to 5 pm*."),
    (MASTER, "*J. Berg* is master of Solan.", "The master of Solan is *Jonas Berg*."),
    (MASTER, "*O'Brien* is master of Solan.", "The master of Solan is *Ann O’Brien*."),
    # not of one kind
    ("How long is the crossing?", "The crossing is *20 km*.", "The crossing takes *40 minutes*."),
    (SALE, "The sale ends on *Monday*.", "The sale ends *in May*."),
    (MASTER, "The master of Solan is *Ann Smith*.", "The *crew chief* is master of Solan."),
    ("How often does the committee meet?", "The committee meets *at least six times a year*.",
     "The committee has *five to seven members*, and may meet anywhere."),
    # no value is asked for, or more than one
    ("Why is Solan late?", "Solan is late by *5 minutes*.", "Solan is late by *6 minutes*."),
    ("How many days do staff and crew have?", "Staff have *25 days*.", "The crew has *26 days*."),
    ("What does the warden do?", "The warden *locks up after 3 hours*.", "The warden *looks in every 2 hours*."),
    # about other things
    (MASTER, "The master of Solan is *Ann Smith*.", "The deputy master of Solan is *Bob Berg*."),
    ("Who is the deputy master of Solan?", "The deputy master of Solan is *Ann Smith*.", "Master of Solan: *Bob Berg*."),
    (FEE, "The fee is *35 euro*.", "The former fee was *20 euro*."),
    (MASTER, "The master of Solan is *Ann Smith*.", "Former master of Solan: *Bob Berg*."),
    (HOURS, "On Monday it is open *9–17*.", "On Sunday it is open *10–18*."),
    ("How many passengers does Solan carry?", "Solan carries *150* passengers.", "Solan sails *four* of the seven crossings."),
    ("How many days of sick leave are there?", "Sick leave is *10 days*.", "Parental absence is *25 days*."),
    ("What was the profit in 2024?", "The profit in 2024 was *£5*.", "The profit in 2025 was *£6*."),
    ("Is the museum open on Sunday?", "The museum is *open daily*.", "The museum is *not open* on Mondays."),
    ("Are dogs allowed?", "Dogs are *allowed in the hall*.", "Dogs are *not* allowed in the café, the shop and the tower."),
])
def test_what_does_not_differ(question: str, first: str, other: str) -> None:
    assert not differing(question, first, other)
    assert not differing(question, other, first)


def test_another_document_may_name_the_thing_around_the_quote_or_in_its_title() -> None:
    around, bare = "They built Solan in a year. The whole sum is *£6.0 million*.", "The whole sum is *£6.0 million*."
    far = "They built Solan in a year. A bench is new, too. The whole sum is *£6.0 million*."
    assert differing(SOLAN, "Solan cost *£6.2 million*.", around)
    assert not differing(SOLAN, "Solan cost *£6.2 million*.", around, same=True)
    assert not differing(SOLAN, "Solan cost *£6.2 million*.", far)
    assert differing(SOLAN, "Solan cost *£6.2 million*.", "Solan\n\n- six masts\n- *£6.0 million*")
    assert not differing(SOLAN, "Solan cost *£6.2 million*.", "Solan\f- six masts\n- *£6.0 million*")
    assert not differing(SOLAN, "Solan cost *£6.2 million*.", bare)
    assert differing(SOLAN, "Solan cost *£6.2 million*.", bare, title="Solan")


def test_rows_of_one_table_are_of_different_things() -> None:
    fares = "| Route | Child |\n|---|---|\n| Pellin–Marrick | £2 |\n| Quill–Marrick | £3 |\n| Solan–Marrick | £4 |\n"
    document = read(fares, "a.md")
    asked = "How much does a child ticket to Marrick cost?"
    first, second, third = (pieces(mark(document, price))[0] for price in ("£2", "£3", "£4"))
    assert not differ(asked, first, second)
    assert not differ(asked, second, third)
    [elsewhere] = pieces(mark(read(fares.replace("£3", "£5"), "b.md"), "£5"))
    assert differ(asked, second, elsewhere)


def test_of_what_is_counted_the_other_quote_itself_must_speak() -> None:
    asked, first = "How many passengers does Solan carry?", "Solan carries *150 passengers*."
    assert not differing(asked, first, "Solan sails *four* of the crossings. Her passengers are carried in comfort.")
    assert differing(asked, first, "Solan was launched. She carries *140 passengers*.")


@pytest.mark.parametrize(("question", "expected"), [
    ("What are the opening hours?", True), ("What are the opening hours of the shop and the café?", False)])
def test_several_hours_are_one_answer(passage: MakePassage, span: MakeSpan, question: str, expected: bool) -> None:
    first, other = (passage(f"The opening hours of the shop are {hours}.", f"{hours}.txt") for hours in ("9–17", "10–18"))
    quotes = compose(question, [span(first, "9–17", 2.0), span(other, "10–18", 1.9)], 3)
    assert [quote.differs for quote in quotes] == [False, expected]


def test_quotes_say_that_they_differ_from_the_first(passage: MakePassage, span: MakeSpan) -> None:
    old, new, more = (passage(content, f"{number}.txt") for number, content in enumerate((
        "Staff have 25 days of leave.", "Staff have 26 days of leave.", "Staff may sell up to 25 days of leave.")))
    quotes = compose(LEAVE, [span(old, "25 days", 2.0), span(new, "26 days", 1.9), span(more, "up to 25 days", 1.8)], 3)
    assert [(quote.citations[0].source, quote.differs) for quote in quotes] == [
        ("0.txt", False), ("1.txt", True), ("2.txt", False)]
    assert [quote.json()["differs"] for quote in quotes] == [False, True, False]


# Whatever comes

WORDS = st.sampled_from([
    "Ferry", "noon", "e.g.", "four.", "It is.", "Why?", "Yes!", "…", "🚢", "é", "12.5", "They pay", "\n", "\n\n", "\n\n- ",
    "\n- ", "\n# ", "are:", "\n| a | b |\n", "|---|---|\n", " | ", "\u00a0", "“No.”", "\f"])
TEXTS = st.lists(WORDS, min_size=1, max_size=40).map(" ".join).filter(lambda text: bool(sentences(text)))
BLOCKS = st.sampled_from([
    "# Fares\n\n", "## To bring:\n\n", "The following are covered:\n\n- fire\n- theft. It must be told.\n- floods\n\n",
    "| Route | Adult |\n|---|---|\n| Pellin | £1. No dogs. |\n| Quill | £2 |\n| Marrick | £3 |\n\n",
    "The ferry leaves at nine. It returns at noon. They pay.\nThe ticket costs four euro.\n\n", "A ticket costs four euro\n\n",
    "Office | Summer\nPellin | 07:30\nMarrick | 07:45\n\n", "1. Pay first.\n2. Then sail:\n   - by day\n   - by night\n\n",
    "Yes. It is so. 🚢 She sails.\n\n"])


def spans_in(found: Sequence[Passage], data: st.DataObject) -> list[Span]:
    spans = []
    for passage in data.draw(st.lists(st.sampled_from(found), min_size=1, max_size=6)):
        low = data.draw(st.integers(passage.chunk.start, passage.chunk.end - 1))
        high = data.draw(st.integers(low + 1, min(passage.chunk.end, low + 30)))
        spans.append(Span(passage, low, high, data.draw(st.floats(-9, 9))))
    return spans


def check(spans: Sequence[Span], question: str, limit: int, bounds: Callable[[Document], tuple[set[int], set[int]]]) -> None:
    """What holds for the quotes of any spans; `bounds` gives where the sentences of a document begin and end."""
    documents = {span.passage.document.source: span.passage.document for span in spans}
    quotes = compose(question, spans, limit)
    assert (not quotes) == (not any(span.text.strip() for span in spans))
    assert len(quotes) <= limit
    assert [quote.score for quote in quotes] == sorted((quote.score for quote in quotes), reverse=True)
    citations = [citation for quote in quotes for citation in quote.citations]
    assert [citation.number for citation in citations] == list(range(1, len(citations) + 1))
    for one, other in combinations(citations, 2):
        assert one.source != other.source or one.end <= other.start or other.end <= one.start
    for quote in quotes:
        first = quote.citations[0]
        assert (quote.text, quote.start, quote.end) == (first.text, first.start, first.end)
        assert quote.start <= quote.highlight[0] < quote.highlight[1] <= quote.end
        if quote.header:
            assert quote.header.text == documents[first.source].text[quote.header.start : quote.header.end]
            assert quote.header.end <= quote.start
        for citation in quote.citations:
            document = documents[citation.source]
            assert citation.text == document.text[citation.start : citation.end] == citation.text.strip()
            assert fingerprint(citation.text) == fingerprint(quote.text)
            starts, ends = bounds(document)
            assert citation.start in starts
            assert citation.end in ends
            assert not any(document.text[max(0, edge - 1) : edge + 1].isalnum() for edge in (citation.start, citation.end)
                           if 0 < edge < len(document.text))
    assert quotes == compose(question, sorted(spans, key=lambda span: span.score), limit)


QUESTIONS = st.sampled_from([WHERE, "When does the ferry leave?", "How much is a ticket?", "What things are covered?", ""])


@given(st.lists(TEXTS, min_size=1, max_size=3), st.integers(1, 4), QUESTIONS, st.data())
def test_every_quote_is_cut_verbatim_from_whole_sentences(texts: list[str], limit: int, question: str,
                                                         data: st.DataObject) -> None:
    found = []
    for number, content in enumerate(texts):
        made, cut = fakes.document(content, f"{number}.txt"), tuple(sentences(content))
        found.append(Passage(Chunk(f"c{number}", made.id, cut[0][0], cut[-1][1], cut, 1), made, 0.0))

    def bounds(document: Document) -> tuple[set[int], set[int]]:
        cut = sentences(document.text)
        return {start for start, _ in cut}, {end for _, end in cut}

    check(spans_in(found, data), question, limit, bounds)


@given(st.lists(st.lists(BLOCKS, min_size=1, max_size=8).map("".join), min_size=1, max_size=3), st.integers(10, 60),
       st.integers(1, 4), QUESTIONS, st.data())
def test_so_is_every_quote_of_true_chunks(texts: list[str], size: int, limit: int, question: str, data: st.DataObject) -> None:
    documents = [read(text, f"{number}.md") for number, text in enumerate(texts)]
    found = [passage for document in documents for passage in passages(document, size, size // 4)]
    cut = {document.source: [sentence for passage in found if passage.document is document
                             for sentence in passage.chunk.sentences] for document in documents}

    def bounds(document: Document) -> tuple[set[int], set[int]]:
        return {start for start, _ in cut[document.source]}, {end for _, end in cut[document.source]}

    check(spans_in(found, data), question, limit, bounds)
