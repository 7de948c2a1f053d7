"""Kills builds at chosen moments and looks at what each leaves; `test_kills.py` runs this in a process of its own.

    python kills.py FAKES FOLDER SCENARIO POINTS SEED

One line of JSON a kill. Nothing here has started a thread or opened an index before it forks, so that every victim begins
alike: it imports nothing, and dies at the given call into C of all those that its build makes (before or after a call that
changes the disk), or when a timer says so, within a call too. SIGKILL loses no page that was written: what a power cut would
do is up to the order of `fsync` and `rename`, which `test_build.py` tests.
"""

from __future__ import annotations

import json
import os
import random
import runpy
import shutil
import signal
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from index import build, cache, generation, tokens
from index.errors import NoIndex
from index.generation import Generation, generations, open_current
from index.store import Hit

fakes = runpy.run_path(sys.argv[1])
WordEncoder, write = fakes["WordEncoder"], fakes["write"]
FOLDER = Path(sys.argv[2])
DOCS, BASE, HOME, FRESH = (FOLDER / name for name in ("docs", "base", "home", "fresh"))
SECONDS = 60  # for one process: then something hangs

WORDS = "otter heron ferry lantern bridge harbour meadow anchor river badger".split()
BEFORE = {f"{word}.md": f"# {word}\n\n" + f"The {word} is told of here at length. " * 4 for word in WORDS[:7]}
AFTER = {**BEFORE, **{f"new/{word}.txt": f"Another {word} came by boat." for word in WORDS},
         "otter.md": "# otter\n\nIt has moved.", "harbour-2.md": BEFORE["harbour.md"]}
del AFTER["ferry.md"], AFTER["harbour.md"]
if sys.argv[3] == "add":  # what was there stays
    AFTER |= BEFORE
if sys.argv[3] == "remove":
    AFTER = {name: text for name, text in BEFORE.items() if name not in ("ferry.md", "harbour.md")}
CHANGES = {"rename", "replace", "fsync", "unlink", "rmdir", "mkdir", "connect", "Connection.commit", "Connection.execute",
           "Connection.executemany", "Connection.executescript", "Connection.close", "BufferedWriter.write", "FileIO.write",
           "TextIOWrapper.write", "TextIOWrapper.close", "BufferedWriter.close", "IndexWriter.commit",
           "IndexWriter.wait_merging_threads"}
cache._AT_ONCE = 4  # several commits


def sync(home: Path) -> Any:
    encoder = WordEncoder()
    build.sync(home, [DOCS], encoder=encoder)
    return encoder


def rebuild(home: Path) -> Any:
    encoder = WordEncoder()
    build.sync(home, [DOCS], encoder=encoder, rebuild=True)
    return encoder


def erase(home: Path) -> Any:
    build.erase(home)
    return WordEncoder()


def remove(home: Path) -> Any:
    encoder = WordEncoder()
    if whole(home) == "old":
        build.remove(home, [f"docs/{name}" for name in BEFORE.keys() - AFTER.keys()], encoder=encoder)
    else:  # it was done: whatever is run next clears up
        build.sync(home, encoder=encoder)
    return encoder


def rollback(home: Path) -> Any:
    encoder = WordEncoder()
    if whole(home) == "old":
        generation.rollback(home)
    build.sync(home, encoder=encoder)
    return encoder


Act = Callable[[Path], Any]


def forked(work: Callable[[], object]) -> int:
    """Start a process that does the work and exits with 0, or with 1 after a traceback."""
    child = os.fork()
    if child:
        return child
    try:
        signal.alarm(SECONDS)
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _counts(event: str, function: Any) -> bool:
    """Whether something that may change the disk, and is written in C, is called or has come back."""
    return event in ("c_call", "c_return") and function.__qualname__ in CHANGES


def calls_of(act: Act) -> list[str]:
    """What the action calls that may change the disk, and when that comes back, in order: "call fsync", "return fsync"."""
    told = FOLDER / "calls.json"

    def record() -> None:
        names: list[str] = []
        sys.setprofile(lambda _, event, function: names.append(f"{event[2:]} {function.__qualname__}")
                       if _counts(event, function) else None)
        act(HOME)
        sys.setprofile(None)
        told.write_text(json.dumps(names))

    anew()
    assert ended(forked(record)) == 0
    names: list[str] = json.loads(told.read_text())
    return names


def anew() -> None:
    """The home as it was before."""
    shutil.rmtree(HOME, ignore_errors=True)
    if BASE.exists():
        shutil.copytree(BASE, HOME)


def killed(act: Act, at: int | float) -> bool:
    """Act, and die: at a call that is counted, or after some seconds. Says whether it came to that."""
    calls = count()

    def die(frame: object, event: str, function: object) -> None:
        if _counts(event, function) and next(calls) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def victim() -> None:
        if isinstance(at, int):
            sys.setprofile(die)
        else:
            signal.setitimer(signal.ITIMER_REAL, at)  # nobody handles it: the kernel ends the process as it would by SIGKILL
        act(HOME)
        os._exit(0)

    code = ended(forked(victim))
    assert code in (0, -signal.SIGKILL, -signal.SIGALRM), code
    return code != 0


