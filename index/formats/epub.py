"""EPUB books: the chapters in reading order, under their own headings or the names that the table of contents gives."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import unquote

from index.errors import FileError
from index.formats.base import Extract, Format

# A chapter is a web page, so its blocks are made as those of web pages are.
from index.formats.hidden import hidden_notice
from index.formats.html import HEADING_TAGS, decode_page, parse_page, take_blocks, whole_content
from index.formats.outline import Blocks, one_line, sensible_title
from index.formats.zips import ZIP, Members, check_zip

SUFFIXES = (".epub",)
MEDIA_TYPE = "application/epub+zip"
CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
OFFICE = b"[Content_Types].xml"

OPS = "{http://www.idpf.org/2007/ops}"
DAY = re.compile(r"\d{4}(?:-\d\d){0,2}")  # of ISO 8601, or the month or the year
DC = "{http://purl.org/dc/elements/1.1/}"
PAGE_TYPES = ("application/xhtml+xml", "text/html")

# XML may close an element as it opens; in HTML that is the beginning of one that never ends.
CLOSED_AT_ONCE = re.compile(r"<([a-zA-Z][\w:.-]*+)([^<>]*?)/>")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
MOST_NAMED, LONGEST_NAME = 5, 100  # missing parts that are named, and characters of a name
# Among this many elements from the top a chapter's name is sought.
FIRST = 20


@dataclass(frozen=True, slots=True)
class _Label:
    """What the table of contents calls a chapter; level 1 is the outermost."""

    text: str
    level: int


def _recognises(head: bytes, suffix: str) -> bool:
    if not head.startswith(ZIP):
        return False
    if head.startswith(b"mimetype", 30):
        return MEDIA_TYPE.encode() in head[38:100]
    return CONTAINER.encode() in head or (suffix in SUFFIXES and not head.startswith(OFFICE, 30))


def _read(data: bytes, source: str) -> Iterator[Extract]:
    check_zip(data, source, "book (EPUB)")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        book = _Book(archive, source)
        blocks = Blocks()
        hidden = 0
        for path in book.chapters():
            page, left_out = _page(book.read(path), source)
            hidden += left_out
            if page is not None and page.xpath("string(//body)").strip():
                _name(page, book.labels.get(path), blocks)
                take_blocks(whole_content(page), blocks)
    if book.missing and not blocks.text:
        raise _incomplete(source)
    yield Extract(book.title, blocks.text, blocks.sections, code=tuple(blocks.code), author=book.author, date=book.date,
                  notices=(*_missing(list(book.missing)), *hidden_notice(hidden)))


def _missing(names: list[str]) -> tuple[str, ...]:
    """What is said of parts that the book lists and does not have."""
    if not names:
        return ()
    more = len(names) - MOST_NAMED
    named = ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    what = "a part of it is missing" if len(names) == 1 else f"{len(names)} parts of it are missing"
    return (f"{what}: {named}; get a whole copy and index it again",)


class _Book:
    """The package document of a book: its title, author and date, its files in reading order, and what its contents call them.

    Paths are names of members of the archive and nothing else; what is not among them is missing.
    """

    def __init__(self, archive: zipfile.ZipFile, source: str) -> None:
        self._source = source
        self._members = Members(archive, _incomplete(source), _locked(source), _damaged(source))
        root = self._members.xml(CONTAINER).find(".//{*}rootfile")
        if root is None:
            raise _damaged(source)
        path = root.get("full-path", "")
        self._package = self._members.xml(path)
        self._folder = posixpath.dirname(path)
        self.missing: dict[str, None] = {}  # names of what the book lists and does not have, in order
        self._names = set(archive.namelist())
        self._items = {item.get("id"): item for item in self._package.iterfind("{*}manifest/{*}item")}
        self.title = sensible_title(self._package.findtext(f".//{DC}title") or "")
        creators = (one_line(creator.text or "") for creator in self._package.iterfind(f".//{DC}creator"))
        self.author = "; ".join(dict.fromkeys(filter(None, creators)))
        day = DAY.match((self._package.findtext(f".//{DC}date") or "").strip())
        self.date = day[0] if day else ""
        self.labels = self._labels()

    def read(self, path: str) -> bytes:
        """A member's content."""
        return self._members.read(path)

    def chapters(self) -> list[str]:
        """The paths of the pages in reading order, each once, without the table of contents and those that are missing."""
        paths = []
        for reference in self._package.iterfind("{*}spine/{*}itemref"):
            id = reference.get("idref")
            item = self._items.get(id)
            if item is None:
                self._miss(id or "a chapter without a name")
            elif item.get("media-type") in PAGE_TYPES and not _is_contents(item):
                path = _path(self._folder, item.get("href", ""))
                if self._has(path):
                    paths.append(path)
        if not self._encrypted().isdisjoint(paths):
            raise _locked(self._source)
        return list(dict.fromkeys(paths))

    def _has(self, path: str) -> bool:
        if path not in self._names:
            self._miss(path)
        return path in self._names

    def _miss(self, name: str) -> None:
        self.missing[one_line(name)[:LONGEST_NAME]] = None

    def _encrypted(self) -> set[str]:
        """What only the seller's own reader can open. Fonts are among it in many a free book."""
        if ENCRYPTION not in self._members.archive.namelist():
            return set()
        return {_path("", reference.get("URI", "")) for reference in self._members.xml(ENCRYPTION).iter("{*}CipherReference")}

    def _labels(self) -> dict[str, _Label]:
        """What the table of contents calls each page, by the page's path; of several names the first."""
        labels: dict[str, _Label] = {}
        item = self._contents()
        path = "" if item is None else _path(self._folder, item.get("href", ""))
        if path and self._has(path):
            contents = self._members.xml(path, lenient=True)
            for href, text, level in (*_entries(contents), *_entries_of_old(contents)):
                if one_line(text):
                    labels.setdefault(_path(posixpath.dirname(path), href), _Label(one_line(text), level))
        return labels

    def _contents(self) -> Any:
        """The manifest's item for the table of contents, of EPUB 3 or else of EPUB 2; None if there is none."""
        spine = self._package.find("{*}spine")
        old = None if spine is None else self._items.get(spine.get("toc"))
        return next(filter(_is_contents, self._items.values()), old)


