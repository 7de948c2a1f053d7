"""What a library follows: paths as people write them, and what becomes of files that go."""

from __future__ import annotations

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

# One file by several roots


def twice(root: str, count: int, first: str) -> list[str]:
    return [f"{root}: 1 file is left out: links lead to it, and it is in the library as {first}" if count == 1 else
            f"{root}: {count} files are left out: links lead to them, and they are in the library as {first}"]


def linked(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of three files, and a link to the one in it that holds two."""
    for name in ("a.md", "sub/b.md", "sub/c.md"):
        put(tmp_path / "docs" / name, f"This is {name}.")
    (tmp_path / "link").symlink_to(tmp_path / "docs" / "sub")
    return tmp_path / "docs", tmp_path / "link"


def unchanging(home: Path, encoder: Any, *paths: Path) -> Report:
    """What a further run reports, which changes nothing."""
    before = open_current(home).manifest
    report = sync(home, paths, encoder=encoder)
    assert (report.added, report.updated, report.removed, report.encoded) == ((), (), (), 0)
    assert open_current(home).manifest == before
    return report


@pytest.mark.parametrize("together", [True, False])
def test_a_file_that_links_lead_to_is_one_document_named_by_the_root_that_came_first(
        tmp_path: Path, home: Path, encoder: Any, together: bool) -> None:
    docs, link = linked(tmp_path)
    report = [sync(home, paths, encoder=encoder) for paths in ([[docs, link]] if together else [[docs], [link]])][-1]
    assert [str(notice) for notice in report.notices] == twice("link", 2, "docs")
    assert (sources(home), report.skipped) == (["docs/a.md", "docs/sub/b.md", "docs/sub/c.md"], ())
    assert unchanging(home, encoder).notices == ()
    assert [str(notice) for notice in unchanging(home, encoder, link).notices] == twice("link", 2, "docs")
    assert [str(notice) for notice in unchanging(home, encoder, link / "c.md").notices] == twice("link/c.md", 1, "docs")
    put(link / "d.md", "This is new.")
    assert sync(home, [link], encoder=encoder).added == ("docs/sub/d.md",)
    unchanging(home, encoder, docs)


def test_a_folder_around_a_root_that_is_a_link_does_not_rename_its_documents(tmp_path: Path, home: Path, encoder: Any) -> None:
    docs, link = linked(tmp_path)
    sync(home, [link], encoder=encoder)
    report = sync(home, [docs], encoder=encoder)
    assert (report.added, report.removed, sources(home)) == (("docs/a.md",), (), ["docs/a.md", "link/b.md", "link/c.md"])
    assert [str(notice) for notice in report.notices] == twice("docs", 2, "link")
    assert [str(notice) for notice in unchanging(home, encoder, docs).notices] == twice("docs", 2, "link")
    unchanging(home, encoder)
    put(docs / "sub" / "b.md", "Changed.")
    assert sync(home, [docs / "sub"], encoder=encoder).updated == ("link/b.md",)


def test_one_folder_by_several_spellings_is_in_once(tmp_path: Path, home: Path, encoder: Any, monkeypatch: pytest.MonkeyPatch,
                                                    ) -> None:
    linked(tmp_path)
    (tmp_path / "way").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path / "docs")
    paths = [Path("../docs"), Path(), Path("sub/.."), tmp_path / "docs", tmp_path / "way" / "docs"]
    report = sync(home, paths, encoder=encoder)
    assert sources(home) == ["docs/a.md", "docs/sub/b.md", "docs/sub/c.md"]
    assert [root.name for root in open_current(home).manifest.roots] == ["docs", "way/docs"]
    assert [str(notice) for notice in report.notices] == twice("way/docs", 3, "docs")
    unchanging(home, encoder)


def test_a_link_to_a_file_is_in_once_and_read_by_the_name_that_came_first(tmp_path: Path, home: Path, encoder: Any) -> None:
    kept = put(tmp_path / "store" / "0a1b2c", "name,colour\nbee,black\n")
    (tmp_path / "animals.csv").symlink_to(kept)
    sync(home, [tmp_path / "animals.csv", tmp_path / "store"], encoder=encoder)
    [info] = open_current(home).sources()
    assert (info.source, info.media_type) == ("animals.csv", "text/csv")
    unchanging(home, encoder)
    (tmp_path / "animals.csv").unlink()
    assert sync(home, encoder=encoder).removed == ("animals.csv",)
    assert sources(home) == ["store/0a1b2c"]


@pytest.mark.parametrize("first", ["docs", "link"])
@pytest.mark.parametrize("how", ["deleted", "removed"])
def test_without_one_of_two_roots_the_other_has_the_documents(tmp_path: Path, home: Path, encoder: Any, first: str, how: str,
                                                              ) -> None:
    docs, link = linked(tmp_path)
    (tmp_path / "own").symlink_to(docs)  # so that what is deleted is but a link
    roots = {"docs": tmp_path / "own", "link": link}
    sync(home, [roots.pop(first), *roots.values()], encoder=encoder)
    gone = "own" if first == "docs" else "link"
    old, new = [name for name in sources(home) if name.startswith(gone)], "link" if gone == "own" else "own/sub"
    if how == "deleted":
        (tmp_path / gone).unlink()
        report = sync(home, encoder=encoder)
        assert [str(error) for error in report.skipped] == [f"{gone}: there is no such file or folder. Check the path"]
    else:
        report = remove(home, [gone], encoder=encoder)
    moved = (f"{new}/b.md", f"{new}/c.md")
    assert (report.added, report.encoded) == (moved, 0)
    # With "own" deleted, a.md is nowhere else: it stays, for the folder may come back.
    a = {("docs", "deleted"): ["own/a.md"], ("docs", "removed"): []}.get((first, how), ["own/a.md"])
    assert sources(home) == sorted([*a, *moved])
    assert report.removed == tuple(name for name in old if name not in a)
    unchanging(home, encoder)
    if how == "deleted":
        remove(home, [gone], encoder=encoder)
        assert sync(home, encoder=encoder).skipped == ()
        assert sources(home) == sorted([*(a if gone == "link" else []), *moved])
    unchanging(home, encoder)


def test_a_root_none_of_whose_files_is_in_by_its_name_can_be_removed(tmp_path: Path, home: Path, encoder: Any) -> None:
    docs, link = linked(tmp_path)
    sync(home, [docs, link], encoder=encoder)
    report = remove(home, ["link"], encoder=encoder)
    assert (report.removed, report.added, report.unchanged) == ((), (), 3)
    assert [root.name for root in open_current(home).manifest.roots] == ["docs"]
    unchanging(home, encoder)


def test_what_was_taken_out_does_not_come_back_by_another_way(tmp_path: Path, home: Path, encoder: Any) -> None:
    docs, link = linked(tmp_path)
    sync(home, [docs, link], encoder=encoder)
    remove(home, ["docs/sub/b.md"], encoder=encoder)
    for paths in ([], [link], [docs]):
        unchanging(home, encoder, *paths)
    remove(home, ["docs"], encoder=encoder)
    assert (sources(home), open_current(home).manifest.excluded) == (["link/c.md"], ("link/b.md",))
    unchanging(home, encoder)
    assert sync(home, [docs], encoder=encoder).added == ("docs/a.md",)
    assert sync(home, [docs / "sub" / "b.md"], encoder=encoder).added == ("link/b.md",)


def test_copies_and_hard_links_are_documents_of_their_own(tmp_path: Path, home: Path, encoder: Any) -> None:
    one = put(tmp_path / "one" / "a.md", "This is a thing.")
    for name in ("two/a.md", "three/a.md"):
        put(tmp_path / name, "This is a thing.")
    (tmp_path / "two" / "a.md").unlink()
    (tmp_path / "two" / "a.md").hardlink_to(one)
    report = sync(home, [tmp_path / "one", tmp_path / "two", tmp_path / "three"], encoder=encoder)
    assert (sources(home), report.notices) == (["one/a.md", "three/a.md", "two/a.md"], ())
    unchanging(home, encoder)


def test_a_folder_that_is_away_keeps_its_documents_though_there_is_another_of_the_same_names(tmp_path: Path, home: Path,
                                                                                            encoder: Any) -> None:
    put(tmp_path / "one" / "a.md", "This is one.")
    put(tmp_path / "two" / "a.md", "This is two.")
    (tmp_path / "link").symlink_to(tmp_path / "one")
    sync(home, [tmp_path / "link", tmp_path / "two"], encoder=encoder)
    (tmp_path / "one").rename(tmp_path / "away")
    report = sync(home, encoder=encoder)
    assert (report.removed, sources(home)) == ((), ["link/a.md", "two/a.md"])


def test_a_root_that_is_a_link_in_a_circle_stops_nothing(tmp_path: Path, home: Path, encoder: Any) -> None:
    docs, link = linked(tmp_path)
    sync(home, [docs, link], encoder=encoder)
    link.unlink()
    link.symlink_to(link)
    assert str(sync(home, encoder=encoder).skipped[0]).startswith("link: ")
    assert sources(home) == ["docs/a.md", "docs/sub/b.md", "docs/sub/c.md"]


def test_a_link_to_the_folder_of_the_home_does_not_lead_to_the_index_s_own(tmp_path: Path, encoder: Any) -> None:
    home = tmp_path / "docs" / "index"
    put(tmp_path / "docs" / "a.md", "A thing.")
    put(home / "notes.txt", "Left here by mistake.")
    (tmp_path / "link").symlink_to(tmp_path / "docs")
    assert sync(home, [tmp_path / "link"], encoder=encoder).added == ("link/a.md",)
    unchanging(home, encoder)
