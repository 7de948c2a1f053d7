"""The chat page: library, conversation, and the place where the source panel of static/panel.js opens."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from eval.sets import SAMPLE
from index.build import Progress, Report
from index.errors import FileError, InputError, PullquoteError
from index.files import readable_formats
from index.store import SourceInfo
from index.types import Document
from rag.assistant import LONGEST_QUESTION, Stage
from rag.types import Answer
from ui.library import Cancelled, Library
from ui.pages.library import REMOVE_SCRIPT, Row, documents_html, file_count, rows_html, unread_html
from ui.render import answer_html, counted, error_html, question_html, sentence, status_html

# Seconds: how often the server looks for sent files that nothing has become of, and how old they are then. Files wait while
# builds go on, one after the other.
DELETE_SENT = (3600, 7 * 24 * 3600)
PAUSE = 0.12  # seconds between two quotes of an answer: they appear one by one, in reading order

_SAMPLE_QUESTIONS = ["How many days of annual leave do permanent staff have?", "What is a blue day?",
                     "What did Solan cost?"]
_LONGEST_EXAMPLE = 120  # characters
_GREETING = ("<h2>Ask your documents</h2><p>Every sentence of an answer is copied word for word from a source. "
             "Select its number to read it in place.</p>")
_TOO_LONG = InputError(f"the question is longer than {LONGEST_QUESTION:,} characters", "Shorten it and send it again")
_UNFORESEEN = PullquoteError("Something went wrong while answering", "Ask again; if it stays so, see the server's log")

Message = dict[str, Any]
Updates = tuple[Any, ...]


def page(library: Library) -> gr.Blocks:
    """The page on a library."""
    blocks = gr.Blocks(title="Pullquote", fill_width=True, fill_height=True, analytics_enabled=False, delete_cache=DELETE_SENT)
    with blocks, gr.Row(elem_id="page"):
        turns = gr.JSON([], visible=False)  # the page holds the conversation, not the server: it outlives a restart
        kept = gr.JSON(visible=False)
        with gr.Column(elem_id="library", min_width=0):
            gr.HTML(_LIBRARY_HEAD, apply_default_css=False)
            documents = gr.HTML("", elem_id="documents", js_on_load=REMOVE_SCRIPT, apply_default_css=False)
            unread = gr.HTML("", elem_id="unread", apply_default_css=False)
            rows = gr.HTML("", elem_id="rows", apply_default_css=False)
            cancel = gr.Button("Cancel indexing", size="sm", elem_id="cancel", visible=False)
            upload = gr.File(label="Add documents", file_count="multiple", elem_id="upload", height=120)
            update = gr.Button("Look for changed files", size="sm", elem_id="update")
        with gr.Column(elem_id="chat", min_width=0):
            header = gr.HTML(_header(""), js_on_load=_NEW_CHAT_SCRIPT, apply_default_css=False)
            with gr.Column(elem_id="welcome", visible=False) as welcome:
                gr.HTML(_welcome(library.config.read_megabytes), apply_default_css=False)
                drop = gr.File(label="Add your first documents", file_count="multiple", elem_id="drop", height=180)
                sample = gr.Button("Try the sample library", variant="primary", elem_id="sample")
                first_rows = gr.HTML("", elem_id="first-rows", apply_default_css=False)
            talk = gr.Chatbot(
                elem_id="talk", label="Conversation", show_label=False, container=False, latex_delimiters=[], buttons=[],
                layout="panel", height="100%", scale=1, autoscroll=False, feedback_options=None, placeholder=_GREETING)
            gr.HTML('<p id="waits" role="status"></p>', apply_default_css=False)
            question = gr.Textbox(
                elem_id="question", label="Question", container=False, placeholder="Ask about your documents",
                submit_btn=True, max_lines=6, autofocus=False, html_attributes=gr.InputHTMLAttributes(autocapitalize="off"))

        library_parts = [documents, unread, header, welcome, talk, question, update]
        building = [rows, first_rows, upload, drop, cancel]

        def show_library() -> Updates:
            return _library_view(library)

        def reply(asked: str, earlier: list[str], messages: list[Message]) -> Iterator[Updates]:
            yield from _reply(library, asked, earlier, messages)

        def chosen(example: gr.SelectData) -> str:
            return str(example.value["text"])

        def take_files(files: list[str] | None) -> Iterator[Updates]:
            yield from _take_files(library, [Path(file) for file in files or []])

        def take_sample() -> Iterator[Updates]:
            yield from _build(library.sync([SAMPLE]), Row("Sample library"))

        def look_again() -> Iterator[Updates]:
            yield from _build(library.sync(), Row("Looking for changed files"))

        def take_out(event: gr.EventData) -> Iterator[Updates]:
            yield from _build(library.remove(str(event.source)), Row(f"Removing {event.source}"), quiet=True)

        hidden: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        writer: dict[str, Any] = {**hidden, "concurrency_id": "indexing", "concurrency_limit": 1}
        asking: dict[str, Any] = {**hidden, "concurrency_id": "asking", "concurrency_limit": 4}
        conversation = [question, turns, talk]

        blocks.load(show_library, None, library_parts, **hidden)
        blocks.load(_restored, kept, [turns, talk], js="() => window.pullquote.kept()", **hidden)
        # What is sent while an answer is made stays in its box and is asked after it: one answer at a time.
        answering = question.submit(reply, conversation, conversation, trigger_mode="always_last", **asking)
        answering.then(None, [turns, talk], js=_ANSWERED, **hidden)
        talk.example_select(chosen, None, question, **hidden).then(None, js=_SUBMIT, **hidden)
        # In this order: the box is emptied, so that nothing waits to be asked; by the time that the server has been heard, an
        # answer that was just beginning can be ended, too; and last goes what has been said.
        header.click(None, None, question, js="() => ''", queue=False, **hidden)
        header.click(lambda: None, None, None, cancels=answering, queue=False, **hidden)
        header.click(lambda: ([], []), None, [turns, talk], queue=False, **hidden).then(
            None, [turns, talk], js=_ANSWERED, **hidden)
        builds = [
            upload.upload(take_files, upload, building, **writer),
            drop.upload(take_files, drop, building, **writer),
            sample.click(take_sample, None, building, **writer),
            update.click(look_again, None, building, **writer),
            documents.click(take_out, None, building, **writer),
        ]
        for build in builds:
            build.then(show_library, None, library_parts, **hidden)
        cancel.click(library.cancel, None, None, queue=False, **hidden)
    return blocks


# What is asked and answered


def _reply(library: Library, asked: str, earlier: list[str], messages: list[Message]) -> Iterator[Updates]:
    """The conversation as the answer comes in: the box emptied, then the last card again and again."""
    if not asked.strip():
        yield gr.skip(), gr.skip(), gr.skip()
        return
    if len(asked) > LONGEST_QUESTION:  # it stays in its box, to be shortened
        yield asked, earlier, [*messages, _message("assistant", error_html(_TOO_LONG))]
        return
    before = [*messages, _message("user", question_html(asked))]
    turns = [*earlier, asked.strip()]
    box: Any = ""  # only the first time: after that it holds what the user types meanwhile
    for card in _cards(library, asked, earlier):
        yield box, turns, [*before, _message("assistant", card)]
        box = gr.skip()


def _restored(kept: Any) -> Updates:
    """The conversation that the page's script kept for its tab; nothing changes where it kept none, or none of this form."""
    match kept:
        case {"turns": [*turns], "messages": [*messages]} if all(isinstance(turn, str) for turn in turns):
            said = [_message(role, text) for role, text in filter(_is_said, messages)]
            return (turns, said) if len(said) == len(messages) else (gr.skip(), gr.skip())
    return gr.skip(), gr.skip()


