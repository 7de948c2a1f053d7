"""Receipts: the JSON of an answer is proof enough. Replaying one cuts every quote again and compares; nothing is searched."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from index.errors import DataError, SourceGone
from index.store import PassageStore
from index.types import document_id
from rag.compose import fingerprint
from rag.types import SCHEMA
from rag.words import normalised


@dataclass(frozen=True, slots=True)
class Check:
    """What replaying one citation showed. `problem` is empty where the quote stands where the receipt says."""

    number: int
    source: str
    start: int
    end: int
    problem: str = ""
    file_checked: bool = False

    @property
    def ok(self) -> bool:
        """Whether the citation holds."""
        return not self.problem


def load_receipt(data: bytes) -> dict[str, Any]:
    """Parse a receipt. Raises DataError where it is none, or of another schema."""
    try:
        receipt = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise DataError(f"the receipt is not JSON ({error})", "Write one with: pullquote ask … --json") from None
    if not isinstance(receipt, dict) or not isinstance(receipt.get("quotes"), list):
        raise DataError("the receipt has no list of quotes", "Write one with: pullquote ask … --json")
    if receipt.get("schema") != SCHEMA:
        raise DataError(f"the receipt has schema {receipt.get('schema')}; this Pullquote reads {SCHEMA}",
                        "Verify it with the version that wrote it")
    return receipt


def verify(receipt: dict[str, Any], store: PassageStore) -> list[Check]:
    """Replay every citation on the library's text, and on the file itself where it is still there.

    The document must have the hash that the receipt states, and its characters from `start` to `end` must be the quote
    (in further citations of one quote: the citation's own text, a copy of the quote). A table's header is cut again too.
    Raises DataError where the receipt lacks a field or contradicts itself.
    """
    paths = {info.document_id: info.path for info in store.sources()}
    try:
        checks = [_replay(quote, citation, index == 0, store, paths) for quote in receipt["quotes"]
                  for index, citation in enumerate(_cited(quote))]
        told = "\n".join(quote["text"] for quote in receipt["quotes"])
        if receipt["text"] != told and all(check.ok for check in checks):  # else the check says where it goes wrong
            raise DataError("the receipt's text is not that of its quotes", "Write it anew with: pullquote ask … --json")
        if receipt["answered"] and not checks:
            raise DataError("the receipt is of an answer, yet it cites nothing", "Write it anew with: pullquote ask … --json")
        return checks
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"the receipt lacks a field or has one of the wrong kind: {error}",
                        "Write it anew with: pullquote ask … --json") from None


def _cited(quote: dict[str, Any]) -> list[dict[str, Any]]:
    citations: list[dict[str, Any]] = quote["citations"]
    if not citations:
        raise KeyError("citations")
    return citations


def _is_copy(text: str, citation: dict[str, Any], quote: dict[str, Any]) -> bool:
    """Whether a further citation holds: what it says stands there, and is the quote but for marks and words like "the".

    A receipt of an earlier Pullquote does not say; its citations were the same words.
    """
    if "text" not in citation:
        return normalised(text) == normalised(quote["text"])
    return text == str(citation["text"]) and fingerprint(text) == fingerprint(quote["text"])


def _header_holds(text: str, quote: dict[str, Any]) -> bool:
    header = quote.get("header")
    if header is None:
        return True
    start, end = header["start"], header["end"]
    if not (type(start) is int and type(end) is int):
        raise TypeError("a header's start and end are whole numbers")
    return 0 <= start < end <= quote["start"] and text[start:end] == str(header["text"])


def _replay(quote: dict[str, Any], citation: dict[str, Any], first: bool, store: PassageStore, paths: dict[str, str]) -> Check:
    number, source, start, end = (citation[name] for name in ("number", "source", "start", "end"))
    if not (isinstance(source, str) and all(type(value) is int for value in (number, start, end))):
        raise TypeError("a citation's number, start and end are whole numbers, its source a name")

    def check(problem: str = "", file_checked: bool = False) -> Check:
        return Check(number, source, start, end, problem, file_checked)

    try:
        document = store.document(document_id(source))
    except SourceGone:
        return check("the document is no longer in the library")
    if document.text_sha256 != citation["text_sha256"]:
        return check("the document's text has changed")
    if document.file_sha256 != citation["file_sha256"]:
        return check("the document's file is another than the one that was cited")
    text = document.text[start:end] if 0 <= start < end <= len(document.text) else ""
    # What a citation says itself, a receipt of an earlier Pullquote does not tell.
    said = citation.get("text", text), citation.get("document_id", document.id)
    if not text or said != (text, document.id) or not (text == quote["text"] if first else _is_copy(text, citation, quote)):
        return check("other words stand at this place")
    if first and (quote["start"], quote["end"]) != (start, end):
        return check("the quote says that it stands elsewhere than its citation")
    page, heading = document.section_at(start).page, list(document.heading_of(start, end))
    if (citation["title"], citation["page"], citation["heading"]) != (document.title, page, heading):
        return check("the citation states another title, page or heading than the document")
    # A receipt of an earlier Pullquote does not say.
    if (citation.get("author", document.author), citation.get("date", document.date)) != (document.author, document.date):
        return check("the citation states another author or date than the document")
    low, high = quote["highlight"]
    if first and not start <= low < high <= end:
        return check("the highlight does not lie in the quote")
    if first and not _header_holds(document.text, quote):
        return check("other words stand where the table's header should")
    file = Path(paths[document.id]) if paths.get(document.id) else None
    if file is None or not file.is_file():
        return check()
    try:
        with file.open("rb") as opened:
            same = hashlib.file_digest(opened, "sha256").hexdigest() == document.file_sha256
    except OSError as error:
        return check(f"the file on disk cannot be read ({error.strerror})")
    return check("" if same else "the file on disk has changed since it was indexed", file_checked=True)
