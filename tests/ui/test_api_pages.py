"""The pages of PDFs over REST: a real file, a real process that draws it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pdfs import lines, reportlab, width
from PIL import Image

from index.files import read_documents
from ui.api import add_error_handlers, router
from ui.guard import Guard

PAGES = reportlab(lines((50, 250, "Staff have 25 days of leave."), (50, 40, "Unused days may be")),
                  lines((50, 260, "carried over until March.")))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "leave.pdf"
    path.write_bytes(PAGES)
    return path


@pytest.fixture
def client(file: Path, assistant) -> TestClient:
    fake = assistant(read_documents(file, "leave.pdf"), path=str(file))
    app = FastAPI()
    app.add_middleware(Guard)
    add_error_handlers(app)
    app.include_router(router(lambda: fake))
    return TestClient(app, base_url="http://localhost")


def cite(file: Path, quote: str) -> str:
    [document] = read_documents(file, "leave.pdf")
    start = document.text.index(quote)
    return f"{document.id}.{start}.{start + len(quote)}.{document.text_sha256[:12]}"


def test_a_source_says_on_which_pages_it_stands(client: TestClient, file: Path) -> None:
    assert client.get(f"/v1/sources/{cite(file, '25 days')}").json()["pages"] == [1]
    assert client.get(f"/v1/sources/{cite(file, 'may be' + chr(12) + 'carried')}").json()["pages"] == [1, 2]


def test_the_picture_of_a_page_and_where_to_look(client: TestClient, file: Path) -> None:
    response = client.get(f"/v1/pages/{cite(file, '25 days')}.png?scale=1.5")
    assert (response.status_code, response.headers["content-type"]) == (200, "image/png")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cross-origin-resource-policy"] == "same-origin"
    picture = Image.open(io.BytesIO(response.content)).convert("RGB")
    assert picture.size == (600, 450)
    top, bottom = map(int, response.headers["highlight"].split("-"))
    assert 1.5 * (300 - 250 - 12) < top < bottom < 1.5 * (300 - 250 + 7)
    assert picture.getpixel((int(1.5 * (50 + width("Staff have 25"))) + 2, (top + bottom) // 2)) == (253, 230, 138)


def test_each_page_of_a_quote_over_two(client: TestClient, file: Path) -> None:
    cited = cite(file, "Unused days may be\fcarried over until March.")
    first, second = (client.get(f"/v1/pages/{cited}.png?page={page}") for page in (1, 2))
    assert int(first.headers["highlight"].split("-")[0]) > 450
    assert int(second.headers["highlight"].split("-")[1]) < 150
    assert first.content == client.get(f"/v1/pages/{cited}.png").content
    places = client.get(f"/v1/pages/{cited}").json()
    assert places["source"] == "leave.pdf"
    assert [page["page"] for page in places["pages"]] == [1, 2]
    [[left, bottom, right, top]] = places["pages"][1]["boxes"]
    assert (left, right) == (pytest.approx(50, abs=2), pytest.approx(50 + width("carried over until March."), abs=2))
    assert 256 < bottom < 260 < top < 272


def test_a_browser_keeps_the_picture_as_long_as_the_file_is_the_same(client: TestClient, file: Path) -> None:
    address = f"/v1/pages/{cite(file, '25 days')}.png"
    response = client.get(address)
    assert response.headers["cache-control"] == "private, no-cache"
    tag = {"if-none-match": response.headers["etag"]}
    again = client.get(address, headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"{address}?scale=1", headers=tag).status_code == 200
    file.write_bytes(PAGES + b"\n")
    assert client.get(address, headers=tag).status_code == 409


@pytest.mark.parametrize(("end", "status", "words"), [
    (".png?page=3", 422, "does not stand on page 3"), (".png?page=0", 422, "does not stand on page 0"),
    (".png?scale=9", 422, "between 0.25 and 4"),
    (".png?scale=huge", 422, "a number like 1.5"), (".png?page=x", 422, "by number"), (".jpg", 422, "not a citation")])
def test_what_cannot_be_asked_for(client: TestClient, file: Path, end: str, status: int, words: str) -> None:
    response = client.get(f"/v1/pages/{cite(file, '25 days')}{end}")
    assert response.status_code == status
    assert words in response.json()["error"] + response.json()["remedy"]


def test_another_file_or_document_is_never_shown(client: TestClient, file: Path) -> None:
    cited = cite(file, "25 days")
    file.write_bytes(reportlab(lines((50, 200, "Staff have 26 days of leave."))))
    for end in ("", ".png"):
        response = client.get(f"/v1/pages/{cited}{end}")
        assert response.status_code == 409
        assert "has changed since it was indexed" in response.json()["error"]
    file.unlink()
    assert client.get(f"/v1/pages/{cited}.png").status_code == 404
    assert client.get(f"/v1/pages/{cited[:-12]}{'0' * 12}.png").status_code == 409
    assert client.get(f"/v1/pages/{'0' * 16}{cited[16:]}.png").status_code == 404


def test_a_text_has_no_pages(tmp_path: Path, assistant, document) -> None:
    leave = document("Staff have 25 days.")
    app = FastAPI()
    add_error_handlers(app)
    app.include_router(router(lambda: assistant([leave])))
    reference = f"{leave.id}.0.5.{leave.text_sha256[:12]}"
    assert TestClient(app).get(f"/v1/pages/{reference}.png").json()["error"].endswith("is no PDF and has no pages to show.")
    assert TestClient(app).get(f"/v1/sources/{reference}").json()["pages"] == []
