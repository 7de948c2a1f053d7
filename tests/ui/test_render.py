from __future__ import annotations

import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from index.errors import PullquoteError
from rag.types import Answer, Citation, Header
from ui.render import answer_html, answer_text, error_html, escaped, place, question_html

HOSTILE = ("<script>alert(1)</script><img src=https://evil.example/x onerror='x'> ${x} {{y}} `z` \" & $$m$$ **b** "
           "[l](javascript:1)")


class Reader(HTMLParser):
    """What a browser makes of a card: its text, its tags, and the text inside each <mark>."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags, self.marks, self.links = "", [], [], []
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._open.append(tag)
        if tag == "a":
            self.links.append(dict(attributes))
        if tag == "mark":
            self.marks.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.text += data
        if "mark" in self._open:
            self.marks[-1] += data


@pytest.mark.parametrize("text", [HOSTILE, "a\nb", "a\r\n\r\nb", "a\tb\fc", "&lt;b&gt;", "😀 \u2028 é"])
def test_escaped_text_is_one_line_that_reads_the_same(text: str) -> None:
    html = escaped(text)
    assert "\n" not in html
    assert "\r" not in html
    assert not re.search(r"[<>{}$`]", html.replace("<br>", ""))
    assert Reader(html.replace("<br>", " ")).text.split() == text.split()


def test_line_breaks_stay_only_where_they_mean_something() -> None:
    assert escaped("one\ntwo") == "one two"
    assert escaped("one\n- two\n3. three") == "one<br>- two<br>3. three"
    assert escaped("A | B\n| C") == "A | B<br>| C"
    assert escaped("one\n\ntwo") == "one<br>two"


@pytest.mark.parametrize("text", [
    "a" + " " * 100_000 + "b", "a\n" + " " * 100_000 + "b", "a" + "\r" * 100_000 + "b", "a\n" + "\t\r" * 50_000 + "b | c",
    "a" + "\n \t" * 33_000 + "b", "a" + " \n" * 50_000, "a \nb" * 25_000])
def test_long_runs_of_blanks_are_quick(document, answer, text: str) -> None:
    made = answer((document(text), text, "a"))
    started = time.process_time()
    shown, printed = Reader(answer_html(made).replace("<br>", "\n")).text, answer_text(made)
    assert time.process_time() - started < 1
    assert all(" ".join(text.split()) in " ".join(told.split()) for told in (shown, printed))


def test_a_card_shows_quotes_with_their_key_words_and_links(document, answer) -> None:
    leave = document("Staff have 25 days of leave. Nobody has more.", page=3, heading=("Leave", "Annual"))
    card = answer_html(answer((leave, "Staff have 25 days of leave.", "25 days")))
    seen = Reader(card)
    assert "\n" not in card
    assert "1 verbatim passage from 1 document" in seen.text
    assert seen.marks == ["25 days"]
    [link] = seen.links
    assert link["href"] == f"#c:{leave.id}.0.28.{leave.text_sha256[:12]}~11-18"
    assert link["title"] == "handbook/leave.md, page 3, Leave › Annual"
    assert '<span class="tail">leave.<a class="cite"' in card  # the number is bound to the last word


@pytest.mark.parametrize(("author", "date", "told"), [
    ("Ann Lee", "2026-03-02", "handbook/leave.md (Ann Lee, 2026-03-02), page 3"),
    ("", "2026", "handbook/leave.md (2026), page 3"),
])
def test_a_citation_names_author_and_date_where_they_are_stated(document, author: str, date: str, told: str) -> None:
    leave = replace(document("Staff have 25 days.", page=3), author=author, date=date)
    assert place(Citation.of(leave, 0, 5, 1)) == told


def test_a_highlight_that_is_the_whole_quote_is_not_marked(document, answer) -> None:
    leave = document("Staff have 25 days.")
    card = answer_html(answer((leave, "Staff have 25 days.", "Staff have 25 days.")))
    assert "<mark>" not in card
    assert "~" not in card


@pytest.mark.parametrize("highlight", ["Staff", "days of leave.", "leave.", "e", "Staff have 25 days of leave."])
def test_marks_hold_the_highlight_wherever_it_stands(document, answer, highlight: str) -> None:
    quote = "😀 Staff have 25 days of leave."
    seen = Reader(answer_html(answer((document(quote), quote, highlight))))
    assert "".join(seen.marks) == highlight
    assert quote in seen.text


def test_what_a_document_says_never_becomes_markup(document, answer) -> None:
    hostile = document(HOSTILE, source=f"{HOSTILE}.md", title=HOSTILE, heading=(HOSTILE,))
    plain = document("Safe.")
    for made, safe in ((answer((hostile, HOSTILE, "script"), question=HOSTILE, standalone=f"{HOSTILE} more"),
                        answer((plain, "Safe.", "Safe"), standalone="more")),
                       (answer(passages=[hostile], question=HOSTILE), answer(passages=[plain]))):
        seen, expected = Reader(answer_html(made)), Reader(answer_html(safe))
        assert set(seen.tags) <= {*expected.tags, "mark"}
        assert all(set(link) == {"class", "role", "href", "title"} for link in seen.links)
        assert "alert(1)" in seen.text


def with_changes(answer: Answer, **changes: Any) -> Answer:
    """The answer, its last quote changed."""
    return replace(answer, quotes=(*answer.quotes[:-1], replace(answer.quotes[-1], **changes)))


def test_a_row_stands_below_the_header_of_its_table(document, answer) -> None:
    fares = document("| Route | Fare |\n|---|---|\n| Quill | £9 |\n| <b>Marrick</b> | £8 |")
    made = with_changes(answer((fares, "| <b>Marrick</b> | £8 |", "£8")), header=Header("| Route | Fare |", 0, 16))
    card = answer_html(made)
    assert card.index('<p class="quote header">| Route | Fare |</p><p class="quote">| &lt;b&gt;Marrick')
    assert Reader(card).marks == ["£8"]
    assert answer_text(made).splitlines()[:2] == ["“| Route | Fare |”", "“| <b>Marrick</b> | £8 |” [1]"]


def test_the_lines_of_tables_and_lists_stay_lines(document, answer) -> None:
    text = "Route | Fare\nQuill | £9\n\nNeeded are:\n\n- a coat for\n  the night\n- a map"
    made = answer((document(text), text, "£9"))
    assert Reader(answer_html(made).replace("<br>", "\n")).text.split("passage from 1 document")[1].startswith(
        "Route | Fare\nQuill | £9\nNeeded are:\n- a coat for   the night\n- a map")
    assert answer_text(made).startswith(
        "“Route | Fare\n Quill | £9\n Needed are:\n - a coat for the night\n - a map” [1]\n")


def test_no_line_of_a_quote_passes_for_a_citation(document, answer) -> None:
    text = "Heading\n\n[2] other.pdf, page 3"
    assert "\n[2]" not in answer_text(answer((document(text), text, "Heading")))


def test_quotes_that_differ_are_labelled_near_by(document, answer) -> None:
    leave = document("25 days. 26 days.")
    same = answer((leave, "25 days.", "25"), (leave, "26 days.", "26"))
    made = with_changes(same, differs=True)
    assert "differ" not in answer_html(same) + answer_text(same)
    card = answer_html(made)
    assert card.index(">25") < card.index('<p class="differs">These passages differ') < card.index(">26")
    assert "differ" not in answer_html(made, shown=1)
    assert answer_text(made).splitlines()[:3] == [
        "“25 days.” [1]", "(These passages differ: this one gives another answer than the first.)", "“26 days.” [2]"]


def test_many_quotes_stand_under_their_documents(document, answer) -> None:
    first = document("A1. A2. A3.", source="a.md", title="First")
    second = document("B1. B2. B3.", source="b.md", title="Second")
    quotes = [(first, "A1.", "A1."), (second, "B1.", "B1."), (first, "A2.", "A2."), (second, "B2.", "B2."),
              (first, "A3.", "A3."), (second, "B3.", "B3.")]
    text = Reader(answer_html(answer(*quotes))).text
    assert [text.index(part) for part in ("First", "A1.", "A3.", "Second", "B1.")] == sorted(
        text.index(part) for part in ("First", "A1.", "A3.", "Second", "B1."))
    assert "First" not in Reader(answer_html(answer(*quotes[:5]))).text


def test_quotes_appear_one_by_one(document, answer) -> None:
    both = document("One. Two.")
    made = answer((both, "One.", "One."), (both, "Two.", "Two."))
    part, whole = answer_html(made, shown=1), answer_html(made)
    assert "Two." not in part
    assert 'class="answer"' in part
    assert 'class="answer done"' in whole
    assert Reader(part).text.startswith("Answer: 2 verbatim passages from 1 document")


def test_a_document_at_two_places_is_one(document, answer) -> None:
    made = answer((document("One. Two."), "One.", "One."))
    [quote] = made.quotes
    copy = replace(quote.citations[0], number=2, document_id="another", source="copy.txt")
    told = Reader(answer_html(replace(made, quotes=(replace(quote, citations=(*quote.citations, copy)),)))).text
    assert told.startswith("Answer: 1 verbatim passage from 1 document")


def test_a_refusal_says_what_was_searched_and_shows_two_related_sentences(document, answer) -> None:
    near = [document(f"Sentence {n}.", source=f"{n}.md") for n in range(3)]
    card = answer_html(answer(passages=near), documents=1200)
    seen = Reader(card)
    assert "No passage answers this" in seen.text
    assert "1,200 documents" in seen.text
    assert "nearest 3 passages" in seen.text
    assert "Related, not an answer" in seen.text
    assert [link["href"] for link in seen.links] == [f"#c:{d.id}.0.11.{d.text_sha256[:12]}" for d in near[:2]]
    assert "Related" not in Reader(answer_html(answer())).text


def test_a_refusal_shows_no_heading_question_or_rule_of_a_table(document, answer) -> None:
    texts = ["## When we are open", "How are we open?", "|---|---|", "3. Membership fee", "We shut at noon."]
    text = "\n".join(texts)
    sentences = tuple((text.index(part), text.index(part) + len(part)) for part in texts)
    fees = document(text, heading=("Club", "3. Membership fee"))
    made = answer(passages=[fees], question="When are we open, and what is the membership fee?")
    [passage] = made.passages

    def shown(*spans: tuple[int, int]) -> str:
        told = replace(made, passages=(replace(passage, chunk=replace(passage.chunk, sentences=spans)),))
        [link] = Reader(answer_html(told)).links
        start, end = link["href"].split(".")[1:3]
        assert text[int(start):int(end)] in answer_text(told)
        return text[int(start):int(end)]

    assert shown(*sentences) == "We shut at noon."
    assert shown(*sentences[:2]) == texts[0]  # there is nothing else


def test_a_refusal_shows_what_the_reader_took_for_the_likeliest(document, answer) -> None:
    text = "Fees are due in May. A member pays 12 euro."
    made = answer(passages=[document(text)], question="When are fees due?")
    [passage] = made.passages
    for likeliest, expected in ((None, "0.43"), ((0, 20), "0.20"), ((21, 43), "21.43")):
        [link] = Reader(answer_html(replace(made, passages=(replace(passage, likeliest=likeliest),)))).links
        assert link["href"].split(".", 1)[1].startswith(f"{expected}.")


def test_who_speaks_is_said_to_those_who_do_not_see_it(document, answer) -> None:
    assert Reader(question_html("How long?")).text == "You asked: How long?"
    day = document("One day.")
    cards = [answer_html(answer((day, "One day.", "One"))), answer_html(answer()), error_html(PullquoteError("it broke"))]
    assert all(Reader(card).text.startswith("Answer: ") for card in cards)


def test_a_follow_up_says_how_it_was_understood(document, answer) -> None:
    day = document("One day.")
    understood = answer((day, "One day.", "One"), question="And then?", standalone="And then? (leave)")
    assert "Understood as: And then? (leave)" in Reader(answer_html(understood)).text
    assert "Understood as: And then? (leave)" in answer_text(understood)
    assert "Understood" not in answer_html(answer((day, "One day.", "One")))


def test_of_two_questions_the_one_that_no_passage_answers_is_named(document, answer) -> None:
    day = document("One day.")
    half = replace(answer((day, "One day.", "One"), question="How long, and who?"), unanswered=(f"who? {HOSTILE}",))
    seen = Reader(answer_html(half))
    assert f"No passage answers: who? {HOSTILE}" in seen.text
    assert not {"img", "script"} & set(seen.tags)
    assert f"No passage answers: who? {HOSTILE}" in answer_text(half)
    assert "No passage" not in answer_html(answer((day, "One day.", "One")))


def test_errors_and_questions_are_safe_too() -> None:
    card = error_html(PullquoteError(f"it broke: {HOSTILE}", "try again"))
    assert set(Reader(card).tags) == {"div", "span", "p"}
    assert "Try again." in card
    assert set(Reader(question_html(f"{HOSTILE}\nsecond line")).tags) == {"div", "span", "br"}


def test_text_for_the_terminal(document, answer) -> None:
    leave = document("Staff have\n25 days.", page=3, heading=("Leave", "Annual"))
    assert answer_text(answer((leave, "Staff have\n25 days.", "25"))) == (
        "“Staff have 25 days.” [1]\n\n[1] handbook/leave.md, page 3, Leave › Annual")
    assert answer_text(answer(passages=[leave])) == (
        "No passage answers this.\nRelated, not an answer:\n  Staff have 25 days. [1]\n\n"
        "[1] handbook/leave.md, page 3, Leave › Annual")
    assert answer_text(answer()) == "No passage answers this."
