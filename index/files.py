"""From the disk to documents: find the files under a root, and read one file as the documents it holds.

One bad file never stops the others: what is wrong with it is a `FileError` that says why and what to do.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from index.errors import Empty, FileError, NoText
from index.formats import FORMATS, detect, jsonl
from index.formats.base import Extract, Format
from index.formats.outline import one_line
from index.formats.signatures import SAVE_AS, kind_of
from index.ocr import Ocr
from index.types import Document, Section, document_id, sha256_text
from index.walk import LOCK, Ignored, ignored_in, is_hidden, is_text, without_own

MOST_MEGABYTES = 200  # of one file
MOST_CHARACTERS = 50_000_000  # of text and headings in one file
LONGEST_STATED = 200  # characters of an author or a date
HEAD = 4096
MEGABYTE = 1_000_000
# A lone surrogate cannot be written as UTF-8, and a NUL ends the text for many a library.
UNWRITABLE = re.compile("[\0\ud800-\udfff]")

SAVE_AGAIN = "Remove it, or save it again with its content"
GRANT_ACCESS = "Give yourself permission to read it, or leave it out"


class Found(NamedTuple):
    """A file under a root: where it is (absolute, if the root is), the source it will be cited as, and what tells whether it
    has changed. A tuple, since there may be a million.
    """

    path: str
    source: str
    size: int
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True, slots=True)
class Content:
    """What a file was found to hold: nothing in it is proven before documents are made of it.

    `modified` is the file's modification time in seconds since the epoch.
    """

    media_type: str
    file_sha256: str
    modified: float
    extracts: tuple[Extract, ...]


def find_files(root: Path, name: str, top: Path | None = None, passed: list[str] | None = None) -> Iterator[Found | FileError]:
    """Every regular file under `root` in a stable order, its source beginning with `name`; what cannot be looked at
    comes as a FileError in its place.

    Hidden files and folders are left out, the index's own in the home of a library, and what `.pullquoteignore` files name;
    those of folders above the root hold too, from `top` down. So are symbolic links: what they lead to inside the root is
    found under its own name, and what lies outside was not asked for. The sources of these, and of what is neither a file
    nor a folder, go to `passed`. No suffix is left out; `read_documents` looks at the content.
    """
    try:
        is_folder = stat.S_ISDIR(root.stat().st_mode)
    except OSError as problem:
        yield _cannot(problem, name, FileError(name, "there is no such file or folder",
                                               f"Its documents stay; to take them out: pullquote remove {name}"))
        return
    if is_folder:
        try:
            ignored = ignored_in(top or root, root, name)
        except FileError as problem:
            yield problem
            return
        yield from _find_below(str(root), name, ignored, [] if passed is None else passed)
    elif root.name.startswith(LOCK):
        yield FileError(name, "it is the lock file of a document that is open", "Leave it out; it goes when that is closed")
    else:
        yield _look_at(str(root), name)


def read_documents(path: Path, source: str, ocr: Ocr | None = None) -> list[Document]:
    """The documents that a file holds: one, or for JSON Lines one a row. All of them, or a FileError and none.

    Files from strangers are better read by `index.sandbox`.
    """
    return documents_of(read_content(path, source, ocr=ocr), source)


def read_content(path: Path, source: str, most_characters: int = MOST_CHARACTERS, ocr: Ocr | None = None,
                 most_megabytes: int = MOST_MEGABYTES) -> Content:
    """What a file holds, as its format's reader gives it. Raises FileError, also for more than so many characters or
    megabytes.
    """
    data, modified = _read_bytes(path, source, most_megabytes * MEGABYTE)
    format = _format_of(data, path.suffix.lower())
    if format is None:
        raise _not_a_document(data[:HEAD], source)
    digest = hashlib.sha256(data).hexdigest()
    extracts = []
    characters = 0
    try:
        for extract in _extracts(format, data, source, ocr):
            characters += len(extract.text) + sum(len(part) for section in extract.sections for part in section.heading)
            if characters > most_characters:
                raise _too_long(characters, most_characters, source)
            extracts.append(extract)
    except NoText as error:
        error.file_sha256 = digest
        raise
    return Content(format.media_type, digest, modified, tuple(extracts))


def documents_of(content: Content, source: str) -> list[Document]:
    """The documents that a file's content makes. Raises Empty where no text was found and nothing kept from being read,
    FileError where one is without text, or two have the same source: keys that differ may not do so any more once they are
    fit to be stored.
    """
    if not any(extract.text.strip() or extract.notices for extract in content.extracts):
        raise Empty(source, "there is no text in it", SAVE_AGAIN)
    documents = [_document(extract, content, source) for extract in content.extracts]
    twice = [name for name, times in Counter(document.source for document in documents).items() if times > 1]
    if twice:
        raise FileError(source, f"it holds two documents called {twice[0]}", "Give each an id of its own")
    return documents


def readable_formats() -> str:
    """The names of the formats that are read, for messages: "PDF, Word, … and plain text"."""
    names = [format.name for format in FORMATS]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _find_below(folder: str, source: str, ignored: Ignored, passed: list[str]) -> Iterator[Found | FileError]:
    waiting = [(folder, source, ignored, True)]  # a stack: folders may be nested deeper than Python calls functions
    while waiting:
        path, source, ignored, is_folder = waiting.pop()
        if not is_folder or not is_text(path):
            yield _look_at(path, source)
            continue
        try:
            with os.scandir(path) as listing:
                entries = sorted(without_own(listing), key=lambda entry: entry.name, reverse=True)
            ignored = ignored.within(Path(path), source)
        except FileError as problem:
            yield problem
            continue
        except OSError as problem:
            yield _cannot(problem, source, _gone(source))
            continue
        for entry in entries:
            if is_hidden(entry.name):
                continue
            is_folder = entry.is_dir(follow_symlinks=False)
            if ignored.files and ignored.covers(Path(entry.path), is_folder):
                continue
            name = f"{source}/{writable(entry.name)}"
            if is_folder or entry.is_file(follow_symlinks=False):
                waiting.append((entry.path, name, ignored, is_folder))
            else:  # a link, say
                passed.append(name)


def _look_at(path: str, source: str) -> Found | FileError:
    if not is_text(path):
        return FileError(source, "its name, or a folder's above it, is not valid text", "Rename it")
    try:
        status = os.stat(path)  # noqa: PTH116 (a Path for each takes as long as all else)
    except OSError as problem:
        return _cannot(problem, source, _gone(source))
    if not stat.S_ISREG(status.st_mode):
        return FileError(source, "it is neither a file nor a folder", "Leave it out")
    if not os.access(path, os.R_OK):
        return FileError(source, "you may not read it", GRANT_ACCESS)
    return Found(path, source, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _format_of(data: bytes, suffix: str) -> Format | None:
    """The format of a file's content. What only begins like JSON Lines, and has no name of theirs, is what it would be else."""
    head = data[:HEAD]
    format = detect(head, suffix)
    if format is not jsonl.FORMAT or suffix in format.suffixes or jsonl.holds_rows(data):
        return format
    return next((other for other in FORMATS if other is not format and other.recognises(head, suffix)), None)


