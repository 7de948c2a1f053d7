"""Everything that can go wrong and that a user can mend, in one tree.

    PullquoteError                     message = what happened; remedy = what to do
    ├── InputError                     something the user gave is wrong
    │   ├── FileError                  one file cannot be read (the others go on)
    │   │   ├── Empty                  it can be read, and holds nothing
    │   │   └── NoText                 there is none in it, however often it is read
    │   │       └── NeedsOcr           its pages hold no text, and OCR was not asked for
    │   ├── SettingsError              a flag, an environment variable or a configuration file
    │   └── DataError                  an eval set, a corpus or a receipt does not have its form
    ├── HomeError                      the home cannot be used as it is
    │   ├── NoIndex                    nothing has been indexed yet
    │   ├── FormatVersion              written by another version of Pullquote
    │   ├── EncoderMismatch            indexed with another encoder
    │   ├── Corrupt                    a checksum does not match
    │   └── Busy                       another process is writing
    ├── ModelError                     weights missing, altered or of the wrong kind
    └── SourceError                    a citation cannot be shown or replayed
        ├── SourceGone                 the document is no longer in the library
        └── SourceChanged              the document is another than the one that was cited

Code raises these; only the faces (`ui`) format them.
"""

from __future__ import annotations


class PullquoteError(Exception):
    """What happened, and what to do about it."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)  # in full, so that it survives pickling
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}" if self.remedy else self.message


class InputError(PullquoteError):
    """Something the user gave is wrong."""


class FileError(InputError):
    """One file cannot be read; `source` names it, `message` says why."""

    def __init__(self, source: str, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.args = (source, message, remedy)
        self.source = source

    def __str__(self) -> str:
        return f"{self.source}: {super().__str__()}"


class Empty(FileError):
    """A file can be read and holds nothing, so nothing of what it held before is kept."""


class NoText(FileError):
    """A file was read to its end and holds no text: there is no use in reading it again. `file_sha256` says what was read."""

    file_sha256: str = ""


class NeedsOcr(NoText):
    """A file's pages hold no text, and OCR was not asked for."""


class SettingsError(InputError):
    """A flag, an environment variable or a configuration file has a value that cannot be used."""


class DataError(InputError):
    """An eval set, a corpus or a receipt does not have its form."""


class HomeError(PullquoteError):
    """The home cannot be used as it is."""


class NoIndex(HomeError):
    """Nothing has been indexed yet."""


class FormatVersion(HomeError):
    """The home was written by another version of Pullquote."""


class EncoderMismatch(HomeError):
    """The index was made with another encoder than the one asked for."""


class Corrupt(HomeError):
    """A file of the index does not have the checksum that its manifest states."""


class Busy(HomeError):
    """Another process is writing to the home."""


class ModelError(PullquoteError):
    """Weights are missing, altered or of the wrong kind."""


class SourceError(PullquoteError):
    """A citation cannot be shown or replayed."""


class SourceGone(SourceError):
    """The cited document is no longer in the library."""


class SourceChanged(SourceError):
    """The document is another than the one that was cited."""
