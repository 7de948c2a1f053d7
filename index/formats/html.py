"""Web pages: the main text without menus and footers, as blocks with an empty line between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from index.errors import FileError
from index.formats.base import Extract, Format, lacks_memory
from index.formats.outline import Blocks, first_title, one_line, table_row
from index.formats.text import BYTE_ORDER_MARKS, decode, decode_head, is_textual

SUFFIXES = (".html", ".htm", ".xhtml")
PAGE_START = re.compile(
    r"\s*+(?:<\?xml[^>]*>\s*+)?(?:(?><!--.*?-->)\s*+)*+<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
# Declarations of entities within the document type: the HTML parser would take their end for text.
INTERNAL_SUBSET = re.compile(r"<!doctype[^>\[]*\[.*?\]\s*>", re.I | re.S)
# What HTML forbids and lxml will not hand on.
FORBIDDEN = re.compile("[\0-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
WHITE_SPACE = re.compile(r"[ \t\r\n\f]+")
CHARSET = re.compile(rb"<meta[^>]*charset\s*=\s*[\"']?\s*([a-z0-9_:.-]+)", re.I)
# Where trafilatura finds less than this it falls back on bare text without headings and lists.
TRUSTED = 250
# On a page of more elements than this it is not asked at all: its time grows with their square.
MAX_ELEMENTS = 20_000
# Preformatted text that is longer and not marked as code may be prose: a mail, an RFC.
LONGEST_PRE = 1000
# The day that a page says it was published on, and no guess from any date in its text. A page may not have another date
# when it is read on another day: without a last one that would be today.
DATE = {"extensive_search": False, "original_date": True, "max_date": "2100-01-01"}
HEADING_TAGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# Elements of trafilatura's tree that stand on lines of their own; all others are part of a running text.
BLOCK_TAGS = {"head", "p", "list", "table", "quote", "code", "div", "ab", "body", "main"}
# HTML's elements by the names of that tree.
NAMES = {
    **dict.fromkeys(HEADING_TAGS, "head"),
    **dict.fromkeys(("ul", "ol", "dl"), "list"),
    **dict.fromkeys(("li", "dt", "dd"), "item"),
    **dict.fromkeys(("th", "td"), "cell"),
    **dict.fromkeys(("section", "article", "header", "figure", "figcaption", "address", "html"), "div"),
    "tr": "row",
    "blockquote": "quote",
    "pre": "code",
    "code": "hi",
    "br": "lb",
}
UNSEEN = ("head", "script", "style", "noscript", "template", "nav", "footer", "aside")
# Inside a line of text (an item, a cell) these are set off by a space.
APART = (BLOCK_TAGS - {"code"}) | {"item", "row", "cell"}


def _recognises(head: bytes, suffix: str) -> bool:
    return is_textual(head) and (suffix in SUFFIXES or PAGE_START.match(decode_head(head)) is not None)


def _read(data: bytes, source: str) -> Iterator[Extract]:
    page = parse_page(decode_page(data, source))
    if page is None:
        raise FileError(source, "there is no text in it", "Remove it, or save the page again")
    found = _main_content(page)
    title = one_line((found.title if found is not None else page.findtext(".//title")) or "")
    blocks = Blocks()
    if found is not None and found.body is not None:
        take_blocks(found.body, blocks)
    if len(blocks.text) < TRUSTED:
        whole = Blocks()
        take_blocks(whole_content(page), whole)
        blocks = whole if whole.text else blocks
    author, date = (found.author or "", found.date or "") if found is not None else ("", "")
    yield Extract(title or first_title(blocks.headings), blocks.text, blocks.sections, code=tuple(blocks.code), author=author,
                  date=date)


def decode_page(data: bytes, source: str) -> str:
    """As any text, but where it is not UTF-8 the page's own declaration goes before guessing."""
    declared = CHARSET.search(data[:4096])
    if declared and not data.startswith(tuple(mark for mark, _ in BYTE_ORDER_MARKS)):
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            try:
                return data.decode(as_browsers_do(declared.group(1).decode("ascii").lower()))
            except (UnicodeDecodeError, LookupError):
                pass
    return decode(data, source)


def as_browsers_do(charset: str) -> str:
    """Latin-1 and ASCII are read as Windows-1252 (WHATWG Encoding Standard)."""
    return "cp1252" if charset in ("iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii") else charset


def parse_page(text: str) -> Any:
    """The page's tree, or None where there is none. Nothing is fetched; document type entities stay unread.

    Raises ValueError for a page that goes beyond what the parser can hold: that reads such a page in part.
    """
    from lxml import etree, html

    doctype = INTERNAL_SUBSET.match(text, max(0, text[:4096].lower().find("<!doctype")))
    if doctype:
        text = text[: doctype.start()] + text[doctype.end() :]
    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        # Bytes and an explicit encoding: lxml then takes no notice of what the page says of its encoding.
        page = html.document_fromstring(FORBIDDEN.sub("\ufffd", text).encode(), parser=parser)
    except etree.XMLSyntaxError as problem:
        if lacks_memory(problem):
            raise MemoryError from problem
        return None
    except etree.ParserError:
        return None
    if any(error.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for error in parser.error_log):
        raise ValueError("it is nested too deep")
    _mark_code(page)
    return page


