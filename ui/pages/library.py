"""The library pane: the list of documents, and the rows that tell of files on their way in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from index.build import Progress
from index.errors import PullquoteError
from index.store import SourceInfo
from index.unread import Unread
from ui.library import file_of
from ui.render import counted, escaped, sentence

_BADGES = {"application/pdf": "PDF", "text/html": "HTML", "text/markdown": "MD", "text/plain": "TXT",
           "application/jsonl": "JSONL", "message/rfc822": "MAIL"}

# A first click on "Remove" asks, a second one does it. Gradio gives a page's script no other way to call Python.
REMOVE_SCRIPT = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button.remove');
  if (!button) return;
  if (button.classList.contains('sure')) {
    button.disabled = true;
    button.textContent = 'Removing…';
    trigger('click', {source: button.value});
    return;
  }
  button.classList.add('sure');
  button.textContent = 'Remove?';
  setTimeout(() => { if (!button.disabled) { button.classList.remove('sure'); button.textContent = '✕'; } }, 4000);
});
"""


@dataclass
class Row:
    """A file on its way in. `state` is "waiting", "working", "ready", "noticed", "failed" or "cancelled".

    `share` of the work is done, where that is known.
    """

    name: str
    state: str = "waiting"
    note: str = ""
    share: float | None = None

    def fail(self, error: PullquoteError) -> None:
        """Say why it did not go in, and what to do."""
        self.state, self.share = "failed", None
        self.note = " ".join(sentence(part) for part in (error.message, error.remedy) if part)

    def work(self, progress: Progress) -> None:
        """Say how far it is."""
        self.state = "working"
        self.share = progress.done / progress.total if progress.total else None
        reading = f"reading page {progress.page} by OCR" if progress.page else "reading"
        self.note = {"reading": reading, "writing": "almost ready"}.get(
            progress.stage, f"{progress.done:,} of {progress.total:,} chunks")


def rows_html(rows: Sequence[Row]) -> str:
    """The rows of the files on their way in."""
    return f'<div class="rows" role="status" aria-live="polite">{"".join(_row(row) for row in rows)}</div>' if rows else ""


def documents_html(sources: Sequence[SourceInfo]) -> str:
    """The list of documents, each with the other places that it has; the rows of one JSON Lines file stand together."""
    files: dict[str, list[SourceInfo]] = {}
    for info in sources:
        if not info.copy_of:
            files.setdefault(file_of(info), []).append(info)
    owners = {info.document_id: file for file, infos in files.items() for info in infos}
    also: dict[str, dict[str, None]] = {}
    for info in sources:
        if info.copy_of:
            also.setdefault(owners[info.copy_of], {})[file_of(info)] = None
    names = Counter(PurePosixPath(source).name for source in files)
    items = "".join(_document(source, infos, list(also.get(source, ())), names[PurePosixPath(source).name] > 1)
                    for source, infos in files.items())
    return f'<ul class="documents">{items}</ul>' if items else '<p class="hint">No documents yet.</p>'


def unread_html(unread: Unread) -> str:
    """What is not in the library, folded away: files that could not be read, documents that are not whole, and links in
    folders (whose sources end with a slash); "" for none.
    """
    files = [_said(error.source, error.message, error.remedy) for error in unread.skipped]
    messages: dict[str, list[str]] = {}
    for notice in unread.notices:
        messages.setdefault(notice.source, []).append(notice.message)
    documents = [_said(source, *each) for source, each in messages.items() if not source.endswith("/")]
    folders = [_said(source, *each) for source, each in messages.items() if source.endswith("/")]
    least = "At least " if unread.more_notices else ""  # what is not named may be of a document that is
    return (_folded(f"{counted(len(files) + unread.more_skipped, 'file')} could not be read", files, unread.more_skipped)
            + _folded(f"{least}{counted(len(documents), 'document')} {'is' if len(documents) == 1 else 'are'} not whole",
                      documents, unread.more_notices)
            + _folded(f"{counted(len(folders), 'folder')} {'has' if len(folders) == 1 else 'have'} links that are left out",
                      folders, 0))


def file_count(sources: Sequence[SourceInfo]) -> int:
    """How many documents people see: the rows of one JSON Lines file count as one, copies as none."""
    return len({file_of(info) for info in sources if not info.copy_of})


def _row(row: Row) -> str:
    name, note = escaped(row.name), escaped(row.note or row.state)
    bar = ""
    if row.state == "working":
        value = f' value="{row.share:.3f}"' if row.share is not None else ""
        bar = f'<progress{value} max="1" aria-label="Indexing {name}"></progress>'
    dismiss = "" if row.state in ("waiting", "working") else (
        f'<button class="dismiss" type="button" aria-label="Dismiss {name}" title="Dismiss">✕</button>')
    return f'<div class="row-in {row.state}"><b title="{name}">{name}</b>{dismiss}<span>{note}</span>{bar}</div>'


def _document(source: str, infos: Sequence[SourceInfo], also: Sequence[str], namesake: bool) -> str:
    """A file of the list; one that has a `namesake` is told with its folder."""
    path = PurePosixPath(source)
    first = infos[0]
    badge = _BADGES.get(first.media_type, path.suffix.removeprefix(".").upper()[:5] or "FILE")
    details = [str(path.parent)] if namesake else []
    if len(infos) == 1 and first.title != path.stem:
        details.append(first.title)
    if len(infos) > 1:
        details.append(counted(len(infos), "entry").replace("entrys", "entries"))
    if first.pages:
        details.append(counted(first.pages, "page"))
    if also:
        details.append(f"also {also[0]}" if len(also) == 1 else f"also at {len(also)} other places")
    name, shown, places = escaped(source), escaped(path.name), "&#10;".join(map(escaped, (source, *also)))
    return (f'<li><span class="badge">{escaped(badge)}</span>'
            f'<span class="name" title="{places}">{shown}<small>{escaped(" · ".join(details))}</small></span>'
            f'<button class="remove" type="button" value="{name}" aria-label="Remove {name if namesake else shown}"'
            ' title="Remove">✕</button></li>')


def _folded(heading: str, items: Sequence[str], more: int) -> str:
    if not (items or more):
        return ""
    left = f'<li class="more">… and {more:,} more</li>' if more else ""
    return f'<details class="unread"><summary>{heading}</summary><ul>{"".join(items)}{left}</ul></details>'


def _said(source: str, *messages: str) -> str:
    """A file or document by its whole name, and what is said of it. No mark of direction reaches beyond the part it is in."""
    folder, slash, name = _one_line(source).rpartition("/")
    place = f'<bdi dir="ltr">{escaped(folder + slash)}</bdi>' if name and slash else ""
    shown = f'<bdi dir="ltr"><b>{escaped(name or folder + slash)}</b></bdi>'
    return f"<li>{place}{shown}{''.join(f'<p>{escaped(sentence(_one_line(part)))}</p>' for part in messages if part)}</li>"


def _one_line(text: str) -> str:
    return " ".join(text.split())
