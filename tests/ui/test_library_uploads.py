"""Files on their way in: what is there stays until what is new has gone in, whatever happens in between."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes import WordEncoder
from pdfs import scanned

from index.build import Progress, Report, erase, sync
from index.errors import Busy, FileError
from index.generation import current_id, file_sha256, open_current, writing
from index.sandbox import Sandbox
from ui.library import Cancelled, Library
from ui.pages.chat import _take_files
from ui.pages.library import Row

OLD, NEW = "Staff have 25 days of leave.", "Staff have 26 days of leave."
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(40)


class HeldEncoder(WordEncoder):
    """Waits before it encodes, while it is held. `met` is set once it does."""

    def __init__(self) -> None:
        super().__init__()
        self.met, self.go = threading.Event(), threading.Event()
        self.go.set()

    def hold(self) -> None:
        self.met.clear()
        self.go.clear()

    def encode(self, texts: Sequence[str]) -> Any:
        self.met.set()
        assert self.go.wait(60)
        return super().encode(texts)


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldEncoder]:
    """What builds encode with; questions have one of their own that never waits, and nothing is warmed up."""
    held = HeldEncoder()
    monkeypatch.setattr("ui.library.load_encoder", lambda name: held)
    monkeypatch.setattr("rag.assistant.load_encoder", lambda name: WordEncoder())
    monkeypatch.setenv("PULLQUOTE_READER", "similarity")
    monkeypatch.setattr("ui.library.Library.warm_up", lambda self: None)
    yield held
    held.go.set()


@pytest.fixture
def library(home: Path, encoder: HeldEncoder) -> Iterator[Library]:
    """A library that holds leave.txt and pay.txt, both uploads."""
    library = Library(home)
    add(library, sent(home, "leave.txt", OLD), sent(home, "pay.txt", "Staff are paid monthly."))
    yield library
    encoder.go.set()
    library.close()


def sent(home: Path, name: str, content: str | bytes = NEW, folder: str = "sent") -> Path:
    """A file as the browser sent it, outside of the home."""
    path = home.parent / folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def add(library: Library, *files: Path) -> Report:
    with library.staging() as staged:
        for file in files:
            library.accept(file, staged)
        *_, report = library.add(staged)
    assert isinstance(report, Report)
    return report


def told(updates: Sequence[Any]) -> str:
    """The rows that the page shows, as HTML."""
    return str(updates[0])


def texts(library: Library) -> dict[str, str]:
    """What the index holds: each upload's text by its name."""
    generation = open_current(library.home)
    return {info.source.removeprefix("uploads/"): generation.document(info.document_id).text for info in generation.sources()}


def files(library: Library) -> dict[str, str]:
    """What the uploads folder holds, hidden files and folders too, but for the empty folder of what comes in."""
    return {path.relative_to(library.uploads).as_posix(): path.read_text("utf-8")
            for path in library.uploads.rglob("*") if path.is_file()}


def settled(library: Library) -> dict[str, str]:
    """The texts, once the build has ended; the files are the same, and nothing else is left."""
    deadline = time.monotonic() + 60
    while library._building.locked() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert files(library) == texts(library)
    assert not (library.uploads / ".kept").exists()
    assert not list((library.home / ".incoming").iterdir())
    return texts(library)


BEFORE = {"leave.txt": OLD, "pay.txt": "Staff are paid monthly."}


def test_an_upload_replaces_the_one_of_its_name(library: Library, home: Path) -> None:
    report = add(library, sent(home, "leave.txt"), sent(home, "new.txt", "The canteen opens at noon."))
    assert (report.added, report.updated, report.unchanged) == (("uploads/new.txt",), ("uploads/leave.txt",), 1)
    assert settled(library) == {**BEFORE, "leave.txt": NEW, "new.txt": "The canteen opens at noon."}