def _read_bytes(path: Path, source: str, most: int) -> tuple[bytes, float]:
    """A file's bytes, of which there may be so many, and the time of its last modification, taken from the same open file."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            raise FileError(source, "it is not a regular file", "Leave it out")
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size > most:
                raise _too_large(status.st_size, most, source)
            data = file.read(status.st_size + 1)  # room for the most would be taken at once, for the smallest file
            if len(data) > status.st_size:  # it has grown meanwhile
                data += file.read(max(0, most + 1 - len(data)))
    except OSError as problem:
        raise _cannot(problem, source, _gone(source)) from problem
    if len(data) > most:
        raise _too_large(len(data), most, source)
    if not data:
        raise Empty(source, "it is empty", SAVE_AGAIN)
    return data, status.st_mtime


def _extracts(format: Format, data: bytes, source: str, ocr: Ocr | None) -> Iterator[Extract]:
    """What the format's reader finds, fit to be stored. Whatever a strange file makes a library raise is a FileError here."""
    try:
        with_ocr = format.read_with_ocr
        for extract in with_ocr(data, source, ocr) if ocr and with_ocr else format.read(data, source):
            yield replace(extract, title=writable(extract.title), text=writable(extract.text), key=writable(extract.key),
                          author=writable(extract.author), date=writable(extract.date))
    except FileError:
        raise
    except Exception as problem:
        deep = isinstance(problem, RecursionError)
        reason = "it is nested too deep" if deep else " ".join(str(problem).split()) or type(problem).__name__
        raise FileError(
            source, f"it cannot be read as {format.name}: {reason}", "Open it in its own program and save it again"
        ) from problem