def _is_said(message: Any) -> bool:
    match message:
        case ["user" | "assistant", str()]:
            return True
    return False


def _cards(library: Library, asked: str, earlier: Sequence[str]) -> Iterator[str]:
    """One card after the other, the last of them the answer, the refusal or the reason why there is none."""
    try:
        yield status_html("Searching…" if library.ready else "Loading the models…")
        for step in library.assistant().ask_in_steps(asked, earlier):
            if isinstance(step, Stage):
                yield status_html(_stage(step))
            else:
                yield from _told(library, step)
    except PullquoteError as error:
        yield error_html(error)
    except Exception:
        logging.getLogger(__name__).exception("a question could not be answered")
        yield error_html(_UNFORESEEN)


def _stage(stage: Stage) -> str:
    return f"Reading {counted(stage.passages, 'passage')}…" if stage.name == "reading" else f"{stage.name.capitalize()}…"


def _told(library: Library, answer: Answer) -> Iterator[str]:
    for shown in range(1, len(answer.quotes)):
        yield answer_html(answer, shown=shown)
        time.sleep(PAUSE)
    yield answer_html(answer, documents=None if answer.answered else file_count(library.sources()))


def _message(role: str, content: str) -> Message:
    return {"role": role, "content": content}


# What is taken in and out