def test_what_was_taken_out_of_an_upload_stays_out_until_that_is_uploaded_again(library: Library, home: Path) -> None:
    rows = "".join(f'{{"id": "{n}", "text": "Row {n}."}}\n' for n in range(3))
    add(library, sent(home, "faq.jsonl", rows))
    list(library.remove("uploads/faq.jsonl#2"))
    report = add(library, sent(home, "other.txt", "Another text."))
    assert (report.added, report.documents) == (("uploads/other.txt",), 5)
    report = add(library, sent(home, "faq.jsonl", rows))
    assert (report.added, report.documents) == (("uploads/faq.jsonl#2",), 6)


def test_a_scan_goes_in_where_ocr_was_asked_for(library: Library, home: Path, encoder: HeldEncoder) -> None:
    def steps(name: str, *pages: str) -> list[tuple[str, str]]:
        file = sent(home, name, scanned(*([(50, 200, page)] if page else [] for page in pages)))
        *_, (told, *_) = _take_files(library, [file])
        return re.findall(r'class="row-in (\w+)">.*?<span>(.*?)</span>', told)

    shed = "The shed is locked at night."
    assert steps("shed.pdf", shed) == [("failed", "Its 1 page holds no text: a scan needs OCR first."
                                                   " Have it read with: pullquote index --ocr.")]
    sync(home, encoder=encoder, ocr="eng")
    assert steps("shed.pdf", shed) == [
        ("ready", "ready"), ("noticed", "page 1 was read by OCR: quotes of it are as a machine read it")]
    assert texts(library) == {**BEFORE, "shed.pdf": shed}
    assert steps("shed.pdf", "") == [("failed", "Its 1 page holds no text, and OCR finds none (the version indexed before"
                                                " stays). Scan it anew, or leave it out.")]
    assert texts(library) == {**BEFORE, "shed.pdf": shed}
    assert (library.uploads / "shed.pdf").stat().st_size > 0
    assert not (library.uploads / ".kept").exists()


def test_a_row_says_which_page_ocr_reads() -> None:
    row = Row("shed.pdf")
    row.work(Progress("reading", 0, 1, "uploads/shed.pdf", page=7))
    assert (row.state, row.note, row.share) == ("working", "reading page 7 by OCR", 0)


