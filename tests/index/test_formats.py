"""Each format by value: its text, its sections and its title, and its bad inputs by their message."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import FileError
from index.files import read_documents
from index.formats import detect, text
from index.formats.markdown import FORMAT as MARKDOWN
from index.types import Document, Section

Read = Callable[[str, bytes | str], Document]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write a file and read it as the one document it holds."""

    def read_one(name: str, content: bytes | str) -> Document:
        [document] = read_all(tmp_path, name, content)
        return document

    return read_one


def read_all(folder: Path, name: str, content: bytes | str) -> list[Document]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_documents(path, name)


def error_of(read: Read, name: str, content: bytes | str) -> str:
    with pytest.raises(FileError) as caught:
        read(name, content)
    return str(caught.value)


def outline(document: Document) -> list[tuple[tuple[str, ...], str]]:
    """Each section's heading path and text."""
    return [(section.heading, document.text[section.start : section.end]) for section in document.sections]


# Detection


@pytest.mark.parametrize(
    ("head", "suffix", "name"),
    [
        (b"%PDF-1.4\n", ".txt", "PDF"),
        (b"\xef\xbb\xbfjunk\n%PDF-1.4\n", ".pdf", "PDF"),
        (b"the header of a PDF is %PDF-1.4", ".txt", "plain text"),
        (b"<!doctype html><p>x", ".txt", "HTML"),
        ("<html>".encode("utf-16"), "", "HTML"),
        (b"<!-- saved --> <!-- twice -->\n<HTML>", "", "HTML"),
        (b"a < b, and <b>bold</b>", ".txt", "plain text"),
        (b"<p>fragment", ".htm", "HTML"),
        (b"# Title", ".md", "Markdown"),
        (b"# comment\nx = 1", ".py", "plain text"),
        (b'{"text": "x"}', ".jsonl", "JSON Lines"),
        (b"a,b\n1,2", ".csv", "CSV"),
    ],
)
def test_content_goes_before_the_suffix(head: bytes, suffix: str, name: str) -> None:
    found = detect(head, suffix)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("suffix", [".txt", ".md", ".jsonl", ".html", ".pdf", ".docx", ""])
def test_binary_content_is_no_document_whatever_its_suffix(suffix: str) -> None:
    assert detect(bytes(range(256)) * 8, suffix) is None


# Plain text and encodings


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("Grüße, 東京\r\nzwei\rdrei\n".encode(), "Grüße, 東京\r\nzwei\rdrei\n"),
        (b"\xef\xbb\xbfwith a mark", "with a mark"),
        ("Grüße".encode("utf-16"), "Grüße"),
        (b"\xfe\xff" + "Grüße".encode("utf-16-be"), "Grüße"),
        ("Grüße".encode("utf-32"), "Grüße"),
        ("Grüße an alle.".encode("utf-16-le"), "Grüße an alle."),
        ("Grüße an alle.".encode("utf-16-be"), "Grüße an alle."),
        (b"caf\xe9", "café"),
        ("Это простой русский текст, и он обрезан".encode()[:-1], "Это простой русский текст, и он обреза\ufffd"),
        (b"\x1b[31mred\x1b[0m and a page\x0cbreak", "\x1b[31mred\x1b[0m and a page\x0cbreak"),
    ],
)
def test_encodings(read: Read, data: bytes, expected: str) -> None:
    assert read("a.txt", data).text == expected


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("“Überall” in der Stadt hört man Gläser – für 5 €.", "cp1252"),
        ("Привет, мир. Это простой русский текст для проверки.", "cp1251"),
        ("これは日本語のテキストです。文字コードを確認します。", "shift_jis"),
        ("Договор истекает в декабре. Пожалуйста, сохраните квитанцию.", "koi8_r"),
        ("Zażółć gęślą jaźń. Łódź jest piękna. Umowa wygasa w grudniu.", "cp1250"),
        ("Zażółć gęślą jaźń. Łódź jest piękna. Umowa wygasa w grudniu.", "iso8859_2"),
        ("Smlouva o nájmu bytu končí v prosinci. Klíče předá správci domu.", "cp1250"),
        ("A szerződés decemberben lejár. Őrizze meg, és fizesse be időben. Űr és hő.", "cp1250"),
        ("Sözleşme Aralık ayında sona eriyor. Lütfen makbuzu saklayın, Çağrı İpek.", "cp1254"),
        ("Sutartis baigiasi gruodį. Prašome išsaugoti kvitą, ačiū už dėmesį.", "cp1257"),
        ("Bitte heben Sie die Quittung für die Prüfung auf. Größe, Übung, Äpfel, Öl.", "mac_roman"),
        ("Bitte heben Sie die Quittung für die Prüfung auf. Größe, Übung, Äpfel, Öl.", "cp850"),
        ("Perché la città è così bella? Più tardi andrò al caffè, però non è già chiuso.", "cp1252"),
        ("As informações não estão disponíveis. A reunião começará às três horas. Ações e opções.", "cp1252"),
        ("Avtalet upphör i december. Spara kvittot på en säker plats, så är frågan öppen än.", "cp1252"),
        ("Þið eigið að greiða gjaldið á réttum tíma, það er mjög áríðandi og geymið kvittunina.", "cp1252"),
        ("It costs £500 per m³, or so the café’s owner says.", "cp1252"),
        ("Prom odpływa o dziewiątej. Bilety są sprzedawane na nabrzeżu wyłącznie za gotówkę.", "iso8859_2"),
        ("Invoice 2024-05: оплата за телефон and internet service.", "cp1251"),
        *((content, encoding) for content in (
            "Паром отходит в девять часов утра. Билеты продаются на пристани.", "Договор истекает в декабре.",
            "ЗАЯВЛЕНИЕ. Прошу предоставить мне отпуск с 5 мая.",
        ) for encoding in ("cp1251", "koi8_r", "iso8859_5", "cp866", "mac_cyrillic", "cp855")),
        *(("Пором відходить о дев'ятій ранку. Її будинок стоїть біля річки.", encoding)
          for encoding in ("cp1251", "koi8_u", "iso8859_5")),
        ("Трајект полази у девет часова ујутро.", "iso8859_5"),
        ("המעבורת יוצאת בתשע בבוקר. הכרטיסים נמכרים על הרציף במזומן בלבד.", "cp1255"),
        ("Το πλοίο αναχωρεί στις εννέα το πρωί. Τα εισιτήρια πωλούνται στην προβλήτα.", "iso8859_7"),
        ("تغادر العبارة في التاسعة صباحا. تباع التذاكر على الرصيف نقدا فقط.", "iso8859_6"),
        ("契約は十二月に終了します。", "euc_jp"),
        ("列車は午前九時に出発します。", "cp932"),
    ],
)
def test_encodings_that_must_be_guessed(read: Read, content: str, encoding: str) -> None:
    assert read("a.txt", content.encode(encoding)).text == content


@pytest.mark.parametrize("content", [
    "The ferry leaves at nine.", "nine", "Паром отходит в девять часов утра.", "Invoice 2024-05: оплата за телефон, total 500.",
    "Η σύμβαση λήγει τον Δεκέμβριο.", "המעבורת יוצאת בתשע בבוקר.", "تغادر العبارة في التاسعة صباحا.", "เรือออกเวลา เก้าโมงเช้า",
    "列車は午前九時に出発します。", "合同于十二月到期。\n船票在码头出售。", "여객선은 오전 아홉 시에 출발합니다.",
    "नौका सुबह नौ बजे निकलती है।",
])  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("times", [1, 300])
def test_utf16_and_utf32_without_a_mark(read: Read, content: str, encoding: str, times: int) -> None:
    text = "\n".join([content] * times)
    assert read("a.txt", text.encode(encoding)).text == text


