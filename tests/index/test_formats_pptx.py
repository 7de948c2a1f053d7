"""PowerPoint by value: slides as pages, titles, lists, tables, diagrams and notes; and what cannot be read."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from index.errors import FileError
from index.files import read_documents
from index.formats import detect
from index.types import Document

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
TITLE_ONLY, TITLE_AND_CONTENT, BLANK = 5, 1, 6


def read(folder: Path, name: str, data: bytes) -> Document:
    (folder / name).write_bytes(data)
    [document] = read_documents(folder / name, name)
    return document


def error_of(folder: Path, name: str, data: bytes) -> str:
    with pytest.raises(FileError) as caught:
        read(folder, name, data)
    return str(caught.value)


def outline(document: Document) -> list[tuple[int | None, tuple[str, ...], str]]:
    """Each section's slide, heading path and text."""
    return [(part.page, part.heading, document.text[part.start : part.end]) for part in document.sections]


def saved(presentation: Any) -> bytes:
    file = io.BytesIO()
    presentation.save(file)
    return file.getvalue()


def add_slide(presentation: Any, layout: int, title: str = "") -> Any:
    slide = presentation.slides.add_slide(presentation.slide_layouts[layout])
    if title:
        slide.shapes.title.text = title
    return slide


def add_box(shapes: Any, text: str) -> Any:
    box = shapes.add_textbox(0, 0, 100, 100)
    box.text_frame.text = text
    return box


def plan() -> Any:
    """Four slides: a list with notes, a table, an empty one, and one without a title that has a group."""
    import pptx

    presentation = pptx.Presentation()
    goals = add_slide(presentation, TITLE_AND_CONTENT, "Our\vgoals")
    goals.placeholders[1].text = "Grow 𝔹\nStay small"
    add_box(goals.shapes, "Source: the board.\n\nOf May.")
    goals.notes_slide.notes_text_frame.text = "Say it slowly.\nThen pause."
    costs = add_slide(presentation, TITLE_ONLY, "Costs")
    table = costs.shapes.add_table(3, 3, 0, 0, 100, 100).table
    for row in range(3):
        for column in range(3):
            table.cell(row, column).text = f"{row}.{column}"
    table.cell(0, 0).merge(table.cell(0, 1))
    table.cell(0, 0).text = "wide"
    table.cell(1, 0).merge(table.cell(2, 0))
    table.cell(1, 0).text = "tall"
    table.cell(1, 1).text = "two\nlines"
    add_slide(presentation, BLANK)
    last = add_slide(presentation, BLANK)
    add_box(last.shapes.add_group_shape().shapes, "In a group.")
    return presentation


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def changed(data: bytes, name: str, old: bytes, new: bytes) -> bytes:
    """The presentation with a replacement made in one of its parts."""
    members = members_of(data)
    assert old in members[name]
    return zipped(members | {name: members[name].replace(old, new)})


def test_slides_are_pages_and_their_titles_headings(tmp_path: Path) -> None:
    document = read(tmp_path, "plan.pptx", saved(plan()))
    assert document.media_type == MEDIA_TYPE
    assert document.title == "Our goals"
    assert outline(document) == [
        (1, ("Our goals",), "Our goals\n\n- Grow 𝔹\n- Stay small\n\nSource: the board.\n\nOf May.\n\n"),
        (1, ("Our goals", "Notes"), "Notes\n\nSay it slowly.\n\nThen pause.\n\n"),
        (2, ("Costs",), "Costs\n\nwide |  | 0.2\ntall | two lines | 1.2\ntall | 2.1 | 2.2\n\n"),
        (4, (), "In a group."),
    ]
    assert document.section_at(document.text.index("𝔹")).page == 1


@pytest.mark.parametrize(("hidden", "notices"), [
    ([1], ("it has a hidden slide, which is left out (show it to have it)",)),
    ([0, 1, 2], ("it has 2 hidden slides, which are left out (show them to have them)",)),
    ([2], ()),  # it is empty
])  # fmt: skip
def test_hidden_slides_are_left_out_and_told(tmp_path: Path, hidden: list[int], notices: tuple[str, ...]) -> None:
    presentation = plan()
    for place in hidden:
        presentation.slides[place].element.set("show", "0")
    presentation.slides[3].element.set("show", "1")
    document = read(tmp_path, "a.pptx", saved(presentation))
    assert list(dict.fromkeys(part.page for part in document.sections)) == [n for n in (1, 2, 4) if n - 1 not in hidden]
    assert document.notices == notices


