from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from index.errors import InputError
from ui.api import add_error_handlers, router
from ui.app import create_app
from ui.guard import Guard

TEXT = "😀 Intro.\n\nStaff have 25 days. Others 12."


@pytest.fixture
def client(assistant, document, answer):
    """A client of the routes on one small document, and what is needed to make it misbehave."""

    def make(fake=None) -> TestClient:
        leave = document(TEXT)
        fake = fake or assistant([leave], answer((leave, "Staff have 25 days.", "25 days")))
        app = FastAPI()
        app.add_middleware(Guard)
        add_error_handlers(app)
        app.include_router(router(lambda: fake))
        return TestClient(app, base_url="http://localhost")

    return make


@pytest.fixture
def cited(document) -> str:
    leave = document(TEXT)
    start = TEXT.index("Staff")
    return f"{leave.id}.{start}.{start + 19}.{leave.text_sha256[:12]}"


def assert_error(response, status: int, *words: str) -> None:
    assert response.status_code == status
    assert set(response.json()) == {"error", "remedy"}
    for word in words:
        assert word in response.json()["error"] + response.json()["remedy"]


def test_ask_gives_the_contract(client, assistant, document, answer) -> None:
    leave = document(TEXT)
    made = answer((leave, "Staff have 25 days.", "25 days"))
    fake = assistant([leave], made)
    response = client(fake).post("/v1/ask", json={"question": "How many?", "history": ["Leave?"]})
    assert response.status_code == 200
    assert response.json() == made.json()
    assert fake.asked == [("How many?", ["Leave?"])]


@pytest.mark.parametrize("body", [{}, {"question": 3}, {"question": "a", "history": "b"}, [], {"history": []}])
def test_a_malformed_body_is_explained(client, body) -> None:
    assert_error(client().post("/v1/ask", json=body), 422, "question")


def test_a_body_that_is_no_json_is_explained(client) -> None:
    response = client().post("/v1/ask", content=b"{", headers={"content-type": "application/json"})
    assert_error(response, 422, "The body: JSON decode error.")


def test_a_question_that_cannot_be_used_is_explained(client, assistant, document) -> None:
    class Refusing(assistant):
        def ask(self, question, history=()):
            raise InputError("the question has 2001 characters; at most 2000 are read", "Shorten it")

    response = client(Refusing([document(TEXT)])).post("/v1/ask", json={"question": "x" * 2001})
    assert_error(response, 422, "2000 are read.", "Shorten it.")


def test_nothing_indexed(client, assistant) -> None:
    nothing = client(assistant())
    assert_error(nothing.post("/v1/ask", json={"question": "a"}), 503, "Nothing is indexed yet.", "pullquote index")
    assert nothing.get("/healthz").json() == {"ok": True, "generation": None, "documents": 0, "chunks": 0}


def test_healthz(client) -> None:
    assert client().get("/healthz").json() == {"ok": True, "generation": "000001-abc", "documents": 1, "chunks": 2}


def test_a_citation_is_shown_in_its_place(client, cited: str) -> None:
    key = TEXT.index("25 days")
    other = TEXT.index("Others 12.")
    told = client().get(f"/v1/sources/{cited}?highlight={key}-{key + 7}&other={other}-{other + 10}").json()
    assert told["verified"] is True
    assert told["window"][1]["segments"] == [
        ["Staff have ", "quote"], ["25 days", "highlight"], [".", "quote"], [" ", ""], ["Others 12.", "other"]]
    assert (told["source"], told["title"], told["paragraph"], told["paragraphs"]) == ("handbook/leave.md", "Leave", 2, 2)
    assert (told["author"], told["date"]) == ("", "")
    assert client().get(f"/v1/sources/{cited}?from=0&to=1").json()["window"] == [
        {"index": 0, "heading": False, "segments": [["😀 Intro.\n\n", ""]]}]


def test_a_changed_document_is_never_shown(client, cited: str) -> None:
    assert_error(client().get(f"/v1/sources/{cited[:-12]}{'0' * 12}"), 409,
                 "The document has changed since this answer was given.", "Ask again")


def test_a_document_that_is_gone(client, cited: str) -> None:
    assert_error(client().get(f"/v1/sources/{'0' * 16}{cited[16:]}"), 404, "no longer")


@pytest.mark.parametrize("end", ["nonsense", "0123456789abcdef.1.2"])
def test_what_is_no_citation(client, end: str) -> None:
    assert_error(client().get(f"/v1/sources/{end}"), 422, "not a citation")


@pytest.mark.parametrize("query", ["highlight=a-b", "other=1", "from=x", "from=-1", "other=1-2,", "highlight=0-999999"])
def test_malformed_queries(client, cited: str, query: str) -> None:
    assert_error(client().get(f"/v1/sources/{cited}?{query}"), 422)


def test_a_wrong_method_and_an_unforeseen_failure(client, assistant, document) -> None:
    class Broken(assistant):
        def ask(self, question, history=()):
            raise ZeroDivisionError

    assert_error(client().get("/v1/ask"), 405, "docs/formats.md")
    quiet = TestClient(client(Broken([document(TEXT)])).app, base_url="http://localhost", raise_server_exceptions=False)
    assert_error(quiet.post("/v1/ask", json={"question": "a"}), 500, "ZeroDivisionError")


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/v1/ask", 405), ("DELETE", "/v1/ask", 405), ("POST", "/healthz", 405), ("POST", "/v1/sources/x", 405),
    ("GET", "/v1/nope", 404), ("POST", "/v1/", 404), ("GET", "/v1", 404), ("GET", "/healthz/", 404), ("TRACE", "/v1/ask", 405),
])
def test_wrong_methods_and_paths_are_told_in_the_same_form_beside_the_page(tmp_path, method, path, status) -> None:
    with TestClient(create_app(tmp_path / "home"), base_url="http://localhost") as whole:
        response = whole.request(method, path)
        assert_error(response, status)
        assert ("allow" in response.headers) == (status == 405)
        assert whole.head("/healthz").status_code == 200


def test_every_response_has_the_security_headers(client, cited: str) -> None:
    for path in ("/healthz", f"/v1/sources/{cited}", "/v1/sources/nonsense", "/nowhere"):
        headers = client().get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