def test_what_is_not_text_is_not_taken_for_utf16(read: Read) -> None:
    numbers = {
        "samples": [(7919 * number) % 6000 - 3000 for number in range(3000)],
        "counts": list(range(3000)),
        "heights": [0x5000 + (7919 * number) % 0x1000 for number in range(3000)],
        "letters": [0x0400 + number % 0x50 for number in range(3000)],
    }
    for name, values in numbers.items():
        for size in (2, 4):
            data = b"".join(value.to_bytes(size, "little", signed=True) for value in values) + bytes(8)
            assert "not a document format" in error_of(read, name, data) or "binary data" in error_of(read, name, data)


def test_valid_utf8_with_a_few_control_characters_stays_utf8(read: Read) -> None:
    content = "Паром \x01 отходит в девять часов утра.\x02 Билеты продаются на пристани, но только за наличные."
    assert read("a.txt", content.encode()).text == content


def test_iso_2022_jp_is_known_by_its_shifts(read: Read) -> None:
    content = "列車は午前九時に出発します。\nFare: 500 yen, カナ\n"
    assert read("a.txt", content.encode("iso2022_jp")).text == content
    assert read("a.html", f"<!doctype html><p>{content}</p>".encode("iso2022_jp")).text == content.strip().replace("\n", " ")
    assert read("b.txt", (content * 3).encode("iso2022_jp")[:-4] + b"\x1b$B\x24").text == (content * 3)[:-1] + "\ufffd"
    assert read("c.txt", b"ESC $B and \x1b[1mbold\x1b[0m +AOk- stay.").text == "ESC $B and \x1b[1mbold\x1b[0m +AOk- stay."


def test_a_long_western_text_is_not_read_as_eastern(read: Read) -> None:
    western = "El niño comió piñas y después bebió café. Ça va très bien, señor Núñez. " * 4000
    assert read("a.txt", western.encode("cp1252")).text == western


def test_binary_data_after_a_textual_beginning_is_refused(read: Read) -> None:
    data = b"a perfectly plain beginning " * 200 + bytes(3000)
    assert error_of(read, "a.txt", data) == (
        "a.txt: it holds binary data, not text. Remove it, or save it as UTF-8 text"
    )


def test_damaged_utf16_says_where(read: Read) -> None:
    data = "\ufeffwell".encode("utf-16-le") + b"\x00\xd8"
    assert error_of(read, "a.txt", data) == (
        "a.txt: it begins as UTF-16 text but is damaged at byte 10. Save it as UTF-8 text and index it again"
    )


any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), min_size=1)


@settings(deadline=None)
@given(any_text)
def test_decoding_gives_the_text_that_was_encoded(content: str) -> None:
    data = content.encode()
    if text.is_textual(data):
        assert text.decode(data, "a.txt") == content


@settings(deadline=None)
@given(any_text.filter(lambda content: text.is_textual(content.encode())))
def test_decoding_utf16_gives_the_text_that_was_encoded(content: str) -> None:
    assert text.decode(content.encode("utf-16"), "a.txt") == content


# Markdown

GUIDE = """---
title: "Front title"
---
before

# The *whole* `guide` & [more](https://example.org "x")\r
\r
text\r
## Rates ##
5 %

Underlined
title
----------

> # quoted

- # in a list

```
# code
```

#### Deep
# Second
"""


def test_markdown_is_its_source_and_headings_give_sections(read: Read) -> None:
    document = read("guide.md", GUIDE)
    guide = "The whole guide & more"
    assert document.text == GUIDE
    assert document.title == guide
    assert document.media_type == "text/markdown"
    assert outline(document) == [
        ((), '---\ntitle: "Front title"\n---\nbefore\n\n'),
        ((guide,), '# The *whole* `guide` & [more](https://example.org "x")\r\n\r\ntext\r\n'),
        ((guide, "Rates"), "## Rates ##\n5 %\n\n"),
        (
            (guide, "Underlined title"),
            "Underlined\ntitle\n----------\n\n> # quoted\n\n- # in a list\n\n```\n# code\n```\n\n",
        ),
        ((guide, "Underlined title", "Deep"), "#### Deep\n"),
        (("Second",), "# Second\n"),
    ]


def test_markdown_title_from_front_matter_or_file_name(read: Read) -> None:
    assert read("a.md", "---\r\ntitle: 'Quoted'\r\n---\r\n## Not the title\r\n").title == "Quoted"
    assert read("notes.md", "no heading at all").title == "notes"
    assert read("rule.md", "---\n\ntitle: not front matter, there is no end").title == "rule"


def test_markdown_front_matter_states_author_and_date(read: Read) -> None:
    stated = read("a.md", "---\nauthor: 'Ann Lee'\ndate: 2026-03-02\n---\n# A\n\nauthor: none of it\n")
    assert (stated.author, stated.date) == ("Ann Lee", "2026-03-02")
    unread = read("a.md", "---\nauthor: &x Ann\ndate: >\n  2026\n---\n# A\n\nauthor: none of it\n")
    assert (unread.author, unread.date) == ("", "")


@pytest.mark.parametrize(("matter", "author"), [
    ("---\nauthors: Ann Lee\n---\n", "Ann Lee"),
    ("---\nauthor: [Ann Lee, 'Ray, Ada']\ndate: 2026\n---\n", "Ann Lee; Ray, Ada"),
    ("---\nauthors:\n  - Ann Lee\n  - \"Bo: Ek\"\ntitle: - none\n---\n", "Ann Lee; Bo: Ek"),
    ("---\r\nauthors:\r\n- Ann Lee\r\n- Bo Ek\r\n---\r\n", "Ann Lee; Bo Ek"),
    ("---\nauthor:\n  - name: Ann Lee\n    orcid: 0000 - 1\n  - orcid: 0000-2\n    name: Bo Ek\n---\n", "Ann Lee; Bo Ek"),
    ("---\nauthor:\n  name: Ann Lee\n---\n", "Ann Lee"),
    ("---\nauthor:\nauthors: Bo Ek\n---\n", "Bo Ek"),
    ("---\nauthor: [Ann,\n  Bo]\n---\n", ""),
    ('+++\nauthor = "Ann Lee"\n+++\n', "Ann Lee"),
    ('+++\nauthors = ["Ann Lee", "Bo Ek"]\n+++\n', "Ann Lee; Bo Ek"),
    ('+++\n[[authors]]\nname = "Ann Lee"\n[[authors]]\nurl = "x"\n+++\n', "Ann Lee"),
    ("+++\nauthor = no TOML\n+++\n", ""),
])  # fmt: skip
def test_markdown_front_matter_states_several_authors(read: Read, matter: str, author: str) -> None:
    assert read("a.md", f"{matter}## Text\n").author == author


def test_markdown_front_matter_in_toml(read: Read) -> None:
    document = read("a.md", '+++\r\ntitle = "Leave"\ndate = 2026-03-02\n+++\n## Text\n')
    assert (document.title, document.date) == ("Leave", "2026-03-02")
    assert outline(document)[-1] == (("Text",), "## Text\n")


NOTES = "# Notes\n\nSee [the plan](plan.md).\n\n## Rates\n\n5 %\n"


@pytest.mark.parametrize("sign", ["See [the plan](plan.md).", "So it is *planned*.", "**Soon**", "```\nx\n```", "|---|---|"])
@pytest.mark.parametrize("name", ["README", "notes.txt"])
def test_markdown_is_known_without_its_suffix(read: Read, name: str, sign: str) -> None:
    document = read(name, NOTES.replace("See [the plan](plan.md).", sign))
    assert (document.title, document.media_type) == ("Notes", "text/markdown")
    assert outline(document)[-1] == (("Notes", "Rates"), "## Rates\n\n5 %\n")


