"""Mail: a message (EML) is a document under its subject, and so is every message of a mailbox (MBOX).

A text that only begins like a letter stays a text: only what a mail program has written is taken for mail. A mail
that is attached is read after the one that brings it; what else is attached is named and not opened. A mail that is cut
off says so, as far as it can be told: by a boundary that never comes, an encoding that stops halfway, or its stated length.
"""

from __future__ import annotations

import base64
import codecs
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from email import message_from_bytes
from email.errors import (
    CloseBoundaryNotFoundDefect,
    InvalidBase64LengthDefect,
    InvalidBase64PaddingDefect,
    StartBoundaryNotFoundDefect,
)
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
EACH_FROM_LINE = re.compile(rb"(?:\A|(?<=\n))" + FROM_LINE + rb"(?=[!-9;-~]+:)")
# Where a line of a message itself began with "From ", the mailbox has a ">" before it.
ESCAPED_FROM = re.compile(rb"^>(>*From )", re.M)

LINE_END = re.compile(r"\r\n?")
SHOWN = ("Subject", "From", "To", "Cc", "Date")
ENCODING = "Content-Transfer-Encoding"
TEXTS = ("text/plain", "text/html", "text/markdown")
MAILS = ("message/rfc822", "message/global")
# A mail in a mail in a mail in a mail; one that is deeper in is named.
DEEPEST = 3
WORD = re.compile(r"\w+")
# The time to parse a field grows with the square of its length.
LONGEST_FIELD = 2000
# The empty line below the header, and what is left of an escape where a quoted-printable text is cut off.
HEADER_END = re.compile(rb"\n\r?\n")
HALF_AN_ESCAPE = re.compile("=[0-9A-Fa-f]?\\Z")
UNCLOSED = (StartBoundaryNotFoundDefect, CloseBoundaryNotFoundDefect)
HALF_DECODED = (InvalidBase64LengthDefect, InvalidBase64PaddingDefect)
CUT_OFF = "it is incomplete, and its end missing: get a whole copy and index it again"
HOLDS_CUT_OFF = "a mail attached to it is incomplete, and its end missing"
# Messages of a mailbox that are each said to be incomplete; further ones are counted.
MOST_NOTICES = 10
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
    extract = _extract(data, source)
    if extract.notices and not extract.text:
        what = "it is an incomplete mail: it ends before its text begins"
        raise FileError(source, what, "Get a whole copy and index it again")
    yield extract


def _read_mailbox(data: bytes, source: str) -> Iterator[Extract]:
    starts = [line.start() for line in EACH_FROM_LINE.finditer(data)]
    before: Extract | None = None
    incomplete = empty = 0
    for number, (start, end) in enumerate(pairwise([*starts, len(data)]), start=1):
        extract = _extract(data[start:end].partition(b"\n")[2], source, key=str(number), escaped=True)
        if not extract.text:
            empty += 1
            continue
        incomplete += bool(extract.notices)
        if before:
            yield before
        before = extract if incomplete <= MOST_NOTICES else replace(extract, notices=())
    if before:  # the last tells what none of them tells of itself
        yield replace(before, notices=(*before.notices, *_mailbox_notices(incomplete - MOST_NOTICES, empty)))


def _mailbox_notices(incomplete: int, empty: int) -> Iterator[str]:
    if incomplete > 0:
        yield f"{incomplete} more of its mailbox's messages are incomplete" if incomplete > 1 else (
            "1 more of its mailbox's messages is incomplete")
    if empty:
        yield f"{empty} of its mailbox's messages end before their text begins, and are left out" if empty > 1 else (
            "1 of its mailbox's messages ends before its text begins, and is left out")


def _extract(data: bytes, source: str, key: str = "", escaped: bool = False) -> Extract:
    """A mail as a document; without a text where it is cut off before that begins, or has none."""
    header = HEADER_END.search(data)
    if header is None:
        return Extract("", "", key=key, notices=(CUT_OFF,))
    message = message_from_bytes(ESCAPED_FROM.sub(rb"\1", data) if escaped else data, policy=_POLICY)
    blocks = Blocks()
    _add_fields(message, blocks)
    fields = blocks.text
    cut = _add_content(message, blocks, source)
    ends_early = 0 in cut or _is_too_short(message, data[header.end() :])
    if ends_early and blocks.text == fields:
        blocks = Blocks()
    notices = (CUT_OFF,) if ends_early else (HOLDS_CUT_OFF,) if cut else ()
    return Extract(_field(message, "Subject"), blocks.text, blocks.sections, key, notices, tuple(blocks.code),
                   _author(message), _date(message))


