"""Rich Text (RTF): paragraphs, lists and tables in order, headings by outline level or style.

Read here and not by a library: striprtf knows no headings, writes the addresses of links into the text, and takes time
that grows with the square of the file.
"""

from __future__ import annotations

import codecs
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass

from index.errors import FileError
from index.formats.base import Extract, Format
from index.formats.beside import add_margins, comments_notice
from index.formats.outline import Blocks, first_title, one_line, sensible_title, table_row

START = b"{\\rtf"
SUFFIXES = (".rtf",)
# A control word with its number, a byte in hexadecimal, a control symbol, a brace, a run of text; line ends mean nothing.
TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|([^\\{}\r\n]+)|[\r\n]+", re.S
)
HEADING_STYLE = re.compile(rb"\{\\s(\d{1,5})(?!\d)[^{}]{0,2000}?\bheading ([1-9])\b[^{};]{0,50};\}", re.I)
DEEPEST = 1000

NOTE = "footnote"  # or an endnote
SHAPES, TEXT_BOX = ("shp", "shpgrp"), "shptxt"
MARGINS = ("header", "headerf", "headerl", "headerr", "footer", "footerf", "footerl", "footerr")
# Groups whose text is not that of the document's own paragraphs; so are all that begin with "\*".
UNSEEN = {
    "annotation", "atnauthor", "atnid", "background", "bkmkend", "bkmkstart", "colortbl", "filetbl", "fldinst", "fonttbl",
    "info", "listtext", "nonesttables", "nonshppict", "object", "pict", "pntext", "revtbl", "rxe", "shp", "shpgrp",
    "stylesheet", "tc", "txe", "upr", "xe",
}  # fmt: skip
LIST_MARKS = ("listtext", "pntext")
SYMBOLS = {b"~": "\u00a0", b"_": "\u2011", b"{": "{", b"}": "}", b"\\": "\\"}
CHARACTERS = {
    "line": "\n", "tab": "\t", "emdash": "—", "endash": "–", "bullet": "•", "lquote": "‘", "rquote": "’",
    "ldblquote": "“", "rdblquote": "”", "emspace": "\u2003", "enspace": "\u2002", "qmspace": "\u2005", "nestcell": " ",
}  # fmt: skip
PARAGRAPH_ENDS = ("par", "sect", "page")
ENCODINGS = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
FONT_ENCODINGS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "cp936", 136: "cp950", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip


def _recognises(head: bytes, suffix: str) -> bool:
    return head.startswith(START)


def _read(data: bytes, source: str) -> Iterator[Extract]:
    reader = _Reader({int(style): int(level) for style, level in HEADING_STYLE.findall(data)})
    if not reader.read(data):
        raise FileError(
            source, "it is a damaged or incomplete Rich Text file", "Open it in a word processor and save it again"
        )
    blocks = reader.blocks
    title = sensible_title("".join(reader.title)) or first_title(blocks.headings)
    sections = add_margins(blocks, reader.margins(), title)
    yield Extract(title, blocks.text, sections, notices=comments_notice(reader.comments))


@dataclass(slots=True)
class _State:
    """What holds within a group and ends with it."""

    seen: bool = True
    in_title: bool = False
    in_shape: bool = False  # of which the text is seen, and not what else there is
    hidden: bool = False
    encoding: str = ""  # of the font; empty for that of the document
    stand_ins: int = 1  # how many characters after a "\u" are there for programs that do not know it
    level: int = 0  # of the heading; 0 for text
    in_table: bool = False
    beside: list[str] | None = None  # where the text of a note, a header or a footer goes


