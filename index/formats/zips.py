"""Zip containers from strangers: what they claim to unpack to is checked before anything is unpacked."""

from __future__ import annotations

import io
import zipfile

from index.errors import FileError

MAX_UNPACKED = 300_000_000
# Office files shrink to a twentieth; a bomb to a thousandth. Small ones cannot hurt, whatever their ratio.
MAX_RATIO = 150
HARMLESS = 20_000_000
MEGABYTE = 1_000_000


def check_zip(data: bytes, source: str, what: str) -> None:
    """Raise FileError unless `data` is a whole zip archive that unpacks to a reasonable size.

    Relying on the declared sizes is safe: zipfile never reads more of a member than it declares.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as problem:
        raise FileError(
            source, f"it is a damaged or incomplete {what}", "Get a whole copy and index it again"
        ) from problem
    if unpacked > MAX_UNPACKED or (unpacked > HARMLESS and unpacked > MAX_RATIO * len(data)):
        raise FileError(
            source,
            f"its {len(data) / MEGABYTE:.1f} MB unpack to {unpacked / MEGABYTE:.0f} MB, more than a {what} needs",
            f"If you trust it, save it in parts of less than {MAX_UNPACKED // MEGABYTE} MB unpacked",
        )
