"""The command line. Results go to stdout, progress and complaints to stderr; one clear line where something is wrong.

Exit codes: 0 done (answered), 1 error (a citation does not hold, a figure fell), 2 bad usage, 3 refused.
What is heavy is imported by the command that needs it, so that `--help` is immediate.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from index.errors import DataError, FileError, InputError, PullquoteError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from index.build import Listener, Progress, Report
    from index.unread import Unread
    from index.watch import Sync
    from rag.calibration import Calibration
    from rag.config import Config

ANSWERED, ERROR, USAGE, REFUSED = 0, 1, 2, 3
SHOWN = 20  # files of a kind that are named to a person

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # and halves of surrogate pairs, which cannot be written
# What turns the order of a line around; and the soft hyphen, which a page shows at a line's end only, a terminal anywhere.
_UNSEEN = re.compile("[\xad\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

app = typer.Typer(name="pullquote", add_completion=False, rich_markup_mode=None,
                  pretty_exceptions_enable=False,
                  help="Ask your own documents; get the answer in their own words, every sentence a quote with its place.")



def _path(text: str) -> Path:
    """A path that was given; an empty one, as from a variable that is not set, would be the working directory."""
    if not text:
        raise typer.BadParameter("an empty path names nothing; write . for the working directory.")
    return Path(text)


Home = Annotated[Path | None, typer.Option(parser=_path, metavar="PATH", show_default=False,
                                           help="Where the index lives [$PULLQUOTE_HOME, else .pullquote].")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"pullquote {version('pullquote')}")
        raise typer.Exit


@app.callback()
def _options(_: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True,
                                             help="Print the version and exit.")] = False) -> None:
    """What goes before a command."""


def main() -> None:
    """Run the command line; turn what went wrong into one line and an exit code."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        code = app(arguments or ["--help"], standalone_mode=False)
    except Exception as error:
        if debug:
            raise
        code = _complain(error)
    except KeyboardInterrupt:
        print("pullquote: stopped", file=sys.stderr)
        code = 130
    sys.exit(code if isinstance(code, int) else ANSWERED)


def _complain(error: Exception) -> int:
    if isinstance(error, PullquoteError):
        print(f"pullquote: {_one_line(error)}", file=sys.stderr)
        return USAGE if isinstance(error, InputError) and not isinstance(error, FileError | DataError) else ERROR
    if hasattr(error, "format_message"):  # what typer raises for a wrong command line
        print(f"pullquote: {_one_line(Exception(error.format_message()))} See: pullquote --help", file=sys.stderr)
        return USAGE
    if isinstance(error, typer.Abort | BrokenPipeError):
        return ERROR
    print(f"pullquote: something unforeseen went wrong: {type(error).__name__}: {_one_line(error)}. Run it again with"
          " --debug to see where, and tell the maintainers", file=sys.stderr)
    return ERROR


def _one_line(error: Exception) -> str:
    return _printable(" ".join(str(error).split()))


@app.command()
def index(paths: Annotated[list[Path] | None,
                           typer.Argument(help="Files, folders and globs that join the library; none: those it has.",
                                          parser=_path, metavar="PATH", show_default=False)] = None,
          home: Home = None,
          watch: Annotated[bool, typer.Option("--watch", help="Go on, and follow every change until stopped.")] = False,
          rebuild: Annotated[bool, typer.Option("--rebuild", help="Read every file anew.")] = False,
          ocr: Annotated[bool | None, typer.Option(
              "--ocr/--no-ocr", help="From now on have tesseract read PDF pages without text, or not.",
              show_default=False)] = None,
          sample: Annotated[bool, typer.Option("--sample", help="Add the sample library that comes with Pullquote.")] = False,
          json: Json = False) -> int:
    """Bring the library up to date: new, changed and deleted files."""
    from eval.sets import SAMPLE
    from index.build import sync
    from index.encoder import load_encoder
    from index.walk import expand

    where = _home(home)
    config = _config(where)
    wanted = [*expand(paths or []), *([SAMPLE] if sample else [])]
    encoder = load_encoder(config.encoder)
    languages = None if ocr is None else config.ocr_language if ocr else ""
    anew = iter([(rebuild, languages)])  # the first time only, when it is followed on

    def update(paths: Sequence[Path], tell: Listener) -> Report:
        def listen(step: Progress) -> None:
            tell(step)
            bars.listen(step)

        again, ocr = next(anew, (False, None))
        with _Bars() as bars:
            return sync(where, paths, encoder=encoder, chunking=config.chunking, limits=config.limits, ocr=ocr,
                        rebuild=again, progress=listen)

    if watch:
        return _watch(where, wanted, update, json)
    report = update(wanted, lambda _: None)
    if json:
        _print_json(_report_json(report))
    else:
        _print_report(report)
    return ERROR if report.skipped and not report.documents else ANSWERED


