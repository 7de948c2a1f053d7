"""`pullquote index --ocr` as a person runs it: a question that a scanned page answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pdfs import by_hand, scanned, together

SHED = ("Bicycles are kept in the shed", "behind the harbour office.")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "notices.pdf").write_bytes(together(
        by_hand("BT /F 12 Tf 50 200 Td (The ferry to Skarvey leaves at nine in the morning.) Tj ET"),
        scanned([(50, 200, SHED[0]), (50, 184, SHED[1])])))
    return tmp_path


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PULLQUOTE_")}
    return subprocess.run([sys.executable, "-m", "ui.cli", *arguments], cwd=folder, env={**ours, **environment}, text=True,
                          capture_output=True, timeout=240, check=False)


def test_a_quote_of_a_scanned_page(folder: Path) -> None:
    missing = run(folder, "index", "docs", "--ocr", PATH=str(folder))
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr.startswith("pullquote: OCR is asked for, and there is no program tesseract on the PATH. Install it")
    assert not (folder / ".pullquote" / "CURRENT").exists()

    indexed = run(folder, "index", "docs", "--ocr")
    assert indexed.stdout.splitlines()[:2] == [
        "added    docs/notices.pdf", "note     docs/notices.pdf: page 2 was read by OCR: quotes of it are as a machine read it"]
    status = run(folder, "status")
    assert "PDF pages without text are read by OCR (eng)" in status.stdout.splitlines()

    asked = run(folder, "ask", "Where are bicycles kept?", "--json")
    quote = json.loads(asked.stdout)["quotes"][0]
    assert (quote["text"], quote["citations"][0]["page"]) == ("\n".join(SHED), 2)

    taken_back = run(folder, "index", "--no-ocr", "--json")
    report = json.loads(taken_back.stdout)
    assert (report["updated"], [notice["message"] for notice in report["notices"]]) == (
        ["docs/notices.pdf"], ["page 2 has no text: needs OCR"])
    assert json.loads(run(folder, "status", "--json").stdout)["ocr"] == ""
