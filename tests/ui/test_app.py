"""The application as a stranger meets it: what it does not let in."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from index.errors import SettingsError
from ui.app import FIRST_PORT, PORTS, _listen, create_app, serve
from ui.pages.chat import DELETE_SENT


@pytest.fixture
def client(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr("ui.library.Library.warm_up", lambda self: None)
    home.mkdir()
    with TestClient(create_app(home, hosts={"Box.example"}), base_url="http://localhost") as client:
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


def test_what_is_sent_waits_in_the_home_and_goes_with_the_chat(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.library.Library.warm_up", lambda self: None)
    assert DELETE_SENT[1] >= 24 * 3600  # builds wait for each other
    with TestClient(create_app(home), base_url="http://localhost") as client:
        [path] = client.post("/gradio_api/upload", files={"files": ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(40))}).json()
        assert Path(path).is_relative_to(home / ".incoming")
        event = next(event for event in client.get("/config").json()["dependencies"]
                     if any(kind == "upload" for _, kind in event["targets"]))
        data = [[{"path": path, "meta": {"_type": "gradio.FileData"}}]]
        client.post("/gradio_api/queue/join", json={"data": data, "fn_index": event["id"], "session_hash": "s"})
        assert "It is a PNG" in client.get("/gradio_api/queue/data?session_hash=s").text  # it was read
        assert not Path(path).exists()
        [left] = client.post("/gradio_api/upload", files={"files": ("leave.txt", b"25 days")}).json()
        assert Path(left).exists()
    assert not (home / ".incoming").exists()


def test_no_file_of_the_server_is_served(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("swordfish")
    assert client.get(f"/gradio_api/file={tmp_path / 'secret.txt'}").status_code == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:7860", "127.0.0.1:7860", "192.168.1.5", "[::1]:7860", "box.example",
                                  "BOX.example:80"])
def test_it_answers_to_its_own_names_and_to_addresses(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200
    sent = client.post("/gradio_api/upload", files={"files": b"x"}, headers={"host": host, "origin": f"http://{host}"})
    assert sent.status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:7860", "box.example.", "127.0.0.1.evil.example", "",
                                  "[::1", "[::1].evil.example", "1.2.3"])
def test_another_name_that_was_made_to_point_here_is_refused(client: TestClient, host: str) -> None:
    for path in ("/healthz", "/config", "/ui/app.js"):
        refused = client.get(path, headers={"host": host})
        assert (refused.status_code, refused.json()["error"]) == (400, "This server does not go by that name.")


@pytest.mark.parametrize(("host", "origin"), [
    ("192.168.1.5:7860", "http://evil.example"), ("192.168.1.5:7860", "http://192.168.1.6:7860"),
    ("192.168.1.5", "http://192.168.1.5:3000"), ("localhost:7860", "http://localhost:3000"),
    ("localhost:7860", "http://127.0.0.1:7860"), ("127.0.0.1:7860", "http://127.0.0.1"), ("localhost", "null"),
    ("localhost", ""), ("localhost", "http://[")])
def test_what_another_sites_page_sends_or_would_read_is_refused(client: TestClient, host: str, origin: str) -> None:
    """Browsers say `sec-fetch-site` to no plain http address but localhost, so nothing may hang on that."""
    crossing = {"host": host, "origin": origin, "sec-fetch-site": "same-site"}
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    for refused in (client.post("/v1/ask", json={"question": "?"}, headers=crossing),
                    client.post("/gradio_api/upload", files={"files": b"x"}, headers=crossing),
                    client.post("/gradio_api/queue/join", json={}, headers=crossing),
                    client.get("/config", headers=crossing), client.get("/healthz", headers=crossing),
                    client.options("/gradio_api/upload", headers={**crossing, **asks})):
        assert (refused.status_code, refused.json()["error"]) == (403, "Another site's page may not send this.")
        assert not [name for name in refused.headers if name.startswith("access-control")]
        assert "default-src 'self'" in refused.headers["content-security-policy"]


def test_the_server_goes_by_its_machines_name_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = []
    monkeypatch.setattr("socket.gethostname", lambda: "Box.corp.example")
    monkeypatch.setattr("ui.app._listen", lambda host, port: None)
    monkeypatch.setattr("ui.app._Server", lambda settings: SimpleNamespace(run=lambda sockets: served.append(settings.app)))
    serve(home, "0.0.0.0")
    client = TestClient(served.pop())
    for host, status in (("box.corp.example", 200), ("box:7860", 200), ("box.local", 200), ("corp.example", 400)):
        assert client.get("/healthz", headers={"host": host}).status_code == status


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
