"""Parts of questions are put into the question before, in the place of what they are like."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.ellipsis import Filled, filled


@pytest.mark.parametrize(("before", "part", "whole"), [
    ("What does a swim cost for adults?", "And for children?", "What does a swim cost for children?"),
    ("How much is a van to Merrow?", "and to Tarn", "How much is a van to Tarn?"),
    ("Do I need permission for it?", "For a greenhouse?", "Do I need permission for a greenhouse?"),
    ("Is wifi free?", "Thanks. And on the pitches?", "Is wifi free on the pitches?"),
    ("When does the last tram on line 1 leave?", "And on line 7?", "When does the last tram on line 7 leave?"),
    ("When is the pool open in summer?", "And on public holidays?", "When is the pool open on public holidays?"),
    ("How many were late that year?", "And in 2024?", "How many were late in 2024?"),
    ("Can I use a hose at noon?", "And in a drought?", "Can I use a hose at noon in a drought?"),
    ("What does a visit cost on Mondays?", "Fridays?", "What does a visit cost Fridays?"),
    ("Which line was the most punctual in 2024?", "And the worst?", "Which line was the worst in 2024?"),
    ("When does the last tram leave?", "The first one?", "When does the first tram leave?"),
    ("When does the early shift start?", "And the late one?", "When does the late shift start?"),
    ("How much less does a second child pay?", "And the third?", "How much less does a third child pay?"),
    ("How long are weekly copies kept?", "And monthly?", "How long are monthly copies kept?"),
    ("When is the 3 metre board open?", "And the 5 metre board?", "When is the 5 metre board open?"),
    ("How much is a single tram ticket?", "And a day ticket?", "How much is a day tram ticket?"),
    ("How many desks does the free licence cover?", "And the office one?", "How many desks does the office licence cover?"),
    ("Which Windows versions does it run on?", "And macOS?", "Which macOS versions does it run on?"),
    ("How many days of leave do bakers get?", "What about drivers?", "How many days of leave do drivers get?"),
    ("What does a tent pitch cost in high season?", "And a caravan?", "What does a caravan cost in high season?"),
    ("How big can a single file be?", "And an archive?", "How big can an archive be?"),
    ("How long does it take to repair a clock?", "And a watch?", "How long does it take to repair a watch?"),
    ("How much memory does the desk client need?", "And the server?", "How much memory does the server need?"),
    ("Can I take it at 8 in the morning?", "And a dog?", "Can I take a dog at 8 in the morning?"),
    ("How high may a shed be?", "And how wide?", "How wide may a shed be?"),
])
def test_a_part_takes_the_place_of_its_like(before: str, part: str, whole: str) -> None:
    made = filled(part, [before])
    assert made is not None
    assert made.text == whole
    assert made.replaced in before


@pytest.mark.parametrize(("before", "question"), [
    ("What does a swim cost?", "When is the pool open?"),
    ("What does a swim cost?", "Why?"),
    ("What does a swim cost?", "And after that?"),
    ("What does a swim cost?", "And the same for children?"),
    ("What does a day ticket cost?", "What about dogs?"),  # nothing is like it: it may be for them, or theirs
    ("What does a day ticket cost?", "And the tickets for children?"),
    ("What happens to things left in them overnight?", "And the big ones?"),
    ("How long does it take to repair a clock?", "And watches?"),
    ("Who teaches the choir?", "Since when?"),
    ("I would like to know about tickets. They are dear.", "And for children?"),
    ("Tickets", "And for children?"),
    ("What does a swim cost for adults?", "For adults?"),  # already asked
    ("What does a swim cost for adults?", "For children."),
    ("What does a swim cost for adults?", "near the river"),
    ("What does a swim cost?", "And for children who are under four years old and tall?"),
])
def test_what_is_no_part_or_like_nothing_is_left_alone(before: str, question: str) -> None:
    assert filled(question, [before]) is None


def test_a_superlative_goes_back_to_the_last_question_with_one() -> None:
    turns = ["What is the oldest clock in the museum?", "Who made it?"]
    assert filled("And the smallest?", turns, 3) == Filled("What is the smallest clock in the museum?", 3, "the oldest")
    assert filled("And the smallest?", turns[1:]) is None


def test_a_turn_that_says_nothing_is_passed_over() -> None:
    assert filled("And in 2023?", ["Who won in 2024?", "Why?"]) == Filled("Who won in 2023?", 0, "in 2024")


_TURN = st.lists(st.sampled_from(
    "And what about how does is the a cost for in 2024 Monday best most old ticket tickets line 7 Merrow it to ? . é".split()),
    max_size=14).map(" ".join)


@given(_TURN, st.lists(_TURN, max_size=4))
def test_what_is_replaced_stood_in_the_question_before_and_the_rest_stays(question: str, turns: list[str]) -> None:
    made = filled(question, turns)
    assert made == filled(question, list(turns))
    if made is None:
        return
    assert made.before is not None
    before = turns[made.before].rstrip(" .?!")
    assert any(made.text.startswith(before[:at]) and made.text.endswith(before[at + len(made.replaced) :] + "?")
               for at in range(len(before) + 1) if before.startswith(made.replaced, at))


@pytest.mark.parametrize("long", ["." * 2000, "and " * 500 + "?", "a?" * 1000, "for the line " * 150, "ok, " * 500])
def test_a_long_turn_takes_no_time(long: str) -> None:
    started = time.process_time()
    filled(long, [long] * 8)
    filled("And for children?", [long] * 8)
    assert time.process_time() - started < 1
