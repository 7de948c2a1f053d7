"""Excel and CSV by value: rows under their header, sheet and row in the heading path; what is taken for CSV and what not."""

from __future__ import annotations

import datetime
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from index.chunks import DEFAULT, split
from index.errors import FileError
from index.files import read_documents
from index.formats import detect
from index.formats.xlsx import _layout
from index.types import Document
from rag.types import Citation

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
UNOPENED = "a.xlsx: it cannot be opened as an Excel workbook. Open it in a spreadsheet program and save it as .xlsx"


def read(folder: Path, name: str, data: bytes | str) -> Document:
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    [document] = read_documents(folder / name, name)
    return document


def error_of(folder: Path, name: str, data: bytes | str) -> str:
    with pytest.raises(FileError) as caught:
        read(folder, name, data)
    return str(caught.value)


def outline(document: Document) -> list[tuple[tuple[str, ...], str]]:
    """The path down to the rows, and the text, of each section."""
    return [(document.heading_of(part.start, part.end), document.text[part.start : part.end]) for part in document.sections]


def workbook(**sheets: list[list[Any]]) -> Any:
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return book


def saved(book: Any) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


# Excel


def test_rows_stand_under_their_header_and_sections_name_sheet_and_rows(tmp_path: Path) -> None:
    fares = [["Fares of 2026"], [], ["Route", "Adult", "Note"], ["Orrin–Skell", 12, "Daily"], ["Skell–𝔹ay", 7.5, None]]
    crew = [["Name", "Since"], ["Anna\nBerg", 1998]]
    document = read(tmp_path, "a.xlsx", saved(workbook(Fares=fares, Crew=crew)))
    assert (document.media_type, document.title) == (MEDIA_TYPE, "a")
    assert outline(document) == [
        (("Fares", "row 1"), "Fares of 2026\n\n"),
        (
            ("Fares", "rows 3–5"),
            "Route | Adult | Note\n\nRoute: Orrin–Skell | Adult: 12 | Note: Daily\n\nRoute: Skell–𝔹ay | Adult: 7.5\n\n",
        ),
        (("Crew", "rows 1–2"), "Name | Since\n\nName: Anna Berg | Since: 1998"),
    ]


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv"])
def test_a_quote_from_a_chunk_of_many_rows_cites_its_own_row(tmp_path: Path, name: str) -> None:
    """Also below rows that are empty, and where the quote begins within its row."""
    keys = [1, 2, 5, 6, 7]
    if name == "a.csv":
        lines = (f'key {n},"It is, of {n}. All."' if n in keys else "" for n in range(1, 8))
        data: bytes | str = "\n".join(["Key,Text", *lines])
    else:
        rows = [[f"key {n}", f"It is, of {n}. All."] if n in keys else [] for n in range(1, 8)]
        data = saved(workbook(S=[["Key", "Text"], *rows]))
    document = read(tmp_path, name, data)
    [chunk] = split(document, DEFAULT, 254, lambda texts: [len(text.split()) for text in texts])
    sheet = ("S",) if name == "a.xlsx" else ()
    for n in keys:
        start = document.text.index(f"Key: key {n} |")
        end = document.text.index("All.", start) + 4
        within = document.text.index("It is", start)
        assert chunk.start < start < end <= chunk.end
        assert Citation.of(document, start, end, 1).heading == Citation.of(document, within, end, 1).heading == (
            *sheet, f"row {n + 1}")
    assert Citation.of(document, document.text.index("Key: key 1"), chunk.end, 1).heading == (*sheet, "rows 2–8")


def test_a_row_is_cut_by_no_chunk(tmp_path: Path) -> None:
    rows = [["Key", "Value"], *([f"key {n}" if n % 3 else None, f"{n} is so. " * 20] for n in range(1, 40))]
    document = read(tmp_path, "a.xlsx", saved(workbook(S=rows)))
    chunks = split(document, DEFAULT, 254, lambda texts: [len(text.split()) for text in texts])
    lines = {line.strip() for line in document.text.split("\n\n")}
    assert len(chunks) > 10
    assert all(line in lines for chunk in chunks for line in document.text[chunk.start : chunk.end].split("\n\n"))


def test_values_are_shown_as_people_see_them(tmp_path: Path) -> None:
    book = workbook(S=[
        ["Day", "Time", "Moment", "Share", "Sum", "Open", "Error", "Formula"],
        [datetime.date(2026, 5, 4), datetime.time(9, 30), datetime.datetime(2026, 5, 4, 17, 5, 30), 0.075, 0.1 + 0.2, True,
         "#DIV/0!", "=1+1"],
    ])  # fmt: skip
    book["S"]["D2"].number_format = "0.0%"
    document = read(tmp_path, "a.xlsx", saved(book))
    assert document.text.partition("\n\n")[2] == (
        "Day: 2026-05-04 | Time: 9:30:00 | Moment: 2026-05-04 17:05:30 | Share: 7.5% | Sum: 0.3 | Open: TRUE"
    )


DAY = datetime.datetime(2026, 5, 4, 17, 5, 30)
EURO = '_-* #,##0.00\\ "€"_-;\\-* #,##0.00\\ "€"_-;_-* "-"??\\ "€"_-;_-@_-'
DOLLAR = '_("$"* #,##0.00_);_("$"* \\(#,##0.00\\);_("$"* "-"??_);_(@_)'