@app.command()
def status(home: Home = None, json: Json = False) -> int:
    """What the library holds, what could not be read, what it is made with, and what it was calibrated to."""
    from index.generation import open_current
    from index.unread import told
    from index.vectors import KINDS
    from rag.calibration import stored

    where = _home(home)
    store = open_current(where)
    made, sources, calibration, unread = store.manifest, store.sources(), stored(where), told(where, store)
    named = {source.document_id: source.source for source in sources}
    if json:
        _print_json({"home": str(where), "generation": made.id, "created": made.created,
                     "encoder": {"name": made.encoder, "revision": made.revision},
                     "chunking": {"size": made.chunking.size, "overlap": made.chunking.overlap}, "ocr": made.ocr,
                     "documents": made.documents, "copies": len(sources) - made.documents, "chunks": made.chunks,
                     "tokens": made.tokens, "vectors": made.vectors,
                     "roots": [{"name": root.name, "path": root.path} for root in made.roots],
                     "excluded": list(made.excluded),
                     "calibration": calibration.json() if calibration else None,
                     **_unread_json(unread), "more": {"skipped": unread.more_skipped, "notices": unread.more_notices},
                     "sources": [{"source": s.source, "title": s.title, "media_type": s.media_type, "pages": s.pages,
                                  "characters": s.characters, "chunks": s.chunks,
                                  "copy_of": named.get(s.copy_of)} for s in sources]})
        return ANSWERED
    print(f"{_printable(str(where))}: {_size(made.documents, len(sources) - made.documents, made.chunks)},"
          f" {made.tokens:,} tokens")
    print(_printable(f"generation {made.id} of {made.created}, encoder {made.encoder} ({made.revision}),"
                     f" chunks of at most {made.chunking.size} tokens,"
                     f" vectors {made.vectors} ({KINDS[made.vectors]})"))
    if made.ocr:
        print(_printable(f"PDF pages without text are read by OCR ({made.ocr})"))
    if calibration:
        moved = "; the library has changed since" if calibration.generation != made.id else ""
        print(_printable(f"calibrated on {calibration.questions} questions, reader {calibration.reader}:"
                         f" {_promise(calibration)}{moved}"))
    else:
        print("not calibrated on questions of your own: pullquote calibrate does that")
    for root in made.roots:
        print(_printable(f"follows {root.path} as {root.name}"))
    for source in sources:
        pages = f", {source.pages} pages" if source.pages else ""
        size = f"the same as {named[source.copy_of]}" if source.copy_of else f"{source.characters} characters{pages}"
        print(f"  {_printable(f'{source.source}  ({size})')}")
    for word, news, more in (("note", unread.notices, unread.more_notices), ("skipped", unread.skipped, unread.more_skipped)):
        for each in news[:SHOWN]:
            print(f"{word:8} {_printable(str(each))}")
        if (left := len(news[SHOWN:]) + more) > 0:
            print(f"{word:8} … and {left} more")
    return ANSWERED


@app.command()
def remove(sources: Annotated[list[str], typer.Argument(help="Documents or folders, as `pullquote status` names them.")],
           home: Home = None, json: Json = False) -> int:
    """Take documents out of the library; their files stay where they are. One of the same content at another place stays in."""
    from index.build import remove as take_out
    from index.encoder import load_encoder

    where = _home(home)
    with _Bars() as bars:
        report = take_out(where, sources, encoder=load_encoder(_config(where).encoder), progress=bars.listen)
    if json:
        _print_json(_report_json(report))
    else:
        _print_report(report)
    return ANSWERED


@app.command()
def prune(home: Home = None, json: Json = False) -> int:
    """Erase at once what only earlier generations hold: deleted text, its vectors. There is no going back after it."""
    from index.build import erase
    from index.generation import current_id

    where = _home(home)
    erased = erase(where)
    if json:
        _print_json({"generation": current_id(where), "erased": erased})
    else:
        earlier = "1 earlier generation" if len(erased) == 1 else f"{len(erased)} earlier generations"
        print(f"{earlier} erased, and all cached vectors that {current_id(where)}, which is left, does not use")
    return ANSWERED


