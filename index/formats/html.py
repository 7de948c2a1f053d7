"""Web pages: all of the main text without menus and footers, as blocks with an empty line between them.

What a page marks as its main content is read whole. Of a page without such marks everything is read but what is plainly its
frame. trafilatura, which chooses by guessing, loses whatever is not a paragraph; it is asked for title, author and date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from index.errors import Empty
from index.formats.base import Extract, Format, lacks_memory
from index.formats.hidden import hidden_notice, leave_out_hidden
from index.formats.outline import Blocks, Cell, first_title, one_line, table_lines
from index.formats.text import BYTE_ORDER_MARKS, decode, decode_head, is_textual

SUFFIXES = (".html", ".htm", ".xhtml")
PAGE_START = re.compile(
    r"\s*+(?:<\?xml[^>]*>\s*+)?(?:(?><!--.*?-->)\s*+)*+<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
# Declarations of entities within the document type: the HTML parser would take their end for text.
INTERNAL_SUBSET = re.compile(r"<!doctype[^>\[]*\[.*?\]\s*>", re.I | re.S)
# What HTML forbids and lxml will not hand on.
FORBIDDEN = re.compile("[\0-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
TO_SPACES = str.maketrans("\t\r\n\f", "    ")
CHARSET = re.compile(rb"<meta[^>]*charset\s*=\s*[\"']?\s*([a-z0-9_:.-]+)", re.I)
# A main content of less than this may be an empty shell: then the whole page is read.
TRUSTED = 250
# On a page of more elements than this it is not asked at all: its time grows with their square.
MAX_ELEMENTS = 20_000
# Preformatted text that is longer and not marked as code may be prose: a mail, an RFC.
LONGEST_PRE = 1000
# The day that a page says it was published on, and no guess from any date in its text. A page may not have another date
# when it is read on another day: without a last one that would be today.
DATE = {"extensive_search": False, "original_date": True, "max_date": "2100-01-01"}
HEADING_TAGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# By trafilatura's names, elements that stand on lines of their own; all others are part of a running text.
BLOCK_TAGS = {"head", "p", "list", "table", "quote", "code", "div", "ab", "body", "main"}
# Elements whose content is taken in a way of their own.
KNOWN = BLOCK_TAGS | {"item", "row", "cell", "hi", "lb", "caption", "thead", "tbody", "tfoot"}
# HTML's elements by the names of that tree.
NAMES = {
    **dict.fromkeys(HEADING_TAGS, "head"),
    **dict.fromkeys(("ul", "ol", "dl", "menu"), "list"),
    **dict.fromkeys(("li", "dt", "dd"), "item"),
    **dict.fromkeys(("th", "td"), "cell"),
    **dict.fromkeys(("section", "article", "header", "footer", "aside", "figure", "figcaption", "address", "details", "form",
                     "fieldset", "html"), "div"),
    **dict.fromkeys(("summary", "legend", "hr"), "p"),
    "tr": "row",
    "blockquote": "quote",
    "pre": "code",
    "code": "hi",
    "br": "lb",
}
HEAD = "head"  # the role of a cell that was `th`
# What embedded things hold is for browsers that cannot show them; words in a drawing have no order, and a formula is told once.
UNSEEN = ("head", "script", "style", "noscript", "template", "nav", "select", "datalist", "textarea", "audio", "video",
          "canvas", "iframe", "object", "svg", "annotation", "annotation-xml")
MAIN = "(//main | //*[@role='main'])[not(ancestor::main or ancestor::*[@role='main'])]"
ARTICLES = "//article[not(ancestor::article)]"
IN_MAIN = "ancestor::main or ancestor::article or ancestor::*[@role='main']"
# A footer or an aside is part of the frame, but not one of the main content, of a quotation, or of notes. The button that
# opens what is below a heading is the heading.
FRAME = (
    f"//*[self::footer or self::aside][not({IN_MAIN} or ancestor::blockquote or starts-with(@role, 'doc-'))]"
    " | //*[@role='navigation']"
    " | //button[not(ancestor::h1 or ancestor::h2 or ancestor::h3 or ancestor::h4 or ancestor::h5 or ancestor::h6"
    " or ancestor::dt or ancestor::summary)]"
)
# On a page that marks no main content: its headers and footers.
HEADERS = f"(//header | //*[@role='banner'])[not({IN_MAIN} or ancestor::section)]"
FOOTERS = "//*[@role='contentinfo' or @id='footer']"
FRAME_NAMES = {"header", "footer", "sidebar", "nav", "navbar", "navigation", "menu", "breadcrumb", "breadcrumbs"}
FIRST_TEXT = "(//h1 | //h2 | //h3 | //h4 | //h5 | //h6 | //p)[1]"
# What names the author and the day is told with every quotation, and is left out of the text that is quoted.
BYLINE = "//*[contains(concat(' ', normalize-space(@class), ' '), ' byline ')]"
LONGEST_BYLINE = 100
# Links that are content: what they stand for cannot be had by following them to another page.
CONTACT = ("tel:", "mailto:")
# A table with tables in it is one of data where its cells hold no more than this.
LONGEST_CELL = 200
# Inside a line of text (an item, a cell) these are set off by a space.
APART = (BLOCK_TAGS - {"code"}) | {"item", "row", "cell"}
# Within a running text; what stands before such an element stands directly before its content.
PHRASES = ("a", "abbr", "b", "big", "em", "font", "i", "small", "span", "strong", "sub", "sup", "u", "var")
NUMBER = re.compile(r"[+\-\u2212\u2013]?\d")
# What a formula's element means that has two parts.
FORMULA_SIGNS = {"msup": "^", "msub": "_", "mfrac": "/"}


def _recognises(head: bytes, suffix: str) -> bool:
    return is_textual(head) and (suffix in SUFFIXES or PAGE_START.match(decode_head(head)) is not None)


def _read(data: bytes, source: str) -> Iterator[Extract]:
    text = decode_page(data, source)
    page, hidden = parse_page(text)
    if page is None:
        raise Empty(source, "there is no text in it", "Remove it, or save the page again")
    found = _by_trafilatura(page)
    title = one_line((found.title if found is not None else page.findtext(".//title")) or "")
    if found is not None and found.date and found.author in page.xpath("//meta[@name='author']/@content"):
        _leave_out_byline(page, found.author, found.date[:4])
    length = 0 if found is None or found.body is None else sum(map(len, found.body.itertext()))
    blocks = _main_blocks(page, length)
    if not blocks.text:
        _take_menu(parse_page(text)[0], blocks)
    author, date = (found.author or "", found.date or "") if found is not None else ("", "")
    yield Extract(title or first_title(blocks.headings), blocks.text, blocks.sections, notices=hidden_notice(hidden),
                  code=tuple(blocks.code), author=author, date=date)


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


def parse_page(text: str) -> tuple[Any, int]:
    """The page's tree, or None where there is none, and how many hidden parts of it are left out. Nothing is fetched;
    document type entities stay unread.

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
        return None, 0
    except etree.ParserError:
        return None, 0
    if any(error.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for error in parser.error_log):
        raise ValueError("it is nested too deep")
    hidden = leave_out_hidden(page, UNSEEN)  # at once: later a script that tells of what is unfolded may be gone
    _mark_raised(page)
    _mark_code(page)
    return page, hidden