@pytest.mark.parametrize(("name", "content"), [
    ("notes.py", NOTES),
    ("notes", f"#!/bin/sh\n{NOTES}"),
    ("notes", NOTES.replace("[the plan](plan.md)", "the plan")),
    ("notes", NOTES.replace("## Rates", "# Rates")),
    ("notes", NOTES.replace("## Rates\n", "## Rates")),
    ("notes", NOTES.replace("See", "# See")),
    ("sshd_config", "# Settings\n\n## Ports\n\nPort 22  # as in [1](x)\n".replace(" # as in [1](x)", "")),
])  # fmt: skip
def test_comments_make_no_markdown(read: Read, name: str, content: str) -> None:
    assert read(name, content).media_type == "text/plain"


def test_markdown_reference_links_and_escapes_read_plainly(read: Read) -> None:
    document = read(
        "a.md", "# See [the plan][1] \\*now\\* &amp; ![a map](m.png) <b>bold</b>\n\n[1]: https://example.org\n"
    )
    assert document.title == "See the plan *now* & a map bold"


def test_markdown_with_old_line_ends(read: Read) -> None:
    assert outline(read("a.md", "# A\rtext\r# B\rmore")) == [(("A",), "# A\rtext\r"), (("B",), "# B\rmore")]


markdown_like = st.lists(
    st.sampled_from(
        [
            "# ",
            "## ",
            "\n",
            "\r\n",
            "\r",
            "---",
            "===",
            "- ",
            "> ",
            "```",
            "\t",
            "    ",
            "word",
            "é",
            "😀",
            "\u2028",
            "\x0b",
            "\x0c",
            "\x85",
            "[a](b)",
            "*",
            "title: x",
            "...",
            "<div>",
        ]
    )
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5)
).map("".join)


@settings(deadline=None)
@given(markdown_like)
def test_markdown_round_trips_and_its_sections_tile_it(content: str) -> None:
    [extract] = MARKDOWN.read(content.encode(), "a.md")
    assert extract.text == content.removeprefix("\ufeff")
    assert "".join(extract.text[section.start : section.end] for section in extract.sections) == extract.text
    position = 0
    for section in extract.sections:
        assert section.start == position < section.end
        position = section.end
        if section.heading:  # a heading's own words stand at the beginning of its section
            assert section.heading[-1].split()[0][:1] in extract.text[section.start : section.end]


def code_of(document: Document) -> list[str]:
    return [document.text[start:end] for start, end in document.code]


def test_markdown_code_between_fences(read: Read) -> None:
    text = "Do:\n\n```sh\nmake chat\n\n# Ask.\n```\n\n- or\n  ~~~\n  make test\n  ~~~\n\nEnd.\n"
    assert code_of(read("a.md", text)) == ["```sh\nmake chat\n\n# Ask.\n```", "  ~~~\n  make test\n  ~~~"]


def test_markdown_code_that_is_indented(read: Read) -> None:
    text = ("# Do\n\nType:\n\n    make chat\n\n    # Ask.\n    ```\n\nor\n    go on.\n\n- in a list\n\n      make test\n\n"
            "    and its second paragraph\n\nEnd:\n\n\tls\n")
    assert code_of(read("a.md", text)) == ["    make chat\n\n    # Ask.\n    ```", "      make test", "\tls"]
    assert code_of(read("a.md", text.replace("\n", "\r\n")))[1:] == ["      make test", "\tls"]


def test_a_fence_left_open_in_a_quotation_ends_with_it(read: Read) -> None:
    text = "> ```\n> never closed\n\nProse.\n\n```\nmake chat\n```\n\nMore prose.\n\n> ~~~\n> quoted\n> ~~~"
    assert code_of(read("a.md", text)) == ["```\nmake chat\n```", "> ~~~\n> quoted\n> ~~~"]


@pytest.mark.parametrize(("name", "text"), [
    pytest.param("a.md", "```\nNever closed.\n\nProse.", id="never closed"),
    pytest.param("a.md", "```x``` inline\nProse.\n```y``` it is", id="code within a line"),
    pytest.param("a.txt", "Title\n~~~~~\nProse.\n\nOther\n~~~~~\nMore.", id="lines below headings"),
])
def test_what_looks_like_a_fence_is_none(read: Read, name: str, text: str) -> None:
    assert read(name, text).code == ()


# HTML

LONG = "Every employee gets twenty-five days of leave in a calendar year, and part-timers get their share of it."

PAGE = f"""<!DOCTYPE html><html><head><title>Leave policy | Acme</title><script>track()</script></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/about">About us</a></li></ul></nav>
<main><article><h1>Leave policy</h1><p>{LONG} With <b>bold</b> and <a href="x">a link</a>.</p>
<h2>Carrying over</h2><p>Up to five days may be carried over to the next year, with the approval of a manager.</p>
<ul><li>Ask first<ul><li>in writing</li></ul></li><li>Then wait</li></ul>
<h3>Days by years</h3>
<table><tr><th>Years</th><th>Days</th></tr><tr><td>0 to 5</td><td>25</td></tr>
<tr><td>over 5</td><td><p>28</p></td></tr></table>
<h2>Sick leave</h2><p>Report on the first day, before ten o'clock in the morning.</p>
</article></main><footer>Copyright Acme. All rights reserved.</footer></body></html>"""


def test_html_main_text_with_sections_lists_and_tables(read: Read) -> None:
    document = read("leave.html", PAGE)
    assert document.title == "Leave policy"
    assert document.media_type == "text/html"
    assert outline(document) == [
        (("Leave policy",), f"Leave policy\n\n{LONG} With bold and a link.\n\n"),
        (
            ("Leave policy", "Carrying over"),
            "Carrying over\n\nUp to five days may be carried over to the next year, with the approval of a manager.\n\n"
            "- Ask first\n- in writing\n- Then wait\n\n",
        ),
        (
            ("Leave policy", "Carrying over", "Days by years"),
            "Days by years\n\nYears | Days\n0 to 5 | 25\nover 5 | 28\n\n",
        ),
        (("Leave policy", "Sick leave"), "Sick leave\n\nReport on the first day, before ten o'clock in the morning."),
    ]


STATED = '<meta name="author" content="Ann Lee"><meta property="article:published_time" content="{}">'


@pytest.mark.parametrize(("head", "author", "date"), [
    pytest.param(STATED.format("2026-03-02T09:00:00Z"), "Ann Lee", "2026-03-02", id="meta"),
    pytest.param(STATED.format("2090-03-02"), "Ann Lee", "2090-03-02", id="still to come"),  # read on whatever day
    pytest.param('<script type="application/ld+json">{"@context": "https://schema.org", "@type": "NewsArticle",'
                 '"author": {"@type": "Person", "name": "Ann Lee"},'
                 '"datePublished": "2026-03-02", "dateModified": "2026-05-01"}</script>',
                 "Ann Lee", "2026-03-02", id="linked data"),
    pytest.param("", "", "", id="none"),
    pytest.param(STATED.format("2026-03-02").replace("Ann Lee", "Ann Lee " * 100), "", "2026-03-02", id="no author's name"),
])
def test_the_author_and_date_that_a_page_states(read: Read, head: str, author: str, date: str) -> None:
    page = PAGE.replace("</title>", f"</title>{head}").replace("Sick leave</h2><p>", "Sick leave</h2><p>On 3 May 2019: ")
    stated = read("leave.html", page)
    assert (stated.author, stated.date) == (author, date)
    assert stated.text == read("plain.html", page.replace(head, "")).text  # what is quoted stands where it stood


