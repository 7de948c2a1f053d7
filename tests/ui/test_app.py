"""The application as a stranger meets it: what it does not let in."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from index.errors import SettingsError
from ui.app import FIRST_PORT, PORTS, _listen, create_app


@pytest.fixture
def client(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr("ui.library.Library.warm_up", lambda self: None)
    home.mkdir()
    with TestClient(create_app(home, hosts=("localhost",)), base_url="http://localhost") as client:
        yield client


def test_a_file_of_the_server_is_no_upload(client: TestClient, home: Path, tmp_path: Path) -> None:
    """Every event is sent a path that nobody uploaded: none may take it in."""
    secret = tmp_path / "secret.txt"
    secret.write_text("The password is swordfish.")
    uploads = [event for event in client.get("/config").json()["dependencies"]
               if any(kind == "upload" for _, kind in event["targets"])]
    assert uploads
    for event in uploads:
        session = f"s{event['id']}"
        data = [[{"path": str(secret), "meta": {"_type": "gradio.FileData"}}], *[None] * (len(event["inputs"]) - 1)]
        client.post("/gradio_api/queue/join", json={"data": data, "fn_index": event["id"], "session_hash": session})
        told = client.get(f"/gradio_api/queue/data?session_hash={session}").text
        assert "was not uploaded by a user" in told
    assert not list(home.rglob("secret*"))


def test_no_file_of_the_server_is_served(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("swordfish")
    assert client.get(f"/gradio_api/file={tmp_path / 'secret.txt'}").status_code == 403


def test_another_name_for_this_address_is_refused(client: TestClient) -> None:
    assert client.get("/healthz", headers={"host": "evil.example"}).status_code == 400
    assert client.get("/healthz").status_code in (200, 503)


def test_what_another_site_sends_is_refused(client: TestClient) -> None:
    sent = client.post("/v1/ask", json={"question": "?"}, headers={"sec-fetch-site": "cross-site"})
    assert (sent.status_code, sent.json()["error"]) == (403, "Another site's page may not send this.")


class NoSocket(socket.socket):
    """One that never listens, and remembers where it was to."""

    tried: list[int]
    problem: OSError

    def bind(self, address: Any) -> None:
        self.tried.append(address[1])
        raise self.problem


@pytest.mark.parametrize(("problem", "tries", "where"), [
    (socket.gaierror(socket.EAI_NONAME, "Unknown name"), 1, f"nosuchhost:{FIRST_PORT} (Unknown name)"),
    (PermissionError(errno.EACCES, "Permission denied"), 1, f"nosuchhost:{FIRST_PORT} (Permission denied)"),
    (OSError(errno.EADDRINUSE, "Address in use"), PORTS, f"ports {FIRST_PORT} to {FIRST_PORT + PORTS - 1} (Address in use)"),
])
def test_only_where_a_port_is_taken_the_next_is_tried(
        monkeypatch: pytest.MonkeyPatch, problem: OSError, tries: int, where: str) -> None:
    monkeypatch.setattr("socket.socket", NoSocket)
    monkeypatch.setattr(NoSocket, "tried", tried := [], raising=False)
    monkeypatch.setattr(NoSocket, "problem", problem, raising=False)
    with pytest.raises(SettingsError, match=re.escape(where)):
        _listen("nosuchhost", None)
    assert tried == [*range(FIRST_PORT, FIRST_PORT + tries)]


def test_the_next_free_port_is_taken() -> None:
    with _listen("127.0.0.1", None) as first, _listen("127.0.0.1", None) as second:
        assert first.getsockname()[1] < second.getsockname()[1]
        with pytest.raises(SettingsError, match=f"127.0.0.1:{first.getsockname()[1]}"):
            _listen("127.0.0.1", first.getsockname()[1])