@pytest.mark.parametrize(("value", "code", "text"), [
    (12.5, '"$"#,##0.00', "$12.50"), (-12.5, '"$"#,##0.00', "-$12.50"), (1234567, '#,##0 "kg"', "1,234,567 kg"),
    (1234.5, "[$€-407] #,##0.00", "€ 1,234.50"), (1234.5, EURO, "1,234.50 €"), (-3, EURO, "-3.00 €"), ("x", EURO, "x"),
    (3, DOLLAR, "$3.00"), (-3, DOLLAR, "$(3.00)"), (0, DOLLAR, "$-"), (-3, "#,##0.00_);(#,##0.00)", "(3.00)"),
    (0.075, "0.0%", "7.5%"), (0.075, "0%", "8%"), (1.005, "0.00", "1.01"),
    (5e12, "0.00", "5000000000000.00"), (91514804100611.4, "0", "91514804100611"), (17790389905266.5, "0", "17790389905267"),
    (81993473855947.2, "0.000", "81993473855947.200"),
    (999_999_999_999_999, "#,##0", "999,999,999,999,999"), (8e11, "0.000%", "80000000000000.000%"),
    (2.5, "0", "3"), (-0.5, "[Red]0.0", "-0.5"),
    (7743, "00000", "07743"), (5, "0,000", "0,005"), (0, "#,###.##", "."), (3.5, "0.0##", "3.5"),
    (12.25, 'General" kg"', "12.25 kg"),
    (1500000, '0.0,,"M"', "1.5M"), (123456789, "000-00-0000", "123-45-6789"),
    (15551234567, "(000) 000-0000", "(1555) 123-4567"),
    (200, '[>100]"many";[>3]"some";"few"', "many"), (5, '[>100]"many";[>3]"some";"few"', "some"),
    (-5, '[>100]"many";[>3]"some";"few"', "few"), (-5, '0.0;"minus" 0.0', "minus 5.0"), (0, "0;-0;;@", ""),
    ("t", "0;-0;;@", "t"),
    # A last part with an @ is that of texts.
    (-5, "0.00;@", "-5.00"), (-1234.5, "#,##0.00;@", "-1,234.50"), (-0.5, "0.0%;@", "-50.0%"), (-5, "General;@", "-5"),
    (-1234, "#,##0;[Red]@", "-1,234"), (0, "0.00;-0.00;@", "0.00"), (-5, "0.00;-0.00;@", "-5.00"), (5, "0.00;@", "5.00"),
    ("t", '0.00;"No. "@', "No. t"), ("t", '0;-0;"No. "@', "No. t"), (0, '0;-0;"none";@', "none"), (-5, "@", "-5"),
    (-5, '[>100]0.0;0.00;@', "-5.00"), ("t", '0;-0;0;"text"', "text"), (1.5, "0;0;0;0;@", "1.5"),
    ("txt", "General;[Red]-General", "txt"), (-5, "General;[Red]-General", "-5"), ("t", 'General" kg"', "t"),
    ("t", '"No. "@', "No. t"), ("t", "0.00", "t"), (5, ";;;", ""), ("t", ";;;", ""), (5, "@", "5"), (True, "0.00", "TRUE"),
    # What is not understood, or too large to be exact, is as it is.
    (1.5, "# ?/?", "1.5"), (1500, "0.00E+00", "1500"), (12.5, '0" "0.0" "0', "12.5"), (1, "0 x", "1"), (1, '"', "1"),
    (1, "0" * 256, "1"), (1234567890123456, "#,##0", "1234567890123456"), (0.5, "0.0%%%%%%%%%%%%", "50%"),
    # Dates and times as the sheet has them, unless they leave a doubt.
    (DAY, "yyyy-mm-dd h:mm:ss", "2026-05-04 17:05:30"), (DAY, "yyyy/mm/dd", "2026/05/04"), (DAY, "dd.mm.yyyy", "04.05.2026"),
    (DAY, "d. mmmm yyyy", "4. May 2026"), (DAY, "[$-409]mmmm d, yyyy;@", "May 4, 2026"), (DAY, "mmm yyyy", "May 2026"),
    (DAY, "[$-en-US]dddd, d mmm yyyy h:mm AM/PM", "Monday, 4 May 2026 5:05 PM"), (DAY, "mm/yyyy", "05/2026"),
    (DAY, "h:mm", "17:05"),
    (DAY, "dd/mm/yyyy", "2026-05-04 17:05:30"), (DAY, "mm-dd-yy", "2026-05-04 17:05:30"),
    (DAY, "d-mmm-yy", "2026-05-04 17:05:30"),
    (DAY, "[$-407]d. mmmm yyyy", "2026-05-04 17:05:30"), (DAY, "[$-F800]dddd, mmmm dd, yyyy", "2026-05-04 17:05:30"),
    (datetime.time(9, 30), "h:mm", "9:30"), (datetime.time(9, 30), "hh:mm am/pm", "09:30 AM"),
    (datetime.time(0, 5), "h AM/PM", "12 AM"),
    (datetime.time(9, 30, 5, 250000), "mm:ss.0", "30:05.2"), (datetime.time(9, 30), "[$-F400]h:mm:ss AM/PM", "09:30"),
    (datetime.timedelta(days=1.5), "[h]:mm", "36:00"), (datetime.timedelta(seconds=95), "[mm]:ss", "01:35"),
    (datetime.timedelta(days=1.5), "[h]:mm x", "36:00:00"),
])  # fmt: skip
def test_a_value_is_told_as_its_number_format_shows_it(tmp_path: Path, value: Any, code: str, text: str) -> None:
    book = workbook(S=[["Key", "Value"], ["a", value]])
    book["S"]["B2"].number_format = code
    assert read(tmp_path, "a.xlsx", saved(book)).text == f"Key | Value\n\nKey: a{' | Value: ' * bool(text)}{text}"


def test_rows_that_begin_with_figures_in_words_have_no_header(tmp_path: Path) -> None:
    book = workbook(S=[[datetime.date(2026, 5, 4), 1234, "Orrin"], [datetime.date(2026, 6, 8), 56, "Skell"]])
    for row in book["S"]:
        row[0].number_format, row[1].number_format = "d mmmm yyyy", '#,##0 "kg"'
    assert read(tmp_path, "a.xlsx", saved(book)).text == "4 May 2026 | 1,234 kg | Orrin\n\n8 June 2026 | 56 kg | Skell"