def test_a_short_page_keeps_its_structure_too(read: Read) -> None:
    document = read(
        "short.html",
        "<html><body><nav>Menu</nav><h1>Small\n page</h1><p>One\n line<br>two<br><br>three</p>"
        "<pre>def f():\n    return 1\n</pre> tail\n here<table><tr><th>a<th>b<tr><td>1<td></table>"
        "<ol><li>x<li>y</ol><script>alert(1)</script></body></html>",
    )
    assert document.title == "Small page"
    assert document.text == (
        "Small page\n\nOne line\ntwo\n\nthree\n\ndef f():\n    return 1\n\ntail here\n\na | b\n1\n\n- x\n- y"
    )
    assert document.sections == (Section(0, len(document.text), ("Small page",)),)


def test_a_page_laid_out_with_tables_says_everything_once(read: Read) -> None:
    document = read(
        "old.html",
        "<html><body><table><tr><td><img src=x></td><td><table><tr><td>June<br><br>First.<br><br>Second.</td></tr>"
        "</table></td></tr></table></body></html>",
    )
    assert document.text == "June\n\nFirst.\n\nSecond."


def test_a_page_of_nothing_but_a_menu_is_read_all_the_same(read: Read) -> None:
    assert read("nav.html", "<html><body><nav><a href=x>Home</a> <a href=y>Away</a></nav></body></html>").text == (
        "Home Away"
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'<html><head><meta charset="iso-8859-1"></head><body><p>caf\xe9 \x93so\x94</p></body></html>', "café “so”"),
        (b'<html><head><meta charset="koi8-r"></head><body><p>\xd0\xd2\xc9\xd7\xc5\xd4</p></body></html>', "привет"),
        ('<html><head><meta charset="iso-8859-1"></head><p>é from UTF-8</p></html>'.encode(), "é from UTF-8"),
        ("<html><body><p>Grüße</p></body></html>".encode("utf-16"), "Grüße"),
        ('<?xml version="1.0" encoding="iso-8859-1"?><html><body><p>Grüße</p></body></html>'.encode(), "Grüße"),
        (b"<html><body><p>a\0b</p></body></html>", "a\ufffdb"),
    ],
)
def test_html_encodings(read: Read, data: bytes, expected: str) -> None:
    assert read("a.html", data).text == expected


def test_entity_attacks_stay_inert(read: Read, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the secret")
    document = read(
        "a.html",
        f'<!DOCTYPE html [<!ENTITY a "lol"><!ENTITY b "&a;&a;"><!ENTITY x SYSTEM "file://{tmp_path}/secret">]>'
        "<html><body><p>Before &b; and &x; after.</p></body></html>",
    )
    assert document.text == "Before &b; and &x; after."


@pytest.mark.parametrize("page", ["<html><body></body></html>", "<html><body> &nbsp; <script>x</script></body></html>"])
def test_a_page_without_text(read: Read, page: str) -> None:
    assert error_of(read, "a.html", page).startswith("a.html: there is no text in it")


def test_control_characters_and_odd_elements_do_no_harm(read: Read) -> None:
    assert read("a.html", "<html><body><h1>A\x01</h1><p>b\x1fc \uffff<tr\u00df>d</body></html>").text == (
        "A\ufffd\n\nb\ufffdc \ufffdd"
    )


def test_pages_made_to_take_for_ever_do_not(read: Read) -> None:
    assert read("comments.txt", "<!--x-->" * 500 + "end").media_type == "text/plain"
    assert "there is no text in it" in error_of(read, "doctypes.html", "<!doctype " * 20_000)
    document = read("long.html", "<html><title>Long</title><h2>Head</h2><p>Words." + "<h2>Head</h2><p>Words." * 11_000)
    assert document.title == "Long"
    assert len(document.sections) == 11_001


@pytest.mark.parametrize("depth", [1_500, 2_500, 20_000])
def test_a_page_nested_beyond_reason_is_refused_and_not_read_in_part(read: Read, depth: int) -> None:
    page = "<html><body><p>Before.</p>" + "<div>" * depth + "deep" + "</div>" * depth + "<p>After.</p></body></html>"
    assert error_of(read, "a.html", page) == (
        "a.html: it cannot be read as HTML: it is nested too deep. Open it in its own program and save it again"
    )


def test_a_page_nested_deep_is_read_to_its_end(read: Read) -> None:
    page = "<html><body><p>Before.</p>" + "<div>" * 300 + "deep" + "</div>" * 300 + "<p>After.</p></body></html>"
    assert read("a.html", page).text == "Before.\n\ndeep\n\nAfter."


def test_html_preformatted_text_is_code_line_by_line(read: Read) -> None:
    listing = "pullquote index docs\n\n# Then ask. It answers.\n    pullquote ask what"
    pages = {
        "marked.html": f"<pre><code class=sh>{listing}\n</code></pre>",
        "coloured.html": f"<pre class=hljs>\n{listing.replace('index', '<span class=hljs-built_in>index</span>')}</pre>",
        "bare.html": f"<pre>{listing}</pre>".replace("\n", "<br>"),
        "long.html": f"<pre><code>{listing * 20}</code></pre>",
    }
    for name, pre in pages.items():
        for prose in ("Short.", "The crew meets before each crossing and talks about the weather, which is bad. " * 5):
            around = f"<!doctype html><main><h1>Guide</h1><p>{prose}</p>{pre}<p>And <code>make</code> it.</p></main>"
            document = read(name, around)
            assert code_of(document) == [listing * 20 if name == "long.html" else listing], name
            assert "And make it." in document.text


def test_long_preformatted_text_without_a_mark_may_be_prose(read: Read) -> None:
    prose = "The crew meets before each crossing\nand talks about the weather. " * 30
    assert read("a.html", f"<!doctype html><main><h1>Mail</h1><p>{prose}</p><pre>{prose}</pre></main>").code == ()


# PDF


def pdf(*pages: list[str], title: str | None = None, password: str | None = None) -> bytes:
    """A PDF of these pages' lines."""
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file, encrypt=StandardEncryption(password) if password else None)
    if title is not None:
        canvas.setTitle(title)
    for lines in pages:
        for number, line in enumerate(lines):
            canvas.drawString(72, 700 - 14 * number, line)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def test_pdf_pages_are_sections_joined_by_form_feeds(read: Read) -> None:
    document = read("a.pdf", pdf(["First page.", "Second line."], [], ["Third page, 5 €."], title="Annual Report"))
    assert document.text == "First page.\r\nSecond line.\f\fThird page, 5 €."
    assert document.title == "Annual Report"
    assert document.media_type == "application/pdf"
    assert document.sections == (
        Section(0, 26, page=1),
        Section(26, 27, page=2),
        Section(27, 43, page=3),
    )


def test_pdf_ending_in_an_empty_page(read: Read) -> None:
    document = read("a.pdf", pdf(["Text."], []))
    assert document.text == "Text.\f"
    assert document.sections == (Section(0, 6, page=1),)


def test_pdf_text_is_index_for_index_that_of_pdfium(read: Read) -> None:
    import pypdfium2
    from pypdfium2.raw import FPDFText_GetUnicode

    data = pdf(["The quick exam-", "ple of a co-operation."], ["Second page."])
    document = read("a.pdf", data)
    assert document.text == "The quick exam\u00adple of a co-operation.\fSecond page."
    opened = pypdfium2.PdfDocument(data)
    for section, page in zip(document.sections, opened, strict=True):
        textpage = page.get_textpage()
        characters = [chr(FPDFText_GetUnicode(textpage, index)) for index in range(textpage.count_chars())]
        ours = document.text[section.start : section.end].removesuffix("\f")
        assert ours.replace("\u00ad", "\x02") == "".join(characters)
        textpage.close()
        page.close()
    opened.close()


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("Microsoft Word - Leave rules", "Leave rules"),
        ("Microsoft Word - leave.docx", "file"),
        ("untitled", "file"),
        ("report_final.indd", "file"),
        ("  Two\n lines ", "Two lines"),
        ("", "file"),
    ],
)
def test_pdf_title_only_when_it_is_one(read: Read, metadata: str, expected: str) -> None:
    assert read("file.pdf", pdf(["Text."], title=metadata)).title == expected


