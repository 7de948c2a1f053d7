"""What a walk leaves out, and what globs stand for."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.build import remove, sync
from index.errors import FileError, InputError
from index.files import Found, find_files
from index.generation import Root, open_current
from index.roots import resolve_roots
from index.types import Notice
from index.unread import told
from index.walk import IGNORE_FILE, comes_by, expand, folders


def put(path: Path, text: str = "Some text.") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def sources(home: Path) -> list[str]:
    return [info.source for info in open_current(home).sources()]


def found(root: Path) -> list[str]:
    return [str(file) if isinstance(file, FileError) else file.source for file in find_files(root, "d")]


# Ignore files


def test_an_ignore_file_holds_for_its_folder_and_below(docs: Path) -> None:
    for name in ("a.log", "a.txt", "sub/b.log", "sub/b.txt", "build/c.txt", "sub/build/d.txt", "top.txt", "sub/top.txt"):
        put(docs / name)
    put(docs / IGNORE_FILE, "# what the machine writes\n*.log\nbuild/\n/top.txt\n")
    assert found(docs) == ["d/a.txt", "d/sub/b.txt", "d/sub/top.txt"]


def test_the_nearest_ignore_file_decides_and_a_folder_left_out_stays_out(docs: Path) -> None:
    for name in ("a.log", "sub/b.log", "sub/c.txt", "out/d.txt", "other/c.txt"):
        put(docs / name)
    put(docs / IGNORE_FILE, "*.log\nout/\n!out/d.txt\n")
    put(docs / "sub" / IGNORE_FILE, "!b.log\nc.txt\n")
    put(docs / "out" / IGNORE_FILE, "!*\n")
    assert found(docs) == ["d/other/c.txt", "d/sub/b.log"]


NAMES = st.sampled_from(["a", "b", "ab.txt", "b.md", "a b", "[x]", "1f", "]f", "-f", "z"])
PATTERNS = st.lists(st.sampled_from(["a", "a/", "/a", "*.txt", "!ab.txt", "a/*", "!a/b", "**/b", "a/**", "a b", "\\[x\\]", "!",
                                     "[ab]", "# a", "", "b.md ", "!b/", "*/a/", "?", "!/", "[[:digit:]]f",
                                     "[![:alpha:]]*", "[[:alnum:]_]f", "!*/"]), max_size=5)


@pytest.mark.skipif(not shutil.which("git"), reason="compares with Git")
@given(st.sets(st.lists(NAMES, min_size=1, max_size=3).map("/".join), max_size=6), PATTERNS, PATTERNS)
def test_the_rules_are_those_of_git(tmp_path_factory: pytest.TempPathFactory, names: set[str], top: list[str],
                                    nested: list[str]) -> None:
    root = tmp_path_factory.mktemp("git")
    for name in sorted(names):
        if not any((root / name).is_dir() or parent.is_file() for parent in [root / name, *(root / name).parents]):
            put(root / name)
    put(root / IGNORE_FILE, "\n".join(top))
    if (root / "a").is_dir():
        put(root / "a" / IGNORE_FILE, "\n".join(nested))
    git = ["git", "-c", "core.excludesFile=/dev/null", "-C", str(root)]
    subprocess.run([*git, "init", "-q"], check=True)
    listed = subprocess.run([*git, "ls-files", "-z", "--others", f"--exclude-per-directory={IGNORE_FILE}"], check=True,
                            capture_output=True, text=True).stdout.split("\0")
    theirs = sorted(f"d/{name}" for name in listed if name and not name.endswith(IGNORE_FILE))
    assert sorted(found(root)) == theirs
    for file in find_files(root, "d"):
        assert isinstance(file, Found)
        assert comes_by(root, Path(file.path))


@pytest.mark.parametrize(("line", "names", "left_out"), [
    ("[[:digit:]]f.txt", "1f.txt xf.txt", "1f.txt"), ("[[:upper:][:digit:]_]", "A 1 _ a", "A 1 _"),
    ("[![:space:]]x", "ax bx", "ax bx"), ("[:digit:]f", "df 1f", "df"), (r"[\]]f", "]f f", "]f"),
    (r"[a\]]f", "]f af bf", "]f af"), ("# see [[:word:]]", "a", ""), ("[[:punct:]]", "! ~ ] - a", "! ~ ] -"),
    ("[![:punct:]]", "! a", "a"), ("[[:graph:]]", "! a", "! a"),
    ("*\n!/", "a", "a"), ("*\n!", "a", "a"), ("/*\n!/a/", "a/b b", "b"),
])  # fmt: skip
def test_patterns_as_git_reads_them(docs: Path, recwarn: pytest.WarningsRecorder, line: str, names: str, left_out: str) -> None:
    for name in names.split():
        put(docs / name)
    put(docs / IGNORE_FILE, line)
    assert found(docs) == sorted(f"d/{name}" for name in {*names.split()} - {*left_out.split()})
    assert not recwarn


def test_a_file_that_is_ignored_now_disappears_and_comes_back(docs: Path, home: Path, encoder: Any) -> None:
    for name in ("a.md", "b.md", "sub/c.md"):
        put(docs / name, f"This is {name}.")
    sync(home, [docs], encoder=encoder)
    put(docs / IGNORE_FILE, "b.md\nsub\n")
    assert sync(home, encoder=encoder).removed == ("docs/b.md", "docs/sub/c.md")
    assert sources(home) == ["docs/a.md"]
    (docs / IGNORE_FILE).unlink()
    assert sync(home, encoder=encoder).added == ("docs/b.md", "docs/sub/c.md")


def test_ignore_files_above_hold_where_only_a_part_is_looked_through(docs: Path, home: Path, encoder: Any) -> None:
    for name in ("sub/a.md", "sub/a.log", "sub/deep/b.log"):
        put(docs / name, f"This is {name}.")
    put(docs / IGNORE_FILE, "*.log\n")
    sync(home, [docs], encoder=encoder)
    put(docs / "sub" / "new.md", "This is new.")
    assert sync(home, [docs / "sub"], encoder=encoder).added == ("docs/sub/new.md",)
    assert sources(home) == ["docs/sub/a.md", "docs/sub/new.md"]


def test_ignore_files_above_what_is_named_do_not_hold_where_their_folder_is_not_followed(docs: Path, home: Path, encoder: Any,
                                                                                        ) -> None:
    for name in ("sub/a.md", "sub/left-out.md"):
        put(docs / name, f"This is {name}.")
    put(docs / IGNORE_FILE, "left-out.md\n")
    assert expand([docs / "sub" / "*.md"]) == [docs / "sub" / "a.md", docs / "sub" / "left-out.md"]
    assert expand([docs / "**" / "*.md"]) == [docs / "sub" / "a.md"]
    assert sync(home, [docs / "sub"], encoder=encoder).added == ("sub/a.md", "sub/left-out.md")


@pytest.mark.parametrize("name", ["left-out.md", ".hidden.md", ".notes/a.md", "link/a.md", "out/a.md"])
def test_what_is_left_out_comes_in_when_it_is_named_and_stays(docs: Path, home: Path, encoder: Any, name: str) -> None:
    put(docs.parent / "elsewhere" / "a.md", "From elsewhere.")
    (docs / "link").symlink_to(docs.parent / "elsewhere")
    put(docs / IGNORE_FILE, "left-out.md\nout/\n")
    put(docs / "seen.md", "Seen.")
    put(docs / name, "Named.")
    sync(home, [docs], encoder=encoder)
    assert sources(home) == ["docs/seen.md"]
    assert len(sync(home, [docs / name], encoder=encoder).added) == 1
    assert sync(home, [docs], encoder=encoder).removed == ()
    assert sync(home, encoder=encoder).removed == ()
    assert len(sources(home)) == 2


@pytest.mark.parametrize(("content", "why"), [
    ("fine\n\\\n", "its .pullquoteignore has a line that is no pattern (Invalid git pattern: '\\\\'), so the folder is left"
                  " out. Correct the line: the rules are those of .gitignore"),
    ("[z-a]", "its .pullquoteignore has a line that is no pattern (bad character range z-a at position 10), so the folder is"
              " left out. Correct the line: the rules are those of .gitignore"),
    ("[[:none:]]", "its .pullquoteignore has a line that is no pattern (the class [:none:] is not known), so the folder is left"
                   " out. Correct the line: the rules are those of .gitignore"),
    ("\ufeffp\0r\0", "its .pullquoteignore is not UTF-8 text, so the folder is left out. Save it as UTF-8"),
    (None, "its .pullquoteignore is not a regular file, so the folder is left out. Remove it"),
])
def test_an_ignore_file_that_cannot_be_used_leaves_its_folder_as_it_was(
        docs: Path, home: Path, encoder: Any, content: str | None, why: str) -> None:
    put(docs / "sub" / "a.md", "A thing.")
    put(docs / "b.md", "B thing.")
    sync(home, [docs], encoder=encoder)
    put(docs / "sub" / "private.md", "Private.")
    if content is None:
        os.mkfifo(docs / "sub" / IGNORE_FILE)
    else:
        put(docs / "sub" / IGNORE_FILE, content)
    report = sync(home, encoder=encoder)
    assert [str(error) for error in report.skipped] == [f"docs/sub: {why}"]
    assert sources(home) == ["docs/b.md", "docs/sub/a.md"]
    with pytest.raises(FileError, match=r"\.pullquoteignore"):
        sync(home, [docs / "sub" / "private.md"], encoder=encoder)


def test_an_ignore_file_with_a_byte_order_mark_and_names_that_are_not_utf8(docs: Path) -> None:
    put(docs / "a.md")
    put(docs / "b.md")
    (docs / IGNORE_FILE).write_bytes(b"\xef\xbb\xbfa.md\r\ncaf\xe9\r\n")
    assert found(docs) == ["d/b.md"]


# Links


def link(path: Path, to: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(to)


def test_links_and_special_files_are_told_in_one_notice_a_root_and_only_once(docs: Path, home: Path, encoder: Any) -> None:
    put(docs / "a.md", "A thing.")
    put(docs.parent / "more" / "b.md", "B thing.")
    put(docs / IGNORE_FILE, "ignored\n")
    for name in ("sub/out", "dangling", ".hidden", "ignored"):
        link(docs / name, docs.parent / ("nowhere" if name == "dangling" else "more"))
    notice = Notice("docs/", "2 symbolic links or special files in it are left out: dangling, sub/out"
                             " (name a link itself, to have it followed)")
    assert sync(home, [docs, docs.parent / "more"], encoder=encoder).notices == (notice,)
    assert told(home, open_current(home)).notices == (notice,)
    assert sync(home, encoder=encoder).notices == ()  # nothing new
    put(docs / "c.md", "C thing.")
    assert sync(home, encoder=encoder).notices == ()  # added
    put(docs / "c.md", "C thing, changed.")
    assert sync(home, [docs.parent / "more"], encoder=encoder).notices == ()  # another root
    assert told(home, open_current(home)).notices == (notice,)
    os.mkfifo(docs / "pipe")
    link(docs / "z", docs)
    [more] = sync(home, encoder=encoder).notices
    assert more.message.startswith("4 symbolic links or special files in it are left out: dangling, pipe, sub/out, 1 more (")
    for name in ("sub/out", "dangling", "pipe"):
        (docs / name).unlink()
    [one] = sync(home, encoder=encoder).notices
    assert one.message.startswith("a symbolic link or special file in it is left out: z (")
    (docs / "z").unlink()
    sync(home, encoder=encoder)
    assert told(home, open_current(home)).notices == ()


def test_links_are_still_told_when_a_document_was_taken_out(docs: Path, home: Path, encoder: Any) -> None:
    put(docs / "a.md", "A thing.")
    put(docs / "b.md", "B thing.")
    link(docs / "out", docs.parent)
    sync(home, [docs], encoder=encoder)
    before = told(home, open_current(home)).notices
    remove(home, ["docs/b.md"], encoder=encoder)
    assert told(home, open_current(home)).notices == before != ()


def test_links_of_what_was_taken_out_are_not_told(docs: Path, home: Path, encoder: Any) -> None:
    put(docs / "a.md", "A thing.")
    put(docs / "sub" / "b.md", "B thing.")
    link(docs / "sub" / "out", docs.parent)
    sync(home, [docs], encoder=encoder)
    remove(home, ["docs/sub"], encoder=encoder)
    assert sync(home, encoder=encoder).notices == ()
    remove(home, ["docs"], encoder=encoder)
    assert told(home, open_current(home)).notices == ()


# Libraries


def test_of_another_library_only_the_uploads_are_come_by(docs: Path, home: Path, encoder: Any) -> None:
    put(docs / "a.md", "A thing.")
    other = docs / "other"
    put(other / "uploads" / "b.md", "B thing.")
    sync(other, [docs / "a.md"], encoder=encoder)
    put(docs / "CURRENT" / "c.md", "C thing.")  # not everything of that name is in a home
    report = sync(home, [docs], encoder=encoder)
    assert (report.added, report.skipped) == (("docs/CURRENT/c.md", "docs/a.md", "docs/other/uploads/b.md"), ())
    assert set(folders(docs)) == {docs, docs / "CURRENT", other, other / "uploads"}
    assert not comes_by(docs, other / "CURRENT")
    assert not comes_by(docs, other / "generations")
    assert expand([docs / "**" / "*.*"]) == [docs / "CURRENT" / "c.md", docs / "a.md", other / "uploads" / "b.md"]


# Globs


def test_a_glob_matches_what_a_walk_would_come_by(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.md", "b.txt", "sub/c.md", "sub/deep/d.md", ".hidden.md", ".git/e.md", "old/f.md"):
        put(docs / name)
    put(docs / IGNORE_FILE, "old/\n")
    (docs / "linked.md").symlink_to(docs / "a.md")
    (docs / "sub" / "loop").symlink_to(docs)
    monkeypatch.chdir(docs.parent)
    assert expand([Path("docs/*.md")]) == [Path("docs/a.md")]
    assert expand([Path("docs/**/*.md")]) == [Path("docs/a.md"), Path("docs/sub/c.md"), Path("docs/sub/deep/d.md")]
    assert expand([docs / "s[tu]b"]) == [docs / "sub"]
    assert expand([Path("docs/.git/?.md"), Path("docs/b.txt")]) == [Path("docs/.git/e.md"), Path("docs/b.txt")]


def test_a_name_with_signs_of_a_glob_is_a_name(docs: Path) -> None:
    put(docs / "a[1].md")
    put(docs / "a1.md")
    assert expand([docs / "a[1].md"]) == [docs / "a[1].md"]


def test_a_glob_in_the_home_folder(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(docs))
    put(docs / "a.md")
    assert expand([Path("~/*.md")]) == [docs / "a.md"]


def test_a_name_that_begins_with_a_tilde_and_is_nobody_s_home_is_a_name(docs: Path, home: Path, encoder: Any,
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(docs)
    put(docs / "~backup.txt")
    put(docs / "~$report.docx")
    put(docs / "a.txt")
    named = [Path("~$report.docx"), Path("~backup.txt"), Path("a.txt")]  # as a shell expands *
    assert expand(named) == named
    report = sync(home, named, encoder=encoder)
    assert report.added == ("a.txt", "~backup.txt")
    assert [error.source for error in report.skipped] == ["~$report.docx"]
    (docs / "~$report.docx").unlink()
    assert sync(home, encoder=encoder).skipped == ()


@pytest.mark.parametrize(("pattern", "why"), [
    ("*.md", "nothing matches *.md. Check the pattern; hidden, linked and ignored files must be named in full"),
    ("nowhere/*.md", "nothing matches nowhere/*.md"),
    ("a**/b", "is no pattern"),
])
def test_a_glob_that_matches_nothing_is_an_error(docs: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, why: str) -> None:
    monkeypatch.chdir(docs)
    put(docs / ".hidden.md")
    with pytest.raises(InputError) as caught:
        expand([Path(pattern)])
    assert why in str(caught.value)


def test_thousands_of_files_of_a_glob_are_followed_quickly(tmp_path: Path) -> None:
    paths = [put(tmp_path / "docs" / f"{n % 7}" / f"{n // 7}.md") for n in range(3000)]
    began = time.perf_counter()
    roots, scan, _ = resolve_roots(tmp_path / "home", None, paths)
    assert [Path(root.path) for root in scan] == paths
    assert len({root.name for root in roots}) == len(paths)
    assert roots[:2] == (Root(str(paths[0]), "0.md"), Root(str(paths[1]), "1/0.md"))
    assert time.perf_counter() - began < 3


def test_files_of_a_glob_are_followed_each_by_itself(docs: Path, home: Path, encoder: Any) -> None:
    put(docs / "a.md", "A thing.")
    put(docs / "b.md", "B thing.")
    sync(home, expand([docs / "*.md"]), encoder=encoder)
    put(docs / "c.md", "C thing.")
    put(docs / "a.md", "A thing, changed.")
    report = sync(home, encoder=encoder)
    assert (report.added, report.updated, sources(home)) == ((), ("a.md",), ["a.md", "b.md"])
