"""A run as people read it: tables for the terminal, and one self-contained HTML page with plots and every question.

Every string that comes from a document, a question or a file is escaped; the page loads nothing from anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from eval import metrics
from eval.run import Figure, Group, Result, Run, latencies

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

GROUPS: Mapping[Group, str] = {
    "answer": "Answers: is the first quote right?",
    "retrieval": "Retrieval: do the passages show the evidence?",
    "refusal": "Refusals: does the confidence know?",
    "latency": "Latency",
}
MEANINGS: Mapping[str, str] = {
    "em": "the highlight is exactly an answer (SQuAD EM)",
    "f1": "words of the highlight against the answer (SQuAD F1)",
    "holds_answer": "first quotes that hold a whole answer",
    "char_precision": "characters quoted that are evidence",
    "char_recall": "characters of evidence that are quoted",
    "char_iou": "evidence and quotes: shared over all characters",
    "answered_right": "answerable, answered, and the first quote right",
    "refused_right": "not answerable, and refused",
    "decided_right": "either of the two, of all questions",
    "recall@1": "evidence shown by the first passage",
    "recall@5": "evidence shown by the first 5 passages",
    "recall@10": "evidence shown by the first 10 passages",
    "mrr@10": "1 / rank of the first relevant passage",
    "ndcg@10": "relevant passages, discounted by rank",
    "evidence@1": "characters of evidence in the first passage",
    "evidence@5": "characters of evidence in the first 5 passages",
    "evidence@10": "characters of evidence in the first 10 passages",
    "refusal_precision": "of the refused, not answerable",
    "refusal_recall": "of the not answerable, refused",
    "auroc_right": "confidence tells right first quotes from the rest",
    "auroc_answerable": "confidence tells answerable questions from the rest",
    "risk@threshold": "wrong first quotes, of the questions answered",
    "risk_bound": "the same at most, with 95% confidence (exact)",
    "risk@0.5": "wrong, when the surer half is answered",
    "risk@0.8": "wrong, when the surer 80% are answered",
    "coverage@risk0.1": "can be answered with at most 10% wrong",
    "calibration_error": "confidence against the share right, 15 bins",
    "calibrated_error": "the same, calibrated on every other question",
}


def table(run: Run, baseline: Run | None = None) -> RenderableType:
    """Tables of every figure with its interval, beside the baseline's if given; for `rich.console.Console.print`."""
    from rich.console import Group as Stack
    from rich.text import Text

    parts: list[RenderableType] = []
    for group, title in GROUPS.items():
        figures = [figure for figure in run.figures if figure.group == group]
        if not figures:
            continue
        rows = _rows(title, "", "value", "95% interval", "n", *(("baseline",) if baseline else ()))
        rows.add_column("", style="dim", overflow="fold")
        for figure in figures:
            before = baseline.figure(figure.name) if baseline else None
            rows.add_row(figure.name + _arrow(figure), number(figure, figure.value), interval(figure), str(figure.n),
                         *((_change(figure, before),) if baseline else ()), MEANINGS.get(figure.name, ""))
        parts += [rows, Text()]
    if run.tags:
        parts += [_tag_table(run), Text()]
    parts += [Text(f"Note: {note}.", style="yellow") for note in run.notes]
    return Stack(*parts)


def _rows(title: str, *headings: str) -> Table:
    from rich.table import Table

    rows = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        rows.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    return rows


def _tag_table(run: Run) -> Table:
    from rich.text import Text

    names = _tagged_names(run)
    rows = _rows("By tag", "", "n", *names)
    for tag, figures in run.tags.items():
        rows.add_row(Text(tag), str(_tag_count(run, tag)), *(_tag_cells(figures, names)))
    return rows


def number(figure: Figure, value: float) -> str:
    """A value as the figure is written: milliseconds, or a share with three decimals."""
    return f"{value:,.1f} ms" if figure.group == "latency" else f"{value:.3f}"


def interval(figure: Figure) -> str:
    """The figure's interval."""
    form = ",.1f" if figure.group == "latency" else ".3f"
    return f"{figure.low:{form}} – {figure.high:{form}}"


def _arrow(figure: Figure) -> str:
    return " ↓" if figure.better == "lower" and figure.group != "latency" else ""


def _change(figure: Figure, before: Figure | None) -> str:
    return f"{number(figure, before.value)} ({figure.value - before.value:+.3g})" if before else "–"


def _tagged_names(run: Run) -> list[str]:
    return list(dict.fromkeys(figure.name for figures in run.tags.values() for figure in figures))


def _tag_count(run: Run, tag: str) -> int:
    return sum(tag in result.question.tags for result in run.results)


