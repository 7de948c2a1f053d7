"""BM25 in tantivy over chunk text, title and heading path, with English stemming. Terms alone are stored, no text."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import tantivy

from index.store import Places, in_order

_TOKENIZER = "pullquote"
_DIGITS = 3  # of a score, after the point
# Soft hyphens, as pdfium puts them where a line's end broke a word, and what has no width: they stand inside of words.
INVISIBLE = dict.fromkeys(map(ord, "\xad\u200b\u200c\u200d\u2060\ufeff"))
# The question's own words that no passage is about; every other word counts.
STOP_WORDS = (
    "a an and are as at be by can could did do does for from had has have how i if in is it its of on or our shall should"
    " that the their them there these they this to was we were what when where which who whom whose why will with would"
    " s t you your").split()


def analyzer(stop_words: Sequence[str] = ()) -> tantivy.TextAnalyzer:
    """Text to terms: words, lower case, without accents, without `stop_words`, English stems."""
    return (tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
            .filter(tantivy.Filter.remove_long(80)).filter(tantivy.Filter.lowercase())
            .filter(tantivy.Filter.ascii_fold()).filter(tantivy.Filter.custom_stopword(list(stop_words)))
            .filter(tantivy.Filter.stemmer("english")).build())


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", stored=False, tokenizer_name=_TOKENIZER, index_option="freq")
    builder.add_unsigned_field("row", stored=False, indexed=False, fast=True)
    return builder.build()


class LexicalWriter:
    """Writes the terms of chunks into a folder, beside those that it has already."""

    def __init__(self, folder: Path) -> None:
        there = folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        index = tantivy.Index.open(str(folder)) if there else tantivy.Index(_schema(), path=str(folder))
        index.register_tokenizer(_TOKENIZER, analyzer())
        self._writer = index.writer(heap_size=64_000_000, num_threads=1)  # one thread: the same files give the same order

    def add(self, row: int, text: str) -> None:
        """Add one chunk's text (with its context)."""
        document = tantivy.Document()
        document.add_text("text", text.translate(INVISIBLE))
        document.add_unsigned("row", row)
        self._writer.add_document(document)

    def close(self) -> None:
        """Commit and wait for merges: nothing writes to the folder after this."""
        self._writer.commit()
        self._writer.wait_merging_threads()

    def discard(self) -> None:
        """Stop writing: the folder can be deleted after this."""
        with contextlib.suppress(ValueError, RuntimeError):  # unable to write, or closed already
            self._writer.rollback()
            self._writer.wait_merging_threads()


@contextlib.contextmanager
def _lockable(folder: Path) -> Iterator[Path]:
    """The folder, or where it may only be read, one of links to its files: tantivy locks what it opens by a file beside it."""
    if os.access(folder, os.W_OK):
        yield folder
        return
    # A thread of tantivy's may lock once more while the links are cleared away.
    with tempfile.TemporaryDirectory(prefix="pullquote-", ignore_cleanup_errors=True) as links:
        for path in folder.iterdir():
            if path.suffix != ".lock":
                Path(links, path.name).symlink_to(path.absolute())
        yield Path(links)


class Lexical:
    """Read-only BM25 search over a written folder. `places` (n,) is each row's place in the order of the library."""

    def __init__(self, folder: Path, places: Places) -> None:
        self._places = places
        with _lockable(folder) as place:
            index = tantivy.Index.open(str(place))
            index.register_tokenizer(_TOKENIZER, analyzer())
            index.config_reader(reload_policy="manual")
            self._schema = index.schema
            self._searcher = index.searcher()  # has mapped all files
        self._all_words, self._content_words = analyzer(), analyzer(STOP_WORDS)

    def terms(self, text: str) -> list[str]:
        """The distinct terms that `text` is searched by: stop words go, unless nothing else is there."""
        text = text.translate(INVISIBLE)
        return list(dict.fromkeys(self._content_words.analyze(text) or self._all_words.analyze(text)))

    def search(self, question: str, k: int) -> list[tuple[int, float]]:
        """The `k` best rows with their BM25 scores, best first, equal ones by place.

        Scores are rounded: tantivy adds up a row's terms in an order that depends on what else was added with the row.
        """
        queries = [(tantivy.Occur.Should, tantivy.Query.term_query(self._schema, "text", term, "freq"))
                   for term in self.terms(question)]
        if not queries or k < 1:
            return []
        fetched = k + 8
        while True:  # tantivy cuts among equals as it likes: fetch until the cut does not fall among them
            hits = self._searcher.search(tantivy.Query.boolean_query(queries), fetched, count=False).hits
            if len(hits) < fetched or round(hits[-1][0], _DIGITS) < round(hits[k - 1][0], _DIGITS):
                break
            fetched *= 2
        rows = self._searcher.fast_field_values("row", [address for _, address in hits])
        scored = [(int(row), round(score, _DIGITS)) for (score, _), row in zip(hits, rows, strict=True) if row is not None]
        return in_order(scored, self._places)[:k]
