"""Every format against files that are cut off, have bits turned or are patched together of pieces.

Whatever comes: documents whose spans prove themselves, or one FileError on one line.
"""

from __future__ import annotations

import copy
import re
import time
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from samples import NAMES, ZIPS, members_of, sample, zipped

from index.chunks import DEFAULT, split
from index.errors import FileError
from index.files import read_documents
from index.types import Document, sha256_text

STREAM = re.compile(rb"stream\n(.*?)endstream", re.DOTALL)
SECONDS = 10  # that a small file may take at most, on a machine that is busy


def damaged(name: str, dice: Random) -> bytes:
    """The sample of a format with damage; of a zip, mostly with the damage in one member and the container whole."""
    whole = sample(name)
    if name not in ZIPS or dice.randrange(5) == 0:
        return _spoilt(whole, sample(dice.choice(NAMES)), dice)
    members = members_of(whole)
    names = [member for member in members if member.endswith((".xml", ".rels", ".opf", ".ncx", ".xhtml")) and members[member]]
    member, other = dice.choice(names), dice.choice(names)
    if dice.randrange(2):
        return zipped(members | {member: _rearranged(members[member], dice)})
    return zipped(members | {member: _spoilt(members[member], members[other], dice)})


def _spoilt(data: bytes, other: bytes, dice: Random) -> bytes:
    """The data after one to four accidents, with pieces of itself and of `other` in the wrong places."""
    for _ in range(dice.randint(1, 4)):
        at, length, start = dice.randrange(len(data) + 1), dice.randint(1, 300), dice.randrange(max(len(data), len(other)))
        accident = dice.randrange(6)
        if accident == 0:  # cut off
            data = data[:at]
        elif accident == 1:  # a bit turned
            data = data[:at] + bytes(byte ^ 1 << length % 8 for byte in data[at : at + 1]) + data[at + 1 :]
        elif accident == 2:  # a piece lost
            data = data[:at] + data[at + length :]
        elif accident == 3:  # a piece of itself
            data = data[:at] + data[start : start + length] + data[at:]
        elif accident == 4:  # a piece of another file
            data = data[:at] + other[start : start + length] + data[at + length :]
        else:  # zeros, as a disk leaves them
            data = data[:at] + bytes(length) + data[at + length :]
    return data


def _rearranged(xml: bytes, dice: Random) -> bytes:
    """Well-formed XML that makes no sense: elements lost or in other elements' places, attributes with other values."""
    root = etree.fromstring(xml)
    values = ["", "0", "-1", "9" * 20, "x", "\U0001f600"]
    for _ in range(dice.randint(1, 4)):
        elements = list(root.iter("*"))
        element, other = dice.choice(elements), dice.choice(elements)
        accident = dice.randrange(4)
        if accident == 0 and element is not root:
            element.getparent().remove(element)
        elif accident == 1:
            other.append(copy.deepcopy(element))
        elif accident == 2 and element.attrib:
            element.set(dice.choice(element.keys()), dice.choice([*values, *other.values()]))
        else:
            element.text = dice.choice([*values, other.text])
    return etree.tostring(root)


def check(path: Path, data: bytes) -> None:
    """Read a file, and prove what comes of it."""
    path.write_bytes(data)
    started = time.perf_counter()
    found = documents_or_error(path)
    if isinstance(found, FileError):
        assert "\n" not in str(found)
        assert str(found).startswith(path.name)
        assert found.message
        assert found.remedy
    else:
        assert found
        for document in found:
            prove(document)
    assert time.perf_counter() - started < SECONDS


def damaged_within(data: bytes, dice: Random) -> bytes:
    """A PDF with one to four accidents in the compressed streams of its pages, none of which moves what is behind."""
    for _ in range(dice.randint(1, 4)):
        start, end = dice.choice([match.span(1) for match in STREAM.finditer(data)])
        at = dice.randrange(start, end)
        length, other = min(dice.randint(1, 40), end - at), dice.randrange(len(data) - 40)
        piece = dice.choice([bytes([data[at] ^ 1 << length % 8]), bytes(length), data[other : other + length]])
        data = data[:at] + piece + data[at + len(piece) :]
    return data


def documents_or_error(path: Path) -> list[Document] | FileError:
    try:
        return read_documents(path, path.name)
    except FileError as error:
        return error


def found_in(path: Path, data: bytes) -> list[Document] | FileError:
    path.write_bytes(data)
    return documents_or_error(path)


def prove(document: Document) -> None:
    text = document.text
    assert "".join(text[section.start : section.end] for section in document.sections) == text
    assert document.text_sha256 == sha256_text(text)
    assert "\0" not in text
    assert document.title == " ".join(document.title.split())
    assert document.source.encode()
    for section in document.sections:
        assert all("\n" not in heading and heading.encode() is not None for heading in section.heading)
    for chunk in split(document, DEFAULT, 254, lambda texts: [len(text.split()) for text in texts]):
        assert all(text[start:end].strip() == text[start:end] != "" for start, end in chunk.sentences)


def fuzz(name: str, folder: Path, files: int) -> None:
    @settings(max_examples=files, database=None)
    @given(st.randoms(use_true_random=True))
    def run(dice: Random) -> None:
        check(folder / name, damaged(name, dice))

    run()


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_as_it_is(name: str, tmp_path: Path) -> None:
    check(tmp_path / name, sample(name))
    assert read_documents(tmp_path / name, name)


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files(name: str, tmp_path: Path) -> None:
    fuzz(name, tmp_path, 250)


def test_nothing_that_a_damaged_page_lacks_goes_untold(tmp_path: Path) -> None:
    whole = found_in(tmp_path / "a.pdf", sample("a.pdf"))
    assert isinstance(whole, list)
    assert whole[0].notices == ()

    @settings(max_examples=250, database=None)
    @given(st.randoms(use_true_random=True))
    def run(dice: Random) -> None:
        found = found_in(tmp_path / "a.pdf", damaged_within(sample("a.pdf"), dice))
        assert isinstance(found, FileError) or found[0].text == whole[0].text or found[0].notices

    run()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_many_damaged_files(name: str, tmp_path: Path) -> None:
    fuzz(name, tmp_path, 2000)
