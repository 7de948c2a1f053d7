"""Stand-ins that are quick and give the same values every time, and short ways to say what a test is about."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.types import Document, Section, document_id, sha256_text


class WordEncoder:
    """Counts words into 64 buckets and scales to unit length: texts are as near as the words they share.

    Its tokens are words. `texts` keeps everything that was ever encoded, in order.
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
        for row, text in zip(vectors, texts, strict=True):
            for word in _words(text) or [""]:
                row[zlib.crc32(word.encode()) % self.dimension] += 1
            row /= np.linalg.norm(row)
        return vectors


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def document(text: str, source: str = "notes.txt", title: str = "Notes", sections: Sequence[Section] = (),
             modified: float = 0.0) -> Document:
    """A document made by hand; without sections it is one."""
    whole = (Section(0, len(text)),) if text else ()
    digest = sha256_text(text)
    return Document(document_id(source), source, title, text, "text/plain", digest, digest, tuple(sections) or whole, modified)


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder; a file that was there before gets a later time, as an edit by hand would give it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.stat().st_mtime_ns if path.exists() else 0
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if before:
            os.utime(path, ns=(before + 1_000_000_000, before + 1_000_000_000))
    return folder


@cache
def tiny_tokenizer() -> Any:
    """A fast word-piece tokenizer that knows a few words and every letter."""
    from transformers import BertTokenizer

    words = "the ferry leaves at nine bicycles cost euro when does it leave what do dogs travel free in rain who".split()
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *letters, *(f"##{letter}" for letter in letters)]
    return BertTokenizer(vocab={word: number for number, word in enumerate(dict.fromkeys(vocabulary))}, do_lower_case=True)


def tiny_checkpoint(folder: Path) -> Path:
    """A question-answering checkpoint of transformers with small random weights, saved as such things are."""
    import torch
    from transformers import BertConfig, BertForQuestionAnswering

    tokenizer = tiny_tokenizer()
    torch.manual_seed(5)
    config = BertConfig(vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                        intermediate_size=32, max_position_embeddings=512)
    BertForQuestionAnswering(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