def test_hidden_rows_and_columns_are_left_out_and_told(tmp_path: Path) -> None:
    rows = [["Fares", None, None, None], ["Key", "Port", "Fee", "Note"], [1, "Orrin", 4, "x"], [2, "Skell", 5, "y"], [3,
        "Bay", 6, "z"]]
    book = merged(rows, "A1:C1")
    sheet = book["S"]
    sheet.column_dimensions["A"].hidden = sheet.column_dimensions["Z"].hidden = sheet.row_dimensions[4].hidden = True
    document = read(tmp_path, "a.xlsx", saved(book))
    assert outline(document) == [
        (("S", "rows 1–3"), "Fares\n\nPort | Fee | Note\n\nPort: Orrin | Fee: 4 | Note: x\n\n"),
        (("S", "row 5"), "Port: Bay | Fee: 6 | Note: z"),
    ]
    assert document.notices == ("it has a hidden row and a hidden column, which are left out (show them to have them)",)
    sheet.column_dimensions["A"].hidden = False
    assert read(tmp_path, "a.xlsx", saved(book)).notices == ("it has a hidden row, which is left out (show it to have it)",)


def test_names_over_hidden_columns_stand_over_those_that_are_seen(tmp_path: Path) -> None:
    rows: list[Any] = [["Port", "Fee", None, None], [None, "Old", "Adult", "Child"], ["Orrin", 3, 4, 2], ["Skell", 1, 5, 6]]
    book = merged(rows, "A1:A2", "B1:D1")
    book["S"].column_dimensions["B"].hidden = True
    assert read(tmp_path, "a.xlsx", saved(book)).text.split("\n\n") == [
        "Port | Fee", " | Adult | Child", "Port: Orrin | Fee Adult: 4 | Fee Child: 2",
        "Port: Skell | Fee Adult: 5 | Fee Child: 6"]


def test_a_value_merged_down_from_a_hidden_row_is_seen_in_the_others(tmp_path: Path) -> None:
    book = merged([["Region", "Port"], ["North", "Orrin"], [None, "Skell"]], "A2:A3")
    book["S"].row_dimensions[2].hidden = True
    assert read(tmp_path, "a.xlsx", saved(book)).text == "Region | Port\n\nRegion: North | Port: Skell"


@pytest.mark.parametrize(("above", "notices"), [
    (None, ()), ("Region", ("it has a hidden column, which is left out (show it to have it)",)),
])  # fmt: skip
def test_a_value_merged_from_a_hidden_column_is_seen_in_all_its_rows(
    tmp_path: Path, above: str | None, notices: tuple[str, ...]
) -> None:
    rows: list[Any] = [[above, "Sub", "Port", "Fee"], ["North", None, "Orrin", 4], [None, None, "Skell", 5],
            [None, None, "Bay", 6]]
    book = merged(rows, "A2:B4")
    book["S"].column_dimensions["A"].hidden = True
    document = read(tmp_path, "a.xlsx", saved(book))
    assert document.text.split("\n\n") == ["Sub | Port | Fee", *(
        f"Sub: North | Port: {port}" for port in ("Orrin | Fee: 4", "Skell | Fee: 5", "Bay | Fee: 6"))]
    assert document.notices == notices


def test_a_merged_cell_of_which_no_column_is_seen_is_left_out(tmp_path: Path) -> None:
    rows: list[Any] = [[None, None, "Port", "Fee"], ["North", None, "Orrin", 4], [None, None, "Skell", 5]]
    book = merged(rows, "A2:B3")
    for column in "AB":
        book["S"].column_dimensions[column].hidden = True
    document = read(tmp_path, "a.xlsx", saved(book))
    assert document.text == "Port | Fee\n\nPort: Orrin | Fee: 4\n\nPort: Skell | Fee: 5"
    assert document.notices == ("it has a hidden column, which is left out (show it to have it)",)


@pytest.mark.parametrize(("values", "notices"), [
    ([7], ("it has a cell whose number format shows nothing, which is left out (change the format to have it)",)),
    ([7, "x"], ("it has 2 cells whose number formats show nothing, which are left out (change these to have them)",)),
    ([None, " ", 0], ()),
])  # fmt: skip
def test_cells_of_which_nothing_is_shown_are_counted_in_a_notice(
    tmp_path: Path, values: list[Any], notices: tuple[str, ...]
) -> None:
    book = workbook(S=[["Port", "Fee"], *(["Orrin", value] for value in values)])
    for [cell] in book["S"]["B2:B9"]:
        cell.number_format = ";;;"
    document = read(tmp_path, "a.xlsx", saved(book))
    assert (document.text, document.notices) == ("Port | Fee" + "\n\nPort: Orrin" * len(values), notices)


def test_cells_of_hidden_rows_and_columns_are_counted_with_these(tmp_path: Path) -> None:
    rows = [["Port", "Fee", "Sum"], ["Orrin", "#N/A", 1], ["Skell", 4, "#REF!"], ["Bay", 7, 2]]
    book = workbook(S=rows)
    sheet = book["S"]
    sheet["B2"].data_type = sheet["C3"].data_type = "e"
    sheet["A2"].number_format = sheet["C4"].number_format = ";;;"
    sheet.row_dimensions[2].hidden = sheet.column_dimensions["C"].hidden = True
    document = read(tmp_path, "a.xlsx", saved(book))
    assert document.text.endswith("Port: Skell | Fee: 4\n\nPort: Bay | Fee: 7")
    assert document.notices == ("it has a hidden row and a hidden column, which are left out (show them to have them)",)


@pytest.mark.parametrize(("errors", "notice"), [
    (["#N/A"], "it has a cell with an error, which is left out"),
    (["#N/A", "#REF!"], "it has 2 cells with errors, which are left out"),
])  # fmt: skip
def test_cells_with_errors_are_counted_in_a_notice(tmp_path: Path, errors: list[str], notice: str) -> None:
    document = read(tmp_path, "a.xlsx", saved(workbook(S=[["Port", "Fee"], *(["Orrin", error] for error in errors)])))
    assert document.text == "Port | Fee" + "\n\nPort: Orrin" * len(errors)
    assert document.notices == (notice,)