def test_formulas_stand_in_their_place(tmp_path: Path) -> None:
    from pptx.oxml import parse_xml

    presentation = plan()
    paragraph = add_box(presentation.slides[2].shapes, "It is ").text_frame.paragraphs[0]
    paragraph._p.append(parse_xml(
        '<a14:m xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main" '
        'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><m:oMath><m:sSup><m:e><m:r><m:t>c</m:t></m:r>'
        "</m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:oMath></a14:m>"))
    paragraph.add_run().text = " then."
    assert "\n\nIt is c^2 then.\n\n" in read(tmp_path, "a.pptx", saved(presentation)).text


def test_title_from_the_properties(tmp_path: Path) -> None:
    presentation = plan()
    presentation.core_properties.title = "Plan 2026"
    assert read(tmp_path, "a.pptx", saved(presentation)).title == "Plan 2026"
    presentation.core_properties.title = "PowerPoint-Präsentation"  # nobody's title
    assert read(tmp_path, "a.pptx", saved(presentation)).title == "Our goals"


def test_bullets_line_ends_fields_and_slide_numbers(tmp_path: Path) -> None:
    import pptx
    from lxml import etree

    presentation = pptx.Presentation()
    slide = add_slide(presentation, TITLE_AND_CONTENT, "Points")
    slide.placeholders[1].text = "first\nsecond\vline\nplain"
    plain = slide.placeholders[1].text_frame.paragraphs[2]
    etree.SubElement(plain._p.get_or_add_pPr(), "{http://schemas.openxmlformats.org/drawingml/2006/main}buNone")
    box = add_box(slide.shapes, "a sole point").text_frame.paragraphs[0]
    mark = etree.SubElement(box._p.get_or_add_pPr(), "{http://schemas.openxmlformats.org/drawingml/2006/main}buChar")
    mark.set("char", "•")
    number = add_box(slide.shapes, "7")
    holder = etree.SubElement(number._element.nvSpPr.nvPr, "{http://schemas.openxmlformats.org/presentationml/2006/main}ph")
    holder.set("type", "sldNum")
    assert read(tmp_path, "a.pptx", saved(presentation)).text == (
        "Points\n\n- first\n- second\nline\n\nplain\n\n- a sole point"
    )


def test_of_two_ways_to_show_the_same_one_is_read(tmp_path: Path) -> None:
    data = saved(plan())
    shape = b"<p:sp><p:nvSpPr><p:cNvPr id='9' name='x'/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr/>" \
            b"<p:txBody><a:bodyPr/><a:p><a:r><a:t>%s</a:t></a:r></a:p></p:txBody></p:sp>"
    both = b"<mc:AlternateContent xmlns:mc='http://schemas.openxmlformats.org/markup-compatibility/2006'>" \
           b"<mc:Choice Requires='p14'>" + shape % b"new way" + b"</mc:Choice>" \
           b"<mc:Fallback>" + shape % b"old way" + b"</mc:Fallback></mc:AlternateContent></p:spTree>"
    document = read(tmp_path, "a.pptx", changed(data, "ppt/slides/slide2.xml", b"</p:spTree>", both))
    assert "new way" in document.text
    assert "old way" not in document.text


def test_diagrams(tmp_path: Path) -> None:
    members = members_of(saved(plan()))
    members["ppt/diagrams/data1.xml"] = (
        b"<dgm:dataModel xmlns:dgm='http://schemas.openxmlformats.org/drawingml/2006/diagram' "
        b"xmlns:a='http://schemas.openxmlformats.org/drawingml/2006/main'><dgm:ptLst>"
        b"<dgm:pt><dgm:t><a:bodyPr/><a:p><a:r><a:t>Ask</a:t></a:r></a:p></dgm:t></dgm:pt><dgm:pt><dgm:t/></dgm:pt>"
        b"<dgm:pt><dgm:t><a:p><a:r><a:t>An</a:t></a:r><a:r><a:t>swer</a:t></a:r></a:p></dgm:t></dgm:pt></dgm:ptLst></dgm:dataModel>"
    )
    members["[Content_Types].xml"] = members["[Content_Types].xml"].replace(
        b"</Types>", b'<Override PartName="/ppt/diagrams/data1.xml" ContentType="application/vnd.openxmlformats-'
        b'officedocument.drawingml.diagramData+xml"/></Types>')
    relations = "ppt/slides/_rels/slide4.xml.rels"
    members[relations] = members[relations].replace(
        b"</Relationships>", b'<Relationship Id="rId77" Target="../diagrams/data1.xml" Type="http://schemas.openxmlformats.org/'
        b'officeDocument/2006/relationships/diagramData"/></Relationships>')
    frame = (
        b"<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id='8' name='d'/><p:cNvGraphicFramePr/><p:nvPr/></p:nvGraphicFramePr>"
        b"<a:graphic><a:graphicData uri='http://schemas.openxmlformats.org/drawingml/2006/diagram'>"
        b"<dgm:relIds xmlns:dgm='http://schemas.openxmlformats.org/drawingml/2006/diagram' r:dm='rId77' "
        b"xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'/>"
        b"</a:graphicData></a:graphic></p:graphicFrame></p:spTree>"
    )
    members["ppt/slides/slide4.xml"] = members["ppt/slides/slide4.xml"].replace(b"</p:spTree>", frame)
    assert outline(read(tmp_path, "a.pptx", zipped(members)))[-1] == (4, (), "In a group.\n\n- Ask\n- Answer")


