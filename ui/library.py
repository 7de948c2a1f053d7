"""The library as the page sees it: its documents, the assistant that answers from it, and builds that can be watched."""

from __future__ import annotations

import filecmp
import os
import re
import secrets
import shutil
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain, count
from pathlib import Path, PurePath
from queue import Empty, SimpleQueue
from typing import Any

import filelock

from index.build import Listener, Progress, Report, remove, sync
from index.encoder import Encoder, load_encoder
from index.errors import Busy, FileError, HomeError, NeedsOcr, NoIndex, PullquoteError
from index.generation import Generation, file_sha256, open_current, remembered, writing
from index.roots import is_below
from index.sandbox import Sandbox
from index.store import SourceInfo
from index.unread import Unread
from index.unread import told as told_unread
from rag.assistant import Assistant
from rag.config import Config

LAST_WAIT = 20  # seconds for what still runs in the end
PATIENCE = 0.3  # seconds without news after which the last is told again
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*#]+')

Build = Callable[[Listener], Report]


class Cancelled(PullquoteError):
    """A build was cancelled before its end."""


class Library:
    """One home, shared by everybody who looks at the page.

    Uploads are exchanged as a whole or not at all, even where the process is killed, because the index is the judge.
    Before a build, each new file is renamed into `uploads/`, and the one that was there into `uploads/.kept/` (where there
    was none, an empty file stands for it). After the build, and before anything else is done with a library in which
    `.kept` is found, each pair is settled: if the index holds the new file, the one before is deleted; else that comes back.

    One process a home takes uploads, or what one is exchanging another would settle; others on the same home answer, and
    take over once it has ended. What is on its way in lies in `.incoming`, and goes when that process ends or the next
    begins.
    """

    def __init__(self, home: Path, config: Config | None = None) -> None:
        self.home = home
        self.config = config or Config.load(home)
        self.uploads = Path(os.path.abspath(home / "uploads"))  # noqa: PTH100 (as the index spells it)
        self._kept = self.uploads / ".kept"  # hidden, as what follows: the index does not look into it
        self._incoming = self.uploads.parent / ".incoming"
        self.sent = self._incoming / secrets.token_hex(8)  # where the server puts what a browser sends
        self._claim = filelock.FileLock(home / ".chat.lock", timeout=0, thread_local=False)
        self._sandbox = Sandbox(self.config.limits)  # for what is uploaded; a build has its own
        self._opening = threading.Lock()
        self._building = threading.Lock()
        self._stop = threading.Event()  # of the build that was started last
        self._warming: threading.Thread | None = None
        self._assistant: Assistant | None = None
        self.ready = False  # whether the models are loaded, so that a question does not wait for them
        with suppress(HomeError):
            self._claim_uploads()

    def assistant(self) -> Assistant:
        """The assistant, opened when it is first needed. Raises NoIndex."""
        with self._opening:
            if self._assistant is None:
                self._assistant = Assistant.open(self.home, self.config)
            return self._assistant

    def warm_up(self) -> None:
        """Begin to load the models, so that the first question does not have to wait for them."""
        self._warming = threading.Thread(target=self._warm_up, name="pullquote-warm-up", daemon=True)
        self._warming.start()

    def sources(self) -> list[SourceInfo]:
        """The documents and their copies, by source; none where nothing is indexed."""
        try:
            return self.assistant().store.sources()
        except NoIndex:
            return []

    def unread(self) -> Unread:
        """What of the files that the library follows is not in it; nothing where nothing is indexed."""
        try:
            store = self.assistant().store
        except NoIndex:
            return Unread()
        return told_unread(self.home, store) if isinstance(store, Generation) else Unread()

    def sync(self, paths: Sequence[Path] = ()) -> Iterator[Progress | Report]:
        """Take in files and folders, or look again at those that the library follows."""
        return self._watched(lambda tell: self._write(self._sync, paths, tell))

    def remove(self, source: str) -> Iterator[Progress | Report]:
        """Take a document out, or all of a file or folder, with the other places that it has."""
        def out(home: Path, what: Sequence[str], **options: Any) -> Report:
            return remove(home, [*what, *self._copies(source)], **options)

        return self._watched(lambda tell: self._write(out, [source], tell))

    def cancel(self) -> None:
        """Cancel the build that was started last: whoever watches it gets `Cancelled`, and the index stays as it was."""
        self._stop.set()

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder for uploaded files until they are added; what is left in it is deleted in the end."""
        folder = self._incoming / secrets.token_hex(8)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def accept(self, file: Path, staged: Path) -> Path:
        """Read an uploaded file and move it to the `staging` folder, under the name that it will have in the library.

        A file of that name in the library will be replaced; one that came with it will not: the second is numbered.
        Raises FileError for a file that cannot be read, and for any while another process takes uploads. (Where it is for
        OCR to read it, the build will tell.)
        """
        name = safe_name(file.name)
        try:
            self._claim_uploads()
            with suppress(*self._left_to_ocr()):
                self._sandbox.read_documents(file, name)
            staged.mkdir(parents=True, exist_ok=True)
            return Path(shutil.move(file, staged / self._free_name(file, name, staged)))
        except FileError as error:
            if not (self.uploads / name).exists():
                raise
            raise FileError(name, f"{error.message} (the version before stays)", error.remedy) from error
        except HomeError as error:
            raise FileError(name, error.message, error.remedy) from error
        except OSError as error:
            raise FileError(name, f"it cannot be stored ({error.strerror})", "Make room, then add it again") from error

    def add(self, staged: Path) -> Iterator[Progress | Report]:
        """Take in the files of a `staging` folder, each in place of the upload of its name.

        What is cancelled or fails leaves the uploads as they were. The report tells of every file that did not go in.
        """
        names = sorted(file.name for file in staged.iterdir())

        def into(home: Path, what: Sequence[Path], **options: Any) -> Report:
            named = [self.uploads / name for name in names]  # what was taken out of them comes back
            return self._sync(home, [*what, *(path for path in named if path.exists())], **options)

        return self._watched(lambda tell: self._write(into, [self.uploads], tell, staged))

    def close(self) -> None:
        """Cancel what is being built and give back the index."""
        self.cancel()
        if self._warming:  # a process that ends while a model computes is aborted
            self._warming.join(LAST_WAIT)
        if self._building.acquire(timeout=LAST_WAIT):
            self._building.release()
        self._sandbox.close()
        if self._assistant:
            self._assistant.close()
        shutil.rmtree(self._incoming if self._claim.is_locked else self.sent, ignore_errors=True)
        self._claim.release(force=True)

    def _copies(self, source: str) -> list[str]:
        """What elsewhere holds copies of what is below `source`: files, where they hold nothing else, or rows of them."""
        infos = self.sources()
        here = {info.document_id for info in infos if is_below(info.source, source)}
        copies = {info.source: file_of(info) for info in infos
                  if info.copy_of in here and not is_below(info.source, source)}
        stays = {file_of(info) for info in infos if info.source not in copies}
        return sorted({row if file in stays else file for row, file in copies.items()})

    def _left_to_ocr(self) -> tuple[type[NeedsOcr], ...]:
        made = remembered(self.home)
        return (NeedsOcr,) if made and made.ocr else ()

    @cached_property
    def _encoder(self) -> Encoder:
        """The builds' own encoder: a build then never waits for a question, nor a question for a build."""
        return load_encoder(self.config.encoder)

    @property
    def _sync(self) -> Callable[..., Report]:
        return partial(sync, chunking=self.config.chunking, limits=self.config.limits)

    def _warm_up(self) -> None:
        try:
            self.assistant().ask("What is this?")
            self.ready = True
        except NoIndex:
            self._encoder.encode(["What is this?"])  # the next thing will be to index something
        except PullquoteError:
            pass  # whoever asks or looks at the page is told

    def _watched(self, build: Build) -> Iterator[Progress | Report]:
        """Run a build on a thread of its own and tell how far it is, then what it did; raises what it raises.

        What is known is told again every `PATIENCE` seconds. Whoever stops listening cancels the build: it ends at its
        next sign of progress and leaves the index as it was. What is being written already is written to its end.
        """
        told: SimpleQueue[Progress | Report | BaseException] = SimpleQueue()
        stop = self._stop = threading.Event()

        def tell(progress: Progress) -> None:
            if stop.is_set() and progress.stage != "writing":
                raise Cancelled("the build was cancelled")
            told.put(progress)

        def run() -> None:
            try:
                told.put(build(tell))
            except BaseException as error:  # whoever listens raises it
                told.put(error)

        threading.Thread(target=run, name="pullquote-build", daemon=True).start()
        news: Progress | Report | BaseException = Progress("reading", 0, 0)
        try:
            while not isinstance(news, Report):
                news = _latest(told, news)
                if isinstance(news, BaseException):
                    raise news
                if stop.is_set() and isinstance(news, Progress) and news.stage != "writing":
                    raise Cancelled("the build was cancelled")
                yield news
        finally:
            stop.set()

    def _write(self, write: Callable[..., Report], what: Sequence[Path | str], tell: Listener,
               staged: Path | None = None) -> Report:
        with self._building:  # a build that was cancelled may still be on its way out
            tell(Progress("reading", 0, 0))  # this one may have been cancelled as well
            encoder = self._encoder  # loaded before any file is moved
            with suppress(HomeError):
                self._claim_uploads()
            new = sorted(file.name for file in staged.iterdir()) if staged else []
            try:
                self._exchange(staged)
                report = write(self.home, what, encoder=encoder, progress=tell)
                report = replace(report, skipped=(*report.skipped, *self._lost(new, report)))
            finally:  # here, not where the build is watched: only this thread knows whether it came to its end
                self._mend()
        if not self.ready:
            self.warm_up()
        return report

    def _claim_uploads(self) -> None:
        """Be the one that takes uploads, and clear up after the one before. Raises HomeError where that cannot be."""
        if self._claim.is_locked:
            return
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            self._claim.acquire()
        except filelock.Timeout:
            raise Busy("another chat takes in the files of this library", "Add it there, or end that chat first") from None
        except OSError as error:
            raise HomeError(f"the home {self.home} cannot be written to ({error.strerror})", "Mend its permissions") from error
        for left in self._incoming.glob("*"):
            if left != self.sent:
                shutil.rmtree(left, ignore_errors=True)
        self._mend()

    def _lost(self, names: Sequence[str], report: Report) -> Iterator[FileError]:
        """Those of the new files that neither the report nor the index knows of."""
        told = [*report.added, *report.updated, *(error.source for error in report.skipped)]
        left = [name for name in names if not any(f"/{name}#" in f"{source}#" for source in told)]
        indexed = _indexed(self.home) if left else {}
        for name in left:
            if str(self.uploads / name) not in indexed:
                yield FileError(f"{self.uploads.name}/{name}", "it did not go into the library", "Add it again")

    def _free_name(self, file: Path, name: str, staged: Path) -> str:
        """The name, or the first numbered one that no other file has, neither among the new ones nor in the library."""
        def is_free(free: str) -> bool:
            there = self.uploads / free
            rivals = [staged / free, *([there] if free != name or there.is_dir() else [])]
            return all(not rival.exists() or filecmp.cmp(file, rival, shallow=False) for rival in rivals)

        path = PurePath(name)
        numbered = (f"{path.stem} ({number}){path.suffix}" for number in count(2))
        return next(filter(is_free, chain([name], numbered)))

    def _exchange(self, staged: Path | None) -> None:
        """Settle what was left to settle, then put the new files in place and keep what was there."""
        if not self._claim.is_locked:  # another's to settle, and nothing was accepted
            return
        try:
            with writing(self.home):
                self._settle()
                for new in sorted(staged.iterdir()) if staged else ():
                    self._kept.mkdir(parents=True, exist_ok=True)
                    there, kept = self.uploads / new.name, self._kept / new.name
                    if there.exists():
                        there.replace(kept)
                    else:
                        kept.touch()
                    new.replace(there)
        except OSError as error:
            raise HomeError(f"files cannot be moved within {self.uploads} ({error.strerror})",
                            "Make room, or mend its permissions") from error

    def _settle(self) -> None:
        """Keep of each pair the file that the index holds, or else the one before. Only the writer may call this."""
        if not self._kept.is_dir():
            return
        indexed = _indexed(self.home)
        for kept in sorted(self._kept.iterdir()):
            there = self.uploads / kept.name
            if there.is_file() and file_sha256(there) == indexed.get(str(there)):
                kept.unlink()
            elif kept.stat().st_size:
                kept.replace(there)
            else:  # no file stood there: an empty one is never taken in
                there.unlink(missing_ok=True)
                kept.unlink()
        self._kept.rmdir()

    def _mend(self) -> None:
        """Settle if it can be done now: where another process writes or the index is damaged, the next build does it."""
        if self._claim.is_locked and self._kept.is_dir():
            with suppress(PullquoteError, OSError), writing(self.home):
                self._settle()