def _take_files(library: Library, files: Sequence[Path]) -> Iterator[Updates]:
    """A row a file: each is read by itself first, so that a bad one stops no other; then all are indexed together.

    What is cancelled or fails as a whole leaves the uploads as they were.
    """
    files = list(dict.fromkeys(files))  # the same file dropped twice comes as the same path
    rows = [Row(file.name) for file in files]
    accepted: list[Row] = []
    with library.staging() as staged:
        for row, file in zip(rows, files, strict=True):
            row.state, row.note = "working", "reading"
            yield _building_view(rows, busy=False)
            try:
                row.name = library.accept(file, staged).name
                row.state, row.note = "waiting", "read"
                accepted.append(row)
            except FileError as error:
                row.fail(error)
            finally:
                file.unlink(missing_ok=True)
        if accepted:
            whole = accepted[0] if len(accepted) == 1 else Row(f"Indexing {len(accepted)} files")
            yield from _build(library.add(staged), whole, rows)
        else:
            yield _building_view(rows, busy=False)


def _build(build: Iterator[Progress | Report], whole: Row, files: Sequence[Row] = (), quiet: bool = False,
           ) -> Iterator[Updates]:
    """The rows as a build goes on: those of the files, and `whole`, which tells how far it is (it may be one of them).

    In the end those that could not go in have failed, and the others are ready; `quiet` leaves no row of a success.
    """
    rows = [*files, *([whole] if whole not in files else [])]
    try:
        for news in build:
            if isinstance(news, Report):
                yield _building_view(_finished(news, whole, files, quiet), busy=False)
            else:
                whole.work(news)
                yield _building_view(rows)
    except Cancelled:
        whole.state, whole.share, whole.note = "cancelled", None, "cancelled; the library is as it was"
        yield _building_view(_gone_wrong(rows), busy=False)
    except PullquoteError as error:
        whole.fail(error)
        yield _building_view(_gone_wrong(rows), busy=False)
    except Exception:
        logging.getLogger(__name__).exception("a build failed")
        whole.fail(PullquoteError("Something went wrong", "The library is as it was; see the server's log"))
        yield _building_view(_gone_wrong(rows), busy=False)


def _gone_wrong(rows: Sequence[Row]) -> list[Row]:
    """Those that say why nothing came of it: the others wait for nothing any more."""
    return [row for row in rows if row.state in ("cancelled", "failed")]


def _finished(report: Report, whole: Row, files: Sequence[Row], quiet: bool) -> list[Row]:
    whole.state, whole.note, whole.share = "ready", _done(report), None
    others = list(report.skipped)
    for row in (row for row in files if row.state != "failed"):
        error = next((error for error in others if error.source.endswith(f"/{row.name}")), None)
        if error:  # it can be read, and yet did not go in
            others.remove(error)
            row.fail(error)
        else:
            row.state, row.note, row.share = "ready", "ready", None
    rows = [*files] if files else [] if quiet else [whole]
    return rows + [Row(notice.source, "noticed", notice.message) for notice in report.notices] + [_skipped(e) for e in others]


