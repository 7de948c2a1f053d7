"""The command line as a person runs it: real processes, the real encoder, one small library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from fakes import write

from index.build import sync
from index.encoder import Encoder
from index.types import sha256_text
from ui.cli import _printable
from ui.cli import status as status_of

FERRY = "The ferry to Skarvey leaves at nine in the morning. It returns at noon. A day ticket costs four euro."
SHED = "# Bicycles\n\nBicycles are kept in the shed behind the harbour office. The shed is locked at night.\n"

Run = Callable[..., subprocess.CompletedProcess[str]]


def run_in(folder: Path, *arguments: str, stdin: str = "", wrapper: str = "",
           **more: str) -> subprocess.CompletedProcess[str]:
    """Run `pullquote` there, or a Python program in its place; `more` is set in its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PULLQUOTE_")} | more
    program = ["-c", wrapper] if wrapper else ["-m", "ui.cli"]
    return subprocess.run([sys.executable, *program, *arguments], cwd=folder, env=environment, input=stdin, text=True,
                          capture_output=True, timeout=240, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with documents, one of them damaged."""
    where = tmp_path_factory.mktemp("work")
    docs = where / "docs"
    (docs / "sub").mkdir(parents=True)
    (docs / "ferry.txt").write_text(FERRY)
    (docs / "sub" / "shed.md").write_text(SHED)
    (docs / "scan.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    return where


@pytest.fixture(scope="module")
def indexed(folder: Path) -> subprocess.CompletedProcess[str]:
    """`pullquote index docs --json`, run once."""
    return run_in(folder, "index", "docs", "--json")


@pytest.fixture(scope="module")
def run(folder: Path, indexed: subprocess.CompletedProcess[str]) -> Run:
    """Runs `pullquote` where the documents are indexed."""
    assert indexed.returncode == 0, indexed.stderr
    return lambda *arguments, **more: run_in(folder, *arguments, **more)


@pytest.fixture(scope="module")
def asked(run: Run) -> subprocess.CompletedProcess[str]:
    """A question that the library answers, asked once."""
    return run("ask", "When does the ferry to Skarvey leave?", "--json", "-k", "5")


@pytest.fixture(scope="module")
def receipt(asked: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Its answer."""
    return json.loads(asked.stdout)


def one_line(result: subprocess.CompletedProcess[str]) -> str:
    """What went wrong: nothing on stdout, one line on stderr."""
    assert result.stdout == ""
    [line] = result.stderr.strip().splitlines()
    assert line.startswith("pullquote: ")
    return line


def test_index_reports_what_went_in_and_what_did_not(indexed: subprocess.CompletedProcess[str]) -> None:
    assert indexed.returncode == 0
    report = json.loads(indexed.stdout)
    assert report["added"] == ["docs/ferry.txt", "docs/sub/shed.md"]
    assert (report["updated"], report["removed"], report["unchanged"], report["documents"]) == ([], [], 0, 2)
    assert report["encoded"] == report["chunks"] >= 2
    [skipped] = report["skipped"]
    assert report["notices"] == []
    assert skipped["source"] == "docs/scan.pdf"
    assert "PDF" in skipped["reason"]
    assert skipped["remedy"]


def test_ask_gives_the_contract_and_a_verbatim_quote(asked: subprocess.CompletedProcess[str], receipt) -> None:
    assert asked.returncode == 0
    assert list(receipt) == ["schema", "id", "question", "standalone_question", "answered", "confidence", "text", "unanswered",
                             "quotes", "passages", "generation", "models", "timings_ms"]
    assert (receipt["schema"], receipt["answered"]) == (1, True)
    assert receipt["question"] == receipt["standalone_question"] == "When does the ferry to Skarvey leave?"
    assert 0 <= receipt["confidence"] <= 1
    quote = receipt["quotes"][0]
    assert set(quote) >= {"text", "start", "end", "highlight", "score", "citations"}
    assert quote["text"] == "The ferry to Skarvey leaves at nine in the morning." == FERRY[quote["start"] : quote["end"]]
    assert receipt["text"].splitlines()[0] == quote["text"]
    assert quote["start"] <= quote["highlight"][0] < quote["highlight"][1] <= quote["end"]
    [citation] = quote["citations"]
    assert set(citation) >= {"number", "source", "title", "start", "end", "page", "heading", "text_sha256", "file_sha256"}
    assert (citation["number"], citation["source"], citation["start"], citation["end"]) == (
        1, "docs/ferry.txt", quote["start"], quote["end"])
    assert citation["text_sha256"] == citation["file_sha256"] == sha256_text(FERRY)
    assert set(receipt["passages"][0]) == {"source", "start", "end", "score", "dense_rank", "lexical_rank"}
    assert receipt["passages"][0]["source"] == "docs/ferry.txt"
    assert set(receipt["models"]) == {"encoder", "reader"}
    assert set(receipt["timings_ms"]) == {"resolve", "retrieve", "read", "compose", "total"}


def test_verify_replays_a_receipt_from_standard_input(run: Run, asked: subprocess.CompletedProcess[str]) -> None:
    result = run("verify", "-", stdin=asked.stdout)
    assert result.returncode == 0, result.stderr
    first = result.stdout.splitlines()[0]
    assert first.startswith("[1] docs/ferry.txt 0-")
    assert "word for word, file unchanged" in first


def test_verify_catches_a_changed_word(run: Run, receipt: dict[str, Any], folder: Path) -> None:
    tampered = json.loads(json.dumps(receipt))
    tampered["quotes"][0]["text"] = tampered["quotes"][0]["text"].replace("nine", "five")
    (folder / "tampered.json").write_text(json.dumps(tampered))
    result = run("verify", "tampered.json", "--json")
    assert result.returncode == 1
    assert next((check["number"], check["ok"], check["problem"]) for check in json.loads(result.stdout)) == (
        1, False, "other words stand at this place")


def test_status_says_what_the_library_holds(run: Run, folder: Path) -> None:
    result = run("status", "--json")
    assert result.returncode == 0
    status = json.loads(result.stdout)
    assert status["home"] == str(folder / ".pullquote")
    assert status["roots"] == [{"name": "docs", "path": str(folder / "docs")}]
    assert [(s["source"], s["characters"]) for s in status["sources"]] == [
        ("docs/ferry.txt", len(FERRY)), ("docs/sub/shed.md", len(SHED))]
    assert (status["documents"], status["vectors"]) == (2, "flat")
    assert status["encoder"]["name"] == "all-MiniLM-L6-v2"


def test_status_names_what_could_not_be_read(run: Run, indexed: subprocess.CompletedProcess[str]) -> None:
    report, status = json.loads(indexed.stdout), json.loads(run("status", "--json").stdout)
    assert (status["skipped"], status["notices"], status["more"]) == (report["skipped"], [], {"skipped": 0, "notices": 0})
    [skipped] = report["skipped"]
    assert run("status").stdout.splitlines()[-1] == f"skipped  docs/scan.pdf: {skipped['reason']}. {skipped['remedy']}"


def test_status_names_twenty_of_them(docs: Path, home: Path, encoder: Encoder, capsys: pytest.CaptureFixture[str]) -> None:
    write(docs, {"a.txt": "Text.", **{f"{number:02}.txt": "" for number in range(33)}})
    sync(home, [docs], encoder=encoder)
    assert status_of(home) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("skipped")]
    assert told[0] == "skipped  docs/00.txt: it is empty. Remove it, or save it again with its content"
    assert told[20:] == ["skipped  … and 13 more"]


