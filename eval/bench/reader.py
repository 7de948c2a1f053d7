"""The reader by itself: how well it marks, how well it says "not here", and how fast.

    python -m eval.bench.reader speed [--reader NAME] [--json OUT]
    python -m eval.bench.reader marks FILE.jsonl[.gz] … [--reader NAME] [--json OUT]

`marks` reads each question's own context, as if retrieval had found just that, and compares the best span with the answers:
SQuAD F1 and exact match over the answerable rows, and for answerable against not the AUROC of the span's odds, which the
reader works with, of the model's scores alone, and of the cosine of context and question alone. What the reader is worth in
a library (first quotes, re-ranking, refusal) `pullquote eval FILE` tells.

`speed` reads 20 passages of 200 tokens, warm, stage by stage; "bare" is one forward pass of the same model on the same 20
passages in one padded batch, in turn with it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score

from eval.bench.speed import sample_documents
from index.chunks import Chunking, search_text, split
from index.encoder import Encoder, load_encoder
from index.sentences import sentences
from index.types import Chunk, Document, Section, document_id, sha256_text
from rag.reader import BUNDLED
from rag.reader.base import quotable_sentences
from rag.reader.span import SpanReader, best_per_sentence, compared, passage_heads, weighed, within
from rag.reader.squad import exact_match, f1
from rag.reader.view import view
from rag.reader.windows import encode, pad
from rag.types import Passage

ROUNDS = 15
NOTHING = -1e4  # the score where no span was found
QUESTION = "How many days of annual leave do permanent staff have?"


def main() -> None:
    """Run the part that was asked for and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("speed", "marks"))
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--reader", default=BUNDLED)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    encoder = load_encoder()
    reader = SpanReader.bundled(encoder) if given.reader == BUNDLED else SpanReader.checkpoint(given.reader, encoder)
    figures = speed(reader) if given.part == "speed" else {path.name: marks(reader, encoder, path) for path in given.files}
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")
    else:
        json.dump(figures, sys.stdout, indent=2)
        print()


def marks(reader: SpanReader, encoder: Encoder, path: Path) -> dict[str, float]:
    """F1 and exact match of the best span in a row's own context, and AUROC where some rows are not answerable."""
    found, gold, odds, weights, cosines = [], [], [], [], []
    for row in _rows(path):
        passage = whole(row["title"], row["context"])
        asked, text = encoder.encode([row["question"], search_text(passage.document, passage.chunk, encoder.window)])
        cosines.append(round(float(asked @ text), 4))
        candidates = reader.candidates(row["question"], [replace(passage, cosine=cosines[-1])])
        best = max(weighed(candidates, reader._fit), key=lambda span: span.score, default=None)
        found.append(best.text if best else "")
        odds.append(best.score if best else NOTHING)
        weights.append(max((one.weight for one in candidates), default=NOTHING))
        gold.append([answer["text"] for answer in row["answers"]])
    answered = [(text, answers) for text, answers in zip(found, gold, strict=True) if answers]
    figures = {"questions": len(gold), "answerable": len(answered), "f1": fmean(f1(*pair) for pair in answered),
               "exact match": fmean(exact_match(*pair) for pair in answered)}
    if len(answered) < len(gold):
        answerable = [bool(answers) for answers in gold]
        for name, scores in (("auroc", odds), ("auroc, model alone", weights), ("auroc, passage's cosine alone", cosines)):
            figures[name] = float(roc_auc_score(answerable, scores))
    Console(stderr=True).print(_table(path.name, figures))
    return figures


def speed(reader: SpanReader) -> dict[str, float]:
    """Milliseconds of each stage, medians over rounds, and their sum as a multiple of the bare forward pass."""
    import torch

    passages = long_passages(20, 200)
    model = reader._model
    sentences = list(dict.fromkeys(compared(one.span, view(one.span.passage)) for one in reader.candidates(QUESTION, passages)))
    triples = [(QUESTION, passage_heads(passage), passage.text) for passage in passages]
    batch = encode(model.tokenizer, triples, model.longest)
    ids, types, mask, _ = (torch.from_numpy(array) for array in pad(batch, model.tokenizer.pad_token_id))
    scored = model.scores_of(batch)
    sentences_of = [[(start - p.chunk.start, end - p.chunk.start) for start, end in quotable_sentences(p)] for p in passages]

    def bare() -> None:
        with torch.inference_mode():
            model.network(input_ids=ids, token_type_ids=types, attention_mask=mask)

    stages: dict[str, Callable[[], Any]] = {
        "whole": lambda: reader.read(QUESTION, passages),
        "bare": bare,
        "tokenise": lambda: encode(model.tokenizer, triples, model.longest),
        "forward": lambda: model.scores_of(batch),
        "spans": lambda: [best_per_sentence(within(one, inside), starts, ends, inside)
                          for one, inside, (starts, ends) in zip(batch, sentences_of, scored, strict=True)],
        "compare": lambda: reader._cosines(QUESTION, sentences),
    }
    taken: dict[str, list[float]] = {name: [] for name in stages}
    for _ in range(ROUNDS + 2):
        for name, stage in stages.items():
            start = time.perf_counter()
            stage()
            taken[name].append((time.perf_counter() - start) * 1000)
    figures = {f"{name} ms": median(times[2:]) for name, times in taken.items()}
    figures["ratio"] = median(whole / bare for whole, bare in zip(taken["whole"][2:], taken["bare"][2:], strict=True))
    figures["pieces"] = float(sum(len(one.ids) for one in batch))
    figures["threads"] = float(torch.get_num_threads())
    Console(stderr=True).print(_table("20 passages of 200 tokens", figures))
    return figures


def long_passages(most: int, tokens: int) -> list[Passage]:
    """Passages of the sample library that have nearly so many tokens."""
    encoder = load_encoder()
    found = [Passage(chunk, document, 0.0) for document in sample_documents()
             for chunk in split(document, Chunking(tokens, 0), encoder.window, encoder.count)]
    return sorted(found, key=lambda passage: -passage.chunk.tokens)[:most]


def whole(title: str, text: str) -> Passage:
    """A text as one passage of a document of its own."""
    digest = sha256_text(text)
    document = Document(document_id(digest), digest, title, text, "text/plain", digest, digest, (Section(0, len(text)),), 0.0)
    chunk = Chunk(f"{document.id}.0", document.id, 0, len(text), tuple(sentences(text)), 0)
    return Passage(chunk, document, 0.0)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _table(title: str, figures: dict[str, float]) -> Table:
    table = Table("figure", "value", title=title)
    for name, value in figures.items():
        table.add_row(name, f"{value:.3f}" if value < 10 else f"{value:.0f}")
    return table


if __name__ == "__main__":
    main()