@app.command()
def rollback(home: Home = None) -> int:
    """Go back to the generation before the one in use."""
    from index.generation import rollback as go_back

    made = go_back(_home(home))
    print(f"now in use: generation {made.id} of {made.created}, {_size(made.documents)}")
    return ANSWERED


@app.command()
def ask(question: Annotated[str, typer.Argument(help="The question.")], home: Home = None, json: Json = False,
        k: Annotated[int | None, typer.Option("-k", help="How many passages are read.", show_default=False)] = None,
        history: Annotated[list[str] | None, typer.Option(help="An earlier question; repeat for more.",
                                                          show_default=False)] = None) -> int:
    """Ask one question. Exits 0 if it was answered, 3 if it was refused."""
    from rag.assistant import Assistant
    from ui.render import answer_text

    where = _home(home)
    assistant = Assistant.open(where, _config(where, passages=k))
    answer = assistant.ask(question, history or [])
    if json:
        _print_json(answer.json())
    else:
        print(_printable(answer_text(answer), keep_lines=True))
    return ANSWERED if answer.answered else REFUSED


@app.command()
def chat(home: Home = None,
         host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
         port: Annotated[int | None, typer.Option(min=0, max=65535, help="The port [7860, or the next free].",
                                                  show_default=False)] = None) -> int:
    """Open the chat for a browser on this machine."""
    from ui.app import serve

    where = _home(home)
    serve(where, host=host, port=port, config=_config(where))
    return ANSWERED


@app.command()
def verify(receipt: Annotated[str, typer.Argument(help="A file that `ask --json` wrote, or - for standard input.")],
           home: Home = None, json: Json = False) -> int:
    """Replay every citation of an answer; exit 1 if one does not hold."""
    from index.generation import open_current
    from rag.receipt import load_receipt
    from rag.receipt import verify as replay

    checks = replay(load_receipt(_read(receipt)), open_current(_home(home)))
    if json:
        _print_json([{"number": c.number, "source": c.source, "start": c.start, "end": c.end, "ok": c.ok,
                      "problem": c.problem, "file_checked": c.file_checked} for c in checks])
    for check in () if json else checks:
        seen = "word for word, file unchanged" if check.file_checked else "word for word in the library; no file to compare"
        print(f"[{check.number}] {_printable(check.source)} {check.start}-{check.end}: {check.problem or seen}")
    if not checks and not json:
        print("the receipt is of a refusal: it cites nothing")
    return ANSWERED if all(check.ok for check in checks) else ERROR


@app.command("eval")
def evaluate(questions: Annotated[Path | None, typer.Argument(metavar="[SET]", help="Questions [the sample set].",
                                                              show_default=False)] = None,
             home: Home = None,
             corpus: Annotated[Path | None, typer.Option(help="Ask of these documents instead: a folder or JSON Lines.",
                                                         show_default=False)] = None,
             predictions: Annotated[Path | None, typer.Option(help="Write every answer here (JSON Lines).",
                                                              show_default=False)] = None,
             json: Annotated[Path | None, typer.Option(help="Write the run here.", show_default=False)] = None,
             html: Annotated[Path | None, typer.Option(help="Write a report to look at here.", show_default=False)] = None,
             baseline: Annotated[Path | None, typer.Option(help="An earlier run; exit 1 if a figure fell.",
                                                           show_default=False)] = None) -> int:
    """Run a set of questions and measure retrieval, answers, refusals and speed."""
    from eval.library import library_for
    from eval.questions import load_questions
    from eval.report import html as as_html
    from eval.report import table
    from eval.run import Run, compare, write_predictions
    from eval.run import evaluate as run_set

    where = _home(home)
    before = Run.load(baseline) if baseline else None
    with _Bars() as bars, library_for(where, questions, corpus, _config(where), bars.listen) as (assistant, file):
        run = run_set(assistant, load_questions(file), bars.asked, name=file.name)
    _console(stderr=False).print(table(run, before))
    if predictions:
        _writing(predictions, lambda path: write_predictions(run, path))
    if json:
        _writing(json, run.save)
    if html:
        _writing(html, lambda path: path.write_text(as_html(run, before), "utf-8"))
    fallen = compare(run, before) if before else []
    for regression in fallen:
        print(_printable(f"fell: {regression}"), file=sys.stderr)
    return ERROR if fallen else ANSWERED