def _tag_cells(figures: Sequence[Figure], names: Sequence[str]) -> list[str]:
    by_name = {figure.name: figure for figure in figures}
    return [number(by_name[name], by_name[name].value) if name in by_name else "–" for name in names]


# -- the page --------------------------------------------------------------------------------------------------------


def html(run: Run, baseline: Run | None = None) -> str:
    """The whole report as one HTML page: figures, plots, tags, and every question; light and dark, wide and narrow."""
    from plotly.offline import get_plotlyjs

    title = f"Evaluation of {run.name}" if run.name else "Evaluation"
    return "\n".join([
        "<!doctype html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<link rel="icon" href="data:,">',
        f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", f"<script>{get_plotlyjs()}</script>", "</head>",
        "<body>", "<main>",
        "<header>", f"<h1>{escape(title)}</h1>", _summary(run), "</header>",
        _headline(run), _notes(run), _plots(run), *_figure_tables(run, baseline), _tags(run), _questions(run.results),
        "</main>", f"<script>{SCRIPT}</script>", "</body>", "</html>", ""])


def _summary(run: Run) -> str:
    unanswerable = sum(not result.question.answerable for result in run.results)
    facts = [f"{len(run.results):,} questions", f"{unanswerable:,} not answerable",
             *([f"generation {run.generation}"] if run.generation else []),
             *(f"{role} {model}" for role, model in run.models.items())]
    return f'<p class="facts">{" · ".join(map(escape, facts))}</p>'


def _headline(run: Run) -> str:
    shown = [("decided_right", "right decisions"), ("answered_right", "answerable, answered right"),
             ("refused_right", "not answerable, refused"), ("recall@5", "evidence in 5 passages"),
             ("auroc_right", "AUROC of confidence"), ("total_p50", "median time")]
    cards = [(figure, label) for name, label in shown if (figure := run.figure(name))]
    return '<section class="cards" aria-label="In short">' + "".join(
        f'<div class="card"><b>{escape(short(figure))}</b><span>{escape(label)}</span>'
        f"<small>{escape(interval(figure))}</small></div>" for figure, label in cards) + "</section>"


def short(figure: Figure) -> str:
    """A figure for a headline."""
    return f"{figure.value:,.0f} ms" if figure.group == "latency" else f"{figure.value:.2f}"


def _notes(run: Run) -> str:
    return "".join(f'<p class="note">{escape(note[:1].upper() + note[1:])}.</p>' for note in run.notes)


def _figure_tables(run: Run, baseline: Run | None) -> list[str]:
    tables = []
    for group, title in GROUPS.items():
        rows = [_figure_row(figure, baseline.figure(figure.name) if baseline else None, baseline is not None)
                for figure in run.figures if figure.group == group]
        if rows:
            headings = ("Figure", "Value", "95% interval", "n", *(("Baseline",) if baseline else ()))
            tables.append(_section(title, headings, rows))
    return tables


