"""What could not be read, or not whole, is remembered from run to run, and never longer than its file is followed."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fakes import WordEncoder, document, write
from pdfs import by_hand

from index import unread
from index.build import erase, index_documents, remove, sync
from index.errors import FileError
from index.generation import Root, current_id, open_current, rollback
from index.types import Notice
from index.unread import FILE, LONGEST, MOST, Unread, followed, keep, told

TEXT = "BT /F 12 Tf 50 200 Td (Staff have 25 days of leave.) Tj ET"
SCAN = "q 400 0 0 300 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID x EI Q"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(20)
NOTICE = "page 2 has no text: needs OCR"


@pytest.fixture
def docs(docs: Path) -> Path:
    return write(docs, {"otter.md": "# Otter\n\nIt swims.", "a.pdf": by_hand(TEXT, SCAN), "sub/broken.txt": PICTURE,
                        "sub/heron.txt": "It waits.", "empty.txt": ""})


def seen(home: Path) -> tuple[dict[str, str], list[Notice]]:
    """What is told of the generation in use: reasons by source, and notices."""
    with closing(open_current(home)) as store:
        now = told(home, store)
    return {error.source: error.message for error in now.skipped}, list(now.notices)


def test_files_that_cannot_be_read_are_told_with_reason_and_remedy(home, docs, encoder) -> None:
    report = sync(home, [docs], encoder=encoder)
    with closing(open_current(home)) as store:
        now = told(home, store)
    assert [str(error) for error in now.skipped] == [str(error) for error in report.skipped]
    assert [(error.source, error.message) for error in now.skipped] == [
        ("docs/empty.txt", "it is empty"),
        ("docs/sub/broken.txt", "it is a PNG image, not a document format that can be read")]
    assert now.skipped[0].remedy == "Remove it, or save it again with its content"
    assert now.notices == report.notices == (Notice("docs/a.pdf", NOTICE),)


def test_notices_stay_while_the_document_is_as_it_was_and_go_with_it(home, docs, encoder) -> None:
    sync(home, [docs], encoder=encoder)
    assert sync(home, encoder=encoder).notices == ()  # nothing is new
    assert seen(home)[1] == [Notice("docs/a.pdf", NOTICE)]
    write(docs, {"new.txt": "It came."})  # which is added to a copy
    sync(home, encoder=encoder)
    assert seen(home)[1] == [Notice("docs/a.pdf", NOTICE)]
    write(docs, {"new.txt": "It left."})  # all is written anew
    (docs / "a.pdf").rename(docs / "b.pdf")
    sync(home, encoder=encoder)
    assert seen(home)[1] == [Notice("docs/b.pdf", NOTICE)]
    write(docs, {"b.pdf": by_hand(TEXT)})
    sync(home, encoder=encoder)
    assert seen(home)[1] == []


def test_what_a_run_does_not_look_at_stays_told_and_what_is_mended_or_gone_does_not(home, docs, encoder) -> None:
    sync(home, [docs], encoder=encoder)
    write(docs, {"sub/other.txt": PICTURE, "sub/broken.txt": "Mended."})
    sync(home, [docs / "sub"], encoder=encoder)
    assert sorted(seen(home)[0]) == ["docs/empty.txt", "docs/sub/other.txt"]
    (docs / "empty.txt").unlink()
    sync(home, encoder=encoder)
    assert sorted(seen(home)[0]) == ["docs/sub/other.txt"]
    write(docs, {"sub/other.txt": "Mended.", "a.pdf": by_hand(TEXT)})
    sync(home, encoder=encoder)
    assert seen(home) == ({}, [])
    assert not (home / FILE).exists()


def test_what_is_removed_is_no_longer_named_on_the_disk(home, docs, encoder) -> None:
    sync(home, [docs], encoder=encoder)
    remove(home, ["docs/sub"], encoder=encoder)
    assert "docs/sub" not in (home / FILE).read_text()
    assert "docs/a.pdf" in (home / FILE).read_text()
    sync(home, encoder=encoder)  # it stays out
    assert "docs/sub" not in (home / FILE).read_text()
    remove(home, ["docs/a.pdf"], encoder=encoder)
    assert "docs/a.pdf" not in (home / FILE).read_text()
    remove(home, ["docs"], encoder=encoder)
    assert not (home / FILE).exists()


def test_after_a_rollback_only_what_the_library_holds_is_told_and_with_prune_the_rest_goes(home, docs, encoder) -> None:
    (docs / "a.pdf").rename(docs.parent / "a.pdf")
    sync(home, [docs], encoder=encoder)
    (docs.parent / "a.pdf").rename(docs / "late.pdf")
    sync(home, [docs], encoder=encoder)
    assert seen(home)[1] == [Notice("docs/late.pdf", NOTICE)]
    rollback(home)
    assert seen(home)[1] == []
    erase(home)
    assert "late.pdf" not in (home / FILE).read_text()
    assert sorted(seen(home)[0]) == ["docs/empty.txt", "docs/sub/broken.txt"]


def test_of_an_upload_that_does_not_go_in_nothing_is_kept(home, docs, encoder) -> None:
    write(home / "uploads", {"bad.txt": PICTURE, "a.pdf": by_hand(TEXT, SCAN)})
    report = sync(home, [docs, home / "uploads"], encoder=encoder)
    assert "uploads/bad.txt" in [error.source for error in report.skipped]
    assert "bad.txt" not in (home / FILE).read_text()
    assert Notice("uploads/a.pdf", NOTICE) in seen(home)[1]
    around = (Root(str(home.parent), "all"),)  # a root in which the home lies
    errors = [FileError(f"all/{name}", "x") for name in ("home/uploads/bad.txt", "docs/bad.txt")]
    assert followed(home, errors, around, ()) == (errors[1],)
    assert followed(home, errors, around, ("all/docs",)) == ()


def test_documents_without_files_leave_nothing_of_before(home, docs, encoder) -> None:
    sync(home, [docs], encoder=encoder)
    index_documents(home, [document("Text.", "one")], encoder=encoder)
    assert not (home / FILE).exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b'{"schema": 2}', b'{"schema": 1, "skipped": 3}',
                                    b'{"schema": 1, "skipped": ["x"], "notices": [], "more_skipped": 0, "more_notices": 0}',
                                    b'{"schema": 1, "skipped": [], "notices": {}, "more_skipped": "x", "more_notices": 0}',
                                    b"\xff" * 9])
def test_damaged_it_is_as_if_there_were_none(home, docs, encoder, damage: bytes) -> None:
    sync(home, [docs], encoder=encoder)
    (home / FILE).write_bytes(damage)
    assert seen(home) == ({}, [])
    sync(home, encoder=encoder)
    assert sorted(seen(home)[0]) == ["docs/empty.txt", "docs/sub/broken.txt"]  # these are tried with every run


def test_where_it_cannot_be_written_nothing_fails(home, docs, encoder) -> None:
    (home / FILE).mkdir(parents=True)
    (home / f".{FILE}.tmp").mkdir()
    report = sync(home, [docs], encoder=encoder)
    assert report.generation == current_id(home)
    assert seen(home) == ({}, [])
    remove(home, ["docs/sub"], encoder=encoder)
    erase(home)


def test_its_size_is_bounded_and_what_is_left_out_is_counted(home, docs, monkeypatch: Any) -> None:
    encoder = WordEncoder()
    sync(home, [docs], encoder=encoder)
    errors = tuple(FileError(f"docs/{n}", "half \ud800" + "x" * 2000, "Mend it") for n in range(MOST + 13))
    keep(home, Unread(errors, (Notice("docs/a.pdf", "y"),) * (MOST + 2)))
    with closing(open_current(home)) as store:
        now = told(home, store)
    assert (len(now.skipped), len(now.notices), now.more_skipped, now.more_notices) == (MOST, MOST, 13, 2)
    assert now.skipped[0].message == "half \ufffd" + "x" * (LONGEST - 7) + "…"
    sync(home, [docs / "sub"], encoder=encoder)  # the others are not looked at
    kept = json.loads((home / FILE).read_text())
    assert (len(kept["skipped"]), kept["more_skipped"], kept["more_notices"]) == (MOST, 14, 2)
    sync(home, encoder=encoder)
    kept = json.loads((home / FILE).read_text())
    assert (len(kept["skipped"]), kept["more_skipped"]) == (2, 0)
    monkeypatch.setattr(unread, "_LARGEST", 10)
    assert seen(home) == ({}, [])