@app.command()
def calibrate(questions: Annotated[Path, typer.Argument(metavar="SET", help="Questions of yours with their answers.",
                                                        show_default=False)],
              risk: Annotated[float, typer.Option(help="The share of answers that may be wrong: 0.05, say.",
                                                  show_default=False)],
              home: Home = None,
              delta: Annotated[float, typer.Option(help="How often the promise may fail, over sets of questions.")] = 0.05,
              json: Json = False) -> int:
    """Fit confidence and threshold to your own questions; exit 1 if they cannot show the risk."""
    from eval.metrics import calibration_error
    from eval.questions import asked_once, load_questions
    from eval.run import evaluate as run_set
    from rag.assistant import Assistant
    from rag.calibration import FILE, fit, require

    where = _home(home)
    config = _config(where)
    given = load_questions(questions)
    asked = asked_once(given)  # what is asked twice shows nothing twice
    if len(asked) < len(given):
        print(f"note: {len(given) - len(asked)} of the {len(given)} questions ask what one before asks, and are left out",
              file=sys.stderr)
    require(len(asked), risk, delta)  # before asking them all for nothing
    with _Bars() as bars:
        assistant = Assistant.open(where, config, calibrated=False)
        run = run_set(assistant, asked, bars.asked, name=questions.name)
        assistant.close()
    for note in run.notes:
        print(_printable(f"note: {note}"), file=sys.stderr)
    confidence, right = run.judged
    made = fit(confidence, right, risk, reader=assistant.reader.name, delta=delta, settings=assistant.settings,
               questions_sha256=run.questions_sha256, generation=run.generation)
    before, after = (float(calibration_error(stated, right)) for stated in (confidence, [made.apply(c) for c in confidence]))
    made.write(where)
    if json:
        _print_json({**made.json(), "coverage": made.coverage, "calibration_error": {"before": before, "after": after}})
    else:
        _print_calibration(made, sum(right), before, after)
        print(_printable(f"stored in {where / FILE}; in use from the next start of ask or chat"))
    if config.threshold is not None:
        print(f"note: the settings have a threshold of their own, {config.threshold}, which wins and promises nothing",
              file=sys.stderr)
    return ANSWERED


def _watch(home: Path, paths: Sequence[Path], update: Sync, json: bool) -> int:
    """Follow the library's files until SIGINT or SIGTERM; a line for each change, JSON or not."""
    import signal
    import threading

    from index.watch import follow

    stop = threading.Event()

    def end(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)  # the second time at once

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    first = True
    for news in follow(home, paths, update, stop):
        if isinstance(news, PullquoteError):
            print(f"pullquote: {_one_line(news)} (it is tried again)", file=sys.stderr, flush=True)
        elif json:
            _print_json(_report_json(news), one_line=True)
        elif first:
            _print_report(news)
            print("watching; stop with Ctrl+C", flush=True)
        else:
            _print_change(news)
        first = False
    print("pullquote: stopped", file=sys.stderr)
    return ANSWERED


def _home(home: Path | None) -> Path:
    from index.walk import with_home

    return with_home(home or Path(os.environ.get("PULLQUOTE_HOME") or ".pullquote")).absolute()


def _config(home: Path, **flags: Any) -> Config:
    from rag.config import Config

    return Config.load(home, **flags)


def _read(receipt: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if receipt == "-" else Path(receipt).read_bytes()
    except OSError as error:
        raise InputError(f"{receipt} cannot be read ({error.strerror})", "Check the path") from error


def _writing(path: Path, write: Callable[[Path], object]) -> None:
    try:
        write(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror})", "Choose another place") from error


def _print_json(value: Any, one_line: bool = False) -> None:
    import orjson

    print(orjson.dumps(value, option=None if one_line else orjson.OPT_INDENT_2).decode(), flush=True)


def _printable(text: str, keep_lines: bool = False) -> str:
    """A document's text or name so that it cannot steer the terminal; all else in it stays as it stands.

    >>> _printable("\\x1b[2JDonau\\xaddampf, 100\\xa0€")
    ' [2JDonaudampf, 100\\xa0€'
    """
    lines = (_CONTROL.sub(" ", _UNSEEN.sub("", line)) for line in text.split("\n"))
    return ("\n" if keep_lines else " ").join(lines)


