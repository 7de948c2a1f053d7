"""What a library follows: paths as people write them, and what becomes of files that go."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from index.build import Report, remove, sync
from index.errors import InputError
from index.generation import open_current, rollback


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def sources(home: Path) -> list[str]:
    return [info.source for info in open_current(home).sources()]


def test_dots_in_a_path_make_no_other_place(tmp_path: Path, home: Path, encoder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "docs" / "b.md", "One thing.")
    put(tmp_path / "project" / "a.md", "Another thing.")
    monkeypatch.chdir(tmp_path / "project")
    sync(home, [Path()], encoder=encoder)
    sync(home, [Path("../docs")], encoder=encoder)
    sync(home, [tmp_path / "docs"], encoder=encoder)
    sync(home, encoder=encoder)
    assert sources(home) == ["docs/b.md", "project/a.md"]


def test_uploads_in_a_hidden_home_stay_when_the_folder_around_it_is_followed(tmp_path: Path, encoder: Any) -> None:
    home = tmp_path / "up" / ".pullquote"
    put(tmp_path / "up" / "own.md", "My own.")
    put(home / "uploads" / "sent.md", "Sent in.")
    for paths in ([home / "uploads"], [tmp_path / "up"], [home / "uploads"], []):
        sync(home, paths, encoder=encoder)
    assert sources(home) == ["up/own.md", "uploads/sent.md"]


def test_a_file_that_was_named_and_deleted_disappears(tmp_path: Path, home: Path, encoder: Any) -> None:
    gone, stays = put(tmp_path / "a.md", "A thing."), put(tmp_path / "b.md", "B thing.")
    sync(home, [gone, stays], encoder=encoder)
    gone.unlink()
    report = sync(home, encoder=encoder)
    assert (report.removed, report.skipped, sources(home)) == (("a.md",), (), ["b.md"])


def test_a_folder_and_one_in_it_named_together_are_one_root(tmp_path: Path, home: Path, encoder: Any) -> None:
    put(tmp_path / "docs" / "a" / "x.md", "Deep.")
    put(tmp_path / "docs" / "y.md", "Shallow.")
    sync(home, [tmp_path / "docs" / "a", tmp_path / "docs"], encoder=encoder)
    sync(home, [put(tmp_path / "other.md", "Other.")], encoder=encoder)
    assert sources(home) == ["docs/a/x.md", "docs/y.md", "other.md"]


def test_what_is_in_the_home_is_the_index_s_own_but_for_the_uploads(tmp_path: Path, encoder: Any) -> None:
    home = tmp_path / "docs" / "index"
    put(tmp_path / "docs" / "a.md", "A thing.")
    put(home / "calibration.json", "{}")
    put(home / "notes.txt", "Left here by mistake.")
    put(home / "uploads" / "b.md", "Another.")
    assert sync(home, [tmp_path / "docs"], encoder=encoder).added == ("docs/a.md", "docs/index/uploads/b.md")
    (tmp_path / "link").symlink_to(home / "notes.txt")
    for path in (home / "notes.txt", tmp_path / "link"):
        with pytest.raises(InputError, match=r"where the index itself is\. Keep the index elsewhere"):
            sync(home, [path], encoder=encoder)


def test_two_files_with_a_document_of_one_name_do_not_stop_the_others(tmp_path: Path, home: Path, encoder: Any) -> None:
    put(tmp_path / "docs" / "f.jsonl", '{"id": "x", "text": "A row."}\n')
    put(tmp_path / "docs" / "f.jsonl#x", "A file called so.")
    put(tmp_path / "docs" / "g.md", "Another.")
    report: Report = sync(home, [tmp_path / "docs"], encoder=encoder)
    assert report.added == ("docs/f.jsonl#x", "docs/g.md")
    assert [str(error) for error in report.skipped] == [
        "docs/f.jsonl#x: another file holds a document called docs/f.jsonl#x too. Rename one of the two"]


def test_a_folder_that_was_followed_by_itself_while_it_was_ignored_and_is_no_more(tmp_path: Path, home: Path, encoder: Any,
                                                                                 ) -> None:
    put(tmp_path / "x" / "a.md", "A thing.")
    put(tmp_path / "x" / "drafts" / "b.md", "Another.")
    ignore = put(tmp_path / "x" / ".pullquoteignore", "drafts/\n")
    sync(home, [tmp_path / "x", tmp_path / "x" / "drafts"], encoder=encoder)
    assert sources(home) == ["drafts/b.md", "x/a.md"]
    ignore.unlink()
    report: Report = sync(home, [tmp_path / "x"], encoder=encoder)
    assert (report.added, report.removed, report.encoded) == (("x/drafts/b.md",), ("drafts/b.md",), 0)
    assert sync(home, encoder=encoder).unchanged == 2
    assert sources(home) == ["x/a.md", "x/drafts/b.md"]


def test_what_one_may_not_look_at_is_told_and_the_others_go_through(tmp_path: Path, home: Path, encoder: Any,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("locked/a.md", "open/b.md"):
        put(tmp_path / name, "A thing.")
    real, locked = os.stat, str(tmp_path / "locked" / "a.md")

    def stat(path: Any, **options: Any) -> os.stat_result:
        if str(path) == locked:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return real(path, **options)

    with monkeypatch.context() as without:
        without.setattr(os, "stat", stat)
        report = sync(home, [tmp_path / "locked" / "a.md", tmp_path / "open"], encoder=encoder)
        assert report.added == ("open/b.md",)
        assert [str(error) for error in report.skipped] == [
            "a.md: you may not read it. Give yourself permission to read it, or leave it out"]
    assert sync(home, encoder=encoder).added == ("a.md",)
    with monkeypatch.context() as without:
        without.setattr(os, "stat", stat)
        assert sync(home, encoder=encoder).removed == ()
    assert sources(home) == ["a.md", "open/b.md"]


def test_a_name_that_is_too_long_is_that_of_no_file(tmp_path: Path, home: Path, encoder: Any) -> None:
    with pytest.raises(InputError) as caught:
        sync(home, [tmp_path / ("a" * 256)], encoder=encoder)
    assert str(caught.value) == f"there is no file or folder {tmp_path}/{'a' * 256}. Check the path"


def test_a_root_of_which_nothing_is_held_can_be_removed_and_deleted(tmp_path: Path, home: Path, encoder: Any) -> None:
    for name in ("a.png", "b.png", "c.md"):
        put(tmp_path / name, "A thing." if name == "c.md" else "\x89PNG\r\n\x1a\n\0\0\0\0")
    sync(home, [tmp_path / "a.png", tmp_path / "b.png", tmp_path / "c.md"], encoder=encoder)
    remove(home, ["a.png"], encoder=encoder)
    (tmp_path / "b.png").unlink()
    assert sync(home, encoder=encoder).skipped == ()
    assert [root.name for root in open_current(home).manifest.roots] == ["c.md"]


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS refuses such names")
@pytest.mark.parametrize("name", ["docs", "docs/a.md"])
def test_a_root_whose_name_is_not_valid_text_is_refused(tmp_path: Path, home: Path, encoder: Any, name: str) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    put(folder / "docs" / "a.md", "A thing.")
    with pytest.raises(InputError) as caught:
        sync(home, [folder / name], encoder=encoder)
    assert str(caught.value) == f"the name {tmp_path}/caf\ufffd/{name} is not valid text. Rename it, or the folder above it"


def test_rollback_finds_its_way_after_many_builds(tmp_path: Path, home: Path, encoder: Any) -> None:
    put(tmp_path / "docs" / "a.md", "Version 0.")
    sync(home, [tmp_path / "docs"], encoder=encoder)
    for number in (1, 2):
        put(tmp_path / "docs" / f"n{number}.md", f"Version {number}.")
        sync(home, encoder=encoder)
    rollback(home)
    first = rollback(home).id
    remove(home, ["docs/a.md"], encoder=encoder)
    assert rollback(home).id == first


def test_a_damaged_cache_is_begun_anew(tmp_path: Path, home: Path, encoder: Any) -> None:
    put(home / "cache" / "embeddings.sqlite", "no database at all, whatever its name says" * 20)
    assert sync(home, [put(tmp_path / "a.md", "A thing.")], encoder=encoder).encoded == 1