def test_pdf_that_is_locked(read: Read) -> None:
    assert error_of(read, "a.pdf", pdf(["Secret."], password="open sesame")) == (
        "a.pdf: it is locked with a password. Remove the password and index it again"
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_pdf_that_is_truncated(read: Read, share: float) -> None:
    data = pdf(["Text."] * 40, ["More."] * 40)
    assert error_of(read, "a.pdf", data[: int(len(data) * share)]) == (
        "a.pdf: it is a damaged or incomplete PDF: it cannot be opened. Get a whole copy and index it again"
    )


def test_pdf_that_is_a_scan(read: Read) -> None:
    assert error_of(read, "a.pdf", pdf([], [], [])) == (
        "a.pdf: its 3 pages hold no text: a scan needs OCR first. Have it read with: pullquote index --ocr"
    )
    assert "its 1 page holds no text" in error_of(read, "b.pdf", pdf([]))


def test_pdfs_read_by_several_threads_at_once(tmp_path: Path) -> None:
    paths = []
    for number in range(16):
        path = tmp_path / f"{number}.pdf"
        path.write_bytes(pdf(*[[f"File {number}, page {page}."] for page in range(5)]))
        paths.append(path)
    with ThreadPoolExecutor(8) as pool:
        texts = [documents[0].text for documents in pool.map(lambda path: read_documents(path, path.name), paths)]
    assert texts == ["\f".join(f"File {number}, page {page}." for page in range(5)) for number in range(16)]


# Word


def saved(document: Any) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def handbook() -> Any:
    import docx

    document = docx.Document()
    document.add_paragraph("Company Handbook", style="Title")
    document.add_paragraph("Welcome.")
    document.add_heading("Leave", 1)
    document.add_paragraph("You get 25 days.")
    document.add_heading("Carrying  over", 2)
    document.add_paragraph("one", style="List Bullet")
    document.add_paragraph("two", style="List Number")
    document.add_paragraph("")
    document.add_paragraph("After\tthe list")
    table = document.add_table(3, 3)
    for row_number, row in enumerate(table.rows):
        for number, cell in enumerate(row.cells):
            cell.text = f"{row_number}.{number}"
    table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
    table.cell(1, 0).merge(table.cell(2, 0)).text = "tall"
    table.cell(1, 1).text = "two\nlines"
    document.add_heading("Sick leave", 1)
    document.add_paragraph("Report it.")
    return document


def test_docx_paragraphs_and_tables_in_order(read: Read) -> None:
    document = read("handbook.docx", saved(handbook()))
    assert document.title == "Company Handbook"
    assert document.media_type == "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    assert outline(document) == [
        ((), "Company Handbook\n\nWelcome.\n\n"),
        (("Leave",), "Leave\n\nYou get 25 days.\n\n"),
        (
            ("Leave", "Carrying over"),
            "Carrying  over\n\n- one\n- two\n\nAfter\tthe list\n\nwide |  | 0.2\ntall | two lines | 1.2\ntall | 2.1 | 2.2\n\n",
        ),
        (("Sick leave",), "Sick leave\n\nReport it."),
    ]


def test_docx_title_from_its_properties(read: Read) -> None:
    document = handbook()
    document.core_properties.title = "Handbook 2026"
    assert read("a.docx", saved(document)).title == "Handbook 2026"


def test_docx_title_from_its_first_heading_or_file_name(read: Read) -> None:
    import docx

    document = docx.Document()
    document.add_paragraph("A word before.")
    assert read("name.docx", saved(document)).title == "name"
    document.add_heading("Rules", 1)
    assert read("name.docx", saved(document)).title == "Rules"


def test_docx_tracked_changes_controls_and_own_styles(read: Read) -> None:
    import docx
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    document = docx.Document()
    style = document.styles.add_style("House heading", 1)
    style.base_style = document.styles["Heading 2"]
    document.add_paragraph("Own style", style=style)
    paragraph = document.add_paragraph("Kept, ")
    for xml in (
        '<w:ins {} w:id="1" w:author="a"><w:r><w:t>inserted</w:t></w:r></w:ins>',
        '<w:del {} w:id="2" w:author="a"><w:r><w:delText>deleted</w:delText></w:r></w:del>',
        '<w:hyperlink {} w:anchor="x"><w:r><w:t>, linked</w:t></w:r></w:hyperlink>',
    ):
        paragraph._p.append(parse_xml(xml.format(nsdecls("w"))))
    control = "<w:sdt {}><w:sdtPr/><w:sdtContent><w:p><w:r><w:t>In a control.</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    document.element.body.insert(-1, parse_xml(control.format(nsdecls("w"))))
    read_back = read("a.docx", saved(document))
    assert read_back.text == "Own style\n\nKept, inserted, linked\n\nIn a control."
    assert read_back.sections == (Section(0, len(read_back.text), ("Own style",)),)


def test_docx_tracked_deletions_of_whole_paragraphs_and_rows(read: Read) -> None:
    import docx

    document = docx.Document()
    document.add_paragraph("one", style="List Bullet")
    add_xml(document.add_paragraph(style="List Bullet"), "<w:r><w:t>Joined</w:t></w:r>", mark="<w:del w:id='1' w:author='a'/>")
    for name in ("del", "moveFrom"):
        gone = f"<w:{name} w:id='2' w:author='a'><w:r><w:t>gone</w:t><w:footnoteReference w:id='1'/></w:r></w:{name}>"
        add_xml(document.add_paragraph(style="List Bullet"), gone, mark=f"<w:{name} w:id='1' w:author='a'/>")
    document.add_paragraph("two", style="List Bullet")
    table = document.add_table(3, 2)
    for number, cell in enumerate(cell for row in table.rows for cell in row.cells):
        cell.text = str(number)
    table.cell(0, 0).merge(table.cell(1, 0))
    add_xml(table.rows[0], "<w:trPr><w:del w:id='3' w:author='a'/></w:trPr>", first=True)
    add_notes(document, "footnotes", "<w:footnote w:id='1'><w:p><w:r><w:t>Of what is gone.</w:t></w:r></w:p></w:footnote>")
    assert read("a.docx", saved(document)).text == "- one\n- Joined\n- two\n\n | 3\n4 | 5"


def add_xml(to: Any, xml: str, mark: str = "", first: bool = False) -> None:
    """Add an element to a paragraph or a row, and to the mark that ends the paragraph."""
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    children = list(parse_xml(f"<w:p {nsdecls('w', 'r')}>{xml}</w:p>"))
    for child in children:
        to._element.insert(0, child) if first else to._element.append(child)
    if mark:
        [properties] = parse_xml(f"<w:p {nsdecls('w')}><w:rPr>{mark}</w:rPr></w:p>")
        to._element.get_or_add_pPr().append(properties)


def add_notes(document: Any, kind: str, notes: str) -> None:
    """Add the part with the "footnotes", "endnotes" or "comments"."""
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part
    from docx.oxml.ns import nsdecls

    part = Part(PackURI(f"/word/{kind}.xml"), f"application/vnd.openxmlformats-officedocument.wordprocessingml.{kind}+xml",
                f"<w:{kind} {nsdecls('w')}>{notes}</w:{kind}>".encode(), document.part.package)
    document.part.relate_to(part, f"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}")


