"""Follow-up questions are completed with the words they lean on; the others stay as they are."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.conversation import Model, fitted, resolve, widened
from rag.mentions import leans, mentions, rarity, words
from rag.words import WORD, terms

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
    "£115, I see. And with friends?",
])
def test_a_question_that_points_back_or_goes_on_leans(question: str) -> None:
    assert leans(question)


@pytest.mark.parametrize("question", [
    "How long is probation for engineers?",
    "Who approves travel expenses above 500 euro?",
    "How many crew members are there on the night ferry?",
    "Is there a discount for residents?",
    "How come so many passengers miss the early ferry?",
    "What is the fare for one of the island residents?",
    "What does a day ticket cost for children?",
    "Where is the head office of Orrin Sound Ferries?",
    "night ferry timetable winter Skarvey",
])
def test_a_question_that_says_what_it_is_about_stands_alone(question: str) -> None:
    assert not leans(question)
    assert resolve(question, [FARES]) == question


@pytest.mark.parametrize(("history", "question", "resolved"), [
    (FARES, "And for children?", "And for children? (day ticket cost)"),
    (FARES, "What about dogs?", "What about dogs? (day ticket cost)"),
    ("What does a season ticket cost?", "£115, I see. And with friends?",
     "£115, I see. And with friends? (season ticket cost)"),
    ("Where does the night ferry dock?", "When does it leave?", "When does it leave? (night ferry dock)"),
    ("What is a heat pump?", "What are the types?", "What are the types? (heat pump)"),
    ("What does the retry middleware do?", "How is it configured?", "How is it configured? (retry middleware)"),
    ("Where do I find the travel expense form?", "Who has to sign it?", "Who has to sign it? (find travel expense form)"),
    ("Which museums are open on Mondays?", "Which of them are free?", "Which of them are free? (museums open Mondays)"),
    ("What is the notice period for tenants in France?", "And in Germany?",
     "And in Germany? (notice period tenants France)"),
    ("how do i renew my passport", "how long is it valid", "how long is it valid (renew passport)"),
])
def test_a_follow_up_keeps_its_own_words_and_gains_those_it_leans_on(history: str, question: str, resolved: str) -> None:
    assert resolve(question, [history]) == resolved


def test_a_first_question_is_asked_as_it_is() -> None:
    assert resolve("And for children?") == "And for children?"
    assert resolve("  Why?  ", []) == "Why?"


def test_words_that_the_follow_up_has_itself_are_not_added_again() -> None:
    assert resolve("And the tickets for children?", [FARES]) == "And the tickets for children? (day cost)"


def test_nothing_is_added_where_the_turns_before_say_nothing() -> None:
    assert resolve("And then?", ["What is it?"]) == "And then?"
    assert resolve("Why?", ["", "   "]) == "Why?"


def test_words_that_say_nothing_are_left_behind() -> None:
    assert resolve("When was she born?", ["Please tell me more about Marie Curie."]) == "When was she born? (Marie Curie)"


def test_follow_ups_build_on_each_other_in_the_order_of_the_conversation() -> None:
    added = resolve("And for dogs?", [FARES, "And for children?"]).removeprefix("And for dogs? (").removesuffix(")").split()
    assert added[:3] == ["day", "ticket", "cost"]
    assert resolve("And how much does it cost?", ["Tell me about tungsten.", "Where is it mined?"]).startswith(
        "And how much does it cost? (tungsten")


def test_the_search_has_what_was_said_lately_and_the_question_lacks() -> None:
    history = ["Who mends clocks?", "Where does the night ferry dock?", "And the day ferry?", "Is it safe?"]
    assert widened("When does it leave? (ferry)", history) == "When does it leave? (ferry) night dock day safe"
    assert widened("Where is the night ferry?", ["The night ferry?"]) == "Where is the night ferry?"
    assert len(widened("Why?", [" ".join(f"word{n}" for n in range(500))]).split()) == 41


def test_a_turn_that_stands_alone_changes_the_subject() -> None:
    resolved = resolve("And in winter?", [FARES, "When does the night ferry leave Skarvey?"])
    assert "night ferry leave Skarvey" in resolved
    assert "cost" not in resolved


def test_only_the_last_turns_count() -> None:
    animals = ("dogs", "cats", "horses", "cows", "goats", "hens", "pigs")
    turns = ["What does a parrot cage cost?", *(f"And for {animal}?" for animal in animals)]
    assert "parrot" not in resolve("And for geese?", [*turns, "And for ducks?"])


def test_a_long_turn_adds_a_few_words_only() -> None:
    long = "Describe alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima"
    added = resolve("Why?", [long]).removeprefix("Why? (").removesuffix(")").split()
    assert len(added) == 8
    assert added == [word for word in long.split() if word in added]


def test_added_words_are_those_that_the_user_wrote() -> None:
    assert resolve("And when?", ["Who's the managing director of the Orrin-Sound co-operative?"]) == (
        "And when? (managing director Orrin-Sound co-operative)")


def test_the_history_is_left_as_it_was() -> None:
    history = [FARES, "And for children?"]
    resolve("And for dogs?", history)
    assert history == [FARES, "And for children?"]


def test_a_question_that_shows_no_sign_of_leaning_needs_a_surer_word() -> None:
    turns = ["What is ibuprofen?"]
    model = Model({"": 0.0}, likely=0.4, sure=0.6)  # every word is as likely as not
    assert model.choose("What are the side effects?", mentions("What are the side effects?", turns, [frozenset()])) == []
    [chosen] = model.choose("What are its side effects?", mentions("What are its side effects?", turns, [frozenset()]))
    assert chosen.word.text == "ibuprofen"
    assert 0.0 < fitted().likely <= fitted().sure < 1.0


def test_a_name_is_a_capital_inside_a_sentence() -> None:
    said = {word.text: word for word in words("Hello. Ferries: does Orrin Sound own “Skarvey”?")}
    assert {text for text, word in said.items() if word.named} == {"Orrin", "Sound", "Skarvey"}
    assert said["Sound"].beside == {"orrin", "own"}


@given(st.text(st.sampled_from("aB_ .?!:'’-\n“9é"), max_size=30))
def test_a_sentence_begins_where_its_mark_stands_before_the_word_or_nothing_does(turn: str) -> None:
    begins = re.compile(r"(?:^|[.?!:])[^\w.?!:]*$")
    named = [word.text for word in words(turn)]
    expected = [match for match in WORD.finditer(turn) if terms(match[0])]
    assert named == [match[0] for match in expected]
    assert [word.named for word in words(turn)] == [
        match[0][0].isupper() and not begins.search(turn[: match.start()]) for match in expected]


def test_a_long_turn_is_read_in_a_time_that_grows_with_its_length() -> None:
    started = time.process_time()
    assert len(words("Ferry. Ferry " * 8000)) == 16_000
    assert time.process_time() - started < 5, "mostly a tenth of a second; growing with the square it would take a minute"


def test_a_mention_is_the_last_of_its_word_and_says_how_long_ago() -> None:
    found = mentions("Why?", ["Is lung cancer rare?", "And throat cancer?"], [frozenset(), frozenset(["lung"])])
    assert [(mention.turn, mention.word.text) for mention in found] == [(0, "lung"), (0, "rare"), (1, "throat"), (1, "cancer")]
    lung, _, throat, cancer = (mention.features for mention in found)
    assert lung["added: before"] == 1.0
    assert "added: before" not in throat
    assert cancer["added: its neighbour"] == 1.0  # it was said beside "lung"
    assert "added: its neighbour" not in throat
    assert (lung["said: 2 ago"], throat["said: 1 ago"], cancer["said: in the first turn"]) == (1.0, 1.0, 1.0)


def test_common_words_are_less_rare_than_uncommon_ones() -> None:
    assert rarity("more") < rarity("cancer") < rarity("ferry") < rarity("gondola") == 1.0