def test_of_a_formula_the_value_that_it_last_gave_is_read(tmp_path: Path) -> None:
    members = members_of(saved(workbook(S=[["Item", "Price"], ["Ticket", "=6*7"]])))
    name = "xl/worksheets/sheet1.xml"
    assert b"<f>6*7</f><v" in members[name]
    members[name] = members[name].replace(b"<f>6*7</f><v />", b"<f>6*7</f><v>42</v>").replace(b"<v></v>", b"<v>42</v>")
    document = read(tmp_path, "a.xlsx", zipped(members))
    assert (document.text, document.notices) == ("Item | Price\n\nItem: Ticket | Price: 42", ())


def test_a_formula_without_a_stored_value_is_told(tmp_path: Path) -> None:
    document = read(tmp_path, "a.xlsx", saved(workbook(S=[["Item", "Price"], ["Ticket", "=6*7"]])))
    assert (document.text, document.notices) == ("Item | Price\n\nItem: Ticket", (
        "it has formulas without a stored value, which are left out (save it in a spreadsheet program to have them)",
    ))  # fmt: skip


def test_hidden_sheets_are_left_out_and_the_title_is_that_of_the_properties(tmp_path: Path) -> None:
    book = workbook(Seen=[["Seen."]], Lists=[["Hidden."]])
    book["Lists"].sheet_state = "hidden"
    book.properties.title = "Plan 2026"
    document = read(tmp_path, "a.xlsx", saved(book))
    assert (document.title, document.text) == ("Plan 2026", "Seen.")
    assert document.notices == ("it has a hidden sheet, which is left out (show it to have it)",)


@pytest.mark.parametrize("block", [1 << 20, 16])
def test_hidden_sheets_that_hold_anything_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr("index.formats.xlsx.BLOCK", block)
    book = workbook(Seen=[["Seen."]], Lists=[["Hidden."]], Rates=[[None, 4]], Empty=[], Bare=[[None]])
    for name in book.sheetnames[1:]:
        book[name].sheet_state = "veryHidden" if name == "Rates" else "hidden"
    book["Bare"]["B2"].number_format = "0.00"
    document = read(tmp_path, "a.xlsx", saved(book))
    assert document.text == "Seen."
    assert document.notices == ("it has 2 hidden sheets, which are left out (show them to have them)",)


def test_rows_without_a_header(tmp_path: Path) -> None:
    document = read(tmp_path, "a.xlsx", saved(workbook(S=[[1, "one"], ["two", "deux"]], T=[["Only"], ["one"], ["column"]])))
    assert outline(document) == [
        (("S", "rows 1–2"), "1 | one\n\ntwo | deux\n\n"), (("T", "rows 1–3"), "Only\n\none\n\ncolumn")
    ]  # fmt: skip


def test_years_may_be_headers_and_a_column_may_have_none(tmp_path: Path) -> None:
    rows = [["Item", 2024, 2025, None], ["Sold", 5, 6, "estimated"]]
    assert read(tmp_path, "a.xlsx", saved(workbook(S=rows))).text.endswith("Item: Sold | 2024: 5 | 2025: 6 | estimated")


def test_a_table_below_an_empty_row_has_a_header_of_its_own(tmp_path: Path) -> None:
    cities: list[Any] = [["City", "Mayor"], ["Bonn", "Ada"], []]
    prices: list[Any] = [["Prices of fruit"], ["Fruit", "Price"], ["Apple", 3], ["Pear", "4 €"], []]
    wider: list[Any] = [["Name", "Room", "Floor"], ["Anna", "Attic", "Top"]]
    document = read(tmp_path, "a.xlsx", saved(workbook(S=[*cities, *prices, *wider])))
    assert document.text.split("\n\n") == [
        "City | Mayor", "City: Bonn | Mayor: Ada",
        "Prices of fruit", "Fruit | Price", "Fruit: Apple | Price: 3", "Fruit: Pear | Price: 4 €",
        "Name | Room | Floor", "Name: Anna | Room: Attic | Floor: Top",
    ]  # fmt: skip


def test_rows_below_an_empty_row_go_on_under_the_header_where_they_can(tmp_path: Path) -> None:
    rows: list[Any] = [["Name", "Town", "Age"], ["Anna", "Bonn", 3], []]
    assert read(tmp_path, "a.xlsx", saved(workbook(S=[*rows, ["Cid", "Kiel", 5], [], ["Total", None, 8]]))).text.endswith(
        "Name: Cid | Town: Kiel | Age: 5\n\nName: Total | Age: 8"
    )
    texts = [["Ben", "Ulm", "unknown"], ["Cid", "Kiel", "young"]]
    assert read(tmp_path, "a.xlsx", saved(workbook(S=[*rows, *texts]))).text.endswith(
        "Name: Ben | Town: Ulm | Age: unknown\n\nName: Cid | Town: Kiel | Age: young"
    )


