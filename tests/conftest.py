"""What many tests share: a home, encoders that need no weights, and documents made by hand."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers share the cores; threads have tests of their own, in processes

from index.encoder import Encoder, load_encoder
from index.types import Document, Section

settings.register_profile("pullquote", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("pullquote")


def _importable(name: str) -> ModuleType:
    """Make `from NAME import …` work in any test. The folder stays off the path, where `tests/index` would hide `index`."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec
    assert spec.loader
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


fakes, *_ = map(_importable, ("fakes", "samples", "pdfs", "browsing"))
WordEncoder = fakes.WordEncoder

MakeDocument = Callable[..., Document]
MakeEncoder = Callable[..., WordEncoder]


def make_document(source: str, text: str, title: str = "", sections: Sequence[Section] = (),
                  modified: float = 0.0) -> Document:
    """A document as extraction would give it; without sections it is one, without a heading."""
    return fakes.document(text, source, title, sections, modified)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where an index may be made; nothing is there yet."""
    return tmp_path / "home"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """An empty folder for files to index."""
    folder = tmp_path / "docs"
    folder.mkdir()
    return folder


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
