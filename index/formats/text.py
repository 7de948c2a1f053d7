"""Plain text, and the decoding that every textual format starts with. The text is exactly what decoding gives."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from index.errors import FileError
from index.formats.base import Extract, Format

# UTF-32 first: its little-endian mark begins with that of UTF-16.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Tab, line feed, vertical tab, form feed, carriage return, backspace and escape occur in honest text.
CONTROLS = bytes(set(range(32)) - {8, 9, 10, 11, 12, 13, 27}) + b"\x7f"
CONTROL_SHARE = 0.05
# Textual on the surface, but what one reads in them is not the document.
MARKUP_NOT_TEXT = (b"{\\rtf", b"%!PS")
# Guessing an encoding is slow and gets no better after this much.
SAMPLE = 200_000
# With so few letters beyond ASCII any encoding fits; where they stand among many ASCII ones, the text is western.
FEW = 16
# Without a byte order mark these are not guessed: any few bytes pass for Chinese in them.
NOT_GUESSED = ["utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_32_le", "utf_32_be", "utf_7"]

SAVE_AS_UTF8 = "Save it as UTF-8 text and index it again"


def decode(data: bytes, source: str) -> str:
    """The bytes as text: by byte order mark, else as UTF-8 if they are valid, else by a guess from their statistics."""
    marked = _marked_encoding(data)
    if marked:
        text = _decode_marked(data, marked, source)
        # UTF-16 and UTF-32 are full of zero bytes, so here the characters are judged and not the bytes.
        _refuse_binary(text.encode("utf-8", "replace"), source)
        return text
    _refuse_binary(data, source)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_by_guess(data, source)


def is_textual(head: bytes) -> bool:
    """Whether a file that begins like this is text of some kind."""
    return not head.startswith(MARKUP_NOT_TEXT) and (_marked_encoding(head) is not None or not _is_binary(head))


def decode_head(head: bytes) -> str:
    """The beginning of a file as text, for looking at ASCII markup only."""
    return head.decode(_marked_encoding(head) or "latin-1", "ignore")


def _marked_encoding(data: bytes) -> str | None:
    return next((encoding for mark, encoding in BYTE_ORDER_MARKS if data.startswith(mark)), None)


def _decode_marked(data: bytes, encoding: str, source: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as problem:
        name = encoding.upper().removesuffix("-SIG")
        what = f"it begins as {name} text but is damaged at byte {problem.start}"
        raise FileError(source, what, SAVE_AS_UTF8) from problem


def _refuse_binary(data: bytes, source: str) -> None:
    if _is_binary(data):
        raise FileError(source, "it holds binary data, not text", "Remove it, or save it as UTF-8 text")


def _is_binary(data: bytes) -> bool:
    controls = len(data) - len(data.translate(None, CONTROLS))
    return controls > CONTROL_SHARE * len(data)


def _decode_by_guess(data: bytes, source: str) -> str:
    damaged = _as_damaged_utf8(data)
    if damaged is not None:
        return damaged
    for encoding in _likely_encodings(data):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileError(source, "its text encoding cannot be told", SAVE_AS_UTF8)


def _as_damaged_utf8(data: bytes) -> str | None:
    """The text of a file that is UTF-8 but for a few bytes (cut off within a character, say); else None."""
    text = data.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    sound = len(text) - len(text.encode("ascii", "ignore")) - damaged
    return text if sound >= 10 * damaged else None


def _likely_encodings(data: bytes) -> list[str]:
    from charset_normalizer import from_bytes

    beyond_ascii = len(data) - len(data.decode("ascii", "ignore"))
    western = ["cp1252"] if beyond_ascii <= FEW and beyond_ascii <= len(data) / 3 else []
    best = from_bytes(data[:SAMPLE], cp_exclusion=NOT_GUESSED).best()
    if best is None:
        return western
    # cp1250 and cp1252 share most letters; western text is often taken for eastern, hardly ever the reverse.
    return [*western, *(["cp1252"] if best.encoding == "cp1250" else []), best.encoding]


def _recognises(head: bytes, suffix: str) -> bool:
    return is_textual(head)


def _read(data: bytes, source: str) -> Iterator[Extract]:
    yield Extract(title="", text=decode(data, source))


FORMAT = Format("plain text", "text/plain", (".txt", ".text", ".log"), _recognises, _read)