def note(id: int, *paragraphs: str, kind: str = "footnote", refers: tuple[int, ...] = ()) -> str:
    references = "".join(f"<w:r><w:footnoteReference w:id='{other}'/></w:r>" for other in refers)
    texts = "".join(f"<w:p><w:r><w:{kind}Ref/></w:r><w:r><w:t> {text}</w:t></w:r>{references}</w:p>" for text in paragraphs)
    return f"<w:{kind} w:id='{id}'>{texts}</w:{kind}>"


def reference(id: int | str, kind: str = "footnote") -> str:
    return f"<w:r><w:{kind}Reference w:id='{id}'/></w:r>"


def test_docx_notes_stand_behind_what_refers_to_them(read: Read) -> None:
    document = coded()
    line = "<w:footnote w:id='{}' w:type='{}'><w:p><w:r><w:t>no note</w:t></w:r></w:p></w:footnote>"
    add_notes(document, "footnotes", line.format(-1, "separator") + line.format(0, "continuationSeparator")
              + note(1, "First.", "Its second paragraph.") + note(2, "Of an item.") + note(3, "Of a cell.")
              + note(4, "Of the code.") + note(5, "Of nothing."))
    add_notes(document, "endnotes", note(1, "At the end.", kind="endnote"))
    add_xml(document.paragraphs[0], reference(0) + reference(1, "endnote") + reference(1) + "<w:r><w:t> Now.</w:t></w:r>")
    add_xml(document.paragraphs[2], reference(4))
    for item in ("one", "two", "three"):
        document.add_paragraph(item, style="List Bullet")
    add_xml(document.paragraphs[-2], reference(2))
    table = document.add_table(2, 1)
    table.cell(0, 0).text, table.cell(1, 0).text = "a", "b"
    add_xml(table.cell(0, 0).paragraphs[0], reference(3))
    add_xml(document.add_paragraph(), reference(1) + reference(99) + reference("x") + "<w:r><w:footnoteReference/></w:r>")
    read_back = read("a.docx", saved(document))
    code = code_of(read_back)
    assert code == code_of(read("b.docx", saved(coded())))
    assert read_back.text == "\n\n".join([
        "Run this. Now.", "At the end.", "First.", "Its second paragraph.", code[0], "Of the code.",
        "It answers. With quotes.", code[1], "Call answer()", "- one\n- two", "Of an item.", "- three", "a\nb", "Of a cell."])


def test_docx_notes_that_go_round_in_circles_are_told_once(read: Read) -> None:
    import docx

    document = docx.Document()
    add_notes(document, "footnotes", note(1, "One.", refers=(1, 2)) + note(2, "Two.", refers=(1, 3))
              + "".join(note(id, f"{id}.", refers=(id + 1,)) for id in range(3, 2000)))
    add_xml(document.add_paragraph("Text."), reference(1) * 5000)
    assert read("a.docx", saved(document)).text == "\n\n".join(["Text.", "One.", "Two.", *(f"{id}." for id in range(3, 2000))])


CHART = """<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"><c:chart><c:plotArea><c:barChart><c:ser>
<c:tx><c:v>Guests</c:v></c:tx><c:cat><c:pt idx="0"><c:v>May</c:v></c:pt><c:pt idx="1"><c:v>June</c:v></c:pt></c:cat>
<c:val><c:pt idx="0"><c:v>310</c:v></c:pt><c:pt idx="1"><c:v>420.5</c:v></c:pt></c:val>
</c:ser></c:barChart></c:plotArea></c:chart></c:chartSpace>"""


def test_docx_charts_are_read_where_they_stand(read: Read) -> None:
    import docx
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    document = docx.Document()
    ids = []
    kind = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
    for number, content in enumerate([CHART, "<damaged"]):
        part = Part(PackURI(f"/word/charts/chart{number}.xml"), kind, content.encode(), document.part.package)
        ids.append(document.part.relate_to(part, "http://schemas.openxmlformats.org/officeDocument/2006/relationships/chart"))
    document.add_paragraph("Before.")
    paragraph = document.add_paragraph()
    for id in (*ids, ids[0], "rId99"):
        add_xml(paragraph, "<w:r><w:drawing><c:chart xmlns:c='http://schemas.openxmlformats.org/drawingml/2006/chart'"
                           f" r:id='{id}'/></w:drawing></w:r>")
    document.add_paragraph("After.")
    made = read("a.docx", saved(document))
    assert made.text == "Before.\n\nCategory | Guests\nMay | 310\nJune | 420.5\n\nAfter."
    assert made.notices == ("it has a chart that is damaged or of a kind that is not known, which is not read",)


UNOPENED = "a.docx: it cannot be opened as a Word document. Open it in a word processor and save it as .docx"


def test_docx_with_damaged_notes_is_refused_and_one_without_them_is_read(read: Read) -> None:
    import docx

    document = docx.Document()
    add_xml(document.add_paragraph("Text."), reference(1) + reference(1, "endnote"))
    assert read("a.docx", saved(document)).text == "Text."
    add_notes(document, "footnotes", "<w:p>")
    assert error_of(read, "a.docx", saved(document)) == UNOPENED


def test_docx_hidden_text_is_left_out(read: Read) -> None:
    import docx

    document = docx.Document()
    for name, kind, base in (("Secret", 2, None), ("Note to self", 1, None), ("Loud", 1, "Note to self"), ("Own", 1, "Loud")):
        style = document.styles.add_style(name, kind)
        style.base_style = document.styles[base] if base else None
        style.font.hidden = None if base == "Loud" else not base
    paragraph = document.add_paragraph("Seen")
    paragraph.add_run(" not at all").font.hidden = True
    paragraph.add_run(", neither", style="Secret")
    paragraph.add_run(", and more.", style="Secret").font.hidden = False
    document.add_paragraph("Not a line.", style="Note to self")
    document.add_paragraph("Based on it, but seen.", style="Own")
    document.add_table(1, 1).cell(0, 0).paragraphs[0].add_run("in a cell").font.hidden = True
    hidden = "<w:r><w:rPr><w:vanish/></w:rPr>{}</w:r>"
    add_notes(document, "footnotes", note(1, "Of what is hidden.") + "<w:footnote w:id='2'><w:p><w:r><w:t>Told.</w:t></w:r>"
              + hidden.format("<w:t> Or not.</w:t>") + "</w:p></w:footnote>")
    add_xml(paragraph, hidden.format("<w:footnoteReference w:id='1'/>") + reference(2), mark="<w:vanish/>")
    document.sections[0].footer.paragraphs[0].add_run("in a footer").font.hidden = True
    assert read("a.docx", saved(document)).text == "Seen, and more.\n\nTold.\n\nBased on it, but seen."