def texts(store: Generation) -> dict[str, str]:
    return {info.source.removeprefix("docs/"): store.document(info.document_id).text for info in store.sources()}


def searches(store: Generation) -> list[tuple[list[Hit], list[Hit]]]:
    vectors = WordEncoder().encode(WORDS)
    return [(store.dense(vector, 5), store.lexical(word, 5)) for word, vector in zip(WORDS, vectors, strict=True)]


def whole(home: Path) -> str:
    """Open the generation in use, every file checked; says which of the two it is, for it is wholly one of them."""
    with closing(open_current(home)) as store:
        found = texts(store)
        assert found in (BEFORE, AFTER), sorted(found)
        told = " ".join(found.values())
        for word, (dense, lexical) in zip(WORDS, searches(store), strict=True):
            assert dense
            assert bool(lexical) == (word in told), word
        return "new" if found == AFTER else "old"


def ask(may_be_none: bool) -> None:
    """What somebody who asks all the time sees."""
    while True:
        try:
            whole(HOME)
        except NoIndex:
            assert may_be_none
        time.sleep(0.02)


def look(act: Act, first: bool) -> None:
    """What the next one who comes sees and does."""
    try:
        state = whole(HOME)
    except NoIndex:
        assert first
        state = "none"
    stored = HOME / "cache" / "embeddings.sqlite"
    known: set[bytes] = set()
    if stored.exists():
        with closing(sqlite3.connect(stored)) as database:
            if database.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,):
                known = {key for (key,) in database.execute("SELECT key FROM embedding")}
    encoder = act(HOME)
    memory = cache.EmbeddingCache(stored, encoder)
    again = [text for text in encoder.texts if memory.key(text) in known]
    memory.close()
    assert again == [], f"encoded twice: {again}"
    assert whole(HOME) == "new"
    with closing(open_current(HOME)) as here, closing(open_current(FRESH)) as fresh:
        assert searches(here) == searches(fresh)
    assert len(generations(HOME)) <= (1 if act is erase or first else 3 if act is rebuild else 2)
    left = sorted(path.name for path in HOME.iterdir())
    assert left == ["CURRENT", "cache", "generations", "lock"], left
    assert sorted(path.name for path in (HOME / "cache").iterdir()) == ["embeddings.sqlite"]
    assert not list((HOME / "generations").glob(".*"))
    (FOLDER / "state").write_text(json.dumps({"state": state, "known": len(known), "encoded": len(encoder.texts)}))


def prepare(scenario: str) -> Act:
    """Make the home that every victim begins with: none, one of the files before, or one that has seen both."""
    seen = {"first": [], "erase": [BEFORE, AFTER], "rollback": [AFTER, BEFORE]}.get(scenario, [BEFORE])
    for files in seen:
        write(DOCS, files)
        assert ended(forked(lambda: sync(BASE))) == 0
        shutil.rmtree(DOCS)
    write(DOCS, AFTER)
    assert ended(forked(lambda: sync(FRESH))) == 0
    if scenario == "remove":
        write(DOCS, BEFORE)
    return {"erase": erase, "remove": remove, "rollback": rollback, "rebuild": rebuild}.get(scenario, sync)


def points_of(names: list[str], wanted: int, seconds: float, chance: random.Random) -> list[int | float]:
    """Where to kill: at every rename, at the syncs, and at what else changes the disk, as many as are wanted; the last
    fifth by a timer, at any moment.
    """
    points: list[int | float] = []
    for group in ({"rename", "replace"}, {"fsync"}, CHANGES - {"rename", "replace", "fsync"}):
        there = [at for at, name in enumerate(names) if name.split()[1] in group]
        points += chance.sample(there, min(len(there), wanted - wanted // 5 - len(points)))
    return points + [chance.random() * seconds for _ in range(wanted - len(points))]


def main() -> None:
    scenario, wanted, seed = sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    tokens.encoding()
    act = prepare(scenario)
    started = time.perf_counter()
    names = calls_of(act)
    points = points_of(names, wanted, time.perf_counter() - started, random.Random(seed))
    for at in points:
        anew()
        asking = forked(lambda: ask(scenario == "first"))
        died = killed(act, at)
        code = ended(forked(lambda: look(act, scenario == "first")))
        running = os.waitpid(asking, os.WNOHANG) == (0, 0)
        if running:
            os.kill(asking, signal.SIGKILL)
            os.waitpid(asking, 0)
        seen = json.loads((FOLDER / "state").read_text()) if code == 0 else {}
        name = names[at] if isinstance(at, int) else "timer"
        print(json.dumps({"at": at, "name": name, "died": died, "next": code, "asking": running, **seen}), flush=True)


if __name__ == "__main__":
    main()
