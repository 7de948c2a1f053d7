"""The REST face: ask, look up a citation or its page, say how the service is. Errors are JSON: what happened, what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from index.errors import Busy, InputError, NoIndex, PullquoteError, SourceChanged, SourceGone
from index.generation import file_sha256
from index.pages import boxes, page_image
from index.types import Document
from rag.assistant import Assistant
from ui.render import sentence
from ui.sources import Offsets, Reference, surroundings, verify

_STATUS: tuple[tuple[type[PullquoteError], int], ...] = (
    (InputError, 422), (SourceGone, 404), (SourceChanged, 409), (NoIndex, 503), (Busy, 503))


class Question(BaseModel):
    """The body of `POST /v1/ask`; `history` holds the user's earlier turns, oldest first."""

    question: str
    history: list[str] = Field(default_factory=list, max_length=100)


def router(assistant: Callable[[], Assistant]) -> APIRouter:
    """The routes, on whatever `assistant()` gives (it may raise NoIndex)."""
    routes = APIRouter()

    @routes.post("/v1/ask")
    def ask(body: Question) -> dict[str, Any]:
        """The answer to a question, or its refusal: the object that `pullquote ask --json` prints."""
        return assistant().ask(body.question, body.history).json()

    @routes.get("/v1/sources/{reference}")
    def source(reference: str, request: Request) -> dict[str, Any]:
        """The text around a citation, checked against the hash of what was cited.

        `highlight=START-END`, `other=START-END,…`: what else to tell apart; `from=N&to=N`: other paragraphs than those near.
        """
        asked = request.query_params
        cited = Reference.parse(reference)
        return surroundings(assistant().store.document(cited.document_id), cited,
                            next(iter(_spans(asked.get("highlight", ""))), None), _spans(asked.get("other", "")),
                            _number(asked.get("from")), _number(asked.get("to")))

    def cited_file(reference: str) -> tuple[Reference, Document, Path]:
        """A citation, its document, and the file that this was read from."""
        store, cited = assistant().store, Reference.parse(reference)
        document = store.document(cited.document_id)
        verify(document, cited)
        path = next(info.path for info in store.sources() if info.document_id == document.id)
        return cited, document, Path(path)

    @routes.get("/v1/pages/{reference}.png")
    def page(reference: str, request: Request) -> Response:
        """A page of the cited PDF as a picture, the quote highlighted: the first that it stands on, or `page=N`.

        `scale=2` is in pixels for a PDF point. The header `highlight: TOP-BOTTOM` says where to look, in pixels.
        """
        cited, document, path = cited_file(reference)
        asked = request.query_params
        number = _number(asked.get("page"))
        if number is None:
            number = document.section_at(cited.start).page or 1
        scale = _scale(asked.get("scale"))
        tag = f'"{document.file_sha256[:32]}.{cited.start}.{cited.end}.{number}.{scale:g}"'
        headers = {"etag": tag, "cache-control": "private, no-cache",  # it may be kept, and is asked for each time
                   "cross-origin-resource-policy": "same-origin"}
        if request.headers.get("if-none-match") == tag and path.is_file() and file_sha256(path) == document.file_sha256:
            return Response(status_code=304, headers=headers)
        png, drawn = page_image(document, path, number, cited.start, cited.end, scale)
        if drawn:
            headers["highlight"] = f"{min(box[1] for box in drawn):.0f}-{max(box[3] for box in drawn):.0f}"
        return Response(png, media_type="image/png", headers=headers)

    @routes.get("/v1/pages/{reference}")
    def places(reference: str) -> dict[str, Any]:
        """Where a quote stands on the pages of its PDF, in points from the lower left corner, a box a line."""
        cited, document, path = cited_file(reference)
        found = boxes(document, path, cited.start, cited.end)
        return {"source": document.source, "pages": [{"page": place.page, "boxes": place.boxes} for place in found]}

    @routes.api_route("/healthz", methods=["GET", "HEAD"])
    def health() -> dict[str, Any]:
        """Whether the service answers, and from what."""
        try:
            store = assistant().store
        except NoIndex:
            return {"ok": True, "generation": None, "documents": 0, "chunks": 0}
        sources = [source for source in store.sources() if not source.copy_of]
        return {"ok": True, "generation": store.generation, "documents": len(sources),
                "chunks": sum(source.chunks for source in sources)}

    known = tuple(routes.routes)

    for path in ("/v1", "/v1/{_:path}", "/healthz", "/healthz/"):
        routes.routes.append(Route(path, _Unknown(known)))
    return routes


class _Unknown:
    """What no other route takes, by any method; the page, which is mounted at "/", would answer it in a form of its own."""

    def __init__(self, known: Sequence[BaseRoute]) -> None:
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raise the error that tells whether the path or the method is wrong."""
        methods = {method for route in self._known if route.matches(scope)[0] is Match.PARTIAL
                   for method in getattr(route, "methods", ())}
        if methods:
            raise HTTPException(405, headers={"allow": ", ".join(sorted(methods))})
        raise HTTPException(404)


def add_error_handlers(app: FastAPI) -> None:
    """Make every error of the app JSON of the same form."""

    @app.exception_handler(PullquoteError)
    def known(_: Request, error: PullquoteError) -> JSONResponse:
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
        return error_response(status, error.message, error.remedy)

    @app.exception_handler(RequestValidationError)
    def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = "" if first["type"] == "json_invalid" else ".".join(str(part) for part in first["loc"][1:])
        return error_response(422, f"{where or 'the body'}: {first['msg']}",
                              'Send JSON such as {"question": "…", "history": ["…"]}')

    @app.exception_handler(HTTPException)
    def refused(_: Request, error: HTTPException) -> JSONResponse:
        told = error_response(error.status_code, error.detail, "See docs/formats.md for the routes and their methods")
        told.headers.update(error.headers or {})
        return told

    @app.exception_handler(Exception)
    def unforeseen(_: Request, error: Exception) -> JSONResponse:
        return error_response(500, f"something unforeseen went wrong: {type(error).__name__}", "See the server's log")


def error_response(status: int, message: str, remedy: str) -> JSONResponse:
    """What happened and what to do, as every error is told."""
    return JSONResponse({"error": sentence(message), "remedy": sentence(remedy) if remedy else ""}, status)


def _spans(text: str) -> list[Offsets]:
    """Read `START-END,START-END`."""
    if not text:
        return []
    if not re.fullmatch(r"\d{1,10}-\d{1,10}(,\d{1,10}-\d{1,10}){0,99}", text):
        raise InputError("spans are written START-END, with commas between them", "Correct the address")
    pairs = [span.split("-") for span in text.split(",")]
    return [(int(start), int(end)) for start, end in pairs]


def _scale(text: str | None) -> float:
    if text is None:
        return 2.0
    if not re.fullmatch(r"\d(\.\d{1,2})?", text):
        raise InputError("a scale is a number like 1.5", "Correct the address")
    return float(text)


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,9}", text):
        raise InputError("paragraphs and pages are asked for by number", "Correct the address")
    return int(text)
