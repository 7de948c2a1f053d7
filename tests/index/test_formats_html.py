"""Web pages by value: nothing of the main content is lost, and the frame around it stays out."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from index.errors import FileError
from index.files import read_documents

PROSE = [
    "The port was built in 1911 by the fishermen of the island, who had until then drawn their boats up the beach by hand.",
    "It has been enlarged three times since then by the council and the county together, most of all in 1968.",
    "Everyone may use the port who keeps to its rules, and the harbour master decides where boats lie at night.",
    "In winter the outer mole is closed because of the waves, and boats lie at the inner quay without a fee.",
    "Fuel is sold at the southern end of the quay by the cooperative, which also keeps the ice machine.",
    "The fish market is held on Tuesdays and Fridays in the hall that stands behind the ice machine.",
]
PARAGRAPHS = [f"<p>{line}</p>" for line in [*PROSE, *(line.replace("the ", "the old ", 1) for line in PROSE)]]
MENU = '<ul><li><a href="/">Home</a></li><li><a href="/fees">All our fees</a></li></ul>'


def text_of(folder: Path, body: str) -> str:
    path = folder / "port.html"
    path.write_text(f"<!doctype html><html><head><title>Port</title></head><body>{body}</body></html>", encoding="utf-8")
    [document] = read_documents(path, "port.html")
    return document.text


def around(content: str) -> str:
    return f"<h1>Port of Skarvey</h1>{''.join(PARAGRAPHS[:6])}{content}{''.join(PARAGRAPHS[6:])}"


@pytest.mark.parametrize("page", [
    "<main>{}</main>", "<article>{}</article>", "<div role=main>{}</div>", "<div id=content>{}</div>", "{}",
    "<nav>Menu</nav><form><div><div>{}</div></div></form>",
])  # fmt: skip
@pytest.mark.parametrize(("content", "expected"), [
    ("<div><b>Opening hours:</b> nine to five</div>", "Opening hours: nine to five"),
    ("<div class=card><div>Mooring fee</div><div>49 euros</div></div>", "Mooring fee\n\n49 euros"),
    ("<a href=x><div>Mooring fee</div><div>49 euros</div></a>", "Mooring fee\n\n49 euros"),
    ("<div>Harbour master: Anna Ray<br>Telephone: 555-1234</div>", "Harbour master: Anna Ray\nTelephone: 555-1234"),
    ("<div><span>Phone: 555-1</span> <span>Fax: 555-2</span></div>", "Phone: 555-1 Fax: 555-2"),
    ('<p><a href="tel:1">Call 555-9876</a></p>', "Call 555-9876"),
    ('<ul class=menu><li><a href="tel:1">Call 555-9876</a></ul>', "- Call 555-9876"),
    ("<ul><li><a href=a>Rules</a></li><li><a href=b>Fees</a></li></ul>", "- Rules\n- Fees"),
    ("<figure><img src=a alt=map><figcaption>Figure 2: the port</figcaption></figure>", "Figure 2: the port"),
    ("<div class=social-hours><p>The bar opens at ten.</p></div>", "The bar opens at ten."),
    ("<div class=footer-terms><p>The deposit is 30 euros.</p></div>", "The deposit is 30 euros."),
    ("<div class=menu><p>Soup costs five euros.</p></div>", "Soup costs five euros."),
    ("<blockquote><p>It is wet.</p><footer>Anna Ray</footer></blockquote>", "It is wet.\n\nAnna Ray"),
    ("<h3><button>What does it cost?</button></h3><div style='display:none'><p>Five euros.</p></div>",
     "What does it cost?\n\nFive euros."),
    ("<details><summary>Is there fuel?</summary><p>On the quay.</p></details>", "Is there fuel?\n\nOn the quay."),
    ("<table><tr><th>Berth<th>Boat<th>Fee<tr><td rowspan=2>North quay<td>Small<td>9<tr><td>Large<td>20<tr><td>South<td>Any"
     "<td>5</table>",
     "Berth | Boat | Fee\nNorth quay | Small | 9\nNorth quay | Large | 20\nSouth | Any | 5"),
    ("<table><tr><th>Boat<th colspan=2>Fee of<th>Note<tr><td>Small<td>2025: 9<td>2026: 10<td>none</table>",
     "Boat | Fee of |  | Note\nSmall | 2025: 9 | 2026: 10 | none"),
    ("<table><thead><tr><td rowspan=2>Boat<td colspan=2>Fee<tr><td>Summer<td>Winter<tbody><tr><td>Small<td>9<td>5</table>",
     "Boat | Fee Summer | Fee Winter\nSmall | 9 | 5"),
    ("<table><tr><th><th colspan=2>2024<th>2025<tr><th>Boat<th>Q1<th>Q2<th>Q1<tr><th>Small<td>9<td>5<td>7</table>",
     "Boat | 2024 Q1 | 2024 Q2 | 2025 Q1\nSmall | 9 | 5 | 7"),
    ("<table><tr><th>Boat<th>Fee<tr><th colspan=2>In summer<tr><td>Small<td>9</table>",
     "Boat | Fee\nIn summer\nSmall | 9"),
    ("<table><thead><tr><th>Boat<th>Fee<tbody><tr><th>Small<th>9<tr><td>Large<td>20</table>",
     "Boat | Fee\nSmall | 9\nLarge | 20"),
    ("<table><tr><td><td colspan=2>2024<tr><td>Boat<td>Q1<td>Q2<tr><td>Small<td>9<td>5</table>",
     " | 2024\nBoat | Q1 | Q2\nSmall | 9 | 5"),
    ("<table><caption>Fees of 2026</caption><tr><th>Boat<th>Fee<tr><td>Small<td>9</table>",
     "Fees of 2026\n\nBoat | Fee\nSmall | 9"),
])  # fmt: skip
def test_no_content_is_lost_beside_many_paragraphs(tmp_path: Path, page: str, content: str, expected: str) -> None:
    text = text_of(tmp_path, page.format(around(content)))
    assert text.startswith("Port of Skarvey\n\nThe port was built")
    assert f"\n\n{expected}\n\n" in text
    assert all(line in text for line in PROSE)


@pytest.mark.parametrize("mark", ["main", "article"])
def test_an_aside_within_the_main_content_is_part_of_it(tmp_path: Path, mark: str) -> None:
    text = text_of(tmp_path, f"<{mark}>{around('<aside><p>Gates close at nine.</p></aside>')}</{mark}><aside>Most read</aside>")
    assert "\n\nGates close at nine.\n\n" in text
    assert "Most read" not in text


@pytest.mark.parametrize("page", ["<main>{}</main>", "<article>{}</article>", "<div class=page>{}</div>"])
@pytest.mark.parametrize("frame", [
    f"<nav>{MENU}</nav>", f"<div role=navigation>{MENU}</div>", f"<div class='menu wide'>{MENU}</div>", MENU,
    f"<header><a href=/>Home</a><p>All our fees</p><nav>{MENU}</nav></header>", f"<footer>{MENU}</footer>",
    f"<aside>{MENU}</aside>", f"<div id=footer>Home {MENU}</div>", "<button>Home</button>",
    "<select><option>Home<option>All our fees</select>",
])  # fmt: skip
def test_the_frame_of_a_page_stays_out(tmp_path: Path, page: str, frame: str) -> None:
    text = text_of(tmp_path, frame + page.format(around("")))
    assert text.startswith("Port of Skarvey\n\nThe port was built")
    assert "Home" not in text
    assert "All our fees" not in text


def test_a_teaser_that_is_the_only_article_is_not_taken_for_the_page(tmp_path: Path) -> None:
    teaser = f"<article><p>{'Read about the new ferry that comes in March. ' * 6}</p></article>"
    assert all(line in text_of(tmp_path, around("") + teaser) for line in PROSE)


def test_a_byline_is_left_out_only_where_author_and_date_are_told_anyway(tmp_path: Path) -> None:
    byline = "<p class=byline>Published on 2 March 2026 by Ann Lee</p>"
    stated = '<meta name="author" content="Ann Lee"><meta property="article:published_time" content="2026-03-02">'
    path = tmp_path / "port.html"
    for head, kept in ((stated, False), ("", True)):
        path.write_text(f"<html><head><title>Port</title>{head}</head><body><main>{around(byline)}</main></body></html>")
        [document] = read_documents(path, "port.html")
        assert ("Published on 2 March 2026 by Ann Lee" in document.text) is kept


@pytest.mark.parametrize(("source", "expected"), [
    ("About 10<sup>6</sup> fish", "About 10^6 fish"),
    ("About 10<sup><i>-3</i></sup> fish", "About 10^-3 fish"),
    ("About <b>10</b><sup>6</sup> fish", "About 10^6 fish"),
    ("Built in 1911<a href=#n><sup>1</sup></a> here", "Built in 1911^1 here"),
    ("Some H<sub>2</sub>O here", "Some H2O here"),
    ("The number 10<sub>2</sub> is two", "The number 10_2 is two"),
    ("The 1<sup>st</sup> of May", "The 1st of May"),
    ("It takes 1<sup>1</sup>/<sub>2</sub> hours", "It takes 1 1/2 hours"),
    ("See <sup>1</sup> below", "See 1 below"),
    ("<math><msup><mn>10</mn><mn>6</mn></msup><mo>+</mo><mfrac><mn>1</mn><mn>2</mn></mfrac></math>", "10^6+1/2"),
])  # fmt: skip
def test_raised_digits_make_no_other_number(tmp_path: Path, source: str, expected: str) -> None:
    assert text_of(tmp_path, f"<p>{source}</p>") == expected
    assert f"\n\n{expected}\n\n" in text_of(tmp_path, f"<main>{around(f'<p>{source}</p>')}</main>")


def test_a_table_with_a_table_in_a_cell_keeps_its_rows(tmp_path: Path) -> None:
    inner = "<table><tr><td>dinghy<td>5<tr><td>yacht<td>9</table>"
    table = f"<table><tr><th>Port<th>Fees<tr><td>Skarvey<td>{inner}<tr><td>Pellin<td>none</table>"
    assert text_of(tmp_path, table) == "Port | Fees\nSkarvey | dinghy 5 yacht 9\nPellin | none"


def test_what_is_hidden_is_left_out_but_not_what_a_button_opens(tmp_path: Path) -> None:
    text = text_of(tmp_path, "<h3><button aria-controls='fee more'>Fee?</button></h3><p id=fee hidden>Five euros.</p>"
                             "<p hidden>Old text.</p><p hidden=until-found>Found.</p><p>Seen.</p>")
    assert text == "Fee?\n\nFive euros.\n\nFound.\n\nSeen."


@pytest.mark.parametrize("style", [
    "display:none", "DISPLAY : None !important;", "color:red; display:none", "/* why */ visibility: hidden",
    "visibility:collapse", "opacity:0", "opacity: 0.0;", "opacity:0%", "display:block;display:none",
    "display:none!important;display:block", "display:none ! important; display: block !ie",
])  # fmt: skip
@pytest.mark.parametrize("page", ["{}", "<main>{}</main>", "<nav>Menu</nav>{}"])
def test_what_an_element_hides_by_its_own_style_is_left_out(tmp_path: Path, style: str, page: str) -> None:
    hidden = f" style='{style}'"
    body = f"<div{hidden}>Not <b>seen</b>.</div><p>Seen<span{hidden}> not</span>.</p><pre>a<i{hidden}>b</i></pre>"
    assert text_of(tmp_path, page.format(body)) == "Seen.\n\na"


@pytest.mark.parametrize("body", [
    "<p style='display:block'>Seen.</p>",
    "<p style='display:none;display:block'>Seen.</p>",
    "<p style='display:block!important;display:none'>Seen.</p>",
    "<p style='display:none !ie'>Seen.</p>",
    "<p style='opacity:0.01'>Seen.</p>",
    "<p style='opacity:1.0'>Seen.</p>",
    "<p style='font-size:0.8em'>Seen.</p>",
    "<p style='content:\"display:none\"'>Seen.</p>",
    "<style>p {display: none}</style><p>Seen.</p>",
    "<style>@media print {.a {display:none}}</style><p class=a>Seen.</p>",
    "<div style='font-size:0'><span style='font-size:16px'>Seen.</span></div>",
    "<div style='font-size:0'><p class=a>Seen.</p></div>",
    "<div style='font-size:0'><table><tr><td>Seen.</table></div>",
    "<div style='visibility:hidden'><p style='visibility:visible'>Seen.</p></div>",
    "<p aria-hidden=true>Seen.</p>",
    "<script>fade()</script><p style='opacity:0;transform:none'>Seen.</p>",
    "<p style='visibility:hidden;animation-name:fade'>Seen.</p>",
    "<ul><li><a href='#t'></a></ul><div></div><div id=t style='display:none'>Seen.</div>",
    "<div><a href='port.html#%74'></a></div><div></div><div style='display:none'><p id=t>Seen.</div>",
    "<i data-bs-target='#t'></i><div></div><div id=t style='display:none'>Seen.</div>",
    "<div role=tabpanel hidden>Seen.</div>",
    "<div><a href='javascript:void(0)'></a></div><div style='display:none'>Seen.</div>",
    "<div onclick='open()'></div><i></i><div hidden>Seen.</div>",
    "<a href=' JavaScript:toggle()'></a><i></i><p style='display:none'>Seen.</p>",
    "<i data-tab=t></i><i></i><div id=t style='display:none'>Seen.</div><script type=module src=tabs.js></script>",
    "<div style='display:none'>Seen.</div><div id=footer><script>open()</script></div>",
    "<pre><script>open()</script></pre><div style='font-size:0'>Seen.</div>",
])  # fmt: skip
def test_what_is_seen_or_can_be_opened_is_read(tmp_path: Path, body: str) -> None:
    assert text_of(tmp_path, body) == "Seen."


def test_answers_that_are_folded_in_are_read(tmp_path: Path) -> None:
    folded = "<dl><dt>Is there fuel?</dt><dd style='display:none'>On the quay.</dd></dl>"
    assert text_of(tmp_path, folded) == "- Is there fuel?\n- On the quay."
    behind = f"<div><button>Menu</button>{around('')}</div><p style='display:none'>Not seen.</p>"
    assert "Not seen." not in text_of(tmp_path, behind)


def test_letters_of_no_size_are_left_out_but_not_elements_in_them(tmp_path: Path) -> None:
    assert text_of(tmp_path, "<p>Seen.</p><p style='font-size: 0px !important; color:red'>Not seen.</p>") == "Seen."
    assert text_of(tmp_path, "<div style='font-size:0'>Also <b>seen</b>.</div>") == "Also seen."


@pytest.mark.parametrize(("script", "seen"), [
    ("<script>$('.q').click(open)</script>", True), ("<script type='application/ld+json'>{}</script>", False),
])  # fmt: skip
def test_what_is_hidden_on_a_page_with_scripts_is_read(tmp_path: Path, script: str, seen: bool) -> None:
    folded = "<h3 class=q>Is there fuel?</h3><div class=a style='display:none'>On the quay.</div>"
    more = "<p>It is open <span id=more style='display:none'>at night, too</span></p>"
    expected = "Is there fuel?\n\nOn the quay.\n\nIt is open at night, too" if seen else "Is there fuel?\n\nIt is open"
    assert text_of(tmp_path, folded + more + script) == expected


@pytest.mark.parametrize(("body", "notices"), [
    ("<p hidden>Not seen.</p>", ("it has a hidden part, which is left out",)),
    ("<p hidden>Not <b hidden>seen</b>.</p><i style='opacity:0'>1</i>", ("it has 2 hidden parts, which are left out",)),
    ("<p hidden>Not seen.</p><script>show()</script>", ()),
    ("<p hidden> &zwnj;&nbsp;</p><div hidden><style>p {color:red}</style></div><svg hidden><title>Icon</title></svg>", ()),
])  # fmt: skip
def test_hidden_parts_that_are_left_out_are_told(tmp_path: Path, body: str, notices: tuple[str, ...]) -> None:
    path = tmp_path / "a.html"
    path.write_text(f"<!doctype html><p>Seen.</p>{body}", encoding="utf-8")
    [document] = read_documents(path, "a.html")
    assert document.notices == notices


def test_hidden_elements_within_each_other_are_read_in_linear_time(tmp_path: Path) -> None:
    deep = "<div style='visibility:hidden'>" * 200 + "<p style='color:red'>Not seen.</p>" * 5000 + "</div>" * 200
    started = time.process_time()
    assert text_of(tmp_path, f"<p>Seen.</p>{deep}") == "Seen."
    assert time.process_time() - started < 4


def test_a_page_that_its_script_is_yet_to_show_is_read(tmp_path: Path) -> None:
    shell = f"<p>Loading</p><div id=app style='display:none'>{around('')}</div>"
    assert text_of(tmp_path, f"{shell}<script>start()</script>").startswith("Loading\n\nPort of Skarvey\n\nThe port was built")
    assert text_of(tmp_path, shell) == "Loading"


def test_a_menu_that_is_hidden_and_a_page_that_is_do_no_harm(tmp_path: Path) -> None:
    assert text_of(tmp_path, "<nav role=navigation hidden>Menu</nav><p>Seen.</p>") == "Seen."
    path = tmp_path / "a.html"
    path.write_text("<!doctype html><p style='display:none'>Not seen.</p>")
    with pytest.raises(FileError, match="there is no text in it"):
        read_documents(path, "a.html")
    assert text_of(tmp_path, "<nav>Menu, and more</nav><p style='display:none'>Not seen.</p>") == "Menu, and more"


TEX = "<annotation encoding='application/x-tex'>{x}</annotation>"


@pytest.mark.parametrize(("body", "expected"), [
    ("<p>a<svg><title>Icon</title><text>SVG</text></svg><math><mi>x</mi></math><object data=x>Get</object>b.</p>", "a x b."),
    ("<p>for<math><mi>x</mi></math>and (<math><mi>y</mi></math>)</p>", "for x and (y)"),
    ("<p>So<math display=block><mi>x</mi><mo>=</mo><mn>1</mn></math>holds.</p>", "So\n\nx=1\n\nholds."),
    (f"<p>Let <math><semantics><mi>x</mi>{TEX}</semantics></math>.</p>", "Let x."),
    ("<p>Let <span style='display: none'><math><mi>x</mi></math></span><img src=x.svg alt='{x}'> be.</p>", "Let x be."),
    ("<video src=x><p>No video.</p></video><audio>No sound.</audio><p>Seen.</p>", "Seen."),
])  # fmt: skip
def test_drawings_formulas_and_what_is_embedded(tmp_path: Path, body: str, expected: str) -> None:
    assert text_of(tmp_path, body) == expected


def test_a_column_of_facts_marked_as_names_is_no_header_of_several_rows(tmp_path: Path) -> None:
    assert text_of(tmp_path, "<table><tr><th>Name<th>Bob<tr><th>Age<th>5<tr><td>City<td>Rome</table>") == (
        "Name | Bob\nAge | 5\nCity | Rome")