def r(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


def parts(**named: str) -> str:
    return "".join(f"<m:{name}>{xml}</m:{name}>" for name, xml in named.items())


E_X = parts(e=r("x"))


@pytest.mark.parametrize(("xml", "text"), [
    (r("E=m") + f"<m:sSup>{parts(e=r('c'), sup=r('2'))}</m:sSup>", "E=mc^2"),
    (f"<m:sSup>{parts(e=r('10'), sup=r('-3'))}</m:sSup>", "10^(-3)"),
    (f"<m:sSubSup>{parts(e=r('a'), sub=r('n+1'), sup=r('2'))}</m:sSubSup>", "a_(n+1)^2"),
    (f"<m:sPre>{parts(sub=r('6'), sup=r('14'), e=r('C'))}</m:sPre>", "_6^14C"),
    (f"<m:f>{parts(num=r('a+b'), den=r('2'))}</m:f>", "(a+b)/2"),
    ("<m:d><m:e><m:f><m:fPr><m:type m:val='noBar'/></m:fPr>" + parts(num=r("n"), den=r("k")) + "</m:f></m:e></m:d>", "(n¦k)"),
    ("<m:d><m:dPr><m:begChr m:val='['/><m:endChr m:val=')'/></m:dPr>" + parts(e=r("0")) + E_X + "</m:d>", "[0|x)"),
    ("<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr>" + parts(sub=r("k=1"), sup=r("n")) + E_X + "</m:nary>", "∑_(k=1)^n x"),
    (f"<m:nary>{parts(e=r('f dx'))}</m:nary>", "∫f dx"),
    (f"<m:rad>{E_X}</m:rad>", "√x"),
    (f"<m:rad>{parts(deg=r('3'))}{E_X}</m:rad>", "√(3&amp;x)"),
    (f"<m:func>{parts(fName=r('sin'))}{E_X}</m:func>", "sin x"),
    (f"<m:func>{parts(fName='<m:limLow>' + parts(e=r('lim'), lim=r('n→∞')) + '</m:limLow>')}{E_X}</m:func>", "lim_(n→∞) x"),
    (f"<m:m>{parts(mr=parts(e=r('1')) + E_X)}{parts(mr=E_X + E_X)}</m:m>", "(1&amp;x@x&amp;x)"),
    (f"<m:eqArr>{parts(e=r('x=1'))}{parts(e=r('y=2'))}</m:eqArr>", "x=1\ny=2"),
    (f"<m:acc>{E_X}</m:acc>", "x\N{COMBINING CIRCUMFLEX ACCENT}"),
    (r("a") + f"<w:del>{r('b')}</w:del><w:ins>{r('c')}</w:ins>", "ac"),
])  # fmt: skip
def test_docx_formulas_stand_in_their_place_on_a_line(read: Read, xml: str, text: str) -> None:
    import docx

    document = docx.Document()
    paragraph = document.add_paragraph("Einstein wrote ")
    namespace = "xmlns:m='http://schemas.openxmlformats.org/officeDocument/2006/math'"
    add_xml(paragraph, f"<m:oMath {namespace}>{xml}</m:oMath><w:r><w:t> in 1905.</w:t></w:r>")
    assert read("a.docx", saved(document)).text == f"Einstein wrote {text.replace('&amp;', '&')} in 1905."


def test_docx_symbols_are_read_where_it_is_known_what_they_are(read: Read) -> None:
    import docx

    def sign(font: str, code: str) -> str:
        return f"<w:r><w:sym w:font='{font}' w:char='{code}'/></w:r>"

    document = docx.Document()
    add_xml(document.add_paragraph("Tick "), sign("Wingdings", "F0FC") + sign("Symbol", "F061") + sign("MS Gothic", "2610"))
    document_read = read("a.docx", saved(document))
    assert (document_read.text, document_read.notices) == ("Tick ✓α☐", ())
    add_xml(document.paragraphs[0], sign("Webdings", "F061") + sign("Symbol", "") + "<w:r><w:t>.</w:t></w:r>")
    document_read = read("a.docx", saved(document))
    assert document_read.text == "Tick ✓α☐."
    assert document_read.notices == (
        "it has 2 symbols of fonts, which are left out: which characters these are is not known",)


def test_docx_headers_and_footers_stand_once_at_the_end(read: Read) -> None:
    import docx
    from docx.shared import Pt

    document = docx.Document()
    document.core_properties.title = "House Rules"
    document.add_heading("Leave", 1)
    document.add_section()
    first, second = document.sections
    first.header.paragraphs[0].text = "HOUSE RULES\tPage 3 of 7"
    first.header.add_paragraph("Version 3")
    first.header.add_table(1, 2, Pt(100)).cell(0, 0).text = "Document no. 12"
    first.first_page_header.paragraphs[0].text = "Valid from 1 May"
    first.footer.paragraphs[0].text = "Acme Ltd\nSeite 3 von 7"
    second.header.is_linked_to_previous = second.footer.is_linked_to_previous = False
    second.header.paragraphs[0].text = "Version 3"
    second.even_page_header.paragraphs[0].text = "Annex"
    second.footer.paragraphs[0].text = "2026"
    for line in ("- 3 -", "3 / 7", "12", "Page  of ", "Version 3"):
        second.footer.add_paragraph(line)
    read_back = read("a.docx", saved(document))
    assert outline(read_back) == [
        (("Leave",), "Leave\n\n"),
        ((), "Version 3\n\nDocument no. 12\n\nValid from 1 May\n\nAnnex\n\nAcme Ltd\n\n2026"),
    ]


@pytest.mark.parametrize(("count", "notices"), [
    (0, ()), (1, ("it has a comment, which is not read",)), (3, ("it has 3 comments, which are not read",))])
def test_docx_comments_are_named_and_not_read(read: Read, count: int, notices: tuple[str, ...]) -> None:
    import docx

    document = docx.Document()
    run = document.add_paragraph().add_run("Text.")
    for _ in range(count):
        document.add_comment(run, "unread")
    read_back = read("a.docx", saved(document))
    assert (read_back.text, read_back.notices) == ("Text.", notices)


def test_docx_merged_cells_keep_their_columns_and_rows(read: Read) -> None:
    import docx

    document = docx.Document()

    def row(*cells: str, before: str = "") -> str:
        return f"<w:tr><w:trPr>{before}</w:trPr>{''.join(cells)}</w:tr>"

    def cell(text: str, span: str = "1", merge: str = "") -> str:
        return (f"<w:tc><w:tcPr><w:gridSpan w:val='{span}'/>{merge}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>")

    begins, goes_on, long = "<w:vMerge w:val='restart'/>", "<w:vMerge/>", "long " * 200
    for rows in (
        row(cell("a", "2"), cell("b"), cell("c")) + row(cell("d", "2"), cell("e", "2")),  # no cell begins in column 1
        row(cell("a", "2", begins), cell("b")) + row(cell("", "2", goes_on), cell("c")) + row(cell("d"), cell("e"), cell("f"))
        + row(cell("own", merge=goes_on)) + row(cell("g"), before="<w:gridBefore w:val='2'/>"),
        "".join(row(cell("x", span), cell("y")) for span in ("", "-1", "zwei", "9" * 5000, "9999", "0")),
        row(cell(long, merge=begins)) + row(cell("", merge=goes_on), cell("z")) + row(cell("", merge=goes_on), cell("z")),
    ):
        add_xml(document._body, f"<w:tbl>{rows}</w:tbl>", first=False)
    assert read("a.docx", saved(document)).text.split("\n\n") == [
        "a | b | c\nd | e",
        "a |  | b\na |  | c\nd | e | f\nown\n |  | g",
        "x | y\nx | y\nx | y\nx | y\nx |  | y\nx | y",
        f"{long.strip()}\n | z\n | z",
    ]


@pytest.mark.parametrize(("marks", "lines"), [
    (("<w:tblHeader/>", "<w:tblHeader w:val='1'/>"), ["Region | 2024 Q1 | 2024 Q2", "North | 5 | 7"]),
    (("<w:tblHeader/>", "<w:tblHeader w:val='0'/>"), [" | 2024", "Region | Q1 | Q2", "North | 5 | 7"]),
    (("", "<w:tblHeader/>"), [" | 2024", "Region | Q1 | Q2", "North | 5 | 7"]),
])  # fmt: skip
def test_docx_rows_that_are_repeated_on_every_page_are_one_header(read: Read, marks: tuple[str, str], lines: list[str]) -> None:
    import docx

    document = docx.Document()
    table = document.add_table(3, 3)
    for row, cells in zip(table.rows, (["", "", ""], ["Region", "Q1", "Q2"], ["North", "5", "7"]), strict=True):
        for cell, content in zip(row.cells, cells, strict=True):
            cell.text = content
    table.cell(0, 1).merge(table.cell(0, 2)).text = "2024"
    for row, mark in zip(table.rows, marks, strict=False):
        add_xml(row, f"<w:trPr>{mark}</w:trPr>", first=True)
    assert read("a.docx", saved(document)).text.split("\n") == lines


def coded() -> Any:
    """Prose around two blocks of code, one in a style for it, one in a font for it."""
    import docx

    document = docx.Document()
    document.styles.add_style("Source Code", 1)
    document.add_paragraph("Run this.")
    for line in ("pullquote index docs", "", "# Then ask. It answers.", "    pullquote ask what"):
        document.add_paragraph(line, style="Source Code")
    document.add_paragraph("It answers. With quotes.")
    for line in ("def answer():", "", "    return 42"):
        run = document.add_paragraph().add_run(line)
        run.font.name = "Courier New"
    mixed = document.add_paragraph("Call ")
    mixed.add_run("answer()").font.name = "Consolas"
    return document


def test_docx_paragraphs_in_a_style_or_a_font_for_code_are_its_lines(read: Read) -> None:
    document = read("a.docx", saved(coded()))
    assert code_of(document) == ["pullquote index docs\n\n# Then ask. It answers.\n    pullquote ask what",
                                 "def answer():\n\n    return 42"]
    assert document.text == "\n\n".join(["Run this.", code_of(document)[0], "It answers. With quotes.", code_of(document)[1],
                                        "Call answer()"])


def test_docx_written_in_such_a_font_is_no_code(read: Read) -> None:
    document = coded()
    document.styles["Normal"].font.name = "Courier New"
    read_back = read("a.docx", saved(document))
    assert code_of(read_back) == ["pullquote index docs\n\n# Then ask. It answers.\n    pullquote ask what"]
    assert "def answer():\n\nreturn 42" in read_back.text


def test_docx_recognised_under_another_name(read: Read) -> None:
    assert read("handbook.bin", saved(handbook())).title == "Company Handbook"


def test_a_zip_that_only_has_a_folder_whose_name_ends_like_words_is_no_word_document(read: Read) -> None:
    assert "it is a zip archive, not a document format" in error_of(read, "a.zip", zipped(**{"password/list.txt": b"secret"}))


OLE = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(512)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        (
            "a.doc",
            OLE,
            "a.doc: it is a Word document of the old kind (.doc). Save it as .docx and index it again",
        ),
        (
            "a.docx",
            OLE + "EncryptedPackage".encode("utf-16-le"),
            "a.docx: it is locked with a password. Remove the password and index it again",
        ),
        (
            "a.docx",
            b"PK\x03\x04" + bytes(range(256)) * 4,
            "a.docx: it is a damaged or incomplete Word document. Get a whole copy and index it again",
        ),
    ],
)
def test_docx_that_cannot_be_read(read: Read, name: str, data: bytes, message: str) -> None:
    assert error_of(read, name, data) == message


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def test_docx_that_is_a_zip_bomb(read: Read) -> None:
    bomb = zipped(**{"word/document.xml": bytes(30_000_000)})
    assert error_of(read, "a.docx", bomb) == (
        "a.docx: its 0.0 MB unpack to 30 MB, more than a Word document needs. "
        "If you trust it, save it in parts of less than 300 MB unpacked"
    )