def _done(report: Report) -> str:
    counts = {"added": len(report.added), "updated": len(report.updated), "removed": len(report.removed)}
    return ", ".join(f"{number} {what}" for what, number in counts.items() if number) or "nothing has changed"


def _skipped(error: FileError) -> Row:
    row = Row(error.source)
    row.fail(error)
    return row


def _building_view(rows: Sequence[Row], busy: bool = True) -> Updates:
    """Values of the components that tell of a build; the two places to drop files are emptied."""
    told = rows_html(rows)
    return told, told, None, None, gr.Button(visible=busy)


# What the page shows of the library


def _library_view(library: Library) -> Updates:
    """Values of the components that depend on what the library holds."""
    try:
        sources, unread = library.sources(), library.unread()
    except PullquoteError as error:
        return (rows_html([_problem(error)]), "", _header(""), gr.Column(visible=False), gr.Chatbot(visible=True),
                gr.Textbox(visible=True), gr.Button(visible=True))
    some = bool(sources)
    examples: Any = [{"text": text} for text in _examples(library, sources)]
    count = counted(file_count(sources), "document") if some else ""
    return (documents_html(sources), unread_html(unread), _header(count), gr.Column(visible=not some),
            gr.Chatbot(visible=some, examples=examples), gr.Textbox(visible=some), gr.Button(visible=some))


def _problem(error: PullquoteError) -> Row:
    row = Row("The library cannot be opened")
    row.fail(error)
    return row


def _examples(library: Library, sources: Sequence[SourceInfo]) -> list[str]:
    """Three questions to begin with: what the user's own documents suggest, then good ones for the sample library."""
    own = [info for info in sources if not info.copy_of and not info.path.startswith(str(SAMPLE))]
    sample = _SAMPLE_QUESTIONS if any(info.path.startswith(str(SAMPLE)) for info in sources) else []
    chosen = own[:: max(1, len(own) // 3)][:3]
    store = library.assistant().store if chosen else None
    suggested = [_example(store.document(info.document_id)) for info in chosen if store]
    return [*dict.fromkeys((*suggested, *sample))][:3]


def _example(document: Document) -> str:
    """A question about a heading half way through a document, or about the document where it has none.

    What is a question itself is that question.
    """
    headings = [section.heading[-1] for section in document.sections if len(section.heading) > 1]
    title = " ".join(document.title.split())
    if not headings:
        return title if _is_question(title) else f"What does “{title[:60]}” say?"
    heading = re.sub(r"^[\d.]+\s+", "", headings[len(headings) // 2])
    return heading if _is_question(heading) else f"What does “{title[:60]}” say about “{heading[:60]}”?"


def _is_question(text: str) -> bool:
    return text.endswith("?") and len(text) <= _LONGEST_EXAMPLE


def _header(count: str) -> str:
    return ('<header class="bar"><button id="library-toggle" type="button" aria-controls="library">Library</button>'
            f'<h1><span aria-hidden="true">”</span> Pullquote</h1><span class="count">{count}</span>'
            '<button id="new-chat" type="button">New chat</button></header>')


def _welcome(megabytes: int) -> str:
    return ("<h2>Ask your documents</h2><p>Add files and ask about them. Every sentence of an answer is copied word for "
            f"word from a source, and one click shows it in its place.</p><p class='hint'>{sentence(readable_formats())} "
            f"Up to {megabytes} MB a file. Nothing leaves the computer that Pullquote runs on.</p>")


_ANSWERED = "(turns, messages) => window.pullquote.answered(turns, messages)"
_SUBMIT = "() => document.querySelector('#question .submit-button').click()"
_NEW_CHAT_SCRIPT = """
element.addEventListener('click', (event) => { if (event.target.closest('#new-chat')) trigger('click'); });
"""
_LIBRARY_HEAD = ('<div class="head"><h2>Library</h2><button id="library-close" type="button" aria-label="Close library">✕'
                 '</button></div><input id="filter" type="search" placeholder="Search documents"'
                 ' aria-label="Search documents" autocomplete="off"><p id="unmatched" class="hint" role="status"></p>')
