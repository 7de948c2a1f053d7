"""The web application: the page at "/", its own static files, the REST routes; and the server that runs it."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path

# Before gradio is imported: nothing is looked up or reported anywhere.
os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")

import gradio as gr
import uvicorn
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from index.errors import SettingsError
from index.files import MEGABYTE
from rag.config import Config
from ui.api import add_error_handlers, router
from ui.guard import Guard, own_names
from ui.library import Library
from ui.pages import chat, look

STATIC = Path(__file__).parent / "static"
FIRST_PORT, PORTS = 7860, 100  # tried in turn where none is given


def create_app(home: Path, config: Config | None = None, hosts: Collection[str] = ()) -> FastAPI:
    """The application on the library in `home`, which need not hold anything yet.

    `hosts` are names under which it may be asked for, besides localhost and addresses in numbers.
    """
    library = Library(home, config)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        library.warm_up()
        yield
        library.close()

    app = FastAPI(title="Pullquote", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_middleware(Guard, hosts=hosts)
    add_error_handlers(app)
    app.include_router(router(library.assistant))
    app.mount("/ui", StaticFiles(directory=STATIC), name="ui")
    os.environ["GRADIO_TEMP_DIR"] = str(library.sent)  # asked for again and again; of the last application in a process
    page = chat.page(library)
    page.has_launched = True  # a mounted page never says so itself, and without it Gradio takes any path for an upload
    gr.mount_gradio_app(
        app, page, path="/", theme=look.theme(), head=_head(), favicon_path=str(STATIC / "favicon.svg"),
        footer_links=[], run_history=False, ssr_mode=False, pwa=False, show_error=True,
        max_file_size=library.config.read_megabytes * MEGABYTE, allowed_paths=[],
        blocked_paths=[str(home.absolute() / name) for name in ("generations", "cache", "uploads")])
    return app


def serve(home: Path, host: str = "127.0.0.1", port: int | None = None, config: Config | None = None) -> None:
    """Run the application until it is interrupted, and print its address once it listens.

    Without a port, the first free one from 7860 on. Raises SettingsError where the port or the host cannot be had.
    """
    listening = _listen(host, port)
    app = create_app(home, config, hosts={host, *own_names()})
    # Open pages hold connections: without a limit they would hold up the end.
    settings = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3)
    with suppress(KeyboardInterrupt):  # the usual way to stop it
        _Server(settings).run(sockets=[listening])


class _Server(uvicorn.Server):
    """A server that says where it is, and ends without a word about the pages that are still open."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            print(f"Pullquote is at http://{shown}:{port} (stop it with Ctrl+C)", flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; the connections that are cut off then are no errors."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)


def _listen(host: str, port: int | None) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    problem = OSError()
    for candidate in range(FIRST_PORT, FIRST_PORT + PORTS) if port is None else [port]:
        listening = socket.socket(family)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, candidate))
            listening.listen()
            return listening
        except OSError as error:
            listening.close()
            problem = error
        if problem.errno != errno.EADDRINUSE:  # then no other port helps
            break
    taken = port is None and problem.errno == errno.EADDRINUSE
    where = f"{host}, ports {FIRST_PORT} to {FIRST_PORT + PORTS - 1}" if taken else f"{host}:{candidate}"
    raise SettingsError(f"cannot listen at {where} ({problem.strerror or problem})",
                        "Name another port with --port, or another address with --host") from problem


def _head() -> str:
    """Links to our own files, with addresses that change when the files do."""

    def address(name: str) -> str:
        return f"ui/{name}?{hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:8]}"

    return (f'<link rel="stylesheet" href="{address("app.css")}"><script src="{address("panel.js")}" defer></script>'
            f'<script src="{address("app.js")}" defer></script>')