@pytest.mark.parametrize(("rows", "lines"), [
    pytest.param([["", "2024", ""], ["Region", "Q1", "Q2"], ["North", "5", "7"]],
                 ["Region | 2024 Q1 | 2024 Q2", "North | 5 | 7"], id="names above figures"),
    pytest.param([["Name", "Contact", ""], ["Ada", "0555 014", "a1@b.example"], ["Bob", "0555 015", "b2@b.example"]],
                 ["Name | Contact", "Ada | 0555 014 | a1@b.example", "Bob | 0555 015 | b2@b.example"], id="values below"),
])
def test_names_below_a_cell_over_several_columns_belong_to_the_header(
    tmp_path: Path, rows: list[list[str]], lines: list[str]
) -> None:
    import pptx

    presentation = pptx.Presentation()
    table = add_slide(presentation, BLANK).shapes.add_table(3, 3, 0, 0, 100, 100).table
    for number, cells in enumerate(rows):
        for column, text in enumerate(cells):
            table.cell(number, column).text = text
    table.cell(0, 1).merge(table.cell(0, 2))
    assert read(tmp_path, "a.pptx", saved(presentation)).text.split("\n") == lines


def charted(kind: str, data: Any, title: str = "") -> bytes:
    """A presentation whose only slide has a chart."""
    import pptx
    from pptx.enum.chart import XL_CHART_TYPE

    presentation = pptx.Presentation()
    chart = add_slide(presentation, BLANK).shapes.add_chart(XL_CHART_TYPE[kind], 0, 0, 1000, 1000, data).chart
    if title:
        chart.chart_title.text_frame.text = title
    return saved(presentation)


def numbers(categories: list[Any], number_format: str = "General", **series: Any) -> Any:
    from pptx.chart.data import CategoryChartData

    data = CategoryChartData(number_format)
    data.categories = categories
    for name, values in series.items():
        data.add_series(name, values)
    return data


def test_charts_are_read_as_tables(tmp_path: Path) -> None:
    data = numbers(["Spring", "Summer"], Orrin=[120, 340.5], Skell=[None, 0.1 + 0.2])
    document = read(tmp_path, "a.pptx", charted("COLUMN_CLUSTERED", data, "Passengers\nby season"))
    assert outline(document) == [
        (1, (), "Passengers by season\n\nCategory | Orrin | Skell\nSpring | 120\nSummer | 340.5 | 0.3")]
    assert document.notices == ()


def test_charts_of_shares_and_of_points(tmp_path: Path) -> None:
    from pptx.chart.data import XyChartData

    data = numbers(["Yes", "No"], "0%", Votes=[0.625, 0.375])
    assert read(tmp_path, "a.pptx", charted("PIE", data)).text == "Category | Votes\nYes | 62.5%\nNo | 37.5%"
    points = XyChartData()
    for name, pairs in {"Calm": [(1, 20), (2, 21)], "Rough": [(3, 12)]}.items():
        series = points.add_series(name)
        for pair in pairs:
            series.add_data_point(*pair)
    assert read(tmp_path, "a.pptx", charted("XY_SCATTER", points)).text == (
        "Category | Calm\n1 | 20\n2 | 21\n\nCategory | Rough\n3 | 12")


def test_a_charts_categories_in_levels(tmp_path: Path) -> None:
    data = numbers([], Sold=[1, 2, 3])
    for year, quarters in (("2025", ["Q1", "Q2"]), ("2026", ["Q1"])):
        outer = data.add_category(year)
        for quarter in quarters:
            outer.add_sub_category(quarter)
    assert read(tmp_path, "a.pptx", charted("BAR_CLUSTERED", data)).text == (
        "Category | Sold\n2025 Q1 | 1\n2025 Q2 | 2\n2026 Q1 | 3")