def test_rows_of_another_shape_below_an_empty_row_have_no_labels_of_the_table_above(tmp_path: Path) -> None:
    stock: list[Any] = [["Product", "Colour", "Price"], ["Anvil", "grey", 129], []]
    agents = [["Region", "Agent"], ["North", "Tom Prior"], ["South", "Ilse"]]
    assert read(tmp_path, "a.xlsx", saved(workbook(S=[*stock, *agents]))).text.endswith(
        "Price: 129\n\nRegion | Agent\n\nNorth | Tom Prior\n\nSouth | Ilse")
    sums: list[Any] = [["Total", None, 129], ["Mean", None, 129]]
    assert read(tmp_path, "a.xlsx", saved(workbook(S=[*stock, *sums]))).text.endswith("Product: Mean | Price: 129")
    stock[1][2] = None  # then there is no telling
    assert read(tmp_path, "a.xlsx", saved(workbook(S=[*stock, *agents]))).text.endswith("Product: South | Colour: Ilse")


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([["Name", "Q1", "Q1", "Total"], ["Tea", None, 2, 3]], "Name | Q1 | Q1 | Total\n\nName: Tea | Q1: 2 | Total: 3"),
        ([["Item", "Q1", 2024], ["Tea", "A4", 5], ["Mug", "none", 2007]],
         "Item | Q1 | 2024\n\nItem: Tea | Q1: A4 | 2024: 5\n\nItem: Mug | Q1: none | 2024: 2007"),
        ([["Name", None, "Phone"], ["Anna", "x", 1]], "Name |  | Phone\n\nName: Anna | x | Phone: 1"),
        ([["Name", f"How {'very ' * 30}well?"], ["Anna", 1]],
         f"Name | How {'very ' * 30}well?\n\nName: Anna | How {'very ' * 30}well?: 1"),
    ],
)  # fmt: skip
def test_what_is_a_header(tmp_path: Path, rows: list[list[Any]], text: str) -> None:
    assert read(tmp_path, "a.xlsx", saved(workbook(S=rows))).text == text


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([["Berlin", "Germany"], ["Bonn", "Germany"]], "Berlin | Germany\n\nBonn | Germany"),
        ([["Acme Ltd", "Room 5"], ["Beta Ltd", "Room 12"]], "Acme Ltd | Room 5\n\nBeta Ltd | Room 12"),
        ([["Anna Berg", "anna@x.org"], ["Ben Friis", "ben@x.org"]], "Anna Berg | anna@x.org\n\nBen Friis | ben@x.org"),
        ([["Anna", "https://x.org/a"], ["Ben", None]], "Anna | https://x.org/a\n\nBen"),
        ([["Anna", 2020], ["Ben", 2021], ["Cid", 2019]], "Anna | 2020\n\nBen | 2021\n\nCid | 2019"),
        ([["Chair", "AB-12"], ["Table", "CX-7"], ["Bench", "QQ-140"]], "Chair | AB-12\n\nTable | CX-7\n\nBench | QQ-140"),
        ([["Anna", "She sings. " * 10], ["Ben", "He sings. " * 15]],
         f"Anna | {'She sings. ' * 10}".strip() + f"\n\nBen | {'He sings. ' * 15}".strip(" ")),
        ([["Tea", 1, 2, 3], ["Mug", None, 2, 3], [None, None, 4], [None, 5, 6]],
         "Tea | 1 | 2 | 3\n\nMug |  | 2 | 3\n\n4\n\n | 5 | 6"),
        ([[1, *[None] * 9000, 2], [3, None, 4]], "1 |  | 2\n\n3 |  | 4"),
        ([[None, None, 1, 2], [None, None, 3, 4], [None, None, None, 5, 6]], "1 | 2\n\n3 | 4\n\n | 5 | 6"),
    ],
)  # fmt: skip
def test_rows_without_a_header_keep_their_columns(tmp_path: Path, rows: list[list[Any]], text: str) -> None:
    assert read(tmp_path, "a.xlsx", saved(workbook(S=rows))).text == text


def test_a_block_longer_than_what_is_looked_at(tmp_path: Path) -> None:
    rows: list[Any] = [["Note"]] * 30 + [["Name", "Age"]] + [[f"N{n}", n] for n in range(50)]
    lines = read(tmp_path, "a.xlsx", saved(workbook(S=rows))).text.split("\n\n")
    assert lines == ["Note"] * 30 + ["Name | Age"] + [f"Name: N{n} | Age: {n}" for n in range(50)]


def test_numbers_that_begin_with_zeros(tmp_path: Path) -> None:
    book = workbook(S=[["Town", "Postcode"], ["Jena", 7743]])
    book["S"]["B2"].number_format = "00000"
    assert read(tmp_path, "a.xlsx", saved(book)).text.endswith("Town: Jena | Postcode: 07743")


def test_an_empty_chart_sheet_does_no_harm(tmp_path: Path) -> None:
    book = workbook(S=[["Text."]])
    book.create_chartsheet("Chart")
    assert read(tmp_path, "a.xlsx", saved(book)).text == "Text."


@pytest.mark.parametrize("name", ["a.xlsx", "a.zip", "a.docx", "a"])
def test_a_workbook_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, name, saved(workbook(S=[["Text."]]))).media_type == MEDIA_TYPE


def test_what_is_stated_of_a_sheets_size_is_not_believed(tmp_path: Path) -> None:
    members = members_of(saved(workbook(S=[["Text."]])))
    name = "xl/worksheets/sheet1.xml"
    for stated in (b"A1:XFD1048576", b"B7:B9"):
        wrong = members | {name: members[name].replace(b'ref="A1:A1"', b'ref="' + stated + b'"')}
        assert wrong[name] != members[name]
        assert read(tmp_path, "a.xlsx", zipped(wrong)).text == "Text."