def test_remove_takes_out_and_rollback_brings_back(run: Run, folder: Path) -> None:
    before = json.loads(run("status", "--json").stdout)
    removed = run("remove", "docs/sub", "--json")
    assert removed.returncode == 0, removed.stderr
    report = json.loads(removed.stdout)
    assert (report["removed"], report["documents"], report["encoded"]) == (["docs/sub/shed.md"], 1, 0)
    assert (folder / "docs" / "sub" / "shed.md").read_text() == SHED
    back = run("rollback")
    assert back.returncode == 0
    assert before["generation"] in back.stdout
    assert json.loads(run("status", "--json").stdout) == before


def test_prune_erases_what_was_removed_for_good(run: Run, folder: Path) -> None:
    def anywhere(text: str) -> bool:
        return any(text.encode() in path.read_bytes() for path in (folder / ".pullquote").rglob("*") if path.is_file())

    before = json.loads(run("status", "--json").stdout)["generation"]
    run("remove", "docs/sub")
    assert anywhere(SHED)
    pruned = run("prune", "--json")
    assert json.loads(pruned.stdout) == {"generation": json.loads(run("status", "--json").stdout)["generation"],
                                         "erased": [before]}
    assert not anywhere(SHED)
    left = json.loads(pruned.stdout)["generation"]
    assert run("prune").stdout == (
        f"0 earlier generations erased, and all cached vectors that {left}, which is left, does not use\n")
    assert "no whole generation before" in one_line(run("rollback"))


