"""The library as the page sees it: its documents, the assistant that answers from it, and builds that can be watched."""

from __future__ import annotations

import re
import shutil
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from queue import Empty, SimpleQueue

from index.build import Listener, Progress, Report, remove, sync
from index.encoder import Encoder, load_encoder
from index.errors import FileError, NoIndex, PullquoteError
from index.files import read_documents
from index.store import SourceInfo
from rag.assistant import Assistant
from rag.config import Config

LAST_WAIT = 20  # seconds for what still runs in the end
PATIENCE = 0.3  # seconds without news after which the last is told again
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*#]+')

Build = Callable[[Listener], Report]


class Cancelled(PullquoteError):
    """A build was cancelled before its end."""


class Library:
    """One home, shared by everybody who looks at the page."""

    def __init__(self, home: Path, config: Config | None = None) -> None:
        self.home = home
        self.config = config or Config.load(home)
        self.uploads = home / "uploads"
        self._opening = threading.Lock()
        self._building = threading.Lock()
        self._stop = threading.Event()  # of the build that was started last
        self._warming: threading.Thread | None = None
        self._assistant: Assistant | None = None
        self.ready = False  # whether the models are loaded, so that a question does not wait for them

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
        """The documents, by source; none where nothing is indexed."""
        try:
            return self.assistant().store.sources()
        except NoIndex:
            return []

    def sync(self, paths: Sequence[Path] = ()) -> Iterator[Progress | Report]:
        """Take in files and folders, or look again at those that the library follows."""
        return self._watched(lambda tell: self._write(sync, paths, tell))

    def remove(self, source: str) -> Iterator[Progress | Report]:
        """Take a document out."""
        return self._watched(lambda tell: self._write(remove, [source], tell))

    def cancel(self) -> None:
        """Cancel the build that was started last: whoever watches it gets `Cancelled`, and the index stays as it was."""
        self._stop.set()

    def accept(self, upload: Path) -> Path:
        """Move an uploaded file in among the uploads, in place of the one of the same name.

        Raises FileError for a file that cannot be read; the earlier one then stays.
        """
        name = safe_name(upload.name)
        read_documents(upload, name)
        try:
            self.uploads.mkdir(parents=True, exist_ok=True)
            return Path(shutil.move(upload, self.uploads / name))
        except OSError as error:
            raise FileError(name, f"it cannot be stored ({error.strerror})", "Make room, then add it again") from error

    def withdraw(self, uploads: Sequence[Path]) -> None:
        """Delete those of the uploads that are not part of the library."""
        known = {info.path for info in self.sources()}
        for path in uploads:
            if str(path.absolute()) not in known:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Cancel what is being built and give back the index."""
        self.cancel()
        if self._warming:  # a process that ends while a model computes is aborted
            self._warming.join(LAST_WAIT)
        if self._building.acquire(timeout=LAST_WAIT):
            self._building.release()
        if self._assistant:
            self._assistant.close()

    @cached_property
    def _encoder(self) -> Encoder:
        """The builds' own encoder: a build then never waits for a question, nor a question for a build."""
        return load_encoder(self.config.encoder)

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

    def _write(self, write: Callable[..., Report], what: Sequence[Path | str], tell: Listener) -> Report:
        with self._building:  # a build that was cancelled may still be on its way out
            report = write(self.home, what, encoder=self._encoder, chunking=self.config.chunking,
                           progress=tell)
        if not self.ready:
            self.warm_up()
        return report


def safe_name(name: str) -> str:
    """A name that may stand in the uploads: no path, not hidden, no control characters, not too long.

    >>> safe_name("../.profile#1.txt")
    'profile 1.txt'
    """
    name = _UNSAFE.sub(" ", unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1])).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    return f"{stem[:100].strip()}{dot}{suffix[:20]}" if stem else name[:100] or "document"


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
