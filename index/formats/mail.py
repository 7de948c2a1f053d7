"""Mail: a message (EML) is a document under its subject, and so is every message of a mailbox (MBOX).

A text that only begins like a letter stays a text: only what a mail program has written is taken for mail. A mail
that is attached is read after the one that brings it; what else is attached is named and not opened.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from email import message_from_bytes
from email.message import Message
from email.policy import EmailPolicy
from email.utils import parsedate_tz
from itertools import pairwise
from typing import Any, cast

from index.errors import FileError
from index.formats.base import Extract, Format

# What a mail says in HTML is made into blocks as web pages are.
from index.formats.html import as_browsers_do, parse_page, take_blocks, whole_content
from index.formats.outline import Blocks, one_line
from index.formats.text import decode, is_textual

MESSAGE_SUFFIXES = (".eml",)
MAILBOX_SUFFIXES = (".mbox", ".mbx")

# A line of a header with the lines that continue it.
FIELD = re.compile(rb"([!-9;-~]++):([^\r\n]*+(?:\r?\n[ \t][^\r\n]*+)*+)\r?\n")
# What nobody writes by hand above a letter.
TRACES = {b"message-id", b"mime-version", b"received", b"return-path", b"delivered-to", b"dkim-signature", b"x-mozilla-status"}
BY_HAND = {b"from", b"to", b"date", b"subject"}
# The line before each message of a mailbox: "From anna@example.org Mon May  4 10:00:00 2026".
FROM_LINE = rb"From [^\r\n]{0,200}\d\d:\d\d[^\r\n]{0,30}\d{4}[^\r\n]{0,30}\r?\n"
FIRST_FROM_LINE = re.compile(FROM_LINE)
EACH_FROM_LINE = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))" + FROM_LINE + rb"(?=[!-9;-~]+:)")
# Where a line of a message itself began with "From ", the mailbox has a ">" before it.
ESCAPED_FROM = re.compile(rb"^>(>*From )", re.M)

LINE_END = re.compile(r"\r\n?")
SHOWN = ("Subject", "From", "To", "Cc", "Date")
TEXTS = ("text/plain", "text/html", "text/markdown")
MAILS = ("message/rfc822", "message/global")
# A mail in a mail in a mail in a mail; one that is deeper in is named.
DEEPEST = 3
WORD = re.compile(r"\w+")
# The time to parse a field grows with the square of its length.
LONGEST_FIELD = 2000
# Codecs of Python's that are no encodings of a text, and as slow as one likes.
NO_CHARSETS = ("idna", "punycode")


def _is_message(head: bytes, suffix: str) -> bool:
    return is_textual(head) and _is_header(head, claimed=suffix in MESSAGE_SUFFIXES)


def _is_mailbox(head: bytes, suffix: str) -> bool:
    first = FIRST_FROM_LINE.match(head)
    return first is not None and is_textual(head) and _is_header(head[first.end() :], claimed=suffix in MAILBOX_SUFFIXES)


def _is_header(head: bytes, claimed: bool) -> bool:
    """Whether a file begins with a mail's header: nothing but fields up to an empty line, and those that it must have.

    That is a sender, a date that is one, and a trace of a mail program. Of a header that goes on beyond `head` two
    traces are enough; where the file's name claims a mail, so are two of the fields that one writes by hand.
    """
    fields: dict[bytes, bytes] = {}
    at = 0
    while field := FIELD.match(head, at):
        fields.setdefault(field[1].lower(), field[2])
        at = field.end()
    ended = head.startswith((b"\n", b"\r\n"), at)
    if not ended and b"\n" in head[at:].rstrip(b"\r\n"):
        return False
    if claimed and len(BY_HAND & fields.keys()) >= 2:
        return True
    traces = len(TRACES & fields.keys())
    dated = parsedate_tz(fields.get(b"date", b"").decode("ascii", "replace")) is not None
    return (traces >= 1 and dated and b"from" in fields) or (traces >= 2 and not ended)


def _read_message(data: bytes, source: str) -> Iterator[Extract]:
    yield _extract(data, source)


def _read_mailbox(data: bytes, source: str) -> Iterator[Extract]:
    starts = [line.start() for line in EACH_FROM_LINE.finditer(data)]
    for number, (start, end) in enumerate(pairwise([*starts, len(data)]), start=1):
        message = data[start:end].partition(b"\n")[2]
        yield _extract(ESCAPED_FROM.sub(rb"\1", message), source, key=str(number))


def _extract(data: bytes, source: str, key: str = "") -> Extract:
    message = message_from_bytes(data, policy=_POLICY)
    blocks = Blocks()
    _add_message(message, blocks, source)
    return Extract(_field(message, "Subject"), blocks.text, blocks.sections, key, code=tuple(blocks.code),
                   author=_author(message), date=_date(message))


def _add_message(message: Message, blocks: Blocks, source: str, depth: int = 0) -> None:
    """A mail, and below it those that are attached to it: each a section, so that what it says is told from what they say."""
    for number, name in enumerate(name for name in SHOWN if _field(message, name)):
        text = f"{name}: {_field(message, name)}"
        if depth and not number:
            blocks.add_heading(text, depth - DEEPEST)  # above whatever headings a mail in HTML has
        else:
            blocks.add(text, tight=number > 0)
    read = dict.fromkeys(_readable(message, source))
    for part in read:
        _add_body(part, blocks, source)
    attached = [part for part in _attached(message) if part not in read]
    mails = {part: mail for part in attached if depth < DEEPEST and (mail := _mail_in(part))}
    names = dict.fromkeys(_name(part) for part in attached if part not in mails)
    if names:
        blocks.add(f"Attachments: {', '.join(names)}")
    for mail in mails.values():
        _add_message(mail, blocks, source, depth + 1)


def _field(message: Message, name: str) -> str:
    return one_line(str(message.get(name, "")))


def _author(message: Message) -> str:
    """Who wrote a mail, by name, or else by address."""
    senders = getattr(message.get("From"), "addresses", ())  # the field as it stands has none: see `_Policy`
    names = [one.display_name or (one.addr_spec if one.domain else "") for one in senders]
    return "; ".join(filter(None, names)) or _field(message, "From")


def _date(message: Message) -> str:
    """The day on which a mail was sent, where it was written."""
    sent = getattr(message.get("Date"), "datetime", None)
    return sent.date().isoformat() if sent else ""


def _attached(part: Message, alternative: bool = False) -> Iterator[Message]:
    """What a message is made of; a message that is attached to it is one thing.

    Nothing is attached that is but another way to say the same, or a picture in it: that has no name.
    """
    parts = _parts(part)
    if not parts and (part.get_filename() or not alternative or part.get_content_type() in MAILS):
        yield part
    for inner in parts:
        yield from _attached(inner, alternative or part.get_content_type() == "multipart/alternative")


def _mail_in(part: Message) -> Message | None:
    """The mail that an attached part is, if it is one; what has been encoded to be attached has no fields that can be read."""
    payload = part.get_payload() if part.get_content_type() in MAILS else None
    mail = cast(Message, payload[0]) if isinstance(payload, list) and payload else None
    return mail if mail is not None and any(_field(mail, name) for name in SHOWN) else None


def _name(part: Message) -> str:
    """What to call an attached part: as its file is called, or a mail by its subject, or else its kind."""
    mail = _mail_in(part)
    subject = _field(mail, "Subject") if mail else ""
    return one_line(part.get_filename() or "") or subject or part.get_content_type()


def _readable(part: Message, source: str) -> list[Message]:
    """The parts to read, in order. Of alternatives the one in plain text, else the last, which says the most; that too
    where the plain one only says that there is another.
    """
    ways = [_readable(inner, source) for inner in _parts(part)]
    if not ways:
        return [part] if _is_text(part) else []
    if part.get_content_type() != "multipart/alternative":
        return [leaf for way in ways for leaf in way]
    fullest: list[Message] = next(filter(None, reversed(ways)), [])
    plain = next((way for way in ways if any(_is_plain(leaf) for leaf in way)), fullest)
    return fullest if plain is not fullest and _is_stub(_words(plain, source), _words(fullest, source)) else plain


def _is_stub(plain: set[str], full: set[str]) -> bool:
    """Whether a plain text is no other form of the full one: it is shorter, and does not have half of its words."""
    return len(plain) < len(full) and 2 * len(plain & full) < len(full)


def _words(parts: Sequence[Message], source: str) -> set[str]:
    """The words of some parts; of one that cannot be read none, for it may be that nobody has to read it."""
    said = Blocks()
    for part in parts:
        with suppress(FileError, ValueError, RecursionError):
            _add_body(part, said, source)
    return set(WORD.findall(said.text.casefold()))


def _parts(part: Message) -> list[Message]:
    """The parts that stand beside each other in this one; a message that is attached is no such part."""
    payload = part.get_payload() if part.get_content_maintype() == "multipart" else None
    return cast(list[Message], payload) if isinstance(payload, list) else []


def _is_text(part: Message) -> bool:
    # What claims to have several parts and has none is read as the text that it is.
    kind = part.get_content_type()
    textual = kind in TEXTS or (kind.startswith("multipart/") and not part.is_multipart())
    return textual and part.get_content_disposition() != "attachment"


def _is_plain(part: Message) -> bool:
    return part.get_content_type() == "text/plain" and bool(_content(part).strip())


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _add_body(part: Message, blocks: Blocks, source: str) -> None:
    text = _decode(_content(part), part.get_content_charset(), source)
    if part.get_content_type() != "text/html":
        blocks.add(LINE_END.sub("\n", text).strip())
    elif (page := parse_page(text)) is not None:
        take_blocks(whole_content(page), blocks)


def _decode(data: bytes, charset: str | None, source: str) -> str:
    """The text in the encoding that the mail states; where that is none or the wrong one, as any text."""
    if charset and "ascii" not in charset:
        try:
            if codecs.lookup(charset).name not in NO_CHARSETS:
                return data.decode(as_browsers_do(charset))
        except (LookupError, ValueError):
            pass
    return decode(data, source)


class _Policy(EmailPolicy):
    """Fields of a reasonable length, and as they stand where the standard library's parser stumbles over them."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:LONGEST_FIELD]

    def header_fetch_parse(self, name: str, value: str) -> Any:
        try:
            return super().header_fetch_parse(name, value)
        except Exception:  # it lets through whatever its layers raise
            return value


_POLICY = _Policy()

MESSAGE = Format("EML", "message/rfc822", MESSAGE_SUFFIXES, _is_message, _read_message)
MAILBOX = Format("MBOX", "application/mbox", MAILBOX_SUFFIXES, _is_mailbox, _read_mailbox)
