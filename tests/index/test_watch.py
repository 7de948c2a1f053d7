"""Following changes: with a real watcher on real files, on a thread; the process itself is in tests/ui/test_cli_watch.py."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

from index.build import Report, sync
from index.errors import Busy, InputError, PullquoteError
from index.generation import open_current, writing
from index.walk import IGNORE_FILE
from index.watch import follow

PATIENCE = 20  # seconds until something that should have been told counts as missing


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def sources(home: Path) -> list[str]:
    return [info.source for info in open_current(home).sources()]


class Follower:
    """`follow` on a thread; `syncs` counts how often it synced."""

    def __init__(self, home: Path, paths: list[Path], encoder: Any) -> None:
        self.home, self.syncs = home, 0
        self._news: Queue[Report | PullquoteError] = Queue()
        self._stop = threading.Event()

        def update(paths: Any, tell: Any) -> Report:
            self.syncs += 1
            return sync(home, paths, encoder=encoder, progress=tell)

        def run() -> None:
            for news in follow(home, paths, update, self._stop):
                self._news.put(news)

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def news(self) -> Any:
        return self._news.get(timeout=PATIENCE)

    def quiet(self, seconds: float) -> bool:
        """Whether nothing is told for so long."""
        try:
            self._news.get(timeout=seconds)
        except Empty:
            return True
        return False

    def stop(self) -> None:
        self._stop.set()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


Start = Callable[..., Follower]


@pytest.fixture
def start(home: Path, encoder: Any) -> Iterator[Start]:
    started: list[Follower] = []

    def start_(*paths: Path, home: Path = home) -> Follower:
        started.append(Follower(home, list(paths), encoder))
        return started[-1]

    yield start_
    for follower in started:
        follower.stop()


def test_adds_edits_renames_and_deletes_are_followed(docs: Path, home: Path, start: Start) -> None:
    put(docs / "a.md", "A thing.")
    follower = start(docs)
    assert follower.news().added == ("docs/a.md",)
    put(docs / "new" / "deep" / "b.md", "B thing.")
    assert follower.news().added == ("docs/new/deep/b.md",)
    put(docs / "a.md", "A thing, changed.")
    assert follower.news().updated == ("docs/a.md",)
    (docs / "new").rename(docs / "old")
    report = follower.news()
    assert (report.added, report.removed) == (("docs/old/deep/b.md",), ("docs/new/deep/b.md",))
    assert report.encoded == 0  # what it says was known
    (docs / "old" / "deep" / "b.md").unlink()
    assert follower.news().removed == ("docs/old/deep/b.md",)
    put(docs / IGNORE_FILE, "*.log\n")
    put(docs / "c.log", "Ignored.")
    put(docs / "c.md", "C thing.")
    assert follower.news().added == ("docs/c.md",)
    put(docs / IGNORE_FILE, "c.*\n")
    assert follower.news().removed == ("docs/c.md",)
    assert sources(home) == ["docs/a.md"]


def test_a_single_file_is_followed_however_it_is_saved(tmp_path: Path, start: Start) -> None:
    file = put(tmp_path / "a.md", "A thing.")
    follower = start(file)
    follower.news()
    put(file, "A thing, written anew.")
    assert follower.news().updated == ("a.md",)
    for turn in range(2):  # as most editors do it: the file is another each time
        put(tmp_path / "a.tmp", f"A thing, replaced {turn}.").replace(file)
        assert follower.news().updated == ("a.md",)


def test_what_does_not_concern_the_library_wakes_nothing(docs: Path, start: Start) -> None:
    """Its home, which lies in the folder for all to see; hidden and ignored files."""
    put(docs / "a.md", "A thing.")
    put(docs / IGNORE_FILE, "*.log\n")
    follower = start(docs, home=docs / "home")
    follower.news()
    put(docs / "b.md", "B thing.")
    follower.news()
    syncs = follower.syncs
    for number in range(10):
        put(docs / "c.log", f"Line {number}.")
        put(docs / ".git" / "index", f"State {number}.")
        time.sleep(0.1)
    assert follower.quiet(1)
    assert follower.syncs == syncs


def test_links_are_not_followed_and_new_folders_are(docs: Path, tmp_path: Path, start: Start) -> None:
    put(docs / "a" / "a.md", "A thing.")
    put(tmp_path / "outside" / "deep" / "o.md", "Outside.")
    (docs / "out").symlink_to(tmp_path / "outside")
    (docs / "loop").symlink_to(docs)
    (docs / "everywhere").symlink_to("/")
    follower = start(docs)
    assert follower.news().added == ("docs/a/a.md",)
    syncs = follower.syncs
    put(tmp_path / "outside" / "deep" / "o.md", "Outside, changed.")
    assert follower.quiet(1)
    assert follower.syncs == syncs
    for turn in range(3):  # each folder is listened to as soon as it is there
        folder = docs / "a" / "/".join("new"[: turn + 1])
        put(folder / "n.md", f"In folder {turn}.")
        assert follower.news().added == (f"docs/a/{'/'.join('new'[:turn + 1])}/n.md",)
        put(folder / "n.md", f"In folder {turn}, changed.")
        assert follower.news().updated == (f"docs/a/{'/'.join('new'[:turn + 1])}/n.md",)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "outside")
    linked = start(link, home=tmp_path / "second")  # a root may itself be a link
    assert linked.news().added == ("link/deep/o.md",)
    put(tmp_path / "outside" / "deep" / "o.md", "Outside, changed again.")
    assert linked.news().updated == ("link/deep/o.md",)


def test_a_file_that_cannot_be_read_is_told_once(docs: Path, home: Path, start: Start) -> None:
    follower = start(docs)
    follower.news()
    put(docs / "broken.pdf", "%PDF-1.7 and then nothing")
    assert [error.source for error in follower.news().skipped] == ["docs/broken.pdf"]
    put(docs / "a.md", "A thing.")
    report = follower.news()
    assert (report.added, report.skipped) == (("docs/a.md",), ())
    put(docs / "broken.pdf", "no PDF at all").rename(docs / "mended.txt")
    assert follower.news().added == ("docs/mended.txt",)
    assert sources(home) == ["docs/a.md", "docs/mended.txt"]


def test_a_library_that_another_is_writing_to_is_told_once_and_tried_again(docs: Path, home: Path, start: Start,
                                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.watch.AGAIN", 200)
    follower = start(put(docs / "a.md", "A thing.").parent)
    follower.news()
    with writing(home):
        put(docs / "b.md", "B thing.")
        assert "is writing to" in str(follower.news())
        assert follower.quiet(1)
    assert follower.news().added == ("docs/b.md",)


def test_a_root_that_comes_back_or_joins_is_followed(tmp_path: Path, docs: Path, home: Path, start: Start, encoder: Any,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.watch.AGAIN", 200)
    put(docs / "a.md", "A thing.")
    follower = start(docs)
    follower.news()
    docs.rename(tmp_path / "away")  # a disk that was pulled out, say
    assert "there is no such file or folder" in str(follower.news().skipped)
    put(tmp_path / "away" / "b.md", "B thing.")
    (tmp_path / "away").rename(docs)
    assert follower.news().added == ("docs/b.md",)
    other = put(tmp_path / "other" / "c.md", "C thing.")
    while True:  # two write to the home here: whoever finds it taken tries again
        try:
            sync(home, [other.parent], encoder=encoder)
            break
        except Busy:
            time.sleep(0.1)
    put(other, "C thing, changed.")
    while isinstance(news := follower.news(), Busy):
        pass
    assert news.updated == ("other/c.md",)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS refuses such names")
def test_a_folder_whose_name_is_not_valid_text_neither_ends_it_nor_keeps_it_awake(docs: Path, home: Path, start: Start) -> None:
    strange = Path(os.fsdecode(os.fsencode(docs) + b"/caf\xe9"))
    put(strange / "a.md", "A thing.")
    put(docs / "b.md", "Another.")
    follower = start(docs)
    first = follower.news()
    assert (first.added, [error.source for error in first.skipped]) == (("docs/b.md",), ["docs/caf\ufffd"])
    put(docs / "c.md", "A third.")
    assert follower.news().added == ("docs/c.md",)
    assert follower.syncs == 2
    strange.rename(docs / "caf")
    assert follower.news().added == ("docs/caf/a.md",)


def test_a_mistake_at_the_start_is_raised(home: Path, encoder: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file or folder"):
        list(follow(home, [tmp_path / "nowhere"], lambda paths, tell: sync(home, paths, encoder=encoder), threading.Event()))


def test_stopping_ends_a_sync_and_leaves_the_index_as_it_was(docs: Path, home: Path, encoder: Any) -> None:
    put(docs / "a.md", "A thing.")
    sync(home, [docs], encoder=encoder)
    put(docs / "b.md", "B thing.")
    stop = threading.Event()

    def update(paths: Any, tell: Any) -> Report:
        def at_once(step: Any) -> None:
            stop.set()
            tell(step)

        return sync(home, paths, encoder=encoder, progress=at_once)

    assert list(follow(home, [], update, stop)) == []
    assert sources(home) == ["docs/a.md"]
    with writing(home):  # the lock is free, and no half generation is left
        assert not list((home / "generations").glob(".tmp*"))
