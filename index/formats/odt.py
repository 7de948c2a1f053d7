"""OpenDocument text (LibreOffice): paragraphs, lists, tables and their notes in document order, headings by outline level; at
the end headers and footers.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from index.errors import FileError
from index.formats.base import Extract, Format
from index.formats.beside import add_margins, comments_notice
from index.formats.outline import Blocks, Cell, first_title, one_line, sensible_title, table_lines
from index.formats.zips import ZIP, Members, check_zip

SUFFIXES = (".odt", ".ott")
MEDIA_TYPE = "application/vnd.oasis.opendocument.text"
NAMED = re.compile(rb"PK\x03\x04.{26}mimetype.{0,64}?application/vnd\.oasis\.opendocument\.text", re.S)

OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
LOEXT = "{urn:org:documentfoundation:names:experimental:office:xmlns:loext:1.0}"  # what LibreOffice had before the standard
DC = "{http://purl.org/dc/elements/1.1/}"

CONTAINERS = {f"{TEXT}section", f"{TEXT}bibliography", f"{TEXT}index-body", f"{TEXT}numbered-paragraph"}
HEADER_ROWS = f"{TABLE}table-header-rows"
ROW_GROUPS = {HEADER_ROWS, f"{TABLE}table-rows", f"{TABLE}table-row-group"}
TEXT_BOXES = (f"{DRAW}text-box", f"{DRAW}custom-shape")
NOTE = f"{TEXT}note"
COMMENT = f"{OFFICE}annotation"
# Notes, comments and pronunciations stand inside the paragraph that they belong to, and so does what is drawn.
UNSEEN = {COMMENT, NOTE, f"{TEXT}ruby-text"}
WHITE_SPACE = re.compile(r"[ \t\r\n]+")
# A file may claim that a space or an empty cell is repeated a billion times.
MOST_REPEATS = 100
MOST_ROWS = 1_000_000
UNREAD_MARGINS = "its headers and footers are damaged, and not read"


def _recognises(head: bytes, suffix: str) -> bool:
    if head.startswith(b"mimetype", 30):
        return NAMED.match(head) is not None
    return head.startswith(ZIP) and suffix in SUFFIXES and not head.startswith(b"[Content_Types].xml", 30)


def _read(data: bytes, source: str) -> Iterator[Extract]:
    check_zip(data, source, "text document (ODT)")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names, damaged = archive.namelist(), _damaged(source)
        members = Members(archive, damaged, damaged, damaged)
        if "META-INF/manifest.xml" in names and b"encryption-data" in members.read("META-INF/manifest.xml"):
            raise FileError(source, "it is locked with a password", "Remove the password and index it again")
        body = members.xml("content.xml").find(f"{OFFICE}body/{OFFICE}text")
        title = members.xml("meta.xml").findtext(f".//{DC}title") if "meta.xml" in names else None
        margins, notices = _read_margins(members) if "styles.xml" in names else ([], ())
    if body is None:
        raise _damaged(source)
    blocks = Blocks()
    _fill(blocks, body)
    title = sensible_title(title or "") or first_title(blocks.headings)
    sections = add_margins(blocks, margins, title)
    yield Extract(title, blocks.text, sections, notices=comments_notice(sum(1 for _ in body.iter(COMMENT))) + notices)


def _read_margins(members: Members) -> tuple[list[str], tuple[str, ...]]:
    """The texts of all headers, then of all footers; and what is said where they cannot be read."""
    try:
        pages = members.xml("styles.xml").findall(f"{OFFICE}master-styles/{STYLE}master-page")
    except FileError:
        return [], (UNREAD_MARGINS,)
    margins = []
    for kind in ("header", "footer"):
        tags = [f"{space}{kind}{which}" for space in (STYLE, LOEXT) for which in ("", "-left", "-first")]
        for margin in (margin for page in pages for margin in page.iterchildren(*tags)):
            if margin.get(f"{STYLE}display") != "false":
                blocks = Blocks()
                _fill(blocks, margin)
                margins.append(blocks.text)
    return margins, ()


def _damaged(source: str) -> FileError:
    return FileError(
        source, "it cannot be opened as a text document (ODT)", "Open it in a word processor and save it again"
    )


def _fill(blocks: Blocks, container: Any, notes: bool = True) -> None:
    """Append what stands in a container, each paragraph and table with its notes behind it, or without any."""
    for element in container:
        if element.tag == f"{TEXT}h":
            blocks.add_heading(_text(element).strip(), _number(element, f"{TEXT}outline-level"))
        elif element.tag == f"{TEXT}p":
            blocks.add(_text(element).strip())
        elif element.tag == f"{TEXT}list":
            _add_list(blocks, element, notes)
        elif element.tag == f"{TABLE}table":
            for number, row in enumerate(_rows(element)):
                blocks.add(row, tight=number > 0)
        elif element.tag in CONTAINERS:
            _fill(blocks, element, notes)
        if notes:
            _add_notes(blocks, element)
        for box in _text_boxes(element):
            _fill(blocks, box, notes)


def _add_list(blocks: Blocks, listing: Any, notes: bool) -> None:
    """Append the items; a heading with a number is the item of a list too, and begins a section all the same."""
    paragraphs = list(_items(listing))
    in_list = False
    for paragraph in paragraphs:
        text = _text(paragraph).strip()
        if paragraph.tag == f"{TEXT}h":
            blocks.add_heading(text, _number(paragraph, f"{TEXT}outline-level"))
            in_list = False
        elif text:
            blocks.add(f"- {text}", tight=in_list)
            in_list = True
        if notes and _add_notes(blocks, paragraph):
            in_list = False
    for paragraph in paragraphs:
        for box in _text_boxes(paragraph):
            _fill(blocks, box, notes)


def _add_notes(blocks: Blocks, element: Any) -> bool:
    """Append the footnotes and endnotes of a paragraph or a table; whether there are any."""
    if element.tag in (f"{TEXT}p", f"{TEXT}h"):
        found = list(_held(element, (NOTE,), (NOTE, COMMENT, *TEXT_BOXES)))
    elif element.tag == f"{TABLE}table":  # its cells' text boxes are part of their text
        found = list(_held(element, (NOTE,), (NOTE, COMMENT)))
    else:
        return False
    for note in found:
        for body in note.iterchildren(f"{TEXT}note-body"):
            _fill(blocks, body)
    return bool(found)


def _items(listing: Any) -> Iterator[Any]:
    """The paragraphs of a list and of the lists inside it."""
    for item in listing.iterchildren(f"{TEXT}list-header", f"{TEXT}list-item"):
        for child in item:
            if child.tag in (f"{TEXT}p", f"{TEXT}h"):
                yield child
            elif child.tag == f"{TEXT}list":
                yield from _items(child)


def _rows(table: Any) -> Iterator[str]:
    header = sum(1 for _ in takewhile(lambda row: row.getparent().tag == HEADER_ROWS, _rows_in(table)))
    return table_lines(map(_cells, _rows_in(table)), header)


def _rows_in(table: Any) -> Iterator[Any]:
    for child in table:
        if child.tag == f"{TABLE}table-row":
            yield child
        elif child.tag in ROW_GROUPS:
            yield from _rows_in(child)


def _cells(row: Any) -> list[Cell]:
    """The cells of a row but those that are covered: they are there to keep the place of the one that is over them."""
    cells = []
    for cell in row.iterchildren(f"{TABLE}table-cell"):
        blocks = Blocks()
        _fill(blocks, cell, notes=False)
        text = one_line(blocks.text)
        columns = _number(cell, f"{TABLE}number-columns-spanned")
        repeats = 1 if text else _number(cell, f"{TABLE}number-columns-repeated")
        cells.append(Cell(text, max(columns, repeats), _number(cell, f"{TABLE}number-rows-spanned", MOST_ROWS)))
    return cells


def _text_boxes(element: Any) -> Iterator[Any]:
    """The text boxes of a paragraph, or that stand by themselves; not those inside another one, nor those of a note."""
    if element.tag in (f"{TEXT}p", f"{TEXT}h", f"{DRAW}frame"):
        yield from _held(element, TEXT_BOXES, (element.tag, NOTE, COMMENT, *TEXT_BOXES))


def _held(element: Any, tags: tuple[str, ...], holders: tuple[str, ...]) -> Iterator[Any]:
    """What of some kinds stands inside an element, but not inside a holder that is inside it."""
    for found in element.iter(*tags):
        if next(above for above in found.iterancestors() if above is element or above.tag in holders) is element:
            yield found


def _text(element: Any) -> str:
    """A paragraph's text; white space in the file counts as one space, more of it has elements of its own."""
    parts = [WHITE_SPACE.sub(" ", element.text or "")]
    for child in element:
        if child.tag == f"{TEXT}s":
            parts.append(" " * _number(child, f"{TEXT}c"))
        elif child.tag == f"{TEXT}tab":
            parts.append("\t")
        elif child.tag == f"{TEXT}line-break":
            parts.append("\n")
        elif child.tag not in UNSEEN and not str(child.tag).startswith(DRAW):
            parts.append(_text(child))
        parts.append(WHITE_SPACE.sub(" ", child.tail or ""))
    return "".join(parts)


def _number(element: Any, name: str, most: int = MOST_REPEATS) -> int:
    """A count that an element states, within reason; 1 where it states none."""
    stated = element.get(name, "1")
    return min(max(int(stated[:9]), 1), most) if stated.isdecimal() else 1


FORMAT = Format("ODT", MEDIA_TYPE, SUFFIXES, _recognises, _read)