def _report_json(report: Report) -> dict[str, Any]:
    return {"generation": report.generation, "added": report.added, "updated": report.updated, "removed": report.removed,
            "unchanged": report.unchanged, "documents": report.documents, "copies": report.copies, "chunks": report.chunks,
            "encoded": report.encoded, "seconds": round(report.seconds, 3), **_unread_json(report)}


def _unread_json(news: Report | Unread) -> dict[str, Any]:
    return {"skipped": [{"source": e.source, "reason": e.message, "remedy": e.remedy} for e in news.skipped],
            "notices": [{"source": n.source, "message": n.message} for n in news.notices]}


def _print_report(report: Report) -> None:
    for word, sources in (("added", report.added), ("updated", report.updated), ("removed", report.removed)):
        for source in sources[:SHOWN]:
            print(f"{word:8} {_printable(source)}")
        if len(sources) > SHOWN:
            print(f"{word:8} … and {len(sources) - SHOWN} more")
    for notice in report.notices:
        print(f"note     {_printable(str(notice))}")
    for error in report.skipped:
        print(f"skipped  {_printable(str(error))}")
    print(f"{len(report.added)} added, {len(report.updated)} updated, {len(report.removed)} removed, {report.unchanged}"
          f" unchanged, {len(report.skipped)} skipped: {_size(report.documents, report.copies, report.chunks)},"
          f" {report.encoded} newly encoded, {report.seconds:.1f} s")


def _size(documents: int, copies: int = 0, chunks: int = 0) -> str:
    from ui.render import counted

    also = f" and {copies:,} {'copy' if copies == 1 else 'copies'}" if copies else ""
    return counted(documents, "document") + also + (f" in {counted(chunks, 'chunk')}" if chunks else "")


def _print_change(report: Report) -> None:
    """What a change under watch did, in one line, and a line for each file that cannot be read, or not whole, since."""
    changes = (("added", report.added), ("updated", report.updated), ("removed", report.removed))
    told = ", ".join(f"{word} {sources[0]}" + (f" and {len(sources) - 1} more" if sources[1:] else "")
                     for word, sources in changes if sources)
    if told:
        print(f"{datetime.now():%H:%M:%S} {_printable(told)}: {_size(report.documents)}", flush=True)
    for word, news in (("note", report.notices), ("skipped", report.skipped)):
        for each in news:
            print(f"{datetime.now():%H:%M:%S} {word} {_printable(str(each))}", flush=True)


def _print_calibration(made: Calibration, right: int, before: float, after: float) -> None:
    for name, said in (
        ("questions", f"{made.questions}, {right} of them with a right first quote"),
        ("coverage", f"{made.coverage:.1%}: {made.answered} are answered, the others refused"),
        ("risk", f"{made.wrong / made.answered:.1%} measured: {made.wrong} of {made.answered} answers are wrong"),
        ("upper bound", f"{made.bound:.1%} with {_confidence(made)} confidence; {made.risk:.1%} was asked for"),
        ("threshold", f"{made.threshold:.3f} of the calibrated confidence"),
        ("calibration", f"expected error {before:.3f} before, {after:.3f} after, on the questions it was fitted to"),
    ):
        print(f"{name:13}{said}")


def _promise(made: Calibration) -> str:
    """The calibration in one line."""
    return (f"answers {made.coverage:.1%} of such questions, at most {made.risk:.1%} of these wrongly ({made.wrong} of"
            f" {made.answered} were wrong: at most {made.bound:.1%} with {_confidence(made)} confidence)")


def _confidence(made: Calibration) -> str:
    return f"{100 * (1 - made.delta):g}%"


def _console(stderr: bool = True) -> Console:
    from rich.console import Console

    return Console(stderr=stderr)


class _Bars:
    """Progress bars on stderr, where that is a terminal."""

    def __enter__(self) -> Self:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        console = _console()
        self._bars = Bars(TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                          TextColumn("{task.fields[source]}", markup=False), console=console, transient=True,
                          disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def listen(self, step: Progress) -> None:
        """Show how far a build is."""
        page = f", page {step.page} by OCR" if step.page else ""
        self._show(step.stage, step.done, step.total, _printable(step.source) + page)

    def asked(self, done: int, total: int) -> None:
        """Show how many questions were asked."""
        self._show("asking", done, total)

    def _show(self, label: str, done: int, total: int, source: str = "") -> None:
        if label not in self._tasks:
            self._tasks[label] = self._bars.add_task(label, total=total, source=source)
        self._bars.update(self._tasks[label], completed=done, total=total, source=source)


if __name__ == "__main__":
    main()
