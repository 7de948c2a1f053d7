"""Follow-up questions are completed with the words they lean on; the others stay as they are."""

from __future__ import annotations

import pytest

from rag.conversation import leans, resolve

FARES = "What does a day ticket cost?"


@pytest.mark.parametrize("question", [
    "And for children?",
    "And on public holidays?",
    "What about dogs?",
    "how about a bicycle",
    "But when does the ferry leave in winter?",
    "Why?",
    "Really?",
    "How long?",
    "When does it leave?",
    "Who wrote them down?",
    "Is there another one for bicycles?",
    "Does this apply to staff members as well?",
    "Where do they keep the life jackets?",
    "How many crew members work there in winter?",
    "With a bicycle and a trailer?",
    "Since when?",
    "What is the same rule for parents called?",
    "…and if I move house?",
])
def test_a_question_that_points_back_or_says_little_leans(question: str) -> None:
    assert leans(question)


@pytest.mark.parametrize("question", [
    "How long is probation for engineers?",
    "Who approves travel expenses above 500 euro?",
    "How many crew members are there on the night ferry?",
    "Is there a discount for residents?",
    "Were there any injuries during the storm?",
    "How come so many passengers miss the early ferry?",
    "What is the fare for one of the island residents?",
    "What does a day ticket cost for children?",
])
def test_a_question_that_says_what_it_is_about_stands_alone(question: str) -> None:
    assert not leans(question)
    assert resolve(question, [FARES]) == question


def test_a_first_question_is_asked_as_it_is() -> None:
    assert resolve("And for children?") == "And for children?"
    assert resolve("  Why?  ", []) == "Why?"


def test_a_follow_up_keeps_its_own_words_and_gains_those_before() -> None:
    assert resolve("And for children?", [FARES]) == "And for children? (day ticket cost)"
    assert resolve("How long?", ["When does probation end?"]).startswith("How long? (")


def test_words_that_the_follow_up_has_itself_are_not_added_again() -> None:
    assert resolve("And the tickets for children?", [FARES]) == "And the tickets for children? (day cost)"


def test_nothing_is_added_where_the_turns_before_say_nothing() -> None:
    assert resolve("And then?", ["What is it?"]) == "And then?"
    assert resolve("Why?", ["", "   "]) == "Why?"


def test_follow_ups_build_on_each_other() -> None:
    assert resolve("And for dogs?", [FARES, "And for children?"]) == "And for dogs? (children day ticket cost)"


def test_a_turn_that_stands_alone_changes_the_subject() -> None:
    resolved = resolve("And in winter?", [FARES, "When does the night ferry leave Skarvey?"])
    assert "Skarvey" in resolved
    assert "ticket" not in resolved


def test_only_the_last_turns_count() -> None:
    turns = ["What does a parrot cage cost?", "And for dogs?", "And for cats?", "And for horses?"]
    assert "parrot" not in resolve("And for children?", turns)
    assert "parrot" in resolve("And for children?", turns[:3])


def test_a_long_turn_adds_a_few_words_only() -> None:
    long = "Describe alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima"
    added = resolve("Why?", [long]).removeprefix("Why? (").removesuffix(")").split()
    assert added == long.split()[:8]


def test_added_words_are_those_that_the_user_wrote() -> None:
    assert resolve("And when?", ["Who's the managing director of the Orrin-Sound co-operative?"]) == (
        "And when? (managing director Orrin-Sound co-operative)")


def test_the_history_is_left_as_it_was() -> None:
    history = [FARES, "And for children?"]
    resolve("And for dogs?", history)
    assert history == [FARES, "And for children?"]