def _is_contents(item: Any) -> bool:
    return "nav" in item.get("properties", "").split()


def _entries(contents: Any) -> Iterator[tuple[str, str, int]]:
    """Address, text and level of each entry in a table of contents as EPUB 3 has it, a web page."""
    for nav in contents.iter("{*}nav"):
        if nav.get(f"{OPS}type") == "toc":
            for link in nav.iter("{*}a"):
                yield link.get("href", ""), "".join(link.itertext()), sum(1 for _ in link.iterancestors("{*}ol"))


def _entries_of_old(contents: Any) -> Iterator[tuple[str, str, int]]:
    """The same of a table of contents as EPUB 2 has it (NCX)."""
    for point in contents.iter("{*}navPoint"):
        target = point.find("{*}content")
        if target is not None:
            level = 1 + sum(1 for _ in point.iterancestors("{*}navPoint"))
            yield target.get("src", ""), point.findtext("{*}navLabel/{*}text") or "", level


def _path(folder: str, href: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))


def _page(data: bytes, source: str) -> tuple[Any, int]:
    """A chapter's tree, or None where there is none, and how many hidden parts of it are left out.

    Notes at the side and at the foot belong to a book's text.
    """
    page, hidden = parse_page(CLOSED_AT_ONCE.sub(_opened_and_closed, decode_page(data, source)))
    if page is not None:
        for note in list(page.iter("aside", "footer")):
            note.tag = "div"
    return page, hidden


def _opened_and_closed(tag: re.Match[str]) -> str:
    name, attributes = tag.groups()
    return tag.group() if name.lower() in VOID else f"<{name}{attributes}></{name}>"


def _name(page: Any, label: _Label | None, blocks: Blocks) -> None:
    """See that a chapter without a heading has the one from the table of contents."""
    if label is None or any(heading.text_content().strip() for heading in page.iter(*HEADING_TAGS)):
        return
    for element in islice(page.iter("p", "div"), FIRST):
        if one_line(element.text_content()).casefold() == label.text.casefold():
            element.tag = f"h{min(label.level, len(HEADING_TAGS))}"
            return
    blocks.add_heading(label.text, label.level)


def _damaged(source: str) -> FileError:
    return FileError(source, "it is a damaged or incomplete book (EPUB)", "Get a whole copy and index it again")


def _incomplete(source: str) -> FileError:
    return FileError(source, "it is an incomplete book (EPUB): a part is missing", "Get a whole copy and index it again")


def _locked(source: str) -> FileError:
    return FileError(source, "it is locked by a password or copy protection", "Use a copy without it")


FORMAT = Format("EPUB", MEDIA_TYPE, SUFFIXES, _recognises, _read)