def test_rows_beyond_those_of_excel_are_refused(tmp_path: Path) -> None:
    members = members_of(saved(workbook(S=[["Text."]])))
    name = "xl/worksheets/sheet1.xml"
    wrong = members[name].replace(b'<row r="1"', b'<row r="999999999999"')
    assert error_of(tmp_path, "a.xlsx", zipped(members | {name: wrong})) == UNOPENED


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.xlsx", zipped({"xl/workbook.xml": b"<x/>"}), UNOPENED),
        ("a.xlsx", zipped({"xl/workbook.xml": bytes(30_000_000)}),
         "a.xlsx: its 0.0 MB unpack to 30 MB, more than a workbook (Excel) needs. "
         "If you trust it, save it in parts of less than 300 MB unpacked"),
        ("a.xlsx", saved(workbook(S=[])), "a.xlsx: there is no text in it. Remove it, or save it again with its content"),
        ("a.xls", bytes.fromhex("D0CF11E0A1B11AE1") + bytes(600),
         "a.xls: it is an Excel workbook of the old kind (.xls). Save it as .xlsx and index it again"),
        ("a.xlsx", bytes.fromhex("D0CF11E0A1B11AE1") + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
         "a.xlsx: it is locked with a password. Remove the password and index it again"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    assert error_of(tmp_path, name, data) == message


def merged(rows: list[list[Any]], *places: str) -> Any:
    book = workbook(S=rows)
    for place in places:
        book["S"].merge_cells(place)
    return book


def test_a_cell_over_several_rows_is_in_each_of_them(tmp_path: Path) -> None:
    rows: list[Any] = [["Fares"], ["Region", "Port", "Fee"], ["North", "Orrin", 4], [None, "Skell", 5], [None, "Bay", None], [],
            [None, "Far", 8], ["South", "Ulm", 7]]
    book = merged(rows, "A1:C1", "A3:A7", "C4:D5")
    assert read(tmp_path, "a.xlsx", saved(book)).text.split("\n\n") == [
        "Fares", "Region | Port | Fee", "Region: North | Port: Orrin | Fee: 4", "Region: North | Port: Skell | Fee: 5",
        "Region: North | Port: Bay | Fee: 5", "Region: North | Port: Far | Fee: 8", "Region: South | Port: Ulm | Fee: 7",
    ]  # fmt: skip


def test_a_columns_name_over_two_rows_is_told_once(tmp_path: Path) -> None:
    rows: list[Any] = [["Port", "Fee", None], [None, "Adult", "Child"], ["Orrin", 4, 2]]
    assert read(tmp_path, "a.xlsx", saved(merged(rows, "A1:A2", "B1:C1"))).text.split("\n\n") == [
        "Port | Fee", " | Adult | Child", "Port: Orrin | Fee Adult: 4 | Fee Child: 2"]


@pytest.mark.parametrize(("rows", "places", "lines"), [
    pytest.param([["Sales"], [None, 2024, None, 2025], ["Region", "Q1", "Q2", "Q1"], ["North", 5, 7, 6], ["South", 8, None, 9]],
                 ["A1:D1", "B2:C2"],
                 ["Sales", " | 2024 |  | 2025", "Region | Q1 | Q2 | Q1", "Region: North | 2024 Q1: 5 | 2024 Q2: 7 | 2025 Q1: 6",
                  "Region: South | 2024 Q1: 8 | 2025 Q1: 9"], id="below a title"),
    pytest.param([[None, "Fee", None], ["Port", "Adult", "Child"], ["Orrin", 4, 2]], ["B1:C1"],
                 ["Fee", "Port | Adult | Child", "Port: Orrin | Fee Adult: 4 | Fee Child: 2"], id="one cell above names"),
    pytest.param([["Region", "Sales", None], [None, 2024, 2025], ["North", 512, 497]], ["B1:C1", "A1:A2"],
                 ["Region | Sales", " | 2024 | 2025", "Region: North | Sales 2024: 512 | Sales 2025: 497"], id="years"),
    pytest.param([["Key", "Value"], ["a", 1], [], ["Port", "Fee", None], [None, "Adult", "Child"], ["Orrin", 4, 2]],
                 ["A4:A5", "B4:C4"],
                 ["Key | Value", "Key: a | Value: 1", "Port | Fee", "Port | Adult | Child",
                  "Port: Orrin | Fee Adult: 4 | Fee Child: 2"], id="of a second table"),
])  # fmt: skip
def test_names_below_cells_over_several_columns_are_told_with_theirs(
    tmp_path: Path, rows: list[list[Any]], places: list[str], lines: list[str]
) -> None:
    assert read(tmp_path, "a.xlsx", saved(merged(rows, *places))).text.split("\n\n") == lines


def test_a_row_of_values_below_a_merged_cell_names_no_columns(tmp_path: Path) -> None:
    rows = [["Team", "Room", None], ["Blue", "North", "South"], ["Red", 12, 14], ["Green", 9, 8]]
    text = read(tmp_path, "a.xlsx", saved(merged(rows, "B1:C1"))).text
    assert "Blue:" not in text
    assert "Room North" not in text
    assert "Team Blue" not in text


@pytest.mark.parametrize(("rows", "place", "lines"), [
    pytest.param([["Port", "Fee", None], ["Orrin", 4, 2], ["Skell", 5, 3]], "B1:C1",
                 ["Port | Fee", "Port: Orrin | Fee: 4 | 2", "Port: Skell | Fee: 5 | 3"], id="figures below"),
    pytest.param([["Name", "Contact", None], ["Ada", "Quay 1", "ada@b.example"], ["Bob", "Quay 2", "bob@b.example"]], "B1:C1",
                 ["Name | Contact", "Name: Ada | Contact: Quay 1 | ada@b.example",
                  "Name: Bob | Contact: Quay 2 | bob@b.example"], id="words below"),
    pytest.param([["Fares", None, None], ["Port", "Adult", "Child"], ["Orrin", 4, 2]], "A1:C1",
                 ["Fares", "Port | Adult | Child", "Port: Orrin | Adult: 4 | Child: 2"], id="a title"),
    pytest.param([["Port", "Fee", None], [None, "Adult", "Child"]], "B1:C1",
                 ["Port | Fee", "Fee: Adult | Child"], id="nothing below the names"),
])  # fmt: skip
def test_a_second_row_that_is_not_plainly_names_is_one_of_values(
    tmp_path: Path, rows: list[list[Any]], place: str, lines: list[str]
) -> None:
    assert read(tmp_path, "a.xlsx", saved(merged(rows, place))).text.split("\n\n") == lines


def test_merged_cells_that_cannot_be_are_left_out_and_there_is_an_end_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = merged([["Region", "Port"], ["North", "Orrin"], [None, "Skell"], [None, "Bay"]], "A2:A4")
    members = members_of(saved(book))
    name = "xl/worksheets/sheet1.xml"
    assert b'<mergeCell ref="A2:A4"' in members[name]
    last = "Region: North | Port: Skell\n\nRegion: North | Port: Bay"
    told = b'<mergeCell ref="A2:A4"/>'
    refs = (b"A9:A2", b"A2:A9999999", b"2:3", b"", b"A0:A2", b"A2", b"B2:A2")
    garbage = b"".join(b'<mergeCell ref="%s"/>' % ref for ref in refs)
    assert _layout(io.BytesIO(garbage + told)).merged == {2: [(0, 1, 4)]}
    endless = members[name].replace(b"A2:A4", b"A2:A1048576")
    assert read(tmp_path, "a.xlsx", zipped(members | {name: endless})).text.endswith(last)
    for limit, most in (("MOST_MERGED", 0), ("MOST_REPEATED", 1)):
        with monkeypatch.context() as patch:
            patch.setattr(f"index.formats.xlsx.{limit}", most)
            assert read(tmp_path, "a.xlsx", zipped(members)).text.endswith("\n\nPort: Bay")


@pytest.mark.parametrize("block", [1 << 20, 64])
def test_comments_are_told_and_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    from openpyxl.comments import Comment

    monkeypatch.setattr("index.formats.xlsx.BLOCK", block)
    book = workbook(S=[["Port", "Fee"], ["Orrin", 4]])
    book["S"]["A2"].comment = Comment("Is it?", "Anna")
    document = read(tmp_path, "a.xlsx", saved(book))
    assert (document.text, document.notices) == (
        "Port | Fee\n\nPort: Orrin | Fee: 4", ("it has a comment, which is not read",))
    thread = b'<ThreadedComments><threadedComment ref="A2" id="1"><text>Is it?</text></threadedComment>' \
             b'<threadedComment ref="A2" id="2" parentId="1"><text>It is.</text></threadedComment></ThreadedComments>'
    members = members_of(saved(book)) | {"xl/threadedComments/threadedComment1.xml": thread}
    assert read(tmp_path, "a.xlsx", zipped(members)).notices == ("it has 2 comments, which are not read",)


# CSV


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("Port,Berths\nOrrin,4\nSkell,2\n", "Port | Berths\n\nPort: Orrin | Berths: 4\n\nPort: Skell | Berths: 2"),
        ("sep=;\r\nPort;Fee\r\nOrrin;1,50\r\n", "Port | Fee\n\nPort: Orrin | Fee: 1,50"),
        ("Port\tFee\nOrrin\t1,50\n", "Port | Fee\n\nPort: Orrin | Fee: 1,50"),
        ('Port,Note\nOrrin,"Two\nlines, ""quoted"""\n', 'Port | Note\n\nPort: Orrin | Note: Two lines, "quoted"'),
        ("1,2\n3,4\n", "1 | 2\n\n3 | 4"),
        ("Hafen;Gebühr\nÖland;3\n".encode("cp1252"), "Hafen | Gebühr\n\nHafen: Öland | Gebühr: 3"),
        ("Port,Berths\rOrrin,4\r".encode("utf-16"), "Port | Berths\n\nPort: Orrin | Berths: 4"),
        ("A,B\n1,2\n,\n\n3\n4,5,6\n7,\n,8\n9,9\n",
         "A | B\n\nA: 1 | B: 2\n\nA: 3\n\nA: 4 | B: 5 | 6\n\nA: 7\n\nB: 8\n\nA: 9 | B: 9"),
    ],
)  # fmt: skip
def test_csv_rows(tmp_path: Path, data: bytes | str, text: str) -> None:
    document = read(tmp_path, "a.csv", data)
    assert (document.media_type, document.text) == ("text/csv", text)