class _Reader:
    """Goes through the file once, and builds blocks out of what a reader of the document would see."""

    def __init__(self, heading_styles: dict[int, int]) -> None:
        self.blocks = Blocks()
        self.title: list[str] = []
        self.comments = 0
        self._margins: list[tuple[str, list[str]]] = []  # headers and footers, with their control word
        self._notes: list[list[str]] = []  # of the paragraph or row that is read
        self._table_notes: list[list[str]] = []  # of rows before it
        self._heading_styles = heading_styles
        self._state = _State()
        self._outer: list[_State] = []
        self._encoding = "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = 0  # the one whose entry in the table of fonts is read
        self._bytes = bytearray()  # not decoded yet
        self._text: list[str] = []  # of the paragraph or cell
        self._cells: list[str] = []
        self._listed = False
        self._last = ""  # what the block before is: "row", "item" or ""
        self._skip = 0  # stand-ins that are still to come

    def margins(self) -> list[str]:
        """What the headers say, then what the footers do."""
        return [_joined(said) for kind in MARGINS for word, said in self._margins if word == kind]

    def read(self, data: bytes) -> bool:
        """Whether `data` is whole: every group in it is closed."""
        at = 0
        while token := TOKEN.match(data, at):
            at = token.end()
            word, number, hexadecimal, symbol, brace, text = token.groups()
            if text or hexadecimal:
                self._add_bytes(text or bytes.fromhex(hexadecimal.decode()))
                continue
            self._skip = 0
            if word == b"bin":
                at += max(0, int(number or 0))
            elif word:
                self._do(word.decode(), None if number is None else int(number))
            elif symbol:
                self._do_symbol(symbol)
            elif brace == b"{":
                self._flush()
                self._outer.append(copy.copy(self._state))
                if len(self._outer) > DEEPEST:
                    return False
            elif brace == b"}":
                self._flush()
                if len(self._outer) == 1:  # what follows the document is not part of it
                    self._end_paragraph()
                    self._add_notes(self._table_notes)
                    self._add_notes(self._notes)
                    return True
                self._state = self._outer.pop()
        return False

    def _do(self, word: str, number: int | None) -> None:
        state = self._state
        if word == TEXT_BOX and state.in_shape:  # it stands behind its paragraph, as a note does
            state.seen, word = True, NOTE
            if state.beside is not None:
                self._add("\n")
        if word == NOTE or word in MARGINS:
            if state.seen and state.beside is None:
                state.beside = []
                if word == NOTE:
                    self._notes.append(state.beside)
                else:
                    self._margins.append((word, state.beside))
        elif word in UNSEEN:
            self.comments += word == "annotation"
            self._listed = self._listed or (word in LIST_MARKS and state.seen)
            state.in_shape = word in SHAPES and (state.seen or state.in_shape)
            state.seen = False
        elif word == "title":
            state.in_title = True
        elif word == "fcharset":
            self._fonts[self._font] = FONT_ENCODINGS.get(number or 0, "")
        elif word == "f":
            self._flush()
            self._font = number or 0
            state.encoding = self._fonts.get(self._font, "")
        elif word == "uc":
            state.stand_ins = number or 0
        elif word == "u":
            self._add(chr((number or 0) & 0xFFFF))
            self._skip = state.stand_ins
        elif word == "ansicpg":
            self._encoding = _code_page(number or 0)
        elif word in ENCODINGS:
            self._encoding = ENCODINGS[word]
        elif word in ("v", "deleted"):
            self._flush()
            state.hidden = number != 0
        elif word == "plain":
            self._flush()
            state.hidden = False
            state.encoding = ""
        elif word in CHARACTERS:
            self._add(CHARACTERS[word])
        elif state.seen:
            self._do_paragraph(word, number or 0)

    def _do_paragraph(self, word: str, number: int) -> None:
        state = self._state
        if state.beside is not None:
            if word in (*PARAGRAPH_ENDS, "cell", "row"):
                self._add("\n")
        elif word == "pard":
            state.level = 0
            state.in_table = False
        elif word == "s":
            state.level = self._heading_styles.get(number, 0)
        elif word == "outlinelevel":
            state.level = number + 1 if 0 <= number < 9 else 0
        elif word == "intbl":
            state.in_table = True
        elif word in PARAGRAPH_ENDS:
            if state.in_table:
                self._add("\n")
            else:
                self._end_paragraph()
        elif word == "cell":
            self._cells.append(one_line(self._taken()))
            self._listed = False
        elif word == "row":
            self._end_row()

    def _do_symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self._state.seen = False
        elif symbol in (b"\n", b"\r"):
            self._do_paragraph("par", 0)
        elif symbol in SYMBOLS:
            self._add(SYMBOLS[symbol])

    def _add_bytes(self, data: bytes) -> None:
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        self._bytes += data[skipped:]

    def _flush(self) -> None:
        """Decode what was gathered, before anything changes how that is done or where it goes."""
        if self._bytes:
            text = self._bytes.decode(self._state.encoding or self._encoding, "replace")
            self._bytes.clear()
            self._add(text)

    def _add(self, text: str) -> None:
        self._flush()
        if self._state.in_title:
            self.title.append(text)
        elif self._state.beside is not None:
            if self._state.seen and not self._state.hidden:
                self._state.beside.append(text)
        elif self._state.seen and not self._state.hidden:
            self._text.append(text)

    def _taken(self) -> str:
        """The text since the last paragraph or cell."""
        self._flush()
        text = _joined(self._text)
        self._text.clear()
        return text

    def _end_paragraph(self) -> None:
        self._end_row()
        text, level, listed = self._taken(), self._state.level, self._listed
        self._listed = False
        if not text:
            return
        self._add_notes(self._table_notes)
        if level:
            self.blocks.add_heading(text, level)
        elif listed:
            self.blocks.add(f"- {text}", tight=self._last == "item")
        else:
            self.blocks.add(text)
        self._last = "item" if listed and not level else ""
        self._add_notes(self._notes)

    def _add_notes(self, notes: list[list[str]]) -> None:
        for note in notes:
            for paragraph in _joined(note).split("\n"):
                self.blocks.add(paragraph.strip())
            self._last = ""
        notes.clear()

    def _end_row(self) -> None:
        row = table_row(self._cells)
        self._cells = []
        if row:
            self.blocks.add(row, tight=self._last == "row")
            self._last = "row"
            self._table_notes += self._notes
            self._notes = []


def _joined(parts: list[str]) -> str:
    """The text of its parts. Characters beyond the first 65,536 come in two halves."""
    return "".join(parts).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").strip()


def _code_page(number: int) -> str:
    try:
        return codecs.lookup("utf-8" if number == 65001 else f"cp{number}").name
    except LookupError:
        return "cp1252"


FORMAT = Format("RTF", "application/rtf", SUFFIXES, _recognises, _read)