def _mark_raised(page: Any) -> None:
    """Keep raised and lowered digits apart from those before them: 10 to the power of 6 is not 106."""
    for element in page.iter("sup", "sub"):
        before = _character_before(element)
        if NUMBER.match(one_line("".join(element.itertext()))):
            if (element.tail or "").startswith(("/", "\u2044")) and before.isdigit():  # a fraction, after the whole number
                element.text = " " + (element.text or "")
            elif element.tag == "sup" and before.strip():
                element.text = "^" + (element.text or "")
            elif before.isdigit():
                element.text = "_" + (element.text or "")
    for element in page.iter(*FORMULA_SIGNS):
        if len(element) == 2:
            element[1].text = FORMULA_SIGNS[element.tag] + (element[1].text or "").lstrip()
            element[0].tail = None


def _character_before(element: Any) -> str:
    """The character that stands directly before an element in its line, if any."""
    while True:
        previous, parent = element.getprevious(), element.getparent()
        if previous is not None:
            inside = "".join(previous.itertext()) if previous.tag in PHRASES else ""
            text = inside + (previous.tail or "")
        else:
            text = parent.text or ""
        if text or previous is not None or parent.tag not in PHRASES:
            return text[-1:]
        element = parent


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


def _by_trafilatura(page: Any) -> Any:
    """What trafilatura finds: title, author and date as the page states them, and a tree of the main content; or None."""
    import trafilatura

    if sum(1 for _ in page.iter()) > MAX_ELEMENTS:
        return None
    return trafilatura.bare_extraction(page, include_comments=False, include_tables=True, favor_recall=True,
                                       with_metadata=True, date_extraction_params=DATE)


