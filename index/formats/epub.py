"""EPUB books: the chapters in reading order, under their own headings or the names that the table of contents gives.

Which chapter stands below which is as the table of contents has it: whether a page's headings begin with the first level or
with the third is its own affair.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any
from urllib.parse import unquote

from index.errors import FileError
from index.formats.base import Extract, Format

# A chapter is a web page, so its blocks are made as those of web pages are.
from index.formats.hidden import hidden_notice
from index.formats.html import HEADING_TAGS, decode_page, parse_page, take_blocks, whole_content
from index.formats.outline import Blocks, Heading, one_line, sections_of, sensible_title
from index.formats.zips import ZIP, Members, check_zip
from index.types import Offsets

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
# Among this many elements from the top a chapter's name is sought, and a heading among so many names.
FIRST = 20
BLOCK_END = "\n\n"
WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """An entry of the table of contents: what it calls a page or a part of it, and the entries that it stands below."""

    text: str
    above: tuple[_Entry, ...]


@dataclass(slots=True)
class _Chapters:
    """A text under construction, page by page.

    A page that the table of contents names ends what stands at its level, and a heading that this names is of the level that
    it has there; the others are as far below these as the page says. A page that it does not name goes on with the chapter
    before, but with no heading within it.
    """

    texts: list[str] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    code: list[Offsets] = field(default_factory=list)
    length: int = 0
    _told: set[_Entry] = field(default_factory=set)  # those that are headings
    _level: int = len(HEADING_TAGS)  # of the chapter; before the first there is nothing to end
    _deeper: int = 0  # than the page says its headings are

    def add(self, page: Blocks, entries: Sequence[_Entry]) -> None:
        """Append a page, which has these entries in the table of contents."""
        start = self.length + len(BLOCK_END) * bool(self.texts)
        if entries:
            self._level = self._level_of(entries[0])
            self._deeper = self._level - min((heading.level for heading in page.headings), default=self._level)
        outermost = self._level if entries else 0
        self.headings.append(Heading(start, self._level if entries else self._level + 1, ""))
        waiting = list(entries)
        for heading in page.headings:
            if entry := next((entry for entry in waiting[:FIRST] if _are_the_same(entry.text, heading.text)), None):
                waiting.remove(entry)
                self._told.add(entry)
                self._level = self._level_of(entry)
                self._deeper = self._level - heading.level
                outermost = min(outermost, self._level)
            level = max(heading.level + self._deeper, outermost)
            self.headings.append(replace(heading, start=start + heading.start, level=level))
        self.code += ((start + begin, start + end) for begin, end in page.code)
        self.texts.append(page.text)
        self.length = start + len(page.text)

    def _level_of(self, entry: _Entry) -> int:
        """That of a heading. What is below a name that is none, as a part's whose entry leads to its first chapter, is not
        taken to be below whatever heading came last.
        """
        return 1 + len(self._told.intersection(entry.above))


def _are_the_same(name: str, heading: str) -> bool:
    """Whether a heading is what the table of contents calls it; one of them may have a number, say, that the other lacks."""
    name, heading = (f" {' '.join(WORD.findall(text.casefold()))} " for text in (name, heading))
    return name in heading or heading in name


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
        chapters = _Chapters()
        hidden = 0
        for path in book.chapters():
            page, left_out = _page(book.read(path), source)
            hidden += left_out
            if page is not None and page.xpath("string(//body)").strip():
                entries = book.entries.get(path, [])
                blocks = _blocks_of(page, entries[0].text if entries else "")
                if blocks.text:
                    chapters.add(blocks, entries)
    if book.missing and not chapters.texts:
        raise _incomplete(source)
    yield Extract(book.title, BLOCK_END.join(chapters.texts), sections_of(chapters.headings, chapters.length),
                  code=tuple(chapters.code), author=book.author, date=book.date,
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
        self.entries = self._entries()

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

    def _entries(self) -> dict[str, list[_Entry]]:
        """What the table of contents says of each page, by the page's path."""
        entries: dict[str, list[_Entry]] = {}
        item = self._contents()
        path = "" if item is None else _path(self._folder, item.get("href", ""))
        if path and self._has(path):
            contents = self._members.xml(path, lenient=True)
            of: dict[Any, _Entry] = {}
            for place, href, text in (*_links(contents), *_links_of_old(contents)):
                if one_line(text):
                    above = tuple(of[outer] for outer in place.iterancestors(place.tag) if outer in of)
                    of[place] = _Entry(one_line(text), above)
                    entries.setdefault(_path(posixpath.dirname(path), href), []).append(of[place])
        return entries

    def _contents(self) -> Any:
        """The manifest's item for the table of contents, of EPUB 3 or else of EPUB 2; None if there is none."""
        spine = self._package.find("{*}spine")
        old = None if spine is None else self._items.get(spine.get("toc"))
        return next(filter(_is_contents, self._items.values()), old)


def _is_contents(item: Any) -> bool:
    return "nav" in item.get("properties", "").split()


def _links(contents: Any) -> Iterator[tuple[Any, str, str]]:
    """Each entry in a table of contents as EPUB 3 has it, a web page: the item that it is, its address and its text."""
    for nav in contents.iter("{*}nav"):
        if nav.get(f"{OPS}type") == "toc":
            for link in nav.iter("{*}a"):
                item = next(link.iterancestors("{*}li"), link)
                yield item, link.get("href", ""), "".join(link.itertext())


def _links_of_old(contents: Any) -> Iterator[tuple[Any, str, str]]:
    """The same of a table of contents as EPUB 2 has it (NCX)."""
    for point in contents.iter("{*}navPoint"):
        target = point.find("{*}content")
        if target is not None:
            yield point, target.get("src", ""), point.findtext("{*}navLabel/{*}text") or ""


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


def _blocks_of(page: Any, name: str) -> Blocks:
    """A page's blocks. One without a heading has the name that the table of contents gives, if any."""
    blocks = Blocks()
    if name and not any(heading.text_content().strip() for heading in page.iter(*HEADING_TAGS)):
        same = (element for element in islice(page.iter("p", "div"), FIRST)
                if one_line(element.text_content()).casefold() == name.casefold())
        if (element := next(same, None)) is not None:
            element.tag = HEADING_TAGS[0]
        else:
            blocks.add_heading(name, 1)
    take_blocks(whole_content(page), blocks)
    return blocks


def _damaged(source: str) -> FileError:
    return FileError(source, "it is a damaged or incomplete book (EPUB)", "Get a whole copy and index it again")


def _incomplete(source: str) -> FileError:
    return FileError(source, "it is an incomplete book (EPUB): a part is missing", "Get a whole copy and index it again")


def _locked(source: str) -> FileError:
    return FileError(source, "it is locked by a password or copy protection", "Use a copy without it")


FORMAT = Format("EPUB", MEDIA_TYPE, SUFFIXES, _recognises, _read)