def file_of(info: SourceInfo) -> str:
    """The source of the file that a document stands in: its own, or without the row's id (`faq.jsonl#12`)."""
    name = PurePath(info.path).name
    at = info.source.rfind(f"{name}#") if name else -1
    return info.source if at < 0 else info.source[: at + len(name)]


def safe_name(name: str) -> str:
    """A name that may stand in the uploads: no path, not hidden, no control characters, not too long.

    >>> safe_name("../.profile#1.txt")
    'profile 1.txt'
    """
    name = _UNSAFE.sub(" ", unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1])).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    return f"{stem[:100].strip()}{dot}{suffix[:20]}" if stem else name[:100] or "document"


def _indexed(home: Path) -> dict[str, str]:
    """The SHA-256 of every file as it was when it was indexed, by path."""
    try:
        generation = open_current(home)
    except NoIndex:
        return {}
    try:
        return {record.path: record.sha256 for record in generation.catalog.files}
    finally:
        generation.close()


def _latest(told: SimpleQueue[Progress | Report | BaseException], known: Progress | Report | BaseException,
            ) -> Progress | Report | BaseException:
    """The newest there is, else what is known; progress that is already overtaken is of no interest."""
    news = known
    try:
        news = told.get(timeout=PATIENCE)
        while isinstance(news, Progress):
            news = told.get_nowait()
    except Empty:
        pass
    return news
