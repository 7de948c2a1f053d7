"""Reading files where it can do no harm: in a process of its own, with limits of memory, time and output.

What a strange file makes a parser do ends with that process. What comes back is plain JSON, never a pickle, and it becomes
documents here by the same checks as anywhere. The process is kept from file to file, and replaced when it had to end.
"""

from __future__ import annotations

import json
import math
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

from index.errors import Empty, FileError, NeedsOcr, NoText, PullquoteError
from index.files import MOST_CHARACTERS, MOST_MEGABYTES, Content, documents_of, read_content
from index.formats.base import Extract, lacks_memory
from index.ocr import MOST_PAGES, PAGE_SECONDS, Ocr
from index.process import command, limit
from index.types import Document, Section

MEGABYTE = 1_000_000
START = 60  # seconds that a worker may take until it is ready, on a machine that is busy
# Bytes of JSON for a character: 12 if it is beyond the first 65,536; the rest is room for sections and titles.
ENCODED = 64
OUT_OF_MEMORY = b"out of memory"
PAGE = re.compile(rb"page (\d{1,9})")  # which is about to be read by OCR


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may take: wall-clock seconds, megabytes of memory, characters of text that come of it, and the
    megabytes that it has itself.

    Memory is that of the whole process, which needs 20 to 120 MB itself, by the formats that it reads. macOS does not enforce
    it. The program that does OCR is a process of its own with as much memory; each page that it reads may take
    `index.ocr.PAGE_SECONDS`, and the seconds here then count anew.
    """

    seconds: float = 120
    memory_mb: int = 2000
    characters: int = MOST_CHARACTERS
    megabytes: int = MOST_MEGABYTES


DEFAULT = Limits()


class _WorkerLost(FileError):
    """The worker ended, or is of no more use, because of a file; or because of what it had read before."""


class Sandbox:
    """Reads files in a worker process, which starts with the first of them; as a context manager it starts at once, to be
    ready by then. Safe to share by threads.

    `ocr` names the languages in which pages without text are read by OCR, if they are.
    """

    def __init__(self, limits: Limits = DEFAULT, ocr: str = "") -> None:
        self._limits, self._ocr = limits, ocr
        self._worker: _Worker | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._worker = self._worker or _Worker(self._limits)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read_documents(self, path: Path, source: str, tell: Callable[[int], None] = lambda page: None) -> list[Document]:
        """As `index.files.read_documents`; a file that goes beyond a limit or ends the worker is a FileError too.

        `tell` hears the number of each page that OCR is about to read; what it raises ends the reading. Raises
        PullquoteError where no worker can be started.
        """
        with self._lock:
            used = self._worker is not None and self._worker.used
            try:
                return self._read(path, source, tell)
            except _WorkerLost:
                if not used:
                    raise
            return self._read(path, source, tell)  # in a new one: the files before may have left it too little room

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            self._stop()

    def _read(self, path: Path, source: str, tell: Callable[[int], None]) -> list[Document]:
        self._worker = worker = self._worker or _Worker(self._limits)
        try:
            worker.wait_until_ready()
            answer = worker.ask(path, source, self._ocr)
            for _ in range(MOST_PAGES):
                page = PAGE.fullmatch(answer)
                if not page:
                    break
                tell(int(page[1]))
                answer = worker.go_on()
        except TimeoutError:
            self._stop()
            raise _out_of_time(source, self._limits) from None
        except (EOFError, OSError):
            raise _crashed(source, self._stop()) from None
        except BaseException:  # interrupted: its answer would be taken for that to the next question
            self._stop()
            raise
        try:
            if answer == OUT_OF_MEMORY:
                raise _out_of_memory(source, self._limits)
            return documents_of(_unpacked(answer), source)
        except _WorkerLost:
            self._stop()
            raise
        except FileError:
            raise
        except Exception as problem:  # no worker of ours answers like this: something in it has been overwritten
            self._stop()
            raise _crashed(source, 0) from problem

    def _stop(self) -> int:
        """End the worker; its exit code, or minus the signal that ended it."""
        worker, self._worker = self._worker, None
        return worker.stop() if worker else 0


class _Worker:
    """A process that runs `serve`, and the connection to it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ready = self.used = False
        try:
            ours, theirs = socket.socketpair()
            numbers = (theirs.fileno(), limits.memory_mb, math.ceil(limits.seconds), limits.characters, limits.megabytes)
            self._connection = Connection(ours.detach())
            with theirs:
                self._process = subprocess.Popen(
                    command("index.sandbox", "serve", *numbers), pass_fds=[theirs.fileno()], process_group=0,
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except OSError as problem:  # no process, memory or open file left: no file is to blame for that
            remedy = (f"Give yourself permission to run {sys.executable}" if isinstance(problem, PermissionError)
                      else "End other programs or raise the limits of processes and open files, then try again")
            raise PullquoteError(f"the process that reads files cannot be started ({problem.strerror})", remedy) from problem

    def wait_until_ready(self) -> None:
        """Return when it can be asked. Raises PullquoteError where it does not come to that."""
        if self._ready:
            return
        try:
            self._receive(START)
        except (EOFError, OSError) as problem:  # a TimeoutError is an OSError
            late = isinstance(problem, TimeoutError)
            raise PullquoteError(
                f"the process that reads files {f'did not start within {START} s' if late else 'ended while it started'}"
                f" (it may take {self._limits.memory_mb} MB)",
                "See that the machine has memory to spare, or raise read_memory_mb (PULLQUOTE_READ_MEMORY_MB)") from problem
        self._ready = True

    def ask(self, path: Path, source: str, ocr: str) -> bytes:
        """What the worker answers first. Raises TimeoutError; EOFError or OSError where it has ended."""
        self.used = True
        self._connection.send_bytes(json.dumps([os.fspath(path), source, ocr]).encode())
        return self._receive(self._limits.seconds)

    def go_on(self) -> bytes:
        """What it answers after it named a page. Raises the same."""
        return self._receive(self._limits.seconds + PAGE_SECONDS)

    def stop(self) -> int:
        """End it at once, if it has not ended by itself; its exit code, or minus the signal that ended it."""
        self._connection.close()
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(0.1)
        with suppress(ProcessLookupError, PermissionError):  # it ends just now
            os.killpg(self._process.pid, signal.SIGKILL)  # with the program that does OCR, where it is at work
        return self._process.wait()

    def _receive(self, seconds: float) -> bytes:
        if not self._connection.poll(seconds):
            raise TimeoutError
        return self._connection.recv_bytes(ENCODED * self._limits.characters + MEGABYTE)


def serve(descriptor: int, memory_mb: int, seconds: int, characters: int, megabytes: int) -> None:
    """The worker: answer every path and source that comes over the connection, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    _set_limits(memory_mb)
    with Connection(descriptor) as connection:
        def tell(page: int) -> None:
            connection.send_bytes(f"page {page}".encode())
            signal.alarm(seconds + START + PAGE_SECONDS)

        connection.send_bytes(b"ready")
        with suppress(EOFError):
            while True:
                path, source, ocr = json.loads(connection.recv_bytes())
                signal.alarm(seconds + START)  # ends this process even where nobody is left to do it
                with_ocr = Ocr(ocr, tell) if ocr else None
                connection.send_bytes(_answer(Path(path), source, characters, megabytes, with_ocr))
                signal.alarm(0)


def _set_limits(memory_mb: int) -> None:
    """Limit memory; and write no file, whatever a parser is made to do."""
    memory = memory_mb * MEGABYTE
    limit({resource.RLIMIT_DATA: (memory, memory), resource.RLIMIT_FSIZE: (0, 0), resource.RLIMIT_CORE: (0, 0)})


def _answer(path: Path, source: str, characters: int, megabytes: int, ocr: Ocr | None) -> bytes:
    try:
        return _packed(read_content(path, source, characters, ocr, megabytes))
    except MemoryError:
        return OUT_OF_MEMORY
    except FileError as error:
        if _is_for_memory(error):
            return OUT_OF_MEMORY
        return json.dumps({"error": [error.source, error.message, error.remedy], "empty": isinstance(error, Empty),
                           "needs_ocr": isinstance(error, NeedsOcr),
                           "no_text_in": error.file_sha256 if isinstance(error, NoText) else ""}).encode()


def _is_for_memory(error: BaseException | None) -> bool:
    """Whether an error came of a lack of memory; a format may have taken that for damage in the file."""
    while error is not None and not lacks_memory(error):
        error = error.__cause__ or error.__context__
    return error is not None


def _packed(content: Content) -> bytes:
    extracts = [[extract.title, extract.text, extract.key, extract.notices, extract.code, extract.author, extract.date,
                 [[section.start, section.end, section.heading, section.page, section.row, section.ocr]
                  for section in extract.sections]]
                for extract in content.extracts]
    return json.dumps([content.media_type, content.file_sha256, content.modified, extracts]).encode()


def _unpacked(answer: bytes) -> Content:
    """The content of a file, nothing of it believed: `documents_of` checks it. Raises the FileError that came instead."""
    found = json.loads(answer)
    if isinstance(found, dict):
        source, message, remedy = map(str, found["error"])
        if not found["no_text_in"]:
            raise (Empty if found["empty"] else FileError)(source, message, remedy)
        error = (NeedsOcr if found["needs_ocr"] else NoText)(source, message, remedy)
        error.file_sha256 = str(found["no_text_in"])
        raise error
    media_type, file_sha256, modified, extracts = found
    return Content(str(media_type), str(file_sha256), float(modified), tuple(
        Extract(str(title), str(text), tuple(_section(*section) for section in sections), str(key), tuple(map(str, notices)),
                tuple((int(start), int(end)) for start, end in code), str(author), str(date))
        for title, text, key, notices, code, author, date, sections in extracts))


def _section(start: int, end: int, heading: list[str], page: int | None, row: int | None, ocr: str) -> Section:
    page, row = (None if number is None else int(number) for number in (page, row))
    return Section(int(start), int(end), tuple(map(str, heading)), page, row, str(ocr))


def _out_of_time(source: str, limits: Limits) -> FileError:
    return FileError(source, f"reading it took longer than {limits.seconds:g} seconds, the limit",
                     "Split it into smaller files, or raise read_seconds (PULLQUOTE_READ_SECONDS)")


def _out_of_memory(source: str, limits: Limits) -> _WorkerLost:
    return _WorkerLost(source, f"reading it takes more than {limits.memory_mb} MB of memory, the limit",
                       "Split it into smaller files, or raise read_memory_mb (PULLQUOTE_READ_MEMORY_MB)")


def _crashed(source: str, code: int) -> _WorkerLost:
    how = signal.strsignal(-code) if code < 0 else f"exit code {code}"
    return _WorkerLost(source, f"the process that read it crashed ({how})",
                       "Open it in its own program and save it again, or leave it out")
