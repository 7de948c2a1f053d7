"""`pullquote index --watch` as a person runs it: a real process on a real folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from threading import Thread

import pytest
from pdfs import by_hand

from index.generation import open_current, writing

STARTING, PATIENCE = 240, 20  # seconds: until the models are loaded, until a change is told


class Watching:
    """The process, and what it says line by line."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PULLQUOTE_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ui.cli", "index", *arguments, "--watch"], cwd=folder, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._lines: Queue[str] = Queue()
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def line(self, patience: float = PATIENCE) -> str:
        return self._lines.get(timeout=patience)

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal; the exit code and all that it said on stderr."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        assert self.process.stderr
        return code, self.process.stderr.read()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "ferry.txt").write_text("The ferry to Skarvey leaves at nine in the morning.")
    return tmp_path


@pytest.fixture
def watching(folder: Path) -> Iterator[Watching]:
    made = Watching(folder, "docs")
    yield made
    made.process.kill()
    made.process.wait()


def test_a_line_for_every_change_until_it_is_stopped(folder: Path, watching: Watching) -> None:
    docs = folder / "docs"
    assert watching.line(STARTING) == "added    docs/ferry.txt"
    assert watching.line().startswith("1 added, 0 updated, 0 removed, 0 unchanged, 0 skipped: 1 document in 1 chunk")
    assert watching.line() == "watching; stop with Ctrl+C"
    (docs / "shed.md").write_text("Bicycles are kept in the shed.")
    assert watching.line()[8:] == " added docs/shed.md: 2 documents"
    (docs / "ferry.txt").write_text("The ferry to Skarvey leaves at ten in the morning.")
    assert watching.line()[8:] == " updated docs/ferry.txt: 2 documents"
    (docs / "shed.md").rename(docs / "bicycles.md")
    assert watching.line()[8:] == " added docs/bicycles.md, removed docs/shed.md: 2 documents"
    (docs / "scan\x1b[2J.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    assert watching.line()[8:].startswith(" skipped docs/scan [2J.pdf: it is a damaged or incomplete PDF")
    (docs / "part.pdf").write_bytes(by_hand("BT /F 12 Tf 50 200 Td (Lifts are out of order.) Tj ET", "0 0 9 9 re f"))
    assert watching.line()[8:] == " added docs/part.pdf: 3 documents"
    assert watching.line()[8:] == " note docs/part.pdf: page 2 has no text: needs OCR"
    for path in docs.iterdir():
        path.rename(folder / path.name)
    assert "removed docs/bicycles.md and 2 more: 0 documents" in watching.line()
    code, said = watching.end(signal.SIGTERM)
    assert (code, said) == (0, "pullquote: stopped\n")
    with writing(folder / ".pullquote"):
        assert open_current(folder / ".pullquote").sources() == []


def test_json_lines_and_ctrl_c(folder: Path) -> None:
    watching = Watching(folder, "docs", "--json")
    try:
        assert json.loads(watching.line(STARTING))["added"] == ["docs/ferry.txt"]
        (folder / "docs" / "shed.md").write_text("Bicycles are kept in the shed.")
        report = json.loads(watching.line())
        assert (report["added"], report["documents"], report["encoded"]) == (["docs/shed.md"], 2, 1)
        assert watching.end(signal.SIGINT) == (0, "pullquote: stopped\n")
    finally:
        watching.process.kill()
        watching.process.wait()
    assert [info.source for info in open_current(folder / ".pullquote").sources()] == ["docs/ferry.txt", "docs/shed.md"]
