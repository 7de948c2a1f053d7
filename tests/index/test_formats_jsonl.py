"""JSON Lines by content: rows in a file of any name; and what only looks like them is read as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from index.files import read_documents

ROWS = '{"id": "cancel", "title": "May I?", "text": "Yes."}\n{"content": "By line."}\n'
LONG = json.dumps({"text": "The ferry leaves at nine. " * 400})  # a row longer than the head that is looked at
LOG = '{"time": "09:00", "message": "left"}\n{"time": "09:05", "message": "arrived"}\n'


def read(folder: Path, name: str, data: str | bytes) -> list[tuple[str, str, str]]:
    """Media type, source and text of every document."""
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return [(document.media_type, document.source, document.text) for document in read_documents(folder / name, name)]


@pytest.mark.parametrize("name", ["faq.json", "faq.txt", "faq.md", "faq.csv", "faq"])
@pytest.mark.parametrize("data", [ROWS, "\r\n \r\n" + ROWS.replace("\n", "\r\n"), "\ufeff" + ROWS, ROWS.encode("utf-16")])
def test_rows_are_known_whatever_the_file_is_called(tmp_path: Path, name: str, data: str | bytes) -> None:
    rows = read(tmp_path, name, data)
    assert [(media_type, text) for media_type, _, text in rows] == [("application/jsonl", "Yes."),
                                                                    ("application/jsonl", "By line.")]
    assert rows[0][1] == f"{name}#cancel"


@pytest.mark.parametrize("data", [f"{LONG}\n{LONG}\n", '{"text": "a"}\n' + LONG, '{\t"text":"a"}\n' * 2000])
def test_rows_that_the_head_cuts(tmp_path: Path, data: str) -> None:
    assert [source for _, source, _ in read(tmp_path, "a.json", data)] == [
        f"a.json#{number}" for number, line in enumerate(data.splitlines(), 1)]


@pytest.mark.parametrize("data", [
    LOG,
    LOG + ROWS,
    ROWS + "and so on\n",
    ROWS + LOG,
    ROWS * 2,  # an id twice
    ROWS + LONG[:-9],
    ROWS + "[1]\n",
    '{"text": "Alone."}\n',
    LONG,
    json.dumps({"text": "x", "rows": ["y"]}, indent=1),
    '{"text": 7}\n{"text": 8}\n',
    '{"a": ' * 500,
    "[1]\n[2]\n",
    "{{ template }}\n{% more %}\n",
    '{"',
])
@pytest.mark.parametrize(("name", "media_type"), [("a.txt", "text/plain"), ("a.json", "text/plain"), ("a.md", "text/markdown")])
def test_what_is_no_rows_is_the_text_that_it_was(tmp_path: Path, data: str, name: str, media_type: str) -> None:
    assert read(tmp_path, name, data) == [(media_type, name, data)]
