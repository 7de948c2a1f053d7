import io
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

from eval import report
from eval.questions import Question
from eval.run import evaluate


class Elements(HTMLParser):
    """What a browser would make of the page: tags with their attributes, and text outside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags[-1:] and self.tags[-1][0] not in ("script", "style"):
            self.text += data


def printed(run, baseline=None):
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(report.table(run, baseline))
    return console.export_text()


def test_the_tables_of_the_terminal(asker, worse_asker, questions):
    run = evaluate(asker, questions)
    text = printed(run)
    assert re.search(r"recall@1 +1\.000 +1\.000 – 1\.000 +3 ", text)
    assert re.search(r"risk@0\.8 ↓ +0\.250 ", text)
    assert re.search(r"risk@threshold ↓ +0\.333 .* 3 +wrong first quotes", text)
    assert re.search(r"risk_bound ↓ +0\.865 .* 3 +the same at most", text)
    assert re.search(r"calibration_error ↓ +0\.\d+ +0\.\d+ – 0\.\d+ +5 ", text)
    assert re.search(r"coverage@risk0\.1 +0\.200 +", text)
    assert re.search(r"near miss +1 ", text)
    assert re.search(r"recall@1 +1\.000 .* 3 +0\.\d+ \(\+", printed(run, evaluate(worse_asker, questions)))


def test_the_page_holds_everything_and_loads_nothing(asker, questions):
    page = report.html(evaluate(asker, questions, name="ferries"))
    elements = Elements(page)
    assert elements.text.count("AUROC of confidence") == 1
    for words in ("Evaluation of ferries", "Recall at k", "Risk and coverage", "Reliability", "Latency by stage", "near miss"):
        assert words in elements.text
    assert all(div in [attrs.get("id") for _, attrs in elements.tags] for div in ("recall", "risk", "reliability", "latency"))
    loaded = [attrs[name] for tag, attrs in elements.tags for name in ("src", "href", "action") if attrs.get(name)]
    assert loaded == ["data:,"]
    assert "@import" not in report.STYLE
    assert "url(" not in report.STYLE
    assert "prefers-color-scheme: dark" in report.STYLE
    kinds = [attrs["data-kind"] for tag, attrs in elements.tags if "data-kind" in attrs]
    assert kinds == ["right", "right", "refused wrongly", "refused rightly", "wrong"]
    assert report.html(evaluate(asker, questions, name="ferries")) == page, "the same run, the same page"


def test_the_plots_show_the_decision_and_the_bins_of_the_calibration_error(asker, questions, monkeypatch):
    drawn = {}
    monkeypatch.setattr(report, "_plot", lambda id, data, x, y: drawn.setdefault(id, data) and "")
    run = evaluate(asker, questions)
    report.html(run)
    curve, decided = drawn["risk"]
    assert curve["x"] == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert curve["y"][:3] == [0, 0.5, pytest.approx(1 / 3)]
    assert (decided["x"], decided["y"]) == ([0.6], [run.figure("risk@threshold").value])
    assert decided["y"][0] + decided["error_y"]["array"][0] == pytest.approx(run.figure("risk_bound").value)
    line, bins = drawn["reliability"]
    assert line["x"] == line["y"] == [0, 1]
    assert bins["x"] == sorted(run.judged[0])
    error = sum(abs(stated - share) for stated, share in zip(bins["x"], bins["y"], strict=True)) / 5
    assert error == pytest.approx(run.figure("calibration_error").value, abs=1e-6)


def test_where_all_is_refused_no_risk_was_taken(make_asker, questions):
    run = evaluate(make_asker(threshold=2), questions)
    assert run.figure("risk@threshold") is run.figure("risk_bound") is None
    assert "as decided" not in report.html(run)
    assert "risk@0.5" in printed(run)


def test_hostile_text_stays_text(make_asker):
    hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"' &amp; is the answer."
    asker = make_asker({f"{hostile}.md": hostile}, threshold=0.1)
    run = evaluate(asker, [
        Question("<i>id</i>", f"{hostile} answer", (hostile,), history=(hostile,), tags=(hostile,)),
        Question("2", "broken <script>alert(3)</script>", ("<b>gold</b>",)),
        Question("3", "answer is", relevant=(f"{hostile}.md",)),
    ], name=hostile)
    page = report.html(run, run)
    elements = Elements(page)
    assert "img" not in [tag for tag, _ in elements.tags]
    assert not any(name.startswith("on") for _, attrs in elements.tags for name in attrs)
    plain = Elements(report.html(evaluate(make_asker(), [Question("1", "The ferry leaves", ("nine",))]))).tags
    scripts = [tag for tag, _ in elements.tags].count("script")
    assert scripts == [tag for tag, _ in plain].count("script")
    assert elements.text.count("<script>alert(1)</script>") >= 6
    assert "alert(1)" in printed(run)


def test_an_evaluation_without_anything_to_judge(asker):
    run = evaluate(asker, [Question("1", "The ferry leaves")])
    assert "Not judged" in report.html(run)
    assert "bring nothing to judge" in printed(run)
