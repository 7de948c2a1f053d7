"""Token counts are those of cl100k_base, made without a network and from ranks that were not altered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import index.tokens
from index.errors import ModelError
from index.tokens import count_tokens, encoding


@pytest.mark.parametrize(("text", "tokens"), [
    ("", 0),
    ("hello world", 2),
    ("tiktoken is great!", 6),
    ("antidisestablishmentarianism", 6),
    ("2 + 2 = 4", 7),
    ("お誕生日おめでとう", 9),
])
def test_counts_known_from_the_encodings_own_documentation(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


def test_special_tokens_in_a_text_are_plain_characters() -> None:
    assert count_tokens("<|endoftext|>") > 1


@given(st.text())
def test_any_text_is_encoded_without_loss(text: str) -> None:
    tokens = encoding().encode_ordinary(text)
    assert encoding().decode(tokens) == text
    assert count_tokens(text) == len(tokens) <= len(text.encode())


def test_the_ranks_come_from_the_package_and_the_environment_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "/somewhere/else")
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was asked"))
    encoding.cache_clear()
    assert encoding().name == "cl100k_base"
    assert os.environ["TIKTOKEN_CACHE_DIR"] == "/somewhere/else"


@pytest.mark.parametrize("content", [None, b"", b"altered"])
def test_altered_or_missing_ranks_are_refused_and_left_alone(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> None:
    ranks = tmp_path / "ranks"
    if content is not None:
        ranks.write_bytes(content)
    monkeypatch.setattr(index.tokens, "RANKS", ranks)
    with pytest.raises(ModelError, match="missing or altered"):
        encoding.__wrapped__()
    assert (ranks.read_bytes() if ranks.exists() else None) == content
