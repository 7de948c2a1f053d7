"""Encodings that bytes tell of without a mark: UTF-16 and UTF-32, ISO-2022-JP, and those of Cyrillic and of Japanese."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter

# UTF-32 first: as UTF-16 it is full of NULs.
WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
LOOKED_AT = 4096  # bytes; a text is known by its beginning
CONTROLS = "\t\n\r\f\v\b\x1b"  # that occur in honest text
# White space and ends of sentences: no text does without, and what is no text has hardly any.
BREAKS = frozenset(" \t\r\n\u00a0\u3000\u3001\u3002\uff0c\uff01\uff1f")
FEWEST_BREAKS = 200  # characters to one
# Blocks of 256 characters that any text may use: Latin, punctuation, kana and symbols, wide letters. Ideographs are one more.
SHARED_BLOCKS = (0x00, 0x20, 0x30, 0xFF)
IDEOGRAPHS, HANGUL = range(0x34, 0xA0), range(0xAC, 0xD8)
# Of the characters so many stand in the blocks that text may use and in the one or two of its own script.
OWN_BLOCKS, OWN_SHARE = 2, 0.95

# The switch to two bytes a letter, and those to its further sets.
JAPANESE_SHIFT = re.compile(rb"\x1b\$(?:[@B]|\([DOPQ])")

# Signs of any language, which tell nothing.
SIGNS = frozenset("„“”‚‘’‹›«»–—…•·€§°©®™±×\xa0\xad")
CYRILLIC = ("cp1251", "koi8_u", "iso8859_5", "cp866", "mac_cyrillic", "cp855")
WORD = re.compile(r"[^\W\d_]+")
# The letters that make up most of a text in any Slavic language; in a wrong encoding they are rare ones.
FREQUENT = frozenset("оеаинтсрвлі")
SOUND, USUAL, DIFFERENT = 0.97, 0.5, 3
JAPANESE = ("euc_jp", "cp932")
HIRAGANA = re.compile("[\u3041-\u3096]")
HIRAGANA_SHARE = 0.15


def wide_encoding(data: bytes) -> str | None:
    """UTF-16 or UTF-32 of a text in any script, without a mark at its beginning; None where the bytes are not that.

    What is no text is hardly ever taken for one: its characters lie all over, or have no breaks between them. Of two ways to
    read it (a zero in wrong order is an ideographic space) the one is right whose characters lie closer together.
    """
    texts = {encoding: _decoded(data[:LOOKED_AT], encoding) for encoding in WIDE}
    spread = {encoding: len({ord(character) >> 8 for character in text}) for encoding, text in texts.items() if _is_text(text)}
    return min(spread, key=spread.__getitem__, default=None)


def _decoded(data: bytes, encoding: str) -> str:
    """The beginning of a file in an encoding; empty where it is not that. At its end a character may be cut off."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return ""


def _is_text(text: str) -> bool:
    kinds = Counter(unicodedata.category(character) for character in text if character not in CONTROLS)
    if not text or kinds["Cc"] or (kinds["Cn"] + kinds["Co"]) * 100 > len(text):
        return False
    blocks = Counter(map(_block, text))
    breaks = sum(character in BREAKS for character in text)
    if blocks[0] < len(text) and breaks * FEWEST_BREAKS < len(text):
        return False
    shared = sum(blocks.pop(block, 0) for block in SHARED_BLOCKS)
    return shared + sum(times for _, times in blocks.most_common(OWN_BLOCKS)) >= OWN_SHARE * len(text)


def _block(character: str) -> int:
    block = ord(character) >> 8
    return next((blocks[0] for blocks in (IDEOGRAPHS, HANGUL) if block in blocks), block)


def is_iso_2022_jp(data: bytes) -> bool:
    """Whether bytes that are all ASCII switch to Japanese and back, as mails and old pages do."""
    return data.isascii() and JAPANESE_SHIFT.search(data) is not None


def cyrillic_encoding(data: bytes) -> str | None:
    """The encoding in which the words beyond ASCII are Cyrillic ones, written as words are, of the usual letters."""
    scores = {encoding: _cyrillic_score(data.decode(encoding, "replace")) for encoding in CYRILLIC}
    best = max(CYRILLIC, key=scores.__getitem__)
    return best if scores[best] else None


def _cyrillic_score(text: str) -> int:
    """How much of a text is Cyrillic words; 0 where it is not such a text."""
    words = [word for word in WORD.findall(text) if not word.isascii()]
    sound = "".join(word for word in words if _is_cyrillic(word))
    strange = sum(not (character.isascii() or character.isalpha() or character in SIGNS) for character in text)
    usual = sum(letter in FREQUENT for letter in sound.lower())
    capitals = sum(map(str.isupper, sound))
    if (len(set(sound)) < DIFFERENT or len(sound) < SOUND * (sum(map(len, words)) + strange) or usual < USUAL * len(sound)
            or capitals * 2 > len(sound)):
        return 0
    return usual + len(sound)


def _is_cyrillic(word: str) -> bool:
    return all("\u0400" <= letter <= "\u045f" or letter in "ґҐ" for letter in word) and (
        word.islower() or word.isupper() or word[1:].islower())


def japanese_encoding(data: bytes) -> str | None:
    """The encoding in which the text has as much hiragana as Japanese has, and no other language."""
    for encoding in JAPANESE:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if len(HIRAGANA.findall(text)) > HIRAGANA_SHARE * sum(not character.isascii() for character in text):
            return encoding
    return None
