"""Chunks: what holds for every document, and how texts as people write them are split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from index.chunks import DEFAULT, Chunking, context, lexical_text, search_text, split
from index.encoder import Encoder
from index.formats.markdown import FORMAT as MARKDOWN
from index.sentences import sentences
from index.tables import is_row
from index.tokens import count_tokens
from index.types import Chunk, Document, Section, document_id, sha256_text

SMALL = 120  # characters: a section with fewer goes with its first child
WORDS = "the ferry leaves at nine and returns before noon with lanterns e.g. three 12 of them ".split()
TABLE = "| Name | Fee. It is |\n|---|---|\n"
PIECES = st.sampled_from([TABLE, "\n1. ", *(f"{word} " for word in WORDS), ". ", ". The ", "! ", "? ", "\n", "\n\n", "\r\n",
                          "\n- ", "\f", "; ", ", ", "\u2003", "한국어 ", "😀", "x" * 70, "| a | b |\n", "e\u0301", "。"])
TEXTS = st.one_of(st.text(min_size=1), st.lists(PIECES, min_size=1, max_size=150).map("".join))
HEADINGS = st.lists(st.sampled_from("A B C D".split()), max_size=3).map(tuple)
CHUNKINGS = st.builds(Chunking, size=st.integers(5, 60), overlap=st.integers(0, 20))


def characters(texts: Sequence[str]) -> list[int]:
    return [len(text) for text in texts]


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def make(text: str, cuts: Sequence[tuple[int, tuple[str, ...]]] = (), title: str = "") -> Document:
    """A document whose sections start at the cuts; the first always starts at 0."""
    starts = dict([(0, ()), *((at, heading) for at, heading in cuts if at < len(text))])
    ends = [*sorted(starts), len(text)][1:]
    sections = tuple(Section(start, end, starts[start]) for start, end in zip(sorted(starts), ends, strict=True))
    return Document(document_id("a.txt"), "a.txt", title, text, "text/plain", "", sha256_text(text), sections, 0.0)


CUTS = st.lists(st.tuples(st.integers(0, 400), HEADINGS), max_size=6)
DOCUMENTS = st.builds(make, TEXTS, CUTS, st.sampled_from(["", "Ferries"]))


def regions(document: Document) -> list[tuple[int, int]]:
    """Neighbouring sections that share a heading path, or of which the one before is small and the parent of the next."""
    merged: list[Section] = []
    for section in document.sections:
        if merged:
            last = merged[-1]
            small = len(document.text[last.start : last.end].strip()) < SMALL
            if section.heading == last.heading or (small and section.heading[: len(last.heading)] == last.heading):
                merged[-1] = Section(last.start, section.end, section.heading)
                continue
        merged.append(section)
    return [(region.start, region.end) for region in merged]


def texts_of(document: Document, chunks: Sequence[Chunk]) -> list[str]:
    return [document.text[chunk.start : chunk.end] for chunk in chunks]


def length_of(document: Document, chunk: Chunk, window: int) -> int:
    """What is encoded, in characters: white space between sentences is no token here, nor to the encoders that there are."""
    header = document.text[slice(*chunk.header)] if chunk.header else ""
    return len(context(document, chunk.start, chunk.end, window) + header) + sum(end - start for start, end in chunk.sentences)


# Of every document


@given(DOCUMENTS, CHUNKINGS)
@example(make("One. Two."), Chunking(1, 0))
@example(make(" \n\f "), DEFAULT)
def test_chunks_are_whole_sentences_and_no_sentence_is_left_out(document: Document, chunking: Chunking) -> None:
    expected = [sentence for region in regions(document) for sentence in sentences(document.text, *region)]
    chunks = split(document, chunking, 10_000, words)
    assert sorted({sentence for chunk in chunks for sentence in chunk.sentences}) == expected
    for chunk in chunks:
        first = expected.index(chunk.sentences[0])
        assert list(chunk.sentences) == expected[first : first + len(chunk.sentences)]
        assert (chunk.start, chunk.end) == (chunk.sentences[0][0], chunk.sentences[-1][1])


@given(DOCUMENTS, CHUNKINGS)
def test_chunks_are_in_order_have_their_own_ids_and_each_brings_something_new(document: Document, chunking: Chunking) -> None:
    chunks = split(document, chunking, 10_000, words)
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    assert all(chunk.document_id == document.id for chunk in chunks)
    for one, following in pairwise(chunks):
        assert one.start < following.start
        assert one.end < following.end


@given(DOCUMENTS, CHUNKINGS)
def test_tokens_are_counted_on_the_chunks_own_text(document: Document, chunking: Chunking) -> None:
    chunks = split(document, chunking, 10_000, words)
    assert [chunk.tokens for chunk in chunks] == [count_tokens(text) for text in texts_of(document, chunks)]


@given(DOCUMENTS, CHUNKINGS)
def test_no_chunk_is_longer_than_the_size_but_a_single_sentence(document: Document, chunking: Chunking) -> None:
    for chunk in split(document, chunking, 10_000, words):
        tokens = sum(count_tokens(document.text[start:end]) + 1 for start, end in chunk.sentences)
        assert tokens <= chunking.size or len(chunk.sentences) == 1 or is_row(document.text, chunk.start, chunk.end)


@given(DOCUMENTS, CHUNKINGS)
def test_no_more_than_the_overlap_is_repeated(document: Document, chunking: Chunking) -> None:
    chunks = split(document, chunking, 10_000, words)
    for one, following in pairwise(chunks):
        repeated = set(one.sentences) & set(following.sentences)
        assert sum(count_tokens(document.text[start:end]) for start, end in repeated) <= chunking.overlap


@given(DOCUMENTS, CHUNKINGS)
def test_chunks_do_not_cross_headings(document: Document, chunking: Chunking) -> None:
    bounds = regions(document)
    for chunk in split(document, chunking, 10_000, words):
        assert any(start <= chunk.start and chunk.end <= end for start, end in bounds)


@given(DOCUMENTS, st.integers(40, 80))
def test_no_chunk_with_its_context_is_longer_than_the_window(document: Document, window: int) -> None:
    chunks = split(document, Chunking(200, 50), window, characters)
    for chunk in chunks:
        assert length_of(document, chunk, window) <= window
    covered = {at for chunk in chunks for start, end in chunk.sentences for at in range(start, end)}
    assert all(at in covered or character.isspace() for at, character in enumerate(document.text))


@given(DOCUMENTS, st.integers(1, 40))
def test_nothing_is_lost_in_the_smallest_window(document: Document, window: int) -> None:
    chunks = split(document, Chunking(200, 50), window, characters)
    covered = {at for chunk in chunks for start, end in chunk.sentences for at in range(start, end)}
    assert all(at in covered or character.isspace() for at, character in enumerate(document.text))


@given(DOCUMENTS)
def test_the_same_document_is_always_split_the_same(document: Document) -> None:
    assert split(document, DEFAULT, 254, words) == split(document, DEFAULT, 254, words)


# Of texts as people write them


def test_a_short_text_is_one_chunk() -> None:
    text = "  The ferry leaves at nine. It returns at noon.\n"
    document = make(text)
    [chunk] = split(document, DEFAULT, 254, words)
    assert chunk == Chunk(f"{document.id}.2.47", document.id, 2, 47, ((2, 27), (28, 47)), count_tokens(text.strip()))


def test_a_text_of_white_space_has_no_chunk() -> None:
    assert split(make(" \n\t\f\u2003"), DEFAULT, 254, words) == []


def test_chunks_share_the_length_evenly_instead_of_leaving_a_rest() -> None:
    document = make(" ".join(f"Sentence {n} says as much as its neighbours." for n in range(25)))
    chunks = split(document, Chunking(200, 0), 254, words)
    assert [len(chunk.sentences) for chunk in chunks] == [13, 12]


def test_the_end_of_a_chunk_is_repeated_at_the_start_of_the_next() -> None:
    document = make(" ".join(f"Sentence {n} says as much as its neighbours." for n in range(60)))
    chunks = split(document, Chunking(100, 25), 254, words)
    for one, following in pairwise(chunks):
        assert one.sentences[-2:] == following.sentences[:2]


def test_sections_are_chunks_of_their_own() -> None:
    leave, pay = ("# Leave\n" + "Leave lasts for weeks and weeks. " * 5, "# Pay\n" + "Pay comes monthly. " * 8)
    document = make(leave + pay, [(0, ("Leave",)), (len(leave), ("Pay",))])
    assert texts_of(document, split(document, DEFAULT, 254, words)) == [leave.strip(), pay.strip()]


def test_a_heading_with_nothing_of_its_own_goes_with_its_first_child() -> None:
    head, child, other = "# Leave\n\n", "## Families\n\nTwelve weeks are paid.\n\n", "# Pay\n\nPay comes monthly.\n"
    document = make(head + child + other, [(0, ("Leave",)), (len(head), ("Leave", "Families")), (len(head + child), ("Pay",))])
    assert texts_of(document, split(document, DEFAULT, 254, words)) == ["# Leave\n\n## Families\n\nTwelve weeks are paid.",
                                                                       "# Pay\n\nPay comes monthly."]


def test_siblings_do_not_join_however_small() -> None:
    a, b = "## A\nShort.\n", "## B\nShort too.\n"
    document = make(a + b, [(0, ("Top", "A")), (len(a), ("Top", "B"))])
    assert texts_of(document, split(document, DEFAULT, 254, words)) == ["## A\nShort.", "## B\nShort too."]


def test_a_sentence_runs_on_over_the_pages_of_one_section() -> None:
    text = "The contract begins on the first\fday of the month."
    document = Document("d", "a.pdf", "", text, "application/pdf", "", "", (Section(0, 33, (), 1), Section(33, 50, (), 2)), 0.0)
    [chunk] = split(document, DEFAULT, 254, words)
    assert chunk.sentences == ((0, len(text)),)


def test_an_endless_line_without_spaces_is_cut_to_the_window() -> None:
    document = make("x" * 100_000, title="Hex")
    chunks = split(document, DEFAULT, 254, characters)
    assert "".join(texts_of(document, chunks)) == document.text
    assert max(len(search_text(document, chunk, 254)) for chunk in chunks) <= 254 + len("\n")
    assert len(chunks) < 1000


def test_a_sentence_too_long_for_the_window_is_cut_at_clauses() -> None:
    sentence = "; ".join(f"the {n}th party shall pay what it owes, in full" for n in range(12)) + "."
    document = make(sentence)
    parts = [sentence[start:end] for chunk in split(document, Chunking(200, 0), 40, words) for start, end in chunk.sentences]
    assert len(parts) > 1
    assert " ".join(parts) == sentence
    assert all(part.endswith((";", ".")) for part in parts)


def test_a_table_too_long_for_the_window_is_cut_at_its_rows() -> None:
    rows = [f"| port {n} | {n}.15 |" for n in range(80)]
    document = make("\n".join(rows))
    chunks = split(document, Chunking(100, 0), 254, words)
    assert [line for text in texts_of(document, chunks) for line in text.split("\n")] == rows


def test_windows_line_ends_stay_in_the_text() -> None:
    document = make("A line that is wrapped\r\nat the margin.\r\n\r\nNext.\r\n")
    [chunk] = split(document, DEFAULT, 254, words)
    assert texts_of(document, [chunk]) == ["A line that is wrapped\r\nat the margin.\r\n\r\nNext."]


# Tables, lists, code


def with_fences(document: Document) -> Document:
    """The same, read as Markdown."""
    [extract] = MARKDOWN.read(document.text.encode(), document.source)
    return replace(document, code=extract.code)


FARES = "| Route | Fee |\n|---|---|\n" + "".join(f"| Port {n} | It is {n}.50. Children pay half. |\n" for n in range(1, 61))


def with_header(document: Document, chunk: Chunk) -> str:
    return search_text(document, chunk, 254).removeprefix(context(document, chunk.start, chunk.end, 254) + "\n")


def test_a_chunk_that_begins_within_a_table_brings_its_header() -> None:
    document = make("Fares from March.\n\n" + FARES + "\nDogs travel free. " * 30)
    chunks = split(document, DEFAULT, 254, words)
    rows = FARES.strip().split("\n")
    begins_in_table = [chunk for chunk in chunks if document.text[chunk.start] == "|"]
    assert len(begins_in_table) > 4
    for chunk in chunks:
        text = document.text[chunk.start : chunk.end]
        assert all(line in rows for line in text.split("\n") if line.startswith("|"))
        assert with_header(document, chunk) == (f"{rows[0]}\n{text}" if chunk in begins_in_table else text)
        brings = chunk.start <= document.text.index(rows[0]) or chunk in begins_in_table
        assert search_text(document, chunk, 254).count(rows[0]) == (brings and "|" in text)


def test_rows_with_bars_between_cells_alone_bring_the_header_that_a_rule_is_below() -> None:
    rows = [f"Port {n}|{n}.50|The fee is due at the gate before noon and children pay half" for n in range(60)]
    document = make("# Fees\n\nPort|Fee|Note\n---|---|---\n" + "\n".join(rows) + "\n\nThat is all.\n")
    first, *others = split(document, DEFAULT, 254, words)
    assert len(others) > 4
    assert {document.text[slice(*chunk.header)] for chunk in others if chunk.header} == {"Port|Fee|Note"}
    pieces = [document.text[slice(*sentence)] for chunk in (first, *others) for sentence in chunk.sentences]
    assert list(dict.fromkeys(pieces)) == ["# Fees", "Port|Fee|Note", "---|---|---", *rows, "That is all."]


def test_a_header_with_digits_is_brought_too() -> None:
    header = "Region | Q1 | Q2 | Total 2024"
    rows = [f"Region number {n} of the country | {n} | {2 * n} | {3 * n}" for n in range(100)]
    document = make("\n".join(["Sales\n", header, *rows]))
    first, *others = split(document, DEFAULT, 254, words)
    assert first.header is None
    assert len(others) > 4
    assert {document.text[slice(*chunk.header)] for chunk in others if chunk.header} == {header}
    assert all(chunk.header for chunk in others)


def test_a_row_of_many_sentences_stays_whole_unless_it_alone_is_longer_than_the_window() -> None:
    long, endless = (f"| Note | {'It is so, and not otherwise. ' * times} |" for times in (36, 80))
    document = make(f"| Kind | Text |\n|---|---|\n{long}\n{endless}\n| End | None. |")
    chunks = split(document, DEFAULT, 254, words)
    assert long in texts_of(document, chunks)  # longer than a chunk is meant to be
    pieces = [chunk for chunk in chunks if document.text.index(endless) < chunk.start < document.text.index("| End")]
    assert len(pieces) > 1
    assert all(with_header(document, chunk).startswith("| Kind | Text |\n") for chunk in pieces)
    assert max(sum(words([search_text(document, chunk, 254)])) for chunk in chunks) <= 254


@given(st.lists(st.sampled_from(["Fee", "A name that is long", "", "2026"]), min_size=2, max_size=40), st.integers(20, 80))
def test_a_header_that_is_longer_than_half_the_room_is_cut_between_cells(names: list[str], window: int) -> None:
    header = f"| {' | '.join(names)} |"
    document = make(f"{header}\n|---|\n" + "| 1 | 2 |\n" * 40)
    for chunk in split(document, Chunking(30, 5), window, characters):
        if chunk.header:
            brought = document.text[slice(*chunk.header)]
            assert brought == header or (header.startswith(brought) and header[len(brought) :].lstrip().startswith("|"))
            assert len(brought) <= window // 2


def test_pipes_in_code_are_no_table() -> None:
    line = "cat names | sort | uniq\n"
    document = with_fences(make("```sh\n" + line * 60 + "```\n"))
    assert [chunk.header for chunk in split(document, DEFAULT, 254, words)] == [None] * 5


CODE = st.sampled_from(["\n```sh\n", "\n```\n", "\n  ~~~~\n", "ls | sort\n"])


@given(st.lists(CODE | PIECES, min_size=1, max_size=80).map("".join), CUTS, st.integers(20, 80))
def test_nothing_of_a_text_with_code_is_lost_or_beyond_the_window(text: str, cuts: list[tuple[int, tuple[str, ...]]],
                                                                  window: int) -> None:
    document = with_fences(make(text, cuts))
    chunks = split(document, Chunking(60, 20), window, characters)
    covered = {at for chunk in chunks for start, end in chunk.sentences for at in range(start, end)}
    assert all(at in covered or character.isspace() for at, character in enumerate(text))
    for one, following in pairwise(chunks):
        assert one.start < following.start
        assert one.end < following.end
    assert all(length_of(document, chunk, window) <= window for chunk in chunks)


LEAD = "The crew meets before each crossing and talks about the weather. " * 8


@pytest.mark.parametrize("block", [
    pytest.param("```sh\npullquote index docs\n\n# Then ask. It answers.\npullquote ask what\n```", id="code"),
    pytest.param("- Bring a coat. It rains.\n- Bring boots.\n\n  Old ones do. They get wet.\n\n- Bring food.", id="loose list"),
    pytest.param("Each must:\n1. Bring a coat. It rains.\n2. Bring boots.\n3. Bring food.", id="list with what it hangs on"),
    pytest.param("- Run this:\n\n  ~~~\n  make chat\n  ~~~\n\n- Then ask. It answers.", id="list with code"),
])
def test_code_and_lists_stay_whole_where_they_fit(block: str) -> None:
    """Wherever they fall: the text before them grows word by word."""
    for more in range(40):
        document = with_fences(make(f"{LEAD}{'word ' * more}.\n\n{block}\n\n{LEAD}"))
        for text in texts_of(document, split(document, Chunking(100, 25), 254, words)):
            assert block in text or not any(line in text for line in block.split("\n") if len(line) > 5)


def test_code_that_does_not_fit_is_cut_at_lines_and_a_list_at_items() -> None:
    code = ["```", *(f"step {n} and then wait" for n in range(60)), "```"]
    items = [f"- Item {n} is here. It weighs {n} pounds." for n in range(60)]
    document = with_fences(make("\n".join(code)))
    chunks = split(document, Chunking(100, 0), 254, words)
    assert [line for text in texts_of(document, chunks) for line in text.split("\n")] == code
    document = make("\n".join(items))
    chunks = split(document, Chunking(100, 0), 254, words)
    assert len(chunks) > 5
    assert [line for text in texts_of(document, chunks) for line in text.split("\n")] == items


PROSE = [(0, 531, 15, 160), (407, 956, 17, 167), (832, 1381, 17, 167), (1257, 1807, 17, 167), (1682, 2232, 17, 167),
         (2108, 2657, 17, 167), (2533, 3082, 17, 167), (2958, 3508, 17, 167)]


def test_chunks_of_plain_prose_are_what_they_always_were() -> None:
    """Offsets that were written down before there was any of this: a change here changes every index."""
    sentence = "In the year {} the boat went to Marrick and back; nobody minded, as Dr. Berg has it. Is that so? It is!"
    text = "\n\n".join(" ".join(sentence.format(1900 + 7 * a + b) for b in range(a % 5 + 1)) for a in range(12))
    chunks = split(make(text), DEFAULT, 254, words)
    assert [(chunk.start, chunk.end, len(chunk.sentences), chunk.tokens) for chunk in chunks] == PROSE


# What is encoded


def test_the_context_is_title_and_headings_without_saying_the_title_twice() -> None:
    document = make("Twelve weeks.", [(0, ("Handbook", "Leave"))], title="Handbook")
    [chunk] = split(document, DEFAULT, 254, words)
    assert search_text(document, chunk, 254) == "Handbook › Leave\nTwelve weeks."
    assert context(make("x", [(0, ("t" * 300,))]), 0, 1, 254) == "t" * 127


def test_a_files_name_is_searched_by_words_but_not_encoded() -> None:
    document = replace(make("Twelve weeks.", [(0, ("Leave",))], title="scan-0012"), titled=False)
    [chunk] = split(document, DEFAULT, 254, words)
    encoded = search_text(document, chunk, 254)
    assert encoded == "Leave\nTwelve weeks."
    assert lexical_text(document, encoded) == "scan-0012\nLeave\nTwelve weeks."
    assert lexical_text(replace(document, titled=True), encoded) == encoded


@pytest.mark.parametrize("text", [
    pytest.param("한국어 문장은 길고 띄어쓰기가 적다 " * 40, id="korean, several tokens a character"),
    pytest.param("한국어문장은길고띄어쓰기가적다" * 40, id="korean without spaces"),
    pytest.param("吾輩は猫である名前はまだ無い" * 60, id="japanese"),
    pytest.param("😀👩‍👩‍👧" * 200, id="emoji"),
    pytest.param("ấ ộ ữ ẵ " * 200, id="vietnamese"),
    pytest.param("0123456789abcdef" * 200, id="hexadecimal"),
    pytest.param("…;:!?" * 200, id="marks"),
    pytest.param("Donaudampfschifffahrtsgesellschaft " * 60, id="long words"),
])
def test_nothing_that_is_encoded_is_cut_off_by_the_bundled_encoder(text: str, real_encoder: Encoder) -> None:
    document = make(text, title="Ferries")
    chunks = split(document, DEFAULT, real_encoder.window, real_encoder.count)
    encoded = [search_text(document, chunk, real_encoder.window) for chunk in chunks]
    assert max(real_encoder.count(encoded)) <= real_encoder.window


@pytest.mark.parametrize("title", ["t" * 160, "t" * 126, "t" * 125, "t" * 100])
def test_a_title_as_long_as_the_window_leaves_room_for_the_text(title: str) -> None:
    """Encoders that see 126 tokens are common, and a title of 160 characters may have as many tokens (Japanese does)."""
    document = make("The ferry leaves at nine. It returns at noon.", title=title)
    chunks = split(document, DEFAULT, 126, characters)
    assert all(len(context(document, chunk.start, chunk.end, 126)) + chunk.end - chunk.start <= 126 for chunk in chunks)
    covered = {at for chunk in chunks for start, end in chunk.sentences for at in range(start, end)}
    assert all(at in covered or character.isspace() for at, character in enumerate(document.text))


def test_white_space_between_sentences_counts_against_the_size() -> None:
    document = make("\n".join(f"Item {n} costs {n} euro." + "\u3000" * 40 for n in range(30)))
    assert max(chunk.tokens for chunk in split(document, DEFAULT, 254, words)) <= DEFAULT.size