def test_what_is_not_read_of_a_chart_is_told(tmp_path: Path) -> None:
    beyond = "it has a chart of more than 200 categories or 20 series, which is read no further"
    document = read(tmp_path, "a.pptx", charted("LINE", numbers([f"C{n}" for n in range(201)], S=list(range(201)))))
    assert document.text.endswith("\nC198 | 198\nC199 | 199")
    assert document.notices == (beyond,)
    document = read(tmp_path, "a.pptx", charted("LINE", numbers(["C"], **{f"S{n}": [n] for n in range(21)})))
    assert document.text.endswith(" | S19\nC | " + " | ".join(map(str, range(20))))
    assert document.notices == (beyond,)
    data = changed(saved(plan()), "ppt/slides/slide4.xml", b"</p:spTree>", (
        b"<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id='8' name='d'/><p:cNvGraphicFramePr/><p:nvPr/></p:nvGraphicFramePr>"
        b"<a:graphic><a:graphicData><c:chart xmlns:c='http://schemas.openxmlformats.org/drawingml/2006/chart' r:id='rId99' "
        b"xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'/></a:graphicData></a:graphic>"
        b"</p:graphicFrame></p:spTree>"))
    document = read(tmp_path, "a.pptx", data)
    assert document.text.endswith("In a group.")
    assert document.notices == ("it has a chart that is damaged or of a kind that is not known, which is not read",)


@pytest.mark.parametrize("name", ["plan.bin", "plan.docx", "plan.ppt", "plan.txt", "plan"])
def test_recognised_under_another_name(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, name, saved(plan())).media_type == MEDIA_TYPE


def test_a_word_document_is_not_taken_for_a_presentation(tmp_path: Path) -> None:
    import docx

    document = docx.Document()
    document.add_paragraph("A letter.")
    assert read(tmp_path, "a.pptx", saved(document)).media_type.endswith("wordprocessingml.document")


def test_recognised_by_its_list_of_types_alone() -> None:
    types = members_of(saved(plan()))["[Content_Types].xml"]
    found = detect(zipped({"[Content_Types].xml": types})[:4096], "")
    assert found is not None
    assert found.name == "PowerPoint"
    assert detect(zipped({"[Content_Types].xml": b"<Types/>"}), "") is None


def test_templates_and_shows_are_read_too(tmp_path: Path) -> None:
    show = changed(saved(plan()), "[Content_Types].xml", b"presentation.main+xml", b"slideshow.main+xml")
    assert read(tmp_path, "a.ppsx", show).title == "Our goals"


OLE = bytes.fromhex("D0CF11E0A1B11AE1")
DAMAGED = "a.pptx: it is a damaged or incomplete PowerPoint presentation. Get a whole copy and index it again"
UNOPENED = (
    "a.pptx: it cannot be opened as a PowerPoint presentation. Open it in a presentation program and save it as .pptx"
)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.pptx", b"PK\x03\x04 and then nothing", DAMAGED),
        ("a.pptx", zipped({"a.txt": b"hello"}), UNOPENED),
        ("a.pptx", OLE + "EncryptedPackage".encode("utf-16-le"),
         "a.pptx: it is locked with a password. Remove the password and index it again"),
        ("a.ppt", OLE + bytes(100),
         "a.ppt: it is a PowerPoint presentation of the old kind (.ppt). Save it as .pptx and index it again"),
        ("a.pptx", zipped({"ppt/presentation.xml": bytes(30_000_000)}),
         "a.pptx: its 0.0 MB unpack to 30 MB, more than a PowerPoint presentation needs. "
         "If you trust it, save it in parts of less than 300 MB unpacked"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    assert error_of(tmp_path, name, data) == message


def test_a_presentation_without_text(tmp_path: Path) -> None:
    import pptx

    presentation = pptx.Presentation()
    add_slide(presentation, BLANK)
    assert error_of(tmp_path, "a.pptx", saved(presentation)) == (
        "a.pptx: there is no text in it. Remove it, or save it again with its content"
    )


def test_entities_stay_inert(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("the secret")
    slide = members_of(saved(plan()))["ppt/slides/slide4.xml"]
    declared = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{(tmp_path / "secret.txt").as_uri()}"><!ENTITY f "made up">]>'.encode()
    hostile = slide.replace(b"?>", b"?>" + declared, 1).replace(b"In a group.", b"In &e; a &f; group.")
    document = read(tmp_path, "a.pptx", changed(saved(plan()), "ppt/slides/slide4.xml", slide, hostile))
    assert "secret" not in document.text
    assert "made up" not in document.text


def test_a_slide_that_is_listed_again_is_read_once(tmp_path: Path) -> None:
    data = saved(plan())
    name = "ppt/presentation.xml"
    listing = members_of(data)[name].partition(b"<p:sldIdLst>")[2].partition(b"</p:sldIdLst>")[0]
    again = changed(data, name, listing, listing * 50)
    assert read(tmp_path, "a.pptx", again).text == read(tmp_path, "b.pptx", data).text
