"""Zip containers from strangers: what they unpack to is checked before anything is unpacked.

Nothing in them is ever written to disk, and what is a container in its turn is not opened.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

from index.errors import FileError

ZIP = b"PK\x03\x04"
OLE = bytes.fromhex("D0CF11E0A1B11AE1")  # the container of Office before 2007, and of encrypted files since

MAX_UNPACKED = 300_000_000
# Office files shrink to a twentieth; a bomb to a thousandth. Small ones cannot hurt, whatever their ratio.
MAX_RATIO = 150
HARMLESS = 20_000_000
MEGABYTE = 1_000_000
PIECE = 65_536

# The name of a member stands 30 bytes after its signature.
OFFICE_MEMBER = re.compile(rb"PK\x03\x04.{26}(ppt|word|xl)/", re.S)
CONTENT_TYPES = b"[Content_Types].xml"
# What that says of the main part of a document, template or show, with macros or without.
MAIN_TYPE = re.compile(rb"(presentationml|wordprocessingml|spreadsheetml|ms-powerpoint|ms-word|ms-excel)\.[\w.]*main\+xml")
FOLDERS = {b"p": "ppt", b"w": "word", b"s": "xl", b"e": "xl"}  # by the first letter of the kind


def office_folder(head: bytes) -> str:
    """The folder that an Office file's parts are in ("ppt", "word", "xl"), by its first bytes; empty where they do not tell."""
    member = OFFICE_MEMBER.search(head) if head.startswith(ZIP) else None
    if member:
        return member.group(1).decode()
    main = MAIN_TYPE.search(_content_types(head)) if head.startswith(ZIP) else None
    return FOLDERS[main.group(1).removeprefix(b"ms-")[:1]] if main else ""


def old_or_locked(data: bytes, source: str, what: str, old: str, new: str) -> FileError:
    """The error for an Office file that is no zip: `what` it is, its `old` suffix, and the `new` one to save it as."""
    if "EncryptedPackage".encode("utf-16-le") in data:
        return FileError(source, "it is locked with a password", "Remove the password and index it again")
    return FileError(source, f"it is {what} of the old kind ({old})", f"Save it as {new} and index it again")


def _content_types(head: bytes) -> bytes:
    """As much of the package's list of types as the first bytes of the file hold, where it is the first member."""
    if not head.startswith(CONTENT_TYPES, 30):
        return b""
    method = int.from_bytes(head[8:10], "little")
    packed = head[30 + len(CONTENT_TYPES) + int.from_bytes(head[28:30], "little") :]
    if method != zlib.DEFLATED:
        return packed
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, 1_000_000)
    except zlib.error:
        return b""


def check_zip(data: bytes, source: str, what: str) -> None:
    """Raise FileError unless `data` is a whole zip archive that unpacks to a reasonable size, and to just what it states."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            if unpacked > MAX_UNPACKED or (unpacked > HARMLESS and unpacked > MAX_RATIO * len(data)):
                raise FileError(
                    source,
                    f"its {len(data) / MEGABYTE:.1f} MB unpack to {unpacked / MEGABYTE:.0f} MB, more than a {what} needs",
                    f"If you trust it, save it in parts of less than {MAX_UNPACKED // MEGABYTE} MB unpacked",
                )
            honest = all(_is_honest(member, data) for member in members)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, zlib.error) as problem:
        raise _damaged(source, what) from problem
    if not honest:
        raise _damaged(source, what)


@dataclass(frozen=True, slots=True)
class Members:
    """The members of a zip archive that `check_zip` let pass, and what is raised for one that is not there, is encrypted or
    cannot be read.
    """

    archive: zipfile.ZipFile
    missing: FileError
    locked: FileError
    damaged: FileError

    def read(self, name: str) -> bytes:
        """A member's content."""
        try:
            return self.archive.read(name)
        except KeyError as problem:
            raise self.missing from problem
        except RuntimeError as problem:  # how zipfile asks for a password
            raise self.locked from problem
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as problem:
            raise self.damaged from problem

    def xml(self, name: str, lenient: bool = False) -> Any:
        """A member's tree: no entity is resolved and nothing fetched. `lenient` takes what can be understood of it."""
        from lxml import etree

        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True, recover=lenient
        )
        try:
            tree = etree.fromstring(self.read(name), parser)
        except (etree.XMLSyntaxError, ValueError) as problem:
            raise self.damaged from problem
        return etree.Element("nothing") if tree is None else tree


def _is_honest(member: zipfile.ZipInfo, data: bytes) -> bool:
    """Whether a member unpacks to the size that it states, no less and no more.

    zipfile only cuts off what is beyond that size when it has unpacked it, and of bzip2 and LZMA it unpacks all at once.
    """
    if member.flag_bits & 1:  # encrypted: it is never unpacked
        return True
    if member.compress_type == zipfile.ZIP_STORED:
        return member.compress_size == member.file_size
    if member.compress_type != zipfile.ZIP_DEFLATED:
        return False
    local = member.header_offset
    name_size, extra_size = (int.from_bytes(data[at : at + 2], "little") for at in (local + 26, local + 28))
    start = local + 30 + name_size + extra_size
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    size = 0
    for at in range(start, start + member.compress_size, PIECE):
        packed = data[at : min(at + PIECE, start + member.compress_size)]
        while packed and size <= member.file_size:
            size += len(inflater.decompress(packed, PIECE))
            packed = inflater.unconsumed_tail
    return inflater.eof and size == member.file_size


def _damaged(source: str, what: str) -> FileError:
    return FileError(source, f"it is a damaged or incomplete {what}", "Get a whole copy and index it again")
