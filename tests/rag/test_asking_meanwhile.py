"""Processes that ask while another one indexes see whole generations only, and never fail."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from fakes import WordEncoder, write

from index.build import erase, sync
from index.generation import rollback

SECONDS = 5
DOCUMENTS = 8

ASKING = """
import json, runpy, sys
from pathlib import Path
fakes, home, stop = sys.argv[1:]
from rag.assistant import Assistant
from rag.config import Config
from rag.reader.similarity import SimilarityReader
encoder = runpy.run_path(fakes)["WordEncoder"]()
assistant = Assistant(Path(home), Config(passages=8), encoder, SimilarityReader(encoder))
asked, seen = 0, {}
while not Path(stop).exists():
    answer = assistant.ask_anyway("Which edition of the timetable is this?")
    passages = [one for passage in answer.passages for one in (passage, *passage.copies)]
    texts = {passage.document.text for passage in passages}
    said = {quote.text for quote in answer.quotes}
    seen.setdefault(answer.generation, set()).add((len(passages), *sorted(texts | said)))
    asked += 1
    if asked == 1:
        print("asking", flush=True)
print(json.dumps({"asked": asked, "seen": {generation: sorted(what) for generation, what in seen.items()}}))
"""


def edition(number: int) -> dict[str, str]:
    """Files that all say the same, so that a mixture would show; how many there are varies too."""
    return {f"{n}.txt": f"This is edition {number} of the timetable." for n in range(DOCUMENTS - number % 2)}


def test_who_asks_while_another_process_indexes_sees_whole_generations_only(tmp_path: Path) -> None:
    home, docs, stop, encoder = tmp_path / "home", tmp_path / "docs", tmp_path / "stop", WordEncoder()
    write(docs, edition(0))
    made = {sync(home, [docs], encoder=encoder).generation: 0}
    fakes = Path(__file__).parent.parent / "fakes.py"
    others = [subprocess.Popen([sys.executable, "-c", ASKING, str(fakes), str(home), str(stop)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for other in others:
        assert other.stdout
        assert other.stdout.readline() == "asking\n"
    end, number = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        number += 1
        write(docs, edition(number))
        if number % 2:
            (docs / f"{DOCUMENTS - 1}.txt").unlink()
        made[sync(home, encoder=encoder).generation] = number
        match number % 4:
            case 1:
                erase(home)  # what the others are asking now, or are about to open, is gone
            case 2:
                assert made[rollback(home).id] == number - 1
    stop.touch()
    for other in others:
        out, err = other.communicate(timeout=60)
        assert other.returncode == 0, err
        told = json.loads(out)
        for generation, seen in told["seen"].items():
            expected = edition(made[generation])
            assert seen == [[len(expected), *{*expected.values()}]], generation
        assert told["asked"] > len(told["seen"]) > 2