def _section(title: str, headings: Iterable[str], rows: Iterable[str]) -> str:
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    return (f'<section><h2>{escape(title)}</h2><div class="scroll"><table class="figures">'
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></section>")


def _figure_row(figure: Figure, before: Figure | None, compared: bool) -> str:
    meaning = f"<small>{escape(MEANINGS[figure.name])}</small>" if figure.name in MEANINGS else ""
    lower = ' <abbr title="lower is better">↓</abbr>' if _arrow(figure) else ""
    return (f'<tr><th scope="row">{escape(figure.name)}{lower}{meaning}</th><td>{number(figure, figure.value)}</td>'
            f"<td>{interval(figure)}</td><td>{figure.n:,}</td>"
            + (f"<td>{escape(_change(figure, before))}</td>" if compared else "") + "</tr>")


def _tags(run: Run) -> str:
    if not run.tags:
        return ""
    names = _tagged_names(run)
    rows = [f'<tr><th scope="row">{escape(tag)}</th><td>{_tag_count(run, tag):,}</td>'
            + "".join(f"<td>{cell}</td>" for cell in _tag_cells(figures, names)) + "</tr>"
            for tag, figures in run.tags.items()]
    return _section("By tag", ("Tag", "n", *names), rows)


def _questions(results: Iterable[Result]) -> str:
    results = list(results)
    counts = {kind: sum(_kind(result).startswith(kind) for result in results) for kind in FILTERS}
    buttons = "".join(f'<button type="button" data-show="{kind}" aria-pressed="false">{label} <i>{counts[kind]:,}</i>'
                      "</button>" for kind, label in FILTERS.items() if counts[kind])
    rows = "".join(map(_question_row, results))
    return ('<section id="questions"><h2>Questions</h2><div class="filter" role="group" aria-label="Filter questions">'
            f'<button type="button" data-show="" aria-pressed="true">All <i>{len(results):,}</i></button>{buttons}'
            '<input type="search" placeholder="Search questions and quotes" aria-label="Search questions and quotes">'
            '<output aria-live="polite"></output></div>'
            '<table class="questions"><thead><tr><th scope="col">Question</th><th scope="col">Answer in the set</th>'
            '<th scope="col">First quote</th><th scope="col">Result</th><th scope="col">Confidence</th></tr></thead>'
            f"<tbody>{rows}</tbody></table></section>")


FILTERS: Mapping[str, str] = {
    "right": "Right", "wrong": "Wrong", "refused": "Refused", "refused rightly": "Rightly refused",
    "refused wrongly": "Wrongly refused", "skipped": "Not asked", "unjudged": "Not judged",
}


def _kind(result: Result) -> str:
    """The verdict, with refusals told apart; a refusal of a question that cannot be judged stays a plain one."""
    if result.verdict != "refused" or result.right is None:
        return result.verdict
    return "refused rightly" if result.fine else "refused wrongly"


def _question_row(result: Result) -> str:
    question, kind = result.question, _kind(result)
    history = "".join(f"<small>{escape(turn)}</small>" for turn in question.history)
    tags = "".join(f"<kbd>{escape(tag)}</kbd>" for tag in question.tags)
    gold = " · ".join(map(escape, question.answers)) or " · ".join(
        f"<cite>{escape(source)}</cite>" for source in _gold_sources(result))
    gold = gold if question.answerable else '<em class="dim">not answerable</em>'
    fine = "good" if result.fine else "plain" if kind in ("unjudged", "refused") else "bad"
    return (f'<tr data-kind="{kind}">'
            f'<td data-label="Question">{history}<b>{escape(question.question)}</b><small>{escape(question.id)} {tags}'
            f'</small></td><td data-label="Answer in the set">{gold}</td>'
            f'<td data-label="First quote">{_first_quote(result)}</td>'
            f'<td data-label="Result"><span class="badge {fine}">{escape(FILTERS[kind])}</span></td>'
            f'<td data-label="Confidence">{result.confidence:.2f}</td></tr>')


def _gold_sources(result: Result) -> list[str]:
    question = result.question
    return list(dict.fromkeys([*(evidence.source for evidence in question.evidence), *question.relevant]))


def _first_quote(result: Result) -> str:
    if result.problem:
        return f'<em class="dim">{escape(result.problem)}</em>'
    if not result.quotes:
        return '<em class="dim">none</em>'
    quote = result.quotes[0]
    start, end = (offset - quote["start"] for offset in quote["highlight"])
    text = quote["text"]
    citation = quote["citations"][0]
    words = f"{escape(text[:start])}<mark>{escape(text[start:end])}</mark>{escape(text[end:])}"
    where = f"{citation['source']} [{citation['start']}, {citation['end']})"
    held = "" if result.answered else '<em class="dim">Held back: </em>'
    return f"{held}<q>{words}</q><small>{escape(where)}</small>"


# -- plots -----------------------------------------------------------------------------------------------------------


def _plots(run: Run) -> str:
    drawn = [
        ("Recall at k", "Share of the evidence shown by the first k passages", _recall_plot(run)),
        ("Risk and coverage", "Wrong first quotes, as less confident questions are answered too", _risk_plot(run)),
        ("Reliability", "Share right against stated confidence, in bins of equally many questions; calibrated is on the line",
         _reliability_plot(run)),
        ("Latency by stage", "Milliseconds: median (bar) and 95th percentile (dot)", _latency_plot(run)),
    ]
    figures = [f"<figure><h2>{title}</h2><p>{caption}</p>{plot}</figure>" for title, caption, plot in drawn if plot]
    return f'<section class="plots" aria-label="Plots">{"".join(figures)}</section>' if figures else ""


def _recall_plot(run: Run) -> str:
    depths = [k for k in range(1, 11) if any(f"recall@{k}" in result.scores for result in run.results)]
    if not depths:
        return ""
    found = [_mean([result.scores[f"recall@{k}"] for result in run.results if f"recall@{k}" in result.scores])
             for k in depths]
    lines = [{"x": depths, "y": found, "name": "pieces of evidence", "mode": "lines+markers", "line": {"color": BLUE}}]
    points = [figure for k in (1, 5, 10) if (figure := run.figure(f"evidence@{k}"))]
    if points:
        lines.append({"x": [int(figure.name.partition("@")[2]) for figure in points], "name": "characters of evidence",
                      "y": [figure.value for figure in points], "mode": "lines+markers",
                      "line": {"color": ORANGE, "dash": "dot"}})
    return _plot("recall", lines, {"title": {"text": "k"}, "dtick": 1, "range": [0.5, 10.5]}, SHARE)


def _risk_plot(run: Run) -> str:
    confidence, right = run.judged
    if not right:
        return ""
    coverage, risk = metrics.risk_coverage(confidence, right)
    kept = _thinned(len(right))
    lines: list[dict[str, Any]] = [{"x": [float(coverage[i]) for i in kept], "y": [float(risk[i]) for i in kept],
                                    "name": "risk", "mode": "lines", "line": {"color": BLUE}}]
    here, bound = run.figure("risk@threshold"), run.figure("risk_bound")
    if here and bound:
        lines.append({"x": [here.n / len(right)], "y": [here.value], "name": "as decided, with its upper bound",
                      "error_y": {"array": [bound.value - here.value], "arrayminus": [0]}, "mode": "markers",
                      "marker": {"color": ORANGE, "size": 10}})
    return _plot("risk", lines, {"title": {"text": "coverage"}, **SHARE}, {"title": {"text": "risk"}, **SHARE})


def _reliability_plot(run: Run) -> str:
    confidence, right = run.judged
    if not right:
        return ""
    bins = metrics.reliability(confidence, right)
    lines: list[dict[str, Any]] = [
        {"x": [0, 1], "y": [0, 1], "name": "calibrated", "mode": "lines", "line": {"color": GREY, "dash": "dash"}},
        {"x": [confidence for confidence, _, _ in bins], "y": [right for _, right, _ in bins], "name": "this run",
         "text": [f"{n} questions" for _, _, n in bins], "mode": "lines+markers", "line": {"color": BLUE}},
    ]
    return _plot("reliability", lines, {"title": {"text": "confidence"}, **SHARE},
                 {"title": {"text": "share right"}, **SHARE})


def _latency_plot(run: Run) -> str:
    stages = list(latencies(run.results))
    if not stages:
        return ""
    p50, p95 = ([figure.value if (figure := run.figure(f"{stage}_p{percent}")) else None for stage in stages]
                for percent in (50, 95))
    bars: list[dict[str, Any]] = [{"type": "bar", "x": stages, "y": p50, "name": "p50", "marker": {"color": BLUE}},
            {"x": stages, "y": p95, "name": "p95", "mode": "markers", "marker": {"color": ORANGE, "size": 10}}]
    return _plot("latency", bars, {"type": "category"}, {"title": {"text": "ms"}, "rangemode": "tozero"})


def _plot(id: str, data: list[dict[str, Any]], x: Mapping[str, Any], y: Mapping[str, Any]) -> str:
    import plotly.graph_objects as graph
    from plotly.io import to_html

    blank = "rgba(0,0,0,0)"
    axis = {"gridcolor": FAINT, "zerolinecolor": FAINT, "fixedrange": True}
    layout = {"height": 300, "margin": {"l": 52, "r": 12, "t": 36, "b": 44}, "paper_bgcolor": blank,
              "plot_bgcolor": blank, "font": {"family": "system-ui, sans-serif", "size": 12, "color": GREY},
              "xaxis": {**axis, **x}, "yaxis": {**axis, **y}, "showlegend": True, "hovermode": "closest",
              "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "bgcolor": blank}}
    return str(to_html(graph.Figure(data, layout), include_plotlyjs=False, full_html=False, div_id=id,
                       config={"displayModeBar": False, "responsive": True}))


def _mean(values: Sequence[float]) -> float:
    return float(metrics.mean(values))


def _thinned(n: int, most: int = 400) -> list[int]:
    """Indices of at most about `most` points of a curve, its ends among them."""
    return sorted({*range(0, n, max(1, n // most)), n - 1})


BLUE, ORANGE, GREY, FAINT = "#3b76c4", "#d9822b", "#8a8f98", "rgba(138,143,152,.25)"
SHARE: Mapping[str, Any] = {"range": [-0.03, 1.03], "tickformat": ".0%"}

STYLE = """
:root { --ink: #1d2126; --dim: #626a75; --paper: #fbfaf8; --card: #fff; --rule: #e2e0db; --link: #2a5d9f;
  --good: #1d6b42; --good-bg: #e0f1e7; --bad: #98292a; --bad-bg: #f9e3e1; --plain-bg: #ecebe7; --mark: #fde9a9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e6e9; --dim: #9aa2ad; --paper: #15181c; --card: #1d2126;
  --rule: #32383f; --link: #8db9f0; --good: #8fd6ae; --good-bg: #17392a; --bad: #f2a6a2; --bad-bg: #462322;
  --plain-bg: #2b3037; --mark: #5e4c12; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 16px; margin: 0 0 8px; }
section { margin-top: 28px; }
small { display: block; color: var(--dim); font-size: 12.5px; font-weight: 400; overflow-wrap: anywhere; }
abbr { text-decoration: none; }
.facts, .dim { color: var(--dim); }
.facts { margin: 4px 0 0; overflow-wrap: anywhere; }
.note { border-left: 3px solid #d9822b; padding: 4px 12px; margin: 12px 0 0; overflow-wrap: anywhere; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; }
.card, figure { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 14px 16px; }
.card b { display: block; font-size: 25px; line-height: 1.2; font-weight: 600; font-variant-numeric: tabular-nums; }
.card span { display: block; font-size: 13.5px; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 420px), 1fr)); gap: 12px; }
figure { margin: 0; min-width: 0; }
figure h2 { margin: 0; }
figure p { margin: 0 0 8px; color: var(--dim); font-size: 13px; }
figure text { fill: var(--dim) !important; }
figure .hoverlayer text { fill: #fff !important; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 7px 12px 7px 0; border-bottom: 1px solid var(--rule); }
thead th { color: var(--dim); font-size: 12.5px; font-weight: 500; }
.figures td, .figures thead th:not(:first-child) { text-align: right; white-space: nowrap; }
.figures tbody th { font-weight: 500; }
.questions { table-layout: fixed; }
.questions td { overflow-wrap: anywhere; white-space: pre-line; }
.questions th:nth-child(1) { width: 29%; } .questions th:nth-child(2) { width: 17%; }
.questions th:nth-child(4) { width: 130px; } .questions th:nth-child(5) { width: 86px; }
.questions td b { font-weight: 500; }
.questions q { quotes: none; }
mark { background: var(--mark); color: inherit; border-radius: 2px; }
cite { font-style: normal; color: var(--dim); }
kbd { display: inline-block; font: inherit; font-size: 11.5px; white-space: nowrap; margin-right: 4px; padding: 0 5px;
  border: 1px solid var(--rule); border-radius: 4px; }
.badge { border-radius: 999px; padding: 2px 10px; font-size: 12.5px; white-space: nowrap; background: var(--plain-bg); }
.badge.good { color: var(--good); background: var(--good-bg); }
.badge.bad { color: var(--bad); background: var(--bad-bg); }
.filter { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin-bottom: 8px; padding: 8px 0;
  position: sticky; top: 0; background: var(--paper); }
.filter button, .filter input { font: inherit; font-size: 13.5px; color: inherit; background: var(--card);
  border: 1px solid var(--rule); border-radius: 999px; padding: 5px 13px; }
.filter button { cursor: pointer; }
.filter button[aria-pressed=true] { background: var(--ink); border-color: var(--ink); color: var(--paper); }
.filter i { font-style: normal; opacity: .65; }
.filter input { flex: 1 1 200px; min-width: 0; }
.filter output { color: var(--dim); font-size: 13px; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
[hidden] { display: none !important; }
@media (max-width: 720px) {
  main { padding: 20px 14px 48px; }
  .cards { grid-template-columns: 1fr 1fr; }
  .filter { position: static; }
  .filter button, .filter input { min-height: 44px; }
  .filter input { flex-basis: 100%; }
  .questions thead { display: none; }
  .questions tr { display: block; padding: 12px 0; border-bottom: 1px solid var(--rule); }
  .questions td { display: block; border: 0; padding: 2px 0; }
  .questions td:not(:first-child)::before { content: attr(data-label) ": "; color: var(--dim); font-size: 13px; }
}
@media print { .filter { display: none; } }
"""

SCRIPT = """
const section = document.getElementById("questions");
const rows = [...section.querySelectorAll("tbody tr")].map(row => [row, row.textContent.toLowerCase()]);
const buttons = [...section.querySelectorAll("button")];
const search = section.querySelector("input");
let kind = "";
function show() {
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let count = 0;
  for (const [row, text] of rows) {
    const fits = row.dataset.kind.startsWith(kind) && words.every(w => text.includes(w));
    row.hidden = !fits;
    count += fits;
  }
  section.querySelector("output").textContent = count === rows.length ? "" : count + " shown";
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.show === kind));
}
for (const button of buttons) button.addEventListener("click", () => { kind = button.dataset.show; show(); });
search.addEventListener("input", show);
"""