@pytest.mark.parametrize(
    ("data", "last"),
    [
        ("Artikel;Preis\nApfel;1,50\nBirne;2,50\nPflaume;4,20\n", "Artikel: Pflaume | Preis: 4,20"),
        ("Konto;Saldo\n4711;1.250,00\n4712;99,95\n4713;0,00\n", "Konto: 4713 | Saldo: 0,00"),
        ("Konto;Saldo, netto\n4711;1.250,00\n4712;99,95\n4713;0,00\n", "Konto: 4713 | Saldo, netto: 0,00"),
        ('"Name";"Ort"\n"A, B";"Bonn, DE"\n"C, D";"Ulm, DE"\n', "Name: C, D | Ort: Ulm, DE"),
        ("Artikel;Preis;Ort\nApfel;1,50; Berlin\nBirne;2,50;Bonn\nTee;3,75;Ulm\n", "Artikel: Tee | Preis: 3,75 | Ort: Ulm"),
        ("Name,Tags\nTea,a;b\nMug,c;d\n", "Name: Mug | Tags: c;d"),
        ("Name\tTags\nTea\ta,b;c\nMug\tc,d;e\n", "Name: Mug | Tags: c,d;e"),
        ("Preise, 2025\n\nArtikel;Preis\nApfel;1,50\nBirne;2,50\nTee;1,20\n", "Artikel: Tee | Preis: 1,20"),
        ("# exported, by a tool\n# 2024\nName,Age,City\nAnna,3,Bonn\nBob,4,Ulm\n", "Name: Bob | Age: 4 | City: Ulm"),
        ("#Name,Age\nAnna,3\nBob,4\n", "#Name: Bob | Age: 4"),
        ('id;body\n1;"' + "One, and more.\n" * 500 + '"\n2;"short"\n', "id: 2 | body: short"),
    ],
)
def test_which_delimiter_it_is(tmp_path: Path, data: str, last: str) -> None:
    assert read(tmp_path, "a.csv", data).text.split("\n\n")[-1] == last


@pytest.mark.parametrize(("data", "rows"), [
    ("Artikel;Preis;Notiz\nApfel;1,50\nBirne;2,50\nTee;1,20;neu\n",
     ["Artikel | Preis | Notiz", "Artikel: Apfel | Preis: 1,50", "Artikel: Birne | Preis: 2,50",
      "Artikel: Tee | Preis: 1,20 | Notiz: neu"]),
    ("Item,Qty,Shelf\nNails,20,A\nScrews,30\nGlue,5,B,extra\n",
     ["Item | Qty | Shelf", "Item: Nails | Qty: 20 | Shelf: A", "Item: Screws | Qty: 30",
      "Item: Glue | Qty: 5 | Shelf: B | extra"]),
])  # fmt: skip
def test_rows_of_different_lengths(tmp_path: Path, data: str, rows: list[str]) -> None:
    assert read(tmp_path, "a.csv", data).text.split("\n\n") == rows


