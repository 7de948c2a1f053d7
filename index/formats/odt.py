"""OpenDocument text (LibreOffice): paragraphs, lists and tables in document order, headings by outline level."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from index.errors import FileError
from index.formats.base import Extract, Format
from index.formats.outline import Blocks, first_title, one_line, sensible_title, table_row
from index.formats.zips import ZIP, Members, check_zip

SUFFIXES = (".odt", ".ott")
MEDIA_TYPE = "application/vnd.oasis.opendocument.text"
NAMED = re.compile(rb"PK\x03\x04.{26}mimetype.{0,64}?application/vnd\.oasis\.opendocument\.text", re.S)

OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
DC = "{http://purl.org/dc/elements/1.1/}"

CONTAINERS = {f"{TEXT}section", f"{TEXT}bibliography", f"{TEXT}index-body", f"{TEXT}numbered-paragraph"}
ROW_GROUPS = {f"{TABLE}{name}" for name in ("table-header-rows", "table-rows", "table-row-group")}
TEXT_BOXES = (f"{DRAW}text-box", f"{DRAW}custom-shape")
# Notes, comments and pronunciations stand inside the paragraph that they belong to, and so does what is drawn.
UNSEEN = {f"{OFFICE}annotation", f"{TEXT}note", f"{TEXT}ruby-text"}
WHITE_SPACE = re.compile(r"[ \t\r\n]+")
# A file may claim that a space or an empty cell is repeated a billion times.
MOST_REPEATS = 100


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
    if body is None:
        raise _damaged(source)
    blocks = Blocks()
    _fill(blocks, body)
    yield Extract(sensible_title(title or "") or first_title(blocks.headings), blocks.text, blocks.sections)


def _damaged(source: str) -> FileError:
    return FileError(
        source, "it cannot be opened as a text document (ODT)", "Open it in a word processor and save it again"
    )


def _fill(blocks: Blocks, container: Any) -> None:
    for element in container:
        if element.tag == f"{TEXT}h":
            blocks.add_heading(_text(element).strip(), _number(element, f"{TEXT}outline-level"))
        elif element.tag == f"{TEXT}p":
            blocks.add(_text(element).strip())
        elif element.tag == f"{TEXT}list":
            _add_list(blocks, element)
        elif element.tag == f"{TABLE}table":
            for number, row in enumerate(filter(None, _rows(element))):
                blocks.add(row, tight=number > 0)
        elif element.tag in CONTAINERS:
            _fill(blocks, element)
        for box in _text_boxes(element):
            _fill(blocks, box)


def _add_list(blocks: Blocks, listing: Any) -> None:
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
    for paragraph in paragraphs:
        for box in _text_boxes(paragraph):
            _fill(blocks, box)


def _items(listing: Any) -> Iterator[Any]:
    """The paragraphs of a list and of the lists inside it."""
    for item in listing.iterchildren(f"{TEXT}list-header", f"{TEXT}list-item"):
        for child in item:
            if child.tag in (f"{TEXT}p", f"{TEXT}h"):
                yield child
            elif child.tag == f"{TEXT}list":
                yield from _items(child)


def _rows(table: Any) -> Iterator[str]:
    for child in table:
        if child.tag == f"{TABLE}table-row":
            cells: list[str] = []
            for cell in child.iterchildren(f"{TABLE}table-cell", f"{TABLE}covered-table-cell"):
                text = _cell(cell)
                cells += [text] if text else [""] * _number(cell, f"{TABLE}number-columns-repeated")
            yield table_row(cells)
        elif child.tag in ROW_GROUPS:
            yield from _rows(child)


def _cell(cell: Any) -> str:
    """A cell's text on one line; empty where it only continues a merged cell beside or above."""
    if cell.tag == f"{TABLE}covered-table-cell":
        return ""
    blocks = Blocks()
    _fill(blocks, cell)
    return one_line(blocks.text)


def _text_boxes(element: Any) -> Iterator[Any]:
    """The text boxes of a paragraph, or that stand by themselves; not those inside another one."""
    if element.tag in (f"{TEXT}p", f"{TEXT}h", f"{DRAW}frame"):
        for box in element.iter(*TEXT_BOXES):
            if next(box.iterancestors(element.tag, *TEXT_BOXES)) is element:
                yield box


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


def _number(element: Any, name: str) -> int:
    """A count that an element states, within reason; 1 where it states none."""
    stated = element.get(name, "1")
    return min(max(int(stated), 1), MOST_REPEATS) if stated.isdecimal() else 1


FORMAT = Format("ODT", MEDIA_TYPE, SUFFIXES, _recognises, _read)
