"""Two chats and an `index` that runs again and again, each a process of its own: every answer is of one whole generation."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from index.types import sha256_text

ROOT = Path(__file__).parents[2]
SECONDS = 20  # at most, and then fewer generations are enough
GENERATIONS = 4  # that each chat is to answer from
DOCUMENTS = 8
QUESTION = "Which edition of the timetable is this?"

# What all begin with: an encoder that needs no weights.
WORDS = """
import json, os, runpy, sys
from contextlib import redirect_stdout
from pathlib import Path
import index.encoder
encoder = runpy.run_path(sys.argv[1])["WordEncoder"]()
index.encoder.load_encoder = lambda name="": encoder
home, docs, end = map(Path, sys.argv[2:])
"""
SERVING = WORDS + """
from ui.app import serve
serve(home, port=0)
"""
# Before each run the files become those of the next edition, every other time one fewer, and then all earlier generations,
# which the chats answer from or are about to open, are erased. Told in the end: the edition of each generation.
INDEXING = WORDS + f"""
import ui.cli
from index.generation import current_id
made = {{}}
while not end.exists():
    number = len(made)
    for n in range({DOCUMENTS} - number % 2):
        (docs / f"{{n}}.txt").write_text(f"This is edition {{number}} of the timetable, sheet {{n}}.")
    if number % 2:
        (docs / "{DOCUMENTS - 1}.txt").unlink()
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        assert ui.cli.index([docs], home=home, watch=False, rebuild=False, ocr=None, sample=False, json=True) == 0
        if number % 2:
            ui.cli.prune(home=home, json=True)
    made[current_id(home)] = number
    if not number:
        print("indexed", flush=True)
        sys.stdin.readline()  # until the chats have started
print(json.dumps(made))
"""


@dataclass
class Seen:
    """What one chat answered, and what came of opening each answer's first citation."""

    answers: list[dict[str, Any]] = field(default_factory=list)
    opened: list[httpx.Response] = field(default_factory=list)

    @property
    def generations(self) -> set[str]:
        return {answer["generation"] for answer in self.answers}


def edition(number: int) -> dict[str, str]:
    return {f"docs/{n}.txt": f"This is edition {number} of the timetable, sheet {n}." for n in range(DOCUMENTS - number % 2)}


@contextmanager
def running(program: str, *paths: Path) -> Iterator[subprocess.Popen[str]]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PULLQUOTE_")}
    settings = {"PULLQUOTE_READER": "similarity", "PULLQUOTE_THRESHOLD": "0"}
    arguments = [ROOT / "tests" / "fakes.py", *paths]
    with subprocess.Popen([sys.executable, "-c", program, *arguments], cwd=ROOT, env={**ours, **settings}, text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


def ask(address: str, seen: Seen, end: Path) -> None:
    """Ask and open the first citation, again and again."""
    with httpx.Client(base_url=address, timeout=60) as client:
        while not end.exists():
            answer = client.post("/v1/ask", json={"question": QUESTION})
            assert answer.status_code == 200, answer.text
            cited = answer.json()["quotes"][0]["citations"][0]
            place = f"{cited['document_id']}.{cited['start']}.{cited['end']}.{cited['text_sha256'][:12]}"
            seen.opened.append(client.get(f"/v1/sources/{place}"))
            seen.answers.append(answer.json())


def check(answer: dict[str, Any], opened: httpx.Response, library: dict[str, str]) -> None:
    """It is of this library wholly: all its documents were looked at, no other, and each quote stands where it says."""
    assert {passage["source"] for passage in answer["passages"]} == library.keys()
    for quote in answer["quotes"]:
        for cited in quote["citations"]:
            text = library[cited["source"]]
            assert quote["text"] == cited["text"] == text[cited["start"] : cited["end"]]
            assert cited["text_sha256"] == cited["file_sha256"] == sha256_text(text)
    # Another generation may be in use by then: the same document has changed, or the eighth is gone.
    assert opened.status_code in (200, 404, 409), opened.text
    if opened.status_code == 200:
        assert opened.json()["quote"] == answer["quotes"][0]["citations"][0]["text"]


def test_answers_of_two_chats_while_a_third_process_indexes(tmp_path: Path) -> None:
    home, docs, end = tmp_path / "home", tmp_path / "docs", tmp_path / "end"
    docs.mkdir()
    both = (Seen(), Seen())
    with ExitStack() as started:
        indexing, *chats = [started.enter_context(running(program, home, docs, end))
                            for program in (INDEXING, SERVING, SERVING)]
        threads = started.enter_context(ThreadPoolExecutor(2))
        started.callback(end.touch)  # first of all that happens in the end
        assert first_line(indexing) == "indexed\n"
        addresses = [re.findall(r"http://[\d.:]+", first_line(chat))[0] for chat in chats]
        assert indexing.stdin
        print("go on", file=indexing.stdin, flush=True)
        asking = [threads.submit(ask, address, seen, end) for address, seen in zip(addresses, both, strict=True)]
        until = time.monotonic() + SECONDS
        while (time.monotonic() < until and not any(one.done() for one in asking)
               and any(len(seen.generations) < GENERATIONS for seen in both)):
            time.sleep(0.1)
        end.touch()
        for one in asking:
            one.result()
        made = json.loads(first_line(indexing))
    for seen in both:
        assert len(seen.answers) > len(seen.generations) > 2
        for answer, opened in zip(seen.answers, seen.opened, strict=True):
            check(answer, opened, edition(made[answer["generation"]]))
        assert any(opened.status_code == 200 for opened in seen.opened)
