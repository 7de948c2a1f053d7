"""Settings: defaults < `pullquote.toml` < the environment < flags; a bad value names its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from index.chunks import Chunking
from index.encoder import BUNDLED
from index.errors import PullquoteError, SettingsError
from index.generation import current_id
from index.sandbox import Limits
from rag.config import FILE, Config


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Config.model_fields:
        monkeypatch.delenv(f"PULLQUOTE_{name.upper()}", raising=False)


def write(home: Path, text: str) -> Path:
    home.mkdir(exist_ok=True)
    (home / FILE).write_text(text, "utf-8")
    return home / FILE


def test_without_a_file_there_are_defaults(home: Path) -> None:
    config = Config.load(home)
    assert (config.encoder, config.fusion, config.passages, config.quotes, config.candidates) == (BUNDLED, "zscore", 10, 3, 100)
    assert (config.dense_weight, config.threshold, config.chunking) == (0.3, None, Chunking(200, 50))


def test_the_file_beats_the_defaults(home: Path) -> None:
    write(home, 'fusion = "rrf"\npassages = 7\nthreshold = 0.25\nchunk_tokens = 120\n')
    config = Config.load(home)
    assert (config.fusion, config.passages, config.threshold, config.quotes) == ("rrf", 7, 0.25, 3)
    assert config.chunking == Chunking(120, 50)


def test_the_environment_beats_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "passages = 7\nquotes = 2\n")
    monkeypatch.setenv("PULLQUOTE_PASSAGES", "8")
    config = Config.load(home)
    assert (config.passages, config.quotes) == (8, 2)


def test_a_flag_beats_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "passages = 7\n")
    monkeypatch.setenv("PULLQUOTE_PASSAGES", "8")
    assert Config.load(home, passages=9).passages == 9


def test_a_flag_that_was_not_given_does_not_count(home: Path) -> None:
    write(home, "passages = 7\n")
    assert Config.load(home, passages=None).passages == 7


def test_a_flag_may_say_the_default_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "passages = 7\n")
    monkeypatch.setenv("PULLQUOTE_PASSAGES", "8")
    assert Config.load(home, passages=10).passages == 10


def test_an_empty_variable_does_not_count(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULLQUOTE_THRESHOLD", "")
    assert Config.load(home).threshold is None


def test_variables_of_other_names_do_not_matter(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULLQUOTE_HOME", str(home))
    monkeypatch.setenv("PASSAGES", "9")
    assert Config.load(home) == Config()


def test_settings_do_not_change_once_they_are_loaded(home: Path) -> None:
    with pytest.raises(ValidationError):
        Config.load(home).passages = 5  # type: ignore[misc]


@pytest.mark.parametrize("line", ["passages = 0", "passages = 101", 'passages = "many"', 'fusion = "sum"', "dense_weight = 1.5",
                                  "candidates = 9", "chunk_tokens = 19", "chunk_overlap = -1", "quotes = 0", "threshold = 2",
                                  "read_seconds = 0", "read_memory_mb = 50", "read_megabytes = 0",
                                  "threshold = -0.1", "pasages = 5"])
def test_a_bad_value_in_the_file_names_the_setting_and_the_file(home: Path, line: str) -> None:
    path = write(home, f"{line}\n")
    with pytest.raises(SettingsError) as caught:
        Config.load(home)
    assert line.split()[0] in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.remedy


def test_limits_of_reading_can_be_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Config.load(home).limits == Limits(120, 2000, 50_000_000, 200) == Limits()
    write(home, "read_seconds = 0.5\nread_memory_mb = 300\nread_megabytes = 7\n")
    monkeypatch.setenv("PULLQUOTE_READ_CHARACTERS", "1000")
    assert Config.load(home).limits == Limits(0.5, 300, 1000, 7)


def test_the_language_of_ocr_can_be_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Config.load(home).ocr_language == "eng"
    monkeypatch.setenv("PULLQUOTE_OCR_LANGUAGE", "deu+eng")
    assert Config.load(home).ocr_language == "deu+eng"


def test_a_bad_variable_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULLQUOTE_PASSAGES", "many")
    with pytest.raises(SettingsError, match="PULLQUOTE_PASSAGES"):
        Config.load(home)


def test_a_bad_variable_is_named_also_where_the_file_has_a_good_value(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "passages = 7\n")
    monkeypatch.setenv("PULLQUOTE_PASSAGES", "many")
    with pytest.raises(SettingsError, match="PULLQUOTE_PASSAGES"):
        Config.load(home)


def test_a_bad_flag_is_not_blamed_on_the_file(home: Path) -> None:
    write(home, "passages = 7\n")
    with pytest.raises(SettingsError, match="the flag"):
        Config.load(home, passages=0)


def test_a_value_that_is_overruled_need_not_be_good(home: Path) -> None:
    write(home, "passages = 0\n")
    assert Config.load(home, passages=5).passages == 5


@pytest.mark.parametrize("content", [b"passages 7", b"passages = \n", b"[", b"name = '\xff'"])
def test_a_file_that_is_not_toml_is_named(home: Path, content: bytes) -> None:
    write(home, "").write_bytes(content)
    with pytest.raises(SettingsError, match=r"pullquote\.toml is not TOML"):
        Config.load(home)


def test_a_home_that_is_a_file_is_told_as_that(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    for load in (Config.load, current_id):
        with pytest.raises(PullquoteError, match="is a file") as caught:
            load(tmp_path / "home")
        assert "--home" in caught.value.remedy


def test_a_file_that_cannot_be_read_is_named(home: Path) -> None:
    (home / FILE).mkdir(parents=True)
    with pytest.raises(SettingsError, match=r"pullquote\.toml cannot be read"):
        Config.load(home)
