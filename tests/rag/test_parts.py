"""Questions that ask two things, told from those that ask one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.parts import MOST, parts


@pytest.mark.parametrize(("question", "asked"), [
    ("How late was it, and what is refunded for that?", ["How late was it?", "what is refunded for that?"]),
    ("where does she work and how many days was she away", ["where does she work?", "how many days was she away"]),
    ("When does it leave? And how long does it take?", ["When does it leave?", "how long does it take?"]),
    ("How many days can I carry over, and can I take overtime as time off?",
     ["How many days can I carry over?", "can I take overtime as time off?"]),
    ("For a wheelchair user: does Solan have a lift, and does Wren?",
     ["For a wheelchair user: does Solan have a lift?", "For a wheelchair user: does Wren?"]),
    ("Is it open, and is the shop open?", ["Is it open?", "is the shop open?"]),
    ("When does it start and at what time does it leave?", ["When does it start?", "at what time does it leave?"]),
    ("In which harbours can she shelter, and for how long is it allowed?",
     ["In which harbours can she shelter?", "for how long is it allowed?"]),
    ("What was paid? In which year was that?", ["What was paid?", "In which year was that?"]),
])
def test_two_questions_in_one_are_parted(question: str, asked: list[str]) -> None:
    assert parts(question) == asked


@pytest.mark.parametrize("question", [
    "Who founded the company, and when?", "Which boat is the fastest and has a lift?", "What do I pay for a van and a trailer?",
    "Which boat is old and is the largest?", "Bread and how it is baked", "What are the dos and don'ts?",
    "We are two parents with three kids. Is there a cheaper ticket?", "Why?", "",
    "Is it open on Sundays and in which months?", "Who can join and under what conditions?",
    "What is the rule for where and when I may fish?",
    "What is the difference between what is paid in July and what is paid in August?",
    "What does 'how are you and how is it going' mean?", 'What does "who is it and what is it" mean?', "Is it 10:30 or 11:30?"])
def test_one_question_stays_whole(question: str) -> None:
    assert parts(question) == [question]


@given(st.text(st.sampled_from("what is the ferry and, how? does it: Solan\n "), max_size=80) | st.text(max_size=60)
       | st.lists(st.sampled_from("what how is it does the and , ? : ferry Solan leave".split()), max_size=25).map(" ".join))
def test_parts_are_the_questions_own_words_and_few(question: str) -> None:
    asked = parts(question)
    assert 1 <= len(asked) <= MOST
    rest = question
    opening = ""
    for number, part in enumerate(asked):
        words = part if number == len(asked) - 1 else part.removesuffix("?")
        assert words.startswith(opening)
        told = words if number == 0 else words[len(opening) :]
        assert told in rest
        rest = rest[rest.index(told) + len(told) :]
        if number == 0 and len(asked) > 1:
            opening = _common(asked)
    assert len(asked) > 1 or asked == [question]


def _common(asked: list[str]) -> str:
    head = asked[0][: asked[0].find(": ") + 2] if ": " in asked[0] else ""
    return head if head and all(part.startswith(head) for part in asked) else ""


def test_a_long_question_takes_no_long_time() -> None:
    assert len(parts("what is it and " * 130)) == MOST
    assert parts("a " * 1000) == ["a " * 1000]
