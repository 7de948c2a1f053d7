"""Token counts: tiktoken's cl100k_base, from the rank file that ships with the package."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import ModelError

if TYPE_CHECKING:
    import tiktoken

RANKS = Path(__file__).parent / "assets" / "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"
RANKS_SHA256 = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"


@cache
def encoding() -> tiktoken.Encoding:
    """The cl100k_base encoding. Raises ModelError where the shipped rank file was altered.

    tiktoken deletes a cached file that does not match and then tries the network, so the hash is checked before it looks.
    """
    if not RANKS.is_file() or hashlib.sha256(RANKS.read_bytes()).hexdigest() != RANKS_SHA256:
        raise ModelError(f"the token ranks at {RANKS} are missing or altered", "Install Pullquote again")
    import tiktoken

    before = os.environ.get("TIKTOKEN_CACHE_DIR")
    os.environ["TIKTOKEN_CACHE_DIR"] = str(RANKS.parent)
    try:
        return tiktoken.get_encoding("cl100k_base")
    finally:
        if before is None:
            del os.environ["TIKTOKEN_CACHE_DIR"]
        else:
            os.environ["TIKTOKEN_CACHE_DIR"] = before


def count_tokens(text: str) -> int:
    """How many cl100k_base tokens `text` has; special tokens in it are read as plain text."""
    return len(encoding().encode_ordinary(text))