@pytest.mark.parametrize("data", [
    "comment\nThe food was cold\nI liked the view, a lot\nNo.\n",
    'comment\n"The food was cold"\n"I liked the view, a lot"\nNo.',
])  # fmt: skip
def test_lines_of_one_column_are_rows(tmp_path: Path, data: str) -> None:
    document = read(tmp_path, "a.csv", data)
    assert document.text == "comment\n\nThe food was cold\n\nI liked the view, a lot\n\nNo."
    [chunk] = split(document, DEFAULT, 254, lambda texts: [len(text.split()) for text in texts])
    assert [document.text[start:end] for start, end in chunk.sentences] == [
        "comment", "The food was cold", "I liked the view, a lot", "No."]
    assert document.heading_of(*chunk.sentences[1]) == ("row 2",)


def test_commas_in_lines_of_one_column_divide_nothing(tmp_path: Path) -> None:
    lines = ["comment", "Good food, nice view", "Bad, I say", "Fine, really", "Yes, sure"]
    assert read(tmp_path, "a.csv", "\n".join(lines)).text.split("\n\n") == lines


def test_csv_rows_are_counted_as_a_spreadsheet_counts_them(tmp_path: Path) -> None:
    rows = "".join(f'"{number}\n",{"x" * 300}\n' for number in range(2, 5))
    document = read(tmp_path, "a.csv", f"Number,Text\n\n{rows}")
    assert [heading for heading, _ in outline(document)] == [("row 1",), ("rows 3–5",)]


@pytest.mark.parametrize(
    ("head", "suffix"),
    [
        (b"Port,Berths,Fee\nOrrin,4,1.5\nSkell,2,3\n", ""),
        (b"Port;Berths;Fee\nOrrin;4;1,5\nSkell;2;3\n", ".txt"),
        (b'Port\tBerths\tFee\nOrrin\t"4, or 5"\t1\nSkell\t2\t3\n', ".dat"),
        (b"Port,Berths\nOrrin,4", ".csv"),
        (b"Just one column\nand rows\nof it\n", ".csv"),
        (b"Port,Berths,Fee\n" + b"Orrin,4,1\n" * 1000, ".log"),
    ],
)
def test_what_is_taken_for_csv(head: bytes, suffix: str) -> None:
    found = detect(head[:4096], suffix)
    assert found is not None
    assert found.name == "CSV"


@pytest.mark.parametrize(
    ("head", "suffix", "name"),
    [
        (b"Red, white, blue\nOne, two, three\nFish, fowl, flesh\n", ".txt", "plain text"),
        (b"Dear Anna,\n\nwe came, we saw, we left.\n\nYours,\nBen\n", ".txt", "plain text"),
        (b"Port,Berths\nOrrin,4\nSkell,2\n", ".txt", "plain text"),
        (b"10,20,30\n40,50,60\n70,80,90\n", ".txt", "plain text"),
        (b"Port,Berths,Fee\nOrrin,4,1\nSkell,2,3\n", ".md", "Markdown"),
        (b"# Heading\n\nA page of [words](x).\n\n## Lower\n\nMore.\n", ".txt", "Markdown"),
        (b"a=1;b=2;c=3;\nif (x) { y; z; }\nreturn;\n", ".c", "plain text"),
        (b"| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n", ".txt", "plain text"),
        (b"2026-05-04;INFO;started\n2026-05-04;INFO;stopped\n2026-05-04;WARN;late\n", ".log", "plain text"),
    ],
)
def test_what_is_not_taken_for_csv(head: bytes, suffix: str, name: str) -> None:
    found = detect(head, suffix)
    assert found is not None
    assert found.name == name


def test_a_quotation_mark_that_is_never_closed(tmp_path: Path) -> None:
    assert error_of(tmp_path, "a.csv", "A,B\n" + "1,2\n" * 2000 + '"3,4\n' + "5,6\n" * 50_000) == (
        "a.csv: the row that begins in line 2002 cannot be read: its quotation marks do not match. "
        "See that every quotation mark in it is closed"
    )


def test_a_quotation_mark_that_another_rows_would_close(tmp_path: Path) -> None:
    assert error_of(tmp_path, "a.csv", "A,B\n" + '"3,4\n' + "5,6\n" * 50_000 + '7,"x"\n8,9\n') == (
        "a.csv: the row that begins in line 2 cannot be read: its quotation marks do not match. "
        "See that every quotation mark in it is closed"
    )


def test_a_long_cell(tmp_path: Path) -> None:
    article = "A long “article”. " * 20_000
    rows = ["id | text", f"id: 1 | text: {article.strip()}", "id: 2 | text: Short."]
    assert read(tmp_path, "a.csv", f'id,text\n1,"{article}"\n2,Short.\n').text.split("\n\n") == rows


def test_a_quotation_mark_that_is_never_closed_takes_in_no_rows(tmp_path: Path) -> None:
    assert error_of(tmp_path, "a.csv", 'id,note\n0,"two\nlines"\n1,"never closed\n2,b\n3,c\n') == (
        "a.csv: the row that begins in line 4 cannot be read: its quotation marks do not match. "
        "See that every quotation mark in it is closed"
    )


def test_a_long_header_does_not_make_much_of_short_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.formats.rows.MAX_UNPACKED", 2_000_000)
    assert error_of(tmp_path, "a.csv", f"{'a' * 100},{'b' * 100}\n" + "1,2\n" * 20_000) == (
        "a.csv: its rows with their headers are longer than 2 million characters. Split it into smaller files"
    )