# What goes wrong


def test_a_wrong_option_is_bad_usage_in_one_line(tmp_path: Path) -> None:
    result = run_in(tmp_path, "status", "--nonsense")
    assert result.returncode == 2
    assert "--nonsense" in one_line(result)


@pytest.mark.parametrize("arguments", [("index", ""), ("index", "--home", "", "docs"), ("ask", "who?", "--home", "")])
def test_an_empty_path_is_not_the_working_directory(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = run_in(tmp_path, *arguments)
    assert result.returncode == 2
    assert "an empty path names nothing" in one_line(result)
    assert list(tmp_path.iterdir()) == []


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    result = run_in(tmp_path, "--version")
    assert (result.returncode, result.stdout) == (0, f"pullquote {version('pullquote')}\n")


def test_a_home_that_begins_with_a_tilde_and_is_nobody_s_is_a_name(tmp_path: Path) -> None:
    result = run_in(tmp_path, "status", "--home", "~nobody-here/x")
    assert one_line(result) == (f"pullquote: nothing is indexed in {tmp_path}/~nobody-here/x yet."
                                " Index your files with: pullquote index PATH")


def test_a_path_that_is_not_there_is_bad_usage_in_one_line(tmp_path: Path) -> None:
    result = run_in(tmp_path, "index", "nowhere")
    assert result.returncode == 2
    assert one_line(result) == "pullquote: there is no file or folder nowhere. Check the path"
    assert not (tmp_path / ".pullquote" / "CURRENT").exists()


def test_a_home_without_an_index_is_an_error_in_one_line_and_under_debug_a_traceback(tmp_path: Path) -> None:
    result = run_in(tmp_path, "status", "--home", "empty")
    assert result.returncode == 1
    assert one_line(result) == (f"pullquote: nothing is indexed in {tmp_path / 'empty'} yet."
                                " Index your files with: pullquote index PATH")
    traced = run_in(tmp_path, "status", "--home", "empty", "--debug")
    assert traced.returncode == 1
    assert "Traceback (most recent call last)" in traced.stderr
    assert "NoIndex" in traced.stderr


def test_a_receipt_that_is_none_is_an_error_in_one_line(run: Run) -> None:
    result = run("verify", "-", stdin="Dear Sir or Madam")
    assert result.returncode == 1
    assert "the receipt is not JSON" in one_line(result)


# Evaluation


@pytest.fixture(scope="module")
def evaluated(run: Run, folder: Path) -> subprocess.CompletedProcess[str]:
    """`pullquote eval` on three questions, everything written that it can write."""
    asked = [("When does the ferry to Skarvey leave?", "nine in the morning"), ("What is a day ticket?", "four euro"),
             ("Where are bicycles kept?", "in the shed")]
    rows = []
    for number, (question, answer) in enumerate(asked):
        source, text = ("docs/sub/shed.md", SHED) if answer in SHED else ("docs/ferry.txt", FERRY)
        start = text.index(answer)
        rows.append({"id": f"q{number}", "question": question, "answers": [answer], "answerable": True,
                     "evidence": [{"source": source, "start": start, "end": start + len(answer)}], "history": [], "tags": []})
    (folder / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return run("eval", "set.jsonl", "--corpus", "docs", "--json", "run.json", "--html", "run.html",
               "--predictions", "answers.jsonl")


def test_eval_prints_its_figures_and_writes_the_run_the_report_and_every_answer(
        evaluated: subprocess.CompletedProcess[str], folder: Path) -> None:
    assert evaluated.returncode == 0, evaluated.stderr
    assert "recall@5" in evaluated.stdout
    made = json.loads((folder / "run.json").read_text())
    figures = {figure["name"]: figure["value"] for figure in made["figures"]}
    assert (made["questions"], figures["recall@5"], figures["holds_answer"]) == (3, 1.0, 1.0)
    answers = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
    assert [answer["id"] for answer in answers] == ["q0", "q1", "q2"]
    assert "Where are bicycles kept?" in (folder / "run.html").read_text()


def test_eval_fails_where_a_figure_fell(run: Run, folder: Path, evaluated: subprocess.CompletedProcess[str]) -> None:
    assert run("eval", "set.jsonl", "--corpus", "docs", "--baseline", "run.json").returncode == 0
    better = json.loads((folder / "run.json").read_text())
    for figure in better["figures"]:
        if figure["name"] == "holds_answer":
            figure.update(value=2.0, low=2.0, high=2.0)
    (folder / "better.json").write_text(json.dumps(better))
    result = run("eval", "set.jsonl", "--corpus", "docs", "--baseline", "better.json")
    assert result.returncode == 1
    assert [line for line in result.stderr.splitlines() if line.startswith("fell: ")]


# Without a network, and with documents that mean ill


# Python runs it when it starts, and every process of its own when that does; what is asked for is written down, for whoever
# asks may well go on without.
NO_NETWORK = """
import os, socket
from pathlib import Path

here = Path(__file__).parent
(here / f"{os.getpid()}.started").touch()

def refuse(*arguments, **named):
    (here / f"{os.getpid()}.asked").write_text(repr(arguments))
    raise OSError("the network was asked for")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = refuse
"""
SEVERAL = """
import json, os, sys

from ui.cli import main

for arguments, environment in json.loads(sys.stdin.read()):
    sys.argv = ["pullquote", *arguments]
    os.environ.update(environment)
    try:
        main()
    except SystemExit as end:
        for stream in (sys.stdout, sys.stderr):
            print(f"===exit {end.code}", file=stream, flush=True)
    for name in environment:
        del os.environ[name]
"""
STEERING = "The harbour \x1b]0;owned\x07 is \x1b[2Jclosed \x9b31m on Sundays and\x08\x08\x08 in \u202ewinter.\n"
COMMANDS = {
    "index": (["index", "docs", "--home", "offline"], {}),
    "answer": (["ask", "Where are bicycles kept?", "--home", "offline"], {}),
    "refusal": (["ask", "Which composer wrote the opera Tosca?", "--home", "offline"], {}),
    "refusal by threshold": (["ask", "Where are bicycles kept?", "--home", "offline", "--json"], {"PULLQUOTE_THRESHOLD": "1"}),
    "index what steers": (["index", "ill", "il\x1b[1ml.txt", "--home", "steered"], {}),
    "quote what steers": (["ask", "When is the harbour closed?", "--home", "steered"], {"PULLQUOTE_THRESHOLD": "0"}),
    "refuse what steers": (["ask", "When is the harbour closed?", "--home", "steered"], {"PULLQUOTE_THRESHOLD": "1"}),
    "status of what steers": (["status", "--home", "steered"], {}),
    "verify what steers": (["verify", "steering.json", "--home", "steered"], {}),
    "verify what steers by its schema": (["verify", "schema.json", "--home", "steered"], {}),
    "a path that steers": (["index", "no\x1b[2Jwhere", "--home", "steered"], {}),
}
Done = dict[str, tuple[int, str, str]]


@pytest.fixture(scope="module")
def done(folder: Path) -> Done:
    """Exit code, output and complaints of every command above, run one after the other in a process without a network."""
    (folder / "ill").mkdir()
    (folder / "ill" / "harb\x1b[31mour.txt").write_text(STEERING, "utf-8")
    (folder / "ill" / "broken\x1b[31m.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    (folder / "il\x1b[1ml.txt").write_text("Named by its own path.")
    citation = {"number": 1, "source": "ill/no\x1b[31mne.txt", "start": 0, "end": 1, "text_sha256": "", "file_sha256": ""}
    receipt = {"schema": 1, "quotes": [{"text": "x", "start": 0, "end": 1, "citations": [citation]}], "text": "x"}
    (folder / "steering.json").write_text(json.dumps(receipt))
    (folder / "schema.json").write_text(json.dumps({"schema": "\x1b[2J", "quotes": []}))
    (folder / "offline-start").mkdir()
    (folder / "offline-start" / "sitecustomize.py").write_text(NO_NETWORK)
    result = run_in(folder, wrapper=SEVERAL, stdin=json.dumps(list(COMMANDS.values())), PYTHONPATH=os.pathsep.join(
        [str(folder / "offline-start"), str(Path(__file__).parents[2])]))
    said, complained = (stream.split("===exit ") for stream in (result.stdout, result.stderr))
    assert len(said) == len(complained) == len(COMMANDS) + 1, result.stderr
    codes = [int(after.split("\n", 1)[0]) for after in said[1:]]
    texts = [[part.split("\n", 1)[1] if number else part for number, part in enumerate(parts)][:-1]
             for parts in (said, complained)]
    return dict(zip(COMMANDS, zip(codes, *texts, strict=True), strict=True))


def test_index_and_ask_need_no_network(done: Done, folder: Path) -> None:
    assert [path.read_text() for path in folder.glob("offline-start/*.asked")] == []
    assert len(list(folder.glob("offline-start/*.started"))) > 1  # those that read the documents, too
    code, said, _ = done["index"]
    assert code == 0
    assert "2 added, 0 updated, 0 removed, 0 unchanged, 1 skipped: 2 documents" in said
    code, said, complaints = done["answer"]
    assert code == 0
    assert said.startswith("“Bicycles are kept in the shed behind the harbour office.” [1]")
    assert "[1] docs/sub/shed.md, Bicycles" in said
    assert complaints == ""


def test_a_question_that_nothing_answers_exits_3(done: Done) -> None:
    code, said, _ = done["refusal"]
    assert code == 3
    assert said.startswith("No passage answers this.")


def test_a_refusal_has_the_keys_of_the_contract_and_what_was_looked_at(done: Done, receipt: dict[str, Any]) -> None:
    code, said, _ = done["refusal by threshold"]
    refusal = json.loads(said)
    assert code == 3
    assert list(refusal) == list(receipt)
    assert (refusal["answered"], refusal["quotes"], refusal["text"]) == (False, [], "")
    assert refusal["passages"][0]["source"] == "docs/sub/shed.md"


@pytest.mark.parametrize(("text", "shown"), [
    ("می\u200cخواهم 👩\u200d👩\u200d👧 ❤\ufe0f 100\xa0€ \u2019 \ue000 é e\u0301", None),
    ("Donau\xaddampf\xadschiff", "Donaudampfschiff"),
    ("a\x1b[2J\x9bb\x7f\rc\td\x00", "a [2J b  c d "),
    ("in \u202ewinter\u2066\u200f", "in winter"),
    ("half \ud83d of a pair", "half   of a pair"),
])
def test_the_terminal_shows_text_as_it_stands_but_for_what_would_steer_it(text: str, shown: str | None) -> None:
    shown = text if shown is None else shown
    assert _printable(text) == shown
    assert _printable(f"{text}\n{text}", keep_lines=True) == f"{shown}\n{shown}"
    assert _printable(f"{text}\n{text}") == f"{shown} {shown}"


def test_what_a_document_says_or_is_called_does_not_steer_the_terminal(done: Done) -> None:
    assert done["quote what steers"][0] == 0
    assert "The harbour" in done["quote what steers"][1]
    assert done["refuse what steers"][0] == 3
    assert (done["verify what steers"][0], done["verify what steers by its schema"][0]) == (1, 1)
    assert done["a path that steers"][0] == 2
    streams = {name: said + complaints for name, (_, said, complaints) in done.items() if "steer" in name}
    steering = {name: [line for line in text.splitlines() if not line.isprintable()] for name, text in streams.items()}
    assert {name: lines for name, lines in steering.items() if lines} == {}
