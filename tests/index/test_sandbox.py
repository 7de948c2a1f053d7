"""Reading in a worker: the same documents as without, one clear line where a file takes too much, and the others go through."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docx
import pytest
from fakes import write

from index import process
from index.build import sync
from index.errors import FileError, PullquoteError
from index.files import read_documents
from index.generation import open_current
from index.sandbox import Limits, Sandbox

ROOT = Path(__file__).parents[2]
# The worker of the product, but for one thing: what it does with a file whose name says so.
STRANGE = """
import json, os, sys, time
sys.path[:], _, _, arguments = json.loads(sys.argv[1])
import index.sandbox
from index.sandbox import Content, Extract, Section
read = index.sandbox.read_content
def strange(path, source, *limits):
    if "crash" in source: os.abort()
    if "leave" in source: os._exit(7)
    if "hang" in source: time.sleep(600)
    if "odd" in source: return Content("text/plain", "", 1.0, (Extract("t", "text", (Section(1, 9),)),))
    if "write" in source: path.with_suffix(".out").write_text("x")
    return read(path, source, *limits)
index.sandbox.read_content = strange
index.sandbox.serve(*arguments)
"""


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


@pytest.fixture
def strange(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.setattr(process, "PROGRAM", STRANGE)
    with Sandbox(Limits(seconds=5)) as opened:
        yield opened


def error_of(opened: Sandbox, path: Path, source: str = "") -> str:
    with pytest.raises(FileError) as caught:
        opened.read_documents(path, source or path.name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def worker_of(opened: Sandbox) -> int:
    assert opened._worker
    return opened._worker._process.pid


def test_the_documents_are_those_that_are_read_without(shared: Sandbox, tmp_path: Path) -> None:
    write(tmp_path, {
        "a.md": "Preface 𝔹\n\n# One\n\nText \0 of one.\n\n## Two\n\nAnd two.\n\n```\nls\n\nwho\n```\n",
        "rows.jsonl": '{"id": "a\\udc00", "title": "T", "text": "half \\ud83d"}\n{"text": "two"}\n',
        "a.csv": "Port,Berths\nOrrin,4\n",
        "latin.txt": "Überfahrt um neun".encode("cp1252"),
    })  # fmt: skip
    for path in [*sorted(tmp_path.iterdir()), *sorted((ROOT / "eval" / "sets" / "sample").iterdir())]:
        assert shared.read_documents(path, f"docs/{path.name}") == read_documents(path, f"docs/{path.name}")


def test_what_is_wrong_with_a_file_is_told_as_without(shared: Sandbox, tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": b"\x89PNG\r\n\x1a\n" + bytes(20), "empty.txt": b"", "b.jsonl": '{"text": ""}', "c.txt": " \n"})
    for path in [*sorted(tmp_path.iterdir()), tmp_path / "gone.txt"]:
        with pytest.raises(FileError) as caught:
            read_documents(path, path.name)
        assert error_of(shared, path) == str(caught.value)


def test_a_name_that_is_not_utf8_can_be_read(shared: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.txt")
    try:
        path.write_text("text")
    except OSError:  # macOS has no such names
        return
    assert shared.read_documents(path, "caf\ufffd.txt")[0].text == "text"


def test_one_worker_reads_all_files(shared: Sandbox, tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": "text", "b.txt": b""})
    shared.read_documents(tmp_path / "a.txt", "a.txt")
    pid = worker_of(shared)
    error_of(shared, tmp_path / "b.txt")
    with ThreadPoolExecutor(4) as threads:
        texts = list(threads.map(lambda _: shared.read_documents(tmp_path / "a.txt", "a.txt")[0].text, range(40)))
    assert (texts, worker_of(shared)) == (["text"] * 40, pid)


def test_a_file_that_takes_too_long(strange: Sandbox, tmp_path: Path) -> None:
    write(tmp_path, {"hang.txt": "text", "a.txt": "text"})
    strange._limits = Limits(seconds=0.5)
    assert error_of(strange, tmp_path / "hang.txt") == (
        "hang.txt: reading it took longer than 0.5 seconds, the limit. "
        "Split it into smaller files, or raise read_seconds (PULLQUOTE_READ_SECONDS)"
    )
    strange._limits = Limits()
    assert strange.read_documents(tmp_path / "a.txt", "a.txt")[0].text == "text"


@pytest.mark.parametrize("name", ["a.docx", "a.html", "a.txt"])
def test_a_file_that_takes_too_much_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.txt":
        path.write_bytes(b"a long text " * 15_000_000)
    elif name == "a.html":
        path.write_bytes(b"<html><body>" + b"<p>a</p>" * 2_000_000)
    else:
        docx.Document().save(path)
        with zipfile.ZipFile(path) as archive:
            parts = {part: archive.read(part) for part in archive.namelist()}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for part, content in parts.items():
                archive.writestr(part, b"<x>" + b"<w/>" * 4_000_000 + b"</x>" if part == "word/document.xml" else content)
    with Sandbox(Limits(memory_mb=200)) as opened:
        try:
            told = repr(opened.read_documents(path, name))
        except FileError as error:
            told = str(error)
        limited = told == (
            f"{name}: reading it takes more than 200 MB of memory, the limit. "
            "Split it into smaller files, or raise read_memory_mb (PULLQUOTE_READ_MEMORY_MB)"
        )
        assert limited or sys.platform == "darwin"  # which enforces no such limit
        path.write_text("text")
        assert opened.read_documents(path, "a.txt")[0].text == "text"


@pytest.mark.parametrize("text", ["# " + "x" * 500 + "\n" + "## y\n" * 10, "x" * 2001])
def test_a_file_with_too_much_text(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"a.md": text, "b.md": "x" * 2000})
    with Sandbox(Limits(characters=2000)) as opened:
        message = error_of(opened, tmp_path / "a.md")
        assert len(opened.read_documents(tmp_path / "b.md", "b.md")[0].text) == 2000
    assert message.startswith("a.md: its text has ")
    assert message.endswith(
        " characters or more, and the limit is 2,000. "
        "Split it into smaller files, or raise read_characters (PULLQUOTE_READ_CHARACTERS)"
    )


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": "x" * 1_000_001, "b.txt": "x" * 1_000_000})
    with Sandbox(Limits(megabytes=1)) as opened:
        assert error_of(opened, tmp_path / "a.txt") == (
            "a.txt: it has 1.0 MB, and the limit is 1 MB. "
            "Split it into smaller files, or raise read_megabytes (PULLQUOTE_READ_MEGABYTES)")
        assert len(opened.read_documents(tmp_path / "b.txt", "b.txt")[0].text) == 1_000_000


@pytest.mark.parametrize(("name", "how"), [("crash.txt", signal.strsignal(signal.SIGABRT)), ("leave.txt", "exit code 7")])
def test_a_file_that_ends_the_worker(strange: Sandbox, tmp_path: Path, name: str, how: str) -> None:
    write(tmp_path, {name: "text", "a.txt": "text"})
    for _ in range(2):
        assert error_of(strange, tmp_path / name) == (
            f"{name}: the process that read it crashed ({how}). "
            "Open it in its own program and save it again, or leave it out"
        )
        assert strange.read_documents(tmp_path / "a.txt", "a.txt")[0].text == "text"


def test_a_worker_that_earlier_files_have_worn_out_is_not_held_against_the_next(shared: Sandbox, tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": "text"})
    shared.read_documents(tmp_path / "a.txt", "a.txt")
    os.kill(worker_of(shared), signal.SIGKILL)
    assert shared.read_documents(tmp_path / "a.txt", "a.txt")[0].text == "text"


def test_an_answer_that_proves_false_is_a_crash(strange: Sandbox, tmp_path: Path) -> None:
    write(tmp_path, {"odd.txt": "text"})
    assert "odd.txt: the process that read it crashed" in error_of(strange, tmp_path / "odd.txt")


def test_a_worker_writes_no_file(strange: Sandbox, tmp_path: Path) -> None:
    write(tmp_path, {"write.txt": "text"})
    error_of(strange, tmp_path / "write.txt")
    assert (tmp_path / "write.out").read_text() == ""


@pytest.mark.parametrize(("program", "told"), [
    ("import sys; sys.exit(3)", r"ended while it started \(it may take 300 MB\)"),
    ("import time; time.sleep(60)", r"did not start within 0\.2 s \(it may take 300 MB\)"),
])
def test_a_worker_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, told: str) -> None:
    monkeypatch.setattr(process, "PROGRAM", program)
    if "sleep" in program:
        monkeypatch.setattr("index.sandbox.START", 0.2)
    write(tmp_path, {"a.txt": "text"})
    with Sandbox(Limits(memory_mb=300)) as opened, pytest.raises(PullquoteError, match=told):
        opened.read_documents(tmp_path / "a.txt", "a.txt")


def test_a_machine_that_starts_no_more_processes_is_not_held_against_the_files(
        monkeypatch: pytest.MonkeyPatch, docs: Path, home: Path, encoder: Any) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    write(docs, {"a.txt": "text", "b.txt": "text"})
    monkeypatch.setattr(subprocess, "Popen", refused)
    with pytest.raises(PullquoteError) as caught:
        sync(home, [docs], encoder=encoder)
    assert not isinstance(caught.value, FileError)
    assert str(caught.value).startswith(f"the process that reads files cannot be started ({os.strerror(errno.EAGAIN)}). End")


def test_a_python_that_one_may_not_run_is_told_as_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(subprocess, "Popen", refused)
    with pytest.raises(PullquoteError) as caught, Sandbox():
        pass
    assert str(caught.value) == ("the process that reads files cannot be started (Permission denied)."
                                 f" Give yourself permission to run {sys.executable}")


def test_interrupting_leaves_no_answer_for_the_next_question(strange: Sandbox, tmp_path: Path) -> None:
    write(tmp_path, {"hang.txt": "text", "a.txt": "other"})
    main = threading.main_thread().ident
    assert main
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what is in the background without one
    try:
        threading.Timer(0.5, lambda: signal.pthread_kill(main, signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            strange.read_documents(tmp_path / "hang.txt", "hang.txt")
    finally:
        signal.signal(signal.SIGINT, handler)
    assert strange.read_documents(tmp_path / "a.txt", "a.txt")[0].text == "other"


def test_the_worker_ends_with_the_one_who_started_it(tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": "text"})
    program = ("import os, sys; from pathlib import Path; from index.sandbox import Sandbox; s = Sandbox();"
               " s.read_documents(Path(sys.argv[1]), 'a'); print(s._worker._process.pid, flush=True); os.kill(os.getpid(), 9)")
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "a.txt")], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert ended(int(done.stdout))


def test_closing_ends_the_worker(tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": "text"})
    with Sandbox() as opened:
        opened.read_documents(tmp_path / "a.txt", "a.txt")
        pid = worker_of(opened)
    assert ended(pid)


def ended(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_modules_in_the_working_directory_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"json.py": "import os; os.abort()", "index/__init__.py": "import os; os.abort()", "a.txt": "text"})
    monkeypatch.chdir(tmp_path)
    with Sandbox() as opened:
        assert opened.read_documents(Path("a.txt"), "a.txt")[0].text == "text"


def test_a_killer_among_the_files_of_a_folder(docs: Path, home: Path, encoder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PROGRAM", STRANGE)
    write(docs, {"a.txt": "One.", "crash.txt": "Two.", "hang.txt": "Three.", "z.txt": "Four."})
    report = sync(home, [docs], encoder=encoder, limits=Limits(seconds=1))
    assert report.added == ("docs/a.txt", "docs/z.txt")
    assert [str(error).partition(".")[0] for error in report.skipped] == ["docs/crash", "docs/hang"]
    assert len(open_current(home).sources()) == 2
