"""One small module a format: each turns a file's bytes into extracts, with places known as exact offsets.

A format is a `Format`: a name, the media type, the file suffixes it claims, a test on content, and a reader. To add
one, write a module with a `FORMAT` constant and list it in `FORMATS` (order matters: the first that recognises the
content). Of those in zip containers, the ones that name themselves come before the ones that may go by their suffix.
"""

from __future__ import annotations

from index.formats import delimited, docx, epub, html, jsonl, mail, markdown, odt, pdf, pptx, rtf, text, xlsx
from index.formats.base import Format

# Those with an unmistakable beginning, then those that go by their suffix, then what any text may be.
FORMATS: tuple[Format, ...] = (
    pdf.FORMAT,
    epub.FORMAT,
    odt.FORMAT,
    pptx.FORMAT,
    xlsx.FORMAT,
    docx.FORMAT,
    rtf.FORMAT,
    mail.MAILBOX,
    mail.MESSAGE,
    jsonl.FORMAT,
    markdown.FORMAT,
    html.FORMAT,
    delimited.FORMAT,
    text.FORMAT,
)


def detect(head: bytes, suffix: str) -> Format | None:
    """The format of a file by its first bytes and lower-case suffix (".md"); None if it is no document that is read."""
    return next((format for format in FORMATS if format.recognises(head, suffix)), None)
