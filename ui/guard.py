"""What stands before every route: whom the application answers, and the headers of every response.

A page of any site can send requests to whatever its reader's computer reaches, and Gradio answers them with leave to read.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.api import error_response

_HEADERS = {
    # Gradio needs inline scripts and compiles its templates; nothing may be loaded from, or sent to, anywhere else.
    "content-security-policy":
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
        "frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:/@\s]+)(?::\d+)?")


class Guard:
    """ASGI middleware: refuses what other sites' pages send, and adds the security headers to every response.

    A request has to be for an address in numbers, for localhost or for one of the names in `hosts`: any other name may be
    another site's, made to point here. Where it says from what page it comes (browsers do, of all that changes something and
    of all that another site's page would read), that must be a page of this very host and port. No stream is held back.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = {"localhost", *(host.lower() for host in hosts)}
        self._headers = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *self._headers]
            await send(message)

        answer = self._app if scope["type"] == "lifespan" else self._refusal(Headers(scope=scope)) or self._app
        await answer(scope, receive, with_headers)

    def _refusal(self, asked: Headers) -> ASGIApp | None:
        host, origin = asked.get("host", "").lower(), asked.get("origin")
        name = _HOST.fullmatch(host)
        if not name or not (name[1] in self._hosts or _is_address(name[1].strip("[]"))):
            return error_response(400, "this server does not go by that name",
                                  "Open the address that it printed, or start it with --host and the name")
        if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
            return error_response(403, "another site's page may not send this",
                                  "Open the chat itself; a proxy before it has to pass the header Host on")
        return None


def _is_address(name: str) -> bool:
    try:
        return bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def own_names() -> set[str]:
    """The names by which other computers may know this one."""
    name = socket.gethostname()
    short = name.split(".")[0]
    return {name, short, f"{short}.local"}
