"""What a file is that no format reads, in words for its owner."""

from __future__ import annotations

SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF8", "a GIF image"),
    (0, b"BM", "a BMP image"),
    (0, b"II*\0", "a TIFF image"),
    (0, b"MM\0*", "a TIFF image"),
    (8, b"WEBP", "a WebP image"),
    (0, b"\0\0\1\0", "an icon"),
    (30, b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "an OpenDocument spreadsheet"),
    (30, b"mimetypeapplication/vnd.oasis.opendocument.presentation", "an OpenDocument presentation"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"PK\x05\x06", "an empty zip archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ\0", "an xz archive"),
    (0, b"(\xb5/\xfd", "a zstd archive"),
    (0, b"7z\xbc\xaf'\x1c", "a 7-Zip archive"),
    (0, b"Rar!", "a RAR archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"\xcf\xfa\xed\xfe", "a program"),
    (0, b"\xca\xfe\xba\xbe", "a program"),
    (0, b"ID3", "an audio recording"),
    (0, b"\xff\xfb", "an audio recording"),
    (0, b"OggS", "an audio recording"),
    (0, b"fLaC", "an audio recording"),
    (8, b"WAVE", "an audio recording"),
    (4, b"ftyp", "a video or audio recording"),
    (0, b"\x1aE\xdf\xa3", "a video"),
    (8, b"AVI ", "a video"),
    (0, b"OTTO", "a font"),
    (0, b"\0\1\0\0", "a font"),
    (0, b"wOF", "a font"),
    (0, b"SQLite format 3\0", "a database"),
    (0, bytes.fromhex("D0CF11E0A1B11AE1"), "a Microsoft Office file of the old kind"),
    (0, b"%!PS", "a PostScript file"),
)

# What a program that opens such a file can save it as, by its suffix.
SAVE_AS = {".ods": ".xlsx", ".odp": ".pptx", ".msg": ".eml"}


def kind_of(head: bytes) -> str:
    """The kind of file that begins like this ("a PNG image"), by its signature."""
    return next((kind for at, mark, kind in SIGNATURES if head.startswith(mark, at)), "a binary file")