def test_what_an_upload_replaced_can_be_erased_at_once(library: Library, home: Path) -> None:
    add(library, sent(home, "leave.txt"))
    assert any(OLD.encode() in path.read_bytes() for path in home.rglob("*") if path.is_file())
    erase(home)
    assert not any(OLD.encode() in path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert settled(library) == {**BEFORE, "leave.txt": NEW}


def test_cancelled_a_replacing_upload_gives_back_what_was_there(library: Library, home: Path, encoder: HeldEncoder) -> None:
    encoder.hold()
    with library.staging() as staged:
        library.accept(sent(home, "leave.txt"), staged)
        library.accept(sent(home, "new.txt"), staged)
        build = library.add(staged)
        assert isinstance(next(build), Progress)
        assert encoder.met.wait(60)
        assert files(library)["leave.txt"] == NEW  # the test is about something
        assert files(library)[".kept/leave.txt"] == OLD
        library.cancel()
        with pytest.raises(Cancelled):
            list(build)
    encoder.go.set()
    assert settled(library) == BEFORE
    [quote] = library.assistant().ask_anyway("How many days of leave do staff have?").quotes[:1]
    assert quote.text == OLD


@pytest.mark.parametrize("rows_seen", [1, 2, 3])
def test_a_tab_closed_at_any_time_gives_back_what_was_there(
        library: Library, home: Path, encoder: HeldEncoder, rows_seen: int) -> None:
    encoder.hold()
    page = _take_files(library, [sent(home, "leave.txt"), sent(home, "new.txt")])  # a row a file, then the build's
    for _ in range(rows_seen):
        next(page)
    if rows_seen > 2:
        assert encoder.met.wait(60)
    page.close()
    encoder.go.set()
    assert settled(library) == BEFORE


def test_a_tab_closed_while_the_index_is_written_changes_nothing_about_it(
        library: Library, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too late to go back: then the new file is what the index holds, and stays."""
    publishing, go = threading.Event(), threading.Event()
    publish = vars(sys.modules["index.build"])["publish"]

    def slowly(*arguments: Any) -> None:
        publishing.set()
        assert go.wait(60)
        publish(*arguments)

    monkeypatch.setattr("index.build.publish", slowly)
    page = _take_files(library, [sent(home, "leave.txt")])
    next(page)
    next(page)
    assert publishing.wait(60)
    page.close()
    go.set()
    assert settled(library) == {**BEFORE, "leave.txt": NEW}


@pytest.mark.parametrize("broken", ["index.build.VectorWriter.finish", "index.build.publish", "ui.library.sync"])
def test_a_build_that_fails_gives_back_what_was_there(
        library: Library, home: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(broken, full)
    *_, last = _take_files(library, [sent(home, "leave.txt"), sent(home, "new.txt")])
    assert "The library is as it was" in told(last) or "the index made before stays in use" in told(last)
    assert "waiting" not in told(last)
    assert settled(library) == BEFORE


def test_what_cannot_be_moved_is_said(library: Library, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, **_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "touch", full)  # the mark that no file was there
    *_, last = _take_files(library, [sent(home, "leave.txt"), sent(home, "new.txt")])
    monkeypatch.undo()
    assert "No space left on device). Make room" in told(last)
    assert files(library) == BEFORE


def test_nothing_is_exchanged_while_another_process_writes(library: Library, home: Path) -> None:
    with writing(home):
        *_, last = _take_files(library, [sent(home, "leave.txt")])
        assert "another process" in told(last).lower()
        with pytest.raises(Busy):
            add(library, sent(home, "leave.txt"))
    assert settled(library) == BEFORE


KILLED = """
import os, signal, sys
from pathlib import Path

sys.path.append(sys.argv[1])
import ui.library
from fakes import WordEncoder

ui.library.load_encoder = lambda name: WordEncoder()
ui.library.Library.warm_up = lambda self: None
library = ui.library.Library(Path(sys.argv[2]))
left = int(sys.argv[3])
PLACES = ("/uploads/", "/.incoming/", "/generations/.tmp", "/.CURRENT"), ("/uploads/.kept/",)  # what is changed, what is opened

def die(event, arguments):
    global left
    if event in ("open", "os.rename", "os.remove", "os.rmdir") and any(
            place in f"{arguments[0]} {arguments[1] if event == 'os.rename' else ''}" for place in PLACES[event == "open"]):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die)
with library.staging() as staged:
    for file in sys.argv[4:]:
        library.accept(Path(file), staged)
    list(library.add(staged))
"""


def test_a_kill_at_any_moment_loses_nothing(library: Library, home: Path) -> None:
    """The process is killed before its first change of a file, before its second, and so on, until it comes through."""
    before, after = BEFORE, {**BEFORE, "leave.txt": NEW, "new.txt": NEW}
    library.close()
    safe = shutil.copytree(home, home.parent / "safe")
    outcomes = []
    for moment in range(1, 40):
        shutil.rmtree(home)
        shutil.copytree(safe, home)
        arguments = [str(Path(__file__).parents[1]), str(home), str(moment), str(sent(home, "leave.txt")),
                     str(sent(home, "new.txt"))]
        killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], cwd=Path(__file__).parents[2], timeout=120,
                                capture_output=True, text=True, check=False)
        assert killed.returncode in (0, -signal.SIGKILL), killed.stderr
        again = Library(home)
        now = texts(again)
        assert now in (before, after)
        assert files(again) == now, f"at moment {moment}"
        assert not (again.uploads / ".kept").exists()
        assert not list((home / ".incoming").glob("*"))
        *_, report = again.sync()
        assert isinstance(report, Report)
        assert (report.added, report.updated, report.removed, report.skipped) == ((), (), (), ())
        again.close()
        outcomes.append(now == after)
        if killed.returncode == 0:
            break
    assert outcomes == sorted(outcomes)  # up to some moment as before, from then on as it was to be
    assert outcomes.count(False) >= 8  # two come in, one is put aside, one marked, two put in place, the index is published
    assert outcomes.count(True) >= 5  # two are let go with their folder, then the staging folder; at last it comes through


def test_what_a_kill_left_is_settled_by_the_next_build_where_it_could_not_be_at_the_start(
        library: Library, home: Path) -> None:
    (library.uploads / ".kept").mkdir()
    (library.uploads / "leave.txt").rename(library.uploads / ".kept" / "leave.txt")
    sent(home, "leave.txt").rename(library.uploads / "leave.txt")
    library.close()
    with writing(home):
        again = Library(home)
        assert files(again)[".kept/leave.txt"] == OLD
    assert add(again, sent(home, "new.txt")).added == ("uploads/new.txt",)
    assert settled(again) == {**BEFORE, "new.txt": NEW}
    again.close()


def test_a_second_chat_answers_and_takes_no_files_until_the_first_has_ended(
        library: Library, home: Path, encoder: HeldEncoder) -> None:
    encoder.hold()
    first = _take_files(library, [sent(home, "leave.txt"), sent(home, "new.txt")])
    for _ in range(3):
        next(first)
    assert encoder.met.wait(60)
    before = files(library)
    assert before[".kept/leave.txt"] == OLD  # the first is in the midst of it
    second = Library(home)
    *_, last = _take_files(second, [sent(home, "other.txt")])
    assert "Another chat takes in the files of this library. Add it there, or end that chat first." in told(last)
    with pytest.raises(Busy):
        list(second.sync())
    assert files(library) == before
    assert second.assistant().ask_anyway("How many days of leave do staff have?").quotes[0].text == OLD
    encoder.go.set()
    *_, last = first
    assert "failed" not in told(last)
    after = {**BEFORE, "leave.txt": NEW, "new.txt": NEW}
    assert settled(library) == after
    library.close()
    *_, last = _take_files(second, [sent(home, "other.txt", "Cats sleep.")])
    assert "failed" not in told(last)
    assert texts(second) == files(second) == {**after, "other.txt": "Cats sleep."}
    second.close()


def test_the_encoder_is_there_before_any_file_is_moved(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = []

    def load(name: str) -> WordEncoder:
        there.append([path for path in (home / "uploads").rglob("*") if path.is_file()])
        return WordEncoder()

    monkeypatch.setattr("ui.library.load_encoder", load)
    monkeypatch.setattr("ui.library.Library.warm_up", lambda self: None)
    library = Library(home)
    add(library, sent(home, "leave.txt"))
    assert there == [[]]
    library.close()


def test_what_the_index_does_not_hold_is_not_called_ready(library: Library, home: Path, monkeypatch: Any) -> None:
    exchange = library._exchange

    def robbed(staged: Path | None) -> None:
        exchange(staged)
        (library.uploads / "new.txt").unlink()

    monkeypatch.setattr(library, "_exchange", robbed)
    again = sent(home, "pay.txt", BEFORE["pay.txt"])  # which the report need not tell of
    rows = '{"id": "a", "text": "One day."}\n'
    *_, last = _take_files(library, [sent(home, "leave.txt"), sent(home, "new.txt"), again, sent(home, "faq.jsonl", rows)])
    shown = told(last).split('<div class="row-in ')[1:]
    assert [row.split('"')[0] for row in shown] == ["ready", "failed", "ready", "ready"]
    assert "It did not go into the library. Add it again." in shown[1]


def test_what_was_sent_goes_when_the_chat_ends_or_the_next_begins(library: Library, home: Path) -> None:
    def send(to: Library) -> Path:
        to.sent.mkdir(parents=True)
        (to.sent / "leave.txt").write_text(NEW)
        return to.sent

    ours, other = send(library), Library(home)
    others = send(other)
    assert ours.exists()  # the other one began while we are there
    other.close()
    assert (ours.exists(), others.exists()) == (True, False)
    library.close()
    assert not (home / ".incoming").exists()
    killed = home / ".incoming" / "0123456789abcdef"
    killed.mkdir(parents=True)
    (killed / "leave.txt").write_text(NEW)
    Library(home).close()
    assert not killed.exists()


def test_two_files_of_one_name_are_both_kept(library: Library, home: Path) -> None:
    both = [sent(home, "leave.txt", NEW, "a"), sent(home, "leave.txt", "Guests have no leave.", "b")]
    *_, last = _take_files(library, both)
    assert "leave (2).txt" in told(last)
    assert settled(library) == {**BEFORE, "leave.txt": NEW, "leave (2).txt": "Guests have no leave."}
    held = settled(library)
    list(_take_files(library, [sent(home, "leave.txt", NEW, "a"), sent(home, "leave.txt", "Guests have no leave.", "b")]))
    assert settled(library) == held  # the same again changes nothing
    list(_take_files(library, [sent(home, "leave.txt", NEW, "a"), sent(home, "leave.txt", "Cats have all days.", "b")]))
    assert settled(library) == {**held, "leave (3).txt": "Cats have all days."}  # a number replaces nothing


def test_the_same_file_twice_is_one(library: Library, home: Path) -> None:
    same = sent(home, "canteen.txt", NEW, "a")
    *_, last = _take_files(library, [same, same, sent(home, "canteen.txt", NEW, "b")])
    assert "failed" not in told(last)
    assert settled(library) == {**BEFORE, "canteen.txt": NEW}


@pytest.mark.parametrize(("content", "reason"), [(PNG, "It is a PNG"), (b"", "It is empty")], ids=["picture", "empty"])
def test_what_cannot_be_read_stops_nothing_and_replaces_nothing(
        library: Library, home: Path, content: bytes, reason: str) -> None:
    *_, last = _take_files(library, [sent(home, "leave.txt", content), sent(home, "new.txt"),
                                     sent(home, "picture.png", content)])
    rows = told(last).split('<div class="row-in ')[1:]
    assert [row.split('"')[0] for row in rows] == ["failed", "ready", "failed"]
    assert reason in rows[0]
    assert "(the version before stays)" in rows[0]
    assert "leave.txt" in rows[0]
    assert reason in rows[2]
    assert "stays" not in rows[2]
    assert settled(library) == {**BEFORE, "new.txt": NEW}


def test_where_nothing_can_be_read_nothing_is_built(library: Library, home: Path) -> None:
    with library.staging() as staged, pytest.raises(FileError, match="PNG"):
        library.accept(sent(home, "picture.png", PNG), staged)
    generation = current_id(home)
    *_, last = _take_files(library, [sent(home, "picture.png", PNG)])
    assert "failed" in told(last)
    assert current_id(home) == generation
    assert settled(library) == BEFORE


def test_what_can_be_read_and_yet_not_go_in_is_withdrawn(library: Library, home: Path, monkeypatch: Any) -> None:
    """As where a file changes after it was read: the build leaves it out, and so do the uploads."""

    class Unlucky(Sandbox):
        def read_documents(self, path: Path, source: str, *tell: Any) -> Any:
            if path.name in ("leave.txt", "new.txt"):
                raise FileError(source, "it is strange", "Send another")
            return super().read_documents(path, source, *tell)

    monkeypatch.setattr("index.build.Sandbox", Unlucky)
    *_, last = _take_files(library, [sent(home, "leave.txt"), sent(home, "new.txt"), sent(home, "other.txt")])
    rows = told(last).split('<div class="row-in ')[1:]
    assert [row.split('"')[0] for row in rows] == ["failed", "failed", "ready"]
    assert "It is strange. Send another." in rows[1]
    assert settled(library) == {**BEFORE, "other.txt": NEW}


def test_a_home_with_dots_in_its_path_keeps_its_uploads(home: Path, encoder: HeldEncoder, monkeypatch: Any) -> None:
    (home.parent / "below").mkdir()
    monkeypatch.chdir(home.parent / "below")
    library = Library(Path("../home"))
    add(library, sent(home, "leave.txt", OLD))
    assert settled(library) == {"leave.txt": OLD}
    record = next(iter(open_current(home).catalog.files))
    assert record.sha256 == file_sha256(library.uploads / "leave.txt")
    assert record.path == str(library.uploads / "leave.txt") == os.path.realpath(record.path)
    library.close()
