"""Figures on the dev files while training: span F1 and EM on the paragraph, and how well "not here" is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from rag.reader.model import computes_in_bfloat16
from rag.reader.span import Marked, best_spans
from rag.reader.squad import exact_match, f1
from rag.reader.training.rows import Dataset, load
from rag.reader.windows import encode, heads, pad

SETS = ("squad2", "clapnq_sentence", "qed_nq", "made")
NOTHING = Marked(0, 0, -1e4)


def load_sets(folder: Path, tokenizer: Any) -> list[Dataset]:
    """The dev files that are there."""
    return [load(path, tokenizer.backend_tokenizer) for name in SETS if (path := folder / f"{name}.jsonl.gz").exists()]


def halved(device: torch.device) -> torch.autocast:
    """Matrix products in bfloat16, where the processor computes in it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type != "cpu" or computes_in_bfloat16())


def measure(model: Any, tokenizer: Any, sets: Sequence[Dataset], device: torch.device) -> dict[str, float]:
    """F1 and EM of the best span on answerable rows, AUROC of its score for answerable against not."""
    figures = {}
    for dataset in sets:
        reads = read(model, tokenizer, dataset, device)
        found = [dataset.contexts[row.context][best.start : best.end] for row, best in zip(dataset.rows, reads, strict=True)]
        gold = [[dataset.contexts[row.context][start:end] for start, end in row.answers] for row in dataset.rows]
        answered = [(text, texts) for text, texts in zip(found, gold, strict=True) if texts]
        figures[f"{dataset.name} f1"] = float(np.mean([f1(text, texts) for text, texts in answered]))
        figures[f"{dataset.name} em"] = float(np.mean([exact_match(text, texts) for text, texts in answered]))
        if len(answered) < len(gold):
            answerable = [bool(texts) for texts in gold]
            figures[f"{dataset.name} auroc"] = float(roc_auc_score(answerable, [best.score for best in reads]))
    return figures


def read(model: Any, tokenizer: Any, dataset: Dataset, device: torch.device) -> list[Marked]:
    """For every row, the best span of its context's windows, in characters of the context; scores are over "not here"."""
    parts = [(at, row, window) for at, row in enumerate(dataset.rows) for window in dataset.windows[row.context]]
    encoded = encode(tokenizer, [(row.question, heads(dataset.titles[row.context]),
                                  dataset.contexts[row.context][window.start : window.end]) for _, row, window in parts])
    found = [NOTHING] * len(dataset.rows)
    order = sorted(range(len(parts)), key=lambda number: len(encoded[number].ids))
    model.eval()
    for first in range(0, len(order), 48):
        some = order[first : first + 48]
        ids, types, mask, _ = (torch.from_numpy(array).to(device)
                               for array in pad([encoded[number] for number in some], tokenizer.pad_token_id))
        with torch.no_grad(), halved(device):
            output = model(input_ids=ids, token_type_ids=types, attention_mask=mask)
        starts, ends = output.start_logits.float().cpu().numpy(), output.end_logits.float().cpu().numpy()
        for number, start, end in zip(some, starts, ends, strict=True):
            at, _, window = parts[number]
            for mark in best_spans(encoded[number], start, end, 1):
                if mark.score > found[at].score:
                    found[at] = Marked(window.start + mark.start, window.start + mark.end, mark.score)
    model.train()
    return found