def _document(extract: Extract, content: Content, source: str) -> Document:
    text, title = extract.text, one_line(extract.title)
    full_source = f"{source}#{extract.key}" if extract.key else source
    if not text.strip():
        raise FileError(full_source, "there is no text in it", SAVE_AGAIN)
    return Document(
        id=document_id(full_source),
        source=full_source,
        title=title or title_from(source),
        text=text,
        media_type=content.media_type,
        file_sha256=content.file_sha256,
        text_sha256=sha256_text(text),
        sections=extract.sections or (Section(0, len(text)),),
        modified=content.modified,
        titled=bool(title),
        notices=extract.notices,
        code=extract.code,
        author=_stated(extract.author),
        date=_stated(extract.date),
    )


def _stated(text: str) -> str:
    """What a document states of itself, on one line; nothing where it is too long to be what it claims to be."""
    told = one_line(text)
    return told if len(told) <= LONGEST_STATED else ""


def title_from(source: str) -> str:
    """The title of a document that has none of its own: its file's name, without a suffix that tells the format."""
    path = PurePosixPath(source)
    claimed = any(path.suffix.lower() in format.suffixes for format in FORMATS)
    return one_line(path.stem if claimed else path.name) or source


def writable(text: str) -> str:
    """The text with what cannot be stored replaced, one character for one character: every offset stays as it was."""
    return UNWRITABLE.sub("\ufffd", text)


def _cannot(problem: OSError, source: str, missing: FileError) -> FileError:
    """The error for a file that the system does not let us look at; `missing` is the one where there is no file."""
    if isinstance(problem, (FileNotFoundError, NotADirectoryError)):
        return missing
    if isinstance(problem, PermissionError):
        return FileError(source, "you may not read it", GRANT_ACCESS)
    reason = problem.strerror or type(problem).__name__
    return FileError(source, f"it cannot be read: {reason}", "Check the path and the disk")


def _gone(source: str) -> FileError:
    return FileError(source, "it was there a moment ago and is gone", "Index again")


def _too_large(size: int, most: int, source: str) -> FileError:
    return FileError(
        source,
        f"it has {size / MEGABYTE:.1f} MB, and the limit is {most / MEGABYTE:.0f} MB",
        "Split it into smaller files, or raise read_megabytes (PULLQUOTE_READ_MEGABYTES)",
    )


def _too_long(characters: int, most: int, source: str) -> FileError:
    return FileError(
        source,
        f"its text has {characters:,} characters or more, and the limit is {most:,}",
        "Split it into smaller files, or raise read_characters (PULLQUOTE_READ_CHARACTERS)",
    )


def _not_a_document(head: bytes, source: str) -> FileError:
    other = SAVE_AS.get(PurePosixPath(source).suffix.lower())
    return FileError(
        source,
        f"it is {kind_of(head)}, not a document format that can be read",
        f"Save it as {other}" if other else f"Leave it out, or save its text in one of these: {readable_formats()}",
    )