def _is_too_short(message: Message, body: bytes) -> bool:
    """Whether a mail ends before the length that it states.

    A boundary that is there tells more: who takes an attachment out of a mail often leaves the length as it was.
    """
    stated = _field(message, "Content-Length")
    as_sent = len(body) + body.count(b"\n") - body.count(b"\r\n")  # it may have been counted with longer line ends
    return not message.is_multipart() and re.fullmatch(r"\d{1,12}", stated) is not None and as_sent < int(stated)


def _is_cut_off(message: Message, depth: int) -> bool:
    """Whether the parts of a mail, or the text that it is, do not come to their end.

    A mail that comes back with no more than its header is not cut off: that is how servers report it.
    """
    if any(isinstance(defect, UNCLOSED) for defect in message.defects):
        return message.is_multipart() or not depth or bool(_content(message).strip())
    if message.is_multipart() or not _is_text(message):
        return False
    if any(isinstance(defect, HALF_DECODED) for defect in message.defects):
        return True
    quoted = _field(message, ENCODING).lower() == "quoted-printable"
    return quoted and HALF_AN_ESCAPE.search(str(message.get_payload())[-2:]) is not None


def _add_fields(message: Message, blocks: Blocks, depth: int = 0) -> None:
    for number, name in enumerate(name for name in SHOWN if _field(message, name)):
        text = f"{name}: {_field(message, name)}"
        if depth and not number:
            blocks.add_heading(text, depth - DEEPEST)  # above whatever headings a mail in HTML has
        else:
            blocks.add(text, tight=number > 0)


def _add_content(message: Message, blocks: Blocks, source: str, depth: int = 0) -> list[int]:
    """What a mail says, and below it those that are attached to it: each a section, so that what it says is told from what
    they say. Returns how deep in those are that are cut off.
    """
    read = dict.fromkeys(_readable(message, source))
    for part in read:
        _add_body(part, blocks, source)
    cut = [depth] if _is_cut_off(message, depth) else []
    attached = [part for part in _attached(message) if part not in read]
    mails = {part: mail for part in attached if depth < DEEPEST and (mail := _mail_in(part))}
    names = dict.fromkeys(_name(part) for part in attached if part not in mails)
    if names:
        blocks.add(f"Attachments: {', '.join(names)}")
    for mail in mails.values():
        _add_fields(mail, blocks, depth + 1)
        cut += _add_content(mail, blocks, source, depth + 1)
    return cut


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
    """The mail that an attached part is, if it is one."""
    payload = part.get_payload() if part.get_content_type() in MAILS else None
    mail = cast(Message, payload[0]) if isinstance(payload, list) and payload else None
    if mail is not None and not _has_fields(mail) and _field(part, ENCODING).lower() == "base64":  # as no mail should be
        del mail[ENCODING]
        mail[ENCODING] = "base64"
        mail = message_from_bytes(_content(mail), policy=_POLICY)
    return mail if mail is not None and _has_fields(mail) else None


def _has_fields(mail: Message) -> bool:
    return any(_field(mail, name) for name in SHOWN)


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
    if not isinstance(content, bytes):
        return b""
    if any(isinstance(defect, InvalidBase64LengthDefect) for defect in part.defects):  # then it is not decoded at all
        with suppress(ValueError):
            return base64.b64decode(content[: len(content) // 4 * 4])
        return b""
    return content


def _add_body(part: Message, blocks: Blocks, source: str) -> None:
    text = _decode(_content(part), part.get_content_charset(), source)
    if part.get_content_type() != "text/html":
        blocks.add(LINE_END.sub("\n", text).strip())
    elif (page := parse_page(text)[0]) is not None:
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
