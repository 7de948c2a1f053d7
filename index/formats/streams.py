"""Whether the streams of a PDF are whole. pdfium gives what it can of a damaged one, or nothing, and says nothing of it.

Most streams are compressed, with a checksum. Where each of them begins and ends pdfium itself tells: it writes the document
anew, without a password, and in that copy they stand as they were, each below a plain dictionary that states its length.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any

_BEGIN = b">>stream\r\n"
_OBJECT = b" 0 obj\r\n"
_LIST = re.compile(rb" 0 obj\r\n\[")
_LENGTH = re.compile(rb"/Length (\d+)")
_FILTERS = re.compile(rb"/Filter(/[^\s/\[<>(]+|\[[^\]]*\])")
_NAME = re.compile(rb"/([^\s/\]]+)")
# Pictures, the programs of fonts and colours hold no text; forms do.
_ASIDE = re.compile(rb"/Length1 |/FunctionType |/N \d|/Subtype/(?!Form\b)")
# What a page shows; of a note it is a string.
_CONTENTS = re.compile(rb"/Contents(?![(<])(?: (\d+) 0 R|\[([ \dR]*)\])?")
_REFERENCE = re.compile(rb"(\d+) 0 R")
_PACKED = re.compile(rb"/Type\s*/(?:ObjStm|XRef)\b")
_KEYWORD = re.compile(rb"stream\r?\n")
_STRING = re.compile(rb"\((?:\\.|[^\\()])*\)", re.DOTALL)
# White space, or plain characters with an operator among them: "q", "BT", "re", "W*".
_PROGRAM = re.compile(rb"\s*|(?=(?:.*[\s\])>])?[A-Za-z]{1,3}\*?(?:\s|\Z))[\s!-~]*", re.DOTALL)
_SHOWS_TEXT = re.compile(rb"[)>\]]\s*T[jJ]\b")

_WITHOUT_CHECK = frozenset(
    b"LZW LZWDecode RL RunLengthDecode DCT DCTDecode CCF CCITTFaxDecode JBIG2Decode JPXDecode Crypt".split())
_NO_ASCII85 = re.compile(rb"[^!-uz\s\0]")
_NOUGHT = 33 * sum(85**place for place in range(5))  # what five digits "!" come to, which stand for it
_LONGEST = 10_000  # bytes of a dictionary
_PIECE = 1 << 16  # bytes that are unpacked at once
_MOST = 100_000_000  # that come of it: beyond, a stream is taken to be whole
_MOST_WRITTEN = 200_000_000  # bytes, at the most, of all pages that are written alone: a file has only so much time


class _Damaged(Exception):
    """A stream cannot be decoded to its end."""


@dataclass(frozen=True, slots=True)
class _Stream:
    """A stream as it is stored, the number of its object, and its dictionary."""

    number: int
    head: bytes
    data: memoryview


def damaged_pages(pdf: Any, blank: Collection[int]) -> list[int] | None:
    """The pages (from 1) of a pdfium document that make use of a damaged stream. Used under `index.formats.pdf.PDFIUM`.

    `blank` are those on which pdfium sees nothing at all: they are damaged, too, where they should show something. None
    where some stream is damaged, and it would take too long to tell what pages make use of it: each is written alone, with
    all that it shares with others.
    """
    written = _written(pdf)

    @cache
    def lost() -> bool:
        return _has_lost(written)

    some_are = _has_damage(written)
    suspected = range(1, len(pdf) + 1) if some_are else sorted(blank)
    if len(suspected) * len(written) > _MOST_WRITTEN:
        return None if some_are else []
    return [number for number in suspected
            if _has_damage(page := _page_alone(pdf, number)) or (number in blank and not _is_blank(page, lost))]


def has_damaged_objects(data: bytes) -> bool:
    """Whether one of those streams is damaged in which a file that is not encrypted packs its other objects."""
    return b"/Encrypt" not in data and any(_fails(_inflated, stream) for stream in _packed(data))


def _packed(data: bytes) -> Iterator[memoryview]:
    """What is compressed in such streams, and all that follows each in the file."""
    for match in _PACKED.finditer(data):
        keyword = _KEYWORD.search(data, match.end(), match.end() + _LONGEST)
        if keyword and b"/FlateDecode" in data[data.rfind(b"obj", 0, match.start()) : keyword.start()]:
            yield memoryview(data)[keyword.end() :]


def _written(pdf: Any) -> bytes:
    """The document as pdfium writes it; nothing where it cannot."""
    import pypdfium2
    from pypdfium2.raw import FPDF_REMOVE_SECURITY

    file = io.BytesIO()
    try:
        pdf.save(file, flags=FPDF_REMOVE_SECURITY)
    except pypdfium2.PdfiumError:
        return b""
    return file.getvalue()


def _page_alone(pdf: Any, number: int) -> bytes:
    """The same of one page, with all that the page makes use of."""
    import pypdfium2

    with closing(pypdfium2.PdfDocument.new()) as copy:
        try:
            copy.import_pages(pdf, [number - 1])
        except pypdfium2.PdfiumError:
            return b""
        return _written(copy)


def _streams(written: bytes) -> Iterator[_Stream]:
    """The streams of a document as pdfium writes it."""
    start = 0
    while (place := written.find(_BEGIN, start)) >= 0:
        keyword = written.rfind(_OBJECT, start, place)
        head = written[keyword + len(_OBJECT) : place]
        length = _LENGTH.search(head)
        data, start = place + len(_BEGIN), place + len(_BEGIN) + (int(length[1]) if length else 0)
        yield _Stream(_number(written, keyword), head, memoryview(written)[data:start])


def _number(written: bytes, keyword: int) -> int:
    return int(written[written.rfind(b"\n", 0, keyword) + 1 : keyword])


def _has_damage(written: bytes) -> bool:
    return not written or any(_fails(_decoded, stream) for stream in _streams(written) if not _ASIDE.search(stream.head))


def _fails(decode: Callable[[Any], bytes], stream: _Stream | memoryview) -> bool:
    try:
        decode(stream)
    except _Damaged:
        return True
    return False


def _is_blank(page: bytes, lost: Callable[[], bool]) -> bool:
    """Whether a page that can be decoded does show nothing; `lost` tells whether the document has lost what a page shows."""
    entry = _CONTENTS.search(page)
    if not entry:
        return not (any(map(_is_text, _streams(page))) or lost())
    contents = _referred(entry)
    shown = {stream.number: stream for stream in _streams(page) if stream.number in contents}
    return contents <= _lists_and_streams(page) and all(_PROGRAM.fullmatch(_text(stream)) for stream in shown.values())


def _has_lost(written: bytes) -> bool:
    """Whether what a page should show is not there."""
    there = _lists_and_streams(written)
    return not all(_referred(entry) <= there for entry in _CONTENTS.finditer(written))


def _is_text(stream: _Stream) -> bool:
    """Whether it is what a page shows, and holds text."""
    return b"/Subtype" not in stream.head and not _fails(_decoded, stream) and _SHOWS_TEXT.search(_text(stream)) is not None


def _lists_and_streams(written: bytes) -> set[int]:
    """The numbers of the objects that can be what a page shows."""
    lists = {_number(written, match.start()) for match in _LIST.finditer(written)}
    return lists | {stream.number for stream in _streams(written)}


def _referred(entry: re.Match[bytes]) -> set[int]:
    """The numbers of what a page shows; 0, which no object has, where the entry is no reference."""
    return set(map(int, _REFERENCE.findall(entry[0]))) if entry[1] or entry[2] is not None else {0}


def _text(stream: _Stream) -> bytes:
    return _STRING.sub(b"()", _decoded(stream))


def _decoded(stream: _Stream) -> bytes:
    """What a stream holds, or the first of it; nothing where that is not known here. Raises _Damaged."""
    data = bytes(stream.data)
    filters = _FILTERS.search(stream.head) if data.strip() else None
    for name in _NAME.findall(filters[1]) if filters else ():
        if name in _WITHOUT_CHECK:
            return b""
        if name not in _DECODERS:
            raise _Damaged
        data = _DECODERS[name](data)
    return data


def _inflated(data: bytes | memoryview) -> bytes:
    """The first of what was compressed, behind which may stand what was not."""
    inflater, first, size = zlib.decompressobj(), b"", 0
    try:
        for at in range(0, len(data), _PIECE):
            piece = inflater.decompress(data[at : at + _PIECE])
            first, size = first or piece, size + len(piece)
            if inflater.eof or size > _MOST:
                return first
    except zlib.error as problem:
        raise _Damaged from problem
    raise _Damaged


def _from_ascii85(data: bytes) -> bytes:
    """As `base64.a85decode`, but ten times as fast, and up to what is no digit."""
    digits = _NO_ASCII85.split(data, 1)[0].translate(None, b" \t\r\n\f\0").replace(b"z", b"!!!!!")
    lacking = -len(digits) % 5
    padded = digits + b"u" * lacking
    groups = zip(*(padded[place::5] for place in range(5)), strict=True)
    numbers = [(((a * 85 + b) * 85 + c) * 85 + d) * 85 + e - _NOUGHT for a, b, c, d, e in groups]
    try:
        return struct.pack(f">{len(numbers)}I", *numbers)[: 4 * len(numbers) - lacking]
    except struct.error as problem:
        raise _Damaged from problem


def _from_hex(data: bytes) -> bytes:
    digits = data.partition(b">")[0].translate(None, b" \t\r\n\f\0")
    try:
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))
    except ValueError as problem:
        raise _Damaged from problem


_DECODERS = {b"FlateDecode": _inflated, b"Fl": _inflated, b"ASCII85Decode": _from_ascii85, b"A85": _from_ascii85,
             b"ASCIIHexDecode": _from_hex, b"AHx": _from_hex}