def test_docx_that_is_another_zip(read: Read) -> None:
    assert error_of(read, "a.docx", zipped(**{"a.txt": b"hello"})) == (
        "a.docx: it cannot be opened as a Word document. Open it in a word processor and save it as .docx"
    )
    assert "a.zip: it is a zip archive" in error_of(read, "a.zip", zipped(**{"a.txt": b"hello"}))


# JSON Lines


def test_jsonl_rows_are_documents(tmp_path: Path) -> None:
    rows = (
        '{"id": "cancel", "title": "May I cancel?", "text": "Yes, until\\nthe day before."}\r\n'
        "\r\n"
        '{"id": 7, "content": "By number.\u2028Still the same row."}\n'
        '{"body": "By line."}'
    )
    documents = read_all(tmp_path, "faq.jsonl", rows)
    assert [(document.source, document.title, document.text) for document in documents] == [
        ("faq.jsonl#cancel", "May I cancel?", "Yes, until\nthe day before."),
        ("faq.jsonl#7", "faq", "By number.\u2028Still the same row."),
        ("faq.jsonl#4", "faq", "By line."),
    ]
    assert {document.file_sha256 for document in documents} == {documents[0].file_sha256}
    assert len({document.id for document in documents}) == 3


def test_jsonl_rows_state_author_and_date(tmp_path: Path) -> None:
    first, second = read_all(tmp_path, "news.jsonl", '{"text": "a", "author": "Ann  Lee", "date": "2026-03-02"}\n'
                                                     '{"text": "b", "author": ["Ann"], "date": 2026}')
    assert (first.author, first.date) == ("Ann Lee", "2026-03-02")
    assert (second.author, second.date) == ("", "")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ('{"text": "a"}\n{"text": }\n', "line 2 is not valid JSON: Expecting value"),
        ('{"text": "a"}\n\n["a"]\n', "line 3 is not a JSON object"),
        ('{"title": "a"}\n', 'line 1 has no text under "text", "content" or "body"'),
        ('{"text": "  "}\n', 'line 1 has no text under "text", "content" or "body"'),
        ('{"id": true, "text": "a"}', "line 1 has an id that is neither a string nor a whole number"),
        ('{"id": "1", "text": "a"}\n{"text": "b"}\n{"id": 1, "text": "c"}', "lines 1 and 3 have the same id '1'"),
    ],
)
def test_a_bad_row_refuses_the_file_and_names_the_line(read: Read, rows: str, message: str) -> None:
    assert error_of(read, "a.jsonl", rows) == (f"a.jsonl: {message}. Correct that line and index the file again")


def test_a_row_nested_beyond_reason(read: Read) -> None:
    assert "a.jsonl: line 1 is not valid JSON" in error_of(read, "a.jsonl", "[" * 100_000)


def test_jsonl_without_rows(read: Read) -> None:
    assert "a.jsonl: there is no text in it" in error_of(read, "a.jsonl", "\n\n")


def test_what_no_xml_may_hold_in_preformatted_text_costs_nothing_but_itself(tmp_path: Path) -> None:
    page = ("<html><body><h1>Log</h1><p>The boat left at nine in the rain, as it says in the log below.</p>"
            "<pre>engine&#12;on &#27;[0m&#1;&#xFFFE; nine<script>evil()</script><style>b {}</style> knots</pre></body></html>")
    (tmp_path / "log.html").write_text(page)
    [document] = read_documents(tmp_path / "log.html", "log.html")
    assert "engine\non" in document.text
    assert "knots" in document.text
    assert "evil" not in document.text
    assert "b {}" not in document.text
    mail = "From a@b.c Thu Jan  1 00:00:00 2026\nFrom: a@b.c\nSubject: {0}\nContent-Type: text/html\n\n{1}\n\n"
    (tmp_path / "a.mbox").write_text(mail.format("first", page) + mail.format("second", "<p>The quay is wet in March.</p>"))
    first, second = read_documents(tmp_path / "a.mbox", "a.mbox")
    assert "left at nine" in first.text
    assert "The quay is wet in March." in second.text
