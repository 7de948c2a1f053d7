"""What a set of questions is asked of: the library in use, or one made for the occasion from a corpus."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eval.questions import corpus_of, load_corpus
from eval.sets import SAMPLE, SAMPLE_SET
from index.build import Listener, index_documents, sync
from index.encoder import load_encoder
from rag.assistant import Assistant
from rag.config import Config


@contextmanager
def library_for(home: Path, questions: Path | None, corpus: Path | None, config: Config,
                listener: Listener) -> Iterator[tuple[Assistant, Path]]:
    """An assistant to ask, and the file of questions.

    `corpus` (a folder, or JSON Lines of documents) is indexed into a temporary home. Without one, a file of questions that
    brings its contexts along is asked of those; the sample set (`questions` None), of the sample library; any other, of
    the library in `home`. Raises what indexing and opening raise.
    """
    if questions is None:
        questions, corpus = SAMPLE_SET, corpus or SAMPLE
    documents = [] if corpus else corpus_of(questions)
    if corpus is None and not documents:
        assistant = Assistant.open(home, config)
        yield assistant, questions
        assistant.close()
        return
    with tempfile.TemporaryDirectory(prefix="pullquote-eval-") as temporary:
        made = Path(temporary)
        encoder = load_encoder(config.encoder)
        if corpus and corpus.is_dir():
            sync(made, [corpus], encoder=encoder, chunking=config.chunking, limits=config.limits, progress=listener)
        else:
            index_documents(made, load_corpus(corpus) if corpus else documents, encoder=encoder, chunking=config.chunking,
                            progress=listener)
        assistant = Assistant.open(made, config)
        yield assistant, questions
        assistant.close()