def _mark_code(page: Any) -> None:
    """Make of preformatted text one element of code each, by which trafilatura tells it from quotations."""
    from lxml import etree

    for pre in list(page.iter("pre")):
        for line_end in pre.iter("br"):
            line_end.text = "\n"
        etree.strip_elements(pre, "script", "style", "template", with_tail=False)
        # A character reference may stand for what no XML may hold.
        text = FORBIDDEN.sub("\ufffd", "".join(pre.itertext()).replace("\f", "\n"))
        if len(text) <= LONGEST_PRE or pre.find(".//code") is not None:
            for child in list(pre):
                pre.remove(child)
            pre.text = None
            etree.SubElement(pre, "code").text = text


def _main_content(page: Any) -> Any:
    """What trafilatura finds: title, author and date as the page states them, and a tree of the main content; or None."""
    import trafilatura

    if sum(1 for _ in page.iter()) > MAX_ELEMENTS:
        return None
    return trafilatura.bare_extraction(page, include_comments=False, include_tables=True, favor_recall=True,
                                       with_metadata=True, date_extraction_params=DATE)


def take_blocks(element: Any, blocks: Blocks) -> None:
    """Append an element's content: runs of text become blocks, block elements are taken by kind."""
    running = [element.text or ""]
    for child in element:
        if _is_block(child, element):
            blocks.add(_lines("".join(running)))
            running = []
            _add_block(child, blocks)
        else:
            running.append(_inline(child))
        running.append(child.tail or "")
    blocks.add(_lines("".join(running)))


def _is_block(child: Any, parent: Any) -> bool:
    if child.tag == "code" and parent.tag == "p":
        return "\n" in "".join(child.itertext()).strip()
    return child.tag in BLOCK_TAGS


def _add_block(element: Any, blocks: Blocks) -> None:
    if element.tag == "head":
        blocks.add_heading(one_line(_inline(element)), _level(element))
    elif element.tag == "list":
        for number, item in enumerate(_items(element)):
            blocks.add(f"- {item}", tight=number > 0)
    elif element.tag == "table":
        _add_table(element, blocks)
    elif element.tag == "code":
        text = "".join(element.itertext()).strip("\r\n")
        if len(text) <= LONGEST_PRE or len(element):
            blocks.add_code(text)
        else:
            blocks.add(text)
    else:
        take_blocks(element, blocks)


def _level(heading: Any) -> int:
    rend = heading.get("rend", "")
    return int(rend[1]) if re.fullmatch("h[1-6]", rend) else 6


def _items(listing: Any) -> Iterator[str]:
    """The items of a list, those of the lists inside it after the item that holds them."""
    for item in listing:
        text = one_line(_inline(item, without="list"))
        if text:
            yield text
        for inner in item.iterchildren("list"):
            yield from _items(inner)


def _add_table(table: Any, blocks: Blocks) -> None:
    rows = [list(row.iterchildren("cell")) for row in table.iter("row") if next(row.iterancestors("table")) is table]
    # A table of one column, or with tables inside it, is there for the sake of layout.
    if all(len(cells) <= 1 for cells in rows) or next(table.iterdescendants("table"), None) is not None:
        for cells in rows:
            for cell in cells:
                take_blocks(cell, blocks)
        return
    lines = [table_row([one_line(_inline(cell)) for cell in cells]) for cells in rows]
    for number, line in enumerate(filter(None, lines)):
        blocks.add(line, tight=number > 0)


def _inline(element: Any, without: str = "") -> str:
    """An element's text as part of a running text; block elements inside it are set off by a space."""
    if element.tag == "lb":
        return "\n"
    parts = [element.text or ""]
    for child in element:
        if child.tag != without:
            apart = " " if child.tag in APART else ""
            parts += [apart, _inline(child, without), apart]
        parts.append(child.tail or "")
    return "".join(parts)


def _lines(text: str) -> str:
    """The text with its lines cleaned, and at most one empty line between them."""
    lines = "\n".join(one_line(line) for line in text.split("\n"))
    return re.sub("\n{3,}", "\n\n", lines).strip("\n")


def whole_content(page: Any) -> Any:
    """All that the page says outside of menus, as a tree like trafilatura's."""
    for unseen in list(page.iter(*UNSEEN)):
        unseen.drop_tree()
    for element in page.xpath("descendant::*[not(ancestor::pre)]"):  # elsewhere a line end in the source is but a space
        element.tail = WHITE_SPACE.sub(" ", element.tail or "")
        if element.tag != "pre":
            element.text = WHITE_SPACE.sub(" ", element.text or "")
    for element in page.iter():
        if element.tag in HEADING_TAGS:
            element.set("rend", element.tag)
        if element.tag in NAMES:
            element.tag = NAMES[element.tag]
    return page


FORMAT = Format("HTML", "text/html", SUFFIXES, _recognises, _read)