def _take_menu(page: Any, blocks: Blocks) -> None:
    """Append what trafilatura finds on a page of nothing but a menu."""
    found = _by_trafilatura(page)
    if found is not None and found.body is not None:
        take_blocks(found.body, blocks)


def _main_blocks(page: Any, found: int) -> Blocks:
    """What the page marks as its main content; where the marks miss it, all of the page but its frame.

    They miss it where they hold not half as much as trafilatura `found`: a teaser may be the only article on a page.
    """
    marked = page.xpath(MAIN) or page.xpath(ARTICLES)
    if not marked:
        _leave_out_frame(page)
    whole_content(page)
    blocks = Blocks()
    for element in marked:
        take_blocks(element, blocks)
    if len(blocks.text) < max(TRUSTED, found // 2):
        blocks = Blocks()
        take_blocks(page, blocks)
    return blocks


def _leave_out_byline(page: Any, author: str, year: str) -> None:
    for byline in page.xpath(BYLINE):
        text = one_line("".join(byline.itertext()))
        if len(text) <= LONGEST_BYLINE and author in text and year in text:
            byline.drop_tree()


def _leave_out_frame(page: Any) -> None:
    """Take out headers, menus and the like. Names say little (menu, sidebar): only links prove that such an element is one."""
    for element in page.xpath(FOOTERS):
        element.drop_tree()
    for element in page.xpath(HEADERS):
        if next(element.iter("nav"), None) is not None and next(element.iter(*HEADING_TAGS), None) is None:
            element.drop_tree()
    named = [element for element in page.iter("div", "ul", "ol", "td") if FRAME_NAMES & _names(element)]
    first = next(iter(page.xpath(FIRST_TEXT)), None)
    before = [] if first is None else list(first.itersiblings("ul", "ol", preceding=True))
    for above in [] if first is None else first.iterancestors():
        for sibling in above.itersiblings(preceding=True):
            before += sibling.iter("ul", "ol")
    mostly_links = _mostly_links(page)
    for element in [*named, *page.xpath(HEADERS), *before]:
        if element in mostly_links:
            element.drop_tree()


def _names(element: Any) -> set[str]:
    return {element.get("id", "").lower(), *element.get("class", "").lower().split()}


def _mostly_links(page: Any) -> set[Any]:
    """The elements most of whose text is in links that lead to other pages."""
    letters: dict[Any, int] = {}
    linked: dict[Any, float] = {}
    for element in reversed(list(page.iter())):  # what is inside goes before what is around it
        tails = sum(len((child.tail or "").strip()) for child in element)
        letters[element] = len((element.text or "").strip()) + tails + sum(letters[child] for child in element)
        linked[element] = sum(linked[child] for child in element)
        if element.tag == "a":
            contact = (element.get("href") or "").strip().lower().startswith(CONTACT)
            linked[element] = float("-inf") if contact else letters[element]
    return {element for element in letters if linked[element] * 2 > letters[element]}


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
    for caption in table.iterchildren("caption"):
        take_blocks(caption, blocks)
    rows = [list(row.iterchildren("cell")) for row in table.iter("row") if next(row.iterancestors("table")) is table]
    if _is_layout(table, rows):
        for cells in rows:
            for cell in cells:
                take_blocks(cell, blocks)
        return
    for number, line in enumerate(table_lines(([_cell(cell) for cell in cells] for cells in rows), _header_rows(rows))):
        blocks.add(line, tight=number > 0)


def _header_rows(rows: list[list[Any]]) -> int:
    """How many of the first rows are marked as the header: those in `thead`, else those of nothing but `th`.

    Of these without `thead` a further one counts only below merged cells: a column of facts may be marked as `th` throughout.
    """
    headed = sum(1 for _ in takewhile(lambda cells: cells and cells[0].getparent().getparent().tag == "thead", rows))
    if headed:
        return headed
    marked = list(takewhile(lambda cells: cells and all(cell.get("role") == HEAD for cell in cells), rows))
    merged = any(_count(cell, span) > 1 for cells in marked[:1] for cell in cells for span in ("colspan", "rowspan"))
    return len(marked) if merged else len(marked[:1])


def _cell(cell: Any) -> Cell:
    return Cell(one_line(_inline(cell)), _count(cell, "colspan"), _count(cell, "rowspan"))


def _count(cell: Any, name: str) -> int:
    stated = cell.get(name, "").strip()
    return int(stated) if re.fullmatch("[1-9][0-9]{0,3}", stated) else 1


def _is_layout(table: Any, rows: list[list[Any]]) -> bool:
    """Whether a table is there for the sake of layout: one column, or tables inside it and no short cells side by side."""
    if all(len(cells) <= 1 for cells in rows):
        return True
    if next(table.iterdescendants("table"), None) is None:
        return False
    texts = [[one_line("".join(cell.itertext())) for cell in cells] for cells in rows]
    side_by_side = sum(len(list(filter(None, row))) > 1 for row in texts)
    return side_by_side < 2 or any(len(text) > LONGEST_CELL for row in texts for text in row)


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
    for unseen in dict.fromkeys([*page.iter(*UNSEEN), *page.xpath(FRAME)]):
        unseen.drop_tree()
    for formula in page.iter("math"):
        _set_apart(formula)
    for element in page.xpath("descendant::*[not(ancestor::pre)]"):  # elsewhere a line end in the source is but a space
        element.tail = (element.tail or "").translate(TO_SPACES)
        if element.tag != "pre":
            element.text = (element.text or "").translate(TO_SPACES)
    for element in page.iter():
        if element.tag in HEADING_TAGS:
            element.set("rend", element.tag)
        if element.tag == "th":
            element.set("role", HEAD)
        if element.tag in NAMES:
            element.tag = NAMES[element.tag]
    for element in reversed(list(page.iter())):  # what is around blocks is no running text: a link around a card
        if element.tag not in KNOWN and any(child.tag in BLOCK_TAGS for child in element):
            element.tag = "div"
    return page


def _set_apart(formula: Any) -> None:
    """See that a formula does not run into the words around it, and that one displayed by itself has lines of its own."""
    if formula.get("display") == "block":
        formula.tag = "p"
        return
    if _character_before(formula).isalnum():
        formula.text = " " + (formula.text or "")
    if (formula.tail or "")[:1].isalnum():
        formula.tail = " " + formula.tail


FORMAT = Format("HTML", "text/html", SUFFIXES, _recognises, _read)
