"""The settings, in one frozen object: defaults < `pullquote.toml` in the home < `PULLQUOTE_*` variables < flags.

Read only at the edge (`Config.load`); everything below is handed what it needs.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from index.chunks import Chunking
from index.encoder import BUNDLED
from index.errors import SettingsError
from index.sandbox import DEFAULT as LIMITS
from index.sandbox import Limits
from rag.reader import BUNDLED as READER

FILE = "pullquote.toml"
_MEANING = 0.7  # the dense weight of the ranking that the second half of the passages is from


class Config(BaseSettings):
    """Everything that can be set; each field may stand in the file or, as PULLQUOTE_NAME, in the environment."""

    model_config = SettingsConfigDict(env_prefix="PULLQUOTE_", frozen=True, extra="forbid", env_ignore_empty=True)

    encoder: str = Field(default=BUNDLED, description="the bundled encoder, a sentence-transformers folder, or a hub model")
    reader: str = Field(default=READER, description="the bundled reader, \"similarity\", or a question-answering checkpoint")
    chunk_tokens: int = Field(default=200, ge=20, le=2000, description="tokens a chunk may have")
    chunk_overlap: int = Field(default=50, ge=0, description="tokens repeated at the start of the next chunk")
    read_seconds: float = Field(default=LIMITS.seconds, gt=0, le=86_400, description="seconds that reading a file may take")
    read_memory_mb: int = Field(default=LIMITS.memory_mb, ge=200, description="megabytes of memory that it may take")
    read_characters: int = Field(default=LIMITS.characters, ge=1, description="characters of text that may come of a file")
    read_megabytes: int = Field(default=LIMITS.megabytes, ge=1, description="megabytes that a file may have")
    ocr_language: str = Field(default="eng", min_length=1, description="what `index --ocr` reads: \"deu+eng\", say")
    fusion: Literal["zscore", "rrf"] = Field(default="zscore", description="how dense and lexical scores become one")
    candidates: int = Field(default=100, ge=10, le=1000, description="chunks each of the two searches brings")
    dense_weight: float = Field(default=0.3, ge=0, le=1, description="the share of the dense score (zscore) in the first half")
    passages: int = Field(default=10, ge=1, le=100, description="passages that are read")
    quotes: int = Field(default=3, ge=1, le=20, description="quotes an answer has at most; one for each thing asked")
    threshold: float | None = Field(default=None, ge=0, le=1, description="confidence below which a question is refused")

    @property
    def chunking(self) -> Chunking:
        """The chunking that these settings ask for."""
        return Chunking(self.chunk_tokens, self.chunk_overlap)

    @property
    def by_meaning(self) -> Config | None:
        """The settings of the ranking that the second half of the passages is from; None where it would be the first again."""
        another = self.fusion == "zscore" and self.dense_weight < _MEANING
        return self.model_copy(update={"dense_weight": _MEANING}) if another else None

    @property
    def retrieval(self) -> str:
        """The settings that say which passages are read, in words."""
        weight = f"dense {self.dense_weight:g}, then {_MEANING:g}" if self.by_meaning else f"dense {self.dense_weight:g}"
        fusion = f"{self.fusion} ({weight})" if self.fusion == "zscore" else self.fusion
        return (f"{fusion} of {self.candidates}, {self.passages} read,"
                f" chunks of {self.chunk_tokens} (overlap {self.chunk_overlap})")

    @property
    def limits(self) -> Limits:
        """The limits within which a file is read."""
        return Limits(self.read_seconds, self.read_memory_mb, self.read_characters, self.read_megabytes)

    @classmethod
    def load(cls, home: Path, **flags: Any) -> Config:
        """The settings for a home; flags that are None do not count. Raises SettingsError, naming where it stands."""
        path = home / FILE
        file = _read(path)
        chosen = {name: value for name, value in flags.items() if value is not None}
        try:
            environment = cls().model_dump(exclude_unset=True)
            return cls(**{**file, **environment, **chosen})
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or "the settings"
            variable = f"PULLQUOTE_{name.upper()}"
            where = "the flag" if name in chosen else variable if os.environ.get(variable) else str(path)
            raise SettingsError(f"{name} ({where}): {first['msg']}", "Correct the value or leave it out") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}", "Correct it") from error
    except NotADirectoryError:
        raise SettingsError(f"the home {path.parent} is a file", "Name a folder with --home") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror})", "Check its permissions") from error
