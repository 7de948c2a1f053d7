"""The application as a stranger meets it: what it does not let in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ui.app import create_app


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
