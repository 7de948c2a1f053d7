"""What was deleted is gone from the disk: its text, its terms, its vectors and its name, in every file below the home.

Most of it would stand in the open: SQLite, the vectors and the manifest are not compressed, and whatever a database frees but
does not overwrite is met by reading the file's bytes. The lexical index is the exception. It keeps terms in an automaton
that shares their beginnings and may spell them backwards, so it is opened and asked for the word; the text itself is not
stored in it (`stored=False`), so its compressed document store has nothing to hide, which is tested too.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tantivy
from fakes import WordEncoder, write

from index.build import erase, remove, sync
from index.cache import EmbeddingCache
from index.chunks import search_text
from index.errors import Corrupt, HomeError, NoIndex
from index.generation import KEPT, current_id, generations, open_current, rollback
from index.lexical import Lexical

WORD = "Zwetschgenknoedel"
SECRET = f"Agent {WORD} meets the heron under the third bridge of the harbour, at nine, with two lanterns and an anchor."
OTHERS = {f"{name}.md": f"# {name}\n\nThe {name} is told of here, and of nothing else." for name in ("otter", "heron", "river")}


@pytest.fixture
def docs(docs: Path) -> Path:
    return write(docs, {**OTHERS, f"sub/{WORD}.txt": SECRET})


def traces(home: Path, encoder: WordEncoder) -> dict[str, bytes]:
    """What would give the secret away, as it stands in files."""
    with closing(open_current(home)) as store:
        [info] = [info for info in store.sources() if WORD in info.source]
        document = store.document(info.document_id)
        [row], [chunk] = store.catalog.chunks_of(info.document_id)
        vector = store.vectors.take([row])[0].astype(np.float16).tobytes()
        encoded = search_text(document, chunk, encoder.window)
    with closing(EmbeddingCache(home / "cache" / "embeddings.sqlite", encoder)) as cache:
        key = cache.key(encoded)
    spelled = {spelling: spelling.encode() for word in (WORD, WORD.lower()) for spelling in (word, word[::-1])}
    return {**spelled, "UTF-16": WORD.encode("utf-16-le"), "vector": vector, "key": key, "id": document.id.encode(),
            "hash": document.text_sha256.encode(), "raw hash": bytes.fromhex(document.text_sha256)}


def found(home: Path, secrets: dict[str, bytes]) -> set[str]:
    """Each trace with the kind of file that it is in, or in the name of which."""
    there = set()
    for path in home.rglob("*"):
        if path.is_dir():
            if path.name == "lexical" and Lexical(path, np.arange(100, dtype=np.uint32)).search(WORD, 1):
                there.add("lexical: searched")
            continue
        data = path.read_bytes() + path.name.encode()
        there |= {f"{path.name}: {what}" for what, trace in secrets.items() if trace in data}
    return there


IN_THE_INDEX = {f"catalog.sqlite: {WORD}", "catalog.sqlite: id", "catalog.sqlite: hash", "catalog.sqlite: key",
                "vectors.f16: vector", "embeddings.sqlite: vector", "embeddings.sqlite: key", "lexical: searched"}


def test_a_deleted_document_is_gone_from_the_disk_with_the_last_generation_that_held_it(home, docs, encoder) -> None:
    sync(home, [docs], encoder=encoder)
    secrets = traces(home, encoder)
    assert found(home, secrets) >= IN_THE_INDEX  # else the test could find nothing
    (docs / "sub" / f"{WORD}.txt").unlink()
    for n in range(KEPT):
        write(docs, {"otter.md": f"# otter\n\nOtter number {n}."})
        sync(home, encoder=encoder)
        assert bool(found(home, secrets)) == (n < KEPT - 1)
    assert len(generations(home)) == KEPT


def test_until_then_the_library_goes_back_to_it_without_encoding(home, docs, encoder) -> None:
    sync(home, [docs], encoder=encoder)
    (docs / "sub" / f"{WORD}.txt").unlink()
    sync(home, encoder=encoder)
    write(docs, {f"sub/{WORD}.txt": SECRET})
    assert sync(home, encoder=encoder).encoded == 0


def test_it_is_gone_at_once_when_that_is_asked_for(home, docs, encoder) -> None:
    before = sync(home, [docs], encoder=encoder).generation
    secrets = traces(home, encoder)
    (docs / "sub" / f"{WORD}.txt").unlink()
    after = sync(home, encoder=encoder).generation
    assert erase(home) == [before]
    assert found(home, secrets) == set()
    assert generations(home) == [after] == [current_id(home)]
    with pytest.raises(NoIndex, match="no whole generation before"):
        rollback(home)
    encoder.texts.clear()
    assert sync(home, encoder=encoder, rebuild=True).documents == 3
    assert encoder.texts == []  # what is in use stayed in the cache


def test_an_edited_passage_is_gone_too(home, docs, encoder) -> None:
    sync(home, [docs], encoder=encoder)
    secrets = traces(home, encoder)
    (docs / "sub" / f"{WORD}.txt").rename(docs / "agent.txt")
    write(docs, {"agent.txt": SECRET.replace(WORD, "Plum")})
    sync(home, encoder=encoder)
    erase(home)
    assert found(home, secrets) == set()


def test_a_removed_upload_is_gone_with_its_name(home, docs, encoder) -> None:
    write(home / "uploads", {f"{WORD}.txt": SECRET, "faq.txt": "When? At nine."})
    shutil.rmtree(docs / "sub")
    sync(home, [docs, home / "uploads"], encoder=encoder)
    secrets = traces(home, encoder)
    assert f"{WORD}.txt: {WORD}" in found(home, secrets)
    remove(home, [f"uploads/{WORD}.txt"], encoder=encoder)
    erase(home)
    assert found(home, secrets) == set()
    assert sync(home, encoder=encoder).documents == 4


def test_of_a_document_that_was_removed_but_is_on_the_disk_the_name_stays_so_that_it_stays_out(home, docs, encoder) -> None:
    sync(home, [docs], encoder=encoder)
    secrets = traces(home, encoder)
    remove(home, [f"docs/sub/{WORD}.txt"], encoder=encoder)
    erase(home)
    assert found(home, secrets) == {f"manifest.json: {WORD}", f"manifest-copy.json: {WORD}"}


def test_what_an_interrupted_build_left_goes_with_the_next_run_even_if_that_finds_nothing_new(home, docs, encoder) -> None:
    secret = docs / "sub" / f"{WORD}.txt"
    kept = secret.read_bytes()
    sync(home, [docs], encoder=encoder)
    secrets = traces(home, encoder)
    secret.unlink()
    sync(home, encoder=encoder)
    erase(home)
    secret.write_bytes(kept)
    child = os.fork()
    if not child:
        try:
            sync(home, encoder=encoder, progress=lambda step: os._exit(7) if step.stage == "writing" else None)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert found(home, secrets) >= {"embeddings.sqlite: vector"}
    secret.unlink()
    assert sync(home, encoder=encoder).removed == ()
    assert found(home, secrets) == set()


def test_the_lexical_index_stores_no_text(home, docs, encoder) -> None:
    sync(home, [docs], encoder=encoder)
    index = tantivy.Index.open(str(home / "generations" / current_id(home) / "lexical"))
    searcher = index.searcher()
    hits = searcher.search(tantivy.Query.all_query(), 10).hits
    assert [searcher.doc(address).to_dict() for _, address in hits] == [{}] * 4


def test_an_earlier_generation_that_is_damaged_is_erased_like_the_others(home, docs, encoder) -> None:
    first = sync(home, [docs], encoder=encoder).generation
    secrets = traces(home, encoder)
    (docs / "sub" / f"{WORD}.txt").unlink()
    second = sync(home, encoder=encoder).generation
    (home / "generations" / first / "catalog.sqlite").write_bytes(b"damaged")
    write(docs, {"otter.md": "Otters, again."})
    third = sync(home, encoder=encoder).generation
    assert "embeddings.sqlite: vector" not in found(home, secrets)  # no generation that can be used holds it
    assert erase(home) == [first, second]
    assert (generations(home), found(home, secrets)) == ([third], set())


def test_nothing_is_erased_where_what_would_be_left_is_damaged(home, docs, encoder) -> None:
    made = [sync(home, [docs], encoder=encoder).generation]
    write(docs, {"otter.md": "Otters, again."})
    made.append(sync(home, encoder=encoder).generation)
    (home / "generations" / made[1] / "vectors.f16").write_bytes(b"damaged")
    with pytest.raises(Corrupt, match=r"vectors\.f16"):
        erase(home)
    assert generations(home) == made
    assert rollback(home).id == made[0]


def test_what_cannot_be_erased_is_said_and_erased_by_the_next_run(home, docs, encoder, monkeypatch: Any) -> None:
    for n in range(KEPT):
        write(docs, {"otter.md": f"Otter {n}."})
        sync(home, [docs], encoder=encoder)
    oldest = generations(home)[0]
    write(docs, {"otter.md": "The last otter."})

    whole = shutil.rmtree

    def denied(path: Any, **given: Any) -> None:
        if oldest in str(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        whole(path, **given)

    with monkeypatch.context() as patch:
        patch.setattr("index.generation.shutil.rmtree", denied)
        with pytest.raises(HomeError, match="is up to date, but what it no longer needs could not be erased"):
            sync(home, encoder=encoder)
    with closing(open_current(home)) as store:
        assert store.lexical("last", 1)
    assert sync(home, encoder=encoder).updated == ()
    assert oldest not in generations(home)
    assert list((home / "generations").glob(".*")) == []
