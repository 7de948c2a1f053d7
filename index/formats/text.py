"""Plain text, and the decoding that every textual format starts with. The text is exactly what decoding gives."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator

from index.errors import FileError
from index.formats.base import Extract, Format
from index.formats.encodings import SIGNS, cyrillic_encoding, is_iso_2022_jp, japanese_encoding, wide_encoding

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
# What Japanese mails are written in; this reads what the older of its kind hold as well.
ISO_2022_JP = "iso2022_jp_ext"
# With so few letters beyond ASCII any encoding fits; where they stand among many ASCII ones, the text is western.
FEW = 16
# What is guessed from statistics. Rarer ones are not: any few bytes pass for something in them.
GUESSED = ["cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874", "koi8_r", "cp866",
           "iso8859_6", "mac_roman", "cp850", "cp437", "cp932", "euc_jp", "gb18030", "big5", "cp949"]  # fmt: skip
# Encodings of Latin script, the usual first: letters of one are letters of the other as well, of a language that is none.
LATIN = ("cp1252", "cp1250", "iso8859_2", "cp1254", "cp1257", "mac_roman", "cp850")
# The letters beyond ASCII (and signs, where they are letters in another encoding) of languages, which tell those apart.
ALPHABETS = tuple(map(frozenset, (
    "éèêëçñïöáàô£¹²³½¼ºª", "äöüß²³", "àâæçéèêëîïôœùûüÿ", "áéíñóúü¿¡ºª", "áàâãçéêíóôõúºª", "àèéìíîòóùºª", "ëïéèóöüáíú",
    "àçéèíïóòúü·", "åäöéü", "åæøéôòóèêä", "áðéíóúýþæö", "äõöüšž", "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž",
    "áéíóöőúüű", "ăâîşţ", "čćđšž", "çğıöşüâîû", "ąčęėįšųūž", "āčēģīķļņšūž",
)))  # fmt: skip
# What is left of a Turkish capital I in small letters.
DOT = "\N{COMBINING DOT ABOVE}"
# What stands within no word, though it may stand at its end: a letter in another encoding.
WITHIN_WORD = re.compile(r"(?<=[^\W\d_])[±¹²³¼½¾¿¡£¶¦§¬](?=[^\W\d_])")
# The least share of the characters beyond ASCII that fit one language, and how many different ones, for what is not western.
FITTING, DIFFERENT = 0.9, 3

SAVE_AS_UTF8 = "Save it as UTF-8 text and index it again"


def decode(data: bytes, source: str) -> str:
    """The bytes as text: UTF-16 and UTF-32 as such, else as UTF-8 if they are valid, else by a guess from their letters.

    UTF-7 is the text that it looks like: nobody writes it but to deceive, and it cannot be told from other ASCII.
    """
    wide = _wide_encoding(data)
    if wide:
        text = _decode_wide(data, wide, source)
        # UTF-16 and UTF-32 are full of zero bytes, so here the characters are judged and not the bytes.
        _refuse_binary(text.encode("utf-8", "replace"), source)
        return text
    _refuse_binary(data, source)
    if is_iso_2022_jp(data) and (japanese := _as_damaged(data, ISO_2022_JP, sound=10)) is not None:
        return japanese
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_by_guess(data, source)


def is_textual(head: bytes) -> bool:
    """Whether a file that begins like this is text of some kind."""
    return not head.startswith(MARKUP_NOT_TEXT) and (_wide_encoding(head) is not None or not _is_binary(head))


def decode_head(head: bytes) -> str:
    """The beginning of a file as text, for looking at ASCII markup only."""
    return head.decode(_wide_encoding(head) or "latin-1", "ignore")


def _wide_encoding(data: bytes) -> str | None:
    """The encoding that a byte order mark names, or UTF-16 or UTF-32 without one: that has bytes that no other text has."""
    marked = next((encoding for mark, encoding in BYTE_ORDER_MARKS if data.startswith(mark)), None)
    beginning = data[:SAMPLE]
    if marked or len(beginning) == len(beginning.translate(None, CONTROLS)):
        return marked
    return None if _is_utf8(beginning) else wide_encoding(data)


def _is_utf8(data: bytes) -> bool:
    """Whether bytes are valid UTF-8 and no binary data; a character may be cut off at their end."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return not _is_binary(data)


def _decode_wide(data: bytes, encoding: str, source: str) -> str:
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
    if (halves := _in_halves(data)) is not None:
        return halves
    damaged = _as_damaged(data, "utf-8", sound=10)
    if damaged is not None:
        return damaged
    for encoding in _likely_encodings(data):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    if (damaged := _as_damaged(data, "utf-8", sound=1)) is not None:  # no other encoding has it
        return damaged
    raise FileError(source, "its text encoding cannot be told", SAVE_AS_UTF8)


def _in_halves(data: bytes) -> str | None:
    """The text of a file in UTF-8 but for halves of surrogate pairs, as some programs write them; None for any other."""
    try:
        halves = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _as_damaged(data: bytes, encoding: str, sound: int) -> str | None:
    """The text of a file in an encoding but for a few bytes (cut off within a character, say); else None.

    To one damaged place it has at least so many `sound` characters beyond ASCII.
    """
    text = data.decode(encoding, "replace")
    damaged = text.count("\ufffd")
    good = len(text) - len(text.encode("ascii", "ignore")) - damaged
    return text if good >= sound * damaged else None


def _likely_encodings(data: bytes) -> Iterator[str]:
    told = cyrillic_encoding(data[:SAMPLE]) or japanese_encoding(data)
    if told:
        yield told
    beyond_ascii = len(data) - len(data.decode("ascii", "ignore"))
    if beyond_ascii <= len(data) / 2:
        yield from _fitting_encoding(data[:SAMPLE])
    if beyond_ascii <= min(FEW, len(data) / 3):
        yield "cp1252"

    from charset_normalizer import from_bytes

    best = from_bytes(data[:SAMPLE], cp_isolation=GUESSED).best()
    if best:
        # cp1250 and cp1252 share most letters; western text is often taken for eastern, hardly ever the reverse.
        yield from ["cp1252"] * (best.encoding == "cp1250")
        yield best.encoding


def _fitting_encoding(data: bytes) -> list[str]:
    """The encoding, if any, in which the letters beyond ASCII are those of one language; of several, the most usual.

    Statistics of letters alone mistake western text for eastern and the reverse: too few letters are not ASCII.
    """
    shares = {encoding: _fitting_share(data, encoding) for encoding in LATIN}
    best = max(LATIN, key=shares.__getitem__)
    return [best] if shares[best] >= FITTING else []


def _fitting_share(data: bytes, encoding: str) -> float:
    text = data.decode(encoding, "replace").lower()
    found = Counter(character for character in text if not character.isascii() and character != DOT)
    if "\ufffd" in found or (len(found) < DIFFERENT and encoding != LATIN[0]):
        return 0.0
    fits = max(sum(found[letter] for letter in found.keys() & (letters | SIGNS)) for letters in ALPHABETS)
    return (fits - len(WITHIN_WORD.findall(text))) / max(found.total(), 1)


def _recognises(head: bytes, suffix: str) -> bool:
    return is_textual(head)


def _read(data: bytes, source: str) -> Iterator[Extract]:
    yield Extract(title="", text=decode(data, source))


FORMAT = Format("plain text", "text/plain", (".txt", ".text", ".log"), _recognises, _read)
