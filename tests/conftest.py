"""What many tests share: a home, encoders that need no weights, and documents made by hand."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

from index.encoder import Encoder, load_encoder
from index.types import Document, Section, document_id, sha256_text

settings.register_profile("pullquote", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("pullquote")

MakeDocument = Callable[..., Document]
MakeEncoder = Callable[..., "WordEncoder"]


class WordEncoder:
    """Texts are bags of lower-case words, each word one of 64 directions: quick, and the same on every machine.

    `texts` keeps everything that was ever encoded, in order.
    """

    dimension = 64

    def __init__(self, name: str = "words", revision: str = "1", window: int = 254) -> None:
        self.name, self.revision, self.window = name, revision, window
        self.texts: list[str] = []

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(_words(text)) for text in texts]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in _words(text) or [""]:
                vector[zlib.crc32(word.encode()) % self.dimension] += 1
            vector /= np.linalg.norm(vector)
        return vectors


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def make_document(source: str, text: str, title: str = "", sections: Sequence[Section] = (),
                  modified: float = 0.0) -> Document:
    """A document as extraction would give it; without sections it is one, without a heading."""
    return Document(id=document_id(source), source=source, title=title, text=text, media_type="text/plain",
                    file_sha256=sha256_text(text), text_sha256=sha256_text(text),
                    sections=tuple(sections) or (Section(0, len(text)),), modified=modified)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def encoder() -> WordEncoder:
    return WordEncoder()


@pytest.fixture(scope="session")
def make_encoder() -> MakeEncoder:
    return WordEncoder


@pytest.fixture(scope="session")
def real_encoder() -> Encoder:
    """The bundled encoder."""
    return load_encoder()


@pytest.fixture(scope="session")
def document() -> MakeDocument:
    return make_document
