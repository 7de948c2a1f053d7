"""BM25 in tantivy over chunk text, title and heading path, with English stemming. Terms alone are stored, no text."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import tantivy

_TOKENIZER = "pullquote"
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
    """Writes the terms of chunks, in the order of their rows, into a new folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        index = tantivy.Index(_schema(), path=str(folder))
        index.register_tokenizer(_TOKENIZER, analyzer())
        self._writer = index.writer(heap_size=64_000_000, num_threads=1)  # one thread: the same files give the same order

    def add(self, row: int, text: str) -> None:
        """Add one chunk's text (with its context)."""
        document = tantivy.Document()
        document.add_text("text", text)
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
    """Read-only BM25 search over a written folder."""

    def __init__(self, folder: Path) -> None:
        with _lockable(folder) as place:
            index = tantivy.Index.open(str(place))
            index.register_tokenizer(_TOKENIZER, analyzer())
            index.config_reader(reload_policy="manual")
            self._schema = index.schema
            self._searcher = index.searcher()  # has mapped all files
        self._all_words, self._content_words = analyzer(), analyzer(STOP_WORDS)

    def terms(self, text: str) -> list[str]:
        """The distinct terms that `text` is searched by: stop words go, unless nothing else is there."""
        return list(dict.fromkeys(self._content_words.analyze(text) or self._all_words.analyze(text)))

    def search(self, question: str, k: int) -> list[tuple[int, float]]:
        """The `k` best rows with their BM25 scores, best first, equal ones by row."""
        queries = [(tantivy.Occur.Should, tantivy.Query.term_query(self._schema, "text", term, "freq"))
                   for term in self.terms(question)]
        if not queries or k < 1:
            return []
        hits = self._searcher.search(tantivy.Query.boolean_query(queries), k, count=False).hits
        rows = self._searcher.fast_field_values("row", [address for _, address in hits])
        scored = [(int(row), float(score)) for (score, _), row in zip(hits, rows, strict=True) if row is not None]
        return sorted(scored, key=lambda hit: (-hit[1], hit[0]))
